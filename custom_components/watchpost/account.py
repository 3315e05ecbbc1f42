"""One signed-in account at run time: its connection, its feeds' coordinators, its devices and who is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
import logging
from pathlib import Path
from typing import Any, Final, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util import dt as dt_util
from homeassistant.util import slugify
from homeassistant.util.hass_dict import HassKey

from .const import (
    ABSENCES_UNTIL_REMOVED,
    DOMAIN,
    FIRST_READINGS_TIMEOUT,
    SIGN_IN_PROBE_CEILING,
    SIGN_IN_PROBE_SECONDS,
)
from .coordinator import FeedCoordinator, Looker
from .engine.backfill import Track
from .engine.batteries import Batteries, is_about_battery
from .engine.daily import DailyKeeper
from .engine.history import Historian
from .engine.journal import Journal
from .engine.memory import Memory
from .engine.model import (
    Channel,
    ChannelId,
    Device,
    FeedUpdate,
    Inventory,
    Occurrence,
    Reading,
)
from .engine.push import PushReceiver
from .engine.roster import Roster, RosterChanges
from .engine.shots import Shots
from .engine.statistics import has_mean
from .telling import Teller
from .vendors.base import Connection, Feed, Keep, Vendor
from .vendors.errors import NotAllowed, SignInRejected, VendorError
from .vendors.ledger import Ledger

_LOGGER = logging.getLogger(__name__)

type WatchpostConfigEntry = ConfigEntry[Account]
type AddChannels = Callable[[list[Channel]], None]

LEDGERS: Final[HassKey[dict[str, Ledger]]] = HassKey(f"{DOMAIN}_ledgers")

# By name: an instance of Home Assistant's own description classes is no instance of the class it was made with.
_PLATFORM_OF: Final[dict[str, Platform]] = {
    "BinarySensorEntityDescription": Platform.BINARY_SENSOR,
    "ButtonEntityDescription": Platform.BUTTON,
    "CameraEntityDescription": Platform.CAMERA,
    "TrackerEntityDescription": Platform.DEVICE_TRACKER,
    "EventEntityDescription": Platform.EVENT,
    "ImageEntityDescription": Platform.IMAGE,
    "NumberEntityDescription": Platform.NUMBER,
    "SensorEntityDescription": Platform.SENSOR,
    "SwitchEntityDescription": Platform.SWITCH,
    "UpdateEntityDescription": Platform.UPDATE,
}


@cache
def _platform_of(description: type[EntityDescription]) -> Platform:
    return next(
        _PLATFORM_OF[kind.__name__] for kind in description.__mro__ if kind.__name__ in _PLATFORM_OF
    )


@callback
def async_get_ledger(hass: HomeAssistant, key: str) -> Ledger:
    """The standing of an account with its vendor; one for flow, set-up and every reload."""
    return hass.data.setdefault(LEDGERS, {}).setdefault(key, Ledger())


def journal_path(hass: HomeAssistant, entry: ConfigEntry) -> Path:
    """Where the account's journal is kept."""
    return Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry.entry_id}.journal"))


@callback
def async_drop_ledger(hass: HomeAssistant, key: str) -> None:
    """Forget an account that was removed."""
    hass.data.get(LEDGERS, {}).pop(key, None)


@callback
def async_connect(
    hass: HomeAssistant,
    vendor: Vendor,
    data: Mapping[str, Any],
    options: Mapping[str, Any],
    keep: Keep,
) -> tuple[Connection, Ledger]:
    """A connection on Home Assistant's session and the account's ledger; raises `NotSecure`."""
    ledger = async_get_ledger(hass, vendor.ledger_key(data))
    return vendor.connect(async_get_clientsession(hass), ledger, data, options, keep), ledger


@callback
def async_connect_entry(
    hass: HomeAssistant, vendor: Vendor, entry: ConfigEntry
) -> tuple[Connection, Ledger]:
    """The connection of an account that is set up; what it wants kept goes into the entry in the same step."""

    @callback
    def keep(values: Mapping[str, Any]) -> None:
        hass.config_entries.async_update_entry(entry, data={**entry.data, **values})

    return async_connect(hass, vendor, entry.data, entry.options, keep)


def device_identifier(entry: ConfigEntry, device_id: str) -> tuple[str, str]:
    """The device registry's name for an account's device, frozen for ever."""
    return (DOMAIN, f"{entry.unique_id}:{device_id}")


