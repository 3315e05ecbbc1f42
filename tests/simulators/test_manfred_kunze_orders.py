"""Commands, registration tokens, configurations and exports, through all their states."""

from io import BytesIO
import json
from zipfile import ZipFile

import pytest

from .manfred_kunze import caller_fixture, cloud_fixture, open_mk_fixture  # noqa: F401

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(name="device")
def device_fixture(cloud):
    return cloud.devices[0]


@pytest.fixture(name="send")
def send_fixture(caller, device):
    async def send(method="REBOOT", **params):
        made = await caller.post(f"/devices/{device.id}/commands", method=method, params=params)
        assert made.status == 201, made.body
        return f"/devices/{device.id}/commands/{made.json['id']}"

    return send


async def test_a_command_goes_through_its_states(cloud, caller, clock, device, send):
    path, seen = await send(delay_seconds=5), []
    for _ in range(8):
        seen.append((await caller.get(path)).json["status"])
        clock.advance(1)
    assert list(dict.fromkeys(seen)) == ["PENDING", "SENT", "ACKNOWLEDGED", "SUCCESS"]
    done = (await caller.get(path)).json
    assert (done["method"], done["params"]) == ("REBOOT", {"delay_seconds": 5})
    assert (done["result"], done["completedAt"]) == ({}, "2026-09-13T12:00:06Z")
    health = (await caller.get(f"/devices/{device.id}/health")).json
    assert health["uptimeSeconds"] == 0
    await send("UPDATE_FIRMWARE", version="1.5.0")
    clock.advance(6)
    assert (await caller.get(f"/devices/{device.id}")).json["firmwareVersion"] == "1.5.0"
    listed = await caller.all(f"/devices/{device.id}/commands")
    assert [one["method"] for one in listed] == ["UPDATE_FIRMWARE", "REBOOT"]
    assert (await caller.control("GET", "/orders")).json["commands"][0]["status"] == "SUCCESS"


async def test_a_command_fails_hangs_or_times_out(cloud, caller, clock, device, send):
    cloud.config.command_fate = "fail"
    path = await send()
    clock.advance(10)
    failed = (await caller.get(path)).json
    assert (failed["status"], failed["result"]) == ("FAILED", {"code": 7})
    await caller.control("POST", "/config", command_fate="hang")
    path = await send()
    clock.advance(3600)
    assert (await caller.get(path)).json["status"] == "SENT"
    cloud.become(device, "OFFLINE")
    path = await send()
    clock.advance(59)
    assert (await caller.get(path)).json["status"] == "PENDING"
    clock.advance(1)
    timed_out = (await caller.get(path)).json
    assert timed_out["status"] == "TIMEOUT"
    assert timed_out["completedAt"] == timed_out["createdAt"].replace("13:00:10", "13:01:10")


async def test_commands_are_told_apart_and_refused(cloud, caller, device, send):
    path = await send()
    other = path.replace(device.id, cloud.devices[1].id)
    assert (await caller.get(other)).status == 404
    commands = f"/devices/{device.id}/commands"
    assert (await caller.post(commands)).status == 400
    assert (await caller.post(commands, method="X", params=[1])).status == 400
    assert (await caller.post(f"/devices/{NOWHERE}/commands", method="X")).status == 404
    cloud.keys.by_name["main"].denied = {"commands"}
    assert (await caller.get(commands)).status == 403
    cloud.keys.by_name["main"].denied = set()
    cloud.config.variants.command_track = "list"
    assert (await caller.get(path)).status == 404
    cloud.config.variants.command_track = "item"
    assert (await caller.get(commands)).status == 405
    cloud.config.variants.command_name = "type"
    assert (await caller.post(commands, method="REBOOT")).status == 400
    assert (await caller.post(commands, type="REBOOT")).json["type"] == "REBOOT"


