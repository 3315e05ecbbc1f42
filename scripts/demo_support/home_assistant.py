"""A real Home Assistant process with this checkout's integration."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
import json
import sys

from .processes import ChildProcess, running
from .state import REPOSITORY, State, claim_port

# The integrations of `default_config` that need neither radios nor a compiler.
_CONFIGURATION = """\
homeassistant:
  name: Watchpost demo
  latitude: 47.3769
  longitude: 8.5417
  elevation: 408
  unit_system: metric
  currency: EUR
  country: CH
  language: en
  time_zone: Europe/Zurich
  external_url: http://127.0.0.1:{port}
  media_dirs:
    local: {media}

http:
  server_host: 127.0.0.1
  server_port: {port}

logger:
  default: warning
  logs:
    custom_components.watchpost: info

automation: !include automations.yaml
config:
frontend:
history:
input_boolean:
logbook:
media_source:
recorder:
  commit_interval: 1
stream:
system_health:
webhook:
"""

# Every step but the user; the core_config step would add services from the internet.
_ONBOARDING = {
    "version": 4,
    "minor_version": 1,
    "key": "onboarding",
    "data": {"done": ["core_config", "analytics", "integration"]},
}


@asynccontextmanager
async def home_assistant(
    state: State, port: int, program: Sequence[str] = ("-m", "homeassistant")
) -> AsyncIterator[ChildProcess]:
    """Run Home Assistant on `port` of the loopback interface; `program` is what Python starts."""
    claim_port(port)
    _write_configuration(state, port)
    # --skip-pip: scripts/setup has installed what these integrations need, pinned.
    command = (*program, "--config", str(state.config), "--skip-pip", "--log-no-color")
    async with running(
        "Home Assistant",
        sys.executable,
        *command,
        cwd=state.config,
        log=state.log_of_home_assistant,
    ) as child:
        yield child


def _write_configuration(state: State, port: int) -> None:
    media = state.config / "media"
    media.mkdir(exist_ok=True)
    (state.config / "configuration.yaml").write_text(
        _CONFIGURATION.format(port=port, media=media.resolve())
    )
    (state.config / "automations.yaml").touch()
    link = state.config / "custom_components"
    if not link.is_symlink():
        link.symlink_to(REPOSITORY / "custom_components")
    storage = state.config / ".storage"
    storage.mkdir(exist_ok=True)
    onboarding = storage / "onboarding"
    if not onboarding.exists():
        onboarding.write_text(json.dumps(_ONBOARDING))
    # Home Assistant takes `http:` from YAML only while it has no settings of its own.
    (storage / "http").unlink(missing_ok=True)
