"""Triggers and conditions in real automations: what they see, and what they must not."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers import label_registry as lr
from homeassistant.setup import async_setup_component
import pytest

from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House
from .outside import mishaps, sensor_id, source_id

VARIABLES = (
    "vendor",
    "type",
    "at",
    "late",
    "device_id",
    "entity_id",
    "alarm_entity_id",
    "threshold",
    "direction",
    "value",
)
POLL = 1000  # seconds in which every feed is polled once more
SILENCE = 4 * 900 + 1000  # seconds in which a silent sensor's values go stale


@dataclass
class Freezer:
    """A sensor and the Home Assistant things that a user can aim at."""

    sensor: Any
    source: Any
    device: str
    events: str
    temperature: str

    def report(self, cloud: SensoristCloud, value: float) -> None:
        assert cloud.report(self.source.id, value) is not None


def freezer(house: House, cloud: SensoristCloud, n: int = 0) -> Freezer:
    source = cloud.find_source("temp", n)
    registry = er.async_get(house.hass)
    temperature = house.state_of(source_id(cloud, source)).entity_id
    events = house.state_of(sensor_id(cloud, source.sensor, "events"), "event").entity_id
    entity = registry.async_get(temperature)
    assert entity
    assert entity.device_id
    return Freezer(source.sensor, source, entity.device_id, events, temperature)


def set_alarm(cloud: SensoristCloud, place: Freezer, above: float) -> Any:
    return cloud.alarms.create(
        cloud.user.id, place.source, value=above, direction="above", delay=0, now=datetime.now(UTC)
    )


def alarm_entity(house: House, cloud: SensoristCloud, place: Freezer, alarm: Any) -> str:
    unique_id = sensor_id(cloud, place.sensor, f"alarm-{alarm.id}")
    return house.state_of(unique_id, "binary_sensor").entity_id


def listen(house: House) -> list[Event]:
    """A list that grows by what automations were run with."""
    runs: list[Event] = []

    @callback
    def on_run(event: Event) -> None:
        runs.append(event)

    house.hass.bus.async_listen("automation_ran", on_run)
    return runs


async def automate(house: House, *triggers: dict[str, Any], **automation: Any) -> list[Event]:
    """Set an automation up and say what it was run with."""
    runs = listen(house)
    told = {name: f"{{{{ trigger.{name} | default(none) }}}}" for name in VARIABLES}
    actions = [{"event": "automation_ran", "event_data": told}]
    config = {"alias": "Watch", "triggers": list(triggers), "actions": actions, "mode": "parallel"}
    assert await async_setup_component(
        house.hass, "automation", {"automation": [config | automation]}
    )
    await house.settle()
    (automation_state,) = house.hass.states.async_all("automation")
    assert automation_state.state == STATE_ON
    return runs


def when(kind: str, options: dict[str, Any] | None = None, **target: Any) -> dict[str, Any]:
    return {"trigger": f"{DOMAIN}.{kind}", "target": target, "options": options or {}}


def happened(house: House, place: Freezer, kind: str, **data: Any) -> dict[str, Any]:
    """Put an occurrence onto the bus as the integration does; what was put."""
    told = {
        "vendor": "sensorist",
        "device_id": place.device,
        "entity_id": place.events,
        "type": kind,
        "at": "2026-09-13T12:00:00+00:00",
        "late": False,
    } | data
    house.hass.bus.async_fire("watchpost_event", told)
    return told


async def test_an_alarm_at_the_vendor_runs_an_automation_once_when_raised_and_once_when_cleared(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cold, other = freezer(house, cloud, 0), freezer(house, cloud, 1)
    alarm, another = set_alarm(cloud, cold, 60), set_alarm(cloud, other, 60)
    await house.pass_time(POLL)
    runs = await automate(
        house,
        when("alarm_raised", device_id=cold.device),
        when("alarm_cleared", device_id=cold.device),
    )

    cold.report(cloud, 70.0)
    other.report(cloud, 70.0)
    await house.pass_time(POLL)

    entity_id = alarm_entity(house, cloud, cold, alarm)
    (raised,) = [run.data for run in runs if run.data["type"] == "alarm_raised"]
    assert raised["alarm_entity_id"] == entity_id
    assert raised["vendor"] == "sensorist"
    assert raised["device_id"] == cold.device
    assert raised["entity_id"] == cold.events
    assert (raised["threshold"], raised["direction"], raised["value"]) == (60, "above", 70)
    assert raised["at"] == alarm.logs[0].date.isoformat()
    assert raised["late"] is False

    await house.pass_time(2 * POLL)

    assert house.hass.states.is_state(entity_id, STATE_OFF)
    assert [run.data["type"] for run in runs] == ["alarm_raised", "alarm_cleared"]
    assert another.logs


@pytest.mark.parametrize("aimed_by", ["entity", "events", "device", "area", "label", "floor"])
async def test_an_occurrence_is_found_by_whatever_a_user_aims_at(
    house: House, cloud: SensoristCloud, aimed_by: str
) -> None:
    await house.sign_in(cloud)
    cold, other = freezer(house, cloud, 0), freezer(house, cloud, 1)
    alarm = set_alarm(cloud, cold, 60)
    await house.pass_time(POLL)
    entity_id = alarm_entity(house, cloud, cold, alarm)
    floor = fr.async_get(house.hass).async_create("Cellar")
    area = ar.async_get(house.hass).async_create("Cold room", floor_id=floor.floor_id)
    label = lr.async_get(house.hass).async_create("Food")
    dr.async_get(house.hass).async_update_device(
        cold.device, area_id=area.id, labels={label.label_id}
    )
    target = {
        "entity": {"entity_id": entity_id},
        "events": {"entity_id": cold.events},
        "device": {"device_id": cold.device},
        "area": {"area_id": area.id},
        "label": {"label_id": label.label_id},
        "floor": {"floor_id": floor.floor_id},
    }[aimed_by]
    runs = await automate(house, when("alarm_raised", **target))

    happened(house, other, "alarm_raised", alarm_entity_id="binary_sensor.another")
    happened(house, cold, "alarm_cleared", alarm_entity_id=entity_id)
    await house.settle()
    assert runs == []

    happened(house, cold, "alarm_raised", alarm_entity_id=entity_id)
    await house.settle()
    assert len(runs) == 1


async def test_one_alarm_of_a_device_is_not_taken_for_its_other(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cold = freezer(house, cloud)
    low, high = set_alarm(cloud, cold, 60), set_alarm(cloud, cold, 80)
    await house.pass_time(POLL)
    aimed = alarm_entity(house, cloud, cold, high)
    runs = await automate(house, when("alarm_raised", entity_id=aimed))

    cold.report(cloud, 70.0)
    await house.pass_time(POLL)
    assert low.triggered or low.logs
    assert runs == []

    cold.report(cloud, 90.0)
    await house.pass_time(POLL)
    assert [run.data["alarm_entity_id"] for run in runs] == [aimed]


async def test_occurrences_of_one_second_and_of_a_disabled_event_entity_all_count(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cold = freezer(house, cloud)
    er.async_get(house.hass).async_update_entity(
        cold.events, disabled_by=er.RegistryEntryDisabler.USER
    )
    await house.reload(entry)
    runs = await automate(house, when("alarm_raised", device_id=cold.device))

    for value in (9.1, 9.2, 9.3):
        happened(house, cold, "alarm_raised", entity_id=None, value=value)
    await house.settle()

    assert [run.data["value"] for run in runs] == [9.1, 9.2, 9.3]
    assert runs[0].data["threshold"] is None


async def test_late_ones_count_unless_told_otherwise(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    cold = freezer(house, cloud)
    runs = await automate(
        house,
        when("alarm_raised", device_id=cold.device),
        when("alarm_cleared", {"include_late": False}, device_id=cold.device),
    )

    happened(house, cold, "alarm_raised", late=True)
    happened(house, cold, "alarm_cleared", late=True)
    happened(house, cold, "alarm_cleared", late=False)
    await house.settle()

    assert [(run.data["type"], run.data["late"]) for run in runs] == [
        ("alarm_raised", True),
        ("alarm_cleared", False),
    ]


async def test_an_incursion_runs_an_automation(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    place, other = freezer(house, cloud, 0), freezer(house, cloud, 1)
    runs = await automate(house, when("incursion_detected", device_id=place.device))

    happened(house, other, "incursion")
    happened(house, place, "incursion_acknowledged")
    happened(house, place, "incursion")
    await house.settle()

    assert [run.data["type"] for run in runs] == ["incursion"]


async def test_an_alarm_raised_while_home_assistant_was_down_runs_an_automation_after_the_start(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cold = freezer(house, cloud)
    set_alarm(cloud, cold, 60)
    await house.pass_time(POLL)
    await house.hass.config_entries.async_unload(entry.entry_id)
    cold.report(cloud, 70.0)
    await house.pass_time(POLL)

    house.hass.set_state(CoreState.not_running)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()
    config = when("alarm_raised", device_id=cold.device)
    runs = await automate(house, config)
    await house.pass_time(60)
    assert runs == []
    await house.hass.async_start()
    await house.settle()

    assert [(run.data["type"], run.data["late"]) for run in runs] == [("alarm_raised", True)]


@pytest.mark.parametrize("kind", ["alarm_raised", "data_stale"])
async def test_a_trigger_without_a_target_is_refused(
    house: House, cloud: SensoristCloud, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    await house.sign_in(cloud)
    config = {"alias": "Watch", "triggers": [when(kind)], "actions": []}
    await async_setup_component(house.hass, "automation", {"automation": [config]})
    await house.settle()

    assert any("target" in line.lower() for line in mishaps(caplog))


async def test_data_that_goes_stale_triggers_once_per_entity_and_again_only_after_recovery(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cold, other = freezer(house, cloud, 0), freezer(house, cloud, 1)
    runs = await automate(
        house, when("data_stale", entity_id=[cold.temperature, other.temperature])
    )
    await house.pass_time(1800)
    await house.reload(entry)
    assert runs == []

    cold.sensor.silent = True
    await house.pass_time(SILENCE)
    assert house.hass.states.is_state(cold.temperature, STATE_UNAVAILABLE)
    assert [run.data["entity_id"] for run in runs] == [cold.temperature]

    await house.reload(entry)
    await house.pass_time(SILENCE)
    assert len(runs) == 1

    cold.sensor.silent = False
    await house.pass_time(2 * POLL)
    assert len(runs) == 1
    cold.sensor.silent = True
    await house.pass_time(SILENCE)
    assert len(runs) == 2


async def test_stale_data_of_a_device_can_trigger_once_for_all_its_entities(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cold = freezer(house, cloud)
    runs = await automate(house, when("data_stale", {"behavior": "first"}, device_id=cold.device))

    cold.sensor.silent = True
    await house.pass_time(SILENCE)

    assert len(runs) == 1


async def test_unloading_and_other_integrations_are_not_stale_data(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cold = freezer(house, cloud)
    stranger = foreign(house.hass, cold, "sensor")
    runs = await automate(
        house, when("data_stale", device_id=cold.device), when("data_stale", entity_id=stranger)
    )

    house.hass.states.async_set(stranger, STATE_UNAVAILABLE)
    await house.hass.config_entries.async_unload(entry.entry_id)
    await house.settle()

    assert house.hass.states.is_state(cold.temperature, STATE_UNAVAILABLE)
    assert runs == []


def foreign(hass: HomeAssistant, place: Freezer, domain: str) -> str:
    """An entity of another integration on the same device."""
    entity = er.async_get(hass).async_get_or_create(
        domain,
        "another",
        "1",
        device_id=place.device,
        original_device_class="problem" if domain == "binary_sensor" else None,
    )
    hass.states.async_set(entity.entity_id, STATE_ON)
    return entity.entity_id
