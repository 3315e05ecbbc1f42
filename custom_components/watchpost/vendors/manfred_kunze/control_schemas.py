"""Define the actions about alerts, devices and records of any group, with their fields."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_TYPE
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import (
    DATE,
    END,
    PERIOD,
    START,
    TEXT,
    Permission,
    ServiceAction,
    TargetKind,
    wrong_period,
)
from .endpoints import RESOURCES
from .models.alerts import Severity

ALERT_IDS: Final = "alert_ids"
COMMAND: Final = "command"
PARAMS: Final = "params"
TIMEOUT: Final = "timeout"
DEVICE_NAME: Final = "device_name"
EVENT_TYPE: Final = "event_type"
MESSAGE: Final = "message"
SEVERITY: Final = "severity"
DATA: Final = "data"
TIME: Final = "time"
CLASS_ID: Final = "class_id"
VALUES: Final = "values"
SITE_ID: Final = "site_id"
ARTEFACT_ID: Final = "artefact_id"
TARGET_TYPE: Final = "target_type"
TARGET_ID: Final = "target_id"
RESOURCE: Final = "resource"
RECORD_ID: Final = "record_id"
QUERY: Final = "query"
CHANNEL_ID: Final = "channel_id"

RAW: Final = "raw"
AGGREGATED: Final = "aggregated"
STATS: Final = "stats"
WINDOW: Final = "window"

# Targets of a desired state; the vendor's text names them, but not their literals.
TARGETS: Final = ("device", "component", "device_group", "device_profile", "sensor_profile")

DEFAULT_TIMEOUT: Final = 60
MAX_TIMEOUT: Final = 600

ID: Final = vol.All(cv.string, vol.Strip, vol.Match(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"))
_IDS: Final = vol.All(cv.ensure_list, [ID], vol.Length(min=1, max=500))
_LONG_TEXT: Final = vol.All(cv.string, vol.Strip, vol.Length(min=1, max=4_000))
_OBJECT: Final = vol.All({cv.string: object}, vol.Length(max=200))
_QUERY: Final = vol.All({TEXT: cv.string}, vol.Length(max=20))

_ALERTS: Final = {vol.Optional(ALERT_IDS): _IDS}


def _incomplete_target(fields: Mapping[str, Any]) -> str | None:
    """Return the field of a target's kind or id that is given without the other."""
    if (TARGET_TYPE in fields) == (TARGET_ID in fields):
        return None
    return TARGET_TYPE if TARGET_TYPE in fields else TARGET_ID


def _wrong_window(fields: Mapping[str, Any]) -> str | None:
    """Return the invalid date field: a window must end now, and a period must not be empty."""
    return END if fields[CONF_TYPE] == WINDOW and END in fields else wrong_period(fields)


ACTIONS: Final = (
    ServiceAction("acknowledge_alert", TargetKind.ANY, Permission.CONTROL, _ALERTS),
    ServiceAction("resolve_alert", TargetKind.ANY, Permission.CONTROL, _ALERTS),
    ServiceAction(
        "send_command",
        TargetKind.DEVICE,
        Permission.CONTROL,
        {
            vol.Required(COMMAND): TEXT,
            vol.Optional(PARAMS, default={}): _OBJECT,
            vol.Optional(TIMEOUT, default=DEFAULT_TIMEOUT): vol.All(
                vol.Coerce(int), vol.Range(min=1, max=MAX_TIMEOUT)
            ),
        },
    ),
    ServiceAction(
        "create_registration_token",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required(DEVICE_NAME): TEXT},
        response_required=True,
    ),
    ServiceAction(
        "post_event",
        TargetKind.ANY,
        Permission.CONTROL,
        {
            vol.Required(EVENT_TYPE): TEXT,
            vol.Optional(MESSAGE): _LONG_TEXT,
            vol.Optional(SEVERITY): vol.In([severity.lower() for severity in Severity]),
            vol.Optional(TIME): DATE,
            vol.Optional(DATA): _OBJECT,
        },
    ),
    ServiceAction(
        "create_annotation",
        TargetKind.ANY,
        Permission.CONTROL,
        {
            vol.Required(CLASS_ID): ID,
            vol.Optional(START): DATE,
            vol.Optional(END): DATE,
            vol.Optional(VALUES, default={}): _OBJECT,
            vol.Optional(SITE_ID): ID,
        },
        check=wrong_period,
    ),
    ServiceAction(
        "get_readings",
        TargetKind.ANY,
        Permission.READ,
        {
            vol.Optional(CONF_TYPE, default=RAW): vol.In([RAW, WINDOW, AGGREGATED, STATS]),
            **PERIOD,
        },
        is_read=True,
        check=_wrong_window,
    ),
    ServiceAction(
        "set_desired_state",
        TargetKind.ANY,
        Permission.CONTROL,
        {
            vol.Required(ARTEFACT_ID): ID,
            vol.Optional(TARGET_TYPE): vol.In(TARGETS),
            vol.Optional(TARGET_ID): ID,
        },
        check=_incomplete_target,
    ),
    ServiceAction(
        "request_artefact_upload",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required(DATA): _OBJECT},
        response_required=True,
    ),
    ServiceAction(
        "test_notification_channel",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required(CHANNEL_ID): ID},
    ),
    ServiceAction(
        "list_records",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(RESOURCE): vol.In([*RESOURCES, "schemas"]),
            vol.Optional(RECORD_ID): ID,
            vol.Optional(QUERY, default={}): _QUERY,
        },
        is_read=True,
    ),
    ServiceAction(
        "save_record",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(RESOURCE): vol.In(
                [name for name, resource in RESOURCES.items() if resource.can_create]
            ),
            vol.Optional(RECORD_ID): ID,
            vol.Required(DATA): _OBJECT,
        },
    ),
    ServiceAction(
        "delete_record",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(RESOURCE): vol.In(
                [name for name, resource in RESOURCES.items() if resource.can_delete]
            ),
            vol.Required(RECORD_ID): ID,
        },
    ),
)
