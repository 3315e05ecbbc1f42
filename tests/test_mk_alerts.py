"""The Manfred Kunze platform's rules and alerts in Home Assistant."""

from typing import Any

from homeassistant.components.switch import DATA_COMPONENT
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud, Rule

from .calling import told_fixture  # noqa: F401
from .mk_house import MkHouse, OpenMk, asked

POLL = 31
HOUR = 3600


def home(rule: Rule) -> str:
    """The device that a rule's entities belong to."""
    return f"component-{rule.sensor.component.id}"


def alarm(house: MkHouse, rule: Rule) -> Any:
    return house.shown(home(rule), f"alert_rule-{rule.id}", "binary_sensor")


def switch(house: MkHouse, rule: Rule) -> Any:
    return house.shown(home(rule), f"alert_rule_enabled-{rule.id}", "switch")


def counts(house: MkHouse) -> list[str]:
    keys = ("open_alerts", "critical_alerts", "warning_alerts", "info_alerts")
    return [house.shown("account", key).state for key in keys]


def types(told: list[dict[str, Any]]) -> list[str]:
    return [each["type"] for each in told]


async def call(house: MkHouse, domain: str, name: str, entity_id: str) -> None:
    await house.hass.services.async_call(domain, name, {"entity_id": entity_id}, blocking=True)
    await house.settle()


# -- what is shown and told --


