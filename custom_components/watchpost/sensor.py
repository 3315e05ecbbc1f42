"""Channels with a value, as sensors."""

from datetime import datetime
from typing import override

from homeassistant.components.sensor import SensorEntity, SensorEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .entity import ChannelEntity, async_add_channels
from .models import Position

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
    def native_value(self) -> float | int | str | datetime | None:
        """The value in the description's unit; None is unknown. A position is no sensor's."""
        value = self._value
        return None if isinstance(value, Position) else value
