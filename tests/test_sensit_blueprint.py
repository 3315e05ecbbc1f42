"""The blueprint for gas above its baseline, with a leak that the wind carries over two monitors."""

from datetime import UTC, datetime, timedelta
import math
from pathlib import Path
import shutil
from typing import Any

from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import Event, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from simulators.sensit import SensitCloud

from .outside import mishaps
from .sensit_house import OpenSensit, SensitHouse
from .test_blueprints import BLUEPRINTS

ALARM = "input_boolean.methane_alarm"


async def watch(house: SensitHouse, cloud: SensitCloud, uuid: str, **more: Any) -> list[Event]:
    """Watch a monitor's methane with the blueprint as a person sets it up; what is told goes into the list."""
    hass = house.hass
    gas = house.shown(cloud, uuid, "field-CH4").entity_id
    folder = Path(hass.config.path("blueprints", "automation", "watchpost"))
    await hass.async_add_executor_job(shutil.copytree, BLUEPRINTS, folder)
    assert await async_setup_component(hass, "persistent_notification", {})
    assert await async_setup_component(
        hass, "input_boolean", {"input_boolean": {"methane_alarm": None}}
    )
    baseline = await add_baseline(house, gas)
    inputs = {"gas": gas, "baseline": baseline, "alarm": ALARM, "rise": 3, **more}
    uses = {"path": "watchpost/gas_above_baseline.yaml", "input": inputs}
    config = {"alias": "Methane", "use_blueprint": uses}
    device = er.async_get(hass).async_get(gas).device_id
    hearer = {
        "alias": "Hearer",
        "triggers": {"trigger": "watchpost.alarm_raised", "target": {"device_id": device}},
        "actions": {"event": "heard", "event_data": {"alarm": "{{ trigger.alarm_entity_id }}"}},
    }
    assert await async_setup_component(hass, "automation", {"automation": [config, hearer]})
    told: list[Event] = []

    @callback
    def hear(event: Event) -> None:
        told.append(event)

    hass.bus.async_listen("watchpost_event", hear)
    await house.pass_time(1200)
    assert hass.states.get("automation.methane").state == STATE_ON
    assert hass.states.get(ALARM).state == STATE_OFF
    return told


async def add_baseline(house: SensitHouse, gas: str) -> str:
    """Make the helper Statistics, step by step; its entity."""
    flow = house.hass.config_entries.flow
    step = await flow.async_init("statistics", context={"source": "user"})
    for fields in (
        {"name": "Methane baseline", "entity_id": gas},
        {"state_characteristic": "median"},
        {"max_age": {"hours": 24}},
    ):
        step = await flow.async_configure(step["flow_id"], fields)
    assert step["type"] is FlowResultType.CREATE_ENTRY
    await house.settle()
    (helper,) = er.async_entries_for_config_entry(er.async_get(house.hass), step["result"].entry_id)
    return helper.entity_id


def methane(house: SensitHouse, cloud: SensitCloud, uuid: str) -> float:
    """What a monitor shows; some units send the concentration in the laser's cell instead."""
    paths = ("field-CH4", "field-LaserCellConcentration.Conc_cor")
    return next(
        float(house.shown(cloud, uuid, key).state)
        for key in paths
        if house.entity(cloud, uuid, key)
    )


def wind_of(house: SensitHouse, cloud: SensitCloud, uuid: str) -> list[str]:
    return [house.shown(cloud, uuid, "field-WD").entity_id]


async def let_it_leak(house: SensitHouse, cloud: SensitCloud) -> tuple[float, float, set[str]]:
    """Let gas drift over the two monitors; how much each saw at most, and the alarm's states meanwhile."""
    first, second = (cloud.find_monitor("FMD", n).uuid for n in (0, 1))
    cloud.leak_across(first, second, datetime.now(UTC) + timedelta(minutes=5), 1800)
    highest = {first: 0.0, second: 0.0}
    alarms = set()
    for _ in range(60):
        await house.pass_time(60)
        alarms.add(house.hass.states.get(ALARM).state)
        for uuid, known in highest.items():
            highest[uuid] = max(known, methane(house, cloud, uuid))
    return highest[first], highest[second], alarms


