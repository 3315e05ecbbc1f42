"""The clocks of one account: elapsed seconds that include suspended time, and UTC that a set wall clock does not move.

Free of Home Assistant. `CLOCK_MONOTONIC` and the timers of asyncio stand still while the host sleeps; `CLOCK_BOOTTIME`
does not. In a virtual machine that was paused both stand still, and the wall clock is set afterwards. Whether a step
of the wall clock means that time has passed is said by the `Date` of the vendor's next response.
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
import time
from typing import Final

# A wall clock this many seconds off what elapsed was set; less is followed.
STEP: Final = 60.0
# Clocks of two machines agree within so many seconds.
_AGREED: Final = 120.0
# A vendor's clock is believed against ours after so many responses that agree with each other.
_RESPONSES: Final = 2

_BOOTTIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def suspended() -> float:
    """Return the seconds for which this machine has slept since it was started; 0 where nothing tells."""
    if _BOOTTIME is None:
        return 0.0
    # Read last, so that a pause between the two readings does not count as sleep.
    boottime = time.clock_gettime(_BOOTTIME)
    return max(boottime - time.clock_gettime(time.CLOCK_MONOTONIC), 0.0)


def _elapsed() -> Callable[[], float]:
    """Return a clock of monotonic seconds that goes on while the machine sleeps."""
    slept = suspended()

    def elapsed() -> float:
        nonlocal slept
        # What is less is the time between two readings.
        if (now_slept := suspended()) > slept + 0.5:
            slept = now_slept
        return time.monotonic() + slept

    return elapsed


def _wall() -> datetime:
    return datetime.now(UTC)


class AccountClock:
    """Counts the time of one account with its vendor.

    `now` gives seconds that never go back. `utc` follows the wall clock until that is set, and then goes on as if it
    had not been, unless the vendor's `Date` agrees with it.
    """

    def __init__(
        self,
        elapsed: Callable[[], float] | None = None,
        wall: Callable[[], datetime] | None = None,
    ) -> None:
        self._elapsed = elapsed or _elapsed()
        self._wall = wall or _wall
        # Elapsed seconds that only wall clock and vendor know of.
        self._unseen = 0.0
        # UTC, the wall clock and the vendor's clock, as seconds ahead of `now`.
        self._offset = self._wall_offset()
        self._wall_before = self._offset
        self._judged = self._offset
        self._vendor_before: float | None = None
        self._responses: deque[float] = deque(maxlen=_RESPONSES)

    def now(self) -> float:
        """Return the elapsed seconds, time included that this process did not see."""
        return self._elapsed() + self._unseen

    def utc(self) -> datetime:
        """Return the time by which readings age."""
        now, wall = self.now(), self._wall()
        offset = wall.timestamp() - now
        if abs(offset - self._offset) <= STEP:
            self._offset = offset
            return wall
        return datetime.fromtimestamp(now + self._offset, UTC)

    def latest(self) -> datetime:
        """Return the time after which something lies in the future by every clock."""
        return max(self.utc(), self._wall())

    @property
    def is_doubtful(self) -> bool:
        """Return whether the wall clock was set, and no response has said yet whether time passed."""
        offset = self._wall_offset()
        return abs(offset - self._offset) > STEP and abs(offset - self._judged) > STEP

    def hear(self, date: datetime) -> None:
        """Compare the clocks with the Date of a response that was just received."""
        now = self.now()
        vendor, wall = date.timestamp() - now, self._wall_offset()
        before, self._vendor_before = self._vendor_before, vendor
        wall_before, self._wall_before = self._wall_before, wall
        self._judged = wall
        if abs(vendor - wall) <= _AGREED:
            self._follow(wall)
            passed = min(vendor - before, wall - wall_before) if before is not None else 0.0
            if passed > _AGREED:
                self._pass(passed)
        elif abs(vendor - self._offset) <= _AGREED:
            self._responses.clear()
        else:
            self._hear_other(vendor)

    def hear_nothing(self) -> None:
        """Trust the wall clock, because the vendor sends no Date."""
        wall, passed = self._wall_offset(), self._wall_offset() - self._offset
        self._follow(wall)
        self._judged = self._wall_before = wall
        if _BOOTTIME is None and passed > STEP:
            self._pass(passed)

    def _hear_other(self, vendor: float) -> None:
        """Follow a vendor's clock that is behind ours: by ours, its readings would always be stale.

        One that is ahead is not believed; it would make old what is not.
        """
        self._responses.append(vendor)
        is_steady = max(self._responses) - min(self._responses) <= STEP
        if len(self._responses) == _RESPONSES and is_steady and vendor < self._offset:
            self._offset = vendor
            self._responses.clear()

    def _follow(self, wall: float) -> None:
        self._offset = wall
        self._responses.clear()

    def _pass(self, seconds: float) -> None:
        """Add time that this process did not see to `now`, and leave UTC as it is."""
        self._unseen += seconds
        for name in ("_offset", "_wall_before", "_judged"):
            setattr(self, name, getattr(self, name) - seconds)
        if self._vendor_before is not None:
            self._vendor_before -= seconds

    def _wall_offset(self) -> float:
        return self._wall().timestamp() - self.now()
