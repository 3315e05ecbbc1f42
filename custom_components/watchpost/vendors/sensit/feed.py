"""The live feed: the list of monitors with their newest records, and logs where the list does not tell enough."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ...client.errors import SignInRejectedError, VendorError
from ...client.parsing import sliced
from ...models import (
    Channel,
    ChannelId,
    Device,
    FeedUpdate,
    Freshness,
    Inventory,
    Reading,
    VendorEvent,
)
from .client import WINDOW, Listed, SensitClient
from .entities import (
    MONITORS,
    channels,
    device,
    device_id,
    own_readings,
    record_readings,
    remembered,
)
from .events import port_of, vendor_events
from .history import Logs
from .interval import LEAST, MOST, IntervalEstimator, interval
from .models import MAX_MONITORS, TRIGGER, Kind, Monitor, Record, Value

# Fields of one monitor that become entities at the most.
MAX_SEEN: Final = 300

# Monitors that are remembered at the most, with those that the list no longer has.
MAX_KNOWN: Final = 2 * MAX_MONITORS

# So many monitors are taken before others have the event loop: about 3 ms on a small computer.
_AT_ONCE: Final = 25

# The name under which failing logs are reported.
LOGS: Final = "logs"

# A clock that is further ahead than this tells no time: it must not pass for the newest for ever.
_AHEAD: Final = timedelta(minutes=10)

# Records further apart than so many cycles, or polls, have others between them.
_GAP: Final = 1.5


@dataclass(slots=True)
class Seen:
    """What is known of one monitor: its fields with a value of each, its newest record, its rhythm.

    `heard` is when that record was measured, or came if its date is in the future.
    """

    samples: dict[str, Value]
    pace: IntervalEstimator = field(default_factory=IntervalEstimator)
    newest: Record | None = None
    heard: datetime | None = None
    log_asked: datetime | None = None
    is_followed: bool = False

    def take(self, record: Record, now: datetime, rejected: Counter[str]) -> None:
        """Take the newest record of a list or log, unless a newer one is known."""
        for path, value in record.values.items():
            if path not in self.samples and len(self.samples) >= MAX_SEEN:
                rejected["field: too many seen"] += 1
            elif self.samples.get(path) is None:
                self.samples[path] = value
        if record.date <= now + _AHEAD:
            self.pace.note(record.date)
        if self.newest is None or not record.date < self.newest.date <= now + _AHEAD:
            if self.newest is None or record.date != self.newest.date:
                self.heard = min(record.date, now)
            self.newest = record


class MonitorFeed:
    """Polls the list. `chosen` are the uuids that are wanted; empty means all of them."""

    def __init__(
        self,
        client: SensitClient,
        logs: Logs,
        chosen: frozenset[str],
        clock: tuple[Callable[[], float], Callable[[], datetime]],
    ) -> None:
        self.monitors: dict[str, Monitor] = {}
        self.seen: dict[str, Seen] = {}
        # The account sets these two before the first poll.
        self.remembered: Collection[ChannelId] = ()
        self.find_told_until: Callable[[], datetime | None] = lambda: None
        self._client = client
        self._logs = logs
        self._chosen = chosen
        self._now, self._now_utc = clock
        self._listed: Listed | None = None
        self._interval = LEAST
        self._found: list[VendorEvent] = []
        self._log_errors: dict[str, VendorError] = {}

    def note_log(self, uuid: str, records: Iterable[Record]) -> None:
        """Learn from a log that was read for the statistics: the rhythm, and what was triggered."""
        log = list(records)
        if (seen := self.seen.get(uuid)) is not None:
            seen.pace.note_log(record.date for record in log)
        self._found.extend(vendor_events(device_id(uuid), log))

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """List the monitors; one whose newest record is not there is asked for its log."""
        listed = self._listed
        if listed is None or self._now() >= self._current(listed.freshness).expires:
            listed = self._listed = await self._client.list_monitors()
        now = self._now_utc()
        rejected = Counter(listed.rejected)
        self.monitors = {
            monitor.uuid: monitor
            for monitor in listed.monitors
            if not self._chosen or monitor.uuid in self._chosen
        }
        if len(self.seen) > MAX_KNOWN:
            self.seen = {uuid: seen for uuid, seen in self.seen.items() if uuid in self.monitors}
        asked_for = {channel.device for channel in wanted}
        async for monitor in sliced(list(self.monitors.values()), _AT_ONCE):
            seen = self._seen_of(monitor)
            is_wanted = device_id(monitor.uuid) in asked_for
            if monitor.record is not None:
                before = seen.newest if seen.is_followed else None
                seen.take(monitor.record, now, rejected)
                if is_wanted:
                    await self._follow(monitor, seen, before, monitor.record, rejected)
            elif is_wanted and self._may_ask_log(seen, now):
                await self._take_log(monitor, seen, rejected)
        self._interval = self._next_interval(now)
        found, self._found = self._found, []
        return FeedUpdate(
            readings=await self._readings(now),
            vendor_events=found,
            freshness=(self._current(listed.freshness),),
            inventory=await self._inventory(listed),
            rejected=rejected,
            failures=self._failures(),
        )

    def _failures(self) -> dict[str, VendorError]:
        """Return why the logs of a monitor that is still listed cannot be had, if so; one error stands for all."""
        errors = [err for uuid, err in self._log_errors.items() if uuid in self.monitors]
        return {LOGS: errors[0]} if errors else {}

    def _seen_of(self, monitor: Monitor) -> Seen:
        if monitor.uuid not in self.seen:
            self.seen[monitor.uuid] = Seen(remembered(self.remembered, monitor.uuid))
        return self.seen[monitor.uuid]

    def _next_interval(self, now: datetime) -> timedelta:
        """Return how long the list is taken for current; while a monitor is not known yet, not long."""
        seen = [self.seen[uuid] for uuid in self.monitors]
        if any(found.newest is None and found.log_asked is None for found in seen):
            return LEAST
        return interval((found.pace for found in seen), now)

    def _current(self, freshness: Freshness) -> Freshness:
        """Take a reply that says nothing of its life for current until the next record can be there."""
        if freshness.lifetime:
            return freshness
        seconds = self._interval.total_seconds()
        return replace(freshness, lifetime=seconds, expires=freshness.received + seconds)

    # -- records --

    async def _follow(
        self,
        monitor: Monitor,
        seen: Seen,
        before: Record | None,
        record: Record,
        rejected: Counter[str],
    ) -> None:
        """See what was triggered from the record before up to this one.

        Not while nobody looks: at set-up the list comes first, and the logs once there are entities.
        """
        seen.is_followed = True
        is_news = before is None or before.date < record.date <= self._now_utc() + _AHEAD
        if is_news and (monitor.kind is Kind.SPOD or TRIGGER in record.values):
            await self._look_for_triggers(monitor, seen, before, record, rejected)

    async def _look_for_triggers(
        self,
        monitor: Monitor,
        seen: Seen,
        before: Record | None,
        record: Record,
        rejected: Counter[str],
    ) -> None:
        """See whether the flag went up since the record before; what lies between them is in the log."""
        start = (
            before.date
            if before
            else max(self.find_told_until() or record.date, record.date - WINDOW)
        )
        since = max(start, record.date - WINDOW)
        log: list[Record] = []
        if self._has_missed(seen, before, record) and since < record.date:
            log = await self._log(monitor, since, record.date, rejected)
        known = [before] if before is not None else []
        between = [found for found in log if before is None or found.date > before.date]
        self._found.extend(vendor_events(device_id(monitor.uuid), [*known, *between, record]))

    def _has_missed(self, seen: Seen, before: Record | None, record: Record) -> bool:
        if before is None:
            return True
        usual = max(seen.pace.cycle, self._interval)
        port = port_of(record.values.get(TRIGGER))
        is_other = port not in (0, None, port_of(before.values.get(TRIGGER)))
        return is_other or record.date - before.date > _GAP * usual

    def _may_ask_log(self, seen: Seen, now: datetime) -> bool:
        """A monitor that is silent is not asked at every poll."""
        pause = self._interval if seen.newest is not None and seen.pace.is_active(now) else MOST
        return seen.log_asked is None or now - seen.log_asked >= pause

    async def _take_log(self, monitor: Monitor, seen: Seen, rejected: Counter[str]) -> None:
        """Take the newest record from the log of the last two hours."""
        now = self._now_utc()
        seen.log_asked = now
        before = seen.newest
        records = await self._log(monitor, now - WINDOW, now, rejected)
        # Those last whose time can be true: of them the newest stays.
        for record in sorted(records, key=lambda found: (found.date <= now + _AHEAD, found.date)):
            seen.take(record, now, rejected)
        since = before.date if before else self.find_told_until()
        news = [record for record in records if since is None or record.date >= since]
        self._found.extend(vendor_events(device_id(monitor.uuid), news))

    async def _log(
        self, monitor: Monitor, start: datetime, end: datetime, rejected: Counter[str]
    ) -> list[Record]:
        """Return the records of a period; a log that cannot be had is counted and costs the list nothing."""
        if monitor.kind is None:
            return []
        try:
            parsed = await self._logs.read(monitor.kind, monitor.uuid, start, end)
        except SignInRejectedError:
            raise  # the list would be refused as well
        except VendorError as err:
            rejected[f"log: {type(err).__name__}"] += 1
            self._log_errors[monitor.uuid] = err
            return []
        self._log_errors.pop(monitor.uuid, None)
        rejected += parsed.rejected
        self.seen[monitor.uuid].pace.note_log(record.date for record in parsed.value)
        return parsed.value

    # -- the model --

    async def _readings(self, now: datetime) -> dict[ChannelId, Reading]:
        readings: dict[ChannelId, Reading] = {}
        async for uuid, monitor in sliced(list(self.monitors.items()), _AT_ONCE):
            seen = self.seen[uuid]
            newest = seen.newest.date if seen.newest else None
            age = now - seen.heard if seen.heard else None
            readings.update(own_readings(monitor, newest, seen.pace.cycle, age))
            if seen.newest is not None:
                readings.update(record_readings(uuid, seen.newest, seen.samples))
        return readings

    async def _inventory(self, listed: Listed) -> Inventory:
        listed_devices: list[Device] = []
        offered: list[Channel] = []
        async for uuid, monitor in sliced(list(self.monitors.items()), _AT_ONCE):
            seen = self.seen[uuid]
            listed_devices.append(device(monitor))
            offered.extend(channels(monitor, seen.samples, seen.pace.cycle))
        return Inventory(
            devices=listed_devices,
            channels=offered,
            left_out=frozenset(
                device_id(monitor.uuid)
                for monitor in listed.monitors
                if monitor.uuid not in self.monitors
            ),
            left_out_devices=[
                device(monitor) for monitor in listed.monitors if monitor.uuid not in self.monitors
            ],
            is_complete=not _lacks_monitors(listed.rejected),
            scope=MONITORS,
        )


def _lacks_monitors(rejected: Mapping[str, int]) -> bool:
    """Whether a monitor may be missing from the list; of two with one uuid neither is."""
    return any(
        reason.startswith("monitor:") and reason != "monitor: duplicate uuid" for reason in rejected
    )
