"""How VizioSense's cameras take pictures: asked by the API, fetched from two links that live for half an hour."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, override

from ...client.downloads import SafeDownloader
from ...client.errors import PictureMissingError, UnreachableError
from ...client.image_check import TruncatedPictureError
from ...contract.media import Fetch, SnapshotCache, SnapshotSource
from ...models import ChannelId, FeedUpdate, Picture, Reading, VendorEvent, VendorEventType
from .client import VizioSenseClient
from .entities import ANNOTATED, RAW, SHOWN, uuid_of

# "You need to wait at least 20 seconds for the image to be available."
_MIN_WAIT: Final = timedelta(seconds=20)


class VizioSenseCameras(SnapshotSource):
    """The cameras of one account; `album` gives the pictures that there are."""

    kinds = (RAW, ANNOTATED)
    min_wait = _MIN_WAIT

    def __init__(
        self,
        client: VizioSenseClient,
        links: SafeDownloader,
        album: Callable[[], SnapshotCache | None],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._links = links
        self._album = album
        self._now = now

    @override
    async def ask(self, device: str, at: datetime) -> Mapping[str, Fetch]:
        images = await self._client.request_image(uuid_of(device))
        links = {RAW: images.raw, ANNOTATED: images.annotated}
        return {
            kind: partial(self._fetch, device, kind, link, at)
            for kind, link in links.items()
            if link is not None
        }

    async def _fetch(self, device: str, kind: str, link: str, at: datetime) -> Picture:
        """Fetch a picture; raises PictureMissingError where it is still the one from before the request."""
        picture = await self._links.dated_picture(link)
        album = self._album()
        before = await album.newest(device, kind) if album else None
        if before is not None and before.taken_at < at and before.content == picture.content:
            raise PictureMissingError("the picture is the one from before")
        if picture.is_older_than(self._now() - at):
            raise PictureMissingError("the picture was made before it was requested")
        return Picture(at, picture.content_type, picture.content)

    @override
    def may_pass(self, failure: Exception) -> bool:
        """A picture that is missing or half may be on its way; nobody knows how that shows."""
        return isinstance(failure, PictureMissingError | TruncatedPictureError | UnreachableError)

    @override
    def taken(self, device: str, at: datetime) -> FeedUpdate:
        vendor_event = VendorEvent(
            id=f"picture {device} {at.isoformat()}",
            type=VendorEventType.CAPTURE_MADE,
            at=at,
            device=device,
        )
        return FeedUpdate(readings=self.readings(device), vendor_events=[vendor_event])

    def readings(self, device: str) -> dict[ChannelId, Reading]:
        """When each of a camera's newest pictures was taken."""
        album = self._album()
        times = {
            channel: album.newest_at(device, kind) if album else None
            for channel, kind in SHOWN.items()
        }
        return {ChannelId(device, channel): Reading(at, at) for channel, at in times.items()}
