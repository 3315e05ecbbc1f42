"""HLS playlists (RFC 8216) whose addresses are replaced by names, and where those lead. Free of Home Assistant."""

import asyncio
from collections import OrderedDict
import re
import secrets
from typing import Final

from yarl import URL

from .errors import NotSecureError, UnreachableError
from .transport import checked_link
from .urls import is_loopback

_MAGIC: Final = b"#EXTM3U"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_END: Final = "#EXT-X-ENDLIST"
_PART: Final = "#EXTINF"
_SEQUENCE: Final = re.compile(r"#EXT-X-MEDIA-SEQUENCE:(\d{1,18})")
# Players read an address that is not in quotation marks, or whose second one is missing, as well.
_URI: Final = re.compile(r'URI=(?:"([^"]*)"?|([^,]*))')
# Players look at the ends of names to learn what something is.
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")
# Several playlists, of pictures and sound say, and what they said before.
_MAX_NAMES: Final = 4096
# An address takes a while to be looked at; a live playlist has a few dozen.
MAX_PLAYLIST_LINKS: Final = 1000
_MAX_LINES: Final = 10_000
_LINES_A_TURN: Final = 50
_OTHER_LINKS: Final = re.compile(r'="(?:https?:)?//[^"]*"', re.IGNORECASE)
# Players take a NUL for the end of a line.
_ENDS: Final = str.maketrans({"\0": "\n"})
_NOWHERE: Final = "refused"


# So many bytes tell whether something is a playlist.
TELLING: Final = len(_BYTE_ORDER_MARK + _MAGIC)


def is_playlist(start: bytes) -> bool:
    """Return whether a body that begins so is a playlist."""
    return start.removeprefix(_BYTE_ORDER_MARK).startswith(_MAGIC)


def is_ended(text: str) -> bool:
    """Return whether nothing will be added to a playlist."""
    return _END in text


def has_parts(text: str) -> bool:
    """Return whether a playlist is of parts of a video, and not of other playlists."""
    return _PART in text


def numbers_in(text: str) -> range:
    """Return the sequence numbers of a playlist's segments."""
    found = _SEQUENCE.search(text)
    first = int(found[1]) if found else 0
    return range(first, first + text.count(_PART))


class SequenceNumbers:
    """The numbers of parts over streams that take each other's place: those of the next go on where the last ended.

    A player that runs waits for the next number, whatever stream that is of.
    """

    def __init__(self) -> None:
        self._shift: int | None = None
        self._next = 0

    def begin(self) -> None:
        """Start the next stream."""
        self._shift = None

    def continued(self, text: str) -> str:
        """Return a playlist of the stream with numbers that go on."""
        numbers = numbers_in(text)
        if self._shift is None:
            self._shift = max(self._next - numbers.start, 0)
        self._next = numbers.stop + self._shift
        if not self._shift:
            return text
        line = f"#EXT-X-MEDIA-SEQUENCE:{numbers.start + self._shift}"
        if _SEQUENCE.search(text):
            return _SEQUENCE.sub(line, text, count=1)
        return text.replace("#EXTM3U", f"#EXTM3U\n{line}", 1)


def checked_target(url: URL, link: str) -> URL:
    """Return where a link of something at `url` leads.

    Raises NotSecureError for what is no link, for plain http, and for this machine unless `url` is on it as well.
    """
    target = checked_link(link, url)
    if target.scheme not in {url.scheme, "https"}:
        raise NotSecureError("the link leads from https to http")
    if is_loopback(target.host or "") and not is_loopback(url.host or ""):
        raise NotSecureError("the link leads to this machine")
    return target


class UrlAliases:
    """Names for addresses: the same for the same address, so many of those that were asked for last."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, URL] = OrderedDict()
        self._names: dict[str, str] = {}

    def address(self, name: str) -> URL | None:
        """Return the URL of an alias; None for one that is no longer known."""
        return self._addresses.get(name)

    async def renamed(self, url: URL, text: str) -> str:
        """Return the playlist at `url` with names in place of addresses; raises UnreachableError for too long a one.

        Other tasks get their turn after every few addresses, which may be as long as the playlist allows.
        """
        lines = text.translate(_ENDS).splitlines()
        if len(lines) > _MAX_LINES or self._count(lines) > MAX_PLAYLIST_LINKS:
            raise UnreachableError("the live stream's playlist is too long")
        named: list[str] = []
        for number, line in enumerate(lines, 1):
            named.append(f"{self._line(url, line.strip())}\n")
            if number % _LINES_A_TURN == 0:
                await asyncio.sleep(0)
        return "".join(named)

    @staticmethod
    def _count(lines: list[str]) -> int:
        """Return how many addresses a playlist has at most."""
        return sum(line.count("URI=") if line.startswith("#") else 1 for line in lines)

    def _line(self, url: URL, line: str) -> str:
        if line.startswith("#"):
            named = _URI.sub(
                lambda found: f'URI="{self._name(url, found[1] or found[2] or "")}"', line
            )
            # Other attributes name what belongs to no stream, such as advertisements.
            return _OTHER_LINKS.sub(f'="{_NOWHERE}"', named)
        return self._name(url, line) if line else line

    def _name(self, url: URL, link: str) -> str:
        try:
            target = checked_target(url, link)
        except NotSecureError:
            return _NOWHERE
        key = str(target)
        if (name := self._names.get(key)) is None:
            suffix = _SUFFIX.search(target.raw_path)
            name = f"{secrets.token_hex(6)}{suffix[0].lower() if suffix else ''}"
            self._names[key] = name
            self._addresses[name] = target
        self._addresses.move_to_end(name)
        while len(self._addresses) > _MAX_NAMES:
            del self._names[str(self._addresses.popitem(last=False)[1])]
        return name
