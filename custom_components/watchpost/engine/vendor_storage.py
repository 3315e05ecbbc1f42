"""Stores vendor state over restarts that the vendor's cloud reports only once."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from .guarded_store import GuardedStore

# A crash loses at most this many seconds; every stop and reload of Home Assistant writes at once.
_DELAY: Final = 5.0


class VendorStorage:
    """The stored vendor state of one account."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._store = GuardedStore(hass, entry, "memory", "what was remembered", private=True)
        self._make: Callable[[], Mapping[str, Any]] | None = None

    async def async_load(self) -> Mapping[str, Any]:
        """Return the stored state; empty where it cannot be read, which is logged."""
        return await self._store.async_load() or {}

    @callback
    def async_remember(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """Schedule writing what `make` returns."""
        self._make = make
        self._store.async_delay_save(self._made, _DELAY)

    def _made(self) -> dict[str, Any]:
        return dict(self._make()) if self._make else {}

    async def async_flush(self) -> None:
        """Write at once what is scheduled."""
        if self._make is not None:
            await self._store.async_save(self._made())

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()
