"""Polls one feed when its replies allow it and tells only those who look at what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
import logging
import traceback
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .const import CYCLES_UNTIL_STALE, DOMAIN
from .engine import cadence
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
    NotSecure,
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

type OnInventory = Callable[[Inventory], None]
type OnOccurrences = Callable[[Sequence[Occurrence]], None]
type OnOutcome = Callable[["FeedCoordinator", VendorError | None], None]


@dataclass(slots=True)
class Held:
    """The newest reading of a channel and when (UTC) it first came, or last came where it tells no time."""

    reading: Reading
    since: datetime


@dataclass(slots=True)
class FeedState:
    """What one feed has brought so far."""

    held: dict[ChannelId, Held] = field(default_factory=dict)
    asked: frozenset[ChannelId] = frozenset()
    freshness: tuple[Freshness, ...] = ()
    set_aside: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    last_success: datetime | None = None


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
        self.feed = feed
        self.data = FeedState()
        self.is_signed_out = False
        self.plan = cadence.Plan(at=0.0, reason="default")
        self._ledger = ledger
        self._on_inventory = on_inventory
        self._on_occurrences = on_occurrences
        self._on_outcome = on_outcome
        self._beats: frozenset[cadence.Beat] = frozenset()
        self._delay = cadence.DELAY
        self._polled_at = 0.0
        self._listed_at = float("-inf")
        self._channels: dict[ChannelId, Channel] = {}
        self._subscribers: dict[ChannelId, CALLBACK_TYPE] = {}
        self._changed: list[ChannelId] = []
        self._occurred: Sequence[Occurrence] = ()
        self._stale: set[ChannelId] = set()
        self._is_resting = False
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
        self._channels.update((channel.id, channel) for channel in channels)

    @callback
    def async_settle(self) -> None:
        """Let go of expected channels that nobody came to look at."""
        for channel_id in self._channels.keys() - self._subscribers.keys():
            del self._channels[channel_id]

    @callback
    def async_subscribe(self, channel: Channel, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Have `update` called whenever this channel's reading or availability changes."""
        self._channels[channel.id] = channel
        self._subscribers[channel.id] = update
        self._arm_sweep([channel.id])
        self._poll_or_rest()
        if self._unsub_poll and self.data.last_success and channel.id not in self.data.asked:
            self._catch_up()

        @callback
        def unsubscribe() -> None:
            self._channels.pop(channel.id, None)
            self._subscribers.pop(channel.id, None)
            self._stale.discard(channel.id)
            self._poll_or_rest()

        return unsubscribe

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
        return frozenset(self._channels)

    @callback
    def _poll_or_rest(self) -> None:
        should_poll = bool(self._subscribers) and not self._is_resting
        if should_poll and self._unsub_poll is None:
            self._set_timer(self.plan)
            self._unsub_poll = self.async_watch()
        elif not should_poll and self._unsub_poll is not None:
            self._unsub_poll()
            self._unsub_poll = None

    # What is held

    def reading(self, channel: Channel) -> Reading | None:
        """The newest reading of a channel, None while there was none."""
        held = self.data.held.get(channel.id)
        return held.reading if held else None

    def is_available(self, channel: Channel) -> bool:
        """Whether the channel's state may be shown: fresh enough, or known to have no value."""
        held = self.data.held.get(channel.id)
        if held is None:
            return channel.id in self.data.asked
        return channel.stands_when_stale or dt_util.utcnow() < self._stale_at(channel, held)

    def _stale_at(self, channel: Channel, held: Held) -> datetime:
        """When a reading is too old; a time in the future counts from the receipt."""
        taken = min(held.reading.measured_at or held.since, held.since)
        usual = CYCLES_UNTIL_STALE * max(channel.cycle or self._period, self._period)
        return taken + (channel.good_for or usual)

    def _usual_period(self) -> float:
        """Seconds between two polls in the usual run of things."""
        lifetimes = [reply.lifetime for reply in self.data.freshness if reply.lifetime]
        least = self.feed.least_interval.total_seconds()
        return max(least, *lifetimes) if lifetimes else self.feed.default_interval.total_seconds()

    # Polling

    @override
    async def _async_update_data(self) -> FeedState:
        """Poll what is due; before the replies expire only what was never asked."""
        self._is_catching_up = False
        if self.is_signed_out:
            raise self._failed(SignInRejected())
        now = self._ledger.now()
        is_current = any(now < reply.expires for reply in self.data.freshness)
        targets = self.wanted
        if is_current and not self.data.failures:
            targets -= self.data.asked
            if not targets:
                self._set_timer(self.plan)
                return self.data
        try:
            update = await self._fetch(targets)
        except VendorError as err:
            failure = self._failed(err)
            self._on_outcome(self, err)
            raise failure from None
        self._take(update, targets, keep=is_current)
        return self.data

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

    def _take(self, update: FeedUpdate, targets: frozenset[ChannelId], *, keep: bool) -> None:
        state = self.data
        state.asked = state.asked | targets if keep else targets
        state.freshness = (*(state.freshness if keep else ()), *update.freshness)
        state.set_aside = update.set_aside
        self._period = timedelta(seconds=self._usual_period())
        state.last_success = dt_util.utcnow()
        failure = update.failure if isinstance(update.failure, VendorError) else None
        state.failures = state.failures + 1 if failure else 0
        self._hold(update.readings)
        self._learn()
        self._occurred = update.occurrences
        self.plan = self._next()
        self._set_timer(self.plan)
        if update.inventory is not None:
            self._on_inventory(self._counted_once(update.inventory, update.freshness))
        self._on_outcome(self, failure)

    def _counted_once(self, inventory: Inventory, freshness: Sequence[Freshness]) -> Inventory:
        """A reply that is used again is no further list: what it lacks is not missed once more."""
        received = max((reply.received for reply in freshness), default=self._listed_at)
        is_new, self._listed_at = received > self._listed_at, received
        return inventory if is_new else replace(inventory, is_complete=False)

    @callback
    def async_take_push(self, readings: Mapping[ChannelId, Reading]) -> None:
        """Take readings that came between polls, unless newer ones are held."""
        held = self.data.held
        self._hold(
            {
                channel_id: reading
                for channel_id, reading in readings.items()
                if channel_id not in held or not _is_newer(held[channel_id].reading, reading)
            }
        )
        self.async_update_listeners()

    @callback
    def async_adopt(self, other: FeedCoordinator, channel: Channel) -> None:
        """Take over what another feed held of a channel that moved here; it stands until it is stale."""
        if (held := other.data.held.pop(channel.id, None)) is not None:
            self.data.held.setdefault(channel.id, held)

    def _hold(self, readings: Mapping[ChannelId, Reading]) -> None:
        """Keep the new readings and note which channels changed."""
        now = dt_util.utcnow()
        held = self.data.held
        for channel_id, reading in readings.items():
            known = held.get(channel_id)
            if known is not None and _is_same(known.reading, reading):
                if reading.measured_at is None:
                    known.since = now
                continue
            held[channel_id] = Held(reading, now)
            self._changed.append(channel_id)
        revived = [key for key in self._stale if self.is_available(self._channels[key])]
        self._stale.difference_update(revived)
        told = set(self._changed)
        self._changed.extend(key for key in revived if key not in told)
        self._arm_sweep(self._changed)

    def _failed(self, err: VendorError) -> Exception:
        """The one mapping of vendor errors to Home Assistant's, each with the text that a person reads."""
        self.data.failures += 1
        self.plan = self._next()
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

    def _next(self) -> cadence.Plan:
        return cadence.plan(
            self._ledger.now(),
            self.data.freshness,
            default=self.feed.default_interval.total_seconds(),
            least=self.feed.least_interval.total_seconds(),
            beats=self._beats,
            hold_until=self._ledger.hold_until,
            failures=self.data.failures,
            rand=self._ledger.rand(),
            delay=self._delay,
        )

    def _learn(self) -> None:
        """Note the rhythm of the sources, and how long after its date a measurement can be read."""
        beats = frozenset(self._heard_beats())
        self._delay = cadence.learned_delay(self._delay, self._polled_at, self._beats, beats)
        self._beats, self._polled_at = beats, self._ledger.now()

    def _heard_beats(self) -> set[cadence.Beat]:
        """When the vendor's sources measured last, on the monotonic clock, each rhythm once."""
        held = self.data.held
        rhythms = {
            (known.reading.measured_at, channel.cycle)
            for channel in self._channels.values()
            if channel.cycle is not None
            and not channel.stands_when_stale
            and (known := held.get(channel.id)) is not None
            and known.reading.measured_at is not None
        }
        offset = self._ledger.now() - dt_util.utcnow().timestamp()
        return {
            cadence.Beat(last=round(last.timestamp() + offset), cycle=cycle.total_seconds())
            for last, cycle in rhythms
        }

    def _set_timer(self, plan: cadence.Plan) -> None:
        self.update_interval = timedelta(seconds=self._seconds_until(plan))

    def _seconds_until(self, plan: cadence.Plan) -> float:
        """Seconds to give the stock timer, which counts from the last whole second of the loop's clock."""
        now = self.hass.loop.time()
        return max(plan.at - self._ledger.now(), 0.001) + now - int(now)

    # Telling

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Call the subscribers of the channels that changed, and nobody else; then tell what happened."""
        changed, self._changed = self._changed, []
        for channel_id in changed:
            if (update := self._subscribers.get(channel_id)) is not None:
                update()
        occurred, self._occurred = self._occurred, ()
        if occurred:
            self._on_occurrences(occurred)

    @callback
    def _arm_sweep(self, channel_ids: Iterable[ChannelId]) -> None:
        """Wake when the first of these readings, or of those waited for already, goes stale."""
        stale_at = min(
            (
                self._stale_at(channel, self.data.held[channel_id])
                for channel_id in channel_ids
                if (channel := self._channels.get(channel_id)) is not None
                and channel_id in self.data.held
                and channel_id not in self._stale
                and not channel.stands_when_stale
            ),
            default=None,
        )
        if stale_at is None or (self._sweep_at is not None and self._sweep_at <= stale_at):
            return
        self._cancel_sweep()
        self._sweep_at = stale_at
        self._unsub_sweep = async_track_point_in_utc_time(self.hass, self._sweep, stale_at)

    @callback
    def _sweep(self, _now: datetime) -> None:
        """Tell those whose reading went stale."""
        self._unsub_sweep = self._sweep_at = None
        gone_stale = [
            channel_id
            for channel_id, channel in self._channels.items()
            if channel_id not in self._stale
            and channel_id in self.data.held
            and not self.is_available(channel)
        ]
        self._stale.update(gone_stale)
        self._changed.extend(gone_stale)
        self.async_update_listeners()
        self._arm_sweep(self._channels)

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
            "failures_in_a_row": self.data.failures,
            "last_error": type(self.last_exception).__name__ if self.last_exception else None,
            "next_poll_in_seconds": round(self.plan.at - now, 1),
            "next_poll_because": self.plan.reason,
            "fresh_for_seconds": [round(f.expires - now, 1) for f in self.data.freshness],
            "channels_wanted": len(self.wanted),
            "channels_held": len(self.data.held),
            "channels_stale": len(self._stale),
            "records_set_aside": dict(self.data.set_aside),
        }


def _is_same(held: Reading, reading: Reading) -> bool:
    """As ==, which would make two tuples for each of thousands of readings."""
    return (
        held.measured_at == reading.measured_at
        and held.value == reading.value
        and held.attributes == reading.attributes
    )


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
    SignInIncomplete: "sign_in_incomplete",
}


def describe(err: VendorError) -> tuple[str, dict[str, str] | None]:
    """The translation key of an error and what to put into its text."""
    match err:
        case NotAllowed(right=right):
            return "not_allowed", {"right": right}
        case RateLimited(retry_at=retry_at):
            return "rate_limited", {"retry_at": f"{dt_util.as_local(retry_at):%Y-%m-%d %H:%M:%S}"}
        case Invalid(problems=problems):
            listed = (f"{field} {problem}" for field, problem in problems.items())
            return "refused_fields", {"problems": ", ".join(listed)}
        case _:
            return ERROR_KEYS[type(err)], None
