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
_KEPT_AT_ONCE: Final = 250
_TOLD_AT_ONCE: Final = 25
_MAX_HOLD: Final = 0.003

# A timer may be early by a clock's resolution, when the reading is not stale yet.
_LATE: Final = 0.01

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
# A reading dated further ahead has a wrong clock: it must not count as the newest until then.
_AHEAD: Final = timedelta(minutes=5)
_FOREVER: Final = timedelta(days=1000 * 365)
_EVER: Final = datetime(2900, 1, 1, tzinfo=UTC)

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

    `channel` is None without a subscriber, present or expected; `cycle` is set where the channel's measuring cycle is
    known. `aged_from` (UTC) is when the age of the newest reading starts, `max_age` how long it may be shown,
    `is_exact` that the feed's period does not lengthen that. `is_asked`: it was polled, so that no reading means that the vendor
    has none. `raw` is the newest reading as the vendor sent it, `reading` the same with impossible values as unknown,
    by `bounds`. `newest` is the latest plausible date of a reading; older readings are rejected. `ahead` is the newest
    reading as it came if it was dated in the future; `raw` then has the time of its receipt.
    """

    channel: Channel | None = None
    beat: DeviceCycle | None = None
    listener: ReadingListener | None = None
    raw: Reading | None = None
    reading: Reading | None = None
    bounds: Bounds | None = None
    ahead: Reading | None = None
    newest: datetime = _NEVER
    taken: datetime = _NEVER
    lasts: timedelta = timedelta()
    is_exact: bool = False
    is_asked: bool = False
    is_stale: bool = False

    def look(self, channel: Channel) -> None:
        """Set the channel, which has or expects a subscriber."""
        self.channel = channel
        cycle = channel.cycle or timedelta()
        has_beat = channel.cycle is not None and not channel.keep_when_stale
        self.beat = (channel.device, cycle.total_seconds()) if has_beat else None
        self.lasts = _FOREVER if channel.keep_when_stale else CYCLES_UNTIL_STALE * cycle
        self.is_exact = channel.good_for is not None and not channel.keep_when_stale
        if self.is_exact and channel.good_for is not None:
            self.lasts = channel.good_for


class LoopYielder:
    """Yields the event loop when it was blocked for long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began = loop.time()

    async def give_way(self) -> None:
        """Yield to other tasks if this turn was long."""
        if self._loop.time() - self._began > _MAX_HOLD:
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
        hear: Callable[[Mapping[DeviceCycle, datetime]], None],
        on_stale: Callable[[], None],
        plausibility: Plausibility,
    ) -> None:
        self._hass = hass
        self._clock = clock
        self._hear = hear
        self._on_stale = on_stale
        self._plausibility = plausibility
        self.slots: dict[ChannelId, ChannelState] = {}
        self.is_whole = False
        self._least = CYCLES_UNTIL_STALE * period
        self._changed: list[ChannelState] = []
        self._stale: set[ChannelId] = set()
        self._unsub_sweep: CALLBACK_TYPE | None = None
        self._sweep_at: datetime | None = None

    # Subscribers

    def look(self, channel: Channel) -> tuple[ChannelState, bool]:
        """Subscribe to a channel, which may have a reading already; return its state and whether that is new."""
        slot = self._slot(channel.id)
        is_new = slot.channel is None
        if slot.channel is not channel:
            slot.look(channel)
            self._bound(slot, channel)
            if slot.beat and slot.reading is not None and slot.reading.measured_at is not None:
                self._hear({slot.beat: slot.reading.measured_at})
            if slot.reading is not None and not slot.is_stale:
                self._arm(self._stale_at(slot))
        return slot, is_new

    def leave(self, channel: Channel) -> DeviceCycle | None:
        """Unsubscribe from a channel; return the cycle that it had."""
        slot = self.slots[channel.id]
        beat = slot.beat
        slot.channel = slot.listener = slot.beat = None
        slot.is_stale = False
        self._stale.discard(channel.id)
        return beat

    def settle(self) -> None:
        """Drop channels that got no subscriber."""
        for slot in self.slots.values():
            if slot.listener is None:
                slot.channel = slot.beat = None

    def _bound(self, slot: ChannelState, channel: Channel) -> None:
        """Check a stored reading again where the channel has other bounds than before: its unit may have changed."""
        bounds = self._plausibility.bounds(channel)
        if slot.bounds is not bounds:
            slot.bounds = bounds
            if slot.raw is not None:
                slot.reading = self._plausibility.judge(bounds, slot.raw)

    def _slot(self, channel_id: ChannelId) -> ChannelState:
        if (slot := self.slots.get(channel_id)) is None:
            slot = self.slots[channel_id] = ChannelState()
        return slot

    # Stored readings

    @property
    def wanted(self) -> frozenset[ChannelId]:
        """Return the channels with a subscriber, present or expected."""
        return frozenset(key for key, slot in self.slots.items() if slot.channel is not None)

    def reading(self, channel: Channel) -> Reading | None:
        """Return the newest reading of a channel, None while there was none."""
        if (slot := self.slots.get(channel.id)) is None:
            return None
        if slot.channel is not channel:
            self._bound(slot, channel)
        return slot.reading

    def shown(self, channel: Channel) -> tuple[Reading | None, bool]:
        """Return the newest reading of a channel, and whether it may be shown: fresh, or known to have no value."""
        slot = self.slots.get(channel.id)
        if slot is None:
            return None, False
        if slot.channel is not channel:
            self._bound(slot, channel)
        if slot.channel is None:
            slot = ChannelState(reading=slot.reading, taken=slot.taken, is_asked=slot.is_asked)
            slot.look(channel)
        return slot.reading, self._may_show(slot)

    def drop(self, channel_id: ChannelId) -> None:
        """Drop a reading whose unit is no longer known; older readings are rejected all the same."""
        if (slot := self.slots.get(channel_id)) is not None:
            slot.raw = slot.reading = slot.ahead = None

    def note_asked(self, channels: Iterable[ChannelId]) -> None:
        """Mark channels whose readings a response would have had."""
        for key in channels:
            self._slot(key).is_asked = True

    def was_asked(self, slot: ChannelState) -> bool:
        """Return whether a response was received that would have had a reading of the channel."""
        return slot.is_asked or self.is_whole

    def set_period(self, period: timedelta) -> None:
        """Set the usual time between two polls: no reading is stale before three of them."""
        self._least = CYCLES_UNTIL_STALE * period

    def _may_show(self, slot: ChannelState) -> bool:
        if slot.reading is None:
            return self.was_asked(slot)
        return slot.reading.is_live and self._clock.utc() < self._stale_at(slot)

    def _stale_at(self, slot: ChannelState) -> datetime:
        """Return when a reading becomes stale."""
        is_own = slot.is_exact or slot.lasts > self._least
        return slot.taken + (slot.lasts if is_own else self._least)

    # Updates

    async def take(
        self,
        readings: Mapping[ChannelId, Reading],
        turns: LoopYielder,
        received: datetime | None = None,
    ) -> None:
        """Store the readings of a poll; one without a time counts from when the response was `received`."""
        for some in batched(readings.items(), _KEPT_AT_ONCE, strict=False):
            self._keep(some, received)
            await turns.give_way()
        self._revive()

    def take_push(self, readings: Mapping[ChannelId, Reading]) -> None:
        """Store readings that came between polls."""
        self._keep(readings.items())
        self._revive()

    def adopt(self, other: ReadingStore, channel: Channel) -> None:
        """Take over the reading that another feed stored of a channel that moved here, unless a newer one is stored."""
        known, mine = other.slots.get(channel.id), self._slot(channel.id)
        if known is None or known.reading is None:
            return
        if mine.reading is None or _NEVER < mine.newest < known.newest:
            mine.raw, mine.reading, mine.bounds = known.raw, known.reading, known.bounds
            mine.ahead, mine.newest, mine.taken = known.ahead, known.newest, known.taken
        known.raw = known.reading = known.ahead = None

    def _keep(
        self, readings: Iterable[tuple[ChannelId, Reading]], received: datetime | None = None
    ) -> None:
        """Store new readings, and note which channels changed and when the first of them becomes stale.

        Readings measured before the newest one are rejected. Of two with the same time the later response counts, which
        may correct a value, unless the vendor numbers them (`order`): then the higher number does.
        """
        utc = self._clock.utc()
        now = Moment(utc, self._clock.latest(), min(received or utc, utc))
        slots, least = self.slots, self._least
        soonest = utc + _FOREVER
        heard: dict[DeviceCycle, datetime] = {}
        for key, reading in readings:
            measured_at = reading.measured_at
            if (slot := slots.get(key)) is None:
                slot = slots[key] = ChannelState()
            elif slot.raw == reading:
                if measured_at is None:
                    slot.taken = now.received
                continue
            if (
                measured_at is not None
                and measured_at <= utc
                and not isinstance(reading.value, datetime)
            ):
                # As nearly all are.
                if measured_at <= slot.newest and _is_outdated(slot, reading, now):
                    continue
                slot.newest = slot.taken = taken = measured_at
                slot.raw, slot.ahead = reading, None
            elif (timed := _taken_odd(slot, reading, now)) is not None:
                slot.raw, taken = timed, slot.taken
            else:
                continue
            bounds, raw = slot.bounds, slot.raw
            slot.reading = raw if bounds is None else self._plausibility.judge(bounds, raw)
            self._changed.append(slot)
            stale_at = taken + (slot.lasts if slot.is_exact or slot.lasts > least else least)
            if stale_at < soonest and slot.channel is not None and not slot.is_stale:
                soonest = stale_at
            if (
                measured_at is not None
                and slot.ahead is None
                and (beat := slot.beat) is not None
                and heard.get(beat, _NEVER) < measured_at
            ):
                heard[beat] = measured_at
        self._hear(heard)
        self._arm(soonest)

    def _revive(self) -> None:
        """Mark the channels that may be shown again as changed."""
        for key in list(self._stale):
            slot = self.slots[key]
            if slot.channel is not None and self._may_show(slot):
                self._stale.discard(key)
                slot.is_stale = False
                self._arm(self._stale_at(slot))
                if slot not in self._changed:
                    self._changed.append(slot)

    # Dispatch

    async def tell_in_turns(self, turns: LoopYielder) -> None:
        """Call the listeners of the channels that changed, in batches between which the event loop is yielded."""
        changed, self._changed = self._changed, []
        for some in batched(changed, _TOLD_AT_ONCE, strict=False):
            self._tell(some)
            await turns.give_way()

    def tell(self) -> None:
        """Call the listeners of the channels that changed."""
        if self._changed:
            changed, self._changed = self._changed, []
            self._tell(changed)

    def _tell(self, slots: Iterable[ChannelState]) -> None:
        # Most readings are fresh by this comparison alone.
        surely = self._clock.utc() - self._least
        for slot in slots:
            if (listener := slot.listener) is not None:
                reading = slot.reading
                is_fresh = (
                    slot.taken > surely
                    and not slot.is_exact
                    and reading is not None
                    and reading.is_live
                )
                listener.on_reading(reading, is_fresh or self._may_show(slot))

    # Staleness

    def _arm(self, at: datetime) -> None:
        """Set the timer to when a reading becomes stale, unless it is set to an earlier time, or that is never."""
        if at > _EVER or (self._sweep_at is not None and self._sweep_at <= at):
            return
        self.cancel()
        self._sweep_at = at
        wait = (at - self._clock.utc()).total_seconds()
        self._unsub_sweep = async_call_later(self._hass, max(wait, 0.0) + _LATE, self._on_timer)

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self.sweep()

    @callback
    def sweep(self) -> None:
        """Mark the readings that became stale; set the timer to the next."""
        self.cancel()
        self._revive()
        now = self._clock.utc()
        soonest = now + _FOREVER
        for key, slot in self.slots.items():
            if slot.channel is None or slot.is_stale or slot.reading is None:
                continue
            if self._may_show(slot):
                soonest = min(soonest, self._stale_at(slot))
            else:
                slot.is_stale = True
                self._stale.add(key)
                self._changed.append(slot)
        self._arm(soonest)
        self._on_stale()

    @callback
    def cancel(self) -> None:
        """Cancel the timer."""
        if self._unsub_sweep is not None:
            self._unsub_sweep()
        self._unsub_sweep = self._sweep_at = None

    @property
    def counts(self) -> dict[str, int]:
        """Return how many channels are subscribed, have a reading and are stale."""
        return {
            "channels_wanted": len(self.wanted),
            "channels_held": sum(slot.reading is not None for slot in self.slots.values()),
            "channels_stale": len(self._stale),
        }


