"""Pictures are judged by their headers: what is one, what is half a one, and what would be a bomb."""

from io import BytesIO
import struct

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
import pytest

from custom_components.watchpost.client.errors import PictureRejectedError
from custom_components.watchpost.client.image_check import (
    MAX_PIXELS,
    TruncatedPictureError,
    check_picture,
)

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def drawn(kind: str, **more: object) -> bytes:
    out = BytesIO()
    Image.effect_noise((200, 120), 60).convert("RGB").save(out, kind, **more)
    return out.getvalue()


PICTURES = {kind: drawn(kind) for kind in KINDS} | {
    "JPEG progressive": drawn("JPEG", progressive=True),
    "WEBP lossless": drawn("WEBP", lossless=True),
    "WEBP extended": drawn("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_told_by_what_it_begins_with(name: str) -> None:
    assert check_picture(PICTURES[name]) == KINDS[name.split(maxsplit=1)[0]]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.95])
def test_half_a_picture_is_cut_off(name: str, share: float) -> None:
    body = PICTURES[name]

    with pytest.raises(TruncatedPictureError):
        check_picture(body[: int(len(body) * share)])


def test_bytes_behind_the_end_do_no_harm() -> None:
    assert check_picture(PICTURES["JPEG"] + bytes(512)) == "image/jpeg"


def test_a_picture_within_a_picture_does_not_count() -> None:
    thumbnail = PICTURES["JPEG"]
    size = len(thumbnail) + 2
    hidden = b"\xff\xd8\xff\xe1" + struct.pack(">H", size % 65_536) + thumbnail

    with pytest.raises(PictureRejectedError):
        check_picture(hidden)


SIDES = [(30_000, 30_000), (65_535, 65_535), (2**31 - 1, 2**31 - 1), (0, 100), (100, 0)]


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_a_bomb_is_refused_by_what_it_says_of_itself(side: tuple[int, int]) -> None:
    width, height = side
    png = PICTURES["PNG"]
    with pytest.raises(PictureRejectedError, match="pixels"):
        check_picture(png[:16] + struct.pack(">II", width, height) + png[24:])
    jpeg = PICTURES["JPEG"]
    at = jpeg.index(b"\xff\xc0")
    size = struct.pack(">HH", height % 65_536, width % 65_536)
    changed = jpeg[: at + 5] + size + jpeg[at + 9 :]
    with pytest.raises(PictureRejectedError, match="pixels"):
        check_picture(changed)


def test_the_largest_of_several_sizes_counts() -> None:
    jpeg = PICTURES["JPEG"]
    at = jpeg.index(b"\xff\xc0")
    frame = bytearray(jpeg[at : at + 19])
    frame[5:9] = struct.pack(">HH", 60_000, 60_000)

    with pytest.raises(PictureRejectedError, match="pixels"):
        check_picture(jpeg[:at] + bytes(frame) + jpeg[at:])


def test_a_large_security_camera_is_no_bomb() -> None:
    assert MAX_PIXELS >= 7680 * 4320


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\x10\0\x10\0",
        b"BM" + bytes(60),
        b"{}",
        b"\xff\xd8",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"XXXX\x24\0\0\0WEBPVP8 " + bytes(60),
        b"RIFF\x24\0\0\0WEBPABCD" + bytes(60),
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIDAT" + bytes(60),
        b"\xff\xd8\xff\xd9" + bytes(10),
    ],
    ids=str,
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(PictureRejectedError):
        check_picture(body)


@given(st.sampled_from(sorted(PICTURES)), st.integers(0, 400), st.binary(max_size=40))
def test_no_bytes_raise_anything_but_a_refusal(name: str, at: int, noise: bytes) -> None:
    body = PICTURES[name]
    try:
        kind = check_picture(body[:at] + noise + body[at + len(noise) :])
    except PictureRejectedError:
        return
    assert kind in KINDS.values()
