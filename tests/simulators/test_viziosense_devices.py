"""Devices: listed, sorted, filtered, paged, changed."""

import pytest

from simulators.viziosense import ApiVariants

from .viziosense import Caller, caller_fixture, cloud_fixture, open_viziosense_fixture  # noqa: F401

FIELDS = {
    "uuid": str,
    "name": str,
    "client_identifier": str,
    "refreshed": str,
    "is_online": int,
    "geo_city": str,
    "geo_country": str,
}


@pytest.fixture(name="open_caller")
def open_caller_fixture(open_viziosense, session):
    async def open_caller(**plan):
        cloud = await open_viziosense(**plan)
        return cloud, Caller(session, cloud, cloud.config.token)

    return open_caller


async def test_a_device_has_the_documented_fields_and_types(caller):
    devices = (await caller.get("/devices")).json["data"]
    assert len(devices) == 5
    for device in devices:
        assert {name: type(value) for name, value in device.items()} == FIELDS
        assert device["is_online"] == 1


async def test_one_device_comes_without_an_envelope(cloud, caller):
    listed = (await caller.get("/devices")).json["data"][1]
    path = f"/devices/{listed['uuid']}"
    assert (await caller.get(path)).json == listed
    cloud.config.variants.device_wrapped = True
    assert (await caller.get(path)).json == {"data": listed}


@pytest.mark.parametrize("status", [404, 500])
async def test_an_unknown_device_is_an_error(cloud, caller, status):
    cloud.config.variants.unknown_device = status
    answer = await caller.get("/devices/nobody")
    assert (answer.status, answer.json["httpError"]) == (status, status)
    assert (await caller.post("/devices/nobody/image")).status == status


async def test_the_status_is_looked_at_every_ten_minutes(cloud, caller, clock):
    path = f"/devices/{cloud.devices[0].uuid}"
    seen = []
    for _ in range(30):
        seen.append((await caller.get(path)).json["refreshed"])
        clock.advance(60)
    assert len(set(seen)) in (3, 4)
    assert seen == sorted(seen)
    assert seen[0] <= "2026-09-13T12:00:00Z"


@pytest.mark.parametrize(
    ("variants", "online", "refreshed"),
    [
        ({"is_online": "bool", "refreshed": "plain"}, True, "2026-09-13 11:5"),
        ({"is_online": "word", "refreshed": "seconds"}, "Online", 1789300),
    ],
)
async def test_a_status_can_take_other_forms(open_caller, variants, online, refreshed):
    _, caller = await open_caller(variants=ApiVariants(**variants))
    device = (await caller.get("/devices")).json["data"][0]
    assert (type(device["is_online"]), device["is_online"]) == (type(online), online)
    assert str(device["refreshed"]).startswith(str(refreshed))


async def test_devices_are_sorted_and_filtered(cloud, caller):
    async def names(**query):
        return [device["name"] for device in (await caller.get("/devices", **query)).json["data"]]

    everything = await names()
    assert await names(sort="name") == sorted(everything)
    assert await names(sort="-name") == sorted(everything, reverse=True)
    assert await names(sort="nonsense") == everything
    cloud.devices[2].online = False
    assert await names(is_online="Offline") == [everything[2]]
    assert await names(is_online="Online") == everything[:2] + everything[3:]
    assert await names(group="Ghent") == [everything[2]]
    assert (await names(sort="is_online"))[0] == everything[2]


async def test_pages_follow_their_meta(open_caller):
    cloud, caller = await open_caller(devices=7, page_size=3)
    seen, page, last = [], 0, 1
    while page < last:
        page += 1
        reply = (await caller.get("/devices", page=page)).json
        last = reply["meta"]["last_page"]
        seen += [device["uuid"] for device in reply["data"]]
    assert seen == [device.uuid for device in cloud.devices]
    assert reply["meta"] == {
        "current_page": 3,
        "from": 7,
        "last_page": 3,
        "per_page": 3,
        "total": 7,
        "to": 7,
        "total_pages": 3,
    }
    beyond = (await caller.get("/devices", page=4)).json
    assert (beyond["data"], beyond["meta"]["from"], beyond["meta"]["to"]) == ([], 0, 0)
    assert len((await caller.get("/devices", per_page=5)).json["data"]) == 5
    assert len((await caller.get("/devices", per_page="x")).json["data"]) == 3


async def test_pages_can_be_asked_for_by_offset(open_caller):
    cloud, caller = await open_caller(devices=5, page_size=2, variants=ApiVariants(paging="offset"))
    reply = (await caller.get("/devices", **{"page[offset]": 2, "page[limit]": 2})).json
    assert [device["uuid"] for device in reply["data"]] == [d.uuid for d in cloud.devices[2:4]]
    assert len((await caller.get("/devices", page=3)).json["data"]) == 2


@pytest.mark.parametrize(("kind", "different"), [("same", 3), ("new", 150)])
async def test_a_list_can_have_no_end(open_caller, kind, different):
    _, caller = await open_caller(devices=3, endless=kind)
    uuids = set()
    for page in range(1, 51):
        reply = (await caller.get("/devices", page=page)).json
        assert reply["meta"]["last_page"] > page
        uuids |= {device["uuid"] for device in reply["data"]}
    assert len(uuids) == different


async def test_name_city_and_country_can_be_changed_and_nothing_else(cloud, caller):
    path = f"/devices/{cloud.devices[0].uuid}"
    before = (await caller.get(path)).json
    after = (
        await caller.put(path, name="North gate", geo_city="Turin", uuid="x", is_online=0)
    ).json
    assert after == before | {"name": "North gate", "geo_city": "Turin"}
    assert (await caller.get(path)).json == after


async def test_an_update_can_empty_what_it_does_not_name(cloud, caller):
    cloud.config.variants.update = "replace"
    after = (await caller.put(f"/devices/{cloud.devices[0].uuid}", name="North gate")).json
    assert (after["name"], after["geo_city"], after["geo_country"]) == ("North gate", "", "")


async def test_an_admin_sees_the_devices_of_others(open_caller):
    cloud, caller = await open_caller(devices=1, other_devices=2)
    stranger = list(cloud.world.devices)[2]
    assert len((await caller.get("/devices")).json["data"]) == 1
    assert (await caller.get(f"/devices/{stranger}")).status == 404
    cloud.config.role = "admin"
    assert len((await caller.get("/devices")).json["data"]) == 3
    assert (await caller.get(f"/devices/{stranger}")).status == 200


async def test_devices_come_and_go(cloud, caller):
    async def uuids():
        return [device["uuid"] for device in (await caller.get("/devices")).json["data"]]

    gone = cloud.devices[0]
    cloud.remove_device(gone.uuid)
    assert gone.uuid not in await uuids()
    cloud.restore_device(gone.uuid)
    new = cloud.add_device("VYD", places=3)
    assert (await uuids())[-2:] == [gone.uuid, new.uuid]
    assert [place.name for place in new.places] == ["P-0", "P-1", "P-2"]


async def test_the_same_seed_makes_the_same_account(open_viziosense):
    first, second, third = [await open_viziosense(seed=seed) for seed in (4, 4, 5)]
    assert [d.uuid for d in first.devices] == [d.uuid for d in second.devices]
    assert [d.uuid for d in first.devices] != [d.uuid for d in third.devices]
