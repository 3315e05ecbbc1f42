"""Track the captures of an organisation: which are new, and which belong to each camera."""

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

# All pages are fetched this often (seconds); between, a list with the newest first ends at the first known capture.
_COMPLETE_EVERY: Final = 900.0
# Reuse a capture list younger than this many seconds when browsing.
_MAX_BROWSE_AGE: Final = 20.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CaptureList:
    """Poll the captures of one organisation; `monotonic` gives seconds, `vendor_utc` the vendor's clock."""

    def __init__(
        self,
        client: MediaClient,
        monotonic: Callable[[], float],
        vendor_utc: Callable[[], datetime],
    ) -> None:
        self.cameras: dict[str, Camera] = {}
        self._client = client
        self._monotonic = monotonic
        self._vendor_utc = vendor_utc
        self._captures: dict[str, Capture] = {}
        self._seen_at: dict[str, datetime] = {}
        self._complete_at: float | None = None
        self._fetched_at: float | None = None
        self.is_truncated = False

    def __len__(self) -> int:
        """Return the number of known captures."""
        return len(self._captures)

    # -- polling --

    async def fetch(self, wanted: frozenset[ChannelId] = frozenset()) -> FeedUpdate:
        """Fetch new captures; raises a `VendorError`."""
        is_due = (
            self._complete_at is None or self._monotonic() - self._complete_at >= _COMPLETE_EVERY
        )
        response = await self._client.list_captures(None if is_due else self._is_enough)
        new = self._store(response, is_all=is_due)
        return FeedUpdate(
            readings=self._readings(),
            vendor_events=[self._event(capture) for capture in new],
            freshness=response.freshness,
            rejected=Counter(response.rejected),
        )

    async def fetch_if_old(self) -> FeedUpdate | None:
        """Fetch new captures unless that was done just now; raises a `VendorError`."""
        if self._fetched_at is not None and self._monotonic() - self._fetched_at < _MAX_BROWSE_AGE:
            return None
        return await self.fetch()

    def _is_enough(self, captures: Sequence[Capture]) -> bool:
        """Return whether the newest come first and the last of these captures is known and available."""
        times = [capture.at for capture in captures if capture.at is not None]
        if not times or times != sorted(times, reverse=True):
            return False
        known = self._captures.get(captures[-1].id)
        return known is not None and known.is_there

    def _store(self, response: PlatformResponse[list[Capture]], *, is_all: bool) -> list[Capture]:
        """Store the captures of a response; return those that are newly available."""
        is_first = self._fetched_at is None
        before = {id_ for id_, capture in self._captures.items() if capture.is_there}
        listed = {capture.id: capture for capture in response.value}
        self._fetched_at = self._monotonic()
        if is_all:
            self._complete_at = self._fetched_at
            self.is_truncated = not response.is_whole
            self._captures = listed
        else:
            self._captures |= listed
        new = [each for each in listed.values() if each.is_there and each.id not in before]
        if is_first:
            # Skip captures without a timestamp: they may be old.
            new = [each for each in new if each.made_at or each.at]
        else:
            # A capture that a later list shows for the first time is new, whatever period it covers.
            self._seen_at.update(
                (each.id, self._vendor_utc()) for each in new if each.made_at is None
            )
        self._seen_at = {k: at for k, at in self._seen_at.items() if k in self._captures}
        return new

    # -- look-ups --

    def camera_of(self, capture: Capture) -> str | None:
        """Return the camera of a capture; where it names none, the only camera of its device."""
        if capture.camera is not None or capture.device is None:
            return capture.camera
        cameras = [each.id for each in self.cameras.values() if each.device == capture.device]
        return cameras[0] if len(cameras) == 1 else None

    def captures_of(self, camera: str | None) -> list[Capture]:
        """Return a camera's captures that can be played, newest first; for None those without a listed camera."""
        captures = [
            capture
            for capture in self._captures.values()
            if capture.is_there and self._camera_listed(capture) == camera
        ]
        return sorted(captures, key=lambda each: (each.at or _EPOCH, each.id), reverse=True)

    def _camera_listed(self, capture: Capture) -> str | None:
        camera = self.camera_of(capture)
        return camera if camera in self.cameras else None

    def capture_for(self, request: str) -> Capture | None:
        """Return the capture that names a clip request."""
        return next((each for each in self._captures.values() if each.request == request), None)

    def newest(self) -> dict[str, Capture]:
        """Return the newest capture of each camera that has one."""
        newest: dict[str, Capture] = {}
        for capture in self._captures.values():
            camera = self._camera_listed(capture)
            if camera is None or not capture.is_there or capture.at is None:
                continue
            before = newest.get(camera)
            if before is None or before.at is None or capture.at > before.at:
                newest[camera] = capture
        return newest

    def _readings(self) -> dict[ChannelId, Reading]:
        newest = self.newest()
        readings: dict[ChannelId, Reading] = {}
        for camera in self.cameras:
            capture = newest.get(camera)
            readings |= capture_readings(camera, capture.at if capture else None)
        return readings

    def _event(self, capture: Capture) -> VendorEvent:
        camera = self._camera_listed(capture)
        return VendorEvent(
            id=f"capture {capture.id}",
            type=VendorEventType.CAPTURE_MADE,
            at=self._seen_at.get(capture.id) or capture.made_at or capture.at or self._vendor_utc(),
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
