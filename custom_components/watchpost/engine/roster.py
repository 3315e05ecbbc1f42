"""Who is on the books: compares each inventory with the one before. Pure; the caller acts on the changes."""

from __future__ import annotations

from collections.abc import Iterable
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
        self._listed: frozenset[str] = frozenset()
        self.devices: dict[str, Device] = {}
        self.channels: dict[ChannelId, Channel] = {}

    def is_listed(self, device_id: str) -> bool:
        """Whether the newest list names this device."""
        return device_id in self._listed

    def remember(self, device_ids: Iterable[str]) -> None:
        """Start the count for devices known from before, which no list has named since start."""
        for device_id in device_ids:
            if device_id not in self.devices:
                self._absences.setdefault(device_id, 0)

    def apply(self, inventory: Inventory) -> RosterChanges:
        """Take over a new inventory and say what it changes."""
        changes = RosterChanges()
        listed = {device.id: device for device in inventory.devices}
        channels = {channel.id: channel for channel in inventory.channels}
        self._listed = frozenset(listed) | inventory.left_out

        for device in listed.values():
            self._absences.pop(device.id, None)
            if self.devices.get(device.id) != device:
                changes.devices.append(device)
                self.devices[device.id] = device
        for channel in channels.values():
            self._absences.pop(channel.id, None)
            self._take_channel(channel, changes)

        if inventory.is_complete:
            self._count_absences(listed.keys(), channels.keys(), changes)
        for device_id in inventory.left_out:
            if device_id in self.devices or device_id in self._absences:
                changes.gone_devices.append(device_id)
        for device_id in changes.gone_devices:
            self._forget_device(device_id)
        for channel_id in changes.gone_channels:
            self._absences.pop(channel_id, None)
            self.channels.pop(channel_id, None)
        return changes

    def _take_channel(self, channel: Channel, changes: RosterChanges) -> None:
        known = self.channels.get(channel.id)
        self.channels[channel.id] = channel
        if known is None:
            changes.channels.append(channel)
        elif known != channel:
            changes.moved.append(channel)

    def _count_absences(
        self, devices: Iterable[str], channels: Iterable[ChannelId], changes: RosterChanges
    ) -> None:
        """Count each known device and channel that this full list lacks; report those gone for good."""
        remembered = {key for key in self._absences if isinstance(key, str)}
        for device_id in (self.devices.keys() | remembered) - set(devices):
            if self._is_gone(device_id):
                changes.gone_devices.append(device_id)
        gone = set(changes.gone_devices)
        for channel_id in self.channels.keys() - set(channels):
            if channel_id.device not in gone and self._is_gone(channel_id):
                changes.gone_channels.append(channel_id)

    def _is_gone(self, key: str | ChannelId) -> bool:
        self._absences[key] = self._absences.get(key, 0) + 1
        return self._absences[key] >= self._patience

    def _forget_device(self, device_id: str) -> None:
        self.devices.pop(device_id, None)
        self._absences.pop(device_id, None)
        for channel_id in [key for key in self.channels if key.device == device_id]:
            del self.channels[channel_id]
            self._absences.pop(channel_id, None)
