"""The Manfred Kunze platform calls in: a webhook channel of our own, on the rules that were chosen."""

from copy import deepcopy
import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import Channel, ManfredKunzeCloud

from .calling import base, call, hook
from .conftest import House, watchpost_lines
from .mk_house import MkHouse, OpenMk, asked


@pytest.fixture(autouse=True)
async def _rooms(house: House) -> None:
    """What brings views of its own must be set up before the web server is."""
    for component in ("camera", "media_source"):
        assert await async_setup_component(house.hass, component, {})


def ours(mk: ManfredKunzeCloud) -> list[Channel]:
    return [one for one in mk.alert_store.channels.values() if "/api/webhook/" in one.target]


def writes(mk: ManfredKunzeCloud) -> list[str]:
    return [f"{one.method} {one.path}" for one in mk.log if one.method in ("PUT", "DELETE")]


async def arrive(house: MkHouse, mk: ManfredKunzeCloud) -> None:
    """Let what the vendor posts arrive, and what follows from it."""
    for _ in range(3):
        await mk.settled()
        await house.settle()


async def test_nothing_is_registered_and_no_rule_is_touched_unless_one_is_chosen(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    rules = deepcopy([(rule.id, rule.channels) for rule in mk.rules])
    await mk_house.sign_in(mk)
    await mk_house.pass_time(600)
    assert ours(mk) == []
    assert writes(mk) == []
    assert asked(mk, "/notification-channels") == []
    assert [(rule.id, rule.channels) for rule in mk.rules] == rules
    assert mk_house.entity("account", "push", "binary_sensor") is None


@pytest.mark.parametrize(
    "variants",
    [
        {},
        pytest.param(
            {"channel_config": "flat", "names": "other", "webhook_body": "text", "errors": "text"},
            marks=pytest.mark.soak,
        ),
        {"channel_url": "masked", "acted": "empty", "references": "nested", "put": "merge"},
    ],
)
async def test_a_chosen_rule_calls_in_and_the_account_takes_all_away_again(
    mk_house: MkHouse,
    open_mk: OpenMk,
    door: TestClient,
    told: list[dict[str, Any]],
    variants: dict[str, Any],
) -> None:
    mk = await open_mk(variants)
    chosen, other = mk.rules[0], mk.rules[1]
    before = list(chosen.channels)
    untouched = deepcopy((other.channels, other.name, other.limit))
    entry = await mk_house.sign_in(mk, push_rules=[chosen.id])
    await arrive(mk_house, mk)

    (channel,) = ours(mk)
    assert channel.target == f"{base(door)}{hook(entry)}"
    assert chosen.channels == [*before, channel.id]
    assert (other.channels, other.name, other.limit) == untouched
    assert mk_house.shown("account", "push", "binary_sensor").state == STATE_ON
    assert entry.runtime_data.push.diagnostics()["calls"] >= 1  # the test message

    await mk_house.pass_time(15)
    mk.fire(chosen, 41)
    await arrive(mk_house, mk)
    alarm = f"alert_rule-{chosen.id}"
    home = f"component-{chosen.sensor.component.id}"
    assert mk_house.shown(home, alarm, "binary_sensor").state == STATE_ON
    assert [each["type"] for each in told] == ["alarm_raised"]
    assert told[0]["late"] is False

    await mk_house.hass.config_entries.async_remove(entry.entry_id)
    await mk_house.settle()
    assert ours(mk) == []
    assert chosen.channels == before
    assert (other.channels, other.name, other.limit) == untouched


async def test_every_other_field_of_a_rule_is_put_back_as_it_was(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    seen: list[dict[str, Any]] = []

    def with_more(payload: Any) -> Any:
        payload |= {"addedLater": {"deep": [1, None, 0.1]}, "notes": "keep me", "big": 2**53 + 1}
        seen.append(deepcopy(payload))
        return payload

    rule = mk.rules[0]
    mk.faults.add(
        Fault(match=f"/alert-rules/{rule.id}", method="GET", kind="mutate", mutate=with_more)
    )
    sent: list[dict[str, Any]] = []
    answer = mk.answer

    def spy(call: Any) -> Any:
        if call.method == "PUT":
            sent.append(json.loads(call.body))
        return answer(call)

    mk.answer = spy
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)

    (put,) = sent
    got = seen[0]
    differing = {key for key in put.keys() | got.keys() if put.get(key) != got.get(key)}
    assert len(differing) == 1
    assert "hannel" in differing.pop()


async def test_rules_of_one_name_are_told_apart_where_they_are_chosen(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    first, second, *others = mk.rules
    second.name = first.name
    entry = await mk_house.sign_in(mk)
    form = await mk_house.hass.config_entries.options.async_init(entry.entry_id)
    (selector,) = [
        field for key, field in form["data_schema"].schema.items() if key == "push_rules"
    ]
    labels = {one["value"]: one["label"] for one in selector.config["options"]}
    assert labels[first.id] != labels[second.id]
    assert {labels[rule.id] for rule in others} == {rule.name for rule in others}


async def test_what_is_chosen_otherwise_is_attached_otherwise(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    first, second = mk.rules[0], mk.rules[1]
    others = [list(first.channels), list(second.channels)]
    entry = await mk_house.sign_in(mk, push_rules=[first.id])
    (channel,) = ours(mk)

    await mk_house.pass_time(61)  # the account's budget of requests is for a minute
    await mk_house.set_options(entry, push_rules=[second.id])
    await arrive(mk_house, mk)
    assert ours(mk) == [channel]
    assert first.channels == others[0]
    assert second.channels == [*others[1], channel.id]

    puts = len(writes(mk))
    await mk_house.pass_time(61)
    await mk_house.reload(entry)
    assert len(writes(mk)) == puts

    await mk_house.pass_time(61)
    await mk_house.set_options(entry, push_rules=[])
    await arrive(mk_house, mk)
    assert ours(mk) == []
    assert [first.channels, second.channels] == others
    assert "nothing was chosen" in entry.runtime_data.push.standing


async def test_a_changed_address_is_followed_by_the_same_channel(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    rule = mk.rules[0]
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    (before,) = ours(mk)
    kept = before.id
    await mk_house.hass.config.async_update(external_url="https://new.example.com")
    await arrive(mk_house, mk)
    (after,) = ours(mk)
    assert (after.id, after.target) == (kept, f"https://new.example.com{hook(entry)}")
    assert rule.channels.count(kept) == 1


async def test_a_channel_that_keeps_its_old_address_is_replaced(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    rule = mk.rules[0]
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    (before,) = ours(mk)
    mk.faults.add(Fault(match="/notification-channels/", method="PUT", status=200, body="{}"))
    await mk_house.hass.config.async_update(external_url="https://new.example.com")
    await arrive(mk_house, mk)
    (after,) = ours(mk)
    assert after.id != before.id
    assert after.target == f"https://new.example.com{hook(entry)}"
    assert (before.id in rule.channels, after.id in rule.channels) == (False, True)


async def test_a_rule_that_cannot_be_changed_leaves_nothing_behind_and_is_tried_again(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    rule = mk.rules[0]
    before = list(rule.channels)
    fault = Fault(match="/alert-rules/", method="PUT", status=403)
    mk.faults.add(fault)
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    assert ours(mk) == []
    assert rule.channels == before
    rights = [
        (issue.translation_placeholders or {})["right"]
        for issue in ir.async_get(mk_house.hass).issues.values()
        if issue.translation_key == "not_allowed"
    ]
    assert rights == ["change alert rules"]

    mk.faults.clear()
    await mk_house.pass_time(301)
    await arrive(mk_house, mk)
    (channel,) = ours(mk)
    assert rule.channels == [*before, channel.id]
    assert not [
        issue
        for issue in ir.async_get(mk_house.hass).issues.values()
        if issue.translation_key == "not_allowed"
    ]


async def test_a_rule_that_only_seems_to_be_changed_leaves_nothing_behind(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    rule = mk.rules[0]
    before = list(rule.channels)
    mk.faults.add(Fault(match="/alert-rules/", method="PUT", status=200, body="{}"))
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    assert ours(mk) == []
    assert rule.channels == before


async def test_a_test_message_that_fails_leaves_nothing_behind(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    rule = mk.rules[0]
    before = list(rule.channels)
    mk.faults.add(Fault(match="/test", method="POST", status=500, times=1))
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    assert ours(mk) == []
    assert rule.channels == before
    (line,) = [
        one for one in watchpost_lines(caplog, logging.WARNING) if "could not be registered" in one
    ]
    assert "/api/" not in line

    await mk_house.pass_time(301)
    await arrive(mk_house, mk)
    assert len(ours(mk)) == 1


async def test_a_deployment_without_a_test_call_is_registered_all_the_same(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    mk.faults.add(Fault(match="/test", method="POST", status=404))
    await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    assert len(ours(mk)) == 1


async def test_forged_calls_ask_a_few_times_and_tell_nothing(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient, told: list[dict[str, Any]]
) -> None:
    rule = mk.rules[0]
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    await mk_house.pass_time(15)
    before = len(asked(mk, "/alerts"))
    for body in ({"status": "ACTIVE", "alertRuleId": rule.id}, b"\xff\xfe", b"[]", b"", b"alert!"):
        for _ in range(20):
            await call(mk_house, door, entry, body)
    assert len(asked(mk, "/alerts")) - before <= 2
    await mk_house.pass_time(25)
    assert len(asked(mk, "/alerts")) - before <= 4
    assert told == []
    home = f"component-{rule.sensor.component.id}"
    shown = mk_house.shown(home, f"alert_rule-{rule.id}", "binary_sensor")
    assert shown.state == STATE_OFF


async def test_many_calls_have_a_long_list_read_no_more_often_than_it_should_be(
    mk_house: MkHouse, open_mk: OpenMk, door: TestClient
) -> None:
    mk = await open_mk({"listing": "oldest"}, old_alerts=300, page_size=20, page_most=20)
    entry = await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    await mk_house.pass_time(300)
    before = len(asked(mk, "/alerts"))
    for _ in range(10):
        await call(mk_house, door, entry, b"alert!")
        await mk_house.pass_time(11)
    assert len(asked(mk, "/alerts")) - before <= 3 * 17


async def test_a_rule_that_would_be_left_without_a_channel_keeps_nothing_from_going(
    mk_house: MkHouse, open_mk: OpenMk, door: TestClient
) -> None:
    mk = await open_mk()
    rule = mk.rules[0]
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    (channel,) = ours(mk)
    rule.channels[:] = [channel.id]
    await mk_house.hass.config_entries.async_remove(entry.entry_id)
    await mk_house.settle()
    assert ours(mk) == []


async def test_a_channel_that_nobody_lists_is_not_added_in_one_form_after_the_other(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    path = "/notification-channels"
    mk.faults.add(Fault(match=path, method="POST", status=201, body="{}"))
    await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    assert len(asked(mk, path, "POST")) == 1


async def test_a_lacking_right_to_change_rules_keeps_no_channel_from_going(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    entry = await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    assert len(ours(mk)) == 1
    mk.faults.add(Fault(match="/alert-rules/", method="PUT", status=403))
    await mk_house.hass.config_entries.async_remove(entry.entry_id)
    await mk_house.settle()
    assert ours(mk) == []


@pytest.mark.parametrize(
    "spoil", [lambda payload: {}, lambda payload: {"id": payload.get("id")}, None]
)
async def test_a_channel_is_added_where_nothing_shows_how_and_the_reply_tells_little(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient, spoil: Any
) -> None:
    for known in list(mk.alert_store.channels.values()):
        if known.type == "WEBHOOK":
            del mk.alert_store.channels[known.id]
    before = len(mk.alert_store.channels)
    if spoil is not None:
        mk.faults.add(
            Fault(
                match="/notification-channels", method="POST", kind="mutate", mutate=spoil, times=2
            )
        )
    rule = mk.rules[0]
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    (channel,) = ours(mk)
    assert channel.id in rule.channels
    assert len(mk.alert_store.channels) == before + 1


async def test_a_channel_that_nothing_is_taken_for_leaves_polling_alone(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    mk.faults.add(Fault(match="/notification-channels", method="POST", status=422))
    entry = await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    assert ours(mk) == []
    assert "could not be registered" in entry.runtime_data.push.standing
    mk.fire(mk.rules[0], 41)
    await mk_house.pass_time(31)
    home = f"component-{mk.rules[0].sensor.component.id}"
    shown = mk_house.shown(home, f"alert_rule-{mk.rules[0].id}", "binary_sensor")
    assert shown.state == STATE_ON


async def test_a_rule_without_a_list_of_channels_is_left_as_it_is(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    def without(payload: Any) -> Any:
        return {key: value for key, value in payload.items() if "hannel" not in key}

    rule = mk.rules[0]
    mk.faults.add(Fault(match=f"/alert-rules/{rule.id}", kind="mutate", mutate=without))
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    assert [one for one in writes(mk) if one.startswith("PUT")] == []
    assert ours(mk) == []


async def test_a_call_inside_the_time_of_an_answer_asks_nothing(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient, told: list[dict[str, Any]]
) -> None:
    rule = mk.rules[0]
    mk.faults.add(
        Fault(match="/v1/alert", kind="headers", headers={"Cache-Control": "max-age=120"})
    )
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    assert len(ours(mk)) == 1
    await mk_house.pass_time(15)
    before = len(asked(mk, "/alerts"))
    mk.fire(rule, 41)
    await arrive(mk_house, mk)
    assert entry.runtime_data.push.diagnostics()["hints"] >= 1
    assert len(asked(mk, "/alerts")) == before
    await mk_house.pass_time(120)
    assert [one["type"] for one in told] == ["alarm_raised"]
    assert mk.early_requests() == []


async def test_our_channel_is_left_to_the_options(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    entry = await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    (channel,) = ours(mk)
    fields = {
        "config_entry_id": entry.entry_id,
        "resource": "notification_channels",
        "record_id": channel.id,
    }
    for action, more in (("save_record", {"data": {"enabled": False}}), ("delete_record", {})):
        with pytest.raises(ServiceValidationError):
            await mk_house.hass.services.async_call(
                "watchpost", action, fields | more, blocking=True, return_response=True
            )
    assert ours(mk) == [channel]


async def test_a_channel_that_was_deleted_at_the_vendor_is_added_anew(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    rule = mk.rules[0]
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    (before,) = ours(mk)
    rule.channels.remove(before.id)
    del mk.alert_store.channels[before.id]
    await mk_house.hass.config_entries.async_unload(entry.entry_id)
    await mk_house.pass_time(1000)  # so long a list of registrations is believed
    await mk_house.hass.config_entries.async_setup(entry.entry_id)
    await arrive(mk_house, mk)
    (after,) = ours(mk)
    assert after.id != before.id
    assert after.id in rule.channels


async def test_a_key_that_may_not_read_channels_goes_on_polling(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    mk.faults.add(Fault(match="/notification-channels", status=403))
    entry = await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    assert ours(mk) == []
    rights = [
        (issue.translation_placeholders or {})["right"]
        for issue in ir.async_get(mk_house.hass).issues.values()
        if issue.translation_key == "not_allowed"
    ]
    assert rights == ["read notification channels"]
    await mk_house.hass.config_entries.async_remove(entry.entry_id)


async def test_a_channel_that_was_taken_without_its_address_is_deleted_and_added_otherwise(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    bare = json.dumps({"id": "11111111-2222-4333-8444-555555555555", "name": "Watchpost"})
    mk.faults.add(
        Fault(match="/notification-channels", method="POST", status=201, body=bare, times=1)
    )
    rule = mk.rules[0]
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    (channel,) = ours(mk)
    assert channel.id in rule.channels
    deleted = [one for one in writes(mk) if one.startswith("DELETE")]
    assert [one.rsplit("/", 1)[-1] for one in deleted] == ["11111111-2222-4333-8444-555555555555"]


async def test_a_channel_that_cannot_be_added_for_now_is_tried_in_one_form_alone(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient
) -> None:
    mk.faults.add(Fault(match="/notification-channels", method="POST", status=409))
    await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    await arrive(mk_house, mk)
    assert len(asked(mk, "/notification-channels", "POST")) == 1
    mk.faults.clear()
    mk.faults.add(Fault(match="/test", method="POST", status=400))
    await mk_house.pass_time(301)
    await arrive(mk_house, mk)
    assert ours(mk) == []  # it was added, and could not be tested
    assert len(asked(mk, "/notification-channels", "POST")) == 2


async def test_an_address_that_comes_later_is_used_at_once(
    mk_house: MkHouse, mk: ManfredKunzeCloud, hass_client_no_auth: Any
) -> None:
    rule = mk.rules[0]
    before = list(rule.channels)
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    assert (ours(mk), rule.channels) == ([], before)
    assert mk_house.shown("account", "push", "binary_sensor").state == STATE_UNKNOWN

    assert await async_setup_component(mk_house.hass, "webhook", {})
    client = await hass_client_no_auth()
    await mk_house.pass_time(61)
    await mk_house.hass.config.async_update(external_url=base(client))
    await arrive(mk_house, mk)
    (channel,) = ours(mk)
    assert channel.target == f"{base(client)}{hook(entry)}"
    assert rule.channels == [*before, channel.id]


@pytest.mark.parametrize("seconds", [0, 30])
async def test_a_rule_that_another_instance_edits_at_the_same_time_keeps_our_channel(
    mk_house: MkHouse, mk: ManfredKunzeCloud, door: TestClient, seconds: int
) -> None:
    rule = mk.rules[0]
    before = list(rule.channels)
    theirs = "00000000-0000-4000-8000-000000000001"
    mk.alert_store.channels[theirs] = Channel(
        id=theirs, name="Theirs", type="EMAIL", target="a@example.com", created=0
    )
    answer, writes_seen = mk.answer, []

    def spy(call: Any) -> Any:
        found = answer(call)
        if call.method == "PUT" and f"/alert-rules/{rule.id}" in call.path:
            writes_seen.append(call)
            if seconds == 0 and len(writes_seen) == 1:
                rule.channels[:] = [*before, theirs]  # they had read it before we wrote
        return found

    mk.answer = spy
    await mk_house.sign_in(mk, push_rules=[rule.id])
    await arrive(mk_house, mk)
    if seconds:
        await mk_house.pass_time(seconds)
        rule.channels[:] = [*before, theirs]
    await mk_house.pass_time(1200 if seconds else 60)

    (channel,) = ours(mk)
    assert set(rule.channels) == {*before, theirs, channel.id}
    assert len(writes_seen) == 2
