"""Clock, control door, and the program on the command line."""

import asyncio
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import signal
import sys

import pytest

from simulators.clock import Clock
from simulators.sensorist import CloudConfig, SensoristCloud

START = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def test_a_clock_by_hand_stands_still():
    clock = Clock.by_hand(START)
    assert (clock.now(), clock.now(), clock.running) == (START, START, False)
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)
    clock.set(START)
    assert clock.now() == START


def test_a_clock_runs_at_its_speed(freezer):
    clock = Clock(START, speed=60)
    freezer.tick(10)
    assert clock.now() == START + timedelta(minutes=10)
    clock.speed = 1
    freezer.tick(10)
    clock.advance(5)
    assert clock.now() == START + timedelta(minutes=10, seconds=15)
    assert clock.running


def test_a_clock_follows_its_source():
    times = [START]
    clock = Clock(source=lambda: times[-1])
    times.append(START + timedelta(days=1))
    assert clock.now() == times[-1]
    with pytest.raises(RuntimeError):
        clock.advance(1)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Clock(datetime(2026, 1, 1))  # noqa: DTZ001  that is the point


def test_who_listens_hears_each_move():
    clock, moves = Clock.by_hand(START), []
    stop = clock.on_move(lambda: moves.append(clock.now()))
    clock.advance(1)
    stop()
    clock.advance(1)
    assert moves == [START + timedelta(seconds=1)]


async def test_the_log_is_shown_and_emptied(cloud, account):
    await account.get("/users")
    await account.get("/users")
    shown = (await account.control("GET", "/log")).json
    assert (len(shown["requests"]), shown["early"], shown["held"]) == (2, 1, 0)
    assert shown["requests"][0]["path"] == "/v1/users"
    await account.control("DELETE", "/log")
    assert cloud.log == []


async def test_faults_are_put_up_and_taken_down(cloud, account):
    fault = {"match": "/users", "status": 503, "times": 1, "headers": {"Retry-After": "5"}}
    assert (await account.control("POST", "/faults", fault)).status == 200
    assert (await account.get("/users")).status == 503
    assert (await account.get("/users")).status == 200
    await account.control("POST", "/faults", {"kind": "mutate", "mutation": "nulls"})
    assert len((await account.control("GET", "/faults")).json["faults"]) == 2
    await account.control("DELETE", "/faults")
    assert list(cloud.faults) == []


@pytest.mark.parametrize("fault", [{"kind": "fire"}, {"colour": "red"}, [1], {"mutate": "x"}])
async def test_a_wrong_fault_is_refused(account, fault):
    assert (await account.control("POST", "/faults", fault)).status == 400


async def test_the_clock_is_shown_and_moved(account, clock):
    before = clock.now()
    shown = (await account.control("POST", "/clock", {"advance": 60})).json
    assert shown["now"] == (before + timedelta(minutes=1)).isoformat()
    await account.control("POST", "/clock", {"set": START.isoformat()})
    assert clock.now() == START
    assert (await account.control("POST", "/clock", {"set": "soon"})).status == 400
    assert (await account.control("GET", "/clock")).json["speed"] == 0


async def test_a_gateway_is_told_what_to_do(cloud, account):
    gateway = cloud.gateways[0]
    await account.control("POST", f"/gateways/{gateway.id}/offline")
    assert not gateway.online
    await account.control("POST", f"/gateways/{gateway.id}/online")
    assert gateway.online
    await account.control("POST", f"/gateways/{gateway.id}/remove")
    assert gateway not in cloud.gateways
    await account.control("POST", f"/gateways/{gateway.id}/restore")
    assert cloud.gateways[0] is gateway
    added = (await account.control("POST", "/gateways", {"title": "Annexe"})).json["id"]
    assert cloud.gateways[-1].id == added
    assert (await account.control("POST", f"/gateways/{gateway.id}/explode")).status == 404
    assert (await account.control("POST", "/gateways/1/offline")).status == 404


async def test_a_sensor_is_told_what_to_do(cloud, account):
    sensor = cloud.gateways[0].sensors[0]
    await account.control("POST", f"/sensors/{sensor.id}/press")
    assert cloud.truth(sensor.source("temp").id).type == 5
    await account.control("POST", f"/sensors/{sensor.id}/silent")
    assert sensor.silent
    await account.control("POST", f"/sensors/{sensor.id}/speak")
    assert not sensor.silent
    assert (await account.control("POST", f"/sensors/{sensor.id}/battery_low")).status == 200


async def test_the_truth_is_shown_and_overridden(cloud, account):
    source = cloud.find_source()
    truth = cloud.truth(source.id)
    shown = (await account.control("GET", f"/truth?source={source.id}")).json
    assert shown == {
        "date": truth.date.isoformat(),
        "value": truth.value,
        "type": 1,
        "seq": truth.seq,
    }
    await account.control("POST", f"/sources/{source.id}", {"override": "broken"})
    assert cloud.truth(source.id).value == "broken"
    await account.control("POST", f"/sources/{source.id}", {})
    assert cloud.truth(source.id) == truth
    assert (await account.control("GET", "/truth?source=1")).status == 400


async def test_callbacks_that_were_sent_are_shown(cloud, account):
    await account.post("/callbacks", url="https://hook.example.com/x", type="7")
    cloud.system_notice(cloud.gateways[0])
    (sent,) = (await account.control("GET", "/callbacks")).json["callbacks"]
    assert (sent["outcome"], sent["body"]["type"]) == ("refused", 4)


async def test_the_control_door_is_not_in_the_log(cloud, account):
    await account.control("GET", "/log")
    assert cloud.log == []


async def test_a_cloud_can_be_stopped_and_started_again(socket_enabled, session):
    cloud = SensoristCloud(CloudConfig(), Clock.by_hand(START))
    for _ in range(2):
        await cloud.start()
        async with session.get(f"{cloud.url}/users") as reply:
            assert reply.status == 401
        await cloud.stop()


async def test_stopping_does_not_wait_for_held_requests(cloud, account):
    await account.control("POST", "/faults", {"kind": "hold"})
    asking = asyncio.create_task(account.get("/users"))
    while not cloud.log:  # noqa: ASYNC110  the server has no event for it
        await asyncio.sleep(0)
    await asyncio.wait_for(cloud.stop(), 5)
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_running_clock_lets_things_happen_by_itself(socket_enabled):
    cloud = SensoristCloud(CloudConfig(), Clock(START, speed=3_600))
    flow = cloud.workflows.begin(
        cloud.user.id,
        "gateway_command",
        dict,
        now=cloud.clock.now(),
        due=cloud.clock.now() + timedelta(seconds=60),
    )
    async with cloud:
        async with asyncio.timeout(10):
            while flow.state != "completed":  # noqa: ASYNC110  the cloud has no event for it
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_program_says_where_it_listens_and_stops_cleanly(socket_enabled, session, number):
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulators", "--gateways", "1", "--start", "2026-01-01T00:00:00Z"),
        *("--interval-scale", "0.0223", "--max-age", "15"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    doors = json.loads(await program.stdout.readline())["sensorist"]
    async with session.get(f"{doors['control']}/clock") as reply:
        assert (await reply.json())["now"].startswith("2026-01-01T00:0")
    async with session.get(f"{doors['url']}/users") as reply:
        assert reply.status == 401
    program.send_signal(number)
    assert await program.wait() == 0
    assert doors["username"] == "anna@example.com"
