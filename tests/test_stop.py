"""Home Assistant stops at once, whatever waits for a vendor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
import time

import aiohttp
import pytest

from scripts.demo_support.accounts import sign_in_accounts
from scripts.demo_support.state import DemoError, State
from simulators.faults import Fault
from simulators.sensorist import CloudConfig, SensoristCloud

from .process import Life, living, until

# What a stop may take longer than that of a Home Assistant in which nothing is in flight.
LONGER = 3.0


@pytest.fixture
async def cloud(socket_enabled: None) -> AsyncIterator[SensoristCloud]:
    """A cloud in real time, of which every reply may be asked for again after a second."""
    plan = CloudConfig(
        gateways=1, sensors=1, max_ages={"/gateways": 1, "/measurements": 1, "/alarms": 1}
    )
    async with SensoristCloud(plan) as cloud:
        yield cloud


async def seconds_to_stop(life: Life) -> float:
    began = time.monotonic()
    await life.process.stop()
    return time.monotonic() - began


@pytest.mark.timeout(180)
async def test_a_stop_waits_for_no_action_no_reload_and_no_sign_in(
    cloud: SensoristCloud, tmp_path: Path
) -> None:
    state = State(tmp_path)
    async with living(state) as life:
        await sign_in_accounts(life.client, {"sensorist": {"url": cloud.url, **cloud.credentials}})
        stored = state.config / ".storage" / "core.config_entries"
        await until(lambda: stored.exists() and '"watchpost"' in stored.read_text(), seconds=40)
        idle = await seconds_to_stop(life)

    async with living(state) as life:
        entries = await life.client.get("/api/config/config_entries/entry")
        entry = next(found["entry_id"] for found in entries if found["domain"] == "watchpost")
        states: list[dict[str, str]] = []
        async with asyncio.timeout(40):
            while not (buttons := [s for s in states if s["entity_id"].startswith("button.")]):
                states = await life.client.get("/api/states")
                await asyncio.sleep(0.2)
        held = cloud.faults.add(Fault(kind="hold"))
        other = {"url": cloud.url, "username": "somebody", "password": "else"}

        async def ask(path: str, body: object) -> None:
            with suppress(aiohttp.ClientError, DemoError, KeyError):
                await life.client.post(path, body)

        async def sign_in_another() -> None:
            with suppress(aiohttp.ClientError, DemoError, KeyError):
                await sign_in_accounts(life.client, {"sensorist": other})

        asked = [
            asyncio.create_task(
                ask("/api/services/button/press", {"entity_id": buttons[0]["entity_id"]})
            )
        ]
        await until(lambda: held.used >= 1, seconds=40)
        asked.append(
            asyncio.create_task(ask(f"/api/config/config_entries/entry/{entry}/reload", {}))
        )
        await until(lambda: held.used >= 2, seconds=40)
        asked.append(asyncio.create_task(sign_in_another()))
        await until(lambda: held.used >= 3, seconds=40)
        busy = await seconds_to_stop(life)
        held.release()
        await asyncio.gather(*asked)

    assert busy < idle + LONGER
