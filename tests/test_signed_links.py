"""Links whose signature covers every byte of them open what they lead to, at every vendor that has links."""

import asyncio
from http import HTTPStatus
import logging
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from homeassistant.components.camera import async_get_image, async_get_stream_source
from homeassistant.components.media_source import async_browse_media, async_resolve_media
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from yarl import URL

from simulators.sensorzone import ApiVariants
from simulators.viziosense import VizioSenseCloud

from . import test_mk_exports as exports
from .conftest import DOMAIN, House, watchpost_lines
from .mk_house import MkHouse, OpenMk, mk_house_fixture, open_mk_fixture  # noqa: F401
from .test_mk_live import Player
from .test_viziosense_pictures import VIEWS, look_fixture, snapshot  # noqa: F401
from .watching import open_vizio_fixture, vizio_fixture  # noqa: F401
from .watching import sign_in as sign_in_vizio
from .zone import Ear, OpenZone, account_of, ear_fixture, open_zone_fixture, sign_in  # noqa: F401


@pytest.mark.parametrize("is_redirected", [False, True], ids=["direct", "redirected"])
@pytest.mark.parametrize("link", ["signed", "path"])
async def test_viziosense_snapshots_are_fetched(
    house: House, vizio: VizioSenseCloud, look: Any, link: str, is_redirected: bool
) -> None:
    vizio.config.variants.link, vizio.config.variants.signing = link, "exact"
    entry = await sign_in_vizio(house, vizio)
    device = vizio.devices[0]
    if is_redirected:
        vizio.image_fault("redirect", times=2)

    assert (await snapshot(house, entry, device))["ready"] is True

    (shot,) = vizio.snapshots_of(device)
    statuses = {each.status for each in shot.downloads}
    assert statuses == {HTTPStatus.OK, HTTPStatus.FOUND} if is_redirected else {HTTPStatus.OK}
    for domain, key, view in VIEWS:
        assert (await look(entry, device, domain, key))[1] == vizio.picture(shot, view)


@pytest.mark.parametrize("thumbnail", ["link", "path"])
async def test_pictures_of_the_manfred_kunze_platform_are_fetched(
    mk_house: MkHouse, open_mk: OpenMk, thumbnail: str
) -> None:
    mk = await open_mk(variants={"thumbnail": thumbnail, "signing": "exact"})
    await mk_house.sign_in(mk)
    found = mk_house.entity(f"camera-{mk.cameras[0].id}", "camera", "camera")
    assert found is not None

    assert (await async_get_image(mk_house.hass, found)).content.startswith(b"\xff\xd8")


@pytest.mark.parametrize("form", ["json", "redirect", "text"])
async def test_clips_of_the_manfred_kunze_platform_are_led_to(
    mk_house: MkHouse, open_mk: OpenMk, form: str, hass_client: Any
) -> None:
    mk = await open_mk(variants={"download": form, "signing": "exact"}, old_captures=2)
    assert await async_setup_component(mk_house.hass, "media_source", {})
    await mk_house.sign_in(mk)
    folder = f"media-source://{DOMAIN}/{mk_house.entries[0].entry_id}/{mk.cameras[0].id}"
    (day, *_) = (await async_browse_media(mk_house.hass, folder)).children
    (clip, *_) = (await async_browse_media(mk_house.hass, day.media_content_id)).children
    media = await async_resolve_media(mk_house.hass, clip.media_content_id, None)

    response = await (await hass_client()).get(media.url, allow_redirects=False)

    async with (
        ClientSession() as browser,
        browser.get(URL(response.headers["Location"], encoded=True)) as clip_response,
    ):
        assert clip_response.status == HTTPStatus.OK
        assert (await clip_response.read())[4:8] == b"ftyp"


@pytest.mark.parametrize("playlist", ["media", "master"])
async def test_live_streams_of_the_manfred_kunze_platform_play(
    mk_house: MkHouse, open_mk: OpenMk, playlist: str
) -> None:
    mk = await open_mk(variants={"live_playlist": playlist, "signing": "exact"})
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])

    assert (await player.play())[:1] == b"G"
    assert await async_get_stream_source(mk_house.hass, player.entity_id)
    await mk_house.pass_time(31)


async def test_exports_of_the_manfred_kunze_platform_are_saved(
    mk_house: MkHouse, open_mk: OpenMk, tmp_path: Path
) -> None:
    mk_house.hass.config.media_dirs = {"local": str(tmp_path)}
    mk = await open_mk(variants={"signing": "exact"})
    await mk_house.sign_in(mk)

    fields = {**exports.device(mk_house, mk), "download": True}
    outcome = await exports.call(mk_house, "create_export", **fields)

    assert exports.files(mk_house) == [f"manfred_kunze_export_{outcome['export_id']}.zip"]


@pytest.mark.parametrize("links", ["header", "body", "relative"])
async def test_next_pages_of_sensorzone_are_read(
    house: House, open_zone: OpenZone, ear: Ear, links: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    variants = ApiVariants(paging="link", lists="data", links=links, signing="exact")
    zone = await open_zone(machines=2, people=4, variants=variants, page_size=3)
    await sign_in(house, zone, people=True)
    await house.pass_time(1200)

    pages = [record for record in zone.log if "seal" in record.query]
    assert pages
    assert {record.status for record in pages} == {HTTPStatus.OK}
    assert "seal=" not in caplog.text
    assert watchpost_lines(caplog, logging.WARNING) == []


@pytest.mark.parametrize("media_links", ["absolute", "relative"])
async def test_clips_of_sensorzone_are_fetched(
    house: House, open_zone: OpenZone, media_links: str
) -> None:
    variants = ApiVariants(media_links=media_links, signing="exact")
    zone = await open_zone(machines=1, cameras=1.0, variants=variants)
    entry = await sign_in(house, zone)
    await house.pass_time(600)
    library = entry.runtime_data.connection.library
    (machine,) = await library.browse([])
    (day, *_) = await library.browse([machine.part])
    (clip, *_) = await library.browse([machine.part, day.part])

    assert (await library.open([machine.part, day.part, clip.part])).content


@pytest.mark.parametrize("download", ["url", "redirect"])
async def test_reports_of_sensorzone_are_saved(
    house: House, open_zone: OpenZone, download: str, tmp_path: Path
) -> None:
    house.hass.config.media_dirs = {"local": str(tmp_path)}
    zone = await open_zone(machines=1, variants=ApiVariants(download=download, signing="exact"))
    entry = await sign_in(house, zone)
    assert account_of(zone)
    now = dt_util.utcnow()
    fields = {"config_entry_id": entry.entry_id, "title": f"Until {now:%Y-%m-%d}", "save": True}
    task = asyncio.ensure_future(
        house.hass.services.async_call(
            DOMAIN, "create_report", fields, blocking=True, return_response=True
        )
    )
    await asyncio.sleep(0)
    await house.pass_time(90)

    assert (await task)["report"]["state"] == "done"
    (report,) = (tmp_path / DOMAIN).iterdir()
    assert report.read_bytes().startswith(b"%PDF")
