"""One signed-in account at run time: its connection, feeds, inventory, events, history and webhook."""

import asyncio
from collections.abc import (
    Awaitable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
import logging
from pathlib import Path
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util.hass_dict import HassKey

from .client.budget import RequestBudget
from .client.errors import VendorError
from .clock_watch import ClockWatch
from .const import DOMAIN, FIRST_READINGS_TIMEOUT
from .contract.vendor import Connection, Feed, PersistData, Vendor
from .coordinator import FeedCoordinator
from .engine.battery_issues import BatteryIssues
from .engine.events.dispatcher import EventDispatcher
from .engine.events.journal import EventJournal, PendingEvents, remove_journal
from .engine.history.backfill import HistoryBackfill
from .engine.history.daily_totals import DailyTotalsImporter
from .engine.history.importer import HistoryChannel
from .engine.history.statistics import has_mean
from .engine.media.snapshots import SnapshotManager
from .engine.plausibility import Plausibility
from .engine.push.callback_url import own_hosts
from .engine.push.webhook import WebhookReceiver
from .engine.vendor_storage import VendorStorage
from .inventory import AccountInventory
from .models import Channel, ChannelId, FeedUpdate, Inventory, Reading, VendorEvent
from .outages import OutageTracker, async_clear_issues
from .reading_store import ReadingListener
from .registries import RegistryHelper
from .replacements import ReplacementStore

_LOGGER = logging.getLogger(__name__)

type WatchpostConfigEntry = ConfigEntry[Account]

# A list that is due within this many seconds of readings is polled first; they wait for it at most so long.
_LIST_LOOKAHEAD: Final = 2.0
_LIST_TIMEOUT: Final = 5.0

BUDGETS: Final[HassKey[dict[str, RequestBudget]]] = HassKey(f"{DOMAIN}_ledgers")
# By account: events that wait to be dispatched or to be written to the journal, kept over reloads.
PENDING_EVENTS: Final[HassKey[dict[str, PendingEvents]]] = HassKey(f"{DOMAIN}_pending_events")
# By config flow that is open: the accounts that it tried.
TRIED_ACCOUNTS: Final[HassKey[dict[str, set[str]]]] = HassKey(f"{DOMAIN}_tried_accounts")


@callback
def async_get_budget(hass: HomeAssistant, key: str) -> RequestBudget:
    """Return the request budget of an account; one for the config flow, set-up and every reload."""
    budget = hass.data.setdefault(BUDGETS, {}).setdefault(key, RequestBudget())
    if hass.is_stopping:
        budget.stop()
    return budget


@callback
def async_stop_requests(hass: HomeAssistant) -> None:
    """Cancel pending requests when Home Assistant stops, which would wait for them otherwise."""

    @callback
    def stop(_event: Event) -> None:
        for budget in hass.data.get(BUDGETS, {}).values():
            budget.stop()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop)


def journal_path(hass: HomeAssistant, entry: ConfigEntry) -> Path:
    """Return the path of the account's event journal."""
    return Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry.entry_id}.journal"))


def _open_journal(hass: HomeAssistant, entry: ConfigEntry, budget: RequestBudget) -> EventJournal:
    """Return the account's journal, not yet loaded."""
    return EventJournal(
        journal_path(hass, entry),
        hass.async_add_executor_job,
        budget,
        title=entry.title,
        pending=hass.data.setdefault(PENDING_EVENTS, {}).setdefault(
            entry.entry_id, PendingEvents()
        ),
    )


