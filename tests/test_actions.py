"""The actions: what reaches the vendor, what comes back, and what wrong use and failure are answered with."""

from datetime import datetime, timedelta
import json
from typing import Any

from homeassistant.auth.models import User
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
import voluptuous as vol

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, START, House, OpenCloud
from .outside import gateway_id, sensor_id, source_id

READING = {"get_measurements", "get_alarm_history", "list_users", "list_callbacks"}
WRITING = {"create_alarm", "delete_alarm", "rename", "add_gateway", "create_user"}
ADMIN = {"create_user", "list_users"}
SECRET = "opens-Sesame:7"


async def call(
    house: House, action: str, /, *, context: Context | None = None, **fields: Any
) -> Any:
    """Call an action as an automation does and return its response."""
    response = await house.hass.services.async_call(
        DOMAIN, action, fields, blocking=True, return_response=True, context=context
    )
    json.dumps(response)  # as the frontend and templates get it
    await house.settle()
    return response


def entity(house: House, unique_id: str, domain: str = "sensor") -> str:
    found = er.async_get(house.hass).async_get_entity_id(domain, DOMAIN, unique_id)
    assert found is not None, f"no {domain} {unique_id}"
    return found


def temperature(house: House, cloud: SensoristCloud, n: int = 0) -> str:
    return entity(house, source_id(cloud, cloud.find_source("temp", n)))


def device(house: House, cloud: SensoristCloud, name: str) -> str:
    identifier = (DOMAIN, f"sensorist:{cloud.user.id}:{name}")
    entry = house.entries[0]
    found = dr.async_get(house.hass).async_get_device_by_identifier(identifier, entry.entry_id)
    assert found is not None, f"no device {name}"
    return found.id


def alarm_entity(house: House, cloud: SensoristCloud, alarm: Any, key: str = "") -> str:
    return entity(
        house, sensor_id(cloud, alarm.source.sensor, f"alarm-{key or alarm.id}"), "binary_sensor"
    )


def alarms(cloud: SensoristCloud) -> list[Any]:
    return cloud.alarms.of(cloud.user.id)


def add_alarm(cloud: SensoristCloud, n: int = 0, value: float = -50, delay: int = 0) -> Any:
    """An alarm that was set in the vendor's portal; below any temperature it is triggered at once."""
    return cloud.alarms.create(
        cloud.user.id,
        cloud.find_source("temp", n),
        value=value,
        direction="above",
        delay=delay,
        now=cloud.clock.now(),
    )


def requests(cloud: SensoristCloud, method: str, end: str = "") -> list[Any]:
    return [record for record in cloud.log if record.method == method and record.path.endswith(end)]


def writes(cloud: SensoristCloud) -> list[Any]:
    return [record for record in cloud.log if record.method != "GET"]


# -- what there is --


async def test_the_actions_are_there_without_an_account_and_say_what_they_return(
    house: House,
) -> None:
    assert await async_setup_component(house.hass, DOMAIN, {})

    services = house.hass.services.async_services_for_domain(DOMAIN)

    assert set(services) >= READING | WRITING
    assert {services[name].supports_response for name in READING} == {"only"}
    assert {services[name].supports_response for name in WRITING} == {"optional"}


async def test_a_writing_action_needs_no_response(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)

    response = await house.hass.services.async_call(
        DOMAIN,
        "create_alarm",
        {"entity_id": temperature(house, cloud), "value": 8, "direction": "above"},
        blocking=True,
    )

    assert response is None
    assert len(alarms(cloud)) == 1


# -- measurements --


async def test_the_extremes_of_a_period_are_the_vendors(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    start = START - timedelta(days=1)

    response = await call(
        house,
        "get_measurements",
        entity_id=temperature(house, cloud),
        type="min_max",
        start=start.isoformat(),
        end=START.isoformat(),
    )

    values = [float(row.value) for row in cloud.history(source.id, start, START)]
    assert response["type"] == "min_max"
    assert response["unit"] == "°C"
    assert response["truncated"] is False
    assert response["min"]["value"] == min(values)
    assert response["max"]["value"] == max(values)
    assert start <= datetime.fromisoformat(response["min"]["time"]) <= START


async def test_the_extremes_of_a_period_without_measurements_are_none(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)

    response = await call(
        house,
        "get_measurements",
        entity_id=temperature(house, cloud),
        type="min_max",
        start="2001-01-01T00:00:00+00:00",
        end="2001-01-02T00:00:00+00:00",
    )

    assert response["min"] is None or response["min"]["value"] is None
    assert response["max"] is None or response["max"]["value"] is None


@pytest.mark.parametrize(("field", "value"), [("ticks", 24), ("interval", 60)])
async def test_groups_have_a_mean_and_extremes_and_are_as_many_or_long_as_asked(
    house: House, cloud: SensoristCloud, field: str, value: int
) -> None:
    await house.sign_in(cloud)

    response = await call(
        house,
        "get_measurements",
        entity_id=temperature(house, cloud),
        start=(START - timedelta(days=1)).isoformat(),
        **{field: value},
    )

    assert response["type"] == "range"
    assert 20 <= len(response["measurements"]) <= 30
    for row in response["measurements"]:
        assert set(row) == {"time", "value", "min", "max"}
        assert row["min"] <= row["value"] <= row["max"]
    (asked,) = [record for record in cloud.log if record.query.get("type") == "range"]
    assert asked.query[field] == str(value)


async def test_without_a_period_the_vendor_chooses_and_the_cache_answers_the_second_call(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    fields = {"entity_id": temperature(house, cloud)}

    first = await call(house, "get_measurements", **fields)
    second = await call(house, "get_measurements", **fields)

    assert first == second
    (asked,) = [record for record in cloud.log if record.query.get("type") == "range"]
    assert not {"from", "to", "ticks", "interval"} & set(asked.query)
    assert cloud.early_requests() == []


async def test_an_end_alone_means_the_week_before_it(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)

    await call(
        house,
        "get_measurements",
        entity_id=temperature(house, cloud),
        end="2026-09-10T00:00:00+00:00",
    )

    (asked,) = [record for record in cloud.log if record.query.get("type") == "range"]
    assert asked.query["from"] == "2026-09-03T00:00:00Z"
    assert asked.query["to"] == "2026-09-10T00:00:00Z"


async def test_raw_measurements_are_followed_to_the_last_page(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, cycles={"temp": 60})
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    start = START - timedelta(days=6)

    response = await call(
        house,
        "get_measurements",
        entity_id=temperature(house, cloud),
        type="raw",
        start=start.isoformat(),
        end=START.isoformat(),
    )

    expected = cloud.history(source.id, start, START)
    assert len(expected) > 5000
    assert [row["value"] for row in response["measurements"]] == [
        float(row.value) for row in expected
    ]
    assert {row["origin"] for row in response["measurements"]} == {"regular"}
    assert response["truncated"] is False
    assert len([r for r in cloud.log if r.query.get("type") == "raw"]) == 2


async def test_more_raw_measurements_than_a_call_returns_are_cut_and_flagged(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    pages = iter(range(1, 1000))

    def endless(payload: Any) -> Any:
        row = {"date": "2026-09-13T11:00:00+0000", "value": 5.5, "type": 1, "seq": 1}
        payload["measurements"] = {str(source.id): [row] * 5000}
        payload["next"] = next(pages)
        return payload

    cloud.faults.add(
        Fault(match="/measurements", query={"type": "raw"}, kind="mutate", mutate=endless)
    )

    response = await call(
        house, "get_measurements", entity_id=temperature(house, cloud), type="raw"
    )

    assert len(response["measurements"]) == 100_000
    assert response["truncated"] is True
    assert len([r for r in cloud.log if r.query.get("type") == "raw"]) == 20
    assert house.state_of(source_id(cloud, source)).state  # Home Assistant goes on


async def test_endless_small_pages_are_cut_and_flagged(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    pages = iter(range(1, 1000))

    def dripping(payload: Any) -> Any:
        row = {"date": "2026-09-13T11:00:00+0000", "value": 5.5, "type": 1, "seq": 1}
        payload["measurements"] = {str(source.id): [row, {**row, "type": 20, "value": None}]}
        payload["next"] = next(pages)
        return payload

    cloud.faults.add(
        Fault(match="/measurements", query={"type": "raw"}, kind="mutate", mutate=dripping)
    )

    response = await call(
        house, "get_measurements", entity_id=temperature(house, cloud), type="raw"
    )

    assert len(response["measurements"]) == 100
    assert response["truncated"] is True


CONTRADICTIONS = [
    ({"ticks": 10, "interval": 60}, "interval"),
    ({"type": "raw", "ticks": 10}, "ticks"),
    ({"type": "min_max", "interval": 60}, "interval"),
    ({"start": "2026-09-13T00:00:00+00:00", "end": "2026-09-12T00:00:00+00:00"}, "end"),
    ({"start": "2026-09-12T00:00:00+00:00", "end": "2026-09-12T00:00:00+00:00"}, "end"),
    ({"start": "2027-01-01T00:00:00+00:00"}, "start"),
]


@pytest.mark.parametrize(("fields", "field"), CONTRADICTIONS)
async def test_fields_that_contradict_each_other_are_named_and_nothing_is_asked(
    house: House, cloud: SensoristCloud, fields: dict[str, Any], field: str
) -> None:
    await house.sign_in(cloud)
    before = len(cloud.log)

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "get_measurements", entity_id=temperature(house, cloud), **fields)

    assert err.value.translation_key == "contradicting_field"
    assert err.value.translation_placeholders == {"field": field}
    assert len(cloud.log) == before


BAD = [
    ("get_measurements", {"type": "latest"}),
    ("get_measurements", {"start": "yesterday"}),
    ("get_measurements", {"ticks": 0}),
    ("get_measurements", {"interval": "often"}),
    ("get_measurements", {"surprise": 1}),
    ("create_alarm", {"value": "warm", "direction": "above"}),
    ("create_alarm", {"value": 5, "direction": "beside"}),
    ("create_alarm", {"value": 5}),
    ("create_alarm", {"direction": "above"}),
    ("create_alarm", {"value": 5, "direction": "above", "delay": -1}),
    ("create_alarm", {"value": 1e7, "direction": "above"}),
    ("create_alarm", {"value": float("inf"), "direction": "above"}),
    ("delete_alarm", {"surprise": 1}),
]


@pytest.mark.parametrize(("action", "fields"), BAD)
async def test_bad_values_are_refused_before_anything_is_asked(
    house: House, cloud: SensoristCloud, action: str, fields: dict[str, Any]
) -> None:
    await house.sign_in(cloud)
    before = len(cloud.log)

    with pytest.raises(vol.Invalid):
        await call(house, action, entity_id=temperature(house, cloud), **fields)

    assert len(cloud.log) == before


# -- whom a call is for --


@pytest.mark.parametrize("action", ["get_measurements", "create_alarm", "delete_alarm"])
async def test_an_entity_that_is_none_of_ours_is_named(
    house: House, cloud: SensoristCloud, action: str
) -> None:
    await house.sign_in(cloud)
    foreign = er.async_get(house.hass).async_get_or_create("sensor", "elsewhere", "1")
    fields = {"value": 1, "direction": "above"} if action == "create_alarm" else {}
    before = len(cloud.log)

    for target in (foreign.entity_id, "sensor.nobody"):
        with pytest.raises(ServiceValidationError) as err:
            await call(house, action, entity_id=target, **fields)

        assert err.value.translation_key == "foreign_entity"
        assert err.value.translation_placeholders == {"field": "entity_id", "target": target}
    assert len(cloud.log) == before


@pytest.mark.parametrize("action", ["get_measurements", "create_alarm", "delete_alarm"])
async def test_an_entity_of_another_kind_is_refused_and_nothing_is_asked(
    house: House, cloud: SensoristCloud, action: str
) -> None:
    await house.sign_in(cloud)
    target = entity(house, sensor_id(cloud, cloud.gateways[0].sensors[0], "last_measurement"))
    fields = {"value": 1, "direction": "above"} if action == "create_alarm" else {}
    before = len(cloud.log)

    with pytest.raises(ServiceValidationError) as err:
        await call(house, action, entity_id=target, **fields)

    assert err.value.translation_key == "unsuitable_field"
    assert err.value.translation_placeholders == {"field": "entity_id"}
    assert len(cloud.log) == before


async def test_a_sensor_is_no_alarm_that_could_be_deleted(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    add_alarm(cloud)

    with pytest.raises(ServiceValidationError):
        await call(house, "delete_alarm", entity_id=temperature(house, cloud))

    assert len(alarms(cloud)) == 1
    assert requests(cloud, "DELETE") == []


async def test_an_entity_that_the_vendor_lists_no_more_is_named(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    left = er.async_get(house.hass).async_get_or_create(
        "sensor", DOMAIN, f"{entry.unique_id}:sensor-1:source-1", config_entry=entry
    )

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "get_measurements", entity_id=left.entity_id)

    assert err.value.translation_key == "not_listed"


async def test_a_device_that_the_vendor_lists_no_more_is_named(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    left = dr.async_get(house.hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, f"{entry.unique_id}:sensor-1")},
        name="Gone",
    )

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "rename", device_id=left.id, name="Back")

    assert err.value.translation_key == "not_listed"
    assert err.value.translation_placeholders == {"field": "device_id", "target": "Gone"}


async def test_a_device_of_another_integration_is_refused(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)

    with pytest.raises(ServiceValidationError):
        await call(house, "rename", device_id="nobody", name="Back")

    assert writes(cloud) == []


async def test_an_account_that_is_not_loaded_is_named_whatever_is_asked_of_it(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    target = temperature(house, cloud)
    gateway = device(house, cloud, f"gateway-{cloud.gateways[0].id}")
    await house.hass.config_entries.async_unload(entry.entry_id)
    before = len(cloud.log)

    for action, fields in (
        ("get_measurements", {"entity_id": target}),
        ("create_alarm", {"entity_id": target, "value": 1, "direction": "above"}),
        ("rename", {"device_id": gateway, "name": "New"}),
        ("list_callbacks", {"config_entry_id": entry.entry_id}),
        ("list_users", {"config_entry_id": entry.entry_id}),
    ):
        with pytest.raises(ServiceValidationError) as err:
            await call(house, action, **fields)
        assert err.value.translation_key == "service_config_entry_not_loaded", action
    with pytest.raises(ServiceValidationError):
        await call(house, "list_callbacks", config_entry_id="nobody")
    assert len(cloud.log) == before


async def test_each_of_several_accounts_is_asked_for_what_is_its_own(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1)
    other = await open_cloud(gateways=1, sensors=1, username="bo@example.com", sub_users=1)
    other.user.id = 99_000
    other.world.users = {99_000: other.user}
    for gateway in other.world.gateways.values():
        gateway.owner = 99_000 if gateway.owner is not None else None
    await house.sign_in(cloud)
    await house.sign_in(other)

    await call(
        house,
        "create_alarm",
        entity_id=temperature(house, other),
        value=8,
        direction="above",
    )

    assert alarms(cloud) == []
    (created,) = other.alarms.of(99_000)
    theirs = alarm_entity(house, other, created)
    mine = add_alarm(cloud)
    await house.pass_time(400)
    with pytest.raises(ServiceValidationError) as err:
        await call(house, "get_alarm_history", entity_id=[theirs, alarm_entity(house, cloud, mine)])
    assert err.value.translation_key == "several_accounts"


async def test_an_account_whose_vendor_does_not_offer_the_action_is_told_so(
    house: House, cloud: SensoristCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await house.sign_in(cloud)
    monkeypatch.setattr(type(entry.runtime_data.connection), "actions", {})

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "list_callbacks", config_entry_id=entry.entry_id)

    assert err.value.translation_key == "not_offered"
    assert err.value.translation_placeholders == {
        "vendor": "Sensorist",
        "action": "list_callbacks",
    }


# -- alarms --


async def test_an_alarm_that_is_created_exists_at_the_vendor_and_shows_at_once(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")

    response = await call(
        house,
        "create_alarm",
        entity_id=temperature(house, cloud),
        value=-18.5,
        direction="below",
        delay=30,
    )

    (alarm,) = alarms(cloud)
    assert (alarm.source, alarm.value, alarm.direction, alarm.delay) == (source, -18.5, "below", 30)
    assert response == {
        "alarm": {
            "id": str(alarm.id),
            "value": -18.5,
            "direction": "below",
            "delay": 30,
            "is_triggered": False,
        }
    }
    assert house.hass.states.get(alarm_entity(house, cloud, alarm)).state == "off"
    assert len(writes(cloud)) == 1


async def test_a_threshold_that_is_no_number_is_refused(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)

    with pytest.raises((ServiceValidationError, vol.Invalid)):
        await call(
            house,
            "create_alarm",
            entity_id=temperature(house, cloud),
            value=float("nan"),
            direction="above",
        )

    assert writes(cloud) == []


def _no_alarm(payload: Any) -> Any:
    del payload["alarm"]
    return payload


async def test_an_alarm_that_the_reply_does_not_show_is_not_made_up(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/alarms", method="POST", kind="mutate", mutate=_no_alarm))

    response = await call(
        house, "create_alarm", entity_id=temperature(house, cloud), value=8, direction="above"
    )

    assert response == {"alarm": None}
    assert len(writes(cloud)) == 1


async def test_an_alarm_that_is_deleted_is_gone_at_once_and_no_other_is(
    house: House, cloud: SensoristCloud
) -> None:
    kept, doomed = add_alarm(cloud), add_alarm(cloud, 1)
    await house.sign_in(cloud)
    target = alarm_entity(house, cloud, doomed)

    response = await call(house, "delete_alarm", entity_id=target)

    assert response == {"alarm": {"id": str(doomed.id)}}
    assert alarms(cloud) == [kept]
    (sent,) = writes(cloud)
    assert sent.path.endswith(f"/alarms/{doomed.id}")
    assert house.hass.states.get(target) is None
    assert er.async_get(house.hass).async_get(target) is None
    assert house.hass.states.get(alarm_entity(house, cloud, kept)) is not None


@pytest.mark.parametrize("strange", ["0", "-1", "all", "00", "alarm-7"])
async def test_nothing_is_deleted_without_the_number_of_one_alarm(
    house: House, cloud: SensoristCloud, strange: str
) -> None:
    alarm = add_alarm(cloud)
    entry = await house.sign_in(cloud)
    unique_id = sensor_id(cloud, alarm.source.sensor, f"alarm-{strange}")
    faked = er.async_get(house.hass).async_get_or_create(
        "binary_sensor", DOMAIN, unique_id, config_entry=entry
    )

    with pytest.raises(ServiceValidationError):
        await call(house, "delete_alarm", entity_id=faked.entity_id)

    assert requests(cloud, "DELETE") == []
    assert alarms(cloud) == [alarm]


@pytest.mark.parametrize("strange", [0, "all", "none"])
async def test_an_alarm_that_the_vendor_lists_without_a_number_cannot_be_deleted(
    house: House, cloud: SensoristCloud, strange: Any
) -> None:
    alarm = add_alarm(cloud)

    def renumber(payload: Any) -> Any:
        payload["alarms"][0]["id"] = strange
        return payload

    cloud.faults.add(Fault(match="/alarms", method="GET", kind="mutate", mutate=renumber))
    await house.sign_in(cloud)
    target = alarm_entity(house, cloud, alarm, str(strange))

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "delete_alarm", entity_id=target)

    assert err.value.translation_key == "unsuitable_field"
    assert requests(cloud, "DELETE") == []
    assert alarms(cloud) == [alarm]


async def test_the_history_of_alarms_can_be_had_by_alarm_sensor_gateway_or_account(
    house: House, cloud: SensoristCloud
) -> None:
    first, second, elsewhere = add_alarm(cloud), add_alarm(cloud, 1), add_alarm(cloud, 2)
    entry = await house.sign_in(cloud)
    sensor = device(house, cloud, f"sensor-{first.source.sensor.id}")
    gateway = device(house, cloud, f"gateway-{first.source.sensor.gateway.id}")

    async def told(**target: Any) -> set[str]:
        response = await call(house, "get_alarm_history", **target)
        assert all(
            set(log) == {"time", "value", "alarm", "is_triggered"} for log in response["logs"]
        )
        return {log["alarm"] for log in response["logs"] if log["is_triggered"]}

    assert await told(entity_id=alarm_entity(house, cloud, first)) == {str(first.id)}
    both = [alarm_entity(house, cloud, first), alarm_entity(house, cloud, elsewhere)]
    assert await told(entity_id=both) == {str(first.id), str(elsewhere.id)}
    assert await told(device_id=sensor) == {str(first.id)}
    assert await told(device_id=gateway) == {str(first.id), str(second.id)}
    everything = {str(first.id), str(second.id), str(elsewhere.id)}
    assert await told(config_entry_id=entry.entry_id) == everything
    later = (START + timedelta(seconds=1)).isoformat()
    until = (START + timedelta(days=1)).isoformat()
    assert await told(config_entry_id=entry.entry_id, start=later, end=until) == set()
    assert writes(cloud) == []


async def test_a_device_without_alarms_has_no_history_and_the_vendor_is_not_asked_for_all(
    house: House, cloud: SensoristCloud
) -> None:
    add_alarm(cloud)
    await house.sign_in(cloud)
    other = device(house, cloud, f"gateway-{cloud.gateways[1].id}")
    before = len(requests(cloud, "GET", "/alarms/history"))

    assert await call(house, "get_alarm_history", device_id=other) == {"logs": []}
    assert len(requests(cloud, "GET", "/alarms/history")) == before


async def test_the_history_is_for_one_kind_of_target_and_never_for_none(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    before = len(requests(cloud, "GET", "/alarms/history"))

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "get_alarm_history")
    assert err.value.translation_key == "no_target"
    with pytest.raises(vol.Invalid):
        await call(
            house,
            "get_alarm_history",
            config_entry_id=entry.entry_id,
            entity_id=[temperature(house, cloud)],
        )
    with pytest.raises(vol.Invalid):
        await call(house, "get_alarm_history", entity_id=[])
    with pytest.raises(ServiceValidationError) as err:
        await call(house, "get_alarm_history", entity_id=[temperature(house, cloud)])
    assert err.value.translation_placeholders == {"field": "entity_id"}
    assert len(requests(cloud, "GET", "/alarms/history")) == before


async def test_more_alarms_than_one_address_can_name_are_refused(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1)
    for _ in range(400):
        add_alarm(cloud, value=500)
    await house.sign_in(cloud)
    targets = [alarm_entity(house, cloud, alarm) for alarm in alarms(cloud)]

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "get_alarm_history", entity_id=targets)

    assert err.value.translation_placeholders == {"field": "entity_id"}


# -- names, gateways, users, callbacks --


@pytest.mark.parametrize("kind", ["gateway", "sensor"])
async def test_renaming_reaches_the_vendor_and_shows_at_once_and_stays(
    house: House, cloud: SensoristCloud, kind: str
) -> None:
    entry = await house.sign_in(cloud)
    gateway = cloud.gateways[0]
    thing = gateway if kind == "gateway" else gateway.sensors[0]
    target = device(house, cloud, f"{kind}-{thing.id}")

    response = await call(house, "rename", device_id=target, name="  Kælder ")

    assert response == {"name": "Kælder"}
    assert thing.title == "Kælder"
    registry = dr.async_get(house.hass)
    assert registry.async_get(target).name == "Kælder"
    (sent,) = writes(cloud)
    assert sent.form == {"name": "Kælder"}
    assert "Kælder" in {found.name for found in house.devices(entry)}

    await house.pass_time(2000)
    assert registry.async_get(target).name == "Kælder"
    assert cloud.early_requests() == []


async def test_the_account_itself_has_no_name_to_change(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "rename", device_id=device(house, cloud, "account"), name="Mine")

    assert err.value.translation_placeholders == {"field": "device_id"}
    assert writes(cloud) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 256])
async def test_a_name_without_letters_or_end_is_refused(
    house: House, cloud: SensoristCloud, name: str
) -> None:
    await house.sign_in(cloud)
    target = device(house, cloud, f"gateway-{cloud.gateways[0].id}")

    with pytest.raises(vol.Invalid):
        await call(house, "rename", device_id=target, name=name)

    assert writes(cloud) == []


async def test_a_gateway_is_added_by_its_serial_number_and_appears_with_the_next_list(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    spare = cloud.spare_gateways[0]

    response = await call(
        house,
        "add_gateway",
        config_entry_id=entry.entry_id,
        serial=spare.serial,
        name="Warehouse",
    )

    assert spare.owner == cloud.user.id
    assert spare.title == "Warehouse"
    assert response["gateway"]["id"] == str(spare.id)
    assert response["gateway"]["name"] == "Warehouse"
    await house.pass_time(1000)
    assert "Warehouse" in {found.name for found in house.devices(entry)}
    assert cloud.early_requests() == []


@pytest.mark.parametrize(("action", "key"), [("add_gateway", "gateway"), ("create_user", "user")])
async def test_what_the_reply_does_not_show_is_not_made_up(
    house: House, cloud: SensoristCloud, action: str, key: str
) -> None:
    entry = await house.sign_in(cloud)

    def hide(payload: Any) -> Any:
        del payload[key]
        return payload

    cloud.faults.add(Fault(method="POST", kind="mutate", mutate=hide))
    fields = NEW_USER if action == "create_user" else {"serial": cloud.spare_gateways[0].serial}

    response = await call(house, action, config_entry_id=entry.entry_id, **fields)

    assert response == {key: None}
    assert len(writes(cloud)) == 1


async def test_a_serial_number_that_is_none_is_named(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)

    with pytest.raises(ServiceValidationError) as err:
        await call(house, "add_gateway", config_entry_id=entry.entry_id, serial="../users")

    assert err.value.translation_placeholders == {"field": "serial"}
    assert writes(cloud) == []


@pytest.mark.parametrize(("serial", "status"), [("99999999", "404"), ("taken", "409")])
async def test_a_serial_number_that_the_vendor_refuses_is_said_with_its_status(
    house: House, cloud: SensoristCloud, serial: str, status: str
) -> None:
    entry = await house.sign_in(cloud)
    serial = {"taken": cloud.gateways[0].serial}.get(serial, serial)

    with pytest.raises(HomeAssistantError) as err:
        await call(house, "add_gateway", config_entry_id=entry.entry_id, serial=serial)

    assert err.value.translation_key == "refused"
    assert err.value.translation_placeholders == {"status": status}
    assert len(writes(cloud)) == 1


NEW_USER = {
    "email": "new.person@example.net",
    "password": SECRET,
    "first_name": "Nina",
    "last_name": "Neu",
}


async def test_a_user_is_created_and_neither_log_nor_response_tells_who_or_how(
    house: House,
    cloud: SensoristCloud,
    hass_admin_user: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await house.sign_in(cloud)
    caplog.clear()
    caplog.set_level("DEBUG", logger="custom_components.watchpost")

    response = await call(
        house,
        "create_user",
        context=Context(user_id=hass_admin_user.id),
        config_entry_id=entry.entry_id,
        **NEW_USER,
    )

    created = cloud.users[-1]
    assert (created.email, created.password) == (NEW_USER["email"], SECRET)
    assert (created.fname, created.lname) == ("Nina", "Neu")
    assert response == {"user": {"id": str(created.id)}}
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("custom_components")]
    assert ours
    assert not any(SECRET in line or "Nina" in line or "new.person" in line for line in ours)


async def test_a_refused_user_is_said_without_the_password(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await house.sign_in(cloud)
    fields = {**NEW_USER, "email": cloud.username}

    with pytest.raises(HomeAssistantError) as err:
        await call(house, "create_user", config_entry_id=entry.entry_id, **fields)

    assert err.value.translation_placeholders == {"status": "409"}
    assert SECRET not in f"{err.value} {err.value.__cause__} {err.value.__context__!r}"


@pytest.mark.parametrize("field", ["email", "password", "first_name", "last_name"])
async def test_a_user_without_one_of_the_four_is_refused_and_the_text_tells_no_secret(
    house: House, cloud: SensoristCloud, field: str
) -> None:
    entry = await house.sign_in(cloud)
    fields = {key: value for key, value in NEW_USER.items() if key != field}

    for given in (fields, {**fields, field: ""}):
        with pytest.raises(vol.Invalid) as err:
            await call(house, "create_user", config_entry_id=entry.entry_id, **given)
        assert SECRET not in str(err.value)

    assert writes(cloud) == []


async def test_users_are_listed_by_id_and_name_alone(
    house: House, open_cloud: OpenCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, sub_users=2)
    entry = await house.sign_in(cloud)
    caplog.clear()
    caplog.set_level("DEBUG", logger="custom_components.watchpost")

    response = await call(house, "list_users", config_entry_id=entry.entry_id)

    assert response == {
        "users": [
            {"id": str(user.id), "name": f"{user.fname} {user.lname}"} for user in cloud.users
        ]
    }
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("custom_components")]
    assert not any(user.lname in line for line in ours for user in cloud.users)


@pytest.mark.parametrize("action", sorted(ADMIN))
async def test_who_is_no_administrator_may_neither_create_nor_list_users(
    house: House, cloud: SensoristCloud, hass_read_only_user: User, action: str
) -> None:
    entry = await house.sign_in(cloud)
    before = len(cloud.log)
    fields = NEW_USER if action == "create_user" else {}

    with pytest.raises(Unauthorized):
        await call(
            house,
            action,
            context=Context(user_id=hass_read_only_user.id),
            config_entry_id=entry.entry_id,
            **fields,
        )

    assert len(cloud.log) == before


async def test_callbacks_are_listed_without_what_would_let_others_post_to_them(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cloud.callbacks.create(cloud.user.id, "https://u:p@hooks.example.com:8443/secret?key=x", 3)
    cloud.callbacks.create(cloud.user.id, "https://[", 4)

    response = await call(house, "list_callbacks", config_entry_id=entry.entry_id)

    theirs = [found for found in response["callbacks"] if not found["is_ours"]]
    assert [(found["events"], found["host"]) for found in theirs] == [
        (["button", "alarm"], "hooks.example.com"),
        (["system"], None),
    ]
    assert all(set(found) == {"id", "events", "host", "is_ours"} for found in theirs)
    assert "secret" not in json.dumps(response)


# -- failures --

FAULTS = [
    (Fault(kind="status", status=401), "sign_in_rejected", "sign_in_rejected"),
    (Fault(kind="status", status=403), "not_allowed", "not_allowed"),
    (Fault(kind="status", status=404), "refused", "refused"),
    (
        Fault(kind="status", status=429, headers={"Retry-After": "60"}),
        "rate_limited",
        "rate_limited",
    ),
    (Fault(kind="status", status=500), "cannot_connect", "outcome_unknown"),
    (Fault(kind="envelope_code", code=403), "not_allowed", "not_allowed"),
    (Fault(kind="drop", takes_effect=True), "cannot_connect", "outcome_unknown"),
    (Fault(kind="cut"), "cannot_connect", "outcome_unknown"),
    (Fault(kind="cut_json"), "unexpected_reply", "outcome_unknown"),
    (Fault(kind="not_json"), "unexpected_reply", "outcome_unknown"),
    (Fault(kind="status", status=408), "timed_out", "outcome_unknown"),
]


@pytest.mark.parametrize(
    ("fault", "key", "_"), FAULTS, ids=[f"{f.kind}-{f.status}" for f, _, _ in FAULTS]
)
async def test_a_failed_read_says_why(
    house: House, cloud: SensoristCloud, fault: Fault, key: str, _: str
) -> None:
    await house.sign_in(cloud)
    fault.query = {"type": "range"}
    cloud.faults.add(fault)

    with pytest.raises(HomeAssistantError) as err:
        await call(house, "get_measurements", entity_id=temperature(house, cloud))

    assert not isinstance(err.value, ServiceValidationError)
    assert err.value.translation_domain == DOMAIN
    assert err.value.translation_key == key
    cloud.faults.clear()


@pytest.mark.parametrize("action", sorted(WRITING))
@pytest.mark.parametrize(
    ("fault", "_", "key"), FAULTS, ids=[f"{f.kind}-{f.status}" for f, _, _ in FAULTS]
)
async def test_a_failed_write_says_why_and_nothing_is_sent_twice(
    house: House, cloud: SensoristCloud, action: str, fault: Fault, _: str, key: str
) -> None:
    alarm = add_alarm(cloud)
    entry = await house.sign_in(cloud)
    fields: dict[str, dict[str, Any]] = {
        "create_alarm": {
            "entity_id": temperature(house, cloud),
            "value": 8,
            "direction": "above",
        },
        "delete_alarm": {"entity_id": alarm_entity(house, cloud, alarm)},
        "rename": {
            "device_id": device(house, cloud, f"gateway-{cloud.gateways[0].id}"),
            "name": "New",
        },
        "add_gateway": {
            "config_entry_id": entry.entry_id,
            "serial": cloud.spare_gateways[0].serial,
        },
        "create_user": {"config_entry_id": entry.entry_id, **NEW_USER},
    }
    method = "DELETE" if action == "delete_alarm" else "POST"
    planned = Fault(
        kind=fault.kind,
        status=fault.status,
        headers=fault.headers,
        code=fault.code,
        takes_effect=fault.takes_effect,
        method=method,
    )
    cloud.faults.add(planned)

    with pytest.raises(HomeAssistantError) as err:
        await call(house, action, **fields[action])

    assert not isinstance(err.value, ServiceValidationError)
    assert err.value.translation_key == key
    assert SECRET not in str(err.value)
    await house.pass_time(700)
    # Not after a 401 either: these credentials cannot be renewed, and the same ones prove nothing new.
    assert len(writes(cloud)) == 1
    cloud.faults.clear()


async def test_a_vendor_that_never_answers_leaves_the_outcome_open(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(method="POST", kind="hold"))
    target = temperature(house, cloud)
    asking = house.hass.async_create_background_task(
        house.hass.services.async_call(
            DOMAIN,
            "create_alarm",
            {"entity_id": target, "value": 8, "direction": "above"},
            blocking=True,
        ),
        "asking",
    )
    await _until(house, lambda: writes(cloud))

    while not asking.done():
        house.freezer.tick(1)
        await _turn(house)

    with pytest.raises(HomeAssistantError) as err:
        await asking
    assert err.value.translation_key == "outcome_unknown"
    assert len(writes(cloud)) == 1
    cloud.faults.clear()


async def _turn(house: House) -> None:
    """One turn of the loop, with real I/O but no time."""
    done = house.hass.loop.create_future()
    house.hass.loop.call_soon(done.set_result, None)
    await done


async def _until(house: House, condition: Any) -> None:
    for _ in range(10_000):
        if condition():
            return
        await _turn(house)
    pytest.fail("it never came")


async def test_a_missing_right_is_named(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(method="POST", kind="status", status=403))

    with pytest.raises(HomeAssistantError) as err:
        await call(
            house, "create_alarm", entity_id=temperature(house, cloud), value=8, direction="above"
        )

    assert err.value.translation_placeholders == {"right": "create alarms"}


async def test_an_alarm_that_was_not_deleted_stays(house: House, cloud: SensoristCloud) -> None:
    alarm = add_alarm(cloud)
    await house.sign_in(cloud)
    target = alarm_entity(house, cloud, alarm)
    cloud.faults.add(Fault(method="DELETE", kind="status", status=500))

    with pytest.raises(HomeAssistantError):
        await call(house, "delete_alarm", entity_id=target)

    assert house.hass.states.get(target) is not None


async def test_acting_as_another_user_acts_for_that_user(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, sub_users=1)
    other = cloud.users[1]
    entry = await house.sign_in(cloud, impersonate=str(other.id), with_slaves=True, gateways=[])
    gateway = cloud.gateways_of(other)[0]
    target = device(house, cloud, f"gateway-{gateway.id}")

    await call(house, "rename", device_id=target, name="Theirs")
    await call(
        house, "add_gateway", config_entry_id=entry.entry_id, serial=cloud.spare_gateways[0].serial
    )

    assert gateway.title == "Theirs"
    assert len(cloud.gateways_of(other)) == 2
    assert gateway_id(cloud, gateway, "restart")
