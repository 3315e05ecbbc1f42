"""System health: reachability of the vendors in use, requests and webhooks."""

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
    addresses: dict[str, set[str]] = {}
    for entry in entries:
        vendor = VENDORS[entry.data[CONF_VENDOR]].key
        addresses.setdefault(vendor, set()).add(entry.data[CONF_URL])
    reach = {f"reach_{vendor}": _reach(hass, urls) for vendor, urls in addresses.items()}
    return {
        "accounts": len(hass.config_entries.async_entries(DOMAIN)),
        "requests_today": sum(entry.runtime_data.budget.requests_today for entry in entries),
        "push": _push(entries),
        **reach,
    }


def _push(entries: list[WatchpostConfigEntry]) -> str:
    """Return how webhooks are received, for all accounts whose vendor has them."""
    receivers = (entry.runtime_data.push for entry in entries)
    return "; ".join(sorted({found.standing for found in receivers if found is not None}))


async def _reach(hass: HomeAssistant, urls: set[str]) -> str | dict[str, str]:
    """Return whether all URLs of a vendor in use can be reached, else the error of one."""
    found: str | dict[str, str] = "ok"
    for url in sorted(urls):
        reached = await system_health.async_check_can_reach_url(hass, url)
        found = reached if found == "ok" else found
    return found
