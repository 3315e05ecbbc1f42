"""Channels that can be pressed, as buttons."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .commands import async_execute_command
from .entity import ChannelEntity, async_add_channels

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a button for each channel that can be pressed."""
    async_add_channels(entry, Platform.BUTTON, ChannelButton, async_add_entities)


class ChannelButton(ChannelEntity, ButtonEntity):
    """A command of the vendor."""

    entity_description: ButtonEntityDescription

    @property
    @override
    def available(self) -> bool:
        """Return True: a failed press shows the reason."""
        return True

    @override
    async def async_press(self) -> None:
        """Press once; raises HomeAssistantError."""
        if (press := self._channel.press) is not None:
            await async_execute_command(self._account, self._channel, self.entity_id, press)
