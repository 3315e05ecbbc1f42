"""The control door, faults, and the program on the command line."""

import asyncio
from datetime import timedelta
import json
from pathlib import Path
import signal
import sys

from aiohttp import ClientError
import pytest

from simulators.faults import Fault
from simulators.sensit.admin_params import variant_choices

ROOT = Path(__file__).parents[3]


async def test_the_truth_of_any_window_is_told(cloud, account, clock):
    query = "device=1041&since=2026-09-13T10:00:00Z&until=2026-09-13T11:00:00Z"
    told = (await account.control("GET", f"/truth?{query}")).json["records"]
    since = clock.now() - timedelta(hours=2)
    assert told == cloud.records("1041", since, since + timedelta(hours=1))
    day = (await account.control("GET", "/truth?device=1041")).json["records"]
    assert day == cloud.records("1041", clock.now() - timedelta(days=1), clock.now())
    coming = "/truth?device=1041&since=2026-09-13T12:00:00Z&until=2026-09-13T14:00:00Z"
    assert (await account.control("GET", coming)).json["records"] == []
    ever = (await account.control("GET", f"{coming}&ever=1")).json["records"]
    assert 110 < len(ever) <= 120
    assert (await account.control("GET", "/truth?device=9")).status == 404
    for wrong in ("soon", "2026-09-13T10:00:00"):
        assert (await account.control("GET", f"/truth?device=1041&since={wrong}")).status == 400


async def test_requests_and_sign_ins_are_counted(cloud, account, clock):
    counts = (await account.control("GET", "/counts")).json
    assert counts == {
        "sign_ins": 1,
        "refused_sign_ins": 0,
        "requests": {"/users/signin": 1},
        "least_gap": None,
    }
    for seconds in (90, 60, 75):
        await account.list()
        await account.dates("1041")
        clock.advance(seconds)
    await account.list()
    counts = (await account.control("GET", "/counts")).json
    assert counts["least_gap"] == 60
    assert counts["requests"]["/sensors-data/getSPODDataAvailableDates"] == 3


async def test_monitors_are_shown_and_changed(cloud, account):
    changes = {"name": "Gate", "location": "Yard", "status": "Idle", "firmware_update": True}
    changes |= {"key": "k3y", "picture": "https://pictures.example.com/1?sign=x"}
    await account.control("POST", "/monitors/1041", changes)
    (shown,) = [
        one
        for one in (await account.control("GET", "/monitors")).json["monitors"]
        if one["uuid"] == "1041"
    ]
    assert {name: shown[name] for name in changes} == changes
    (device,) = [one for one in await account.devices() if one["uuid"] == "1041"]
    assert (device["name"], device["location"], device["status"]) == ("Gate", "Yard", "Idle")
    assert (device["key"], device["picture"]) == (changes["key"], changes["picture"])
    assert device["isFirmwareUpdateRequire"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/monitors/1041", {"quirks": ["sings"]}),
        ("/monitors/1041", {"last_record": "lovely"}),
        ("/monitors/1041", {"clock_skew": "much"}),
        ("/monitors/1041/silent", {"start": "tomorrow"}),
        ("/leaks", {"kind": "perfume"}),
        ("/leaks", {"rate": []}),
        ("/leaks", {"across": ["1041"]}),
        ("/variants", {"devices": "boxed"}),
        ("/variants", {"colour": "red"}),
        ("/variants", {"nested": "perhaps"}),
        ("/config", {"seed": 7}),
        ("/users", {}),
    ],
)
async def test_what_makes_no_sense_is_refused(account, path, body):
    before = (await account.control("GET", "/variants")).json
    assert (await account.control("POST", path, body)).status == 400
    assert (await account.control("GET", "/variants")).json == before


@pytest.mark.parametrize("path", ["/monitors/9", "/monitors/9/silent", "/monitors/1041/sing"])
async def test_what_does_not_exist_is_not_found(account, path):
    assert (await account.control("POST", path)).status == 404


async def test_every_form_can_be_chosen(account):
    for name, choices in variant_choices().items():
        assert len(choices) > 1, name
        for choice in choices:
            answer = await account.control("POST", "/variants", {name: choice})
            assert answer.json[name] == choice


async def test_a_new_user_sees_what_is_said(cloud, account, sign_in):
    body = {"email": "eva@example.org", "password": "word", "sees": ["1041"]}
    assert (await account.control("POST", "/users", body)).status == 200
    eva = await sign_in(cloud, "eva@example.org", "word")
    assert [device["uuid"] for device in await eva.devices()] == ["1041"]
    await account.control("POST", "/users", {"email": "eva@example.org", "sees": None})
    assert len(await eva.devices()) == 5


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        ({"kind": "status", "status": 503, "headers": {"Retry-After": "60"}}, 503, b'{"message"'),
        ({"kind": "not_json"}, 200, b"<!DOCTYPE html>"),
        ({"kind": "cut_json"}, 200, b'[{"_id"'),
        ({"kind": "root", "value": 5}, 200, b"5"),
        ({"kind": "mutate", "mutation": "numbers_as_strings"}, 200, b'[{"_id"'),
    ],
)
async def test_faults_spoil_this_cloud_too(account, fault, status, start):
    await account.control("POST", "/faults", fault | {"match": "getDevices", "times": 1})
    answer = await account.list()
    assert (answer.status, answer.body.startswith(start)) == (status, True)
    assert (await account.list()).status == 200


async def test_a_fault_can_be_for_the_log_of_one_monitor(cloud, account):
    cloud.faults.add(Fault(kind="drop", query={"DeviceId": "1042"}))
    window = ("2026-09-13 10:00:00", "2026-09-13 12:00:00")
    assert (await account.log("1041", *window))["data"]
    with pytest.raises(ClientError):
        await account.log("1042", *window)


async def test_the_program_runs_it_with_what_it_is_told(socket_enabled, session):
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulators", "--start", "2026-01-01T00:00:00Z"),
        *("--sensit-spods", "1", "--sensit-fmds", "0", "--sensit-ramps", "0"),
        *("--sensit-cycle", "20"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    doors = json.loads(await program.stdout.readline())["sensit"]
    assert set(doors) == {"url", "control", "username", "password"}
    async with session.get(f"{doors['control']}/monitors") as reply:
        (monitor,) = (await reply.json())["monitors"]
    assert (monitor["uuid"], monitor["type"]) == ("1041", "SPOD")
    async with session.get(f"{doors['control']}/truth?device=1041") as reply:
        assert 4000 < len((await reply.json())["records"]) < 4321
    fields = {"email": doors["username"], "password": doors["password"]}
    async with session.post(f"{doors['url']}/users/signin", json=fields) as reply:
        assert reply.status == 200
    program.send_signal(signal.SIGTERM)
    assert await program.wait() == 0
