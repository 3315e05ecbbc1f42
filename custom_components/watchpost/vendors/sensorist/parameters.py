"""Format arguments for Sensorist's URLs and forms; raises ValueError for invalid ones."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
import math
import re

from ...client.decode import to_utc_text
from .envelope import IDENTIFIER

type Params = dict[str, str]

# Part of the 2,000 characters of a URL; the rest is for host, path and other parameters.
_MAX_IDS_LENGTH = 1_600
_COMMA = len(",")  # which a query may hold as it is

# Ids of deletable things are numbers. Not zero: a server may treat it as no id, which means all.
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


def path_id(value: str) -> str:
    """Return an id that is safe in a path and in a list with commas; ValueError for any other."""
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise ValueError("not an id")
    return value


def deletable(value: str) -> str:
    """Return the number of one thing to delete; ValueError for a value that may mean all."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ValueError("not the number of one thing to delete")
    return value


def _by_number(source: str) -> tuple[int, str]:
    return len(source), source


def joined(ids: Iterable[str]) -> str:
    """Return ids as a list with commas."""
    joined = ",".join(path_id(value) for value in ids)
    if len(joined) + joined.count(",") * (_COMMA - 1) > _MAX_IDS_LENGTH:
        raise ValueError("more ids than an address can hold")
    return joined


# The same sources are asked for in every poll.
_joined_once = lru_cache(maxsize=256)(joined)


def sources(kind: str, source_ids: Sequence[str]) -> Params:
    """Return the parameters of every request for measurements. Section 4.3."""
    if not source_ids:
        raise ValueError("no data sources")
    return {"data_sources": _joined_once(tuple(source_ids)), "type": kind}


def period(start: datetime | None, end: datetime | None) -> Params:
    """Return the parameters of a period, without limits that are None."""
    limits = {"from": start, "to": end}
    return {name: date_text(limit) for name, limit in limits.items() if limit is not None}


def date_text(value: datetime) -> str:
    """Return an aware date in the vendor's form: ISO 8601, UTC."""
    if value.tzinfo is None:
        raise ValueError("a date without a time zone")
    return to_utc_text(value)


def counts(least: int = 0, /, **numbers: int | None) -> Params:
    """Return the numbers that are given; ValueError for one below `least`."""
    given = {name: count for name, count in numbers.items() if count is not None}
    if any(isinstance(count, bool) or count < least for count in given.values()):
        raise ValueError(f"a number below {least}")
    return {name: str(count) for name, count in given.items()}


def decimal(value: float) -> str:
    """Return a finite number without an exponent, to six decimals."""
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return f"{value:.6f}".rstrip("0").rstrip(".")


def batched(source_ids: Iterable[str]) -> list[list[str]]:
    """Divide ids into the least number of lists that fit; their order does not matter."""
    divided: list[list[str]] = []
    room = 0
    for source in sorted({path_id(source) for source in source_ids}, key=_by_number):
        length = len(source) + _COMMA
        if length > room:
            divided.append([])
            room = _MAX_IDS_LENGTH
        divided[-1].append(source)
        room -= length
    return divided
