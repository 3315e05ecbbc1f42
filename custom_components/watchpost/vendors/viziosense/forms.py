"""Forms of a VizioSense account: two sign-ins and the options."""

from collections.abc import Mapping
from typing import Final

from homeassistant.const import CONF_TOKEN
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .. import forms

DEFAULT_URL: Final = "https://api.viziosense.com/api/v1"
STAGING_URL: Final = "https://api.staging.viziosense.ai/api/v1"

CONF_DEVICES: Final = "devices"
CONF_BARRIERS: Final = "barrier_counts"
SINCE_LAST: Final = "since_last"
SINCE_EVER: Final = "since_ever"


def token_schema(*, only_secrets: bool = False) -> vol.Schema:
    """Return the form for a long-lived token, which the vendor recommends between machines."""
    token: forms.Fields = {vol.Required(CONF_TOKEN): forms.TOKEN}
    return vol.Schema(token if only_secrets else token | forms.advanced(DEFAULT_URL))


def login_schema(*, only_secrets: bool = False) -> vol.Schema:
    """Return the form for an e-mail address and a password."""
    return forms.login_schema(DEFAULT_URL, only_secrets=only_secrets)


def options_schema(devices: Mapping[str, str]) -> vol.Schema:
    """Return the form of the options; `devices` maps uuids to names."""
    barriers = SelectSelector(
        SelectSelectorConfig(
            options=[SINCE_LAST, SINCE_EVER],
            translation_key=CONF_BARRIERS,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
    return vol.Schema(
        {
            vol.Optional(CONF_DEVICES, default=[]): forms.choice(devices, multiple=True),
            vol.Required(CONF_BARRIERS, default=SINCE_LAST): barriers,
        }
    )
