"""Keys, organisations, devices and what belongs to them, in every form."""

import pytest

from simulators.manfred_kunze import ApiVariants

from .manfred_kunze import SPRING, caller_fixture, cloud_fixture, open_mk_fixture  # noqa: F401


async def test_a_key_opens_its_own_organisation_alone(cloud, caller):
    other = caller.over(cloud.config.other_key)
    mine, theirs = await caller.all("/devices"), await other.all("/devices")
    assert [one["id"] for one in mine] == [one.id for one in cloud.devices]
    assert len(theirs) == 1
    assert {one["organizationId"] for one in mine} == {cloud.main.id}
    assert theirs[0]["organizationId"] == cloud.world.other.id
    foreign = f"/devices/{theirs[0]['id']}"
    assert (await other.get(foreign)).status == 200
    assert (await caller.get(foreign)).status == 404
    cloud.config.variants.foreign = 403
    assert (await caller.get(foreign)).status == 403
    assert (await caller.get("/devices/00000000-0000-4000-8000-000000000000")).status == 404
    assert (await caller.get("/devices/17")).status == 400


@pytest.mark.parametrize("header", [None, "Bearer sk_live_none", "Basic eDp5", "Bearer "])
async def test_without_a_valid_key_nothing_opens(cloud, caller, header):
    headers = {"Authorization": header} if header else {}
    answer = await caller.ask("GET", "/devices", headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert cloud.log[-1].user == ("unknown" if header else None)


async def test_keys_are_revoked_denied_and_rotated(cloud, caller):
    key = cloud.keys.by_name["main"]
    key.denied = {"sensors", "write"}
    assert (await caller.get("/sensors")).status == 403
    assert (await caller.get("/devices")).status == 200
    assert (await caller.put(f"/devices/{cloud.devices[0].id}", name="x")).status == 403
    key.denied = set()
    key.revoked = True
    assert (await caller.get("/devices")).status == 401
    fresh = caller.over(cloud.keys.rotate())
    assert (await fresh.get("/devices")).status == 200
    assert (await caller.get("/devices")).status == 401
    assert cloud.credentials["api_key"] != cloud.config.api_key


async def test_a_control_call_does_the_same_to_keys(cloud, caller):
    assert (await caller.control("POST", "/keys/main", revoked=True)).status == 200
    assert (await caller.get("/devices")).status == 401
    secret = (await caller.control("POST", "/keys/main", rotate=True)).json["api_key"]
    assert (await caller.over(secret).get("/devices")).status == 200
    await caller.control("POST", "/keys/main", denied=["devices"])
    assert (await caller.over(secret).get("/devices")).status == 403
    assert (await caller.control("POST", "/keys/nobody")).status == 404
    await caller.control("POST", "/keys/main", denied=[], organization="other")
    assert len(await caller.over(secret).all("/devices")) == 1
    await caller.control("POST", "/keys/main", organization="main")
    assert len(await caller.over(secret).all("/devices")) == 3


@pytest.mark.parametrize("first_page", [0, 1])
@pytest.mark.parametrize("paging", ["content", "array", "data", "items"])
async def test_lists_come_in_pages_in_four_envelopes(open_mk, session, paging, first_page):
    cloud = await open_mk(variants=ApiVariants(paging=paging, first_page=first_page))
    caller = caller_fixture.__wrapped__(session, cloud)
    seen = []
    for number in range(4):
        page = (await caller.get("/sensors", size=6, page=number + first_page)).json
        if paging == "content":
            assert set(page) == SPRING
            assert (page["first"], page["last"]) == (number == 0, number >= 2)
        listed = page if paging == "array" else page[paging]
        if paging == "items":
            assert page["hasMore"] is (number < 2)
        seen += listed
    assert [one["id"] for one in seen] == [one.id for one in cloud.sensors]


async def test_paging_that_never_ends(cloud, caller):
    cloud.config.endless = "same"
    pages = [await caller.get("/devices", page=number, size=2) for number in (0, 1, 70)]
    assert len({page.json["content"][0]["id"] for page in pages}) == 1
    assert not any(page.json["last"] for page in pages)
    cloud.config.endless = "new"
    pages = [await caller.get("/devices", page=number, size=2) for number in (0, 1, 70)]
    assert len({page.json["content"][0]["id"] for page in pages}) == 3


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ("problem", "application/problem+json"),
        ("spring", "application/json"),
        ("text", "text/plain;charset=UTF-8"),
    ],
)
async def test_errors_come_in_three_forms(cloud, caller, errors, kind):
    cloud.config.variants.errors = errors
    answer = await caller.get("/nothing")
    assert (answer.status, answer.headers["Content-Type"]) == (404, kind)
    if errors == "problem":
        assert answer.json["instance"] == "/api/v1/nothing"
    if errors == "spring":
        assert set(answer.json) == {"timestamp", "status", "error", "path"}
    assert (await caller.post("/sensors")).status == 405
    broken = {"data": b"{", "headers": {**caller._headers, "Content-Type": "application/json"}}
    path = f"/devices/{cloud.devices[0].id}"
    assert (await caller.ask("PUT", path, **broken)).status == 400
    assert (await caller.ask("PUT", path, data={"name": "x"})).status == 415


