"""Media library of video clips, by machine, day and clip."""

from collections.abc import Sequence
from typing import Final, override

from homeassistant.util import dt as dt_util

from ...client.errors import UnexpectedResponseError
from ...contract.media import Media, MediaItem, MediaLibrary
from .client import SensorZoneClient
from .decode import pick, read_one
from .downloads import fetched, is_safe
from .inventory import SiteInventory
from .models import Clip

VIDEO: Final = "video/mp4"
UNDATED: Final = "undated"


class ClipLibrary(MediaLibrary):
    """Browse the vendor's clips; a clip's link is fetched when it is played."""

    def __init__(self, client: SensorZoneClient, site_inventory: SiteInventory) -> None:
        self._client = client
        self._site_inventory = site_inventory

    @override
    async def browse(self, path: Sequence[str]) -> Sequence[MediaItem]:
        match path:
            case []:
                return [
                    MediaItem(machine.id, machine.name or machine.id, is_folder=True)
                    for machine in self._site_inventory.machines.values()
                ]
            case [machine]:
                days = {_day(clip) for clip in await self._clips(machine)}
                return [MediaItem(day, day, is_folder=True) for day in sorted(days, reverse=True)]
            case [machine, day]:
                clips = [clip for clip in await self._clips(machine) if _day(clip) == day]
                if not clips:
                    raise LookupError("there is no such day")
                return [_item(clip) for clip in clips]
        raise LookupError("there is no such folder")

    @override
    async def open(self, path: Sequence[str]) -> Media:
        if len(path) != 3:
            raise LookupError("this is a folder")
        machine, _, wanted = path
        clip = next((clip for clip in await self._clips(machine) if clip.id == wanted), None)
        if clip is None:
            raise LookupError("there is no such clip")
        return await self._media(machine, clip)

    async def _clips(self, machine: str) -> list[Clip]:
        """Return a machine's clips, newest first."""
        if machine not in self._site_inventory.machines:
            raise LookupError("there is no such machine")
        clips = (await self._client.clips(machine)).value
        epoch = dt_util.utc_from_timestamp(0)
        return sorted(clips, key=lambda clip: clip.at or epoch, reverse=True)

    async def _media(self, machine: str, clip: Clip) -> Media:
        """Return a clip's content from the vendor's own host, or the link to another host."""
        link = clip.url
        if link is None:
            reply = await self._client.clip(machine, clip.id)
            if reply.content_type.startswith("video/"):
                return Media(reply.content_type, content=reply.body)
            found = pick(read_one(reply.body) or {}, "url", "download_url", "video_url", "href")
            link = found if isinstance(found, str) else None
        if link is None:
            raise UnexpectedResponseError("the reply holds no video")
        reply_of_link = await fetched(self._client, link)
        if reply_of_link is not None:
            return Media(reply_of_link.content_type or VIDEO, content=reply_of_link.body)
        if not is_safe(link):
            raise UnexpectedResponseError("the link to the video is not safe")
        return Media(clip.content_type or VIDEO, url=link)


def _day(clip: Clip) -> str:
    return f"{dt_util.as_local(clip.at):%Y-%m-%d}" if clip.at else UNDATED


def _item(clip: Clip) -> MediaItem:
    title = f"{dt_util.as_local(clip.at):%H:%M:%S}" if clip.at else clip.id
    return MediaItem(clip.id, title, is_folder=False, content_type=clip.content_type or VIDEO)
