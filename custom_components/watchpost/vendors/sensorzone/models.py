"""SensorZone's typed records. The vendor's text names resources, not fields, so each field has several names.

Times are aware UTC, durations in seconds. An unreadable field is None.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from ...client.decode import RecordDecoder, Row, identifier, to_datetime, to_number, to_text
from ...models import Position
from .decode import (
    flag,
    flat,
    pick,
    position_of,
    reference,
    references,
    seconds_of,
    span_of,
    time_of,
    words,
)

# Possible names of an incursion's references to other records.
_MACHINE: Final = ("base_station", "machine", "machine_asset", "vehicle", "pws")
_TAG: Final = ("tag", "pedestrian_tag", "person_tag", "pedestrian", "person")
_OPERATOR: Final = ("operator_tag", "operator", "driver")
_SITE: Final = ("worksite", "site", "work_site")
_STARTED: Final = (
    "started_at",
    "start_time",
    "occurred_at",
    "start_at",
    "start",
    "timestamp",
    "time",
    "date",
    "created_at",
)
_ENDED: Final = ("ended_at", "end_time", "finished_at", "end_at", "end")
_SEEN: Final = (
    "last_seen_at",
    "last_seen",
    "last_contact_at",
    "last_reported_at",
    "reported_at",
    "last_report_at",
    "seen_at",
    "last_communication_at",
    "updated_at",
    "timestamp",
)
_MAX_TRACK: Final = 50_000

_ACKNOWLEDGED: Final = frozenset({"acknowledged", "acked", "ack", "true", "yes", "1"})
_UNACKNOWLEDGED: Final = frozenset(
    {
        "unacknowledged",
        "unacked",
        "unack",
        "not_acknowledged",
        "false",
        "no",
        "0",
        "pending",
        "open",
    }
)
_TEST_FAILED: Final = frozenset({"fail", "failed", "failure", "error", "no", "not_passed"})
_MACHINES: Final = frozenset(
    {
        "machine",
        "machines",
        "base_station",
        "base_stations",
        "machine_asset",
        "machine_assets",
        "vehicle",
        "pws",
    }
)
_PEOPLE: Final = frozenset(
    {
        "person",
        "people",
        "tag",
        "tags",
        "people_asset",
        "people_assets",
        "pedestrian",
        "operator",
        "staff",
        "visitor",
    }
)


# GET /entities may have two lists side by side (INFERRED: "people and machines").
GROUPS: Final = {**dict.fromkeys(_MACHINES, "machine"), **dict.fromkeys(_PEOPLE, "person")}


class Machine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A machine with a base station."""

    id: str
    name: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    sites: tuple[str, ...] = ()


