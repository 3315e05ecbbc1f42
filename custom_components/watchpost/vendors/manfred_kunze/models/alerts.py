"""Alert rules, alerts and notification channels as typed records.

The vendor's page "Detect & alert" names what there is: a rule has a sensor, a condition, a comparison, a severity, a
cooldown and at least one channel; an alert is an event that goes ACTIVE, ACKNOWLEDGED, RESOLVED. It does not say what
the fields are called, so each is read under its likely names.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from ....client.decode import Row, identifier, nested, to_number, to_text
from .fields import figure, flag, member, reference, references, time_of, word, words

_RAISED = (
    *("triggeredAt", "firedAt", "raisedAt", "occurredAt", "startedAt", "timestamp", "time"),
    *("createdAt", "at"),
)
_ACKNOWLEDGED = ("acknowledgedAt", "ackedAt", "ackAt")
_RESOLVED = ("resolvedAt", "clearedAt", "endedAt", "closedAt")
_STATES = ("status", "state", "lifecycle", "eventLifecycle", "lifecycleStatus", "lifecycleState")
_CHANNEL_LISTS = (
    *("notificationChannelIds", "channelIds", "notificationChannels", "channels"),
    *("notifications",),
)
_THRESHOLDS = ("threshold", "thresholdValue", "comparisonValue", "value")
_SWITCHES = ("enabled", "isEnabled", "active", "isActive")
_RESTING = frozenset({"PAUSED", "SUSPENDED", "MUTED", "SNOOZED", "STOPPED", "ARCHIVED", "DRAFT"})
_COOLDOWNS = ("cooldownSeconds", "cooldown", "coolDownSeconds", "cooldownMinutes")
_MASKS = ("**", "••", "…", "...")
_MAX_DEEP = 4


class Severity(StrEnum):
    """The severity of an alert."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class Lifecycle(StrEnum):
    """The lifecycle of an alert; it goes one way."""

    ACTIVE = "ACTIVE"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rule that fired; `state` is None for a literal that is not known, which is never taken for resolved."""

    id: str
    state: Lifecycle | None = None
    severity: Severity | None = None
    rule: str | None = None
    rule_name: str | None = None
    sensor: str | None = None
    component: str | None = None
    device: str | None = None
    value: float | str | bool | None = None
    raised_at: datetime | None = None
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Return whether nobody said that it is over; also where nobody knows."""
        return self.state is not Lifecycle.RESOLVED


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule; `channels` are the ids of those it notifies, None where that is not shown. `row` is all that came.

    `is_doubtful`: it says whether it may fire, in a way that is not understood.
    """

    id: str
    name: str | None = None
    sensor: str | None = None
    component: str | None = None
    device: str | None = None
    severity: Severity | None = None
    is_enabled: bool | None = None
    is_doubtful: bool = False
    comparison: str | None = None
    threshold: float | str | bool | None = None
    aggregate: str | None = None
    cooldown: float | None = None
    channels: tuple[str, ...] | None = None
    row: Mapping[str, Any] = {}


class NotificationChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A notification channel; `url` is a webhook's address, wherever it stands. `row` is the whole record."""

    id: str
    name: str | None = None
    type: str | None = None
    url: str | None = None
    is_active: bool | None = None
    row: Mapping[str, Any] = {}

    @property
    def is_masked(self) -> bool:
        """Return whether stars or dots stand where its address would."""
        return any(mark in value for value in _texts(self.row) for mark in _MASKS)


def read_alert(record_id: str, row: Row) -> Alert:
    """Read an alert; what its event or its lifecycle tells in an object of its own counts as the alert's."""
    inner = {**nested(row, "event"), **nested(row, "lifecycle"), **nested(row, "eventLifecycle")}
    held = {**inner, **{key: value for key, value in row.items() if value is not None}}
    acknowledged_at, resolved_at = time_of(held, *_ACKNOWLEDGED), time_of(held, *_RESOLVED)
    return Alert(
        id=record_id,
        state=_state(held, acknowledged_at, resolved_at),
        severity=_severity(held),
        rule=reference(held, "alertRule", "rule"),
        rule_name=_rule_name(held),
        sensor=reference(held, "sensor"),
        component=reference(held, "component"),
        device=reference(held, "device"),
        value=_value(held, ("value", "triggerValue", "triggeringValue", "readingValue")),
        raised_at=time_of(held, *_RAISED),
        acknowledged_at=acknowledged_at,
        resolved_at=resolved_at,
    )


def _rule_name(held: Row) -> str | None:
    """Return the name of the rule, which may stand where another form of the record has its id."""
    name = words(held, "alertRuleName", "ruleName", "alertRule", "rule")
    return name or words(nested(held, "alertRule"), "name") or words(nested(held, "rule"), "name")


def _state(
    held: Row, acknowledged_at: datetime | None, resolved_at: datetime | None
) -> Lifecycle | None:
    """Return the state of the literal, or without one that of the times."""
    if word(held, *_STATES) is not None:
        return member(Lifecycle, held, *_STATES)
    if resolved_at is not None:
        return Lifecycle.RESOLVED
    return Lifecycle.ACKNOWLEDGED if acknowledged_at is not None else None