async def test_groups_can_be_absent(cloud, caller):
    await caller.control("POST", "/config", absent=["sites", "health"])
    assert (await caller.get("/sites")).status == 404
    assert (await caller.get(f"/devices/{cloud.devices[0].id}/health")).status == 404
    assert (await caller.get("/devices")).status == 200


async def test_devices_have_components_sensors_sites_and_profiles(cloud, caller):
    device = (await caller.all("/devices"))[0]
    site = (await caller.get(f"/sites/{device['siteId']}")).json
    assert site["name"] == "Harbour store"
    components = await caller.all("/components", deviceId=device["id"])
    assert [one["name"] for one in components] == ["Climate", "Door"]
    sensors = await caller.all("/sensors", componentId=components[0]["id"])
    profile = (await caller.get(f"/sensor-profiles/{components[0]['sensorProfileId']}")).json
    units = {field["name"]: field["unit"] for field in profile["fields"]}
    assert [units[one["name"]] for one in sensors] == ["°C", "%", "ppm"]
    types = {one["valueType"] for one in await caller.all("/sensors")}
    assert types == {"DOUBLE", "BIGINT", "BOOLEAN", "TEXT"}
    assert (await caller.get(f"/components/{components[0]['id']}")).json == components[0]
    assert (await caller.get(f"/sensors/{sensors[0]['id']}")).json == sensors[0]
    assert (await caller.all("/device-profiles"))[0]["version"] == "2.0"
    assert [one["tags"] for one in await caller.all("/device-groups")] == [["indoor"], ["line-1"]]
    assert len(await caller.all("/sensors", deviceId=device["id"])) == 5


async def test_a_profile_is_shown_as_a_schema_beside_the_version(cloud, caller):
    profile = (await caller.all("/sensor-profiles"))[0]
    base = f"{cloud.url}/api/schemas/sensor-profile"
    shown = await caller.ask("GET", f"/{profile['id']}", base=base)
    assert shown.headers["Content-Type"] == "application/ld+json"
    assert [one["name"] for one in shown.json["contents"]] == ["temperature", "humidity", "co2"]


async def test_health_is_the_newest_state_or_a_list(cloud, caller, clock):
    path = f"/devices/{cloud.devices[0].id}/health"
    newest = (await caller.get(path)).json
    assert newest["timestamp"] == "2026-09-13T12:00:00Z"
    assert newest["uptimeSeconds"] == 30 * 86_400
    cloud.config.variants.health = "list"
    listed = await caller.all(path)
    assert (len(listed), listed[0]) == (20, newest)
    cloud.config.variants.names = "other"
    assert (await caller.all(path))[0]["rssi"] == newest["signalStrengthDbm"]


