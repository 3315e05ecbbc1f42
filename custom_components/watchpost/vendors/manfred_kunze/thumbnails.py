"""Fetch and cache the thumbnail of each camera's newest capture, when it is requested."""

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

# Seconds after a failure until the picture is requested again.
_RETRY_SECONDS: Final = 60.0
# So often the thumbnail of a capture is requested that has none yet.
_MAX_TRIES: Final = 5


@dataclass(slots=True)
class _CachedThumbnail:
    """Cached picture of one camera: its finished capture, the tries of the wanted one, and the time of the next."""

    capture: str | None = None
    wanted: str | None = None
    tries: int = 0
    picture: Picture | None = None
    retry_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ThumbnailCache:
    """Cache the newest picture of each camera; `monotonic` gives seconds."""

    def __init__(
        self,
        client: MediaClient,
        captures: CaptureList,
        links: SafeDownloader,
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._captures = captures
        self._links = links
        self._monotonic = monotonic
        self._cache: dict[str, _CachedThumbnail] = {}

    async def newest(self, camera: str) -> Picture | None:
        """Return the newest picture of a camera, None while there is none; a failure keeps the one before."""
        cached = self._cache.setdefault(camera, _CachedThumbnail())
        async with cached.lock:
            capture = self._captures.newest().get(camera)
            if capture is None:  # a deleted capture is not shown any more
                cached.capture = cached.wanted = cached.picture = None
            elif capture.id != cached.capture and self._monotonic() >= cached.retry_at:
                await self._fetch(cached, capture)
            return cached.picture

    async def _fetch(self, cached: _CachedThumbnail, capture: Capture) -> None:
        if capture.id != cached.wanted:
            cached.wanted, cached.tries = capture.id, 0
        cached.tries += 1
        try:
            thumbnail = await self._client.thumbnail(capture.id)
            if thumbnail is not None and capture.at is not None:
                cached.picture = Picture(capture.at, *await self._picture(thumbnail))
            if thumbnail is not None or cached.tries >= _MAX_TRIES:
                cached.capture = capture.id
                return
        except VendorError:
            pass
        cached.retry_at = self._monotonic() + _RETRY_SECONDS

    async def _picture(self, thumbnail: str | bytes) -> tuple[str, bytes]:
        """Return content type and bytes of a picture, which is downloaded if it is given as a link."""
        if isinstance(thumbnail, bytes):
            return check_picture(thumbnail), thumbnail
        return await self._links.picture(thumbnail)
