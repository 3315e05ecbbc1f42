"""Watchpost: the clouds of safety and environment sensor vendors in Home Assistant."""

from __future__ import annotations

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers.device_registry import DeviceEntry

from .account import (
    Account,
    WatchpostConfigEntry,
    async_clear_issues,
    async_connect,
    async_drop_ledger,
)
from .const import CONF_VENDOR, DOMAIN
from .coordinator import describe
from .vendors import VENDORS
from .vendors.errors import NotSecure

PLATFORMS = [Platform.BINARY_SENSOR, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: WatchpostConfigEntry) -> bool:
    """Bring the inventory and the first readings, then the entities."""
    vendor = VENDORS[entry.data[CONF_VENDOR]]
    try:
        connection, ledger = async_connect(hass, vendor, entry.data, entry.options)
    except NotSecure as err:
        key, placeholders = describe(err)
        raise ConfigEntryError(
            translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
        ) from None
    account = Account(hass, entry, vendor, connection, ledger)
    await account.async_start()
    entry.runtime_data = account
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    account.async_settle()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: WatchpostConfigEntry) -> bool:
    """Take the entities away; the account's standing with the vendor is kept for the next set-up."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: WatchpostConfigEntry) -> None:
    """Forget the account's standing with the vendor and what was said of it."""
    async_clear_issues(hass, entry)
    async_drop_ledger(hass, VENDORS[entry.data[CONF_VENDOR]].ledger_key(entry.data))


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: WatchpostConfigEntry, device: DeviceEntry
) -> bool:
    """Let the user delete what the vendor no longer lists."""
    roster = entry.runtime_data.roster
    return not any(
        entry.runtime_data.identifier(device_id) in device.identifiers
        for device_id in roster.devices
        if roster.is_listed(device_id)
    )
