"""The accounts' pictures and clips in the media browser, by way of each account's library."""

from collections.abc import Sequence
from typing import Final, override
from urllib.parse import quote, unquote

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

from .account import WatchpostConfigEntry
from .client.errors import VendorError
from .const import DOMAIN
from .contract.media import MediaItem, MediaLibrary
from .media_view import VIEW, find_library, libraries, media_type

_CLASSES: Final = {
    "image": MediaClass.IMAGE,
    "video": MediaClass.VIDEO,
    "audio": MediaClass.MUSIC,
}


async def async_get_media_source(hass: HomeAssistant) -> LibrarySource:
    """Set up the media source; the view for its bytes is registered at start."""
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
                for entry, _ in libraries(self._hass)
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
        """Return the URL of an item; Home Assistant signs it for the caller."""
        entry_id, *path = _parts(item.identifier or "")
        _, library = _library(self._hass, entry_id, Unresolvable)
        try:
            # The folder knows the type without fetching what is large.
            found = next(
                each for each in await library.browse(path[:-1]) if path[-1:] == [each.part]
            )
        except VendorError, LookupError, StopIteration:
            raise Unresolvable(translation_domain=DOMAIN, translation_key="media_missing") from None
        return PlayMedia(f"{VIEW}/{_join(entry_id, *path)}", media_type(found.content_type))


def _library(
    hass: HomeAssistant, entry_id: str, error: type[BrowseError | Unresolvable]
) -> tuple[WatchpostConfigEntry, MediaLibrary]:
    if (found := find_library(hass, entry_id)) is not None:
        return found
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
        media_content_type="" if item.is_folder else media_type(item.content_type),
        title=item.title,
        can_play=not item.is_folder,
        can_expand=item.is_folder,
    )


def _join(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _parts(identifier: str) -> list[str]:
    return [unquote(part) for part in identifier.split("/")]
