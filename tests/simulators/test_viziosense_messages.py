"""What devices say, and how it travels."""

import itertools
import json

import pytest

from simulators.viziosense import Forms, Habits

from .viziosense import (  # noqa: F401
    caller_fixture,
    cloud_fixture,
    listener_fixture,
    open_viziosense_fixture,
)

START = 1789300800
AXIOS = {
    "User-Agent": "axios/1.3.5",
    "Content-Type": "application/json",
    "Accept": "application/json, text/plain, */*",
}


@pytest.fixture(name="hook")
def hook_fixture(cloud, listener):
    """A webhook for payloads with a secret header and a parameter."""
    return cloud.webhooks.create(
        f"{listener.url}?mine=1", headers={"X-Secret": "s3"}, params={"param1": "value 1"}
    )


async def told(cloud, clock, seconds=31):
    clock.advance(seconds)
    await cloud.settled()


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
    cloud.plan.forms.barrier = "total"
    cloud.tell(device)
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
    cloud.plan.forms.counting = form
    for device in cloud.devices:
        cloud.tell(device)
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
    cloud.plan.forms.timestamp = form
    cloud.plan.forms.event_ts = form
    cloud.park(cloud.devices[0], 0, "car")
    cloud.tell(cloud.devices[0])
    await cloud.settled()
    body = listener.bodies[-1]
    assert (body["timestamp"], body["payload"][0]["event_ts"]) == (value, value)


async def test_a_message_may_be_old_or_of_the_future_or_of_another_kind(cloud, hook, listener):
    device = cloud.devices[0]
    cloud.tell(device, ago=3600)
    cloud.tell(device, ago=-86400)
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
    cloud.tell(device)
    await cloud.settled()
    assert len(listener.bodies[0]["payload"]) == 10_000
    assert len({place["id"] for place in listener.bodies[0]["payload"]}) == 10_000


@pytest.mark.parametrize("proof", ["right", "wrong", "missing"])
async def test_headers_and_params_can_be_wrong_or_missing(cloud, hook, listener, proof):
    cloud.tell(cloud.devices[0], proof=proof)
    await cloud.settled()
    (one,) = listener.heard
    expected = {"right": ("s3", "value 1"), "wrong": ("wrong", "wrong"), "missing": (None, None)}
    assert (one.headers.get("X-Secret"), dict(one.query).get("param1")) == expected[proof]


async def test_a_keep_alive_comes_every_ten_minutes_while_a_device_is_online(
    cloud, listener, clock
):
    cloud.webhooks.create(listener.url, "keepalive", headers={"X-Secret": "s3"}, params={"a": "b"})
    cloud.devices[1].online = False
    for _ in range(60):
        await told(cloud, clock, 60)
    by_device = {device.uuid: 0 for device in cloud.devices}
    for one in listener.heard:
        assert (one.method, one.body) == ("GET", b"")
        assert AXIOS.items() <= one.headers.items()
        assert one.headers["X-Secret"] == "s3"
        assert one.query[0] == ("source", "VIZIOSENSE")
        assert one.query[2] == ("a", "b")
        by_device[dict(one.query)["id"]] += 1
    assert list(by_device.values()) == [6, 0, 6, 6, 6]
    cloud.devices[2].silent = True
    listener.heard.clear()
    await told(cloud, clock, 600)
    assert len(listener.heard) == 3


async def test_a_clock_that_jumps_brings_one_keep_alive(cloud, listener, clock):
    cloud.webhooks.create(listener.url, "keepalive")
    await told(cloud, clock, 86400)
    assert len(listener.heard) == 5


async def test_a_keep_alive_can_be_of_an_unknown_device(cloud, listener):
    cloud.webhooks.create(listener.url, "keepalive")
    cloud.keep_alive("nobody", proof="missing")
    await cloud.settled()
    assert dict(listener.heard[0].query) == {"source": "VIZIOSENSE", "id": "nobody"}


