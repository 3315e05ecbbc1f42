"""The logs of a window, and the days that have data."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
import re

import pytest

from .conftest import when

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)
TEN = NOON - timedelta(hours=2)
WINDOW = ("2026-09-13 10:00:00", "2026-09-13 12:00:00")

SPOD = {
    "_id": str,
    "id": str,
    "date": str,
    "pid1_PPB_Calc": float,
    "pid1_mvRaw": float,
    "temp": float,
    "rh_Humd": float,
    "pressure_mbar": float,
    "ws_speed": float,
    "ws_direction": float,
    "tc_temp": float,
    "tc_heatOutput": float,
    "tc_setPoint": float,
    "batt_voltage": float,
    "chrg_current": float,
    "run_current": float,
    "trig": dict,
    "lat": float,
    "long": float,
}
RAMP = {
    "date": str,
    "id": str,
    **dict.fromkeys(("T", "RH", "WS", "WD", "CO", "NO", "NO2", "O3", "SO2", "CO2"), float),
    **dict.fromkeys(("PM_1_1_0", "PM_1_2_5", "PM_1_10_0"), float),
    "OPCData": dict,
    "raw": list,
    **dict.fromkeys(("BATT", "CHRG", "lat", "long"), float),
}
FMD = {
    "date": str,
    "CH4": float,
    "LaserCellConcentration": dict,
    "_3DMet": dict,
    **dict.fromkeys(("WS", "WD", "T", "RH", "P", "BATT", "CHRG", "RUN", "lat", "long"), float),
}


@pytest.mark.parametrize(("uuid", "fields"), [("1041", SPOD), ("3014", RAMP), ("2024", FMD)])
async def test_a_record_has_the_documented_fields(open_cloud, sign_in, uuid, fields):
    account = await sign_in(await open_cloud(fixless=0))
    records = (await account.log(uuid, *WINDOW))["data"]
    for record in records:
        assert {name: type(value) for name, value in record.items()} == fields


async def test_what_is_nested_has_the_documented_names(account):
    (spod, *_), (ramp, *_), (fmd, *_) = [
        (await account.log(uuid, *WINDOW))["data"] for uuid in ("1041", "3014", "2024")
    ]
    assert spod["trig"] == {"trig_activeFlag": 0}
    assert set(ramp["OPCData"]) == {"OPC_1_0", "OPC_2_5", "OPC_10_0", "OPC_T", "OPC_RH"}
    assert [set(one) for one in ramp["raw"]] == [{"channel", "aux_avg", "act_avg"}] * 4
    assert set(fmd["LaserCellConcentration"]) == {"Conc_cor"}
    assert set(fmd["_3DMet"]) == {"U", "V", "W"}


async def test_units_of_a_type_are_equipped_differently(open_cloud, sign_in):
    account = await sign_in(await open_cloud(ramps=2))
    fmd = (await account.log("2025", *WINDOW))["data"][0]
    ramp = (await account.log("3015", *WINDOW))["data"][0]
    assert {"CH4", "_3DMet"}.isdisjoint(fmd)
    assert "LaserCellConcentration" in fmd
    assert {"SO2", "CO2", "OPCData"}.isdisjoint(ramp)


@pytest.mark.parametrize("uuid", ["1041", "3014", "2024"])
async def test_a_log_is_the_truth_of_its_window_newest_first(cloud, account, uuid):
    log = await account.log(uuid, *WINDOW)
    truth = cloud.records(uuid, TEN, NOON)
    assert [when(record["date"]) for record in log["data"]] == [
        when(one["date"]) for one in reversed(truth)
    ]
    assert 110 < len(truth) <= 120
    first = log["data"][-1]
    for path, value in truth[0]["values"].items():
        found = first
        for name in path.split("."):
            found = found[name]
        assert found == value


async def test_the_windows_of_a_day_hold_every_record_of_it_once(open_cloud, sign_in):
    account = await sign_in(await open_cloud())
    midnight = NOON - timedelta(hours=36)
    dates = []
    for hours in range(0, 24, 2):
        start, end = (midnight + timedelta(hours=hours + more) for more in (0, 2))
        log = await account.log("1041", f"{start:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}")
        dates += [when(record["date"]) for record in reversed(log["data"])]
    truth = account.cloud.records("1041", midnight, midnight + timedelta(days=1))
    assert dates == [when(one["date"]) for one in truth]
    assert 1420 < len(dates) < 1440


@pytest.mark.parametrize(("form", "count"), [("inclusive", 121), ("exclusive", 120)])
async def test_a_record_at_the_end_of_a_window_is_in_it_or_not(open_cloud, sign_in, form, count):
    cloud = await open_cloud(window_end=form, phase="full", loss=0, late=0)
    account = await sign_in(cloud)
    log = await account.log("1041", "2026-09-12 10:00:00", "2026-09-12 12:00:00")
    assert len(log["data"]) == count


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-9-12 22:00:00", "2026-9-12 24:00:00"),
        ("2026-09-12 22:00:00", "2026-9-13 0:00:00"),
        ("2026-09-12T22:00:00Z", "2026-09-13T00:00:00.000Z"),
    ],
)
async def test_dates_are_read_in_every_known_form(account, start, end):
    usual = await account.log("1041", "2026-09-12 22:00:00", "2026-09-13 00:00:00")
    assert await account.log("1041", start, end) == usual
    assert len(usual["data"]) > 100


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"DeviceID": "1041", "StartDate": WINDOW[0], "EndDate": WINDOW[1]},
        {"DeviceId": "1041", "EndDate": WINDOW[1]},
        {"DeviceId": "1041", "StartDate": WINDOW[0]},
        {"DeviceId": "1041", "StartDate": WINDOW[1], "EndDate": WINDOW[0]},
        {"DeviceId": "1041", "StartDate": "13/09/2026 10:00", "EndDate": WINDOW[1]},
        {"DeviceId": "1041", "StartDate": "2026-02-30 10:00:00", "EndDate": WINDOW[1]},
        {"DeviceId": "1041", "StartDate": "2026-09-13 24:30:00", "EndDate": WINDOW[1]},
    ],
)
async def test_a_call_that_lacks_something_is_refused(account, body):
    answer = await account.ask("POST", "/sensors-data/getSPODDeviceLogForGivenHour", json=body)
    assert answer.status == 400


async def test_an_unknown_monitor_has_no_records_and_a_foreign_one_is_refused(cloud, sign_in):
    account = await sign_in(cloud, "clara@example.org")
    path = "/sensors-data/getSPODDeviceLogForGivenHour"
    body = {"StartDate": WINDOW[0], "EndDate": WINDOW[1]}
    for uuid, status in (("9", 200), ("2024", 200), ("1041", 403)):
        answer = await account.ask("POST", path, json=body | {"DeviceId": uuid})
        assert answer.status == status
        if status == 200:
            assert answer.json == {"data": []}


async def test_a_window_of_the_future_is_empty(account):
    log = await account.log("1041", "2026-09-13 14:00:00", "2026-09-13 16:00:00")
    assert log == {"data": []}


async def test_a_given_hour_is_two_hours_at_most(open_cloud, sign_in):
    account = await sign_in(await open_cloud())
    log = await account.log("1041", "2026-09-12 10:00:00", "2026-09-12 16:00:00")
    assert when(log["data"][0]["date"]) <= TEN - timedelta(hours=22)
    assert len(log["data"]) > 110
    account.cloud.config.variants.long_window = "refused"
    with pytest.raises(AssertionError, match="too long"):
        await account.log("1041", "2026-09-12 10:00:00", "2026-09-12 16:00:00")


@pytest.mark.parametrize("uuid", ["1041", "3014", "2024"])
async def test_a_period_may_be_longer(cloud, account, uuid):
    start, end = "2026-09-12 10:00:00", "2026-09-12 16:00:00"
    log = await account.log(uuid, start, end, call="BetweenTimePeriod")
    assert 340 < len(log["data"]) <= 360


async def test_a_log_comes_bare_or_wrapped(open_cloud, sign_in):
    account = await sign_in(await open_cloud(logs="bare"))
    assert isinstance(await account.log("1041", *WINDOW), list)


@pytest.mark.parametrize("count", [119, 120])
async def test_a_log_comes_in_one_of_three_orders(open_cloud, sign_in, count):
    cloud = await open_cloud(loss=0, late=0, phase="full", window_end="exclusive")
    account = await sign_in(cloud)
    found = {}
    for order in ("newest", "oldest", "mixed"):
        cloud.config.variants.order = order
        log = await account.log("1041", f"2026-09-12 10:0{120 - count}:00", "2026-09-12 12:00:00")
        found[order] = [record["date"] for record in log["data"]]
    assert found["oldest"] == found["newest"][::-1] == sorted(found["mixed"])
    assert len(set(found["mixed"])) == len(found["mixed"]) == count
    assert found["mixed"] not in (found["oldest"], found["newest"])


DATES = {
    "z": r"2026-09-13T1\d:\d\d:\d\d\.000Z",
    "offset": r"2026-09-13T1\d:\d\d:\d\d\+00:00",
    "naive": r"2026-09-13T1\d:\d\d:\d\d",
    "space": r"2026-09-13 1\d:\d\d:\d\d",
    "export": r"13-Sep-2026 1\d:\d\d:\d\d",
    "american": r"09/13/2026 1\d:\d\d:\d\d AM",
    "millis": r"1789[23]\d{5}000",
    "seconds": r"1789[23]\d{5}",
}


@pytest.mark.parametrize("form", DATES)
async def test_a_date_has_one_of_several_forms(open_cloud, sign_in, form):
    account = await sign_in(await open_cloud(date=form))
    log = await account.log("1041", *WINDOW)
    assert all(re.fullmatch(DATES[form], str(record["date"])) for record in log["data"])
    assert isinstance(log["data"][0]["date"], int if form in ("millis", "seconds") else str)


async def test_a_monitor_whose_clock_is_ahead_dates_its_records_so(cloud, account, clock):
    await account.control("POST", "/monitors/1041", {"clock_skew": 7200})
    device = next(one for one in await account.devices() if one["uuid"] == "1041")
    assert when(device["lastReceivedRecord"]["date"]) > clock.now() + timedelta(minutes=110)
    log = await account.log("1041", "2026-09-13 12:00:00", "2026-09-13 14:00:00")
    assert when(log["data"][0]["date"]) == when(cloud.truth("1041")["date"])
    assert len(log["data"]) > 100
    day = (await account.dates("1041")).json[0]
    assert when(day["date"]) == when(cloud.truth("1041")["date"])


@pytest.mark.parametrize(
    ("form", "has"),
    [
        ("documented", {"1041": {"_id", "id"}, "3014": {"id"}, "2024": set()}),
        ("all", {uuid: {"_id", "id"} for uuid in ("1041", "3014", "2024")}),
        ("none", {uuid: set() for uuid in ("1041", "3014", "2024")}),
    ],
)
async def test_records_have_ids_or_not(open_cloud, sign_in, form, has):
    account = await sign_in(await open_cloud(ids=form))
    for uuid, names in has.items():
        records = (await account.log(uuid, *WINDOW))["data"]
        assert all({"_id", "id"} & set(record) == names for record in records)
        if "_id" in names:
            assert len({record["_id"] for record in records}) == len(records)


async def test_nested_objects_may_be_dotted_keys(open_cloud, sign_in):
    account = await sign_in(await open_cloud(nested=False))
    spod = (await account.log("1041", *WINDOW))["data"][0]
    fmd = (await account.log("2024", *WINDOW))["data"][0]
    assert spod["trig.trig_activeFlag"] == 0
    assert {"LaserCellConcentration.Conc_cor", "_3DMet.U"} <= set(fmd)


async def test_each_record_may_come_twice(cloud, account):
    once = (await account.log("1041", *WINDOW))["data"]
    await account.control("POST", "/monitors/1041", {"quirks": ["twice"]})
    twice = (await account.log("1041", *WINDOW))["data"]
    assert twice[::2] == twice[1::2] == once


async def test_records_of_a_minute_are_lost_now_and_then(open_cloud):
    cloud = await open_cloud(loss=0.1, late=0, history_days=2)
    truth = cloud.records("1041", NOON - timedelta(days=1), NOON)
    gaps = [when(b["date"]) - when(a["date"]) for a, b in pairwise(truth)]
    assert 1220 < len(truth) < 1370
    assert min(gaps) == timedelta(minutes=1)
    assert all(gap % timedelta(minutes=1) == timedelta(0) for gap in gaps)


async def test_late_records_come_late_and_come_once(open_cloud, sign_in, clock):
    cloud = await open_cloud(late=0.2, loss=0)
    account = await sign_in(cloud)
    before = (await account.log("1041", *WINDOW))["data"]
    will = cloud.records("1041", TEN, NOON, ever=True)
    clock.advance(3600)
    after = (await account.log("1041", *WINDOW))["data"]
    assert len(before) < len(after) == len(will) == 120
    late = [one for one in will if when(one["received"]) - when(one["date"]) > timedelta(minutes=9)]
    assert 10 < len(late) < 40


async def test_a_silent_monitor_makes_no_record(cloud, account, clock):
    await account.control("POST", "/monitors/1041/silent")
    last = cloud.truth("1041")
    clock.advance(3600)
    (device,) = [one for one in await account.devices() if one["uuid"] == "1041"]
    shown = when(device["lastReceivedRecord"]["date"])
    assert when(last["date"]) <= shown <= when(last["date"]) + timedelta(minutes=1)
    await account.control("POST", "/monitors/1041/speak")
    clock.advance(300)
    assert clock.now() - when(cloud.truth("1041")["date"]) < timedelta(minutes=4)
    silent = cloud.records("1041", NOON + timedelta(minutes=1), NOON + timedelta(hours=1))
    assert silent == []


async def test_an_offline_monitor_sends_afterwards_what_it_made(open_cloud, sign_in, clock):
    cloud = await open_cloud(late=0, loss=0)
    account = await sign_in(cloud)
    await account.control("POST", "/monitors/1041/offline")
    clock.advance(2 * 3600)
    assert cloud.truth("1041")["date"] < NOON.isoformat()
    assert cloud.records("1041", NOON, clock.now()) == []
    await account.control("POST", "/monitors/1041/online")
    clock.advance(150)
    assert len(cloud.records("1041", NOON, NOON + timedelta(hours=2))) == 120


async def test_a_silence_can_be_ordered_for_the_past(cloud, account):
    span = {"start": "2026-09-13T03:00:00Z", "end": "2026-09-13T05:00:00+00:00"}
    await account.control("POST", "/monitors/1041/silent", span)
    day = cloud.records("1041", NOON - timedelta(hours=12), NOON)
    hours = [when(one["date"]).hour for one in day]
    assert {3, 4}.isdisjoint(hours)
    assert {2, 5} <= set(hours)


async def test_monitors_may_fall_silent_by_themselves(open_cloud):
    cloud = await open_cloud(silent=0.5, late=0, loss=0)
    whole = cloud.records("1041", NOON - timedelta(days=3), NOON)
    assert 0.2 < len(whole) / 4320 < 0.8
    assert len(whole) % 180 <= 1 or len(whole) % 180 >= 178


async def test_the_days_with_data_are_counted_in_the_time_zone_that_is_asked_for(cloud, account):
    utc = (await account.dates("1041")).json
    chicago = (await account.dates("1041", "America/Chicago")).json
    assert [day["_id"] for day in utc] == [
        {"month": 9, "day": day, "year": 2026} for day in (13, 12, 11, 10)
    ]
    midnight = datetime(2026, 9, 12, 5, tzinfo=UTC)
    truth = cloud.records("1041", midnight, midnight + timedelta(days=1))
    (there,) = [day for day in chicago if day["_id"]["day"] == 12]
    assert (there["count"], when(there["date"])) == (len(truth), when(truth[-1]["date"]))
    assert [day["count"] for day in utc] != [day["count"] for day in chicago]


async def test_available_dates_come_wrapped_in_any_order_or_not_at_all(open_cloud, sign_in):
    account = await sign_in(await open_cloud(dates="data", order="oldest"))
    days = (await account.dates("1041")).json["data"]
    assert [day["_id"]["day"] for day in days] == [10, 11, 12, 13]
    body = {"DeviceId": "7", "DeviceType": "FMD", "Timezone": "UTC"}
    none = await account.ask("POST", "/sensors-data/getFMDDataAvailableDates", json=body)
    assert none.json == {"data": []}


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../etc/passwd"])
async def test_an_unknown_time_zone_is_refused(account, zone):
    assert (await account.dates("1041", zone)).status == 400


async def test_a_day_of_ten_monitors_is_not_kept_in_memory(open_cloud, clock):
    cloud = await open_cloud(spods=4, fmds=4, ramps=2, history_days=400)
    long_ago = NOON - timedelta(days=399)
    total = sum(
        len(cloud.records(one.uuid, long_ago, long_ago + timedelta(hours=2)))
        for one in cloud.monitors
    )
    assert 1150 < total <= 1200
