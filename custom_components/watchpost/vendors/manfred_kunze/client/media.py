"""Cameras, captures, DVR clip requests and live sessions: the calls of the group "Media", in its order.

Of these the vendor's pages state paths and methods ("Capture media", "REST API"), not the records. Media capture rules
have no form that is known, and are read and written as records of any group are (`client/control.py`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from aiohttp.hdrs import METH_DELETE, METH_POST

from ....client.decode import RecordDecoder, Row, identifier, nested, to_utc_text
from ....client.errors import UnexpectedResponseError
from ....client.transport import Response, loose
from ..models.media import (
    Camera,
    Capture,
    ClipRequest,
    LiveSession,
    read_camera,
    read_capture,
    read_clip_request,
    read_live,
    thumbnail_of,
)
from .api import PlatformApi, PlatformResponse, is_missing, single

CAMERAS: Final = "/cameras"
CAPTURES: Final = "/captures"
CLIP_REQUESTS: Final = "/dvr-clip-requests"
LIVE: Final = "/live"

_READ_CAMERAS: Final = "read cameras"
_READ_CAPTURES: Final = "read captures"
_REQUEST_CLIPS: Final = "request clips"
_WATCH: Final = "watch cameras"

MAX_CAPTURES: Final = 5_000
_LINKS: Final = (
    *("downloadUrl", "url", "presignedUrl", "signedUrl", "link", "href", "clipUrl", "mediaUrl"),
    "thumbnailUrl",
)


class MediaClient:
    """The calls of the group "Media". Every method raises a `VendorError`; writes are never repeated."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api
        # Lists whose records cannot be asked for one by one, and the call that ends live sessions, as far as known.
        self._without_items: set[str] = set()
        self._ends_live: tuple[str, str] | None = None

    # -- cameras --

    async def list_cameras(self) -> PlatformResponse[list[Camera]]:
        """Return all cameras: GET /cameras."""
        return await self._api.pages(CAMERAS, "camera", read_camera, permission=_READ_CAMERAS)

    # -- captures --

    async def list_captures(
        self, enough: Callable[[Sequence[Capture]], bool] | None = None
    ) -> PlatformResponse[list[Capture]]:
        """Return the captures of all pages, or of so many as are said to be enough: GET /captures."""

        def is_enough(rows: Sequence[object]) -> bool:
            return enough is not None and enough(_captures(rows, RecordDecoder()))

        listed = await self._api.rows(
            CAPTURES,
            permission=_READ_CAPTURES,
            most=MAX_CAPTURES,
            enough=is_enough if enough is not None else None,
        )
        sieve = RecordDecoder()
        captures = _captures(listed.rows, sieve)
        return PlatformResponse(captures, sieve.rejected, listed.freshness, listed.is_whole)

    async def thumbnail(self, capture: str) -> str | bytes | None:
        """Return a fresh link to a capture's thumbnail, or the picture itself; None where it has none.

        The vendor names no call for it: GET /captures/{id}, else the list, else GET /captures/{id}/thumbnail.
        """
        row = await self._item(CAPTURES, capture, _READ_CAPTURES)
        if row is not None and (link := thumbnail_of(row)) is not None:
            return link
        try:
            path = f"{CAPTURES}/{capture}/thumbnail"
            reply = await self._api.get_redirect(path, permission=_READ_CAPTURES)
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise
            return None
        return reply.body if reply.content_type.startswith("image/") else link_of(reply)

    async def _item(self, path: str, found: str, permission: str) -> Row | None:
        """Return one record: GET …/{id}, or without that call the list, read no further than to it."""

        def wanted(rows: Sequence[object]) -> Row | None:
            return next((r for r in rows if isinstance(r, dict) and r.get("id") == found), None)

        if path not in self._without_items:
            try:
                reply = await self._api.get(f"{path}/{found}", permission=permission)
                return single(loose(reply.body))
            except UnexpectedResponseError as err:
                if not is_missing(err):
                    raise
        listed = await self._api.rows(
            path,
            permission=permission,
            most=MAX_CAPTURES,
            enough=lambda rows: wanted(rows) is not None,
        )
        if (row := wanted(listed.rows)) is not None:
            self._without_items.add(path)
        return row

    async def download(self, capture: str) -> Response:
        """Ask for a capture's clip: GET /captures/{id}/download, which leads to it, names a link, or is it."""
        return await self._api.get_redirect(
            f"{CAPTURES}/{capture}/download", permission=_READ_CAPTURES
        )

    # -- DVR clips --

    async def request_clip(self, camera: str, start: datetime, end: datetime) -> ClipRequest | None:
        """Have footage of a period fetched from a camera's recorder: POST /dvr-clip-requests.

        Returns the request, where the reply shows it. The names of the fields are inferred.
        """
        body = {"cameraId": camera, "from": to_utc_text(start), "to": to_utc_text(end)}
        held = await self._api.send(METH_POST, CLIP_REQUESTS, body, permission=_REQUEST_CLIPS)
        return _read(held, read_clip_request)

    async def get_clip_request(self, request: str) -> ClipRequest | None:
        """Ask how far a request is, by a call or a list that the vendor does not name; None where there is neither."""
        try:
            row = await self._item(CLIP_REQUESTS, request, _REQUEST_CLIPS)
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise
            return None
        return _read(row, read_clip_request)

    # -- live --

    async def start_live(self, camera: str) -> LiveSession | None:
        """Start a live session: POST /cameras/{id}/live; the session, where the reply shows it."""
        try:
            held = await self._api.send(METH_POST, f"{CAMERAS}/{camera}/live", permission=_WATCH)
        finally:
            self._api.forget(LIVE)
        row = single(held)
        if row is None:
            return None
        # Where nothing else names the session, its camera does.
        return read_live(_session_id(row) or camera, row, str(self._api.url))

    async def list_live(self) -> list[LiveSession]:
        """Return the sessions that are not over: GET /live."""
        listed = await self._api.rows(LIVE, permission=_WATCH, most=1_000)
        home = str(self._api.url)
        rows = [row for row in listed.rows if isinstance(row, dict)]
        named = (
            (identifier(row.get("id")) or identifier(row.get("sessionId")), row) for row in rows
        )
        return [read_live(found, row, home) for found, row in named if found is not None]

    async def end_live(self, session: str) -> bool:
        """End a session of ours: by DELETE /live/{id} or POST /live/{id}/stop, of which the vendor names neither.

        One of them must be, as sessions can be STOPPING; where none is, they end by themselves, and False is returned.
        """
        ways = ((METH_DELETE, ""), (METH_POST, "/stop"))
        for method, end in ways if self._ends_live is None else (self._ends_live,):
            if not method:
                return False
            try:
                await self._api.send(method, f"{LIVE}/{session}{end}", permission=_WATCH)
            except UnexpectedResponseError as err:
                if not is_missing(err):
                    raise
                continue
            finally:
                self._api.forget(LIVE)
            self._ends_live = (method, end)
            return True
        if self._ends_live is None and await self._lasts(session):
            self._ends_live = ("", "")
            return False
        return True  # there is no such session any more

    async def _lasts(self, session: str) -> bool:
        """Return whether a session is not over, or may not be because sessions cannot be listed."""
        try:
            listed = await self.list_live()
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise
            return True
        return any(each.id == session and not each.is_over for each in listed)


def _session_id(row: Row) -> str | None:
    held = {**nested(row, "session"), **row}
    return identifier(held.get("id")) or identifier(held.get("sessionId"))


def link_of(reply: Response) -> str | None:
    """Return the link that a download was answered with: where it leads, what its JSON names, or its very text."""
    if reply.location:
        return reply.location
    if reply.content_type.startswith("text/plain"):
        text = reply.body.decode(errors="replace").strip().strip('"')
        return text if text.startswith(("https://", "http://")) and text.isprintable() else None
    if "json" not in reply.content_type:
        return None
    held = loose(reply.body)
    if isinstance(held, str):
        return held
    row = single(held) or {}
    return next((found for name in _LINKS if isinstance(found := row.get(name), str)), None)


def _captures(rows: Sequence[object], sieve: RecordDecoder) -> list[Capture]:
    return list(sieve.identified("capture", list(rows), read_capture))


def _read[T](held: object, read: Callable[[str, Row], T]) -> T | None:
    row = single(held)
    found = identifier(row.get("id")) if row is not None else None
    return read(found, row) if found is not None and row is not None else None
