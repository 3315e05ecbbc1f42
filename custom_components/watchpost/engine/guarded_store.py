"""A stored file whose read and write errors are logged and never raised."""

from collections.abc import Callable
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN

_LOGGER = logging.getLogger(__name__)


class GuardedStore:
    """One stored file of an account; `content` names it for the log.

    A file of a future version or of a wrong shape is replaced by what is written next.
    """

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, name: str, content: str, *, private: bool
    ) -> None:
        key = f"{DOMAIN}.{entry.entry_id}.{name}"
        self._store: Store[dict[str, Any]] = Store(hass, 1, key, private=private)
        self._title = entry.title
        self._content = content

    async def async_load(self) -> dict[str, Any] | None:
        """Return the content of the file; None where there is none, or where it cannot be read."""
        try:
            stored: object = await self._store.async_load()
        except Exception as err:  # noqa: BLE001  a Store raises whatever the content of a file leads it to
            self.async_report(err)
            return None
        if stored is not None and not isinstance(stored, dict):
            self.async_report(TypeError())
            return None
        return stored

    @callback
    def async_report(self, err: Exception) -> None:
        """Log that the content of the file is invalid."""
        _LOGGER.warning(
            "%s: %s cannot be read (%s) and begins anew",
            self._title,
            self._content,
            type(err).__name__,
        )

    @callback
    def async_delay_save(self, make: Callable[[], dict[str, Any]], delay: float) -> None:
        """Write what `make` returns after so many seconds, or when Home Assistant stops."""
        self._store.async_delay_save(make, delay)

    async def async_save(self, data: dict[str, Any]) -> None:
        """Write it now; a Store reports a full disk itself."""
        try:
            await self._store.async_save(data)
        except OSError as err:
            _LOGGER.warning(
                "%s: %s cannot be written (%s)", self._title, self._content, type(err).__name__
            )

    async def async_remove(self) -> None:
        """Delete the file."""
        try:
            await self._store.async_remove()
        except OSError as err:
            _LOGGER.warning(
                "%s: %s cannot be deleted (%s)", self._title, self._content, type(err).__name__
            )
