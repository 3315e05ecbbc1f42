"""Channels that can be switched on and off."""

from functools import partial
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .command_entity import SettableEntity
from .entity import async_add_channels
from .models import JobState

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a switch for each channel that is one."""
    async_add_channels(entry, Platform.SWITCH, ChannelSwitch, async_add_entities)


class ChannelSwitch(SettableEntity, SwitchEntity):
    """A switch at the vendor; a requested state is shown until the feed was refreshed."""

    entity_description: SwitchEntityDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the requested state while that is pending, else the vendor's; None is unknown."""
        value = self._shown
        return None if value is None else bool(value)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch on once; raises HomeAssistantError."""
        await self._async_switch(is_on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off once; raises HomeAssistantError."""
        await self._async_switch(is_on=False)

    async def _async_switch(self, *, is_on: bool) -> None:
        if (switch := self._channel.switch) is not None:
            await self._async_request(is_on, partial(switch, is_on))

    @override
    @callback
    def _on_end(self, state: JobState | None) -> None:
        self._account.entry.async_create_background_task(
            self.hass, self._async_show_vendor_state(), f"after switching {self.entity_id}"
        )

    async def _async_show_vendor_state(self) -> None:
        """Refresh the feed and show the vendor's state, also if it differs from the requested one."""
        await self._account.coordinators[self._channel.feed].async_refresh()
        self._requested = None
        self.on_reading(*self._account.shown(self._channel))
