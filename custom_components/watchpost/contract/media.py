"""The media of a vendor: cameras, media library and files."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from ..client.downloads import Take
from ..models import FeedUpdate, JobState, Picture


@dataclass(frozen=True, slots=True)
class MediaItem:
    """A line of a library: a folder, or something to play; `part` names it in a path, for ever, without a slash."""

    part: str
    title: str
    is_folder: bool
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Media:
    """Playable media: either its bytes, or an address (https, or http to loopback) that is good for a while."""

    content_type: str
    content: bytes | None = None
    url: str | None = None


class MediaLibrary(ABC):
    """An account's pictures and clips, as folders; a path is the parts from the account down."""

    @abstractmethod
    async def browse(self, path: Sequence[str]) -> Sequence[MediaItem]:
        """List a folder, newest first; raises a `VendorError`, or LookupError for a path that is none."""

    @abstractmethod
    async def open(self, path: Sequence[str]) -> Media:
        """Return what is at the path, with a fresh link; raises as `browse`."""


# Fetches one picture; raises where there is none, for now or for good.
type Fetch = Callable[[], Awaitable[Picture]]


class SnapshotSource(ABC):
    """An account's cameras, which take pictures when they are asked and deliver them a while later.

    `kinds` are the pictures that one asking brings; none of them is there before `least_wait` is over.
    """

    kinds: Sequence[str]
    min_wait: timedelta

    @abstractmethod
    async def ask(self, device: str, at: datetime) -> Mapping[str, Fetch]:
        """Wake a camera; returns how each kind of picture, as taken `at`, is fetched. Raises a `VendorError`."""

    @abstractmethod
    def may_pass(self, failure: Exception) -> bool:
        """Return whether fetching anew may help after this failure."""

    @abstractmethod
    def taken(self, device: str, at: datetime) -> FeedUpdate:
        """Say what a picture that came changes."""


class Snapshot(Protocol):
    """The result of asking a camera for pictures, and the error, if any."""

    @property
    def taken_at(self) -> datetime:
        """Return when (UTC) the camera was asked."""

    @property
    def failure(self) -> Exception | None:
        """Return the error of the pictures, None where all came."""


class PendingPicture(Protocol):
    """A snapshot that is being made."""

    async def result(self) -> Snapshot | None:
        """Wait for it; None where the account was unloaded meanwhile."""

    async def state(self) -> JobState:
        """Return its progress."""


class SnapshotCache(Protocol):
    """The pictures of an account's cameras. Looking wakes no camera; whoever asks while one is at work joins that."""

    async def ask(self, device: str) -> PendingPicture:
        """Have a device's camera take a picture; raises a `VendorError`."""

    async def newest(self, device: str, kind: str) -> Picture | None:
        """Return the newest picture of a kind."""

    def newest_at(self, device: str, kind: str) -> datetime | None:
        """Return when the newest picture of a kind was taken."""

    def kept(self, device: str) -> Sequence[tuple[datetime, str]]:
        """Return time and kind of each stored picture, newest first."""

    async def shot(self, device: str, kind: str, at: datetime) -> Picture | None:
        """Return the picture taken at a time; None where it is not stored."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file for Home Assistant's media folder, under `file` in an action's outcome; `name` is a plain file name."""

    name: str
    content: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """Return its size in bytes."""
        return len(self.content)

    async def fetch(self, take: Take) -> None:
        """Hand its bytes over."""
        await take(self.content)

    def is_sound(self, path: Path) -> bool:
        """Return whether what was written is the file."""
        return path.stat().st_size == self.size


@dataclass(frozen=True, slots=True)
class MediaDownload:
    """A file for Home Assistant's media folder that is too large for memory, under `file` as a `MediaFile`.

    `fetch` hands its bytes over in order, in its own time, and raises a `VendorError`. `size` is what the vendor says.
    `is_sound` looks at the whole file on disk, in an executor, before it gets its name.
    """

    name: str
    fetch: Callable[[Take], Awaitable[None]]
    size: int | None = None
    is_sound: Callable[[Path], bool] = lambda path: True
