"""Map SENSIT Connect's monitors to devices, channels and readings."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory
from homeassistant.helpers.entity import EntityDescription

from ...models import Channel, ChannelId, Device, Reading, ReadingValue
from . import events
from .events import CANISTER, CANISTER_DESCRIPTION, EVENTS, EVENTS_DESCRIPTION
from .models import TRIGGER, Kind, Monitor, Record, Value
from .sensors import field_description, is_number, to_measurement

MANUFACTURER: Final = "SENSIT Technologies"
MONITORS: Final = "monitors"
PREFIX: Final = "monitor-"

CONNECTIVITY: Final = "connectivity"
LAST_MEASUREMENT: Final = "last_measurement"
STATUS: Final = "status"
CHARGING: Final = "charging"
FIRMWARE: Final = "firmware_update"
BATTERY: Final = "battery"

# The prefix of the channel keys of record fields; no other channel's key begins with it.
FIELD: Final = "field-"

# A monitor counts as connected for three of its cycles, and at least this long: records arrive up
# to a quarter of an hour late.
_CONNECTED_FOR: Final = timedelta(minutes=15)
_CYCLES: Final = 3

_DIAGNOSTIC = EntityCategory.DIAGNOSTIC

# Channels of every monitor, from the fields of the list itself.
_MONITOR_CHANNELS: Final[Mapping[str, EntityDescription]] = {
    CONNECTIVITY: BinarySensorEntityDescription(
        key=CONNECTIVITY,
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=_DIAGNOSTIC,
    ),
    LAST_MEASUREMENT: SensorEntityDescription(
        key=LAST_MEASUREMENT,
        translation_key=LAST_MEASUREMENT,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=_DIAGNOSTIC,
    ),
    STATUS: SensorEntityDescription(
        key=STATUS, translation_key=STATUS, entity_category=_DIAGNOSTIC
    ),
    CHARGING: BinarySensorEntityDescription(
        key=CHARGING,
        device_class=BinarySensorDeviceClass.BATTERY_CHARGING,
        entity_category=_DIAGNOSTIC,
    ),
    FIRMWARE: BinarySensorEntityDescription(
        key=FIRMWARE,
        translation_key=FIRMWARE,
        device_class=BinarySensorDeviceClass.UPDATE,
        entity_category=_DIAGNOSTIC,
    ),
    BATTERY: SensorEntityDescription(
        key=BATTERY,
        device_class=SensorDeviceClass.BATTERY,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=_DIAGNOSTIC,
    ),
}


# The list repeats these values from the newest record, so they are as old as that record.
_FROM_RECORD: Final = frozenset({CHARGING, BATTERY})


def device_id(uuid: str) -> str:
    """Return the device id of a monitor."""
    return f"{PREFIX}{uuid}"


def uuid_of(device: str) -> str:
    """Return the vendor's id of a device."""
    return device.removeprefix(PREFIX)


def path_of(key: str) -> str | None:
    """Return the path of the field that a channel shows, or None if it shows no field."""
    return key.removeprefix(FIELD) if key.startswith(FIELD) else None


def device(monitor: Monitor) -> Device:
    """Return the device of a monitor, with its type as the model and its uuid as the serial number."""
    kind = monitor.type or "Monitor"
    return Device(
        id=device_id(monitor.uuid),
        name=monitor.name or f"{kind} {monitor.uuid}",
        manufacturer=MANUFACTURER,
        model=monitor.type,
        serial=monitor.uuid,
        area=monitor.location,
    )


def channels(monitor: Monitor, samples: Mapping[str, Value], cycle: timedelta) -> Iterator[Channel]:
    """Yield the channels of a monitor: those of the list, and one for each known field.

    `samples` has a value of each known field, None if no value is known.
    """
    owner = device_id(monitor.uuid)
    for key, entity_description in _MONITOR_CHANNELS.items():
        yield Channel(
            owner,
            key,
            entity_description,
            MONITORS,
            cycle if key in _FROM_RECORD else None,
            keep_when_stale=key == LAST_MEASUREMENT,
        )
    if monitor.kind is Kind.SPOD or TRIGGER in samples:
        yield Channel(owner, EVENTS, EVENTS_DESCRIPTION, MONITORS)
        yield Channel(owner, CANISTER, CANISTER_DESCRIPTION, MONITORS, cycle)
    for path, sample in samples.items():
        if path != TRIGGER:
            field = field_description(path, is_measured=isinstance(sample, float))
            yield Channel(
                owner,
                FIELD + path,
                field.entity,
                MONITORS,
                cycle,
                name=field.name,
                placeholders=field.placeholders,
            )


def monitor_readings(
    monitor: Monitor, newest: datetime | None, cycle: timedelta, age: timedelta | None
) -> Iterator[tuple[ChannelId, Reading]]:
    """Yield the readings of the list's fields; `newest` is the date of the last record, `age` how old it is."""
    is_connected = age is not None and age <= max(_CYCLES * cycle, _CONNECTED_FOR)
    values: dict[str, ReadingValue] = {
        CONNECTIVITY: is_connected,
        STATUS: monitor.status,
        CHARGING: monitor.is_charging,
        FIRMWARE: monitor.needs_firmware,
        BATTERY: monitor.battery,
    }
    owner = device_id(monitor.uuid)
    for key, value in values.items():
        yield ChannelId(owner, key), Reading(value, newest if key in _FROM_RECORD else None)
    if newest is not None:
        yield ChannelId(owner, LAST_MEASUREMENT), Reading(newest, newest)


def record_readings(
    uuid: str, record: Record, samples: Mapping[str, Value]
) -> Iterator[tuple[ChannelId, Reading]]:
    """Yield the reading of each known field; a field that the record lacks is unknown."""
    owner = device_id(uuid)
    for path, sample in samples.items():
        if path != TRIGGER:
            value = _reading_value(path, record.values.get(path), sample)
            yield ChannelId(owner, FIELD + path), Reading(value, record.date)
    if (canister := events.reading(record)) is not None:
        yield ChannelId(owner, CANISTER), canister
    elif TRIGGER in samples:
        yield ChannelId(owner, CANISTER), Reading(None, record.date)


def _reading_value(path: str, value: Value, sample: Value) -> ReadingValue:
    """Return the value of a field: a number for a numeric field, else the vendor's text."""
    if is_number(path) or isinstance(sample, float):
        return to_measurement(path, value)
    return str(value).lower() if isinstance(value, bool) else value


def restored_samples(known: Collection[ChannelId], uuid: str) -> dict[str, Value]:
    """Return the fields of a monitor that have entities already, by path, without values."""
    owner = device_id(uuid)
    samples: dict[str, Value] = {
        path: None
        for channel in known
        if channel.device == owner and (path := path_of(channel.key)) is not None
    }
    if ChannelId(owner, CANISTER) in known:
        samples[TRIGGER] = None
    return samples
