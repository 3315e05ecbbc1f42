"""Snapshots: a camera is woken when somebody asks, never because somebody looks."""

import asyncio
from http import HTTPStatus
from pathlib import Path
import shutil
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.viziosense import Device, VizioSenseCloud

from .calling import told_fixture  # noqa: F401
from .conftest import DOMAIN, House, watchpost_lines
from .outside import mishaps
from .watching import OpenVizio, asked, entity_id, sign_in, state

VIEWS = (("camera", "camera", "raw"), ("image", "raw", "raw"), ("image", "annotated", "annotated"))


class Asking:
    """The action, called and not yet waited for."""

    def __init__(self, house: House, entry: ConfigEntry, device: Device) -> None:
        self._house = house
        self.task = house.hass.async_create_task(
            house.hass.services.async_call(
                DOMAIN,
                "request_snapshot",
                {"entity_id": entity_id(house, entry, device, "camera", "camera")},
                blocking=True,
                return_response=True,
            ),
            eager_start=True,
        )

    async def after(self, seconds: float) -> Any:
        """The response, after so much time."""
        for _ in range(int(seconds)):
            if self.task.done():
                break
            await tick(self._house, 1)
        assert self.task.done()
        return await self.task


async def tick(house: House, seconds: float) -> None:
    """Let time go by while somebody waits for an action."""
    loop = house.hass.loop
    end = loop.time() + seconds
    while end - loop.time() > 1e-5:
        await settle(house)
        due = min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=end)
        house.freezer.tick(min(max(due - loop.time(), 0.001), end - loop.time()))
        await settle(house)


async def settle(house: House) -> None:
    """Let everything happen that does not wait for time to go by; the action itself does."""
    for _ in range(25):
        await asyncio.sleep(0)
        await house.hass.loop.run_in_executor(None, lambda: None)


async def snapshot(house: House, entry: ConfigEntry, device: Device, seconds: float = 130) -> Any:
    response = await Asking(house, entry, device).after(seconds)
    await house.settle()
    return response


@pytest.fixture(name="look")
async def look_fixture(house: House, hass_client: Any) -> Any:
    """Looks at a picture by its proxy, as a dashboard does."""
    for component in ("webhook", "camera", "image"):
        assert await async_setup_component(house.hass, component, {})
    client = await hass_client()

    async def look(entry: ConfigEntry, device: Device, domain: str, key: str) -> tuple[Any, bytes]:
        name = entity_id(house, entry, device, key, domain)
        response = await client.get(f"/api/{domain}_proxy/{name}")
        return response, await response.read()

    return look


# -- asking --


