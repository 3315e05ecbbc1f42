"""Media library of stored pictures, by camera and day, newest first."""

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
    """Browse the stored pictures of one account by camera, day and picture."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        snapshots: Callable[[], SnapshotCache | None],
        zone: Callable[[], tzinfo],
    ) -> None:
        self._devices = devices
        self._snapshots = snapshots
        self._zone = zone

    @override
    async def browse(self, path: Sequence[str]) -> Sequence[MediaItem]:
        if not path:
            return [
                MediaItem(uuid, device.name or uuid, is_folder=True)
                for uuid, device in self._devices.items()
            ]
        stored = self._stored(path[0])
        if len(path) == 1:
            days = dict.fromkeys(self._day(at) for at, _ in stored)
            return [MediaItem(day, day, is_folder=True) for day in days]
        items = [
            MediaItem(
                f"{at.astimezone(UTC):{_STAMP}}-{kind}",
                f"{at.astimezone(self._zone()):%H:%M:%S} {_TITLES[kind]}",
                is_folder=False,
                content_type=_PICTURE,
            )
            for at, kind in stored
            if kind in _TITLES and [self._day(at)] == list(path[1:])
        ]
        if not items:
            raise LookupError("no such day")
        return items

    @override
    async def open(self, path: Sequence[str]) -> Media:
        if len(path) != len(("camera", "day", "picture")):
            raise LookupError("no picture")
        uuid, _, item = path
        snapshots = self._snapshots()
        for at, kind in self._stored(uuid):
            if snapshots is not None and item == f"{at.astimezone(UTC):{_STAMP}}-{kind}":
                picture = await snapshots.shot(camera_id(uuid), kind, at)
                if picture is not None:
                    return Media(picture.content_type, content=picture.content)
        raise LookupError("no such picture")

    def _stored(self, uuid: str) -> Sequence[tuple[datetime, str]]:
        snapshots = self._snapshots()
        if uuid not in self._devices or snapshots is None:
            raise LookupError("no such camera")
        return snapshots.kept(camera_id(uuid))

    def _day(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone()):{_DAY}}"
