"""The part of cameras: their states, their captures, and watching them live."""

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
    """The cameras of one organisation; `resurvey` reads everything anew when one appears."""

    title = "cameras"

    def __init__(
        self,
        api: PlatformApi,
        inventory_tree: OrganisationInventory,
        links: SafeDownloader,
        *,
        resurvey: Callable[[], Awaitable[FeedUpdate]],
        show: Callable[[FeedUpdate], None],
    ) -> None:
        client = MediaClient(api)
        clock = api.transport.budget.now
        self._client = client
        self._inventory_tree = inventory_tree
        self._api = api
        self._clock = clock
        self._resurvey = resurvey
        self._gallery = CaptureList(client, clock, api.now)
        self._stills = ThumbnailCache(client, self._gallery, links, clock)
        self._clips = ClipRequests(client, self._gallery, show)
        self._lives: dict[str, LiveSessions] = {}
        self._listed: PlatformResponse[list[Camera]] | None = None
        self._strangers: frozenset[str] = frozenset()
        self._absent: str | None = None
        self.library = CaptureLibrary(client, self._gallery, api.url, show)

    @override
    async def survey(self) -> Discovery:
        """List the cameras; a deployment may have none of that, or a key no right to it."""
        found = Discovery()
        try:
            self._listed = listed = await self._client.list_cameras()
        except VendorError as err:
            if not is_missing(err) and not isinstance(err, PermissionDeniedError):
                raise
            self._absent = type(err).__name__
            if self._gallery.cameras or not isinstance(err, PermissionDeniedError):
                found.failures[self.title] = err
            return found
        self._absent = None
        self._gallery.cameras = {camera.id: camera for camera in listed.value}
        found.rejected += listed.rejected
        is_full = listed.is_whole and not listed.rejected
        found.lists[CAMERAS] = oldest(listed.freshness) if is_full else None
        for camera in listed.value:
            found.devices.append(camera_entities.camera_device(self._inventory_tree, camera))
            found.channels += self._channels(camera)
        return found

    def _channels(self, camera: Camera) -> list[Channel]:
        return list(camera_entities.camera_channels(camera.id, self._stills.newest, self._live_of))

    def _live_of(self, camera: str) -> LiveStream:
        return self._lives.setdefault(camera, LiveSessions(self._client, camera, self._here))

    def _here(self, at: datetime) -> datetime:
        """A time of the vendor's clock by ours."""
        return self._api.transport.budget.now_utc() + (at - self._api.now())

    @override
    def feeds(self) -> Sequence[Feed]:
        if not self._gallery.cameras:
            return []
        return [
            Feed(camera_entities.CAMERAS, self._states, CAMERAS_EVERY, MIN_INTERVAL, is_whole=True),
            Feed(
                camera_entities.CAPTURES,
                self._gallery.fetch,
                CAPTURES_EVERY,
                MIN_INTERVAL,
                is_whole=True,
            ),
        ]

    async def _states(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """The cameras as they are now; what a survey listed just before is not asked for again."""
        listed, self._listed = self._listed, None
        if listed is None or not self._is_recent(listed):
            listed = await self._client.list_cameras()
        strangers = frozenset(each.id for each in listed.value) - self._gallery.cameras.keys()
        resurveyed: FeedUpdate | None = None
        if strangers - self._strangers:
            self._strangers = frozenset(strangers)
            resurveyed = await self._resurvey()
        return FeedUpdate(
            readings=camera_entities.status_readings(listed.value),
            freshness=listed.freshness,
            inventory=resurveyed.inventory if resurveyed else None,
            rejected=listed.rejected,
        )

    def _is_recent(self, listed: PlatformResponse[list[Camera]]) -> bool:
        newest = max((reply.received for reply in listed.freshness), default=float("-inf"))
        return self._clock() - newest < MIN_INTERVAL.total_seconds()

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return {"request_dvr_clip": self._clips.request}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return {
            "cameras": len(self._gallery.cameras),
            "captures": len(self._gallery),
            "has_more_captures": self._gallery.is_cut,
            "absent": self._absent,
        }
