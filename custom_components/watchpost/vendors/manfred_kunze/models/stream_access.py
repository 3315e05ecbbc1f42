"""Access to a live session: the addresses of its HLS playlist and their credentials.

The vendor's page "Capture media" says HLS, short-lived credentials, and "local network first, remote stream as
fallback"; neither names nor forms are published.
"""

import base64
from collections.abc import Iterator, Mapping
import re
from typing import Final

from aiohttp import hdrs
import msgspec
from yarl import URL

from ....client.decode import Row, nested
from ....client.errors import NotSecureError
from ....client.transport import checked_link
from ....client.urls import is_loopback
from .fields import first_of

_HLS: Final = re.compile(r"hls|playlist|manifest|m3u8", re.IGNORECASE)
_PLAIN: Final = re.compile(
    r"url|uri|src|href|stream|playback|live|remote|local|lan|endpoint", re.IGNORECASE
)
_LOCAL: Final = re.compile(r"local|lan", re.IGNORECASE)
# Links to what is no video.
_OTHER: Final = re.compile(
    r"thumb|preview|poster|stop|renew|heartbeat|keep_?alive|camera|self", re.IGNORECASE
)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_VALUE: Final = re.compile(r"[\x20-\x7e]{1,4096}")
# These say how a request is sent, which is not for the other side to decide.
_OURS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "cookie", "range", "upgrade"}
)
_MAX_DEEP: Final = 4


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of a session's playlist, the likeliest first, and the headers with its credentials."""

    urls: tuple[str, ...]
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        """Tell nothing: both are secrets."""
        return f"Access({len(self.urls)})"


def access_of(row: Row, home: str) -> Access | None:
    """Return the access to a session; None without a safe address."""
    found = [(way, url) for way, url in _addresses(row, home) if not _OTHER.search(way)]
    playlists = [each for each in found if _is_playlist(*each)]
    usable = playlists or [each for each in found if _PLAIN.search(each[0])]
    usable.sort(key=lambda each: not _LOCAL.search(each[0]))
    urls = tuple(dict.fromkeys(url for _, url in usable))
    return Access(urls=urls, headers=_headers(row)) if urls else None


def _is_playlist(way: str, url: str) -> bool:
    return bool(_HLS.search(way)) or URL(url).path.lower().endswith(".m3u8")


def _addresses(row: Row, home: str, way: str = "") -> Iterator[tuple[str, str]]:
    """Yield where in a record safe addresses stand, and what they are."""
    for key, value in row.items():
        here = f"{way}.{key}" if way else str(key)
        if isinstance(value, dict) and here.count(".") < _MAX_DEEP:
            yield from _addresses(value, home, here)
        elif isinstance(value, str) and (url := _safe(value, home)) is not None:
            yield here, url


def _safe(value: str, home: str) -> str | None:
    if not value.startswith(("https://", "http://", "/")) or len(value) > 8192:
        return None
    try:
        url = checked_link(value, URL(home))
    except NotSecureError:
        return None
    if is_loopback(url.host or "") and not is_loopback(URL(home).host or ""):
        return None  # a camera's stream is not served by this machine
    return str(url) if url.scheme in {"https", URL(home).scheme} else None


def _headers(row: Row) -> dict[str, str]:
    """Return the credentials as headers: given as such, a user with a password, or a token."""
    held = {**row, **nested(row, "credentials"), **nested(row, "auth")}
    given = held.get("headers")
    if isinstance(given, dict):
        return {
            name: value
            for name, value in given.items()
            if isinstance(name, str)
            and isinstance(value, str)
            and _NAME.fullmatch(name)
            and _VALUE.fullmatch(value)
            and name.lower() not in _OURS
        }
    user = first_of(held, ("username", "user", "login"), _plain)
    password = first_of(held, ("password", "secret", "credential"), _plain)
    if user is not None and password is not None:
        both = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {hdrs.AUTHORIZATION: f"Basic {both}"}
    names = ("accessToken", "bearerToken", "token", "streamToken", "sessionToken")
    token = first_of(held, names, _plain)
    return {hdrs.AUTHORIZATION: f"Bearer {token}"} if token is not None else {}


def _plain(value: object) -> str | None:
    return value if isinstance(value, str) and _VALUE.fullmatch(value) else None