def _taken_odd(slot: ChannelState, reading: Reading, now: Moment) -> Reading | None:
    """Return a reading without a time, from the future or with a time as its value as it is stored; None to reject it.

    A time in the future counts as the time of the first receipt, and so does a value that is one: "last measurement"
    never lies in the future, nor goes back.
    """
    if slot.ahead == reading or _is_outdated(slot, reading, now):
        return None
    at, value, latest = reading.measured_at, reading.value, now.latest
    is_known = at is not None and slot.ahead is not None and slot.ahead.measured_at == at
    if isinstance(value, datetime):
        value = min(value, latest)
        if value < slot.newest <= latest or is_known:
            return None
        slot.newest = value
    elif at is not None and at <= latest + _AHEAD:
        slot.newest = at
    if not is_known:
        slot.taken = now.received if at is None else min(at, now.utc)
    slot.ahead = None
    if value == reading.value and (at is None or at <= latest):
        return reading
    slot.ahead = reading
    return structs.replace(reading, value=value, measured_at=at and min(at, slot.taken))


def _is_outdated(slot: ChannelState, reading: Reading, now: Moment) -> bool:
    """Return whether a dated reading is older than the stored one, unless that came with a wrong clock."""
    at, newest, held = reading.measured_at, slot.newest, slot.raw
    if at is None or at > newest or newest > now.latest + _AHEAD:
        return False
    return at < newest or (held is not None and reading.order < held.order)
