"""Poll the list of monitors with their newest records, and their logs if the list lacks records."""

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
from .client import WINDOW, MonitorList, SensitClient
from .entities import (
    MONITORS,
    channels,
    device,
    device_id,
    monitor_readings,
    record_readings,
    restored_samples,
)
from .events import port_of, vendor_events
from .history import LogReader
from .interval import MAX_INTERVAL, MIN_INTERVAL, IntervalEstimator, poll_interval
from .models import MAX_MONITORS, TRIGGER, Kind, Monitor, Record, Value

# The most fields of one monitor that become entities.
MAX_KNOWN_FIELDS: Final = 300

# The most monitors whose state is stored, with those that the list no longer has.
MAX_KNOWN: Final = 2 * MAX_MONITORS

# After this many monitors the event loop is yielded: about 3 ms on a small computer.
_SLICE: Final = 25

# The name by which failing logs are reported.
LOGS: Final = "logs"

# A record dated further ahead than this has a wrong clock and must not stay the newest for ever.
_MAX_AHEAD: Final = timedelta(minutes=10)

# Records further apart than this many cycles, or polls, have others between them.
_GAP: Final = 1.5


@dataclass(slots=True)
class MonitorState:
    """The state of one monitor: its known fields with a value of each, its newest record, its interval.

    `newest_at` is the date of that record, or when it was received if its date is in the future.
    """

    samples: dict[str, Value]
    estimator: IntervalEstimator = field(default_factory=IntervalEstimator)
    newest: Record | None = None
    newest_at: datetime | None = None
    log_requested_at: datetime | None = None
    has_baseline: bool = False

    def update(self, record: Record, now: datetime, rejected: Counter[str]) -> None:
        """Update the newest record, unless a newer one is known."""
        for path, value in record.values.items():
            if path not in self.samples and len(self.samples) >= MAX_KNOWN_FIELDS:
                rejected["field: too many seen"] += 1
            elif self.samples.get(path) is None:
                self.samples[path] = value
        if record.date <= now + _MAX_AHEAD:
            self.estimator.add_newest(record.date)
        if self.newest is None or not record.date < self.newest.date <= now + _MAX_AHEAD:
            if self.newest is None or record.date != self.newest.date:
                self.newest_at = min(record.date, now)
            self.newest = record


