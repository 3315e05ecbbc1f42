"""The actions: finds whom a call is for and hands it to that account's vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any, Final, cast

from homeassistant.const import (
    ATTR_CONFIG_ENTRY_ID,
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    ATTR_NAME,
    CONF_EMAIL,
    CONF_PASSWORD,
    CONF_TYPE,
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
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .account import Account
from .acting import failure
from .const import DOMAIN
from .engine.history import async_import_history
from .engine.model import Channel
from .engine.registration import CONF_REGISTRATIONS
from .vendors.base import ActionCall
from .vendors.errors import VendorError

START: Final = "start"
END: Final = "end"
TICKS: Final = "ticks"
INTERVAL: Final = "interval"
RANGE: Final = "range"

_WEEK: Final = 7 * 24 * 60
_TEXT: Final = vol.All(cv.string, vol.Strip, vol.Length(min=1, max=255))
_DATE: Final = vol.All(cv.datetime, dt_util.as_utc)
_COUNT: Final = vol.All(vol.Coerce(int), vol.Range(min=1, max=100_000))


class For(Enum):
    """What an action is for."""

    ENTITY = auto()
    DEVICE = auto()
    ACCOUNT = auto()
    ANY = auto()


_TARGETS: Final[Mapping[For, Mapping[vol.Marker, Any]]] = {
    For.ENTITY: {vol.Required(ATTR_ENTITY_ID): cv.entity_id},
    For.DEVICE: {vol.Required(ATTR_DEVICE_ID): cv.string},
    For.ACCOUNT: {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string},
    For.ANY: {
        vol.Exclusive(ATTR_ENTITY_ID, "target"): vol.All(cv.entity_ids, vol.Length(min=1)),
        vol.Exclusive(ATTR_DEVICE_ID, "target"): cv.string,
        vol.Exclusive(ATTR_CONFIG_ENTRY_ID, "target"): cv.string,
    },
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `check` names a field that contradicts the others; `is_read` has nothing but its response."""

    name: str
    target: For
    fields: Mapping[vol.Marker, Any]
    is_read: bool = False
    is_admin: bool = False
    check: Callable[[Mapping[str, Any]], str | None] = lambda fields: None

    @property
    def schema(self) -> vol.Schema:
        """What a call may say."""
        return vol.Schema({**_TARGETS[self.target], **self.fields})

    @property
    def response(self) -> SupportsResponse:
        """Reading is for the response alone; writing may do without."""
        return SupportsResponse.ONLY if self.is_read else SupportsResponse.OPTIONAL


def _wrong_period(fields: Mapping[str, Any]) -> str | None:
    """The end of a period that is none."""
    is_none = START in fields and fields[START] >= fields.get(END, dt_util.utcnow())
    return (END if END in fields else START) if is_none else None


def _wrong_grouping(fields: Mapping[str, Any]) -> str | None:
    """What says how to group what is not grouped, or says it twice."""
    if TICKS in fields and INTERVAL in fields:
        return INTERVAL
    if fields[CONF_TYPE] != RANGE and (given := {TICKS, INTERVAL} & fields.keys()):
        return given.pop()
    return _wrong_period(fields)


_PERIOD: Final = {vol.Optional(START): _DATE, vol.Optional(END): _DATE}

ACTIONS: Final = (
    Action(
        "get_measurements",
        For.ENTITY,
        {
            vol.Optional(CONF_TYPE, default=RANGE): vol.In(["min_max", RANGE, "raw"]),
            **_PERIOD,
            vol.Optional(TICKS): _COUNT,
            vol.Optional(INTERVAL): _COUNT,
        },
        is_read=True,
        check=_wrong_grouping,
    ),
    Action(
        "create_alarm",
        For.ENTITY,
        {
            vol.Required("value"): vol.All(vol.Coerce(float), vol.Range(min=-1e6, max=1e6)),
            vol.Required("direction"): vol.In(["above", "below"]),
            vol.Optional("delay"): vol.All(vol.Coerce(int), vol.Range(min=0, max=_WEEK)),
        },
    ),
    Action("delete_alarm", For.ENTITY, {}),
    Action("get_alarm_history", For.ANY, _PERIOD, is_read=True, check=_wrong_period),
    Action("rename", For.DEVICE, {vol.Required(ATTR_NAME): _TEXT}),
    Action(
        "add_gateway",
        For.ACCOUNT,
        {vol.Required("serial"): _TEXT, vol.Optional(ATTR_NAME): _TEXT},
    ),
    Action(
        "create_user",
        For.ACCOUNT,
        {
            vol.Required(CONF_EMAIL): vol.All(vol.Email(), vol.Length(max=255)),
            vol.Required(CONF_PASSWORD): vol.All(cv.string, vol.Length(min=1, max=255)),
            vol.Required("first_name"): _TEXT,
            vol.Required("last_name"): _TEXT,
        },
        is_admin=True,
    ),
    Action("list_users", For.ACCOUNT, {}, is_read=True, is_admin=True),
    Action("list_callbacks", For.ACCOUNT, {}, is_read=True),
)


