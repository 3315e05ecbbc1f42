"""What VizioSense posts to a webhook, as typed records, after its page "Payload format".

Only the frame and the payload of the type VPM are documented. What is read of the other types is a choice of ours, and
a payload that does not fit it is read as numbers under names, as one of an unknown type is.
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

# Of one kind in one message. A camera watches some dozens of places; those beyond are counted, not shown one by one.
MAX_PLACES: Final = 1_000
_MAX_COUNTED: Final = 20_000
MAX_COUNTERS: Final = 200
MAX_NUMBERS: Final = 64

_TYPE: Final = re.compile(r"[A-Z0-9_-]{1,16}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_ .-]{0,47}")
_MAX_TRIMMED: Final = 1_000
_MAX_WORD: Final = 40
# No camera counts further, and a sum of these stays a number.
_HIGHEST_COUNT: Final = 1e12
# Where something is stays out of events, and so does whoever or whatever a link leads to.
_POSITION: Final = re.compile(r"lat|lon|lng|geo|gps|position|coord|address|plate", re.IGNORECASE)
_SECRET: Final = re.compile(r"token|secret|passw|auth|signature|api.?key", re.IGNORECASE)
_TELLING: Final = re.compile(r"://|@|-?\d{1,3}\.\d{4,}")


class Place(msgspec.Struct, frozen=True):
    """A place that is watched. `is_occupied` is inferred from `is_active`; `cls` is what stands there."""

    id: str
    name: str | None = None
    is_occupied: bool | None = None
    is_deactivated: bool = False
    cls: str | None = None
    since: datetime | None = None


class Tally(msgspec.Struct, frozen=True):
    """A zone, line or crowd with its numbers, by what they count; None is one that is not told any more.

    `unread` are numbers that were told and make no sense, and numbers that are not told by class.
    """

    id: str
    name: str | None
    numbers: Mapping[str, float | None]
    unread: frozenset[str] = frozenset()


class Message(msgspec.Struct, frozen=True):
    """One message. `sent_at` is None where its time makes no sense. `digest` is the same for the same message."""

    stream: str
    type: str
    sent_at: datetime | None
    payload: object
    digest: str


class Totals(msgspec.Struct, frozen=True):
    """How many places there are that are not deactivated, and how they stand; also of those not shown one by one.

    How they stand is None where that is not said of any.
    """

    free: int | None = None
    occupied: int | None = None
    total: int = 0


class Content(msgspec.Struct, frozen=True):
    """What of a payload could be read; `places` is None where it is no list of them."""

    places: tuple[Place, ...] | None = None
    totals: Totals = Totals()
    counters: tuple[Tally, ...] = ()
    numbers: Mapping[str, float] = {}
    is_known: bool = False
    rejected: Mapping[str, int] = {}


def parse_message(body: bytes) -> Message | None:
    """Read the frame; None where it is none of this vendor's."""
    try:
        root = loose(body)
    except UnexpectedResponseError:
        return None
    if not isinstance(root, dict) or "payload" not in root:
        return None
    stream, kind = identifier(root.get("stream_id")), to_text(root.get("type"), 32)
    if stream is None or kind is None or not _TYPE.fullmatch(kind.upper()):
        return None
    content = msgspec.json.encode(
        [stream, kind, _plain(root.get("timestamp")), _plain(root["payload"])], order="sorted"
    )
    digest = hashlib.sha256(content).hexdigest()[:32]
    return Message(
        stream, kind.upper(), to_datetime(root.get("timestamp")), root["payload"], digest
    )


def _plain(value: object) -> object:
    """A text for what JSON proper cannot say, such as NaN, so that a digest can be made."""
    try:
        msgspec.json.encode(value, order="sorted")
    except msgspec.MsgspecError, ValueError, TypeError, RecursionError, OverflowError:
        return repr(value)
    return value


def read_content(message: Message) -> Content:
    """Read a payload by its type; what does not fit is read as one of an unknown type."""
    sieve = RecordDecoder()
    rows = message.payload if isinstance(message.payload, list) else None
    if rows is not None and message.type in (PARKING, YARD):
        places = tuple(_places(sieve, message.type, rows))
        if places or not rows:
            shown = places[:MAX_PLACES]
            return Content(shown, _totals(places), is_known=True, rejected=sieve.rejected)
    if rows and message.type in _COUNTERS:
        counters = tuple(_counters(sieve, message.type, rows))
        # Counts that were told and cannot be are unknown now; what was told before is not true any longer.
        is_told = (
            any(counter.numbers for counter in counters)
            or sieve.rejected[f"{message.type} counter: count"]
        )
        if is_told:
            return Content(counters=counters, is_known=True, rejected=sieve.rejected)
    return Content(numbers=dict(_flat_numbers(message.payload)))


