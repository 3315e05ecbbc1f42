"""The device list, and what a single entry of it can do wrong."""

from datetime import timedelta
import json
import math

import pytest

from simulators.sensit import QUIRKS
from simulators.sensit.malformed import DEVICE_QUIRKS, RECORD_QUIRKS

from .conftest import when

FIELDS = [
    "_id",
    "uuid",
    "key",
    "name",
    "location",
    "picture",
    "status",
    "type",
    "isUTCTimeZone",
    "isFirmwareUpdateRequire",
    "isCharging",
    "lastReceivedRecord",
    "battery",
]


async def test_every_monitor_is_listed_with_the_documented_fields(cloud, account):
    listed = await account.devices()
    assert [device["uuid"] for device in listed] == [one.uuid for one in cloud.monitors]
    assert [device["type"] for device in listed] == ["FMD", "FMD", "SPOD", "SPOD", "RAMP"]
    for device in listed:
        assert list(device) == FIELDS
        assert len(device["_id"]) == 24
        assert 0 <= device["battery"] <= 100


@pytest.mark.parametrize(("kind", "count"), [("FMD", 2), ("SPOD", 2), ("RAMP", 1), ("XPOD", 0)])
async def test_one_type_can_be_asked_for(account, kind, count):
    listed = await account.devices(kind)
    assert [device["type"] for device in listed] == [kind] * count


@pytest.mark.parametrize(
    ("email", "seen"),
    [
        ("bruno@example.org", ["2024", "1041", "3014"]),
        ("clara@example.org", ["2024"]),
        ("dora@example.org", []),
    ],
)
async def test_roles_see_different_monitors(cloud, sign_in, email, seen):
    account = await sign_in(cloud, email)
    assert [device["uuid"] for device in await account.devices()] == seen


@pytest.mark.parametrize("wrong", [{"Role": "ClientUser"}, {"UserId": "0" * 24}])
async def test_a_foreign_role_or_user_is_refused(account, wrong):
    assert (await account.list(**wrong)).status == 403


@pytest.mark.parametrize("missing", ["DeviceType", "Role", "UserId"])
async def test_every_parameter_is_needed(account, missing):
    assert (await account.list(**{missing: ""})).status == 400


async def test_the_newest_record_comes_along_and_is_at_most_minutes_old(cloud, account, clock):
    for _ in range(5):
        clock.advance(60)
        for device in await account.devices():
            record = device["lastReceivedRecord"]
            truth = cloud.truth(device["uuid"])
            assert when(record["date"]) == when(truth["date"])
            assert when(truth["received"]) <= clock.now()
            assert clock.now() - when(record["date"]) < timedelta(minutes=6)


async def test_what_arrived_last_may_not_be_what_is_newest(open_cloud, sign_in, clock):
    cloud = await open_cloud(late=0.2, loss=0, last_record="received")
    account = await sign_in(cloud)
    behind = 0
    for _ in range(20):
        clock.advance(60)
        for device in await account.devices():
            newest = when(cloud.truth(device["uuid"])["date"])
            shown = when(device["lastReceivedRecord"]["date"])
            assert shown <= newest
            behind += shown < newest
    assert behind


async def test_what_arrived_last_can_be_hours_old_after_an_outage(open_cloud, sign_in, clock):
    cloud = await open_cloud(late=0, loss=0, last_record="received")
    account = await sign_in(cloud)
    monitor = cloud.monitors[0]
    monitor.offline.begin(clock.micros())
    clock.advance(6 * 3600)
    monitor.offline.finish(clock.micros())
    seen = set()
    for _ in range(120):
        clock.advance(1)
        seen.add(when((await account.devices())[0]["lastReceivedRecord"]["date"]))
    assert clock.now() - min(seen) > timedelta(hours=3)
    assert len(seen) > 50


@pytest.mark.parametrize(
    ("form", "value"),
    [("null", None), ("empty", {}), ("text", "no record"), ("number", 17), ("list", [])],
)
async def test_the_last_record_may_be_anything(open_cloud, sign_in, form, value):
    account = await sign_in(await open_cloud(last_record=form))
    assert [device["lastReceivedRecord"] for device in await account.devices()] == [value] * 5