class _Outage(NamedTuple):
    """One kind of failure, which is said once when it comes and goes; `right` is the missing one."""

    kind: type[VendorError]
    right: str | None = None


def _outage_of(err: VendorError) -> _Outage:
    return _Outage(type(err), err.right if isinstance(err, NotAllowed) else None)


@callback
def async_clear_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Take back what was said of an account; what is still so will be said again."""
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and entry.entry_id in issue_id and not is_about_battery(issue_id):
            ir.async_delete_issue(hass, domain, issue_id)


class Account:
    """What hangs on one config entry."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: WatchpostConfigEntry,
        vendor: Vendor,
        connection: Connection,
        ledger: Ledger,
    ) -> None:
        self.hass = hass
        self.entry = entry
        self.vendor = vendor
        self.connection = connection
        self.ledger = ledger
        self.roster = Roster(ABSENCES_UNTIL_REMOVED)
        self.journal = Journal(journal_path(hass, entry), hass.async_add_executor_job)
        self.batteries = Batteries(hass, entry, self.roster, self.reading)
        self.memory = Memory(hass, entry)
        self.shots: Shots | None = None
        self.push: PushReceiver | None = None
        self._push_lacks: str | None = None
        self._history_lacks: str | None = None
        self.historian = Historian(
            hass,
            entry,
            tracks=self._tracks,
            ask=connection.history,
            may_ask=self._may_ask,
            terms=connection.history_terms,
            outcome=self._on_history_outcome,
        )
        self.daily = DailyKeeper(hass, entry, connection.daily, self._may_ask)
        self.coordinators: dict[str, FeedCoordinator] = {}
        self.left_out = 0
        self._offered: dict[ChannelId, None] = {}
        self._device_infos: dict[str, DeviceInfo] = {}
        self._adders: dict[Platform, AddChannels] = {}
        self._lookers: dict[ChannelId, tuple[Looker, Channel]] = {}
        self.teller = Teller(hass, entry, vendor.key, self.journal, self)
        self._outages: dict[_Outage, set[str]] = {}
        self._watch_inventory: CALLBACK_TYPE | None = None
        self._cancel_probe: CALLBACK_TYPE | None = None
        self._probe_after = SIGN_IN_PROBE_SECONDS
        self._is_started = False
        self.inventory = self._coordinator(connection.inventory_feed)

    # Set-up

    async def async_start(self) -> None:
        """Bring the first inventory and, as far as they come in time, the first readings.

        Raises ConfigEntryNotReady or ConfigEntryAuthFailed when the inventory cannot be had.
        """
        async_clear_issues(self.hass, self.entry)
        self._remember_devices()
        await self.journal.async_load(dt_util.utcnow())
        self.connection.told_until = self.journal.told_until
        await self._async_recall()
        self.entry.async_on_unload(self._stop)
        await self.inventory.async_config_entry_first_refresh()
        self._is_started = True
        await self._async_refresh_others()

    async def _async_recall(self) -> None:
        """Give the connection what was kept from before: its memory and the pictures of its cameras."""
        self.connection.recall(await self.memory.async_load())
        self.connection.remember = self.memory.async_remember
        self.connection.show = self.async_apply
        self.entry.async_on_unload(self.memory.async_flush)
        if (cameras := self.connection.cameras) is not None:
            self.shots = Shots(
                self.hass,
                self.entry,
                cameras,
                taken=lambda device, at: self.async_apply(cameras.taken(device, at)),
            )
            await self.shots.async_load()
            self.connection.album = self.shots

    async def _async_refresh_others(self) -> None:
        others = [
            self.entry.async_create_background_task(
                self.hass, coordinator.async_refresh(), f"{DOMAIN} first {coordinator.name}"
            )
            for coordinator in self.coordinators.values()
            if coordinator is not self.inventory and coordinator.wanted
        ]
        if others:
            await asyncio.wait(others, timeout=FIRST_READINGS_TIMEOUT)

    @callback
    def async_settle(self) -> None:
        """Entities have come: from now on only what they look at is polled."""
        for coordinator in self.coordinators.values():
            coordinator.async_settle()
        self._watch_or_leave()
        self.entry.async_on_unload(async_at_started(self.hass, self._open_telling))
        self.historian.async_start()
        self.daily.async_start()
        if self.connection.push is not None:
            self.push = PushReceiver(
                self.hass,
                self.entry,
                self.connection.push,
                apply=self.async_apply,
                outcome=self._on_push_outcome,
                expected=VendorError,
            )
            self.push.async_start()

    @callback
    def _stop(self) -> None:
        if self._cancel_probe is not None:
            self._cancel_probe()
        if self._watch_inventory is not None:
            self._watch_inventory()
        # Whoever still waits for the vendor has nothing shown and told beside the account that comes next.
        self.connection.show = None

    def _coordinator(self, feed: Feed) -> FeedCoordinator:
        coordinator = FeedCoordinator(
            self.hass,
            self.entry,
            feed,
            feed.ledger or self.ledger,
            on_inventory=self._on_inventory,
            on_occurrences=self._on_occurrences,
            on_outcome=self._on_outcome,
        )
        self.coordinators[feed.name] = coordinator
        return coordinator

    # What platforms ask

    @callback
    def async_add_platform(self, platform: Platform, add: AddChannels) -> None:
        """Offer a platform its channels, those there are and those that come."""
        self._adders[platform] = add
        self._offer(self._offered, [platform])

    def _offer(self, channel_ids: Iterable[ChannelId], platforms: Iterable[Platform]) -> None:
        """Hand each of these platforms its own among the channels."""
        by_platform: dict[Platform, list[Channel]] = {}
        for channel_id in channel_ids:
            channel = self.roster.channels[channel_id]
            by_platform.setdefault(_platform_of(type(channel.description)), []).append(channel)
        for platform in platforms:
            if channels := by_platform.get(platform):
                self._adders[platform](channels)

    @callback
    def async_subscribe(self, channel: Channel, looker: Looker) -> None:
        """Tell of a channel's readings and of what the vendor says of it, whichever feed carries it by then."""
        self.coordinators[channel.feed].async_subscribe(channel, looker)
        self._lookers[channel.id] = (looker, channel)
        self._watch_or_leave()

    @callback
    def async_unsubscribe(self, channel_id: ChannelId) -> None:
        """Tell nobody of a channel any more."""
        _, channel = self._lookers.pop(channel_id)
        self.coordinators[channel.feed].async_unsubscribe(channel)
        self._watch_or_leave()

    @callback
    def _watch_or_leave(self) -> None:
        """Poll the inventory while anything is looked at, or nothing is there yet to look at."""
        should_watch = bool(self._lookers) or not self.roster.channels
        if should_watch and self._watch_inventory is None:
            self._watch_inventory = self.inventory.async_watch()
        elif not should_watch and self._watch_inventory is not None:
            self._watch_inventory()
            self._watch_inventory = None

    def channel(self, channel_id: ChannelId) -> Channel | None:
        """The channel as the newest inventory has it."""
        return self.roster.channels.get(channel_id)

    def reading(self, channel: Channel) -> Reading | None:
        """The newest reading of a channel."""
        return self.coordinators[channel.feed].reading(channel)

    def _tracks(self) -> Iterator[Track]:
        """The channels with a newest value and an enabled entity, whose history may be wanted."""
        entities = er.async_get(self.hass)
        for channel in self.roster.channels.values():
            coordinator = self.coordinators.get(channel.feed)
            reading = coordinator.reading(channel) if coordinator and has_mean(channel) else None
            known = self._registered(entities, channel) if reading else None
            if reading and known and known.disabled_by is None:
                yield Track(channel, known.entity_id, reading.measured_at)

    def _may_ask(self) -> bool:
        """Whether the vendor may be asked for more than what is polled."""
        return not self.inventory.is_signed_out and not self.ledger.is_held

    def shown(self, channel: Channel) -> tuple[Reading | None, bool]:
        """The newest reading of a channel, and whether it may be shown."""
        return self.coordinators[channel.feed].shown(channel)

    def is_available(self, channel: Channel) -> bool:
        """Whether the channel's reading may be shown."""
        return self.coordinators[channel.feed].is_available(channel)

    async def async_request_refresh(self, channel: Channel) -> None:
        """Ask for a channel's feed anew, as far as the vendor's cache rule allows."""
        await self.coordinators[channel.feed].async_request_refresh()

    def unique_id(self, channel_id: ChannelId) -> str:
        """`<vendor>:<account id>:<device id>:<channel key>`, frozen for ever."""
        return f"{self.entry.unique_id}:{channel_id.device}:{channel_id.key}"

    def channel_of(self, unique_id: str) -> Channel | None:
        """The channel that an entity's unique id names; a colon may stand inside its parts."""
        prefix = f"{self.entry.unique_id}:"
        device, *keys = unique_id.removeprefix(prefix).split(":")
        while keys:
            if channel := self.roster.channels.get(ChannelId(device, ":".join(keys))):
                return channel
            device = f"{device}:{keys.pop(0)}"
        return None

    def identifier(self, device_id: str) -> tuple[str, str]:
        """The device registry's name for a device, frozen for ever."""
        return device_identifier(self.entry, device_id)

    def device_info(self, device_id: str) -> DeviceInfo:
        """What binds an entity to its device, one for all of the device's."""
        if (info := self._device_infos.get(device_id)) is None:
            info = DeviceInfo(identifiers={self.identifier(device_id)})
            self._device_infos[device_id] = info
        return info

    # What happens

    @callback
    def _open_telling(self, _hass: HomeAssistant) -> None:
        self.teller.async_open()

    @callback
    def async_apply(self, update: FeedUpdate) -> None:
        """Take what was learned between polls: what there is, then readings, then what happened."""
        if update.inventory is not None:
            self._on_inventory(update.inventory)
        by_feed: dict[str, dict[ChannelId, Reading]] = {}
        for channel_id, reading in update.readings.items():
            if (channel := self.roster.channels.get(channel_id)) is not None:
                by_feed.setdefault(channel.feed, {})[channel_id] = reading
        for feed, readings in by_feed.items():
            self.coordinators[feed].async_take_push(readings)
        self._on_occurrences(update.occurrences)

    @callback
    def _on_occurrences(self, occurrences: Sequence[Occurrence]) -> None:
        for occurrence in occurrences:
            self.batteries.async_notice(occurrence)
        self.teller.async_add(occurrences)

    def device_id(self, device: str) -> str | None:
        """The device registry's id."""
        found = dr.async_get(self.hass).async_get_device_by_identifier(
            self.identifier(device), self.entry.entry_id
        )
        return found.id if found else None

    def entity_id(self, channel: ChannelId) -> str | None:
        """The entity of a channel."""
        known = self.roster.channels.get(channel)
        entity = known and self._registered(er.async_get(self.hass), known)
        return entity.entity_id if entity else None

    def is_awaited(self, channel: ChannelId) -> bool:
        """Whether a channel was offered to its platform and has not shown itself yet."""
        return channel in self._offered and channel not in self._lookers

    # Inventory

    @callback
    def _on_inventory(self, inventory: Inventory) -> None:
        changes = self.roster.apply(inventory)
        self._remove(changes)
        for device in changes.devices:
            self._register(device)
        if inventory.scope == self.inventory.name:
            self._reconcile_feeds(inventory)
        for channel in changes.moved:
            self._resubscribe(channel)
        self._offer_new(changes.channels)

    @callback
    def _remember_devices(self) -> None:
        """Devices and entities from before a restart that no list names go too, after as many lists."""
        prefix = f"{self.entry.unique_id}:"
        self.roster.remember(
            identifier.removeprefix(prefix)
            for device in dr.async_entries_for_config_entry(
                dr.async_get(self.hass), self.entry.entry_id
            )
            for domain, identifier in device.identifiers
            if domain == DOMAIN and identifier.startswith(prefix)
        )
        remembered: set[ChannelId] = set()
        entities = er.async_get(self.hass)
        for entity in er.async_entries_for_config_entry(entities, self.entry.entry_id):
            device_id, _, key = entity.unique_id.removeprefix(prefix).partition(":")
            channel_id = ChannelId(device_id, key)
            self.roster.remember_channel(channel_id, self.connection.scope_of(key))
            remembered.add(channel_id)
        self.connection.remembered = frozenset(remembered)

    @callback
    def _register(self, device: Device) -> None:
        registry = dr.async_get(self.hass)
        via = device.via and registry.async_get_device_by_identifier(
            self.identifier(device.via), self.entry.entry_id
        )
        registry.async_get_or_create(
            config_entry_id=self.entry.entry_id,
            identifiers={self.identifier(device.id)},
            name=device.name,
            manufacturer=device.manufacturer,
            model=device.model,
            serial_number=device.serial,
            sw_version=device.firmware,
            configuration_url=device.configuration_url,
            entry_type=dr.DeviceEntryType.SERVICE if device.is_service else None,
            suggested_area=device.area,
            via_device_id=via.id if via else None,
        )

    @callback
    def async_forget(self, device: dr.DeviceEntry) -> bool:
        """Forget a device that is deleted by hand; False for one that the vendor still lists."""
        named = [
            known for known in self.roster.devices if self.identifier(known) in device.identifiers
        ]
        if any(self.roster.is_listed(known) for known in named):
            return False
        for known in named:
            self._remove(self.roster.forget_device(known))
        return True

    @callback
    def async_remove_channel(self, channel_id: ChannelId) -> None:
        """Take away what was deleted from here, without waiting for the vendor's lists."""
        self._remove(self.roster.remove_channel(channel_id))

    @callback
    def _remove(self, changes: RosterChanges) -> None:
        devices = dr.async_get(self.hass)
        for device_id in changes.gone_devices:
            if device := devices.async_get_device_by_identifier(
                self.identifier(device_id), self.entry.entry_id
            ):
                devices.async_remove_device(device.id)
        if gone := {self.unique_id(channel_id) for channel_id in changes.gone_channels}:
            entities = er.async_get(self.hass)
            for entity in er.async_entries_for_config_entry(entities, self.entry.entry_id):
                if entity.unique_id in gone:
                    entities.async_remove(entity.entity_id)
        for channel_id in self._offered.keys() - self.roster.channels.keys():
            del self._offered[channel_id]

    @callback
    def _reconcile_feeds(self, inventory: Inventory) -> None:
        """Start the feeds that the inventory calls for; let those it no longer names rest."""
        called_for = {feed.name: feed for feed in self.connection.feeds(inventory)}
        for name, feed in called_for.items():
            if name not in self.coordinators:
                self._coordinator(feed)
        for name, coordinator in list(self.coordinators.items()):
            if coordinator is self.inventory:
                continue
            coordinator.async_rest(rest=name not in called_for)
            if name not in called_for:
                self._leave_outages(name)
            if name not in called_for and not coordinator.wanted:
                del self.coordinators[name]

    @callback
    def _resubscribe(self, channel: Channel) -> None:
        if channel.id not in self._lookers:
            return
        looker, before = self._lookers[channel.id]
        self.coordinators[before.feed].async_unsubscribe(before)
        for coordinator in self.coordinators.values():
            if coordinator.reading(channel) is not None and coordinator.name != channel.feed:
                self.coordinators[channel.feed].async_adopt(coordinator, channel)
        looker.on_channel(channel)
        self.async_subscribe(channel, looker)
        looker.on_reading(*self.shown(channel))

    @callback
    def _offer_new(self, channels: list[Channel]) -> None:
        """Offer new channels to their platforms, as many as Home Assistant lets an entry have."""
        entities = er.async_get(self.hass)
        room = MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY - (
            entities.entities.get_enabled_count_for_config_entry_id(self.entry.entry_id)
        )
        offered: list[Channel] = []
        for channel in channels:
            known = self._registered(entities, channel)
            is_enabled = (
                known.disabled_by is None
                if known
                else (channel.description.entity_registry_enabled_default)
                and not self.entry.pref_disable_new_entities
            )
            if known is None and is_enabled:
                if room <= 0:
                    continue
                room -= 1
            offered.append(channel)
            if is_enabled:
                self.coordinators[channel.feed].async_expect([channel])
        self._offered.update((channel.id, None) for channel in offered)
        self._report_left_out()
        self._offer((channel.id for channel in offered), self._adders)

    def _registered(self, entities: er.EntityRegistry, channel: Channel) -> er.RegistryEntry | None:
        entity_id = entities.async_get_entity_id(
            _platform_of(type(channel.description)), DOMAIN, self.unique_id(channel.id)
        )
        return entities.async_get(entity_id) if entity_id else None

    @callback
    def _report_left_out(self) -> None:
        self.left_out = len(self.roster.channels) - len(self._offered)
        issue_id = f"entities_left_out_{self.entry.entry_id}"
        if not self.left_out:
            ir.async_delete_issue(self.hass, DOMAIN, issue_id)
            return
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="entities_left_out",
            translation_placeholders={
                "title": self.entry.title,
                "left_out": str(self.left_out),
                "limit": str(MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY),
            },
        )

    # Outcomes

    @callback
    def _on_outcome(self, coordinator: FeedCoordinator, err: VendorError | None) -> None:
        """Log each kind of failure once when it comes and once when it has gone, however many feeds have it."""
        now = _outage_of(err) if err else None
        if err is None:
            self.batteries.async_look()
        self._leave_outages(coordinator.name, except_for=now)
        if coordinator is self.inventory and self._is_started:
            self._follow_sign_in(err)
        if now is None or err is None:
            return
        if now in self._outages:
            self._outages[now].add(coordinator.name)
            return
        self._outages[now] = {coordinator.name}
        if now.right is not None:
            self._report_not_allowed(now.right)
        if not self._is_started:
            return  # Home Assistant logs why set-up waits
        _LOGGER.warning("%s: cannot update %s: %s", self.entry.title, coordinator.name, err)
        if now.kind is SignInRejected:
            self._signed_out()

    @callback
    def _leave_outages(self, feed: str, *, except_for: _Outage | None = None) -> None:
        """Take a feed that recovered, or that is not polled any more, out of what is the matter."""
        for outage in [outage for outage in self._outages if outage != except_for]:
            feeds = self._outages[outage]
            feeds.discard(feed)
            if not feeds:
                del self._outages[outage]
                self._over(outage)

    @callback
    def _on_push_outcome(self, err: Exception | None) -> None:
        """Say which right the vendor's calls would need; without them polling does all."""
        self._push_lacks = self._follow_right(self._push_lacks, err)

    @callback
    def _on_history_outcome(self, err: Exception | None) -> None:
        """Say which right history would need; without it the newest values come all the same."""
        self._history_lacks = self._follow_right(self._history_lacks, err)

    @callback
    def _follow_right(self, before: str | None, err: Exception | None) -> str | None:
        """Report the right that is lacking now in place of the one before; return it."""
        lacks = err.right if isinstance(err, NotAllowed) else None
        if before is not None and before != lacks:
            ir.async_delete_issue(self.hass, DOMAIN, self._not_allowed_id(before))
        if lacks is not None:
            self._report_not_allowed(lacks)
        return lacks

    @callback
    def _over(self, outage: _Outage) -> None:
        _LOGGER.info("%s: updating again after %s", self.entry.title, outage.kind.__name__)
        self.historian.async_fill()
        self.daily.async_fill()
        if outage.right is not None:
            ir.async_delete_issue(self.hass, DOMAIN, self._not_allowed_id(outage.right))
        if outage.kind is SignInRejected:
            self._probe_after = SIGN_IN_PROBE_SECONDS
            for flow in list(self.entry.async_get_active_flows(self.hass, {"reauth"})):
                self.hass.config_entries.flow.async_abort(flow["flow_id"])

    @callback
    def _report_not_allowed(self, right: str) -> None:
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            self._not_allowed_id(right),
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="not_allowed",
            translation_placeholders={"title": self.entry.title, "right": right},
        )

    def _not_allowed_id(self, right: str) -> str:
        return f"not_allowed_{self.entry.entry_id}_{slugify(right)}"

    @callback
    def _signed_out(self) -> None:
        """Ask nothing more with credentials that were refused; try them again ever more rarely.

        The vendor may have been wrong, and nobody may be there to answer Home Assistant's request to sign in.
        """
        if self._cancel_probe is not None:
            return
        for coordinator in self.coordinators.values():
            # Those with a sign-in of their own go on.
            if coordinator.feed.ledger is self.inventory.feed.ledger:
                coordinator.is_signed_out = True
        self._cancel_probe = async_call_later(self.hass, self._probe_after, self._probe)
        self._probe_after = min(2 * self._probe_after, SIGN_IN_PROBE_CEILING)

    async def _probe(self, _now: datetime) -> None:
        self._cancel_probe = None
        self.inventory.is_signed_out = False
        await self.inventory.async_refresh()

    @callback
    def _follow_sign_in(self, err: VendorError | None) -> None:
        """The list of devices tells for all feeds whether the credentials work again."""
        if isinstance(err, SignInRejected):
            self._signed_out()
            return
        waiting = [found for found in self.coordinators.values() if found.is_signed_out]
        if err is None and waiting:
            self.entry.async_create_background_task(
                self.hass, self._resume(waiting), f"{DOMAIN} signed in again"
            )

    async def _resume(self, coordinators: Iterable[FeedCoordinator]) -> None:
        for coordinator in coordinators:
            coordinator.is_signed_out = False
            if coordinator.is_polled:
                await coordinator.async_refresh()