async def test_a_snapshot_is_one_request_and_one_download_of_each_picture(
    house: House, vizio: VizioSenseCloud, look: Any, told: list[dict[str, Any]]
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    assert state(house, entry, device, "raw", "image") == "unknown"
    await house.pass_time(5)

    response = await snapshot(house, entry, device, 22)

    (shot,) = vizio.snapshots_of(device)
    assert response["ready"] is True
    assert response["taken_at"] == shot.requested.isoformat()
    assert device.wakes == 1
    assert len(asked(vizio, "POST", "/image")) == 1
    assert sorted(each.view for each in shot.downloads) == ["annotated", "raw"]
    for domain, key, view in VIEWS:
        found, body = await look(entry, device, domain, key)
        assert (found.status, found.content_type) == (HTTPStatus.OK, "image/jpeg")
        assert body == vizio.picture(shot, view)
    assert state(house, entry, device, "raw", "image") == shot.requested.isoformat()
    assert state(house, entry, device, "annotated", "image") == shot.requested.isoformat()
    assert [event["type"] for event in told] == ["capture_made"]


async def test_a_thousand_views_in_a_minute_cost_nothing(
    house: House, vizio: VizioSenseCloud, look: Any
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await snapshot(house, entry, device)
    requests = len(vizio.log)

    for _ in range(20):
        views = await asyncio.gather(*(look(entry, device, *VIEWS[n % 3][:2]) for n in range(50)))
        assert {response.status for response, _ in views} == {HTTPStatus.OK}
        await house.pass_time(3)

    assert device.wakes == 1
    assert len(vizio.log) == requests
    assert [len(shot.downloads) for shot in vizio.snapshots_of(device)] == [2]


async def test_a_view_before_the_first_picture_wakes_nothing(
    house: House, vizio: VizioSenseCloud, look: Any
) -> None:
    entry = await sign_in(house, vizio)
    for domain, key, _ in VIEWS:
        response, _ = await look(entry, vizio.devices[0], domain, key)
        assert response.status == HTTPStatus.INTERNAL_SERVER_ERROR
    await house.pass_time(60)

    assert vizio.devices[0].wakes == 0


async def test_requests_for_a_camera_join_the_one_under_way(
    house: House, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(devices=2)
    entry = await sign_in(house, vizio)
    first, second = vizio.devices
    asking = [Asking(house, entry, first) for _ in range(3)]
    await tick(house, 5)
    asking += [Asking(house, entry, first), Asking(house, entry, second)]

    responses = [await each.after(40) for each in asking]

    assert (first.wakes, second.wakes) == (1, 1)
    assert len({response["taken_at"] for response in responses[:4]}) == 1
    assert all(response["ready"] for response in responses)


async def test_the_button_asks_and_a_picture_that_does_not_come_becomes_an_issue(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    button = entity_id(house, entry, device, "request_snapshot", "button")

    async def press() -> None:
        await house.hass.services.async_call(
            "button", "press", {"entity_id": button}, blocking=True
        )

    trouble = vizio.image_fault("never")
    await press()
    await house.pass_time(600)
    (issue,) = [each for each in ir.async_get(house.hass).issues.values() if each.domain == DOMAIN]
    assert issue.translation_key == "work_failed"

    vizio.snapshots.image_faults.remove(trouble)
    await press()
    await house.pass_time(120)
    assert state(house, entry, device, "raw", "image") != "unknown"
    assert [
        each for each in ir.async_get(house.hass).issues.values() if each.domain == DOMAIN
    ] == []


@pytest.mark.parametrize("form", ["404", "403", "202", "empty"])
async def test_a_picture_that_is_late_is_fetched_when_it_is_there(
    house: House, open_vizio: OpenVizio, form: Any
) -> None:
    vizio = await open_vizio(picture_seconds=45.0)
    vizio.config.variants.unready = form
    entry = await sign_in(house, vizio)

    response = await snapshot(house, entry, vizio.devices[0])

    assert response["ready"] is True
    assert vizio.devices[0].wakes == 1
    assert len(asked(vizio, "POST", "/image")) == 1
    tries = [record for record in vizio.log if "/pictures/" in record.path]
    assert len(tries) < 20


async def test_a_picture_that_never_comes_is_given_up_after_two_minutes(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.devices[0].online = False

    response = await snapshot(house, entry, vizio.devices[0], 121)

    assert response["ready"] is False
    tries = len([record for record in vizio.log if "/pictures/" in record.path])
    assert tries < 40
    await house.pass_time(600)
    assert len([record for record in vizio.log if "/pictures/" in record.path]) == tries


@pytest.mark.parametrize("form", ["server_error", "error_list"])
async def test_an_offline_camera_that_is_refused_says_so_at_once(
    house: House, vizio: VizioSenseCloud, form: Any
) -> None:
    vizio.config.variants.offline_image = form
    entry = await sign_in(house, vizio)
    vizio.devices[0].online = False

    with pytest.raises(HomeAssistantError) as caught:
        await snapshot(house, entry, vizio.devices[0], 5)

    assert caught.value.translation_key in ("refused", "outcome_unknown")
    assert not list(house.hass.config_entries.flow.async_progress())  # and nobody has to sign in


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("html", "no JPEG"),
        ("noise", "no JPEG"),
        ("svg", "no JPEG"),
        ("gif", "no JPEG"),
        ("huge", "32 MiB"),
        ("huge_unannounced", "32 MiB"),
        ("bomb", "pixels"),
        ("bomb_jpeg", "pixels"),
        ("truncated", "cut off"),
        ("redirect_http", "not secure"),
        ("redirect_loop", "circles"),
        ("redirect_elsewhere", "not secure"),
        ("link_http", "not secure"),
        ("link_metadata", "not secure"),
        ("link_private", "not public"),
        ("link_elsewhere", "not secure"),
        ("link_file", "none"),
        ("link_login", "none"),
        ("link_words", "none"),
    ],
)
@pytest.mark.timeout(120)
async def test_what_is_no_picture_or_leads_elsewhere_is_refused_and_the_old_one_stays(
    house: House,
    vizio: VizioSenseCloud,
    look: Any,
    kind: Any,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await snapshot(house, entry, device)
    (before,) = vizio.snapshots_of(device)
    vizio.image_fault(kind)

    with pytest.raises(HomeAssistantError) as caught:
        await snapshot(house, entry, device)

    placeholders = caught.value.translation_placeholders or {}
    assert caught.value.translation_key == "picture_refused"
    assert reason in placeholders["reason"]
    assert vizio.foreign_requests == []
    for domain, key, view in VIEWS:
        _, body = await look(entry, device, domain, key)
        assert body == vizio.picture(before, view)
    assert watchpost_lines(caplog) == []
    assert mishaps(caplog) == []


@pytest.mark.parametrize("kind", ["link_number", "link_null", "no_links"])
async def test_a_reply_without_links_is_an_error_and_not_repeated(
    house: House, vizio: VizioSenseCloud, kind: Any
) -> None:
    entry = await sign_in(house, vizio)
    vizio.image_fault(kind)

    with pytest.raises(HomeAssistantError):
        await snapshot(house, entry, vizio.devices[0], 5)
    await house.pass_time(200)

    assert len(asked(vizio, "POST", "/image")) == 1


@pytest.mark.parametrize("form", ["403", "404", "410"])
async def test_a_link_that_is_dead_already_is_given_up(
    house: House, vizio: VizioSenseCloud, form: Any
) -> None:
    vizio.config.variants.expired = form
    entry = await sign_in(house, vizio)
    vizio.image_fault("expired")

    response = await snapshot(house, entry, vizio.devices[0])

    assert response["ready"] is False


async def test_one_of_the_two_pictures_is_shown_where_the_other_is_none(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.image_fault("html", view="annotated")

    with pytest.raises(HomeAssistantError):
        await snapshot(house, entry, vizio.devices[0])

    assert state(house, entry, vizio.devices[0], "raw", "image") != "unknown"
    assert state(house, entry, vizio.devices[0], "annotated", "image") == "unknown"


@pytest.mark.parametrize(
    "variants",
    [
        *({"image_answer": form} for form in ("swapped", "named", "bare", "typed")),
        *({"link": form} for form in ("bearer", "path")),
        {"picture_host": "storage"},
        {"picture_type": "octet-stream"},
        {"picture_format": "PNG"},
        {"picture_format": "WEBP"},
        {"last_modified": True},
    ],
    ids=str,
)
async def test_whatever_links_and_pictures_look_like_both_are_shown(
    house: House, vizio: VizioSenseCloud, look: Any, variants: dict[str, Any]
) -> None:
    for name, value in variants.items():
        setattr(vizio.config.variants, name, value)
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]

    response = await snapshot(house, entry, device)

    assert response["ready"] is True
    (shot,) = vizio.snapshots_of(device)
    kinds = {"PNG": "image/png", "WEBP": "image/webp"}
    for domain, key, view in VIEWS:
        found, body = await look(entry, device, domain, key)
        assert body == vizio.picture(shot, view)
        assert found.content_type == kinds.get(vizio.config.variants.picture_format, "image/jpeg")


async def test_a_response_with_one_link_brings_that_picture(
    house: House, vizio: VizioSenseCloud
) -> None:
    vizio.config.variants.image_answer = "one"
    entry = await sign_in(house, vizio)
    response = await snapshot(house, entry, vizio.devices[0])

    assert response["ready"] is True
    assert state(house, entry, vizio.devices[0], "raw", "image") != "unknown"
    assert state(house, entry, vizio.devices[0], "annotated", "image") == "unknown"


@pytest.mark.parametrize("with_date", [False, True])
async def test_a_picture_from_before_the_request_is_not_the_new_one(
    house: House, vizio: VizioSenseCloud, look: Any, with_date: bool
) -> None:
    vizio.config.variants.last_modified = with_date
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await snapshot(house, entry, device)
    if with_date:  # nothing to compare with: its date alone tells
        await house.hass.config_entries.async_unload(entry.entry_id)
        shutil.rmtree(house.hass.config.cache_path(DOMAIN, entry.entry_id))
        await house.hass.config_entries.async_setup(entry.entry_id)
        await house.settle()
    await house.pass_time(600)
    vizio.config.variants.unready = "previous"
    vizio.image_fault("slow", seconds=60)

    response = await snapshot(house, entry, device)

    assert response["ready"] is True
    _, new = vizio.snapshots_of(device)
    for domain, key, view in VIEWS:
        _, body = await look(entry, device, domain, key)
        assert body == vizio.picture(new, view)


async def test_a_camera_that_only_has_its_last_picture_takes_none(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await snapshot(house, entry, device)
    before = state(house, entry, device, "raw", "image")
    await house.pass_time(600)
    vizio.config.variants.unready = "previous"
    vizio.image_fault("never")

    response = await snapshot(house, entry, device)

    assert response["ready"] is False
    assert state(house, entry, device, "raw", "image") == before


async def test_a_redirect_to_where_the_picture_is_is_followed(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.image_fault("redirect", times=2)

    assert (await snapshot(house, entry, vizio.devices[0]))["ready"] is True


# -- keeping --


async def test_a_restart_shows_the_last_picture_without_asking_for_it(
    house: House, vizio: VizioSenseCloud, look: Any
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await snapshot(house, entry, device)
    (shot,) = vizio.snapshots_of(device)
    await house.reload(entry)

    for domain, key, view in VIEWS:
        _, body = await look(entry, device, domain, key)
        assert body == vizio.picture(shot, view)
    assert state(house, entry, device, "raw", "image") == shot.requested.isoformat()
    assert device.wakes == 1
    assert len(shot.downloads) == 2


async def test_pictures_go_with_the_account(house: House, vizio: VizioSenseCloud) -> None:
    entry = await sign_in(house, vizio)
    await snapshot(house, entry, vizio.devices[0])
    folder = Path(house.hass.config.cache_path(DOMAIN, entry.entry_id))
    assert len(list(folder.rglob("*.jpg"))) == 2
    assert vizio.devices[0].uuid not in str(list(folder.rglob("*")))

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert not folder.exists()


async def test_a_disk_that_cannot_be_written_keeps_nothing_from_being_shown(
    house: House, vizio: VizioSenseCloud, look: Any, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    folder = Path(house.hass.config.cache_path(DOMAIN, entry.entry_id))
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where a folder should be")

    for _ in range(2):
        assert (await snapshot(house, entry, device))["ready"] is True

    _, body = await look(entry, device, "camera", "camera")
    assert body == vizio.picture(vizio.snapshots_of(device)[-1], "raw")
    assert len([line for line in watchpost_lines(caplog) if "written" in line]) == 1


async def test_an_account_that_is_unloaded_while_a_picture_is_made_ends_the_waiting(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    asking = Asking(house, entry, vizio.devices[0])
    await tick(house, 5)

    unload = house.hass.async_create_task(house.hass.config_entries.async_unload(entry.entry_id))
    response = await asking.after(5)
    await unload

    assert response == {"ready": False, "taken_at": None}


async def test_a_token_that_dies_on_the_way_costs_a_sign_in_and_no_second_picture(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio, "login")
    logins = vizio.tokens.logins
    vizio.tokens.dying = 1

    response = await snapshot(house, entry, vizio.devices[0])

    assert response["ready"] is True
    assert vizio.devices[0].wakes == 1
    assert vizio.tokens.logins == logins + 1


async def test_a_vendor_that_is_down_when_asked_says_so_and_nothing_is_repeated(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.faults.add(Fault(match="/image", kind="drop"))

    with pytest.raises(HomeAssistantError) as caught:
        await snapshot(house, entry, vizio.devices[0], 40)

    assert caught.value.translation_key == "outcome_unknown"
    assert len(asked(vizio, "POST", "/image")) == 1


async def test_a_live_view_shows_a_new_picture_without_being_asked_again(
    house: House, vizio: VizioSenseCloud, hass_client: Any
) -> None:
    assert await async_setup_component(house.hass, "webhook", {})
    assert await async_setup_component(house.hass, "camera", {})
    client = await hass_client()
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await snapshot(house, entry, device)
    name = entity_id(house, entry, device, "camera", "camera")
    response = await client.get(f"/api/camera_proxy_stream/{name}")
    frames: list[bytes] = []

    async def watch() -> None:
        reader = response.content
        while line := await reader.readline():
            if line.startswith(b"Content-Length"):
                size = int(line.split(b":")[1])
                await reader.readline()
                frames.append(await reader.readexactly(size))

    watching = asyncio.create_task(watch())
    await tick(house, 5)
    seen = len(frames)
    await Asking(house, entry, device).after(25)
    await tick(house, 5)
    watching.cancel()

    first, second = (vizio.picture(shot, "raw") for shot in vizio.snapshots_of(device))
    assert {frame.rstrip(b"\n") for frame in frames[:seen]} == {first}
    # Twice, since some browsers show the frame before the last; and not once more.
    assert [frame.rstrip(b"\n") for frame in frames[seen:]] == [second, second]
    assert device.wakes == 2


async def test_an_account_that_is_unloaded_while_the_vendor_is_asked_ends_the_waiting(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.faults.add(Fault(match="/image", kind="latency", seconds=20))
    asking = Asking(house, entry, vizio.devices[0])
    await tick(house, 2)

    unload = house.hass.async_create_task(house.hass.config_entries.async_unload(entry.entry_id))
    response = await asking.after(5)
    await unload

    assert response == {"ready": False, "taken_at": None}
