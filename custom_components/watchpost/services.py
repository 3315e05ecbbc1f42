"""The actions: each call is resolved to an account and passed to its vendor."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final, cast

from homeassistant.const import (
    ATTR_CONFIG_ENTRY_ID,
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
)
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import service
import voluptuous as vol

from .account import Account
from .client.errors import VendorError
from .commands import async_resume_command, failure
from .const import DOMAIN
from .contract.actions import DATE, END, START, Permission, ServiceAction, TargetKind
from .contract.vendor import ActionCall
from .engine.history.action import async_import_history
from .engine.media.download import async_save
from .engine.push.subscription import CONF_REGISTRATIONS
from .models import Channel
from .permissions import async_check_permission
from .vendors import VENDORS

type Handler = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]

_TARGETS: Final[Mapping[TargetKind, Mapping[vol.Marker, Any]]] = {
    TargetKind.ENTITY: {vol.Required(ATTR_ENTITY_ID): cv.entity_id},
    TargetKind.DEVICE: {vol.Required(ATTR_DEVICE_ID): cv.string},
    TargetKind.ACCOUNT: {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string},
    TargetKind.ANY: {
        vol.Exclusive(ATTR_ENTITY_ID, "target"): vol.All(cv.entity_ids, vol.Length(min=1)),
        vol.Exclusive(ATTR_DEVICE_ID, "target"): cv.string,
        vol.Exclusive(ATTR_CONFIG_ENTRY_ID, "target"): cv.string,
    },
}


IMPORT_HISTORY_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ENTITY_ID): vol.All(cv.entity_ids, vol.Length(min=1)),
        vol.Required(START): DATE,
        vol.Required(END): DATE,
    }
)


@callback
def async_setup_actions(hass: HomeAssistant) -> None:
    """Register the actions, once and for every account."""
    register = partial(hass.services.async_register, DOMAIN)
    for action in _actions():
        handler = _checked(action.permission, partial(_async_handle, action))
        register(action.name, handler, _schema(action), _response(action))
    register(
        "import_history",
        _checked(Permission.ADMIN, _async_import_history),
        IMPORT_HISTORY_SCHEMA,
        SupportsResponse.OPTIONAL,
    )


def _checked(permission: Permission, handler: Handler) -> Handler:
    """Return a handler that first checks the caller's permission."""

    async def handle(call: ServiceCall) -> ServiceResponse:
        await async_check_permission(call, permission)
        return await handler(call)

    return handle


def _actions() -> Iterable[ServiceAction]:
    """Return every action of every vendor; an action of several vendors is the same for all."""
    return {action for vendor in VENDORS.values() for action in vendor.actions}


def _schema(action: ServiceAction) -> vol.Schema:
    """Return the schema of an action: its target and fields."""
    return vol.Schema({**_TARGETS[action.target], **action.fields})


def _response(action: ServiceAction) -> SupportsResponse:
    """Return whether an action has a response only: reads do, and writes whose result is shown nowhere else."""
    is_needed = action.is_read or action.response_required
    return SupportsResponse.ONLY if is_needed else SupportsResponse.OPTIONAL


async def _async_handle(action: ServiceAction, call: ServiceCall) -> ServiceResponse:
    """Handle one call. Raises ServiceValidationError for wrong use, HomeAssistantError for failure."""
    account, asked = _resolve_target(call)
    if (field := action.check(call.data)) is not None:
        raise _invalid("contradicting_field", field=field)
    if (handler := account.connection.actions.get(action.name)) is None:
        raise _invalid("not_offered", vendor=account.vendor.name, action=action.name)
    try:
        async with account.budget.until_stop():
            outcome = dict(await handler(asked))
    except VendorError as err:
        raise failure(err, is_write=not action.is_read) from None
    except ValueError as err:
        if (field := str(err)) not in _schema(action).schema:
            raise
        raise _invalid("unsuitable_field", field=field) from None
    _apply(account, asked, outcome)
    try:
        await _async_save(call.hass, outcome)
    except VendorError as err:
        raise failure(err, is_write=False) from None
    return outcome


