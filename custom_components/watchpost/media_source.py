"""The accounts' pictures and clips in the media browser, by way of each account's library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final, override
from urllib.parse import quote, unquote

from aiohttp import hdrs, web
from homeassistant.components.media_player.const import MediaClass
from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import HomeAssistantView

from .account import WatchpostConfigEntry
from .const import DOMAIN
from .vendors.errors import NotSecure, VendorError
from .vendors.http import checked_link
from .vendors.media import Library, MediaItem

_VIEW: Final = "/api/watchpost/media"
# What a browser may show from Home Assistant's own origin; anything else is only ever saved.
_SHOWN: Final = ("image/jpeg", "image/png", "image/webp", "image/gif", "video/", "audio/")
_CLASSES: Final = {
    "image": MediaClass.IMAGE,
    "video": MediaClass.VIDEO,
    "audio": MediaClass.MUSIC,
}


async def async_get_media_source(hass: HomeAssistant) -> LibrarySource:
    """Set the libraries up, with the door through which their bytes are fetched."""
    hass.http.register_view(MediaView(hass))
    return LibrarySource(hass)


class LibrarySource(MediaSource):
    """The libraries of all accounts that are loaded: `<entry id>/<part>/<part>...`."""

    name = "Watchpost"

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self._hass = hass

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """List the accounts, or a folder of one."""
        entry_id, *path = _parts(item.identifier or "")
        if not entry_id:
            accounts = [
                _shown(entry.entry_id, MediaItem("", entry.title, is_folder=True))
                for entry, _ in _libraries(self._hass)
            ]
            return _folder("", self.name, accounts)
        entry, library = _library(self._hass, entry_id, BrowseError)
        try:
            items = await library.browse(path)
        except VendorError, LookupError:
            raise BrowseError(translation_domain=DOMAIN, translation_key="media_missing") from None
        below = [_shown(_join(entry_id, *path, each.part), each) for each in items]
        title = path[-1] if path else entry.title
        return _folder(_join(entry_id, *path), title, below)

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Say where something is played; Home Assistant signs the address for whoever asked."""
        entry_id, *path = _parts(item.identifier or "")
        _, library = _library(self._hass, entry_id, Unresolvable)
        try:
            # The folder knows the type without fetching what is large.
            found = next(
                each for each in await library.browse(path[:-1]) if path[-1:] == [each.part]
            )
        except VendorError, LookupError, StopIteration:
            raise Unresolvable(translation_domain=DOMAIN, translation_key="media_missing") from None
        return PlayMedia(f"{_VIEW}/{_join(entry_id, *path)}", found.content_type)


class MediaView(HomeAssistantView):
    """Serves one picture or clip to who is signed in, or has a signed address."""

    url = f"{_VIEW}/{{entry_id}}/{{path:.+}}"
    name = "api:watchpost:media"

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass

    async def get(self, request: web.Request, entry_id: str, path: str) -> web.StreamResponse:
        """Return the bytes, or lead to where they are."""
        try:
            _, library = _library(self._hass, entry_id, Unresolvable)
            media = await library.open(path.split("/"))
        except Unresolvable, LookupError:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        except VendorError:
            return web.Response(status=HTTPStatus.BAD_GATEWAY)
        if media.content is None:
            return _led(media.url or "")
        is_shown = media.content_type.startswith(_SHOWN)
        return web.Response(
            body=media.content,
            content_type=media.content_type if is_shown else "application/octet-stream",
            headers={
                hdrs.CACHE_CONTROL: "private, max-age=3600",
                hdrs.CONTENT_SECURITY_POLICY: "sandbox; default-src 'none'",
                hdrs.X_CONTENT_TYPE_OPTIONS: "nosniff",
                **({} if is_shown else {hdrs.CONTENT_DISPOSITION: "attachment"}),
            },
        )


def _led(url: str) -> web.Response:
    """Lead to a vendor's link, if it is one that may be followed."""
    try:
        location = checked_link(url)
    except NotSecure:
        return web.Response(status=HTTPStatus.BAD_GATEWAY)
    return web.Response(
        status=HTTPStatus.FOUND,
        headers={
            hdrs.LOCATION: str(location),
            hdrs.CACHE_CONTROL: "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )


def _libraries(hass: HomeAssistant) -> Iterator[tuple[WatchpostConfigEntry, Library]]:
    entries: list[WatchpostConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        if (library := entry.runtime_data.connection.library) is not None:
            yield entry, library


def _library(
    hass: HomeAssistant, entry_id: str, error: type[BrowseError | Unresolvable]
) -> tuple[WatchpostConfigEntry, Library]:
    for entry, library in _libraries(hass):
        if entry.entry_id == entry_id:
            return entry, library
    raise error(translation_domain=DOMAIN, translation_key="media_unavailable")


def _folder(
    identifier: str, title: str, children: Sequence[BrowseMediaSource]
) -> BrowseMediaSource:
    media = _shown(identifier, MediaItem("", title, is_folder=True))
    media.children = children
    return media


def _shown(identifier: str, item: MediaItem) -> BrowseMediaSource:
    kind = _CLASSES.get(item.content_type.partition("/")[0], MediaClass.URL)
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=identifier,
        media_class=MediaClass.DIRECTORY if item.is_folder else kind,
        media_content_type="" if item.is_folder else item.content_type,
        title=item.title,
        can_play=not item.is_folder,
        can_expand=item.is_folder,
    )


def _join(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _parts(identifier: str) -> list[str]:
    return [unquote(part) for part in identifier.split("/")]
