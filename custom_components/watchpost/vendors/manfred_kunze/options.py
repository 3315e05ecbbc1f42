"""Options of an account that no single feature owns."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
)
import voluptuous as vol

from ...client.resolver import AllowedHost

CONF_SHOWN_FOR: Final = "shown_for"
CONF_STORAGE_HOST: Final = "storage_host"
DEFAULT_MINUTES: Final = 60


def shown_for(options: Mapping[str, Any]) -> timedelta:
    """Return how long a value is shown of a sensor whose interval is unknown."""
    return timedelta(minutes=options.get(CONF_SHOWN_FOR, DEFAULT_MINUTES))


def storage_host(options: Mapping[str, Any]) -> AllowedHost | None:
    """Return the private host that links may lead to; raises NotSecureError for an invalid one."""
    text = options.get(CONF_STORAGE_HOST)
    return AllowedHost.of(text) if text else None


def storage_fields() -> dict[vol.Marker, Any]:
    """Return the fields of the options form about the file storage."""
    return {vol.Optional(CONF_STORAGE_HOST): TextSelector()}


def readings_fields() -> dict[vol.Marker, Any]:
    """Return the fields of the options form about readings."""
    minutes = NumberSelectorConfig(
        min=5, max=10_080, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement="min"
    )
    return {vol.Required(CONF_SHOWN_FOR, default=DEFAULT_MINUTES): NumberSelector(minutes)}
