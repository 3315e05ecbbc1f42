"""Model alert rules, alerts, notification channels and events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

from .state import Organisation, Reading, Record, Sensor, Value
from .times import at

type Lifecycle = Literal["ACTIVE", "ACKNOWLEDGED", "RESOLVED"]

SEVERITIES = ("INFO", "WARNING", "CRITICAL")
AGGREGATES: dict[str, Callable[[list[Value]], float]] = {
    "AVG": lambda values: fmean(map(_number, values)),
    "MIN": lambda values: min(map(_number, values)),
    "MAX": lambda values: max(map(_number, values)),
    "COUNT": len,
}
COMPARISONS: dict[str, Callable[[Value, Value], bool]] = {
    "GREATER_THAN": lambda value, limit: _number(value) > _number(limit),
    "GREATER_THAN_OR_EQUAL": lambda value, limit: _number(value) >= _number(limit),
    "LESS_THAN": lambda value, limit: _number(value) < _number(limit),
    "LESS_THAN_OR_EQUAL": lambda value, limit: _number(value) <= _number(limit),
    "EQUALS": lambda value, limit: str(value) == str(limit) or _number(value) == _number(limit),
    "NOT_EQUALS": lambda value, limit: str(value) != str(limit),
    "IS_TRUE": lambda value, _: value is True,
    "IS_FALSE": lambda value, _: value is False,
    "CONTAINS": lambda value, limit: str(limit).lower() in str(value).lower(),
}


@dataclass(slots=True, kw_only=True)
class Channel:
    """A notification channel. type: "WEBHOOK" or "EMAIL". target: its address. secret: to sign with."""

    id: str
    name: str
    type: str
    target: str
    secret: str = ""
    enabled: bool = True
    created: int


@dataclass(slots=True, kw_only=True)
class Rule:
    """A rule about one sensor. aggregate: None evaluates each value, else the last `window` seconds.

    looked: until when its readings are evaluated; known: how many unscheduled ones. fired: when it fired last.
    """

    id: str
    name: str
    sensor: Sensor
    aggregate: str | None
    window: int
    comparison: str
    limit: Value
    severity: str
    cooldown: int
    channels: list[str]
    enabled: bool
    created: int
    looked: int
    known: int = 0
    fired: int | None = None
    fulfilled: bool = False

    def judge(self, reading: Reading, now: int) -> tuple[bool, Value]:
        """Return whether a reading fulfils the rule, and the value compared."""
        value = reading.value
        try:
            if self.aggregate is not None:
                since = reading.time - self.window + 1
                values = [one.value for one in self.sensor.readings(since, reading.time, now)]
                value = AGGREGATES[self.aggregate](values)
            return COMPARISONS[self.comparison](value, self.limit), value
        except ValueError, TypeError:
            return False, value


@dataclass(slots=True, kw_only=True)
class Alert:
    """An alert raised by a rule; it is an event, too."""

    id: str
    rule: Rule
    message: str
    value: Value
    fired: int
    state: Lifecycle = "ACTIVE"
    acknowledged: int | None = None
    acknowledged_by: str | None = None
    resolved: int | None = None
    resolved_by: str | None = None

    def acknowledge(self, who: str, now: int) -> None:
        """Mark the alert acknowledged."""
        self.state, self.acknowledged, self.acknowledged_by = "ACKNOWLEDGED", now, who

    def resolve(self, who: str, now: int) -> None:
        """Mark the alert resolved."""
        self.state, self.resolved, self.resolved_by = "RESOLVED", now, who


@dataclass(slots=True)
class AlertStore:
    """The rules, alerts, channels and events of one organisation by id, oldest first."""

    organisation: Organisation
    rules: dict[str, Rule] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    events: dict[str, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Register the records with the organisation, so that their ids are known."""
        self.organisation.more += [self.rules, self.alerts, self.channels, self.events]

    def note(self, fields: Record, now: int, number: str | None = None) -> Record:
        """Add an event to the log."""
        event: Record = {
            "id": number or self.organisation.new_id(),
            "type": "CUSTOM",
            "source": "API",
            "severity": None,
            "title": None,
            "message": None,
            "deviceId": None,
            "sensorId": None,
            "timestamp": at(now),
            "data": {},
            **fields,
            "createdAt": at(now),
        }
        self.events[str(event["id"])] = event
        return event


def alert_record(alert: Alert, state_field: str = "status") -> Record:
    """Return an alert's record."""
    rule = alert.rule
    return {
        "id": alert.id,
        "alertRuleId": rule.id,
        "ruleName": rule.name,
        "deviceId": rule.sensor.device.id,
        "sensorId": rule.sensor.id,
        "severity": rule.severity,
        state_field: alert.state,
        "message": alert.message,
        "value": alert.value,
        "triggeredAt": at(alert.fired),
        "acknowledgedAt": at(alert.acknowledged),
        "acknowledgedBy": alert.acknowledged_by,
        "resolvedAt": at(alert.resolved),
        "resolvedBy": alert.resolved_by,
    }


def rule_record(rule: Rule, *, nested: bool = False) -> Record:
    """Return a rule's record."""
    condition: Record = {
        "aggregate": rule.aggregate,
        "windowSeconds": rule.window if rule.aggregate else None,
        "comparison": rule.comparison,
        "threshold": rule.limit,
    }
    return {
        "id": rule.id,
        "name": rule.name,
        "sensorId": rule.sensor.id,
        **({"condition": condition} if nested else condition),
        "severity": rule.severity,
        "cooldownSeconds": rule.cooldown,
        "channelIds": list(rule.channels),
        "enabled": rule.enabled,
        "createdAt": at(rule.created),
        "updatedAt": at(rule.created),
    }


def _number(value: Value) -> float:
    return float(value)
