"""Transport to a vendor's API: sign-in, cache rule, limits, errors. Free of Home Assistant.

No error or log line names an address, a query, a body or a credential.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
import hashlib
import json as stdlib_json
import logging
import time
from typing import Final, Protocol, cast
from urllib.parse import urlencode

import aiohttp
from aiohttp import hdrs
import msgspec
from multidict import CIMultiDictProxy
from yarl import URL

from ..models import Freshness
from .budget import RequestBudget, Response
from .cache_control import folded, freshness, http_date, retry_after
from .errors import (
    InvalidFieldsError,
    NotSecureError,
    PermissionDeniedError,
    SignInRejectedError,
    TimedOutError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from .parsing import decode_in_parts
from .sign_in_state import SignInState
from .tls import tls_error
from .urls import is_loopback, parse_link

__all__ = [
    "BasicSignIn",
    "Exchange",
    "Response",
    "SignIn",
    "Transport",
    "checked_address",
    "checked_link",
    "decode",
    "loose",
]

_LOGGER = logging.getLogger(__name__)

MAX_BODY: Final = 16 * 1024 * 1024
MAX_ERROR_BODY: Final = 64 * 1024
MAX_REDIRECTS: Final = 3
# Seconds for a request that asks for the server's time alone.
_DATE_TIMEOUT: Final = 10.0
# A pause of more seconds than this within a request is sleep.
_MIN_SLEEP: Final = 5.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# The body of these says which field of what was sent is wrong.
_WITH_PROBLEMS: Final = frozenset({400, 409, 422})
# What decides freshness; a 304 replaces what it repeats and leaves the rest (RFC 9111, 3.2).
_FRESHNESS_HEADERS: Final = frozenset({"cache-control", "expires", "date", "etag", "last-modified"})


class SignIn(Protocol):
    """Credentials of one account."""

    @property
    def fingerprint(self) -> str:
        """A digest of the credentials; replies are held under it, for nobody else. Empty where there are none."""

    @property
    def sends_password(self) -> bool:
        """Return whether a probe sends a password, of which vendors accept only a few wrong ones."""

    @property
    def can_renew(self) -> bool:
        """Return whether `renew` can bring other headers; else no request is repeated after a 401."""

    async def headers(self) -> Mapping[str, str]:
        """Headers that prove who asks; may sign in first. Raises a `VendorError`."""

    async def renew(self, error_for: Mapping[str, str]) -> None:
        """Sign in anew because `refused` got a 401; single-flight. Raises SignInRejectedError."""


class BasicSignIn:
    """HTTP Basic (RFC 7617) in UTF-8; the user name holds no colon. Each request sends the password."""

    sends_password = True
    can_renew = False

    def __init__(self, username: str, password: str) -> None:
        credentials = f"{username}:{password}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        self.fingerprint = hashlib.sha256(credentials).hexdigest()

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header."""
        return self._headers

    async def renew(self, error_for: Mapping[str, str]) -> None:
        """Do nothing: there are no other credentials."""


def checked_address(url: str) -> URL:
    """Return the base address without a trailing slash.

    Raises NotSecureError unless it is https, or http to a loopback address, and holds no user info,
    query or fragment.
    """
    url = url.strip().rstrip("/")
    try:
        address = URL(url)
        host = address.host or ""
    except ValueError:
        address, host = URL(), ""
    is_plain = host and url.isprintable() and not set(url) & set(" ?#@\\")
    is_safe = address.scheme == "https" or (address.scheme == "http" and is_loopback(host))
    if not (is_plain and is_safe):
        raise NotSecureError(
            "the address must begin with https:// and hold no user, query or fragment"
        )
    return address


def checked_link(url: str, base: URL | None = None) -> URL:
    """Return a link to something at a vendor's, or at another system of the user's, exactly as it stands.

    Raises NotSecureError unless it is https, or http to a loopback address, and holds no user info.
    """
    link = parse_link(url, base)
    if link.scheme != "https" and not is_loopback(link.host or ""):
        raise NotSecureError("the link is neither https nor to this machine")
    return link


type ErrorStatus = Callable[[int, bytes], int]


def _accept_any(body: bytes) -> None:
    """Accept every body."""


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """One request and its response; `credentials` are the headers that proved who asks."""

    method: str
    path: str
    credentials: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: bytes


