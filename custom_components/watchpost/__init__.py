"""Watchpost: the clouds of safety and environment sensor vendors in Home Assistant."""

from contextlib import suppress

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.typing import ConfigType

from .account import (
    Account,
    WatchpostConfigEntry,
    async_connect_entry,
    async_drop_budget,
    async_forget_journal,
    async_stop_requests,
)
from .client.errors import NotSecureError
from .const import CONF_VENDOR, DOMAIN
from .contract.vendor import Vendor
from .engine.battery_issues import async_forget_batteries
from .engine.history.backfill import async_forget
from .engine.media.snapshots import async_forget_shots
from .engine.push.subscription import async_prepare_push, async_remove_push
from .engine.vendor_storage import VendorStorage
from .error_messages import translate_error
from .media_view import MediaView
from .outages import async_clear_issues
from .replacements import ReplacementStore, async_follow_decisions
from .services import async_setup_actions
from .vendors import VENDORS

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SENSOR,
]


def _platforms(vendor: Vendor) -> list[Platform]:
    """Return the platforms of an account; those that only some vendors need bring timers and libraries along."""
    return [*PLATFORMS, *map(Platform, vendor.more_platforms)]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions and the media view, whether an account is loaded or not."""
    async_setup_actions(hass)
    async_stop_requests(hass)
    # Home Assistant sets media sources up when somebody browses, but addresses from before a restart must work at once.
    hass.http.register_view(MediaView(hass))
    return True


async def async_setup_entry(hass: HomeAssistant, entry: WatchpostConfigEntry) -> bool:
    """Bring the inventory and the first readings, then the entities."""
    vendor = VENDORS[entry.data[CONF_VENDOR]]
    async_prepare_push(hass, entry)
    decisions = await async_follow_decisions(hass, entry)
    try:
        connection, budget = async_connect_entry(hass, vendor, entry)
    except NotSecureError as err:
        key, placeholders = translate_error(err)
        raise ConfigEntryError(
            translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
        ) from None
    account = Account(hass, entry, vendor, connection, budget, decisions=decisions)
    await account.async_start()
    entry.runtime_data = account
    await hass.config_entries.async_forward_entry_setups(entry, _platforms(vendor))
    account.async_settle()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: WatchpostConfigEntry) -> bool:
    """Unload the entities; the account's request budget and cache are kept for the next set-up."""
    platforms = _platforms(VENDORS[entry.data[CONF_VENDOR]])
    return await hass.config_entries.async_unload_platforms(entry, platforms)


async def async_remove_entry(hass: HomeAssistant, entry: WatchpostConfigEntry) -> None:
    """Remove the webhooks at the vendor, the repairs, the stored files and the request budget of the account."""
    vendor = VENDORS[entry.data[CONF_VENDOR]]
    with suppress(NotSecureError):
        connection, _ = async_connect_entry(hass, vendor, entry)
        await async_remove_push(hass, entry, connection.push)
    async_clear_issues(hass, entry)
    async_forget_batteries(hass, entry)
    await async_forget_journal(hass, entry)
    await async_forget(hass, entry)
    await async_forget_shots(hass, entry)
    await VendorStorage(hass, entry).async_remove()
    await ReplacementStore(hass, entry).async_remove()
    async_drop_budget(hass, vendor.budget_key(entry.data))


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: WatchpostConfigEntry, device: DeviceEntry
) -> bool:
    """Allow deleting a device that the vendor no longer lists; while signed out that is not known."""
    return entry.state is ConfigEntryState.LOADED and entry.runtime_data.inventory.async_forget(
        device
    )
