"""Signs accounts in: a menu of vendors, a step for each, and what keeps an account working later."""

from collections.abc import Mapping
import logging
from typing import Any, Final, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr
import voluptuous as vol

from .account import (
    WatchpostConfigEntry,
    async_connect,
    async_connect_entry,
    async_drop_tried_budgets,
    async_note_tried_account,
)
from .client.errors import VendorError
from .const import CONF_FORM, CONF_VENDOR, DOMAIN
from .contract.vendor import SECTION_ADVANCED, Identity, SignInForm, Vendor
from .engine.markdown import escape
from .engine.push.subscription import new_webhook
from .error_messages import translate_error
from .registries import device_identifier
from .vendors import VENDORS

_LOGGER = logging.getLogger(__name__)

CONF_NEW_WEBHOOK: Final = "new_webhook"


def _fields(form: SignInForm, user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form's fields without its section, stripped except for secrets."""
    flat = {key: value for key, value in user_input.items() if key != SECTION_ADVANCED}
    flat |= user_input.get(SECTION_ADVANCED, {})
    secrets = _secrets(form)
    return {key: value if key in secrets else value.strip() for key, value in flat.items()}


def _secrets(form: SignInForm) -> set[str]:
    return {str(key) for key in form.schema(only_secrets=True).schema}


def _typed(vendor: Vendor) -> set[str]:
    """Return the fields of all of a vendor's forms."""
    return {
        str(inner)
        for form in vendor.forms
        for key, field in form.schema().schema.items()
        for inner in (field.schema.schema if key == SECTION_ADVANCED else (key,))
    }


def _form_of(vendor: Vendor, data: Mapping[str, Any]) -> SignInForm:
    """Return the form that an account was signed in with."""
    return next(
        (form for form in vendor.forms if form.step == data.get(CONF_FORM)), vendor.forms[0]
    )


class WatchpostConfigFlow(ConfigFlow, domain=DOMAIN):
    """Sign in to a vendor, anew or to change how."""

    VERSION = 1
    MINOR_VERSION = 1

    @callback
    @override
    def async_remove(self) -> None:
        """Forget accounts that this flow tried and did not add."""
        in_use = {
            VENDORS[entry.data[CONF_VENDOR]].budget_key(entry.data)
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            if entry.data.get(CONF_VENDOR) in VENDORS
        }
        async_drop_tried_budgets(self.hass, self.flow_id, in_use)

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: WatchpostConfigEntry) -> WatchpostOptionsFlow:
        return WatchpostOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose the vendor."""
        return self.async_show_menu(step_id="user", menu_options=list(VENDORS))

    async def async_step_manfred_kunze(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in to the Manfred Kunze IoT platform."""
        return await self._async_sign_in(VENDORS["manfred_kunze"], user_input)

    async def async_step_sensit(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Sign in to SENSIT Connect."""
        return await self._async_sign_in(VENDORS["sensit"], user_input)

    async def async_step_sensorist(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in to Sensorist."""
        return await self._async_sign_in(VENDORS["sensorist"], user_input)

    async def async_step_viziosense(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how to sign in to VizioSense."""
        return await self._async_sign_in(VENDORS["viziosense"], user_input)

    async def async_step_viziosense_token(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in to VizioSense with an API token."""
        return await self._async_sign_in_by("viziosense", "viziosense_token", user_input)

    async def async_step_viziosense_login(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in to VizioSense with an e-mail address and a password."""
        return await self._async_sign_in_by("viziosense", "viziosense_login", user_input)

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
        form = _form_of(vendor, entry.data)
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            data = {**entry.data, **user_input}
            identity = await self._async_identify(vendor, data, errors, placeholders)
            if identity is not None:
                return self._async_update(entry, vendor, identity, data)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=form.schema(only_secrets=True),
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
        """Go to the vendor's form, or let a person choose among several."""
        if len(vendor.forms) > 1:
            return self.async_show_menu(
                step_id=vendor.key, menu_options=[form.step for form in vendor.forms]
            )
        return await self._async_submit(vendor, vendor.forms[0], user_input)

    async def _async_sign_in_by(
        self, vendor_key: str, step: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        vendor = VENDORS[vendor_key]
        return await self._async_submit(vendor, _form_of(vendor, {CONF_FORM: step}), user_input)

    async def _async_submit(
        self, vendor: Vendor, form: SignInForm, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        schema = form.schema()
        if vendor.has_push and self._has_webhook():
            schema = schema.extend({vol.Optional(CONF_NEW_WEBHOOK, default=False): bool})
        if user_input is not None:
            fields = {key: value for key, value in user_input.items() if key != CONF_NEW_WEBHOOK}
            data = {CONF_VENDOR: vendor.key, **_fields(form, fields)}
            if len(vendor.forms) > 1:
                data[CONF_FORM] = form.step
            identity = await self._async_identify(vendor, data, errors, placeholders)
            if identity is not None and self.source == SOURCE_RECONFIGURE:
                return self._async_update(
                    self._get_reconfigure_entry(),
                    vendor,
                    identity,
                    data,
                    is_new_webhook=user_input.get(CONF_NEW_WEBHOOK, False),
                )
            if identity is not None:
                await self.async_set_unique_id(f"{vendor.key}:{identity.account_id}")
                self._abort_if_unique_id_configured()
                if identity.is_nameless and self._knows_any(vendor, identity):
                    return self.async_abort(reason="already_configured")
                return self.async_create_entry(title=identity.title, data=data)
        return self.async_show_form(
            step_id=form.step,
            data_schema=self.add_suggested_values_to_schema(
                schema, self._suggestions(form, user_input)
            ),
            errors=errors,
            description_placeholders={
                "vendor": vendor.name,
                "url": vendor.default_url,
                **vendor.placeholders,
                **placeholders,
            },
        )

    def _has_webhook(self) -> bool:
        """Return whether the flow changes an account that has a webhook."""
        return (
            self.source == SOURCE_RECONFIGURE
            and CONF_WEBHOOK_ID in self._get_reconfigure_entry().data
        )

    def _suggestions(self, form: SignInForm, user_input: dict[str, Any] | None) -> dict[str, Any]:
        """Return the values typed before or stored, without secrets."""
        secrets = _secrets(form)
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
            async_note_tried_account(self.hass, self.flow_id, vendor.budget_key(data))
            connection, _ = async_connect(self.hass, vendor, dict(data), {}, data.update)
            connection.transport.sign_in_state.try_at_once()
            return await connection.identify()
        except VendorError as err:
            errors["base"], values = translate_error(err)
            placeholders.update(values or {})
        except Exception as err:  # noqa: BLE001  a hole in a parser must leave the form standing
            _LOGGER.error("Unexpected %s while signing in to %s", type(err).__name__, vendor.name)
            errors["base"] = "unknown"
        return None

    @callback
    def _async_update(
        self,
        entry: WatchpostConfigEntry,
        vendor: Vendor,
        identity: Identity,
        data: Mapping[str, Any],
        *,
        is_new_webhook: bool = False,
    ) -> ConfigFlowResult:
        """Take new credentials for an account, if they are its own; its id stays whatever they call it."""
        is_named = entry.unique_id == f"{vendor.key}:{identity.account_id}"
        if not is_named and not self._knows(entry, identity):
            return self.async_abort(reason="other_account")
        typed = _typed(vendor)
        kept = {key: value for key, value in entry.data.items() if key not in typed}
        changed = {**kept, **data}
        return self.async_update_reload_and_abort(
            entry, data=new_webhook(changed) if is_new_webhook else changed
        )

    @callback
    def _knows_any(self, vendor: Vendor, identity: Identity) -> bool:
        """Return whether any account of the vendor knows a device that the credentials list."""
        return any(
            self._knows(entry, identity)
            for entry in self._async_current_entries()
            if entry.data[CONF_VENDOR] == vendor.key
        )

    @callback
    def _knows(self, entry: WatchpostConfigEntry, identity: Identity) -> bool:
        """Return whether an account knows a device that the credentials list."""
        registry = dr.async_get(self.hass)
        return any(
            registry.async_get_device_by_identifier(
                device_identifier(entry, device), entry.entry_id
            )
            for device in identity.devices
        )


class WatchpostOptionsFlow(OptionsFlowWithReload):
    """The options of an account; the form is the vendor's."""

    config_entry: WatchpostConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go to the vendor's form."""
        return await self._async_form(user_input)

    async def async_step_manfred_kunze(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose what of an account of the Manfred Kunze IoT platform is shown."""
        return await self._async_form(user_input)

    async def async_step_sensit(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose what of a SENSIT Connect account is shown."""
        return await self._async_form(user_input)

    async def async_step_sensorist(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose what of a Sensorist account is shown."""
        return await self._async_form(user_input)

    async def async_step_viziosense(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose what of a VizioSense account is shown."""
        return await self._async_form(user_input)

    async def async_step_sensorzone(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose what of a SensorZone account is shown."""
        return await self._async_form(user_input)

    async def _async_form(self, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        vendor = VENDORS[self.config_entry.data[CONF_VENDOR]]
        errors: Mapping[str, str] = {}
        try:
            if user_input is not None:
                errors = await self._async_check(vendor, user_input)
                if not errors:
                    return self.async_create_entry(data=user_input)
            connection, _ = async_connect_entry(self.hass, vendor, self.config_entry)
            schema: vol.Schema = await connection.options_schema()
        except VendorError as err:
            key, placeholders = translate_error(err)
            # The description of an abort is Markdown, the errors of a form are plain text.
            shown = {name: escape(text) for name, text in (placeholders or {}).items()}
            return self.async_abort(reason=key, description_placeholders=shown)
        return self.async_show_form(
            step_id=vendor.key,
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or self.config_entry.options
            ),
            errors=dict(errors),
        )

    async def _async_check(self, vendor: Vendor, options: Mapping[str, Any]) -> Mapping[str, str]:
        """Return what is wrong with options that were entered: the key of a text by field."""
        data = self.config_entry.data
        connection, _ = async_connect(self.hass, vendor, data, options, lambda _: None)
        return await connection.check_options()
