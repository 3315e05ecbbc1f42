"""The base entity: one channel of one device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, override

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
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
        self._attr_device_info = DeviceInfo(identifiers={account.identifier(channel.device)})
        self._show(channel)

    def _show(self, channel: Channel) -> None:
        """Take over what the vendor says of the channel now."""
        self._channel = channel
        self.entity_description = channel.description
        if channel.name is not None:
            self._attr_name = channel.name
        if channel.placeholders is not None:
            self._attr_translation_placeholders = dict(channel.placeholders)

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of this channel's changes from now on."""
        self.async_on_remove(self._account.async_subscribe(self._channel, self._on_change))

    @callback
    def _on_change(self) -> None:
        newest = self._account.channel(self._channel.id)
        if newest is not None and newest is not self._channel:
            self._show(newest)
        self.async_write_ha_state()

    @property
    @override
    def available(self) -> bool:
        """Whether the reading is fresh enough to be shown."""
        return self._account.is_available(self._channel)

    @property
    def _value(self) -> ReadingValue:
        reading = self._account.reading(self._channel)
        return reading.value if reading else None

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """What the vendor tells beside the value."""
        reading = self._account.reading(self._channel)
        return reading.attributes if reading and reading.attributes else None

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
