"""Measurements: latest, min_max, range, raw."""

from datetime import timedelta
from itertools import pairwise
import math

import pytest

from simulators.schedule import ReportingConfig
from simulators.sensorist import ApiVariants

PUNCTUAL = ReportingConfig(jitter=0, delay_least=2, delay_most=2, drift=0, loss=0)


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


async def test_latest_is_the_truth_keyed_by_id(cloud, account):
    sources = list(cloud.gateways[0].sources)
    shown = await account.measured(*(source.id for source in sources))
    assert list(shown) == [str(source.id) for source in sources]
    for source in sources:
        truth = cloud.truth(source.id)
        assert shown[str(source.id)] == {
            "date": text(truth.date),
            "value": truth.value,
            "type": 1,
            "seq": truth.seq,
            "min": None,
            "max": None,
        }


async def test_a_measurement_is_seen_only_after_its_upload(open_cloud, clock):
    cloud = await open_cloud(
        reporting=ReportingConfig(jitter=0, delay_least=10, delay_most=10, drift=0, loss=0)
    )
    source = cloud.find_source()
    first = cloud.truth(source.id)
    clock.set(first.date + timedelta(seconds=909))
    assert cloud.truth(source.id) == first
    clock.advance(2)
    assert cloud.truth(source.id).date == first.date + timedelta(seconds=900)


async def test_data_sources_of_two_gateways_are_refused(cloud, account):
    ids = ",".join(str(next(gateway.sources).id) for gateway in cloud.gateways[:2])
    assert (await account.get("/measurements", data_sources=ids, type="latest")).status == 400
    cloud.config.variants.mixed_gateways = "first"
    answer = await account.get("/measurements", data_sources=ids, type="latest")
    assert list(answer.json["measurements"]) == [ids.split(",")[0]]


async def test_unknown_and_foreign_data_sources_are_left_out(open_cloud, sign_in):
    cloud = await open_cloud(sub_users=1)
    own = cloud.find_source().id
    foreign = next(cloud.gateways_of(cloud.users[1])[0].sources).id
    assert list(await sign_in(cloud).measured(own, foreign, 99)) == [str(own)]


@pytest.mark.parametrize(
    "query",
    [{}, {"type": "latest"}, {"data_sources": "220200"}, {"data_sources": "a", "type": "latest"}],
)
async def test_a_request_without_its_parameters_is_refused(account, query):
    assert (await account.get("/measurements", **query)).status == 400


async def test_an_unknown_type_is_refused(account):
    assert (await account.get("/measurements", data_sources="220200", type="all")).status == 400


async def test_a_new_sensor_has_no_measurement_in_the_chosen_form(open_cloud, sign_in):
    cloud = await open_cloud(gateways=0)
    account = sign_in(cloud)
    source = next(cloud.add_gateway().sources)
    assert await account.measured(source.id) == {}
    cloud.config.variants.empty_measurements = "list"
    assert await account.measured(source.id) == []
    cloud.config.variants.no_data = "null"
    assert await account.measured(source.id) == {str(source.id): None}
    cloud.config.variants.no_data = "blank"
    row = (await account.measured(source.id))[str(source.id)]
    assert (row["type"], row["value"]) == (20, None)


async def test_raw_is_the_history_in_order(cloud, account, clock):
    source = cloud.find_source()
    since, until = clock.now() - timedelta(days=2), clock.now() - timedelta(days=1)
    shown = await account.measured(source.id, kind="raw", from_=text(since), to=text(until))
    rows = shown[str(source.id)]
    history = cloud.history(source.id, since, until)
    assert [(row["date"], row["value"], row["seq"]) for row in rows] == [
        (text(row.date), row.value, row.seq) for row in history
    ]
    assert 90 <= len(rows) <= 97
    assert all(a["seq"] < b["seq"] for a, b in pairwise(rows))


