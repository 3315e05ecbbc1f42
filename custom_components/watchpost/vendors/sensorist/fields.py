"""How Sensorist's JSON values are read: tolerantly, once, into the types that the records have.

Nothing here raises for what a value is. What cannot be read is None; a record that lacks what it
cannot do without is set aside and counted by the `Sieve`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
import math
import re

import msgspec

from ..errors import UnexpectedReply
from ..http import loose

type Row = Mapping[str, object]

MOST_RECORDS = 50_000  # of one kind in one reply; Home Assistant caps an entry at 10,000 entities
LONGEST_TEXT = 255
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

_NUMERAL = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parsed[T]:
    """What a reply held, and how many records were set aside, by place and reason, not content."""

    value: T
    set_aside: Counter[str]


class EnvelopeError(Exception):
    """The reply's envelope carries a `code` outside 200..299, whatever the HTTP status was."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the envelope says {code}")
        self.code = code


def identifier(value: object) -> str | None:
    """Read an id; 12 and "12" are the same one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if 0 <= value < 10**64 else None
    if isinstance(value, str) and IDENTIFIER.fullmatch(value):
        return value
    return None


def text(value: object, longest: int = LONGEST_TEXT) -> str | None:
    """Read free text, cut to `longest` characters; blank is None."""
    if not isinstance(value, str):
        return None
    return value.strip()[:longest].rstrip() or None


def number(value: object) -> float | None:
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


def whole(value: object) -> int | None:
    """Read a whole number, also from text; a fraction is None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,40}", value.strip(), re.ASCII):
        return int(value)
    read = number(value)
    return int(read) if read is not None and read.is_integer() else None


def moment(value: object) -> datetime | None:
    """Read an ISO 8601 date and time as aware UTC; without a zone it is UTC (section 3)."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        read = _iso_8601(value.strip())
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except ValueError, OverflowError:
        return None
    return read if is_plausible(read) else None


def is_plausible(date: datetime) -> bool:
    """Whether a measurement can have been made then."""
    return 2000 <= date.year <= 2100


def _iso_8601(value: str) -> datetime:
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return datetime.fromisoformat(value)


def reference(row: Row, name: str) -> str | None:
    """Read another record's id: an id, an object that has one, or the field that ends in `_id`."""
    value = row.get(name)
    if isinstance(value, dict):
        return identifier(value.get("id"))
    return identifier(value) or identifier(row.get(f"{name}_id"))


def nested(row: Row, name: str) -> Row:
    """Return the object under `name`; what is none reads as an empty one."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def envelope(body: bytes) -> object:
    """Decode a reply to an object or a list.

    Raises EnvelopeError if the envelope tells of a failure, UnexpectedReply if the reply is no JSON
    or neither object nor list.
    """
    root = loose(body)
    if isinstance(root, dict):
        check_code(whole(root.get("code")))
        return root
    if isinstance(root, list):
        return root
    raise UnexpectedReply("the reply is neither an object nor a list")


def check_code(code: int | None) -> None:
    """Raise EnvelopeError unless `code` is missing or says success."""
    if code is not None and not 200 <= code < 300:
        raise EnvelopeError(code)


def payload(root: object, *keys: str) -> object:
    """Return the list or object under one of `keys` or "data", or a reply that is one itself.

    Raises UnexpectedReply where there is none: to take it for an empty list would be a lie.
    """
    if not isinstance(root, dict):
        return root
    held = next((root[key] for key in (*keys, "data") if key in root), None)
    if held is None and "id" in root:
        return root
    if not isinstance(held, list | dict):
        raise UnexpectedReply(f"the reply holds no {keys[0]}")
    return held


class Sieve:
    """Keeps the records that can be used and counts the others."""

    def __init__(self) -> None:
        self.set_aside: Counter[str] = Counter()
        self._seen: dict[str, set[str]] = {}

    def drop(self, place: str, reason: str) -> None:
        """Count one record that was set aside."""
        self.set_aside[f"{place}: {reason}"] += 1

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
        """Read a list that the record above must have: if it is missing, that does not mean it is empty."""
        if row.get(name) is None:
            self.drop(place, "missing list")
        return self.identified(place, row.get(name), read)

    def identified[T](
        self, place: str, items: object, read: Callable[[str, Row], T]
    ) -> tuple[T, ...]:
        """Read the objects of a list that have an id which no earlier one of this kind had."""
        return tuple(read(found, row) for found, row in self._identified(place, items))

    def _identified(self, place: str, items: object) -> Iterator[tuple[str, Row]]:
        seen = self._seen.setdefault(place, set())
        for row in self.rows(place, items):
            found = identifier(row.get("id"))
            if found is None:
                self.drop(place, "id")
            elif found in seen:
                self.drop(place, "duplicate id")
            elif len(seen) >= MOST_RECORDS:
                self.drop(place, "too many")
            else:
                seen.add(found)
                yield found, row


def parse_many[T](
    body: bytes, name: str, read: Callable[[Sieve, str, Row], T]
) -> Parsed[tuple[T, ...]]:
    """Read a reply that lists records of one kind; `name` is the key, in the singular."""
    sieve = Sieve()
    listed = payload(envelope(body), f"{name}s", name)
    return Parsed(sieve.identified(name, listed, partial(read, sieve)), sieve.set_aside)


def parse_one[T](body: bytes, name: str, read: Callable[[Sieve, str, Row], T]) -> Parsed[T | None]:
    """Read a reply with one record, None where it holds none that can be used."""
    sieve = Sieve()
    held = written(body, name, f"{name}s")
    return Parsed(first(sieve.identified(name, held, partial(read, sieve))), sieve.set_aside)


def parse_nothing(body: bytes) -> Parsed[None]:
    """Read a reply of which only the envelope matters; there may be none."""
    if body.strip():
        envelope(body)
    return Parsed(None, Counter())


def written(body: bytes, *keys: str) -> object:
    """Return the payload or None: a write has succeeded even where its reply shows no result."""
    if not body.strip():
        return None
    root = envelope(body)
    try:
        return payload(root, *keys)
    except UnexpectedReply:
        return None


def first[T](read: tuple[T, ...]) -> T | None:
    """Return the first record, if there is one."""
    return read[0] if read else None
