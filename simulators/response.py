"""Model the responses of a simulated cloud, and the ways in which they are sent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
import json
import zlib

from aiohttp import web

try:
    import orjson
except ImportError:  # the simulators run without it, only slower
    orjson = None  # type: ignore[assignment]  # its absence is what the name then says

type JsonObject = dict[str, object]

_GZIP = 31
_PACKED = ("image/", "video/", "application/zip")
_BLOCK = 1 << 16


@dataclass(slots=True)
class Plain:
    """A complete response."""


@dataclass(slots=True)
class Drop:
    """A connection closed without a response."""


@dataclass(slots=True)
class Cut:
    """A connection closed after so many bytes; None: after half the body."""

    after: int | None = None


@dataclass(slots=True)
class Drip:
    """A body sent in pieces of `size` bytes with `pause` real seconds between them."""

    size: int
    pause: float


@dataclass(slots=True)
class Flood:
    """A JSON object of `size` bytes streamed instead of the body, without a length.

    packed: as gzip, whether the client accepts it or not. head: what comes first instead of the
    object's beginning; blanks follow it.
    """

    size: int
    packed: bool = False
    head: bytes = b""


type Delivery = Plain | Drop | Cut | Drip | Flood


@dataclass(slots=True)
class Response:
    """A response before it is encoded; `body` takes precedence over `payload`.

    exact: encode with the standard library, which writes NaN, Infinity and integers of any size.
    """

    status: int = 200
    payload: object = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    exact: bool = False
    delivery: Delivery = field(default_factory=Plain)

    def encoded(self) -> bytes:
        """Return the body's bytes, not compressed."""
        if self.body is not None:
            return self.body
        if self.status == 304:
            return b""
        return encode(self.payload, exact=self.exact)


def encode(payload: object, *, exact: bool = False) -> bytes:
    """Return JSON in UTF-8."""
    if orjson is not None and not exact:
        try:
            return orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:
            pass
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


async def send(request: web.Request, response: Response) -> web.StreamResponse:
    """Send a response as its delivery says; compress it if the client accepts gzip and it is no media file."""
    gzip = "gzip" in request.headers.get("Accept-Encoding", "") and not response.headers.get(
        "Content-Type", ""
    ).startswith(_PACKED)
    match response.delivery:
        case Drop():
            return _hang_up(request)
        case Flood(size, packed, head):
            return await _stream(request, response, _flood(size, head), gzip=gzip or packed)
    body = response.encoded()
    if gzip and body and "Content-Encoding" not in response.headers:
        response.headers["Content-Encoding"] = "gzip"
        packer = zlib.compressobj(1, wbits=_GZIP)
        body = packer.compress(body) + packer.flush()
    if not isinstance(response.delivery, Plain):
        response.headers["Content-Length"] = str(len(body))
    match response.delivery:
        case Cut(after):
            stream = web.StreamResponse(status=response.status, headers=response.headers)
            await stream.prepare(request)
            await stream.write(body[: len(body) // 2 if after is None else after])
            return _hang_up(request)
        case Drip(size, pause):
            return await _stream(request, response, _pieces(body, size), pause=pause)
    stream = web.Response(status=response.status, headers=response.headers, body=body)
    await stream.prepare(request)
    await stream.write_eof()
    return stream


async def _stream(
    request: web.Request,
    response: Response,
    pieces: Iterator[bytes],
    *,
    gzip: bool = False,
    pause: float = 0.0,
) -> web.StreamResponse:
    if gzip:
        response.headers["Content-Encoding"] = "gzip"
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    await stream.prepare(request)
    async for piece in _paced(_packed(pieces) if gzip else pieces, pause):
        await stream.write(piece)
    await stream.write_eof()
    return stream


async def _paced(pieces: Iterator[bytes], pause: float) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(pause)


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(9, wbits=_GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def _flood(size: int, head: bytes = b"") -> Iterator[bytes]:
    tail = b"" if head else b'"}'
    head = head or b'{"code":200,"padding":"'
    yield head
    left = max(0, size - len(head) - len(tail))
    while left > 0:
        yield b" " * min(_BLOCK, left)
        left -= _BLOCK
    yield tail


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
