"""Plan the next poll: behind expiry, hold and back-off, and in phase with the sources.

Pure: the same arguments give the same plan. Times are monotonic seconds unless a name says `utc`.

Where DELAY and SLIP come from. A sensor measures every P seconds, 900 say, give or take 5 s of jitter J, and a client
sees the value D later, 2 to 20 s. A poll may come no sooner than P after the one before it, so it can only be put off.

- Against the even grid of a sensor's measurements, arrivals lie from -J + 2 to J + 20 = 25 s, at 11 s on the average.
  A poll at DELAY behind the grid misses those beyond it, each at the price of a whole cycle. At 24 s that is one in
  360, and the guard costs 24 - 11 = 13 s, 1.4 % of 900. (`groups.py` removes the jitter from the dates.)
- Each cycle the poll falls back by d: the reply's time, a timer's lateness, EXPIRY_GUARD, together 0.07 s, and a clock
  that is off by up to 100 ppm, 0.09 s either way. That piles up until one report is skipped on purpose, which costs
  about a cycle. If it is skipped at a lag of X, the mean lag is X / 2 and a skip comes every X / d cycles, in all
  X / 2 + P d / X, least at X = sqrt(2 P d), 11 to 17 s. It is flat there, and noise must not trigger skips: SLIP is 15.
- Together 13 + 7.5 + 4.2 s, 2.7 % of the cycle; benchmarks/data_age.py measures 2.5 to 2.6. Perfect knowledge: 1.7.

A poll that fires a little before its reply expires is answered from the cache, and the real interval doubles. So polls
are planned EXPIRY_GUARD behind the expiry, and a timer that is early asks nothing and is set anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ...client.cache_control import DAY, backoff
from ...models import Freshness
from .phase import DELAY, PhaseModel

# A timer that fires on the very expiry may be early by a clock's resolution.
EXPIRY_GUARD: Final = 0.01

# How far a poll may come to lie behind an arrival before one report is skipped to get near again.
# Dates jitter by 5 s either way: much less would skip for noise.
SLIP: Final = 15.0

# A poll put off for phase comes at least this often, however long a source's cycle.
MAX_WAIT: Final = 3600.0

# The phase model of a feed without predictable sources.
STILL: Final = PhaseModel()

type Reason = Literal["expiry", "phase", "default", "backoff", "hold"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The monotonic time of the next poll, and what decided it."""

    at: float
    reason: Reason


def plan(
    now: float,
    freshness: Sequence[Freshness],
    *,
    default: float,
    min_interval: float,
    phase_model: PhaseModel = STILL,
    hold_until: float = 0.0,
    failures: int = 0,
    rand: float = 0.0,
    delay: float = DELAY,
) -> Plan:
    """Choose the time of the next poll.

    Never before a reply expires, a hold ends or `min_interval` is over. `default` is the interval where
    no reply has a lifetime or all have 0: `no-cache` says that a reply is not to be reused, and is
    no leave to ask without pause. `phase_model` may put the poll off; `delay` is how long after its date
    a measurement can be read.
    """
    expiry = Plan(_after_expiry(now, freshness), "expiry")
    hold = Plan(_bounded(hold_until, now), "hold")
    if failures > 0:
        return _latest(Plan(now + backoff(failures, rand), "backoff"), expiry, hold)
    lifetimes = [reply.lifetime for reply in freshness if reply.lifetime]
    interval = max(min_interval, *lifetimes) if lifetimes else max(default, min_interval)
    soonest = Plan(now + (min_interval if lifetimes else interval), "default")
    base = _latest(expiry, soonest, hold)
    return _in_phase(base, min(interval, DAY), phase_model, delay) if phase_model else base


def _after_expiry(now: float, freshness: Sequence[Freshness]) -> float:
    """Return a moment at which none of the replies is current any longer."""
    expiries = [_bounded(reply.expires, now) for reply in freshness if reply.expires > now]
    return max(expiries) + EXPIRY_GUARD if expiries else now


def _bounded(moment: float, now: float) -> float:
    return min(moment, now + DAY) if moment > now else now


def _latest(*plans: Plan) -> Plan:
    """Return the latest; of equals the first."""
    return max(plans, key=lambda plan: plan.at)


def _in_phase(base: Plan, period: float, phase_model: PhaseModel, delay: float) -> Plan:
    """Put a poll off to just behind the arrival of measurements, where that is worth it.

    Every cycle adds a little to the lag (the reply's time, a fast clock); waiting the rest of a step for each bit of
    it would skip a report each time, so the base stands until the gain exceeds SLIP. As the gain that was waited for
    is gone afterwards, the plan does not hunt.
    """
    latest = base.at + max(period, MAX_WAIT)
    if (arrival := phase_model.next_arrival(base.at, period, delay)) is not None:
        return Plan(min(arrival, latest), "phase")
    best = phase_model.closest(base.at, period, delay)
    gain = phase_model.lag(base.at, period, delay) - phase_model.lag(best, period, delay)
    if gain <= phase_model.in_steps(SLIP, period):
        return base
    return Plan(min(best, latest), "phase")
