"""How often sensors measure, learned from their readings, and which of many are worth asking for now; no I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from .models.readings import Reading

# A sensor is regular if its last gaps are this much alike, the longest to the shortest.
_ALIKE: Final = 1.5
_GAPS: Final = 3
_KEPT: Final = 6
_STEPS: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)

# How long after its time a reading can be had, and how often one is asked for that is overdue.
_DELAY: Final = 5.0
_LATE: Final = 3
_RARELY: Final = 300.0
# Of irregular ones, after the twelfth part of the time for which they have been silent.
_PATIENCE: Final = 12
# A reading may come so long after its time, and for later ones is looked now and again.
_BEHIND: Final = timedelta(minutes=5)
# A reading that is further ahead than this tells no time.
_STRAY: Final = timedelta(minutes=5)
# What an inactive device would have to say can wait.
_RESTING: Final = 3600.0


@dataclass(slots=True)
class SensorInterval:
    """What is known of one sensor; `asked` (monotonic seconds) is when it was asked for last, `searched` when alone.

    `looked` is when all was asked for in a batch that could have come since its newest.
    """

    newest: Reading | None = None
    times: tuple[datetime, ...] = ()
    cycle: float | None = None
    asked: float = float("-inf")
    searched: float = float("-inf")
    looked: float = float("-inf")

    def take(self, readings: Sequence[Reading], clock: datetime) -> bool:
        """Take what came, oldest first; returns whether the newest is another than before.

        One that is dated ahead of the `clock` gives way to one that is not.
        """
        if not readings:
            return False
        if self.newest is not None and readings[-1].at <= clock + _STRAY < self.newest.at:
            self.newest, self.times = None, ()
        times = sorted({*self.times, *(one.at for one in readings)})[-_KEPT:]
        self.times = tuple(times)
        self.cycle = _cycle(self.times) or self.cycle
        newest = readings[-1]
        if self.newest is not None and newest.at < self.newest.at:
            return False
        is_new, self.newest = newest != self.newest, newest
        return is_new

    def known_until(self, clock: datetime) -> datetime | None:
        """Since when to ask: the time of the newest, none that is yet to come."""
        return min(self.newest.at, clock) if self.newest else None

    def since(self, now: float, clock: datetime) -> datetime | None:
        """Since when there may be something new, None if nothing is known of it.

        A batch brings what all of its sensors measured since the earliest: one that is silent must not make all the
        others tell everything again each time.
        """
        if self.newest is None or now - self.looked >= _RARELY:
            return self.known_until(clock)
        last = clock - timedelta(seconds=now - self.asked) - _BEHIND
        return max(min(self.newest.at, clock), last)

    def is_to_be_searched(self, now: float, clock: datetime, batch: timedelta) -> bool:
        """Whether it is to be asked for alone, since what it dates is, or may be, older than a batch looks back."""
        if self.newest is None:
            return now - self.searched >= _RESTING
        age = (clock - self.newest.at).total_seconds()
        since = now - self.searched
        return age > batch.total_seconds() and since >= min(age / _PATIENCE, _RESTING)

    def is_due(
        self,
        now: float,
        clock: datetime,
        *,
        is_resting: bool = False,
        is_cheap: bool = False,
        is_event: bool = False,
    ) -> bool:
        """Whether there may be something new; `now` is monotonic, `clock` the vendor's.

        `is_resting`: its device measures nothing for now. `is_cheap`: it is asked for together with others. `is_event`:
        it also tells what happens between the regular ones, as a door does that opens.
        """
        since = now - self.asked
        if is_resting:
            return since >= _RESTING
        if self.newest is None:
            return since >= _RARELY
        age = (clock - self.newest.at).total_seconds()
        if self.cycle is None:
            return is_cheap or since >= min(age / _PATIENCE, _RARELY)
        if is_event and (is_cheap or since >= min(self.cycle / _LATE, _RARELY)):
            return True
        if age < self.cycle + _DELAY:
            return age < 0  # a clock that is ahead tells nothing about the next one
        return age < _LATE * self.cycle or since >= min(self.cycle, _RARELY)


def _cycle(times: Sequence[datetime]) -> float | None:
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    is_regular = len(gaps) >= _GAPS and max(gaps) <= _ALIKE * min(gaps)
    return median(gaps) if is_regular else None


def good_for(cycle: float, poll: float) -> timedelta:
    """How long a regular sensor's reading is shown: three of its cycles, or of the polls that reach it."""
    return timedelta(seconds=3 * stepped(max(cycle, poll)))


def stepped(cycle: float) -> float:
    """A cycle as the next of a few, so that what hangs on it does not change with every reading."""
    return next((float(step) for step in _STEPS if cycle <= 1.1 * step), cycle)


def in_turn(tracks: dict[str, SensorInterval], due: Iterable[str], most: int) -> list[str]:
    """The sensors to ask for now, those that waited longest first."""
    return sorted(due, key=lambda sensor: (tracks[sensor].asked, sensor))[:most]
