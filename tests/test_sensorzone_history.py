"""Daily runtime and incursions become statistics at the first set-up and after gaps."""

from collections import Counter
from datetime import date, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import (
    list_statistic_ids,
    statistics_during_period,
)
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from simulators.faults import Fault
from simulators.sensorzone import SensorZoneCloud

from .conftest import START, House
from .zone import account_of, open_zone_fixture, sign_in, zone_fixture  # noqa: F401


@pytest.fixture(autouse=True)
def _find_the_integration(freezer: FrozenDateTimeFactory, recorder_db_url: str) -> None:
    """In place of the one for all tests: the recorder must be there before Home Assistant is."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    freezer.move_to(START)


@pytest.fixture
def house(recorder_mock: Recorder, enable_custom_integrations: None, house: House) -> House:
    return house


async def rows(house: House, statistic_id: str) -> list[tuple[date, float, float]]:
    """Day, total of the day, sum."""
    for _ in range(5):
        await house.settle()
        await async_recorder_block_till_done(house.hass)
    found: dict[str, Any] = await house.hass.data["recorder_instance"].async_add_executor_job(
        statistics_during_period,
        house.hass,
        START - timedelta(days=400),
        None,
        {statistic_id},
        "hour",
        None,
        {"state", "sum"},
    )
    return [
        (
            dt_util.as_local(dt_util.utc_from_timestamp(row["start"])).date(),
            row["state"],
            row["sum"],
        )
        for row in found.get(statistic_id, ())
    ]


def counted(zone: SensorZoneCloud, since: datetime, until: datetime) -> Counter[date]:
    return Counter(
        dt_util.as_local(dt_util.utc_from_timestamp(one.start)).date()
        for one in zone.truth(since, until)
    )


async def test_a_month_is_there_at_first_and_a_gap_is_filled(
    house: House, zone: SensorZoneCloud
) -> None:
    entry = await sign_in(house, zone)
    name = f"watchpost:sensorzone_{account_of(zone)}_account_incursions"
    found = await rows(house, name)

    midnight = dt_util.start_of_local_day()
    true = counted(zone, midnight - timedelta(days=30), midnight)
    assert len(found) == 30
    assert {day: total for day, total, _ in found} == {day: true[day] for day, _, _ in found}
    assert found[-1][2] == sum(total for _, total, _ in found)

    machine = zone.machines[0]
    runtime = f"watchpost:sensorzone_{account_of(zone)}_machine_{machine.id}_runtime"
    ran = await rows(house, runtime)
    assert len(ran) == 30
    assert all(1 < total <= 24 for _, total, _ in ran)
    assert ran[-1][2] == pytest.approx(sum(total for _, total, _ in ran))

    await house.hass.config_entries.async_unload(entry.entry_id)
    house.freezer.tick(5 * 86400)
    await house.hass.config_entries.async_setup(entry.entry_id)
    found = await rows(house, name)
    assert len(found) == 35
    true = counted(zone, midnight - timedelta(days=30), dt_util.start_of_local_day())
    assert {day: total for day, total, _ in found} == {day: true[day] for day, _, _ in found}
    assert found[-1][2] == sum(total for _, total, _ in found)

    await house.reload(entry)
    assert await rows(house, name) == found


async def test_a_failure_is_made_up_for_and_nothing_is_made_up(
    house: House, zone: SensorZoneCloud
) -> None:
    zone.faults.add(Fault(match="machine_runtime", kind="status", status=500))
    entry = await sign_in(house, zone)
    name = f"watchpost:sensorzone_{account_of(zone)}_account_incursions"
    assert await rows(house, name) == []
    assert entry.runtime_data.daily_totals.diagnostics()["failures"] == 1

    zone.faults.clear()
    await house.pass_time(1800)
    assert len(await rows(house, name)) == 30


async def test_without_version_2_the_incursions_are_kept(
    house: House, zone: SensorZoneCloud
) -> None:
    zone.config.v2 = False
    await sign_in(house, zone)
    name = f"watchpost:sensorzone_{account_of(zone)}_account_incursions"
    assert len(await rows(house, name)) == 30
    known = await house.hass.data["recorder_instance"].async_add_executor_job(
        list_statistic_ids, house.hass
    )
    assert not [item for item in known if item["statistic_id"].endswith("_runtime")]


async def test_a_chart_that_cannot_be_read_costs_no_incursions(
    house: House, zone: SensorZoneCloud
) -> None:
    zone.faults.add(Fault(match="machine_runtime", kind="root", value={"labels": ["x"]}))
    await sign_in(house, zone)
    name = f"watchpost:sensorzone_{account_of(zone)}_account_incursions"
    assert len(await rows(house, name)) == 30


async def test_incursions_that_are_forbidden_cost_no_runtime(
    house: House, zone: SensorZoneCloud
) -> None:
    zone.faults.add(Fault(match="/incursions", kind="status", status=403))
    await sign_in(house, zone)
    runtime = f"watchpost:sensorzone_{account_of(zone)}_machine_{zone.machines[0].id}_runtime"
    assert len(await rows(house, runtime)) == 30
