"""What can be seen of Watchpost from outside, and what the simulated cloud says it should be."""

import logging
from typing import Any

from homeassistant.auth.models import User
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.setup import async_setup_component
import pytest

from simulators.clock import to_micros
from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import House


def source_id(cloud: SensoristCloud, source: Any) -> str:
    """The unique id of a data source's entity."""
    return f"sensorist:{cloud.user.id}:sensor-{source.sensor.id}:source-{source.id}"


def sensor_id(cloud: SensoristCloud, sensor: Any, key: str) -> str:
    """The unique id of a sensor's entity that is no data source."""
    return f"sensorist:{cloud.user.id}:sensor-{sensor.id}:{key}"


def gateway_id(cloud: SensoristCloud, gateway: Any, key: str) -> str:
    """The unique id of a gateway's entity."""
    return f"sensorist:{cloud.user.id}:gateway-{gateway.id}:{key}"


def shown(house: House, cloud: SensoristCloud) -> dict[int, str]:
    """The state of every data source, by its id."""
    return {source.id: house.state_of(source_id(cloud, source)).state for source in cloud.sources()}


def truth(cloud: SensoristCloud) -> dict[int, float]:
    """What each data source's entity should show: the newest value when it was last asked for."""
    asked = {
        int(found): record.at
        for record in cloud.log
        if record.path.endswith("/measurements") and record.status == 200
        for found in record.query["data_sources"].split(",")
    }
    return {
        source.id: float(newest.value)
        for source in cloud.sources()
        if (newest := source.newest(to_micros(asked[source.id])))
    }


def assert_shows_the_truth(house: House, cloud: SensoristCloud) -> None:
    """Every data source shows what the vendor last said."""
    states = shown(house, cloud)
    assert not {STATE_UNAVAILABLE, STATE_UNKNOWN} & set(states.values()), states
    assert {key: float(value) for key, value in states.items()} == pytest.approx(truth(cloud))


def unavailable(house: House) -> list[str]:
    """The entities that are unavailable."""
    return [state.entity_id for state in house.states() if state.state == STATE_UNAVAILABLE]


def mishaps(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Errors and tracebacks in the log above DEBUG, whoever wrote them."""
    return [
        f"{record.name}: {record.getMessage()}"
        for record in caplog.records
        if (record.levelno >= logging.ERROR or (record.exc_info and record.levelno > logging.DEBUG))
        and record.name != "aiohttp.access"  # the test's own client, whose clock stood still
    ]


async def download(house: House, hass_client_no_auth: Any, admin: User, path: str) -> Any:
    """Download diagnostics as the frontend does, however much time has gone by."""
    assert await async_setup_component(house.hass, "diagnostics", {})
    await house.settle()
    auth = house.hass.auth
    refresh = next(
        iter(admin.refresh_tokens.values()), None
    ) or await auth.async_create_refresh_token(admin, "https://example.com/")
    token = auth.async_create_access_token(refresh)
    client = await hass_client_no_auth()
    response = await client.get(
        f"/api/diagnostics/config_entry/{path}", headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status == 200, response.status
    return (await response.json())["data"]


async def until_met(house: House, fault: Fault) -> None:
    """Let time go by until a request has met a fault."""
    for _ in range(200):
        if fault.used:
            return
        await house.pass_time(25)
    pytest.fail("The fault was never met")
