"""Inject faults into pictures and their links."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
import struct
from typing import Literal, get_args
import zlib

from PIL import Image

from simulators.response import Flood, Response

type ImageFaultKind = Literal[
    "never",
    "slow",
    "expired",
    "truncated",
    "html",
    "noise",
    "empty",
    "huge",
    "huge_unannounced",
    "bomb",
    "bomb_jpeg",
    "svg",
    "gif",
    "mislabelled",
    "redirect",
    "redirect_http",
    "redirect_elsewhere",
    "redirect_loop",
    "link_http",
    "link_private",
    "link_metadata",
    "link_elsewhere",
    "link_file",
    "link_login",
    "link_words",
    "link_number",
    "link_null",
    "no_links",
    "link",
]

KINDS: tuple[str, ...] = get_args(ImageFaultKind.__value__)
HUGE = 40 << 20

# Addresses that nothing answers: the ones of documentation, and a name that never resolves.
_LINKS: dict[str, object] = {
    "link_http": "http://192.0.2.7/pictures/1_raw_image.jpg",
    "link_private": "https://192.168.1.20/pictures/1_raw_image.jpg",
    "link_metadata": "http://169.254.169.254/latest/meta-data/iam/",
    "link_file": "file:///etc/passwd",
    "link_login": "https://somebody:word@pictures.invalid/1_raw_image.jpg",
    "link_words": "not a link",
    "link_number": 17,
    "link_null": None,
}
_REDIRECTS = ("redirect", "redirect_http", "redirect_elsewhere", "redirect_loop")
_REDIRECT_HTTP = "http://192.0.2.7/pictures/1_raw_image.jpg"


@dataclass(slots=True)
class ImageFault:
    """Something wrong with the pictures of a device (None: of all), or with one `view` of them.

    times: how many downloads or links it spoils; None: all. The first group is not counted.

    In time:
    never               the picture is never there
    slow                it takes `seconds` from the request until it is there
    expired             its link is dead already

    What comes instead of the picture:
    truncated           half of it, with a matching length
    html                a sign-in page that calls itself image/jpeg
    noise               bytes that are no picture, called image/jpeg
    empty               nothing
    huge                a JPEG of 40 MiB
    huge_unannounced    40 MiB that begin as a JPEG does, streamed without a length
    bomb                a PNG of a few KiB with 30,000 x 30,000 pixels
    bomb_jpeg           a JPEG that says it has 65,500 x 65,500 pixels
    svg, gif            a picture of another format, called image/jpeg
    mislabelled         the right picture, called text/plain
    redirect            302 to where the picture is, on the same port: nothing is wrong with that
    redirect_http       302 to plain http on an address of another machine
    redirect_elsewhere  302 to another host name and port, which counts who comes (`strangers`)
    redirect_loop       302 to itself

    What comes instead of the links:
    link_http, link_private, link_metadata, link_file, link_login, link_words, link_number,
    link_null           see the table above
    link_elsewhere      another host name and port, which counts who comes
    no_links            an empty list
    link                `value`
    """

    kind: ImageFaultKind
    device: str | None = None
    seconds: float = 90.0
    value: object = None
    times: int | None = None
    view: str | None = None

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist with ValueError."""
        if self.kind not in KINDS:
            raise ValueError(f"No such trouble: {self.kind}")

    def meets(self, device: str, view: str) -> bool:
        """Return whether this is about a view of a device's pictures."""
        return self.device in (None, device) and self.view in (None, view)

    def is_without_links(self) -> bool:
        """Return whether there are no links this time."""
        return self.kind == "no_links" and self._left()

    def link(self, right: object, elsewhere: str) -> object:
        """Return what comes instead of a link, or the right one."""
        if self.kind in _LINKS and self._left():
            return _LINKS[self.kind]
        if self.kind == "link_elsewhere" and self._left():
            return f"{elsewhere}/pictures/1_raw_image.jpg"
        return self.value if self.kind == "link" and self._left() else right

    def response(self, picture: Response, path: str, elsewhere: str) -> Response | None:
        """Return what comes instead of the reply with the picture at `path`; None: the picture."""
        if self.kind not in (*_REDIRECTS, *_SPOILERS) or not self._left():
            return None
        redirects = {
            "redirect": f"{path}{'&' if '?' in path else '?'}redirected=1",
            "redirect_http": _REDIRECT_HTTP,
            "redirect_elsewhere": f"{elsewhere}/pictures/1_raw_image.jpg",
            "redirect_loop": path,
        }
        if location := redirects.get(self.kind):
            return Response(302, headers={"Location": location}, body=b"")
        return _SPOILERS[self.kind](picture)

    def _left(self) -> bool:
        """Use it up once more; tell whether there was something left to use."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


def _jpeg(body: bytes, content_type: str = "image/jpeg") -> Response:
    return Response(200, headers={"Content-Type": content_type}, body=body)


def _truncated(picture: Response) -> Response:
    body = picture.body or b""
    return Response(200, headers=picture.headers, body=body[: len(body) // 2])


def _html(_: Response) -> Response:
    return _jpeg(b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>")


def _svg(_: Response) -> Response:
    return _jpeg(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')


def _gif(_: Response) -> Response:
    out = BytesIO()
    Image.new("P", (16, 16)).save(out, "GIF")
    return _jpeg(out.getvalue())


def _huge(_: Response) -> Response:
    """Return a whole JPEG that is padded with comments."""
    start, rest = _small_jpeg()[:2], _small_jpeg()[2:]
    comment = b"\xff\xfe\xff\xff" + b" " * 65_533
    return _jpeg(start + comment * (HUGE // len(comment) + 1) + rest)


def _huge_unannounced(_: Response) -> Response:
    return Response(
        200,
        headers={"Content-Type": "image/jpeg"},
        body=b"",
        delivery=Flood(HUGE, head=_small_jpeg()),
    )


def _bomb(_: Response) -> Response:
    side = 30_000
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    line = bytes(1 + side // 8)
    pixels = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    chunks = (b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")
    body = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)
    return _jpeg(body, "image/png")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _bomb_jpeg(_: Response) -> Response:
    """Return a small JPEG whose frame header (SOF0: length, precision, height, width) lies."""
    body = bytearray(_small_jpeg())
    frame = body.index(b"\xff\xc0")
    body[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    return _jpeg(bytes(body))


def _small_jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (64, 36), (90, 120, 90)).save(out, "JPEG")
    return out.getvalue()


_SPOILERS: dict[str, Callable[[Response], Response]] = {
    "truncated": _truncated,
    "html": _html,
    "noise": lambda _: _jpeg(bytes(range(256)) * 40),
    "empty": lambda _: _jpeg(b""),
    "huge": _huge,
    "huge_unannounced": _huge_unannounced,
    "bomb": _bomb,
    "bomb_jpeg": _bomb_jpeg,
    "svg": _svg,
    "gif": _gif,
    "mislabelled": lambda picture: _jpeg(picture.body or b"", "text/plain"),
}


def foreign_picture() -> Response:
    """Return the picture that another host shows."""
    return _jpeg(_small_jpeg())
