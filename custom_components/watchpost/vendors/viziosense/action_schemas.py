"""Schemas of the actions of a VizioSense account."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import ATTR_NAME, CONF_URL
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import TEXT, Permission, ServiceAction, TargetKind
from .models import WebhookType

CITY: Final = "city"
COUNTRY: Final = "country"
WEBHOOK_ID: Final = "webhook_id"
WEBHOOK_TYPE: Final = "webhook_type"
ACTIVE: Final = "active"
TRIGGERS: Final = "actions"
HEADERS: Final = "headers"
PARAMS: Final = "params"
DEVICE_UUID: Final = "device_uuid"

_TYPE: Final = vol.In([str(kind) for kind in WebhookType])
_VALUE: Final = vol.All(cv.string, vol.Length(max=1024))
_PAIRS: Final = vol.All({TEXT: _VALUE}, vol.Length(max=20))
_URL: Final = vol.All(cv.url, vol.Length(max=2048))

_UPDATES: Final = (ATTR_NAME, CITY, COUNTRY)


def _check_change(fields: Mapping[str, Any]) -> str | None:
    return None if any(name in fields for name in _UPDATES) else ATTR_NAME


ACTIONS: Final = (
    ServiceAction("request_snapshot", TargetKind.ENTITY, Permission.CONTROL, {}),
    ServiceAction(
        "update_device",
        TargetKind.DEVICE,
        Permission.CONTROL,
        {vol.Optional(name): TEXT for name in _UPDATES},
        check=_check_change,
    ),
    ServiceAction("list_webhooks", TargetKind.ACCOUNT, Permission.READ, {}, is_read=True),
    ServiceAction(
        "add_webhook",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(CONF_URL): _URL,
            vol.Required(WEBHOOK_TYPE): _TYPE,
            vol.Optional(ACTIVE, default=True): cv.boolean,
            vol.Optional(TRIGGERS): TEXT,
            vol.Optional(HEADERS, default={}): _PAIRS,
            vol.Optional(PARAMS, default={}): _PAIRS,
            vol.Optional(DEVICE_UUID): TEXT,
        },
    ),
    ServiceAction(
        "update_webhook",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(WEBHOOK_ID): TEXT,
            vol.Optional(CONF_URL): _URL,
            vol.Optional(WEBHOOK_TYPE): _TYPE,
            vol.Optional(ACTIVE): cv.boolean,
            vol.Optional(TRIGGERS): TEXT,
            vol.Optional(HEADERS): _PAIRS,
            vol.Optional(PARAMS): _PAIRS,
        },
    ),
)
