"""Alarms: threshold, direction, delay, logs."""

from datetime import timedelta
from itertools import pairwise

import pytest

from simulators.schedule import ReportingConfig
from simulators.sensorist import ApiVariants

PUNCTUAL = ReportingConfig(jitter=0, delay_least=2, delay_most=2, drift=0, loss=0)


@pytest.fixture
async def cloud(open_cloud):
    return await open_cloud(reporting=PUNCTUAL)


@pytest.fixture
def source(cloud):
    return cloud.find_source()


async def create(account, source, value, direction, **more):
    answer = await account.post(
        "/alarms", data_source=str(source.id), value=str(value), direction=direction, **more
    )
    assert answer.status == 200, answer.body
    return answer.json["alarm"]


async def states(account):
    return [alarm["state"] for alarm in (await account.get("/alarms")).json["alarms"]]


async def test_a_new_alarm_is_shown_with_what_was_asked(account, source):
    alarm = await create(account, source, -5, "below", delay="60")
    assert alarm == {
        "id": alarm["id"],
        "data_source": source.id,
        "value": -5.0,
        "direction": "below",
        "delay": 60,
        "state": "normal",
        "logs": [],
    }
    assert (await account.get("/alarms")).json["alarms"] == [alarm]


async def test_an_alarm_beyond_the_newest_value_triggers_at_once(cloud, account, source):
    alarm = await create(account, source, -50, "above")
    truth = cloud.truth(source.id)
    assert alarm["state"] == "triggered"
    assert alarm["logs"] == [
        {
            "id": alarm["logs"][0]["id"],
            "alarm": alarm["id"],
            "date": truth.date.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "value": truth.value,
            "state": "triggered",
        }
    ]


async def test_an_alarm_comes_and_goes_with_the_measurements(cloud, account, source, clock):
    await create(account, source, 40, "above")
    assert await states(account) == ["normal"]
    cloud.report(source.id, 41)
    assert await states(account) == ["triggered"]
    clock.advance(60)
    cloud.report(source.id, 40)
    assert await states(account) == ["normal"]
    logs = (await account.get("/alarms")).json["alarms"][0]["logs"]
    assert [(log["state"], log["value"]) for log in logs] == [("normal", 40), ("triggered", 41)]


