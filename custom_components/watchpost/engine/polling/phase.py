"""The phase model of sources: when their next measurements can be read, and which poll is close behind them.

Pure: the same arguments give the same answers. Times are monotonic seconds.

What a poll costs is how far it lies behind each source's newest measurement when that could first be read: its lag.
A vendor's cache makes polls come no sooner than one period after another, so a poll can only be put off, never be
early. A lag once there repeats in every later poll, and one wait that takes it away pays for ever.

- A measurement can be read `delay` after its date, the next ones whole cycles later. Where a cycle is a multiple of
  the poll period, one arrival is as good as one a period later, so its phase counts modulo the period, else modulo
  its cycle. That is its step.
- The lag of a poll at `t`, in steps and over all sources, is the sum of `((t - arrival) mod step) / step`. It grows
  between two arrivals and falls at one, so the least is at an arrival.
- With all sources on one step the arrival with the least lag is the same whenever the poll comes, so it is found once
  for as long as no source measures anew, and a plan costs a search.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable
import math
from typing import Final, NamedTuple

_DAY: Final = 86400.0

# Seconds that a measurement may take to be readable; polls lie so far behind its date.
DELAY: Final = 24.0

# By how much a missed measurement lengthens the delay, and how long that can get.
MISS_STEP: Final = 10.0
MAX_DELAY: Final = 300.0

# Of more sources or arrivals than these, evenly chosen ones stand for all.
_MAX_SOURCES: Final = 256
_MAX_ARRIVALS: Final = 64

# Sums of monotonic times are inexact; times within this tolerance count as equal.
_NEAR: Final = 1e-6


class Source(NamedTuple):
    """One source whose next measurement can be foreseen.

    `last` is when its newest measurement was taken: the vendor's date on our monotonic clock.
    `cycle` is in seconds.
    """

    last: float
    cycle: float


class _Step(NamedTuple):
    """The sources on one step, by the times of their measurements modulo it, ascending."""

    step: float
    dates: list[float]
    total: float

    def lag(self, at: float) -> float:
        """Return how far `at` lies behind the newest measurement of each source, in steps, summed."""
        turn = (at + _NEAR) % self.step
        count = len(self.dates)
        ahead = count - bisect_right(self.dates, turn)
        return (turn * count - self.total) / self.step + ahead


class PhaseModel:
    """The sources that are polled together."""

    def __init__(self, sources: Iterable[Source] = (), now: float = 0.0) -> None:
        """Use the sources that are plausible at `now`: a vendor's date may be anything."""
        sound = [
            source
            for source in sources
            if 1.0 <= source.cycle <= 7 * _DAY and abs(source.last - now) <= 400 * _DAY
        ]
        if len(sound) > _MAX_SOURCES:
            sound = sorted(sound)[:: len(sound) // _MAX_SOURCES + 1]
        self._sources: Collection[Source] = sound
        self._period = 0.0
        self._steps: list[_Step] = []
        self._best: float | None = None
        self._next: float | None = None

    def __bool__(self) -> bool:
        return bool(self._sources)

    @property
    def is_slow(self) -> bool:
        """Return whether all cycles are longer than the period of the newest query."""
        return self._next is not None

    def next_arrival(self, base: float, period: float, delay: float) -> float | None:
        """Return the next arrival, if all cycles are longer than the period and none is overdue at `base`."""
        self._divide(period)
        if self._next is None or self._next + delay <= base:
            return None
        return self._next + delay

    def closest(self, base: float, period: float, delay: float) -> float:
        """Return the time, no sooner than `base`, at which a poll has the least lag; of equals the first."""
        self._divide(period)
        if not self._steps:
            return base
        if len(self._steps) == 1:
            step, dates, _ = self._steps[0]
            if self._best is None:
                self._best = _min_lag(step, dates)
            return base + _until(self._best + delay - base, step)
        waits = [0.0, *self._waits(base, delay)]
        return base + min(waits, key=lambda wait: (self._lag(base + wait - delay), wait))

    def lag(self, at: float, period: float, delay: float) -> float:
        """Return the lag of a poll at `at` behind the arrivals, in steps, over all sources."""
        self._divide(period)
        return self._lag(at - delay)

    def in_steps(self, seconds: float, period: float) -> float:
        """Return the sum in steps of `seconds` of lag for each source."""
        self._divide(period)
        return sum(seconds / step * len(dates) for step, dates, _ in self._steps)

    def _lag(self, at: float) -> float:
        return sum(step.lag(at) for step in self._steps)

    def _waits(self, base: float, delay: float) -> list[float]:
        """Return the seconds until each arrival."""
        waits = sorted(
            _until(date + delay - base, step) for step, dates, _ in self._steps for date in dates
        )
        return waits[:: len(waits) // _MAX_ARRIVALS + 1]

    def _divide(self, period: float) -> None:
        """Group the sources by step; kept until the period changes."""
        if period == self._period:
            return
        by_step: dict[float, list[float]] = {}
        for last, cycle in self._sources:
            step = period if is_multiple(cycle, period) else cycle
            by_step.setdefault(step, []).append(last % step)
        self._steps = [
            _Step(step, sorted(dates), sum(dates)) for step, dates in sorted(by_step.items())
        ]
        is_slow = all(source.cycle > period for source in self._sources)
        self._next = (
            min((sum(source) for source in self._sources), default=None) if is_slow else None
        )
        self._period, self._best = period, None


def is_multiple(cycle: float, period: float) -> bool:
    """Return whether a cycle is a whole number of periods."""
    return cycle >= period and math.remainder(cycle, period) == 0.0


def _until(ahead: float, step: float) -> float:
    """Return the seconds until the next of the times `ahead` plus any number of steps."""
    return max((ahead + _NEAR) % step - _NEAR, 0.0)


def _min_lag(step: float, dates: list[float]) -> float:
    """Return the date with the least lag over all: `dates` ascending, modulo `step`.

    At the i-th of n dates the lag is the sum of `dates[i] - d` over all d, and a step for each that is yet to come.
    """
    count = len(dates)
    lags = ((date - step / count * place, date) for place, date in enumerate(dates, 1))
    return min(lags)[1]


def learned_delay(delay: float, previous_poll: float, new_dates: Collection[float]) -> float:
    """Return the updated delay after which a measurement can be read.

    `new_dates` are the dates that are new since the previous poll, of sources that were known then. One that the
    previous poll should have shown already is a miss. Steps of these sizes come to rest where one poll in 200 misses,
    which is how often reports get lost anyway. It also makes up for a vendor's clock that is behind ours. Without it, a
    vendor slower than DELAY would always be polled just before its news.
    """
    if not new_dates:
        return delay
    is_late = any(previous_poll - date > delay for date in new_dates)
    return min(max(delay + (MISS_STEP if is_late else -MISS_STEP / 200), DELAY), MAX_DELAY)