class MonitorFeed:
    """The feed of the list; `chosen` are the uuids of the wanted monitors, empty for all of them."""

    def __init__(
        self,
        client: SensitClient,
        logs: LogReader,
        chosen: frozenset[str],
        clock: tuple[Callable[[], float], Callable[[], datetime]],
    ) -> None:
        self.monitors: dict[str, Monitor] = {}
        self.states: dict[str, MonitorState] = {}
        # The connection sets these two before each poll.
        self.known_channels: Collection[ChannelId] = ()
        self.find_delivered_until: Callable[[], datetime | None] = lambda: None
        self._client = client
        self._logs = logs
        self._chosen = chosen
        self._now, self._now_utc = clock
        self._monitor_list: MonitorList | None = None
        self._interval = MIN_INTERVAL
        self._events: list[VendorEvent] = []
        self._log_errors: dict[str, VendorError] = {}

    def add_log(self, uuid: str, records: Iterable[Record]) -> None:
        """Update interval and canister events from a log that was read for the statistics."""
        log = list(records)
        if (state := self.states.get(uuid)) is not None:
            state.estimator.add_log(record.date for record in log)
        self._events.extend(vendor_events(device_id(uuid), log))

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """List the monitors, and request the log of a wanted one without a record in the list."""
        listed = self._monitor_list
        if listed is None or self._now() >= self._with_lifetime(listed.freshness).expires:
            listed = self._monitor_list = await self._client.list_monitors()
        now = self._now_utc()
        rejected = Counter(listed.rejected)
        self.monitors = {
            monitor.uuid: monitor
            for monitor in listed.monitors
            if not self._chosen or monitor.uuid in self._chosen
        }
        if len(self.states) > MAX_KNOWN:
            self.states = {
                uuid: state for uuid, state in self.states.items() if uuid in self.monitors
            }
        wanted_devices = {channel.device for channel in wanted}
        async for monitor in sliced(list(self.monitors.values()), _SLICE):
            state = self._state_of(monitor)
            is_wanted = device_id(monitor.uuid) in wanted_devices
            if monitor.record is not None:
                before = state.newest if state.has_baseline else None
                state.update(monitor.record, now, rejected)
                if is_wanted:
                    await self._update_events(monitor, state, before, monitor.record, rejected)
            elif is_wanted and self._is_log_due(state, now):
                await self._update_from_log(monitor, state, rejected)
        self._interval = self._next_interval(now)
        events, self._events = self._events, []
        return FeedUpdate(
            readings=await self._readings(now),
            vendor_events=events,
            freshness=(self._with_lifetime(listed.freshness),),
            inventory=await self._inventory(listed),
            rejected=rejected,
            failures=self._failures(),
        )

    def _failures(self) -> dict[str, VendorError]:
        """Return the error of the logs of a listed monitor, if there is one; one error stands for all."""
        errors = [err for uuid, err in self._log_errors.items() if uuid in self.monitors]
        return {LOGS: errors[0]} if errors else {}

    def _state_of(self, monitor: Monitor) -> MonitorState:
        if monitor.uuid not in self.states:
            samples = restored_samples(self.known_channels, monitor.uuid)
            self.states[monitor.uuid] = MonitorState(samples)
        return self.states[monitor.uuid]

    def _next_interval(self, now: datetime) -> timedelta:
        """Return the poll interval; the minimum as long as a monitor has neither record nor log."""
        states = [self.states[uuid] for uuid in self.monitors]
        if any(state.newest is None and state.log_requested_at is None for state in states):
            return MIN_INTERVAL
        return poll_interval((state.estimator for state in states), now)

    def _with_lifetime(self, freshness: Freshness) -> Freshness:
        """Return the freshness; without a stated lifetime the list is current until the next record is due."""
        if freshness.lifetime:
            return freshness
        seconds = self._interval.total_seconds()
        return replace(freshness, lifetime=seconds, expires=freshness.received + seconds)

    # -- records and events --

    async def _update_events(
        self,
        monitor: Monitor,
        state: MonitorState,
        before: Record | None,
        record: Record,
        rejected: Counter[str],
    ) -> None:
        """Add the canister events from the previous record up to this one.

        Only for wanted monitors: at set-up the list comes first, and the logs once there are entities.
        """
        state.has_baseline = True
        is_newer = before is None or before.date < record.date <= self._now_utc() + _MAX_AHEAD
        if is_newer and (monitor.kind is Kind.SPOD or TRIGGER in record.values):
            await self._add_events(monitor, state, before, record, rejected)

    async def _add_events(
        self,
        monitor: Monitor,
        state: MonitorState,
        before: Record | None,
        record: Record,
        rejected: Counter[str],
    ) -> None:
        """Add the canister events since the previous record; the log has the records between."""
        start = (
            before.date
            if before
            else max(self.find_delivered_until() or record.date, record.date - WINDOW)
        )
        since = max(start, record.date - WINDOW)
        log: list[Record] = []
        if self._needs_log(state, before, record) and since < record.date:
            log = await self._fetch_log(monitor, since, record.date, rejected)
        known = [before] if before is not None else []
        between = [each for each in log if before is None or each.date > before.date]
        self._events.extend(vendor_events(device_id(monitor.uuid), [*known, *between, record]))

    def _needs_log(self, state: MonitorState, before: Record | None, record: Record) -> bool:
        """Return whether records or the start of a trigger may be missing between two polls."""
        if before is None:
            return True
        usual = max(state.estimator.cycle, self._interval)
        port = port_of(record.values.get(TRIGGER))
        is_new_port = port not in (0, None, port_of(before.values.get(TRIGGER)))
        return is_new_port or record.date - before.date > _GAP * usual

    def _is_log_due(self, state: MonitorState, now: datetime) -> bool:
        """Return whether to request a log; that of a silent monitor is not requested at every poll."""
        is_active = state.newest is not None and state.estimator.is_active(now)
        pause = self._interval if is_active else MAX_INTERVAL
        return state.log_requested_at is None or now - state.log_requested_at >= pause

    async def _update_from_log(
        self, monitor: Monitor, state: MonitorState, rejected: Counter[str]
    ) -> None:
        """Update the newest record from the log of the last two hours."""
        now = self._now_utc()
        state.log_requested_at = now
        before = state.newest
        records = await self._fetch_log(monitor, now - WINDOW, now, rejected)
        # Records with a possible date come last, so that the newest of them stays.
        for record in sorted(records, key=lambda each: (each.date <= now + _MAX_AHEAD, each.date)):
            state.update(record, now, rejected)
        since = before.date if before else self.find_delivered_until()
        newer = [record for record in records if since is None or record.date >= since]
        self._events.extend(vendor_events(device_id(monitor.uuid), newer))

    async def _fetch_log(
        self, monitor: Monitor, start: datetime, end: datetime, rejected: Counter[str]
    ) -> list[Record]:
        """Return the records of a period; a failing log is counted and does not fail the feed."""
        if monitor.kind is None:
            return []
        try:
            parsed = await self._logs.read(monitor.kind, monitor.uuid, start, end)
        except SignInRejectedError:
            raise  # the list would fail as well
        except VendorError as err:
            rejected[f"log: {type(err).__name__}"] += 1
            self._log_errors[monitor.uuid] = err
            return []
        self._log_errors.pop(monitor.uuid, None)
        rejected += parsed.rejected
        self.states[monitor.uuid].estimator.add_log(record.date for record in parsed.value)
        return parsed.value

    # -- readings and inventory --

    async def _readings(self, now: datetime) -> dict[ChannelId, Reading]:
        readings: dict[ChannelId, Reading] = {}
        async for uuid, monitor in sliced(list(self.monitors.items()), _SLICE):
            state = self.states[uuid]
            newest = state.newest.date if state.newest else None
            age = now - state.newest_at if state.newest_at else None
            readings.update(monitor_readings(monitor, newest, state.estimator.cycle, age))
            if state.newest is not None:
                readings.update(record_readings(uuid, state.newest, state.samples))
        return readings

    async def _inventory(self, listed: MonitorList) -> Inventory:
        listed_devices: list[Device] = []
        listed_channels: list[Channel] = []
        async for uuid, monitor in sliced(list(self.monitors.items()), _SLICE):
            state = self.states[uuid]
            listed_devices.append(device(monitor))
            listed_channels.extend(channels(monitor, state.samples, state.estimator.cycle))
        return Inventory(
            devices=listed_devices,
            channels=listed_channels,
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
    """Return whether the list may lack a monitor; a duplicate uuid does not mean so."""
    return any(
        reason.startswith("monitor:") and reason != "monitor: duplicate uuid" for reason in rejected
    )