async def test_a_leak_over_two_monitors_shows_on_both_and_raises_and_clears_the_alarm_once(
    sensit_house: SensitHouse, open_sensit: OpenSensit, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await open_sensit(spods=0, fmds=2, ramps=0, loss=0.0, late=0.0)
    await sensit_house.sign_in(cloud)
    first = cloud.find_monitor("FMD").uuid
    told = await watch(sensit_house, cloud, first)
    heard = async_capture_events(sensit_house.hass, "heard")

    at_first, at_second, alarms = await let_it_leak(sensit_house, cloud)

    assert at_first > 6
    assert at_second > 6
    assert alarms == {STATE_OFF, STATE_ON}
    assert sensit_house.hass.states.get(ALARM).state == STATE_OFF
    assert [event.data["type"] for event in told] == ["alarm_raised", "alarm_cleared"]
    raised = told[0].data
    assert raised["value"] > raised["threshold"] > 3
    assert (raised["direction"], raised["unit"]) == ("above", "ppm")
    assert raised["alarm_entity_id"] == ALARM
    # To Watchpost's own trigger it is an alarm like any other.
    assert [event.data["alarm"] for event in heard] == [ALARM]
    assert mishaps(caplog) == []


@pytest.mark.parametrize(("opposite", "count"), [(False, 1), (True, 0)])
async def test_the_alarm_needs_wind_from_the_sector(
    sensit_house: SensitHouse, open_sensit: OpenSensit, opposite: bool, count: int
) -> None:
    cloud = await open_sensit(spods=0, fmds=2, ramps=0, loss=0.0, late=0.0)
    await sensit_house.sign_in(cloud)
    first, second = cloud.find_monitor("FMD"), cloud.find_monitor("FMD", 1)
    # Where the gas comes from: the wind's direction while it is highest at the first monitor.
    trial = cloud.leak_across(first.uuid, second.uuid, datetime(2030, 1, 1, tzinfo=UTC), 1800)
    towards = _bearing(first, trial.east, trial.north) + (180 if opposite else 0)
    told = await watch(
        sensit_house,
        cloud,
        first.uuid,
        wind=wind_of(sensit_house, cloud, first.uuid),
        sector_from=(towards - 40) % 360,
        sector_to=(towards + 40) % 360,
        in_calm=False,
    )

    at_first, _, _ = await let_it_leak(sensit_house, cloud)

    assert at_first > 6
    assert [event.data["type"] for event in told].count("alarm_raised") == count


def _bearing(monitor: Any, east: float, north: float) -> float:
    return math.degrees(math.atan2(east - monitor.east, north - monitor.north)) % 360


@pytest.mark.parametrize(("in_calm", "count"), [(True, 1), (False, 0)])
async def test_calm_air_has_no_direction_and_counts_if_wanted(
    sensit_house: SensitHouse, open_sensit: OpenSensit, in_calm: bool, count: int
) -> None:
    cloud = await open_sensit(spods=0, fmds=1, ramps=0, loss=0.0, late=0.0)
    await sensit_house.sign_in(cloud)
    monitor = cloud.find_monitor("FMD")
    wind = wind_of(sensit_house, cloud, monitor.uuid)
    told = await watch(sensit_house, cloud, monitor.uuid, wind=wind, sector_to=10, in_calm=in_calm)

    monitor.override({"CH4": 30.0, "WD": 375}, cloud.clock.micros())
    await sensit_house.pass_time(900)

    assert sensit_house.hass.states.get(wind[0]).state == "unknown"
    assert [event.data["type"] for event in told].count("alarm_raised") == count
