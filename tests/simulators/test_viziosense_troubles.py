"""What can be wrong with a picture or its link."""

from io import BytesIO
import warnings

from PIL import Image, UnidentifiedImageError
import pytest

from simulators.viziosense import ImageFault

from .viziosense import caller_fixture, cloud_fixture, open_viziosense_fixture  # noqa: F401


@pytest.fixture(name="spoiled")
def spoiled_fixture(cloud, caller, clock):
    """What a download brings while there is this trouble."""

    async def spoiled(kind, **more):
        cloud.image_fault(kind, **more)
        link, _ = await caller.links(cloud.devices[0])
        clock.advance(20)
        return await caller.picture(link)

    return spoiled


def test_there_is_no_other_trouble():
    with pytest.raises(ValueError, match="No such trouble"):
        ImageFault("rain")


async def test_a_picture_never_comes(spoiled, caller, cloud, clock):
    assert (await spoiled("never")).status == 404
    clock.advance(1000)
    assert cloud.snapshots.all[0].ready is None


async def test_a_picture_comes_late(spoiled, caller, cloud, clock):
    assert (await spoiled("slow", seconds=90)).status == 404
    shot = cloud.snapshots.all[0]
    clock.advance(70)
    assert shot.ready == clock.now()
    assert shot.scene is not None


async def test_a_link_is_dead_from_the_beginning(spoiled):
    assert (await spoiled("expired")).status == 403


async def test_a_picture_is_cut_in_half(spoiled, cloud):
    answer = await spoiled("truncated")
    whole = cloud.picture(cloud.snapshots.all[0], "raw")
    assert answer.body == whole[: len(whole) // 2]
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    with pytest.raises(OSError, match="truncated"):
        Image.open(BytesIO(answer.body)).load()


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("html", b"<!DOCTYPE html>"),
        ("noise", b"\x00\x01"),
        ("svg", b"<svg "),
        ("gif", b"GIF8"),
        ("empty", b""),
    ],
)
async def test_something_else_calls_itself_a_jpeg(spoiled, kind, start):
    answer = await spoiled(kind)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.body.startswith(start)
    assert not answer.body.startswith(b"\xff\xd8")


async def test_a_picture_calls_itself_text(spoiled, cloud):
    answer = await spoiled("mislabelled")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.body == cloud.picture(cloud.snapshots.all[0], "raw")


async def test_a_picture_has_forty_megabytes(spoiled):
    answer = await spoiled("huge")
    assert int(answer.headers["Content-Length"]) == len(answer.body) >= 40 << 20
    assert Image.open(BytesIO(answer.body)).size == (64, 36)


async def test_forty_megabytes_come_without_a_warning(spoiled):
    answer = await spoiled("huge_unannounced")
    assert "Content-Length" not in answer.headers
    assert len(answer.body) == 40 << 20
    assert answer.body.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(("kind", "side"), [("bomb", 30_000), ("bomb_jpeg", 65_500)])
async def test_a_small_file_has_very_many_pixels(spoiled, kind, side):
    answer = await spoiled(kind)
    assert len(answer.body) < 200_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            assert Image.open(BytesIO(answer.body)).size == (side, side)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


async def test_the_jpeg_bomb_does_not_load(spoiled):
    answer = await spoiled("bomb_jpeg")
    with pytest.raises((Image.DecompressionBombError, UnidentifiedImageError)):
        Image.open(BytesIO(answer.body)).load()


@pytest.mark.parametrize("form", ["signed", "bearer"])
async def test_a_redirect_on_the_same_port_leads_to_the_picture(cloud, caller, clock, form):
    cloud.config.variants.link = form
    cloud.image_fault("redirect")
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(20)
    answer = await caller.ask("GET", link)
    assert answer.status == 302
    origin = cloud.url.removesuffix("/api/v1")
    followed = await caller.ask("GET", origin + answer.headers["Location"])
    assert followed.body == cloud.picture(cloud.snapshots.all[0], "raw")


async def test_a_redirect_leads_to_plain_http(spoiled):
    answer = await spoiled("redirect_http")
    assert (answer.status, answer.headers["Location"][:17]) == (302, "http://192.0.2.7/")


async def test_a_redirect_leads_to_itself(spoiled, caller, cloud):
    answer = await spoiled("redirect_loop")
    again = await caller.picture(cloud.url.removesuffix("/api/v1") + answer.headers["Location"])
    assert again.headers["Location"] == answer.headers["Location"]


async def test_another_host_counts_who_comes(spoiled, caller, cloud):
    answer = await spoiled("redirect_elsewhere")
    place = answer.headers["Location"]
    assert place.startswith("http://localhost:")
    assert cloud.foreign_requests == []
    came = await caller.ask("GET", place.replace("localhost", "127.0.0.1"))
    assert Image.open(BytesIO(came.body)).format == "JPEG"
    assert cloud.foreign_requests[0]["Authorization"] == f"Bearer {cloud.config.token}"


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("link_http", "http://192.0.2.7/"),
        ("link_private", "https://192.168.1.20/"),
        ("link_metadata", "http://169.254.169.254/"),
        ("link_elsewhere", "http://localhost:"),
        ("link_file", "file:///"),
        ("link_login", "https://somebody:word@"),
        ("link_words", "not a link"),
        ("link_number", "17"),
        ("link_null", "None"),
    ],
)
async def test_a_link_leads_somewhere_else(cloud, caller, kind, start):
    cloud.image_fault(kind)
    links = await caller.links(cloud.devices[0])
    assert [str(link).startswith(start) for link in links] == [True, True]


async def test_there_are_no_links_or_any_link(cloud, caller):
    cloud.image_fault("no_links")
    assert await caller.links(cloud.devices[0]) == []
    cloud.snapshots.image_faults.clear()
    cloud.image_fault("link", value="https://[::1")
    assert await caller.links(cloud.devices[0]) == ["https://[::1"] * 2


async def test_trouble_is_of_one_device_and_has_an_end(cloud, caller, clock):
    first, second = cloud.devices[:2]
    cloud.image_fault("html", first, times=1)
    cloud.image_fault("no_links", second, times=1)
    assert await caller.links(second) == []
    links = [(await caller.links(device))[0] for device in (first, first, second)]
    clock.advance(20)
    bodies = [(await caller.picture(link)).body[:2] for link in links]
    assert bodies == [b"<!", b"\xff\xd8", b"\xff\xd8"]


async def test_trouble_can_be_of_one_view(cloud, caller, clock):
    cloud.image_fault("never", view="annotated")
    cloud.image_fault("html", view="raw")
    links = await caller.links(cloud.devices[0])
    clock.advance(20)
    raw, annotated = [await caller.picture(link) for link in links]
    assert (raw.body[:2], annotated.status) == (b"<!", 404)
    shot = cloud.snapshots_of(cloud.devices[0])[0]
    assert (shot.ready, shot.there["raw"]) == (None, clock.now())
    cloud.image_fault("link_null", view="raw")
    raw, annotated = await caller.links(cloud.devices[0])
    assert raw is None
    assert "_annotated_image" in annotated
