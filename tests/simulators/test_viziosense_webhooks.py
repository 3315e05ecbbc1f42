"""Webhooks: registered, listed, changed."""

import pytest

from .viziosense import caller_fixture, cloud_fixture, open_viziosense_fixture  # noqa: F401

INPUT = {
    "url": "https://hook.example.com/x",
    "webhook_type": "payload",
    "status": 1,
    "actions": "all",
    "data": {
        "headers": [{"name": "Authorization", "value": "Token abc"}],
        "params": [{"name": "param1", "value": "value1"}],
    },
}


async def test_a_webhook_is_echoed_and_listed_with_an_id(cloud, caller):
    answer = await caller.post("/webhooks", **INPUT)
    assert (answer.status, answer.json) == (200, INPUT)
    listed = (await caller.get("/webhooks")).json["data"]
    assert listed == [{"id": listed[0]["id"], **INPUT}]
    assert type(listed[0]["id"]) is int


async def test_webhooks_belong_to_a_device_or_to_all(cloud, caller):
    first, second = (device.uuid for device in cloud.devices[:2])
    for device in (first, second):
        await caller.ask("POST", "/webhooks", params={"device_uuid": device}, json=INPUT)
    await caller.post("/webhooks", **INPUT)
    assert len((await caller.get("/webhooks")).json["data"]) == 3
    assert len((await caller.get("/webhooks", device_uuid=first)).json["data"]) == 1
    answer = await caller.ask("POST", "/webhooks", params={"device_uuid": "x"}, json=INPUT)
    assert (answer.status, answer.json) == (400, {"error": ["There is no such device"]})


async def test_a_webhook_without_a_device_may_be_refused(cloud, caller):
    cloud.config.variants.webhook_scope = "device"
    answer = await caller.post("/webhooks", **INPUT)
    assert (answer.status, answer.json) == (400, {"error": ["device_uuid is required"]})
    query = {"device_uuid": cloud.devices[0].uuid}
    assert (await caller.ask("POST", "/webhooks", params=query, json=INPUT)).status == 200


@pytest.mark.parametrize("status", [400, 422, 200])
@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x"},
        {"url": "http://[x"},
        {"url": None},
        {"webhook_type": "other"},
        {"data": {"headers": [{"value": "nameless"}]}},
        {"data": {"params": "x"}},
        {"data": [1]},
    ],
)
async def test_a_wrong_webhook_is_refused_with_a_list(cloud, caller, wrong, status):
    cloud.config.variants.webhook_error = status
    answer = await caller.post("/webhooks", **INPUT | wrong)
    assert answer.status == status
    assert len(answer.json["error"]) == 1
    assert (await caller.get("/webhooks")).json["data"] == []


async def test_the_list_of_errors_may_be_empty(cloud, caller):
    cloud.config.variants.error_list = "empty"
    answer = await caller.post("/webhooks", **INPUT | {"url": ""})
    assert (answer.status, answer.json) == (400, {"error": []})


async def test_a_webhook_is_changed_by_its_id(cloud, caller):
    other = cloud.webhooks.create("https://other.example.com/y", "keepalive")
    await caller.post("/webhooks", **INPUT)
    number = cloud.webhooks.all[1].id
    answer = await caller.put(f"/webhooks/{number}", status=0, actions="some")
    assert answer.json == INPUT | {"status": 0, "actions": "some"}
    listed = (await caller.get("/webhooks")).json["data"]
    assert listed[1] == {"id": number, **INPUT, "status": 0, "actions": "some"}
    assert (listed[0]["id"], listed[0]["status"], other.active) == (other.id, 1, True)
    data = {"headers": [], "params": [{"name": "a", "value": 1}]}
    changed = (await caller.put(f"/webhooks/{number}", data=data)).json
    assert changed["data"] == {"headers": [], "params": [{"name": "a", "value": "1"}]}


async def test_an_update_can_empty_what_it_does_not_name(cloud, caller):
    cloud.config.variants.update = "replace"
    await caller.post("/webhooks", **INPUT)
    number = cloud.webhooks.all[0].id
    assert "error" in (await caller.put(f"/webhooks/{number}", status=0)).json
    short = {key: INPUT[key] for key in ("url", "webhook_type")}
    changed = (await caller.put(f"/webhooks/{number}", **short)).json
    assert changed["data"] == {"headers": [], "params": []}
    assert changed["actions"] == ""


async def test_a_webhook_is_not_found_by_a_wrong_id_or_device(cloud, caller):
    await caller.post("/webhooks", **INPUT)
    answer = await caller.put("/webhooks/9", status=0)
    assert (answer.status, answer.json) == (400, {"error": ["There is no such webhook"]})
    path = f"/webhooks/{cloud.webhooks.all[0].id}"
    query = {"device_uuid": cloud.devices[0].uuid}
    answer = await caller.ask("PUT", path, params=query, json={"status": 0})
    assert "error" in answer.json


async def test_a_webhook_can_be_found_by_its_address_and_type(cloud, caller):
    cloud.config.variants.paths = {"update_webhook": "PUT /webhooks"}
    cloud.webhooks.create(INPUT["url"], "keepalive")
    await caller.post("/webhooks", **INPUT)
    assert (await caller.put("/webhooks", **INPUT | {"status": 0})).json["status"] == 0
    assert [webhook.active for webhook in cloud.webhooks.all] == [True, False]


@pytest.mark.parametrize("value", [True, False])
async def test_a_webhook_may_be_switched_by_active(cloud, caller, value):
    cloud.config.variants.webhook_switch = "active"
    cloud.config.variants.status = "bool"
    await caller.post("/webhooks", **INPUT, active=not value)
    number = cloud.webhooks.all[0].id
    await caller.put(f"/webhooks/{number}", status=int(not value), active=value)
    assert (await caller.get("/webhooks")).json["data"][0]["status"] is value


async def test_an_echo_may_have_the_id_and_a_list_may_hide_values(cloud, caller):
    cloud.config.variants.webhook_echo = "stored"
    cloud.config.variants.webhook_values = "masked"
    answer = (await caller.post("/webhooks", **INPUT)).json
    assert answer["id"] == cloud.webhooks.all[0].id
    listed = (await caller.get("/webhooks")).json["data"][0]
    assert listed["data"]["headers"] == [{"name": "Authorization", "value": "***"}]
    await caller.put(f"/webhooks/{answer['id']}", status=0)
    assert cloud.webhooks.all[0].headers == [("Authorization", "Token abc")]
