"""The captures that there are: what is new among them, and what each camera has."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from ...models import ChannelId, FeedUpdate, Reading, VendorEvent, VendorEventType
from .camera_entities import camera_id, capture_readings
from .client.api import PlatformResponse
from .client.media import MediaClient
from .inventory import ACCOUNT
from .models.media import Camera, Capture

# All pages are read so often (seconds): a list whose newest come first need not be read further than what is known.
_WHOLE_EVERY: Final = 900.0
# What was listed so few seconds ago is shown to who browses.
_RECENT: Final = 20.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CaptureList:
    """The captures of one organisation; `clock` gives monotonic seconds, `now` the vendor's time (UTC)."""

    def __init__(
        self, client: MediaClient, clock: Callable[[], float], now: Callable[[], datetime]
    ) -> None:
        self.cameras: dict[str, Camera] = {}
        self._client = client
        self._clock = clock
        self._now = now
        self._captures: dict[str, Capture] = {}
        self._seen_at: dict[str, datetime] = {}
        self._whole_at: float | None = None
        self._read_at: float | None = None
        self.is_cut = False

    def __len__(self) -> int:
        """How many captures are known."""
        return len(self._captures)

    # -- reading the list --

    async def fetch(self, wanted: frozenset[ChannelId] = frozenset()) -> FeedUpdate:
        """Read what is new; raises a `VendorError`."""
        is_due = self._whole_at is None or self._clock() - self._whole_at >= _WHOLE_EVERY
        answer = await self._client.list_captures(None if is_due else self._is_enough)
        fresh = self._take(answer, is_all=is_due)
        return FeedUpdate(
            readings=self._readings(),
            vendor_events=[self._occurrence(capture) for capture in fresh],
            freshness=answer.freshness,
            rejected=Counter(answer.rejected),
        )

    async def recent(self) -> FeedUpdate | None:
        """Read what is new, unless that was done just now; raises a `VendorError`."""
        if self._read_at is not None and self._clock() - self._read_at < _RECENT:
            return None
        return await self.fetch()

    def _is_enough(self, captures: Sequence[Capture]) -> bool:
        """Whether the newest come first and the last of these is known to be there."""
        times = [capture.at for capture in captures if capture.at is not None]
        if not times or times != sorted(times, reverse=True):
            return False
        known = self._captures.get(captures[-1].id)
        return known is not None and known.is_there

    def _take(self, answer: PlatformResponse[list[Capture]], *, is_all: bool) -> list[Capture]:
        """Keep what came; returns what was not there before."""
        is_first = self._read_at is None
        before = {found for found, capture in self._captures.items() if capture.is_there}
        listed = {capture.id: capture for capture in answer.value}
        self._read_at = self._clock()
        if is_all:
            self._whole_at = self._read_at
            self.is_cut = not answer.is_whole
            self._captures = listed
        else:
            self._captures |= listed
        fresh = [each for each in listed.values() if each.is_there and each.id not in before]
        if is_first:
            # Whether what has no time is new, nobody knows.
            fresh = [each for each in fresh if each.made_at or each.at]
        else:
            # What a later list shows for the first time is new, whatever period it is of.
            self._seen_at.update((each.id, self._now()) for each in fresh if each.made_at is None)
        self._seen_at = {k: at for k, at in self._seen_at.items() if k in self._captures}
        return fresh

    # -- what is known --

    def camera_of(self, capture: Capture) -> str | None:
        """The camera that took it; where it names none, the only one of its device."""
        if capture.camera is not None or capture.device is None:
            return capture.camera
        found = [each.id for each in self.cameras.values() if each.device == capture.device]
        return found[0] if len(found) == 1 else None

    def of(self, camera: str | None) -> list[Capture]:
        """A camera's captures that can be played, newest first; those of no listed camera for None."""
        found = [
            capture
            for capture in self._captures.values()
            if capture.is_there and self._listed(capture) == camera
        ]
        return sorted(found, key=lambda each: (each.at or _EPOCH, each.id), reverse=True)

    def _listed(self, capture: Capture) -> str | None:
        camera = self.camera_of(capture)
        return camera if camera in self.cameras else None

    def answer_to(self, request: str) -> Capture | None:
        """The capture that names a clip request."""
        return next((each for each in self._captures.values() if each.request == request), None)

    def newest(self) -> dict[str, Capture]:
        """The newest capture of each camera that has one."""
        found: dict[str, Capture] = {}
        for capture in self._captures.values():
            camera = self._listed(capture)
            if camera is None or not capture.is_there or capture.at is None:
                continue
            before = found.get(camera)
            if before is None or before.at is None or capture.at > before.at:
                found[camera] = capture
        return found

    def _readings(self) -> dict[ChannelId, Reading]:
        newest = self.newest()
        readings: dict[ChannelId, Reading] = {}
        for camera in self.cameras:
            capture = newest.get(camera)
            readings |= capture_readings(camera, capture.at if capture else None)
        return readings

    def _occurrence(self, capture: Capture) -> VendorEvent:
        camera = self._listed(capture)
        return VendorEvent(
            id=f"capture {capture.id}",
            type=VendorEventType.CAPTURE_MADE,
            at=self._seen_at.get(capture.id) or capture.made_at or capture.at or self._now(),
            device=camera_id(camera) if camera else ACCOUNT,
            data={
                "capture_id": capture.id,
                "taken_at": capture.at.isoformat() if capture.at else None,
                "duration": capture.seconds,
                "event_id": capture.event,
                "request_id": capture.request,
                "severity": capture.severity.lower() if capture.severity else None,
            },
        )
