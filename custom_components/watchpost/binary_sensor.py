"""Channels that are on or off, as binary sensors."""

from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .entity import ChannelEntity, async_add_channels

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a binary sensor for each channel that is one."""
    async_add_channels(entry, Platform.BINARY_SENSOR, ChannelBinarySensor, async_add_entities)


class ChannelBinarySensor(ChannelEntity, BinarySensorEntity):
    """Return whether a channel is on; None is unknown."""

    entity_description: BinarySensorEntityDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """The newest value; None is unknown."""
        value = self._value
        return None if value is None else bool(value)
