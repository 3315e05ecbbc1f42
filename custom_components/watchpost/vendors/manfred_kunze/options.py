"""What a person chooses of an account beside what the parts offer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)
import voluptuous as vol

CONF_SHOWN_FOR: Final = "shown_for"
USUAL_MINUTES: Final = 60


def shown_for(options: Mapping[str, Any]) -> timedelta:
    """How long a value is shown of a sensor whose interval is not known."""
    return timedelta(minutes=options.get(CONF_SHOWN_FOR, USUAL_MINUTES))


def readings_fields() -> dict[vol.Marker, Any]:
    """The fields of the options form about readings."""
    minutes = NumberSelectorConfig(
        min=5, max=10_080, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement="min"
    )
    return {vol.Required(CONF_SHOWN_FOR, default=USUAL_MINUTES): NumberSelector(minutes)}
