"""Wind, weather, plumes and canisters."""

from datetime import UTC, datetime, timedelta
from math import atan2, degrees

import pytest

from simulators.sensit import ApiVariants, CloudConfig

from .conftest import when

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)
DAY = NOON - timedelta(days=1)


def series(cloud, uuid, field, since, until):
    return [
        (when(one["date"]), one["values"][field])
        for one in cloud.records(uuid, since, until, ever=True)
        if field in one["values"]
    ]


def values(*arguments):
    return [value for _, value in series(*arguments)]


async def test_the_same_seed_measures_the_same(open_cloud):
    first, second = await open_cloud(), await open_cloud()
    other = await open_cloud(seed=2)
    assert first.records("1041", DAY, NOON) == second.records("1041", DAY, NOON)
    assert first.records("1041", DAY, NOON) != other.records("1041", DAY, NOON)


BELIEVABLE = {
    ("1041", "pid1_PPB_Calc"): (25, 120),
    ("1041", "temp"): (-25, 40),
    ("1041", "rh_Humd"): (5, 100),
    ("1041", "pressure_mbar"): (990, 1030),
    ("1041", "ws_speed"): (0, 9),
    ("1041", "ws_direction"): (0, 360),
    ("1041", "batt_voltage"): (11.5, 14),
    ("2024", "CH4"): (1.8, 3.5),
    ("3014", "CO"): (150, 900),
    ("3014", "NO"): (-8, 20),
    ("3014", "NO2"): (0, 40),
    ("3014", "O3"): (0, 80),
    ("3014", "SO2"): (-4, 6),
    ("3014", "CO2"): (410, 560),
    ("3014", "PM_1_2_5"): (0, 45),
    ("3014", "BATT"): (3.6, 4.4),
}


@pytest.mark.parametrize(("uuid", "field"), BELIEVABLE)
async def test_values_are_believable_and_move(open_cloud, uuid, field):
    least, most = BELIEVABLE[uuid, field]
    for seed in (1, 2, 3):
        measured = values(await open_cloud(seed=seed), uuid, field, DAY, NOON)
        assert least <= min(measured) < max(measured) <= most
        assert len(set(measured)) > 50


async def test_the_sun_makes_days_warm_and_ozone_and_nights_humid(open_cloud):
    cloud = await open_cloud(longitude=0.0, latitude=47.0)
    night, day = (DAY + timedelta(hours=hours) for hours in (14, 25))

    def mean(uuid, field, start):
        measured = values(cloud, uuid, field, start, start + timedelta(hours=2))
        return sum(measured) / len(measured)

    assert mean("1041", "temp", day - timedelta(hours=1)) > mean("1041", "temp", night) + 3
    assert mean("3014", "O3", day - timedelta(hours=2)) > mean("3014", "O3", night) + 5
    assert mean("1041", "rh_Humd", day) < mean("1041", "rh_Humd", night) - 10


async def test_calm_air_has_no_direction_on_an_fmd(open_cloud):
    cloud = await open_cloud()
    records = cloud.records("2024", NOON - timedelta(days=3), NOON)
    calm = [one["values"] for one in records if one["values"]["WD"] == 375]
    assert 10 < len(calm) < len(records) / 2
    assert all(one["WS"] < 0.4 for one in calm)
    assert all(one["values"]["WD"] < 360 for one in records if one["values"]["WS"] >= 0.4)
    assert max(values(cloud, "1041", "ws_direction", DAY, NOON)) < 360
    cloud.config.variants.calm = "all"
    spod = values(cloud, "1041", "ws_direction", NOON - timedelta(days=3), NOON)
    assert max(spod) == 375


async def test_gas_stays_where_the_air_does_not_move(open_cloud):
    cloud = await open_cloud(history_days=10)
    records = cloud.records("2024", NOON - timedelta(days=10), NOON)
    calm = [one["values"]["CH4"] for one in records if one["values"]["WS"] < 0.3]
    windy = [one["values"]["CH4"] for one in records if one["values"]["WS"] > 2.5]
    assert sum(calm) / len(calm) > sum(windy) / len(windy) + 0.05


