"""The journal of dispatched events; it survives restarts, and after a crash at most one event is repeated.

Each event is written and synced before the next one is dispatched. What lies at or before the baseline counts as
dispatched. As the file grows the oldest events are dropped and the baseline moves up to them, so the journal stays
bounded and still dispatches nothing twice.

Times in the journal are trusted unless they lie in the future. Where the local clock is wrong, more than a day
behind the newest of them, the vendor's clock decides.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import logging
from pathlib import Path
from typing import Final, Protocol

from ...models import VendorEvent
from .journal_file import Content, JournalFile, encode, encode_all

_LOGGER = logging.getLogger(__name__)

MAX_DELIVERED: Final = 5_000

# A clock that is further off than this is not trusted where another one is known.
MAX_CLOCK_ERROR: Final = timedelta(days=1)

# A baseline that was written at the first start is kept unless the clock was further off than this.
BASELINE_TOLERANCE: Final = timedelta(seconds=1)

# Seconds after a start in which the vendor reports events again that a crash kept back: the baseline is kept.
RECOVERY: Final = 3_600.0
# This multiple of the usual number of lines is too many even then.
_TOO_MANY: Final = 5

# Seconds until a failed rewrite is retried.
REWRITE_PAUSE: Final = 60.0

type Executor = Callable[..., Awaitable[object]]


class Clock(Protocol):
    """The clocks of an account."""

    def now(self) -> float:
        """Return monotonic seconds."""

    def now_utc(self) -> datetime:
        """Return the local time (UTC)."""

    def vendor_utc(self) -> datetime | None:
        """Return the vendor's time (UTC), None before the first response."""

    def trusted_utc(self) -> datetime:
        """Return the local time, or the vendor's where the local clock is not trusted (UTC)."""


@dataclass(slots=True)
class PendingEvents:
    """The events of an account that wait to be dispatched or written; the caller keeps them over reloads.

    Messages of cameras exist nowhere else, and a full disk must not repeat an event before a restart.
    """

    # Events to dispatch, in order.
    queue: deque[VendorEvent] = field(default_factory=deque)
    # Times of events in the queue, and of those that count as dispatched with one of them, by id.
    waiting: dict[str, datetime] = field(default_factory=dict)
    covered: dict[str, list[str]] = field(default_factory=dict)
    # Times of dispatched events that could not be written yet, by id.
    unwritten: dict[str, datetime] = field(default_factory=dict)


def remove_journal(path: Path) -> None:
    """Delete a journal's files. Blocks; raises OSError."""
    JournalFile(path).remove()


