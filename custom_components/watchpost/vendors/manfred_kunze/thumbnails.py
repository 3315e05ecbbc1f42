"""Fetch and cache the thumbnail of each camera's newest capture, when it is requested."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
import logging
from typing import Final

from ...client.downloads import SafeDownloader
from ...client.errors import CertificateError, NoTlsError, PrivateAddressError, VendorError
from ...client.image_check import check_picture
from ...models import Picture
from .captures import CaptureList
from .client.media import MediaClient
from .models.media import Capture

_LOGGER = logging.getLogger(__name__)

# The pictures of all cameras together; those that were viewed longest ago are fetched again.
MAX_BYTES: Final = 64 * 1024 * 1024
# Seconds after a failure until the picture is requested again.
_RETRY_SECONDS: Final = 60.0
# So often the thumbnail of a capture is requested that has none yet.
_MAX_TRIES: Final = 5
# Failures that a person can mend.
_FOR_PEOPLE: Final = (CertificateError, NoTlsError, PrivateAddressError)


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
        # The camera that was viewed last is the last.
        self._cache: dict[str, _CachedThumbnail] = {}
        # Kinds of failure that have been logged.
        self._reported: set[type[VendorError]] = set()

    async def newest(self, camera: str) -> Picture | None:
        """Return the newest picture of a camera, None while there is none; a failure keeps the one before."""
        cached = self._cache[camera] = self._cache.pop(camera, _CachedThumbnail())
        async with cached.lock:
            capture = self._captures.newest().get(camera)
            if capture is None:  # a deleted capture is not shown any more
                cached.capture = cached.wanted = cached.picture = None
            elif capture.id != cached.capture and self._monotonic() >= cached.retry_at:
                await self._fetch(cached, capture)
            picture = cached.picture
        self._trim()
        return picture

    def _trim(self) -> None:
        """Drop the pictures that were viewed longest ago until the others fit."""
        size = sum(len(each.picture.content) for each in self._cache.values() if each.picture)
        for cached in self._cache.values():
            if size <= MAX_BYTES:
                return
            if cached.picture is not None and not cached.lock.locked():
                size -= len(cached.picture.content)
                cached.capture = cached.wanted = cached.picture = None

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
        except VendorError as err:
            self._report(err)
        cached.retry_at = self._monotonic() + _RETRY_SECONDS

    def _report(self, err: VendorError) -> None:
        """Log once what a person can mend; nothing else shows why a camera has no picture."""
        if isinstance(err, _FOR_PEOPLE) and type(err) not in self._reported:
            self._reported.add(type(err))
            _LOGGER.warning("The thumbnails of cameras cannot be shown: %s", err)

    async def _picture(self, thumbnail: str | bytes) -> tuple[str, bytes]:
        """Return content type and bytes of a picture, which is downloaded if it is given as a link."""
        if isinstance(thumbnail, bytes):
            return check_picture(thumbnail), thumbnail
        return await self._links.picture(thumbnail)
