"""Signs accounts in: a menu of vendors, a step for each, and what keeps an account working later."""

from __future__ import annotations

from collections.abc import Mapping
import logging
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.core import callback
import voluptuous as vol

from .account import WatchpostConfigEntry, async_connect, async_connect_entry
from .const import CONF_VENDOR, DOMAIN
from .coordinator import describe
from .vendors import VENDORS
from .vendors.base import SECTION_ADVANCED, Identity, Vendor
from .vendors.errors import VendorError

_LOGGER = logging.getLogger(__name__)


def _fields(vendor: Vendor, user_input: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields without its section; blanks around what is no secret are a slip of the hand."""
    flat = {key: value for key, value in user_input.items() if key != SECTION_ADVANCED}
    flat |= user_input.get(SECTION_ADVANCED, {})
    secrets = _secrets(vendor)
    return {key: value if key in secrets else value.strip() for key, value in flat.items()}


def _secrets(vendor: Vendor) -> set[str]:
    return {str(key) for key in vendor.sign_in_schema(only_secrets=True).schema}


class WatchpostConfigFlow(ConfigFlow, domain=DOMAIN):
    """Sign in to a vendor, anew or to change how."""

    VERSION = 1
    MINOR_VERSION = 1

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: WatchpostConfigEntry) -> WatchpostOptionsFlow:
        return WatchpostOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose the vendor."""
        return self.async_show_menu(step_id="user", menu_options=list(VENDORS))

    async def async_step_sensorist(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in to Sensorist."""
        return await self._async_sign_in(VENDORS["sensorist"], user_input)

    async def async_step_sensorzone(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in to SensorZone."""
        return await self._async_sign_in(VENDORS["sensorzone"], user_input)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin to sign in anew, after the vendor refused the credentials."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the secret alone."""
        entry = self._get_reauth_entry()
        vendor = VENDORS[entry.data[CONF_VENDOR]]
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            data = {**entry.data, **user_input}
            identity = await self._async_identify(vendor, data, errors, placeholders)
            if identity is not None:
                return await self._async_update(entry, vendor, identity, data)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=vendor.sign_in_schema(only_secrets=True),
            errors=errors,
            description_placeholders={"vendor": vendor.name, **placeholders},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change anything about how an account is signed in to."""
        return await self._async_sign_in(
            VENDORS[self._get_reconfigure_entry().data[CONF_VENDOR]], None
        )

    async def _async_sign_in(
        self, vendor: Vendor, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            data = {CONF_VENDOR: vendor.key, **_fields(vendor, user_input)}
            identity = await self._async_identify(vendor, data, errors, placeholders)
            if identity is not None and self.source == SOURCE_RECONFIGURE:
                return await self._async_update(
                    self._get_reconfigure_entry(), vendor, identity, data
                )
            if identity is not None:
                await self.async_set_unique_id(f"{vendor.key}:{identity.account_id}")
                self._abort_if_unique_id_configured()
                return self.async_create_entry(title=identity.title, data=data)
        return self.async_show_form(
            step_id=vendor.key,
            data_schema=self.add_suggested_values_to_schema(
                vendor.sign_in_schema(), self._suggestions(vendor, user_input)
            ),
            errors=errors,
            description_placeholders={
                "vendor": vendor.name,
                "url": vendor.default_url,
                **placeholders,
            },
        )

    def _suggestions(self, vendor: Vendor, user_input: dict[str, Any] | None) -> dict[str, Any]:
        """What was typed before or is stored, without secrets."""
        secrets = _secrets(vendor)
        known = user_input
        if known is None and self.source == SOURCE_RECONFIGURE:
            stored = self._get_reconfigure_entry().data
            known = {**stored, SECTION_ADVANCED: stored}
        return {key: value for key, value in (known or {}).items() if key not in secrets}

    async def _async_identify(
        self,
        vendor: Vendor,
        data: dict[str, Any],
        errors: dict[str, str],
        placeholders: dict[str, str],
    ) -> Identity | None:
        """Ask the vendor whose credentials these are; None with the reason in `errors`.

        What the vendor gives to be kept, tokens say, goes into `data`.
        """
        try:
            connection, _ = async_connect(self.hass, vendor, dict(data), {}, data.update)
            return await connection.identify()
        except VendorError as err:
            errors["base"], values = describe(err)
            placeholders.update(values or {})
        except Exception as err:  # noqa: BLE001  a hole in a parser must leave the form standing
            _LOGGER.error("Unexpected %s while signing in to %s", type(err).__name__, vendor.name)
            errors["base"] = "unknown"
        return None

    async def _async_update(
        self,
        entry: WatchpostConfigEntry,
        vendor: Vendor,
        identity: Identity,
        data: Mapping[str, Any],
    ) -> ConfigFlowResult:
        await self.async_set_unique_id(f"{vendor.key}:{identity.account_id}")
        self._abort_if_unique_id_mismatch(reason="other_account")
        return self.async_update_reload_and_abort(entry, data_updates=data)


class WatchpostOptionsFlow(OptionsFlowWithReload):
    """What an account shows; the form is the vendor's."""

    config_entry: WatchpostConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go to the vendor's form."""
        return await self._async_form(user_input)

    async def async_step_sensorist(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose what of a Sensorist account is shown."""
        return await self._async_form(user_input)

    async def async_step_sensorzone(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose what of a SensorZone account is shown."""
        return await self._async_form(user_input)

    async def _async_form(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        vendor = VENDORS[self.config_entry.data[CONF_VENDOR]]
        try:
            connection, _ = async_connect_entry(self.hass, vendor, self.config_entry)
            schema: vol.Schema = await connection.options_schema()
        except VendorError as err:
            key, placeholders = describe(err)
            return self.async_abort(reason=key, description_placeholders=placeholders)
        return self.async_show_form(
            step_id=vendor.key,
            data_schema=self.add_suggested_values_to_schema(schema, self.config_entry.options),
        )
