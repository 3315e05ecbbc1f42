"""What devices say, and how it travels."""

import itertools
import json

import pytest

from simulators.viziosense import ApiVariants

from .viziosense import (
    AXIOS,
    caller_fixture,  # noqa: F401
    cloud_fixture,  # noqa: F401
    hook_fixture,  # noqa: F401
    listener_fixture,  # noqa: F401
    open_viziosense_fixture,  # noqa: F401
    told,
)

START = 1789300800


async def test_a_parking_message_has_every_place_in_the_vendors_form(cloud, hook, listener, clock):
    device = cloud.devices[0]
    for n in range(12):
        cloud.park(device, n, "truck" if n == 4 else None)
    cloud.deactivate(device, 5)
    await told(cloud, clock)
    clock.advance(100)
    cloud.park(device, 4, None)
    cloud.park(device, 5, "car")
    await cloud.settled()
    for one in listener.heard:
        assert one.method == "POST"
        assert AXIOS.items() <= one.headers.items()
        assert one.headers["X-Secret"] == "s3"
        assert one.query == [("mine", "1"), ("param1", "value 1")]
    *_, before, after = listener.bodies
    assert before.keys() == {"stream_id", "type", "timestamp", "payload"}
    assert (before["stream_id"], before["type"]) == (device.uuid, "VPM")
    assert (before["timestamp"], after["timestamp"]) == (START + 31, START + 131)
    assert len(before["payload"]) == 12
    place = before["payload"][4]
    assert place == {
        "id": device.places[4].id,
        "name": "P-4",
        "is_active": True,
        "deactivated": False,
        "cls": "truck",
        "event_ts": START,
    }
    assert after["payload"][4] == place | {
        "is_active": False,
        "cls": None,
        "event_ts": START + 131,
    }
    blind = after["payload"][5]
    assert (blind["deactivated"], blind["is_active"], blind["cls"]) == (True, False, None)


async def test_a_device_speaks_at_most_every_thirty_seconds(cloud, hook, listener, clock):
    device = cloud.devices[0]
    for n in range(12):
        cloud.park(device, n, None)
        clock.advance(10)
    await cloud.settled()
    times = [body["timestamp"] for body in listener.bodies]
    assert len(times) >= 3
    assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(times))


async def test_nothing_is_said_when_nothing_changes(cloud, hook, listener, clock):
    await told(cloud, clock, 9000)
    assert listener.heard == []


async def test_zones_are_counted(cloud, hook, listener, clock):
    device = cloud.devices[1]
    cloud.count(device, 0, car=3, person=1)
    await told(cloud, clock)
    body = listener.bodies[-1]
    assert (body["type"], body["stream_id"]) == ("VCZ", device.uuid)
    zone = body["payload"][0]
    assert zone == {
        "id": device.areas[0].id,
        "name": "Zone A",
        "counts": {"car": 3, "person": 1},
        "event_ts": START,
    }


async def test_a_barrier_counts_since_the_message_before(cloud, hook, listener, clock):
    device = cloud.devices[2]
    cloud.cross(device, 0, "in", "car", times=2)
    await told(cloud, clock, 60)
    cloud.cross(device, 0, "out", "person")
    await told(cloud, clock, 60)
    first, second = (body["payload"][0] for body in listener.bodies)
    assert (first["in"], first["out"]) == ({"car": 2, "person": 0}, {"car": 0, "person": 0})
    assert (second["in"], second["out"]) == ({"car": 0, "person": 0}, {"car": 0, "person": 1})
    cloud.config.variants.barrier = "total"
    cloud.report(device)
    await cloud.settled()
    total = listener.bodies[-1]["payload"][0]
    assert (total["in"]["car"], total["out"]["person"]) == (2, 1)


async def test_a_device_can_run_two_applications(open_viziosense, listener, clock):
    cloud = await open_viziosense(devices=1, applications=("VPM+VCB",), pace=0)
    cloud.webhooks.create(listener.url)
    cloud.cross(cloud.devices[0], 0)
    await told(cloud, clock)
    parking, barrier = listener.bodies
    assert (parking["type"], len(parking["payload"])) == ("VPM", 12)
    assert (barrier["type"], barrier["payload"][0]["in"]["car"]) == ("VCB", 1)
    assert parking["stream_id"] == barrier["stream_id"]


