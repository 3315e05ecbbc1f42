"""The newest readings of one feed's channels: how long each may be shown, and the listeners of changes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Final, NamedTuple, Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from msgspec import structs

from .const import CYCLES_UNTIL_STALE
from .engine.plausibility import Bounds, Plausibility
from .models import Channel, ChannelId, Reading

# Other tasks get a turn of the event loop after this many seconds; the clock is read after so many readings.
_STORE_BATCH: Final = 250
_DISPATCH_BATCH: Final = 25
_MAX_BLOCKING: Final = 0.003

# A timer may be early by a clock's resolution, when the reading is not stale yet.
_TIMER_MARGIN: Final = 0.01

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
# A reading dated further ahead has a wrong clock: it must not count as the newest until then.
_MAX_CLOCK_ERROR: Final = timedelta(minutes=5)
_FOREVER: Final = timedelta(days=1000 * 365)
_MAX_TIMER: Final = datetime(2900, 1, 1, tzinfo=UTC)

# A device and its measuring cycle in seconds: one source of the phase model.
type DeviceCycle = tuple[str, float]


class ReadingListener(Protocol):
    """A subscriber of one channel."""

    def on_reading(self, reading: Reading | None, is_fresh: bool) -> None:
        """Handle a new reading, or that the newest one became stale or may be shown again."""

    def on_channel(self, channel: Channel) -> None:
        """Handle a changed channel."""


class Clock(Protocol):
    """The account's clocks."""

    def utc(self) -> datetime:
        """Return the time by which readings age."""

    def latest(self) -> datetime:
        """Return the time after which something lies in the future by every clock."""


class Moment(NamedTuple):
    """The time of an update: the time by which readings age, the latest by any clock, and when the response came."""

    utc: datetime
    latest: datetime
    received: datetime


@dataclass(slots=True, eq=False)
class ChannelState:
    """The state of one channel of a feed.

    `channel` is None without a subscriber, present or expected; `device_cycle` is set where the measuring cycle is
    known. `aged_from` (UTC) is when the age of the newest reading starts, `max_age` how long it may be shown,
    `is_exact` that the feed's period does not lengthen that. `is_polled`: it was polled, so that no reading means that
    the vendor has none. `raw` is the newest reading as the vendor sent it, `reading` the same with impossible values as
    unknown, by `bounds`. `newest` is the latest plausible date of a reading; older readings are rejected. `ahead` is
    the newest reading as it came if it was dated in the future; `raw` then has the time of its receipt.
    """

    channel: Channel | None = None
    device_cycle: DeviceCycle | None = None
    listener: ReadingListener | None = None
    raw: Reading | None = None
    reading: Reading | None = None
    bounds: Bounds | None = None
    ahead: Reading | None = None
    newest: datetime = _NEVER
    aged_from: datetime = _NEVER
    max_age: timedelta = timedelta()
    is_exact: bool = False
    is_polled: bool = False
    is_stale: bool = False

    def set_channel(self, channel: Channel) -> None:
        """Set the channel, which has or expects a subscriber."""
        self.channel = channel
        cycle = channel.cycle or timedelta()
        has_cycle = channel.cycle is not None and not channel.keep_when_stale
        self.device_cycle = (channel.device, cycle.total_seconds()) if has_cycle else None
        self.max_age = _FOREVER if channel.keep_when_stale else CYCLES_UNTIL_STALE * cycle
        self.is_exact = channel.good_for is not None and not channel.keep_when_stale
        if self.is_exact and channel.good_for is not None:
            self.max_age = channel.good_for


