"""A Home Assistant in this process, the simulated clouds in another, and a stopwatch for the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
import json
import logging
from pathlib import Path
import sys
import tempfile
import time
from unittest.mock import patch

from aiohttp.resolver import ThreadedResolver
from homeassistant import loader
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import aiohttp_client
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import custom_components  # noqa: E402, F401  before the test plugin's own folder of that name is found

# 28 gateways with 50 sensors of four sources: 9,912 enabled entities, just under Home Assistant's 10,000 for an entry
GATEWAYS = 28
SENSORS = 50
OF_GATEWAY = 4  # connectivity, events, restart, pairing
OF_SENSOR = 7  # connectivity, events, last measurement, four sources
ENTITIES = GATEWAYS * (OF_GATEWAY + SENSORS * OF_SENSOR)


class LoopbackResolver(ThreadedResolver):
    """Resolves without the mDNS listener of the stock one; nothing here needs a name."""

    async def real_close(self) -> None:
        await self.close()


@dataclass
class Stopwatch:
    """Processor seconds of this thread, which runs the event loop, and seconds on the wall."""

    cpu: float = 0.0
    wall: float = 0.0
    rounds: list[float] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        cpu, wall = time.thread_time(), time.perf_counter()
        yield
        self.rounds.append(time.thread_time() - cpu)
        self.cpu += self.rounds[-1]
        self.wall += time.perf_counter() - wall

    @property
    def best(self) -> float:
        """The least of the rounds: what else the machine does only ever adds."""
        return min(self.rounds)

    @property
    def median(self) -> float:
        return sorted(self.rounds)[len(self.rounds) // 2]


@asynccontextmanager
async def home_assistant() -> AsyncIterator[HomeAssistant]:
    """Open a Home Assistant with an empty configuration and asyncio's debug mode off."""
    logging.disable(logging.INFO)
    asyncio.get_running_loop().set_debug(False)
    with tempfile.TemporaryDirectory() as config:
        async with async_test_home_assistant(config_dir=config) as hass:
            hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
            await async_setup_component(hass, "network", {})
            with patch.object(aiohttp_client, "_async_make_resolver", lambda _: LoopbackResolver()):
                yield hass
            await hass.async_stop(force=True)


@asynccontextmanager
async def clouds(*options: str) -> AsyncIterator[dict[str, dict[str, str]]]:
    """Run the simulated clouds beside this process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators",
        *options,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


def large_site() -> tuple[str, ...]:
    """Say what the clouds hold, so that one account has `ENTITIES` entities."""
    return ("--gateways", str(GATEWAYS), "--sensors", str(SENSORS))


def sensorist_entry(hass: HomeAssistant, access: dict[str, str], number: int = 1) -> ConfigEntry:
    """Add an account as the config flow would, without setting it up."""
    entry = MockConfigEntry(
        domain="watchpost",
        unique_id=f"sensorist:{number}",
        title=f"Sensorist {number}",
        data={
            "vendor": "sensorist",
            "url": access["url"],
            "username": access["username"],
            "password": access["password"],
        },
    )
    entry.add_to_hass(hass)
    return entry
