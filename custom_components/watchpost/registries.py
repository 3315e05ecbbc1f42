"""An account's devices and entities in Home Assistant's registries."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription

from .const import DOMAIN
from .models import Channel, ChannelId, Device

# By name: an instance of Home Assistant's own description classes is no instance of the class it was made with.
_PLATFORM_OF: Final[dict[str, Platform]] = {
    "BinarySensorEntityDescription": Platform.BINARY_SENSOR,
    "ButtonEntityDescription": Platform.BUTTON,
    "CameraEntityDescription": Platform.CAMERA,
    "TrackerEntityDescription": Platform.DEVICE_TRACKER,
    "EventEntityDescription": Platform.EVENT,
    "ImageEntityDescription": Platform.IMAGE,
    "NumberEntityDescription": Platform.NUMBER,
    "SensorEntityDescription": Platform.SENSOR,
    "SwitchEntityDescription": Platform.SWITCH,
    "UpdateEntityDescription": Platform.UPDATE,
}


@cache
def _platform_of_kind(description: type[EntityDescription]) -> Platform:
    return next(
        _PLATFORM_OF[kind.__name__] for kind in description.__mro__ if kind.__name__ in _PLATFORM_OF
    )


def platform_of(channel: Channel) -> Platform:
    """Return the platform of a channel."""
    return _platform_of_kind(type(channel.description))


def device_identifier(entry: ConfigEntry, device_id: str) -> tuple[str, str]:
    """Return the device registry's identifier of an account's device, which must never change."""
    return (DOMAIN, f"{entry.unique_id}:{device_id}")


class RegistryHelper:
    """Reads and updates the devices and entities of one account."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._device_infos: dict[str, DeviceInfo] = {}

    # Ids

    def unique_id(self, channel_id: ChannelId) -> str:
        """Return `<vendor>:<account id>:<device id>:<channel key>`, which must never change."""
        return f"{self._entry.unique_id}:{channel_id.device}:{channel_id.key}"

    def possible_ids(self, unique_id: str) -> Iterator[ChannelId]:
        """Yield the channels that a unique id may name; its parts may contain a colon."""
        device, *keys = unique_id.removeprefix(f"{self._entry.unique_id}:").split(":")
        while keys:
            yield ChannelId(device, ":".join(keys))
            device = f"{device}:{keys.pop(0)}"

    def identifier(self, device_id: str) -> tuple[str, str]:
        """Return the device registry's identifier of a device, which must never change."""
        return device_identifier(self._entry, device_id)

    def device_info(self, device_id: str) -> DeviceInfo:
        """Return the device info that binds an entity to its device; one object for all entities of a device."""
        if (info := self._device_infos.get(device_id)) is None:
            info = DeviceInfo(identifiers={self.identifier(device_id)})
            self._device_infos[device_id] = info
        return info

    # Lookups

    def device(self, device_id: str) -> dr.DeviceEntry | None:
        """Return the registry entry of a device."""
        return dr.async_get(self._hass).async_get_device_by_identifier(
            self.identifier(device_id), self._entry.entry_id
        )

    def entity(self, channel: Channel) -> er.RegistryEntry | None:
        """Return the registry entry of a channel's entity."""
        entities = er.async_get(self._hass)
        entity_id = entities.async_get_entity_id(
            platform_of(channel), DOMAIN, self.unique_id(channel.id)
        )
        return entities.async_get(entity_id) if entity_id else None

    def enabled_count(self) -> int:
        """Return how many entities of the account are enabled."""
        entities = er.async_get(self._hass).entities
        return entities.get_enabled_count_for_config_entry_id(self._entry.entry_id)

    @callback
    def registered_device_ids(self) -> list[str]:
        """Return the ids of the registered devices, from before a restart."""
        registered = dr.async_entries_for_config_entry(
            dr.async_get(self._hass), self._entry.entry_id
        )
        return [device_id for device in registered for device_id in self.device_ids(device)]

    def registered(self) -> dict[str, dr.DeviceEntry]:
        """Return the registered devices by their ids in the account."""
        registered = dr.async_entries_for_config_entry(
            dr.async_get(self._hass), self._entry.entry_id
        )
        return {device_id: device for device in registered for device_id in self.device_ids(device)}

    def device_ids(self, device: dr.DeviceEntry) -> list[str]:
        """Return the account's ids of a registered device."""
        prefix = f"{self._entry.unique_id}:"
        return [
            identifier.removeprefix(prefix)
            for domain, identifier in device.identifiers
            if domain == DOMAIN and identifier.startswith(prefix)
        ]

    @callback
    def registered_channels(self) -> list[ChannelId]:
        """Return the channels of the registered entities, from before a restart."""
        prefix = f"{self._entry.unique_id}:"
        entities = er.async_entries_for_config_entry(er.async_get(self._hass), self._entry.entry_id)
        parts = (entity.unique_id.removeprefix(prefix).partition(":") for entity in entities)
        return [ChannelId(device_id, key) for device_id, _, key in parts]

    # Updates

    @callback
    def register(self, device: Device) -> None:
        """Register a device, or update its entry."""
        via = device.via and self.device(device.via)
        dr.async_get(self._hass).async_get_or_create(
            config_entry_id=self._entry.entry_id,
            identifiers={self.identifier(device.id)},
            name=device.name,
            manufacturer=device.manufacturer,
            model=device.model,
            serial_number=device.serial,
            sw_version=device.firmware,
            configuration_url=device.configuration_url,
            entry_type=dr.DeviceEntryType.SERVICE if device.is_service else None,
            suggested_area=device.area,
            via_device_id=via.id if via else None,
        )

    @callback
    def remove(self, devices: Iterable[str], channels: Iterable[ChannelId]) -> None:
        """Remove devices and the entities of channels."""
        for device_id in devices:
            if (device := self.device(device_id)) is not None:
                dr.async_get(self._hass).async_remove_device(device.id)
        if gone := {self.unique_id(channel_id) for channel_id in channels}:
            entities = er.async_get(self._hass)
            for entity in er.async_entries_for_config_entry(entities, self._entry.entry_id):
                if entity.unique_id in gone:
                    entities.async_remove(entity.entity_id)
