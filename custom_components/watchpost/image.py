"""Channels with a picture, as images."""

from datetime import datetime
from typing import override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, WatchpostConfigEntry
from .entity import ChannelEntity, async_add_channels
from .models import Channel

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an image for each channel that is one."""
    async_add_channels(entry, Platform.IMAGE, ChannelImage, async_add_entities)


class ChannelImage(ChannelEntity, ImageEntity):
    """A channel's newest picture; viewing it never requests a new one."""

    entity_description: ImageEntityDescription

    def __init__(self, account: Account, channel: Channel) -> None:
        ChannelEntity.__init__(self, account, channel)
        ImageEntity.__init__(self, account.hass)

    @property
    @override
    def image_last_updated(self) -> datetime | None:
        """Return when the picture was taken."""
        value = self._value
        return value if isinstance(value, datetime) else None

    @override
    async def async_image(self) -> bytes | None:
        """Return the picture's bytes, None while there is none."""
        shot = await self._async_picture()
        if shot is None:
            return None
        self._attr_content_type = shot.content_type
        return shot.content
