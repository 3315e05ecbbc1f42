"""Pictures on request: they take their time, show what is there, and their links die."""

from datetime import timedelta
from io import BytesIO
import re

from PIL import Image, ImageChops
import pytest

from simulators.viziosense import pictures

from .viziosense import caller_fixture, cloud_fixture, open_viziosense_fixture  # noqa: F401


def opened(body):
    image = Image.open(BytesIO(body))
    image.load()
    return image


async def test_a_picture_takes_twenty_seconds(cloud, caller, clock):
    links = await caller.links(cloud.devices[0])
    assert [link.rpartition("?")[0].split("_", 2)[2] for link in links] == [
        "raw_image.jpg",
        "annotated_image.jpg",
    ]
    assert (await caller.picture(links[0])).status == 404
    clock.advance(19.9)
    assert (await caller.picture(links[0])).status == 404
    clock.advance(0.1)
    for link in links:
        answer = await caller.picture(link)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/jpeg")
        assert opened(answer.body).size == (pictures.WIDTH, pictures.HEIGHT)


async def test_the_annotated_picture_may_come_later(cloud, caller, clock):
    cloud.config.annotated_late = 7
    links = await caller.links(cloud.devices[0])
    clock.advance(20)
    assert [(await caller.picture(link)).status for link in links] == [200, 404]
    clock.advance(7)
    assert [(await caller.picture(link)).status for link in links] == [200, 200]


async def test_a_link_dies_half_an_hour_after_the_request(cloud, caller, clock):
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(1799)
    assert (await caller.picture(link)).status == 200
    clock.advance(1)
    answer = await caller.picture(link)
    assert (answer.status, answer.headers["Content-Type"]) == (403, "application/xml")


@pytest.mark.parametrize("form", ["403", "404", "410"])
async def test_a_dead_link_answers_in_several_ways(cloud, caller, clock, form):
    cloud.config.variants.expired = form
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(1800)
    assert (await caller.picture(link)).status == int(form)


@pytest.mark.parametrize(
    ("form", "status", "length"),
    [("404", 404, None), ("403", 403, None), ("202", 202, 0), ("empty", 200, 0)],
)
async def test_an_early_picture_answers_in_several_ways(cloud, caller, form, status, length):
    cloud.config.variants.unready = form
    link, _ = await caller.links(cloud.devices[0])
    answer = await caller.picture(link)
    assert answer.status == status
    assert length is None or len(answer.body) == length


async def test_wakes_and_downloads_are_counted(cloud, caller, clock):
    device = cloud.devices[0]
    link, _ = await caller.links(device)
    await caller.links(device)
    await caller.picture(link)
    clock.advance(20)
    size = len((await caller.picture(link)).body)
    assert (device.wakes, cloud.devices[1].wakes) == (2, 0)
    first, second = cloud.snapshots_of(device)
    assert [(one.view, one.status, one.size) for one in first.downloads] == [
        ("raw", 404, 0),
        ("raw", 200, size),
    ]
    assert second.downloads == []


