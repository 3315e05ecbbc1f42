"""The feature of cameras: their states, captures and live streams."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, override

from ...client.downloads import SafeDownloader
from ...client.errors import PermissionDeniedError, VendorError
from ...contract.vendor import ActionHandler, Feed
from ...models import Channel, ChannelId, FeedUpdate, LiveStream
from . import camera_entities
from .captures import CaptureList
from .client.api import PlatformApi, PlatformResponse, is_missing
from .client.media import MediaClient
from .dvr_clips import ClipRequests
from .feature import Discovery, Feature, oldest
from .inventory import CAMERAS, OrganisationInventory
from .live_stream import LiveSessions
from .media_library import CaptureLibrary
from .models.media import Camera
from .thumbnails import ThumbnailCache

CAMERAS_EVERY: Final = timedelta(minutes=1)
CAPTURES_EVERY: Final = timedelta(minutes=1)
MIN_INTERVAL: Final = timedelta(seconds=15)


class MediaFeature(Feature):
    """Poll the cameras of one organisation; `refresh_inventory` fetches everything again when one appears."""

    title = "cameras"

    def __init__(
        self,
        api: PlatformApi,
        inventory_tree: OrganisationInventory,
        links: SafeDownloader,
        *,
        refresh_inventory: Callable[[], Awaitable[FeedUpdate]],
        show: Callable[[FeedUpdate], None],
    ) -> None:
        client = MediaClient(api)
        monotonic = api.transport.budget.now
        self._client = client
        self._inventory_tree = inventory_tree
        self._api = api
        self._monotonic = monotonic
        self._refresh_inventory = refresh_inventory
        self._captures = CaptureList(client, monotonic, api.now)
        self._thumbnails = ThumbnailCache(client, self._captures, links, monotonic)
        self._clips = ClipRequests(client, self._captures, show)
        self._live_sessions: dict[str, LiveSessions] = {}
        self._last_list: PlatformResponse[list[Camera]] | None = None
        self._unknown_cameras: frozenset[str] = frozenset()
        self._absent: str | None = None
        self.library = CaptureLibrary(client, self._captures, api.url, show)

    @override
    async def discover(self) -> Discovery:
        """Return the cameras; none without the endpoint or the permission."""
        discovery = Discovery()
        try:
            self._last_list = listed = await self._client.list_cameras()
        except VendorError as err:
            if not is_missing(err) and not isinstance(err, PermissionDeniedError):
                raise
            self._absent = type(err).__name__
            if self._captures.cameras or not isinstance(err, PermissionDeniedError):
                discovery.failures[self.title] = err
            return discovery
        self._absent = None
        self._captures.cameras = {camera.id: camera for camera in listed.value}
        discovery.rejected += listed.rejected
        is_complete = listed.is_whole and not listed.rejected
        discovery.lists[CAMERAS] = oldest(listed.freshness) if is_complete else None
        for camera in listed.value:
            device = camera_entities.camera_device(self._inventory_tree, camera)
            discovery.devices.append(device)
            discovery.channels += self._channels(camera)
        return discovery

    def _channels(self, camera: Camera) -> list[Channel]:
        return list(
            camera_entities.camera_channels(camera.id, self._thumbnails.newest, self._live_stream)
        )

    def _live_stream(self, camera: str) -> LiveStream:
        return self._live_sessions.setdefault(
            camera, LiveSessions(self._client, camera, self._to_utc)
        )

    def _to_utc(self, at: datetime) -> datetime:
        """Convert a time of the vendor's clock to ours."""
        return self._api.transport.budget.now_utc() + (at - self._api.now())

    @override
    def feeds(self) -> Sequence[Feed]:
        if not self._captures.cameras:
            return []
        return [
            Feed(camera_entities.CAMERAS, self._states, CAMERAS_EVERY, MIN_INTERVAL, is_whole=True),
            Feed(
                camera_entities.CAPTURES,
                self._captures.fetch,
                CAPTURES_EVERY,
                MIN_INTERVAL,
                is_whole=True,
            ),
        ]

    async def _states(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Return the states of the cameras; a list that was just fetched for the inventory is used again."""
        listed, self._last_list = self._last_list, None
        if listed is None or not self._is_recent(listed):
            listed = await self._client.list_cameras()
        unknown = frozenset(each.id for each in listed.value) - self._captures.cameras.keys()
        refreshed: FeedUpdate | None = None
        if unknown - self._unknown_cameras:
            self._unknown_cameras = frozenset(unknown)
            refreshed = await self._refresh_inventory()
        return FeedUpdate(
            readings=camera_entities.status_readings(listed.value),
            freshness=listed.freshness,
            inventory=refreshed.inventory if refreshed else None,
            rejected=listed.rejected,
        )

    def _is_recent(self, listed: PlatformResponse[list[Camera]]) -> bool:
        newest = max((reply.received for reply in listed.freshness), default=float("-inf"))
        return self._monotonic() - newest < MIN_INTERVAL.total_seconds()

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return {"request_dvr_clip": self._clips.request}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return {
            "cameras": len(self._captures.cameras),
            "captures": len(self._captures),
            "has_more_captures": self._captures.is_truncated,
            "absent": self._absent,
        }
