"""Decoder of SensorZone's responses, whose shapes are unpublished: every likely form gives the same record.

A list may be bare, under `data` or another key, or JSON:API; keys may be in snake_case, camelCase or with hyphens.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
import math
import re

from ...client.decode import Row, identifier, to_datetime, to_int, to_number, to_text
from ...client.errors import UnexpectedResponseError
from ...client.transport import loose
from ...models import Position

_LISTS = ("data", "items", "results", "records", "rows", "entries")
_ABOUT_PAGES = ("meta", "pagination", "paging", "page_info")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LINK = re.compile(r"""<([^<>]*)>((?:\s*;\s*[^\s=",;<>]+\s*(?:=\s*(?:"[^"]*"|[^\s",;<>]*))?)*)""")
_NEXT = re.compile(r"""(?:^|;)\s*rel\s*=\s*(?:next\b|"[^"]*\bnext\b[^"]*")""", re.IGNORECASE)


# Names of lists side by side in one response, and the kind of each list's records.
type Groups = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its records, and the link or number of the next page, or that it is the last."""

    rows: tuple[object, ...]
    link: str | None = None
    number: int | None = None
    is_last: bool | None = None


@lru_cache(maxsize=1024)
def _snake(key: str) -> str:
    return _HUMP.sub("_", key).replace("-", "_").lower()


def flat(value: object, names: Mapping[tuple[str, str], Row] | None = None) -> Row | None:
    """Return a record with keys in snake_case and JSON:API's parts merged; None if it is not an object."""
    if not isinstance(value, dict):
        return None
    row = {_snake(key): held for key, held in value.items() if isinstance(key, str)}
    attributes, relations = row.pop("attributes", None), row.pop("relationships", None)
    if isinstance(attributes, dict):
        row = {**{_snake(key): held for key, held in attributes.items()}, **row}
    if isinstance(relations, dict):
        for name, relation in relations.items():
            held = relation.get("data") if isinstance(relation, dict) else None
            row.setdefault(_snake(name), _related(held, names or {}))
    return row


def _related(held: object, names: Mapping[tuple[str, str], Row]) -> object:
    if isinstance(held, list):
        return [_related(item, names) for item in held]
    if not isinstance(held, dict):
        return None
    key = (str(held.get("type")), str(held.get("id")))
    return {**names.get(key, {}), "id": held.get("id")}


def read_page(body: bytes, link_header: str = "", *keys: str, groups: Groups | None = None) -> Page:
    """Parse a page of a list in any form; raise UnexpectedResponseError without a list: that is not an empty one.

    `groups` maps the names of lists that may stand side by side in place of one to the kind of their records.
    """
    root = loose(body)
    link = _header_link(link_header)
    if isinstance(root, list):
        return Page(tuple(flat(item) or item for item in root), link)
    row = flat(root)
    if row is None:
        raise UnexpectedResponseError("the reply is neither an object nor a list")
    names = dict(_included(row.get("included")))
    held = next((row[key] for key in (*_LISTS, *keys) if isinstance(row.get(key), list)), None)
    held = _grouped(row, keys, groups, names) if held is None and groups else held
    if held is None:
        raise UnexpectedResponseError("the reply holds no list")
    about = [row, *(found for key in _ABOUT_PAGES if (found := flat(row.get(key))))]
    link = link or _body_link(about)
    items = held if isinstance(held, list) else []
    rows = tuple(flat(item, names) or item for item in items)
    return Page(rows, link, *_numbers(about))


def _grouped(
    row: Row, keys: Sequence[str], groups: Groups, names: Mapping[tuple[str, str], Row]
) -> list[object] | None:
    """Return the records of lists side by side, each with its kind; None if there is no such list."""
    for holder in (row, *(found for key in (*_LISTS, *keys) if (found := flat(row.get(key))))):
        lists = {name: holder[name] for name in groups if isinstance(holder.get(name), list)}
        if lists:
            return [
                {**found, "kind": groups[name]} if (found := flat(item, names)) else item
                for name, items in lists.items()
                if isinstance(items, list)
                for item in items
            ]
    return None


def read_one(body: bytes, *keys: str) -> Row | None:
    """Parse one record, bare or under `data` or one of `keys`; None for an empty body."""
    if not body.strip():
        return None
    root = flat(loose(body))
    if root is None:
        return None
    names = dict(_included(root.get("included")))
    for key in ("data", *keys):
        held = root.get(key)
        if isinstance(held, list) and len(held) == 1:
            held = held[0]
        if isinstance(held, dict):
            return flat(held, names)
    return root


def kept(body: bytes) -> object:
    """Parse any JSON unchanged; raise UnexpectedResponseError for anything else."""
    return loose(body)


def _included(items: object) -> Iterator[tuple[tuple[str, str], Row]]:
    for item in items if isinstance(items, list) else ():
        if (row := flat(item)) is not None:
            yield (str(row.get("type")), str(row.get("id"))), row


def _header_link(header: str) -> str | None:
    """Return the link to the next page (RFC 8288); a link may contain commas and semicolons."""
    for found in _LINK.finditer(header):
        if _NEXT.search(found[2]):
            return found[1]
    return None


def _body_link(about: list[Row]) -> str | None:
    for row in about:
        links = flat(row.get("links")) or {}
        for held in (
            links.get("next"),
            row.get("next"),
            row.get("next_page_url"),
            row.get("next_url"),
        ):
            found = held.get("href") if isinstance(held, dict) else held
            if isinstance(found, str) and 0 < len(found) <= 8000 and not found.isdigit():
                return found
    return None


def _numbers(about: list[Row]) -> tuple[int | None, bool | None]:
    """Return the next page's number and whether this page is the last; None for either if not stated."""
    for row in about:
        if "next_page" in row:
            following = to_int(row["next_page"])
            return following, following is None
        current = to_int(pick(row, "current_page", "page", "page_number", "number"))
        total = to_int(pick(row, "total_pages", "last_page", "pages", "page_count"))
        if current is not None and total is not None:
            return (current + 1, False) if current < total else (None, True)
        links = flat(row.get("links")) or {}
        if any("next" in held and held["next"] in (None, "") for held in (row, links)):
            return None, True
        if isinstance(more := pick(row, "has_more", "has_next", "has_next_page"), bool):
            return None, not more
    return None, None


def pick(row: Row, *names: str) -> object:
    """Return the first named field that is present and not null; a dot separates nested names."""
    for name in names:
        held: object = row
        for part in name.split("."):
            inside = held if held is row else flat(held)
            held = inside.get(part) if isinstance(inside, Mapping) else None
        if held is not None:
            return held
    return None


def words(row: Row, *names: str) -> str | None:
    """Return the first named field as text: a text, a number, or the name of an object."""
    for name in names:
        held = pick(row, name)
        if isinstance(held, dict):
            held = held.get("name") or held.get("title") or held.get("serial")
        if isinstance(held, int) and not isinstance(held, bool):
            held = str(held)
        if (found := to_text(held)) is not None:
            return found
    return None


def reference(row: Row, *names: str) -> str | None:
    """Return the id of a related record: an id, an object with one, or the field that ends in `_id`."""
    for name in names:
        held = row.get(name)
        found = identifier(held.get("id")) if isinstance(held, dict) else None
        found = found or identifier(row.get(f"{name}_id"))
        if found is None and (not isinstance(held, str) or held.isdigit()):
            found = identifier(held)
        if found is not None:
            return found
    return None


def references(row: Row, *names: str) -> tuple[str, ...]:
    """Return the ids of all related records, also where the field names a single one."""
    for name in names:
        held = row.get(f"{name}_ids") or row.get(f"{name}s")
        if isinstance(held, list):
            found = [
                identifier(item.get("id") if isinstance(item, dict) else item) for item in held
            ]
            return tuple(item for item in found if item is not None)
    single = reference(row, *names)
    return (single,) if single else ()


def time_of(row: Row, *names: str) -> datetime | None:
    """Return the first named field that is a time."""
    return next((found for name in names if (found := to_datetime(pick(row, name)))), None)


_UNITS = (
    ("_ms", 0.001), ("_milliseconds", 0.001), ("_millis", 0.001), ("_s", 1.0), ("_sec", 1.0), ("_seconds", 1.0),
    ("_minutes", 60.0), ("_hours", 3600.0), ("_h", 3600.0), ("_in_seconds", 1.0), ("_in_hours", 3600.0),
)  # fmt: skip


def seconds_of(row: Row, *names: str, plain: float = 1.0) -> float | None:
    """Return a duration in seconds, by the unit in its key; `plain` is the unit of a key without one."""
    for name in names:
        for key, factor in ((name, plain), *((name + unit, factor) for unit, factor in _UNITS)):
            found = to_number(row.get(key))
            if found is not None and found >= 0:
                return found * factor
    return None


def span_of(
    started: datetime | None, ended: datetime | None, told: float | None
) -> timedelta | None:
    """Return the duration between two times, or the stated one; None if open or contradictory."""
    if started is not None and ended is not None:
        return ended - started if ended >= started else None
    return timedelta(seconds=told) if told is not None and told < 10 * 86400 else None


_ON = frozenset({"on", "true", "1", "yes", "running", "active", "started", "online", "connected"})
_OFF = frozenset(
    {"off", "false", "0", "no", "stopped", "inactive", "idle", "offline", "disconnected", "parked"}
)


def flag(value: object) -> bool | None:
    """Parse an on/off value; None for an unknown word."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    return True if word in _ON else False if word in _OFF else None


def position_of(row: Row) -> Position | None:
    """Parse a position: two numbers, an object or a GeoJSON point; None for 0/0, a receiver without a fix."""
    for held in (
        row,
        *(
            row.get(name)
            for name in ("position", "location", "gps", "coordinates", "point", "geometry")
        ),
    ):
        if (found := _place(held)) is not None:
            return found
    return None


def _place(held: object) -> Position | None:
    if isinstance(held, list | tuple) and len(held) >= 2:
        return _valid(held[1], held[0], None)
    row = flat(held)
    if row is None:
        return None
    if isinstance(inside := row.get("coordinates"), list):
        return _place(inside) if len(inside) in (2, 3) else None
    latitude, longitude = pick(row, "latitude", "lat"), pick(row, "longitude", "lng", "lon", "long")
    return _valid(latitude, longitude, pick(row, "accuracy", "gps_accuracy"))


def _valid(latitude: object, longitude: object, accuracy: object) -> Position | None:
    lat, lon, within = to_number(latitude), to_number(longitude), to_number(accuracy)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        return None
    if math.isclose(lat, 0, abs_tol=1e-6) and math.isclose(lon, 0, abs_tol=1e-6):
        return None
    return Position(lat, lon, within if within is not None and within >= 0 else 0.0)
