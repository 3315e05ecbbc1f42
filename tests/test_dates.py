"""Dates that a vendor gets wrong, clocks that are changed: dead data is never shown as live."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import House, OpenCloud
from .outside import assert_shows_the_truth, shown, source_id, unavailable, until_met


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=1, sensors=1, kinds=("temp", "humi"))


def dated(date: str) -> Fault:
    """All measurements say that they were made then."""

    def change(payload: Any) -> Any:
        for row in payload["measurements"].values():
            row["date"] = date
        return payload

    return Fault(match="/measurements", kind="mutate", mutate=change)


@pytest.mark.parametrize("date", ["2099-12-31T23:59:59+0000", "2027-01-01T00:00:00+0000"])
async def test_a_date_in_the_future_is_live_for_three_cycles_after_receipt_and_no_longer(
    house: House, cloud: SensoristCloud, date: str
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(2000)
    wrong = cloud.faults.add(dated(date))
    for source in cloud.sources():
        source.override = 12.5
    await until_met(house, wrong)
    assert set(shown(house, cloud).values()) == {"12.5"}

    await house.pass_time(3 * 900 + 30)
    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}
    await house.pass_time(4 * 3600)
    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}

    cloud.faults.clear()
    await house.pass_time(2000)
    assert_shows_the_truth(house, cloud)


@pytest.mark.parametrize("date", ["2001-01-01T00:00:00+0000", "2026-09-13T08:00:00+0000"])
async def test_a_date_long_past_is_never_live(
    house: House, cloud: SensoristCloud, date: str
) -> None:
    cloud.faults.add(dated(date))
    await house.sign_in(cloud)
    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}

    await house.pass_time(2 * 3600)
    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}

    cloud.faults.clear()
    await house.pass_time(2000)
    assert_shows_the_truth(house, cloud)


async def test_a_date_before_the_vendors_existence_is_no_date(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(2000)
    before = shown(house, cloud)
    wrong = cloud.faults.add(dated("1999-12-31T23:59:59+0000"))
    await until_met(house, wrong)

    assert shown(house, cloud) == before
    await house.pass_time(4 * 900)
    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}


@pytest.mark.parametrize(
    "change", [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)]
)
async def test_the_change_of_summer_time_is_not_noticed(
    house: House, open_cloud: OpenCloud, change: datetime
) -> None:
    await house.hass.config.async_set_time_zone("Europe/Copenhagen")
    house.freezer.move_to(change - timedelta(hours=2))
    cloud = await open_cloud(gateways=1, sensors=1)
    await house.sign_in(cloud)

    for _ in range(16):
        await house.pass_time(900)
        assert unavailable(house) == []
    assert cloud.early_requests() == []
    assert len(cloud.log) >= 2 * 16 * 0.7
    assert_shows_the_truth(house, cloud)


async def test_a_sensor_that_froze_across_the_change_of_summer_time_goes_after_three_cycles(
    house: House, cloud: SensoristCloud
) -> None:
    await house.hass.config.async_set_time_zone("Europe/Copenhagen")
    house.freezer.move_to(datetime(2026, 10, 24, 23, 30, tzinfo=UTC))
    await house.sign_in(cloud)
    await house.pass_time(3600)
    cloud.gateways[0].sensors[0].silent = True

    await house.pass_time(3 * 900)

    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}


@pytest.mark.parametrize("away", [0, 7200])
async def test_a_frozen_sensor_is_not_brought_to_life_by_a_reload(
    house: House, cloud: SensoristCloud, away: float
) -> None:
    entry = await house.sign_in(cloud)
    cloud.gateways[0].sensors[0].silent = True
    await house.pass_time(3 * 900)
    source = cloud.find_source("temp")
    assert house.state_of(source_id(cloud, source)).state == STATE_UNAVAILABLE

    await house.hass.config_entries.async_unload(entry.entry_id)
    house.freezer.tick(away)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()

    assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}
    cloud.gateways[0].sensors[0].silent = False
    await house.pass_time(2000)
    assert_shows_the_truth(house, cloud)


async def test_a_machine_that_slept_for_days_shows_nothing_old_and_goes_on(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(2000)
    for days in (1, 6):
        cloud.faults.add(Fault(kind="drop"))
        house.freezer.tick(timedelta(days=days))
        await house.pass_time(60)
        assert set(shown(house, cloud).values()) == {STATE_UNAVAILABLE}

        cloud.faults.clear()
        await house.pass_time(4000)
        assert_shows_the_truth(house, cloud)
