"""Stills of cameras: the thumbnail of each one's newest capture, fetched when somebody looks, once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ...client.downloads import SafeDownloader
from ...client.errors import VendorError
from ...client.image_check import check_picture
from ...models import Picture
from .captures import CaptureList
from .client.media import MediaClient
from .models.media import Capture

# After a failure the last picture stands for so many seconds before it is tried again.
_PAUSE: Final = 60.0
# So often a capture is asked for a picture that it does not have yet.
_MAX_LOOKS: Final = 5


@dataclass(slots=True)
class _Frame:
    """What is held of one camera: the capture that needs no further look, and when another one may be tried."""

    capture: str | None = None
    wanted: str | None = None
    looks: int = 0
    shot: Picture | None = None
    not_before: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ThumbnailCache:
    """The newest picture of each camera; `clock` gives monotonic seconds."""

    def __init__(
        self,
        client: MediaClient,
        gallery: CaptureList,
        links: SafeDownloader,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._gallery = gallery
        self._links = links
        self._clock = clock
        self._frames: dict[str, _Frame] = {}

    async def newest(self, camera: str) -> Picture | None:
        """The newest picture of a camera, None while there is none; what goes wrong leaves the one before."""
        frame = self._frames.setdefault(camera, _Frame())
        async with frame.lock:
            capture = self._gallery.newest().get(camera)
            if capture is None:  # what the vendor has deleted is not shown any more
                frame.capture = frame.wanted = frame.shot = None
            elif capture.id != frame.capture and self._clock() >= frame.not_before:
                await self._look(frame, capture)
            return frame.shot

    async def _look(self, frame: _Frame, capture: Capture) -> None:
        if capture.id != frame.wanted:
            frame.wanted, frame.looks = capture.id, 0
        frame.looks += 1
        try:
            found = await self._client.thumbnail(capture.id)
            if found is not None and capture.at is not None:
                frame.shot = Picture(capture.at, *await self._picture(found))
            if found is not None or frame.looks >= _MAX_LOOKS:
                frame.capture = capture.id
                return
        except VendorError:
            pass
        frame.not_before = self._clock() + _PAUSE

    async def _picture(self, found: str | bytes) -> tuple[str, bytes]:
        """Content type and bytes of a picture, or of what is behind its link."""
        if isinstance(found, bytes):
            return check_picture(found), found
        return await self._links.picture(found)
