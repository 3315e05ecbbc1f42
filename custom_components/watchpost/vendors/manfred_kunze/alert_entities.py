"""Map alert rules and alerts to channels and readings."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.event import EventEntityDescription
from homeassistant.components.sensor import SensorEntityDescription, SensorStateClass
from homeassistant.components.switch import SwitchEntityDescription
from homeassistant.const import EntityCategory

from ...models import Channel, ChannelId, Job, Reading, ReadingValue, VendorEventType
from ..names import truncate_for_entity_id
from .alert_tracker import AlertTracker, OpenAlerts
from .inventory import ACCOUNT
from .models.alerts import Alert, AlertRule, Severity

ALERTS: Final = "alerts"
RULES: Final = "alert_rules"
EVENTS: Final = "events"
PUSH: Final = "push"
_RULE: Final = "alert_rule-"
_SWITCH: Final = "alert_rule_enabled-"
_BUTTON: Final = "alert_rule_acknowledge-"
_OPEN: Final = "open_alerts"
_ENABLED: Final = "enabled_alert_rules"

_EVENTS: Final = EventEntityDescription(
    key=EVENTS,
    translation_key=EVENTS,
    event_types=[
        VendorEventType.ALARM_RAISED,
        VendorEventType.ALARM_ACKNOWLEDGED,
        VendorEventType.ALARM_CLEARED,
    ],
)
_COUNTS: Final[Mapping[str, Severity | None]] = {
    _OPEN: None,
    "critical_alerts": Severity.CRITICAL,
    "warning_alerts": Severity.WARNING,
    "info_alerts": Severity.INFO,
}
_RULES_ENABLED: Final = SensorEntityDescription(
    key=_ENABLED,
    translation_key=_ENABLED,
    entity_category=EntityCategory.DIAGNOSTIC,
    state_class=SensorStateClass.MEASUREMENT,
)
_PUSH: Final = BinarySensorEntityDescription(
    key=PUSH,
    translation_key=PUSH,
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
_ABOVE: Final = ("GREATER", "GT", ">", "ABOVE")
_BELOW: Final = ("LESS", "LT", "<", "BELOW")

type Switch = Callable[[str, bool], Awaitable[Job | None]]
type Press = Callable[[str], Awaitable[Job | None]]


def rule_key(rule: str) -> str:
    """Name the channel of a rule that is on while an alert of it is open."""
    return f"{_RULE}{rule}"


def rule_of(channel: Channel | None) -> str | None:
    """Return the id of a channel's rule, None for any other channel."""
    key = channel.key if channel else ""
    return next(
        (
            key.removeprefix(prefix)
            for prefix in (_RULE, _SWITCH, _BUTTON)
            if key.startswith(prefix)
        ),
        None,
    )


def is_rule_key(key: str) -> bool:
    """Return whether a channel's key is that of a rule."""
    return key.startswith((_RULE, _SWITCH, _BUTTON))


def is_named_by_rules(channel: ChannelId) -> bool:
    """Return whether a channel comes from the list of rules: a rule's own, or events of a device it watches."""
    is_events = channel.key == EVENTS and channel.device != ACCOUNT
    return is_events or is_rule_key(channel.key)


def account_channels(*, has_push: bool) -> Iterator[Channel]:
    """Yield the account's channels of all alerts and rules."""
    for key in _COUNTS:
        description = SensorEntityDescription(
            key=key, translation_key=key, state_class=SensorStateClass.MEASUREMENT
        )
        yield Channel(ACCOUNT, key, description, ALERTS)
    yield Channel(ACCOUNT, _ENABLED, _RULES_ENABLED, RULES)
    yield events_channel(ACCOUNT)
    if has_push:
        yield Channel(ACCOUNT, PUSH, _PUSH, ALERTS, keep_when_stale=True)


def events_channel(device: str) -> Channel:
    """Return the channel of a device's alert events."""
    return Channel(device, EVENTS, _EVENTS, ALERTS)


def rule_channels(
    rule: AlertRule, device: str, switch: Switch, acknowledge: Press
) -> Iterator[Channel]:
    """Yield a rule's channels: whether an alert is open, whether the rule is enabled, and a button to acknowledge."""
    is_critical = rule.severity is Severity.CRITICAL
    kind = BinarySensorDeviceClass.SAFETY if is_critical else BinarySensorDeviceClass.PROBLEM
    placeholders = {"rule": title(rule)}
    yield Channel(
        device,
        key := rule_key(rule.id),
        BinarySensorEntityDescription(key=key, translation_key="alert_rule", device_class=kind),
        ALERTS,
        placeholders=placeholders,
    )

    async def set_enabled(is_on: bool) -> Job | None:
        return await switch(rule.id, is_on)

    yield Channel(
        device,
        key := f"{_SWITCH}{rule.id}",
        SwitchEntityDescription(
            key=key, translation_key="alert_rule", entity_category=EntityCategory.CONFIG
        ),
        RULES,
        placeholders=placeholders,
        switch=set_enabled,
    )

    async def acknowledge_all() -> Job | None:
        return await acknowledge(rule.id)

    yield Channel(
        device,
        key := f"{_BUTTON}{rule.id}",
        ButtonEntityDescription(key=key, translation_key="acknowledge_alerts"),
        ALERTS,
        placeholders=placeholders,
        press=acknowledge_all,
    )


def title(rule: AlertRule) -> str:
    """Return the name of a rule; a rule without one is named after its condition."""
    if (name := truncate_for_entity_id(rule.name)) is not None:
        return name
    limit = "" if rule.threshold is None else f" {_format_number(rule.threshold)}"
    return f"{(rule.comparison or 'rule').lower().replace('_', ' ')}{limit} {rule.id[:8]}"


def _format_number(value: float | str | bool) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def direction(rule: AlertRule) -> str | None:
    """Return the side of its threshold on which a rule fires; the vendor's own word for any other comparison."""
    comparison = rule.comparison
    if comparison is None:
        return None
    if comparison.startswith(_ABOVE):
        return "above"
    return "below" if comparison.startswith(_BELOW) else comparison.lower()


def rule_data(rule: AlertRule) -> dict[str, ReadingValue]:
    """Return the event data of a rule."""
    severity = rule.severity.lower() if rule.severity else None
    return {
        "source": title(rule),
        "threshold": rule.threshold,
        "direction": direction(rule),
        "severity": severity,
    }


# -- readings --


def rule_readings(rule: AlertRule, device: str, state: OpenAlerts) -> dict[ChannelId, Reading]:
    """Return the reading of a rule: whether an alert of it is open."""
    newest: Sequence[Alert] = state.open[:1]
    attributes: dict[str, ReadingValue] = {
        **{key: value for key, value in rule_data(rule).items() if key != "source"},
        "open_alerts": len(state.open),
    }
    for alert in newest:
        attributes |= {
            "acknowledged": state.is_acknowledged,
            "alert_id": alert.id,
            "since": alert.raised_at,
            "value": alert.value,
        }
    return {ChannelId(device, rule_key(rule.id)): Reading(state.is_on, attributes=attributes)}


def switch_readings(
    rules: Iterable[AlertRule], devices: Mapping[str, str]
) -> dict[ChannelId, Reading]:
    """Return the readings of the rules' switches, and the number of enabled rules."""
    listed = list(rules)
    readings = {
        ChannelId(devices[rule.id], f"{_SWITCH}{rule.id}"): Reading(rule.is_enabled)
        for rule in listed
    }
    enabled = sum(rule.is_enabled is True for rule in listed)
    return {ChannelId(ACCOUNT, _ENABLED): Reading(enabled)} | readings


def count_readings(tracker: AlertTracker, rules: Iterable[AlertRule]) -> dict[ChannelId, Reading]:
    """Return the numbers of open alerts by severity."""
    severities = {rule.id: rule.severity for rule in rules if rule.severity is not None}
    return {
        ChannelId(ACCOUNT, key): Reading(tracker.count(severity, severities))
        for key, severity in _COUNTS.items()
    }