async def test_a_device_is_invited_and_comes_in(cloud, caller, clock):
    made = await caller.post("/devices/registration/tokens", deviceName="warehouse-gateway-01")
    assert made.status == 201
    token = made.json
    assert set(token) == {"token", "deviceId", "deviceName", "provisionEndpoint", "expiresAt"}
    assert token["token"].split(".")[1] == token["deviceId"]
    assert token["expiresAt"] == "2026-09-14T12:00:00Z"
    assert (await caller.get(f"/devices/{token['deviceId']}")).json["status"] == "PENDING"
    listed = await caller.all("/devices/registration/tokens")
    assert listed[0]["deviceId"] == token["deviceId"]
    assert token["token"] not in json.dumps(listed)
    csr = "-----BEGIN CERTIFICATE REQUEST-----"
    address = token["provisionEndpoint"]

    async def provision(**body):
        return await caller.ask("POST", address, headers={}, json=body)

    assert (await provision(token=token["token"])).status == 400
    assert (await provision(token="x.y.z", csr=csr)).status == 401
    given = await provision(token=token["token"], csr=csr)
    assert (given.status, given.json["deviceId"]) == (201, token["deviceId"])
    assert (await provision(token=token["token"], csr=csr)).status == 401
    assert (await caller.get(f"/devices/{token['deviceId']}")).json["status"] == "ACTIVE"
    assert await caller.all("/sensors", deviceId=token["deviceId"])
    assert await caller.all("/devices/registration/tokens") == []
    assert (await caller.post("/devices/registration/tokens")).status == 400


@pytest.mark.parametrize("by", ["id", "deviceId"])
async def test_an_invitation_is_taken_back_or_ends(cloud, caller, clock, by):
    cloud.config.variants.revoked_by = by
    await caller.post("/devices/registration/tokens", deviceName="one")
    await caller.post("/devices/registration/tokens", deviceName="two")
    one, _ = await caller.all("/devices/registration/tokens")
    path = f"/devices/registration/tokens/{one[by]}"
    assert (await caller.delete(path)).status == 204
    assert (await caller.delete(path)).status == 404
    assert len(await caller.all("/devices/registration/tokens")) == 1
    clock.advance(86_400)
    assert await caller.all("/devices/registration/tokens") == []


async def test_a_device_takes_a_configuration(cloud, caller, clock, device):
    before = (await caller.all("/desired-state-bindings"))[0]
    assert (before["targetId"], before["desiredVersion"]) == (device.id, 1)
    assert (before["reportedVersion"], before["status"]) == (1, "ACCEPTED")
    content = {"reportInterval": 30}
    made = await caller.post("/config-artefacts", name="report-interval", content=content)
    assert (made.status, made.json["version"]) == (201, 2)
    body = {"targetType": "DEVICE", "targetId": device.id, "artefactId": made.json["id"]}
    bound = (await caller.put("/desired-state-bindings", **body)).json
    assert (bound["id"], bound["desiredVersion"]) == (before["id"], 2)
    path = f"/desired-state-bindings/{bound['id']}"
    seen = []
    for _ in range(7):
        clock.advance(1)
        shown = (await caller.get(path)).json
        seen.append((shown["reportedVersion"], shown["status"]))
    assert list(dict.fromkeys(seen)) == [(1, "ACCEPTED"), (1, "IN_PROGRESS"), (2, "ACCEPTED")]
    cloud.become(device, "OFFLINE")
    assert (await caller.get(path)).json == shown
    cloud.become(device, "ACTIVE")
    assert shown["reportedHash"] == made.json["hash"]
    assert (await caller.all(f"/devices/{device.id}/commands"))[0]["method"] == "BIND_CONFIG"
    artefact = f"/config-artefacts/{made.json['id']}"
    assert (await caller.delete(artefact)).status == 409
    assert (await caller.delete(path)).status == 204
    assert (await caller.all(f"/devices/{device.id}/commands"))[0]["method"] in (
        "UNBIND_CONFIG",
        "BIND_CONFIG",
    )
    assert (await caller.delete(artefact)).status == 204
    assert (await caller.get(artefact)).status == 404
    assert len(await caller.all("/config-artefacts")) == 1


