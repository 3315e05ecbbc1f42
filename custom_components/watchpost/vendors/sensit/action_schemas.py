"""The actions that a SENSIT Connect account takes, with their fields."""

from __future__ import annotations

from typing import Final

from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ...contract.actions import PERIOD, Action, For, Permission, wrong_period

TIME_ZONE: Final = "time_zone"

ACTIONS: Final = (
    Action("get_history", For.ANY, Permission.READ, PERIOD, is_read=True, check=wrong_period),
    Action(
        "get_available_dates",
        For.DEVICE,
        Permission.READ,
        {vol.Optional(TIME_ZONE): cv.time_zone},
        is_read=True,
    ),
)
