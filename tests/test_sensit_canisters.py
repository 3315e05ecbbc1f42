"""Canister triggers are told once, by the first record that has them, whenever that is learned."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
import pytest

from simulators.faults import Fault
from simulators.sensit import SensitCloud, Trigger

from .calling import told_fixture  # noqa: F401
from .sensit_house import (
    LIST,
    OpenSensit,
    SensitHouse,
    log_requests,
)

type Told = list[dict[str, Any]]


@pytest.fixture(name="site")
async def site_fixture(open_sensit: OpenSensit) -> SensitCloud:
    return await open_sensit(spods=1, fmds=0, ramps=0, late=0.0, loss=0.0)


def fill(cloud: SensitCloud, port: int, after: float, seconds: float) -> datetime:
    """Have a canister filled some seconds from now; when its first record will be measured."""
    start = datetime.now(UTC) + timedelta(seconds=after)
    end = start + timedelta(seconds=seconds)
    spod = cloud.find_monitor("SPOD")
    micros = [int(moment.timestamp() * 1_000_000) for moment in (start, end)]
    spod.triggers.append(Trigger(port, *micros))
    records = cloud.records(spod.uuid, start, end, ever=True)
    return datetime.fromisoformat(records[0]["date"])


def canister(house: SensitHouse, cloud: SensitCloud) -> Any:
    return house.shown(cloud, cloud.find_monitor("SPOD").uuid, "canister", "binary_sensor")


async def test_a_canister_is_shown_while_it_is_filled_and_told_once_with_its_port(
    sensit_house: SensitHouse, site: SensitCloud, told: Told
) -> None:
    await sensit_house.sign_in(site)
    await sensit_house.pass_time(130)
    assert canister(sensit_house, site).state == STATE_OFF
    first = fill(site, 2, 60, 300)

    await sensit_house.pass_time(240)
    assert canister(sensit_house, site).state == STATE_ON
    assert canister(sensit_house, site).attributes["port"] == 2
    await sensit_house.pass_time(400)

    assert canister(sensit_house, site).state == STATE_OFF
    assert "port" not in canister(sensit_house, site).attributes
    (event,) = told
    assert (event["vendor"], event["type"], event["port"]) == ("sensit", "system_notice", 2)
    assert event["code"] == "canister_triggered"
    assert datetime.fromisoformat(event["at"]) == first
    assert not event["late"]
    uuid = site.find_monitor("SPOD").uuid
    shown = sensit_house.shown(site, uuid, "events", "event")
    assert shown.attributes["event_type"] == "system_notice"
    assert shown.attributes["port"] == 2
    assert event["entity_id"] == shown.entity_id


async def test_canisters_that_came_and_went_between_polls_are_told_in_order(
    sensit_house: SensitHouse, site: SensitCloud, told: Told
) -> None:
    await sensit_house.sign_in(site)
    await sensit_house.pass_time(130)
    site.faults.add(Fault(match=LIST, status=500))
    dates = [fill(site, 1, 60, 120), fill(site, 3, 600, 120)]

    await sensit_house.pass_time(1200)
    assert told == []
    site.faults.clear()
    await sensit_house.pass_time(1000)

    assert [event["port"] for event in told] == [1, 3]
    assert [datetime.fromisoformat(event["at"]) for event in told] == dates


async def test_a_canister_of_the_time_that_home_assistant_was_down_is_told_late_and_once(
    sensit_house: SensitHouse, site: SensitCloud, told: Told
) -> None:
    entry = await sensit_house.sign_in(site)
    await sensit_house.pass_time(130)
    assert await sensit_house.hass.config_entries.async_unload(entry.entry_id)
    fill(site, 4, 600, 120)
    await sensit_house.pass_time(3600)

    assert await sensit_house.hass.config_entries.async_setup(entry.entry_id)
    await sensit_house.pass_time(130)
    assert [(event["port"], event["late"]) for event in told] == [(4, True)]

    await sensit_house.reload(entry)
    await sensit_house.pass_time(130)
    assert len(told) == 1


async def test_the_first_set_up_tells_nothing_old(
    sensit_house: SensitHouse, site: SensitCloud, told: Told
) -> None:
    fill(site, 1, -3600, 120)
    fill(site, 2, -90, 600)
    await sensit_house.sign_in(site)
    await sensit_house.pass_time(900)
    assert told == []


async def test_a_canister_is_told_though_the_log_cannot_be_had(
    sensit_house: SensitHouse, site: SensitCloud, told: Told
) -> None:
    await sensit_house.sign_in(site)
    await sensit_house.pass_time(130)
    site.faults.add(Fault(match="DeviceLog", status=404))
    fill(site, 1, 60, 300)
    await sensit_house.pass_time(600)
    assert [event["port"] for event in told] == [1]


@pytest.mark.parametrize("idle", ["zero", "null", "text", "missing", "no_trig"])
async def test_an_idle_monitor_is_off_in_whatever_form_it_says_so(
    sensit_house: SensitHouse, open_sensit: OpenSensit, idle: str, told: Told
) -> None:
    cloud = await open_sensit({"idle_trigger": idle}, spods=1, fmds=0, ramps=0, loss=0.0, late=0.0)
    await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(130)
    state = STATE_UNKNOWN if idle == "no_trig" else STATE_OFF
    assert canister(sensit_house, cloud).state == state
    fill(cloud, 3, 60, 300)
    await sensit_house.pass_time(600)
    assert canister(sensit_house, cloud).state == state
    assert [event["port"] for event in told] == [3]


async def test_without_lost_records_no_log_is_asked_for_but_at_the_start_and_for_a_canister(
    sensit_house: SensitHouse, site: SensitCloud
) -> None:
    await sensit_house.sign_in(site)
    await sensit_house.pass_time(3600)
    at_start = len(log_requests(site))
    assert at_start <= 2
    fill(site, 1, 60, 300)
    await sensit_house.pass_time(900)
    assert len(log_requests(site)) == at_start + 1
