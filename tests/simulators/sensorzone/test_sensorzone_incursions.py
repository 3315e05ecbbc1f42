"""Incursions follow from where machines drive and people walk; what is seen of them, and when."""

from datetime import UTC, datetime, timedelta
from math import dist

import pytest

from simulators.clock import Clock
from simulators.sensorzone import BehaviorConfig, CloudConfig, Oddities, SensorZoneCloud

INCURSIONS = "/api/v1/incursions"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def hours(clock: Clock, count: float) -> tuple[datetime, datetime]:
    return clock.now() - timedelta(hours=count), clock.now()


async def listed(client, **query):
    answer = await client.get(INCURSIONS, **query)
    assert answer.status == 200, answer.body
    return {one["id"]: one for one in answer.json}


async def test_an_incursion_is_the_time_that_a_tag_is_near_a_running_machine(clock):
    """Compares with looking at everybody's place in every second of six hours."""
    cloud = SensorZoneCloud(CloudConfig(), clock)
    began = int(clock.now().timestamp()) - 6 * 3600
    shifts, reach = cloud.world.shifts, cloud.config.behavior.zone
    start = shifts.start(shifts.day(began))
    seen = set()
    for machine in cloud.machines:
        moves = machine.moves(shifts.day(began))
        for tag in cloud.walkers:
            if tag.site is not machine.site:
                continue
            walk = tag.moves(shifts.day(began))
            for second in range(began - start, began - start + 6 * 3600):
                is_near = dist(moves.at(second), walk.at(second)) <= reach
                if is_near and moves.is_active(second) and walk.is_active(second):
                    seen.add((machine.id, tag.id, start + second))
    told = {
        (one.machine.id, one.tag.id, second)
        for one in cloud.truth(at(began - 600), at(began + 6 * 3600))
        for second in range(one.start, one.end + 1)
        if began <= second < began + 6 * 3600
    }
    assert len(seen) > 300
    strayed = {
        (*pair, second + late) for *pair, second in seen for late in (-3, -2, -1, 0, 1, 2, 3)
    }
    assert told <= strayed
    shortest = {(*pair, second) for *pair, second in seen if (*pair, second + 2) in seen}
    assert {one for one in shortest if (one[0], one[1], one[2] + 1) in seen} - told == set()


def test_the_same_seed_gives_the_same_incursions_in_any_order(clock):
    one, other, third = (SensorZoneCloud(CloudConfig(seed=seed), clock) for seed in (5, 5, 6))
    period = hours(clock, 30)
    early = [found.id for found in one.truth(*hours(clock, 2))]
    assert [found.id for found in one.truth(*period)] == [
        found.id for found in other.truth(*period)
    ]
    assert set(early) <= {found.id for found in one.truth(*period)}
    assert [found.id for found in third.truth(*period)] != [
        found.id for found in one.truth(*period)
    ]


def test_a_shift_of_eight_hours_has_about_two_hundred(clock):
    cloud = SensorZoneCloud(CloudConfig(machines=3, people=7), clock)
    count = len(cloud.truth(clock.now(), clock.now() + timedelta(hours=8)))
    assert 120 < count < 320


def test_ids_are_unique_and_grow_with_time(clock):
    found = SensorZoneCloud(CloudConfig(), clock).truth(*hours(clock, 24 * 7))
    ids = [one.id for one in found]
    assert len(set(ids)) == len(ids) > 500
    assert [one.start for one in found] == sorted(one.start for one in found)


def test_drivers_acknowledge_most_some_late_and_some_never(clock):
    found = SensorZoneCloud(CloudConfig(), clock).truth(*hours(clock, 24 * 7))
    waits = [one.acknowledged_at - one.start for one in found if one.acknowledged_at is not None]
    assert 0.75 < len(waits) / len(found) < 0.85
    assert 0.2 < sum(wait >= 120 for wait in waits) / len(waits) < 0.4
    assert max(waits) <= 2400


