"""What happens between a vendor that calls in and Home Assistant's own web server, for tests."""

import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component
import pytest

from simulators.sensorist import SensoristCloud

from .conftest import House

DAY = 24 * 3600
ELSEWHERE = "http://127.0.0.1:9/another/hook"


@pytest.fixture(name="told")
def told_fixture(hass: HomeAssistant) -> list[dict[str, Any]]:
    """What goes onto the bus, as automations hear it."""
    heard: list[dict[str, Any]] = []

    @callback
    def hear(event: Event[dict[str, Any]]) -> None:
        heard.append(event.data)

    hass.bus.async_listen("watchpost_event", hear)
    return heard


@pytest.fixture(name="door")
async def door_fixture(
    house: House, hass_client_no_auth: Any, caplog: pytest.LogCaptureFixture
) -> TestClient:
    """Home Assistant's own web server, reachable from this machine."""
    caplog.set_level(
        logging.WARNING, "aiohttp.access"
    )  # the test server's own, upset by frozen time
    assert await async_setup_component(house.hass, "webhook", {})
    assert await async_setup_component(house.hass, "diagnostics", {})
    client = await hass_client_no_auth()
    await house.hass.config.async_update(external_url=base(client))
    await house.settle()
    return client


def base(door: TestClient) -> str:
    return f"http://127.0.0.1:{door.port}"


def hook(entry: ConfigEntry) -> str:
    return f"/api/webhook/{entry.data[CONF_WEBHOOK_ID]}"


def registered(cloud: SensoristCloud) -> list[tuple[str, int]]:
    return [(found.url, found.type) for found in cloud.callbacks.of(cloud.user.id)]


def asked(cloud: SensoristCloud, path: str) -> list[Any]:
    return [record for record in cloud.log if record.path == f"/v1{path}"]


async def arrive(house: House, cloud: SensoristCloud) -> None:
    """Let what the vendor posts arrive, and what follows from it."""
    for _ in range(3):
        await cloud.settled()
        await house.settle()


async def call(house: House, door: TestClient, entry: ConfigEntry, body: Any, **more: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await door.post(hook(entry), data=data, **more)
    assert (response.status, await response.read()) == (200, b"")
    await house.settle()


def push_state(house: House, cloud: SensoristCloud) -> str:
    return house.state_of(f"sensorist:{cloud.user.id}:account:push", "binary_sensor").state


def counts(entry: ConfigEntry) -> dict[str, Any]:
    found: dict[str, Any] = entry.runtime_data.push.diagnostics()
    return found


async def alarm_on(house: House, cloud: SensoristCloud, n: int = 0) -> Any:
    """An alarm that Home Assistant knows, in its normal state."""
    source = cloud.find_source("temp", n)
    source.override = 5.0
    cloud.report(source.id, 5.0)
    alarm = cloud.alarms.create(
        cloud.user.id, source, value=30.0, direction="above", delay=0, now=cloud.clock.now()
    )
    await house.pass_time(1000)
    return alarm
