"""What cameras have told as channels and readings: places, zones, lines, crowds, and numbers of an unknown kind."""

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
from homeassistant.util import slugify

from ...models import Channel, ChannelId, Reading, ReadingValue
from .camera_state import KEEPALIVE, ApplicationState, CameraState
from .entities import INVENTORY
from .hardware import DENSITY
from .messages import BARRIER, CROWD, MAX_NUMBERS, PARKING, YARD, ZONE, Place

# What a place is taken by. The vendor's documentation shows "car", "truck" and nothing.
_CLASSES: Final = ("car", "truck")
_NOTHING: Final = "none"
_OTHER: Final = "other"

_PLACE_KINDS: Final = frozenset({PARKING.lower(), YARD.lower()})

_MAX_SLUG: Final = 60
_EXACT: Final = 2.0**53

_FREE: Final = "free"
_OCCUPIED: Final = "occupied"
_TOTAL: Final = "total"
_TOTALS: Final = {
    _FREE: "free_places",
    _OCCUPIED: "occupied_places",
    _TOTAL: "total_places",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How Home Assistant shows one number of a counter; `translation_key` names place and class."""

    translation_key: str
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT
    unit: str | None = None


# By the application and the name of the number, before the class.
_KINDS: Final[Mapping[tuple[str, str], _Kind]] = {
    (ZONE, "counts"): _Kind("zone_count"),
    (BARRIER, "in"): _Kind("barrier_in", SensorStateClass.TOTAL_INCREASING),
    (BARRIER, "out"): _Kind("barrier_out", SensorStateClass.TOTAL_INCREASING),
    (CROWD, "count"): _Kind("crowd_count"),
    (CROWD, "density"): _Kind("crowd_density", unit=DENSITY),
}


def scene_channels(device: str, scene: CameraState) -> list[Channel]:
    """The channels that a camera's messages have called for so far."""
    channels: list[Channel] = []
    unknown: list[Channel] = []
    for kind, view in scene.views.items():
        if kind in (PARKING, YARD) and view.places:
            channels.extend(_place_channels(device, kind, view))
        for tally in view.tallies.values():
            channels.extend(
                _tally_channel(device, kind, tally.id, tally.name, name) for name in tally.numbers
            )
        unknown.extend(_number_channel(device, kind, name) for name in view.numbers)
    return channels + unknown[:MAX_NUMBERS]


def places_list(channel: ChannelId) -> str | None:
    """Return the name of the list of places that a channel belongs to; None for a channel of anything else."""
    kind, _, rest = channel.key.partition("-")
    is_place = rest.startswith(("place-", "class-"))
    return _places_list(channel.device, kind) if is_place and kind in _PLACE_KINDS else None


def live_places_lists(device: str, scene: CameraState) -> Iterator[str]:
    """Yield the lists of places that a camera has sent since start; what is only remembered proves no absence."""
    for kind, view in scene.views.items():
        if kind.lower() in _PLACE_KINDS and view.is_live:
            yield _places_list(device, kind.lower())


def _places_list(device: str, kind: str) -> str:
    return f"places {kind} {device}"


def _place_channels(device: str, kind: str, view: ApplicationState) -> Iterator[Channel]:
    for key, translation_key in _TOTALS.items():
        description = SensorEntityDescription(
            key=_key(kind, key),
            translation_key=translation_key,
            state_class=SensorStateClass.MEASUREMENT,
        )
        yield _channel(device, description)
    for place in view.places.values():
        name = _fitting(place.name) or f"Place {place.id[:8]}"
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
                options=[*_CLASSES, _NOTHING, _OTHER],
                entity_registry_enabled_default=False,
            ),
            placeholders={"place": name},
        )


def _tally_channel(device: str, kind: str, found: str, title: str | None, name: str) -> Channel:
    what, _, cls = name.partition("-")
    shown = _KINDS[kind, what]
    placeholders = {"place": _fitting(title) or found[:8], "kind": _fitting(cls) or "all"}
    description = SensorEntityDescription(
        key=_key(kind, found, name),
        translation_key=shown.translation_key,
        state_class=shown.state_class,
        native_unit_of_measurement=shown.unit,
    )
    # Totals stand: what was counted stays counted, whether the camera is heard of or not.
    is_total = shown.state_class is SensorStateClass.TOTAL_INCREASING
    return _channel(device, description, placeholders=placeholders, stands=is_total)


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
    stands: bool = False,
) -> Channel:
    return Channel(
        device,
        description.key,
        description,
        INVENTORY,
        cycle=KEEPALIVE,
        keep_when_stale=stands,
        name=name,
        placeholders=placeholders,
    )


def scene_readings(device: str, scene: CameraState) -> dict[ChannelId, Reading]:
    """What a camera's messages say, as of now.

    They tell of changes alone, so what they said last holds for as long as the camera is heard of. What was remembered
    over a restart is not shown, since it may have changed meanwhile, but for totals.
    """
    readings = lasting_readings(device, scene)
    for kind, view in scene.views.items():
        if not view.is_live:
            continue
        readings |= _place_readings(device, kind, view)
        for name, value in view.numbers.items():
            readings[ChannelId(device, _key(kind, "number", name))] = Reading(_shown(value))
        for tally in view.tallies.values():
            for name, value in tally.numbers.items():
                readings[ChannelId(device, _key(kind, tally.id, name))] = Reading(_shown(value))
    return readings


def lasting_readings(device: str, scene: CameraState) -> dict[ChannelId, Reading]:
    """What stays true whether the camera is heard of or not: totals of barriers."""
    return {
        ChannelId(device, _key(kind, tally.id, name)): Reading(_shown(value))
        for kind, view in scene.views.items()
        if kind == BARRIER
        for tally in view.tallies.values()
        for name, value in tally.numbers.items()
    }


def _place_readings(device: str, kind: str, view: ApplicationState) -> dict[ChannelId, Reading]:
    readings: dict[ChannelId, Reading] = {}
    for place in view.places.values():
        is_live = not place.is_deactivated and place.id not in view.absences
        cls = _class_of(place)
        more: dict[str, ReadingValue] = {"class": cls} if cls else {}
        if place.since is not None:
            more["since"] = place.since.isoformat()
        occupancy = Reading(place.is_occupied, attributes=more, is_live=is_live)
        readings[ChannelId(device, _key(kind, "place", place.id))] = occupancy
        shown = Reading(cls, is_live=is_live)
        readings[ChannelId(device, _key(kind, "class", place.id))] = shown
    totals = view.totals
    if view.places:
        counts = ((_FREE, totals.free), (_OCCUPIED, totals.occupied), (_TOTAL, totals.total))
        for key, count in counts:
            readings[ChannelId(device, _key(kind, key))] = Reading(count)
    return readings


def _class_of(place: Place) -> str | None:
    if place.cls is None:
        return None if place.is_occupied else _NOTHING
    return place.cls.lower() if place.cls.lower() in _CLASSES else _OTHER


def _shown(value: float | None) -> float | int | None:
    # Beyond this a float tells no units any more, and a whole number would have hundreds of digits.
    is_whole = value is not None and abs(value) < _EXACT and value.is_integer()
    return int(value) if value is not None and is_whole else value


def _key(kind: str, *parts: str) -> str:
    return "-".join((kind.lower(), *parts))


def _fitting(title: str | None) -> str | None:
    """Cut a title to what an entity id can be made of, with the device's name before it."""
    while title and len(slugify(title)) > _MAX_SLUG:
        title = title[: len(title) * 3 // 4].rstrip()
    return title
