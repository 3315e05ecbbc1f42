"""Build the form fields that several vendors share: sign-in and choices."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
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

from ..contract.vendor import SECTION_ADVANCED

type Fields = dict[vol.Marker, Any]

EMAIL: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.EMAIL, autocomplete="username")
)
PASSWORD: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password")
)
# A token or key, which browsers must not fill in.
TOKEN: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
ADDRESS: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL, autocomplete="url"))


def login_schema(url: str, *, only_secrets: bool = False) -> vol.Schema:
    """Return the form for an e-mail address and a password; `url` is the API's default address."""
    secret: Fields = {vol.Required(CONF_PASSWORD): PASSWORD}
    if only_secrets:
        return vol.Schema(secret)
    return vol.Schema({vol.Required(CONF_USERNAME): EMAIL, **secret, **advanced(url)})


def advanced(url: str) -> Fields:
    """Return the collapsed section of a form, with the API's address."""
    fields = vol.Schema({vol.Required(CONF_URL, default=url): ADDRESS})
    return {vol.Required(SECTION_ADVANCED): section(fields, {"collapsed": True})}


def choice(choices: Mapping[str, str], *, multiple: bool = False) -> SelectSelector:
    """Return a selector with a label for each value."""
    return SelectSelector(
        SelectSelectorConfig(
            options=[SelectOptionDict(value=key, label=label) for key, label in choices.items()],
            multiple=multiple,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )
