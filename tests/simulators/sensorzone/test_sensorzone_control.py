"""The control door: the truth and what a SensorZone cloud can be told over HTTP."""

import asyncio
from datetime import datetime
import json
import os
import sys

from aiohttp import ClientSession, CookieJar
import pytest

from simulators.faults import Fault


async def test_the_truth_over_http_is_the_truth(cloud, user, clock):
    number = cloud.incur(seconds=20, acknowledged_after=100).id
    period = {"since": "2026-09-13T06:00:00Z", "until": "2026-09-13T12:30:00+00:00"}
    told = (await user.get(f"{cloud.control_url}/truth", **period)).json["incursions"]
    found = cloud.truth(*(datetime.fromisoformat(moment) for moment in period.values()))
    assert [one["id"] for one in told] == [one.id for one in found]
    own = next(one for one in told if one["id"] == number)
    assert own == own | {
        "machine": 101,
        "machine_name": "Excavator 1",
        "started_at": "2026-09-13T12:00:00+00:00",
        "ended_at": "2026-09-13T12:00:20+00:00",
        "acknowledged_at": "2026-09-13T12:01:40+00:00",
        "listed_at": "2026-09-13T12:00:00+00:00",
        "acknowledgement_listed_at": "2026-09-13T12:01:40+00:00",
        "odd": [],
    }
    assert (await user.get(f"{cloud.control_url}/truth")).json["incursions"]
    assert (await user.get(f"{cloud.control_url}/truth", since="never")).status == 400


async def test_an_incursion_of_a_silent_machine_is_not_in_sight(cloud, user):
    cloud.machines[0].silent = True
    cloud.incur(cloud.machines[0])
    told = (await user.get(f"{cloud.control_url}/truth", until="2026-09-13T12:00:01")).json
    assert told["incursions"][-1]["acknowledgement_listed_at"] is None
    assert told["incursions"][-1]["listed_at"] is None


async def test_requests_are_counted_by_sign_in(cloud, user, api_user, tester):
    await user.get("/api/v1/entities")
    await user.get("/api/v1/tags")
    await api_user.get("/api/v2/projects")
    await tester.get("/api/v1/tester/people_assets")
    cloud.faults.add(Fault("/tags", status=429, headers={"Retry-After": "60"}, times=1))
    await user.get("/api/v1/tags")
    await user.get("/api/v1/entities")
    assert cloud.counts.held == len(cloud.held_requests()) == 1
    assert (await user.get(f"{cloud.control_url}/sign_ins")).json == {
        "requests": {"v1": 4, "v2": 1, "tester": 1},
        "logins": {"v1": 1, "v2": 1},
        "held": 1,
        "limited": 1,
    }


async def test_incursions_can_be_ordered_and_marked(cloud, user):
    body = {"machine": 102, "tag": 5002, "ago": 60, "seconds": 5, "acknowledged_after": 7}
    number = (await user.control("POST", "/incursions", body)).json["id"]
    incursion = cloud.incursion(number)
    assert (incursion.machine.id, incursion.tag.id) == (102, 5002)
    assert incursion.acknowledged_at - incursion.start == 7
    assert (await user.control("POST", f"/incursions/{number}", {"odd": "endless"})).status == 200
    assert incursion.marks == {"endless"}
    assert (await user.control("POST", f"/incursions/{number}", {"odd": "silly"})).status == 400
    assert (await user.control("POST", "/incursions/1", {})).status == 404
    assert (await user.control("POST", "/incursions", {"machine": 1})).status == 400
    assert (await user.control("POST", "/incursions", {"tag": 1})).status == 400


async def test_machines_can_be_changed(cloud, user):
    added = (await user.control("POST", "/machines", {"name": "Newcomer"})).json["id"]
    assert [machine.name for machine in cloud.machines][-1] == "Newcomer"
    assert (
        await user.control("POST", "/machines/101", {"name": "Bertha", "gps": "zero"})
    ).status == 200
    assert (cloud.machines[0].name, cloud.machines[0].gps) == ("Bertha", "zero")
    assert (await user.control("POST", "/machines/101", {"gps": "bad"})).status == 400
    for deed, silent in (("silent", True), ("speak", False)):
        await user.control("POST", f"/machines/101/{deed}")
        assert cloud.machines[0].silent == silent
    for deed, count in (("remove", 3), ("restore", 4)):
        await user.control("POST", f"/machines/{added}/{deed}")
        assert len(cloud.machines) == count
    assert (await user.control("POST", "/machines/101/dance")).status == 404
    assert (await user.control("POST", "/machines/9/silent")).status == 400
    assert (await user.control("POST", "/machines/101/merge", {"into": 101})).status == 400
    assert (await user.control("POST", "/machines/101/merge", {"into": 102})).status == 200
    assert [machine.id for machine in cloud.machines] == [102, 103, added]


async def test_sites_testers_and_users_can_be_changed(cloud, user):
    for path, thing, name in (
        ("/worksites/21/{}", cloud.world.sites[0], "crossed"),
        ("/testers/61/{}", cloud.world.testers[0], "active"),
        ("/users/902/{}", cloud.world.users[1], "active"),
    ):
        yes, no = {
            "crossed": ("cross", "uncross"),
            "active": ("allow", "revoke") if "testers" in path else ("activate", "deactivate"),
        }[name]
        for deed, expected in ((no, False), (yes, True)):
            assert (await user.control("POST", path.format(deed))).status == 200
            assert getattr(thing, name) is expected
        assert (await user.control("POST", path.format("dance"))).status == 404
        elsewhere = path.format(yes).replace("21", "1").replace("61", "1").replace("902", "1")
        assert (await user.control("POST", elsewhere)).status == 404


async def test_sign_ins_can_be_lost(cloud, user, api_user):
    await user.control("POST", "/sessions/lose")
    await user.control("POST", "/tokens/lose")
    assert (await user.get("/api/v1/entities")).status == 401
    assert (await api_user.get("/api/v2/projects")).status == 401


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [("variants", "lists", "data"), ("oddities", "endless", 0.5), ("limits", "requests", 7)],
)
async def test_forms_oddities_and_limits_can_be_changed(cloud, user, part, name, value):
    assert (await user.control("POST", f"/{part}", {name: value})).status == 200
    assert getattr(getattr(cloud.config, part), name) == value
    assert (await user.control("POST", f"/{part}", {"nothing": 1})).status == 400


async def test_a_refused_request_has_the_clouds_error_body(cloud, user):
    cloud.config.variants.errors = "list"
    cloud.faults.add(Fault("/tags", status=500, times=1))
    answer = await user.get("/api/v1/tags")
    assert (answer.status, answer.json) == (500, {"errors": ["Internal Server Error"]})


async def test_the_program_opens_the_cloud_and_its_credentials_work(socket_enabled):
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators",
        "--machines",
        "2",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "."},
    )
    try:
        assert program.stdout is not None
        door = json.loads(await program.stdout.readline())["sensorzone"]
        async with ClientSession(door["url"], cookie_jar=CookieJar(unsafe=True)) as session:
            body = {"email": door["username"], "password": door["password"]}
            assert (await session.post("/api/v1/session", json=body)).status == 200
            reply = await session.get("/api/v1/base_stations")
            assert len(await reply.json()) == 2
            headers = {"Authorization": f"Bearer {door['tester_token']}"}
            reply = await session.get("/api/v1/tester/people_assets", headers=headers)
            assert reply.status == 200
    finally:
        program.terminate()
        await program.wait()
