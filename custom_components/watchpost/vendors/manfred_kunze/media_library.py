"""Offer the captures to the media browser, as folders: camera, day, clip."""

from collections.abc import Callable, Sequence
from typing import Final, override

from homeassistant.util import dt as dt_util
from yarl import URL

from ...client.errors import NotSecureError, UnexpectedResponseError
from ...client.urls import parse_link
from ...contract.media import Media, MediaItem, MediaLibrary
from ...models import FeedUpdate
from .captures import CaptureList
from .client.media import MediaClient, link_of
from .models.media import Capture

_VIDEO: Final = "video/mp4"
_UNDATED: Final = "undated"
_OTHERS: Final = "others"


class CaptureLibrary(MediaLibrary):
    """Browse and open the listed captures; a link is fetched for each playback and not stored."""

    def __init__(
        self,
        client: MediaClient,
        captures: CaptureList,
        base_url: URL,
        show: Callable[[FeedUpdate], None],
    ) -> None:
        self._client = client
        self._captures = captures
        self._base_url = base_url
        self._show = show

    @override
    async def browse(self, path: Sequence[str]) -> Sequence[MediaItem]:
        if (update := await self._captures.fetch_if_old()) is not None:
            self._show(update)
        match path:
            case []:
                return self._cameras()
            case [camera]:
                days = dict.fromkeys(_day(capture) for capture in self._captures_in(camera))
                return [MediaItem(day, day, is_folder=True) for day in days]
            case [camera, day]:
                clips = [_item(each) for each in self._captures_in(camera) if _day(each) == day]
                if clips:
                    return clips
        raise LookupError("there is no such folder")

    @override
    async def open(self, path: Sequence[str]) -> Media:
        if len(path) != 3:
            raise LookupError("this is a folder")
        capture = next((each for each in self._captures_in(path[0]) if each.id == path[2]), None)
        if capture is None:
            raise LookupError("there is no such clip")
        reply = await self._client.download(capture.id)
        content_type = capture.content_type or _VIDEO
        if (link := link_of(reply)) is not None:
            return Media(content_type, url=self._absolute(link))
        content_type = reply.content_type.partition(";")[0].strip().lower()
        if reply.body and content_type.startswith("video/"):
            return Media(content_type, content=reply.body)
        raise UnexpectedResponseError("the reply holds no link to the clip")

    def _absolute(self, link: str) -> str:
        """Return a link with its host; raises UnexpectedResponseError for an invalid one."""
        try:
            return str(parse_link(link, self._base_url))
        except NotSecureError:
            raise UnexpectedResponseError("the link to the clip is none") from None

    def _cameras(self) -> list[MediaItem]:
        cameras = self._captures.cameras.values()
        folders = [MediaItem(each.id, each.name or each.id, is_folder=True) for each in cameras]
        if self._captures.captures_of(None):
            folders.append(MediaItem(_OTHERS, "Other captures", is_folder=True))
        return folders

    def _captures_in(self, folder: str) -> list[Capture]:
        if folder != _OTHERS and folder not in self._captures.cameras:
            raise LookupError("there is no such camera")
        return self._captures.captures_of(None if folder == _OTHERS else folder)


def _day(capture: Capture) -> str:
    return f"{dt_util.as_local(capture.at):%Y-%m-%d}" if capture.at else _UNDATED


def _item(capture: Capture) -> MediaItem:
    title = f"{dt_util.as_local(capture.at):%H:%M:%S}" if capture.at else capture.id
    if capture.seconds is not None:
        title = f"{title} ({capture.seconds:.0f} s)"
    return MediaItem(
        capture.id, title, is_folder=False, content_type=capture.content_type or _VIDEO
    )
