"""What the Manfred Kunze platform remembers reaches the statistics: aggregated, or made of raw readings."""

import asyncio
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import statistics_during_period
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from simulators.manfred_kunze import Sensor

from .conftest import DOMAIN, START, House
from .mk_house import MkHouse, OpenMk

DAY = timedelta(days=1)
TASK = f"{DOMAIN} history"


@pytest.fixture(autouse=True)
def _find_the_integration(freezer: FrozenDateTimeFactory, recorder_db_url: str) -> None:
    """In place of the one for all tests: the recorder must be there before Home Assistant is."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    freezer.move_to(START)


@pytest.fixture
def house(recorder_mock: Recorder, enable_custom_integrations: None, house: House) -> House:
    return house


async def filled(house: MkHouse) -> None:
    """Wait until nothing more is being filled."""
    await house.settle()
    while filling := [task for task in asyncio.all_tasks() if task.get_name() == TASK]:
        await asyncio.wait(filling)
        await house.settle()
    await async_recorder_block_till_done(house.hass)
    await house.settle()


async def hours(house: MkHouse, sensor: Sensor) -> dict[datetime, tuple[float, float, float]]:
    """The hourly statistics of a sensor's entity: mean, least and greatest."""
    entity_id = house.entity(f"component-{sensor.component.id}", f"sensor-{sensor.id}")
    rows = await house.hass.data["recorder_instance"].async_add_executor_job(
        statistics_during_period,
        house.hass,
        START - 60 * DAY,
        None,
        {entity_id},
        "hour",
        None,
        {"mean", "min", "max"},
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): (row["mean"], row["min"], row["max"])
        for row in rows.get(entity_id, ())
    }


def truth(sensor: Sensor, now: int, hour: datetime) -> list[float]:
    start = int(hour.timestamp())
    return [float(one.value) for one in sensor.readings(start, start + 3599, now)]


@pytest.mark.parametrize(
    "variants",
    [
        {},
        pytest.param(
            {"readings_paths": "query", "names": "other", "paging": "items", "times": "offset"},
            marks=pytest.mark.soak,
        ),
        {"aggregated": False, "order": "oldest", "reading": "typed", "paging": "array"},
    ],
    ids=["aggregated", "aggregated elsewhere", "raw"],
)
async def test_the_last_thirty_days_are_filled_in_hour_by_hour(
    mk_house: MkHouse, open_mk: OpenMk, variants: dict[str, Any]
) -> None:
    mk = await open_mk(variants, devices=1, components=1, interval=600, cameras=0)
    entry = await mk_house.sign_in(mk)
    await filled(mk_house)
    for _ in range(3):
        await mk_house.pass_time(300)
        await filled(mk_house)

    sensor = mk.sensor("temperature")
    rows = await hours(mk_house, sensor)
    assert len(rows) >= 29 * 24
    for hour in sorted(rows)[:: len(rows) // 10]:
        values = truth(sensor, mk.world.now, hour)
        mean, least, greatest = rows[hour]
        assert mean == pytest.approx(sum(values) / len(values), abs=0.02)
        assert (least, greatest) == pytest.approx((min(values), max(values)), abs=0.02)
    assert max(rows) + timedelta(hours=1) <= datetime.now(UTC)
    told = entry.runtime_data.connection.diagnostics()["ReadingsFeature"]["aggregated"]
    assert told == ("none works" if variants.get("aggregated") is False else told)
    so_far = len([record for record in mk.log if "aggregated" in record.path])
    await mk_house.pass_time(3700)
    await filled(mk_house)
    assert len([record for record in mk.log if "aggregated" in record.path]) <= so_far + 6


async def test_a_reading_that_cannot_be_reaches_no_statistics(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    variants = {"aggregated": False, "order": "oldest", "reading": "typed", "paging": "array"}
    mk = await open_mk(variants, devices=1, components=1, interval=600, cameras=0)
    sensor = mk.sensor("temperature")
    for ago, value in ((7_200, 1e30), (10_800, -999.0), (14_400, 6553.5)):
        mk.report(sensor, value, ago)
    await mk_house.sign_in(mk)
    await filled(mk_house)
    for _ in range(3):
        await mk_house.pass_time(300)
        await filled(mk_house)

    rows = await hours(mk_house, sensor)
    assert rows
    assert all(-60 < least <= mean <= greatest < 85 for mean, least, greatest in rows.values())
