"""Sentences about events for the activity log."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .const import DOMAIN, EVENT_WATCHPOST
from .models import VendorEventType

_SENTENCES: Final[dict[str, str]] = {
    VendorEventType.ALARM_RAISED: "alarm raised",
    VendorEventType.ALARM_CLEARED: "alarm cleared",
    VendorEventType.ALARM_ACKNOWLEDGED: "alarm acknowledged",
    VendorEventType.INCURSION: "incursion detected",
    VendorEventType.INCURSION_ACKNOWLEDGED: "incursion acknowledged",
    VendorEventType.BUTTON_PRESSED: "button pressed",
    VendorEventType.SYSTEM_NOTICE: "notice from the vendor",
    VendorEventType.CAPTURE_MADE: "picture or clip taken",
    VendorEventType.MESSAGE_RECEIVED: "message received",
}


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Register the descriptions of events."""

    @callback
    def describe(event: Event) -> dict[str, str]:
        data = event.data
        device = dr.async_get(hass).async_get(data.get(ATTR_DEVICE_ID) or "")
        described = {
            ATTR_NAME: (device and (device.name_by_user or device.name)) or "Watchpost",
            "message": _message(data),
        }
        if entity_id := data.get("alarm_entity_id") or data.get(ATTR_ENTITY_ID):
            described[ATTR_ENTITY_ID] = entity_id
        return described

    async_describe_event(DOMAIN, EVENT_WATCHPOST, describe)


def _message(data: Mapping[str, Any]) -> str:
    """Return the sentence after the device's name, such as "alarm raised (Temperature above 8 °C, 9.3 °C measured)"."""
    kind = str(data.get("type", ""))
    details = [*_measured(data), *_lateness(data)]
    sentence = _SENTENCES.get(kind, kind.replace("_", " "))
    return f"{sentence} ({', '.join(details)})" if details else sentence


def _measured(data: Mapping[str, Any]) -> list[str]:
    unit, details = data.get("unit"), []
    if data.get("direction") and data.get("threshold") is not None:
        limit = f"{data['direction']} {_figure(data['threshold'], unit)}"
        details.append(f"{data['source']} {limit}" if data.get("source") else limit)
    if data.get("value") is not None:
        details.append(f"{_figure(data['value'], unit)} measured")
    return details


def _lateness(data: Mapping[str, Any]) -> list[str]:
    at = dt_util.parse_datetime(str(data.get("at"))) if data.get("late") else None
    return [f"told late, at {dt_util.as_local(at):%Y-%m-%d %H:%M}"] if at else []


def _figure(value: object, unit: str | None) -> str:
    figure = f"{value:.10g}" if isinstance(value, int | float) else str(value)
    return f"{figure} {unit}" if unit else figure
