"""Imports the hours that entities' long-term statistics lack from the vendor's history.

For each channel it is stored up to which hour everything is settled: those hours have a row, or the vendor was asked
long enough after they ended and has nothing. Existing rows are read from the statistics themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
import logging
from typing import Any, Final
from zlib import crc32

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.event import async_call_later, async_track_utc_time_change
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util
import msgspec

from ...const import DOMAIN
from ...models import Channel, ChannelId, Hardware, HistoryTerms
from ..guarded_store import GuardedStore
from ..plausibility import Plausibility
from . import statistics
from .filler import HistoryFiller, ImportResult
from .importer import Ask, BackfillTask, HistoryChannel, HistoryImporter
from .plan import DAY, Progress, compiled_until, hour_from, hour_of
from .progress import ImportNotification

_LOGGER = logging.getLogger(__name__)

FIRST_DAYS: Final = 30
MAX_DAYS: Final = 366

MAX_FAILURES: Final = 3

SAVE_DELAY: Final = 60.0
MAX_UNSEEN: Final = 100


@dataclass(slots=True)
class _Run:
    """The remaining requests of one run, its attempts, and the groups that failed, with the last error."""

    requests_left: int
    attempts: int = 0
    failed: set[str] = field(default_factory=set)
    error: Exception | None = None


class _StoredProgress(msgspec.Struct, array_like=True):
    """The progress of one channel as it is stored."""

    device: str
    key: str
    done: int
    asked: list[int]
    back: int = 0
    first: int = 0

    def is_past(self, now: int) -> bool:
        """Return whether this was written with a right clock; otherwise the channel starts again."""
        return max(self.done, self.back, self.first) <= now

    def progress(self, now: int) -> Progress:
        """Return the progress, without requested hours that lie in the future."""
        asked = {hour for hour in self.asked if self.done <= hour <= now}
        return Progress(self.done, asked, max(self.back, self.first), self.first)


class _Stored(msgspec.Struct):
    """The stored file: until when (seconds) the account was loaded, and the hours in which it was not."""

    seen: float
    unseen: list[tuple[int, int]]
    channels: list[_StoredProgress]


class HistoryBackfill:
    """Fills the gaps of one account: after set-up, every hour, and at the end of an outage.

    `channels` returns the channels that have statistics, `ask` fetches the full hours of channels of one feed,
    `may_ask` returns whether requests are allowed now, `terms` are the vendor's limits, `plausibility` rejects
    impossible hours, `outcome` is called after each run with its error, `requests` counts those made so far,
    `is_clock_right` returns whether the local clock is trusted. A span is fetched and written as one, so at most that
    is repeated when Home Assistant stops in between, and polls go between runs.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        channels: Callable[[], Iterable[HistoryChannel]],
        ask: Ask,
        may_ask: Callable[[], bool],
        terms: HistoryTerms | None = None,
        outcome: Callable[[Exception | None], None] = lambda err: None,
        plausibility: Plausibility | None = None,
        requests: Callable[[], int] | None = None,
        is_clock_right: Callable[[], bool] = lambda: True,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._list_channels = channels
        self._importer = HistoryImporter(
            hass, entry.title, ask, plausibility or Plausibility(Hardware())
        )
        self._may_ask = may_ask
        self._terms = terms or HistoryTerms()
        self._outcome = outcome
        self._requests = requests
        self._is_clock_right = is_clock_right
        self._store = _store(hass, entry)
        self._progress: dict[ChannelId, Progress] | None = None
        self._moved: dict[ChannelId, ChannelId] = {}
        self._failed: set[str] = set()
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._cancel_next: CALLBACK_TYPE | None = None
        self._notification = ImportNotification(hass, entry)
        self._filler = HistoryFiller(self._importer, self._terms, self._notification)

    # Schedule

    @callback
    def async_start(self) -> None:
        """Fill gaps regularly, once Home Assistant runs; never without a recorder."""
        if statistics.is_recording(self._hass):
            self._entry.async_on_unload(self._async_stop)
            self._entry.async_on_unload(async_at_started(self._hass, self._begin))

    @callback
    def _begin(self, hass: HomeAssistant) -> None:
        # Some minutes past the hour, each account at another moment.
        minute, second = divmod(crc32(self._entry.entry_id.encode()) % 480, 60)
        self._entry.async_on_unload(
            async_track_utc_time_change(hass, self.async_fill, minute=12 + minute, second=second)
        )
        self._entry.async_on_unload(
            hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._save_soon)
        )
        self.async_fill()

    @callback
    def async_fill(self, _now: datetime | None = None) -> None:
        """Fill gaps in the background, unless that is running or scheduled."""
        is_under_way = self._task is not None and not self._task.done()
        if is_under_way or self._cancel_next is not None or not statistics.is_recording(self._hass):
            return
        self._task = self._entry.async_create_background_task(
            self._hass, self._run(), f"{DOMAIN} history"
        )

    @callback
    def _go_on(self, _now: datetime) -> None:
        self._cancel_next = None
        self.async_fill()

    async def _run(self) -> None:
        if not self._is_clock_right():
            return  # hours that a wrong clock takes for past would count as settled
        await statistics.async_settle(self._hass)
        async with self._lock:
            progress = await self._load()
            has_more = await self._fill(progress)
        self._save_soon()
        if has_more:
            self._cancel_next = async_call_later(self._hass, self._terms.pause, self._go_on)

    async def _async_stop(self) -> None:
        if self._cancel_next is not None:
            self._cancel_next()
        self._notification.close()
        if self._progress is not None:
            await self._store.async_save(self._data())

    # Stored progress

    @callback
    def async_move(self, channels: Mapping[ChannelId, ChannelId]) -> None:
        """Continue the statistics of old channels with new ones: their gaps are filled from the new channels.

        Called before the first run.
        """
        self._moved |= channels

    def _move_progress(self) -> None:
        """Give new channels the progress of the old ones; their own belongs to other entities."""
        progress = self._progress or {}
        for old, new in self._moved.items():
            if (known := progress.pop(old, None)) is not None:
                progress[new] = known
            elif old != new:
                progress.pop(new, None)
        self._moved = {}

    async def _load(self) -> dict[ChannelId, Progress]:
        """Read the progress; the hours since it was written were not recorded."""
        if self._progress is not None:
            return self._progress
        self._progress = {}
        stored = await self._store.async_load()
        if stored is None:
            return self._progress
        now = hour_of(dt_util.utcnow())
        try:
            content = msgspec.convert(stored, _Stored)
            since = hour_from(dt_util.utc_from_timestamp(content.seen))
        except (msgspec.ValidationError, ValueError, OverflowError, OSError) as err:
            self._store.async_report(err)
            return self._progress
        self._progress = {
            ChannelId(row.device, row.key): row.progress(now)
            for row in content.channels
            if row.is_past(now)
        }
        if since > now + 1:  # it is unknown when the account was loaded last
            since = max((known.done for known in self._progress.values()), default=now)
        unseen = [(start, min(end, now)) for start, end in content.unseen]
        self._importer.unseen = [(start, end) for start, end in unseen if start < end]
        if since < now:
            self._importer.unseen = [*self._importer.unseen, (since, now)][-MAX_UNSEEN:]
        self._move_progress()
        return self._progress

    @callback
    def _save_soon(self, _event: Event | None = None) -> None:
        if self._progress is not None:
            self._store.async_delay_save(self._data, SAVE_DELAY)

    def _data(self) -> dict[str, Any]:
        now = dt_util.utcnow()
        oldest = hour_of(now) - MAX_DAYS * DAY
        return {
            "seen": int(now.timestamp()),
            "unseen": [span for span in self._importer.unseen if span[1] > oldest],
            "channels": [
                [*channel_id, progress.done, sorted(progress.asked), progress.back, progress.first]
                for channel_id, progress in (self._progress or {}).items()
                if progress.done > oldest
            ],
        }

    # Filling

    async def _fill(self, progress: dict[ChannelId, Progress]) -> bool:
        """Fill gaps, a span of one group at a time: the oldest first, then older history of new channels.

        Return whether more can be done soon.
        """
        until = compiled_until(dt_util.utcnow())
        groups = await self._tasks(progress, until)
        run = _Run(self._terms.max_requests)
        self._notification.plan(task for tasks in groups.values() for task in tasks)
        at = {group: min(task.progress.done for task in tasks) for group, tasks in groups.items()}
        while at and self._may_go_on(run):
            group = min(at, key=lambda group: (group in self._failed, at[group]))
            end = min(at[group] + self._terms.span, until)
            is_done = await self._attempt(
                run, group, self._filler.forward(groups[group], at[group], end)
            )
            self._notification.update(groups.values())
            at[group] = end
            if end >= until or not is_done:
                del at[group]
        backs = {
            group: _back(tasks)
            for group, tasks in groups.items()
            if _back(tasks) and group not in run.failed
        }
        while backs and self._may_go_on(run):
            group = max(backs, key=lambda group: backs[group])
            is_done = await self._attempt(
                run, group, self._filler.back(groups[group], backs[group])
            )
            self._notification.update(groups.values())
            backs[group] = _back(groups[group]) if is_done else 0
            if not backs[group]:
                del backs[group]
        self._failed = run.failed
        if run.attempts:
            self._outcome(run.error)
        has_more = bool(at or backs) and run.requests_left <= 0
        if not has_more:
            self._notification.close()
        return has_more

    def _may_go_on(self, run: _Run) -> bool:
        return run.requests_left > 0 and len(run.failed) < MAX_FAILURES and self._may_ask()

    async def _attempt(self, run: _Run, group: str, filling: Awaitable[int]) -> bool:
        """Fill a span and count its requests; a group that fails is retried in the next run."""
        run.attempts += 1
        before = self._requests() if self._requests else 0
        try:
            estimated = await filling
            run.requests_left -= 0 if self._requests else estimated
        except Exception as err:  # noqa: BLE001  one group must not keep the others from being filled
            _LOGGER.debug("%s: no history: %s", self._entry.title, type(err).__name__)
            self._importer.counts["failures"] += 1
            run.failed.add(group)
            run.error = err
            return False
        finally:
            # Days that the vendor lists as empty cost nothing.
            run.requests_left -= self._requests() - before if self._requests else 0
        return True

    async def _tasks(
        self, progress: dict[ChannelId, Progress], until: int
    ) -> dict[str, list[BackfillTask]]:
        """Return by group a task for each entity that may lack hours."""
        channels_by_entity = {source.entity_id: source for source in self._list_channels()}
        channels = {entity_id: source.channel for entity_id, source in channels_by_entity.items()}
        groups: dict[str, list[BackfillTask]] = {}
        begun: set[str] = set()
        for entity_id, series in (await statistics.async_series(self._hass, channels)).items():
            source = channels_by_entity[entity_id]
            group = self._group(source.channel)
            if source.channel.id not in progress:
                progress[source.channel.id] = self._beginning(until)
                begun.add(group)
            known = progress[source.channel.id]
            known.done = max(known.done, until - MAX_DAYS * DAY)
            known.first = min(max(known.first, until - MAX_DAYS * DAY), known.back)
            end = min(until, hour_of(source.measured_at) + 1) if source.measured_at else until
            if known.done < end or known.back > known.first:
                groups.setdefault(group, []).append(BackfillTask(source, series, known, end))
        self._log_cost(len(begun & groups.keys()))
        return groups

    def _group(self, channel: Channel) -> str:
        """Return the name of the group that is requested as one."""
        return channel.device if self._terms.by_device else channel.feed

    def _beginning(self, until: int) -> Progress:
        first = until - FIRST_DAYS * DAY
        if not self._terms.newest_first:
            return Progress(first)
        return Progress(until - DAY, back=until - DAY, first=first)

    def _log_cost(self, groups: int) -> None:
        """Log the cost of a first import, where a request returns so little that it matters."""
        if groups and self._terms.per_request < DAY:
            _LOGGER.info(
                "%s: history of %d days will take up to %d requests, the newest day first",
                self._entry.title,
                FIRST_DAYS,
                groups * FIRST_DAYS * DAY // self._terms.per_request,
            )

    # The import action

    async def async_import(
        self, entity_ids: Collection[str], start: int, end: int
    ) -> dict[str, ImportResult]:
        """Fill the hours in [start, end) of these entities, whatever was asked before.

        Raises ServiceValidationError for an entity without statistics, and what `ask` raises.
        """
        tasks = await self._requested_tasks(entity_ids, end)
        groups: dict[str, dict[str, BackfillTask]] = {}
        for entity_id, task in tasks.items():
            groups.setdefault(self._group(task.source.channel), {})[entity_id] = task
        results = {entity_id: ImportResult() for entity_id in tasks}
        async with self._lock:
            for since in range(start, end, self._terms.span):
                until = min(since + self._terms.span, end)
                for members in groups.values():
                    await self._filler.on_request(members, results, since, until)
        return results

    async def _requested_tasks(
        self, entity_ids: Collection[str], end: int
    ) -> dict[str, BackfillTask]:
        known: dict[str, statistics.Series] = {}
        channels_by_entity: dict[str, HistoryChannel] = {}
        if statistics.is_recording(self._hass):
            await statistics.async_settle(self._hass)
            channels_by_entity = {source.entity_id: source for source in self._list_channels()}
            wanted = {
                key: channels_by_entity[key].channel
                for key in entity_ids
                if key in channels_by_entity
            }
            known = await statistics.async_series(self._hass, wanted)
        for entity_id in entity_ids:
            if entity_id not in known:
                raise refused("history_no_statistics", target=entity_id)
        return {
            key: BackfillTask(channels_by_entity[key], known[key], Progress(0), end)
            for key in entity_ids
        }

    def diagnostics(self) -> dict[str, Any]:
        """Return counts, never contents."""
        return {
            "is_recording": statistics.is_recording(self._hass),
            "is_filling": self._task is not None and not self._task.done(),
            "channels": len(self._progress or ()),
            "times_unseen": len(self._importer.unseen),
            "feeds_failed": len(self._failed),
            **self._importer.counts,
        }


def _back(tasks: Iterable[BackfillTask]) -> int:
    """Return the hour down from which older ones are still to be asked for; 0 for none."""
    return max(
        (task.progress.back for task in tasks if task.progress.back > task.progress.first),
        default=0,
    )


def _store(hass: HomeAssistant, entry: ConfigEntry) -> GuardedStore:
    return GuardedStore(hass, entry, "history", "how far history is imported", private=False)


async def async_forget(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the stored progress of an account that was removed."""
    await _store(hass, entry).async_remove()


def refused(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the translated error of an invalid action call."""
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
