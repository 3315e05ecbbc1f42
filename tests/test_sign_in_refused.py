"""A vendor that refuses credentials for a while, while running and at start, and what is asked meanwhile."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, watchpost_lines
from .mk_house import MkHouse


def reauths(house: House) -> list[Any]:
    """The requests to sign in again that a person sees."""
    return house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)


def refuse(cloud: Any, **fault: Any) -> Fault:
    """Have every request refused for its credentials."""
    return cloud.faults.add(Fault(kind="status", status=401, **fault))


async def restart(house: House) -> None:
    """Set the account up anew, without the replies that are held."""
    entry = house.entries[0]
    entry.runtime_data.budget.forget()
    await house.reload(entry)


async def until_refused(house: House, cloud: Any, fault: Fault) -> None:
    """Let time go by until the next request has met the refusal."""
    for _ in range(2000):
        if fault.used:
            return
        await house.pass_time(1)
    pytest.fail("nothing was asked")


@pytest.mark.parametrize("seconds", [1, 20, 106])
async def test_refusals_for_less_than_two_minutes_end_by_themselves(
    house: House, cloud: SensoristCloud, seconds: float
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(1000)
    await until_refused(house, cloud, refuse(cloud))
    await house.pass_time(seconds)
    cloud.faults.clear()

    await house.pass_time(130)

    assert reauths(house) == []
    coordinators = house.entries[0].runtime_data.coordinators.values()
    assert not any(coordinator.is_signed_out for coordinator in coordinators)
    cloud.log.clear()
    await house.pass_time(1000)
    assert {record.path.rsplit("/", 1)[-1] for record in cloud.log} >= {"gateways", "alarms"}


async def test_a_password_is_sent_at_most_twice_more_before_a_person_is_asked(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(1000)
    refusal = refuse(cloud)
    await until_refused(house, cloud, refusal)
    await house.settle()
    at_once = refusal.used
    await house.pass_time(115)
    assert refusal.used - at_once == 1
    assert reauths(house) == []

    await house.pass_time(10)
    assert refusal.used - at_once == 2
    assert len(reauths(house)) == 1
    assert len(watchpost_lines(caplog)) == 1

    # After that ever more rarely, for as long as it takes.
    await house.pass_time(3 * 86400)
    assert refusal.used - at_once <= 10
    assert len(reauths(house)) == 1
    cloud.faults.clear()
    await house.pass_time(86400)
    assert reauths(house) == []
    assert len(watchpost_lines(caplog)) == 2


async def test_an_accepted_action_ends_a_refusal_at_once(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(1000)
    await until_refused(house, cloud, refuse(cloud))
    await house.pass_time(3000)
    assert len(reauths(house)) == 1
    cloud.faults.clear()

    gateway = cloud.gateways[0]
    device = next(
        device
        for device in house.devices(house.entries[0])
        if any(f"gateway-{gateway.id}" in name for _, name in device.identifiers)
    )
    button = next(
        state for state in house.states("button") if "restart" in state.attributes["device_class"]
    )
    assert device
    await house.hass.services.async_call(
        "button", "press", {"entity_id": button.entity_id}, blocking=True
    )
    await house.settle()

    assert reauths(house) == []


async def test_a_start_during_refusals_loads_once_they_are_over(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    refusal = refuse(cloud)
    await restart(house)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await house.pass_time(100)
    assert refusal.used <= 2
    assert reauths(house) == []
    cloud.faults.clear()
    await house.pass_time(120)

    assert entry.state is ConfigEntryState.LOADED
    assert reauths(house) == []


async def test_a_start_with_refused_credentials_is_tried_for_ever_and_a_person_is_asked(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    password, cloud.user.password = cloud.user.password, "another"
    await restart(house)
    await house.pass_time(300)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert len(reauths(house)) == 1
    before = len(cloud.log)
    await house.pass_time(2 * 86400)
    assert len(cloud.log) - before <= 8
    assert len(reauths(house)) == 1

    cloud.user.password = password
    await house.pass_time(86400)
    assert entry.state is ConfigEntryState.LOADED
    assert reauths(house) == []


async def test_other_credentials_are_tried_at_once(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)
    cloud.user.password = "another"
    await restart(house)
    await house.pass_time(300)
    (flow,) = reauths(house)

    result = await house.submit(flow["flow_id"], {"password": "another"})

    assert result["reason"] == "reauth_successful"
    assert entry.state is ConfigEntryState.LOADED
    assert reauths(house) == []


async def test_a_key_is_tried_after_ten_seconds_thirty_and_two_minutes(
    mk_house: MkHouse,
    mk: ManfredKunzeCloud,
) -> None:
    await mk_house.sign_in(mk)
    await mk_house.pass_time(200)
    refusal = refuse(mk)
    await until_refused(mk_house, mk, refusal)
    await mk_house.settle()
    counts = []
    for seconds in (9, 3, 15, 5, 80, 10):
        await mk_house.pass_time(seconds)
        counts.append(refusal.used)
    assert counts[0] < counts[1] == counts[2] < counts[3] == counts[4] < counts[5]
    assert len(reauths(mk_house)) == 1

    mk.faults.clear()
    await mk_house.pass_time(3700)
    assert reauths(mk_house) == []


@pytest.mark.parametrize("path", ["/devices", "/sensors", "/alerts", "/components"])
async def test_one_resource_that_is_refused_signs_nobody_out_at_a_start_either(
    mk_house: MkHouse, mk: ManfredKunzeCloud, path: str
) -> None:
    entry = await mk_house.sign_in(mk)
    refuse(mk, match=path)
    await mk_house.reload(entry)
    await mk_house.pass_time(400)
    assert reauths(mk_house) == []
    mk.faults.clear()
    await mk_house.pass_time(300)

    assert entry.state is ConfigEntryState.LOADED
