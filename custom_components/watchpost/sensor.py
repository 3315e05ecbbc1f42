"""Channels with a value, as sensors."""

from __future__ import annotations

from typing import override

from homeassistant.components.sensor import SensorEntity, SensorEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .engine.model import ReadingValue
from .entity import ChannelEntity, async_add_channels

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a sensor for each channel that is one."""
    async_add_channels(entry, Platform.SENSOR, ChannelSensor, async_add_entities)


class ChannelSensor(ChannelEntity, SensorEntity):
    """A channel's newest value."""

    entity_description: SensorEntityDescription

    @property
    @override
    def native_value(self) -> ReadingValue:
        """The value in the description's unit; None is unknown."""
        return self._reading.value if self._reading is not None else None
