"""The base entity: one channel of one device."""

from __future__ import annotations

from collections.abc import Callable
from typing import override

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, WatchpostConfigEntry
from .engine.model import Channel, ReadingValue


class ChannelEntity(Entity):
    """An entity that shows one channel and hears of nothing else."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, account: Account, channel: Channel) -> None:
        self._account = account
        self._attr_unique_id = account.unique_id(channel.id)
        self._attr_device_info = account.device_info(channel.device)
        self._describe(channel)
        self._take()

    def _describe(self, channel: Channel) -> None:
        """Take over what the vendor says of the channel now."""
        self._channel = channel
        self.entity_description = channel.description
        if channel.name is not None:
            self._attr_name = channel.name
        if channel.placeholders is not None:
            self._attr_translation_placeholders = dict(channel.placeholders)

    def _take(self) -> None:
        """Take over the newest reading, and whether it is fresh enough to be shown."""
        reading, self._attr_available = self._account.shown(self._channel)
        if reading is None:
            self._show(None)
            return
        self._show(reading.value)
        if reading.attributes or self._has_attributes:
            self._has_attributes = True
            self._attr_extra_state_attributes = dict(reading.attributes)

    _has_attributes = False

    def _show(self, value: ReadingValue) -> None:
        """Show a value; None is unknown."""

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of this channel's changes from now on."""
        self.async_on_remove(self._account.async_subscribe(self._channel, self._on_change))
        self._take()

    @callback
    def _on_change(self) -> None:
        newest = self._account.channel(self._channel.id)
        if newest is not None and newest is not self._channel:
            self._describe(newest)
        self._take()
        self.async_write_ha_state()

    async def async_update(self) -> None:
        """Ask anew where the vendor's cache rule allows it (action homeassistant.update_entity)."""
        await self._account.async_request_refresh(self._channel)


@callback
def async_add_channels(
    entry: WatchpostConfigEntry,
    platform: Platform,
    entity: Callable[[Account, Channel], ChannelEntity],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Give a platform an entity for each of its channels, now and whenever one appears."""
    account = entry.runtime_data

    @callback
    def add(channels: list[Channel]) -> None:
        async_add_entities(entity(account, channel) for channel in channels)

    account.async_add_platform(platform, add)
