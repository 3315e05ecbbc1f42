"""Stores pictures on disk within a size limit; the oldest are deleted first.

Methods that block say so and run in an executor, one after the other. Names of files and folders contain a digest of
the device's id and nothing else of it.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
import hashlib
from operator import attrgetter
from pathlib import Path
import shutil
from typing import Final

from ...models import Picture

MAX_BYTES: Final = 256 * 1024 * 1024
# How many times of one device are kept; each time may have several kinds of picture.
MAX_TIMES: Final = 24

_SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
_TYPES: Final = {suffix: kind for kind, suffix in _SUFFIXES.items()}
_STAMP: Final = "%Y%m%dT%H%M%S"
_UNFINISHED: Final = ".part"


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """One picture on disk."""

    taken_at: datetime
    kind: str
    path: Path
    size: int

    def read(self) -> Picture | None:
        """Read the picture; None where it was deleted or changed. Blocks."""
        with suppress(OSError):
            content = self.path.read_bytes()
            if len(content) == self.size:
                return Picture(self.taken_at, _TYPES[self.path.suffix], content)
        return None


class PictureStore:
    """The pictures of one account, in one folder; those of a device are in the order of time, oldest first."""

    def __init__(
        self, folder: Path, *, max_bytes: int = MAX_BYTES, max_times: int = MAX_TIMES
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_times = max_times
        # Replaced as a whole, so that the event loop may read it while an executor writes.
        self._pictures: Mapping[str, tuple[StoredPicture, ...]] = {}

    def of(self, device: str) -> tuple[StoredPicture, ...]:
        """Return the pictures of a device, oldest first."""
        return self._pictures.get(_folder_of(device), ())

    @property
    def size(self) -> int:
        """Return the bytes of all pictures."""
        return sum(stored.size for pictures in self._pictures.values() for stored in pictures)

    def load(self) -> None:
        """List the stored pictures; delete unfinished files and leave foreign ones alone. Blocks."""
        with suppress(OSError):
            for unfinished in self._folder.glob(f"*/*{_UNFINISHED}"):
                with suppress(OSError):  # a disk that cannot be written to hides no picture
                    unfinished.unlink()
            listed: dict[str, list[StoredPicture]] = {}
            for path in self._folder.glob("*/*"):
                if (stored := _parse_path(path)) is not None:
                    listed.setdefault(path.parent.name, []).append(stored)
            self._apply_limits(listed)

    def keep(self, device: str, kind: str, picture: Picture) -> None:
        """Write a picture and delete the oldest ones beyond the limit. Blocks; raises OSError."""
        folder = _folder_of(device)
        name = (
            f"{picture.taken_at.astimezone(UTC):{_STAMP}}-{kind}{_SUFFIXES[picture.content_type]}"
        )
        path = self._folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(name + _UNFINISHED)
        unfinished.write_bytes(picture.content)
        unfinished.replace(path)
        stored = StoredPicture(picture.taken_at, kind, path, len(picture.content))
        others = [each for each in self._pictures.get(folder, ()) if each.path != path]
        self._apply_limits({**self._pictures, folder: [*others, stored]})

    def remove(self) -> None:
        """Delete everything, with the folder. Blocks."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._pictures = {}

    def _apply_limits(self, pictures: Mapping[str, Iterable[StoredPicture]]) -> None:
        """Apply the limits: of each device the newest times, and of all the newest bytes."""
        kept = {
            folder: self._newest_times(sorted(each, key=attrgetter("taken_at", "kind")))
            for folder, each in pictures.items()
        }
        left = sum(stored.size for each in kept.values() for stored in each)
        last = {folder: each[-1].taken_at for folder, each in kept.items() if each}
        # The newest picture of each device is deleted last.
        for folder, stored in sorted(
            ((folder, stored) for folder, each in kept.items() for stored in each),
            key=lambda item: (item[1].taken_at == last[item[0]], item[1].taken_at),
        ):
            if left <= self._max_bytes:
                break
            kept[folder].remove(stored)
            left -= stored.size
        gone = {stored.path for each in pictures.values() for stored in each}
        gone -= {stored.path for each in kept.values() for stored in each}
        for path in gone:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._pictures = {folder: tuple(each) for folder, each in kept.items()}

    def _newest_times(self, pictures: list[StoredPicture]) -> list[StoredPicture]:
        times = sorted({stored.taken_at for stored in pictures})[-self._max_times :]
        return [stored for stored in pictures if stored.taken_at >= times[0]]


def _parse_path(path: Path) -> StoredPicture | None:
    stamp, _, kind = path.stem.partition("-")
    if path.suffix not in _TYPES or not kind:
        return None
    with suppress(ValueError, OSError):
        taken_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        return StoredPicture(taken_at, kind, path, path.stat().st_size)
    return None


def _folder_of(device: str) -> str:
    return hashlib.sha256(device.encode()).hexdigest()[:32]
