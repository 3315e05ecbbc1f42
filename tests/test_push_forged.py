"""A caller who knows the webhook's address and nothing else."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntry
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from simulators.sensorist import SensoristCloud

from .calling import alarm_on, asked, counts, hook
from .conftest import DOMAIN, House, OpenCloud
from .outside import source_id


async def post(door: TestClient, path: str, bodies: list[Any]) -> None:
    """Post many bodies, some at a time."""
    for first in range(0, len(bodies), 50):
        answers = await asyncio.gather(
            *(door.post(path, json=body) for body in bodies[first : first + 50])
        )
        assert {answer.status for answer in answers} == {200}


def confirmations(cloud: SensoristCloud) -> list[Any]:
    return [record for record in asked(cloud, "/measurements") if record.query["type"] == "raw"]


def entity_of(house: House, unique_id: str) -> str:
    return house.state_of(unique_id).entity_id


async def test_forged_button_calls_leave_the_budget_to_polls_and_people(
    house: House, door: TestClient, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=5, sensors=8, kinds=("temp",))
    entry = await house.sign_in(cloud)
    await house.pass_time(120)
    sensors = [sensor for gateway in cloud.gateways for sensor in gateway.sensors]
    before = len(confirmations(cloud))

    for second in range(6):
        now = dt_util.utcnow()
        dates = [(now - timedelta(minutes=10 * n + second)).isoformat() for n in range(2)]
        await post(
            door,
            hook(entry),
            [
                {"type": 1, "date": date, "data": {"data_source": sensor.sources[0].id}}
                for sensor in sensors
                for date in dates
            ],
        )
        await house.pass_time(10)

    assert counts(entry)["calls"] == 6 * 2 * len(sensors)
    assert 20 < len(confirmations(cloud)) - before <= 30  # a quarter of 120 a minute
    action = asyncio.create_task(
        house.hass.services.async_call(
            DOMAIN,
            "create_alarm",
            {
                "entity_id": entity_of(house, source_id(cloud, sensors[0].sources[0])),
                "value": 8,
                "direction": "above",
            },
            blocking=True,
        )
    )
    await house.settle()  # time stands still
    assert action.done()
    assert len(cloud.alarms.of(cloud.user.id)) == 1


def battery_issues(house: House) -> list[str]:
    return [
        issue_id
        for domain, issue_id in ir.async_get(house.hass).issues
        if domain == DOMAIN and issue_id.startswith("battery_low_")
    ]


def journal_lines(house: House, entry: ConfigEntry) -> int:
    path = Path(house.hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.journal"))
    return len(path.read_text().splitlines())


async def test_forged_notices_are_capped_per_device_and_hour(
    house: House, door: TestClient, open_cloud: OpenCloud, told: list[Any]
) -> None:
    cloud = await open_cloud(gateways=2, sensors=6, kinds=("temp", "batt"))
    entry = await house.sign_in(cloud)
    await house.pass_time(120)
    lines = journal_lines(house, entry)
    sensors = [sensor for gateway in cloud.gateways for sensor in gateway.sensors]
    start = dt_util.utcnow()

    for minute in range(6):
        dates = [f"2026-09-13T1{n}:{10 * minute:02}:00Z" for n in range(3)] + [
            f"{year}-01-01T00:00:00Z" for year in (1970, 2020, 2030, 9999)
        ]
        await post(
            door,
            hook(entry),
            [
                {"type": 4, "date": date, "data": {"device": sensor.id, "code": f"batt-{n}"}}
                for sensor in sensors
                for n, date in enumerate(dates)
            ],
        )
        await house.pass_time(60)

    assert 0 < len(told) <= 4 * len(sensors)
    assert {event["type"] for event in told} == {"system_notice"}
    times = [datetime.fromisoformat(event["at"]) for event in told]
    assert max(times) <= start
    assert min(times) > start - timedelta(days=1)
    assert len(battery_issues(house)) <= 10
    assert journal_lines(house, entry) == lines
    assert entry.runtime_data.journal.delivered_until <= start

    await house.pass_time(3600)
    await post(door, hook(entry), [{"type": 4, "data": {"device": sensors[0].id, "code": "later"}}])
    await house.pass_time(30)
    assert told[-1]["code"] == "later"


async def test_a_forged_notice_of_the_future_keeps_no_true_alarm_back(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    entry = await house.sign_in(cloud)
    alarm = await alarm_on(house, cloud)
    sensor = cloud.gateways[0].sensors[0]
    future = {"type": 4, "date": "2031-01-01T00:00:00Z", "data": {"device": sensor.id}}
    await post(door, hook(entry), [future])
    await house.pass_time(30)

    await house.hass.config_entries.async_unload(entry.entry_id)
    alarm.source.override = 35.0
    cloud.report(alarm.source.id, 35.0)
    await house.pass_time(600)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()
    await house.pass_time(60)

    assert [event["type"] for event in told] == ["system_notice", "alarm_raised"]
    assert datetime.fromisoformat(told[0]["at"]) < datetime(2027, 1, 1, tzinfo=UTC)


async def test_a_notice_that_is_delivered_again_is_told_once_also_after_a_reload(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(60)
    sensor = cloud.gateways[0].sensors[0]
    date = dt_util.utcnow().isoformat()
    notice = {"type": 4, "date": date, "data": {"device": sensor.id, "code": "battery_low"}}

    await post(door, hook(entry), [notice, notice])
    await house.pass_time(15)
    await house.reload(entry)
    await post(door, hook(entry), [notice])
    await house.pass_time(15)

    assert [event["code"] for event in told] == ["battery_low"]