async def test_devices_may_go_by_the_customers_name(cloud, hook, listener, clock):
    cloud.webhooks.create(listener.url, "keepalive")
    cloud.plan.forms.stream_id = "client_identifier"
    cloud.tell(cloud.devices[0])
    await told(cloud, clock, 600)
    assert listener.heard[0].json["stream_id"] == "site-001"
    assert {dict(one.query)["id"] for one in listener.heard[1:]} == {
        device.client_identifier for device in cloud.devices
    }


async def test_a_webhook_is_called_only_for_its_device_and_type_and_while_active(
    cloud, listener, clock
):
    first, second = cloud.devices[:2]
    cloud.webhooks.create(f"{listener.url}?n=1", device_uuid=first.uuid)
    cloud.webhooks.create(f"{listener.url}?n=2", device_uuid=second.uuid)
    cloud.webhooks.create(f"{listener.url}?n=3", active=False)
    cloud.webhooks.create(f"{listener.url}?n=4", "keepalive", device_uuid=second.uuid)
    cloud.tell(first)
    await told(cloud, clock, 600)
    assert [dict(one.query)["n"] for one in listener.heard] == ["1", "4"]


async def test_only_this_machine_is_called(cloud):
    cloud.webhooks.create("http://192.0.2.9/hook")
    cloud.webhooks.create("https://hook.example.com/x")
    cloud.webhooks.create("http://[hook/x")
    cloud.webhooks.create("http://127.0.0.1:9/hook")
    cloud.webhooks.create("http://127.0.0.1:9/hook", headers={"X": "a\r\nb"})
    cloud.tell(cloud.devices[0])
    await cloud.settled()
    outcomes = [one.outcome for one in cloud.posting.sent]
    assert outcomes == ["refused"] * 3 + ["unreachable"] * 2


async def test_a_call_is_replayed_as_it_was(cloud, hook, listener, clock):
    cloud.tell(cloud.devices[0])
    await told(cloud, clock, 500)
    cloud.replay()
    await cloud.settled()
    assert listener.heard[0].body == listener.heard[1].body
    assert [one.outcome for one in cloud.posting.sent] == [200, 200]


async def test_calls_can_be_lost_doubled_late_and_out_of_order(cloud, hook, listener, clock):
    device = cloud.devices[0]
    cloud.plan.habits = Habits(copies=2, delay=5, disorder=60)
    for ago in range(10):
        cloud.tell(device, ago=-ago)
    await cloud.settled()
    assert listener.heard == []
    await told(cloud, clock, 65)
    times = [body["timestamp"] - START for body in listener.bodies]
    assert sorted(times) == sorted([*range(10), *range(10)])
    assert times != sorted(times)
    cloud.plan.habits = Habits(loss=1.0)
    cloud.tell(device)
    await cloud.settled()
    assert len(listener.heard) == 20
    assert cloud.posting.sent[-1].outcome == "lost"


async def test_a_refused_call_is_tried_again_if_the_vendor_does_that(cloud, hook, listener, clock):
    listener.status = 503
    cloud.tell(cloud.devices[0])
    await told(cloud, clock)
    assert len(listener.heard) == 1
    cloud.plan.habits = Habits(retries=2, retry_seconds=30)
    cloud.tell(cloud.devices[0])
    for _ in range(5):
        await told(cloud, clock, 30)
    assert len(listener.heard) == 4
    assert [one.attempt for one in cloud.posting.sent] == [1, 1, 2, 3]
    assert len({one.body for one in listener.heard[1:]}) == 1


async def test_calls_of_one_webhook_come_in_order(cloud, hook, listener):
    for ago in range(40, 0, -1):
        cloud.tell(cloud.devices[0], ago=ago)
    await cloud.settled()
    times = [body["timestamp"] for body in listener.bodies]
    assert times == sorted(times)
    assert len(times) == 40


async def test_traffic_is_told_by_itself(open_viziosense, listener, clock):
    cloud = await open_viziosense(devices=5, forms=Forms())
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
