"""Whether the vendors in use can be reached and what is asked of them."""

from __future__ import annotations

from typing import Any

from homeassistant.components import system_health
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback

from .account import WatchpostConfigEntry
from .const import CONF_VENDOR, DOMAIN
from .vendors import VENDORS


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register the page."""
    register.async_register_info(_info)


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[WatchpostConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    reach = {
        f"reach_{VENDORS[entry.data[CONF_VENDOR]].key}": system_health.async_check_can_reach_url(
            hass, entry.data[CONF_URL]
        )
        for entry in entries
    }
    return {
        "accounts": len(hass.config_entries.async_entries(DOMAIN)),
        "requests_today": sum(entry.runtime_data.ledger.requests_today for entry in entries),
        **reach,
    }