@pytest.mark.parametrize(
    "query", [{}, {"from": "yesterday"}, {"from": "2026-09-20", "to": "2026-09-01"}]
)
async def test_a_missing_or_invalid_period_is_the_last_week(cloud, account, clock, query):
    until = clock.now().replace(day=1, hour=0) if "to" in query else clock.now()
    source = cloud.find_source()
    rows = (await account.measured(source.id, kind="raw", **query))[str(source.id)]
    history = cloud.history(source.id, until - timedelta(days=7), until)
    assert [row["seq"] for row in rows] == [row.seq for row in history]


async def test_raw_comes_in_pages_of_5000(cloud, account, clock):
    temp, humi = (cloud.find_source(kind) for kind in ("temp", "humi"))
    since = clock.now() - timedelta(days=60)
    query = {
        "data_sources": f"{temp.id},{humi.id}",
        "type": "raw",
        "from": text(since),
    }
    sizes, seen, offset = [], [], None
    while True:
        more = {} if offset is None else {"next": str(offset)}
        answer = (await account.get("/measurements", **query, **more)).json
        rows = [row for rows in answer["measurements"].values() for row in rows]
        sizes.append(len(rows))
        seen += [row["seq"] for row in rows]
        if "next" not in answer:
            break
        offset = answer["next"]
    assert sizes[:2] == [5000, 5000]
    history = [cloud.history(source.id, since, clock.now()) for source in (temp, humi)]
    assert sorted(seen) == sorted(row.seq for rows in history for row in rows)
    cloud.config.variants.next_place = "source"
    answer = (await account.get("/measurements", **query)).json
    assert "next" not in answer
    assert answer["measurements"][str(temp.id)]["next"] == 5000


async def test_raw_can_be_selected_by_sequence_number(cloud, account, clock):
    source = cloud.find_source()
    history = cloud.history(source.id, clock.now() - timedelta(days=20), clock.now())
    first, last = history[100].seq, history[110].seq
    rows = await account.measured(source.id, kind="raw", seq_from=str(first), seq_to=str(last))
    assert [row["seq"] for row in rows[str(source.id)]] == [row.seq for row in history[100:111]]
    rows = await account.measured(source.id, kind="raw", seq_from=str(history[-2].seq))
    assert len(rows[str(source.id)]) == 2
    rows = await account.measured(source.id, kind="raw", seq_from="0", seq_to="9" * 30)
    assert rows[str(source.id)][0]["date"].startswith("2025-08")


async def test_min_max_tells_the_extremes_and_when(cloud, account, clock):
    source = cloud.find_source()
    history = cloud.history(source.id, clock.now() - timedelta(days=7), clock.now())
    least = min(history, key=lambda row: row.value)
    most = max(history, key=lambda row: row.value)
    shown = (await account.measured(source.id, kind="min_max"))[str(source.id)]
    assert shown == {
        "min": {"value": least.value, "date": text(least.date)},
        "max": {"value": most.value, "date": text(most.date)},
    }
    cloud.config.variants.min_max = "flat"
    shown = (await account.measured(source.id, kind="min_max"))[str(source.id)]
    assert (shown["min"], shown["max_date"]) == (least.value, text(most.date))
    cloud.config.variants.min_max = "rows"
    shown = (await account.measured(source.id, kind="min_max"))[str(source.id)]
    assert [row["value"] for row in shown] == [least.value, most.value]


async def test_range_groups_by_the_hour(cloud, account, clock):
    source = cloud.find_source()
    since, until = clock.now() - timedelta(hours=5), clock.now() - timedelta(seconds=1)
    query = {"from": text(since), "to": text(until), "interval": "60"}
    rows = (await account.measured(source.id, kind="range", **query))[str(source.id)]
    assert [row["date"][11:16] for row in rows] == ["07:00", "08:00", "09:00", "10:00", "11:00"]
    for row, hour in zip(rows, range(5), strict=True):
        start = since + timedelta(hours=hour)
        values = [
            entry.value
            for entry in cloud.history(source.id, start, start + timedelta(minutes=59, seconds=59))
        ]
        assert row["value"] == pytest.approx(sum(values) / len(values), abs=1e-4)
        assert (row["min"], row["max"], row["type"]) == (min(values), max(values), 10)


