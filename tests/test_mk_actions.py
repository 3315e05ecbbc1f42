"""What can be asked of an account of the Manfred Kunze platform by action."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import issue_registry as ir
import pytest
import voluptuous as vol

from custom_components.watchpost.vendors.manfred_kunze import reading_actions
from custom_components.watchpost.vendors.manfred_kunze.endpoints import RESOURCES, redact
from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .calling import told_fixture  # noqa: F401
from .conftest import DOMAIN
from .mk_house import MkHouse, OpenMk, asked

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

    mk.answer = meanwhile
    mk.faults.add(Fault(match=f"{alerts[1].id}/acknowledge", status=500))
    outcome = await call("acknowledge_alert", entity_id=call.alarm(0))
    assert outcome["acknowledged"] == [alerts[2].id]
    assert outcome["skipped"] == [{"alert_id": alerts[0].id, "reason": "moved_meanwhile"}]
    assert outcome["failed"] == [{"alert_id": alerts[1].id, "reason": "outcome_unknown"}]
    assert call.sent().count(f"/alerts/{alerts[1].id}/acknowledge") == 1


async def test_after_a_refusal_that_is_for_all_the_others_are_not_tried(call: Caller) -> None:
    mk = call.mk
    alerts = {alert.id for alert in [mk.fire(mk.rules[0], 41 + n) for n in range(4)]}
    answer = mk.answer

    def once(request: Any) -> Any:
        answered = answer(request)
        if request.path.endswith("/acknowledge"):
            mk.faults.add(Fault(match="/acknowledge", status=403))
        return answered

    mk.answer = once
    outcome = await call("acknowledge_alert", entity_id=call.alarm(0))
    assert len(outcome["acknowledged"]) == 1
    assert [one["reason"] for one in outcome["failed"]] == ["refused", "not_tried", "not_tried"]
    assert {one["alert_id"] for one in outcome["failed"]} < alerts
    assert len(call.sent()) == 2


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

    just = {"start": (now - timedelta(minutes=10)).isoformat(), "type": "window"}
    window = await call("get_readings", entity_id=entity, **just)
    assert 8 <= len(window["sensors"][0]["readings"]) <= 12
    with pytest.raises(ServiceValidationError):
        await call("get_readings", entity_id=entity, **just, end=now.isoformat())

    of_component = await call("get_readings", device_id=call.component(0), **period)
    known = {one.id for one in call.mk.sensors if one.component is call.mk.components[0]}
    assert {one["sensor_id"] for one in of_component["sensors"]} == known


async def test_readings_that_would_not_be_returned_are_not_asked_for(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_actions, "MAX_ROWS", 10)
    before = len(call.mk.log)
    answer = await call("get_readings", device_id=call.component(0))
    (told,) = answer["sensors"]
    assert (len(told["readings"]), told["truncated"], answer["truncated"]) == (10, True, True)
    paths = {one.path for one in call.mk.log[before:] if "/readings/sensor/" in one.path}
    assert len(paths) == 1


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
    assert made["record_id"] not in call.mk.alert_store.channels


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
    before = set(call.mk.alert_store.events)
    answer = await call(
        "post_event",
        device_id=call.device(0),
        event_type="DOOR_OPENED",
        message="Somebody opened the north door",
        severity="warning",
        data={"door": "north"},
    )
    (made,) = set(call.mk.alert_store.events) - before
    assert answer == {"event_id": made}
    event = call.mk.alert_store.events[made]
    assert event["type"] == "DOOR_OPENED"
    assert event["deviceId"] == call.mk.devices[0].id
    assert event["severity"] == "WARNING"
    listed = await call.ask("list_records", resource="events")
    assert made in {row["id"] for row in listed["records"]}


async def test_a_channel_is_tested_by_its_id(call: Caller, open_mk: OpenMk) -> None:
    channel = next(iter(call.mk.alert_store.channels))
    await call.ask("test_notification_channel", channel_id=channel)
    assert len(asked(call.mk, f"/notification-channels/{channel}/test", "POST")) == 1
    with pytest.raises(HomeAssistantError) as caught:
        await call.ask("test_notification_channel", channel_id=NOWHERE)
    assert caught.value.translation_key == "refused"


# -- commands --


async def test_a_command_is_sent_once_and_followed_to_its_end(call: Caller) -> None:
    answer = await call.patiently(
        30, "send_command", device_id=call.device(0), command="REBOOT", params={"delay_seconds": 2}
    )
    assert answer["state"] == "success"
    assert answer["has_ended"] is True
    assert answer["timed_out"] is False
    path = f"/devices/{call.mk.devices[0].id}/commands"
    assert call.sent() == [path]
    assert 1 <= len(asked(call.mk, f"{path}/{answer['command_id']}")) <= 5


@pytest.mark.parametrize(
    "variants",
    [
        {"command_track": "list", "command_name": "type", "names": "other", "listing": "oldest"},
        pytest.param(
            {"command_track": "item", "references": "nested", "errors": "text"},
            marks=pytest.mark.soak,
        ),
    ],
)
async def test_commands_are_followed_in_whatever_form_they_come(
    mk_house: MkHouse, open_mk: OpenMk, variants: dict[str, Any]
) -> None:
    mk = await open_mk(variants)
    call = Caller(mk_house, mk, await mk_house.sign_in(mk))
    for _ in range(2):
        answer = await call.patiently(
            30, "send_command", device_id=call.component(0), command="UPDATE_CONFIG"
        )
        assert answer["state"] == "success"


async def test_a_command_that_never_ends_is_given_up_and_that_is_said(call: Caller) -> None:
    call.mk.config.command_fate = "hang"
    call.mk.config.command_timeout = 9999
    before = len(call.mk.log)
    answer = await call.patiently(
        130, "send_command", device_id=call.device(0), command="REBOOT", timeout=120
    )
    assert answer["state"] == "sent"
    assert answer["has_ended"] is False
    assert answer["timed_out"] is True
    about = [one for one in call.mk.log[before:] if "/commands" in one.path]
    assert 3 <= len(about) <= 14
    assert [one.method for one in about].count("POST") == 1


async def test_a_command_that_fails_or_times_out_at_the_device_says_so(call: Caller) -> None:
    call.mk.config.command_fate = "fail"
    answer = await call.patiently(30, "send_command", device_id=call.device(0), command="REBOOT")
    assert (answer["state"], answer["has_ended"]) == ("failed", True)


async def test_a_command_is_not_repeated_when_nobody_knows_whether_it_was_taken(
    call: Caller,
) -> None:
    path = f"/devices/{call.mk.devices[0].id}/commands"
    call.mk.faults.add(Fault(match=path, method="POST", status=502))
    with pytest.raises(HomeAssistantError) as caught:
        await call("send_command", device_id=call.device(0), command="REBOOT")
    assert caught.value.translation_key == "outcome_unknown"
    assert call.sent() == [path]


async def test_following_a_command_outlives_an_outage_and_ends_with_a_refusal(
    call: Caller,
) -> None:
    call.mk.faults.add(Fault(match="/commands", method="GET", status=502, times=2))
    answer = await call.patiently(60, "send_command", device_id=call.device(0), command="REBOOT")
    assert answer["state"] == "success"
    call.mk.faults.add(Fault(match="/commands", method="GET", status=403))
    answer = await call.patiently(60, "send_command", device_id=call.device(0), command="REBOOT")
    assert answer["has_ended"] is answer["timed_out"] is False


async def test_the_button_reboots_a_device_and_a_failure_later_is_a_repair(
    call: Caller,
) -> None:
    device = call.mk.devices[1]
    button = call.house.entity(f"device-{device.id}", "reboot", "button")
    assert button is not None

    async def press() -> None:
        await call.house.hass.services.async_call(
            "button", "press", {"entity_id": button}, blocking=True
        )
        await call.house.pass_time(60)

    def problems() -> list[str]:
        issues = ir.async_get(call.house.hass).issues.values()
        return [one.issue_id for one in issues if one.translation_key == "work_failed"]

    await press()
    assert call.sent() == [f"/devices/{device.id}/commands"]
    assert problems() == []
    call.mk.config.command_fate = "fail"
    await press()
    assert len(problems()) == 1
    call.mk.config.command_fate = "success"
    await press()
    assert problems() == []


# -- provisioning --


async def test_a_registration_token_is_in_the_response_once_and_nowhere_else(
    call: Caller, caplog: pytest.LogCaptureFixture, hass_storage: dict[str, Any]
) -> None:
    caplog.set_level("DEBUG")
    answer = await call.ask("create_registration_token", device_name="North gateway")
    token = answer["token"]
    assert len(token) > 20
    assert answer["device_name"] == "North gateway"
    assert answer["device_id"]
    assert answer["provision_endpoint"].startswith("http")
    assert datetime.fromisoformat(answer["expires_at"]) > datetime.now(UTC)
    listed = await call.ask("list_records", resource="registration_tokens")
    assert len(listed["records"]) == 1
    await call.house.pass_time(600)

    secret = token.split(".")[-1]
    ours = [one for one in caplog.records if one.name.startswith("custom_components")]
    assert not [one for one in ours if secret in one.getMessage()]
    assert secret not in str(listed)
    assert secret not in str(hass_storage)
    assert secret not in str(call.entry.as_dict())
    assert secret not in str([one.as_dict() for one in call.house.hass.states.async_all()])

    await call.ask(
        "delete_record",
        resource="registration_tokens",
        record_id=listed["records"][0]["id"],
    )
    listed = await call.ask("list_records", resource="registration_tokens")
    assert listed["records"] == []


async def test_a_token_is_not_made_where_nobody_would_see_it(call: Caller) -> None:
    with pytest.raises(ServiceValidationError):
        await call.house.hass.services.async_call(
            DOMAIN,
            "create_registration_token",
            {"config_entry_id": call.entry.entry_id, "device_name": "x"},
            blocking=True,
        )
    assert call.sent() == []


# -- configuration and annotations --


async def test_a_configuration_is_added_assigned_and_deleted(call: Caller) -> None:
    made = await call.ask(
        "save_record",
        resource="config_artefacts",
        data={"name": "report-interval", "content": {"reportInterval": 30}},
    )
    answer = await call(
        "set_desired_state", device_id=call.device(1), artefact_id=made["record_id"]
    )
    assert answer["binding"]["targetId"] == call.mk.devices[1].id
    assert answer["binding"]["artefactId"] == made["record_id"]

    group = (await call.ask("list_records", resource="device_groups"))["records"][0]
    answer = await call.ask(
        "set_desired_state",
        artefact_id=made["record_id"],
        target_type="device_group",
        target_id=group["id"],
    )
    assert answer["binding"]["targetType"] == "DEVICE_GROUP"
    for fields in ({}, {"target_type": "device_group"}, {"target_id": group["id"]}):
        with pytest.raises(ServiceValidationError):
            await call.ask("set_desired_state", artefact_id=made["record_id"], **fields)
    sensor = call.house.sensor(call.mk.sensor("temperature")).entity_id
    with pytest.raises(ServiceValidationError):
        await call("set_desired_state", entity_id=sensor, artefact_id=made["record_id"])

    upload = await call.ask(
        "request_artefact_upload", data={"name": "big.bin", "sizeBytes": 1_000_000}
    )
    assert upload["upload_url"].startswith("http")
    await call.ask(
        "delete_record", resource="desired_state_bindings", record_id=answer["binding"]["id"]
    )
    listed = await call.ask("list_records", resource="desired_state_bindings")
    assert answer["binding"]["id"] not in {row["id"] for row in listed["records"]}


async def test_of_two_targets_none_is_taken(call: Caller) -> None:
    target = {"device_id": call.device(0)}
    for action, fields in (
        ("set_desired_state", {"artefact_id": NOWHERE, "target_type": "device"}),
        ("create_annotation", {"class_id": NOWHERE}),
    ):
        name = "target_id" if "target_type" in fields else "site_id"
        with pytest.raises(ServiceValidationError) as caught:
            await call(action, **target, **fields, **{name: call.mk.devices[1].id})
        assert caught.value.translation_placeholders == {"field": name}
    assert call.sent() == call.sent("PUT") == []


@pytest.mark.parametrize(
    "variants",
    [{}, pytest.param({"names": "other", "paging": "items"}, marks=pytest.mark.soak)],
)
async def test_annotations_label_moments_and_periods_of_what_is_targeted(
    mk_house: MkHouse, open_mk: OpenMk, variants: dict[str, Any]
) -> None:
    mk = await open_mk(variants)
    call = Caller(mk_house, mk, await mk_house.sign_in(mk))
    (label, *_) = (await call.ask("list_records", resource="annotation_classes"))["records"]
    sensor = mk.sensor("temperature")
    site = (await call.ask("list_records", resource="sites"))["records"][0]
    targets: list[tuple[dict[str, Any], tuple[str, str]]] = [
        ({"device_id": call.device(0)}, ("DEVICE", mk.devices[0].id)),
        ({"device_id": call.component(0)}, ("COMPONENT", mk.components[0].id)),
        ({"entity_id": call.house.sensor(sensor).entity_id}, ("SENSOR", sensor.id)),
        ({"config_entry_id": call.entry.entry_id, "site_id": site["id"]}, ("SITE", site["id"])),
    ]
    period = {"start": "2026-09-12T00:00:00Z", "end": "2026-09-12T06:00:00Z"}
    for target, (kind, found) in targets:
        made = await call(
            "create_annotation", **target, **period, class_id=label["id"], values={"note": "x"}
        )
        one = await call.ask(
            "list_records", resource="annotations", record_id=made["annotation_id"]
        )
        record = one["record"]
        assert (record["scopeType"], record["scopeId"]) == (kind, found)
        assert (record["from"], record["to"]) == (period["start"], period["end"])
        assert record["values"] == {"note": "x"}
    with pytest.raises(ServiceValidationError) as caught:
        await call.ask("create_annotation", class_id=label["id"])
    assert caught.value.translation_placeholders == {"field": "site_id"}
    listed = await call.ask(
        "list_records", resource="annotations_by_source", query={"source": "MANUAL"}
    )
    assert len(listed["records"]) == len(targets)


async def test_what_is_refused_for_its_form_is_sent_in_the_next_and_that_one_is_kept(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"command_name": "type"})
    call = Caller(mk_house, mk, await mk_house.sign_in(mk))
    path = f"/devices/{mk.devices[0].id}/commands"
    for sent in (2, 3):
        await call.patiently(30, "send_command", device_id=call.device(0), command="REBOOT")
        assert len(asked(mk, path, "POST")) == sent

    mk.faults.add(Fault(match="/annotations", method="POST", status=422))
    with pytest.raises(HomeAssistantError) as caught:
        await call("create_annotation", device_id=call.device(0), class_id=NOWHERE)
    assert caught.value.translation_key == "refused"
    assert len(asked(mk, "/annotations", "POST")) == 4


async def test_every_group_of_the_vendors_text_can_be_listed(call: Caller) -> None:
    alert = call.mk.fire(call.mk.rules[0], 41)
    profile = (await call.ask("list_records", resource="sensor_profiles"))["records"][0]
    below = {
        "device_health": call.mk.devices[0].id,
        "device_commands": call.mk.devices[0].id,
        "alert_notifications": alert.id,
    }
    for name in RESOURCES:
        fields: dict[str, Any] = {"record_id": below[name]} if name in below else {}
        if name == "annotations_by_source":
            fields["query"] = {"source": "MANUAL"}
        answer = await call.ask("list_records", resource=name, **fields)
        assert answer.get("record") is not None or answer["records"] is not None, name
    schema = await call.ask("list_records", resource="schemas", record_id=profile["id"])
    assert schema["record"]
    with pytest.raises(ServiceValidationError):
        await call.ask("list_records", resource="schemas")


# -- what is odd --


async def test_a_command_that_nobody_can_be_asked_about_is_said_to_be_open(call: Caller) -> None:
    call.mk.faults.add(Fault(match="/commands", method="GET", status=404))
    fields = {"device_id": call.device(0), "command": "REBOOT", "timeout": 20}
    for _ in range(2):
        answer = await call.patiently(60, "send_command", **fields)
        assert (answer["has_ended"], answer["timed_out"]) == (False, True)
    asked_one = [one for one in call.mk.log if one.method == "GET" and "/commands/" in one.path]
    assert len(asked_one) == 1  # there is no such call

    call.mk.faults.clear()
    call.mk.faults.add(
        Fault(match="/commands", method="POST", kind="mutate", mutate=lambda payload: {})
    )
    answer = await call("send_command", **fields)
    assert answer["command_id"] is answer["state"] is None
    button = call.house.entity(f"device-{call.mk.devices[0].id}", "reboot", "button")
    await call.house.hass.services.async_call(
        "button", "press", {"entity_id": button}, blocking=True
    )
    assert call.sent()[-1].endswith("/commands")


async def test_what_an_action_cannot_use_is_named(call: Caller) -> None:
    account = call.house.device("account")
    assert account is not None
    sensor = call.house.sensor(call.mk.sensor("temperature")).entity_id
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("device_id", "send_command", {"device_id": account.id, "command": "REBOOT"}),
        ("device_id", "post_event", {"device_id": account.id, "event_type": "X"}),
        ("entity_id", "post_event", {"entity_id": [sensor, call.alarm(0)], "event_type": "X"}),
    ]
    for field, action, fields in wrong:
        with pytest.raises(ServiceValidationError) as caught:
            await call(action, **fields)
        assert caught.value.translation_placeholders == {"field": field}
    with pytest.raises(ServiceValidationError):
        await call.ask(
            "save_record", resource="config_artefacts", record_id=NOWHERE, data={"name": "x"}
        )
    assert call.sent() == []


async def test_an_event_of_an_entity_is_that_of_its_device(call: Caller) -> None:
    sensor = call.mk.sensor("temperature")
    await call("post_event", entity_id=[call.alarm(0)], event_type="CHECKED")
    await call("post_event", entity_id=call.house.sensor(sensor).entity_id, event_type="CHECKED")
    await call.ask("post_event", event_type="CHECKED")
    about, measured, general = list(call.mk.alert_store.events.values())[-3:]
    assert about["type"] == general["type"] == general["message"] == "CHECKED"
    assert about["deviceId"] == call.mk.rules[0].sensor.device.id
    assert (measured["sensorId"], measured["deviceId"]) == (sensor.id, sensor.device.id)
    assert general["deviceId"] is None


async def test_replies_that_show_nothing_of_use_are_said_to_be_unexpected(call: Caller) -> None:
    for match, action, fields in (
        ("/registration/tokens", "create_registration_token", {"device_name": "x"}),
        ("/upload-url", "request_artefact_upload", {"data": {"name": "x", "sizeBytes": 5}}),
    ):
        call.mk.faults.add(
            Fault(match=match, method="POST", kind="mutate", mutate=lambda payload: {"ok": True})
        )
        with pytest.raises(HomeAssistantError) as caught:
            await call.ask(action, **fields)
        assert caught.value.translation_key == "outcome_unknown"
    call.mk.faults.add(
        Fault(match="/upload-url", method="POST", kind="root", value="https://x.example/put?s=1")
    )
    answer = await call.ask("request_artefact_upload", data={"name": "x", "sizeBytes": 5})
    assert answer == {"upload_url": "https://x.example/put?s=1"}
    call.mk.faults.add(Fault(match="/alert-rules", method="GET", kind="root", value=7))
    with pytest.raises(HomeAssistantError):
        await call.ask(
            "save_record",
            resource="alert_rules",
            record_id=call.mk.rules[0].id,
            data={"name": "x"},
        )
    assert call.sent("PUT") == []


async def test_what_became_of_an_alert_is_open_where_the_list_cannot_be_had_again(
    call: Caller,
) -> None:
    alert = call.mk.fire(call.mk.rules[0], 41)
    await call.house.pass_time(POLL)
    call.mk.faults.add(Fault(match="/v1/alerts", method="GET", status=502))
    call.mk.faults.add(Fault(match="/acknowledge", status=409))
    answer = await call("acknowledge_alert", entity_id=call.alarm(0))
    assert answer["failed"] == [{"alert_id": alert.id, "reason": "refused"}]


def test_of_links_and_secrets_nothing_is_shown_that_opens_anything() -> None:
    record = {
        "id": "1",
        "webhookId": "s3cret",
        "accessKeyId": "s3cret",
        "upload": " https://store.example/x?sig=s3cret",
        "source": "s3://s3cret:s3cret@bucket/s3cret",
        "text": "See HTTPS://ha.example:8123/api/webhook/s3cret, or rtsp://u:s3cret@cam/1.",
        "list": [{"Authorization": "s3cret"}],
    }
    told = redact(record)
    assert "s3cret" not in str(told).lower()
    assert told["upload"] == "https://store.example"
    assert told["text"] == "See https://ha.example or rtsp://cam"


async def test_links_that_are_none_are_not_shown(call: Caller) -> None:
    call.mk.faults.add(
        Fault(match="/packs", kind="root", value=[{"id": "1", "source": "https://[broken/x?sig=1"}])
    )
    listed = await call.ask("list_records", resource="packs")
    assert listed["records"] == [{"id": "1", "source": None}]


async def test_a_list_with_more_records_than_are_returned_says_so(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(old_alerts=2_100)
    call = Caller(mk_house, mk, await mk_house.sign_in(mk))
    before = len(asked(mk, "/alerts"))
    listed = await call.ask("list_records", resource="alerts")
    assert (len(listed["records"]), listed["truncated"]) == (2_000, True)
    assert len(asked(mk, "/alerts")) - before == 5