# Returns whether a response shows that the session ended though its status does not; may raise a `VendorError`.
type SessionEnded = Callable[[Exchange], bool]


@dataclass(frozen=True, slots=True, repr=False)
class _Request:
    method: str
    path: str
    url: URL
    permission: str
    headers: Mapping[str, str]
    body: bytes | None = None
    keeps_redirect: bool = False
    is_probe: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class _RawResponse:
    status: int
    headers: Mapping[str, str]
    body: bytes
    freshness: Freshness

    def __str__(self) -> str:
        size, fresh = len(self.body), self.freshness.lifetime
        return f"{self.status}, {size} bytes, fresh for {fresh} s"


class Transport:
    """Requests of one account to one vendor, on a session and a budget that the caller owns."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        sign_in: SignIn,
        budget: RequestBudget,
        *,
        timeout: float = 30.0,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
        linked_budgets: Sequence[RequestBudget] = (),
        error_status: ErrorStatus | None = None,
        session_ended: SessionEnded | None = None,
    ) -> None:
        """Check the address; raises NotSecureError. `timeout` is seconds for one whole request.

        `hear` is called with the headers of every answer, for vendors that hand out tokens there. `held_with` are
        the budgets of the same user's other sign-ins, which a limit (429) holds as well. `meaning` is for vendors
        whose errors are in the body: it receives status and body of an answer that is no success, and returns the
        status that it stands for. `has_ended` is for vendors that show a sign-in page in place of a 401.
        """
        self._error_status = error_status
        self._session_ended = session_ended
        self.url = checked_address(url)
        self.budget = budget
        self._session = session
        self._sign_in = sign_in
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._on_headers = on_headers
        self._linked_budgets = linked_budgets
        budget.request_date = self._request_date
        self._probe_lock = asyncio.Lock()
        # For vendors that refuse inside a body with a good status: raises a `VendorError` for such a body.
        self.check_body: Callable[[bytes], None] = _accept_any
        # What is read to see whether the credentials are accepted: paths and parameters, the likeliest first.
        self.probe_requests: Callable[[], Sequence[tuple[str, Mapping[str, str] | None]]] = tuple

    @property
    def sign_in_state(self) -> SignInState:
        """Return the state of the credentials, which outlives this connection."""
        return self.budget.sign_in_state(self._sign_in.fingerprint)

    async def probe(self) -> None:
        """Read something to see whether the credentials are accepted; raises a `VendorError`.

        Nothing is answered from what is held. The second resource is asked only where that sends no password again.
        """
        outcome: VendorError = UnexpectedResponseError(
            "there is nothing to try the credentials with"
        )
        for path, params in list(self.probe_requests())[: 1 if self._sign_in.sends_password else 2]:
            try:
                await self._probe(path, params)
            except (SignInRejectedError, UnexpectedResponseError) as err:
                outcome = err
            else:
                return
        raise outcome

    async def _probe(self, path: str, params: Mapping[str, str] | None) -> None:
        """Read once; raises a `VendorError`. That a permission is missing is said to somebody who is known."""
        url = self._resolve(path, params)
        request = _Request(
            hdrs.METH_GET, path, url, f"read {path}", {}, keeps_redirect=True, is_probe=True
        )
        try:
            reply = await self._request_signed_in(request)
        except PermissionDeniedError:
            pass
        else:
            self.check_body(reply.body)
        self.sign_in_state.record_success(request.permission)

    async def sign_in(self) -> None:
        """Prove who asks, as far as that takes a request; raises a `VendorError`."""
        self.budget.check()
        await self._sign_in.headers()

    async def get(
        self,
        path: str | URL,
        params: Mapping[str, str] | None = None,
        *,
        permission: str = "read this",
        default_lifetime: float = 0.0,
        accept: str | None = None,
    ) -> Response:
        """Return the stored response while it is current, else send a request; raises a `VendorError`.

        `path` is below the base address, or a link of the vendor's own origin, which is asked as it stands.
        Concurrent calls for the same resource share one request. A reply that does not say how long it is
        current counts as current for `usual` seconds.
        """
        url = self._resolve(path, params)
        key = self._key(url)
        held = self.budget.stored(key)
        if held is not None and _is_current(held.freshness, self.budget.now(), default_lifetime):
            return replace(held, reused=True)
        headers = _validators(held) | ({"Accept": accept} if accept else {})
        # A link may be a secret, and a request's path is logged.
        shown = path if isinstance(path, str) else "a link"
        request = _Request(hdrs.METH_GET, shown, url, permission, headers)
        return await self.budget.share(key, lambda: self._revalidate(key, request, held))

    async def send(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        json: object | None = None,
        params: Mapping[str, str] | None = None,
        permission: str,
        accept: str | None = None,
    ) -> Response:
        """POST, PUT, PATCH or DELETE; never stored, leaves what is held as it is, and sent again only after a 401.

        Raises a `VendorError`, Invalid where `json` holds what JSON cannot; after TimedOutError or UnreachableError
        nobody knows whether the vendor acted.
        """
        url = self._resolve(path, params)
        kind, body = None, None
        if form is not None:
            kind, body = "application/x-www-form-urlencoded", urlencode(form).encode()
        elif json is not None:
            kind, body = "application/json", _encode_json(json)
        given = {"Content-Type": kind, "Accept": accept}
        headers = {name: value for name, value in given.items() if value}
        answer = await self._request_signed_in(
            _Request(method, path, url, permission, headers, body)
        )
        return _to_response(answer)

    async def get_redirect(self, path: str, *, permission: str) -> Response:
        """Send a request, store nothing and follow no redirect: `Response.location` is its absolute target.

        Raises a `VendorError`.
        """
        url = self._resolve(path, None)
        request = _Request(hdrs.METH_GET, path, url, permission, {}, keeps_redirect=True)
        answer = await self._request_signed_in(request)
        reply = _to_response(answer)
        if answer.status not in _REDIRECTS:
            return reply
        location = answer.headers.get(hdrs.LOCATION, "")
        try:
            return replace(reply, location=str(parse_link(location, url))) if location else reply
        except NotSecureError:
            raise UnexpectedResponseError("the vendor's answer leads nowhere") from None

    def forget(self, path: str | URL, params: Mapping[str, str] | None = None) -> None:
        """Delete the stored response of a resource, because its body was a refusal."""
        self.budget.forget(self._key(self._resolve(path, params)))

    def invalidate_below(self, path: str) -> None:
        """Delete the stored responses of a resource and all below it, after a write (RFC 9111, 4.4)."""
        self.budget.invalidate_below(self._key(self._resolve(path, None)))

    def error_for(
        self, status: int, permission: str, headers: Mapping[str, str] | None = None
    ) -> VendorError:
        """Map a status that stands inside a body to the errors and holds of one on the wire."""
        self.budget.undo_success()
        err = self._to_error(status, permission, headers or {})
        return self._reject_sign_in(permission) if isinstance(err, SignInRejectedError) else err

    def _key(self, url: URL) -> str:
        return f"{self._sign_in.fingerprint} {url}"

    def _resolve(self, path: str | URL, params: Mapping[str, str] | None) -> URL:
        """Join base and path; ids inside the path must not be able to lead elsewhere."""
        if isinstance(path, URL):
            if path.origin() != self.url.origin():
                raise UnexpectedResponseError("a link leads to another place")
            return path
        segments = path.lower().replace("%2e", ".").split("/")
        if set(path) & set("?#\\") or not {".", ".."}.isdisjoint(segments):
            raise UnexpectedResponseError("an id from the vendor cannot stand in an address")
        url = URL(f"{str(self.url).rstrip('/')}/{path.lstrip('/')}")
        return url.with_query(params) if params else url

    async def _revalidate(self, key: str, request: _Request, held: Response | None) -> Response:
        answer = await self._request_signed_in(request)
        if answer.status != 304:
            reply = _to_response(answer)
        elif held is not None and _validators(held):
            caching = {**held.caching, **_freshness_headers(answer.headers)}
            fresh = self._freshness(answer.status, caching, answer.freshness.received)
            date = http_date(caching.get("date"))
            reply = replace(held, freshness=fresh, date=date, caching=caching)
        else:
            raise UnexpectedResponseError("the vendor calls unchanged what is not held")
        self.budget.store(key, reply)
        return reply

    # -- one request, and the rounds that may follow it --

    async def _request_signed_in(self, request: _Request) -> _RawResponse:
        """Ask with credentials; a 401 is followed by one new sign-in and one repetition, where that can help."""
        self.budget.check()
        if not self._sign_in.fingerprint:
            return self._checked_status(request, await self._follow_redirects(request, {}))
        state = self.sign_in_state
        self._check_password()
        began = self.budget.now()
        try:
            sent = await self._sign_in.headers()
            answer = await self._follow_redirects(request, sent)
            if answer.status == 401 and self._sign_in.can_renew:
                await self._sign_in.renew(sent)
                answer = await self._follow_redirects(request, await self._sign_in.headers())
        except SignInRejectedError:
            state.record_refusal(request.permission, sends_password=self._sign_in.sends_password)
            raise
        if answer.status == 401:
            raise await self._rejection(request, began)
        judged = self._checked_status(request, answer)
        if self.check_body is _accept_any and answer.status not in _REDIRECTS:
            state.record_success(request.permission)
        return judged

    def _checked_status(self, request: _Request, answer: _RawResponse) -> _RawResponse:
        """Return a success; raise the error that anything else stands for."""
        keeps_redirect = request.keeps_redirect and answer.status in _REDIRECTS
        if answer.status < 300 or answer.status == 304 or keeps_redirect:
            self.budget.record_success()
            return answer
        raise self._to_error(answer.status, request.permission, answer.headers, answer.body)

    def _check_password(self) -> None:
        if self._sign_in.sends_password and self.sign_in_state.is_quiet:
            raise SignInRejectedError("the vendor refused the credentials a moment ago")

    async def _rejection(self, request: _Request, began: float) -> VendorError:
        """Return what a 401 says: that the credentials are refused, or that they lack this one permission.

        Where a new sign-in was accepted just now, they are good. Else they are tried elsewhere first, unless that
        costs another password: a single resource must not sign an account out.
        """
        state = self.sign_in_state
        if self._sign_in.can_renew:
            state.record_success(request.permission)
        elif request.is_probe or self._sign_in.sends_password or not self.probe_requests():
            return self._reject_sign_in(request.permission)
        else:
            async with self._probe_lock:
                if state.accepted_at < began and not state.is_refused:
                    try:
                        await self.probe()
                    except SignInRejectedError, UnexpectedResponseError:
                        return self._reject_sign_in(request.permission)
                    except VendorError as err:
                        return err  # nobody knows
            if state.is_refused:
                return self._reject_sign_in(request.permission)
        state.record_permission_refusal(request.permission)
        return PermissionDeniedError(request.permission)

    def _reject_sign_in(self, permission: str) -> VendorError:
        """Note a refusal; where the credentials have been accepted elsewhere since, it is about one permission."""
        state = self.sign_in_state
        if state.is_permission_refused(permission):
            return PermissionDeniedError(permission)
        state.record_refusal(permission, sends_password=self._sign_in.sends_password)
        return SignInRejectedError("the vendor refused the credentials")

    def record_accepted(self, permission: str) -> None:
        """Note that a body was no refusal, for vendors that refuse inside it (`check_body`)."""
        self.sign_in_state.record_success(permission)

    async def _follow_redirects(
        self, request: _Request, credentials: Mapping[str, str]
    ) -> _RawResponse:
        """Follow a GET's redirects as long as they stay with the same origin."""
        answer = await self._request(request, credentials)
        for _ in range(MAX_REDIRECTS):
            if self._has_session_ended(request, credentials, answer):
                return replace(answer, status=401)
            is_last = request.method != hdrs.METH_GET or request.keeps_redirect
            if is_last or answer.status not in _REDIRECTS:
                return answer
            request = replace(request, url=_redirect_target(request.url, answer.headers))
            answer = await self._request(request, credentials)
        session_ended = self._has_session_ended(request, credentials, answer)
        return replace(answer, status=401) if session_ended else answer

    def _has_session_ended(
        self, request: _Request, credentials: Mapping[str, str], answer: _RawResponse
    ) -> bool:
        """Return whether a response is a sign-in page, by the vendor's own rule."""
        if self._session_ended is None:
            return False
        head = (request.method, request.path, credentials)
        return self._session_ended(Exchange(*head, answer.status, answer.headers, answer.body))

    async def _request(self, request: _Request, credentials: Mapping[str, str]) -> _RawResponse:
        """Send one request within the account's budget, and log it."""
        async with self.budget.slot():
            if credentials:  # they may have been refused while this request waited for its turn
                self._check_password()
            began = time.perf_counter()
            outcome: _RawResponse | VendorError
            try:
                outcome = await self._send_once(request, credentials)
            except VendorError as err:
                outcome = err
            except TimeoutError:
                outcome = TimedOutError("the vendor did not answer in time")
            except aiohttp.ClientSSLError as err:
                outcome = tls_error(err)
            except aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError, ValueError:
                outcome = UnreachableError("the connection to the vendor failed")
        took = (time.perf_counter() - began) * 1000
        _LOGGER.debug("%s %s: %s, %.0f ms", request.method, request.path, outcome, took)
        # Raised out here, an error does not carry aiohttp's, whose text names the address.
        if isinstance(outcome, VendorError):
            raise outcome
        return outcome

    async def _request_date(self) -> None:
        """Ask for the server's time: a HEAD request without credentials, of which nothing else is looked at."""
        with suppress(VendorError, aiohttp.ClientError, TimeoutError, OSError, ValueError):
            async with (
                self.budget.slot(),
                self._session.head(
                    self.url,
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=aiohttp.ClientTimeout(total=_DATE_TIMEOUT),
                    middlewares=(_WriteGuard(self.budget, hdrs.METH_HEAD, None),),
                ) as response,
            ):
                self._note_date(response.headers)
                if hdrs.DATE not in response.headers:
                    self.budget.clock.hear_nothing()

    def _note_date(self, headers: Mapping[str, str]) -> None:
        if (date := http_date(headers.get(hdrs.DATE))) is not None:
            with suppress(ValueError, OverflowError):
                date += timedelta(seconds=float(headers.get(hdrs.AGE, 0)))
            self.budget.record_date(date)

    async def _send_once(self, request: _Request, credentials: Mapping[str, str]) -> _RawResponse:
        if self._session.closed:
            raise UnreachableError("the session is closed")
        began, asked = time.monotonic(), self.budget.now()
        async with self._session.request(
            request.method,
            request.url,
            headers={**request.headers, **credentials},
            data=request.body,
            allow_redirects=False,
            raise_for_status=False,
            timeout=self._timeout,
            middlewares=(_WriteGuard(self.budget, request.method, credentials.get(hdrs.COOKIE)),),
        ) as response:
            # What came before this machine slept, and is read after it, is as old as the request.
            has_slept = self.budget.now() - asked - (time.monotonic() - began) > _MIN_SLEEP
            self._note_date(response.headers)
            received = asked if has_slept else self.budget.now()
            fresh = self._freshness(response.status, response.headers, received)
            if self._on_headers is not None:
                self._on_headers(response.headers)
            if response.status < 300:
                body = await _bounded_body(response)
                return _RawResponse(response.status, response.headers, body, fresh)
            is_explained = response.status in _WITH_PROBLEMS and request.method != hdrs.METH_GET
            if self._error_status is None and not is_explained:
                return _RawResponse(response.status, response.headers, b"", fresh)
            body = await _error_body(response)
            status = response.status
            if self._error_status is not None and status >= 400:
                status = self._error_status(status, body)
            return _RawResponse(status, response.headers, body if is_explained else b"", fresh)

    def _freshness(self, status: int, headers: Mapping[str, str], received: float) -> Freshness:
        return freshness(status, headers, received=received, now_utc=self.budget.now_utc())

    def _record_limit(self, status: int, wait: float | None) -> VendorError:
        """Hold the account, and with a limit (429) the same user's other sign-ins as well."""
        limited = self.budget.record_refusal(wait)
        for other in self._linked_budgets if status == 429 else ():
            other.pause(limited.wait)
        return limited

    def _to_error(
        self, status: int, permission: str, headers: Mapping[str, str], body: bytes = b""
    ) -> VendorError:
        wait = retry_after(headers.get(hdrs.RETRY_AFTER), self.budget.now_utc())
        # A 503 without the header is an outage of one resource, as far as anybody knows.
        if status == 429 or (status == 503 and wait is not None):
            return self._record_limit(status, wait)
        match status:
            case 401:
                return SignInRejectedError("the vendor refused the credentials")
            case 403:
                return PermissionDeniedError(permission)
            case 408:
                return TimedOutError("the vendor gave up waiting")
            case _ if status >= 500 and status != 501:
                return UnreachableError(f"the vendor failed with status {status}")
            case _:
                text = f"the vendor answered with status {status}"
                return UnexpectedResponseError(text, status=status, body=body)


