"""The devices and channels of one account, and the platforms that show them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.entity_platform import MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY

from .const import ABSENCES_UNTIL_REMOVED, DOMAIN
from .contract.vendor import Connection
from .coordinator import FeedCoordinator
from .engine.inventory_diff import InventoryDiff, InventoryTracker
from .engine.units import Units
from .models import Channel, ChannelId, Inventory
from .registries import RegistryHelper, platform_of
from .replacements import Replacements, ReplacementStore

type AddChannels = Callable[[list[Channel]], None]

_ISSUE: Final = "entities_left_out"


class AccountInventory:
    """Applies the vendor's lists to the registries and offers channels to the platforms.

    `coordinators` are the account's feeds by name; they are started and removed by the account.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        connection: Connection,
        coordinators: Mapping[str, FeedCoordinator],
        registries: RegistryHelper,
        *,
        decisions: ReplacementStore,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._connection = connection
        self._coordinators = coordinators
        self._registries = registries
        self._units = Units(ABSENCES_UNTIL_REMOVED)
        self._offered: dict[ChannelId, None] = {}
        self._adders: dict[Platform, AddChannels] = {}
        self.tracker = InventoryTracker(ABSENCES_UNTIL_REMOVED, self._source_list)
        self.replacements = Replacements(hass, entry, decisions, registries, self.tracker)
        self.left_out = 0

    # Lookups

    def find_channel(self, unique_id: str) -> Channel | None:
        """Return the channel that an entity's unique id names."""
        channels = self.tracker.channels
        ids = self._registries.possible_ids(unique_id)
        return next((channels[channel_id] for channel_id in ids if channel_id in channels), None)

    def is_offered(self, channel_id: ChannelId) -> bool:
        """Return whether a channel was offered to its platform."""
        return channel_id in self._offered

    def _source_list(self, key: str | ChannelId) -> str:
        """Return the name of the list that would name a device or channel."""
        if isinstance(key, ChannelId):
            return self._connection.scope_of(key)
        return self._connection.scope_of_device(key)

    # Updates

    @callback
    def async_restore(self) -> None:
        """Count absences of registered devices and entities too: those that no list names go after as many lists."""
        self.tracker.remember(self._registries.registered_device_ids())
        channels = self._registries.registered_channels()
        self.tracker.remember_channels(channels)
        self._connection.remembered = frozenset(channels)

    @callback
    def async_settle_units(self, inventory: Inventory) -> Inventory:
        """Keep units that are missing for once; drop the readings of channels whose unit changed."""
        inventory, changed = self._units.settle(inventory, self.tracker.channels)
        for channel in changed:
            if (coordinator := self._coordinators.get(channel.feed)) is not None:
                coordinator.store.drop(channel.id)
        return inventory

    @callback
    def async_replace(self, inventory: Inventory) -> dict[ChannelId, ChannelId]:
        """Move the entities of replaced devices to their replacements; return the new id of each moved channel.

        Called before the inventory is applied, so that the replacement has no entities of its own yet.
        """
        if moved := self.replacements.async_carry_out(inventory):
            self.async_restore()
        return moved

    @callback
    def async_apply(self, inventory: Inventory) -> InventoryDiff:
        """Update the registries and return what changed; new channels are not offered yet."""
        self.replacements.async_review(inventory)
        changes = self.tracker.apply(inventory)
        self._remove(changes)
        for device in changes.devices:
            self._registries.register(device)
        return changes

    @callback
    def async_forget(self, device: dr.DeviceEntry) -> bool:
        """Forget a device that is deleted by hand; False for one that the vendor lists, or whose list was not read."""
        device_ids = self._registries.device_ids(device)
        if not all(map(self.tracker.is_absent, device_ids)):
            return False
        for device_id in device_ids:
            self.replacements.async_forget(device_id)
            self._remove(self.tracker.forget_device(device_id))
        return True

    @callback
    def async_remove_channel(self, channel_id: ChannelId) -> None:
        """Remove a channel that was deleted from here, without waiting for the vendor's lists."""
        self._remove(self.tracker.remove_channel(channel_id))

    @callback
    def _remove(self, changes: InventoryDiff) -> None:
        self._registries.remove(changes.gone_devices, changes.gone_channels)
        for channel_id in self._offered.keys() - self.tracker.channels.keys():
            del self._offered[channel_id]

    # Platforms

    @callback
    def async_add_platform(self, platform: Platform, add: AddChannels) -> None:
        """Register a platform and offer it its channels, now and whenever one appears."""
        self._adders[platform] = add
        self._offer(self._offered, [platform])

    @callback
    def async_offer(self, channels: Iterable[Channel]) -> None:
        """Offer new channels to their platforms, as many as Home Assistant lets an entry have."""
        room = MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY - self._registries.enabled_count()
        offered: list[Channel] = []
        for channel in channels:
            entity = self._registries.entity(channel)
            is_enabled = (
                entity.disabled_by is None
                if entity
                else (channel.description.entity_registry_enabled_default)
                and not self._entry.pref_disable_new_entities
            )
            if entity is None and is_enabled:
                if room <= 0:
                    continue
                room -= 1
            offered.append(channel)
            if is_enabled:
                self._coordinators[channel.feed].async_expect([channel])
        self._offered.update((channel.id, None) for channel in offered)
        self._report_left_out()
        self._offer((channel.id for channel in offered), self._adders)

    def _offer(self, channel_ids: Iterable[ChannelId], platforms: Iterable[Platform]) -> None:
        """Pass each of these platforms its own among the channels."""
        by_platform: dict[Platform, list[Channel]] = {}
        for channel_id in channel_ids:
            channel = self.tracker.channels[channel_id]
            by_platform.setdefault(platform_of(channel), []).append(channel)
        for platform in platforms:
            if channels := by_platform.get(platform):
                self._adders[platform](channels)

    @callback
    def _report_left_out(self) -> None:
        self.left_out = len(self.tracker.channels) - len(self._offered)
        issue_id = f"{_ISSUE}_{self._entry.entry_id}"
        if not self.left_out:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
            return
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=_ISSUE,
            translation_placeholders={
                "title": self._entry.title,
                "left_out": str(self.left_out),
                "limit": str(MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY),
            },
        )