@pytest.mark.parametrize(
    ("fate", "end"), [("reject", "REJECTED"), ("fail", "FAILED"), ("hang", "IN_PROGRESS")]
)
async def test_a_device_does_not_take_a_configuration(cloud, caller, clock, device, fate, end):
    cloud.config.desired_fate = fate
    cloud.config.variants.reported = "nested"
    binding = (await caller.all("/desired-state-bindings"))[0]
    made = await caller.post("/config-artefacts", name="report-interval", content={"a": 1})
    path = f"/desired-state-bindings/{binding['id']}"
    assert (await caller.put(path, artefactId=made.json["id"])).status == 200
    clock.advance(60)
    assert (await caller.get(path)).json["reported"]["status"] == end
    assert (await caller.get(path)).json["reported"]["version"] == 1
    cloud.become(device, "OFFLINE")
    await caller.put(path, artefactId=made.json["id"])
    clock.advance(60)
    assert (await caller.get(path)).json["reported"]["status"] == end


async def test_configurations_have_other_targets_and_are_checked(cloud, caller, clock):
    artefact = (await caller.all("/config-artefacts"))[0]
    targets = {
        "COMPONENT": cloud.components[0].id,
        "DEVICE_GROUP": (await caller.all("/device-groups"))[0]["id"],
        "DEVICE_PROFILE": (await caller.all("/device-profiles"))[0]["id"],
        "SENSOR_PROFILE": (await caller.all("/sensor-profiles"))[0]["id"],
    }
    path = "/desired-state-bindings"
    for kind, target in targets.items():
        body = {"targetType": kind, "targetId": target, "artefactId": artefact["id"]}
        assert (await caller.put(path, **body)).status == 200
    clock.advance(60)
    status = {one["targetType"]: one["status"] for one in await caller.all(path)}
    assert status["COMPONENT"] == "ACCEPTED"
    assert status["DEVICE_GROUP"] is None
    body = {"targetType": "DEVICE", "targetId": NOWHERE, "artefactId": artefact["id"]}
    assert (await caller.put(path, **body)).status == 404
    assert (await caller.put(path, **body | {"targetType": "HOUSE"})).status == 400
    assert (await caller.post("/config-artefacts", name="x")).status == 400


async def test_a_large_configuration_is_put_to_a_link(cloud, caller):
    given = (await caller.post("/config-artefacts/upload-url", name="big")).json
    put = await caller.ask("PUT", given["uploadUrl"], headers={}, data=b'{"a": 1}')
    assert put.status == 200
    assert (await caller.bare(given["uploadUrl"])).status == 405
    assert (await caller.all("/config-artefacts"))[-1]["content"] == {"a": 1}
    await caller.ask("PUT", given["uploadUrl"], headers={}, data=b"\xff")
    assert (await caller.all("/config-artefacts"))[-1]["version"] == 2


@pytest.fixture(name="wanted")
def wanted_fixture(device):
    return {
        "scopeType": "DEVICE",
        "scopeId": device.id,
        "from": "2026-09-13T10:00:00Z",
        "to": "2026-09-13T11:00:00Z",
        "includes": ["READINGS", "ANNOTATIONS"],
    }


async def test_an_export_is_made_and_fetched(cloud, caller, clock, wanted):
    made = await caller.post("/exports", **wanted)
    assert made.status == 201
    assert {**made.json, **wanted} == made.json
    assert set(made.json) == {*wanted, "id", "status", "requestedBy", "createdAt"}
    path = f"/exports/{made.json['id']}"
    seen = [made.json["status"]]
    for _ in range(13):
        clock.advance(1)
        seen.append((await caller.get(path)).json["status"])
    assert list(dict.fromkeys(seen)) == ["PENDING", "RUNNING", "READY"]
    ready = (await caller.get(path)).json
    assert ready["completedAt"] == "2026-09-13T12:00:12Z"
    assert ready["expiresAt"] == "2026-09-14T12:00:12Z"
    clock.advance(1)
    again = (await caller.get(path)).json
    assert again["downloadUrl"] != ready["downloadUrl"]
    fetched = await caller.bare(ready["downloadUrl"])
    assert fetched.headers["Content-Type"] == "application/zip"
    assert len(fetched.body) == ready["sizeBytes"]
    with ZipFile(BytesIO(fetched.body)) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        lines = archive.read("readings.csv").decode().splitlines()
        assert json.loads(archive.read("annotations.json")) == []
    assert manifest["counts"]["readings"] == ready["readingCount"] == len(lines) - 1 == 300
    assert manifest["window"] == {"from": wanted["from"], "to": wanted["to"]}
    assert "downloadUrl" not in (await caller.all("/exports"))[0]
    assert (await caller.over(cloud.config.other_key).get(path)).status == 404


