"""The Manfred Kunze platform's cameras in Home Assistant: states, stills, clips, and watching live."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
import logging
import re
from typing import Any

from homeassistant.components.camera import async_get_image, async_request_stream
from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source import async_browse_media, async_resolve_media
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest

from custom_components.watchpost.client import hls_proxy
from custom_components.watchpost.client.downloads import SafeDownloader
from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.manfred_kunze.cameras import Camera, Capture

from .calling import told_fixture  # noqa: F401
from .conftest import REAL_SLEEP
from .mk_house import MkHouse, OpenMk, asked

POLL = 61
ROOT = "media-source://watchpost"


def device(camera: Camera) -> str:
    return f"camera-{camera.id}"


def shown(house: MkHouse, camera: Camera, key: str, domain: str = "sensor") -> Any:
    return house.shown(device(camera), key, domain)


def entity(house: MkHouse, camera: Camera) -> str:
    found = house.entity(device(camera), "camera", "camera")
    assert found is not None
    return found


def captures(mk: ManfredKunzeCloud, camera: Camera) -> list[Capture]:
    """A camera's clips that are there, newest first."""
    now = dt_util.utcnow().timestamp()
    found = [each for each in mk.album.captures.values() if each.camera is camera]
    return sorted(
        (each for each in found if each.ready <= now), key=lambda each: each.start, reverse=True
    )


# -- states and stills --


