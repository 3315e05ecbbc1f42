"""A caller who knows the webhook's address and nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.util import dt as dt_util

from simulators.sensorist import SensoristCloud

from .calling import (
    asked,
    counts,
    door_fixture,  # noqa: F401
    hook,
    told_fixture,  # noqa: F401
)
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
