"""What calls tell of batteries, and what shows when they fail to come."""

import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.auth.models import User
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .calling import DAY, arrive, call, counts, push_state
from .conftest import DOMAIN, House, OpenCloud, watchpost_lines
from .outside import download

# -- batteries --


def battery_issues(house: House) -> list[ir.IssueEntry]:
    return [
        issue
        for (domain, issue_id), issue in ir.async_get(house.hass).issues.items()
        if domain == DOMAIN and issue_id.startswith("battery_low_")
    ]


async def test_a_low_battery_is_an_issue_over_reloads_until_the_battery_is_replaced(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    entry = await house.sign_in(cloud)
    sensor = cloud.gateways[0].sensors[0]
    battery = next(source for source in sensor.sources if source.kind.name == "batt")
    battery.override = 2.31
    await house.pass_time(4 * 3600)

    cloud.system_notice(sensor)
    cloud.system_notice(sensor)
    await arrive(house, cloud)
    assert [(event["type"], event["code"]) for event in told] == [("system_notice", "battery_low")]
    (issue,) = battery_issues(house)
    assert issue.translation_placeholders == {"device": sensor.title}

    await house.reload(entry)
    battery.override = 2.40
    await house.pass_time(4 * 3600)
    assert len(battery_issues(house)) == 1

    battery.override = 3.0
    await house.pass_time(4 * 3600)
    assert battery_issues(house) == []


async def test_a_name_from_the_vendor_is_no_markdown_in_a_repair(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    sensor = cloud.gateways[0].sensors[0]
    sensor.title = "**Fryser**\n[x](http://evil) <img src=x>"
    await house.sign_in(cloud)
    await house.pass_time(60)
    cloud.system_notice(sensor)
    await arrive(house, cloud)

    (issue,) = battery_issues(house)
    escaped = r"\*\*Fryser\*\* \[x\](http\://evil) \<img src=x\>"
    assert issue.translation_placeholders == {"device": escaped}


async def test_a_battery_in_percent_is_good_from_twenty_on(
    house: House, door: TestClient, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1)
    cloud.faults.add(Fault(match="/gateways", kind="mutate", mutate=_in_percent))
    await house.sign_in(cloud)
    sensor = cloud.gateways[0].sensors[0]
    battery = next(source for source in sensor.sources if source.kind.name == "batt")
    battery.override = 7
    await house.pass_time(4 * 3600)
    cloud.system_notice(sensor)
    await arrive(house, cloud)
    assert len(battery_issues(house)) == 1

    battery.override = 19
    await house.pass_time(4 * 3600)
    assert len(battery_issues(house)) == 1
    battery.override = 20
    await house.pass_time(4 * 3600)
    assert battery_issues(house) == []


def _in_percent(payload: Any) -> Any:
    for gateway in payload["gateways"]:
        for sensor in gateway["devices"]:
            for source in sensor["devices"]:
                if source["type"]["name"] == "batt":
                    source["type"]["unit"] = {"id": 2, "name": "%"}
    return payload


async def test_a_battery_issue_goes_with_its_account(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(60)
    cloud.system_notice(cloud.gateways[0].sensors[0])
    await arrive(house, cloud)
    assert len(battery_issues(house)) == 1

    await house.hass.config_entries.async_remove(entry.entry_id)

    assert battery_issues(house) == []


async def test_a_notice_about_a_gateway_or_no_battery_is_told_without_an_issue(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(60)

    cloud.system_notice(cloud.gateways[0], code="firmware_updated", message="Jane's gateway")
    await arrive(house, cloud)

    assert [(event["type"], event["code"]) for event in told] == [
        ("system_notice", "firmware_updated")
    ]
    assert "Jane" not in str(told)
    assert battery_issues(house) == []


# -- silence --


async def test_a_day_of_silence_shows_and_a_call_ends_it(
    house: House, door: TestClient, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",), max_age=7200)
    entry = await house.sign_in(cloud)
    await house.pass_time(DAY - 100)
    assert push_state(house, cloud) == "on"
    await house.pass_time(200)
    assert push_state(house, cloud) == "off"
    assert counts(entry)["is_alive"] is False
    await house.reload(entry)
    assert push_state(house, cloud) == "off"

    cloud.press_button(cloud.gateways[0].sensors[0])
    await arrive(house, cloud)
    assert push_state(house, cloud) == "on"
    await house.pass_time(DAY - 100)
    assert push_state(house, cloud) == "on"
    await house.pass_time(DAY)
    assert push_state(house, cloud) == "off"
    assert cloud.early_requests() == []


async def test_no_secret_of_the_webhook_reaches_the_log_or_diagnostics(
    house: House, door: TestClient, cloud: SensoristCloud, hass_client_no_auth: Any,
    hass_admin_user: User, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    entry = await house.sign_in(cloud)
    await call(house, door, entry, {"type": 2, "canary": "yellow", "data": {"alarm": 999_999}})
    await call(house, door, entry, b"canary-yellow")
    cloud.faults.add(Fault(match="/callbacks", kind="status", status=500))
    await house.hass.config.async_update(external_url="https://canary.example.com")
    await house.settle()

    diagnostics = await download(house, hass_client_no_auth, hass_admin_user, entry.entry_id)

    told = json.dumps(diagnostics) + "".join(watchpost_lines(caplog, logging.DEBUG))
    assert diagnostics["push"]["calls"] == 2
    for secret in (entry.data[CONF_WEBHOOK_ID], "/api/webhook/", "canary"):
        assert secret not in told