async def async_forget_journal(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the journal of an account that is removed."""
    hass.data.get(PENDING_EVENTS, {}).pop(entry.entry_id, None)
    try:
        await hass.async_add_executor_job(remove_journal, journal_path(hass, entry))
    except OSError as err:
        _LOGGER.warning(
            "%s: the journal of dispatched events cannot be deleted (%s)",
            entry.title,
            type(err).__name__,
        )


@callback
def async_drop_budget(hass: HomeAssistant, key: str) -> None:
    """Delete the request budget of an account that was removed."""
    hass.data.get(BUDGETS, {}).pop(key, None)


@callback
def async_note_tried_account(hass: HomeAssistant, flow_id: str, key: str) -> None:
    """Note that an open config flow tries an account."""
    hass.data.setdefault(TRIED_ACCOUNTS, {}).setdefault(flow_id, set()).add(key)


@callback
def async_drop_tried_budgets(hass: HomeAssistant, flow_id: str, in_use: Collection[str]) -> None:
    """Delete the request budgets of accounts that a flow tried and did not add.

    Those that another open flow tries are kept, and those on hold.
    """
    budgets, tried = hass.data.get(BUDGETS, {}), hass.data.get(TRIED_ACCOUNTS, {})
    tried.pop(flow_id, None)
    in_use = {*in_use}.union(*tried.values())
    for key in [key for key in budgets if key not in in_use and not budgets[key].is_any_paused]:
        del budgets[key]


@callback
def async_connect(
    hass: HomeAssistant,
    vendor: Vendor,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    keep: PersistData,
) -> tuple[Connection, RequestBudget]:
    """Return a connection on Home Assistant's session and the account's request budget; raises `NotSecureError`."""
    budget = async_get_budget(hass, vendor.budget_key(data))
    connection = vendor.connect(async_get_clientsession(hass), budget, data, options, keep)
    if connection.resolver is not None:
        connection.resolver.own_hosts = partial(own_hosts, hass)
    return connection, budget


@callback
def async_connect_entry(
    hass: HomeAssistant, vendor: Vendor, entry: ConfigEntry
) -> tuple[Connection, RequestBudget]:
    """Return the connection of an account that is set up; it stores new credentials in the entry at once."""

    @callback
    def keep(values: Mapping[str, Any]) -> None:
        hass.config_entries.async_update_entry(entry, data={**entry.data, **values})

    return async_connect(hass, vendor, entry.data, entry.options, keep)


class Account:
    """The run-time data of one config entry."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: WatchpostConfigEntry,
        vendor: Vendor,
        connection: Connection,
        budget: RequestBudget,
        *,
        decisions: ReplacementStore,
    ) -> None:
        self.hass = hass
        self.entry = entry
        self.vendor = vendor
        self.connection = connection
        self.budget = budget
        self.plausibility = Plausibility(connection.hardware)
        connection.is_possible = self.plausibility.is_possible
        self.coordinators: dict[str, FeedCoordinator] = {}
        self.registries = RegistryHelper(hass, entry)
        self.outages = OutageTracker(
            hass,
            entry,
            self.coordinators,
            inventory=connection.inventory_feed.name,
            transport=connection.transport,
            on_over=self._on_over,
        )
        self.inventory = AccountInventory(
            hass, entry, connection, self.coordinators, self.registries, decisions=decisions
        )
        self.journal = _open_journal(hass, entry, budget)
        self.battery_issues = BatteryIssues(hass, entry, self.inventory.tracker, self.reading)
        self.vendor_storage = VendorStorage(hass, entry)
        self.snapshots: SnapshotManager | None = None
        self.push: WebhookReceiver | None = None
        self.history_backfill = HistoryBackfill(
            hass,
            entry,
            channels=self._history_channels,
            ask=connection.history,
            may_ask=self._may_ask,
            terms=connection.history_terms,
            plausibility=self.plausibility,
            outcome=self.outages.async_follow_history,
            requests=budget.requests_made,
            is_clock_right=lambda: budget.is_clock_plausible,
        )
        self.daily_totals = DailyTotalsImporter(
            hass, entry, connection.daily, self._may_ask, self.plausibility
        )
        self._channel_listeners: dict[ChannelId, tuple[ReadingListener, Channel]] = {}
        self.dispatcher = EventDispatcher(hass, entry, vendor.key, self.journal, self)
        self._stop_inventory_polling: CALLBACK_TYPE | None = None
        self.inventory_coordinator = self._coordinator(connection.inventory_feed)

    # Set-up

    async def async_start(self) -> None:
        """Fetch the first inventory and, as far as they come in time, the first readings.

        Raises ConfigEntryNotReady when the inventory cannot be had, also because the credentials were refused: that
        is tried again, for as long as it takes.
        """
        self.entry.async_on_unload(self._stop)
        async_clear_issues(self.hass, self.entry, is_starting=True)
        self.inventory.async_restore()
        await self.journal.async_load()
        self.connection.find_told_until = lambda: self.journal.delivered_until
        self.dispatcher.async_start()
        await self._async_restore()
        self._register_webhook()
        await self.outages.async_probe_before_set_up()
        await self.inventory_coordinator.async_config_entry_first_refresh()
        # By now a response has given the vendor's time, which decides on a journal with doubtful times.
        await self.journal.async_settle()
        self.outages.async_start()
        await self._async_refresh_others()

    async def _async_restore(self) -> None:
        """Restore the vendor's stored state and the pictures of its cameras."""
        self.connection.recall(await self.vendor_storage.async_load())
        self.connection.remember = self.vendor_storage.async_remember
        self.connection.show = self.async_apply
        self.entry.async_on_unload(self.vendor_storage.async_flush)
        if (cameras := self.connection.cameras) is not None:
            self.snapshots = SnapshotManager(
                self.hass,
                self.entry,
                cameras,
                taken=lambda device, at: self.async_apply(cameras.taken(device, at)),
            )
            await self.snapshots.async_load()
            self.connection.album = self.snapshots

    async def _async_refresh_others(self) -> None:
        others = [
            self.entry.async_create_background_task(
                self.hass, coordinator.async_refresh(), f"{DOMAIN} first {coordinator.name}"
            )
            for coordinator in self.coordinators.values()
            if coordinator is not self.inventory_coordinator and coordinator.store.wanted
        ]
        if others:
            await asyncio.wait(others, timeout=FIRST_READINGS_TIMEOUT)

    @callback
    def async_settle(self) -> None:
        """Poll only the channels of enabled entities from now on; called once the platforms are set up."""
        for coordinator in self.coordinators.values():
            coordinator.async_settle()
        self._update_inventory_polling()
        clock_watch = ClockWatch(self.hass, self.entry, self.budget, self.coordinators.values)
        self.entry.async_on_unload(clock_watch.async_start())
        self.entry.async_on_unload(async_at_started(self.hass, self._start_dispatching))
        self.history_backfill.async_start()
        self.daily_totals.async_start()
        if self.push is not None:
            self.push.async_start()

    @callback
    def _register_webhook(self) -> None:
        """Receive webhook calls from the start: some carry data that cannot be polled."""
        if self.connection.push is not None:
            self.push = WebhookReceiver(
                self.hass,
                self.entry,
                self.connection.push,
                apply=self.async_apply,
                outcome=self.outages.async_follow_push,
                expected=VendorError,
            )
            self.push.async_listen()

    @callback
    def _stop(self) -> None:
        self.outages.async_stop()
        if self._stop_inventory_polling is not None:
            self._stop_inventory_polling()
        # Requests that are still pending must not update entities of the account that is set up next.
        self.connection.show = None

    def _coordinator(self, feed: Feed) -> FeedCoordinator:
        coordinator = FeedCoordinator(
            self.hass,
            self.entry,
            feed,
            feed.budget or self.budget,
            on_inventory=self._on_inventory,
            on_units=self.inventory.async_settle_units,
            list_first=self._list_first if self.coordinators else None,
            on_vendor_events=self._on_vendor_events,
            on_outcome=self._on_outcome,
            plausibility=self.plausibility,
        )
        self.coordinators[feed.name] = coordinator
        return coordinator

    # Subscriptions and readings

    @callback
    def async_subscribe(self, channel: Channel, listener: ReadingListener) -> None:
        """Call a listener for a channel's readings and changes, whichever feed carries them by then."""
        self.coordinators[channel.feed].async_subscribe(channel, listener)
        self._channel_listeners[channel.id] = (listener, channel)
        self._update_inventory_polling()

    @callback
    def async_unsubscribe(self, channel_id: ChannelId) -> None:
        """Unsubscribe the listener of a channel."""
        _, channel = self._channel_listeners.pop(channel_id)
        self.coordinators[channel.feed].async_unsubscribe(channel)
        self._update_inventory_polling()

    @callback
    def _update_inventory_polling(self) -> None:
        """Poll the inventory while there are subscribers, or no channels to subscribe to."""
        should_poll = bool(self._channel_listeners) or not self.inventory.tracker.channels
        if should_poll and self._stop_inventory_polling is None:
            self._stop_inventory_polling = self.inventory_coordinator.async_watch()
        elif not should_poll and self._stop_inventory_polling is not None:
            self._stop_inventory_polling()
            self._stop_inventory_polling = None

    def reading(self, channel: Channel) -> Reading | None:
        """Return the newest reading of a channel."""
        return self.coordinators[channel.feed].store.reading(channel)

    def _history_channels(self) -> Iterator[HistoryChannel]:
        """Yield the channels with a reading and an enabled entity, whose history may be imported."""
        for channel in self.inventory.tracker.channels.values():
            coordinator = self.coordinators.get(channel.feed)
            reading = (
                coordinator.store.reading(channel) if coordinator and has_mean(channel) else None
            )
            known = self.registries.entity(channel) if reading else None
            if reading and known and known.disabled_by is None:
                yield HistoryChannel(channel, known.entity_id, reading.measured_at)

    def _may_ask(self) -> bool:
        """Return whether the vendor may be asked for history: signed in, not on hold and with a clock that is right."""
        is_refused = self.connection.transport.sign_in_state.is_refused
        return not is_refused and not self.budget.is_paused and self.budget.is_clock_plausible

    def shown(self, channel: Channel) -> tuple[Reading | None, bool]:
        """Return the newest reading of a channel, and whether it may be shown."""
        return self.coordinators[channel.feed].store.shown(channel)

    def is_available(self, channel: Channel) -> bool:
        """Return whether the channel's reading may be shown."""
        return self.shown(channel)[1]

    async def async_request_refresh(self, channel: Channel) -> None:
        """Refresh a channel's feed, as far as the vendor's cache headers allow."""
        await self.coordinators[channel.feed].async_request_refresh()

    def unique_id(self, channel_id: ChannelId) -> str:
        """Return `<vendor>:<account id>:<device id>:<channel key>`, which must never change."""
        return self.registries.unique_id(channel_id)

    def identifier(self, device_id: str) -> tuple[str, str]:
        """Return the device registry's identifier of a device, which must never change."""
        return self.registries.identifier(device_id)

    def device_info(self, device_id: str) -> DeviceInfo:
        """Return the device info that binds an entity to its device."""
        return self.registries.device_info(device_id)

    # Updates and events

    @callback
    def _start_dispatching(self, _hass: HomeAssistant) -> None:
        self.dispatcher.async_open()

    @callback
    def async_apply(self, update: FeedUpdate) -> None:
        """Apply an update that came between polls: inventory first, then readings, then events."""
        if update.inventory is not None:
            self._on_inventory(self.inventory.async_settle_units(update.inventory))
        by_feed: dict[str, dict[ChannelId, Reading]] = {}
        for channel_id, reading in update.readings.items():
            if (channel := self.inventory.tracker.channels.get(channel_id)) is not None:
                by_feed.setdefault(channel.feed, {})[channel_id] = reading
        for feed, readings in by_feed.items():
            if (coordinator := self.coordinators.get(feed)) is not None:
                coordinator.async_update_readings(readings)
        self._on_vendor_events(update.vendor_events)

    @callback
    def _on_vendor_events(self, vendor_events: Sequence[VendorEvent]) -> None:
        for vendor_event in vendor_events:
            self.battery_issues.async_notice(vendor_event)
        self.dispatcher.async_add(vendor_events)

    def device_id(self, device: str) -> str | None:
        """Return the device registry's id of a device."""
        entry = self.registries.device(device)
        return entry.id if entry else None

    def entity_id(self, channel: ChannelId) -> str | None:
        """Return the entity id of a channel."""
        known = self.inventory.tracker.channels.get(channel)
        entity = known and self.registries.entity(known)
        return entity.entity_id if entity else None

    def is_awaited(self, channel: ChannelId) -> bool:
        """Return whether a channel was offered to its platform and its entity has not subscribed yet."""
        return self.inventory.is_offered(channel) and channel not in self._channel_listeners

    # Inventory

    @callback
    def _list_first(self) -> Awaitable[None] | None:
        """Poll a list that is due together with readings first: it may name another unit for them."""
        return (
            self._async_list_due() if self.inventory_coordinator.is_due(_LIST_LOOKAHEAD) else None
        )

    async def _async_list_due(self) -> None:
        list_poll = self.entry.async_create_background_task(
            self.hass, self.inventory_coordinator.async_poll_due(), f"{DOMAIN} list before values"
        )
        await asyncio.wait({list_poll}, timeout=_LIST_TIMEOUT)

    @callback
    def _on_inventory(self, inventory: Inventory) -> None:
        if moved := self.inventory.async_replace(inventory):
            self.history_backfill.async_move(moved)
        changes = self.inventory.async_apply(inventory)
        if inventory.scope == self.inventory_coordinator.name:
            self._reconcile_feeds(inventory)
        for channel in changes.moved:
            self._resubscribe(channel)
        self.inventory.async_offer(changes.channels)

    @callback
    def _reconcile_feeds(self, inventory: Inventory) -> None:
        """Start the feeds that the inventory calls for; pause those that it no longer names."""
        feeds = {feed.name: feed for feed in self.connection.feeds(inventory)}
        for name, feed in feeds.items():
            if name not in self.coordinators:
                self._coordinator(feed)
        for name, coordinator in list(self.coordinators.items()):
            if coordinator is self.inventory_coordinator:
                continue
            coordinator.async_pause(is_paused=name not in feeds)
            if name not in feeds:
                self.outages.async_leave(name)
            if name not in feeds and not coordinator.store.wanted:
                del self.coordinators[name]

    @callback
    def _resubscribe(self, channel: Channel) -> None:
        if channel.id not in self._channel_listeners:
            return
        listener, before = self._channel_listeners[channel.id]
        self.coordinators[before.feed].async_unsubscribe(before)
        for coordinator in self.coordinators.values():
            if coordinator.store.reading(channel) is not None and coordinator.name != channel.feed:
                self.coordinators[channel.feed].store.adopt(coordinator.store, channel)
        listener.on_channel(channel)
        self.async_subscribe(channel, listener)
        listener.on_reading(*self.shown(channel))

    # Outcomes

    @callback
    def _on_outcome(self, coordinator: FeedCoordinator, err: VendorError | None) -> None:
        if err is None:
            self.battery_issues.async_review()
        self.outages.async_follow(coordinator, err)

    @callback
    def _on_over(self) -> None:
        """Import the history of the time of an outage."""
        self.history_backfill.async_fill()
        self.daily_totals.async_fill()
