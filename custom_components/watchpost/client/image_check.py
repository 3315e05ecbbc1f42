"""Check of pictures by their headers alone; no picture is decoded."""

from collections.abc import Callable, Iterator
from typing import Final

from .errors import PictureRejectedError

MAX_PICTURE_BYTES: Final = 32 * 1024 * 1024
# Four bytes of memory each, once somebody decodes it; the largest security cameras have 32 megapixels.
MAX_PIXELS: Final = 64_000_000

_JPEG_START: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"IEND\xaeB`\x82"
# Markers that begin a frame and so carry its size (ITU-T T.81, table B.1); C4, C8 and CC are none.
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SCAN: Final = 0xDA
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
# Some cameras pad a file, or put a few bytes of their own behind its end.
_TAIL: Final = 4096


class TruncatedPictureError(PictureRejectedError):
    """The picture ends too early; it may still be on its way to where it is kept."""


def check_picture(body: bytes) -> str:
    """Return the content type of a JPEG, PNG or WebP picture.

    Raises PictureRejectedError for anything else and for one with more than MAX_PIXELS, TruncatedPictureError for half
    a picture.
    """
    for start, offset, kind, measure in _FORMATS:
        if body.startswith(start, offset):
            width, height = measure(body)
            if not 0 < width * height <= MAX_PIXELS:
                raise PictureRejectedError("it has more pixels than can be shown")
            return kind
    raise PictureRejectedError("it is no JPEG, PNG or WebP picture")


def _jpeg(body: bytes) -> tuple[int, int]:
    sizes = list(_jpeg_frames(body))
    if not sizes:
        raise PictureRejectedError("it is no JPEG, PNG or WebP picture")
    if _JPEG_END not in body[-_TAIL:]:
        raise TruncatedPictureError("it is cut off")
    return max(sizes, key=lambda size: size[0] * size[1])


def _jpeg_frames(body: bytes) -> Iterator[tuple[int, int]]:
    """Yield width and height of each frame that is described before the first scan."""
    at = 2
    while at + 4 <= len(body):
        if body[at] != 0xFF:
            return
        marker = body[at + 1]
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _SCAN:
            return
        if marker in _FRAMES and at + 9 <= len(body):
            yield _big(body, at + 7, 2), _big(body, at + 5, 2)
        at += 2 + max(_big(body, at + 2, 2), 2)
    raise TruncatedPictureError("it is cut off")


def _png(body: bytes) -> tuple[int, int]:
    if len(body) < 33:
        raise TruncatedPictureError("it is cut off")
    if body[12:16] != b"IHDR":
        raise PictureRejectedError("it is no JPEG, PNG or WebP picture")
    if _PNG_END not in body[-_TAIL:]:
        raise TruncatedPictureError("it is cut off")
    return _big(body, 16, 4), _big(body, 20, 4)


def _webp(body: bytes) -> tuple[int, int]:
    if len(body) < 30 or len(body) < int.from_bytes(body[4:8], "little") + 8:
        raise TruncatedPictureError("it is cut off")
    match body[12:16]:
        case b"VP8X":
            return _little(body, 24, 3) + 1, _little(body, 27, 3) + 1
        case b"VP8L":
            bits = _little(body, 21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(body, 26, 2) & 0x3FFF, _little(body, 28, 2) & 0x3FFF
    raise PictureRejectedError("it is no JPEG, PNG or WebP picture")


def _big(body: bytes, at: int, size: int) -> int:
    return int.from_bytes(body[at : at + size], "big")


def _little(body: bytes, at: int, size: int) -> int:
    return int.from_bytes(body[at : at + size], "little")


type _Measure = Callable[[bytes], tuple[int, int]]

# What each begins with, and where; the first is tried first.
_FORMATS: Final[tuple[tuple[bytes, int, str, _Measure], ...]] = (
    (_JPEG_START, 0, "image/jpeg", _jpeg),
    (_PNG_START, 0, "image/png", _png),
    (b"WEBP", 8, "image/webp", _webp),
)
