"""Repair issues for low batteries, deleted when the battery is good again."""

from collections.abc import Callable
from typing import Final, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..models import Channel, Reading, VendorEvent, VendorEventType
from .inventory_diff import InventoryTracker
from .markdown import escape

# A new battery has at least so much more than the one that was called low ...
RISE_VOLTS: Final = 0.1
# ... or at least so much, where the vendor measures in percent.
GOOD_PERCENT: Final = 20.0

# Unauthenticated notices raise at most so many issues.
MAX_UNPROVEN: Final = 10

_ISSUE: Final = "battery_low"

# The device class of a battery in percent, and the translation key of one in volts.
_PERCENT: Final = "battery"
_VOLTS: Final = "battery_voltage"


class Battery(NamedTuple):
    """A device's battery: its level in volts or in percent, None while that is not known."""

    name: str
    level: float | None
    is_percent: bool


def is_low_battery(vendor_event: VendorEvent) -> bool:
    """Return whether an event is a vendor's notice about a battery."""
    code = vendor_event.data.get("code")
    is_notice = vendor_event.type is VendorEventType.SYSTEM_NOTICE
    return is_notice and isinstance(code, str) and "batt" in code.lower()


@callback
def async_forget_batteries(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the battery issues of an account."""
    for issue_id in _issues(hass, entry):
        ir.async_delete_issue(hass, entry.domain, issue_id)


def is_about_battery(issue_id: str) -> bool:
    """Return whether an issue is about a battery; those survive reloads and restarts."""
    return issue_id.startswith(f"{_ISSUE}_")


class BatteryIssues:
    """The battery issues of one account; `reading` returns a channel's reading."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        tracker: InventoryTracker,
        reading: Callable[[Channel], Reading | None],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._tracker = tracker
        self._reading = reading

    @callback
    def async_notice(self, vendor_event: VendorEvent) -> None:
        """Raise an issue if the event is a notice of a low battery."""
        battery = self._find(vendor_event.device) if is_low_battery(vendor_event) else None
        if battery is not None and (vendor_event.is_proven or self._is_credible(battery)):
            self._raise_issue(vendor_event.device, battery)

    def _is_credible(self, battery: Battery) -> bool:
        """Return whether an unauthenticated notice may raise an issue."""
        is_good = battery.is_percent and battery.level is not None and battery.level >= GOOD_PERCENT
        return not is_good and len(_issues(self._hass, self._entry)) < MAX_UNPROVEN

    @callback
    def _raise_issue(self, device: str, battery: Battery) -> None:
        ir.async_create_issue(
            self._hass,
            self._entry.domain,
            f"{_ISSUE}_{self._entry.entry_id}_{device}",
            is_fixable=False,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=_ISSUE,
            translation_placeholders={"device": escape(battery.name)},
            data={"device": device, "level": battery.level},
        )

    @callback
    def async_review(self) -> None:
        """Delete the issues of batteries that are good again, and of devices that are gone."""
        for issue_id, issue in _issues(self._hass, self._entry).items():
            data = issue.data or {}
            device, level = str(data.get("device")), data.get("level")
            battery = self._find(device)
            if battery is not None and level is None and battery.level is not None:
                self._raise_issue(device, battery)  # the level that a new one has to beat
            elif battery is None or _is_good(battery, level):
                ir.async_delete_issue(self._hass, self._entry.domain, issue_id)

    def _find(self, device_id: str) -> Battery | None:
        """Return a device's battery, None for an unknown device."""
        device = self._tracker.devices.get(device_id)
        if device is None:
            return None
        name = device.name or device.id
        for channel in self._tracker.channels.values():
            if channel.device == device_id and _is_battery(channel):
                reading = self._reading(channel)
                value = reading.value if reading else None
                level = float(value) if isinstance(value, int | float) else None
                return Battery(name, level, channel.description.device_class == _PERCENT)
        return Battery(name, None, is_percent=False)


def _is_battery(channel: Channel) -> bool:
    description = channel.description
    return description.device_class == _PERCENT or description.translation_key == _VOLTS


def _is_good(battery: Battery, level: str | float | None) -> bool:
    if battery.level is None:
        return False
    if battery.is_percent:
        return battery.level >= GOOD_PERCENT
    # Rounded, since 2.5 and 0.1 make a little more than 2.6 in binary.
    return isinstance(level, int | float) and round(battery.level - level, 6) >= RISE_VOLTS


def _issues(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, ir.IssueEntry]:
    prefix = f"{_ISSUE}_{entry.entry_id}_"
    return {
        issue_id: issue
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == entry.domain and issue_id.startswith(prefix) and issue.active
    }