async def test_cameras_stand_below_their_devices_with_their_states(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    camera = mk.cameras[0]
    below, above = mk_house.device(device(camera)), mk_house.device(f"device-{camera.device.id}")
    assert below is not None
    assert above is not None
    assert below.via_device_id == above.id
    assert shown(mk_house, camera, "camera_status").state == "online"
    assert shown(mk_house, camera, "camera", "camera").state == "idle"

    for status, connected in (("DEGRADED", "on"), ("OFFLINE", "off")):
        camera.status = status
        await mk_house.pass_time(POLL)
        assert shown(mk_house, camera, "camera_status").state == status.lower()
        assert shown(mk_house, camera, "camera_connectivity", "binary_sensor").state == connected
    mk.config.variants.literals = "new"
    await mk_house.pass_time(POLL)
    assert shown(mk_house, camera, "camera_status").state == "unknown"
    assert shown(mk_house, camera, "camera_connectivity", "binary_sensor").state == "unknown"


@pytest.mark.parametrize("thumbnail", ["link", "path", "absent"])
async def test_a_still_is_the_newest_clips_picture_fetched_once_by_whoever_looks(
    mk_house: MkHouse, open_mk: OpenMk, thumbnail: str, told: list[dict[str, Any]]
) -> None:
    mk = await open_mk(variants={"thumbnail": thumbnail})
    await mk_house.sign_in(mk)
    camera = mk.cameras[0]
    newest = captures(mk, camera)[0]
    at = dt_util.utc_from_timestamp(newest.start).isoformat()
    assert shown(mk_house, camera, "last_capture").state == at
    assert told == []
    hass, entity_id = mk_house.hass, entity(mk_house, camera)
    if thumbnail == "absent":
        with pytest.raises(HomeAssistantError):
            await async_get_image(hass, entity_id)
        return

    before = len(mk.log)
    first, again = await asyncio.gather(*(async_get_image(hass, entity_id) for _ in range(2)))
    assert first.content == again.content
    assert first.content.startswith(b"\xff\xd8")
    assert first.content_type == "image/jpeg"
    assert len([each for each in mk.log[before:] if "/captures/" in each.path]) <= 3

    made = mk.record_clip(camera, seconds=20)
    await mk_house.pass_time(2 * POLL)
    assert [each["type"] for each in told if each.get("capture_id") == made.id] == ["capture_made"]
    assert told[0]["duration"] == 20
    assert told[0]["late"] is False
    events = shown(mk_house, camera, "camera_events", "event")
    assert events.attributes["event_type"] == "capture_made"
    assert (await async_get_image(hass, entity_id)).content != first.content

    # Links that do not work leave the last picture.
    mk.config.links_dead = True
    held = (await async_get_image(hass, entity_id)).content
    mk.record_clip(camera)
    await mk_house.pass_time(2 * POLL)
    for _ in range(2):
        assert (await async_get_image(hass, entity_id)).content == held
    mk.config.links_dead = False
    await mk_house.pass_time(POLL)
    assert (await async_get_image(hass, entity_id)).content != held
    assert not mk.storage.intruders


@pytest.mark.parametrize("what", ["still", "clip"])
async def test_what_is_under_way_for_a_viewer_is_given_up_when_home_assistant_stops(
    mk_house: MkHouse,
    open_mk: OpenMk,
    hass_client: Any,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    for component in ("camera", "media_source"):
        assert await async_setup_component(mk_house.hass, component, {})
    mk = await open_mk()
    entry = await mk_house.sign_in(mk)
    camera, begun = mk.cameras[0], asyncio.Event()

    async def hang(*_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(SafeDownloader, "picture", hang)
    monkeypatch.setattr(entry.runtime_data.connection.library, "open", hang)
    path = (
        f"/api/camera_proxy/{entity(mk_house, camera)}"
        if what == "still"
        else f"/api/watchpost/media/{entry.entry_id}/{camera.id}/x/y"
    )
    client = await hass_client()
    looking = asyncio.create_task(client.get(path))
    await begun.wait()

    mk_house.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    response = await looking

    assert response.status in (500, 502)


async def test_an_account_without_cameras_has_none(mk_house: MkHouse, open_mk: OpenMk) -> None:
    mk = await open_mk(absent={"cameras", "captures"})
    entry = await mk_house.sign_in(mk)
    await mk_house.pass_time(POLL)
    assert mk_house.states("camera") == []
    assert entry.runtime_data.connection.diagnostics()["MediaFeature"]["cameras"] == 0
    assert not asked(mk, "/captures")


# -- clips --


@pytest.fixture(name="browser")
async def browser_fixture(mk_house: MkHouse) -> MkHouse:
    for component in ("webhook", "media_source"):
        assert await async_setup_component(mk_house.hass, component, {})
    await mk_house.hass.config.async_set_time_zone("Europe/Berlin")
    return mk_house


async def below(house: MkHouse, *parts: str) -> list[Any]:
    path = "/".join((ROOT, house.entries[0].entry_id, *parts))
    return list((await async_browse_media(house.hass, path)).children)


@pytest.mark.parametrize("form", ["json", "redirect", "text"])
async def test_clips_are_found_by_camera_and_day_and_played_by_a_fresh_link_each_time(
    browser: MkHouse,
    open_mk: OpenMk,
    form: str,
    hass_client: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    mk = await open_mk(variants={"download": form}, old_captures=8)
    await browser.sign_in(mk)
    camera = mk.cameras[0]
    there = captures(mk, camera)
    assert {each.title for each in await below(browser)} == {each.name for each in mk.cameras}
    days = [each.title for each in await below(browser, camera.id)]
    assert days == list(
        dict.fromkeys(
            f"{dt_util.as_local(dt_util.utc_from_timestamp(each.start)):%Y-%m-%d}" for each in there
        )
    )
    clips = await below(browser, camera.id, days[0])
    assert clips[0].can_play
    local = dt_util.as_local(dt_util.utc_from_timestamp(there[0].start))
    assert clips[0].title.startswith(f"{local:%H:%M:%S} (")

    media = await async_resolve_media(browser.hass, clips[0].media_content_id, None)
    assert media.mime_type == "video/mp4"
    client = await hass_client()
    links = []
    for _ in range(2):
        response = await client.get(media.url, allow_redirects=False)
        assert response.status == 302
        assert response.headers["Referrer-Policy"] == "no-referrer"
        links.append(response.headers["Location"])
        await browser.pass_time(mk.config.link_seconds + 1)
    assert links[0] != links[1]
    response = await client.get(media.url)
    assert response.status == 200
    assert (await response.read())[4:8] == b"ftyp"
    assert "/download" in caplog.text
    assert not re.search(r"Signature=\w", caplog.text)
    assert re.search(r"Signature=\w", links[0])

    mk.faults.add(Fault(match="/download", kind="status", status=404))
    assert (await client.get(media.url, allow_redirects=False)).status == 502
    gone = media.url.replace(there[0].id, "00000000-0000-0000-0000-000000000000")
    assert (await client.get(gone, allow_redirects=False)).status == 404


async def test_clips_of_no_camera_or_time_are_found_and_what_is_no_clip_is_said(
    browser: MkHouse, mk: ManfredKunzeCloud, hass_client: Any
) -> None:
    lone = {"id": "lone", "startedAt": None, "status": None}
    mk.faults.add(Fault(match="/captures", kind="mutate", mutate=lambda _: [lone]))
    await browser.sign_in(mk)
    folders = [each.title for each in await below(browser)]
    assert folders == [*(each.name for each in mk.cameras), "Other captures"]
    assert [each.title for each in await below(browser, "others")] == ["undated"]
    (clip,) = await below(browser, "others", "undated")
    assert clip.title == "lone"
    media = await async_resolve_media(browser.hass, clip.media_content_id, None)
    client = await hass_client()

    mk.faults.clear()
    film = {"status": 200, "body": b"film", "headers": {"Content-Type": "video/webm; charset=x"}}
    mk.faults.add(Fault(match="/download", kind="status", **film))
    response = await client.get(media.url)
    assert (response.status, await response.read()) == (200, b"film")
    assert response.content_type == "video/webm"
    for answer in ('{"size": 7}', '{"url": "http://10.0.0.1/1.mp4"}', '{"url": "https://["}'):
        mk.faults.clear()
        mk.faults.add(Fault(match="/download", kind="status", status=200, body=answer))
        assert (await client.get(media.url, allow_redirects=False)).status == 502
    for path in (("nobody",), ("others", "1999-01-01"), ("others", "undated", "lone", "more")):
        with pytest.raises(BrowseError):
            await below(browser, *path)
    folder = media.url.rpartition("/")[0]
    assert (await client.get(folder, allow_redirects=False)).status == 404


# -- footage of a camera's own recorder --


async def request(house: MkHouse, entity_id: str, **period: Any) -> asyncio.Task[Any]:
    end = dt_util.utcnow() - timedelta(minutes=30)
    fields = {"start": end - timedelta(seconds=40), "end": end, **period}
    task = house.hass.async_create_background_task(
        house.hass.services.async_call(
            "watchpost",
            "request_dvr_clip",
            {"entity_id": entity_id, **fields},
            blocking=True,
            return_response=True,
        ),
        "request",
    )
    await house.settle()
    return task


@pytest.mark.parametrize("track", ["item", "list", "absent"])
async def test_footage_is_asked_for_followed_and_told_of(
    mk_house: MkHouse, open_mk: OpenMk, track: str, told: list[dict[str, Any]]
) -> None:
    mk = await open_mk(variants={"dvr_track": track})
    await mk_house.sign_in(mk)
    camera = mk.cameras[0]
    asking = await request(mk_house, entity(mk_house, camera))
    await mk_house.pass_time(60)
    outcome = await asking
    (made,) = (each for each in mk.album.captures.values() if each.request)
    assert outcome == {"request_id": made.request, "state": "done", "capture_id": made.id}
    await mk_house.pass_time(2 * POLL)
    heard = [each for each in told if each["type"] == "capture_made"]
    assert [each["capture_id"] for each in heard] == [made.id]
    assert heard[0]["late"] is False


async def test_footage_that_comes_after_a_reload_is_told_of_once(
    mk_house: MkHouse, open_mk: OpenMk, told: list[dict[str, Any]]
) -> None:
    mk = await open_mk(variants={"dvr_track": "item"})
    await mk_house.sign_in(mk)
    asking = await request(mk_house, entity(mk_house, mk.cameras[0]))
    await mk_house.reload(mk_house.entries[0])
    await mk_house.pass_time(60)
    outcome = await asking
    await mk_house.pass_time(2 * POLL)
    heard = [each["capture_id"] for each in told if each["type"] == "capture_made"]
    assert heard == [outcome["capture_id"]]


@pytest.mark.parametrize(("fate", "state"), [("fail", "failed"), ("hang", "under_way")])
async def test_footage_that_does_not_come_is_said(
    mk_house: MkHouse, mk: ManfredKunzeCloud, fate: str, state: str
) -> None:
    await mk_house.sign_in(mk)
    mk.config.dvr_fate = fate
    asking = await request(mk_house, entity(mk_house, mk.cameras[0]))
    await mk_house.pass_time(5)
    mk.faults.add(Fault(match="/dvr-clip-requests", kind="status", status=502, times=2))
    await mk_house.pass_time(400)
    outcome = await asking
    assert (outcome["state"], outcome["capture_id"]) == (state, None)


@pytest.mark.parametrize(
    ("answer", "state"),
    [({}, "unknown"), ({"id": "r1", "captureId": "x1"}, "done")],
    ids=["silent", "done at once"],
)
async def test_footage_is_as_far_as_the_answer_says(
    mk_house: MkHouse, mk: ManfredKunzeCloud, answer: dict[str, str], state: str
) -> None:
    await mk_house.sign_in(mk)
    mk.faults.add(Fault(match="/dvr-clip", kind="mutate", mutate=lambda _: answer))
    mk.faults.add(Fault(match="/captures", kind="status", status=502, times=1))
    outcome = await (await request(mk_house, entity(mk_house, mk.cameras[0])))
    assert (outcome["state"], outcome["capture_id"]) == (state, answer.get("captureId"))


async def test_only_cameras_have_footage(mk_house: MkHouse, mk: ManfredKunzeCloud) -> None:
    await mk_house.sign_in(mk)
    status = mk_house.entity(device(mk.cameras[0]), "camera_status")
    assert status is not None
    with pytest.raises(ServiceValidationError) as refused:
        await (await request(mk_house, status))
    assert refused.value.translation_key == "unsuitable_field"
    later = dt_util.utcnow()
    with pytest.raises(ServiceValidationError):
        await (await request(mk_house, entity(mk_house, mk.cameras[0]), start=later, end=later))


# -- watching live --


@pytest.fixture(name="viewer")
async def viewer_fixture(
    mk_house: MkHouse,
    open_mk: OpenMk,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[MkHouse]:
    """A house with players, which are threads: the clock runs faster for everything but them."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(hls_proxy, "IDLE_SECONDS", 300.0)
    assert await async_setup_component(mk_house.hass, "stream", {})
    yield mk_house
    for entry in mk_house.entries:
        await mk_house.hass.config_entries.async_unload(entry.entry_id)


async def until(house: MkHouse, is_so: Callable[[], bool], step: float = 0) -> None:
    """Let players' threads work in real time until something is so; `step` seconds pass on the clock each time."""
    for _ in range(400):
        if is_so():
            return
        await house.hass.loop.run_in_executor(None, REAL_SLEEP, 0.02)
        await house.pass_time(step)
    raise AssertionError("it did not come to that")


async def watch(house: MkHouse, camera: Camera) -> str:
    """Ask for a camera's stream, as the frontend has it asked for; returns the address of its playlist."""
    asking = asyncio.ensure_future(async_request_stream(house.hass, entity(house, camera), "hls"))
    for _ in range(40):
        await house.pass_time(1)
        if asking.done():
            break
    return await asking


async def played(house: MkHouse, client: Any, url: str) -> str:
    """Fetch a playlist of Home Assistant's player, which has something to play by then."""
    playlist = asyncio.ensure_future(client.get(url))
    await until(house, playlist.done, step=1)
    response = await playlist
    assert response.status == 200
    return str(await response.text())


async def test_a_live_stream_is_open_while_somebody_watches_and_no_longer(
    viewer: MkHouse, mk: ManfredKunzeCloud, hass_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await viewer.sign_in(mk)
    camera = mk.cameras[0]
    await viewer.pass_time(10 * POLL)
    assert mk.sessions == []

    url = await watch(viewer, camera)
    assert shown(viewer, camera, "camera", "camera").state == "streaming"
    client = await hass_client()
    assert "CODECS=" in await played(viewer, client, url)
    (session,) = mk.sessions
    assert session.served > 3

    # A second viewer joins; then both leave.
    assert await watch(viewer, camera) == url
    await until(viewer, lambda: session.stopped is not None, step=5)
    assert len(mk.sessions) == 1
    assert shown(viewer, camera, "camera", "camera").state == "idle"
    await viewer.pass_time(10 * POLL)
    assert len(mk.sessions) == 1

    # Somebody comes back.
    again = await watch(viewer, camera)
    assert again != url
    assert "CODECS=" in await played(viewer, client, again)
    assert len(mk.sessions) == 2
    assert session.token not in caplog.text
    assert not mk.storage.intruders


# -- what comes and goes --


async def test_a_camera_and_a_rule_that_are_added_from_here_are_there(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)

    async def record(name: str, resource: str, **fields: Any) -> Any:
        return await mk_house.hass.services.async_call(
            "watchpost",
            name,
            {"config_entry_id": entry.entry_id, "resource": resource, **fields},
            blocking=True,
            return_response=True,
        )

    before = set(mk.album.cameras)
    await record("save_record", "cameras", data={"name": "Gate", "deviceId": mk.devices[0].id})
    (added,) = (camera for found, camera in mk.album.cameras.items() if found not in before)
    await mk_house.pass_time(POLL)
    assert shown(mk_house, added, "camera_status").state == "online"
    assert shown(mk_house, added, "camera", "camera").name == "Gate"

    rules = (await record("list_records", "media_capture_rules"))["records"]
    rule = {"name": "Doors", "cameraId": added.id, "preRollSeconds": 5, "postRollSeconds": 10}
    await record("save_record", "media_capture_rules", data=rule)
    listed = (await record("list_records", "media_capture_rules"))["records"]
    assert len(listed) == len(rules) + 1
    (made,) = (each for each in listed if each["name"] == "Doors")
    await record("delete_record", "media_capture_rules", record_id=made["id"])
    assert (await record("list_records", "media_capture_rules"))["records"] == rules


async def test_cameras_that_a_key_may_not_read_stay_as_they_were(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)
    mk.faults.add(Fault(match="/cameras", kind="status", status=403))
    await mk_house.pass_time(4 * 900)
    assert mk_house.device(device(mk.cameras[0])) is not None
    assert shown(mk_house, mk.cameras[0], "camera_status").state == "unavailable"
    mk.faults.clear()
    await mk_house.pass_time(900)
    assert shown(mk_house, mk.cameras[0], "camera_status").state == "online"
    assert entry.runtime_data.connection.diagnostics()["MediaFeature"]["absent"] is None