async def test_a_leak_crosses_one_monitor_and_then_the_other(cloud, account, clock):
    body = {"across": ["2024", "1041"], "start": "2026-09-13T13:00:00Z", "seconds": 1800}
    leak = (await account.control("POST", "/leaks", body)).json
    start, end = NOON + timedelta(minutes=55), NOON + timedelta(minutes=100)
    methane = series(cloud, "2024", "CH4", start, end)
    voc = series(cloud, "1041", "pid1_PPB_Calc", start, end)
    (first, ppm), (second, ppb) = (max(one, key=lambda pair: pair[1]) for one in (methane, voc))
    for series_of, peak, rise in ((methane, ppm, 1.5), (voc, ppb, 80)):
        assert peak > max(series_of[0][1], series_of[-1][1]) + rise
    assert timedelta(minutes=5) < second - first < timedelta(minutes=30)
    assert (leak["kind"], leak["rate"]) == ("gas", 5.0)


async def test_the_wind_at_the_peak_points_back_at_the_leak(cloud, account):
    body = {"across": ["2024", "1041"], "start": "2026-09-13T13:00:00Z"}
    leak = (await account.control("POST", "/leaks", body)).json
    monitor = cloud.monitor("2024")
    hour = cloud.records("2024", NOON + timedelta(hours=1), NOON + timedelta(hours=2), ever=True)
    peak = max(hour, key=lambda one: one["values"]["CH4"])["values"]
    bearing = degrees(atan2(leak["east"] - monitor.east, leak["north"] - monitor.north)) % 360
    off = (peak["WD"] - bearing + 180) % 360 - 180
    assert abs(off) < 30


async def test_gas_does_not_go_against_the_wind(cloud, account):
    monitor = cloud.monitor("1042")
    await account.control("POST", "/wind", {"first": 270, "speed": 3})
    usual = values(cloud, "1042", "pid1_PPB_Calc", NOON, NOON + timedelta(hours=1))
    place = {"east": monitor.east + 50, "north": monitor.north, "rate": 50}
    await account.control("POST", "/leaks", place)
    assert values(cloud, "1042", "pid1_PPB_Calc", NOON, NOON + timedelta(hours=1)) == usual


async def test_a_plume_takes_the_way_the_wind_takes(cloud, account):
    monitor = cloud.monitor("2024")
    wind = {"start": "2026-09-13T12:30:00Z", "seconds": 7200, "speed": 1.0, "first": 270}
    await account.control("POST", "/wind", wind)
    place = {"east": monitor.east - 600, "north": monitor.north, "rate": 60}
    begin = NOON + timedelta(hours=1)
    await account.control("POST", "/leaks", place | {"start": begin.isoformat(), "seconds": 600})
    risen = [
        at for at, ppm in series(cloud, "2024", "CH4", NOON, NOON + timedelta(hours=3)) if ppm > 3.5
    ]
    assert timedelta(minutes=8) < risen[0] - begin < timedelta(minutes=13)
    assert timedelta(minutes=17) < risen[-1] - begin < timedelta(minutes=24)


async def test_a_leak_can_be_ended_and_the_wind_set_free(cloud, account, clock):
    free = values(cloud, "1041", "ws_direction", NOON, NOON + timedelta(hours=2))
    await account.control("POST", "/wind", {"first": 10, "last": 50, "speed": 4})
    ordered = values(cloud, "1041", "ws_direction", NOON, NOON + timedelta(minutes=59))
    assert ordered[0] < 30
    assert 35 < ordered[-1] < 65
    monitor = cloud.monitor("1041")
    await account.control(
        "POST", "/leaks", {"east": monitor.east + 20, "north": monitor.north + 60, "rate": 9}
    )
    assert max(values(cloud, "1041", "pid1_PPB_Calc", NOON, NOON + timedelta(hours=1))) > 200
    await account.control("DELETE", "/wind")
    await account.control("DELETE", "/leaks")
    assert values(cloud, "1041", "ws_direction", NOON, NOON + timedelta(hours=2)) == free
    assert len((await account.control("GET", "/leaks")).json["leaks"]) == 1
    assert max(values(cloud, "1041", "pid1_PPB_Calc", NOON, NOON + timedelta(hours=1))) < 120


