"""Callbacks: registered, told, lost, late and doubled."""

import json

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from simulators.sensorist import DeliveryConfig


@pytest.fixture
async def heard(socket_enabled):
    """What a listening client heard: a list of (content type, body)."""
    return []


@pytest.fixture
async def listener(heard):
    async def hear(request):
        heard.append((request.content_type, await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", hear)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@pytest.fixture
def told(heard):
    """The JSON bodies that were heard."""
    return lambda: [json.loads(body) for _, body in heard]


async def test_a_callback_is_registered_listed_and_deleted(account):
    first, second = [
        (await account.post("/callbacks", url="https://hook.example.com/x", type=kind)).json[
            "callback"
        ]
        for kind in ("3", "7")
    ]
    assert first == {"id": first["id"], "url": "https://hook.example.com/x", "type": 3}
    assert (await account.get("/callbacks")).json["callbacks"] == [first, second]
    assert (await account.delete(f"/callbacks/{first['id']}")).status == 200
    assert (await account.get("/callbacks")).json["callbacks"] == [second]
    assert (await account.delete(f"/callbacks/{first['id']}")).status == 404
    assert (await account.delete("/callbacks")).status == 200
    assert (await account.get("/callbacks")).json["callbacks"] == []


@pytest.mark.parametrize(
    "form",
    [
        {"url": "ftp://x", "type": "7"},
        {"url": "http://x", "type": "0"},
        {"url": "http://x", "type": "8"},
        {"url": "http://x"},
    ],
)
async def test_a_wrong_callback_is_refused(account, form):
    assert (await account.post("/callbacks", **form)).status == 400


async def test_a_pressed_button_is_measured_and_told(cloud, account, listener, told, clock):
    await account.post("/callbacks", url=listener, type="1")
    sensor = cloud.gateways[0].sensors[0]
    rows = cloud.press_button(sensor)
    await cloud.settled()
    assert [row.type for row in rows] == [5, 5]
    temp = sensor.source("temp")
    shown = (await account.measured(temp.id))[str(temp.id)]
    assert shown["type"] == 5
    body = told()[0]
    assert (body["type"], body["date"]) == (1, "2026-09-13T12:00:00+0000")
    assert body["data"] == {"data_source": temp.id, "measurement": shown}
    assert len(told()) == 2


async def test_an_alarm_is_told_when_it_comes_and_when_it_goes(
    cloud, account, listener, told, clock
):
    await account.post("/callbacks", url=listener, type="2")
    source = cloud.find_source()
    form = {"data_source": str(source.id), "value": "60", "direction": "above"}
    alarm = (await account.post("/alarms", **form)).json["alarm"]
    cloud.report(source.id, 61)
    clock.advance(60)
    cloud.report(source.id, 20)
    await cloud.settled()
    assert [body["type"] for body in told()] == [2, 2]
    assert {body["data"]["log"]["state"] for body in told()} == {"triggered", "normal"}
    assert {body["data"]["alarm"]["id"] for body in told()} == {alarm["id"]}


async def test_moving_the_clock_is_enough_to_be_told(cloud, account, listener, told, clock):
    await account.post("/callbacks", url=listener, type="2")
    source = cloud.find_source()
    form = {"data_source": str(source.id), "value": "60", "direction": "above"}
    await account.post("/alarms", **form)
    source.override = 70
    clock.advance(1_000)
    await cloud.settled()
    assert [body["data"]["log"]["value"] for body in told()] == [70]


async def test_a_system_notice_is_told_to_who_asked_for_it(cloud, account, listener, told):
    await account.post("/callbacks", url=listener, type="3")
    await account.post("/callbacks", url=listener, type="4")
    sensor = cloud.gateways[0].sensors[0]
    cloud.system_notice(sensor)
    await cloud.settled()
    (body,) = told()
    assert (body["type"], body["data"]["device"]) == (4, sensor.id)
    assert body["data"]["code"] == "battery_low"


async def test_a_notice_is_told_to_the_owner_alone(open_cloud, sign_in, listener, told):
    cloud = await open_cloud(sub_users=1)
    other = cloud.users[1]
    await sign_in(cloud, other.email, other.password).post("/callbacks", url=listener, type="7")
    cloud.system_notice(cloud.gateways[0])
    await cloud.settled()
    assert told() == []


async def test_notifications_can_come_late_twice_or_never(
    open_cloud, sign_in, listener, told, clock
):
    cloud = await open_cloud(callbacks=DeliveryConfig(delay=30, copies=2))
    await sign_in(cloud).post("/callbacks", url=listener, type="4")
    cloud.system_notice(cloud.gateways[0])
    await cloud.settled()
    assert told() == []
    clock.advance(30)
    await cloud.settled()
    assert len(told()) == 2
    cloud.config.callbacks = DeliveryConfig(loss=1)
    cloud.system_notice(cloud.gateways[0])
    await cloud.settled()
    assert len(told()) == 2
    assert [sent.outcome for sent in cloud.callbacks.sent] == [200, 200, "lost"]


async def test_notifications_can_overtake_each_other(open_cloud, sign_in, listener, told, clock):
    cloud = await open_cloud(callbacks=DeliveryConfig(disorder=300))
    await sign_in(cloud).post("/callbacks", url=listener, type="4")
    for number in range(12):
        cloud.system_notice(cloud.gateways[0], code=str(number))
    for _ in range(310):
        clock.advance(1)
        await cloud.settled()
    arrived = [body["data"]["code"] for body in told()]
    assert sorted(arrived, key=int) == [str(number) for number in range(12)]
    assert arrived != sorted(arrived, key=int)


async def test_a_call_can_be_forged_by_the_control_door(cloud, account, listener, told):
    await account.post("/callbacks", url=listener, type="1")
    body = {"type": 2, "data": {"alarm": {"id": 1}}}
    assert (await account.control("POST", "/callbacks", body)).status == 200
    assert told() == [body]


@pytest.mark.parametrize(
    ("form", "content_type", "start"),
    [
        ("form", "application/x-www-form-urlencoded", b"type=4&date=2026-09-13T12:00:00%2B0000"),
        ("empty", "application/octet-stream", b""),
    ],
)
async def test_notifications_can_have_other_forms(
    cloud, account, listener, heard, form, content_type, start
):
    cloud.config.variants.callback_body = form
    await account.post("/callbacks", url=listener, type="4")
    cloud.system_notice(cloud.gateways[0])
    await cloud.settled()
    assert heard == [(content_type, start)]


async def test_nothing_is_posted_outside_this_computer(cloud, account):
    await account.post("/callbacks", url="https://hook.example.com/x", type="7")
    await account.post("/callbacks", url="http://127.0.0.1:9/x", type="7")
    cloud.system_notice(cloud.gateways[0])
    await cloud.settled()
    assert [sent.outcome for sent in cloud.callbacks.sent] == ["refused", "unreachable"]


async def test_a_silent_sensors_button_does_nothing(cloud):
    sensor = cloud.gateways[0].sensors[0]
    sensor.silent = True
    assert cloud.press_button(sensor) == []
