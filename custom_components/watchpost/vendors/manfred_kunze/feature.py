"""What the connection is put together from: each part brings devices and channels, feeds, actions, options."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import voluptuous as vol

from ...client.errors import VendorError
from ...contract.vendor import ActionHandler, Feed
from ...models import Channel, ChannelId, Device, Freshness, Reading


@dataclass(slots=True)
class Discovery:
    """What a part found when the lists were read; `failures` are the lists that could not be had, by their names.

    `lists` names each list that was read: when the oldest page of its response came (monotonic), None where it was
    not read in full. What a list would name that is not there, or not in full, is not missed.
    """

    devices: list[Device] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    readings: dict[ChannelId, Reading] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    freshness: list[Freshness] = field(default_factory=list)
    lists: dict[str, float | None] = field(default_factory=dict)
    is_complete: bool = True
    failures: dict[str, VendorError] = field(default_factory=dict)


def lifetime(freshness: Iterable[Freshness]) -> timedelta:
    """How long replies said to be current, the longest: what they bring is not asked for more often."""
    return timedelta(seconds=max((reply.lifetime or 0.0 for reply in freshness), default=0.0))


def oldest(freshness: Iterable[Freshness]) -> float | None:
    """Return when the oldest page of a response came, None where there is none."""
    return min((reply.received for reply in freshness), default=None)


class Feature:
    """A group of the platform's resources; those that offer nothing of a kind leave it at that.

    `title` is what a person calls the list that its survey reads.
    """

    title = ""

    async def survey(self) -> Discovery:
        """Read the part's lists, with the estate as it was just listed; called with every inventory.

        A `VendorError` that is raised costs this part alone; what it had before is not missed.
        """
        return Discovery()

    def feeds(self) -> Sequence[Feed]:
        """What is polled beside the inventory, by what the last survey found."""
        return ()

    def scope_of(self, key: str) -> str | None:
        """The list that names channels with this key, None where their device's list does."""
        return None

    @property
    def actions(self) -> Mapping[str, ActionHandler]:
        """The actions that the part handles, by name."""
        return {}

    async def options(self) -> Mapping[vol.Marker, Any]:
        """The part's fields of the options form; may ask, and raises a `VendorError`."""
        return {}

    def diagnostics(self) -> Mapping[str, Any]:
        """What of it works: names and counts, never contents."""
        return {}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what was kept before this start: any JSON."""
        return

    def memory(self) -> Mapping[str, Any]:
        """What is to be kept for the next start (JSON), under names that no other part uses."""
        return {}
