"""The newest readings of one feed's channels: how long each may be shown, and who is told when that changes."""

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

# Others get a turn of the event loop after so many seconds; how many readings are kept and told until the next look
# at the clock.
_KEPT_AT_ONCE: Final = 250
_TOLD_AT_ONCE: Final = 25
_MAX_HOLD: Final = 0.003

# A timer may be early by a clock's resolution, and a reading that is about to go stale is none yet.
_LATE: Final = 0.01

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
# What is dated further ahead than this tells no time: it must not pass for the newest until then.
_AHEAD: Final = timedelta(minutes=5)
_FOREVER: Final = timedelta(days=1000 * 365)
_EVER: Final = datetime(2900, 1, 1, tzinfo=UTC)

# A device and a cycle in seconds, by which its measurements tell a rhythm.
type DeviceCycle = tuple[str, float]


class ReadingListener(Protocol):
    """Who looks at a channel."""

    def on_reading(self, reading: Reading | None, is_fresh: bool) -> None:
        """Hear of a new reading, or that the newest one has become too old to be shown, or may be again."""

    def on_channel(self, channel: Channel) -> None:
        """Hear that the vendor says something else of the channel."""


class Clock(Protocol):
    """The account's time."""

    def utc(self) -> datetime:
        """Return the time by which readings age."""

    def latest(self) -> datetime:
        """Return the time after which something lies in the future by every clock."""


class Moment(NamedTuple):
    """When readings are kept: the time by which they age, the latest by any clock, and when their reply came."""

    utc: datetime
    latest: datetime
    received: datetime


@dataclass(slots=True, eq=False)
class ChannelState:
    """What is known of one channel of a feed.

    `channel` is None while nobody looks or is about to; `beat` is there where measurements tell the rhythm.
    `taken` (UTC) is from when on the age of the newest reading counts, `lasts` how long it may be shown by the channel
    itself, `is_exact` that the feed's period does not lengthen that. `is_asked`: it was asked for, so that no reading
    means that the vendor has none. `raw` is the newest reading as the vendor sent it, `reading` that of it which can be
    true within `bounds`. `newest` is the latest sound date of a reading, below which none is accepted. `ahead` is the
    newest reading as it came if it was dated in the future; `raw` then has the time of its receipt.
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
        """Somebody looks at the channel, or is about to."""
        self.channel = channel
        cycle = channel.cycle or timedelta()
        has_beat = channel.cycle is not None and not channel.keep_when_stale
        self.beat = (channel.device, cycle.total_seconds()) if has_beat else None
        self.lasts = _FOREVER if channel.keep_when_stale else CYCLES_UNTIL_STALE * cycle
        self.is_exact = channel.good_for is not None and not channel.keep_when_stale
        if self.is_exact and channel.good_for is not None:
            self.lasts = channel.good_for


class LoopYielder:
    """Lets others have the event loop when it was held for long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began = loop.time()

    async def give_way(self) -> None:
        """Wait for the next turn if this one was long."""
        if self._loop.time() - self._began > _MAX_HOLD:
            await asyncio.sleep(0)
            self._began = self._loop.time()


