"""Estimate the measuring interval of monitors from the dates of their records."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Final

MIN_INTERVAL: Final = timedelta(seconds=60)
MAX_INTERVAL: Final = timedelta(minutes=15)

# A poll comes this much sooner than a record is due, so that polls do not drift away from the arrival of records.
# The minimum interval still holds.
_SLACK: Final = 0.95

_MAX_SPACINGS: Final = 9
# Records jitter; a spacing counts as a new one if it differs by more than this share.
_CHANGE: Final = 0.2
# Records further apart are an outage, not a spacing.
_MAX_SPACING: Final = timedelta(hours=6)
_ACTIVE_FOR: Final = timedelta(hours=1)


class IntervalEstimator:
    """An estimator of the spacing of one monitor's records."""

    def __init__(self) -> None:
        self.spacing: timedelta | None = None
        self.newest: datetime | None = None
        self._spacings: deque[timedelta] = deque(maxlen=_MAX_SPACINGS)

    def add_newest(self, date: datetime) -> None:
        """Add the date of the newest record in the list."""
        if self.newest is not None and date > self.newest:
            self._add_spacings([date - self.newest])
        if self.newest is None or date > self.newest:
            self.newest = date

    def add_log(self, dates: Iterable[datetime]) -> None:
        """Add the dates of a log, which has every record, so that its spacing replaces the estimate."""
        ordered = sorted(set(dates))
        spacings = [later - earlier for earlier, later in pairwise(ordered)]
        if len(spacings) >= _MAX_SPACINGS:
            self._spacings.clear()
            self._add_spacings(spacings[-_MAX_SPACINGS:])

    def _add_spacings(self, spacings: Iterable[timedelta]) -> None:
        self._spacings.extend(
            spacing for spacing in spacings if timedelta() < spacing <= _MAX_SPACING
        )
        if not self._spacings:
            return
        usual = timedelta(seconds=max(1, round(median_low(self._spacings).total_seconds())))
        if self.spacing is None or abs(usual - self.spacing) > _CHANGE * self.spacing:
            self.spacing = usual

    @property
    def cycle(self) -> timedelta:
        """Return the time between two records, a minute as long as it is not known."""
        return max(self.spacing or MIN_INTERVAL, MIN_INTERVAL)

    def is_active(self, now: datetime) -> bool:
        """Return whether the monitor has measured lately."""
        return self.newest is not None and now - self.newest < max(_ACTIVE_FOR, 3 * self.cycle)


def poll_interval(estimators: Iterable[IntervalEstimator], now: datetime) -> timedelta:
    """Return the poll interval of the list: slightly less than the spacing of the fastest active monitor."""
    cycles = [estimator.cycle for estimator in estimators if estimator.is_active(now)]
    return min(max(_SLACK * min(cycles), MIN_INTERVAL), MAX_INTERVAL) if cycles else MAX_INTERVAL
