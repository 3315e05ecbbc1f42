"""Polls one feed when its replies allow it and tells only those who look at what changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
import logging
import traceback
from typing import Any, Final, Protocol, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .const import CYCLES_UNTIL_STALE, DOMAIN
from .engine import cadence
from .engine.lanes import Lane, Lanes
from .engine.model import (
    Channel,
    ChannelId,
    FeedUpdate,
    Freshness,
    Inventory,
    Occurrence,
    Reading,
)
from .vendors.base import Feed
from .vendors.errors import (
    Invalid,
    NotAllowed,
    NothingListed,
    NotSecure,
    PictureMissing,
    PictureRefused,
    RateLimited,
    SignInIncomplete,
    SignInRejected,
    TimedOut,
    UnexpectedReply,
    Unreachable,
    VendorError,
)
from .vendors.ledger import Ledger

_LOGGER = logging.getLogger(__name__)

# The stock coordinator logs a line per feed and failure; the account logs one per change. Tracebacks pass.
_FEED_LOGGER = _LOGGER.getChild("feed")
_FEED_LOGGER.addFilter(
    lambda record: record.levelno <= logging.DEBUG or record.exc_info is not None
)

# Others get a turn of the event loop after so many seconds; how many readings are kept and told until the next look
# at the clock.
_KEPT_AT_ONCE: Final = 250
_TOLD_AT_ONCE: Final = 25
_LONGEST_HOLD: Final = 0.003

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

type OnInventory = Callable[[Inventory], None]
type OnOccurrences = Callable[[Sequence[Occurrence]], None]
type OnOutcome = Callable[["FeedCoordinator", VendorError | None], None]


class Looker(Protocol):
    """Who looks at a channel."""

    def on_reading(self, reading: Reading | None, is_fresh: bool) -> None:
        """Hear of a new reading, or that the newest one has become too old to be shown, or may be again."""

    def on_channel(self, channel: Channel) -> None:
        """Hear that the vendor says something else of the channel."""


@dataclass(slots=True, eq=False)
class Slot:
    """What is known of one channel of a feed.

    `channel` is None while nobody looks or is about to; `beat` is its device and cycle in seconds where measurements
    tell the rhythm. `since` (UTC) is when the newest reading first came, or last came where it tells no time,
    and `taken` from when on its age counts. `is_asked`: it was asked for, so that no reading means that the vendor has
    none.
    """

    channel: Channel | None = None
    beat: tuple[str, float] | None = None
    looker: Looker | None = None
    reading: Reading | None = None
    since: datetime = _NEVER
    taken: datetime = _NEVER
    is_asked: bool = False
    is_stale: bool = False

    def look(self, channel: Channel) -> None:
        """Somebody looks at the channel, or is about to."""
        self.channel = channel
        has_beat = channel.cycle is not None and not channel.stands_when_stale
        cycle = channel.cycle.total_seconds() if channel.cycle is not None else 0.0
        self.beat = (channel.device, cycle) if has_beat else None


@dataclass(slots=True)
class FeedState:
    """What one feed has brought so far."""

    slots: dict[ChannelId, Slot] = field(default_factory=dict)
    set_aside: Counter[str] = field(default_factory=Counter)
    last_success: datetime | None = None


class _Turns:
    """Lets others have the event loop when it was held for long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._began = loop.time()

    async def give_way(self) -> None:
        """Wait for the next turn if this one was long."""
        if self._loop.time() - self._began > _LONGEST_HOLD:
            await asyncio.sleep(0)
            self._began = self._loop.time()


