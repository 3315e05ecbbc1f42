"""Devices, components, sensors, sites, groups and profiles.

Which records there are, and the literals of status and value type, are the vendor's (Core concepts, Connect devices,
Model data); their fields' names are inferred and read under several.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import Final

from ....client.decode import Row, nested, to_text
from .fields import figure, member, reference, time_of, word, words
from .readings import Reading, latest

_ORGANISATION: Final = ("organization", "organisation", "org", "tenant")
_MAX_FIELDS: Final = 500
# INFERRED: that a range has these names.
_LEAST: Final = ("min", "minimum", "minValue", "lower", "from")
_GREATEST: Final = ("max", "maximum", "maxValue", "upper", "to")

# The least and greatest value that a profile allows; an open end is infinite.
type Declared = tuple[float, float]


class DeviceStatus(StrEnum):
    """A device's lifecycle (Connect devices)."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    MAINTENANCE = "MAINTENANCE"
    OFFLINE = "OFFLINE"


class ValueType(StrEnum):
    """The type of a sensor's values (Core concepts)."""

    DOUBLE = "DOUBLE"
    BIGINT = "BIGINT"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class Device:
    """A provisioned device: a gateway, a node, a virtual device. `status` is None for an unknown literal."""

    id: str
    name: str | None = None
    status: DeviceStatus | None = None
    organisation: str | None = None
    site: str | None = None
    profile: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """An addressable part of a device, bound to a version of a sensor profile."""

    id: str
    device: str | None = None
    name: str | None = None
    profile: str | None = None
    profile_version: str | None = None


@dataclass(frozen=True, slots=True)
class Sensor:
    """A typed channel. `value_type` is None for an unknown literal; `field` names it in its component's profile."""

    id: str
    name: str | None = None
    field: str | None = None
    value_type: ValueType | None = None
    unit: str | None = None
    device: str | None = None
    component: str | None = None
    latest: Reading | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A site, or a device group."""

    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileField:
    """One field of a profile; profiles have an optional range of each (Model data)."""

    name: str
    unit: str | None = None
    type: str | None = None
    declared: Declared | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of a sensor or device profile."""

    id: str
    name: str | None = None
    version: str | None = None
    fields: tuple[ProfileField, ...] = ()


def device(record_id: str, row: Row) -> Device:
    """Read a device; its location is left alone."""
    return Device(
        id=record_id,
        name=words(row, "name", "deviceName", "displayName", "label"),
        status=member(DeviceStatus, row, "status", "state", "deviceStatus"),
        organisation=organisation(row),
        site=reference(row, "site", "location"),
        profile=reference(row, "deviceProfile", "profile"),
        model=words(row, "model", "hardwareModel", "deviceType", "type"),
        serial=words(row, "serialNumber", "serial"),
        firmware=words(row, "firmwareVersion", "firmware", "softwareVersion"),
        created_at=time_of(row, "createdAt", "created", "registeredAt"),
    )


def organisation(row: Row) -> str | None:
    """Return the id of the organisation of a record."""
    return reference(row, *_ORGANISATION)


def component(record_id: str, row: Row) -> Component:
    """Read a component."""
    profile = nested(row, "sensorProfile") or nested(row, "profile")
    return Component(
        id=record_id,
        device=reference(row, "device"),
        name=words(row, "name", "displayName", "label", "key"),
        profile=reference(row, "sensorProfile", "profile"),
        profile_version=_version(row, "sensorProfileVersion", "profileVersion")
        or _version(profile, "version"),
    )


def sensor(record_id: str, row: Row) -> Sensor:
    """Read a sensor."""
    return Sensor(
        id=record_id,
        name=words(row, "name", "displayName", "label", "title"),
        field=words(row, "fieldName", "field", "key", "profileField", "sensorId"),
        value_type=member(ValueType, row, "valueType", "dataType", "type"),
        unit=_unit(row),
        device=reference(row, "device"),
        component=reference(row, "component"),
        latest=latest(row),
    )


def place(record_id: str, row: Row) -> Place:
    """Read a site or a device group: its name alone."""
    return Place(record_id, words(row, "name", "displayName", "label"))


def profile(record_id: str, row: Row) -> Profile:
    """Read a profile with its fields, listed or by name, in itself or in its schema."""
    held = row.get("fields") or row.get("schema") or row.get("definition")
    if isinstance(held, dict) and isinstance(held.get("fields"), list | dict):
        held = held["fields"]
    if held is None:  # whatever they are called: the one list of objects that there is
        lists = [value for value in row.values() if isinstance(value, list) and value]
        held = next((value for value in lists if isinstance(value[0], dict)), None)
    return Profile(
        id=record_id,
        name=words(row, "name", "displayName", "key"),
        version=_version(row, "version", "profileVersion"),
        fields=tuple(_fields(held))[:_MAX_FIELDS],
    )


def _version(row: Row, *names: str) -> str | None:
    """Read `major.minor`, also sent as a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if (found := to_text(value, 64)) is not None:
            return found
    return None


def _unit(row: Row) -> str | None:
    """Read a unit: its text, or that of an object."""
    value = row.get("unit")
    if isinstance(value, dict):
        return words(value, "symbol", "name", "id")
    return words(row, "unit", "unitOfMeasurement", "unitSymbol")


def _declared(row: Row) -> Declared | None:
    """Read the range that a field declares, in itself or under `range`, as an object or as two numbers."""
    held: object = row.get("range") or row.get("validRange") or row
    if isinstance(held, list):
        held = {"min": held[0], "max": held[1]} if len(held) == 2 else {}
    if not isinstance(held, dict):
        return None
    least, greatest = figure(held, *_LEAST), figure(held, *_GREATEST)
    if least is None and greatest is None:
        return None
    found = (-inf if least is None else least, inf if greatest is None else greatest)
    return found if found[0] <= found[1] else None


def _fields(held: object) -> Iterator[ProfileField]:
    if isinstance(held, dict):
        held = [{"name": name, **value} for name, value in held.items() if isinstance(value, dict)]
    for row in held if isinstance(held, list) else ():
        if not isinstance(row, dict):
            continue
        name = words(row, "name", "key", "field", "fieldName", "id")
        if name is not None:
            type_ = word(row, "type", "valueType", "dataType")
            yield ProfileField(name, unit=_unit(row), type=type_, declared=_declared(row))
