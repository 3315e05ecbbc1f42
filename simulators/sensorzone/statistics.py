"""Counting incursions: totals, scores and averages."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from .incursions import Sighting


@dataclass(slots=True)
class Statistics:
    """Statistics of incursions. Times in seconds; newest: when the last one started."""

    total: int = 0
    acknowledged: int = 0
    ended: int = 0
    duration: int = 0
    waited: int = 0
    newest: int | None = None

    def add(self, seen: Sighting) -> None:
        """Count one more."""
        start = seen.incursion.start
        self.total += 1
        self.newest = start if self.newest is None else max(self.newest, start)
        if seen.acknowledged_at is not None:
            self.acknowledged += 1
            self.waited += seen.acknowledged_at - start
        if (length := seen.duration) is not None and length >= 0:
            self.ended += 1
            self.duration += length

    @property
    def unacknowledged(self) -> int:
        """Return the number of unacknowledged incursions."""
        return self.total - self.acknowledged

    @property
    def score(self) -> float | None:
        """The share that is acknowledged, in percent."""
        return round(100 * self.acknowledged / self.total, 1) if self.total else None

    @property
    def average_duration(self) -> float | None:
        """Return the mean length of the ended ones in seconds."""
        return round(self.duration / self.ended, 1) if self.ended else None

    @property
    def average_wait(self) -> float | None:
        """Return the mean time to acknowledgement in seconds."""
        return round(self.waited / self.acknowledged, 1) if self.acknowledged else None


def statistics_of(sightings: Iterable[Sighting]) -> Statistics:
    """Count incursions."""
    counted = Statistics()
    for seen in sightings:
        counted.add(seen)
    return counted


def statistics_by[Key: Hashable](
    sightings: Iterable[Sighting], key: Callable[[Sighting], Key]
) -> dict[Key, Statistics]:
    """Count incursions by a key."""
    counted: dict[Key, Statistics] = {}
    for seen in sightings:
        counted.setdefault(key(seen), Statistics()).add(seen)
    return counted
