"""Event entities: the newest event of a device."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .engine.events.dispatcher import DispatchedEvent
from .entity import ChannelEntity, async_add_channels

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an event entity for each device with events."""
    async_add_channels(entry, Platform.EVENT, ChannelEvent, async_add_entities)


class ChannelEvent(ChannelEntity, EventEntity):
    """The events of one device."""

    entity_description: EventEntityDescription

    @property
    @override
    def available(self) -> bool:
        """Return True: automations miss an event that comes with the return from unavailable."""
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the events of the device."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self._account.dispatcher.async_listen(
                self._channel.device, self.entity_id, self._on_event
            )
        )

    @callback
    def _on_event(self, event: DispatchedEvent) -> None:
        if event.vendor_event.type in self.event_types:
            self._trigger_event(event.vendor_event.type, event.attributes)
            self.async_write_ha_state()
