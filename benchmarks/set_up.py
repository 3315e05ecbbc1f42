"""Set-up of 9,912 entities against as many bare entities of a stub integration.

Run: .venv/bin/python -m benchmarks.set_up
Both have the same devices, names and unique ids. Ours also fetches, decodes and keeps what it shows.
"""

from __future__ import annotations

import asyncio

from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_config_flow,
    mock_integration,
    mock_platform,
)

from .house import (
    ENTITIES,
    GATEWAYS,
    OF_GATEWAY,
    OF_SENSOR,
    SENSORS,
    Stopwatch,
    clouds,
    home_assistant,
    large_site,
    sensorist_entry,
)


class Bare(SensorEntity):
    """An entity that does nothing but be there."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_native_value = 20.5

    def __init__(self, device: int, number: int) -> None:
        self._attr_unique_id = f"{device}-{number}"
        self._attr_name = f"Value {number}"
        self._attr_device_info = DeviceInfo(
            identifiers={("stub", str(device))}, name=f"Device {device}", manufacturer="Stub"
        )


async def bare_set_up(watch: Stopwatch) -> int:
    async def set_up_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        await hass.config_entries.async_forward_entry_setups(entry, ["sensor"])
        return True

    async def set_up_platform(
        hass: HomeAssistant, entry: ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        gateways = [
            Bare(device, number) for device in range(GATEWAYS) for number in range(OF_GATEWAY)
        ]
        sensors = [
            Bare(1000 + device, number)
            for device in range(GATEWAYS * SENSORS)
            for number in range(OF_SENSOR)
        ]
        async_add_entities(gateways + sensors)

    async with home_assistant() as hass:
        mock_integration(hass, MockModule("stub", async_setup_entry=set_up_entry))
        mock_platform(hass, "stub.config_flow")
        mock_platform(hass, "stub.sensor", MockPlatform(async_setup_entry=set_up_platform))
        entry = MockConfigEntry(domain="stub")
        entry.add_to_hass(hass)
        with mock_config_flow("stub", ConfigFlow), watch.running():
            assert await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()
        return len(hass.states.async_all())


async def our_set_up(watch: Stopwatch) -> int:
    async with clouds(*large_site()) as doors, home_assistant() as hass:
        entry = sensorist_entry(hass, doors["sensorist"])
        with watch.running():
            assert await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()
        states = hass.states.async_all()
        measured = [state for state in states if state.domain in ("sensor", "binary_sensor")]
        assert not [state for state in measured if state.state in ("unavailable", "unknown")]
        return len(states)


async def main() -> None:
    bare, ours = Stopwatch(), Stopwatch()
    assert await bare_set_up(Stopwatch()) == ENTITIES  # the first pays for imports
    assert await bare_set_up(bare) == ENTITIES
    assert await our_set_up(ours) == ENTITIES
    print(f"entities                     {ENTITIES}")
    print(f"bare: event loop, wall       {bare.cpu:.2f} s, {bare.wall:.2f} s")
    print(f"watchpost: event loop, wall  {ours.cpu:.2f} s, {ours.wall:.2f} s")
    print(f"ratio (event loop)           {ours.cpu / bare.cpu:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