class ReadingStore:
    """The slots of one feed.

    `hear` is told when devices measured last, `on_stale` that readings became too old, whose channels `tell` then
    tells. `is_whole`: what came at any time would have had a reading of every channel.
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

    # Who looks

    def look(self, channel: Channel) -> tuple[ChannelState, bool]:
        """Note that somebody looks at a channel, which may have a reading already; whether nobody did before."""
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
        """Nobody looks at a channel any more; returns the beat that it had."""
        slot = self.slots[channel.id]
        beat = slot.beat
        slot.channel = slot.listener = slot.beat = None
        slot.is_stale = False
        self._stale.discard(channel.id)
        return beat

    def settle(self) -> None:
        """Let go of channels that nobody came to look at."""
        for slot in self.slots.values():
            if slot.listener is None:
                slot.channel = slot.beat = None

    def _bound(self, slot: ChannelState, channel: Channel) -> None:
        """Judge a held reading anew where the channel can have other values than before: its unit may have changed."""
        bounds = self._plausibility.bounds(channel)
        if slot.bounds is not bounds:
            slot.bounds = bounds
            if slot.raw is not None:
                slot.reading = self._plausibility.judge(bounds, slot.raw)

    def _slot(self, channel_id: ChannelId) -> ChannelState:
        if (slot := self.slots.get(channel_id)) is None:
            slot = self.slots[channel_id] = ChannelState()
        return slot

    # What is held

    @property
    def wanted(self) -> frozenset[ChannelId]:
        """The channels that somebody looks at or is about to."""
        return frozenset(key for key, slot in self.slots.items() if slot.channel is not None)

    def reading(self, channel: Channel) -> Reading | None:
        """The newest reading of a channel, None while there was none."""
        if (slot := self.slots.get(channel.id)) is None:
            return None
        if slot.channel is not channel:
            self._bound(slot, channel)
        return slot.reading

    def shown(self, channel: Channel) -> tuple[Reading | None, bool]:
        """The newest reading of a channel, and whether it may be shown: fresh enough, or known to have no value."""
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
        """Let go of a reading whose unit is not known any more; none that is older takes its place."""
        if (slot := self.slots.get(channel_id)) is not None:
            slot.raw = slot.reading = slot.ahead = None

    def note_asked(self, channels: Iterable[ChannelId]) -> None:
        """A reply has come that would have had readings of these."""
        for key in channels:
            self._slot(key).is_asked = True

    def was_asked(self, slot: ChannelState) -> bool:
        """Whether a reply has come that would have had a reading, if there is one."""
        return slot.is_asked or self.is_whole

    def set_period(self, period: timedelta) -> None:
        """Take how long it is between two polls in the usual run of things: no reading is stale before three."""
        self._least = CYCLES_UNTIL_STALE * period

    def _may_show(self, slot: ChannelState) -> bool:
        if slot.reading is None:
            return self.was_asked(slot)
        return slot.reading.is_live and self._clock.utc() < self._stale_at(slot)

    def _stale_at(self, slot: ChannelState) -> datetime:
        """When a reading is too old."""
        is_own = slot.is_exact or slot.lasts > self._least
        return slot.taken + (slot.lasts if is_own else self._least)

    # What comes

    async def take(
        self,
        readings: Mapping[ChannelId, Reading],
        turns: LoopYielder,
        received: datetime | None = None,
    ) -> None:
        """Keep the readings of a poll; one without a time counts from when the reply was `received`."""
        for some in batched(readings.items(), _KEPT_AT_ONCE, strict=False):
            self._keep(some, received)
            await turns.give_way()
        self._revive()

    def take_push(self, readings: Mapping[ChannelId, Reading]) -> None:
        """Keep readings that came between polls."""
        self._keep(readings.items())
        self._revive()

    def adopt(self, other: ReadingStore, channel: Channel) -> None:
        """Take over what another feed held of a channel that moved here, unless newer is held."""
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
        """Keep the new readings, and note which channels changed and when the first of them goes stale.

        None that was measured before the newest one is kept. Of two with the same time the later reply counts, which
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
        """Note which channels are shown again."""
        for key in list(self._stale):
            slot = self.slots[key]
            if slot.channel is not None and self._may_show(slot):
                self._stale.discard(key)
                slot.is_stale = False
                self._arm(self._stale_at(slot))
                if slot not in self._changed:
                    self._changed.append(slot)

    # Telling

    async def tell_in_turns(self, turns: LoopYielder) -> None:
        """Call the lookers of many channels, and let others have the event loop between some and some."""
        changed, self._changed = self._changed, []
        for some in batched(changed, _TOLD_AT_ONCE, strict=False):
            self._tell(some)
            await turns.give_way()

    def tell(self) -> None:
        """Call the lookers of the channels that changed."""
        if self._changed:
            changed, self._changed = self._changed, []
            self._tell(changed)

    def _tell(self, slots: Iterable[ChannelState]) -> None:
        # Most need no more than this to be known as fresh.
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

    # Growing stale

    def _arm(self, at: datetime) -> None:
        """Wake when a reading goes stale, unless that is later than what is waited for already, or never."""
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
        """Tell those whose reading went stale; wait for the next."""
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
        """Wait for nothing any more."""
        if self._unsub_sweep is not None:
            self._unsub_sweep()
        self._unsub_sweep = self._sweep_at = None

    @property
    def counts(self) -> dict[str, int]:
        """How many channels are wanted, held and stale."""
        return {
            "channels_wanted": len(self.wanted),
            "channels_held": sum(slot.reading is not None for slot in self.slots.values()),
            "channels_stale": len(self._stale),
        }


def _taken_odd(slot: ChannelState, reading: Reading, now: Moment) -> Reading | None:
    """Take a reading without a time, from the future or with a time as its value; None if there is nothing to take.

    A time in the future counts as the time of the first receipt, and so does a value that is one: what happened last
    never lies ahead, nor goes back.
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
    """Whether a dated reading is older than what is held; a clock that was wrong when that came does not count."""
    at, newest, held = reading.measured_at, slot.newest, slot.raw
    if at is None or at > newest or newest > now.latest + _AHEAD:
        return False
    return at < newest or (held is not None and reading.order < held.order)
