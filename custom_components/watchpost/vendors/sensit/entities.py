"""SENSIT Connect's monitors in the words of the model: devices, channels and readings."""

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
from .sensors import description, is_number, measured

MANUFACTURER: Final = "SENSIT Technologies"
MONITORS: Final = "monitors"
PREFIX: Final = "monitor-"

CONNECTIVITY: Final = "connectivity"
LAST_MEASUREMENT: Final = "last_measurement"
STATUS: Final = "status"
CHARGING: Final = "charging"
FIRMWARE: Final = "firmware_update"
BATTERY: Final = "battery"

# What a field of a record is called as a channel; no other channel's key begins so.
FIELD: Final = "field-"

# A monitor counts as connected for three of its cycles, and at least so long: records come up to
# a quarter of an hour late.
_CONNECTED_FOR: Final = timedelta(minutes=15)
_CYCLES: Final = 3

_DIAGNOSTIC = EntityCategory.DIAGNOSTIC

# Of every monitor, from the list itself.
_OWN: Final[Mapping[str, EntityDescription]] = {
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


# What the list says of them is as old as the newest record: a silent monitor tells of neither.
_MEASURED: Final = frozenset({CHARGING, BATTERY})


def device_id(uuid: str) -> str:
    """The model's id of a monitor."""
    return f"{PREFIX}{uuid}"


def uuid_of(device: str) -> str:
    """The vendor's id in the model's."""
    return device.removeprefix(PREFIX)


def path_of(key: str) -> str | None:
    """The path of the field that a channel shows; None for one that shows no field."""
    return key.removeprefix(FIELD) if key.startswith(FIELD) else None


def device(monitor: Monitor) -> Device:
    """The device of a monitor; its type is the model, its uuid the serial number."""
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
    """The channels of a monitor: its own, and one for each field that was ever seen.

    `samples` has a value of each of those fields, None where only the field is known.
    """
    owner = device_id(monitor.uuid)
    for key, shown in _OWN.items():
        yield Channel(
            owner,
            key,
            shown,
            MONITORS,
            cycle if key in _MEASURED else None,
            keep_when_stale=key == LAST_MEASUREMENT,
        )
    if monitor.kind is Kind.SPOD or TRIGGER in samples:
        yield Channel(owner, EVENTS, EVENTS_DESCRIPTION, MONITORS)
        yield Channel(owner, CANISTER, CANISTER_DESCRIPTION, MONITORS, cycle)
    for path, sample in samples.items():
        if path != TRIGGER:
            described = description(path, is_measured=isinstance(sample, float))
            yield Channel(
                owner,
                FIELD + path,
                described.entity,
                MONITORS,
                cycle,
                name=described.name,
                placeholders=described.placeholders,
            )


def own_readings(
    monitor: Monitor, newest: datetime | None, cycle: timedelta, age: timedelta | None
) -> Iterator[tuple[ChannelId, Reading]]:
    """What the list says of a monitor itself; `newest` is when it measured last, `age` how long that is ago."""
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
        yield ChannelId(owner, key), Reading(value, newest if key in _MEASURED else None)
    if newest is not None:
        yield ChannelId(owner, LAST_MEASUREMENT), Reading(newest, newest)


def record_readings(
    uuid: str, record: Record, samples: Mapping[str, Value]
) -> Iterator[tuple[ChannelId, Reading]]:
    """What a record says of each field that was ever seen; a field that it lacks is unknown."""
    owner = device_id(uuid)
    for path, sample in samples.items():
        if path != TRIGGER:
            value = _shown(path, record.values.get(path), sample)
            yield ChannelId(owner, FIELD + path), Reading(value, record.date)
    if (filling := events.reading(record)) is not None:
        yield ChannelId(owner, CANISTER), filling
    elif TRIGGER in samples:
        yield ChannelId(owner, CANISTER), Reading(None, record.date)


def _shown(path: str, value: Value, sample: Value) -> ReadingValue:
    """What a field shows: a number where it is one, else what the vendor sent, as text."""
    if is_number(path) or isinstance(sample, float):
        return measured(path, value)
    return str(value).lower() if isinstance(value, bool) else value


def remembered(known: Collection[ChannelId], uuid: str) -> dict[str, Value]:
    """The fields of a monitor that had entities before, by path; their values are not known."""
    owner = device_id(uuid)
    found: dict[str, Value] = {
        path: None
        for channel in known
        if channel.device == owner and (path := path_of(channel.key)) is not None
    }
    if ChannelId(owner, CANISTER) in known:
        found[TRIGGER] = None
    return found
