"""Readings: raw, relative, aggregated, in figures and of many sensors, in every form."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from .conftest import START
from .manfred_kunze import caller_fixture, cloud_fixture, open_mk_fixture  # noqa: F401


def iso(moment):
    return moment.isoformat().replace("+00:00", "Z")


def when(reading):
    return datetime.fromisoformat(reading["timestamp"])


@pytest.fixture(name="sensor")
def sensor_fixture(cloud):
    return cloud.sensor("temperature")


async def test_raw_readings_of_a_period(caller, sensor):
    found = await caller.all(
        f"/readings/sensor/{sensor.id}", from_=iso(START - timedelta(hours=1)), to=iso(START)
    )
    assert 59 <= len(found) <= 60
    assert found[0]["sensorId"] == sensor.id
    times = [when(one) for one in found]
    assert times == sorted(times, reverse=True)
    assert {a - b for a, b in pairwise(times)} == {timedelta(minutes=1)}
    assert START - timedelta(seconds=62) < times[0] <= START - timedelta(seconds=2)
    assert all(10 < one["value"] < 30 for one in found)


async def test_readings_come_with_time_and_can_be_turned_round(cloud, caller, sensor, clock):
    path = f"/readings/sensor/{sensor.id}/window"
    before = await caller.all(path, window="10m")
    clock.advance(60)
    after = await caller.all(path, window="10m")
    assert after[1:] == before[:-1]
    assert await caller.all(path, window="PT10M", order="asc") == after[::-1]
    cloud.config.variants.order = "oldest"
    assert await caller.all(path, minutes="10") == after[::-1]
    assert (await caller.get(path, window="soon")).status == 400
    assert len(await caller.all(path, hours="2")) == 120
    raw = f"/readings/sensor/{sensor.id}"
    assert (await caller.get(raw, from_="yesterday")).status == 400
    since = str(int(START.timestamp()) - 600)
    assert (await caller.all(raw, start=since))[1:] == after[::-1]


async def test_values_come_in_three_forms(cloud, caller, sensor):
    path = f"/readings/sensor/{sensor.id}/window"
    value = (await caller.all(path))[0]["value"]
    cloud.config.variants.reading = "typed"
    typed = (await caller.all(path))[0]
    assert typed["doubleValue"] == value
    assert (typed["textValue"], typed["booleanValue"], typed["bigintValue"]) == (None, None, None)
    cloud.config.variants.reading = "none"
    assert set((await caller.all(path))[0]) == {"sensorId", "timestamp", "organizationId"}
    cloud.config.variants.reading, cloud.config.variants.booleans = "value", "number"
    door = cloud.sensor("open")
    cloud.hold(door, True)
    assert (await caller.all(f"/readings/sensor/{door.id}/window"))[0]["value"] == 1


async def test_a_sensor_is_held_released_and_reports_once(cloud, caller, sensor, clock):
    await caller.control("POST", f"/sensors/{sensor.id}", hold=80.5)
    clock.advance(180)
    values = [one["value"] for one in await caller.all(f"/readings/sensor/{sensor.id}/window")]
    assert values[:4] == [80.5] * 4
    await caller.control("POST", f"/sensors/{sensor.id}", release=True)
    clock.advance(120)
    assert sensor.newest(cloud.world.now).value < 40
    await caller.control("POST", f"/sensors/{sensor.id}", report=-7, ago=-30)
    newest = (await caller.all(f"/readings/sensor/{sensor.id}", to=iso(START + timedelta(1))))[0]
    assert newest["value"] == -7
    assert when(newest) == START + timedelta(seconds=330)
    truth = (await caller.control("GET", "/truth")).json["sensors"][0]
    assert (truth["name"], truth["value"]) == ("temperature", -7)


async def test_nothing_is_read_while_a_device_is_away(cloud, caller, sensor, clock):
    device = cloud.devices[0]
    cloud.become(device, "OFFLINE")
    clock.advance(600)
    assert when((await caller.all(f"/readings/sensor/{sensor.id}"))[0]) <= START
    newest = sensor.newest(cloud.world.now)
    assert newest.time <= START.timestamp()
    cloud.become(device, "ACTIVE")
    clock.advance(120)
    found = [when(one) for one in await caller.all(f"/readings/sensor/{sensor.id}")]
    gaps = [a - b for a, b in pairwise(found)]
    assert max(gaps) >= timedelta(minutes=10)
    assert (await caller.control("POST", f"/devices/{device.id}", silent=True)).status == 200
    clock.advance(600)
    assert len(await caller.all(f"/readings/sensor/{sensor.id}/window", window="8m")) == 0


async def test_a_device_whose_clock_is_ahead(cloud, caller, sensor):
    await caller.control("POST", f"/devices/{cloud.devices[0].id}", skew=7200)
    newest = (await caller.all(f"/readings/sensor/{sensor.id}"))[0]
    assert when(newest) > START + timedelta(hours=1, minutes=58)


async def test_aggregated_and_stats_agree_with_the_raw(cloud, caller, sensor):
    period = {"from_": iso(START - timedelta(hours=3)), "to": iso(START - timedelta(seconds=1))}
    path = f"/readings/sensor/{sensor.id}"
    raw = await caller.all(path, **period)
    hours = await caller.all(f"{path}/aggregated", **period, interval="1h")
    assert [one["count"] for one in hours] == [60] * 3 or sum(one["count"] for one in hours) == len(
        raw
    )
    assert when(hours[0]).minute == 0
    stats = (await caller.get(f"{path}/stats", **period)).json
    values = [one["value"] for one in raw]
    assert (stats["count"], stats["min"], stats["max"]) == (len(raw), min(values), max(values))
    assert stats["avg"] == pytest.approx(sum(values) / len(values), abs=1e-4)
    assert stats["max"] == max(one["max"] for one in hours)
    text = cloud.sensor("mode", device=1)
    figures = (await caller.get(f"/readings/sensor/{text.id}/stats")).json
    assert (figures["avg"], figures["count"]) == (None, 1440)


async def test_aggregated_and_stats_lie_elsewhere_or_nowhere(cloud, caller, sensor):
    variants, path = cloud.config.variants, f"/readings/sensor/{sensor.id}"
    variants.readings_paths = "query"
    for name in ("aggregated", "stats"):
        assert (await caller.get(f"{path}/{name}")).status == 404
        assert (await caller.get(f"/readings/{name}", sensorId=sensor.id)).status == 200
        assert (await caller.get(f"/readings/{name}")).status == 400
    variants.aggregated = variants.stats = variants.window = False
    for name in ("aggregated", "stats"):
        assert (await caller.get(f"/readings/{name}", sensorId=sensor.id)).status == 404
    assert (await caller.get(f"{path}/window")).status == 404


@pytest.mark.parametrize("shape", ["map", "groups", "flat"])
async def test_many_sensors_in_one_call(cloud, caller, shape):
    cloud.config.variants.batch_answer = shape
    names = [one.id for one in cloud.sensors[:3]]
    by_address = await caller.get("/readings/batch", sensorIds=",".join(names), limit=1)
    by_body = await caller.post("/readings/batch", sensorIds=names, limit=1)
    assert by_body.json == by_address.json
    again = await caller.ask("GET", "/readings/batch", params=[("sensorIds", one) for one in names])
    assert again.status == 200
    if shape == "map":
        assert list(by_body.json) == names
        assert len(again.json[names[0]]) >= 58
    if shape == "groups":
        assert [one["sensorId"] for one in by_body.json] == names
    if shape == "flat":
        assert [one["sensorId"] for one in by_body.json] == names
    assert (await caller.get("/readings/batch")).status == 400
    assert (await caller.post("/readings/batch")).status == 400


async def test_many_sensors_by_one_way_or_none(cloud, caller):
    names = [one.id for one in cloud.sensors[:3]]
    for form, get, post in (("get", 200, 404), ("post", 404, 200), ("absent", 404, 404)):
        cloud.config.variants.batch = form
        assert (await caller.get("/readings/batch", sensorIds=names[0])).status == get
        assert (await caller.post("/readings/batch", sensorIds=names)).status == post


async def test_sensors_of_others_have_no_readings(cloud, caller):
    other = next(iter(cloud.world.other.sensors))
    assert (await caller.get(f"/readings/sensor/{other}")).status == 404
    assert (await caller.get("/readings/batch", sensorIds=other)).json == {}
    long = cloud.sensor("remark", device=1).newest(cloud.world.now)
    assert len(long.value) > 255
    assert datetime.fromtimestamp(long.time, UTC) <= START
