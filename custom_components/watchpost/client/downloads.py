"""Downloads from links that a vendor hands out, which may be hostile.

Such a link is followed over https alone, without credentials or cookies, and only to where the account's resolver lets
it lead, redirects included. The host that the account itself is signed in to gets the account's credentials, at its
very origin, as with every request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import hdrs
from yarl import URL

from .cache_control import http_date
from .errors import (
    NotSecureError,
    PictureMissingError,
    PictureRejectedError,
    PrivateAddressError,
    TimedOutError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from .image_check import MAX_PICTURE_BYTES, check_picture
from .resolver import Resolver
from .tls import tls_error
from .urls import parse_link

MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LARGE: Final = "it is larger than was agreed"
_CHUNK: Final = 1024 * 1024
# Longer than this no file takes that is not held back.
_MAX_STALL: Final = 60.0
_MAX_SECONDS: Final = 6 * 3600.0

type Credentials = Callable[[], Awaitable[Mapping[str, str]]]
type Take = Callable[[bytes], Awaitable[None]]
type _Read = Callable[[aiohttp.ClientResponse], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class _PendingDownload:
    """A download: its Accept header, its timeout and its reader."""

    accept: str
    timeout: aiohttp.ClientTimeout
    read: _Read


# HTTP dates are whole seconds, and two clocks of one host need not agree to the second.
_AGE_TOLERANCE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class LinkedPicture:
    """A picture behind a link; `age` is how long ago its host last modified it, by the host's own clock."""

    content_type: str
    content: bytes = field(repr=False)
    age: timedelta | None = None

    def is_older_than(self, age: timedelta) -> bool:
        """Return whether the picture is older than `age`, as far as its host says."""
        return self.age is not None and self.age > age + _AGE_TOLERANCE


class _Receiver:
    """Counts the bytes of a file and keeps errors of their receiver apart from those of the download."""

    def __init__(self, take: Take, most: int) -> None:
        self._take = take
        self._most = most
        self.size = 0
        self.failure: Exception | None = None

    async def read(self, response: aiohttp.ClientResponse) -> bytes:
        """Pass the whole body to the receiver."""
        if (response.content_length or 0) > self._most:
            raise PictureRejectedError(_LARGE)
        async for chunk in response.content.iter_chunked(_CHUNK):
            self.size += len(chunk)
            if self.size > self._most:
                response.close()
                raise PictureRejectedError(_LARGE)
            try:
                await self._take(chunk)
            except Exception as err:  # noqa: BLE001  whoever takes it may fail as it will
                self.failure = err
                response.close()
                return b""
        return b""