async def test_a_delay_waits_for_measurements_that_stay_beyond(cloud, account, source, clock):
    await create(account, source, 40, "above", delay="60")
    source.override = 45
    began = cloud.truth(source.id).date
    clock.set(began + timedelta(seconds=3_600))
    assert await states(account) == ["normal"]
    clock.advance(3)
    assert await states(account) == ["triggered"]
    log = (await account.get("/alarms")).json["alarms"][0]["logs"][0]
    assert log["date"] == (began + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S+0000")


async def test_one_good_measurement_starts_the_delay_anew(cloud, account, source, clock):
    await create(account, source, 40, "above", delay="60")
    source.override = 45
    clock.advance(3_000)
    cloud.report(source.id, 20)
    clock.advance(2_400)
    assert await states(account) == ["normal"]
    clock.advance(2_700)
    assert await states(account) == ["triggered"]


async def test_an_alarm_looks_at_every_measurement_of_a_long_time(cloud, account, source, clock):
    mean = 21.0
    history = cloud.history(source.id, clock.now() - timedelta(days=2), clock.now())
    mean = sum(row.value for row in history) / len(history)
    await create(account, source, mean, "above")
    started = cloud.truth(source.id).date
    clock.advance(3 * 86_400)
    logs = (await account.get("/alarms/history")).json["logs"]
    rows = cloud.history(source.id, started, clock.now())
    changes = sum((a.value > mean) != (b.value > mean) for a, b in pairwise(rows))
    assert len(logs) == changes + (rows[0].value > mean)
    assert [log["date"] for log in logs] == sorted((log["date"] for log in logs), reverse=True)


async def test_history_can_be_filtered_by_alarm_and_period(cloud, account, source, clock):
    first = await create(account, source, 40, "above")
    second = await create(account, source, -40, "below")
    cloud.report(source.id, 41)
    clock.advance(86_400)
    cloud.report(source.id, -41)
    everything = (await account.get("/alarms/history")).json["logs"]
    assert [log["alarm"] for log in everything] == [second["id"], first["id"], first["id"]]
    some = await account.get("/alarms/history", alarms=str(second["id"]))
    assert [log["alarm"] for log in some.json["logs"]] == [second["id"]]
    day = (clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    recent = (await account.get("/alarms/history", from_=day)).json["logs"]
    assert len(recent) == 1
    clock.advance(30 * 86_400)
    later = (await account.get("/alarms/history")).json["logs"]
    assert later[-len(everything) :] == everything


async def test_one_alarm_can_be_deleted(account, source):
    alarms = [await create(account, source, value, "above") for value in (40, 41, 42)]
    answer = await account.delete(f"/alarms/{alarms[1]['id']}")
    assert (answer.status, set(answer.json)) == (200, {"code", "max_age", "time"})
    left = (await account.get("/alarms")).json["alarms"]
    assert [alarm["id"] for alarm in left] == [alarms[0]["id"], alarms[2]["id"]]
    assert (await account.delete(f"/alarms/{alarms[1]['id']}")).status == 404


async def test_deleting_without_an_id_deletes_all(account, source):
    for value in (40, 41):
        await create(account, source, value, "above")
    assert (await account.delete("/alarms")).status == 200
    assert await states(account) == []


@pytest.mark.parametrize(
    "change",
    [
        {"data_source": ""},
        {"value": "warm"},
        {"value": "nan"},
        {"direction": "left"},
        {"delay": "-1"},
        {"delay": "x"},
    ],
)
async def test_a_wrong_alarm_is_refused(account, source, change):
    form = {"data_source": str(source.id), "value": "1", "direction": "above"} | change
    assert (await account.post("/alarms", **form)).status == 400


async def test_an_alarm_on_a_foreign_data_source_is_refused(account):
    form = {"data_source": "1", "value": "1", "direction": "above"}
    assert (await account.post("/alarms", **form)).status == 404


async def test_what_is_no_number_triggers_nothing(account, source, clock):
    await create(account, source, 40, "above")
    for value in (float("nan"), "99", None, [99]):
        source.override = value
        clock.advance(900)
        assert await states(account) == ["normal"]


async def test_alarms_can_have_other_forms(open_cloud, sign_in):
    cloud = await open_cloud(variants=ApiVariants(alarm_source="object", alarm_state="bool"))
    source = cloud.find_source()
    alarm = await create(sign_in(cloud), source, 99, "above")
    assert (alarm["data_source"], alarm["state"]) == ({"id": source.id}, False)
    cloud.config.variants.alarm_state = "number"
    cloud.config.variants.keys = {"logs": "alarm_logs"}
    assert "alarm_logs" in (await sign_in(cloud).get("/alarms/history")).json
    cloud.config.variants.delete_body = "none"
    assert await states(sign_in(cloud)) == [0]
    answer = await sign_in(cloud).delete(f"/alarms/{alarm['id']}")
    assert (answer.status, answer.body) == (204, b"")


async def test_reports_that_a_gateway_kept_are_looked_at_when_they_come(
    cloud, account, source, clock
):
    gateway = source.sensor.gateway
    gateway.buffers = True
    await create(account, source, 40, "above")
    gateway.online = False
    clock.advance(1)
    source.override = 50
    clock.advance(900)
    source.override = 20
    clock.advance(3_600)
    before = await states(account)
    gateway.online = True
    clock.advance(60)
    logs = (await account.get("/alarms")).json["alarms"][0]["logs"]
    assert (before, logs) == (["normal"], logs)