def _severity(held: Row) -> Severity | None:
    return member(Severity, held, "severity", "level", "priority")


def read_rule(record_id: str, row: Row) -> AlertRule:
    """Read a rule, what its condition tells in an object of its own included."""
    held = {**nested(row, "condition"), **{k: v for k, v in row.items() if v is not None}}
    return AlertRule(
        id=record_id,
        name=words(held, "name", "title", "label"),
        sensor=reference(held, "sensor"),
        component=reference(held, "component"),
        device=reference(held, "device"),
        severity=_severity(held),
        is_enabled=_is_enabled(row),
        is_doubtful=_is_enabled(row) is None
        and any(row.get(name) is not None for name in _SWITCHES),
        comparison=word(held, "comparison", "comparator", "operator", "comparisonOperator"),
        threshold=_value(held, _THRESHOLDS),
        aggregate=word(held, "aggregate", "aggregation", "function"),
        cooldown=figure(held, *_COOLDOWNS),
        channels=references(row, *_CHANNEL_LISTS),
        row=dict(row),
    )


def _is_enabled(row: Row) -> bool | None:
    said = flag(row, *_SWITCHES, "status", "state")
    return False if said is None and word(row, "status", "state") in _RESTING else said


def read_channel(record_id: str, row: Row) -> NotificationChannel:
    """Read a notification channel."""
    return NotificationChannel(
        id=record_id,
        name=words(row, "name", "title", "label"),
        type=word(row, "type", "channelType", "kind"),
        url=next((url for _, url in _addresses(row)), None),
        is_active=flag(row, "enabled", "isEnabled", "active", "isActive", "status", "state"),
        row=dict(row),
    )


type Scalar = float | str | bool


def _value(held: Row, names: tuple[str, ...]) -> Scalar | None:
    return next((value for name in names if (value := _scalar(held.get(name))) is not None), None)


def _scalar(value: object) -> Scalar | None:
    if isinstance(value, bool):
        return value
    return to_number(value) if isinstance(value, int | float) else to_text(value)


# -- what is sent back --


def with_channel(rule: AlertRule, channel: NotificationChannel, *, wanted: bool) -> dict[str, Any]:
    """Return a rule's record with or without one channel and everything else as it came.

    Raises ValueError where the record shows no list of channels: then nobody knows how to name one more.
    """
    key = next((name for name in _CHANNEL_LISTS if isinstance(rule.row.get(name), list)), None)
    if key is None:
        raise ValueError("the rule shows no channels")
    others = [item for item in rule.row[key] if _id_of(item) != channel.id]
    if wanted:
        are_objects = any(isinstance(item, dict) for item in others)
        # The first of a list says nothing of its form; where the name does, it decides.
        is_object = are_objects or (not others and not key.endswith("Ids"))
        others.append(dict(channel.row) if is_object else channel.row.get("id", channel.id))
    return {**rule.row, key: others}


def _id_of(item: object) -> str | None:
    return identifier(item.get("id") if isinstance(item, dict) else item)


def with_url(channel: NotificationChannel, url: str) -> dict[str, Any]:
    """Return a channel's record with another address, where it stands, and everything else as it came."""
    ways = [way for way, _ in _addresses(channel.row)]
    return _replaced(channel.row, ways[0], url) if ways else {**channel.row, "url": url}


def _replaced(row: Mapping[str, Any], way: tuple[str, ...], url: str) -> dict[str, Any]:
    key, *deeper = way
    return {**row, key: _replaced(row[key], tuple(deeper), url) if deeper else url}


def webhook_forms(
    name: str, url: str, known: NotificationChannel | None
) -> Iterator[dict[str, Any]]:
    """Yield the likely records of a new webhook channel: like one that is known, then other plausible ones."""
    said = known.row.get("type") if known else None
    common = {"name": name, "type": said if isinstance(said, str) else "WEBHOOK", "enabled": True}
    ways = [way for way, _ in _addresses(known.row)] if known else []
    usual = (("url",), ("config", "url"), ("webhookUrl",), ("target",), ("configuration", "url"))
    for way in dict.fromkeys((*ways, *usual)):
        held: Any = url
        for key in reversed(way):
            held = {key: held}
        yield {**common, **held}


def _texts(row: Row, depth: int = 0) -> Iterator[str]:
    """Yield every text in a record but its name."""
    for key, value in row.items():
        if isinstance(value, str) and key not in ("name", "title", "label", "description"):
            yield value
        elif isinstance(value, dict) and depth < _MAX_DEEP:
            yield from _texts(value, depth + 1)


def _addresses(row: Row, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where in a record addresses stand, and what they are."""
    for key, value in row.items():
        if key.startswith("_"):  # links to the record itself
            continue
        if isinstance(value, str) and value.lower().startswith(("http://", "https://")):
            yield (*way, key), value
        elif isinstance(value, dict) and len(way) < _MAX_DEEP:
            yield from _addresses(value, (*way, key))
