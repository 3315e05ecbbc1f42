"""What happens at a device, as an event entity."""

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
    """Add an event entity for each device that things happen at."""
    async_add_channels(entry, Platform.EVENT, ChannelEvent, async_add_entities)


class ChannelEvent(ChannelEntity, EventEntity):
    """Everything that happens at one device."""

    entity_description: EventEntityDescription

    @property
    @override
    def available(self) -> bool:
        """Stay available: an event that comes with the return from unavailable is lost on automations."""
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Hear of what happens at the device from now on."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self._account.dispatcher.async_listen(
                self._channel.device, self.entity_id, self._on_told
            )
        )

    @callback
    def _on_told(self, told: DispatchedEvent) -> None:
        if told.vendor_event.type in self.event_types:
            self._trigger_event(told.vendor_event.type, told.attributes)
            self.async_write_ha_state()
