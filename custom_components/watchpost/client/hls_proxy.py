"""Hands a vendor's live HLS stream on to players on this machine, under an address that shows nothing of the vendor's.

Home Assistant's players are programs of their own: they write a source's address into logs, have no setting for the
certificates to trust, and fetch whatever a playlist names. So they get an address of this machine's loopback
interface, and what they ask for is fetched here: over verified TLS, with the stream's credentials for its own origin
alone, and never over plain http unless the stream itself is (which only a loopback address may be).

A stream is opened when somebody first asks for its playlist, renewed before it ends or opened anew when it has while
somebody watches, and closed when nobody has asked for anything for a while.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
import logging
import secrets
from typing import Final

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from ..models import LiveStream, StreamSource
from .downloads import without_cookies
from .errors import CertificateError, NoTlsError, PrivateAddressError, UnreachableError, VendorError
from .hls import (
    TELLING,
    SequenceNumbers,
    UrlAliases,
    checked_target,
    has_parts,
    is_ended,
    is_playlist,
)
from .resolver import Resolver
from .tls import tls_error
from .urls import parse_link

_LOGGER = logging.getLogger(__name__)

IDLE_SECONDS: Final = 30.0
# A live playlist that says the same for so long is that of a stream that has died.
STILL_SECONDS: Final = 20.0
# A stream is renewed so many seconds before its end, and however soon that is not sooner than after so many.
RENEWED_BEFORE: Final = 15.0
MIN_LIFE: Final = 20.0
MAX_PLAYLIST_BYTES: Final = 1024 * 1024
MAX_SEGMENT_BYTES: Final = 64 * 1024 * 1024
_MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Pictures and sound may have a playlist each.
_MAX_VARIANTS: Final = 32
_CLOSING_SECONDS: Final = 10.0
_CHUNK: Final = 64 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, sock_connect=5, sock_read=20)

# What somebody can do something about.
_FOR_PEOPLE: Final = (CertificateError, NoTlsError, PrivateAddressError)

_STOPPED: Final = "the live stream is not relayed any more"
_PLAYLIST: Final = "live.m3u8"
_PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
# What of an answer is handed on: parts of files are asked for as such.
_KEPT: Final = (hdrs.CONTENT_TYPE, hdrs.CONTENT_RANGE)


class HlsProxy:
    """One stream; `on_watched` hears when somebody begins to watch, and when nobody does any more.

    `resolver` says where the stream, and whatever its playlists name or redirect to, may be fetched.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        live: LiveStream,
        on_watched: Callable[[bool], None],
        resolver: Resolver,
    ) -> None:
        self._resolver = resolver
        self._session = session
        self._live = live
        self._on_watched = on_watched
        self._token = secrets.token_urlsafe(24)
        self._runner: web.AppRunner | None = None
        self._starting = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._address: str | None = None
        self._source: StreamSource | None = None
        self._next: StreamSource | None = None
        self._is_over = False
        self._names = UrlAliases()
        # Of each playlist what it said last, and since when.
        self._still: dict[str, tuple[int, float]] = {}
        self._numbers = SequenceNumbers()
        # Kinds of failure that have been logged.
        self._reported: set[type[VendorError]] = set()
        self._is_stopped = False
        self._opener: asyncio.Task[StreamSource] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def is_watched(self) -> bool:
        """Return whether somebody asked for the stream lately."""
        return self._idle is not None

    async def address(self) -> str:
        """Return where the stream is to be had, from this machine alone; opens nothing at the vendor's.

        Raises UnreachableError once it has been stopped.
        """
        async with self._starting:
            self._check_open()
            if self._address is None:
                app = web.Application()
                app.router.add_get(f"/{self._token}/{{name}}", self._answer)
                self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
                await self._runner.setup()
                site = web.TCPSite(self._runner, "127.0.0.1", 0)
                await site.start()
                host, port, *_ = self._runner.addresses[0]
                self._address = f"http://{host}:{port}/{self._token}/{_PLAYLIST}"
            return self._address

    async def open(self) -> StreamSource:
        """Return the stream that is open, or open it; raises a `VendorError`. Somebody is about to watch."""
        self._check_open()
        self._asked()
        async with self._opening:
            if self._source is None or self._is_over:
                return await self._begin(anew=self._source is not None)
            return self._source

    async def _begin(self, *, anew: bool) -> StreamSource:
        self._source = source = self._next or await self._opened(anew=anew)
        self._next = None
        self._is_over = False
        self._still = {}
        self._names = UrlAliases()
        self._numbers.begin()
        self._plan_renewal(source)
        return source

    async def _opened(self, *, anew: bool) -> StreamSource:
        """Have the vendor open the stream, which stopping need not wait for."""
        self._check_open()
        self._opener = asyncio.get_running_loop().create_task(self._live.open(anew=anew))
        try:
            await asyncio.wait([self._opener])
        finally:
            self._opener.cancel()
        if self._opener.cancelled():
            raise UnreachableError(_STOPPED)
        return self._opener.result()

    def _check_open(self) -> None:
        if self._is_stopped:
            raise UnreachableError(_STOPPED)

    def _plan_renewal(self, source: StreamSource) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        if source.until is not None:
            left = (source.until - datetime.now(UTC)).total_seconds() - RENEWED_BEFORE
            loop = asyncio.get_running_loop()
            self._renewal = loop.call_later(max(left, MIN_LIFE), self._renew)

    def _renew(self) -> None:
        self._renewal = None
        self._renewing = asyncio.get_running_loop().create_task(self._prolong())

    async def _prolong(self) -> None:
        """Have the stream go on, if somebody still watches.

        That may be the same one for longer, or another one: players go on with that when this one has ended.
        """
        async with self._opening:
            if not self.is_watched or self._is_over or self._source is None:
                return
            with suppress(VendorError):  # it is tried again when this one has ended
                source = await self._opened(anew=True)
                if _is_same(source, self._source):
                    self._source = source
                    self._plan_renewal(source)
                else:
                    self._next = source

    async def stop(self) -> None:
        """Close the stream and listen no more, for good. What is being opened is given up."""
        self._is_stopped = True
        if self._opener is not None:
            self._opener.cancel()
        if self._idle is not None:
            self._idle.cancel()
            await self._end()
        elif self._closing is not None:
            await self._closing
        async with self._starting:
            if self._runner is not None:
                await self._runner.cleanup()
            self._runner = self._address = None

    # -- who watches --

    def _asked(self) -> None:
        if self._idle is None:
            self._on_watched(True)
        else:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._leave)

    def _leave(self) -> None:
        self._closing = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        """Close the stream, because nobody watches it any more."""
        self._idle = None
        self._on_watched(False)
        async with self._opening:
            if self._idle is None and self._source is not None:
                self._source = self._next = None
                self._numbers = SequenceNumbers()
                if self._renewal is not None:
                    self._renewal.cancel()
                with suppress(VendorError, TimeoutError):
                    async with asyncio.timeout(_CLOSING_SECONDS):
                        await self._live.close()

    # -- what is asked for --

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        try:
            self._check_open()
            self._asked()
            if name == _PLAYLIST:
                return await self._led(request)
            if (url := self._names.address(name)) is None:
                return web.Response(status=HTTPStatus.NOT_FOUND)
            return await self._fetched(request, url)
        except VendorError as err:
            is_news = isinstance(err, _FOR_PEOPLE) and type(err) not in self._reported
            self._reported.add(type(err))
            level = logging.WARNING if is_news else logging.DEBUG
            _LOGGER.log(level, "A live stream cannot be shown: %s", err)
            return web.Response(status=HTTPStatus.BAD_GATEWAY)

    async def _led(self, request: web.Request) -> web.StreamResponse:
        """Serve the stream's own playlist, from the first of its places that has it."""
        source = await self.open()
        failure: VendorError = UnreachableError("the live stream is not where it was said to be")
        for link in source.urls:
            try:
                return await self._fetched(request, parse_link(link))
            except VendorError as err:
                if isinstance(err, _FOR_PEOPLE):
                    failure = err
        self._is_over = True
        raise failure

    async def _fetched(self, request: web.Request, url: URL) -> web.StreamResponse:
        """Fetch a playlist or a part of the video; raises a `VendorError` for what is not there."""
        outcome: web.StreamResponse | VendorError
        try:
            outcome = await self._followed(request, url)
        except VendorError as err:
            outcome = err
        except aiohttp.ClientSSLError as err:
            outcome = tls_error(err)
        except (
            TimeoutError,
            aiohttp.ClientError,
            aiohttp.http.HttpProcessingError,
            OSError,
        ):
            outcome = UnreachableError("the connection to the live stream failed")
        # Raised out here, an error does not carry aiohttp's, whose text names the address.
        if isinstance(outcome, VendorError):
            raise outcome
        return outcome

    async def _followed(self, request: web.Request, url: URL) -> web.StreamResponse:
        for _ in range(_MAX_REDIRECTS + 1):
            found = await self._connected(request, url)
            if not isinstance(found, URL):
                return found
            self._resolver.check_redirect(url, found)
            url = found
        raise UnreachableError("the live stream leads in circles")

    async def _connected(self, request: web.Request, url: URL) -> web.StreamResponse | URL:
        """Ask at the very addresses that were looked at, so that no second look-up leads elsewhere."""
        target = await self._resolver.resolve(url)
        headers = {**self._headers(request, url), **target.headers}
        *others, last = target.urls
        for at in others:
            with suppress(aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                return await self._exchanged(request, url, at, headers)
        return await self._exchanged(request, url, last, headers)

    async def _exchanged(
        self, request: web.Request, url: URL, at: URL, headers: Mapping[str, str]
    ) -> web.StreamResponse | URL:
        """Hand on what is at an address of a URL; or return where that leads."""
        async with self._session.get(
            at,
            headers=headers,
            server_hostname=url.host,
            allow_redirects=False,
            raise_for_status=False,
            timeout=_TIMEOUT,
            middlewares=(without_cookies,),
        ) as response:
            if response.status in _REDIRECTS:
                return checked_target(url, response.headers.get(hdrs.LOCATION, ""))
            if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise UnreachableError(f"the live stream failed with status {response.status}")
            return await self._handed_on(request, url, response)

    def _headers(self, request: web.Request, url: URL) -> dict[str, str]:
        headers: dict[str, str] = {hdrs.ACCEPT_ENCODING: "identity"}
        if (part := request.headers.get(hdrs.RANGE)) is not None:
            headers[hdrs.RANGE] = part
        if self._source is not None and url.origin() in map(_origin, self._source.urls):
            headers.update(self._source.headers)
        return headers

    async def _handed_on(
        self, request: web.Request, url: URL, response: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        chunks = response.content.iter_chunked(_CHUNK)
        first = await anext(chunks, b"")
        while len(first) < TELLING and (more := await anext(chunks, b"")):
            first += more
        is_lead = request.match_info["name"] == _PLAYLIST
        if is_playlist(first):
            body = bytearray(first)
            async for chunk in chunks:
                body += chunk
                if len(body) > MAX_PLAYLIST_BYTES:
                    raise UnreachableError("the live stream's playlist is too large")
            text = body.decode("utf-8-sig", errors="replace")
            return await self._playlist(url, text, is_lead=is_lead)
        if is_lead:
            raise UnreachableError("what is where the live stream was said to be is no playlist")
        headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
        answer = web.StreamResponse(status=response.status, headers=headers)
        await answer.prepare(request)
        size = len(first)
        try:
            await answer.write(first)
            async for chunk in chunks:
                size += len(chunk)
                if size > MAX_SEGMENT_BYTES:
                    raise UnreachableError("a part of the live stream is too large")
                await answer.write(chunk)
            await answer.write_eof()
        except VendorError, TimeoutError, aiohttp.ClientError, OSError:
            # What has begun as an answer cannot become another; half a part must not look like a whole one.
            if request.transport is not None:
                request.transport.abort()
        return answer

    async def _playlist(self, url: URL, text: str, *, is_lead: bool) -> web.Response:
        """Serve a playlist with names of ours; raises UnreachableError for one that has stood still for too long."""
        if is_ended(text):
            self._is_over = True  # what comes next is another stream
        elif has_parts(text):
            self._notice(url, text)
        if is_lead and has_parts(text):
            text = self._numbers.continued(text)
        text = await self._names.renamed(url, text)
        return web.Response(text=text, content_type=_PLAYLIST_TYPE)

    def _notice(self, url: URL, text: str) -> None:
        place, said = url.path, hash(text)
        before, since = self._still.get(place, (None, 0.0))
        now = asyncio.get_running_loop().time()
        if said != before:
            if len(self._still) >= _MAX_VARIANTS:
                self._still.clear()
            self._still[place] = (said, now)
        elif now - since > STILL_SECONDS:
            self._is_over = True
            raise UnreachableError("the live stream stands still")


def _is_same(one: StreamSource, other: StreamSource) -> bool:
    return list(one.urls) == list(other.urls) and dict(one.headers) == dict(other.headers)


def _origin(link: str) -> URL:
    return parse_link(link).origin()
