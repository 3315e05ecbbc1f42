"""The actions that a Sensorist account takes, with their fields."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import ATTR_NAME, CONF_EMAIL, CONF_PASSWORD, CONF_TYPE
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import PERIOD, TEXT, Permission, ServiceAction, TargetKind, wrong_period

TICKS: Final = "ticks"
INTERVAL: Final = "interval"
RANGE: Final = "range"

_WEEK: Final = 7 * 24 * 60
_COUNT: Final = vol.All(vol.Coerce(int), vol.Range(min=1, max=100_000))


def _wrong_grouping(fields: Mapping[str, Any]) -> str | None:
    """What says how to group what is not grouped, or says it twice."""
    if TICKS in fields and INTERVAL in fields:
        return INTERVAL
    if fields[CONF_TYPE] != RANGE and (given := {TICKS, INTERVAL} & fields.keys()):
        return given.pop()
    return wrong_period(fields)


ACTIONS: Final = (
    ServiceAction(
        "get_measurements",
        TargetKind.ENTITY,
        Permission.READ,
        {
            vol.Optional(CONF_TYPE, default=RANGE): vol.In(["min_max", RANGE, "raw"]),
            **PERIOD,
            vol.Optional(TICKS): _COUNT,
            vol.Optional(INTERVAL): _COUNT,
        },
        is_read=True,
        check=_wrong_grouping,
    ),
    ServiceAction(
        "create_alarm",
        TargetKind.ENTITY,
        Permission.CONTROL,
        {
            vol.Required("value"): vol.All(vol.Coerce(float), vol.Range(min=-1e6, max=1e6)),
            vol.Required("direction"): vol.In(["above", "below"]),
            vol.Optional("delay"): vol.All(vol.Coerce(int), vol.Range(min=0, max=_WEEK)),
        },
    ),
    ServiceAction("delete_alarm", TargetKind.ENTITY, Permission.ADMIN, {}),
    ServiceAction(
        "get_alarm_history",
        TargetKind.ANY,
        Permission.READ,
        PERIOD,
        is_read=True,
        check=wrong_period,
    ),
    ServiceAction("rename", TargetKind.DEVICE, Permission.CONTROL, {vol.Required(ATTR_NAME): TEXT}),
    ServiceAction(
        "add_gateway",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {vol.Required("serial"): TEXT, vol.Optional(ATTR_NAME): TEXT},
    ),
    ServiceAction(
        "create_user",
        TargetKind.ACCOUNT,
        Permission.ADMIN,
        {
            vol.Required(CONF_EMAIL): vol.All(vol.Email(), vol.Length(max=255)),
            vol.Required(CONF_PASSWORD): vol.All(cv.string, vol.Length(min=1, max=255)),
            vol.Required("first_name"): TEXT,
            vol.Required("last_name"): TEXT,
        },
    ),
    ServiceAction("list_users", TargetKind.ACCOUNT, Permission.ADMIN, {}, is_read=True),
    ServiceAction("list_callbacks", TargetKind.ACCOUNT, Permission.READ, {}, is_read=True),
)