class LoopYielder:
    """Yields the event loop when it was blocked for long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began = loop.time()

    async def async_yield(self) -> None:
        """Yield to other tasks if this turn was long."""
        if self._loop.time() - self._began > _MAX_BLOCKING:
            await asyncio.sleep(0)
            self._began = self._loop.time()


class ReadingStore:
    """The states of one feed's channels.

    `on_measured` is called with the times at which devices measured last, `on_stale` when readings became stale, after
    which `dispatch` calls their listeners. `covers_all`: every response has the readings of all channels.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        period: timedelta,
        clock: Clock,
        *,
        on_measured: Callable[[Mapping[DeviceCycle, datetime]], None],
        on_stale: Callable[[], None],
        plausibility: Plausibility,
    ) -> None:
        self._hass = hass
        self._clock = clock
        self._on_measured = on_measured
        self._on_stale = on_stale
        self._plausibility = plausibility
        self.states: dict[ChannelId, ChannelState] = {}
        self.covers_all = False
        self._min_age = CYCLES_UNTIL_STALE * period
        self._changed: list[ChannelState] = []
        self._stale: set[ChannelId] = set()
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._timer_at: datetime | None = None

    # Subscribers

    def expect(self, channel: Channel) -> tuple[ChannelState, bool]:
        """Subscribe to a channel, which may have a reading already; return its state and whether that is new."""
        state = self._state(channel.id)
        is_new = state.channel is None
        if state.channel is not channel:
            state.set_channel(channel)
            self._check_bounds(state, channel)
            if (
                state.device_cycle
                and state.reading is not None
                and state.reading.measured_at is not None
            ):
                self._on_measured({state.device_cycle: state.reading.measured_at})
            if state.reading is not None and not state.is_stale:
                self._set_timer(self._stale_at(state))
        return state, is_new

    def release(self, channel: Channel) -> DeviceCycle | None:
        """Unsubscribe from a channel; return the cycle that it had."""
        state = self.states[channel.id]
        device_cycle = state.device_cycle
        state.channel = state.listener = state.device_cycle = None
        state.is_stale = False
        self._stale.discard(channel.id)
        return device_cycle

    def drop_unused(self) -> None:
        """Drop channels that got no subscriber."""
        for state in self.states.values():
            if state.listener is None:
                state.channel = state.device_cycle = None

    def _check_bounds(self, state: ChannelState, channel: Channel) -> None:
        """Check a stored reading again where the channel has other bounds than before: its unit may have changed."""
        bounds = self._plausibility.bounds(channel)
        if state.bounds is not bounds:
            state.bounds = bounds
            if state.raw is not None:
                state.reading = self._plausibility.judge(bounds, state.raw)

    def _state(self, channel_id: ChannelId) -> ChannelState:
        if (state := self.states.get(channel_id)) is None:
            state = self.states[channel_id] = ChannelState()
        return state

    # Stored readings

    @property
    def wanted(self) -> frozenset[ChannelId]:
        """Return the channels with a subscriber, present or expected."""
        return frozenset(key for key, state in self.states.items() if state.channel is not None)

    def reading(self, channel: Channel) -> Reading | None:
        """Return the newest reading of a channel, None while there was none."""
        if (state := self.states.get(channel.id)) is None:
            return None
        if state.channel is not channel:
            self._check_bounds(state, channel)
        return state.reading

    def shown(self, channel: Channel) -> tuple[Reading | None, bool]:
        """Return the newest reading of a channel, and whether it may be shown: fresh, or known to have no value."""
        state = self.states.get(channel.id)
        if state is None:
            return None, False
        if state.channel is not channel:
            self._check_bounds(state, channel)
        if state.channel is None:
            state = ChannelState(
                reading=state.reading, aged_from=state.aged_from, is_polled=state.is_polled
            )
            state.set_channel(channel)
        return state.reading, self._may_show(state)

    def drop(self, channel_id: ChannelId) -> None:
        """Drop a reading whose unit is no longer known; older readings are rejected all the same."""
        if (state := self.states.get(channel_id)) is not None:
            state.raw = state.reading = state.ahead = None

    def mark_polled(self, channels: Iterable[ChannelId]) -> None:
        """Mark channels whose readings a response would have had."""
        for key in channels:
            self._state(key).is_polled = True

    def was_polled(self, state: ChannelState) -> bool:
        """Return whether a response was received that would have had a reading of the channel."""
        return state.is_polled or self.covers_all

    def set_period(self, period: timedelta) -> None:
        """Set the usual time between two polls: no reading is stale before three of them."""
        self._min_age = CYCLES_UNTIL_STALE * period

    def _may_show(self, state: ChannelState) -> bool:
        if state.reading is None:
            return self.was_polled(state)
        return state.reading.is_live and self._clock.utc() < self._stale_at(state)

    def _stale_at(self, state: ChannelState) -> datetime:
        """Return when a reading becomes stale."""
        is_own = state.is_exact or state.max_age > self._min_age
        return state.aged_from + (state.max_age if is_own else self._min_age)

    # Updates

    async def update(
        self,
        readings: Mapping[ChannelId, Reading],
        yielder: LoopYielder,
        received: datetime | None = None,
    ) -> None:
        """Store the readings of a poll; one without a time counts from when the response was `received`."""
        for batch in batched(readings.items(), _STORE_BATCH, strict=False):
            self._update(batch, received)
            await yielder.async_yield()
        self._end_staleness()

    def update_pushed(self, readings: Mapping[ChannelId, Reading]) -> None:
        """Store readings that came between polls."""
        self._update(readings.items())
        self._end_staleness()

    def adopt(self, other: ReadingStore, channel: Channel) -> None:
        """Take over the reading that another feed stored of a channel that moved here, unless a newer one is stored."""
        theirs, mine = other.states.get(channel.id), self._state(channel.id)
        if theirs is None or theirs.reading is None:
            return
        if mine.reading is None or _NEVER < mine.newest < theirs.newest:
            mine.raw, mine.reading, mine.bounds = theirs.raw, theirs.reading, theirs.bounds
            mine.ahead, mine.newest, mine.aged_from = theirs.ahead, theirs.newest, theirs.aged_from
        theirs.raw = theirs.reading = theirs.ahead = None

    def _update(
        self, readings: Iterable[tuple[ChannelId, Reading]], received: datetime | None = None
    ) -> None:
        """Store new readings, and note which channels changed and when the first of them becomes stale.

        Readings measured before the newest one are rejected. Of two with the same time the later response counts, which
        may correct a value, unless the vendor numbers them (`order`): then the higher number does.
        """
        utc = self._clock.utc()
        now = Moment(utc, self._clock.latest(), min(received or utc, utc))
        states, min_age = self.states, self._min_age
        soonest = utc + _FOREVER
        measured: dict[DeviceCycle, datetime] = {}
        for key, reading in readings:
            measured_at = reading.measured_at
            if (state := states.get(key)) is None:
                state = states[key] = ChannelState()
            elif state.raw == reading:
                if measured_at is None:
                    state.aged_from = now.received
                continue
            if (
                measured_at is not None
                and measured_at <= utc
                and not isinstance(reading.value, datetime)
            ):
                # As nearly all are.
                if measured_at <= state.newest and _is_outdated(state, reading, now):
                    continue
                state.newest = state.aged_from = aged_from = measured_at
                state.raw, state.ahead = reading, None
            elif (timed := _adjusted(state, reading, now)) is not None:
                state.raw, aged_from = timed, state.aged_from
            else:
                continue
            bounds, raw = state.bounds, state.raw
            state.reading = raw if bounds is None else self._plausibility.judge(bounds, raw)
            self._changed.append(state)
            stale_at = aged_from + (
                state.max_age if state.is_exact or state.max_age > min_age else min_age
            )
            if stale_at < soonest and state.channel is not None and not state.is_stale:
                soonest = stale_at
            if (
                measured_at is not None
                and state.ahead is None
                and (device_cycle := state.device_cycle) is not None
                and measured.get(device_cycle, _NEVER) < measured_at
            ):
                measured[device_cycle] = measured_at
        self._on_measured(measured)
        self._set_timer(soonest)

    def _end_staleness(self) -> None:
        """Mark the channels that may be shown again as changed."""
        for key in list(self._stale):
            state = self.states[key]
            if state.channel is not None and self._may_show(state):
                self._stale.discard(key)
                state.is_stale = False
                self._set_timer(self._stale_at(state))
                if state not in self._changed:
                    self._changed.append(state)

    # Dispatch

    async def async_dispatch(self, yielder: LoopYielder) -> None:
        """Call the listeners of the channels that changed, in batches between which the event loop is yielded."""
        changed, self._changed = self._changed, []
        for batch in batched(changed, _DISPATCH_BATCH, strict=False):
            self._dispatch(batch)
            await yielder.async_yield()

    def dispatch(self) -> None:
        """Call the listeners of the channels that changed."""
        if self._changed:
            changed, self._changed = self._changed, []
            self._dispatch(changed)

    def _dispatch(self, states: Iterable[ChannelState]) -> None:
        # Most readings are fresh by this comparison only.
        fresh_since = self._clock.utc() - self._min_age
        for state in states:
            if (listener := state.listener) is not None:
                reading = state.reading
                is_fresh = (
                    state.aged_from > fresh_since
                    and not state.is_exact
                    and reading is not None
                    and reading.is_live
                )
                listener.on_reading(reading, is_fresh or self._may_show(state))

    # Staleness

    def _set_timer(self, at: datetime) -> None:
        """Set the timer to when a reading becomes stale, unless it is set to an earlier time, or that is never."""
        if at > _MAX_TIMER or (self._timer_at is not None and self._timer_at <= at):
            return
        self.cancel()
        self._timer_at = at
        wait = (at - self._clock.utc()).total_seconds()
        self._cancel_timer = async_call_later(
            self._hass, max(wait, 0.0) + _TIMER_MARGIN, self._on_timer
        )

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self.mark_stale()

    @callback
    def mark_stale(self) -> None:
        """Mark the readings that became stale; set the timer to the next."""
        self.cancel()
        self._end_staleness()
        now = self._clock.utc()
        soonest = now + _FOREVER
        for key, state in self.states.items():
            if state.channel is None or state.is_stale or state.reading is None:
                continue
            if self._may_show(state):
                soonest = min(soonest, self._stale_at(state))
            else:
                state.is_stale = True
                self._stale.add(key)
                self._changed.append(state)
        self._set_timer(soonest)
        self._on_stale()

    @callback
    def cancel(self) -> None:
        """Cancel the timer."""
        if self._cancel_timer is not None:
            self._cancel_timer()
        self._cancel_timer = self._timer_at = None

    @property
    def counts(self) -> dict[str, int]:
        """Return how many channels are subscribed, have a reading and are stale."""
        return {
            "channels_wanted": len(self.wanted),
            "channels_held": sum(state.reading is not None for state in self.states.values()),
            "channels_stale": len(self._stale),
        }


