"""Who is on the books: compares each inventory with the one before. Pure; the caller acts on the changes."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from .model import Channel, ChannelId, Device, Inventory


@dataclass(slots=True)
class RosterChanges:
    """What one inventory changed, parents before children."""

    devices: list[Device] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    moved: list[Channel] = field(default_factory=list)
    gone_devices: list[str] = field(default_factory=list)
    gone_channels: list[ChannelId] = field(default_factory=list)


class Roster:
    """The devices and channels of an account, and how often in a row each was missing from the list.

    Something goes when `patience` full lists in a row lack it; a partial list removes and counts nothing.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._absences: dict[str | ChannelId, int] = {}
        self._listed: dict[str, frozenset[str]] = {}
        self._scope: dict[str | ChannelId, str] = {}
        self.devices: dict[str, Device] = {}
        self.channels: dict[ChannelId, Channel] = {}

    def is_listed(self, device_id: str) -> bool:
        """Whether the newest list names this device."""
        return any(device_id in listed for listed in self._listed.values())

    def remember(self, device_ids: Iterable[str]) -> None:
        """Start the count for devices known from before, which no list has named since start."""
        for device_id in device_ids:
            if device_id not in self.devices:
                self._absences.setdefault(device_id, 0)

    def remember_channel(self, channel_id: ChannelId, scope: str) -> None:
        """Start the count for a channel known from before, which lists of this scope would name."""
        if channel_id not in self.channels:
            self._absences.setdefault(channel_id, 0)
            self._scope.setdefault(channel_id, scope)

    def apply(self, inventory: Inventory) -> RosterChanges:
        """Take over a new inventory and say what it changes."""
        changes = RosterChanges()
        listed = {device.id: device for device in inventory.devices}
        channels = {channel.id: channel for channel in inventory.channels}
        self._listed[inventory.scope] = frozenset(listed) | inventory.left_out
        self._scope |= dict.fromkeys((*listed, *channels), inventory.scope)

        for device in listed.values():
            self._absences.pop(device.id, None)
            if self.devices.get(device.id) != device:
                changes.devices.append(device)
                self.devices[device.id] = device
        for channel in channels.values():
            self._absences.pop(channel.id, None)
            self._take_channel(channel, changes)

        if inventory.is_complete:
            self._count_absences(inventory.scope, listed.keys() | channels.keys(), changes)
        for device_id in inventory.left_out:
            if device_id in self.devices or device_id in self._absences:
                changes.gone_devices.append(device_id)
        for device_id in changes.gone_devices:
            self._forget_device(device_id)
        for channel_id in changes.gone_channels:
            self._forget_channel(channel_id)
        return changes

    def remove_channel(self, channel_id: ChannelId) -> RosterChanges:
        """Take a channel off the books at once, because it was deleted from here."""
        known = channel_id in self.channels
        self._forget_channel(channel_id)
        return RosterChanges(gone_channels=[channel_id] if known else [])

    def forget_device(self, device_id: str) -> RosterChanges:
        """Take a device off the books because it was deleted by hand; it is new if it is listed again."""
        channels = [key for key in self.channels if key.device == device_id]
        self._forget_device(device_id)
        return RosterChanges(gone_channels=channels)

    def _forget_channel(self, channel_id: ChannelId) -> None:
        self._absences.pop(channel_id, None)
        self._scope.pop(channel_id, None)
        self.channels.pop(channel_id, None)

    def _take_channel(self, channel: Channel, changes: RosterChanges) -> None:
        known = self.channels.get(channel.id)
        self.channels[channel.id] = channel
        if known is None:
            changes.channels.append(channel)
        elif known != channel:
            changes.moved.append(channel)

    def _count_absences(
        self, scope: str, listed: AbstractSet[str | ChannelId], changes: RosterChanges
    ) -> None:
        """Count each known device and channel that this full list lacks; report those gone for good.

        Devices remembered from before a restart belong to the first list, which is the one of the devices.
        """
        remembered = {key for key in self._absences if isinstance(key, str)}
        for device_id in (self.devices.keys() | remembered) - listed:
            if self._scope.setdefault(device_id, scope) == scope and self._is_gone(device_id):
                changes.gone_devices.append(device_id)
        gone = set(changes.gone_devices)
        known = {key for key in self._absences if isinstance(key, ChannelId)} | self.channels.keys()
        for channel_id in known - listed:
            is_ours = self._scope[channel_id] == scope and channel_id.device not in gone
            if is_ours and self._is_gone(channel_id):
                changes.gone_channels.append(channel_id)

    def _is_gone(self, key: str | ChannelId) -> bool:
        self._absences[key] = self._absences.get(key, 0) + 1
        return self._absences[key] >= self._patience

    def _forget_device(self, device_id: str) -> None:
        self.devices.pop(device_id, None)
        self._absences.pop(device_id, None)
        self._scope.pop(device_id, None)
        for channel_id in [key for key in self.channels if key.device == device_id]:
            self._forget_channel(channel_id)
