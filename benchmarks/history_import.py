"""Hourly rows of history into long-term statistics, against handing the recorder ready rows.

Run: .venv/bin/python -m benchmarks.history_import [rows]
Both end with all rows in an SQLite file. Ours gets them from a vendor that has them at hand, looks first which hours
are missing, asks for seven days at a time, and waits for each of them to be written.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
import gc
import sys
import time

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.components.sensor import SensorEntityDescription, SensorStateClass
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import func, select

from ._harness import Stopwatch, home_assistant  # first: it puts our package on the path
from .refresh import max_hold

from custom_components.watchpost.engine.history.importer import HistoryChannel  # isort: skip
from custom_components.watchpost.engine.history.plan import hour_of  # isort: skip
from custom_components.watchpost.engine.history.backfill import HistoryBackfill  # isort: skip
from custom_components.watchpost.models import Channel, ChannelId, Hour  # isort: skip


class Processor(Stopwatch):
    """Also the processor seconds of all threads: the recorder's does most of the work."""

    process: float = 0.0
    hold: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.process_time()
        with super().running(), max_hold() as longest:
            yield
        self.process += time.process_time() - began
        self.hold = longest[0]


ROWS = 100_000
ENTITIES = 120
ROUNDS = 3  # of small imports
UNIT = "°C"

_DESCRIPTION = SensorEntityDescription(
    key="temperature",
    native_unit_of_measurement=UNIT,
    state_class=SensorStateClass.MEASUREMENT,
)


@asynccontextmanager
async def recording() -> AsyncIterator[HomeAssistant]:
    """Open a Home Assistant with the entities and a recorder that writes into a new file."""
    async with home_assistant() as hass:
        async_initialize_recorder(hass)
        path = hass.config.path("benchmark.db")
        config = {"db_url": f"sqlite:///{path}", "exclude": {"domains": ["sun"]}}
        assert await async_setup_component(hass, "recorder", {"recorder": config})
        await get_instance(hass).async_recorder_ready.wait()
        for number in range(ENTITIES):
            hass.states.async_set(
                entity_id(number),
                "20.0",
                {
                    "unit_of_measurement": UNIT,
                    "device_class": "temperature",
                    "state_class": SensorStateClass.MEASUREMENT,
                },
            )
        await hass.async_block_till_done()
        await get_instance(hass).async_block_till_done()
        yield hass
        assert await get_instance(hass).async_add_executor_job(_count, hass) > 0


def _count(hass: HomeAssistant) -> int:
    from homeassistant.components.recorder.db_schema import Statistics  # noqa: PLC0415

    with get_instance(hass).get_session() as session:
        return session.execute(select(func.count(Statistics.id))).scalar_one()


def entity_id(number: int) -> str:
    return f"sensor.value_{number}"


def start_of(hours: int) -> datetime:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now - timedelta(hours=hours + 2)


def value(number: int, hour: int) -> float:
    return 20.0 + number / 100 + hour % 24 / 10


async def stock(hours: int, watch: Stopwatch) -> int:
    start = start_of(hours)
    rows = {
        number: [
            StatisticData(
                start=start + timedelta(hours=hour),
                mean=value(number, hour),
                min=value(number, hour) - 1,
                max=value(number, hour) + 1,
            )
            for hour in range(hours)
        ]
        for number in range(ENTITIES)
    }
    async with recording() as hass:
        with watch.running():
            for number, found in rows.items():
                metadata = StatisticMetaData(
                    mean_type=StatisticMeanType.ARITHMETIC,
                    has_sum=False,
                    name=None,
                    source="recorder",
                    statistic_id=entity_id(number),
                    unit_class="temperature",
                    unit_of_measurement=UNIT,
                )
                async_import_statistics(hass, metadata, found)
            await get_instance(hass).async_block_till_done()
        return await get_instance(hass).async_add_executor_job(_count, hass)


async def ours(hours: int, watch: Stopwatch) -> int:
    start = start_of(hours)
    channels = [
        Channel("device", f"value-{number}", _DESCRIPTION, "feed") for number in range(ENTITIES)
    ]
    history = {
        channel.id: [
            Hour(
                start + timedelta(hours=hour),
                value(number, hour),
                value(number, hour) - 1,
                value(number, hour) + 1,
            )
            for hour in range(hours)
        ]
        for number, channel in enumerate(channels)
    }
    starts = [start + timedelta(hours=hour) for hour in range(hours)]

    async def ask(
        wanted: Sequence[Channel], since: datetime, until: datetime
    ) -> Mapping[ChannelId, Sequence[Hour]]:
        first, last = bisect_left(starts, since), bisect_left(starts, until)
        return {channel.id: history[channel.id][first:last] for channel in wanted}

    # What the vendor has at hand is no garbage that Home Assistant's rounds would look through.
    gc.collect()
    gc.freeze()
    async with recording() as hass:
        entry = MockConfigEntry(domain="watchpost", title="Stub")
        tracks = [
            HistoryChannel(channel, entity_id(number)) for number, channel in enumerate(channels)
        ]
        history_backfill = HistoryBackfill(
            hass, entry, channels=lambda: tracks, ask=ask, may_ask=lambda: True
        )
        first = hour_of(start)
        with watch.running():
            tallies = await history_backfill.async_import(
                [track.entity_id for track in tracks], first, first + hours
            )
        assert all(tally.written == hours for tally in tallies.values())
        return await get_instance(hass).async_add_executor_job(_count, hass)


async def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    hours = -(-wanted // ENTITIES)
    rounds = ROUNDS if wanted < ROWS else 1
    ratios = []
    for _ in range(rounds):
        theirs, mine = Processor(), Processor()
        assert await stock(hours, theirs) == ENTITIES * hours
        assert await ours(hours, mine) == ENTITIES * hours
        ratios.append(mine.process / theirs.process)
        print(
            f"{ENTITIES * hours} rows: ready rows {theirs.process:.2f} s, watchpost {mine.process:.2f} s "
            f"(event loop {theirs.cpu:.2f} s, {mine.cpu:.2f} s; wall {theirs.wall:.2f} s, {mine.wall:.2f} s; "
            f"longest hold {theirs.hold * 1000:.0f} ms, {mine.hold * 1000:.0f} ms), "
            f"ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"ratio (median)               {sorted(ratios)[len(ratios) // 2]:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
