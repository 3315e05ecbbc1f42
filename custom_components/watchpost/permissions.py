"""Checks that the caller may run an action: Home Assistant itself checks only its own entity actions."""

from collections.abc import Iterator
from typing import Final

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import CAT_ENTITIES, POLICY_CONTROL, POLICY_READ
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from .contract.actions import Permission

_POLICIES: Final = {Permission.READ: POLICY_READ, Permission.CONTROL: POLICY_CONTROL}


async def async_check_permission(call: ServiceCall, permission: Permission) -> None:
    """Raise Unauthorized where the caller may not run an action with its target; automations may run any."""
    if call.context.user_id is None:
        return
    user = await call.hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(context=call.context, perm_category=CAT_ENTITIES)
    if user.is_admin:
        return
    is_account = ATTR_CONFIG_ENTRY_ID in call.data
    if permission is Permission.ADMIN or (permission is Permission.CONTROL and is_account):
        raise Unauthorized(context=call.context, perm_category=CAT_ENTITIES)
    _check_entities(call, user, _POLICIES[permission])


def _check_entities(call: ServiceCall, user: User, policy: str) -> None:
    """Raise Unauthorized for the first entity of the target that the user may not use."""
    if user.permissions.access_all_entities(policy):
        return
    entity_ids = list(_entities(call))
    if not entity_ids:  # nothing to judge by
        raise Unauthorized(context=call.context, permission=policy, perm_category=CAT_ENTITIES)
    for entity_id in entity_ids:
        if not user.permissions.check_entity(entity_id, policy):
            raise Unauthorized(context=call.context, entity_id=entity_id, permission=policy)


def _entities(call: ServiceCall) -> Iterator[str]:
    """Yield the entities of the target, disabled ones as well."""
    registry = er.async_get(call.hass)
    yield from _as_list(call.data.get(ATTR_ENTITY_ID))
    for device_id in _as_list(call.data.get(ATTR_DEVICE_ID)):
        for each in _with_children(call.hass, device_id):
            for entity in er.async_entries_for_device(registry, each, True):
                yield entity.entity_id
    for entry_id in _as_list(call.data.get(ATTR_CONFIG_ENTRY_ID)):
        for entity in er.async_entries_for_config_entry(registry, entry_id):
            yield entity.entity_id


def _with_children(hass: HomeAssistant, device_id: str) -> set[str]:
    """Return a device and all devices below it, which an action on the device affects as well."""
    registry = dr.async_get(hass)
    found = {device_id}
    device = registry.async_get(device_id)
    if device is None:
        return found
    below = dr.async_entries_for_config_entry(registry, device.config_entry_id)
    while added := {each.id for each in below if each.via_device_id in found} - found:
        found |= added
    return found


def _as_list(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value
