"""Diagnostics and system health: what helps to find a fault, as the frontend gets it."""

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House
from .outside import download, until_met

type Ask = Callable[[str], Awaitable[Any]]


@pytest.fixture
def ask(house: House, hass_client_no_auth: Any, hass_admin_user: User) -> Ask:
    return lambda path: download(house, hass_client_no_auth, hass_admin_user, path)


async def test_an_accounts_diagnostics_tell_counts_feeds_and_why_the_next_poll_is_when(
    house: House, cloud: SensoristCloud, ask: Ask
) -> None:
    entry = await house.sign_in(cloud)

    told = await ask(entry.entry_id)

    sources = len(cloud.sources())
    assert told["vendor"] == "sensorist"
    assert told["state"] == "loaded"
    assert told["devices"] == len(house.devices(entry)) == 7
    assert told["channels_left_out"] == 0
    registry = er.async_get(house.hass)
    known = er.async_entries_for_config_entry(registry, entry.entry_id)
    assert told["channels"]["count"] == len(known)
    assert told["channels"]["by_class"]["temperature"] == 4
    cycles = told["channels"]["by_cycle_seconds"]
    assert (cycles["900"], cycles["10800"], cycles["1800"]) == (8, 4, 4)
    states = told["channels"]["by_state"]
    assert states["float"] >= sources
    assert sum(states.values()) == len(known)
    assert told["requests"]["requests_total"] == len(cloud.log)
    assert told["requests"]["held_for_seconds"] == 0
    polled = [feed for feed in told["feeds"] if feed["is_polled"]]
    assert len(polled) >= 3
    for feed in polled:
        assert feed["last_update_success"]
        assert feed["last_success"]
        assert feed["failures_in_a_row"] == 0
        assert 1 <= len(feed["polls"]) <= 4
        for poll in feed["polls"]:
            assert 0 < max(poll["fresh_for_seconds"]) <= 900
            assert max(poll["fresh_for_seconds"]) <= poll["next_poll_in_seconds"] <= 4600
            assert poll["next_poll_because"] in ("expiry", "phase")
        assert feed["records_set_aside"] == {}
    (inventory,) = [feed for feed in told["feeds"] if feed["has_inventory"]]
    (poll,) = inventory["polls"]
    assert (poll["next_poll_in_seconds"], poll["next_poll_because"]) == (900.0, "expiry")
    assert not any("name" in feed for feed in told["feeds"])  # a name carries the vendor's id


@pytest.mark.parametrize(
    ("fault", "error", "because", "held"),
    [
        (Fault(match="/measurements", kind="status", status=500), "UpdateFailed", "backoff", False),
        (
            Fault(
                match="/measurements", kind="status", status=429, headers={"Retry-After": "7200"}
            ),
            "UpdateFailed",
            "hold",
            True,
        ),
    ],
    ids=["failing", "held"],
)
async def test_diagnostics_tell_what_fails_and_how_long_is_waited(
    house: House,
    cloud: SensoristCloud,
    ask: Ask,
    fault: Fault,
    error: str,
    because: str,
    held: bool,
) -> None:
    entry = await house.sign_in(cloud)
    cloud.faults.add(fault)
    await until_met(house, fault)

    told = await ask(entry.entry_id)

    failing = [feed for feed in told["feeds"] if feed["failures_in_a_row"]]
    assert failing
    assert {feed["last_error"] for feed in failing} == {error}
    polls = [poll for feed in failing for poll in feed["polls"] if poll["failures_in_a_row"]]
    assert {poll["next_poll_because"] for poll in polls} <= {because, "expiry"}
    assert not any(feed["last_update_success"] for feed in failing)
    assert (told["requests"]["held_for_seconds"] > 7000) is held
    assert told["requests"]["refusals"] == int(held)


async def test_diagnostics_count_stale_and_unknown_channels(
    house: House, cloud: SensoristCloud, ask: Ask
) -> None:
    entry = await house.sign_in(cloud)
    before = (await ask(entry.entry_id))["channels"]["by_state"]
    cloud.gateways[0].sensors[0].silent = True
    cloud.find_source("humi", 3).override = None

    await house.pass_time(3500)

    told = await ask(entry.entry_id)
    after = told["channels"]["by_state"]
    assert after.get("unavailable", 0) == before.get("unavailable", 0) + 2
    assert after.get("unknown", 0) == before.get("unknown", 0) + 1
    assert sum(feed["channels_stale"] for feed in told["feeds"]) == 2


