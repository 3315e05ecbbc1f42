"""Cameras, captures, capture rules, DVR clip requests, live sessions: the calls of the group "Media", in its order.

Of these the vendor's pages state paths and methods ("Capture media", "REST API"), not the records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp.hdrs import METH_DELETE, METH_POST, METH_PUT

from ...fields import Row, Sieve, identifier
from ...http import Reply, loose
from ..records.media import (
    Camera,
    Capture,
    CaptureRule,
    ClipRequest,
    LiveSession,
    read_camera,
    read_capture,
    read_capture_rule,
    read_clip_request,
    read_live,
    thumbnail_of,
)
from .api import Answer, Api, single

CAMERAS: Final = "/cameras"
CAPTURES: Final = "/captures"
CAPTURE_RULES: Final = "/media-capture-rules"
CLIP_REQUESTS: Final = "/dvr-clip-requests"
LIVE: Final = "/live"

_READ_CAMERAS: Final = "read cameras"
_CHANGE_CAMERAS: Final = "change cameras"
_READ_CAPTURES: Final = "read captures"
_READ_RULES: Final = "read media capture rules"
_CHANGE_RULES: Final = "change media capture rules"
_REQUEST_CLIPS: Final = "request clips"
_WATCH: Final = "watch cameras"

MOST_CAPTURES: Final = 5_000


class MediaClient:
    """The calls of the group "Media". Every method raises a `VendorError`; writes are never repeated."""

    def __init__(self, api: Api) -> None:
        self._api = api

    # -- cameras --

    async def list_cameras(self) -> Answer[list[Camera]]:
        """Return all cameras: GET /cameras."""
        return await self._api.pages(CAMERAS, "camera", read_camera, right=_READ_CAMERAS)

    async def create_camera(self, row: Mapping[str, Any]) -> Camera | None:
        """Add a camera: POST /cameras; the camera, where the reply shows it."""
        held = await self._api.send(METH_POST, CAMERAS, row, right=_CHANGE_CAMERAS)
        return _read(held, read_camera)

    async def update_camera(self, camera: str, row: Mapping[str, Any]) -> None:
        """Put a whole camera back: PUT /cameras/{id}."""
        await self._api.send(METH_PUT, f"{CAMERAS}/{camera}", row, right=_CHANGE_CAMERAS)

    async def delete_camera(self, camera: str) -> None:
        """Delete a camera: DELETE /cameras/{id}."""
        await self._api.send(METH_DELETE, f"{CAMERAS}/{camera}", right=_CHANGE_CAMERAS)

    # -- captures --

    async def list_captures(
        self, enough: Callable[[Sequence[Capture]], bool] | None = None
    ) -> Answer[list[Capture]]:
        """Return the captures of all pages, or of so many as are said to be enough: GET /captures."""

        def is_enough(rows: Sequence[object]) -> bool:
            return enough is not None and enough(_captures(rows, Sieve()))

        listed = await self._api.rows(
            CAPTURES,
            right=_READ_CAPTURES,
            most=MOST_CAPTURES,
            enough=is_enough if enough is not None else None,
        )
        sieve = Sieve()
        captures = _captures(listed.rows, sieve)
        return Answer(captures, sieve.set_aside, listed.freshness, listed.is_whole)

    async def thumbnail(self, capture: str) -> str | None:
        """Return a fresh link to a capture's thumbnail, None where it has none: GET /captures/{id}."""
        reply = await self._api.get(f"{CAPTURES}/{capture}", right=_READ_CAPTURES)
        row = single(loose(reply.body))
        return thumbnail_of(row) if row is not None else None

    async def download(self, capture: str) -> Reply:
        """Ask for a capture's clip: GET /captures/{id}/download, which leads to it, names a link, or is it."""
        return await self._api.lead(f"{CAPTURES}/{capture}/download", right=_READ_CAPTURES)

    # -- capture rules --

    async def list_capture_rules(self) -> Answer[list[CaptureRule]]:
        """Return all media capture rules: GET /media-capture-rules."""
        place = "media capture rule"
        return await self._api.pages(CAPTURE_RULES, place, read_capture_rule, right=_READ_RULES)

    async def get_capture_rule(self, rule: str) -> CaptureRule:
        """Return one rule as it is now: GET /media-capture-rules/{id}."""
        answer = await self._api.one(
            f"{CAPTURE_RULES}/{rule}", lambda row: _read(row, read_capture_rule), right=_READ_RULES
        )
        return answer.value

    async def create_capture_rule(self, row: Mapping[str, Any]) -> CaptureRule | None:
        """Add a rule: POST /media-capture-rules; the rule, where the reply shows it."""
        held = await self._api.send(METH_POST, CAPTURE_RULES, row, right=_CHANGE_RULES)
        return _read(held, read_capture_rule)

    async def update_capture_rule(self, rule: str, row: Mapping[str, Any]) -> None:
        """Put a whole rule back: PUT /media-capture-rules/{id}."""
        await self._api.send(METH_PUT, f"{CAPTURE_RULES}/{rule}", row, right=_CHANGE_RULES)

    async def delete_capture_rule(self, rule: str) -> None:
        """Delete a rule: DELETE /media-capture-rules/{id}."""
        await self._api.send(METH_DELETE, f"{CAPTURE_RULES}/{rule}", right=_CHANGE_RULES)

    # -- DVR clips --

    async def request_clip(self, camera: str, start: datetime, end: datetime) -> ClipRequest | None:
        """Have footage of a period fetched from a camera's recorder: POST /dvr-clip-requests.

        Returns the request, where the reply shows it. The names of the fields are inferred.
        """
        body = {"cameraId": camera, "from": _iso(start), "to": _iso(end)}
        held = await self._api.send(METH_POST, CLIP_REQUESTS, body, right=_REQUEST_CLIPS)
        return _read(held, read_clip_request)

    async def get_clip_request(self, request: str) -> ClipRequest:
        """Ask how far a request is: GET /dvr-clip-requests/{id}, which the vendor does not name."""
        answer = await self._api.one(
            f"{CLIP_REQUESTS}/{request}",
            lambda row: _read(row, read_clip_request),
            right=_REQUEST_CLIPS,
        )
        return answer.value

    # -- live --

    async def start_live(self, camera: str) -> LiveSession | None:
        """Start a live session: POST /cameras/{id}/live; the session, where the reply shows it."""
        held = await self._api.send(METH_POST, f"{CAMERAS}/{camera}/live", right=_WATCH)
        row = single(held)
        if row is None:
            return None
        # Where nothing else names the session, its camera does.
        found = identifier(row.get("id")) or identifier(row.get("sessionId")) or camera
        return read_live(found, row, str(self._api.url))

    async def list_live(self) -> list[LiveSession]:
        """Return the sessions that are not over: GET /live."""
        listed = await self._api.rows(LIVE, right=_WATCH, most=1_000)
        home = str(self._api.url)
        rows = [row for row in listed.rows if isinstance(row, dict)]
        named = (
            (identifier(row.get("id")) or identifier(row.get("sessionId")), row) for row in rows
        )
        return [read_live(found, row, home) for found, row in named if found is not None]


def link_of(reply: Reply) -> str | None:
    """Return the link that a download was answered with: where it leads, or what its JSON names."""
    if reply.location:
        return reply.location
    if "json" not in reply.content_type:
        return None
    held = loose(reply.body)
    if isinstance(held, str):
        return held
    row = single(held) or {}
    names = (
        "downloadUrl",
        "url",
        "presignedUrl",
        "signedUrl",
        "link",
        "href",
        "clipUrl",
        "mediaUrl",
    )
    return next((found for name in names if isinstance(found := row.get(name), str)), None)


def _captures(rows: Sequence[object], sieve: Sieve) -> list[Capture]:
    return list(sieve.identified("capture", list(rows), read_capture))


def _read[T](held: object, read: Callable[[str, Row], T]) -> T | None:
    row = single(held)
    found = identifier(row.get("id")) if row is not None else None
    return read(found, row) if found is not None and row is not None else None


def _iso(date: datetime) -> str:
    return f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
