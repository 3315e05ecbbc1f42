"""The pictures that are kept, for the media browser: by camera, by day, newest first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final, override

from ...contract.media import Media, MediaItem, MediaLibrary, SnapshotCache
from .entities import ANNOTATED, RAW, camera_id
from .models import Device

_DAY: Final = "%Y-%m-%d"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_TITLES: Final = {RAW: "Raw", ANNOTATED: "Annotated"}
_PICTURE: Final = "image/jpeg"


class VizioSenseLibrary(MediaLibrary):
    """The pictures of one account. Paths: camera, day, picture."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        album: Callable[[], SnapshotCache | None],
        zone: Callable[[], tzinfo],
    ) -> None:
        self._devices = devices
        self._album = album
        self._zone = zone

    @override
    async def browse(self, path: Sequence[str]) -> Sequence[MediaItem]:
        if not path:
            return [
                MediaItem(uuid, device.name or uuid, is_folder=True)
                for uuid, device in self._devices.items()
            ]
        kept = self._kept(path[0])
        if len(path) == 1:
            days = dict.fromkeys(self._day(at) for at, _ in kept)
            return [MediaItem(day, day, is_folder=True) for day in days]
        items = [
            MediaItem(
                f"{at.astimezone(UTC):{_STAMP}}-{kind}",
                f"{at.astimezone(self._zone()):%H:%M:%S} {_TITLES[kind]}",
                is_folder=False,
                content_type=_PICTURE,
            )
            for at, kind in kept
            if kind in _TITLES and [self._day(at)] == list(path[1:])
        ]
        if not items:
            raise LookupError("no such day")
        return items

    @override
    async def open(self, path: Sequence[str]) -> Media:
        if len(path) != len(("camera", "day", "picture")):
            raise LookupError("no picture")
        uuid, _, part = path
        album = self._album()
        for at, kind in self._kept(uuid):
            if album is not None and part == f"{at.astimezone(UTC):{_STAMP}}-{kind}":
                shot = await album.shot(camera_id(uuid), kind, at)
                if shot is not None:
                    return Media(shot.content_type, content=shot.content)
        raise LookupError("no such picture")

    def _kept(self, uuid: str) -> Sequence[tuple[datetime, str]]:
        album = self._album()
        if uuid not in self._devices or album is None:
            raise LookupError("no such camera")
        return album.kept(camera_id(uuid))

    def _day(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone()):{_DAY}}"
