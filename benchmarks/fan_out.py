"""One refresh of 7,000 channels of which one in a hundred changed, against the stock fan-out.

Run: .venv/bin/python -m benchmarks.fan_out
Both are handed the same readings ready made, and both end in written states. The stock side is one
DataUpdateCoordinator with a CoordinatorEntity for each channel; ours is an account with 28 gateways.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import logging
import time

from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity, DataUpdateCoordinator
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_config_flow,
    mock_integration,
    mock_platform,
)

from custom_components.watchpost.engine.model import ChannelId, FeedUpdate, Freshness, Reading

from .house import MEASURED, Stopwatch, clouds, home_assistant, large_site, sensorist_entry

ROUNDS = 15
SHARE = 100  # one in so many changes

_LOGGER = logging.getLogger(__name__)


class Stock(CoordinatorEntity[DataUpdateCoordinator[dict[int, float]]], SensorEntity):
    """A sensor as most integrations write it."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: DataUpdateCoordinator[dict[int, float]], number: int) -> None:
        super().__init__(coordinator)
        self._number = number
        self._attr_unique_id = str(number)
        self._attr_name = f"Value {number}"

    @property
    def native_value(self) -> float:
        return self.coordinator.data[self._number]


async def stock(share: int) -> Stopwatch:
    watch = Stopwatch()
    values = dict.fromkeys(range(MEASURED), 20.0)
    coordinators: list[DataUpdateCoordinator[dict[int, float]]] = []

    async def update() -> dict[int, float]:
        return dict(values)

    async def set_up_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        coordinator = DataUpdateCoordinator(
            hass, _LOGGER, config_entry=entry, name="stock", update_method=update
        )
        coordinators.append(coordinator)
        await coordinator.async_config_entry_first_refresh()
        await hass.config_entries.async_forward_entry_setups(entry, ["sensor"])
        return True

    async def set_up_platform(
        hass: HomeAssistant, entry: ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        async_add_entities(Stock(coordinators[0], number) for number in values)

    async with home_assistant() as hass:
        mock_integration(hass, MockModule("stub", async_setup_entry=set_up_entry))
        mock_platform(hass, "stub.config_flow")
        mock_platform(hass, "stub.sensor", MockPlatform(async_setup_entry=set_up_platform))
        entry = MockConfigEntry(domain="stub")
        entry.add_to_hass(hass)
        with mock_config_flow("stub", ConfigFlow):
            assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        for turn in range(ROUNDS):
            if share:
                for number in range(turn, MEASURED, share):
                    values[number] += 1.0
            with watch.running():
                await coordinators[0].async_refresh()
            await hass.async_block_till_done()
        shown = {state.state for state in hass.states.async_all()}
        assert ("21.0" in shown) == bool(share)
    return watch


async def ours(share: int) -> Stopwatch:
    watch = Stopwatch()
    async with clouds(*large_site()) as doors, home_assistant() as hass:
        entry = sensorist_entry(hass, doors["sensorist"])
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        feeds = [
            coordinator
            for coordinator in entry.runtime_data.coordinators.values()
            if coordinator.name.startswith("measurements")
        ]
        for turn in range(ROUNDS):
            updates = []
            changes = 0
            for coordinator in feeds:
                readings: dict[ChannelId, Reading] = {
                    key: Reading(held.reading.value, held.reading.measured_at)
                    for key, held in coordinator.data.held.items()
                }
                if share:
                    for key in list(readings)[turn::share]:
                        readings[key] = changed(readings[key])
                        changes += 1
                updates.append(
                    FeedUpdate(readings=readings, freshness=[Freshness(time.monotonic(), 0.0)])
                )
            for coordinator, update in zip(feeds, updates, strict=True):
                coordinator.data.freshness = ()  # what set-up fetched has expired
                coordinator.feed = replace(coordinator.feed, fetch=handing(update))
            with watch.running():
                for coordinator in feeds:
                    await coordinator.async_refresh()
            await hass.async_block_till_done()
            assert sum(len(update.readings) for update in updates) == MEASURED
            for coordinator, update in zip(feeds, updates, strict=True):
                held = coordinator.data.held
                assert all(held[key].reading == reading for key, reading in update.readings.items())
    return watch


def changed(reading: Reading) -> Reading:
    if isinstance(reading.value, datetime):
        return Reading(datetime.now(UTC).replace(microsecond=0), reading.measured_at)
    return Reading(float(reading.value or 0) + 1.0, datetime.now(UTC) - timedelta(seconds=1))


def handing(update: FeedUpdate):
    async def fetch(wanted: frozenset[ChannelId]) -> FeedUpdate:
        return update

    return fetch


async def main() -> None:
    for share, name in ((SHARE, "1 % changed"), (0, "nothing changed"), (1, "all changed")):
        theirs, mine = await stock(share), await ours(share)
        print(
            f"{name:16} stock {theirs.median * 1000:7.2f} ms  "
            f"watchpost {mine.median * 1000:7.2f} ms  ratio {theirs.median / mine.median:6.1f}"
        )


if __name__ == "__main__":
    asyncio.run(main())