class SafeDownloader:
    """Downloads pictures and files for one account, on a session that the caller owns.

    `home` is the address that the account is signed in to; `credentials` go to its very origin and nowhere else.
    `timeout` is seconds for one picture, with everything that leads to it; `resolver` says where links may lead.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        home: URL,
        credentials: Credentials | None = None,
        *,
        timeout: float = 30.0,
        resolver: Resolver | None = None,
    ) -> None:
        self._resolver = resolver or Resolver(home)
        self._session = session
        self._home = home
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=timeout / 3)

    async def picture(self, link: str) -> tuple[str, bytes]:
        """Return content type and bytes; raises as `dated_picture`."""
        picture = await self.dated_picture(link)
        return picture.content_type, picture.content

    async def dated_picture(self, link: str) -> LinkedPicture:
        """Return a picture with what its host says of its age.

        Raises PictureMissingError where there is nothing (yet), TruncatedPictureError for half a picture,
        PictureRejectedError for a link or a picture that must not be used, UnreachableError for what may pass.
        """
        try:
            async with asyncio.timeout(self._timeout.total):
                ages: list[timedelta | None] = []

                async def read(response: aiohttp.ClientResponse) -> bytes:
                    ages.append(_age(response.headers))
                    return await _bounded(response)

                body = await self._followed(link, _PendingDownload("image/*", self._timeout, read))
                return LinkedPicture(check_picture(body), body, ages[-1])
        except TimeoutError:
            pass
        raise TimedOutError("the picture did not come in time")

    async def file(self, link: str, take: Take, most: int) -> int:
        """Hand a file's bytes to `take` as they come, at most so many; return how many there were.

        Raises UnexpectedResponseError for a link that must not be used or has nothing behind it (its `status` tells
        which), and for more bytes than that; UnreachableError for what may pass. What `take` raises comes through.
        """
        receiver = _Receiver(take, most)
        patience = aiohttp.ClientTimeout(total=_MAX_SECONDS, sock_connect=10, sock_read=_MAX_STALL)
        outcome: VendorError
        try:
            await self._followed(link, _PendingDownload("*/*", patience, receiver.read))
        except PictureMissingError as err:
            outcome = UnexpectedResponseError("there is no file behind its link", status=err.status)
        except PrivateAddressError as err:
            outcome = err
        except PictureRejectedError as err:
            outcome = UnexpectedResponseError(f"a file was refused: {err.reason}")
        else:
            if receiver.failure is not None:
                raise receiver.failure
            return receiver.size
        raise outcome

    async def _followed(self, link: str, download: _PendingDownload) -> bytes:
        """Download a link, following its redirects."""
        url = self._checked(link, self._home if link.startswith("/") else None)
        for _ in range(MAX_REDIRECTS + 1):
            body = await self._asked(url, download)
            if not isinstance(body, URL):
                return body
            url = body
        raise PictureRejectedError("its link leads in circles")

    def _checked(self, link: str, before: URL | None = None) -> URL:
        """Return where a link leads; `before` is what it is relative to, and must share its protocol with."""
        try:
            url = parse_link(link, before)
        except NotSecureError:
            raise PictureRejectedError("its link is none") from None
        if before is not None and url.scheme != before.scheme:
            raise PictureRejectedError("its link leads from one protocol to another")
        if url.scheme != "https" and not (url.scheme == "http" and self._is_plain_home(url)):
            raise PictureRejectedError("its link is not secure")
        if before is not None:
            self._resolver.check_redirect(before, url)
        return url

    def _is_plain_home(self, url: URL) -> bool:
        """Return whether a plain http link stays on this machine, as the account's own requests do."""
        return self._resolver.is_home(url) and self._home.scheme == "http"

    # -- one request --

    async def _asked(self, url: URL, download: _PendingDownload) -> bytes | URL:
        """Send one request; return the bytes, or the target of a redirect."""
        headers: dict[str, str] = {hdrs.ACCEPT: download.accept, hdrs.ACCEPT_ENCODING: "identity"}
        if self._credentials is not None and url.origin() == self._home.origin():
            headers |= await self._credentials()
        outcome: bytes | URL | VendorError
        try:
            outcome = await self._connected(url, headers, download)
        except VendorError as err:
            outcome = err
        except TimeoutError:
            outcome = TimedOutError("what the link leads to did not come in time")
        except aiohttp.ClientSSLError as err:
            outcome = tls_error(err)
        except aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError, ValueError:
            outcome = UnreachableError("the connection to where the link leads failed")
        # Raised out here, an error does not carry aiohttp's, whose text names the address.
        if isinstance(outcome, VendorError):
            raise outcome
        return outcome

    async def _connected(
        self, url: URL, headers: Mapping[str, str], download: _PendingDownload
    ) -> bytes | URL:
        """Connect to the addresses that were checked, so that no second look-up leads elsewhere."""
        target = await self._resolver.resolve(url)
        *others, last = target.urls
        for at in others:
            with suppress(aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                return await self._answer(url, at, {**headers, **target.headers}, download)
        return await self._answer(url, last, {**headers, **target.headers}, download)

    async def _answer(
        self, url: URL, at: URL, headers: Mapping[str, str], download: _PendingDownload
    ) -> bytes | URL:
        async with self._session.get(
            at,
            headers=headers,
            server_hostname=url.host,
            allow_redirects=False,
            raise_for_status=False,
            timeout=download.timeout,
            middlewares=(without_cookies,),
        ) as response:
            if response.status in _REDIRECTS:
                return self._checked(response.headers.get(hdrs.LOCATION, ""), before=url)
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise UnreachableError(f"where the link leads failed with status {response.status}")
            if response.status != HTTPStatus.OK:
                raise PictureMissingError(
                    f"nothing there, status {response.status}", response.status
                )
            return await download.read(response)


async def without_cookies(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send no cookies: the session's jar is shared by every account."""
    request.headers.popall(hdrs.COOKIE, None)
    return await handler(request)


def _age(headers: Mapping[str, str]) -> timedelta | None:
    """Return the age of what a response holds; None where it does not tell both times."""
    made, now = http_date(headers.get(hdrs.LAST_MODIFIED)), http_date(headers.get(hdrs.DATE))
    return now - made if made is not None and now is not None else None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Read a picture's bytes; raises PictureRejectedError for too many, PictureMissingError for none."""
    if (response.content_length or 0) > MAX_PICTURE_BYTES:
        raise PictureRejectedError("it is larger than 32 MiB")
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_PICTURE_BYTES:
            response.close()
            raise PictureRejectedError("it is larger than 32 MiB")
    if not body:
        raise PictureMissingError("an empty reply")
    return bytes(body)
