"""Channels whose value is a position, as device trackers."""

from typing import override

from homeassistant.components.device_tracker.entity import TrackerEntity, TrackerEntityDescription
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
    """Add a tracker for each channel that is a position."""
    async_add_channels(entry, Platform.DEVICE_TRACKER, ChannelTracker, async_add_entities)


class ChannelTracker(ChannelEntity, TrackerEntity):
    """A position; Home Assistant derives the zone from it."""

    entity_description: TrackerEntityDescription

    @property
    def _position(self) -> Position | None:
        value = self._value
        return value if isinstance(value, Position) else None

    @property
    @override
    def latitude(self) -> float | None:
        """Return degrees; None is unknown."""
        position = self._position
        return position.latitude if position else None

    @property
    @override
    def longitude(self) -> float | None:
        """Return degrees; None is unknown."""
        position = self._position
        return position.longitude if position else None

    @property
    @override
    def location_accuracy(self) -> float:
        """Return the accuracy in metres; 0 where the vendor does not report it."""
        position = self._position
        return position.accuracy if position else 0.0