IMPORT_HISTORY_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ENTITY_ID): vol.All(cv.entity_ids, vol.Length(min=1)),
        vol.Required(START): _DATE,
        vol.Required(END): _DATE,
    }
)


@callback
def async_setup_actions(hass: HomeAssistant) -> None:
    """Register the actions, once and for every account."""
    for action in ACTIONS:
        register = partial(
            service.async_register_admin_service if action.is_admin else _register, hass
        )
        register(
            DOMAIN, action.name, partial(_async_handle, action), action.schema, action.response
        )
    hass.services.async_register(
        DOMAIN,
        "import_history",
        _async_import_history,
        IMPORT_HISTORY_SCHEMA,
        SupportsResponse.OPTIONAL,
    )


def _register(hass: HomeAssistant, *what: Any) -> None:
    hass.services.async_register(*what)


async def _async_handle(action: Action, call: ServiceCall) -> ServiceResponse:
    """Serve one call. Raises ServiceValidationError for wrong use, HomeAssistantError for failure."""
    account, asked = _addressed(call)
    if (field := action.check(call.data)) is not None:
        raise _wrong("contradicting_field", field=field)
    if (handler := account.connection.actions.get(action.name)) is None:
        raise _wrong("not_offered", vendor=account.vendor.name, action=action.name)
    try:
        outcome = dict(await handler(asked))
    except VendorError as err:
        raise failure(err, is_write=not action.is_read) from None
    except ValueError as err:
        if (field := str(err)) not in action.schema.schema:
            raise
        raise _wrong("unsuitable_field", field=field) from None
    _take(account, asked, outcome)
    return outcome


async def _async_import_history(call: ServiceCall) -> ServiceResponse:
    """Fill statistics; every vendor with a history can, and entities may be of several accounts."""
    try:
        return await async_import_history(call)
    except VendorError as err:
        raise failure(err, is_write=False) from None


def _take(account: Account, asked: ActionCall, outcome: dict[str, Any]) -> None:
    """Show at once what an action changed; these parts of its outcome are no part of the response.

    `update` is a FeedUpdate, `gone` the id of a channel, `renamed` a device's new name.
    """
    if (update := outcome.pop("update", None)) is not None:
        account.async_apply(update)
    if (gone := outcome.pop("gone", None)) is not None:
        account.async_remove_channel(gone)
    if (name := outcome.pop("renamed", None)) is not None and asked.device is not None:
        devices = dr.async_get(account.hass)
        if device := devices.async_get_device_by_identifier(
            account.identifier(asked.device), account.entry.entry_id
        ):
            devices.async_update_device(device.id, name=name)


# -- whom a call is for --


def _addressed(call: ServiceCall) -> tuple[Account, ActionCall]:
    """The account and what of it a call is for; several entities must belong to one account.

    The fields get, in place of what was resolved, `channels` for several entities and, for an account, the ids of
    `ours`: what the vendor has registered for this Home Assistant.
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
            raise _wrong("several_accounts", field=ATTR_ENTITY_ID)
        channels = tuple(channel for _, channel in found)
        return account, ActionCall(None, None, {**fields, "channels": channels})
    if (entry_id := fields.pop(ATTR_CONFIG_ENTRY_ID, None)) is None:
        raise _wrong("no_target", field=ATTR_CONFIG_ENTRY_ID)
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
    for known in account.roster.devices:
        if account.identifier(known) in device.identifiers:
            return account, known
    raise _wrong("not_listed", field=ATTR_DEVICE_ID, target=device.name or device_id)


def _channel(hass: HomeAssistant, entity_id: str) -> tuple[Account, Channel]:
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or entity.platform != DOMAIN or entity.config_entry_id is None:
        raise _wrong("foreign_entity", field=ATTR_ENTITY_ID, target=entity_id)
    account = _account(hass, entity.config_entry_id)
    if (channel := account.channel_of(entity.unique_id)) is None:
        raise _wrong("not_listed", field=ATTR_ENTITY_ID, target=entity_id)
    return account, channel


def _wrong(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )
