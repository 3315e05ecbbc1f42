"""What can be asked of an account of the Manfred Kunze platform by action."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
import pytest
import voluptuous as vol

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .calling import told_fixture  # noqa: F401
from .conftest import DOMAIN
from .mk_house import (
    MkHouse,
    OpenMk,
    asked,
    mk_fixture,  # noqa: F401
    mk_house_fixture,  # noqa: F401
    open_mk_fixture,  # noqa: F401
)

POLL = 31
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Caller:
    """Calls actions of one account."""

    def __init__(self, house: MkHouse, mk: ManfredKunzeCloud, entry: ConfigEntry) -> None:
        self.house, self.mk, self.entry = house, mk, entry

    async def __call__(self, action: str, **fields: Any) -> Any:
        answer = await self.house.hass.services.async_call(
            DOMAIN, action, fields, blocking=True, return_response=True
        )
        await self.house.settle()
        return answer

    async def ask(self, action: str, **fields: Any) -> Any:
        return await self(action, config_entry_id=self.entry.entry_id, **fields)

    def device(self, n: int = 0) -> str:
        found = self.house.device(f"device-{self.mk.devices[n].id}")
        assert found is not None
        return found.id

    def component(self, n: int = 0) -> str:
        found = self.house.device(f"component-{self.mk.components[n].id}")
        assert found is not None
        return found.id

    def alarm(self, n: int = 0) -> str:
        rule = self.mk.rules[n]
        home = f"component-{rule.sensor.component.id}"
        found = self.house.entity(home, f"alert_rule-{rule.id}", "binary_sensor")
        assert found is not None
        return found

    async def patiently(self, seconds: float, action: str, **fields: Any) -> Any:
        """Call what takes a while, and let that while go by."""
        task = asyncio.ensure_future(self(action, **fields))
        await asyncio.sleep(0)
        await self.house.pass_time(seconds)
        return await task

    def sent(self, method: str = "POST") -> list[str]:
        """What was written at the vendor, as paths below /api/v1."""
        log = self.mk.log
        return [one.path.removeprefix("/api/v1") for one in log if one.method == method]


@pytest.fixture(name="call")
async def call_fixture(mk_house: MkHouse, mk: ManfredKunzeCloud) -> Caller:
    entry = await mk_house.sign_in(mk)
    await mk_house.pass_time(5)  # what is of the very second of the set-up counts as old
    return Caller(mk_house, mk, entry)


# -- alerts --


async def test_many_alerts_are_acknowledged_in_one_call_and_what_is_over_is_skipped_and_said(
    call: Caller, told: list[dict[str, Any]]
) -> None:
    mk = call.mk
    mine = [mk.fire(mk.rules[0], 41), mk.fire(mk.rules[0], 42)]
    foreign = mk.fire(mk.rules[1], 90)
    over = mk.fire(mk.rules[1], 91)
    mk.resolve(over)
    mk.acknowledge(mine[1])

    answer = await call("acknowledge_alert", entity_id=call.alarm(0))
    assert answer == {
        "acknowledged": [mine[0].id],
        "skipped": [{"alert_id": mine[1].id, "reason": "already_acknowledged"}],
        "failed": [],
    }
    assert foreign.state == "ACTIVE"
    shown = call.house.hass.states.get(call.alarm(0))
    assert shown.attributes["acknowledged"] is True
    assert [one["type"] for one in told if one["alert_id"] == mine[0].id] == [
        "alarm_raised",
        "alarm_acknowledged",
    ]

    ids = [mine[0].id, foreign.id, over.id, NOWHERE]
    answer = await call.ask("resolve_alert", alert_ids=ids)
    assert answer["resolved"] == [mine[0].id, foreign.id]
    assert answer["skipped"] == [
        {"alert_id": over.id, "reason": "not_open"},
        {"alert_id": NOWHERE, "reason": "not_open"},
    ]
    assert mine[0].state == foreign.state == "RESOLVED"
    assert mine[1].state == "ACKNOWLEDGED"
    await call.house.pass_time(2 * POLL)
    assert [one["type"] for one in told if one["alert_id"] == mine[0].id] == [
        "alarm_raised",
        "alarm_acknowledged",
        "alarm_cleared",
    ]


async def test_the_alerts_of_a_device_are_resolved_and_those_of_others_are_not_of_the_target(
    call: Caller,
) -> None:
    mk = call.mk
    rule = mk.rules[0]
    mine = mk.fire(rule, 41)
    other = next(one for one in mk.rules if one.sensor.component is not rule.sensor.component)
    foreign = mk.fire(other, 1)
    home = call.house.device(f"component-{rule.sensor.component.id}")
    assert home is not None

    answer = await call("resolve_alert", device_id=home.id, alert_ids=[foreign.id])
    assert answer["skipped"] == [{"alert_id": foreign.id, "reason": "not_of_target"}]
    answer = await call("resolve_alert", device_id=home.id)
    assert answer["resolved"] == [mine.id]
    assert foreign.state == "ACTIVE"


async def test_an_alert_that_somebody_resolved_meanwhile_is_skipped_and_one_that_fails_is_said(
    call: Caller,
) -> None:
    mk = call.mk
    alerts = [mk.fire(mk.rules[0], 41 + n) for n in range(3)]
    answer = mk.answer

    def meanwhile(request: Any) -> Any:
        if request.path.endswith(f"{alerts[0].id}/acknowledge"):
            mk.resolve(alerts[0])
        return answer(request)

    mk.answer = meanwhile  # type: ignore[method-assign]
    mk.faults.add(Fault(match=f"{alerts[1].id}/acknowledge", status=500))
    outcome = await call("acknowledge_alert", entity_id=call.alarm(0))
    assert outcome["acknowledged"] == [alerts[2].id]
    assert outcome["skipped"] == [{"alert_id": alerts[0].id, "reason": "moved_meanwhile"}]
    assert outcome["failed"] == [{"alert_id": alerts[1].id, "reason": "outcome_unknown"}]
    assert call.sent().count(f"/alerts/{alerts[1].id}/acknowledge") == 1


async def test_alerts_of_a_whole_account_are_named_never_all_by_accident(call: Caller) -> None:
    alert = call.mk.fire(call.mk.rules[0], 41)
    with pytest.raises(ServiceValidationError) as caught:
        await call.ask("resolve_alert")
    assert caught.value.translation_placeholders == {"field": "alert_ids"}
    with pytest.raises(ServiceValidationError):
        await call("resolve_alert", entity_id=call.house.entity("account", "open_alerts", "sensor"))
    assert alert.state == "ACTIVE"
    for wrong in ("../devices", "a b", ""):
        with pytest.raises(vol.Invalid):
            await call.ask("resolve_alert", alert_ids=[wrong])


async def test_a_right_that_is_lacking_is_said_and_nothing_is_repeated(call: Caller) -> None:
    call.mk.fire(call.mk.rules[0], 41)
    call.mk.faults.add(Fault(match="/acknowledge", status=403))
    with pytest.raises(HomeAssistantError) as caught:
        await call("acknowledge_alert", entity_id=call.alarm(0))
    assert caught.value.translation_key == "not_allowed"
    assert caught.value.translation_placeholders == {"right": "acknowledge alerts"}
    assert len(call.sent()) == 1


async def test_alerts_are_moved_by_what_is_known_while_the_list_cannot_be_had(
    call: Caller,
) -> None:
    alert = call.mk.fire(call.mk.rules[0], 41)
    await call.house.pass_time(POLL)
    call.mk.faults.add(Fault(match="/alerts", method="GET", status=502))
    answer = await call("acknowledge_alert", entity_id=call.alarm(0))
    assert answer["acknowledged"] == [alert.id]


# -- readings --


async def test_readings_of_a_period_are_returned_raw_grouped_and_as_statistics(
    call: Caller,
) -> None:
    sensor = call.mk.sensor("temperature")
    entity = call.house.sensor(sensor).entity_id
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=3), now - timedelta(hours=1)
    period = {"start": start.isoformat(), "end": end.isoformat()}

    raw = await call("get_readings", entity_id=entity, **period)
    (told,) = raw["sensors"]
    assert told["sensor_id"] == sensor.id
    assert told["unit"] == "°C"
    assert told["truncated"] is False
    times = [datetime.fromisoformat(one["time"]) for one in told["readings"]]
    assert times == sorted(times)
    assert len(times) == pytest.approx(120, abs=1)
    assert start <= times[0] < times[-1] < end

    grouped = await call("get_readings", entity_id=entity, type="aggregated", **period)
    rows = grouped["sensors"][0]["readings"]
    assert rows
    assert all(row["min"] <= row["mean"] <= row["max"] for row in rows)
    stats = await call("get_readings", entity_id=entity, type="stats", **period)
    assert stats["sensors"][0]["stats"]

    of_component = await call("get_readings", device_id=call.component(0), **period)
    known = {one.id for one in call.mk.sensors if one.component is call.mk.components[0]}
    assert {one["sensor_id"] for one in of_component["sensors"]} == known


async def test_readings_are_of_sensors_alone(call: Caller) -> None:
    for target in (
        {"entity_id": call.alarm(0)},
        {"config_entry_id": call.entry.entry_id},
    ):
        with pytest.raises(ServiceValidationError) as caught:
            await call("get_readings", **target)
        assert caught.value.translation_placeholders == {"field": "entity_id"}


# -- records of any group --


async def test_records_are_listed_without_secrets_or_addresses_that_are_secret(
    call: Caller, hass_admin_user: User
) -> None:
    secret = "https://hooks.example.com/T00/B00/s3cr3t-canary"
    made = await call.ask(
        "save_record",
        resource="notification_channels",
        data={"name": "Ops", "type": "WEBHOOK", "config": {"url": secret, "secret": "hush-canary"}},
    )
    listed = await call.ask("list_records", resource="notification_channels")
    assert listed["truncated"] is False
    assert made["record_id"] in {row["id"] for row in listed["records"]}
    assert "canary" not in str(listed)
    assert "https://hooks.example.com" in str(listed)

    rules = await call.ask("list_records", resource="alert_rules")
    assert {row["id"] for row in rules["records"]} == {rule.id for rule in call.mk.rules}
    one = await call.ask("list_records", resource="alert_rules", record_id=call.mk.rules[0].id)
    assert one["record"]["name"] == call.mk.rules[0].name

    await call.ask(
        "save_record",
        resource="alert_rules",
        record_id=call.mk.rules[0].id,
        data={"name": "Far too warm"},
    )
    assert call.mk.rules[0].name == "Far too warm"
    await call.ask("delete_record", resource="notification_channels", record_id=made["record_id"])
    assert made["record_id"] not in call.mk.book.channels


async def test_records_are_for_administrators(call: Caller, hass_read_only_user: User) -> None:
    context = Context(user_id=hass_read_only_user.id)
    for action, fields in (
        ("list_records", {"resource": "alert_rules"}),
        ("save_record", {"resource": "alert_rules", "data": {}}),
        ("delete_record", {"resource": "alert_rules", "record_id": call.mk.rules[0].id}),
        ("create_registration_token", {"device_name": "x"}),
    ):
        with pytest.raises(Unauthorized):
            await call.house.hass.services.async_call(
                DOMAIN,
                action,
                {"config_entry_id": call.entry.entry_id, **fields},
                blocking=True,
                return_response=True,
                context=context,
            )
    assert call.sent("DELETE") == []


async def test_a_record_below_another_needs_that_ones_id(call: Caller) -> None:
    alert = call.mk.fire(call.mk.rules[0], 41)
    with pytest.raises(ServiceValidationError) as caught:
        await call.ask("list_records", resource="alert_notifications")
    assert caught.value.translation_placeholders == {"field": "record_id"}
    told = await call.ask("list_records", resource="alert_notifications", record_id=alert.id)
    assert told["records"]
    health = await call.ask(
        "list_records", resource="device_health", record_id=call.mk.devices[0].id
    )
    assert health["record"]


# -- events --


async def test_an_event_is_put_onto_the_timeline_once_with_what_it_is_about(
    call: Caller,
) -> None:
    before = set(call.mk.book.events)
    answer = await call(
        "post_event",
        device_id=call.device(0),
        event_type="DOOR_OPENED",
        message="Somebody opened the north door",
        severity="warning",
        data={"door": "north"},
    )
    (made,) = set(call.mk.book.events) - before
    assert answer == {"event_id": made}
    event = call.mk.book.events[made]
    assert event["type"] == "DOOR_OPENED"
    assert event["deviceId"] == call.mk.devices[0].id
    assert event["severity"] == "WARNING"
    listed = await call.ask("list_records", resource="events")
    assert made in {row["id"] for row in listed["records"]}


async def test_a_channel_is_tested_by_its_id(call: Caller, open_mk: OpenMk) -> None:
    channel = next(iter(call.mk.book.channels))
    await call.ask("test_notification_channel", channel_id=channel)
    assert len(asked(call.mk, f"/notification-channels/{channel}/test", "POST")) == 1
    with pytest.raises(HomeAssistantError) as caught:
        await call.ask("test_notification_channel", channel_id=NOWHERE)
    assert caught.value.translation_key == "refused"
