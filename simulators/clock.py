"""Provide the simulated time of a cloud."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self


def system_time() -> datetime:
    """Return the computer's time, aware and in UTC."""
    return datetime.now(UTC)


class Clock:
    """A clock in UTC that runs at any speed, stands still until moved, or follows another clock.

    ``Clock(start, speed)`` runs from `start` (default: now), `speed` simulated seconds a second.
    ``Clock(source=f)`` shows what `f()` returns, an aware datetime.
    ``Clock.by_hand(start)`` moves only by `advance` and `set`.
    """

    def __init__(
        self,
        start: datetime | None = None,
        speed: float = 1.0,
        *,
        source: Callable[[], datetime] | None = None,
    ) -> None:
        """Start the clock; raise ValueError for a `start` without a zone."""
        self._source = source
        self._speed = speed
        self._real = system_time()
        self._shown = self._real if start is None else _aware(start)
        self._listeners: list[Callable[[], None]] = []

    @classmethod
    def by_hand(cls, start: datetime | None = None) -> Self:
        """Return a clock that stands at `start` until it is moved."""
        return cls(start, speed=0.0)

    @property
    def running(self) -> bool:
        """Return whether this clock moves by its own speed, neither by hand nor by a source."""
        return self._source is None and self._speed != 0

    @property
    def speed(self) -> float:
        """Return the simulated seconds per second; 0 stands still."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._rebase(self.now())
        self._speed = speed

    def now(self) -> datetime:
        """Return the simulated time, aware and in UTC."""
        if self._source is not None:
            return self._source().astimezone(UTC)
        if self._speed == 0:
            return self._shown
        return self._shown + (system_time() - self._real) * self._speed

    def micros(self) -> int:
        """Return the simulated time in whole microseconds since the epoch."""
        return to_micros(self.now())

    def advance(self, seconds: float) -> None:
        """Move the time by `seconds`, at once."""
        self.set(self.now() + timedelta(seconds=seconds))

    def set(self, moment: datetime) -> None:
        """Set the time; raise RuntimeError if the clock follows a source."""
        if self._source is not None:
            raise RuntimeError("This clock follows its source and cannot be moved")
        self._rebase(_aware(moment))
        for listener in tuple(self._listeners):
            listener()

    def on_move(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each move by hand; return a function that unregisters it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _rebase(self, shown: datetime) -> None:
        self._shown = shown
        self._real = system_time()


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Return an aware `moment` in whole microseconds since the epoch."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return microseconds since the epoch as an aware datetime in UTC."""
    return EPOCH + micros * MICROSECOND


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A simulated time needs a time zone")
    return moment.astimezone(UTC)
