"""Define a feature of the platform: its devices, channels, feeds, actions, options and stored state."""

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
    """Devices, channels and readings that a feature found; `failures` are the errors of failed lists by name.

    `lists` gives for each fetched list when the oldest page of its response was received (monotonic seconds), None
    where the list is incomplete. Nothing is removed because a missing or incomplete list lacks it.
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
    """Return the longest lifetime of these responses: they are not requested more often."""
    return timedelta(seconds=max((reply.lifetime or 0.0 for reply in freshness), default=0.0))


def oldest(freshness: Iterable[Freshness]) -> float | None:
    """Return when the oldest page of a response was received (monotonic seconds), None without a page."""
    return min((reply.received for reply in freshness), default=None)


class Feature:
    """Offer one group of the platform's resources; the defaults offer nothing.

    `title` names for a person the list that `discover` fetches.
    """

    title = ""

    async def discover(self) -> Discovery:
        """Fetch the feature's lists, after the inventory was updated; called with every inventory.

        A `VendorError` that is raised costs this feature alone; its known devices and channels stay.
        """
        return Discovery()

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds beside the inventory, by what was discovered last."""
        return ()

    def source_list(self, channel: ChannelId) -> str | None:
        """Return the list that a channel comes from, None where that is its device's list."""
        return None

    @property
    def actions(self) -> Mapping[str, ActionHandler]:
        """Return the handlers of the feature's actions by name."""
        return {}

    async def options(self) -> Mapping[vol.Marker, Any]:
        """Return the feature's fields of the options form; may send requests, raises a `VendorError`."""
        return {}

    def diagnostics(self) -> Mapping[str, Any]:
        """Return the state of the feature: names and counts, never contents."""
        return {}

    def restore_state(self, stored: Mapping[str, Any]) -> None:
        """Restore the state that was stored before this start: any JSON."""
        return

    def stored_state(self) -> Mapping[str, Any]:
        """Return the state to store for the next start (JSON), under names that no other feature uses."""
        return {}