async def _async_import_history(call: ServiceCall) -> ServiceResponse:
    """Import history into statistics; entities may belong to several accounts."""
    try:
        return await async_import_history(call)
    except VendorError as err:
        raise failure(err, is_write=False) from None


def _apply(account: Account, asked: ActionCall, outcome: dict[str, Any]) -> None:
    """Apply the changes that an action made and remove them from its response.

    `update` is a FeedUpdate, `gone` the id of a deleted channel, `renamed` a device's new name, `job` a job.
    """
    if (job := outcome.pop("work", None)) is not None:
        async_resume_command(account, job)
    # While the vendor was asked the account may have been unloaded.
    if (update := outcome.pop("update", None)) is not None and account.connection.show is not None:
        account.async_apply(update)
    if (gone := outcome.pop("gone", None)) is not None:
        account.inventory.async_remove_channel(gone)
    if (name := outcome.pop("renamed", None)) is not None and asked.device is not None:
        devices = dr.async_get(account.hass)
        if device := devices.async_get_device_by_identifier(
            account.identifier(asked.device), account.entry.entry_id
        ):
            devices.async_update_device(device.id, name=name)


async def _async_save(hass: HomeAssistant, outcome: dict[str, Any]) -> None:
    """Save the `file` of an action's outcome in the media folder; the response gets its media content id."""
    if (file := outcome.pop("file", None)) is None:
        return
    await async_save(hass, file)
    outcome["media_content_id"] = f"media-source://media_source/local/{DOMAIN}/{file.name}"


# -- targets --


def _resolve_target(call: ServiceCall) -> tuple[Account, ActionCall]:
    """Return the account of a call and the call with its target resolved; several entities must belong to one account.

    The resolved target is removed from the fields; `channels` is added for several entities and, for an account,
    `ours`: the ids of the webhooks that the vendor has registered for this Home Assistant.
    """
    hass, fields = call.hass, dict(call.data)
    if (device_id := fields.pop(ATTR_DEVICE_ID, None)) is not None:
        account, device = _device(hass, device_id)
        return account, ActionCall(None, device, fields)
    entities = fields.pop(ATTR_ENTITY_ID, None)
    if isinstance(entities, str):
        account, channel = _channel(hass, entities)
        return account, ActionCall(channel, channel.device, fields)
    if entities is not None:
        found = [_channel(hass, entity_id) for entity_id in entities]
        account = found[0][0]
        if any(other is not account for other, _ in found):
            raise _invalid("several_accounts", field=ATTR_ENTITY_ID)
        channels = tuple(channel for _, channel in found)
        return account, ActionCall(None, None, {**fields, "channels": channels})
    if (entry_id := fields.pop(ATTR_CONFIG_ENTRY_ID, None)) is None:
        raise _invalid("no_target", field=ATTR_CONFIG_ENTRY_ID)
    account = _account(hass, entry_id)
    ours = frozenset(account.entry.data.get(CONF_REGISTRATIONS, ()))
    return account, ActionCall(None, None, {**fields, "ours": ours})


def _account(hass: HomeAssistant, entry_id: str) -> Account:
    return cast("Account", service.async_get_config_entry(hass, DOMAIN, entry_id).runtime_data)


def _device(hass: HomeAssistant, device_id: str) -> tuple[Account, str]:
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, device_id, include_child_devices=False
    )
    account = cast("Account", entry.runtime_data)
    for known in account.inventory.tracker.devices:
        if account.identifier(known) in device.identifiers:
            return account, known
    raise _invalid("not_listed", field=ATTR_DEVICE_ID, target=device.name or device_id)


def _channel(hass: HomeAssistant, entity_id: str) -> tuple[Account, Channel]:
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or entity.platform != DOMAIN or entity.config_entry_id is None:
        raise _invalid("foreign_entity", field=ATTR_ENTITY_ID, target=entity_id)
    account = _account(hass, entity.config_entry_id)
    if (channel := account.inventory.find_channel(entity.unique_id)) is None:
        raise _invalid("not_listed", field=ATTR_ENTITY_ID, target=entity_id)
    return account, channel


def _invalid(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