class EventJournal:
    """The journal of one account; `executor` runs blocking calls, `title` is for the log.

    `pending` are the events that were pending before a reload.
    """

    def __init__(
        self,
        path: Path,
        executor: Executor,
        clock: Clock,
        *,
        title: str,
        pending: PendingEvents,
    ) -> None:
        self._file = JournalFile(path)
        self._executor = executor
        self.clock = clock
        self._title = title
        self.queue = pending.queue
        self._unwritten = pending.unwritten
        self._dispatched: dict[str, datetime] = {}
        self._waiting = pending.waiting
        self._covered = pending.covered
        self._lock = asyncio.Lock()
        self._loaded = Content()
        self._loaded_at = clock.now()
        self._baseline: datetime | None = None
        self._lines = 0
        self._compact_at = 2 * MAX_DELIVERED
        self._written: datetime | None = None
        self._is_settled = False
        self._is_readable = True
        self._is_stale = False
        self._rewrite_at = 0.0
        self._is_growing = False

    @property
    def delivered_until(self) -> datetime:
        """Return the newest time of the dispatched events that does not lie in the future."""
        now = self._now()
        return max((at for at in self._dispatched.values() if at <= now), default=self.baseline)

    @property
    def size(self) -> int:
        """Return how many events the journal has."""
        return len(self._dispatched)

    # Times

    @property
    def baseline(self) -> datetime:
        """Return the time up to which everything counts as dispatched.

        It is computed again until a trusted clock is known.
        """
        if self._baseline is not None:
            return self._baseline
        baseline, is_sure = self._compute_baseline()
        if (
            is_sure
            and self._written is not None
            and abs(baseline - self._written) <= BASELINE_TOLERANCE
        ):
            baseline = self._written
        if is_sure:
            self._baseline = baseline
            self._is_stale |= baseline != self._written
        return baseline

    def _compute_baseline(self) -> tuple[datetime, bool]:
        """Return the baseline by the loaded file, and whether the clock that decided is trusted."""
        elapsed = timedelta(seconds=self.clock.now() - self._loaded_at)
        local, vendor_time = self.clock.now_utc(), self.clock.vendor_utc()
        stored, dispatched = self._loaded.baseline, self._loaded.dispatched.values()
        newest = max((*dispatched, *(() if stored is None else (stored,))), default=None)
        if newest is None:  # a first start, or nothing that can be read
            is_far_off = vendor_time is not None and abs(local - vendor_time) > MAX_CLOCK_ERROR
            now = vendor_time if is_far_off and vendor_time is not None else local
            return now - elapsed, vendor_time is not None or self._is_settled
        is_sure = local >= newest - MAX_CLOCK_ERROR or vendor_time is not None
        now = local if local >= newest - MAX_CLOCK_ERROR else vendor_time or local
        if stored is not None and stored <= now:
            return stored, is_sure
        return max((at for at in dispatched if at <= now), default=now - elapsed), is_sure

    def _now(self) -> datetime:
        """Return the time by a trusted clock."""
        local = self.clock.now_utc()
        newest = max(self._dispatched.values(), default=self.baseline)
        return local if local >= newest - MAX_CLOCK_ERROR else self.clock.vendor_utc() or local

    # Reading

    async def async_load(self) -> None:
        """Read the file. What cannot be read or written is logged; raises nothing."""
        self._loaded_at = self.clock.now()
        try:
            loaded = await self._executor(self._file.load)
        except Exception as err:  # noqa: BLE001  an unreadable journal must not keep the account from loading
            _LOGGER.warning(
                "%s: the journal of dispatched events cannot be read (%s);"
                " what happened while Home Assistant was down is not dispatched",
                self._title,
                type(err).__name__,
            )
            self._is_readable = False
            self._dispatched = dict(self._unwritten)
            return
        assert isinstance(loaded, Content)
        self.take(loaded)
        self._log_damage()
        await self.async_flush()

    async def async_settle(self) -> None:
        """Fix the baseline, once the vendor has answered for the first time; raises nothing."""
        self._is_settled = True
        await self.async_flush()

    def take(self, loaded: Content) -> None:
        """Apply the content of the file."""
        self._loaded, self._written = loaded, loaded.baseline
        self._dispatched = {**loaded.dispatched, **self._unwritten}
        self._lines = len(self._dispatched)
        self._is_stale = not loaded.is_sound

    def _log_damage(self) -> None:
        """Log damage of the file."""
        if not self._loaded.is_there:
            return
        if self._loaded.baseline is None:
            _LOGGER.warning(
                "%s: the beginning of the journal of dispatched events cannot be read;"
                " events count as dispatched up to the newest one that it names",
                self._title,
            )
        elif self._loaded.unreadable:
            _LOGGER.warning(
                "%s: %d lines of the journal of dispatched events cannot be read;"
                " these events may be dispatched again",
                self._title,
                self._loaded.unreadable,
            )

    # Dispatching

    def filter_new(self, vendor_events: Iterable[VendorEvent]) -> list[VendorEvent]:
        """Return the events that were not dispatched yet, by time; from now on they are known.

        An event that follows another is dispatched if that one was known before. Where both come at once, the first
        one stands for both, and the second counts as dispatched with it.
        """
        baseline = self.baseline
        fresh: dict[str, VendorEvent] = {}
        following: list[VendorEvent] = []
        for vendor_event in vendor_events:
            if self._is_known(vendor_event.id) or vendor_event.at <= baseline:
                continue
            if vendor_event.follows is None:
                fresh.setdefault(vendor_event.id, vendor_event)
            else:
                following.append(vendor_event)
        for vendor_event in following:
            first = vendor_event.follows or ""
            if first in fresh:
                self._covered.setdefault(first, []).append(vendor_event.id)
                self._waiting[vendor_event.id] = fresh[first].at
            elif self._is_known(first):
                fresh.setdefault(vendor_event.id, vendor_event)
        self._waiting.update((vendor_event.id, vendor_event.at) for vendor_event in fresh.values())
        return sorted(fresh.values(), key=lambda vendor_event: vendor_event.at)

    def _is_known(self, vendor_event: str) -> bool:
        return vendor_event in self._dispatched or vendor_event in self._waiting

    async def async_mark_delivered(self, vendor_event: VendorEvent) -> None:
        """Record an event as dispatched; return when that would survive a crash.

        Raises the file's errors; the event is then written with the next one.
        """
        dispatched = [vendor_event.id, *self._covered.pop(vendor_event.id, ())]
        for known in dispatched:
            self._dispatched[known] = self._unwritten[known] = vendor_event.at
            self._waiting.pop(known, None)
        async with self._lock:
            await self._write()

    async def async_flush(self) -> bool:
        """Write what could not be written before; return whether nothing is left. Raises nothing."""
        async with self._lock:
            self._rewrite_at = 0.0
            try:
                await self._write()
            except Exception as err:  # noqa: BLE001  any error of the disk may be temporary
                _LOGGER.debug("%s: the journal waits: %s", self._title, type(err).__name__)
        return not self._unwritten and not self._must_rewrite

    # Writing

    @property
    def _must_rewrite(self) -> bool:
        """Return whether to rewrite the file; never while its content or the baseline is not known."""
        has_nothing = self._loaded.baseline is None and not self._loaded.dispatched
        is_known = self.baseline == self._baseline or has_nothing
        return self._is_readable and is_known and (self._is_stale or self._may_compact)

    @property
    def _may_compact(self) -> bool:
        is_recovering = self.clock.now() - self._loaded_at < RECOVERY
        return self._lines > self._compact_at * (_TOO_MANY if is_recovering else 1)

    async def _write(self) -> None:
        """Write pending events: by a new file if necessary, else by appended lines."""
        if self._must_rewrite and self.clock.now() >= self._rewrite_at:
            try:
                await self._rewrite()
            except OSError as err:
                self._rewrite_at = self.clock.now() + REWRITE_PAUSE
                self._report_growing(err)
            else:
                self._is_growing = False
                return
        written = dict(self._unwritten)
        if not written:
            return
        lines = b"".join(encode(at, event_id) for event_id, at in written.items())
        try:
            await self._executor(self._file.append, lines)
        except FileNotFoundError:
            await self._rewrite()
            return
        self._lines += len(written)
        self._forget_written(written)

    def _report_growing(self, err: OSError) -> None:
        if not self._is_growing:
            _LOGGER.warning(
                "%s: the journal of dispatched events cannot be written anew (%s) and stays as it is",
                self._title,
                type(err).__name__,
            )
        self._is_growing = True

    async def _rewrite(self) -> None:
        """Replace the file, without surplus oldest events; a failure leaves everything as it is."""
        written = dict(self._unwritten)
        baseline, dispatched = self._compacted()
        await self._executor(self._file.rewrite, encode_all(baseline, dispatched))
        for gone in self._dispatched.keys() - dispatched.keys():
            # Events dispatched meanwhile are not in the new file and stay.
            if self._dispatched[gone] <= baseline:
                del self._dispatched[gone]
        if self._baseline is not None or len(dispatched) < len(self._dispatched):
            self._baseline = max(self._baseline or baseline, baseline)
        self._written, self._is_stale, self._is_readable = baseline, False, True
        self._lines = len(dispatched)
        self._compact_at = max(2 * MAX_DELIVERED, self._lines + MAX_DELIVERED)
        self._forget_written(written)

    def _compacted(self) -> tuple[datetime, dict[str, datetime]]:
        """Return the content of a new file: the baseline never passes an event that waits, or now."""
        now = self._now()
        oldest_waiting = min(self._waiting.values(), default=None)
        by_time = sorted(self._dispatched.items(), key=lambda item: item[1])
        baseline = self.baseline
        surplus = 0
        for _, at in by_time[:-MAX_DELIVERED] if self._may_compact else ():
            # An event at the very moment of the baseline counts as dispatched.
            is_shared = at >= by_time[-MAX_DELIVERED][1]
            if is_shared or at > now or (oldest_waiting is not None and at >= oldest_waiting):
                break
            baseline = max(baseline, at)
            surplus += 1
        return baseline, dict(by_time[surplus:])

    def _forget_written(self, written: Iterable[str]) -> None:
        for known in written:
            self._unwritten.pop(known, None)
