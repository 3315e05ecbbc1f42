"""Conditions: what passes, and what must not."""

from typing import Any

from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import condition as condition_helper
from homeassistant.helpers import entity_registry as er

from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House
from .test_automations import POLL, SILENCE, alarm_entity, foreign, freezer, set_alarm


async def passes(
    house: House, kind: str, options: dict[str, Any] | None = None, **target: Any
) -> bool:
    """Whether a condition lets an automation run now."""
    config = {"condition": f"{DOMAIN}.{kind}", "target": target, "options": options or {}}
    validated = await condition_helper.async_validate_condition_config(house.hass, config)
    test = await condition_helper.async_from_config(house.hass, validated)
    return bool(test.async_check())


async def test_an_alarm_is_active_while_it_is_on_and_alone_counts(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cold = freezer(house, cloud)
    low, high = set_alarm(cloud, cold, 60), set_alarm(cloud, cold, 80)
    await house.pass_time(POLL)
    foreign(house.hass, cold, "binary_sensor")
    on_device = {"device_id": cold.device}
    assert not await passes(house, "alarm_is_active", **on_device)

    cold.report(cloud, 70.0)
    await house.pass_time(POLL)
    # The next usual measurement clears the alarm; the one that raised it is what was told.
    shown = [alarm_entity(house, cloud, cold, alarm) for alarm in (low, high)]
    house.hass.states.async_set(shown[0], STATE_ON)
    house.hass.states.async_set(shown[1], STATE_OFF)
    assert await passes(house, "alarm_is_active", **on_device)
    assert await passes(house, "alarm_is_active", entity_id=shown[0])
    assert not await passes(house, "alarm_is_active", entity_id=shown[1])
    assert not await passes(house, "alarm_is_active", {"behavior": "all"}, **on_device)

    for unknown in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        for entity_id in shown:
            house.hass.states.async_set(entity_id, unknown)
        for behavior in ("any", "all"):
            assert not await passes(house, "alarm_is_active", {"behavior": behavior}, **on_device)


async def test_an_alarm_counts_whatever_a_user_shows_it_as(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cold = freezer(house, cloud)
    alarm = set_alarm(cloud, cold, 60)
    await house.pass_time(POLL)
    entity_id = alarm_entity(house, cloud, cold, alarm)
    er.async_get(house.hass).async_update_entity(entity_id, device_class="heat")
    house.hass.states.async_set(entity_id, STATE_ON, {"device_class": "heat"})

    assert await passes(house, "alarm_is_active", entity_id=entity_id)


async def test_data_is_stale_while_it_is_too_old(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    cold, other = freezer(house, cloud, 0), freezer(house, cloud, 1)
    stranger = foreign(house.hass, cold, "sensor")
    house.hass.states.async_set(stranger, STATE_UNAVAILABLE)
    both = {"entity_id": [cold.temperature, other.temperature]}
    for options in ({"behavior": "any"}, {"behavior": "all"}):
        assert not await passes(house, "data_is_stale", options, **both)
        assert not await passes(house, "data_is_stale", options, entity_id=stranger)

    cold.sensor.silent = True
    await house.pass_time(SILENCE)

    assert await passes(house, "data_is_stale", **both)
    assert await passes(house, "data_is_stale", device_id=cold.device)
    assert not await passes(house, "data_is_stale", {"behavior": "all"}, **both)
    assert not await passes(house, "data_is_stale", entity_id=other.temperature)
    assert await passes(house, "data_is_stale", {"for": {"minutes": 5}}, entity_id=cold.temperature)
    assert not await passes(
        house, "data_is_stale", {"for": {"hours": 5}}, entity_id=cold.temperature
    )