async def test_smoke_reaches_a_ramp(cloud, account):
    body = {"across": ["2024", "3014"], "start": "2026-09-13T13:00:00Z", "kind": "smoke"}
    hour = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    usual = {name: max(values(cloud, "3014", name, *hour)) for name in ("CO", "PM_1_2_5")}
    methane = values(cloud, "2024", "CH4", *hour)
    await account.control("POST", "/leaks", body)
    assert max(values(cloud, "3014", "CO", *hour)) > usual["CO"] + 150
    assert max(values(cloud, "3014", "PM_1_2_5", *hour)) > usual["PM_1_2_5"] + 15
    assert max(values(cloud, "2024", "CH4", *hour)) <= max(methane) + 0.1


async def test_a_spod_fills_a_canister_when_a_plume_reaches_it_four_in_all(cloud, clock):
    for hours in range(1, 6):
        cloud.leak_across("2024", "1041", NOON + timedelta(hours=hours), 1800, rate=8.0)
    active = [
        flag
        for _, flag in series(
            cloud, "1041", "trig.trig_activeFlag", NOON, NOON + timedelta(hours=7)
        )
        if flag
    ]
    assert sorted(set(active)) == [1, 2, 3, 4]
    assert active == sorted(active)
    assert cloud.monitor("1042").triggers == []


async def test_a_canister_can_be_filled_by_hand(cloud, account, clock):
    await account.control("POST", "/monitors/1041/trigger", {"port": 3, "seconds": 300})
    clock.advance(200)
    (device,) = [one for one in await account.devices() if one["uuid"] == "1041"]
    assert device["lastReceivedRecord"]["trig"] == {"trig_activeFlag": 3}
    clock.advance(300)
    assert cloud.truth("1041")["values"]["trig.trig_activeFlag"] == 0


@pytest.mark.parametrize(
    ("form", "trig"),
    [
        ("zero", {"trig_activeFlag": 0}),
        ("null", {"trig_activeFlag": None}),
        ("text", {"trig_activeFlag": ""}),
        ("missing", {}),
        ("no_trig", "nothing"),
    ],
)
async def test_no_canister_is_told_in_one_of_several_forms(open_cloud, sign_in, form, trig):
    account = await sign_in(await open_cloud(idle_trigger=form))
    record = (await account.devices("SPOD"))[0]["lastReceivedRecord"]
    assert record.get("trig", "nothing") == trig


async def test_a_position_is_near_the_site_or_missing(open_cloud):
    cloud = await open_cloud(fixless=0.3, latitude=-33.0, longitude=151.0)
    spod = [one["values"] for one in cloud.records("1041", DAY, NOON)]
    fmd = [one["values"] for one in cloud.records("2024", DAY, NOON)]
    nowhere = [one for one in spod if (one["lat"], one["long"]) == (0, 0)]
    assert 0.2 < len(nowhere) / len(spod) < 0.4
    assert 0.2 < sum("lat" not in one for one in fmd) / len(fmd) < 0.4
    for one in spod:
        if one not in nowhere:
            assert abs(one["lat"] + 33) < 0.01
            assert abs(one["long"] - 151) < 0.01


def test_a_plan_has_the_documented_lifetime_and_the_documented_forms_first():
    assert CloudConfig().token_seconds == 28_800
    assert (
        ApiVariants().devices,
        ApiVariants().logs,
        ApiVariants().dates,
        ApiVariants().order,
    ) == (
        "bare",
        "data",
        "bare",
        "newest",
    )