async def test_the_last_record_may_be_left_out_of_one_or_all(cloud, account):
    await account.control("POST", "/monitors/1041", {"last_record": "absent"})
    listed = await account.devices()
    assert [device["uuid"] for device in listed if "lastReceivedRecord" not in device] == ["1041"]
    await account.control("POST", "/variants", {"last_record": "absent"})
    assert not any("lastReceivedRecord" in device for device in await account.devices())


async def test_the_last_record_may_have_another_types_shape(account):
    await account.control("POST", "/monitors/1041", {"last_record": "other_type"})
    device = next(one for one in await account.devices("SPOD") if one["uuid"] == "1041")
    assert "LaserCellConcentration" in device["lastReceivedRecord"]
    assert "pid1_PPB_Calc" not in device["lastReceivedRecord"]


@pytest.mark.parametrize(("form", "kind"), [("bare", list), ("data", dict)])
async def test_the_list_comes_bare_or_wrapped(open_cloud, sign_in, form, kind):
    account = await sign_in(await open_cloud(devices=form))
    listed = await account.devices()
    assert isinstance(listed, kind)
    assert len(listed["data"] if kind is dict else listed) == 5


@pytest.mark.parametrize(("form", "empty"), [("list", []), ("null", None)])
async def test_an_account_may_be_empty(open_cloud, sign_in, form, empty):
    account = await sign_in(await open_cloud(spods=0, fmds=0, ramps=0, empty=form))
    assert await account.devices() == empty


def _uuids(listed):
    return [device.get("uuid", "none") for device in listed]


QUIRKY = {
    "unknown_type": lambda one: one["type"] == "XPOD",
    "lower_type": lambda one: one["type"] == "fmd",
    "no_type": lambda one: "type" not in one,
    "no_uuid": lambda one: "uuid" not in one,
    "null_uuid": lambda one: one["uuid"] is None,
    "blank_uuid": lambda one: one["uuid"] == "",
    "number_uuid": lambda one: one["uuid"] == 2024,
    "null_name": lambda one: one["name"] is None,
    "no_location": lambda one: "location" not in one,
    "text_flags": lambda one: one["isFirmwareUpdateRequire"] == "true",
    "null_flags": lambda one: one["isCharging"] is None,
    "text_battery": lambda one: one["battery"].isdecimal(),
    "wild_battery": lambda one: one["battery"] == 4012.5,
    "unknown_status": lambda one: one["status"] == "Hibernating",
    "more_device_fields": lambda one: "addedLater" in one,
    "only_uuid": lambda one: set(one) == {"uuid", "type"},
    "null_device": lambda one: one is None,
    "text_device": lambda one: one == "device",
}


def test_every_quirk_of_a_device_is_looked_at():
    assert set(QUIRKY) == set(DEVICE_QUIRKS)


@pytest.mark.parametrize("quirk", QUIRKY)
async def test_one_monitor_does_it_wrong_and_no_other(account, quirk):
    usual = await account.devices()
    await account.control("POST", "/monitors/2024", {"quirks": [quirk]})
    listed = await account.devices()
    assert QUIRKY[quirk](listed[0])
    assert listed[1:] == usual[1:]
    await account.control("POST", "/monitors/2024", {"quirks": []})
    assert await account.devices() == usual


async def test_two_monitors_may_have_the_same_uuid(account):
    await account.control("POST", "/monitors/1041", {"quirks": ["same_uuid"]})
    listed = [one for one in await account.devices() if one["uuid"] == "1041"]
    assert len(listed) == 2
    assert listed[0]["name"] != listed[1]["name"]


WRONG_RECORDS = {
    "numbers_as_text": lambda record: float(record["CH4"]) > 1 and isinstance(record["CH4"], str),
    "nan": lambda record: math.isnan(record["LaserCellConcentration"]["Conc_cor"]),
    "infinity": lambda record: record["CH4"] == math.inf,
    "huge": lambda record: record["CH4"] == 1e308,
    "negative": lambda record: record["CH4"] < -1,
    "booleans": lambda record: record["CH4"] is True,
    "null_values": lambda record: record["CH4"] is None and record["date"],
    "missing_fields": lambda record: "date" in record and len(record) < 10,
    "more_fields": lambda record: record["modem"]["deep"] == {"er": 3},
    "no_date": lambda record: "date" not in record,
    "null_date": lambda record: record["date"] is None,
    "bad_date": lambda record: record["date"] == "yesterday evening",
    "null_record": lambda record: record is None,
    "text_record": lambda record: record == "record",
}


