"""When to ask next: HTTP freshness (RFC 9111, private cache), back-off, and where in the sources' rhythm.

Pure: the same arguments give the same plan. Times are monotonic seconds unless a name says `utc`.

Where DELAY and SLIP come from. A sensor measures every P seconds, 900 say, give or take 5 s of jitter J, and a client
sees the value D later, 2 to 20 s. A poll may come no sooner than P after the one before it, so it can only be put off.

- Against the even grid of a sensor's measurements, arrivals lie from -J + 2 to J + 20 = 25 s, at 11 s on the average.
  A poll at DELAY behind the grid misses those beyond it, each at the price of a whole cycle. At 24 s that is one in
  360, and the guard costs 24 - 11 = 13 s, 1.4 % of 900. (`lanes.py` takes the jitter out of the dates.)
- Each cycle the poll falls back by d: the reply's time, a timer's lateness, EXPIRY_GUARD, together 0.07 s, and a clock
  that is off by up to 100 ppm, 0.09 s either way. That piles up until one report is skipped on purpose, which costs
  about a cycle. If it is skipped at a lag of X, the mean lag is X / 2 and a skip comes every X / d cycles, in all
  X / 2 + P d / X, least at X = sqrt(2 P d), 11 to 17 s. It is flat there, and noise must not trigger skips: SLIP is 15.
- Together 13 + 7.5 + 4.2 s, 2.7 % of the cycle; benchmarks/age.py measures 2.5 to 2.6. Perfect knowledge: 1.7.

A poll that fires a little before its reply expires is answered from the cache, and the real interval doubles. So polls
are planned EXPIRY_GUARD behind the expiry, and a timer that is early asks nothing and is set anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
import re
from typing import Final, Literal

from .model import Freshness
from .rhythm import DELAY, Rhythm

DAY: Final = 86400.0
LONGEST_BACKOFF: Final = 900.0

# A timer that fires on the very expiry may be early by a clock's resolution.
EXPIRY_GUARD: Final = 0.01

RETRY_AFTER_LEAST: Final = 5.0

# How far a poll may come to lie behind an arrival before one report is skipped to get near again.
# Dates jitter by 5 s either way: much less would skip for noise.
SLIP: Final = 15.0

# A poll put off for phase comes at least this often, however long a source's cycle.
LONGEST_WAIT: Final = 3600.0

# A feed without any source that could be foreseen.
STILL: Final = Rhythm()

type Reason = Literal["expiry", "phase", "default", "backoff", "hold"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The monotonic time of the next poll, and what decided it."""

    at: float
    reason: Reason


# -- freshness (RFC 9111) --

_DIRECTIVE: Final = re.compile(
    r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[^,"]*(?:,|$)"""
)
_DIGITS: Final = re.compile(r"[0-9]+")
_CACHEABLE: Final = frozenset({200, 203, 204, 304})


def freshness(
    status: int, headers: Mapping[str, str], *, received: float, now_utc: datetime
) -> Freshness:
    """Until when a reply is current, counted from its receipt.

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
    """Of a repeated directive the first counts (RFC 9111, 4.2.1)."""
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
    """Whole seconds of any size; None for what is no such number."""
    value = value.strip()
    return float(value) if _DIGITS.fullmatch(value) else None


def _until(expires: str, date: datetime) -> float:
    """Seconds from `date`; an invalid date means already expired (RFC 9111, 5.3)."""
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
    ceiling: float = LONGEST_BACKOFF,
) -> float:
    """Return seconds to wait after so many failures in a row: exponential, full jitter.

    `rand` is in [0, 1).
    """
    doublings = min(max(failures - 1, 0), 32)
    return min(ceiling, max(floor, rand * min(base * 2.0**doublings, ceiling)))


# -- the plan --


def plan(
    now: float,
    freshness: Sequence[Freshness],
    *,
    default: float,
    least: float,
    rhythm: Rhythm = STILL,
    hold_until: float = 0.0,
    failures: int = 0,
    rand: float = 0.0,
    delay: float = DELAY,
) -> Plan:
    """Choose the time of the next poll.

    Never before a reply expires, a hold ends or `least` is over. `default` is the interval where
    no reply has a lifetime or all have 0: `no-cache` says that a reply is not to be reused, and is
    no leave to ask without pause. `rhythm` may put the poll off; `delay` is how long after its date
    a measurement can be read.
    """
    expiry = Plan(_after_expiry(now, freshness), "expiry")
    hold = Plan(_bounded(hold_until, now), "hold")
    if failures > 0:
        return _latest(Plan(now + backoff(failures, rand), "backoff"), expiry, hold)
    lifetimes = [reply.lifetime for reply in freshness if reply.lifetime]
    interval = max(least, *lifetimes) if lifetimes else max(default, least)
    soonest = Plan(now + (least if lifetimes else interval), "default")
    base = _latest(expiry, soonest, hold)
    return _in_phase(base, min(interval, DAY), rhythm, delay) if rhythm else base


def _after_expiry(now: float, freshness: Sequence[Freshness]) -> float:
    """Return a moment at which none of the replies is current any longer."""
    expiries = [_bounded(reply.expires, now) for reply in freshness if reply.expires > now]
    return max(expiries) + EXPIRY_GUARD if expiries else now


def _bounded(moment: float, now: float) -> float:
    return min(moment, now + DAY) if moment > now else now


def _latest(*plans: Plan) -> Plan:
    """Return the latest; of equals the first."""
    return max(plans, key=lambda plan: plan.at)


def _in_phase(base: Plan, period: float, rhythm: Rhythm, delay: float) -> Plan:
    """Put a poll off to just behind the arrival of measurements, where that is worth it.

    Every cycle adds a little to the lag (the reply's time, a fast clock); waiting the rest of a step for each bit of
    it would skip a report each time, so the base stands until the gain exceeds SLIP. As the gain that was waited for
    is gone afterwards, the plan does not hunt.
    """
    latest = base.at + max(period, LONGEST_WAIT)
    if (arrival := rhythm.next_arrival(base.at, period, delay)) is not None:
        return Plan(min(arrival, latest), "phase")
    best = rhythm.closest(base.at, period, delay)
    gain = rhythm.lag(base.at, period, delay) - rhythm.lag(best, period, delay)
    if gain <= rhythm.in_steps(SLIP, period):
        return base
    return Plan(min(best, latest), "phase")
