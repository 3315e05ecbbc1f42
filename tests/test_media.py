"""The media browser: folders by account, and bytes for nobody but who may have them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source import (
    Unresolvable,
    async_browse_media,
    async_resolve_media,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest

from custom_components.watchpost.client.errors import UnreachableError
from custom_components.watchpost.contract.media import Media, MediaItem, MediaLibrary
from simulators.viziosense import VizioSenseCloud

from .conftest import House
from .test_viziosense_pictures import snapshot
from .watching import OpenVizio, sign_in

ROOT = "media-source://watchpost"


@pytest.fixture(name="browser", autouse=True)
async def browser_fixture(house: House) -> None:
    for component in ("webhook", "media_source"):
        assert await async_setup_component(house.hass, component, {})


async def browse(house: House, *parts: str) -> Any:
    return await async_browse_media(house.hass, "/".join((ROOT, *parts)))


async def resolve(house: House, *parts: str) -> Any:
    return await async_resolve_media(house.hass, "/".join((ROOT, *parts)), None)


async def test_pictures_stand_by_account_camera_and_day_newest_first(
    house: House, open_vizio: OpenVizio
) -> None:
    await house.hass.config.async_set_time_zone("Europe/Zurich")
    vizio = await open_vizio(devices=2)
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    days = []
    for _ in range(2):
        await snapshot(house, entry, device)
        days.insert(0, dt_util.now().date().isoformat())
        await house.pass_time(86_400)

    root = await browse(house)
    assert [(each.title, each.can_expand) for each in root.children] == [(entry.title, True)]
    account = await browse(house, entry.entry_id)
    assert {each.title for each in account.children} == {each.name for each in vizio.devices}
    camera = await browse(house, entry.entry_id, device.uuid)
    assert [each.title for each in camera.children] == days
    day = await browse(house, entry.entry_id, device.uuid, days[0])
    assert [each.title.split()[1] for each in day.children] == ["Raw", "Annotated"]
    assert all(each.can_play and not each.can_expand for each in day.children)

    media = await async_resolve_media(house.hass, day.children[1].media_content_id, None)
    assert media.mime_type == "image/jpeg"


async def test_an_address_that_is_signed_serves_who_is_not_signed_in(
    house: House, vizio: VizioSenseCloud, hass_ws_client: Any, hass_client_no_auth: Any
) -> None:
    entry = await sign_in(house, vizio)
    await snapshot(house, entry, vizio.devices[0])
    day = (await browse(house, entry.entry_id, vizio.devices[0].uuid)).children[0]
    picture = (await async_browse_media(house.hass, day.media_content_id)).children[0]
    socket = await hass_ws_client()
    await socket.send_json_auto_id(
        {"type": "media_source/resolve_media", "media_content_id": picture.media_content_id}
    )
    reply = await socket.receive_json()
    client = await hass_client_no_auth()

    response = await client.get(reply["result"]["url"])
    assert response.status == HTTPStatus.OK
    assert await response.read() == vizio.picture(vizio.snapshots_of(vizio.devices[0])[0], "raw")
    assert response.content_type == "image/jpeg"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    unsigned = reply["result"]["url"].partition("?")[0]
    assert (await client.get(unsigned)).status == HTTPStatus.UNAUTHORIZED


async def test_the_last_24_times_are_kept(house: House, vizio: VizioSenseCloud) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    for _ in range(26):
        await snapshot(house, entry, device)
        await house.pass_time(5)

    (day,) = (await browse(house, entry.entry_id, device.uuid)).children
    pictures = (await async_browse_media(house.hass, day.media_content_id)).children
    assert len(pictures) == 48
    newest = vizio.snapshots_of(device)[-1].requested
    assert pictures[0].title == f"{dt_util.as_local(newest):%H:%M:%S} Raw"


@pytest.mark.parametrize(
    "parts",
    [
        ("nobody",),
        ("{entry}", "nobody"),
        ("{entry}", "{camera}", "2020-01-01"),
        ("{entry}", "{camera}", "..", ".."),
        ("{entry}", "..%2F..%2Fsecrets.yaml"),
    ],
    ids=str,
)
async def test_what_is_not_there_is_said(
    house: House, vizio: VizioSenseCloud, parts: tuple[str, ...], hass_client: Any
) -> None:
    entry = await sign_in(house, vizio)
    await snapshot(house, entry, vizio.devices[0])
    names = {"entry": entry.entry_id, "camera": vizio.devices[0].uuid}
    path = [part.format(**names) for part in parts]

    with pytest.raises(BrowseError):
        await browse(house, *path)
    with pytest.raises(Unresolvable):
        await resolve(house, *path, "picture")
    response = await (await hass_client()).get("/".join(("/api/watchpost/media", *path, "x")))
    assert response.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)


async def test_an_account_that_is_not_loaded_has_no_library(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    await house.hass.config_entries.async_unload(entry.entry_id)

    assert (await browse(house)).children == []
    with pytest.raises(BrowseError):
        await browse(house, entry.entry_id)


class Shelf(MediaLibrary):
    """A library as another vendor may have it: clips by link, and what is no picture."""

    items: ClassVar = {
        "clip.mp4": Media("video/mp4", url="https://clips.example.com/1?signature=x"),
        "plain.mp4": Media("video/mp4", url="http://clips.example.com/1"),
        "picture.jpg": Media("image/jpeg; charset=binary", content=b"0123456789"),
        "film.webm": Media('video/webm; codecs="vp8, vorbis"', content=b"0123456789"),
        "odd.jpg": Media("image/jpegs", content=b"0123456789"),
        "odd.bin": Media("image/jpeg\r\nX: y", content=b"0123456789"),
        "page.html": Media("text/html", content=b"<script>alert(1)</script>"),
    }

    async def browse(self, path: Sequence[str]) -> Sequence[MediaItem]:
        return [
            MediaItem(name, name, is_folder=False, content_type=media.content_type)
            for name, media in self.items.items()
        ]

    async def open(self, path: Sequence[str]) -> Media:
        if path[0] not in self.items:
            raise UnreachableError("the vendor is down")
        return self.items[path[0]]


async def test_links_are_followed_if_they_are_safe_and_pages_are_only_ever_saved(
    house: House, vizio: VizioSenseCloud, hass_client: Any
) -> None:
    entry = await sign_in(house, vizio)
    await browse(house)
    entry.runtime_data.connection.library = Shelf()
    client = await hass_client()

    async def get(name: str) -> Any:
        media = await resolve(house, entry.entry_id, name)
        return await client.get(media.url, allow_redirects=False)

    assert (await resolve(house, entry.entry_id, "clip.mp4")).mime_type == "video/mp4"
    clip = await get("clip.mp4")
    assert clip.status == HTTPStatus.FOUND
    assert clip.headers["Location"] == "https://clips.example.com/1?signature=x"
    assert clip.headers["Referrer-Policy"] == "no-referrer"
    assert (await get("plain.mp4")).status == HTTPStatus.BAD_GATEWAY
    page = await get("page.html")
    assert page.content_type == "application/octet-stream"
    assert page.headers["Content-Disposition"] == "attachment"
    base = f"/api/watchpost/media/{entry.entry_id}"
    assert (await client.get(f"{base}/gone.mp4")).status == HTTPStatus.BAD_GATEWAY
    assert (await client.get("/api/watchpost/media/nobody/x")).status == HTTPStatus.NOT_FOUND


@pytest.fixture(name="shelf")
async def shelf_fixture(house: House, vizio: VizioSenseCloud) -> str:
    """The address of a library's bytes; nobody has browsed since the start."""
    entry = await sign_in(house, vizio)
    entry.runtime_data.connection.library = Shelf()
    return f"/api/watchpost/media/{entry.entry_id}"


