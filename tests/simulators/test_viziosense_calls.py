"""How calls to webhooks travel: to whom, with what, when, and in what order."""

import pytest

from simulators.viziosense import DeliveryConfig

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


@pytest.mark.parametrize("proof", ["right", "wrong", "missing"])
async def test_headers_and_params_can_be_wrong_or_missing(cloud, hook, listener, proof):
    cloud.report(cloud.devices[0], proof=proof)
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
    cloud.config.variants.stream_id = "client_identifier"
    cloud.report(cloud.devices[0])
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
    cloud.report(first)
    await told(cloud, clock, 600)
    assert [dict(one.query)["n"] for one in listener.heard] == ["1", "4"]


async def test_only_this_machine_is_called(cloud):
    cloud.webhooks.create("http://192.0.2.9/hook")
    cloud.webhooks.create("https://hook.example.com/x")
    cloud.webhooks.create("http://[hook/x")
    cloud.webhooks.create("http://127.0.0.1:9/hook")
    cloud.webhooks.create("http://127.0.0.1:9/hook", headers={"X": "a\r\nb"})
    cloud.report(cloud.devices[0])
    await cloud.settled()
    outcomes = [one.outcome for one in cloud.sender.sent]
    assert outcomes == ["refused"] * 3 + ["unreachable"] * 2


async def test_a_call_is_replayed_as_it_was(cloud, hook, listener, clock):
    cloud.report(cloud.devices[0])
    await told(cloud, clock, 500)
    cloud.replay()
    await cloud.settled()
    assert listener.heard[0].body == listener.heard[1].body
    assert [one.outcome for one in cloud.sender.sent] == [200, 200]


async def test_calls_can_be_lost_doubled_late_and_out_of_order(cloud, hook, listener, clock):
    device = cloud.devices[0]
    cloud.config.delivery = DeliveryConfig(copies=2, delay=5, disorder=60)
    for ago in range(10):
        cloud.report(device, ago=-ago)
    await cloud.settled()
    assert listener.heard == []
    await told(cloud, clock, 65)
    times = [body["timestamp"] - START for body in listener.bodies]
    assert sorted(times) == sorted([*range(10), *range(10)])
    assert times != sorted(times)
    cloud.config.delivery = DeliveryConfig(loss=1.0)
    cloud.report(device)
    await cloud.settled()
    assert len(listener.heard) == 20
    assert cloud.sender.sent[-1].outcome == "lost"


async def test_a_refused_call_is_tried_again_if_the_vendor_does_that(cloud, hook, listener, clock):
    listener.status = 503
    cloud.report(cloud.devices[0])
    await told(cloud, clock)
    assert len(listener.heard) == 1
    cloud.config.delivery = DeliveryConfig(retries=2, retry_seconds=30)
    cloud.report(cloud.devices[0])
    for _ in range(5):
        await told(cloud, clock, 30)
    assert len(listener.heard) == 4
    assert [one.attempt for one in cloud.sender.sent] == [1, 1, 2, 3]
    assert len({one.body for one in listener.heard[1:]}) == 1


async def test_calls_of_one_webhook_come_in_order_one_after_the_other(cloud, hook, listener):
    for ago in range(40, 0, -1):
        cloud.report(cloud.devices[0], ago=ago)
    await cloud.settled()
    times = [body["timestamp"] for body in listener.bodies]
    assert times == sorted(times)
    assert (len(times), listener.together) == (40, 1)