class _WriteGuard:
    """Keeps a write from being sent twice, and other accounts' cookies from being sent.

    aiohttp repeats a PUT or DELETE by itself when the connection breaks, though the vendor may
    have acted; a repeated GET is counted. The session's cookie jar is shared by every account.
    """

    def __init__(self, budget: RequestBudget, method: str, cookie: str | None) -> None:
        self._budget = budget
        self._is_read = method in {hdrs.METH_GET, hdrs.METH_HEAD}
        self._cookie = cookie
        self._rounds = 0

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        self._rounds += 1
        if self._rounds > 1:
            if not self._is_read:
                raise UnreachableError("the connection broke while the vendor was asked to act")
            self._budget.count_request()
        request.headers.popall(hdrs.COOKIE, None)
        if self._cookie is not None:
            request.headers[hdrs.COOKIE] = self._cookie
        return await handler(request)


def _is_current(fresh: Freshness, now: float, default_lifetime: float) -> bool:
    is_silent = fresh.lifetime is None and fresh.storable
    return fresh.is_current(now) or (is_silent and now < fresh.received + default_lifetime)


def _validators(held: Response | None) -> dict[str, str]:
    etag, since = (held.freshness.etag, held.freshness.last_modified) if held else (None, None)
    known = {hdrs.IF_NONE_MATCH: etag, hdrs.IF_MODIFIED_SINCE: since}
    return {name: value for name, value in known.items() if value is not None}