async def test_a_client_sees_what_the_truth_says_it_can_see(cloud, user, clock):
    for _ in range(20):
        clock.advance(97)
        now = clock.now().timestamp()
        shown = await listed(user, since=int(now) - 3600)
        true = {
            one.id: one
            for one in cloud.truth(at(int(now) - 3600), clock.now())
            if one.listed_at <= now
        }
        assert shown.keys() == true.keys()
        for number, one in true.items():
            known = (
                one.acknowledgement_listed_at is not None and one.acknowledgement_listed_at <= now
            )
            assert shown[number]["acknowledged"] == known
            assert (shown[number]["acknowledged_at"] is not None) == known


async def test_an_incursion_is_listed_before_its_end_and_changes_twice(cloud, user, clock):
    number = cloud.incur(seconds=30, acknowledged_after=300).id
    first = (await user.get(f"{INCURSIONS}/{number}")).json
    assert (first["ended_at"], first["duration"], first["acknowledged"]) == (None, None, False)
    clock.advance(30)
    second = (await user.get(f"{INCURSIONS}/{number}")).json
    assert (second["duration"], second["acknowledged"]) == (30, False)
    clock.advance(270)
    third = (await user.get(f"{INCURSIONS}/{number}")).json
    assert (third["acknowledged"], third["acknowledged_at"]) == (True, "2026-09-13T12:05:00Z")
    assert first["updated_at"] < second["updated_at"] < third["updated_at"]


async def test_one_that_never_ends_and_one_that_ends_before_its_start(cloud, user, clock):
    endless = cloud.incur(odd="endless").id
    backwards = cloud.incur(seconds=30, odd="backwards").id
    clock.advance(3600)
    assert (await user.get(f"{INCURSIONS}/{endless}")).json["ended_at"] is None
    shown = (await user.get(f"{INCURSIONS}/{backwards}")).json
    assert shown["ended_at"] < shown["started_at"]
    assert shown["duration"] == -30


async def test_one_that_changes_five_times_after_its_end(cloud, user, clock):
    number = cloud.incur(seconds=10, odd="revised").id
    lengths = []
    for _ in range(40):
        clock.advance(10)
        lengths.append((await user.get(f"{INCURSIONS}/{number}")).json["duration"])
    assert sorted(set(lengths)) == [10, 11, 12, 13, 14, 15]


async def test_one_that_is_listed_an_hour_late_is_older_than_the_newest(cloud, user, clock):
    number = cloud.incur(odd="belated").id
    clock.advance(3599)
    newer = cloud.incur().id
    before = await listed(user, since=int(clock.now().timestamp()) - 7200)
    assert newer in before
    assert number not in before
    clock.advance(1)
    shown = await listed(user, since=int(clock.now().timestamp()) - 7200)
    assert shown[number]["started_at"] < shown[newer]["started_at"]


async def test_shares_of_all_incursions_can_be_odd_and_right_again(open_cloud, make_client):
    cloud = await open_cloud(oddities=Oddities(endless=1.0, no_version=True))
    client = make_client(cloud)
    await client.sign_in()
    shown = (await listed(client)).values()
    assert {one["ended_at"] for one in shown} == {None}
    assert not any("updated_at" in one for one in shown)
    cloud.config.oddities = Oddities()
    assert {one["ended_at"] for one in (await listed(client)).values()} != {None}


async def test_what_a_silent_machine_saw_is_listed_when_it_speaks_again(cloud, user, clock):
    machine = cloud.machines[1]
    seen_last = (await user.get(f"/api/v1/base_stations/{machine.id}")).json["last_seen_at"]
    machine.silent = True
    clock.advance(3600)
    number = cloud.incur(machine, ago=600).id
    status = (await user.get(f"/api/v1/base_stations/{machine.id}/status")).json
    assert status["last_seen_at"] <= seen_last
    assert number not in await listed(user)
    machine.silent = False
    assert number in await listed(user)


