"""Snapshots of VizioSense's cameras: requested by the API, fetched from two links valid for half an hour."""

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
from .entities import ANNOTATED, PICTURE_KINDS, RAW, vendor_uuid

# "You need to wait at least 20 seconds for the image to be available."
_MIN_WAIT: Final = timedelta(seconds=20)


class VizioSenseCameras(SnapshotSource):
    """Source of snapshots of one account; `snapshots` returns the stored pictures."""

    kinds = (RAW, ANNOTATED)
    min_wait = _MIN_WAIT

    def __init__(
        self,
        client: VizioSenseClient,
        downloader: SafeDownloader,
        snapshots: Callable[[], SnapshotCache | None],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._downloader = downloader
        self._snapshots = snapshots
        self._now = now

    @override
    async def ask(self, device: str, at: datetime) -> Mapping[str, Fetch]:
        images = await self._client.request_image(vendor_uuid(device))
        links = {RAW: images.raw, ANNOTATED: images.annotated}
        return {
            kind: partial(self._fetch, device, kind, link, at)
            for kind, link in links.items()
            if link is not None
        }

    async def _fetch(self, device: str, kind: str, link: str, at: datetime) -> Picture:
        """Fetch a picture; raise PictureMissingError if it is still the one from before the request."""
        picture = await self._downloader.dated_picture(link)
        snapshots = self._snapshots()
        previous = await snapshots.newest(device, kind) if snapshots else None
        if previous is not None and previous.taken_at < at and previous.content == picture.content:
            raise PictureMissingError("the picture is the one from before")
        if picture.is_older_than(self._now() - at):
            raise PictureMissingError("the picture was made before it was requested")
        return Picture(at, picture.content_type, picture.content)

    @override
    def may_pass(self, failure: Exception) -> bool:
        """Return whether to retry: a missing or truncated picture may still be uploading (UNKNOWN)."""
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
        """Return the times of a camera's newest pictures as readings."""
        snapshots = self._snapshots()
        times = {
            channel: snapshots.newest_at(device, kind) if snapshots else None
            for channel, kind in PICTURE_KINDS.items()
        }
        return {ChannelId(device, channel): Reading(at, at) for channel, at in times.items()}
