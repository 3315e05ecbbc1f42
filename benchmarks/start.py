"""Measure what the integration adds to the start of a real Home Assistant, and whether it blocks the event loop.

Run: .venv/bin/python -m benchmarks.start
The same configuration is started in turn with and without the account, as processes of their own. One more start has
asyncio's debug mode on: it and Home Assistant's own detector must have nothing to say of the integration.
"""

import asyncio
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from scripts.demo_support.accounts import sign_in_accounts  # noqa: E402
from scripts.demo_support.client import signed_in  # noqa: E402
from scripts.demo_support.home_assistant import home_assistant  # noqa: E402
from scripts.demo_support.state import State, free_port  # noqa: E402
from simulators.sensorist import CloudConfig, SensoristCloud  # noqa: E402

ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")

_IMPORTS = """
import time
from homeassistant.components import {components}
import homeassistant.components.recorder.statistics, homeassistant.config_entries, voluptuous, msgspec
start = time.process_time()
import custom_components.watchpost.config_flow
from custom_components.watchpost import {platforms}
print(time.process_time() - start)
"""
_PLATFORMS = "binary_sensor, button, event, number, sensor"


def imports() -> float:
    """Processor seconds for the package's own modules, when what Home Assistant has loaded anyway is there."""
    code = _IMPORTS.format(
        components=f"{_PLATFORMS}, webhook, repairs, diagnostics, system_health, automation",
        platforms=f"{_PLATFORMS}, diagnostics, system_health, trigger, condition, logbook",
    )
    command = [sys.executable, "-c", code]
    times = [float(subprocess.check_output(command, cwd=ROOT)) for _ in range(ROUNDS)]
    return min(times)


async def started(folder: Path, *, debug: bool = False) -> tuple[float, float, str]:
    """Start and stop; returns wall and processor seconds until it runs, and what it logged."""
    state, port = State(folder), free_port()
    if debug:
        os.environ["PYTHONASYNCIODEBUG"] = "1"
    began = time.perf_counter()
    async with home_assistant(state, port) as child, signed_in(f"http://127.0.0.1:{port}", child):
        wall, processor = time.perf_counter() - began, processor_seconds(child._process.pid)  # noqa: SLF001
        if debug:
            await asyncio.sleep(20)  # a few polls
    os.environ.pop("PYTHONASYNCIODEBUG", None)
    return wall, processor, state.log_of_home_assistant.read_text()


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def without_account(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target, symlinks=True)
    entries = target / "config/.storage/core.config_entries"
    stored = json.loads(entries.read_text())
    kept = [entry for entry in stored["data"]["entries"] if entry["domain"] != "watchpost"]
    assert len(kept) < len(stored["data"]["entries"])
    stored["data"]["entries"] = kept
    entries.write_text(json.dumps(stored))


async def main() -> None:
    print(f"import of the package's own modules: {imports() * 1000:.0f} ms")
    plan = CloudConfig(gateways=2, sensors=5, max_age=5)
    with tempfile.TemporaryDirectory() as temporary:
        folder, plain = Path(temporary) / "with", Path(temporary) / "without"
        async with SensoristCloud(plan) as cloud:
            await set_up(State(folder), cloud)
            without_account(folder, plain)
            runs: dict[Path, list[tuple[float, float, str]]] = {folder: [], plain: []}
            for _ in range(ROUNDS):
                for each, found in runs.items():
                    found.append(await started(each))
            for number, name in enumerate(("wall", "processor")):
                mine, theirs = (min(run[number] for run in runs[each]) for each in (folder, plain))
                print(
                    f"start until running, {name:9}: without {theirs:.2f} s, with an account of 10 sensors "
                    f"{mine:.2f} s, ratio {mine / theirs:.2f}"
                )
            said = (await started(folder, debug=True))[2].splitlines()
    ours = [line for line in said if "watchpost" in line and "not been tested" not in line]
    blocking = [line for line in ours if "blocking call" in line or "took" in line]
    print(
        f"with asyncio's debug mode: {len(blocking)} lines about blocking or slow callbacks of ours"
    )
    for line in blocking[:5]:
        print(f"  {line[:160]} ... {line[-80:]}")


async def set_up(state: State, cloud: SensoristCloud) -> None:
    port = free_port()
    access = {"url": cloud.url, "control": cloud.control_url, **cloud.credentials}
    async with (
        home_assistant(state, port) as child,
        signed_in(f"http://127.0.0.1:{port}", child) as client,
    ):
        await sign_in_accounts(client, {"sensorist": access})
        await asyncio.sleep(12)  # until the configuration is on disk


if __name__ == "__main__":
    asyncio.run(main())