async def test_an_export_is_over_after_a_day_or_deleted(cloud, caller, clock, wanted):
    made = await caller.post("/exports", **wanted)
    path = f"/exports/{made.json['id']}"
    assert (await caller.delete(path)).status == 409
    clock.advance(12)
    link = (await caller.get(path)).json["downloadUrl"]
    clock.advance(86_400)
    over = (await caller.get(path)).json
    assert over["status"] == "EXPIRED"
    assert "downloadUrl" not in over
    cloud.config.variants.export_expired = "READY"
    assert (await caller.get(path)).json["status"] == "READY"
    assert "downloadUrl" not in (await caller.get(path)).json
    assert (await caller.bare(link)).status == 403
    assert (await caller.delete(path)).status == 204
    assert (await caller.get(path)).status == 404


async def test_an_export_fails_or_never_ends(cloud, caller, clock, wanted):
    await caller.control("POST", "/config", export_fate="hang")
    cloud.config.variants.export_progress = True
    made = (await caller.post("/exports", **wanted)).json
    path = f"/exports/{made['id']}"
    clock.advance(86_400)
    shown = (await caller.get(path)).json
    assert (shown["status"], shown["progress"]) == ("RUNNING", 90)
    await caller.control("POST", f"/exports/{made['id']}", fate="fail")
    assert (await caller.get(path)).json["status"] == "FAILED"
    cloud.config.variants.export_failed = "ERROR"
    assert (await caller.get(path)).json["status"] == "ERROR"
    await caller.control("POST", f"/exports/{made['id']}", fate="ready", expire=True)
    assert (await caller.get(path)).json["status"] == "EXPIRED"
    assert (await caller.control("POST", f"/exports/{made['id']}", fate="x")).status == 400
    assert (await caller.control("POST", "/exports/none")).status == 404


async def test_an_export_that_is_short_large_or_lies(cloud, caller, clock, wanted):
    cloud.config.variants.export_ready = "short"
    cloud.config.export_padding, cloud.config.export_size = 1_000_000, 12
    made = (await caller.post("/exports", **wanted | {"includes": ["ANNOTATIONS"]})).json
    clock.advance(12)
    shown = (await caller.get(f"/exports/{made['id']}")).json
    assert not {"scopeType", "from", "includes"} & set(shown)
    assert (shown["sizeBytes"], shown["readingCount"]) == (12, 0)
    assert len((await caller.bare(shown["downloadUrl"])).body) > 1_000_000


async def test_exports_of_other_scopes(cloud, caller, clock, wanted, device):
    cloud.config.export_most = 100
    for kind, number, count in (
        ("SITE", device.site, 100),
        ("COMPONENT", cloud.components[0].id, 100),
        ("SENSOR", cloud.sensors[0].id, 60),
    ):
        made = await caller.post("/exports", **wanted | {"scopeType": kind, "scopeId": number})
        clock.advance(12)
        assert (await caller.get(f"/exports/{made.json['id']}")).json["readingCount"] == count


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"scopeType": "HOUSE"}, 400),
        ({"scopeId": NOWHERE}, 404),
        ({"includes": ["ALL"]}, 400),
        ({"includes": []}, 400),
        ({"to": "2026-09-13T10:00:00Z"}, 400),
        ({"from": None}, 400),
    ],
)
async def test_an_export_must_be_whole(caller, wanted, wrong, status):
    assert (await caller.post("/exports", **wanted | wrong)).status == status