def _to_response(answer: _RawResponse) -> Response:
    return Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.headers.get(hdrs.CONTENT_TYPE, ""),
        freshness=answer.freshness,
        date=http_date(answer.headers.get(hdrs.DATE)),
        caching=_freshness_headers(answer.headers),
        link=", ".join(cast("CIMultiDictProxy[str]", answer.headers).getall(hdrs.LINK, ())),
    )


def _freshness_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in folded(headers).items() if name in _FRESHNESS_HEADERS}


def _redirect_target(url: URL, headers: Mapping[str, str]) -> URL:
    """Return where a reply leads; raises UnexpectedResponseError unless that is the same origin."""
    try:
        target = parse_link(headers.get(hdrs.LOCATION, ""), url)
    except NotSecureError:
        target = None
    if target is None or target.origin() != url.origin() or hdrs.LOCATION not in headers:
        raise UnexpectedResponseError("the vendor's answer leads to another place")
    return target


async def _error_body(response: aiohttp.ClientResponse) -> bytes:
    """Read the body of an error; what goes wrong there must not hide the error."""
    with suppress(aiohttp.ClientError, VendorError, TimeoutError, OSError, ValueError):
        return await _bounded_body(response, MAX_ERROR_BODY)
    return b""


async def _bounded_body(response: aiohttp.ClientResponse, max_bytes: int = MAX_BODY) -> bytes:
    """Read at most so many bytes, counted after decompression; raises UnexpectedResponseError."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > max_bytes:
            response.close()
            raise UnexpectedResponseError("the reply is too large")
    return bytes(body)


# -- decoding --

_UNDECODABLE: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)


def _encode_json(value: object) -> bytes:
    """Encode what is sent; raises Invalid for half a surrogate pair, or an object that is none of JSON's."""
    with suppress(*_UNDECODABLE, TypeError):
        return msgspec.json.encode(value)
    raise InvalidFieldsError({"data": "cannot be written as JSON"})


def decode[T](body: bytes, kind: type[T]) -> T:
    """Decode JSON into `kind`; raises UnexpectedResponseError, which tells nothing of the content."""
    with suppress(*_UNDECODABLE):
        return msgspec.json.decode(body, type=kind)
    raise UnexpectedResponseError("the reply is not of the expected shape")


def loose(body: bytes) -> object:
    """Decode JSON of any shape, and NaN, Infinity and 1e999, which become a NaN or infinite float.

    Half a surrogate pair stays as it is: one garbled title must not cost the whole reply.
    Raises UnexpectedResponseError for what is no JSON, is nested too deeply or holds an integer of thousands of digits.
    """
    with suppress(*_UNDECODABLE):
        return decode_in_parts(body)
    with suppress(*_UNDECODABLE):
        decoded: object = stdlib_json.loads(body)
        return decoded
    raise UnexpectedResponseError("the reply is not JSON")
