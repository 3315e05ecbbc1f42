"""The base entity: one channel of one device."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, cast, override

from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from propcache.api import cached_property

from .account import Account, WatchpostConfigEntry
from .client.errors import UnreachableError
from .models import Channel, Picture, Reading, ReadingValue


@cache
def _cached_properties(kind: type) -> frozenset[str]:
    """Return the names of the properties that an entity of this class caches."""
    return frozenset(
        name
        for base in kind.__mro__
        for name, value in vars(base).items()
        if isinstance(value, cached_property)
    )


class ChannelEntity(Entity):
    """An entity that shows one channel and is updated for that channel alone."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    _value: ReadingValue
    _attributes: Mapping[str, ReadingValue] | None
    _is_fresh: bool

    def __init__(self, account: Account, channel: Channel) -> None:
        self._account = account
        self._attr_unique_id = account.unique_id(channel.id)
        self._attr_device_info = account.device_info(channel.device)
        self.on_channel(channel)
        self._update_value(*account.shown(channel))

    @callback
    def on_channel(self, channel: Channel) -> None:
        """Apply a changed channel; shown with the next state that is written."""
        self._channel = channel
        # The model's protocol has only some attributes; every description is Home Assistant's own.
        self.entity_description = cast("EntityDescription", channel.description)
        # Home Assistant caches properties that it derives from a description.
        for name in _cached_properties(type(self)):
            self.__dict__.pop(name, None)
        if channel.name is not None:
            self._attr_name = channel.name
        if channel.placeholders is not None:
            self._attr_translation_placeholders = dict(channel.placeholders)
        if self.registry_entry is not None:
            # Options chosen for the old unit may not fit the new one.
            self.async_registry_entry_updated()

    async def _async_picture(self) -> Picture | None:
        """Fetch the channel's picture; None while there is none, and when Home Assistant stops meanwhile."""
        if self._channel.picture is None:
            return None
        with suppress(UnreachableError):
            async with self._account.budget.until_stop():
                return await self._channel.picture()
        return None

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the channel."""
        self._account.async_subscribe(self._channel, self)
        self._update_value(*self._account.shown(self._channel))

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Unsubscribe from the channel."""
        self._account.async_unsubscribe(self._channel.id)

    @callback
    def on_reading(self, reading: Reading | None, is_fresh: bool) -> None:
        """Write a new reading, or that the newest one became stale."""
        self._update_value(reading, is_fresh)
        self.async_write_ha_state()

    def _update_value(self, reading: Reading | None, is_fresh: bool) -> None:
        self._is_fresh = is_fresh
        if reading is None:
            self._value = self._attributes = None
        else:
            self._value = reading.value
            self._attributes = reading.attributes or None

    @property
    @override
    def available(self) -> bool:
        """Return whether the reading is fresh enough to be shown."""
        return self._is_fresh

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the vendor's attributes of the reading."""
        return self._attributes

    async def async_update(self) -> None:
        """Refresh the feed, as far as the vendor's cache headers allow (action homeassistant.update_entity)."""
        await self._account.async_request_refresh(self._channel)


@callback
def async_add_channels(
    entry: WatchpostConfigEntry,
    platform: Platform,
    entity: Callable[[Account, Channel], ChannelEntity],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an entity for each of a platform's channels, now and whenever one appears."""
    account = entry.runtime_data

    @callback
    def add(channels: list[Channel]) -> None:
        async_add_entities(entity(account, channel) for channel in channels)

    account.inventory.async_add_platform(platform, add)
