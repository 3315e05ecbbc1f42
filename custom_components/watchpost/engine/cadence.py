"""When to ask next: HTTP freshness (RFC 9111, private cache), back-off, phase of the sources.

Pure: the same arguments give the same plan. Times are monotonic seconds unless a name says `utc`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import accumulate
import math
import re
from typing import Final, Literal

from .model import Freshness

DAY: Final = 86400.0

# A timer that fires on the very expiry may be early by a clock's resolution.
EXPIRY_GUARD: Final = 0.05

RETRY_AFTER_LEAST: Final = 5.0

# A vendor's clients see a measurement up to 20 s after its date; two seconds are spare.
DELAY: Final = 22.0

# How far a poll may come to lie behind an arrival before one report is skipped to get near again.
# Dates jitter by 5 s either way: less would skip for noise (derivation: `_in_phase`).
SLIP: Final = 25.0

# A poll put off for phase comes at least this often, however long a source's cycle.
LONGEST_WAIT: Final = 3600.0

# By how much a missed measurement lengthens the delay, and how long that can get.
MISS_STEP: Final = 10.0
MOST_DELAY: Final = 300.0

_MOST_WAITS: Final = 64
_MOST_PHASES: Final = 256
_PHASE_STEP: Final = 5.0

type Reason = Literal["expiry", "phase", "default", "backoff", "hold"]


@dataclass(frozen=True, slots=True)
class Beat:
    """One source whose next measurement can be foreseen.

    `last` is when its newest measurement was taken: the vendor's date on our monotonic clock.
    `cycle` is in seconds.
    """

    last: float
    cycle: float


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
    ceiling: float = 900.0,
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
    beats: Collection[Beat] = (),
    hold_until: float = 0.0,
    failures: int = 0,
    rand: float = 0.0,
    delay: float = DELAY,
) -> Plan:
    """Choose the time of the next poll.

    Never before a reply expires, a hold ends or `least` is over. `default` is the interval where
    no reply has a lifetime or all have 0: `no-cache` says that a reply is not to be reused, and is
    no leave to ask without pause. `beats` may put the poll off; `delay` is how long after its date
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
    return _in_phase(now, base, min(interval, DAY), beats, delay)


def _after_expiry(now: float, freshness: Sequence[Freshness]) -> float:
    """Return a moment at which none of the replies is current any longer."""
    expiries = [_bounded(reply.expires, now) for reply in freshness if reply.expires > now]
    return max(expiries) + EXPIRY_GUARD if expiries else now


def _bounded(moment: float, now: float) -> float:
    return min(moment, now + DAY) if moment > now else now


def _latest(*plans: Plan) -> Plan:
    """Return the latest; of equals the first."""
    return max(plans, key=lambda plan: plan.at)


# -- phase --


def learned_delay(
    delay: float, previous_poll: float, before: Collection[Beat], after: Collection[Beat]
) -> float:
    """Return what a poll taught about how long after its date a measurement can be read.

    `before` and `after` are the beats that the previous poll and this one showed. A measurement
    that is new now, and that the previous poll should have shown already, is a miss. Steps of these
    sizes come to rest where one poll in 200 misses, which is how often reports get lost anyway.
    It also makes up for a vendor's clock that is behind ours. Without it, a vendor slower than
    DELAY would always be polled just before its news.
    """
    known = {round(beat.last) + spare for beat in before for spare in (-1, 0, 1)}
    news = [
        beat.last for beat in after if math.isfinite(beat.last) and round(beat.last) not in known
    ]
    if not before or not news:
        return delay
    is_late = any(previous_poll - date > delay for date in news)
    return min(max(delay + (MISS_STEP if is_late else -MISS_STEP / 200), DELAY), MOST_DELAY)


@dataclass(frozen=True, slots=True)
class _Phase:
    """Sources whose arrivals come every `step` seconds, the next one `wait` after the base."""

    wait: float
    step: float
    sources: int


