"""Channels with a number that can be set."""

from functools import partial
from typing import override

from homeassistant.components.number import NumberEntity, NumberEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .command_entity import SettableEntity
from .entity import async_add_channels
from .models import JobState, Reading

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a number for each channel that is one."""
    async_add_channels(entry, Platform.NUMBER, ChannelNumber, async_add_entities)


class ChannelNumber(SettableEntity, NumberEntity):
    """A number at the vendor; a requested value is shown until the vendor's next reading, or until it failed."""

    entity_description: NumberEntityDescription

    @property
    @override
    def native_value(self) -> float | None:
        """Return the value in the description's unit; None is unknown."""
        value = self._shown
        return value if isinstance(value, int | float) else None

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set the value once; raises HomeAssistantError."""
        if (set_value := self._channel.set_value) is not None:
            await self._async_request(value, partial(set_value, value))

    @override
    @callback
    def on_reading(self, reading: Reading | None, is_fresh: bool) -> None:
        self._requested = None
        super().on_reading(reading, is_fresh)

    @override
    @callback
    def _on_end(self, state: JobState | None) -> None:
        if state is not JobState.DONE:
            self.on_reading(*self._account.shown(self._channel))
