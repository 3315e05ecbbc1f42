"""Map Sensorist's alarms and their logs to channels, readings and events."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.event import EventEntityDescription

from ...models import Channel, ChannelId, Reading, ReadingValue, VendorEvent, VendorEventType
from .models import Alarm, AlarmLog, Source

ALARMS: Final = "alarms"
EVENTS: Final = "events"
_ALARM: Final = "alarm-"

_EVENTS_OF_SENSOR = EventEntityDescription(
    key=EVENTS,
    translation_key=EVENTS,
    event_types=[
        VendorEventType.ALARM_RAISED,
        VendorEventType.ALARM_CLEARED,
        VendorEventType.BUTTON_PRESSED,
        VendorEventType.SYSTEM_NOTICE,
    ],
)
_EVENTS_OF_GATEWAY = EventEntityDescription(
    key=EVENTS, translation_key=EVENTS, event_types=[VendorEventType.SYSTEM_NOTICE]
)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an alarm: its device, and the data source that it watches, if known."""

    device: str
    source: Source | None = None


def alarm_key(alarm: str) -> str:
    """Return the key of an alarm's channel on its device."""
    return f"{_ALARM}{alarm}"


def is_alarm(key: str) -> bool:
    """Return whether a channel's key is that of an alarm."""
    return key.startswith(_ALARM)


def events_of_sensor(device: str) -> Channel:
    """Return the event channel of a sensor."""
    return Channel(device, EVENTS, _EVENTS_OF_SENSOR, feed=ALARMS)


def events_of_gateway(device: str) -> Channel:
    """Return the event channel of a gateway."""
    return Channel(device, EVENTS, _EVENTS_OF_GATEWAY, feed=ALARMS)


def alarm_channel(alarm: Alarm, place: Place) -> Channel:
    """Return the channel that is on while an alarm is triggered."""
    key = alarm_key(alarm.id)
    description = BinarySensorEntityDescription(
        key=key,
        translation_key=f"alarm_{alarm.direction}" if alarm.direction else "alarm",
        device_class=BinarySensorDeviceClass.PROBLEM,
    )
    source = place.source
    unit = source.kind.unit.name if source else None
    return Channel(
        device=place.device,
        key=key,
        description=description,
        feed=ALARMS,
        placeholders={
            "source": (source.title if source else None) or f"Source {alarm.source or alarm.id}",
            "value": f"{_format_value(alarm.value)} {unit or ''}".strip(),
        },
    )


def _format_value(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def alarm_readings(
    alarms: Iterable[Alarm], places: Mapping[str, Place]
) -> dict[ChannelId, Reading]:
    """Return the reading of each alarm, on if it is triggered, unknown for an unknown state."""
    return {
        ChannelId(places[alarm.id].device, alarm_key(alarm.id)): Reading(
            alarm.is_triggered,
            attributes={
                "threshold": alarm.value,
                "direction": alarm.direction,
                "delay_minutes": alarm.delay,
                "since": _since(alarm),
            },
        )
        for alarm in alarms
        if alarm.id in places
    }


def _since(alarm: Alarm) -> ReadingValue:
    """Return the date of the alarm's change to its present state, if its logs have it."""
    since = None
    for log in reversed(alarm.logs):
        if log.is_triggered != alarm.is_triggered:
            break
        since = log.date
    return since


def alarm_events(
    alarms: Mapping[str, Alarm], places: Mapping[str, Place], logs: Iterable[AlarmLog]
) -> Iterator[VendorEvent]:
    """Yield the events in the logs of known alarms.

    The event's id is made of the contents of a log, not of its id: the same change is listed in two
    places, and the vendor does not say that its id is the same in both.
    """
    for log in logs:
        alarm = alarms.get(log.alarm or "")
        if alarm is None or alarm.id not in places or log.is_triggered is None:
            continue
        source = places[alarm.id].source
        kind = VendorEventType.ALARM_RAISED if log.is_triggered else VendorEventType.ALARM_CLEARED
        yield VendorEvent(
            id=f"alarm-{alarm.id}-{kind}-{log.date.isoformat()}",
            type=kind,
            at=log.date,
            device=places[alarm.id].device,
            channel=alarm_key(alarm.id),
            data={
                "threshold": alarm.value,
                "direction": alarm.direction,
                "value": log.value,
                "unit": source.kind.unit.name if source else None,
                "source": source.title if source else None,
            },
        )
