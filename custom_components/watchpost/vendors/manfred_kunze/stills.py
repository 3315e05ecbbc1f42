"""Stills of cameras: the thumbnail of each one's newest capture, fetched when somebody looks, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ...engine.model import Shot
from ..errors import VendorError
from ..links import LinkFetcher
from ..pictures import check_picture
from .client.media import MediaClient
from .gallery import Gallery

# After a failure the last picture stands for so many seconds before it is tried again.
_PAUSE: Final = 60.0


@dataclass(slots=True)
class _Frame:
    """What is held of one camera: the capture whose picture it is, and when another one may be tried."""

    capture: str | None = None
    shot: Shot | None = None
    not_before: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Stills:
    """The newest picture of each camera; `clock` gives monotonic seconds."""

    def __init__(
        self, client: MediaClient, gallery: Gallery, links: LinkFetcher, clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._gallery = gallery
        self._links = links
        self._clock = clock
        self._frames: dict[str, _Frame] = {}

    async def newest(self, camera: str) -> Shot | None:
        """The newest picture of a camera, None while there is none; what goes wrong leaves the one before."""
        frame = self._frames.setdefault(camera, _Frame())
        async with frame.lock:
            capture = self._gallery.newest().get(camera)
            is_new = capture is not None and capture.id != frame.capture
            if capture is None or not is_new or self._clock() < frame.not_before:
                return frame.shot
            try:
                found = await self._client.thumbnail(capture.id)
                if found is not None and capture.at is not None:
                    frame.shot = Shot(capture.at, *await self._picture(found))
                frame.capture = capture.id
            except VendorError:
                frame.not_before = self._clock() + _PAUSE
            return frame.shot

    async def _picture(self, found: str | bytes) -> tuple[str, bytes]:
        """Content type and bytes of a picture, or of what is behind its link."""
        if isinstance(found, bytes):
            return check_picture(found), found
        return await self._links.picture(found)
