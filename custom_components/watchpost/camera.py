"""Channels with a picture, as cameras; those with a live stream open it only while it is watched."""

from contextlib import suppress
from typing import override

from aiohttp import web
from homeassistant.components.camera import (
    Camera,
    CameraEntityDescription,
    async_get_still_stream,
)
from homeassistant.components.camera.const import CameraEntityFeature
from homeassistant.components.camera.prefs import DynamicStreamSettings
from homeassistant.components.stream import DOMAIN as STREAM
from homeassistant.components.stream import Stream
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import Account, WatchpostConfigEntry
from .client.errors import VendorError
from .client.hls_proxy import HlsProxy
from .client.resolver import Resolver
from .commands import failure
from .entity import ChannelEntity, async_add_channels
from .models import Channel, LiveStream

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a camera for each channel that is one."""
    async_add_channels(entry, Platform.CAMERA, _camera, async_add_entities)


def _camera(account: Account, channel: Channel) -> ChannelCamera:
    if channel.live is None:
        return ChannelCamera(account, channel)
    return LiveCamera(account, channel, channel.live)


class ChannelCamera(ChannelEntity, Camera):
    """A channel's newest picture; viewing it never requests a new one."""

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
        """Return the picture's bytes, None while there is none."""
        shot = await self._async_picture()
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


class LiveCamera(ChannelCamera):
    """A camera with a live stream, which is open only while it is watched."""

    _attr_supported_features = CameraEntityFeature.STREAM

    def __init__(self, account: Account, channel: Channel, live: LiveStream) -> None:
        super().__init__(account, channel)
        session = async_get_clientsession(account.hass)
        self._relay = HlsProxy(
            session, live, self._on_watched, account.connection.resolver or Resolver(None)
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Close the stream when Home Assistant stops."""
        await super().async_added_to_hass()
        stopping = self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._async_stop)
        self.async_on_remove(stopping)

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Close the stream."""
        await super().async_will_remove_from_hass()
        # In this order: a player that waits for more would delay the shutdown of Home Assistant.
        await self._relay.stop()
        if self.stream is not None:
            for output in self.stream.outputs().values():
                await self.stream.remove_provider(output)
            await self.stream.stop()

    async def _async_stop(self, _event: Event) -> None:
        await self._relay.stop()

    @override
    async def stream_source(self) -> str | None:
        """Return a stable URL. The vendor is asked when a player fetches it, and not before.

        Home Assistant asks for a source also where nobody watches.
        """
        with suppress(VendorError):  # the camera is being removed
            return await self._relay.address()
        return None

    @override
    async def async_refresh_providers(self, *, write_state: bool = True) -> None:
        """Use no WebRTC provider: it would preload the stream unwatched and hide its failures."""

    @override
    async def async_create_stream(self) -> Stream | None:
        """Open the stream for a viewer; raises HomeAssistantError where that fails."""
        if STREAM in self.hass.config.components:
            try:
                await self._relay.open()
            except VendorError as err:
                raise failure(err, is_write=False) from None
        stream = await super().async_create_stream()
        if stream is not None:
            # Preloading would keep it open for nobody.
            orientation = stream.dynamic_stream_settings.orientation
            stream.dynamic_stream_settings = DynamicStreamSettings(False, orientation)
        return stream

    @callback
    def _on_watched(self, is_watched: bool) -> None:
        self._attr_is_streaming = is_watched
        if self.hass is not None:
            self.async_write_ha_state()
