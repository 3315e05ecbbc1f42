"""The actions that a SENSIT Connect account takes, with their fields."""

from typing import Final

from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import PERIOD, Permission, ServiceAction, TargetKind, wrong_period

TIME_ZONE: Final = "time_zone"

ACTIONS: Final = (
    ServiceAction(
        "get_history", TargetKind.ANY, Permission.READ, PERIOD, is_read=True, check=wrong_period
    ),
    ServiceAction(
        "get_available_dates",
        TargetKind.DEVICE,
        Permission.READ,
        {vol.Optional(TIME_ZONE): cv.time_zone},
        is_read=True,
    ),
)
