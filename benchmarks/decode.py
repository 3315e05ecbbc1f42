"""Decoding 10,000 measurements to typed records against orjson.loads of the same bytes; memory per channel.

Run: .venv/bin/python -m benchmarks.decode
Memory is all that set-up leaves behind, held replies among it, per entity; against bare entities of a stub.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import gc
import time
import tracemalloc

from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
import orjson
from pytest_homeassistant_custom_component.common import MockConfigEntry, mock_config_flow

from custom_components.watchpost.models import Channel, Device
from custom_components.watchpost.vendors.sensorist.models import LatestDecoder, parse_latest

from ._harness import ENTITIES, clouds, home_assistant, large_site, sensorist_entry
from .set_up import stub

MEASUREMENTS = 10_000
ROUNDS = 50


def reply() -> bytes:
    start = datetime(2026, 1, 5, 12, tzinfo=UTC)
    rows = {
        str(1_000_000 + number): {
            "date": (start + timedelta(seconds=number % 900)).isoformat().replace("+00:00", "Z"),
            "value": round(-20 + number % 800 / 10, 1),
            "type": 1,
            "seq": 10_000 + number,
        }
        for number in range(MEASUREMENTS)
    }
    return orjson.dumps({"code": 200, "measurements": rows})


def best[T](act: Callable[[], T]) -> tuple[float, T]:
    least, result = float("inf"), act()
    for _ in range(ROUNDS):
        start = time.thread_time()
        result = act()
        least = min(least, time.thread_time() - start)
    return least, result


def decode() -> None:
    body = reply()
    plain, loaded = best(lambda: orjson.loads(body))
    whole, parsed = best(lambda: parse_latest(body))
    assert len(parsed.value) == MEASUREMENTS
    assert not parsed.rejected
    for source, row in loaded["measurements"].items():
        found = parsed.value[source]
        assert found.value == row["value"]
        assert found.date == datetime.fromisoformat(row["date"])

    reader = LatestDecoder({})
    reader.begin()
    reader.read((), body)
    reader.accept()
    changed = body.replace(b'"value":-20.0', b'"value":-19.0')  # one in 800
    again, news = best(lambda: reader.read((), changed))
    assert 0 < len(news.value) <= MEASUREMENTS // 100
    print(f"orjson.loads of {MEASUREMENTS} measurements       {plain * 1000:.2f} ms")
    print(
        f"typed records                          {whole * 1000:.2f} ms  ratio {whole / plain:.2f}"
    )
    print(
        f"typed records of the few that changed  {again * 1000:.2f} ms  ratio {again / plain:.2f}"
    )


async def grown(hass: HomeAssistant, entry: ConfigEntry) -> int:
    gc.collect()
    tracemalloc.start()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert len(hass.states.async_all()) == ENTITIES
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size


async def ours() -> tuple[int, list[Channel], dict[str, Device]]:
    async with clouds(*large_site()) as access, home_assistant() as hass:
        entry = sensorist_entry(hass, access["sensorist"])
        size = await grown(hass, entry)
        tracker = entry.runtime_data.inventory.tracker
        return size, list(tracker.channels.values()), tracker.devices


async def bare(channels: list[Channel], devices: dict[str, Device]) -> int:
    async with home_assistant() as hass:
        stub(hass, channels, devices)
        entry = MockConfigEntry(domain="stub")
        entry.add_to_hass(hass)
        with mock_config_flow("stub", ConfigFlow):
            return await grown(hass, entry)


async def memory() -> None:
    _, channels, devices = await ours()  # the first of each pays for imports
    await bare(channels, devices)
    mine, *_ = await ours()
    theirs = await bare(channels, devices)
    print(
        f"memory per channel: bare {theirs / ENTITIES / 1024:.1f} KiB, "
        f"watchpost {mine / ENTITIES / 1024:.1f} KiB  ratio {mine / theirs:.2f}"
    )


if __name__ == "__main__":
    decode()
    asyncio.run(memory())
