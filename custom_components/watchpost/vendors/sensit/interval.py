"""How often monitors measure, learned from the dates of their records. Pure."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Final

LEAST: Final = timedelta(seconds=60)
MOST: Final = timedelta(minutes=15)

# A poll may come so much sooner than a record is due: what is gained is waited for at the arrival, which keeps
# polls there. At the least interval there is nothing to gain, since it is never undercut.
_SLACK: Final = 0.95

_MAX_SPACINGS: Final = 9
# Records jitter; a rhythm counts as another one when it differs by more than this.
_CHANGE: Final = 0.2
# Longer apart is an outage and no rhythm.
_LONGEST: Final = timedelta(hours=6)
_ACTIVE_FOR: Final = timedelta(hours=1)


class IntervalEstimator:
    """The spacing of one monitor's records."""

    def __init__(self) -> None:
        self.spacing: timedelta | None = None
        self.newest: datetime | None = None
        self._spacings: deque[timedelta] = deque(maxlen=_MAX_SPACINGS)

    def note(self, date: datetime) -> None:
        """Take note of the newest record of the list."""
        if self.newest is not None and date > self.newest:
            self._learn([date - self.newest])
        if self.newest is None or date > self.newest:
            self.newest = date

    def note_log(self, dates: Iterable[datetime]) -> None:
        """Take note of a log, which misses nothing: the rhythm that it shows replaces what was known."""
        ordered = sorted(set(dates))
        spacings = [later - sooner for sooner, later in pairwise(ordered)]
        if len(spacings) >= _MAX_SPACINGS:
            self._spacings.clear()
            self._learn(spacings[-_MAX_SPACINGS:])

    def _learn(self, spacings: Iterable[timedelta]) -> None:
        self._spacings.extend(found for found in spacings if timedelta() < found <= _LONGEST)
        if not self._spacings:
            return
        usual = timedelta(seconds=max(1, round(median_low(self._spacings).total_seconds())))
        if self.spacing is None or abs(usual - self.spacing) > _CHANGE * self.spacing:
            self.spacing = usual

    @property
    def cycle(self) -> timedelta:
        """How long after a record the next one can be seen; a minute while that is not known."""
        return max(self.spacing or LEAST, LEAST)

    def is_active(self, now: datetime) -> bool:
        """Whether the monitor has measured lately."""
        return self.newest is not None and now - self.newest < max(_ACTIVE_FOR, 3 * self.cycle)


def interval(paces: Iterable[IntervalEstimator], now: datetime) -> timedelta:
    """Return how long the list may be taken for current: a little less than the fastest active monitor's spacing."""
    cycles = [pace.cycle for pace in paces if pace.is_active(now)]
    return min(max(_SLACK * min(cycles), LEAST), MOST) if cycles else MOST