def _in_phase(now: float, base: Plan, period: float, beats: Collection[Beat], delay: float) -> Plan:
    """Put a poll off to just behind the arrival of measurements, where that is worth it.

    A poll can only wait, never come early, and what it comes to lie behind the arrivals repeats in
    every later one, so one wait pays for ever. A measurement can be read `delay` after its date,
    the next ones whole cycles later. Where a cycle is a multiple of the poll period, one arrival is
    as good as one a period later, so its phase counts modulo the period, else modulo its cycle.

    A poll's cost is how far it lies behind each source's arrival, in steps of that source. The
    least cost is at one of the arrivals, since between two of them it only grows. Every cycle adds
    a little (the reply's time, a fast clock); waiting the rest of a step for each bit of it would
    skip a report each time, so the base stands until the gain exceeds SLIP. As the gain that was
    waited for is gone afterwards, the plan does not hunt.
    """
    sound = [beat for beat in beats if _is_sound(beat, now)]
    if not sound:
        return base
    latest = base.at + max(period, LONGEST_WAIT)
    if (arrival := _only_arrival(base.at, period, sound, delay)) is not None:
        return Plan(min(arrival, latest), "phase")
    phases = _phases(base.at, period, sound, delay)
    lag = _Lag(phases)
    best = min(_waits(phases), key=lambda wait: (lag.after(wait), wait))
    worth = sum(SLIP / phase.step * phase.sources for phase in phases)
    if lag.after(0.0) - lag.after(best) <= worth:
        return base
    return Plan(min(base.at + best, latest), "phase")


def _is_sound(beat: Beat, now: float) -> bool:
    """Tell whether a beat can be reckoned with: a vendor's date may be anything."""
    return 1.0 <= beat.cycle <= 7 * DAY and abs(beat.last - now) <= 400 * DAY


def _only_arrival(
    base: float, period: float, beats: Collection[Beat], delay: float
) -> float | None:
    """Return the next arrival, if none comes before `base` and no source is overdue."""
    arrivals = [beat.last + beat.cycle + delay for beat in beats if beat.cycle > period]
    if len(arrivals) < len(beats) or min(arrivals) <= base:
        return None
    return min(arrivals)


def _phases(base: float, period: float, beats: Collection[Beat], delay: float) -> list[_Phase]:
    """Group the beats by step and by when they arrive, to 5 s; of a group the latest counts."""
    groups: dict[tuple[float, int], tuple[float, int]] = {}
    for beat in beats:
        step = period if _is_multiple(beat.cycle, period) else beat.cycle
        wait = (beat.last + delay - base) % step
        key = (step, int(wait / _PHASE_STEP))
        latest, sources = groups.get(key, (0.0, 0))
        groups[key] = (max(latest, wait), sources + 1)
    phases = sorted((wait, step, sources) for (step, _), (wait, sources) in groups.items())
    return [_Phase(*phase) for phase in phases[:: len(phases) // _MOST_PHASES + 1]]


def _is_multiple(cycle: float, period: float) -> bool:
    return cycle >= period and math.remainder(cycle, period) == 0.0


def _waits(phases: Sequence[_Phase]) -> list[float]:
    """Return the waits worth considering: none, and until each arrival."""
    return [0.0, *(phase.wait for phase in phases[:: len(phases) // _MOST_WAITS + 1])]


class _Lag:
    """How far a poll lies behind the arrivals: in steps, over all sources.

    For one step it is a sum over sorted waits, so running totals answer each question by a search.
    """

    def __init__(self, phases: Sequence[_Phase]) -> None:
        self._steps: list[tuple[float, list[float], list[int], float]] = []
        for step in {phase.step for phase in phases}:
            same = [phase for phase in phases if phase.step == step]  # sorted by wait
            passed = [0, *accumulate(phase.sources for phase in same)]
            total = sum(phase.wait * phase.sources for phase in same)
            self._steps.append((step, [phase.wait for phase in same], passed, total))

    def after(self, wait: float) -> float:
        """Return the lag of a poll after `wait`."""
        lag = 0.0
        for step, waits, passed, total in self._steps:
            turn = wait % step
            ahead = passed[-1] - passed[bisect_right(waits, turn)]
            lag += (turn * passed[-1] - total) / step + ahead
        return lag
