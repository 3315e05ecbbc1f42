"""Repair flows."""

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .account import WatchpostConfigEntry
from .const import DOMAIN
from .engine.replacement import Pair


class ReplacedHardwareFlow(RepairsFlow):
    """Asks whether a new device stands in the place of one that is no longer listed."""

    def __init__(self, entry: WatchpostConfigEntry | None, pair: Pair) -> None:
        self._entry = entry
        self._pair = pair

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Show both devices side by side."""
        if (entry := self._offering()) is None:
            return self.async_abort(reason="no_longer_offered")
        return self.async_show_menu(
            step_id="init",
            menu_options=["same_place", "another_device"],
            description_placeholders=entry.runtime_data.inventory.replacements.described(
                self._pair
            ),
        )

    async def async_step_same_place(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Let the new device carry on the entities of the old one."""
        if (entry := self._offering()) is None:
            return self.async_abort(reason="no_longer_offered")
        await entry.runtime_data.inventory.replacements.async_accept(self._pair)
        # Nothing of either device may be running while their entities change.
        await self.hass.config_entries.async_reload(entry.entry_id)
        return self.async_create_entry(data={})

    async def async_step_another_device(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Leave both devices as they are, and never ask again."""
        if (entry := self._offering()) is None:
            return self.async_abort(reason="no_longer_offered")
        await entry.runtime_data.inventory.replacements.async_decline(self._pair)
        return self.async_create_entry(data={})

    def _offering(self) -> WatchpostConfigEntry | None:
        """Return the account, if it is loaded and still offers this."""
        entry = self._entry
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return None
        return entry if entry.runtime_data.inventory.replacements.is_offered(self._pair) else None


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of the one repair that can be fixed here."""
    found = data or {}
    entry = hass.config_entries.async_get_entry(str(found.get("entry_id")))
    if entry is not None and entry.domain != DOMAIN:
        entry = None
    return ReplacedHardwareFlow(entry, Pair(str(found.get("old")), str(found.get("new"))))