class FeedCoordinator(DataUpdateCoordinator[FeedState]):
    """One feed of one account.

    Subscribers name a channel and hear of that channel alone. Without subscribers nothing is polled.
    """

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        feed: Feed,
        ledger: Ledger,
        *,
        on_inventory: OnInventory,
        on_occurrences: OnOccurrences,
        on_outcome: OnOutcome,
    ) -> None:
        super().__init__(hass, _FEED_LOGGER, config_entry=entry, name=feed.name)
        # The stock timer adds a random fraction to spread polls; ours have a phase of their own.
        self._microsecond = 0.0
        self._period = feed.default_interval
        self._shortest: timedelta | None = None
        self.feed = feed
        self.data = FeedState()
        self.is_signed_out = False
        self._slots = self.data.slots
        self._ledger = ledger
        self._on_inventory = on_inventory
        self._on_occurrences = on_occurrences
        self._on_outcome = on_outcome
        self._lanes = Lanes(feed.most_lanes, ledger.divisions.get(feed.name, ()))
        self._listed_at = float("-inf")
        self._subscribers = 0
        self._changed: list[Slot] = []
        self._occurred: list[Occurrence] = []
        self._stale: set[ChannelId] = set()
        self._is_resting = False
        self._is_scheduled = False
        self._is_catching_up = False
        self._tripped_over: str | None = None
        self._unsub_poll: CALLBACK_TYPE | None = None
        self._unsub_sweep: CALLBACK_TYPE | None = None
        self._sweep_at: datetime | None = None
        entry.async_on_unload(self._cancel_sweep)

    # Who looks

    @callback
    def async_expect(self, channels: Iterable[Channel]) -> None:
        """Say which channels will be looked at, so that a poll brings them before there are entities."""
        for channel in channels:
            self._look(channel)

    @callback
    def async_settle(self) -> None:
        """Let go of expected channels that nobody came to look at."""
        for slot in self._slots.values():
            if slot.looker is None:
                slot.channel = slot.beat = None
        self._forget_targets()

    @callback
    def async_subscribe(self, channel: Channel, looker: Looker) -> None:
        """Tell whenever this channel's reading or availability changes."""
        slot = self._look(channel)
        slot.looker = looker
        self._subscribers += 1
        self._poll_or_rest()
        if self._unsub_poll and self.data.last_success and not self._was_asked(slot):
            self._catch_up()

    @callback
    def async_unsubscribe(self, channel: Channel) -> None:
        """Tell nobody of this channel any more."""
        slot = self._slots[channel.id]
        if slot.beat is not None:
            self._lanes.of(channel.device).forget(*slot.beat)
        slot.channel = slot.looker = slot.beat = None
        slot.is_stale = False
        self._stale.discard(channel.id)
        self._subscribers -= 1
        self._forget_targets()
        self._poll_or_rest()

    def _look(self, channel: Channel) -> Slot:
        """Note that somebody looks at a channel, which may have a reading already."""
        slot = self._slot(channel.id)
        if slot.channel is not channel:
            if slot.channel is None:
                self._forget_targets()
            slot.look(channel)
            if channel.good_for is not None:
                self._shortest = min(channel.good_for, self._shortest or channel.good_for)
            if slot.beat and slot.reading is not None and slot.reading.measured_at is not None:
                self._hear({slot.beat: slot.reading.measured_at})
            self._arm_sweep([slot])
        return slot

    def _slot(self, channel_id: ChannelId) -> Slot:
        if (slot := self._slots.get(channel_id)) is None:
            slot = self._slots[channel_id] = Slot()
        return slot

    @callback
    def _catch_up(self) -> None:
        """Ask, once for many, for channels that the running feed never asked for."""
        if not self._is_catching_up:
            self._is_catching_up = True
            self.config_entry.async_create_background_task(
                self.hass, self.async_request_refresh(), f"{DOMAIN} first readings"
            )

    @callback
    def async_watch(self) -> CALLBACK_TYPE:
        """Keep the feed polled for its own sake, without a channel."""
        return self.async_add_listener(lambda: None)

    @callback
    def async_rest(self, *, rest: bool) -> None:
        """Stop polling while the vendor does not list what this feed serves; readings stand until stale."""
        self._is_resting = rest
        self._poll_or_rest()

    @property
    def is_polled(self) -> bool:
        """Whether somebody looks, so that polls are made."""
        return bool(self._listeners)

    @property
    def wanted(self) -> frozenset[ChannelId]:
        """The channels that somebody looks at or is about to."""
        return frozenset(key for key, slot in self._slots.items() if slot.channel is not None)

    @callback
    def _poll_or_rest(self) -> None:
        should_poll = self._subscribers > 0 and not self._is_resting
        if should_poll and self._unsub_poll is None:
            self._set_timer()
            self._unsub_poll = self.async_watch()
        elif not should_poll and self._unsub_poll is not None:
            self._unsub_poll()
            self._unsub_poll = None

    # What is held

    def slot(self, channel: Channel) -> Slot | None:
        """What is known of a channel."""
        return self._slots.get(channel.id)

    def reading(self, channel: Channel) -> Reading | None:
        """The newest reading of a channel, None while there was none."""
        slot = self._slots.get(channel.id)
        return slot.reading if slot else None

    def is_available(self, channel: Channel) -> bool:
        """Whether the channel's state may be shown: fresh enough, or known to have no value."""
        slot = self._slots.get(channel.id)
        return slot is not None and self._may_show(channel, slot)

    def shown(self, channel: Channel) -> tuple[Reading | None, bool]:
        """The newest reading of a channel, and whether it may be shown."""
        slot = self._slots.get(channel.id)
        return (None, False) if slot is None else (slot.reading, self._may_show(channel, slot))

    def _may_show(self, channel: Channel, slot: Slot) -> bool:
        if slot.reading is None:
            return self._was_asked(slot)
        if not slot.reading.is_live:
            return False
        return channel.stands_when_stale or dt_util.utcnow() < self._stale_at(channel, slot)

    def _was_asked(self, slot: Slot) -> bool:
        """Whether a reply has come that would have had a reading, if there is one."""
        return slot.is_asked or (self.feed.is_whole and self.data.last_success is not None)

    def _stale_at(self, channel: Channel, slot: Slot) -> datetime:
        """When a reading is too old."""
        cycle = channel.cycle
        if cycle is None or cycle < self._period:
            cycle = self._period
        return slot.taken + (channel.good_for or CYCLES_UNTIL_STALE * cycle)

    def _least_age(self) -> timedelta:
        """No reading of this feed is too old sooner than so long after it was taken."""
        usual = CYCLES_UNTIL_STALE * self._period
        return usual if self._shortest is None else min(usual, self._shortest)

    def _usual_period(self) -> float:
        """Seconds between two polls in the usual run of things."""
        lifetimes = [r.lifetime for lane in self._lanes for r in lane.freshness if r.lifetime]
        least = self.feed.least_interval.total_seconds()
        return max(least, *lifetimes) if lifetimes else self.feed.default_interval.total_seconds()

    # Polling

    @override
    async def _async_refresh(
        self,
        log_failures: bool = True,
        raise_on_auth_failed: bool = False,
        scheduled: bool = False,
        raise_on_entry_error: bool = False,
    ) -> None:
        """Refresh; what only waits for its phase is asked by the timer when its time comes, and by hand at once."""
        self._is_scheduled = scheduled
        await super()._async_refresh(
            log_failures, raise_on_auth_failed, scheduled, raise_on_entry_error
        )

    @override
    async def _async_update_data(self) -> FeedState:
        """Poll what is due; before the replies expire only what was never asked."""
        self._is_catching_up = False
        if self.is_signed_out:
            raise self._failure(SignInRejected())
        errands = list(self._errands(self._ledger.now()))
        if not errands:
            self._set_timer()
            return self.data
        turns = _Turns(self.hass.loop)
        occurred: list[Occurrence] = []
        refusal: VendorError | None = None
        is_served = False
        for lane, targets, keep in errands:
            try:
                update = await self._fetch(targets)
            except VendorError as err:
                lane.failures += 1
                lane.error = refusal = err
            else:
                is_served = True
                await self._take(lane, update, targets, turns, keep=keep)
                occurred.extend(update.occurrences)
        if self.feed.most_lanes > 1 and self._lanes.is_new:
            # Not before it is asked for in this division: a reload must find the replies that are held.
            self._ledger.divisions[self.feed.name] = self._lanes.settle()
        self._plan(lane for lane, _, _ in errands)
        error = self._error
        self._on_outcome(self, error)
        await self._tell_in_turns(turns)
        # Not before: whoever comes in between tells what has occurred.
        self._occurred.extend(occurred)
        # Refused credentials are said at once, even if another lane was still served.
        if refusal is not None and (not is_served or isinstance(refusal, SignInRejected)):
            raise self._failure(refusal)
        return self.data

    def _errands(self, now: float) -> Iterable[tuple[Lane, frozenset[ChannelId], bool]]:
        """What to ask for now: each lane with its channels, and whether what it has is kept beside."""
        for lane in self._lanes:
            targets = self._targets(lane)
            if not targets and len(self._lanes) > 1:
                continue
            if (is_current := lane.is_current(now)) and not lane.failures:
                if lane.asked is not targets:
                    targets = frozenset(
                        key for key in targets if not self._was_asked(self._slots[key])
                    )
                    if targets:
                        yield lane, targets, True
            elif not self._is_scheduled or lane.plan.at <= now + cadence.EXPIRY_GUARD:
                yield lane, targets, is_current

    def _targets(self, lane: Lane) -> frozenset[ChannelId]:
        """The channels of a lane that somebody looks at; the same object for as long as they are the same."""
        if lane.targets is None:
            for found in self._lanes:
                found.targets = frozenset()
            mine: dict[int, list[ChannelId]] = {}
            for key, slot in self._slots.items():
                if slot.channel is not None:
                    mine.setdefault(id(self._lanes.of(key.device)), []).append(key)
            for found in self._lanes:
                found.targets = frozenset(mine.get(id(found), ()))
                if found.asked == found.targets:
                    found.asked = found.targets
        return lane.targets or frozenset()

    def _forget_targets(self) -> None:
        for lane in self._lanes:
            lane.targets = None

    async def _fetch(self, targets: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch; a reply that finds a hole in a parser is an unexpected reply, said once."""
        try:
            update = await self.feed.fetch(targets)
        except VendorError:
            raise
        except Exception as err:  # noqa: BLE001  the place is told, not the text: it may quote the reply
            place = traceback.extract_tb(err.__traceback__)[-1]
            trip = f"{type(err).__name__} in {place.name}, line {place.lineno}"
            if trip != self._tripped_over:
                self._tripped_over = trip
                _LOGGER.error("Unexpected %s while polling %s", trip, self.name)
            raise UnexpectedReply(trip) from None
        self._tripped_over = None
        return update

    async def _take(
        self,
        lane: Lane,
        update: FeedUpdate,
        targets: frozenset[ChannelId],
        turns: _Turns,
        *,
        keep: bool,
    ) -> None:
        lane.freshness = (*(lane.freshness if keep else ()), *update.freshness)
        if lane.asked is not targets:
            for key in targets:
                self._slot(key).is_asked = True
            lane.asked = targets if targets is lane.targets else None
        state = self.data
        state.set_aside = update.set_aside
        state.last_success = dt_util.utcnow()
        self._period = timedelta(seconds=self._usual_period())
        lane.error = update.failure if isinstance(update.failure, VendorError) else None
        lane.failures = lane.failures + 1 if lane.error else 0
        for some in batched(update.readings.items(), _KEPT_AT_ONCE, strict=False):
            self._hold(some)
            await turns.give_way()
        self._revive()
        lane.learn(self._ledger.now())
        if update.inventory is not None:
            self._on_inventory(self._counted_once(update.inventory, update.freshness))

    def _counted_once(self, inventory: Inventory, freshness: Sequence[Freshness]) -> Inventory:
        """A reply that is used again is no further list: what it lacks is not missed once more."""
        received = max((reply.received for reply in freshness), default=self._listed_at)
        is_new, self._listed_at = received > self._listed_at, received
        return inventory if is_new else replace(inventory, is_complete=False)

    @callback
    def async_take_push(self, readings: Mapping[ChannelId, Reading]) -> None:
        """Take readings that came between polls, unless newer ones are held."""
        self._hold(
            (key, reading)
            for key, reading in readings.items()
            if (known := self._slot(key).reading) is None or not _is_newer(known, reading)
        )
        self._revive()
        self.async_update_listeners()

    @callback
    def async_adopt(self, other: FeedCoordinator, channel: Channel) -> None:
        """Take over what another feed held of a channel that moved here; it stands until it is stale."""
        known, mine = other.slot(channel), self._slot(channel.id)
        if known is not None and mine.reading is None:
            mine.reading, mine.since, mine.taken = known.reading, known.since, known.taken
            known.reading = None

    def _hold(self, readings: Iterable[tuple[ChannelId, Reading]]) -> None:
        """Keep the new readings and note which channels changed."""
        now = dt_util.utcnow()
        slots, changed, oldest = self._slots, [], now
        heard: dict[tuple[str, float], datetime] = {}
        for key, reading in readings:
            measured_at = reading.measured_at
            if (slot := slots.get(key)) is None:
                slot = slots[key] = Slot()
            elif slot.reading == reading:
                if measured_at is None:
                    slot.since = slot.taken = now
                continue
            slot.reading, slot.since, slot.taken = reading, now, now
            changed.append(slot)
            if measured_at is None:
                continue
            if measured_at < now:  # a time in the future counts from the receipt
                slot.taken = measured_at
                oldest = min(oldest, measured_at)
            if (beat := slot.beat) is not None and heard.get(beat, _NEVER) < measured_at:
                heard[beat] = measured_at
        self._changed.extend(changed)
        self._hear(heard)
        if self._sweep_at is None or oldest + self._least_age() < self._sweep_at:
            self._arm_sweep(changed)

    def _revive(self) -> None:
        """Note which channels are shown again."""
        for key in list(self._stale):
            slot = self._slots[key]
            if slot.channel is not None and self._may_show(slot.channel, slot):
                self._stale.discard(key)
                slot.is_stale = False
                if slot not in self._changed:
                    self._changed.append(slot)

    def _hear(self, dates: Mapping[tuple[str, float], datetime]) -> None:
        """Note when devices measured last, by device and cycle, on the monotonic clock."""
        offset = self._ledger.now() - dt_util.utcnow().timestamp() if dates else 0.0
        for (device, cycle), last in dates.items():
            self._lanes.hear(device, cycle, round(last.timestamp() + offset))

    # Failing and planning

    @property
    def _error(self) -> VendorError | None:
        """What stands in the way of any lane."""
        errors = (lane.error for lane in self._lanes if isinstance(lane.error, VendorError))
        return next(errors, None)

    @property
    def failures(self) -> int:
        """Polls that failed in a row."""
        return max(lane.failures for lane in self._lanes)

    def _plan(self, asked: Iterable[Lane]) -> None:
        """Plan the next polls of lanes that were asked, or of all where the feed is divided anew."""
        if self._lanes.divide(self._ledger.now(), self._period.total_seconds()):
            asked = self._lanes
        for lane in asked:
            lane.plan = self._next(lane)
        self._set_timer()

    def _failure(self, err: VendorError) -> Exception:
        """The one mapping of vendor errors to Home Assistant's, each with the text that a person reads."""
        if isinstance(err, SignInRejected):
            return ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="sign_in_rejected"
            )
        key, placeholders = describe(err)
        return UpdateFailed(
            retry_after=self._seconds_until(self.plan),
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders=placeholders,
        )

    @property
    def plan(self) -> cadence.Plan:
        """When the next poll comes, and why then."""
        lanes = [lane for lane in self._lanes if self._targets(lane)] or list(self._lanes)
        return min((lane.plan for lane in lanes), key=lambda plan: plan.at)

    def _next(self, lane: Lane) -> cadence.Plan:
        now = self._ledger.now()
        return cadence.plan(
            now,
            lane.freshness,
            default=self.feed.default_interval.total_seconds(),
            least=self.feed.least_interval.total_seconds(),
            rhythm=lane.rhythm(now),
            hold_until=self._ledger.hold_until,
            failures=lane.failures,
            rand=self._ledger.rand(),
            delay=lane.delay,
        )

    def _set_timer(self) -> None:
        self.update_interval = timedelta(seconds=self._seconds_until(self.plan))

    def _seconds_until(self, plan: cadence.Plan) -> float:
        """Seconds to give the stock timer, which counts from the last whole second of the loop's clock."""
        now = self.hass.loop.time()
        return max(plan.at - self._ledger.now(), 0.001) + now - int(now)

    # Telling

    async def _tell_in_turns(self, turns: _Turns) -> None:
        """Call the subscribers of many channels, and let others have the event loop between some and some."""
        changed, self._changed = self._changed, []
        for some in batched(changed, _TOLD_AT_ONCE, strict=False):
            self._tell(some)
            await turns.give_way()

    def _tell(self, slots: Iterable[Slot]) -> None:
        # Most need no more than this to be known as fresh.
        surely = dt_util.utcnow() - self._least_age()
        for slot in slots:
            reading, channel, looker = slot.reading, slot.channel, slot.looker
            if looker is not None and channel is not None:
                is_fresh = reading is not None and reading.is_live and slot.taken > surely
                looker.on_reading(reading, is_fresh or self._may_show(channel, slot))

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Call the subscribers of the channels that changed, and nobody else; then tell what happened."""
        changed, self._changed = self._changed, []
        self._tell(changed)
        occurred, self._occurred = self._occurred, []
        if occurred:
            self._on_occurrences(occurred)

    @callback
    def _arm_sweep(self, slots: Iterable[Slot]) -> None:
        """Wake when the first of these readings, or of those waited for already, goes stale."""
        stale_at = self._sweep_at
        for slot in slots:
            channel = slot.channel
            if channel is None or slot.is_stale or slot.reading is None:
                continue
            if not channel.stands_when_stale:
                at = self._stale_at(channel, slot)
                if stale_at is None or at < stale_at:
                    stale_at = at
        if stale_at is None or stale_at == self._sweep_at:
            return
        self._cancel_sweep()
        self._sweep_at = stale_at
        self._unsub_sweep = async_track_point_in_utc_time(self.hass, self._sweep, stale_at)

    @callback
    def _sweep(self, _now: datetime) -> None:
        """Tell those whose reading went stale."""
        self._unsub_sweep = self._sweep_at = None
        for key, slot in self._slots.items():
            channel = slot.channel
            if channel is None or slot.is_stale or slot.reading is None:
                continue
            if not self._may_show(channel, slot):
                slot.is_stale = True
                self._stale.add(key)
                self._changed.append(slot)
        self.async_update_listeners()
        self._arm_sweep(self._slots.values())

    @callback
    def _cancel_sweep(self) -> None:
        if self._unsub_sweep is not None:
            self._unsub_sweep()
        self._unsub_sweep = self._sweep_at = None

    def diagnostics(self) -> dict[str, Any]:
        """Counts and times, never contents."""
        now = self._ledger.now()
        return {
            "is_polled": self.is_polled,
            "last_success": self.data.last_success,
            "last_update_success": self.last_update_success,
            "failures_in_a_row": self.failures,
            "last_error": type(self.last_exception).__name__ if self.last_exception else None,
            "polls": [
                {
                    "next_poll_in_seconds": round(lane.plan.at - now, 1),
                    "next_poll_because": lane.plan.reason,
                    "failures_in_a_row": lane.failures,
                    "fresh_for_seconds": [round(r.expires - now, 1) for r in lane.freshness],
                }
                for lane in self._lanes
            ],
            "channels_wanted": len(self.wanted),
            "channels_held": sum(slot.reading is not None for slot in self._slots.values()),
            "channels_stale": len(self._stale),
            "records_set_aside": dict(self.data.set_aside),
        }


def _is_newer(held: Reading, reading: Reading) -> bool:
    return (
        held.measured_at is not None
        and reading.measured_at is not None
        and held.measured_at > reading.measured_at
    )


ERROR_KEYS: Final[dict[type[VendorError], str]] = {
    SignInRejected: "sign_in_rejected",
    TimedOut: "timed_out",
    Unreachable: "cannot_connect",
    NotSecure: "not_secure",
    UnexpectedReply: "unexpected_reply",
    NothingListed: "nothing_listed",
    PictureMissing: "picture_missing",
    SignInIncomplete: "sign_in_incomplete",
}


def describe(err: VendorError) -> tuple[str, dict[str, str] | None]:
    """The translation key of an error and what to put into its text."""
    match err:
        case NotAllowed(right=right):
            return "not_allowed", {"right": right}
        case RateLimited(retry_at=retry_at):
            return "rate_limited", {"retry_at": f"{dt_util.as_local(retry_at):%Y-%m-%d %H:%M:%S}"}
        case PictureRefused(reason=reason):
            return "picture_refused", {"reason": reason}
        case Invalid(problems=problems):
            listed = (f"{field} {problem}" for field, problem in problems.items())
            return "refused_fields", {"problems": ", ".join(listed)}
        case _:
            return ERROR_KEYS[type(err)], None
