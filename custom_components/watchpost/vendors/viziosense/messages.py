"""Parser of the messages that VizioSense posts to a webhook, after its page "Payload format".

Only the envelope and the payload of type VPM are documented. The payloads of other types are guesses; one that does
not match is parsed as named numbers, like an unknown type.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
import hashlib
import json
import re
from typing import Final

import msgspec

from ...client.decode import RecordDecoder, Row, identifier, to_datetime, to_number, to_text
from ...client.errors import UnexpectedResponseError
from ...client.transport import loose

PARKING: Final = "VPM"
YARD: Final = "VYD"
ZONE: Final = "VCZ"
BARRIER: Final = "VCB"
CROWD: Final = "VCW"

# Places of one message; a camera watches some dozens. Further places count in the totals but have no entities.
MAX_PLACES: Final = 1_000
_MAX_COUNTED: Final = 20_000
MAX_COUNTERS: Final = 200
MAX_NUMBERS: Final = 64

_TYPE: Final = re.compile(r"[A-Z0-9_-]{1,16}")
_NUMBER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_ .-]{0,47}")
_MAX_EVENT_TEXT: Final = 1_000
_MAX_TEXT: Final = 40
# Maximum of a count: sums of it stay finite.
_MAX_COUNT: Final = 1e12
# Positions, secrets, persons and links are left out of events.
_POSITION: Final = re.compile(r"lat|lon|lng|geo|gps|position|coord|address|plate", re.IGNORECASE)
_SECRET: Final = re.compile(r"token|secret|passw|auth|signature|api.?key", re.IGNORECASE)
_PRIVATE_TEXT: Final = re.compile(r"://|@|-?\d{1,3}\.\d{4,}")


class Place(msgspec.Struct, frozen=True):
    """A watched place; `is_occupied` is inferred from `is_active`, `cls` is the class of its occupant."""

    id: str
    name: str | None = None
    is_occupied: bool | None = None
    is_deactivated: bool = False
    cls: str | None = None
    since: datetime | None = None


class Tally(msgspec.Struct, frozen=True):
    """A zone, barrier or crowd with its numbers by name; None for a number that is missing in the last message.

    `unread` names the numbers that were rejected, and those without classes.
    """

    id: str
    name: str | None
    numbers: Mapping[str, float | None]
    unreadable: frozenset[str] = frozenset()


class Message(msgspec.Struct, frozen=True):
    """One message; `sent_at` is None without a valid time, `digest` is equal for repetitions of a message."""

    stream: str
    type: str
    sent_at: datetime | None
    payload: object
    digest: str


class Totals(msgspec.Struct, frozen=True):
    """The number of active places, free and occupied, including those without entities.

    `free` and `occupied` are None if no place states its occupancy.
    """

    free: int | None = None
    occupied: int | None = None
    total: int = 0


class Content(msgspec.Struct, frozen=True):
    """The parsed part of a payload; `places` is None if it is not a list of places."""

    places: tuple[Place, ...] | None = None
    totals: Totals = Totals()
    counters: tuple[Tally, ...] = ()
    numbers: Mapping[str, float] = {}
    is_known: bool = False
    rejected: Mapping[str, int] = {}


def parse_message(body: bytes) -> Message | None:
    """Parse the envelope of a message; None if it is not one of this vendor."""
    try:
        root = loose(body)
    except UnexpectedResponseError:
        return None
    if not isinstance(root, dict) or "payload" not in root:
        return None
    stream, kind = identifier(root.get("stream_id")), to_text(root.get("type"), 32)
    if stream is None or kind is None or not _TYPE.fullmatch(kind.upper()):
        return None
    encoded = msgspec.json.encode(
        [stream, kind, _encodable(root.get("timestamp")), _encodable(root["payload"])],
        order="sorted",
    )
    digest = hashlib.sha256(encoded).hexdigest()[:32]
    return Message(
        stream, kind.upper(), to_datetime(root.get("timestamp")), root["payload"], digest
    )


def _encodable(value: object) -> object:
    """Return a value, or its text if strict JSON cannot encode it (NaN), for a digest."""
    try:
        msgspec.json.encode(value, order="sorted")
    except msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError:
        return repr(value)
    return value


def parse_content(message: Message) -> Content:
    """Parse a payload by its type, or as named numbers if it does not match."""
    decoder = RecordDecoder()
    rows = message.payload if isinstance(message.payload, list) else None
    if rows is not None and message.type in (PARKING, YARD):
        places = tuple(_parse_places(decoder, message.type, rows))
        if places or not rows:
            shown = places[:MAX_PLACES]
            return Content(shown, _totals(places), is_known=True, rejected=decoder.rejected)
    if rows and message.type in _COUNTERS:
        counters = tuple(_parse_counters(decoder, message.type, rows))
        # Rejected counts are unknown from now on: the former values are no longer true.
        has_counts = (
            any(counter.numbers for counter in counters)
            or decoder.rejected[f"{message.type} counter: count"]
        )
        if has_counts:
            return Content(counters=counters, is_known=True, rejected=decoder.rejected)
    return Content(numbers=dict(_flat_numbers(message.payload)))


def _parse_places(decoder: RecordDecoder, kind: str, rows: object) -> Iterator[Place]:
    seen: set[str] = set()
    for row in decoder.rows(f"{kind} place", rows):
        record_id = identifier(row.get("id"))
        if record_id is None or record_id in seen:
            decoder.drop(f"{kind} place", "id" if record_id is None else "duplicate id")
        elif len(seen) >= _MAX_COUNTED:
            decoder.drop(f"{kind} place", "too many")
        else:
            seen.add(record_id)
            yield Place(
                id=record_id,
                name=to_text(row.get("name"), 64),
                is_occupied=_to_bool(row.get("is_active")),
                is_deactivated=_to_bool(row.get("deactivated")) or False,
                cls=to_text(row.get("cls"), 32),
                since=to_datetime(row.get("event_ts")),
            )


def _totals(places: Iterable[Place]) -> Totals:
    counted = Counter(place.is_occupied for place in places if not place.is_deactivated)
    if not counted[False] + counted[True]:
        return Totals(total=counted.total())
    return Totals(free=counted[False], occupied=counted[True], total=counted.total())


def _to_bool(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {0: False, 1: True}.get(value) if isinstance(value, int) else None


def _parse_counters(decoder: RecordDecoder, kind: str, rows: object) -> Iterator[Tally]:
    seen: set[str] = set()
    for row in decoder.rows(f"{kind} counter", rows):
        record_id = identifier(row.get("id"))
        if record_id is None or record_id in seen or len(seen) >= MAX_COUNTERS:
            decoder.drop(f"{kind} counter", "id, or too many")
            continue
        seen.add(record_id)
        numbers = dict(_parse_numbers(decoder, kind, row))
        unreadable = (
            name for name in _number_names(kind, row) if name not in numbers or "-" not in name
        )
        yield Tally(record_id, to_text(row.get("name"), 64), numbers, frozenset(unreadable))


# Field names of each type's numbers; a field with an object has numbers by class.
_COUNTERS: Final[Mapping[str, tuple[str, ...]]] = {
    ZONE: ("counts",),
    BARRIER: ("in", "out"),
    CROWD: ("count", "density"),
}


def _parse_numbers(decoder: RecordDecoder, kind: str, row: Row) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a counter with their names, such as `in-car` or `count`."""
    for name in _COUNTERS[kind]:
        value = row.get(name)
        if isinstance(value, dict):
            for cls, count in list(value.items())[:MAX_NUMBERS]:
                number = _to_count(count)
                if number is None:
                    decoder.drop(f"{kind} counter", "count")
                elif isinstance(cls, str) and _NUMBER_NAME.fullmatch(cls):
                    yield f"{name}-{cls}", number
        elif (number := _to_count(value)) is not None:
            yield name, number
        elif name in row and not isinstance(value, list):
            decoder.drop(f"{kind} counter", "count")


