"""Readers of fields whose names the vendor does not publish: the likely names, in order."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from ....client.decode import Row, identifier, to_datetime, to_number, to_text

_TRUE = frozenset({"true", "1", "yes", "on", "enabled", "active"})
_FALSE = frozenset({"false", "0", "no", "off", "disabled", "inactive"})


def first_of[T](row: Row, names: tuple[str, ...], read: Callable[[object], T | None]) -> T | None:
    """Read the first of these fields that makes sense; null and what makes none are passed over."""
    for name in names:
        if (held := row.get(name)) is not None and (value := read(held)) is not None:
            return value
    return None


def reference(row: Row, *names: str) -> str | None:
    """Read another record's id: `sensorId`, or `sensor` as an id or as an object with one; "sensor" is the name."""
    for name in names:
        for key in (f"{name}Id", f"{name}_id", name):
            held = row.get(key)
            found = identifier(held.get("id") if isinstance(held, dict) else held)
            if found is not None:
                return found
    return None


def references(row: Row, *names: str) -> tuple[str, ...] | None:
    """Read a list of other records' ids, or of objects with one; None where there is no such list."""
    for name in names:
        held = row.get(name)
        if isinstance(held, list):
            ids = (identifier(i.get("id") if isinstance(i, dict) else i) for i in held)
            return tuple(found for found in ids if found is not None)
    return None


def word(row: Row, *names: str) -> str | None:
    """Read one of the vendor's literals, in upper case with underscores; of an object its name or its status."""
    return first_of(row, names, _word)


def _word(held: object) -> str | None:
    if isinstance(held, dict):
        held = held.get("name") or held.get("status") or held.get("state") or held.get("value")
    read = to_text(held)
    return read.upper().replace("-", "_").replace(" ", "_") if read else None


def member[E: StrEnum](kind: type[E], row: Row, *names: str) -> E | None:
    """Read one of an enum's literals, in capitals or not; None for any that is not known."""
    found = word(row, *names)
    return next((literal for literal in kind if literal == found), None)


def words(row: Row, *names: str) -> str | None:
    """Read free text."""
    return first_of(row, names, to_text)


def figure(row: Row, *names: str) -> float | None:
    """Read a finite number."""
    return first_of(row, names, to_number)


def flag(row: Row, *names: str) -> bool | None:
    """Read a yes or no, also as a word or as 0 and 1."""
    return first_of(row, names, _flag)


def _flag(held: object) -> bool | None:
    if isinstance(held, bool):
        return held
    low = str(held).lower() if isinstance(held, str | int) else ""
    return True if low in _TRUE else False if low in _FALSE else None


def time_of(row: Row, *names: str) -> datetime | None:
    """Read a date and time: ISO 8601, or seconds or milliseconds since 1970."""
    return first_of(row, names, to_datetime)
