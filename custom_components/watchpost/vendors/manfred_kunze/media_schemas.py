"""Define the actions about cameras and exports, with their fields."""

from typing import Final

from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import (
    DATE,
    END,
    START,
    Permission,
    ServiceAction,
    TargetKind,
    wrong_period,
)
from .control_schemas import ID, SITE_ID

EXPORT_ID: Final = "export_id"
INCLUDES: Final = "includes"
DOWNLOAD: Final = "download"
TIMEOUT: Final = "timeout"

READINGS: Final = "readings"
ANNOTATIONS: Final = "annotations"

DEFAULT_TIMEOUT: Final = 900
_MAX_TIMEOUT: Final = 6 * 3600

_PERIOD: Final = {vol.Required(START): DATE, vol.Required(END): DATE}
_EXPORT: Final = {vol.Required(EXPORT_ID): ID}

ACTIONS: Final = (
    ServiceAction(
        "request_dvr_clip", TargetKind.ENTITY, Permission.CONTROL, _PERIOD, check=wrong_period
    ),
    ServiceAction(
        "create_export",
        TargetKind.ANY,
        Permission.ADMIN,
        {
            **_PERIOD,
            vol.Optional(SITE_ID): ID,
            vol.Optional(INCLUDES, default=[READINGS, ANNOTATIONS]): vol.All(
                cv.ensure_list, [vol.In([READINGS, ANNOTATIONS])], vol.Length(min=1), vol.Unique()
            ),
            vol.Optional(DOWNLOAD, default=False): cv.boolean,
            vol.Optional(TIMEOUT, default=DEFAULT_TIMEOUT): vol.All(
                vol.Coerce(int), vol.Range(min=0, max=_MAX_TIMEOUT)
            ),
        },
        check=wrong_period,
    ),
    ServiceAction("list_exports", TargetKind.ACCOUNT, Permission.READ, {}, is_read=True),
    ServiceAction("download_export", TargetKind.ACCOUNT, Permission.ADMIN, _EXPORT),
    ServiceAction("delete_export", TargetKind.ACCOUNT, Permission.ADMIN, _EXPORT),
)
