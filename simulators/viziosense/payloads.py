"""Create the messages of devices, with a payload for each of the five applications.

Only the parking payload (VPM) is the vendor's. The others are ours, in three forms each.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from simulators.response import JsonObject

from .config import ApiVariants
from .state import Area, Device, Line, Place, World

type Crossings = Mapping[tuple[str, str], int]


def message(
    device: Device, kind: str, payload: object, at: float, variants: ApiVariants
) -> JsonObject:
    """Return a message of a device; `kind` is the code of an application."""
    names = {"uuid": device.uuid, "client_identifier": device.client_identifier}
    return {
        "stream_id": names[variants.stream_id],
        "type": kind,
        "timestamp": written(at, variants.timestamp),
        "payload": payload,
    }


def payload_of(
    device: Device, kind: str, world: World, at: float, crossings: Mapping[str, Crossings]
) -> object:
    """Return an application's payload as it would be `at`. crossings: by line id, for VCB alone."""
    variants = world.config.variants
    match kind:
        case "VPM":
            return [_place(place, world, at) for place in device.places]
        case "VYD":
            return _yard(device, world, at)
        case "VCB":
            return _barrier(device.lines, crossings, written(at, variants.event_ts), variants)
        case "VCW":
            return _crowd(device.areas, world, at)
    return _zones(device.areas, world, at)


def written(at: float, form: str) -> object:
    """Return a moment in one of the forms of `Forms.timestamp`."""
    match form:
        case "string":
            return str(int(at))
        case "milliseconds":
            return int(at * 1000)
        case "iso":
            return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return int(at)


def _place(place: Place, world: World, at: float) -> JsonObject:
    there = world.standing(place, at)
    cls = None if place.deactivated else there.cls
    return {
        "id": place.id,
        "name": place.name,
        "is_active": cls is not None,
        "deactivated": place.deactivated,
        "cls": cls,
        "event_ts": written(there.since, world.config.variants.event_ts),
    }


def _yard(device: Device, world: World, at: float) -> object:
    places = [_place(place, world, at) for place in device.places]
    if world.config.variants.counting == "listed":
        return places
    taken = sum(place["is_active"] is True for place in places)
    totals = {"occupied": taken, "free": len(places) - taken, "total": len(places)}
    return totals if world.config.variants.counting == "flat" else {"yard": {"places": totals}}


def _zones(areas: list[Area], world: World, at: float) -> object:
    counts = {area.name: world.counts(area, at) for area in areas}
    match world.config.variants.counting:
        case "flat":
            return _summed(counts)
        case "nested":
            return {"zones": counts}
    event_ts = written(at, world.config.variants.event_ts)
    return [
        {"id": area.id, "name": area.name, "counts": counts[area.name], "event_ts": event_ts}
        for area in areas
    ]


def _crowd(areas: list[Area], world: World, at: float) -> object:
    counts = {area.name: sum(world.counts(area, at).values()) for area in areas}
    metres = sum(area.square_metres for area in areas) or 1.0
    match world.config.variants.counting:
        case "flat":
            people = sum(counts.values())
            return {"count": people, "density": round(people / metres, 3)}
        case "nested":
            return {"crowd": {name: {"count": count} for name, count in counts.items()}}
    event_ts = written(at, world.config.variants.event_ts)
    return [
        {
            "id": area.id,
            "name": area.name,
            "count": counts[area.name],
            "density": round(counts[area.name] / area.square_metres, 3),
            "event_ts": event_ts,
        }
        for area in areas
    ]


def _barrier(
    lines: list[Line], crossings: Mapping[str, Crossings], event_ts: object, variants: ApiVariants
) -> object:
    split = {line.id: _by_direction(crossings[line.id]) for line in lines}
    match variants.counting:
        case "flat":
            flat = (
                {f"{way}_{cls}": n for way, counts in ways.items() for cls, n in counts.items()}
                for ways in split.values()
            )
            return _summed(dict(enumerate(flat)))
        case "nested":
            return {"lines": {line.name: split[line.id] for line in lines}}
    return [
        {"id": line.id, "name": line.name, **split[line.id], "event_ts": event_ts} for line in lines
    ]


def _by_direction(crossings: Crossings) -> dict[str, dict[str, int]]:
    ways: dict[str, dict[str, int]] = {"in": {}, "out": {}}
    for (way, cls), n in crossings.items():
        ways[way][cls] = n
    return ways


def _summed[Key](counts: Mapping[Key, Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in counts.values():
        for cls, n in each.items():
            total[cls] = total.get(cls, 0) + n
    return total
