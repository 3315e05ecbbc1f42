"""Measure the time from a webhook's arrival to the written state, and the cost of 10,000 calls in ten seconds.

Run: .venv/bin/python -m benchmarks.push
A whole Home Assistant with its own web server, a simulated cloud over real HTTP, in real time. The scale for the first
is one request of the same answer by a bare client: what is asked after a call cannot be had for less.
"""

import asyncio
from contextlib import suppress
import gc
import json
import logging
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import aiohttp
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.setup import async_setup_component
import pytest

from simulators.sensorist import CloudConfig, SensoristCloud
from simulators.sensorist.config import DeliveryConfig

PRESSES = 12
CALLS, A_SECOND = 10_000, 1_000
SECONDS = CALLS / A_SECOND


async def sign_in(hass: HomeAssistant, cloud: SensoristCloud) -> ConfigEntry:
    flow = hass.config_entries.flow
    menu = await flow.async_init("watchpost", context={"source": "user"})
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "sensorist"})
    fields = {
        "username": cloud.username,
        "password": cloud.password,
        "advanced": {"url": cloud.url},
    }
    result = await flow.async_configure(form["flow_id"], fields)
    await hass.async_block_till_done()
    return result["result"]


async def fastest(act: Any) -> float:
    least = float("inf")
    for _ in range(PRESSES):
        start = time.perf_counter()
        await act()
        least = min(least, time.perf_counter() - start)
    return least


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    return hass_tmp_config_dir


async def test_push(
    hass: HomeAssistant,
    enable_custom_integrations: None,
    socket_enabled: None,
    hass_client_no_auth: Any,
) -> None:
    # As in an ordinary start: no debugging, and no line for each call.
    hass.loop.set_debug(False)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    assert await async_setup_component(hass, "webhook", {})
    client = await hass_client_no_auth()
    await hass.config.async_update(external_url=f"http://127.0.0.1:{client.port}")
    plan = CloudConfig(gateways=1, sensors=2 * PRESSES, callbacks=DeliveryConfig(loss=1))
    async with SensoristCloud(plan) as cloud:
        entry = await sign_in(hass, cloud)
        hook = f"http://127.0.0.1:{client.port}/api/webhook/{entry.data[CONF_WEBHOOK_ID]}"
        # Not the client of Home Assistant's tests, which keeps every answer.
        async with aiohttp.ClientSession() as session:
            await latency(hass, session, hook, cloud)
            await storm(hass, session, hook, cloud, entry)


async def latency(
    hass: HomeAssistant, session: aiohttp.ClientSession, hook: str, cloud: SensoristCloud
) -> None:
    """Press buttons without a call, then send the call and measure."""
    waiting = iter(cloud.gateways[0].sensors)
    written = asyncio.Event()

    @callback
    def note(event: Any) -> None:
        written.set()

    hass.bus.async_listen("state_changed", note)
    times = []
    for sensor in [next(waiting) for _ in range(PRESSES)]:
        rows = cloud.press_button(sensor)
        body = {"type": 1, "data": {"sensor": sensor.id, "date": rows[0].date.isoformat()}}
        await asyncio.sleep(0.1)
        written.clear()
        asked, start = len(cloud.log), time.perf_counter()
        async with session.post(hook, data=json.dumps(body)) as answer:
            assert answer.status == 200
        async with asyncio.timeout(5):
            await written.wait()
        times.append(time.perf_counter() - start)
        assert len(cloud.log) == asked + 1
        await hass.async_block_till_done()
    last = cloud.log[-1]
    address = f"{cloud.url}{last.path.removeprefix('/v1')}"
    login = aiohttp.encode_basic_auth(cloud.username, cloud.password)
    async with aiohttp.ClientSession(headers={"Authorization": login}) as bare_session:

        async def ask() -> None:
            async with bare_session.get(address, params=last.query) as reply:
                assert reply.status == 200
                await reply.read()

        bare = await fastest(ask)
    print(
        f"\nfrom a call to the written state: {min(times) * 1000:.1f} ms (median "
        f"{sorted(times)[len(times) // 2] * 1000:.1f} ms), of which the one request to the vendor is about "
        f"{bare * 1000:.1f} ms; ratio {min(times) / bare:.1f}"
    )


async def storm(
    hass: HomeAssistant,
    session: aiohttp.ClientSession,
    hook: str,
    cloud: SensoristCloud,
    entry: ConfigEntry,
) -> None:
    sensors = cloud.gateways[0].sensors[:3]
    bodies = [json.dumps({"type": 1, "data": {"sensor": sensor.id}}) for sensor in sensors]

    async def send(number: int) -> None:
        for _ in range(3):  # a connection that was kept may have been closed meanwhile
            with suppress(aiohttp.ServerDisconnectedError):
                async with session.post(hook, data=bodies[number % len(bodies)]) as answer:
                    assert answer.status == 200
                    return

    async def batch(count: int) -> None:
        await asyncio.gather(*(send(number) for number in range(count)))

    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    await batch(100)
    await hass.async_block_till_done()
    tracemalloc.start(1)
    asked, start, half = len(cloud.log), time.perf_counter(), 0
    for step in range(0, CALLS, 50):
        if step == CALLS // 2:
            half = held()  # connections and Home Assistant's own buffers are there by now
        await batch(50)
        await asyncio.sleep(max(start + step / A_SECOND - time.perf_counter(), 0))
    seconds = time.perf_counter() - start
    stayed = held() - half
    await hass.async_block_till_done()
    tracemalloc.stop()
    requests = cloud.log[asked:]
    early = [record for record in requests if record.early]
    print(
        f"{CALLS} calls about 3 things in {seconds:.1f} s: {len(requests)} requests to the vendor, "
        f"{len(early)} of them early; {stayed / CALLS * 2:.1f} bytes a call stay"
    )
    counted = entry.runtime_data.push.diagnostics()
    assert counted["calls"] >= CALLS
    assert not early
    # A call is answered at once; what it is about is asked no more often than every ten seconds, and the polls go on.
    assert len(requests) <= 3 * (seconds / 10 + 2) + 6


def main() -> int:
    options = [
        "-q",
        "-s",
        "--no-header",
        "--timeout=0",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:logging",
    ]
    # In a process of its own: the plugin must come before what it prepares.
    return subprocess.call([sys.executable, "-m", "pytest", __file__, *options])


if __name__ == "__main__":
    sys.exit(main())
