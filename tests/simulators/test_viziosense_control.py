"""The control door: what a person or a script can tell a cloud over HTTP."""

import pytest

from .viziosense import (
    caller_fixture,  # noqa: F401
    cloud_fixture,  # noqa: F401
    listener_fixture,  # noqa: F401
    open_viziosense_fixture,  # noqa: F401
)


@pytest.fixture(name="truth")
def truth_fixture(caller):
    async def truth(n=0):
        return (await caller.control("GET", "/truth")).json["devices"][n]

    return truth


@pytest.fixture(name="do")
def do_fixture(cloud, caller):
    async def do(device, deed, /, **body):
        uuid = cloud.devices[device].uuid
        return (await caller.control("POST", f"/devices/{uuid}/{deed}", **body)).status

    return do


async def test_the_truth_tells_what_is_there_and_what_happened(cloud, caller, clock, truth):
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(20)
    size = len((await caller.picture(link)).body)
    told = await truth()
    assert (told["uuid"], told["application"], told["wakes"]) == (cloud.devices[0].uuid, "VPM", 1)
    assert len(told["places"]) == 12
    assert told["shots"][0]["taken"] == "2026-09-13T12:00:12+00:00"
    assert told["shots"][0]["downloads"] == [
        {"at": "2026-09-13T12:00:20+00:00", "view": "raw", "status": 200, "size": size}
    ]
    whole = (await caller.control("GET", "/truth")).json
    assert (whole["logins"], whole["refreshes"], whole["strangers"]) == (0, 0, 0)
    assert whole["now"] == "2026-09-13T12:00:20+00:00"


async def test_places_are_filled_emptied_freed_and_left_alone(cloud, do, truth):
    natural = (await truth())["places"]["P-2"]["cls"]
    assert await do(0, "park", n=2, cls="van") == 200
    assert (await truth())["places"]["P-2"] == {"cls": "van", "deactivated": False}
    assert await do(0, "park", n=2, cls=None, deactivated=True) == 200
    assert (await truth())["places"]["P-2"] == {"cls": None, "deactivated": True}
    assert await do(0, "park", n=2, free=True) == 200
    assert (await truth())["places"]["P-2"]["cls"] == natural
    assert await do(0, "places", add=30) == 200
    assert len((await truth())["places"]) == 42


async def test_areas_and_lines_are_counted(do, truth):
    assert await do(1, "count", n=1, counts={"car": 9}) == 200
    assert (await truth(1))["areas"]["Zone B"]["car"] == 9
    assert await do(2, "cross", direction="out", times=3) == 200
    assert (await truth(2))["lines"]["Line 1"]["out car"] == 3


async def test_devices_go_offline_and_away(cloud, caller, do, truth):
    assert await do(0, "offline") == 200
    assert (await truth())["is_online"] is False
    assert await do(0, "online") == 200
    assert (await truth())["is_online"] is True
    assert await do(0, "silent") == 200
    assert cloud.devices[0].silent
    assert await do(0, "speak") == 200
    assert not cloud.devices[0].silent
    uuid = cloud.devices[0].uuid
    assert await do(0, "remove") == 200
    assert (await truth())["uuid"] != uuid
    assert (await caller.control("POST", f"/devices/{uuid}/restore")).status == 200
    assert (await truth(4))["uuid"] == uuid
    added = (await caller.control("POST", "/devices", application="VYD", places=2)).json
    assert (await truth(5))["uuid"] == added["uuid"]


async def test_what_does_not_exist_is_refused(caller, do):
    assert await do(0, "dance") == 404
    assert (await caller.control("POST", "/devices/x/offline")).status == 404
    assert await do(0, "park", n=99, cls="car") == 400
    assert await do(0, "park") == 400
    assert await do(0, "tell", unknown=1) == 400
    assert (await caller.control("POST", "/variants", colour="red")).status == 400
    assert (await caller.control("POST", "/image_faults", kind="rain")).status == 400
    assert (await caller.control("POST", "/image_faults", kind="html", device="x")).status == 404
    assert (await caller.control("POST", "/webhooks/replay")).status == 400


async def test_forms_change_while_the_cloud_runs(cloud, caller):
    assert (await caller.control("POST", "/variants", device_wrapped=True)).status == 200
    assert "data" in (await caller.get(f"/devices/{cloud.devices[0].uuid}")).json


async def test_tokens_are_ended(cloud, caller):
    who = {"email": cloud.config.username, "password": cloud.config.password}
    data = (await caller.post("/login", **who)).json["data"]
    await caller.control("POST", "/tokens", dying=1)
    assert (await caller.over(data["access_token"]).get("/devices")).status == 400
    data = (await caller.post("/login", **who)).json["data"]
    await caller.control("POST", "/tokens", expire="both")
    assert (await caller.over(data["access_token"]).get("/devices")).status == 400
    renewed = await caller.post("/refresh", refresh_token=data["refresh_token"])
    assert renewed.status == 400
    await caller.control("POST", "/tokens", revoke=True)
    assert (await caller.get("/devices")).status == 400


async def test_trouble_is_made_and_ended(cloud, caller, clock):
    body = {"kind": "html", "device": cloud.devices[0].uuid}
    assert (await caller.control("POST", "/image_faults", **body)).status == 200
    link, _ = await caller.links(cloud.devices[0])
    clock.advance(20)
    assert (await caller.picture(link)).body.startswith(b"<!")
    assert (await caller.control("DELETE", "/image_faults")).status == 200
    assert (await caller.picture(link)).body.startswith(b"\xff\xd8")


async def test_calls_are_made_and_shown(cloud, caller, listener, do):
    cloud.webhooks.create(listener.url, headers={"X-Secret": "s3"})
    cloud.webhooks.create(listener.url, "keepalive")
    assert await do(0, "tell", ago=60) == 200
    for path, body in (
        ("forge", {"body": {"type": "VXX"}, "proof": "wrong"}),
        ("keepalive", {"id": "nobody", "proof": "missing"}),
        ("replay", {"index": 0}),
    ):
        assert (await caller.control("POST", f"/webhooks/{path}", **body)).status == 200
    assert [one.method for one in listener.heard] == ["POST", "POST", "GET", "POST"]
    assert listener.heard[1].headers["X-Secret"] == "wrong"
    assert listener.heard[3].body == listener.heard[0].body
    shown = (await caller.control("GET", "/webhooks")).json
    assert [one["outcome"] for one in shown["sent"]] == [200] * 4
    assert [one["proof"] for one in shown["sent"]] == ["right", "wrong", "missing", "right"]
    assert [webhook["webhook_type"] for webhook in shown["webhooks"]] == ["payload", "keepalive"]
