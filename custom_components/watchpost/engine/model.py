"""The words that vendors and platforms share; frozen values, no I/O, nothing of Home Assistant at run time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from homeassistant.helpers.entity import EntityDescription

type ReadingValue = float | int | str | bool | datetime | None


class ChannelId(NamedTuple):
    """Names a channel within its account: the device's id and the channel's key on it."""

    device: str
    key: str


@dataclass(frozen=True, slots=True)
class Device:
    """A gateway, sensor, monitor, machine, camera, site or the account itself.

    `id` is unique within the account and frozen for ever; `via` is the id of the device it hangs from.
    """

    id: str
    name: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    configuration_url: str | None = None
    area: str | None = None
    via: str | None = None
    is_service: bool = False


@dataclass(frozen=True, slots=True)
class Channel:
    """One value of one device.

    `description` is the Home Assistant `EntityDescription`; its class chooses the platform.
    `feed` names the feed whose replies carry the readings, `cycle` is the vendor's own measuring interval
    (None: as often as the feed is polled), and `stands_when_stale` keeps the last value available for ever.
    `name` is the vendor's free text, for channels that no device class or translation key names.
    """

    device: str
    key: str
    description: EntityDescription
    feed: str
    cycle: timedelta | None = None
    stands_when_stale: bool = False
    name: str | None = None
    id: ChannelId = field(init=False)

    def __post_init__(self) -> None:
        # Stored, since it is looked up for every reading.
        object.__setattr__(self, "id", ChannelId(self.device, self.key))


@dataclass(frozen=True, slots=True)
class Reading:
    """A channel's value; None is unknown. `measured_at` (UTC) is the vendor's clock, None where it tells no time."""

    value: ReadingValue
    measured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Freshness:
    """Until when a reply is current (RFC 9111, private cache); times are monotonic seconds.

    `lifetime` is None where the vendor said nothing; `expires` then equals `received`.
    """

    received: float
    expires: float
    lifetime: float | None = None
    storable: bool = True
    etag: str | None = None
    last_modified: str | None = None

    def is_current(self, now: float) -> bool:
        """Whether the reply may still be used in place of a new request."""
        return now < self.expires


@dataclass(frozen=True, slots=True)
class Inventory:
    """A successful list of what the vendor has: devices (parents before children) and their channels.

    `left_out` are devices that the vendor lists and the account's options do not want.
    `is_complete` is False where a malformed record was set aside: absence then proves nothing.
    """

    devices: Sequence[Device]
    channels: Sequence[Channel]
    left_out: frozenset[str] = frozenset()
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class FeedUpdate:
    """What one poll of a feed brought.

    `set_aside` counts malformed records by place and reason, never by content.
    `freshness` has one entry per reply that the poll needed. `failure` is set when a part could not be had
    (a `VendorError`); what else came is used all the same.
    """

    readings: Mapping[ChannelId, Reading] = field(default_factory=dict)
    freshness: Sequence[Freshness] = ()
    inventory: Inventory | None = None
    set_aside: Counter[str] = field(default_factory=Counter)
    failure: Exception | None = None