async def test_media_are_served_after_a_start_before_anybody_browses(
    shelf: str, hass_client: Any
) -> None:
    response = await (await hass_client()).get(f"{shelf}/picture.jpg")
    assert (response.status, await response.read()) == (HTTPStatus.OK, b"0123456789")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("picture.jpg", "image/jpeg"),
        ("film.webm", "video/webm"),
        ("odd.jpg", "application/octet-stream"),
        ("odd.bin", "application/octet-stream"),
        ("page.html", "application/octet-stream"),
    ],
)
async def test_content_types_are_read_and_only_pictures_and_films_are_shown(
    shelf: str, hass_client: Any, name: str, kind: str
) -> None:
    response = await (await hass_client()).get(f"{shelf}/{name}")
    assert response.status == HTTPStatus.OK
    assert response.headers["Content-Type"] == kind
    is_shown = kind != "application/octet-stream"
    assert ("Content-Disposition" in response.headers) is not is_shown


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=1-2,4-5", 200, b"0123456789", None),
        ("pages=1-2", 200, b"0123456789", None),
    ],
)
async def test_a_part_of_a_film_can_be_had(
    shelf: str, hass_client: Any, asked: str, status: int, body: bytes, said: str | None
) -> None:
    client = await hass_client()
    response = await client.get(f"{shelf}/film.webm", headers={"Range": asked})
    assert (response.status, await response.read()) == (status, body)
    assert response.headers.get("Content-Range") == said

    response = await client.head(f"{shelf}/film.webm", headers={"Range": asked})
    assert (response.status, response.headers["Content-Length"]) == (HTTPStatus.OK, "10")


async def test_nobody_gets_media_without_signing_in(shelf: str, hass_client_no_auth: Any) -> None:
    client = await hass_client_no_auth()
    for ask in (client.get, client.head):
        assert (await ask(f"{shelf}/picture.jpg")).status == HTTPStatus.UNAUTHORIZED
