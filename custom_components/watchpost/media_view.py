"""Serves the accounts' pictures and clips to authenticated users and signed URLs."""

from collections.abc import Iterator
from http import HTTPStatus
import re
from typing import Final

from aiohttp import hdrs, web
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import HomeAssistantView

from .account import WatchpostConfigEntry
from .client.errors import NotSecureError, VendorError
from .client.transport import checked_link
from .const import DOMAIN
from .contract.media import Media, MediaLibrary

VIEW: Final = "/api/watchpost/media"
# What a browser may show from Home Assistant's own origin; anything else is only ever saved.
_SHOWN: Final = re.compile(r"image/(?:jpeg|png|webp|gif)|(?:video|audio)/[a-z0-9][a-z0-9.+-]{0,63}")
_OTHER: Final = "application/octet-stream"


class MediaView(HomeAssistantView):
    """Serves one picture or clip."""

    url = f"{VIEW}/{{entry_id}}/{{path:.+}}"
    name = "api:watchpost:media"

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass

    async def get(self, request: web.Request, entry_id: str, path: str) -> web.StreamResponse:
        """Return the bytes or a part of them, or redirect to where they are."""
        if (found := find_library(self._hass, entry_id)) is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        try:
            async with found[0].runtime_data.budget.until_stop():
                media = await found[1].open(path.split("/"))
        except LookupError:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        except VendorError:
            return web.Response(status=HTTPStatus.BAD_GATEWAY)
        if media.content is None:
            return _redirect(media.url or "")
        return _serve(request, media, media.content)

    # The headers alone, as players ask for before they play.
    head = get


def libraries(hass: HomeAssistant) -> Iterator[tuple[WatchpostConfigEntry, MediaLibrary]]:
    """Yield the accounts that have a library."""
    entries: list[WatchpostConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        if (library := entry.runtime_data.connection.library) is not None:
            yield entry, library


def find_library(
    hass: HomeAssistant, entry_id: str
) -> tuple[WatchpostConfigEntry, MediaLibrary] | None:
    """Return an account with its library; None where there is no such account, or it has none."""
    return next((found for found in libraries(hass) if found[0].entry_id == entry_id), None)


def media_type(text: str) -> str:
    """Return a content type that a browser may show, without its parameters; any other is a file to be saved."""
    kind = text.partition(";")[0].strip().lower()
    return kind if _SHOWN.fullmatch(kind) else _OTHER


def _serve(request: web.Request, media: Media, content: bytes) -> web.Response:
    kind = media_type(media.content_type)
    headers = {
        hdrs.CACHE_CONTROL: "private, max-age=3600",
        hdrs.CONTENT_SECURITY_POLICY: "sandbox; default-src 'none'",
        hdrs.X_CONTENT_TYPE_OPTIONS: "nosniff",
        hdrs.ACCEPT_RANGES: "bytes",
        **({hdrs.CONTENT_DISPOSITION: "attachment"} if kind == _OTHER else {}),
    }
    if (wanted := _range(request, len(content))) is None:
        return web.Response(body=content, content_type=kind, headers=headers)
    if not wanted:
        headers[hdrs.CONTENT_RANGE] = f"bytes */{len(content)}"
        return web.Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    headers[hdrs.CONTENT_RANGE] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
    return web.Response(
        status=HTTPStatus.PARTIAL_CONTENT,
        body=content[wanted.start : wanted.stop],
        content_type=kind,
        headers=headers,
    )


def _range(request: web.Request, size: int) -> range | None:
    """Return the requested byte range (RFC 9110, 14.2); None for all bytes, an empty one if it cannot be satisfied."""
    # There is no validator, so a range that depends on one is not given.
    if request.method != hdrs.METH_GET or hdrs.IF_RANGE in request.headers:
        return None
    try:
        wanted = request.http_range
    except ValueError:
        return None  # invalid and multiple ranges are ignored
    if wanted.start is None and wanted.stop is None:
        return None
    return range(size)[wanted]


def _redirect(url: str) -> web.Response:
    """Redirect to a vendor's link, byte for byte, if its address is allowed."""
    try:
        location = checked_link(url)
    except NotSecureError:
        return web.Response(status=HTTPStatus.BAD_GATEWAY)
    return web.Response(
        status=HTTPStatus.FOUND,
        headers={
            hdrs.LOCATION: str(location),
            hdrs.CACHE_CONTROL: "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
