"""Cameras, captures, DVR clip requests and live sessions as typed records.

The vendor's page "Capture media" says what there is and how far it can be, not what the fields are called, so each is
read under its likely names.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from ....client.decode import Row, nested
from .fields import figure, member, reference, time_of, word, words
from .stream_access import Access, access_of

_STARTED: Final = (
    *("startedAt", "capturedAt", "recordedAt", "startTime", "from", "start", "occurredAt"),
    *("eventTime", "timestamp", "time", "createdAt"),
)
_MADE: Final = ("createdAt", "completedAt", "uploadedAt", "storedAt", "availableAt")
_ENDED: Final = ("endedAt", "endTime", "to", "end")
_EXPIRES: Final = ("expiresAt", "expiry", "validUntil", "expires")
_STATES: Final = ("status", "state")
_LENGTHS: Final = ("durationSeconds", "duration", "lengthSeconds")
_THUMBNAILS: Final = ("thumbnailUrl", "thumbnailDownloadUrl", "thumbnail", "previewUrl", "poster")
_TYPES: Final = ("contentType", "mimeType", "mediaType")

# The vendor names no state of captures and clip requests; these words say the same in any API.
_DONE: Final = frozenset(
    {
        *("READY", "DONE", "COMPLETE", "COMPLETED", "SUCCESS", "SUCCEEDED", "FINISHED"),
        *("AVAILABLE", "STORED", "UPLOADED", "FULFILLED", "CAPTURED"),
    }
)
_FAILED: Final = frozenset(
    {
        *("FAILED", "FAILURE", "ERROR", "REJECTED", "CANCELLED", "CANCELED", "ABORTED", "TIMEOUT"),
        *("TIMED_OUT", "EXPIRED", "NOT_FOUND", "UNAVAILABLE", "NO_FOOTAGE", "DELETED"),
    }
)


class Progress(StrEnum):
    """The progress of a capture or a clip request."""

    UNDER_WAY = "under_way"
    DONE = "done"
    FAILED = "failed"


class CameraStatus(StrEnum):
    """The status of a camera."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"
    DEGRADED = "DEGRADED"


class LiveState(StrEnum):
    """The state of a live session."""

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    EXPIRED = "EXPIRED"


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """A camera of a device; `status` is None for a literal that is not known."""

    id: str
    name: str | None = None
    device: str | None = None
    status: CameraStatus | None = None
    model: str | None = None


class Capture(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A clip in the vendor's storage; `state` is None where nothing is said of it, as of one that is there.

    `at` is when the footage begins, `made_at` when the vendor had it. `request` is the DVR clip request that it
    answers, where one is named.
    """

    id: str
    camera: str | None = None
    device: str | None = None
    event: str | None = None
    request: str | None = None
    state: Progress | None = None
    at: datetime | None = None
    made_at: datetime | None = None
    seconds: float | None = None
    content_type: str | None = None
    severity: str | None = None

    @property
    def is_there(self) -> bool:
        """Return whether it can be played, as far as is known."""
        return self.state in (None, Progress.DONE)


class ClipRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for footage of a period; `capture` is the clip that came of it, where one is named."""

    id: str
    camera: str | None = None
    state: Progress = Progress.UNDER_WAY
    capture: str | None = None


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    """A live session; `access` is how its playlist is fetched, None while it is unknown."""

    id: str
    camera: str | None = None
    state: LiveState | None = None
    expires_at: datetime | None = None
    access: Access | None = None

    @property
    def is_over(self) -> bool:
        """Return whether nothing comes of it any more."""
        return self.state in (LiveState.STOPPING, LiveState.STOPPED, LiveState.EXPIRED)


def read_camera(record_id: str, row: Row) -> Camera:
    """Read a camera."""
    return Camera(
        id=record_id,
        name=words(row, "name", "displayName", "label", "title"),
        device=reference(row, "device", "gateway"),
        status=member(CameraStatus, row, *_STATES, "cameraStatus", "connectionStatus"),
        model=words(row, "model", "type"),
    )


def read_capture(record_id: str, row: Row) -> Capture:
    """Read a capture, what its event or its media tells in an object of its own included."""
    inner = {**nested(row, "media"), **nested(row, "clip")}
    held = {**inner, **{key: value for key, value in row.items() if value is not None}}
    at, end = time_of(held, *_STARTED), time_of(held, *_ENDED)
    seconds = figure(held, *_LENGTHS)
    if seconds is None and at is not None and end is not None and end > at:
        seconds = (end - at).total_seconds()
    return Capture(
        id=record_id,
        camera=reference(held, "camera"),
        device=reference(held, "device"),
        event=reference(held, "event", "alert"),
        request=reference(held, "dvrClipRequest", "clipRequest", "dvrRequest", "request"),
        state=_progress(held),
        at=at,
        made_at=time_of(held, *_MADE),
        seconds=seconds,
        content_type=words(held, *_TYPES),
        severity=word(held, "severity") or word(nested(row, "event"), "severity"),
    )


def thumbnail_of(row: Row) -> str | None:
    """Return the link to a capture's thumbnail: it lives for a while only, so it is asked for anew each time."""
    for name in _THUMBNAILS:
        held = row.get(name)
        if isinstance(held, dict):
            held = words(held, "url", "downloadUrl", "href")
        if isinstance(held, str) and held.startswith(("https://", "http://")):
            return held
    return None


def read_clip_request(record_id: str, row: Row) -> ClipRequest:
    """Read a DVR clip request; what names its capture and says no more is done."""
    capture = reference(row, "capture", "mediaCapture", "media", "clip", "result")
    state = _progress(row)
    if state is None:
        state = Progress.DONE if capture else Progress.UNDER_WAY
    return ClipRequest(id=record_id, camera=reference(row, "camera"), state=state, capture=capture)


def read_live(record_id: str, row: Row, home: str) -> LiveSession:
    """Read a live session; `home` is the address that a link without a host belongs to."""
    held = {**nested(row, "session"), **{k: v for k, v in row.items() if v is not None}}
    access = access_of(held, home)
    return LiveSession(
        id=record_id,
        camera=reference(held, "camera"),
        state=_live_state(held, has_access=access is not None),
        expires_at=time_of(held, *_EXPIRES),
        access=access,
    )


def _live_state(held: Row, *, has_access: bool) -> LiveState | None:
    """Return the state of the literal; a session without one but with access is active."""
    names = (*_STATES, "sessionStatus")
    if has_access and word(held, *names) is None:
        return LiveState.ACTIVE
    return member(LiveState, held, *names)


def _progress(row: Row) -> Progress | None:
    said = word(row, *_STATES)
    if said is None:
        return None
    if said in _DONE:
        return Progress.DONE
    return Progress.FAILED if said in _FAILED else Progress.UNDER_WAY
