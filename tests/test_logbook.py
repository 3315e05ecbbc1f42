"""What happened, as the activity log tells it."""

from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from simulators.sensorist import SensoristCloud

from .conftest import START, House, OpenCloud
from .outside import mishaps
from .test_automations import Freezer, alarm_entity, happened
from .test_automations import freezer as place_of


@pytest.fixture(autouse=True)
def _find_the_integration(freezer: FrozenDateTimeFactory, recorder_db_url: str) -> None:
    """In place of the one for all tests: the recorder must be there before Home Assistant is."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    freezer.move_to(START)


@pytest.fixture
async def house(recorder_mock: Recorder, enable_custom_integrations: None, house: House) -> House:
    return house


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=1, sensors=2, kinds=("temp",))


async def lines(house: House, hass_ws_client: Any, **which: Any) -> list[dict[str, Any]]:
    """What the activity log tells of occurrences; of all, of devices or of entities."""
    await house.pass_time(1)
    await async_wait_recording_done(house.hass)
    start = datetime.now(UTC) - timedelta(hours=1)
    client = await hass_ws_client()
    await client.send_json_auto_id(
        {"type": "logbook/get_events", "start_time": start.isoformat(), **which}
    )
    reply = await client.receive_json()
    assert reply["success"], reply
    return [line for line in reply["result"] if line.get("domain") == "watchpost"]


@pytest.fixture
async def cold(house: House, cloud: SensoristCloud) -> Freezer:
    assert await async_setup_component(house.hass, "logbook", {})
    await house.sign_in(cloud)
    return place_of(house, cloud)


async def test_an_alarm_is_told_in_a_sentence_about_its_device_and_leads_to_the_alarm(
    house: House, cloud: SensoristCloud, cold: Freezer, hass_ws_client: Any
) -> None:
    happened(
        house,
        cold,
        "alarm_raised",
        alarm_entity_id="binary_sensor.too_warm",
        threshold=8.0,
        direction="above",
        value=9.300000000000001,
        unit="°C",
        source="Temperature",
    )
    (line,) = await lines(house, hass_ws_client)

    assert line["name"] == cold.sensor.title
    assert line["message"] == "alarm raised (Temperature above 8 °C, 9.3 °C measured)"
    assert line["entity_id"] == "binary_sensor.too_warm"


async def test_what_the_vendor_tells_is_what_the_log_tells(
    house: House, cloud: SensoristCloud, hass_ws_client: Any
) -> None:
    assert await async_setup_component(house.hass, "logbook", {})
    source = cloud.find_source("temp")
    alarm = cloud.alarms.create(
        cloud.user.id, source, value=60, direction="above", delay=0, now=datetime.now(UTC)
    )
    await house.sign_in(cloud)
    cold = place_of(house, cloud)
    await house.pass_time(30)
    cold.report(cloud, 70.0)
    await house.pass_time(1000)

    told = await lines(house, hass_ws_client)
    assert told[0]["message"].startswith("alarm raised (")
    assert "above 60" in told[0]["message"]
    assert "70 °C measured" in told[0]["message"]
    assert told[0]["entity_id"] == alarm_entity(house, cloud, cold, alarm)


SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    ("alarm_cleared", {"value": 7.5}, "alarm cleared (7.5 measured)"),
    ("alarm_raised", {"threshold": 8, "direction": "below"}, "alarm raised (below 8)"),
    ("alarm_acknowledged", {}, "alarm acknowledged"),
    ("incursion", {}, "incursion detected"),
    ("incursion_acknowledged", {}, "incursion acknowledged"),
    ("button_pressed", {}, "button pressed"),
    ("system_notice", {"message": "Anna's fridge"}, "notice from the vendor"),
    ("capture_made", {}, "picture or clip taken"),
    ("something_new", {}, "something new"),
    (
        "alarm_raised",
        {"late": True, "at": "2026-09-13T10:00:00+00:00"},
        "alarm raised (told late, at 2026-09-13 03:00)",
    ),
]


async def test_each_kind_has_a_sentence(house: House, cold: Freezer, hass_ws_client: Any) -> None:
    for kind, data, _ in SENTENCES:
        happened(house, cold, kind, **data)
        await house.pass_time(1)

    told = await lines(house, hass_ws_client)
    assert [line["message"] for line in told] == [message for *_, message in SENTENCES]
    assert {line["entity_id"] for line in told} == {cold.events}


async def test_the_log_of_a_device_or_entity_tells_of_its_own_alone(
    house: House, cloud: SensoristCloud, cold: Freezer, hass_ws_client: Any
) -> None:
    other = place_of(house, cloud, 1)
    happened(house, cold, "incursion")
    happened(house, other, "button_pressed")

    (of_device,) = await lines(house, hass_ws_client, device_ids=[cold.device])
    assert of_device["message"] == "incursion detected"
    (of_entity,) = await lines(house, hass_ws_client, entity_ids=[other.events])
    assert of_entity["message"] == "button pressed"


async def test_a_line_outlives_its_device(
    house: House, cold: Freezer, hass_ws_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    happened(house, cold, "incursion", device_id=None, entity_id=None)

    (line,) = await lines(house, hass_ws_client)
    assert (line["name"], line["message"]) == ("Watchpost", "incursion detected")
    assert "entity_id" not in line
    assert mishaps(caplog) == []
