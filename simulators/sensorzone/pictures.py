"""Small files that are what they say: a picture in PNG, a clip in MP4 without a frame, a PDF."""

import struct
import zlib

_SIDE = 32


def png(seed: int) -> bytes:
    """Return a square of one colour."""
    pixel = bytes((seed * 37 % 256, seed * 59 % 256, 120))
    rows = b"".join(b"\0" + pixel * _SIDE for _ in range(_SIDE))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def clip(seed: int) -> bytes:
    """Return an MP4 file's boxes, with padding that tells one clip from another."""
    return (
        _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
        + _box(b"free", str(seed).encode())
        + _box(b"mdat", bytes(2048))
    )


def pdf(title: str) -> bytes:
    """Return a PDF of one empty page."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\n% "
        + title.encode()
        + b"\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data