def test_every_quirk_of_a_record_is_looked_at():
    assert set(WRONG_RECORDS) == set(RECORD_QUIRKS)
    assert set(QUIRKY) | set(WRONG_RECORDS) | {"same_uuid", "twice"} == QUIRKS


@pytest.mark.parametrize("quirk", WRONG_RECORDS)
async def test_a_wrong_record_is_wrong_in_the_list_and_in_the_log(cloud, account, quirk):
    cloud.monitor("2024").quirks = {quirk}
    device = (await account.devices())[0]
    assert WRONG_RECORDS[quirk](device["lastReceivedRecord"])
    log = await account.log("2024", "2026-09-13 10:00:00", "2026-09-13 12:00:00")
    assert all(WRONG_RECORDS[quirk](record) for record in log["data"])
    assert len(log["data"]) > 100


async def test_a_wrong_record_is_right_in_the_truth(cloud):
    usual = cloud.truth("2024")
    cloud.monitor("2024").quirks = {"nan", "no_date"}
    assert cloud.truth("2024") == usual


async def test_a_single_field_may_be_anything(cloud, account, clock):
    changes = {"CH4": math.nan, "LaserCellConcentration.Conc_cor": [1], "odd.path": 7}
    body = json.dumps({"override": changes})
    await account.ask("POST", "/monitors/2024", base=cloud.control_url, data=body)
    clock.advance(180)
    record = (await account.devices())[0]["lastReceivedRecord"]
    assert math.isnan(record["CH4"])
    assert (record["LaserCellConcentration"]["Conc_cor"], record["odd"]) == ([1], {"path": 7})
    assert cloud.records("2024", clock.now() - timedelta(days=1), clock.now())[0]["values"]["CH4"]
    await account.control("POST", "/monitors/2024", {"override": {}})
    clock.advance(180)
    assert (await account.devices())[0]["lastReceivedRecord"]["CH4"] > 1


@pytest.mark.parametrize(
    ("form", "fits"),
    [("percent", lambda b: b > 20), ("zero", lambda b: b == 0), ("volts", lambda b: 11 < b < 14)],
)
async def test_the_battery_has_one_of_several_units(open_cloud, sign_in, form, fits):
    account = await sign_in(await open_cloud(battery=form))
    assert all(fits(device["battery"]) for device in await account.devices())


async def test_a_monitor_charges_by_day_alone(open_cloud, sign_in, clock):
    account = await sign_in(await open_cloud(token_seconds=100_000))
    charging = []
    for _ in range(24):
        clock.advance(3600)
        device = (await account.devices("SPOD"))[0]
        if not device["isCharging"]:
            assert device["lastReceivedRecord"]["chrg_current"] < 60
        charging.append(device["isCharging"])
    assert 6 < sum(charging) < 14


async def test_a_fresh_list_says_so_only_if_it_is_planned(account, cloud):
    assert "Cache-Control" not in (await account.list()).headers
    await account.control("POST", "/config", {"max_age": 60})
    assert (await account.list()).headers["Cache-Control"] == "max-age=60, private"
    await account.list()
    assert len(cloud.early_requests()) == 1


async def test_a_list_that_has_not_changed_is_304_to_who_knows_it(open_cloud, sign_in, clock):
    account = await sign_in(await open_cloud(etag=True))
    tag = (await account.list()).headers["ETag"]
    assert tag.startswith('W/"')
    same = await account.list(headers={"If-None-Match": tag})
    assert (same.status, same.body) == (304, b"")
    clock.advance(120)
    assert (await account.list(headers={"If-None-Match": tag})).status == 200


async def test_a_monitor_comes_goes_and_comes_back(cloud, account):
    uuid = (await account.control("POST", "/monitors", {"type": "SPOD"})).json["uuid"]
    added = (await account.devices())[-1]
    assert (added["uuid"], added["lastReceivedRecord"]) == (uuid, None)
    await account.control("POST", f"/monitors/{uuid}/remove")
    assert uuid not in _uuids(await account.devices())
    assert (await account.control("POST", "/monitors/9/restore")).status == 404
    await account.control("POST", f"/monitors/{uuid}/restore")
    assert uuid in _uuids(await account.devices())
    assert (await account.control("POST", "/monitors", {"type": "XPOD"})).status == 400
