"""Links as vendors hand them out: sent byte for byte, because a signature may cover every one of their characters.

`yarl.URL(link)` decodes and encodes anew (`%2F` in a query becomes `/`, `%7E` becomes `~`), which breaks signatures,
and `URL.join` removes dots from paths. So links are parsed here, by RFC 3986, and nowhere else.
"""

from contextlib import suppress
import ipaddress
import re
from typing import Final
from urllib.parse import quote

from yarl import URL

from .errors import NotSecureError

MAX_LINK_LENGTH: Final = 8192

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# RFC 3986, appendix B, without the fragment, which is never sent.
_REFERENCE: Final = re.compile(
    r"(?:(?P<scheme>https?):(?=//))?(?://(?P<authority>[^/?]*))?(?P<path>[^?]*)(?P<query>\?.*)?",
    re.IGNORECASE,
)
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})")
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
# ASCII controls, and C1 controls that terminals obey.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its address or by its usual name."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def parse_link(link: str, base: URL | None = None) -> URL:
    """Return an http or https link whose target is sent exactly as it stands in `link`.

    `base` is what a relative link is relative to. A blank and what is not ASCII, neither of which can be sent, are
    percent-encoded as browsers do; blanks around the link are no part of it. Raises NotSecureError for control
    characters, user info, another scheme, a host that is none, and a link without a host.
    """
    with suppress(ValueError):
        if (parsed := _parsed(link, base)) is not None:
            return parsed
    raise NotSecureError("the link is none")


def _parsed(link: str, base: URL | None) -> URL | None:
    link = link.strip(" ").partition("#")[0]
    if len(link) > MAX_LINK_LENGTH or _CONTROL.search(link):
        return None
    found = _REFERENCE.fullmatch(link)
    assert found is not None
    scheme, authority, path, query = found.group("scheme", "authority", "path", "query")
    if scheme is None and (base is None or _SCHEME.match(link)):
        return None
    if authority is None:
        if scheme is not None or base is None:
            return None
        return _on_host_of(base, path, query)
    host = _authority(authority)
    scheme = (scheme or (base.scheme if base else "")).lower()
    return _built(scheme, host, path, query) if host is not None else None


def _on_host_of(base: URL, path: str, query: str | None) -> URL:
    """Resolve a reference without a host (RFC 3986, 5.2.2)."""
    before, mark, rest = base.raw_path_qs.partition("?")
    if not path:
        path, query = before, mark + rest if query is None else query
    elif not path.startswith("/"):
        path = _without_dots(before.rpartition("/")[0] + "/" + path)
    return _built(base.scheme, base.raw_authority, path, query)


def _built(scheme: str, authority: str, path: str, query: str | None) -> URL:
    """Build a URL without quoting anything anew."""
    path, query = _sendable(path) or "/", _sendable(query or "")
    if query == "?":
        # yarl drops the mark of an empty query, but keeps it as a part of the path.
        path, query = f"{path}?", ""
    return URL.build(
        scheme=scheme, authority=authority, path=path, query_string=query[1:], encoded=True
    )


def _sendable(text: str) -> str:
    """Percent-encode what cannot stand in a request line, and nothing else."""
    if text.isascii() and " " not in text:
        return text
    return "".join(quote(each) if each == " " or not each.isascii() else each for each in text)


def _without_dots(path: str) -> str:
    """Remove the dot segments of a path that was merged (RFC 3986, 5.2.4); `%2e` is data and stays."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _authority(text: str) -> str | None:
    """Return host and port in their usual form; None for user info and for what is no host."""
    found = _AUTHORITY.fullmatch(text)
    if found is None or (host := _host(found["host"])) is None:
        return None
    if not found["port"]:
        return host
    port = int(found["port"])
    return f"{host}:{port}" if 0 < port < 65536 else None


def _host(text: str) -> str | None:
    if text.startswith("["):
        # A zone (`%eth0`) means something on this machine alone.
        return f"[{ipaddress.IPv6Address(text[1:-1])}]" if "%" not in text else None
    if not text.isascii():
        text = URL.build(scheme="https", host=text).raw_host or ""
    return text.lower() if _HOST.fullmatch(text) else None
