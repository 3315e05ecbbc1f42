"""The forms of a VizioSense account: two to sign in, and its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_PASSWORD, CONF_TOKEN, CONF_URL, CONF_USERNAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from ..base import SECTION_ADVANCED

DEFAULT_URL: Final = "https://api.viziosense.com/api/v1"
STAGING_URL: Final = "https://api.staging.viziosense.ai/api/v1"

CONF_DEVICES: Final = "devices"
CONF_BARRIERS: Final = "barrier_counts"
SINCE_LAST: Final = "since_last"
SINCE_EVER: Final = "since_ever"


def token_schema(*, only_secrets: bool = False) -> vol.Schema:
    """For a long-lived token, which the vendor recommends between machines."""
    token = {vol.Required(CONF_TOKEN): _text(TextSelectorType.PASSWORD)}
    return vol.Schema(token if only_secrets else token | _advanced())


def login_schema(*, only_secrets: bool = False) -> vol.Schema:
    """For a user with an e-mail address and a password."""
    password = {vol.Required(CONF_PASSWORD): _text(TextSelectorType.PASSWORD, "current-password")}
    username = {vol.Required(CONF_USERNAME): _text(TextSelectorType.EMAIL, "username")}
    return vol.Schema(password if only_secrets else username | password | _advanced())


def options_schema(devices: Mapping[str, str]) -> vol.Schema:
    """For what an account shows; `devices` are names by uuid."""
    barriers = SelectSelector(
        SelectSelectorConfig(
            options=[SINCE_LAST, SINCE_EVER],
            translation_key=CONF_BARRIERS,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
    return vol.Schema(
        {
            vol.Optional(CONF_DEVICES, default=[]): _choice(devices),
            vol.Required(CONF_BARRIERS, default=SINCE_LAST): barriers,
        }
    )


def _choice(choices: Mapping[str, str]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=key, label=label) for key, label in choices.items()],
            multiple=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def _text(kind: TextSelectorType, autocomplete: str = "off") -> TextSelector:
    return TextSelector(TextSelectorConfig(type=kind, autocomplete=autocomplete))


def _advanced() -> dict[vol.Marker, Any]:
    url = vol.Schema(
        {vol.Required(CONF_URL, default=DEFAULT_URL): _text(TextSelectorType.URL, "url")}
    )
    return {vol.Required(SECTION_ADVANCED): section(url, {"collapsed": True})}
