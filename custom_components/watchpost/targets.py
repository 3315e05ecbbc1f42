"""Filters for the entities of a trigger's or condition's target."""

from collections.abc import Iterable, Mapping
from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec

from .const import DOMAIN

# Event entities and what acts are never stale.
MEASURED: Final[Mapping[str, DomainSpec]] = {
    Platform.BINARY_SENSOR: DomainSpec(),
    Platform.SENSOR: DomainSpec(),
}
_ALARMING: Final = {BinarySensorDeviceClass.PROBLEM, BinarySensorDeviceClass.SAFETY}
ALARMS: Final[Mapping[str, DomainSpec]] = {Platform.BINARY_SENSOR: DomainSpec()}


@callback
def async_filter_own_entities(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the entities that belong to this integration."""
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entity_ids
        if (entity := registry.async_get(entity_id)) and entity.platform == DOMAIN
    }


@callback
def async_filter_alarms(hass: HomeAssistant, entity_ids: Iterable[str]) -> set[str]:
    """Return the alarms of this integration, also where a user changed their device class."""
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in async_filter_own_entities(hass, entity_ids)
        if (entity := registry.async_get(entity_id)) and entity.original_device_class in _ALARMING
    }
