"""Rules, alerts and channels, in any form that they may come in, and how they are sent back."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.vendors.manfred_kunze.models.alerts import (
    Lifecycle,
    NotificationChannel,
    Severity,
    read_alert,
    read_channel,
    read_rule,
    webhook_forms,
    with_channel,
    with_url,
)

NOON = "2026-09-13T12:00:00Z"
AT_NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)
URL = "https://ha.example/api/webhook/abc"


@pytest.mark.parametrize(
    "row",
    [
        {"status": "ACKNOWLEDGED", "triggeredAt": NOON, "alertRuleId": "r", "severity": "warning"},
        {
            "lifecycle": {"status": "acknowledged"},
            "firedAt": AT_NOON.timestamp(),
            "rule": {"id": "r"},
            "level": "Warning",
        },
        {
            "event": {"state": "ACKNOWLEDGED", "timestamp": AT_NOON.timestamp() * 1000},
            "ruleId": "r",
            "severity": {"name": "WARNING"},
        },
        {"acknowledgedAt": NOON, "createdAt": NOON, "alertRule": "r", "priority": "WARNING"},
    ],
)
def test_an_alert_is_read_in_any_form(row: dict[str, Any]) -> None:
    alert = read_alert("1", row)
    assert alert.state is Lifecycle.ACKNOWLEDGED
    assert alert.raised_at == AT_NOON
    assert alert.rule == "r"
    assert alert.severity is Severity.WARNING


def test_a_literal_that_nobody_knows_is_no_state_whatever_the_times_say() -> None:
    assert read_alert("1", {"status": "SNOOZED", "resolvedAt": NOON}).state is None
    assert read_alert("1", {"resolvedAt": NOON}).state is Lifecycle.RESOLVED
    assert read_alert("1", {}).state is None
    assert read_alert("1", {}).is_open


@pytest.mark.parametrize("value", [41.5, True, "ajar", 0])
def test_the_value_of_an_alert_keeps_its_kind(value: object) -> None:
    assert read_alert("1", {"value": value}).value == value


@pytest.mark.parametrize(
    "row",
    [
        {"enabled": True, "comparison": "GREATER_THAN", "threshold": 30, "channelIds": ["c"]},
        {
            "status": "ENABLED",
            "condition": {"operator": "greater-than", "value": 30},
            "channels": [{"id": "c"}],
        },
        {"active": 1, "comparator": {"name": "GREATER_THAN"}, "thresholdValue": "30",
         "notificationChannels": ["c"]},
    ],
)  # fmt: skip
def test_a_rule_is_read_in_any_form(row: dict[str, Any]) -> None:
    rule = read_rule("1", row)
    assert rule.is_enabled is True
    assert rule.comparison == "GREATER_THAN"
    assert rule.threshold in (30, "30")
    assert rule.channels == ("c",)


def test_whether_a_rule_may_fire_is_known_not_told_or_doubtful() -> None:
    for row, is_enabled, is_doubtful in (
        ({"enabled": 0}, False, False),
        ({"status": "paused"}, False, False),
        ({"status": "TRIGGERED"}, None, False),
        ({}, None, False),
        ({"active": "sometimes"}, None, True),
        ({"enabled": {"until": NOON}}, None, True),
    ):
        rule = read_rule("1", row)
        assert (rule.is_enabled, rule.is_doubtful) == (is_enabled, is_doubtful), row


def test_a_channel_is_added_in_the_list_s_own_form_and_all_else_stays() -> None:
    channel = read_channel("n", {"id": "n", "type": "WEBHOOK", "config": {"url": URL}})
    for key, before, added in (
        ("channelIds", ["a"], "n"),
        ("channelIds", [], "n"),
        ("channels", [{"id": "a", "x": 1}], channel.row),
        ("channels", ["a"], "n"),
        ("notificationChannels", [], channel.row),
    ):
        row = {"id": "1", key: before, "later": {"deep": [None, 2**60]}}
        rule = read_rule("1", row)
        more = with_channel(rule, channel, wanted=True)
        assert more == {**row, key: [*before, added]}
        assert with_channel(read_rule("1", more), channel, wanted=False) == row
        assert with_channel(read_rule("1", more), channel, wanted=True) == more


def test_ids_that_are_numbers_are_put_back_as_numbers_and_found_again() -> None:
    channel = read_channel("12", {"id": 12, "type": "WEBHOOK"})
    row = {"id": "1", "channelIds": [7]}
    more = with_channel(read_rule("1", row), channel, wanted=True)
    assert more == {"id": "1", "channelIds": [7, 12]}
    assert with_channel(read_rule("1", more), channel, wanted=True) == more
    known = NotificationChannel(id="12")
    assert with_channel(read_rule("1", more), known, wanted=False) == row


def test_a_rule_that_shows_no_channels_is_not_put_back() -> None:
    channel = read_channel("n", {})
    with pytest.raises(ValueError, match="no channels"):
        with_channel(read_rule("1", {"channels": "a"}), channel, wanted=True)


def test_an_address_is_found_and_changed_where_it_stands() -> None:
    row = {
        "id": "n",
        "_links": {"self": {"href": "https://api.example/n"}},
        "config": {"target": {"url": URL}, "retries": 3},
    }
    channel = read_channel("n", row)
    assert channel.url == URL
    assert with_url(channel, "https://new") == {
        **row,
        "config": {"target": {"url": "https://new"}, "retries": 3},
    }
    assert with_url(read_channel("n", {"id": "n"}), URL) == {"id": "n", "url": URL}


def test_a_new_webhook_is_like_one_that_is_known_first() -> None:
    known = read_channel("n", {"type": "webhook", "endpoint": {"address": URL}})
    first, *others = webhook_forms("Mine", URL, known)
    assert first == {
        "name": "Mine",
        "type": "webhook",
        "enabled": True,
        "endpoint": {"address": URL},
    }
    assert {"url", "config", "webhookUrl"} <= {key for form in others for key in form}
    assert next(webhook_forms("Mine", URL, None))["type"] == "WEBHOOK"


def test_a_masked_address_is_known_as_one() -> None:
    assert read_channel("n", {"config": {"url": "https://ha.example/****"}}).is_masked
    assert not read_channel("n", {"name": "Ops ...", "config": {"url": URL}}).is_masked


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["status", "condition", "channels", "severity", "url", "event", "value", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(row=st.dictionaries(st.text(max_size=8) | st.just("lifecycle"), JSON, max_size=6))
def test_nothing_that_comes_breaks_a_reader(row: dict[str, Any]) -> None:
    for read in (read_alert, read_rule, read_channel):
        assert read("1", row).id == "1"
    assert isinstance(read_channel("1", row).is_masked, bool)
