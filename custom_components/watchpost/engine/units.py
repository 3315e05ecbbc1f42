"""Units of channels: a changed unit takes effect; one that is missing for once does not erase the known one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..models import Channel, ChannelId, Inventory


class Meaning(NamedTuple):
    """The kind, unit and classes of a channel's values."""

    kind: type
    unit: str | None
    device_class: str | None
    state_class: str | None


def meaning(channel: Channel) -> Meaning:
    """Return the kind, unit and classes of a channel's values."""
    described: Any = channel.description
    return Meaning(
        type(described),
        getattr(described, "native_unit_of_measurement", None),
        described.device_class,
        getattr(described, "state_class", None),
    )


class Units:
    """Compares the units of each inventory with those known; one is dropped when `patience` lists in a row lack it."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._lacking: dict[ChannelId, int] = {}

    def settle(
        self, inventory: Inventory, known: Mapping[ChannelId, Channel]
    ) -> tuple[Inventory, list[Channel]]:
        """Return the inventory with the units to show, and the known channels whose unit changed."""
        changed: list[Channel] = []
        kept: dict[ChannelId, Channel] = {}
        for channel in inventory.channels:
            before = known.get(channel.id)
            if before is None or before.description is channel.description:
                continue
            old, new = meaning(before), meaning(channel)
            if old.kind is not new.kind:
                # An entity cannot move to another platform: until a reload it stays what it is.
                kept[channel.id] = _described_as(channel, before)
                continue
            if new.unit is None and old.unit is not None and new.state_class == old.state_class:
                self._lacking[channel.id] = self._lacking.get(channel.id, 0) + 1
                if self._lacking[channel.id] < self._patience:
                    kept[channel.id] = _described_as(channel, before)
                    continue
            self._lacking.pop(channel.id, None)
            if old.unit != new.unit:
                changed.append(before)
        if kept:
            channels = [kept.get(channel.id, channel) for channel in inventory.channels]
            inventory = replace(inventory, channels=channels)
        return inventory, changed


def _described_as(channel: Channel, before: Channel) -> Channel:
    return replace(
        channel,
        description=before.description,
        name=before.name,
        placeholders=before.placeholders,
    )