def _number_names(kind: str, row: Row) -> Iterator[str]:
    for name in _COUNTERS[kind]:
        value = row.get(name)
        if isinstance(value, dict):
            yield from (f"{name}-{cls}" for cls in value)
        else:
            yield name


def _to_count(value: object) -> float | None:
    number = to_number(value)
    return number if number is not None and 0 <= number <= _MAX_COUNT else None


def _flat_numbers(payload: object) -> Iterator[tuple[str, float]]:
    """Yield the named numbers of a payload or of the only object in its list."""
    if isinstance(payload, list) and len(payload) == 1:
        payload = payload[0]
    if not isinstance(payload, dict):
        return
    count = 0
    for name, value in payload.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        number = to_number(value) if is_number else None
        if number is None or not isinstance(name, str) or not _NUMBER_NAME.fullmatch(name):
            continue
        if _POSITION.search(name) or count >= MAX_NUMBERS:
            continue
        count += 1
        yield name, number


def to_event_text(payload: object) -> str:
    """Return a payload as short text for an event, without positions, addresses and links."""
    shown = json.dumps(_redact(payload, depth=4), separators=(",", ":"))
    return shown if len(shown) <= _MAX_EVENT_TEXT else f"{shown[:_MAX_EVENT_TEXT]}..."


def _is_private_name(name: str) -> bool:
    return any(pattern.search(name) for pattern in (_POSITION, _SECRET, _PRIVATE_TEXT))


def _redact(value: object, depth: int) -> object:
    if isinstance(value, dict):
        return {
            name[:_MAX_TEXT]: _redact(inner, depth - 1)
            for name, inner in list(value.items())[:20]
            if depth and isinstance(name, str) and not _is_private_name(name)
        }
    if isinstance(value, list):
        return [_redact(inner, depth - 1) for inner in value[:20]] if depth else []
    if isinstance(value, str):
        return "..." if _PRIVATE_TEXT.search(value) else value[:_MAX_TEXT]
    number = to_number(value)
    return value if isinstance(value, bool | None) or number is not None else "..."