async def test_a_devices_diagnostics_tell_of_that_device_alone(
    house: House, cloud: SensoristCloud, ask: Ask
) -> None:
    entry = await house.sign_in(cloud)
    sensor = cloud.gateways[0].sensors[0]
    (device,) = [found for found in house.devices(entry) if found.name == sensor.title]

    told = await ask(f"{entry.entry_id}/device/{device.id}")

    assert told["vendor"] == "sensorist"
    assert told["is_listed"]
    registry = er.async_get(house.hass)
    known = er.async_entries_for_device(registry, device.id, include_disabled_entities=True)
    assert told["channels"]["count"] == len(known) >= 6
    assert 2 <= len(told["feeds"]) < len((await ask(entry.entry_id))["feeds"])

    cloud.remove_gateway(cloud.gateways[0].id)
    await house.pass_time(950)
    assert not (await ask(f"{entry.entry_id}/device/{device.id}"))["is_listed"]


async def test_diagnostics_of_an_account_that_waits_for_set_up_say_so(
    house: House, cloud: SensoristCloud, ask: Ask
) -> None:
    cloud.faults.add(Fault(match="/gateways", kind="status", status=500))
    entry = await house.sign_in(cloud)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    told = await ask(entry.entry_id)

    assert told["vendor"] == "sensorist"
    assert (told["state"], told["because"]) == ("setup_retry", "cannot_connect")
    assert told["requests"]["requests_total"] == len(cloud.log)


async def test_diagnostics_of_a_device_of_an_unloaded_account_say_so(
    house: House, cloud: SensoristCloud, ask: Ask
) -> None:
    entry = await house.sign_in(cloud)
    await house.hass.config_entries.async_unload(entry.entry_id)

    for device in house.devices(entry):
        told = await ask(f"{entry.entry_id}/device/{device.id}")
        assert told["state"] == "not_loaded"


async def _system_health(house: House, hass_ws_client: Any) -> dict[str, Any]:
    assert await async_setup_component(house.hass, "system_health", {})
    await house.settle()
    client = await hass_ws_client(house.hass)
    await client.send_json_auto_id({"type": "system_health/info"})
    assert (await client.receive_json())["success"]
    first = (await client.receive_json())["event"]
    assert first["type"] == "initial"
    info = dict(first["data"][DOMAIN]["info"])
    while (event := (await client.receive_json())["event"])["type"] != "finish":
        if event["domain"] == DOMAIN:
            info[event["key"]] = event.get("data", event.get("error"))
    return info


async def test_system_health_tells_accounts_requests_and_reach(
    house: House, cloud: SensoristCloud, hass_ws_client: Any
) -> None:
    await house.sign_in(cloud)

    info = await _system_health(house, hass_ws_client)

    asked = [record for record in cloud.log if record.path != "/"]
    assert info["accounts"] == 1
    assert 0 < info["requests_today"] <= len(asked)
    assert info["reach_sensorist"] == "ok"


async def test_system_health_tells_that_a_vendor_cannot_be_reached(
    house: House, cloud: SensoristCloud, hass_ws_client: Any
) -> None:
    await house.sign_in(cloud)
    await cloud.stop()

    info = await _system_health(house, hass_ws_client)

    assert info["reach_sensorist"] == {"type": "failed", "error": "unreachable"}


async def test_system_health_of_two_accounts_counts_both(
    house: House, cloud: SensoristCloud, open_cloud: Any, hass_ws_client: Any
) -> None:
    await house.sign_in(cloud)
    other = await open_cloud(gateways=1, sensors=1, username="bo@example.com")
    other.faults.add(Fault(match="/users", kind="mutate", mutate=_other_user))
    await house.sign_in(other)
    await cloud.stop()

    info = await _system_health(house, hass_ws_client)

    assert info["accounts"] == 2
    assert info["requests_today"] == len(cloud.log) + len(
        [record for record in other.log if record.path.startswith("/v1/")]
    )
    assert info["reach_sensorist"] != "ok"


def _other_user(payload: Any) -> Any:
    payload["user"]["id"] = 999_999
    return payload
