"""Commands and intervals: workflows that take their time."""

import pytest


async def state(account, flow):
    return (await account.get(f"/workflows/{flow['id']}")).json["workflow"]["state"]


async def test_a_command_is_pending_then_runs_then_is_done(cloud, account, clock):
    gateway = cloud.gateways[0]
    answer = await account.post(f"/gateways/{gateway.id}/commands", command="reboot")
    flow = answer.json["workflow"]
    assert (flow["type"], flow["state"], flow["result"]) == ("gateway_command", "pending", None)
    assert flow["created"] == "2026-09-13T12:00:00+0000"
    clock.advance(30)
    assert await state(account, flow) == "running"
    clock.advance(60)
    done = (await account.get(f"/workflows/{flow['id']}")).json["workflow"]
    assert (done["state"], done["result"]["command"]) == ("completed", "reboot")


async def test_a_workflow_is_fresh_for_a_short_time(cloud, account):
    flow = await account.post(f"/gateways/{cloud.gateways[0].id}/commands", command="reboot")
    answer = await account.get(f"/workflows/{flow.json['workflow']['id']}")
    assert answer.headers["Cache-Control"] == "max-age=9, private"


async def test_pairing_finds_the_sensors_that_wait(cloud, account, clock):
    cloud.config.pairing_finds = 1
    gateway = cloud.gateways[0]
    await account.post(f"/gateways/{gateway.id}/commands", command="pairing_start")
    clock.advance(90)
    shown = (await account.get("/gateways")).json["gateways"][0]["devices"]
    assert len(shown) == 3


@pytest.mark.parametrize("trouble", ["offline", "switch"])
async def test_a_command_can_fail(cloud, account, clock, trouble):
    gateway = cloud.gateways[0]
    if trouble == "offline":
        gateway.online = False
    else:
        cloud.config.commands_fail = True
    answer = await account.post(f"/gateways/{gateway.id}/commands", command="reboot")
    clock.advance(90)
    flow = answer.json["workflow"]
    failed = (await account.get(f"/workflows/{flow['id']}")).json["workflow"]
    assert failed["state"] == "failed"
    assert failed["result"]["error"]


async def test_unknown_commands_gateways_and_workflows_are_refused(cloud, account):
    path = f"/gateways/{cloud.gateways[0].id}/commands"
    assert (await account.post(path, command="explode")).status == 400
    assert (await account.post(path)).status == 400
    assert (await account.post("/gateways/1/commands", command="reboot")).status == 404
    assert (await account.get("/workflows/1")).status == 404


async def test_a_sensor_can_be_renamed_without_a_workflow(cloud, account):
    sensor = cloud.gateways[0].sensors[0]
    answer = await account.post(f"/sensors/{sensor.id}", name="Vinkælder")
    assert answer.json["sensor"]["title"] == "Vinkælder"
    assert "workflow" not in answer.json
    assert (await account.post("/sensors/1", name="x")).status == 404


async def test_an_interval_needs_the_privilege(cloud, account):
    sensor = cloud.gateways[0].sensors[0]
    assert (await account.post(f"/sensors/{sensor.id}", interval="300")).status == 403
    assert sensor.source("temp").interval == 900


@pytest.fixture
def privileged(cloud):
    cloud.config.may_set_interval = True
    return cloud.gateways[0].sensors[0]


async def test_an_interval_is_shown_at_once_with_its_workflow(account, privileged):
    answer = await account.post(f"/sensors/{privileged.id}", interval="300")
    assert [source["interval"] for source in answer.json["sensor"]["devices"]] == [
        300,
        300,
        10800,
        1800,
    ]
    assert answer.json["workflow"]["type"] == "sensor_interval"


async def test_an_interval_that_never_reached_the_sensor_is_taken_back(
    cloud, account, privileged, clock
):
    cloud.config.commands_fail = True
    await account.post(f"/sensors/{privileged.id}", interval="300")
    clock.advance(90)
    assert privileged.source("temp").interval == 900


async def test_an_interval_can_be_answered_in_other_forms(cloud, account, privileged):
    for form in ("sensor", "workflow"):
        cloud.config.variants.sensor_update = form
        answer = await account.post(f"/sensors/{privileged.id}", interval="600")
        assert set(answer.json) == {"code", "max_age", "time", form}


@pytest.mark.parametrize("interval", ["0", "-5", "often"])
async def test_a_senseless_interval_is_refused(account, privileged, interval):
    answer = await account.post(f"/sensors/{privileged.id}", interval=interval)
    assert answer.status == 400