async def test_an_alert_is_shown_from_its_rising_to_its_end_and_each_stage_is_told_once(
    mk_house: MkHouse, mk: ManfredKunzeCloud, told: list[dict[str, Any]]
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    seen: list[tuple[str, Any]] = []

    @callback
    def look(event: Event[dict[str, Any]]) -> None:
        shown = alarm(mk_house, rule)
        seen.append((shown.state, shown.attributes.get("acknowledged")))

    mk_house.hass.bus.async_listen("watchpost_event", look)
    assert alarm(mk_house, rule).state == STATE_OFF
    assert alarm(mk_house, rule).name.endswith(rule.name)
    assert counts(mk_house) == ["0", "0", "0", "0"]

    alert = mk.fire(rule, 41.5)
    await mk_house.pass_time(POLL)
    shown = alarm(mk_house, rule)
    assert shown.state == STATE_ON
    assert shown.attributes["acknowledged"] is False
    assert shown.attributes["alert_id"] == alert.id
    assert shown.attributes["value"] == 41.5
    assert counts(mk_house)[0] == "1"

    mk.acknowledge(alert)
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_ON
    assert alarm(mk_house, rule).attributes["acknowledged"] is True

    mk.resolve(alert)
    await mk_house.pass_time(2 * POLL)
    assert alarm(mk_house, rule).state == STATE_OFF
    assert counts(mk_house) == ["0", "0", "0", "0"]

    assert types(told) == ["alarm_raised", "alarm_acknowledged", "alarm_cleared"]
    assert seen == [(STATE_ON, False), (STATE_ON, True), (STATE_OFF, None)]  # state first
    assert {each["alarm_entity_id"] for each in told} == {shown.entity_id}
    assert {each["alert_id"] for each in told} == {alert.id}
    assert told[0]["direction"] == "above"
    assert told[0]["source"] == rule.name
    events = mk_house.shown(home(rule), "events", "event")
    assert events.attributes["event_type"] == "alarm_cleared"


async def test_rules_of_each_severity_have_their_class_and_alerts_are_counted_by_it(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    assert {rule.severity for rule in mk.rules} >= {"WARNING", "CRITICAL"}
    for rule in mk.rules:
        mk.fire(rule, 50)
        kind = "safety" if rule.severity == "CRITICAL" else "problem"
        assert alarm(mk_house, rule).attributes["device_class"] == kind
    await mk_house.pass_time(POLL)

    severities = [rule.severity for rule in mk.rules]
    assert counts(mk_house) == [
        str(len(severities)),
        *(str(severities.count(name)) for name in ("CRITICAL", "WARNING", "INFO")),
    ]


async def test_what_happened_while_home_assistant_was_down_is_told_late_and_once(
    mk_house: MkHouse, open_mk: OpenMk, told: list[dict[str, Any]]
) -> None:
    mk = await open_mk(old_alerts=3)
    rule = mk.rules[0]
    before = mk.fire(rule, 41)
    mk.acknowledge(before)
    entry = await mk_house.sign_in(mk)
    await mk_house.pass_time(2 * POLL)
    assert told == []  # what was before the first set-up is nobody's news
    assert alarm(mk_house, rule).state == STATE_ON

    await mk_house.hass.config_entries.async_unload(entry.entry_id)
    await mk_house.pass_time(60)
    mk.resolve(before)
    await mk_house.pass_time(60)
    missed = mk.fire(rule, 42)
    mk.resolve(missed)
    await mk_house.pass_time(60)
    await mk_house.hass.config_entries.async_setup(entry.entry_id)
    await mk_house.settle()
    await mk_house.pass_time(2 * POLL)

    assert [(each["type"], each["alert_id"], each["late"]) for each in told] == [
        ("alarm_cleared", before.id, True),
        ("alarm_raised", missed.id, True),
        ("alarm_cleared", missed.id, True),
    ]
    await mk_house.reload(entry)
    await mk_house.pass_time(2 * POLL)
    assert len(told) == 3
    assert alarm(mk_house, rule).state == STATE_OFF


@pytest.mark.parametrize(
    "variants",
    [
        {
            "paging": "array",
            "names": "other",
            "references": "nested",
            "alert_state": "lifecycle",
            "rule_condition": "nested",
            "listing": "oldest",
            "errors": "text",
            "acted": "empty",
        },
        pytest.param(
            {
                "paging": "data",
                "first_page": 1,
                "literals": "lower",
                "times": "offset",
                "alert_state": "state",
                "nulls": "omitted",
                "errors": "spring",
            },
            marks=pytest.mark.soak,
        ),
    ],
)
async def test_alerts_are_read_in_whatever_form_they_come(
    mk_house: MkHouse, open_mk: OpenMk, told: list[dict[str, Any]], variants: dict[str, Any]
) -> None:
    mk = await open_mk(variants, old_alerts=45, page_size=20, page_most=20)
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    assert alarm(mk_house, rule).state == STATE_OFF
    assert switch(mk_house, rule).state == STATE_ON

    alert = mk.fire(rule, 41.5)
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_ON
    assert alarm(mk_house, rule).attributes["value"] == 41.5

    button = mk_house.entity(home(rule), f"alert_rule_acknowledge-{rule.id}", "button")
    await call(mk_house, "button", "press", button)
    assert alert.state == "ACKNOWLEDGED"
    mk.resolve(alert)
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_OFF
    assert types(told) == ["alarm_raised", "alarm_acknowledged", "alarm_cleared"]

    await call(mk_house, "switch", "turn_off", switch(mk_house, rule).entity_id)
    assert not rule.enabled
    assert switch(mk_house, rule).state == STATE_OFF


# -- what is not known is not safe --


async def test_states_that_nobody_knows_make_a_rule_unknown_never_safe(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    mk.fire(rule, 41)
    mk.config.variants.literals = "new"
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_UNKNOWN
    assert counts(mk_house)[0] == STATE_UNKNOWN

    mk.config.variants.literals = "known"
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_ON
    assert counts(mk_house)[0] == "1"


async def test_records_that_cannot_be_read_make_every_quiet_rule_unknown(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)
    loud, quiet = mk.rules[0], mk.rules[1]
    mk.fire(loud, 41)
    mk.faults.add(Fault(match="/alerts", method="GET", kind="mutate", mutate=_with_garbage))
    await mk_house.pass_time(POLL)

    assert alarm(mk_house, loud).state == STATE_ON
    assert alarm(mk_house, quiet).state == STATE_UNKNOWN
    aside = entry.runtime_data.coordinators["alerts"].diagnostics()["records_set_aside"]
    assert aside == {"alert: id": 1, "alert: not an object": 1}

    mk.faults.clear()
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, quiet).state == STATE_OFF


def _with_garbage(payload: Any) -> Any:
    payload["content"] += [{"status": "ACTIVE"}, 7]
    return payload


async def test_alerts_that_cannot_be_had_make_rules_unavailable_in_the_end(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    mk.faults.add(Fault(match="/alerts", status=500))
    await mk_house.pass_time(60)
    assert alarm(mk_house, rule).state == STATE_OFF  # one poll that fails is nothing yet
    await mk_house.pass_time(60)
    assert alarm(mk_house, rule).state == STATE_UNAVAILABLE
    assert counts(mk_house)[0] == STATE_UNAVAILABLE

    mk.faults.clear()
    await mk_house.pass_time(HOUR / 4)
    assert alarm(mk_house, rule).state == STATE_OFF


async def test_an_open_alert_that_is_not_listed_any_more_is_doubted_and_then_over(
    mk_house: MkHouse, mk: ManfredKunzeCloud, told: list[dict[str, Any]]
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    alert = mk.fire(rule, 41)
    await mk_house.pass_time(POLL)
    del mk.alert_store.alerts[alert.id]

    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_UNKNOWN
    assert types(told) == ["alarm_raised"]
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_OFF
    await mk_house.pass_time(POLL)
    assert types(told) == ["alarm_raised", "alarm_cleared"]


async def test_an_answer_that_is_used_again_is_no_further_list_that_lacks_an_alert(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    alert = mk.fire(rule, 41)
    await mk_house.pass_time(POLL)
    del mk.alert_store.alerts[alert.id]
    caching = {"Cache-Control": "max-age=600"}
    mk.faults.add(Fault(match="/v1/alerts", method="GET", kind="headers", headers=caching))
    await mk_house.pass_time(POLL)
    mk.alert_store.alerts[alert.id] = alert
    target = {"entity_id": alarm(mk_house, mk.rules[1]).entity_id}
    for _ in range(3):
        await mk_house.pass_time(POLL)
        await mk_house.hass.services.async_call(
            "watchpost", "acknowledge_alert", target, blocking=True
        )
        assert alarm(mk_house, rule).state == STATE_UNKNOWN


async def test_a_long_list_is_not_read_to_its_end_every_time(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(old_alerts=300, page_size=20, page_most=20)
    await mk_house.sign_in(mk)
    await mk_house.pass_time(POLL)
    before = len(asked(mk, "/alerts"))
    alert = mk.fire(mk.rules[0], 41)
    await mk_house.pass_time(10 * 30)
    assert alarm(mk_house, mk.rules[0]).state == STATE_ON
    assert alarm(mk_house, mk.rules[0]).attributes["alert_id"] == alert.id
    polls = 10
    assert len(asked(mk, "/alerts")) - before <= 10 * polls


async def test_a_long_list_that_must_be_read_to_its_end_is_read_the_more_rarely(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"listing": "oldest"}, old_alerts=300, page_size=20, page_most=20)
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    before = len(asked(mk, "/alerts"))
    await mk_house.pass_time(6 * 60)
    assert len(asked(mk, "/alerts")) - before <= 10 * 6
    assert alarm(mk_house, rule).state == STATE_OFF
    mk.fire(rule, 41)
    await mk_house.pass_time(150)
    assert alarm(mk_house, rule).state == STATE_ON


@pytest.mark.soak
async def test_more_alerts_than_are_read_make_every_quiet_rule_unknown(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"listing": "oldest"}, old_alerts=10_600)
    entry = await mk_house.sign_in(mk)
    await mk_house.pass_time(POLL)
    assert {alarm(mk_house, rule).state for rule in mk.rules} == {STATE_UNKNOWN}
    assert counts(mk_house)[0] == STATE_UNKNOWN
    told = entry.runtime_data.coordinators["alerts"].diagnostics()["records_set_aside"]
    assert told == {"alert: more than are read": 1}


async def test_an_alert_of_a_new_rule_brings_the_rule_at_once(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    held = mk.alert_store.rules.pop(mk.rules[0].id)
    await mk_house.sign_in(mk)
    await mk_house.pass_time(90)
    mk.alert_store.rules[held.id] = held
    mk.fire(held, 41)
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, held).state == STATE_ON


async def test_a_vendor_clock_that_is_behind_loses_no_alert(
    mk_house: MkHouse, mk: ManfredKunzeCloud, told: list[dict[str, Any]]
) -> None:
    await mk_house.sign_in(mk)
    alert = mk.fire(mk.rules[0], 41)
    alert.fired -= 2 * HOUR
    await mk_house.pass_time(POLL)
    assert types(told) == ["alarm_raised"]
    mk.resolve(alert)
    assert alert.resolved is not None
    alert.resolved -= 2 * HOUR
    await mk_house.pass_time(2 * POLL)
    assert types(told) == ["alarm_raised", "alarm_cleared"]


# -- rules as switches, and the button --


async def test_a_rule_is_switched_at_the_vendor_and_off_it_is_not_safe(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    shown = switch(mk_house, rule)
    assert shown.state == STATE_ON

    await mk_house.pass_time(50)
    before = len(mk.log)
    await call(mk_house, "switch", "turn_off", shown.entity_id)
    assert len(mk.log) - before <= 3  # not everything there is, for one switch
    assert not rule.enabled
    assert switch(mk_house, rule).state == STATE_OFF
    assert alarm(mk_house, rule).state == STATE_UNKNOWN

    await call(mk_house, "switch", "turn_on", shown.entity_id)
    assert rule.enabled
    assert switch(mk_house, rule).state == STATE_ON
    assert alarm(mk_house, rule).state == STATE_OFF

    rule.enabled = False  # by somebody at the vendor
    await mk_house.pass_time(6 * 60)
    assert switch(mk_house, rule).state == STATE_OFF


async def test_a_switch_that_the_vendor_refuses_says_so_and_stays(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    shown = switch(mk_house, mk.rules[0])
    mk.keys.by_name["main"].denied = {"alert-rules"}
    answer = mk.answer

    def written_meanwhile(request: Any) -> Any:
        if request.path.endswith("/disable"):
            mk_house.hass.data[DATA_COMPONENT].get_entity(shown.entity_id).async_write_ha_state()
        return answer(request)

    mk.answer = written_meanwhile
    with pytest.raises(HomeAssistantError) as caught:
        await call(mk_house, "switch", "turn_off", shown.entity_id)
    assert caught.value.translation_key == "not_allowed"
    assert switch(mk_house, mk.rules[0]).state == STATE_ON
    assert mk.rules[0].enabled


async def test_a_rule_of_which_nobody_knows_whether_it_was_switched_is_not_safe(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    mk.faults.add(Fault(match="/disable", status=500))
    with pytest.raises(HomeAssistantError) as caught:
        await call(mk_house, "switch", "turn_off", switch(mk_house, rule).entity_id)
    assert caught.value.translation_key == "outcome_unknown"
    assert switch(mk_house, rule).state == STATE_UNKNOWN
    assert alarm(mk_house, rule).state == STATE_UNKNOWN
    await mk_house.pass_time(6 * 60)
    assert switch(mk_house, rule).state == STATE_ON
    assert alarm(mk_house, rule).state == STATE_OFF


async def test_one_that_somebody_moved_on_keeps_the_button_from_no_other(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    alerts = {alert.id: alert for alert in (mk.fire(rule, 41), mk.fire(rule, 42))}
    await mk_house.pass_time(POLL)
    answer, moved = mk.answer, []

    def meanwhile(request: Any) -> Any:
        if request.path.endswith("/acknowledge") and not moved:
            moved.append(alerts.pop(request.path.split("/")[-2]))
            mk.resolve(moved[0])
        return answer(request)

    mk.answer = meanwhile
    button = mk_house.entity(home(rule), f"alert_rule_acknowledge-{rule.id}", "button")
    await call(mk_house, "button", "press", button)
    assert [alert.state for alert in alerts.values()] == ["ACKNOWLEDGED"]
    shown = alarm(mk_house, rule)
    assert (shown.attributes["open_alerts"], shown.attributes["acknowledged"]) == (1, True)

    mk.answer = answer
    mk.faults.add(Fault(match="/acknowledge", status=422))
    refused = mk.fire(rule, 43)
    await mk_house.pass_time(POLL)
    with pytest.raises(HomeAssistantError) as caught:
        await call(mk_house, "button", "press", button)
    assert caught.value.translation_key in ("refused", "refused_fields")
    assert refused.state == "ACTIVE"


async def test_what_was_resolved_from_here_does_not_come_back_with_an_old_answer(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    rule = mk.rules[0]
    mk.fire(rule, 41)
    mk.faults.add(
        Fault(match="/v1/alerts", method="GET", kind="headers",
              headers={"Cache-Control": "max-age=600"})
    )  # fmt: skip
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_ON
    target = {"entity_id": alarm(mk_house, rule).entity_id}
    act = mk_house.hass.services.async_call
    for action in ("resolve_alert", "acknowledge_alert"):
        await mk_house.pass_time(1)
        await act("watchpost", action, target, blocking=True)
        await mk_house.settle()
        assert alarm(mk_house, rule).state == STATE_OFF
    assert [one.path for one in mk.log if one.path.endswith("/acknowledge")] == []
    assert mk.early_requests() == []


async def test_the_button_acknowledges_every_open_alert_of_its_rule(
    mk_house: MkHouse, mk: ManfredKunzeCloud, told: list[dict[str, Any]]
) -> None:
    await mk_house.sign_in(mk)
    rule, other = mk.rules[0], mk.rules[1]
    alerts = [mk.fire(rule, 41), mk.fire(rule, 42)]
    foreign = mk.fire(other, 43)
    await mk_house.pass_time(POLL)

    button = mk_house.entity(home(rule), f"alert_rule_acknowledge-{rule.id}", "button")
    await call(mk_house, "button", "press", button)
    assert [alert.state for alert in alerts] == ["ACKNOWLEDGED", "ACKNOWLEDGED"]
    assert foreign.state == "ACTIVE"
    assert alarm(mk_house, rule).attributes["acknowledged"] is True
    assert types(told).count("alarm_acknowledged") == 2

    before = len(mk.log)
    await call(mk_house, "button", "press", button)
    await mk_house.pass_time(POLL)
    assert not [record for record in mk.log[before:] if record.method == "POST"]
    assert types(told).count("alarm_acknowledged") == 2


async def test_a_key_without_the_right_to_alerts_is_said_and_costs_nothing_else(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk()
    mk.keys.by_name["main"].denied = {"alerts", "alert-rules"}
    await mk_house.sign_in(mk)
    await mk_house.pass_time(POLL)
    assert counts(mk_house)[0] in (STATE_UNAVAILABLE, STATE_UNKNOWN)
    rights = [
        issue.translation_placeholders["right"]
        for issue in ir.async_get(mk_house.hass).issues.values()
        if issue.translation_key == "not_allowed" and issue.translation_placeholders
    ]
    assert rights
    assert mk_house.shown(f"device-{mk.devices[0].id}", "device_status").state == "active"


async def test_rules_that_cannot_be_listed_cost_the_alerts_nothing_and_are_not_safe_for_ever(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    loud, quiet = mk.rules[0], mk.rules[1]
    mk.faults.add(Fault(match="/alert-rules", status=403))
    await mk_house.pass_time(6 * 60)
    before = len(asked(mk, "/alerts"))
    mk.fire(loud, 41)
    await mk_house.pass_time(5 * 60)
    assert len(asked(mk, "/alerts")) - before == pytest.approx(10, abs=1)
    assert alarm(mk_house, loud).state == STATE_ON
    assert alarm(mk_house, quiet).state == STATE_OFF

    await mk_house.pass_time(6 * 60)
    assert alarm(mk_house, loud).state == STATE_ON
    assert alarm(mk_house, quiet).state == STATE_UNKNOWN  # it may be switched off by now
    assert switch(mk_house, quiet).state == STATE_UNAVAILABLE
    mk.faults.clear()
    await mk_house.pass_time(15 * 60)
    assert alarm(mk_house, quiet).state == STATE_OFF
    assert mk_house.shown("account", "enabled_alert_rules").state == str(len(mk.rules))


async def test_an_alert_that_names_no_rule_is_that_of_the_only_one_of_its_sensor(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    def nameless(payload: Any) -> Any:
        for row in payload["content"]:
            row.pop("alertRuleId", None)
            row.pop("ruleName", None)
        return payload

    mk.faults.add(Fault(match="/v1/alerts", kind="mutate", mutate=nameless))
    rule = mk.rules[0]
    assert [one.sensor for one in mk.rules].count(rule.sensor) == 1
    await mk_house.sign_in(mk)
    mk.fire(rule, 41)
    await mk_house.pass_time(POLL)
    assert alarm(mk_house, rule).state == STATE_ON

    def nowhere(payload: Any) -> Any:
        for row in nameless(payload)["content"]:
            row.pop("sensorId", None)
        return payload

    mk.faults.clear()
    mk.faults.add(Fault(match="/v1/alerts", kind="mutate", mutate=nowhere))
    await mk_house.pass_time(POLL)
    # It may be of any rule, so that none is safe; it is counted all the same.
    assert {alarm(mk_house, one).state for one in mk.rules} == {STATE_UNKNOWN}
    assert counts(mk_house)[0] == "1"


async def test_a_rule_without_a_name_or_a_sensor_that_is_known_is_shown_all_the_same(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    def bare(payload: Any) -> Any:
        for row in payload["content"]:
            row |= {"name": None, "sensorId": None, "comparison": "LESS_THAN"}
        return payload

    mk.faults.add(Fault(match="/v1/alert-rules", kind="mutate", mutate=bare))
    rule = mk.rules[0]
    await mk_house.sign_in(mk)
    shown = mk_house.shown("account", f"alert_rule-{rule.id}", "binary_sensor")
    assert shown.state == STATE_OFF
    assert "less than 30" in shown.name
    assert shown.attributes["direction"] == "below"
    mk.fire(rule, 5)
    await mk_house.pass_time(POLL)
    shown = mk_house.shown("account", f"alert_rule-{rule.id}", "binary_sensor")
    assert shown.state == STATE_ON


@pytest.mark.parametrize("lacking", ["/components", "/sensors"])
async def test_a_rule_stays_at_its_device_while_a_list_lacks_what_it_watches(
    mk_house: MkHouse, mk: ManfredKunzeCloud, lacking: str
) -> None:
    entry = await mk_house.sign_in(mk)
    rule = mk.rules[0]
    mk.faults.add(Fault(match=lacking, method="GET", status=500))
    await mk_house.pass_time(61)
    await mk_house.reload(entry)
    await mk_house.settle()
    mk.fire(rule, 41)
    await mk_house.pass_time(2 * POLL)  # a busy machine may still read lists during the first
    assert alarm(mk_house, rule).state == STATE_ON
    for device in ("account", f"device-{rule.sensor.device.id}"):
        assert mk_house.entity(device, f"alert_rule-{rule.id}", "binary_sensor") is None