async def test_devices_go_through_their_states(cloud, caller, clock):
    device = cloud.devices[0]
    cloud.become(device, "OFFLINE")
    clock.advance(600)
    shown = (await caller.get(f"/devices/{device.id}")).json
    assert (shown["status"], shown["lastSeenAt"]) == ("OFFLINE", "2026-09-13T12:00:00Z")
    made = (await caller.control("POST", "/devices", name="new", status="PENDING")).json["id"]
    assert await caller.all("/sensors", deviceId=made) == []
    assert (await caller.get(f"/devices/{made}/health")).status == 404
    for status in ("ACTIVE", "MAINTENANCE", "INACTIVE"):
        await caller.control("POST", f"/devices/{made}", status=status)
        assert (await caller.get(f"/devices/{made}")).json["status"] == status
    assert len(await caller.all("/sensors", deviceId=made)) > 3
    assert len(await caller.all("/devices", status="INACTIVE")) == 1
    assert (await caller.control("POST", f"/devices/{made}", status="LOST")).status == 400
    assert (await caller.control("DELETE", f"/devices/{made}")).status == 200
    assert (await caller.get(f"/devices/{made}")).status == 404
    assert (await caller.delete(f"/devices/{device.id}")).status == 204
    assert await caller.all("/components", deviceId=device.id) == []


async def test_devices_are_changed(cloud, caller):
    path = f"/devices/{cloud.devices[0].id}"
    site = (await caller.all("/sites"))[1]["id"]
    changed = await caller.put(path, name="n", tags=["a"], metadata={"k": 1}, siteId=site)
    shown = (await caller.get(path)).json
    assert changed.json == shown
    assert (shown["name"], shown["tags"], shown["metadata"]) == ("n", ["a"], {"k": 1})
    assert shown["siteId"] == site


async def test_records_come_in_other_forms(cloud, caller):
    variants = cloud.config.variants
    variants.names, variants.references, variants.organization = "other", "nested", "orgId"
    device = (await caller.all("/devices"))[0]
    assert device["displayName"] == "gateway-01"
    assert device["location"]["latitude"]
    assert device["orgId"] == cloud.main.id
    sensor = (await caller.all("/sensors"))[0]
    assert (sensor["device"], sensor["dataType"]) == ({"id": device["id"]}, "DOUBLE")
    variants.names, variants.references, variants.organization = "plain", "flat", "absent"
    variants.literals, variants.nulls, variants.times = "new", "omitted", "milliseconds"
    device = (await caller.all("/devices"))[1]
    assert device["status"] == "ADDED_LATER"
    assert device["createdAt"].endswith(".000Z")
    assert not {"location", "organizationId", "orgId"} & set(device)
    variants.literals, variants.times, variants.sensor_unit = "lower", "offset", "sensor"
    sensor = (await caller.all("/sensors"))[0]
    assert (sensor["valueType"], sensor["unit"]) == ("double", "°C")
    assert sensor["createdAt"].endswith("+00:00")


async def test_forms_and_plan_are_switched_over_http(cloud, caller):
    assert (await caller.control("POST", "/variants", paging="array")).status == 200
    assert isinstance((await caller.get("/devices")).json, list)
    assert (await caller.control("POST", "/variants", colour="red")).status == 400
    assert (await caller.control("POST", "/config", seed=2)).status == 400
    truth = (await caller.control("GET", "/truth")).json
    assert truth["organization"] == cloud.main.id
    assert len(truth["devices"]) == 3


@pytest.mark.soak
async def test_a_hundred_thousand_sensors_in_pages(open_mk, session):
    cloud = await open_mk(extra_sensors=100_000, page_most=2000)
    caller = caller_fixture.__wrapped__(session, cloud)
    page = (await caller.get("/sensors", size=2000, page=50)).json
    assert page["totalElements"] == 100_000 + 15
    assert (page["totalPages"], len(page["content"]), page["last"]) == (51, 15, True)
