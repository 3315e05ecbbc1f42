"""Channels with a picture, as cameras."""

from __future__ import annotations

from typing import override

from aiohttp import web
from homeassistant.components.camera import (
    Camera,
    CameraEntityDescription,
    async_get_still_stream,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, WatchpostConfigEntry
from .engine.model import Channel
from .entity import ChannelEntity, async_add_channels

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a camera for each channel that is one."""
    async_add_channels(entry, Platform.CAMERA, ChannelCamera, async_add_entities)


class ChannelCamera(ChannelEntity, Camera):
    """A channel's newest picture; looking at it never has one taken."""

    entity_description: CameraEntityDescription
    # Seconds between two looks of a live view at the picture in memory, which is only sent where it is another one.
    _attr_frame_interval = 1.0

    def __init__(self, account: Account, channel: Channel) -> None:
        ChannelEntity.__init__(self, account, channel)
        Camera.__init__(self)

    @override
    async def async_camera_image(
        self, width: int | None = None, height: int | None = None
    ) -> bytes | None:
        """The picture's bytes, None while there is none."""
        shot = await self._channel.picture() if self._channel.picture else None
        if shot is None:
            return None
        self.content_type = shot.content_type
        return shot.content

    @override
    async def handle_async_still_stream(
        self, request: web.Request, interval: float
    ) -> web.StreamResponse:
        """Send each new picture twice: browsers made from Chromium show the frame before the last.

        Home Assistant does so for the first one alone, since it expects more to come at once. A byte behind a picture's
        end makes it another frame and no other picture.
        """
        last: bytes | None = None

        async def picture() -> bytes | None:
            nonlocal last
            before, last = last, await self.async_camera_image()
            return last + b"\n" if last is not None and last == before else last

        return await async_get_still_stream(request, picture, self.content_type, interval)
