"""Compare each inventory with the one before. Pure; the caller acts on the changes."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from ..models import DEFAULT_LIST, Channel, ChannelId, Device, Inventory

type Key = str | ChannelId
type ScopeOf = Callable[[Key], str]


@dataclass(slots=True)
class InventoryDiff:
    """The changes that one inventory brought, parents before children."""

    devices: list[Device] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    moved: list[Channel] = field(default_factory=list)
    gone_devices: list[str] = field(default_factory=list)
    gone_channels: list[ChannelId] = field(default_factory=list)


class InventoryTracker:
    """The devices and channels of an account, and how often in a row each was absent from its own list.

    `scope_of` returns the name of the list of a device or channel. It is removed when `patience` full responses of that
    list in a row lack it. A list that was not read, or not in full, removes and counts nothing, and neither does one
    that has become empty, unless it may be: an account that suddenly has nothing of a kind is more often a fault.
    `held` are devices whose absence is not counted for now.
    """

    def __init__(self, patience: int, scope_of: ScopeOf = lambda _: DEFAULT_LIST) -> None:
        self._patience = patience
        self._scope_of = scope_of
        self._scopes: dict[Key, str] = {}
        self._absences: dict[Key, int] = {}
        self._listed: dict[str, set[str]] = {}
        self._counted: dict[str, float] = {}
        self.held: AbstractSet[str] = frozenset()
        self.devices: dict[str, Device] = {}
        self.channels: dict[ChannelId, Channel] = {}

    def is_listed(self, device_id: str) -> bool:
        """Return whether the newest response of the device's list names it."""
        return device_id in self._listed.get(self._scope(device_id), ())

    def is_absent(self, device_id: str) -> bool:
        """Return whether the device's list was read since the start and lacks it."""
        return self._scope(device_id) in self._listed and not self.is_listed(device_id)

    def is_absent_from(self, device_id: str, inventory: Inventory) -> bool:
        """Return whether a device that an inventory does not name is absent, by its list there or an earlier one."""
        return self._scope(device_id) in inventory.complete or self.is_absent(device_id)

    def is_listed_beside(self, device: Device, inventory: Inventory) -> bool:
        """Return whether a device is in a list that an inventory did not read."""
        is_read = self._scope(device.id) in inventory.read
        return not is_read and not device.is_service and self.is_listed(device.id)

    def remember(self, device_ids: Iterable[str]) -> None:
        """Start counting absences of registered devices that no list has named since the start."""
        for device_id in device_ids:
            if device_id not in self.devices:
                self._absences.setdefault(device_id, 0)

    def remember_channels(self, channel_ids: Iterable[ChannelId]) -> None:
        """Start counting absences of registered channels."""
        for channel_id in channel_ids:
            if channel_id not in self.channels:
                self._absences.setdefault(channel_id, 0)

    def apply(self, inventory: Inventory) -> InventoryDiff:
        """Apply a new inventory and return the changes."""
        changes = InventoryDiff()
        listed = {device.id: device for device in inventory.devices}
        channels = {channel.id: channel for channel in inventory.channels}
        self._note_listed(inventory, listed.keys() | inventory.left_out)

        for device in listed.values():
            self._absences.pop(device.id, None)
            if self.devices.get(device.id) != device:
                changes.devices.append(device)
                self.devices[device.id] = device
        for channel in channels.values():
            self._absences.pop(channel.id, None)
            self._take_channel(channel, changes)

        named: AbstractSet[Key] = listed.keys() | channels.keys() | inventory.left_out
        news = self._news(inventory)
        self._count_absences(news, named, changes, may_be_empty=inventory.may_be_empty)
        for device_id in inventory.left_out:
            if device_id in self.devices or device_id in self._absences:
                changes.gone_devices.append(device_id)
        for device_id in changes.gone_devices:
            self._forget_device(device_id)
        for channel_id in changes.gone_channels:
            self._forget_channel(channel_id)
        return changes

    def remove_channel(self, channel_id: ChannelId) -> InventoryDiff:
        """Remove a channel at once, because it was deleted from here."""
        known = channel_id in self.channels
        self._forget_channel(channel_id)
        return InventoryDiff(gone_channels=[channel_id] if known else [])

    def forget_device(self, device_id: str) -> InventoryDiff:
        """Forget a device because it was deleted by hand; it is new if it is listed again."""
        channels = [key for key in self.channels if key.device == device_id]
        self._forget_device(device_id)
        return InventoryDiff(gone_channels=channels)

    def _scope(self, key: Key) -> str:
        if (scope := self._scopes.get(key)) is None:
            scope = self._scopes[key] = self._scope_of(key)
        return scope

    def _note_listed(self, inventory: Inventory, named: AbstractSet[str]) -> None:
        """Record which devices the lists name; a list that was not read keeps its devices."""
        for scope in inventory.read:
            self._listed[scope] = set()
        for device_id in named:
            self._listed.setdefault(self._scope(device_id), set()).add(device_id)

    def _news(self, inventory: Inventory) -> set[str]:
        """Return the lists that came in full and in another response than the one counted last."""
        news: set[str] = set()
        for scope, received in inventory.complete.items():
            if received is None or received > self._counted.get(scope, float("-inf")):
                news.add(scope)
            if received is not None:
                self._counted[scope] = max(received, self._counted.get(scope, received))
        return news

    def _forget_channel(self, channel_id: ChannelId) -> None:
        self._absences.pop(channel_id, None)
        self._scopes.pop(channel_id, None)
        self.channels.pop(channel_id, None)

    def _take_channel(self, channel: Channel, changes: InventoryDiff) -> None:
        known = self.channels.get(channel.id)
        self.channels[channel.id] = channel
        if known is None:
            changes.channels.append(channel)
        elif known != channel:
            changes.moved.append(channel)

    def _count_absences(
        self,
        news: AbstractSet[str],
        named: AbstractSet[Key],
        changes: InventoryDiff,
        *,
        may_be_empty: bool,
    ) -> None:
        """Count each known device and channel that its full list lacks; report those gone for good."""
        known: AbstractSet[Key] = self.devices.keys() | self.channels.keys() | self._absences.keys()
        missing = [key for key in known - named if self._scope(key) in news]
        if not missing:
            return
        if not may_be_empty:
            filled = {self._scope(key) for key in named}
            missing = [key for key in missing if self._scope(key) in filled]
        for key in missing:
            if isinstance(key, str) and key not in self.held and self._is_gone(key):
                changes.gone_devices.append(key)
        gone = {*changes.gone_devices, *self.held}
        for key in missing:
            if isinstance(key, str) or key.device in gone:
                continue
            if self._is_gone(key):
                changes.gone_channels.append(key)

    def _is_gone(self, key: Key) -> bool:
        self._absences[key] = self._absences.get(key, 0) + 1
        return self._absences[key] >= self._patience

    def _forget_device(self, device_id: str) -> None:
        self.devices.pop(device_id, None)
        self._absences.pop(device_id, None)
        self._scopes.pop(device_id, None)
        for channel_id in [key for key in self.channels if key.device == device_id]:
            self._forget_channel(channel_id)
