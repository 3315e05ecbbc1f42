"""Channels that can be switched on and off."""

from functools import partial
from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .commands import async_execute_command
from .entity import ChannelEntity, async_add_channels
from .models import JobState

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a switch for each channel that is one."""
    async_add_channels(entry, Platform.SWITCH, ChannelSwitch, async_add_entities)


class ChannelSwitch(ChannelEntity, SwitchEntity):
    """Something that can be switched at the vendor. What was asked for is shown until the vendor has been asked."""

    entity_description: SwitchEntityDescription
    _asked: bool | None = None

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the requested state while that is pending, else the vendor's; None is unknown."""
        value = self._value if self._asked is None else self._asked
        return None if value is None else bool(value)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch on once; raises HomeAssistantError."""
        await self._switch(is_on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off once; raises HomeAssistantError."""
        await self._switch(is_on=False)

    async def _switch(self, *, is_on: bool) -> None:
        if (switch := self._channel.switch) is None:
            return
        self._asked = is_on
        try:
            act = partial(switch, is_on)
            await async_execute_command(
                self._account, self._channel, self.entity_id, act, self._on_end
            )
        except BaseException:
            self._asked = None
            raise
        finally:
            # Also after a failure: what was asked for may have been written meanwhile.
            self.async_write_ha_state()

    @callback
    def _on_end(self, state: JobState | None) -> None:
        self._account.entry.async_create_background_task(
            self.hass, self._look(), f"after switching {self.entity_id}"
        )

    async def _look(self) -> None:
        """Show what the vendor says from now on, also if that is another thing than was asked for."""
        await self._account.coordinators[self._channel.feed].async_refresh()
        self._asked = None
        self.on_reading(*self._account.shown(self._channel))
