"""Channels with a number that can be set."""

from functools import partial
from typing import override

from homeassistant.components.number import NumberEntity, NumberEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .commands import async_execute_command
from .entity import ChannelEntity, async_add_channels
from .models import JobState, Reading

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a number for each channel that is one."""
    async_add_channels(entry, Platform.NUMBER, ChannelNumber, async_add_entities)


class ChannelNumber(ChannelEntity, NumberEntity):
    """A number at the vendor. What was asked for is shown until the vendor lists another value, or it failed."""

    entity_description: NumberEntityDescription
    _asked: float | None = None

    @property
    @override
    def native_value(self) -> float | None:
        """The value in the description's unit; None is unknown."""
        value = self._value if self._asked is None else self._asked
        return value if isinstance(value, int | float) else None

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Set once; raises HomeAssistantError."""
        if (set_value := self._channel.set_value) is None:
            return
        self._asked = value
        try:
            act = partial(set_value, value)
            await async_execute_command(
                self._account, self._channel, self.entity_id, act, self._on_end
            )
        except BaseException:
            self._asked = None
            raise
        finally:
            # Also after a failure: what was asked for may have been written meanwhile.
            self.async_write_ha_state()

    @override
    @callback
    def on_reading(self, reading: Reading | None, is_fresh: bool) -> None:
        self._asked = None
        super().on_reading(reading, is_fresh)

    @callback
    def _on_end(self, state: JobState | None) -> None:
        if state is not JobState.DONE:
            self.on_reading(*self._account.shown(self._channel))