async def test_a_picture_shows_the_place_that_was_taken(cloud, caller, clock):
    device = cloud.devices[0]
    for n in range(12):
        cloud.park(device, n, None)
    empty, _ = await caller.links(device)
    clock.advance(30)
    cloud.park(device, 7, "car")
    full, _ = await caller.links(device)
    clock.advance(30)
    before, after = [opened((await caller.picture(link)).body) for link in (empty, full)]
    changed = ImageChops.difference(before, after).convert("L").point(lambda p: 255 * (p > 60))
    lot = changed.crop((0, 40, *changed.size))  # below the bar with the time
    left, top, right, bottom = lot.getbbox()
    assert (left // 152, right // 178) == (1, 1)  # the second of six columns
    assert (top > 230, bottom <= 480) == (True, True)  # the second row
    assert changed.crop((600, 0, 960, 40)).getbbox()  # the time


async def test_the_annotated_picture_has_a_box_around_a_car(cloud, caller, clock):
    device = cloud.devices[0]
    for n in range(12):
        cloud.park(device, n, "car" if n == 3 else None)
    links = await caller.links(device)
    clock.advance(20)
    raw, annotated = [opened((await caller.picture(link)).body) for link in links]

    def green(image):
        return sum(
            g > 180 and r < 130 and b < 140 for r, g, b in image.convert("RGB").get_flattened_data()
        )

    assert green(raw) == 0
    assert green(annotated) > 500


async def test_a_picture_is_of_the_moment_when_it_was_taken(cloud, caller, clock):
    device = cloud.devices[0]
    cloud.park(device, 0, None)
    await caller.links(device)
    shot = cloud.snapshots_of(device)[0]
    assert (shot.taken - shot.requested, shot.ready - shot.requested) == (
        timedelta(seconds=12),
        timedelta(seconds=20),
    )
    clock.advance(12)
    cloud.park(device, 0, "truck")
    clock.advance(8)
    assert 0 not in [thing.spot for thing in shot.scene.seen]
    assert shot.scene.time == "2026-09-13 12:00:12 UTC"
    await caller.links(device)
    clock.advance(12)
    assert [thing.cls for thing in cloud.snapshots_of(device)[1].scene.seen if thing.spot == 0] == [
        "truck"
    ]


async def test_a_picture_does_not_change_once_it_is_there(cloud, caller, clock):
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(20)
    first = (await caller.picture(link)).body
    cloud.park(cloud.devices[0], 0, "truck")
    clock.advance(60)
    assert (await caller.picture(link)).body == first


async def test_cars_come_and_go_by_themselves(open_viziosense, session, clock):
    cloud = await open_viziosense(devices=1)
    device, scenes = cloud.devices[0], []
    for _ in range(12):
        scenes.append(tuple(cloud.world.standing(place).cls for place in device.places))
        clock.advance(600)
    assert len(set(scenes)) > 6
    assert {cls for scene in scenes for cls in scene} == {"car", "truck", None}


async def test_all_applications_have_pictures(cloud, caller, clock):
    links = [(await caller.links(device))[1] for device in cloud.devices]
    clock.advance(20)
    bodies = [(await caller.picture(link)).body for link in links]
    assert {opened(body).format for body in bodies} == {"JPEG"}
    assert len(set(bodies)) == 5


async def test_ten_thousand_places_still_make_a_picture(open_viziosense, clock):
    cloud = await open_viziosense(devices=1, places=10_000)
    shot = cloud.snapshots.request(cloud.devices[0], clock.now())
    clock.advance(20)
    assert opened(cloud.picture(shot, "annotated")).size == (pictures.WIDTH, pictures.HEIGHT)


@pytest.mark.parametrize(
    ("form", "content_type"), [("PNG", "image/png"), ("WEBP", "image/webp"), ("JPEG", "image/jpeg")]
)
async def test_pictures_come_in_several_formats(cloud, caller, clock, form, content_type):
    cloud.config.variants.picture_format = form
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(20)
    answer = await caller.picture(link)
    assert (answer.headers["Content-Type"], opened(answer.body).format) == (content_type, form)
    cloud.config.variants.picture_type = "octet-stream"
    assert (await caller.picture(link)).headers["Content-Type"] == "application/octet-stream"


async def test_a_picture_may_say_when_it_was_taken(cloud, caller, clock):
    cloud.config.variants.last_modified = True
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(20)
    answer = await caller.picture(link)
    assert answer.headers["Last-Modified"] == "Sun, 13 Sep 2026 12:00:12 GMT"


async def test_a_link_is_good_only_as_it_was_given(cloud, caller, clock):
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(20)
    assert (await caller.picture(link[:-1] + "z")).status == 403
    assert (await caller.picture(link.partition("?")[0])).status == 403
    assert (await caller.picture(link.replace("_1_raw", "_9_raw"))).status == 404
    assert (await caller.picture(link.replace("_raw_image", "_image"))).status == 404
    other = link.replace(cloud.devices[0].uuid, cloud.devices[1].uuid)
    assert (await caller.picture(other)).status == 404
    later = re.sub(r"expires=\d+", "expires=9999999999", link)
    assert (await caller.picture(later)).status == 403


async def test_links_may_need_the_token(cloud, caller, clock):
    cloud.config.variants.link = "bearer"
    link, _ = await caller.links(cloud.devices[0])
    assert link.startswith(f"{cloud.url}/images/")
    clock.advance(20)
    assert (await caller.picture(link)).status == 400
    assert (await caller.ask("GET", link)).status == 200


async def test_links_may_be_paths(cloud, caller, clock):
    cloud.config.variants.link = "path"
    link, _ = await caller.links(cloud.devices[0])
    assert link.startswith("/pictures/")
    clock.advance(20)
    assert (await caller.picture(cloud.url.removesuffix("/api/v1") + link)).status == 200


async def test_pictures_may_lie_on_another_port(cloud, caller, clock):
    cloud.config.variants.picture_host = "storage"
    link, _ = await caller.links(cloud.devices[0])
    assert not link.startswith(cloud.url.removesuffix("/api/v1"))
    clock.advance(20)
    assert opened((await caller.picture(link)).body).format == "JPEG"


@pytest.mark.parametrize("form", ["swapped", "named", "bare"])
async def test_links_come_in_several_envelopes(cloud, caller, form):
    cloud.config.variants.image_answer = form
    answer = (await caller.post(f"/devices/{cloud.devices[0].uuid}/image")).json
    match form:
        case "swapped":
            annotated, raw = answer["data"]
        case "named":
            raw, annotated = answer["data"]["raw_image"], answer["data"]["annotated_image"]
        case _:
            raw, annotated = answer
    assert "_raw_image" in raw
    assert "_annotated_image" in annotated


@pytest.mark.parametrize(
    ("form", "status", "body"),
    [
        ("server_error", 500, {"httpError": 500, "code": 5000, "message": "Server error"}),
        ("error_list", 400, {"error": ["The device is offline"]}),
    ],
)
async def test_an_offline_device_may_refuse(cloud, caller, form, status, body):
    cloud.devices[0].online = False
    cloud.config.variants.offline_image = form
    answer = await caller.post(f"/devices/{cloud.devices[0].uuid}/image")
    assert (answer.status, answer.json, cloud.devices[0].wakes) == (status, body, 0)


async def test_an_offline_device_may_give_links_that_never_come_true(cloud, caller, clock):
    cloud.devices[0].online = False
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(1799)
    assert (await caller.picture(link)).status == 404
    assert cloud.snapshots.all[0].ready is None