class Person(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tag and its wearer; `tested_at` is the time of the last test."""

    id: str
    serial: str | None = None
    name: str | None = None
    tested_at: datetime | None = None
    battery: float | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of a machine: `seen_at` is the time of its last report, `located_at` that of `position`."""

    seen_at: datetime | None = None
    is_running: bool | None = None
    position: Position | None = None
    located_at: datetime | None = None


class Incursion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A tag inside the zone of a machine; `length` is None while it lasts or without a plausible value."""

    id: str
    started_at: datetime
    length: timedelta | None = None
    is_acknowledged: bool | None = None
    acknowledged_at: datetime | None = None
    machine: str | None = None
    tag: str | None = None
    operator: str | None = None
    site: str | None = None
    position: Position | None = None


class Site(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A worksite; `boundary` is its GeoJSON geometry, None without a type."""

    id: str
    name: str | None = None
    projects: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    boundary: dict[str, object] | None = None


class Project(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A group of worksites."""

    id: str
    name: str | None = None


class Fix(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A machine's position at a time."""

    at: datetime
    position: Position


class Clip(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A video of a machine's camera; `url` is a link that expires, None if the list has none."""

    id: str
    at: datetime | None = None
    url: str | None = None
    content_type: str | None = None


class Runtime(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A machine's runtime on a day; `machine` is an id, or a name where the chart has no id."""

    machine: str
    day: date
    hours: float


def machine(found: str, row: Row) -> Machine:
    """Parse a machine, from the list of entities or its own record."""
    return Machine(
        id=found,
        name=words(row, "name", "title", "label", "display_name"),
        serial=words(row, "serial_number", "serial", "base_station_serial"),
        manufacturer=words(row, "manufacturer", "make", "machine_asset.manufacturer"),
        model=words(row, "model", "machine_model", "machine_asset.model", "machine_type"),
        sites=references(row, *_SITE),
    )


def person(found: str, row: Row) -> Person:
    """Parse a person or a tag, from the list of entities or the tag's own record."""
    return Person(
        id=found,
        serial=words(
            row,
            "tag_serial",
            "serial_number",
            "serial",
            "tag.serial_number",
            "tag.serial",
            "tag_number",
        ),
        name=words(
            row, "name", "person_name", "full_name", "person", "assigned_to", "people_asset"
        ),
        tested_at=time_of(
            row,
            "last_tested_at",
            "tested_at",
            "last_test_at",
            "last_tag_test_at",
            "last_test",
            "last_test.at",
        ),
        battery=to_number(pick(row, "battery", "battery_percent", "battery_level")),
    )


def kind_of(row: Row) -> str | None:
    """Return "machine" or "person" for a row of the entities; None if unknown."""
    for name in ("kind", "entity_type", "type", "category", "role"):
        word = (to_text(row.get(name)) or "").lower().replace("-", "_").replace(" ", "_")
        if word in _MACHINES:
            return "machine"
        if word in _PEOPLE:
            return "person"
    if any(f"{name}_id" in row for name in ("base_station", "machine_asset")) or "ignition" in row:
        return "machine"
    return "person" if "tag_id" in row or "employee_id" in row else None


def entity_id(kind: str, found: str, row: Row) -> str:
    """Return the id by which other records refer to a machine or a tag: that of its hardware, or its own."""
    names = ("base_station",) if kind == "machine" else ("tag",)
    return reference(row, *names) or found


def status(row: Row) -> Status:
    """Parse the state of a machine."""
    inside = flat(pick(row, "status", "device_status")) or {}
    both = {**row, **inside}
    seen_at = time_of(both, *_SEEN)
    return Status(
        seen_at=seen_at,
        is_running=flag(
            pick(
                both,
                "ignition",
                "ignition_on",
                "ignition_state",
                "is_running",
                "running",
                "engine_on",
            )
        ),
        position=position_of(both),
        located_at=time_of(
            both,
            "located_at",
            "position_at",
            "gps_at",
            "location_at",
            "position.at",
            "position.time",
        )
        or seen_at,
    )


def incursion(found: str, row: Row) -> Incursion | None:
    """Parse an incursion; None without its start, because an event needs a time."""
    started, ended = time_of(row, *_STARTED), time_of(row, *_ENDED)
    if started is None:
        return None
    acknowledged_at = time_of(
        row, "acknowledged_at", "ack_at", "acknowledgement.at", "acknowledgement_time", "ack_time"
    )
    return Incursion(
        id=found,
        started_at=started,
        length=span_of(started, ended, seconds_of(row, "duration", "length")),
        is_acknowledged=_acknowledged(row, acknowledged_at),
        acknowledged_at=acknowledged_at,
        machine=reference(row, *_MACHINE),
        tag=reference(row, *_TAG),
        operator=reference(row, *_OPERATOR),
        site=reference(row, *_SITE),
        position=position_of(row),
    )


def started_at(item: object) -> datetime | None:
    """Return the start of an incursion; None for a record without a time."""
    row = flat(item)
    return time_of(row, *_STARTED) if row is not None else None


def tested_at(row: Row) -> datetime | None:
    """Return the time of a tag's test; None if it failed."""
    passed = flag(pick(row, "passed", "success", "successful"))
    word = (words(row, "result", "outcome", "status", "state") or "").lower()
    if passed is False or (passed is None and word in _TEST_FAILED):
        return None
    return time_of(row, "tested_at", *_STARTED)


def _acknowledged(row: Row, at: datetime | None) -> bool | None:
    """Return whether the driver has acknowledged; without a flag, an empty time means no, an unreadable one None."""
    if at is not None:
        return True
    for name in (
        "acknowledged",
        "is_acknowledged",
        "ack",
        "acked",
        "acknowledgement",
        "acknowledgement_status",
        "ack_status",
        "status",
        "state",
    ):
        held = row.get(name)
        if isinstance(held, bool):
            return held
        word = str(held).lower().replace(" ", "_") if isinstance(held, str | int) else ""
        if word in _ACKNOWLEDGED or word in _UNACKNOWLEDGED:
            return word in _ACKNOWLEDGED
    told = [row[name] for name in ("acknowledged_at", "ack_at", "ack_time") if name in row]
    return False if told and all(held is None or held == "" for held in told) else None


def site(found: str, row: Row) -> Site:
    """Parse a worksite."""
    boundary = flat(pick(row, "boundary", "geometry", "geojson", "geo_json", "polygon", "area"))
    if boundary is not None and isinstance(boundary.get("geometry"), dict):
        boundary = flat(boundary["geometry"])
    return Site(
        id=found,
        name=words(row, "name", "title", "label"),
        projects=references(row, "project"),
        machines=references(row, *_MACHINE),
        boundary=dict(boundary) if boundary is not None and boundary.get("type") else None,
    )


def project(found: str, row: Row) -> Project:
    """Parse a project."""
    return Project(id=found, name=words(row, "name", "title", "label"))


def fixes(rows: Iterable[object]) -> tuple[Fix, ...]:
    """Parse a track, oldest first: rows with time and position, or a GeoJSON line with a list of times."""
    found = [fix for item in rows for fix in _fixes(flat(item))]
    return tuple(sorted(found[:_MAX_TRACK], key=lambda fix: fix.at))


def _fixes(row: Row | None) -> Iterator[Fix]:
    if row is None:
        return
    geometry = flat(row.get("geometry")) or row
    held = geometry.get("coordinates")
    if isinstance(held, list) and held and isinstance(held[0], list):
        for place, at in zip(held, _times_beside(held, row), strict=False):
            yield from _fix({"coordinates": place}, {"at": at})
        return
    for name in ("points", "track", "positions"):
        if isinstance(held := row.get(name), list):
            for item in held:
                yield from _fixes(flat(item))
            return
    yield from _fix(row, {**row, **(flat(row.get("properties")) or {})})


def _times_beside(line: list[object], row: Row) -> list[object]:
    """Return the list of times of a line: any list of times with the length of the line."""
    about = {**row, **(flat(row.get("properties")) or {}), **(flat(row.get("geometry")) or {})}
    for held in about.values():
        if isinstance(held, list) and len(held) == len(line) and to_datetime(held[0]) is not None:
            return held
    return []


def _fix(place: Row, about: Row) -> Iterator[Fix]:
    at = time_of(
        about, "at", "time", "timestamp", "recorded_at", "located_at", "created_at", "date"
    )
    position = position_of(place)
    if at is not None and position is not None:
        yield Fix(at=at, position=position)


def clip(found: str, row: Row) -> Clip:
    """Parse a video clip."""
    return Clip(
        id=found,
        at=time_of(
            row,
            "recorded_at",
            "started_at",
            "captured_at",
            "timestamp",
            "time",
            "created_at",
            "start",
        ),
        url=to_text(pick(row, "url", "download_url", "video_url", "href", "file.url"), 4_000),
        content_type=to_text(pick(row, "content_type", "mime_type", "media_type")),
    )


def identified[T](
    sieve: RecordDecoder, place: str, rows: Iterable[object], read: Callable[[str, Row], T | None]
) -> list[T]:
    """Parse the rows with a new id; reject rows without an id or time."""
    found: dict[str, T] = {}
    for item in rows:
        row = flat(item)
        if row is None:
            sieve.drop(place, "not an object")
        elif (
            known := identifier(row.get("id") or row.get("uuid") or row.get(f"{place}_id"))
        ) is None:
            sieve.drop(place, "id")
        elif known in found:
            continue  # pages overlap when records are added between their requests
        elif (record := read(known, row)) is None:
            sieve.drop(place, "time")
        else:
            found[known] = record
    return list(found.values())
