"""Tolerant readers of JSON values, and the decoder of lists of records.

No reader raises: a value that cannot be read is None. A record without a required field is rejected and
counted by the `RecordDecoder`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
import math
import re
from typing import Final

import msgspec

type Row = Mapping[str, object]

MAX_RECORDS = 50_000  # of one kind in one reply; Home Assistant caps an entry at 10,000 entities
MAX_TEXT = 255
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

_NUMERAL = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,4})?", re.ASCII)


_MAX_DATE: Final = 64
# Eight digits are a day of the calendar, more are a time since 1970: 946684800 is the year 2000.
_EPOCH: Final = re.compile(r"\d{9,20}(\.\d{1,9})?", re.ASCII)
# So many seconds are past the year 5000, so many milliseconds in 1973.
_TOO_LATE: Final = 1e11
_TOO_MANY: Final = 1e20
_UTC: Final = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_LEAP_SECOND: Final = re.compile(r"(\d\d:\d\d:)60(?!\d)", re.ASCII)
_RFC_2822: Final = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}\s", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Decoded[T]:
    """The decoded value of a response, and counts of its rejected records by place and reason."""

    value: T
    rejected: Counter[str]


def identifier(value: object) -> str | None:
    """Read an id; 12 and "12" are the same one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if 0 <= value < 10**64 else None
    if isinstance(value, str) and IDENTIFIER.fullmatch(value):
        return value
    return None


def to_text(value: object, longest: int = MAX_TEXT) -> str | None:
    """Read free text, cut to `longest` characters; blank is None.

    Half a character (a lone surrogate) becomes "?": nothing that holds one can be stored or sent on.
    """
    if not isinstance(value, str):
        return None
    if not value.isascii():
        value = value.encode(errors="replace").decode()
    return value.strip()[:longest].rstrip() or None


def to_number(value: object) -> float | None:
    """Read a finite number, also from text."""
    if isinstance(value, str):
        value = float(value) if _NUMERAL.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        read = float(value)
    except OverflowError:
        return None
    return read if math.isfinite(read) else None


def to_int(value: object) -> int | None:
    """Read a whole number, also from text; a fraction is None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,40}", value.strip(), re.ASCII):
        return int(value)
    read = to_number(value)
    return int(read) if read is not None and read.is_integer() else None


def to_datetime(value: object) -> datetime | None:
    """Read a date and time as aware UTC; without a zone it is UTC. What is no plausible time is None.

    ISO 8601, also with a leap second or " UTC" behind it; RFC 2822; and the time since 1970, as a number or as text.
    """
    if not isinstance(value, str):
        return _since_epoch(value)
    if len(value) > _MAX_DATE:
        return None
    stripped = value.strip()
    if _EPOCH.fullmatch(stripped):
        return _since_epoch(stripped)
    try:
        read = _date(stripped)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except ValueError, OverflowError:
        return None
    return read if is_plausible(read) else None


def to_utc_text(date: datetime) -> str:
    """Write an aware date as vendors read it: ISO 8601 in UTC with whole seconds and Z."""
    return f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_plausible(date: datetime) -> bool:
    """Return whether a date is one at which a measurement can have been made."""
    return 2000 <= date.year <= 2100


def _since_epoch(value: object) -> datetime | None:
    """Read a count of seconds, or of thousandths, millionths or billionths of them."""
    seconds = to_number(value)
    if seconds is None or not 0 <= seconds < _TOO_MANY:
        return None
    while seconds >= _TOO_LATE:
        seconds /= 1000
    try:
        read = datetime.fromtimestamp(seconds, UTC)
    except OverflowError, ValueError, OSError:
        return None
    return read if is_plausible(read) else None


def _date(value: str) -> datetime:
    """Read a date in one of its forms, the usual one first; raises ValueError."""
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        pass
    plain = _UTC.sub("+00:00", value)
    # A leap second is the last of its minute and one more.
    without = _LEAP_SECOND.sub(r"\g<1>59", plain)
    leap = timedelta(seconds=without != plain)
    try:
        return datetime.fromisoformat(without) + leap
    except ValueError:
        if not _RFC_2822.match(without):
            raise
    return parsedate_to_datetime(_LEAP_SECOND.sub(r"\g<1>59", value)) + leap


def reference(row: Row, name: str) -> str | None:
    """Read another record's id: an id, an object that has one, or the field that ends in `_id`."""
    value = row.get(name)
    if isinstance(value, dict):
        return identifier(value.get("id"))
    return identifier(value) or identifier(row.get(f"{name}_id"))


def nested(row: Row, name: str) -> Row:
    """Return the object under `name`; an empty one where there is none."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


class RecordDecoder:
    """Decodes lists of records and counts the rejected ones."""

    def __init__(self) -> None:
        self.rejected: Counter[str] = Counter()
        self._seen: dict[str, set[str]] = {}

    def drop(self, place: str, reason: str) -> None:
        """Count one rejected record."""
        self.rejected[f"{place}: {reason}"] += 1

    def rows(self, place: str, items: object) -> Iterator[Row]:
        """Yield the objects of a list; an object is a list of one, a missing list is empty."""
        if items is None:
            return
        if isinstance(items, dict):
            items = [items]
        if not isinstance(items, list):
            self.drop(place, "not a list")
            return
        for item in items:
            if isinstance(item, dict):
                yield item
            else:
                self.drop(place, "not an object")

    def children[T](
        self, place: str, row: Row, name: str, read: Callable[[str, Row], T]
    ) -> tuple[T, ...]:
        """Read a required list of a record; a missing list is counted as rejected."""
        if row.get(name) is None:
            self.drop(place, "missing list")
        return self.identified(place, row.get(name), read)

    def identified[T](
        self, place: str, items: object, read: Callable[[str, Row], T]
    ) -> tuple[T, ...]:
        """Read the objects of a list that have an id; later duplicates are rejected."""
        return tuple(read(found, row) for found, row in self._identified(place, items))

    def _identified(self, place: str, items: object) -> Iterator[tuple[str, Row]]:
        seen = self._seen.setdefault(place, set())
        for row in self.rows(place, items):
            found = identifier(row.get("id"))
            if found is None:
                self.drop(place, "id")
            elif found in seen:
                self.drop(place, "duplicate id")
            elif len(seen) >= MAX_RECORDS:
                self.drop(place, "too many")
            else:
                seen.add(found)
                yield found, row


def first[T](read: tuple[T, ...]) -> T | None:
    """Return the first record, if there is one."""
    return read[0] if read else None
