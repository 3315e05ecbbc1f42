"""Polls one feed when its responses have expired and updates only the entities whose reading changed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import logging
import traceback
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .client import cache_control
from .client.budget import RequestBudget
from .client.errors import SignInRejectedError, UnexpectedResponseError, VendorError
from .client.optional_resources import is_unavailable
from .const import DOMAIN
from .contract.vendor import Feed
from .engine.plausibility import Plausibility
from .engine.polling import schedule
from .engine.polling.groups import PollGroup, PollGroups
from .error_messages import translate_error
from .models import Channel, ChannelId, FeedUpdate, Freshness, Inventory, Reading, VendorEvent
from .reading_store import ChannelState, LoopYielder, ReadingListener, ReadingStore

_LOGGER = logging.getLogger(__name__)

# The base class logs a line per feed and failure; the outage tracker logs one per change. Tracebacks pass.
_FEED_LOGGER = _LOGGER.getChild("feed")
_FEED_LOGGER.addFilter(
    lambda record: record.levelno <= logging.DEBUG or record.exc_info is not None
)

type OnInventory = Callable[[Inventory], None]
type OnUnits = Callable[[Inventory], Inventory]
type OnVendorEvents = Callable[[Sequence[VendorEvent]], None]
type OnOutcome = Callable[["FeedCoordinator", VendorError | None], None]


@dataclass(slots=True)
class FeedState:
    """The state of one feed; its readings are in the reading store."""

    last_success: datetime | None = None


class FeedCoordinator(DataUpdateCoordinator[FeedState]):
    """The coordinator of one feed of one account.

    A listener subscribes to one channel and is called for that channel alone. Without subscribers nothing is polled.
    """

    config_entry: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        feed: Feed,
        budget: RequestBudget,
        *,
        on_inventory: OnInventory,
        on_units: OnUnits,
        list_first: Callable[[], Awaitable[None] | None] | None = None,
        on_vendor_events: OnVendorEvents,
        on_outcome: OnOutcome,
        plausibility: Plausibility,
    ) -> None:
        super().__init__(hass, _FEED_LOGGER, config_entry=entry, name=feed.name)
        # The base class adds a random fraction to spread polls; ours are planned in phase with the sources.
        self._microsecond = 0.0
        self._period = feed.default_interval
        self.feed = feed
        self.data = FeedState()
        self.is_signed_out = False
        self.store = ReadingStore(
            hass,
            feed.default_interval,
            budget.clock,
            on_measured=self._on_measured,
            on_stale=self.async_update_listeners,
            plausibility=plausibility,
        )
        self._budget = budget
        self._on_inventory = on_inventory
        self._on_units = on_units
        self._list_first = list_first
        self._due_at = 0.0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._on_vendor_events = on_vendor_events
        self._on_outcome = on_outcome
        self._poll_groups = PollGroups(feed.max_groups, budget.divisions.get(feed.name, ()))
        self._subscribers = 0
        self._pending_events: list[VendorEvent] = []
        self._is_paused = False
        self._is_scheduled = False
        self._is_catching_up = False
        self._last_parser_error: str | None = None
        self._unsub_poll: CALLBACK_TYPE | None = None
        entry.async_on_unload(self.store.cancel)

    # Subscribers

    @callback
    def async_expect(self, channels: Iterable[Channel]) -> None:
        """Include channels in polls that will have subscribers once their entities are added."""
        for channel in channels:
            self._expect(channel)

    @callback
    def async_settle(self) -> None:
        """Drop expected channels that got no subscriber."""
        self.store.drop_unused()
        self._forget_targets()

    @callback
    def async_subscribe(self, channel: Channel, listener: ReadingListener) -> None:
        """Call a listener whenever this channel's reading or availability changes."""
        state = self._expect(channel)
        state.listener = listener
        self._subscribers += 1
        self._update_polling()
        if self._unsub_poll and self.data.last_success and not self.store.was_polled(state):
            self._catch_up()

    @callback
    def async_unsubscribe(self, channel: Channel) -> None:
        """Unsubscribe the listener of this channel."""
        if (device_cycle := self.store.release(channel)) is not None:
            self._poll_groups.of(channel.device).remove_source(*device_cycle)
        self._subscribers -= 1
        self._forget_targets()
        self._update_polling()

    def _expect(self, channel: Channel) -> ChannelState:
        """Include a channel in polls; return its state."""
        state, is_new = self.store.expect(channel)
        if is_new:
            self._forget_targets()
        return state

    @callback
    def _catch_up(self) -> None:
        """Poll once for all channels that were subscribed after the latest poll."""
        if not self._is_catching_up:
            self._is_catching_up = True
            self.config_entry.async_create_background_task(
                self.hass, self.async_request_refresh(), f"{DOMAIN} first readings"
            )

    @callback
    def async_watch(self) -> CALLBACK_TYPE:
        """Keep the feed polled without a subscribed channel; return a function that ends it."""
        return self.async_add_listener(lambda: None)

    @callback
    def async_pause(self, *, is_paused: bool) -> None:
        """Pause polling while the vendor does not list this feed's devices; readings are shown until stale."""
        self._is_paused = is_paused
        self._update_polling()

    @property
    def is_polled(self) -> bool:
        """Return whether there are subscribers, so that the feed is polled."""
        return bool(self._listeners)

    @callback
    def _update_polling(self) -> None:
        should_poll = self._subscribers > 0 and not self._is_paused
        if should_poll and self._unsub_poll is None:
            self._set_timer()
            self._unsub_poll = self.async_watch()
        elif not should_poll and self._unsub_poll is not None:
            self._unsub_poll()
            self._unsub_poll = None

    def _usual_period(self) -> float:
        """Return the usual seconds between two polls."""
        lifetimes = [
            r.lifetime
            for poll_group in self._poll_groups
            for r in poll_group.freshness
            if r.lifetime
        ]
        min_interval = self.feed.min_interval.total_seconds()
        return (
            max(min_interval, *lifetimes)
            if lifetimes
            else self.feed.default_interval.total_seconds()
        )

    # Polling

    @override
    async def _async_refresh(
        self,
        log_failures: bool = True,
        raise_on_auth_failed: bool = False,
        scheduled: bool = False,
        raise_on_entry_error: bool = False,
    ) -> None:
        """Refresh; a poll group that is put off for its phase is polled by the timer later, and by hand at once."""
        self._is_scheduled = scheduled
        self._is_idle.clear()
        try:
            await super()._async_refresh(
                log_failures, raise_on_auth_failed, scheduled, raise_on_entry_error
            )
        finally:
            self._is_idle.set()

    def is_due(self, within: float) -> bool:
        """Return whether a poll is running, or due `within` so many seconds."""
        if not self._is_idle.is_set():
            return True
        return self._due_at - self._budget.now() <= within and self.is_polled

    async def async_poll_due(self) -> None:
        """Wait until a poll is due and poll; wait for a poll that is running."""
        if self._is_idle.is_set():
            await asyncio.sleep(max(self.plan.at - self._budget.now(), 0.0))
            if self._is_idle.is_set():
                await self.async_refresh()
        else:
            await self._is_idle.wait()

    @override
    async def _async_update_data(self) -> FeedState:
        """Poll the groups that are due; before a response expires only channels that were never asked for."""
        self._is_catching_up = False
        if self.is_signed_out:
            raise self._failure(SignInRejectedError())
        due_requests = list(self._due_requests(self._budget.now()))
        if not due_requests:
            self._set_timer()
            return self.data
        if self._list_first is not None and (list_poll := self._list_first()) is not None:
            await list_poll
        yielder = LoopYielder(self.hass.loop)
        events: list[VendorEvent] = []
        refusal: VendorError | None = None
        is_served = False
        for poll_group, targets, keep in due_requests:
            try:
                update = await self._fetch(targets)
            except VendorError as err:
                poll_group.failures += 1
                poll_group.error = refusal = err
            else:
                is_served = True
                await self._apply(poll_group, update, targets, yielder, keep=keep)
                events.extend(update.vendor_events)
        if self.feed.max_groups > 1 and self._poll_groups.is_new:
            # Not before it is polled in this division: a reload must find the cached responses.
            self._budget.divisions[self.feed.name] = self._poll_groups.confirm()
        self._plan(poll_group for poll_group, _, _ in due_requests)
        error = self._error
        self._on_outcome(self, error)
        await self.store.async_dispatch(yielder)
        # After the states: an update in between would dispatch these events first.
        self._pending_events.extend(events)
        # Rejected credentials are raised at once, even if another poll group succeeded.
        if refusal is not None and (not is_served or isinstance(refusal, SignInRejectedError)):
            raise self._failure(refusal)
        return self.data

    def _due_requests(self, now: float) -> Iterable[tuple[PollGroup, frozenset[ChannelId], bool]]:
        """Yield the requests that are due: poll group, channels, and whether its freshness is kept beside."""
        for poll_group in self._poll_groups:
            targets = self._targets(poll_group)
            if not targets and len(self._poll_groups) > 1:
                continue
            if (is_current := poll_group.is_current(now)) and not poll_group.failures:
                if poll_group.asked is not targets:
                    targets = frozenset(
                        key for key in targets if not self.store.was_polled(self.store.states[key])
                    )
                    if targets:
                        yield poll_group, targets, True
            elif not self._is_scheduled or poll_group.plan.at <= now + schedule.EXPIRY_GUARD:
                yield poll_group, targets, is_current

    def _targets(self, poll_group: PollGroup) -> frozenset[ChannelId]:
        """Return the subscribed channels of a poll group; the same object while they do not change."""
        if poll_group.targets is None:
            for group in self._poll_groups:
                group.targets = frozenset()
            keys_by_group: dict[int, list[ChannelId]] = {}
            for key, state in self.store.states.items():
                if state.channel is not None:
                    keys_by_group.setdefault(id(self._poll_groups.of(key.device)), []).append(key)
            for group in self._poll_groups:
                group.targets = frozenset(keys_by_group.get(id(group), ()))
                if group.asked == group.targets:
                    group.asked = group.targets
        return poll_group.targets or frozenset()

    def _forget_targets(self) -> None:
        for poll_group in self._poll_groups:
            poll_group.targets = None

    async def _fetch(self, targets: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch; an exception of the parser counts as an unexpected response and is logged once."""
        try:
            update = await self.feed.fetch(targets)
        except VendorError:
            raise
        except Exception as err:  # noqa: BLE001  log the place, not the text: it may quote the response
            place = traceback.extract_tb(err.__traceback__)[-1]
            description = f"{type(err).__name__} in {place.name}, line {place.lineno}"
            if description != self._last_parser_error:
                self._last_parser_error = description
                _LOGGER.error("Unexpected %s while polling %s", description, self.name)
            raise UnexpectedResponseError(description) from None
        self._last_parser_error = None
        return update

    async def _apply(
        self,
        poll_group: PollGroup,
        update: FeedUpdate,
        targets: frozenset[ChannelId],
        yielder: LoopYielder,
        *,
        keep: bool,
    ) -> None:
        poll_group.freshness = (*(poll_group.freshness if keep else ()), *update.freshness)
        if poll_group.asked is not targets:
            self.store.mark_polled(targets)
            poll_group.asked = targets if targets is poll_group.targets else None
        poll_group.rejected = update.rejected
        self.data.last_success = self._budget.now_utc()
        self.store.covers_all = self.feed.is_whole
        self._period = timedelta(seconds=self._usual_period())
        self.store.set_period(self._period)
        poll_group.error = update.failure if isinstance(update.failure, VendorError) else None
        poll_group.failures = (
            poll_group.failures + 1 if poll_group.error or self._is_worth_asking(update) else 0
        )
        poll_group.resource_errors = update.failures
        inventory = update.inventory
        if inventory is not None:
            # Before the readings: those of the same response are in the units that it names.
            inventory = self._on_units(_dated(inventory, update.freshness))
        received = self._received(update.freshness) if update.readings else None
        await self.store.update(update.readings, yielder, received)
        poll_group.update_delay(self._budget.now())
        if inventory is not None:
            self._on_inventory(inventory)

    def _received(self, freshness: Sequence[Freshness]) -> datetime | None:
        """Return when the newest of these responses was received; a cached one keeps its time."""
        if not freshness:
            return None
        age = self._budget.now() - max(reply.received for reply in freshness)
        return self._budget.now_utc() - timedelta(seconds=max(age, 0.0))

    def _is_worth_asking(self, update: FeedUpdate) -> bool:
        """Return whether an optional resource may recover long before a feed of this interval is due."""
        is_slow = self.feed.default_interval.total_seconds() >= cache_control.MAX_BACKOFF
        return is_slow and not all(map(is_unavailable, update.failures.values()))

    @callback
    def async_update_readings(self, readings: Mapping[ChannelId, Reading]) -> None:
        """Store readings that came between polls, unless newer ones are stored."""
        self.store.update_pushed(readings)
        self.async_update_listeners()

    def _on_measured(self, dates: Mapping[tuple[str, float], datetime]) -> None:
        """Record when devices measured last, by device and cycle, on the monotonic clock."""
        if not dates:
            return
        offset = self._budget.now() - self._budget.now_utc().timestamp()
        for (device, cycle), last in dates.items():
            self._poll_groups.add_measurement(device, cycle, round(last.timestamp() + offset))

    @callback
    def async_catch_up_with_time(self, wait: float) -> None:
        """Make stale readings unavailable, and poll in `wait` seconds: the process did not run for some time."""
        self.store.mark_stale()
        if not self.is_polled or self.is_signed_out:
            return
        soon = self._budget.now() + wait
        for poll_group in self._poll_groups:
            if poll_group.plan.at < soon:
                poll_group.plan = replace(poll_group.plan, at=soon)
        self._set_timer()
        self._schedule_refresh()

    # Errors and schedule

    @property
    def _error(self) -> VendorError | None:
        """Return the first error of the poll groups."""
        errors = (
            poll_group.error
            for poll_group in self._poll_groups
            if isinstance(poll_group.error, VendorError)
        )
        return next(errors, None)

    @property
    def resource_errors(self) -> dict[str, VendorError]:
        """Return the errors of the feed's optional resources in the newest polls, by name."""
        return {
            name: err
            for poll_group in self._poll_groups
            for name, err in poll_group.resource_errors.items()
            if isinstance(err, VendorError)
        }

    @property
    def failures(self) -> int:
        """Return how many polls failed in a row."""
        return max(poll_group.failures for poll_group in self._poll_groups)

    def _plan(self, asked: Iterable[PollGroup]) -> None:
        """Plan the next polls of poll groups that were polled, or of all after a new division."""
        if self._poll_groups.divide(self._budget.now(), self._period.total_seconds()):
            asked = self._poll_groups
        for poll_group in asked:
            poll_group.plan = self._next(poll_group)
        self._set_timer()

    def _failure(self, err: VendorError) -> Exception:
        """Return the translated UpdateFailed for a vendor error."""
        # Not ConfigEntryAuthFailed, which starts reauth and stops polling at once: the rejection may be temporary.
        key, placeholders = translate_error(err)
        return UpdateFailed(
            retry_after=cache_control.DAY if self.is_signed_out else self._seconds_until(self.plan),
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders=placeholders,
        )

    @property
    def plan(self) -> schedule.Plan:
        """Return the time of the next poll and its reason."""
        poll_groups = [
            poll_group for poll_group in self._poll_groups if self._targets(poll_group)
        ] or list(self._poll_groups)
        return min((poll_group.plan for poll_group in poll_groups), key=lambda plan: plan.at)

    def _next(self, poll_group: PollGroup) -> schedule.Plan:
        now = self._budget.now()
        return schedule.plan(
            now,
            poll_group.freshness,
            default=self.feed.default_interval.total_seconds(),
            min_interval=self.feed.min_interval.total_seconds(),
            phase_model=poll_group.phase_model(now),
            hold_until=self._budget.paused_until,
            failures=poll_group.failures,
            rand=self._budget.rand(),
            delay=poll_group.delay,
        )

    def _set_timer(self) -> None:
        plan = self.plan
        self._due_at = plan.at
        self.update_interval = timedelta(seconds=self._seconds_until(plan))

    def _seconds_until(self, plan: schedule.Plan) -> float:
        """Return the interval for the base class, whose timer counts from the last whole second of the loop's clock."""
        now = self.hass.loop.time()
        return max(plan.at - self._budget.now(), 0.001) + now - int(now)

    # Dispatch

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Call the listeners of changed channels only; then dispatch events."""
        self.store.dispatch()
        events, self._pending_events = self._pending_events, []
        if events:
            self._on_vendor_events(events)

    @property
    def rejected(self) -> Counter[str]:
        """Return how many malformed records the newest responses had, by place and reason."""
        return sum((poll_group.rejected for poll_group in self._poll_groups), Counter())

    def diagnostics(self) -> dict[str, Any]:
        """Return counts and times, never contents."""
        now = self._budget.now()
        return {
            "is_polled": self.is_polled,
            "last_success": self.data.last_success,
            "last_update_success": self.last_update_success,
            "failures_in_a_row": self.failures,
            "last_error": type(self.last_exception).__name__ if self.last_exception else None,
            "polls": [
                {
                    "next_poll_in_seconds": round(poll_group.plan.at - now, 1),
                    "next_poll_because": poll_group.plan.reason,
                    "failures_in_a_row": poll_group.failures,
                    "fresh_for_seconds": [round(r.expires - now, 1) for r in poll_group.freshness],
                }
                for poll_group in self._poll_groups
            ],
            **self.store.counts,
            "records_set_aside": dict(self.rejected),
            "resources_missing": {
                name: type(err).__name__ for name, err in self.resource_errors.items()
            },
        }


def _dated(inventory: Inventory, freshness: Sequence[Freshness]) -> Inventory:
    """Set when a list was received: a cached response must not count as a further list without a device."""
    if inventory.received is not None or inventory.lists is not None:
        return inventory
    if not freshness:
        return replace(inventory, is_complete=False)
    return replace(inventory, received=min(reply.received for reply in freshness))