async def test_range_gives_about_as_many_ticks_as_asked(cloud, account):
    source = cloud.find_source()
    rows = (await account.measured(source.id, kind="range", ticks="50"))[str(source.id)]
    assert 48 <= len(rows) <= 52


async def test_range_chooses_its_grouping_by_the_period(cloud, account, clock):
    source = cloud.find_source()
    week = (await account.measured(source.id, kind="range"))[str(source.id)]
    year = await account.measured(
        source.id, kind="range", from_=text(clock.now() - timedelta(days=365))
    )
    assert 300 <= len(week) <= 401
    assert 300 <= len(year[str(source.id)]) <= 401


async def test_an_override_holds_from_the_newest_measurement_on(cloud, account, clock):
    source = cloud.find_source()
    past = cloud.history(source.id, clock.now() - timedelta(days=1), clock.now())
    source.override = -40
    assert (await account.measured(source.id))[str(source.id)]["value"] == -40
    now = cloud.history(source.id, past[0].date, clock.now())
    assert now[:-1] == past[:-1]
    clock.advance(3600)
    assert cloud.truth(source.id).value == -40


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "12,5", [1], {"a": 1}, 10**30, True])
async def test_an_override_may_be_anything(cloud, account, value):
    source = cloud.find_source()
    source.override = value
    shown = (await account.measured(source.id))[str(source.id)]["value"]
    assert shown == value or (math.isnan(shown) and math.isnan(value))


async def test_a_silent_sensor_reports_no_more_until_it_speaks(cloud, clock):
    source = cloud.find_source()
    before = cloud.truth(source.id)
    source.sensor.silent = True
    clock.advance(86_400)
    assert (cloud.truth(source.id).date - before.date) <= timedelta(seconds=30)
    source.sensor.silent = False
    clock.advance(3_600)
    assert clock.now() - cloud.truth(source.id).date < timedelta(seconds=2_000)


async def test_an_offline_gateway_loses_or_keeps_its_reports(cloud, clock):
    lossy, buffering = cloud.gateways[:2]
    buffering.buffers = True
    start = clock.now()
    for gateway in (lossy, buffering):
        gateway.online = False
    clock.advance(7_200)
    until = clock.now()
    counts = [len(cloud.history(next(g.sources).id, start, until)) for g in (lossy, buffering)]
    assert max(counts) <= 1
    for gateway in (lossy, buffering):
        gateway.online = True
    clock.advance(60)
    kept = cloud.history(next(buffering.sources).id, start, until)
    assert len(cloud.history(next(lossy.sources).id, start, until)) <= 1
    assert len(kept) in (7, 8)
    assert all(row.seq >= until.timestamp() * 1e6 for row in kept[1:])


async def test_an_extra_report_is_seen_at_once(cloud, account, clock):
    source = cloud.find_source()
    clock.advance(1)
    cloud.report(source.id, None)
    cloud.report(source.id, 55.5)
    row = (await account.measured(source.id))[str(source.id)]
    assert (row["date"], row["value"], row["type"]) == (text(clock.now()), 55.5, 1)


async def test_a_new_interval_counts_from_then_on(open_cloud, sign_in, clock):
    cloud = await open_cloud(reporting=PUNCTUAL, may_set_interval=True, command_seconds=0)
    sensor = cloud.gateways[0].sensors[0]
    source = sensor.source("temp")
    old = cloud.history(source.id, clock.now() - timedelta(days=1), clock.now())
    await sign_in(cloud).post(f"/sensors/{sensor.id}", interval="300")
    cloud.settle()
    changed = clock.now()
    clock.advance(7_200)
    new = cloud.history(source.id, changed, clock.now())
    assert {(b.date - a.date).total_seconds() for a, b in pairwise(new)} == {300}
    assert cloud.history(source.id, changed - timedelta(days=1), changed) == old
    battery = sensor.source("batt")
    assert battery.interval == 10_800


async def test_forms_of_a_plan_are_its_own(open_cloud):
    first = await open_cloud(variants=ApiVariants(no_data="null"))
    second = await open_cloud()
    assert (first.config.variants.no_data, second.config.variants.no_data) == ("null", "absent")