def _adjusted(state: ChannelState, reading: Reading, now: Moment) -> Reading | None:
    """Return a reading without a time, from the future or with a time as its value as it is stored; None to reject it.

    A time in the future counts as the time of the first receipt, and so does a value that is one: "last measurement"
    never lies in the future, nor goes back.
    """
    if state.ahead == reading or _is_outdated(state, reading, now):
        return None
    at, value, latest = reading.measured_at, reading.value, now.latest
    is_known = at is not None and state.ahead is not None and state.ahead.measured_at == at
    if isinstance(value, datetime):
        value = min(value, latest)
        if value < state.newest <= latest or is_known:
            return None
        state.newest = value
    elif at is not None and at <= latest + _MAX_CLOCK_ERROR:
        state.newest = at
    if not is_known:
        state.aged_from = now.received if at is None else min(at, now.utc)
    state.ahead = None
    if value == reading.value and (at is None or at <= latest):
        return reading
    state.ahead = reading
    return structs.replace(reading, value=value, measured_at=at and min(at, state.aged_from))


def _is_outdated(state: ChannelState, reading: Reading, now: Moment) -> bool:
    """Return whether a dated reading is older than the stored one, unless that came with a wrong clock."""
    at, newest, held = reading.measured_at, state.newest, state.raw
    if at is None or at > newest or newest > now.latest + _MAX_CLOCK_ERROR:
        return False
    return at < newest or (held is not None and reading.order < held.order)
