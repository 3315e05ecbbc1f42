"""Set-up, reload and unload of 9,912 entities, against the same bare entities of a stub integration.

Run: .venv/bin/python -m benchmarks.set_up
The stub has the same devices, names, unique ids and descriptions, a constant value each, and nothing behind them. Ours
also asks the vendor, decodes what it says, and subscribes. A first set-up fills the registries, a reload finds them so.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.button import ButtonEntity
from homeassistant.components.event import EventEntity
from homeassistant.components.number import NumberEntity
from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_config_flow,
    mock_integration,
    mock_platform,
)

from custom_components.watchpost.account import Account
from custom_components.watchpost.models import Channel, Device

from ._harness import ENTITIES, Stopwatch, clouds, home_assistant, large_site, sensorist_entry

ROUNDS = 3


class Bare(Entity):
    """An entity that does nothing but be there."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, channel: Channel, device: Device) -> None:
        self.entity_description = channel.description
        self._attr_unique_id = f"stub:{channel.device}:{channel.key}"
        if channel.name is not None:
            self._attr_name = channel.name
        self._attr_device_info = DeviceInfo(
            identifiers={("stub", channel.device)},
            name=device.name,
            manufacturer=device.manufacturer,
            model=device.model,
            serial_number=device.serial,
            sw_version=device.firmware,
        )


class BareSensor(Bare, SensorEntity):
    """A sensor with a constant value."""

    @property
    def native_value(self) -> Any:
        is_date = self.device_class == SensorDeviceClass.TIMESTAMP
        return dt_util.utcnow() if is_date else 20.5


class BareBinarySensor(Bare, BinarySensorEntity):
    """A binary sensor that is on."""

    _attr_is_on = True


class BareButton(Bare, ButtonEntity):
    """A button."""


class BareEvent(Bare, EventEntity):
    """An event entity."""


class BareNumber(Bare, NumberEntity):
    """A number with a constant value."""

    _attr_native_value = 900.0


BARE: dict[str, tuple[Platform, type[Bare]]] = {
    "BinarySensorEntityDescription": (Platform.BINARY_SENSOR, BareBinarySensor),
    "ButtonEntityDescription": (Platform.BUTTON, BareButton),
    "EventEntityDescription": (Platform.EVENT, BareEvent),
    "NumberEntityDescription": (Platform.NUMBER, BareNumber),
    "SensorEntityDescription": (Platform.SENSOR, BareSensor),
}


@dataclass
class Stopwatches:
    """A stopwatch for each step."""

    set_up: Stopwatch
    reload: Stopwatch
    unload: Stopwatch

    @staticmethod
    def new() -> Stopwatches:
        return Stopwatches(Stopwatch(), Stopwatch(), Stopwatch())


async def run(hass: HomeAssistant, entry: ConfigEntry, stopwatches: Stopwatches) -> Account | None:
    """Set up, reload and unload; returns the account of the reload, if it is one."""
    account = None
    for stopwatch, act in (
        (stopwatches.set_up, hass.config_entries.async_setup),
        (stopwatches.reload, hass.config_entries.async_reload),
        (stopwatches.unload, hass.config_entries.async_unload),
    ):
        with stopwatch.running():
            assert await act(entry.entry_id)
            await hass.async_block_till_done()
        if stopwatch is not stopwatches.unload:
            states = [state for state in hass.states.async_all() if state.state != "unavailable"]
            assert len(states) == ENTITIES, len(states)
            account = getattr(entry, "runtime_data", None)
    return account


def by_platform(channels: Iterable[Channel]) -> dict[Platform, list[Channel]]:
    found = defaultdict(list)
    for channel in channels:
        found[BARE[type(channel.description).__name__][0]].append(channel)
    return found


def stub(hass: HomeAssistant, channels: list[Channel], devices: dict[str, Device]) -> None:
    """Make an integration `stub` that adds a bare entity for each channel."""
    grouped = by_platform(channels)

    async def set_up_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        await hass.config_entries.async_forward_entry_setups(entry, list(grouped))
        return True

    async def unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        return await hass.config_entries.async_unload_platforms(entry, list(grouped))

    module = MockModule("stub", async_setup_entry=set_up_entry, async_unload_entry=unload_entry)
    mock_integration(hass, module)
    mock_platform(hass, "stub.config_flow")
    for platform, kind in BARE.values():
        mock_platform(hass, f"stub.{platform}", _platform(grouped[platform], kind, devices))


def _platform(
    channels: list[Channel], kind: type[Bare], devices: dict[str, Device]
) -> MockPlatform:
    async def set_up(
        hass: HomeAssistant, entry: ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        async_add_entities(kind(channel, devices[channel.device]) for channel in channels)

    return MockPlatform(async_setup_entry=set_up)


async def bare(
    channels: list[Channel], devices: dict[str, Device], stopwatches: Stopwatches
) -> None:
    async with home_assistant() as hass:
        stub(hass, channels, devices)
        entry = MockConfigEntry(domain="stub")
        entry.add_to_hass(hass)
        with mock_config_flow("stub", ConfigFlow):
            await run(hass, entry, stopwatches)


async def ours(stopwatches: Stopwatches) -> tuple[list[Channel], dict[str, Device]]:
    async with clouds(*large_site()) as access, home_assistant() as hass:
        entry = sensorist_entry(hass, access["sensorist"])
        account = await run(hass, entry, stopwatches)
        assert account is not None
        return list(account.inventory.tracker.channels.values()), account.inventory.tracker.devices


async def main() -> None:
    theirs, mine = Stopwatches.new(), Stopwatches.new()
    channels, devices = await ours(Stopwatches.new())  # the first of each pays for imports
    await bare(channels, devices, Stopwatches.new())
    for _ in range(ROUNDS):
        await ours(mine)
        await bare(channels, devices, theirs)
    print(f"{ENTITIES} entities, the best of {ROUNDS} rounds, processor time of the event loop")
    for name in ("set_up", "reload", "unload"):
        plain, full = getattr(theirs, name).best, getattr(mine, name).best
        print(f"{name:8} bare {plain:5.2f} s  watchpost {full:5.2f} s  ratio {full / plain:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
