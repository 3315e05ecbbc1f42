"""Diagnostics: counts, times and shapes, never contents."""

from collections import Counter
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .account import Account, WatchpostConfigEntry, async_get_budget
from .const import CONF_VENDOR, DOMAIN
from .models import Channel
from .vendors import VENDORS


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: WatchpostConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of one account, fewer while it is not set up."""
    if entry.state is not ConfigEntryState.LOADED:
        return _standing(hass, entry)
    account = entry.runtime_data
    return {
        "vendor": account.vendor.key,
        "state": entry.state.value,
        "requests": account.budget.diagnostics(),
        "devices": len(account.inventory.tracker.devices),
        "channels": _shape(account, list(account.inventory.tracker.channels.values())),
        "channels_left_out": account.inventory.left_out,
        "options_set": sorted(entry.options),
        "history": account.history_backfill.diagnostics(),
        "daily": account.daily_totals.diagnostics(),
        "feeds": _feeds(account, set(account.coordinators)),
        "values_rejected": account.plausibility.diagnostics(),
        "push": account.push and account.push.diagnostics(),
        "shots": account.snapshots and account.snapshots.diagnostics(),
        "connection": dict(account.connection.diagnostics()),
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: WatchpostConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of one device and of the feeds that serve it."""
    if entry.state is not ConfigEntryState.LOADED:
        return _standing(hass, entry)
    account = entry.runtime_data
    names = {identifier for domain, identifier in device.identifiers if domain == DOMAIN}
    channels = [
        channel
        for channel in account.inventory.tracker.channels.values()
        if account.identifier(channel.device)[1] in names
    ]
    return {
        "vendor": account.vendor.key,
        "is_listed": any(
            account.identifier(device_id)[1] in names
            and account.inventory.tracker.is_listed(device_id)
            for device_id in account.inventory.tracker.devices
        ),
        "channels": _shape(account, channels),
        "feeds": _feeds(account, {channel.feed for channel in channels}),
    }


def _standing(hass: HomeAssistant, entry: WatchpostConfigEntry) -> dict[str, Any]:
    """Return the request budget, which outlives set-ups, and why the account is not set up."""
    vendor = VENDORS[entry.data[CONF_VENDOR]]
    return {
        "vendor": vendor.key,
        "state": entry.state.value,
        "because": entry.error_reason_translation_key,
        "requests": async_get_budget(hass, vendor.budget_key(entry.data)).diagnostics(),
        "options_set": sorted(entry.options),
    }


def _feeds(account: Account, names: set[str]) -> list[dict[str, Any]]:
    """Return the feeds' states in order, without their names: those contain the vendor's ids."""
    return [
        {"has_inventory": coordinator is account.inventory_coordinator, **coordinator.diagnostics()}
        for name, coordinator in account.coordinators.items()
        if name in names
    ]


def _shape(account: Account, channels: list[Channel]) -> dict[str, Any]:
    """Return how many channels there are of each kind and in each state."""
    states: Counter[str] = Counter()
    for channel in channels:
        reading = account.reading(channel)
        if not account.is_available(channel):
            states["unavailable"] += 1
        elif reading is None or reading.value is None:
            states["unknown"] += 1
        else:
            states[type(reading.value).__name__] += 1
    return {
        "count": len(channels),
        "by_class": Counter(
            str(channel.description.device_class or channel.description.translation_key)
            for channel in channels
        ),
        "by_cycle_seconds": Counter(
            str(round(channel.cycle.total_seconds())) if channel.cycle else "as polled"
            for channel in channels
        ),
        "by_state": states,
    }
