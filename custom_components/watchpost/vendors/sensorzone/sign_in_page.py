"""Detection of an ended session by a sign-in page instead of a 401 (INFERRED; usual for cookie sessions)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
import re
from typing import Final

from aiohttp import hdrs

from ...client.errors import UnexpectedResponseError
from ...client.transport import Exchange

# Seconds after an unsuccessful new sign-in in which a page does not count as an ended session.
RETRY_AFTER: Final = 600.0

_PATH: Final = re.compile(
    r"/(?:users?/)?(?:sign[_-]?in|log[_-]?in|sso|auth|sessions?/new)\b", re.IGNORECASE
)
_FORM: Final = re.compile(
    rb"type\s*=\s*[\"']?password|<title>[^<]*\b(?:sign|log)[ -]?in\b", re.IGNORECASE
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last page of a path: its credentials, and when it was found not to be an ended session."""

    credentials: int
    refused_at: float | None = None


@dataclass(slots=True)
class SignInPages:
    """Decide whether a response shows an ended session; `now` returns monotonic seconds.

    A path with a page right after a new sign-in is broken in itself and causes no further sign-in for a while.
    """

    now: Callable[[], float]
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def has_ended(self, exchange: Exchange) -> bool:
        """Return whether to sign in again.

        Raises UnexpectedResponseError for a sign-in page that remains after a new sign-in.
        """
        if not _is_page(exchange):
            if exchange.status not in _REDIRECTS:
                self._seen.pop(exchange.path, None)
            return False
        seen, credentials = self._seen.get(exchange.path), id_of(exchange)
        if seen is None or (seen.refused_at is not None and self._is_due(seen.refused_at)):
            self._seen[exchange.path] = _Seen(credentials)
            return True
        if seen.refused_at is None and seen.credentials == credentials:
            return True  # another request for the same path, from before the new sign-in
        self._seen[exchange.path] = _Seen(credentials, seen.refused_at or self.now())
        if _is_html(exchange) and not _FORM.search(exchange.body):
            return False  # not a sign-in page: the caller rejects the response
        raise UnexpectedResponseError("the vendor shows a sign-in page in place of data")

    def _is_due(self, refused_at: float) -> bool:
        return self.now() - refused_at >= RETRY_AFTER


def id_of(exchange: Exchange) -> int:
    """Return the number of the sign-in that a request used."""
    return getattr(exchange.credentials, "generation", 0)


def _is_page(exchange: Exchange) -> bool:
    """Return whether a response may be a sign-in page; after a write only if that is certain, to repeat no write."""
    is_read = exchange.method == hdrs.METH_GET
    if exchange.status in _REDIRECTS:
        location = exchange.headers.get(hdrs.LOCATION, "")
        return bool(_PATH.search(location.partition("?")[0]))
    if not (_is_html(exchange) and exchange.status < HTTPStatus.MULTIPLE_CHOICES):
        return False
    return is_read or bool(_FORM.search(exchange.body))


def _is_html(exchange: Exchange) -> bool:
    return exchange.headers.get(hdrs.CONTENT_TYPE, "").lower().startswith("text/html")
