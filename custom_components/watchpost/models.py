"""The words that vendors and platforms share; frozen values, no I/O, nothing of Home Assistant at run time."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import msgspec

# Beside the installed version, which is the value of a channel that is an update.
LATEST_VERSION: Final = "latest_version"

# The name of a vendor's list of devices where nothing else is said.
DEFAULT_LIST: Final = "inventory"

# A clock that shows less has never been set; this software is younger.
EARLIEST: Final = datetime(2024, 1, 1, tzinfo=UTC)

_NO_ATTRIBUTES: Final[Mapping[str, ReadingValue]] = MappingProxyType({})


class EntityDescription(Protocol):
    """The part of Home Assistant's description of an entity that this model relies on."""

    @property
    def key(self) -> str:
        """Return the key of the description."""

    @property
    def device_class(self) -> str | None:
        """Return the device class."""

    @property
    def entity_registry_enabled_default(self) -> bool:
        """Return whether a new entity is enabled."""

    @property
    def translation_key(self) -> str | None:
        """Return the key of the entity's name and states."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place on earth in degrees (WGS 84), `accuracy` in metres; no text of it tells where it is."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    accuracy: float = field(default=0.0, repr=False)


type ReadingValue = float | int | str | bool | datetime | Position | None


class JobState(StrEnum):
    """How far a vendor has got with something that takes it a while."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """Something that the vendor has begun; `poll` asks how far it is and raises a `VendorError`."""

    name: str
    poll: Callable[[], Awaitable[JobState]]


class VendorEventType(StrEnum):
    """What can happen once; the event types of event entities and of `watchpost_event`."""

    ALARM_RAISED = "alarm_raised"
    ALARM_CLEARED = "alarm_cleared"
    ALARM_ACKNOWLEDGED = "alarm_acknowledged"
    INCURSION = "incursion"
    INCURSION_ACKNOWLEDGED = "incursion_acknowledged"
    BUTTON_PRESSED = "button_pressed"
    SYSTEM_NOTICE = "system_notice"
    CAPTURE_MADE = "capture_made"
    MESSAGE_RECEIVED = "message_received"


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
class Picture:
    """One picture: a JPEG, PNG or WebP that was checked to be one, and when (UTC) it was taken."""

    taken_at: datetime
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Where the HLS playlist of a live stream is fetched, the likeliest place first, with which headers.

    `until` (UTC) is when it ends by itself, None where nobody knows. Addresses and headers are secrets.
    """

    urls: Sequence[str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    until: datetime | None = None


class LiveStream(Protocol):
    """A camera's live stream, which the vendor keeps up for who asked for it."""

    async def open(self, *, anew: bool) -> StreamSource:
        """Have it begin, or take up what is open unless it must be `anew`; raises a `VendorError`."""

    async def close(self) -> None:
        """Nobody watches any more; raises a `VendorError`."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One value of one device.

    `description` is the Home Assistant `EntityDescription`; its class chooses the platform.
    `feed` names the feed whose replies carry the readings, `cycle` is the vendor's own measuring interval
    (None: as often as the feed is polled), and `stands_when_stale` keeps the last value available for ever.
    `good_for` is how long a reading may be shown, for a source without a cycle of its own.
    `declared` are the least and greatest value that the vendor itself declares for the channel, in its unit.
    `name` is the vendor's free text, for channels that no device class or translation key names; `placeholders`
    go into the translated name of those that have one. `press`, `set_value` and `switch` (on or off) act at the vendor
    and raise a `VendorError`; `picture` gives the newest picture, for channels whose value is when it was taken, and
    never has one made; `live` is what its camera sees now. They are no part of what the channel is, so they do not
    count when channels are compared.
    """

    device: str
    key: str
    description: EntityDescription
    feed: str
    cycle: timedelta | None = None
    keep_when_stale: bool = False
    good_for: timedelta | None = None
    declared: tuple[float, float] | None = None
    name: str | None = None
    placeholders: Mapping[str, str] | None = None
    press: Callable[[], Awaitable[Job | None]] | None = field(default=None, compare=False)
    set_value: Callable[[float], Awaitable[Job | None]] | None = field(default=None, compare=False)
    switch: Callable[[bool], Awaitable[Job | None]] | None = field(default=None, compare=False)
    picture: Callable[[], Awaitable[Picture | None]] | None = field(default=None, compare=False)
    live: LiveStream | None = field(default=None, compare=False)
    id: ChannelId = field(init=False)

    def __post_init__(self) -> None:
        # Stored, since it is looked up for every reading.
        object.__setattr__(self, "id", ChannelId(self.device, self.key))


@dataclass(frozen=True, slots=True)
class HardwareLimit:
    """What a vendor's own hardware measures of a quantity: a translation key, or else a device class.

    `source` says where the range is from: STATED with its document, or INFERRED with the reason.
    """

    quantity: str
    lowest: float
    highest: float
    unit: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a vendor's sensors can measure, and the numbers that they report in place of a value, with their sources."""

    limits: Sequence[HardwareLimit] = ()
    error_codes: Mapping[float, str] = field(default_factory=dict)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A channel's value; None is unknown. `measured_at` (UTC) is the vendor's clock, None where it tells no time.

    `is_live` is False where the vendor says that nothing is measured there for now: then nothing is shown.
    `order` is the vendor's number of it, if it has one: of two with the same `measured_at` the higher is the newer.
    A struct that the garbage collector passes by, since thousands are made and compared in one poll.
    """

    value: ReadingValue
    measured_at: datetime | None = None
    attributes: Mapping[str, ReadingValue] = _NO_ATTRIBUTES
    is_live: bool = True
    order: int = 0


@dataclass(frozen=True, slots=True)
class VendorEvent:
    """Something that happened once, at `at` (UTC, the vendor's clock).

    `id` is unique within the account and the same however often and by whichever way the vendor tells of it.
    `channel` is the key of the device's channel whose state it changed, if any. `data` is what the kind adds
    (threshold, value, direction, severity, duration ...), never a link, and neither a person nor an exact position
    unless the account's options allow that. `follows` is the id of the occurrence that this one takes further: it is
    told only if that one was told before, by itself. `is_proven` is False where anybody could have said so: who
    tells of it bounds how many there are and sees that each comes once, and the journal, whose times decide what counts
    as dispatched, does not have it.
    """

    id: str
    type: VendorEventType
    at: datetime
    device: str
    channel: str | None = None
    data: Mapping[str, ReadingValue] = _NO_ATTRIBUTES
    follows: str | None = None
    is_proven: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a vendor that came in; the names of headers are in lower case.

    `received_at` (UTC) lies before now where the call had to wait for the account to be set up.
    """

    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """One full hour of a channel's history, `start` in UTC; in the channel's unit."""

    start: datetime
    mean: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class HistoryTerms:
    """How an account's history is best asked for.

    `span` hours at most are asked for and written as one; a request of the vendor brings `per_request` hours, and a
    run makes `most_requests` of them about every `pause` seconds. `by_device`: one device's channels at a time.
    `newest_first`: at first set-up the last day comes first, then the days before it, each before the one before.
    `is_exact`: the vendor has every single measurement, so its hours take the place of those that the recorder made
    of states, and once more when nothing can come late any longer.
    """

    span: int = 7 * 24
    per_request: int = 7 * 24
    max_requests: int = 20
    pause: float = 900.0
    by_device: bool = False
    newest_first: bool = False
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class DailySeries:
    """Totals by full days: `days` has the start of each in local time and its total, oldest first.

    `key` is unique within the account and frozen for ever; `unit_class` is the recorder's name for what `unit` counts.
    """

    key: str
    name: str
    days: Sequence[tuple[datetime, float]]
    unit: str | None = None
    unit_class: str | None = None


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

    `left_out` are devices that the vendor lists and the account's options do not want; `left_out_devices` are those of
    them that the options leave out by not choosing their ids, where a replacement may be among them.
    `is_complete` is False where a malformed record was set aside: absence then proves nothing.
    `scope` names the list; something is only missed by the list that would name it (`Connection.scope_of`).
    `may_be_empty`: that nothing is left of it is as usual as any other change (the last alarm rule was deleted).
    `received` (monotonic) is when the oldest page of its response came; the same response is no further list.
    Where an inventory is put together from several lists, `lists` has each that was read by name: when the oldest
    page of its response came, or None where it was not read in full. A list that is not there was not read at all.
    """

    devices: Sequence[Device]
    channels: Sequence[Channel]
    left_out: frozenset[str] = frozenset()
    left_out_devices: Sequence[Device] = ()
    is_complete: bool = True
    scope: str = DEFAULT_LIST
    may_be_empty: bool = False
    received: float | None = None
    lists: Mapping[str, float | None] | None = None

    @property
    def read(self) -> Collection[str]:
        """The names of the lists that were read, in full or not."""
        return (self.scope,) if self.lists is None else self.lists.keys()

    @property
    def complete(self) -> Mapping[str, float | None]:
        """The lists that were read in full, with when the oldest page of the response came, where that is known."""
        if not self.is_complete:
            return {}
        if self.lists is None:
            return {self.scope: self.received}
        return {name: received for name, received in self.lists.items() if received is not None}


@dataclass(frozen=True, slots=True)
class FeedUpdate:
    """What one poll of a feed brought.

    `set_aside` counts malformed records by place and reason, never by content.
    `freshness` has one entry per reply that the poll needed. `failure` is set when a part could not be had
    (a `VendorError`); what else came is used all the same, and the feed is asked again after a back-off.
    `failures` are the optional resources that could not be had, by a name that a person understands ("incursions");
    they are reported by that name and do not make the feed back off.
    """

    readings: Mapping[ChannelId, Reading] = field(default_factory=dict)
    vendor_events: Sequence[VendorEvent] = ()
    freshness: Sequence[Freshness] = ()
    inventory: Inventory | None = None
    rejected: Counter[str] = field(default_factory=Counter)
    failure: Exception | None = None
    failures: Mapping[str, Exception] = field(default_factory=dict)
