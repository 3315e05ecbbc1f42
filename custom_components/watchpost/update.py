"""Channels whose value is an installed version, as updates that are installed elsewhere."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.update import UpdateEntity, UpdateEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import WatchpostConfigEntry
from .entity import ChannelEntity, async_add_channels
from .models import LATEST_VERSION

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WatchpostConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an update for each channel that is one."""
    async_add_channels(entry, Platform.UPDATE, ChannelUpdate, async_add_entities)


class ChannelUpdate(ChannelEntity, UpdateEntity):
    """The installed version is the channel's value, the newest one an attribute of it."""

    entity_description: UpdateEntityDescription

    @property
    @override
    def installed_version(self) -> str | None:
        """Return the installed version."""
        return None if self._value is None else str(self._value)

    @property
    @override
    def latest_version(self) -> str | None:
        """Return the newest version that the vendor has."""
        version = self._attributes.get(LATEST_VERSION) if self._attributes else None
        return None if version is None else str(version)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return no attributes beyond those of every update."""
        return None