def _places(sieve: RecordDecoder, kind: str, rows: object) -> Iterator[Place]:
    seen: set[str] = set()
    for row in sieve.rows(f"{kind} place", rows):
        found = identifier(row.get("id"))
        if found is None or found in seen:
            sieve.drop(f"{kind} place", "id" if found is None else "duplicate id")
        elif len(seen) >= _MAX_COUNTED:
            sieve.drop(f"{kind} place", "too many")
        else:
            seen.add(found)
            yield Place(
                id=found,
                name=to_text(row.get("name"), 64),
                is_occupied=_flag(row.get("is_active")),
                is_deactivated=_flag(row.get("deactivated")) or False,
                cls=to_text(row.get("cls"), 32),
                since=to_datetime(row.get("event_ts")),
            )


def _totals(places: Iterable[Place]) -> Totals:
    counted = Counter(place.is_occupied for place in places if not place.is_deactivated)
    if not counted[False] + counted[True]:
        return Totals(total=counted.total())
    return Totals(free=counted[False], occupied=counted[True], total=counted.total())


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {0: False, 1: True}.get(value) if isinstance(value, int) else None


def _counters(sieve: RecordDecoder, kind: str, rows: object) -> Iterator[Tally]:
    seen: set[str] = set()
    for row in sieve.rows(f"{kind} counter", rows):
        found = identifier(row.get("id"))
        if found is None or found in seen or len(seen) >= MAX_COUNTERS:
            sieve.drop(f"{kind} counter", "id, or too many")
            continue
        seen.add(found)
        numbers = dict(_numbers_of(sieve, kind, row))
        unread = (name for name in _names_of(kind, row) if name not in numbers or "-" not in name)
        yield Tally(found, to_text(row.get("name"), 64), numbers, frozenset(unread))


# The names under which each type has its numbers; those with a name behind them are by class.
_COUNTERS: Final[Mapping[str, tuple[str, ...]]] = {
    ZONE: ("counts",),
    BARRIER: ("in", "out"),
    CROWD: ("count", "density"),
}


def _numbers_of(sieve: RecordDecoder, kind: str, row: Row) -> Iterator[tuple[str, float]]:
    """Yield what a counter counts: `in-car`, `count`."""
    for name in _COUNTERS[kind]:
        value = row.get(name)
        if isinstance(value, dict):
            for cls, counted in list(value.items())[:MAX_NUMBERS]:
                read = _count(counted)
                if read is None:
                    sieve.drop(f"{kind} counter", "count")
                elif isinstance(cls, str) and _NAME.fullmatch(cls):
                    yield f"{name}-{cls}", read
        elif (read := _count(value)) is not None:
            yield name, read
        elif name in row and not isinstance(value, list):
            sieve.drop(f"{kind} counter", "count")


def _names_of(kind: str, row: Row) -> Iterator[str]:
    for name in _COUNTERS[kind]:
        value = row.get(name)
        if isinstance(value, dict):
            yield from (f"{name}-{cls}" for cls in value)
        else:
            yield name


def _count(value: object) -> float | None:
    read = to_number(value)
    return read if read is not None and 0 <= read <= _HIGHEST_COUNT else None


def _flat_numbers(payload: object) -> Iterator[tuple[str, float]]:
    """Yield the numbers that a payload, or the only object in its list, has under names of their own."""
    if isinstance(payload, list) and len(payload) == 1:
        payload = payload[0]
    if not isinstance(payload, dict):
        return
    found = 0
    for name, value in payload.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        read = to_number(value) if is_number else None
        if read is None or not isinstance(name, str) or not _NAME.fullmatch(name):
            continue
        if _POSITION.search(name) or found >= MAX_NUMBERS:
            continue
        found += 1
        yield name, read


def trimmed(payload: object) -> str:
    """A payload as short text for an event, without what might be a position, an address or a link."""
    shown = json.dumps(_harmless(payload, depth=4), separators=(",", ":"))
    return shown if len(shown) <= _MAX_TRIMMED else f"{shown[:_MAX_TRIMMED]}..."


def _is_telling(name: str) -> bool:
    return any(pattern.search(name) for pattern in (_POSITION, _SECRET, _TELLING))


def _harmless(value: object, depth: int) -> object:
    if isinstance(value, dict):
        return {
            name[:_MAX_WORD]: _harmless(inner, depth - 1)
            for name, inner in list(value.items())[:20]
            if depth and isinstance(name, str) and not _is_telling(name)
        }
    if isinstance(value, list):
        return [_harmless(inner, depth - 1) for inner in value[:20]] if depth else []
    if isinstance(value, str):
        return "..." if _TELLING.search(value) else value[:_MAX_WORD]
    read = to_number(value)
    return value if isinstance(value, bool | None) or read is not None else "..."
