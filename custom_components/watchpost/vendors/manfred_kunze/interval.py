"""Estimate the measuring intervals of sensors from their readings, and select the sensors that are due; no I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from .models.readings import Reading

# A sensor is regular if its longest gap between readings is at most so many times its shortest.
_MAX_GAP_RATIO: Final = 1.5
_MIN_GAPS: Final = 3
_MAX_TIMES: Final = 6
_STEPS: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)

# Seconds until a reading is available, intervals until a sensor counts as overdue, seconds between its requests then.
_DELAY: Final = 5.0
_OVERDUE_INTERVALS: Final = 3
_RARE_SECONDS: Final = 300.0
# An irregular sensor is due after this part of the time for which it has been silent.
_SILENCE_PARTS: Final = 12
# A reading usually arrives at most so long after its time; later ones are searched for from time to time.
_USUAL_DELAY: Final = timedelta(minutes=5)
# A reading that is dated further ahead than this has no usable time.
_MAX_AHEAD: Final = timedelta(minutes=5)
# Seconds between requests for a sensor of an inactive device.
_INACTIVE_SECONDS: Final = 3600.0


@dataclass(slots=True)
class SensorInterval:
    """Newest reading, times and interval (seconds) of one sensor.

    In monotonic seconds: `requested_at` is the last request, `searched_at` the last one for this sensor alone,
    `covered_at` the last batch that reached back to its newest reading.
    """

    newest: Reading | None = None
    times: tuple[datetime, ...] = ()
    interval: float | None = None
    requested_at: float = float("-inf")
    searched_at: float = float("-inf")
    covered_at: float = float("-inf")

    def store(self, readings: Sequence[Reading], vendor_utc: datetime) -> bool:
        """Store readings, oldest first; return whether the newest one changed.

        A reading that is dated ahead of the vendor's clock gives way to one that is not.
        """
        if not readings:
            return False
        if self.newest is not None and readings[-1].at <= vendor_utc + _MAX_AHEAD < self.newest.at:
            self.newest, self.times = None, ()
        times = sorted({*self.times, *(one.at for one in readings)})[-_MAX_TIMES:]
        self.times = tuple(times)
        self.interval = _estimate_interval(self.times) or self.interval
        newest = readings[-1]
        if self.newest is not None and newest.at < self.newest.at:
            return False
        is_new, self.newest = newest != self.newest, newest
        return is_new

    def newest_time(self, vendor_utc: datetime) -> datetime | None:
        """Return the time of the newest reading, at most the vendor's time; None without one."""
        return min(self.newest.at, vendor_utc) if self.newest else None

    def batch_start(self, monotonic: float, vendor_utc: datetime) -> datetime | None:
        """Return since when a batch has to cover this sensor, None without a reading.

        A batch returns the readings of all its sensors since the earliest start: a silent sensor must not make it
        return all readings of the others each time.
        """
        if self.newest is None or monotonic - self.covered_at >= _RARE_SECONDS:
            return self.newest_time(vendor_utc)
        last = vendor_utc - timedelta(seconds=monotonic - self.requested_at) - _USUAL_DELAY
        return max(min(self.newest.at, vendor_utc), last)

    def needs_own_request(self, monotonic: float, vendor_utc: datetime, batch: timedelta) -> bool:
        """Return whether to request this sensor alone: its newest reading may be older than a batch reaches back."""
        if self.newest is None:
            return monotonic - self.searched_at >= _INACTIVE_SECONDS
        age = (vendor_utc - self.newest.at).total_seconds()
        batch_start = monotonic - self.searched_at
        return age > batch.total_seconds() and batch_start >= min(
            age / _SILENCE_PARTS, _INACTIVE_SECONDS
        )

    def is_due(
        self,
        monotonic: float,
        vendor_utc: datetime,
        *,
        is_inactive: bool = False,
        is_batched: bool = False,
        reports_events: bool = False,
    ) -> bool:
        """Return whether there may be a new reading.

        `is_inactive`: its device measures nothing for now. `is_batched`: it shares its request with others.
        `reports_events`: it also reports changes between its regular readings, as a door contact does.
        """
        batch_start = monotonic - self.requested_at
        if is_inactive:
            return batch_start >= _INACTIVE_SECONDS
        if self.newest is None:
            return batch_start >= _RARE_SECONDS
        age = (vendor_utc - self.newest.at).total_seconds()
        if self.interval is None:
            return is_batched or batch_start >= min(age / _SILENCE_PARTS, _RARE_SECONDS)
        if reports_events and (
            is_batched or batch_start >= min(self.interval / _OVERDUE_INTERVALS, _RARE_SECONDS)
        ):
            return True
        if age < self.interval + _DELAY:
            return age < 0  # a reading from the future does not say when the next one is due
        return age < _OVERDUE_INTERVALS * self.interval or batch_start >= min(
            self.interval, _RARE_SECONDS
        )


def _estimate_interval(times: Sequence[datetime]) -> float | None:
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    is_regular = len(gaps) >= _MIN_GAPS and max(gaps) <= _MAX_GAP_RATIO * min(gaps)
    return median(gaps) if is_regular else None


def max_age(interval: float, poll: float) -> timedelta:
    """Return how long a regular sensor's reading is shown: three intervals, or three polls if these are longer."""
    return timedelta(seconds=3 * round_interval(max(interval, poll)))


def round_interval(interval: float) -> float:
    """Round an interval up to a usual one, so that derived values do not change with every reading."""
    return next((float(step) for step in _STEPS if interval <= 1.1 * step), interval)


def select_due(intervals: dict[str, SensorInterval], due: Iterable[str], limit: int) -> list[str]:
    """Return the sensors to request now, those that waited longest first."""
    return sorted(due, key=lambda sensor: (intervals[sensor].requested_at, sensor))[:limit]
