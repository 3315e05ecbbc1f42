"""HTTP freshness for a private cache (RFC 9111), `Retry-After` (RFC 9110, 10.2.3) and back-off. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
import re
from typing import Final

from ..models import Freshness

DAY: Final = 86400.0
MAX_BACKOFF: Final = 900.0
RETRY_AFTER_LEAST: Final = 5.0

_DIRECTIVE: Final = re.compile(
    r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[^,"]*(?:,|$)"""
)
_DIGITS: Final = re.compile(r"[0-9]+")
_CACHEABLE: Final = frozenset({200, 203, 204, 304})


def freshness(
    status: int, headers: Mapping[str, str], *, received: float, now_utc: datetime
) -> Freshness:
    """Return until when a response is current, counted from its receipt.

    Never from the vendor's `Date`: a wrong clock there must not make us early.
    `no-store` leaves no lifetime: such a reply says nothing about when to ask again.
    """
    fields = folded(headers)
    directives = _directives(fields.get("cache-control", ""))
    storable = status in _CACHEABLE and "no-store" not in directives
    lifetime = None if "no-store" in directives else _lifetime(fields, directives, now_utc)
    return Freshness(
        received=received,
        expires=received + (lifetime or 0.0),
        lifetime=lifetime,
        storable=storable,
        etag=_sendable(fields.get("etag")),
        last_modified=_sendable(fields.get("last-modified")),
    )


def http_date(value: str | None) -> datetime | None:
    """Return the UTC time of an HTTP date in any of its three forms; None for anything else."""
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except ValueError, TypeError, IndexError, OverflowError:
        return None


def folded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by lower-case name; a repeated one counts once, Cache-Control is joined."""
    fields: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        if key == "cache-control" and key in fields:
            fields[key] += f", {value}"
        else:
            fields.setdefault(key, value)
    return fields


def _directives(value: str) -> dict[str, str]:
    """Parse the directives; the first of a repeated one counts (RFC 9111, 4.2.1)."""
    found: dict[str, str] = {}
    for name, quoted, token in _DIRECTIVE.findall(value):
        found.setdefault(name.lower(), (quoted or token).strip())
    return found


def _lifetime(
    fields: Mapping[str, str], directives: Mapping[str, str], now_utc: datetime
) -> float | None:
    if "no-cache" in directives:
        return 0.0
    if "max-age" in directives:
        seconds = _delta_seconds(directives["max-age"])
    elif "expires" in fields:
        seconds = _until(fields["expires"], http_date(fields.get("date")) or now_utc)
    else:
        return None
    if seconds is None:
        return None
    age = _delta_seconds(fields.get("age", "")) or 0.0
    return min(max(seconds - age, 0.0), DAY)


def _delta_seconds(value: str) -> float | None:
    """Parse whole seconds of any size; None for anything else."""
    value = value.strip()
    return float(value) if _DIGITS.fullmatch(value) else None


def _until(expires: str, date: datetime) -> float:
    """Return the seconds from `date`; an invalid date means already expired (RFC 9111, 5.3)."""
    moment = http_date(expires)
    return 0.0 if moment is None else (moment - date).total_seconds()


def _sendable(validator: str | None) -> str | None:
    """Return a validator that a header can carry back as it came."""
    return validator if validator and validator.isprintable() else None


def retry_after(value: str | None, now_utc: datetime) -> float | None:
    """Return the seconds that a `Retry-After` asks for, from 5 s to a day; None for garbage."""
    if value is None:
        return None
    seconds = _delta_seconds(value)
    if seconds is None:
        if (moment := http_date(value)) is None:
            return None
        seconds = (moment - now_utc).total_seconds()
    return min(max(seconds, RETRY_AFTER_LEAST), DAY)


def backoff(
    failures: int,
    rand: float,
    *,
    base: float = 30.0,
    floor: float = 10.0,
    ceiling: float = MAX_BACKOFF,
) -> float:
    """Return seconds to wait after so many failures in a row: exponential, full jitter.

    `rand` is in [0, 1).
    """
    doublings = min(max(failures - 1, 0), 32)
    return min(ceiling, max(floor, rand * min(base * 2.0**doublings, ceiling)))
