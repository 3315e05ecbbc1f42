"""Channels and readings from cameras' messages: places, zones, barriers, crowds, and unknown numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)

from ...models import Channel, ChannelId, Reading, ReadingValue
from ..names import truncate_for_entity_id
from .camera_state import KEEPALIVE, ApplicationState, CameraState
from .entities import INVENTORY
from .hardware import DENSITY
from .messages import BARRIER, CROWD, MAX_NUMBERS, PARKING, YARD, ZONE, Place

# Classes of a place's occupant; the documentation shows "car", "truck" and no class.
_CLASSES: Final = ("car", "truck")
_NO_CLASS: Final = "none"
_OTHER: Final = "other"

_PLACE_KINDS: Final = frozenset({PARKING.lower(), YARD.lower()})

# Place and class both stand in an entity id, besides the device's name.
_MAX_SLUG: Final = 60
_MAX_EXACT_INT: Final = 2.0**53

_FREE: Final = "free"
_OCCUPIED: Final = "occupied"
_TOTAL: Final = "total"
_TOTALS: Final = {
    _FREE: "free_places",
    _OCCUPIED: "occupied_places",
    _TOTAL: "total_places",
}


@dataclass(frozen=True, slots=True)
class _NumberSensor:
    """The sensor of one number of a counter; the text of `translation_key` has the place and class."""

    translation_key: str
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT
    unit: str | None = None


# By application and name of the number, without its class.
_NUMBER_SENSORS: Final[Mapping[tuple[str, str], _NumberSensor]] = {
    (ZONE, "counts"): _NumberSensor("zone_count"),
    (BARRIER, "in"): _NumberSensor("barrier_in", SensorStateClass.TOTAL_INCREASING),
    (BARRIER, "out"): _NumberSensor("barrier_out", SensorStateClass.TOTAL_INCREASING),
    (CROWD, "count"): _NumberSensor("crowd_count"),
    (CROWD, "density"): _NumberSensor("crowd_density", unit=DENSITY),
}


def message_channels(device: str, state: CameraState) -> list[Channel]:
    """Return the channels of all that a camera has reported so far."""
    channels: list[Channel] = []
    unknown: list[Channel] = []
    for kind, application in state.applications.items():
        if kind in (PARKING, YARD) and application.places:
            channels.extend(_place_channels(device, kind, application))
        for tally in application.tallies.values():
            channels.extend(
                _tally_channel(device, kind, tally.id, tally.name, name) for name in tally.numbers
            )
        unknown.extend(_number_channel(device, kind, name) for name in application.numbers)
    return channels + unknown[:MAX_NUMBERS]


def places_list(channel: ChannelId) -> str | None:
    """Return the name of the list of places that a channel belongs to; None for a channel of anything else."""
    kind, _, rest = channel.key.partition("-")
    is_place = rest.startswith(("place-", "class-"))
    return _places_list(channel.device, kind) if is_place and kind in _PLACE_KINDS else None


def live_places_lists(device: str, state: CameraState) -> Iterator[str]:
    """Yield the lists of places that a camera has sent since start; what is only remembered proves no absence."""
    for kind, application in state.applications.items():
        if kind.lower() in _PLACE_KINDS and application.is_live:
            yield _places_list(device, kind.lower())


def _places_list(device: str, kind: str) -> str:
    return f"places {kind} {device}"


def _place_channels(device: str, kind: str, application: ApplicationState) -> Iterator[Channel]:
    for key, translation_key in _TOTALS.items():
        description = SensorEntityDescription(
            key=_key(kind, key),
            translation_key=translation_key,
            state_class=SensorStateClass.MEASUREMENT,
        )
        yield _channel(device, description)
    for place in application.places.values():
        name = truncate_for_entity_id(place.name, _MAX_SLUG) or f"Place {place.id[:8]}"
        yield _channel(
            device,
            BinarySensorEntityDescription(
                key=_key(kind, "place", place.id), device_class=BinarySensorDeviceClass.OCCUPANCY
            ),
            name=name,
        )
        yield _channel(
            device,
            SensorEntityDescription(
                key=_key(kind, "class", place.id),
                translation_key="place_class",
                device_class=SensorDeviceClass.ENUM,
                options=[*_CLASSES, _NO_CLASS, _OTHER],
                entity_registry_enabled_default=False,
            ),
            placeholders={"place": name},
        )


def _tally_channel(
    device: str, kind: str, counter_id: str, title: str | None, name: str
) -> Channel:
    field, _, cls = name.partition("-")
    sensor = _NUMBER_SENSORS[kind, field]
    placeholders = {
        "place": truncate_for_entity_id(title, _MAX_SLUG) or counter_id[:8],
        "kind": truncate_for_entity_id(cls, _MAX_SLUG) or "all",
    }
    description = SensorEntityDescription(
        key=_key(kind, counter_id, name),
        translation_key=sensor.translation_key,
        state_class=sensor.state_class,
        native_unit_of_measurement=sensor.unit,
    )
    # Totals remain valid while the camera is disconnected.
    is_total = sensor.state_class is SensorStateClass.TOTAL_INCREASING
    return _channel(device, description, placeholders=placeholders, keep_when_stale=is_total)


def _number_channel(device: str, kind: str, name: str) -> Channel:
    description = SensorEntityDescription(
        key=_key(kind, "number", name),
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
    )
    return _channel(device, description, name=f"{kind} {name}")


def _channel(
    device: str,
    description: BinarySensorEntityDescription | SensorEntityDescription,
    *,
    name: str | None = None,
    placeholders: Mapping[str, str] | None = None,
    keep_when_stale: bool = False,
) -> Channel:
    return Channel(
        device,
        description.key,
        description,
        INVENTORY,
        cycle=KEEPALIVE,
        keep_when_stale=keep_when_stale,
        name=name,
        placeholders=placeholders,
    )


def message_readings(device: str, state: CameraState) -> dict[ChannelId, Reading]:
    """Return the readings of a camera's state.

    Messages report only changes, so the last values are valid while the camera is connected. Restored values are not
    shown, because they may have changed meanwhile, except for totals.
    """
    readings = total_readings(device, state)
    for kind, application in state.applications.items():
        if not application.is_live:
            continue
        readings |= _place_readings(device, kind, application)
        for name, value in application.numbers.items():
            readings[ChannelId(device, _key(kind, "number", name))] = Reading(_to_state(value))
        for tally in application.tallies.values():
            for name, value in tally.numbers.items():
                readings[ChannelId(device, _key(kind, tally.id, name))] = Reading(_to_state(value))
    return readings


def total_readings(device: str, state: CameraState) -> dict[ChannelId, Reading]:
    """Return the readings that stay valid while a camera is disconnected: totals of barriers."""
    return {
        ChannelId(device, _key(kind, tally.id, name)): Reading(_to_state(value))
        for kind, application in state.applications.items()
        if kind == BARRIER
        for tally in application.tallies.values()
        for name, value in tally.numbers.items()
    }


def _place_readings(
    device: str, kind: str, application: ApplicationState
) -> dict[ChannelId, Reading]:
    readings: dict[ChannelId, Reading] = {}
    for place in application.places.values():
        is_live = not place.is_deactivated and place.id not in application.absences
        cls = _class_of(place)
        more: dict[str, ReadingValue] = {"class": cls} if cls else {}
        if place.since is not None:
            more["since"] = place.since.isoformat()
        occupancy = Reading(place.is_occupied, attributes=more, is_live=is_live)
        readings[ChannelId(device, _key(kind, "place", place.id))] = occupancy
        class_reading = Reading(cls, is_live=is_live)
        readings[ChannelId(device, _key(kind, "class", place.id))] = class_reading
    totals = application.totals
    if application.places:
        counts = ((_FREE, totals.free), (_OCCUPIED, totals.occupied), (_TOTAL, totals.total))
        for key, count in counts:
            readings[ChannelId(device, _key(kind, key))] = Reading(count)
    return readings


def _class_of(place: Place) -> str | None:
    if place.cls is None:
        return None if place.is_occupied else _NO_CLASS
    return place.cls.lower() if place.cls.lower() in _CLASSES else _OTHER


def _to_state(value: float | None) -> float | int | None:
    # Beyond this a float is not exact, and an int might have hundreds of digits.
    is_whole = value is not None and abs(value) < _MAX_EXACT_INT and value.is_integer()
    return int(value) if value is not None and is_whole else value


def _key(kind: str, *parts: str) -> str:
    return "-".join((kind.lower(), *parts))