async def test_incursions_can_be_filtered_and_filters_can_be_ignored(cloud, user):
    machine, tag, site = 102, cloud.walkers[0].id, 21
    assert {
        o["base_station_id"] for o in (await listed(user, base_station_id=machine)).values()
    } == {machine}
    assert {o["tag_id"] for o in (await listed(user, tag_id=tag)).values()} == {tag}
    assert {o["person_id"] for o in (await listed(user, person_id="1,3")).values()} == {1, 3}
    assert {o["worksite_id"] for o in (await listed(user, worksite_id=site)).values()} == {site}
    assert {o["worksite_id"] for o in (await listed(user, project_id=8)).values()} == {22}
    assert {o["acknowledged"] for o in (await listed(user, acknowledged="false")).values()} == {
        False
    }
    assert await listed(user, tag_id=tag) == {
        one["id"]: one for one in (await user.get(f"/api/v1/tags/{tag}/incursions")).json
    }
    path = f"/api/v1/base_stations/{machine}/incursions"
    assert {one["base_station_id"] for one in (await user.get(path)).json} == {machine}
    everything = await listed(user)
    cloud.config.variants.filters = "ignored"
    assert await listed(user, acknowledged="false", since="2026-09-13") == everything


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-09-13", None),
        ("2026-09-13T00:00:00Z", "2026-09-13T23:00:00+00:00"),
        ("1789257600", "1789301730000"),
        ("2026-09-13 00:00:00", "2026-09-13"),
    ],
)
async def test_a_period_can_be_asked_for_in_many_ways(cloud, user, since, until):
    expected = {one.id for one in cloud.truth(at(1_789_257_600), at(1_789_300_000))}
    expected &= {
        one.id for one in cloud.truth(*hours(cloud.clock, 24)) if one.listed_at <= 1_789_300_800
    }
    for names in (("since", "until"), ("start_date", "end_date"), ("filter[from]", "filter[to]")):
        query = dict(zip(names, (since, until), strict=True))
        shown = await listed(user, **{name: value for name, value in query.items() if value})
        assert expected <= shown.keys()
        assert all(one["started_at"] >= "2026-09-13" for one in shown.values())


async def test_a_period_that_cannot_be_read_is_refused(user):
    for since in ("yesterday", "99999-01-01"):
        assert (await user.get(INCURSIONS, since=since)).status == 400


async def test_incursions_of_another_brand_are_not_shown(cloud, make_client):
    other = make_client(cloud)
    await other.sign_in("olga@example.com")
    shown = await listed(other)
    assert {one["base_station_id"] for one in shown.values()} == {104}
    own = cloud.truth(*hours(cloud.clock, 24))
    assert not shown.keys() & {one.id for one in own}
    assert (await other.get(f"{INCURSIONS}/{own[0].id}")).status == 404
    assert (await other.get("/api/v1/base_stations/101")).status == 404


async def test_an_incursion_that_is_not_there_is_not_found(user):
    for number in ("1", "852334540204000", "x", "99999999999999999999"):
        assert (await user.get(f"{INCURSIONS}/{number}")).status == 404


async def test_visitors_walk_while_they_are_checked_in(open_cloud, make_client, clock):
    cloud = await open_cloud(visitors=4.0, behavior=BehaviorConfig(drawn=1.0))
    visitor = [tag for tag in cloud.walkers if tag.serial.startswith("TV")]
    found = [one for one in cloud.truth(*hours(clock, 24 * 7)) if one.tag in visitor]
    tester = make_client(cloud)
    tester.token = cloud.tester_token
    sessions = (
        await tester.get("/api/v1/tester/visitor_sessions", since="2026-09-01", to="2026-09-13")
    ).json
    assert found
    for one in found:
        moment = at(one.start).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert any(
            session["tag_id"] == one.tag.id
            and session["checked_in_at"] <= moment
            and (session["checked_out_at"] is None or moment <= session["checked_out_at"])
            for session in sessions
        )


def test_shifts_can_be_elsewhere_and_go_over_midnight(clock):
    cloud = SensorZoneCloud(
        CloudConfig(
            offset_hours=10, behavior=BehaviorConfig(shift_start=20, shift_hours=8, pauses=0)
        ),
        clock,
    )
    found = cloud.truth(*hours(clock, 48))
    assert found
    assert {(at(one.start).hour + 10) % 24 for one in found} <= {20, 21, 22, 23, 0, 1, 2, 3}