async def test_a_crowd_has_a_count_and_a_density(cloud, hook, listener, clock):
    cloud.count(cloud.devices[3], 0, person=42)
    await told(cloud, clock)
    body = listener.bodies[-1]
    assert body["type"] == "VCW"
    assert (body["payload"][0]["count"], body["payload"][0]["density"]) == (42, 0.7)


async def test_a_yard_looks_like_a_parking_lot(cloud, hook, listener, clock):
    cloud.park(cloud.devices[4], 0, "bus")
    await told(cloud, clock)
    body = listener.bodies[-1]
    assert (body["type"], body["payload"][0]["cls"]) == ("VYD", "bus")


@pytest.mark.parametrize(
    ("form", "shapes"),
    [
        (
            "flat",
            {
                "VPM": list,
                "VCZ": {"car", "person"},
                "VCB": {"in_car", "in_person", "out_car", "out_person"},
                "VCW": {"count", "density"},
                "VYD": {"occupied", "free", "total"},
            },
        ),
        (
            "nested",
            {"VPM": list, "VCZ": {"zones"}, "VCB": {"lines"}, "VCW": {"crowd"}, "VYD": {"yard"}},
        ),
    ],
)
async def test_other_payloads_come_in_other_shapes(cloud, hook, listener, form, shapes):
    cloud.config.variants.counting = form
    for device in cloud.devices:
        cloud.report(device)
    await cloud.settled()
    for body in listener.bodies:
        shape = shapes[body["type"]]
        payload = body["payload"]
        assert isinstance(payload, list) if shape is list else payload.keys() == shape
    assert [body["type"] for body in listener.bodies] == list(shapes)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("seconds", START),
        ("string", str(START)),
        ("milliseconds", START * 1000),
        ("iso", "2026-09-13T12:00:00Z"),
    ],
)
async def test_a_timestamp_takes_several_forms(cloud, hook, listener, form, value):
    cloud.config.variants.timestamp = form
    cloud.config.variants.event_ts = form
    cloud.park(cloud.devices[0], 0, "car")
    cloud.report(cloud.devices[0])
    await cloud.settled()
    body = listener.bodies[-1]
    assert (body["timestamp"], body["payload"][0]["event_ts"]) == (value, value)


async def test_a_message_may_be_old_or_of_the_future_or_of_another_kind(cloud, hook, listener):
    device = cloud.devices[0]
    cloud.report(device, ago=3600)
    cloud.report(device, ago=-86400)
    cloud.forge(cloud.message(device, {"level": 3}, "VXX"))
    cloud.forge({"anything": [1]})
    cloud.forge(b"\xff no JSON")
    await cloud.settled()
    assert listener.heard.pop().body == b"\xff no JSON"
    old, future, unknown, odd = listener.bodies
    assert (old["timestamp"], future["timestamp"]) == (START - 3600, START + 86400)
    assert (unknown["type"], unknown["payload"], odd) == ("VXX", {"level": 3}, {"anything": [1]})


async def test_ten_thousand_places_are_one_message(cloud, hook, listener):
    device = cloud.add_device("VPM", places=10_000)
    cloud.report(device)
    await cloud.settled()
    assert len(listener.bodies[0]["payload"]) == 10_000
    assert len({place["id"] for place in listener.bodies[0]["payload"]}) == 10_000


async def test_traffic_is_told_by_itself(open_viziosense, listener, clock):
    cloud = await open_viziosense(devices=5, variants=ApiVariants())
    cloud.webhooks.create(listener.url)
    for _ in range(60):
        await told(cloud, clock, 60)
    kinds = {body["type"] for body in listener.bodies}
    assert kinds == {"VPM", "VCZ", "VCB", "VCW", "VYD"}
    uuid = cloud.devices[0].uuid
    last = [body for body in listener.bodies if body["stream_id"] == uuid][-1]
    truth = [cloud.world.standing(place).cls for place in cloud.devices[0].places]
    assert [place["cls"] for place in last["payload"]] == truth
    assert all(json.dumps(body).isascii() for body in listener.bodies)
