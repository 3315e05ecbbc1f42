"""The vendor-neutral model: frozen values, no I/O, nothing of Home Assistant at run time."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import msgspec

# Attribute of update channels with the newest version; the installed one is the value.
LATEST_VERSION: Final = "latest_version"

# The name of a vendor's list of devices unless the vendor names several.
DEFAULT_LIST: Final = "inventory"

# A clock that shows an earlier time was never set: this software is younger.
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
    """A position in degrees (WGS 84), `accuracy` in metres; its repr contains no coordinates."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    accuracy: float = field(default=0.0, repr=False)


type ReadingValue = float | int | str | bool | datetime | Position | None


class JobState(StrEnum):
    """The state of a job."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A task that the vendor has begun; `poll` fetches its state and raises a `VendorError`."""

    name: str
    poll: Callable[[], Awaitable[JobState]]


class VendorEventType(StrEnum):
    """The event types of event entities and of `watchpost_event`."""

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
    """Identifies a channel within its account: the device's id and the channel's key on it."""

    device: str
    key: str


@dataclass(frozen=True, slots=True)
class Device:
    """A gateway, sensor, monitor, machine, camera, site or the account itself.

    `id` is unique within the account and must never change; `via` is the id of the parent device.
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
    """A checked JPEG, PNG or WebP image with the time (UTC) it was taken."""

    taken_at: datetime
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamSource:
    """The URLs of a live stream's HLS playlist, the likeliest first, and the headers for fetching it.

    `until` (UTC) is when the stream ends by itself, None where that is not known. URLs and headers are secrets.
    """

    urls: Sequence[str] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    until: datetime | None = None


class LiveStream(Protocol):
    """A camera's live stream, which the vendor keeps open while it is watched."""

    async def open(self, *, anew: bool) -> StreamSource:
        """Open the stream, or reuse an open one unless `anew`; raises a `VendorError`."""

    async def close(self) -> None:
        """Close the stream; raises a `VendorError`."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One value of one device.

    `description` is the Home Assistant `EntityDescription`; its class chooses the platform.
    `feed` names the feed whose responses carry the readings, `cycle` is the vendor's own measuring interval
    (None: as often as the feed is polled), and `keep_when_stale` keeps the last value available without limit.
    `good_for` is how long a reading may be shown, for a source without a cycle of its own.
    `declared` is the range (minimum, maximum) that the vendor itself declares for the channel, in its unit.
    `name` is the vendor's free text, for channels that no device class or translation key names; `placeholders`
    go into the translated name of those that have one. `press`, `set_value` and `switch` (on or off) run a command at
    the vendor and raise a `VendorError`; `picture` returns the newest picture, for channels whose value is when it was
    taken, and never requests a new one; `live` is the camera's live stream. These functions are not compared: they do
    not define the channel.
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
    """The range that a vendor's hardware measures of a quantity: a translation key, or else a device class.

    `source` is where the range comes from: STATED with its document, or INFERRED with the reason.
    """

    quantity: str
    lowest: float
    highest: float
    unit: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Hardware:
    """The ranges of a vendor's sensors, and the error codes reported in place of a value, with their sources."""

    limits: Sequence[HardwareLimit] = ()
    error_codes: Mapping[float, str] = field(default_factory=dict)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A channel's value; None is unknown. `measured_at` (UTC) is by the vendor's clock, None without a time.

    `is_live` is False where the vendor says that nothing is measured for now: the channel is unavailable then.
    `order` is the vendor's sequence number, if any: of two with the same `measured_at` the higher is the newer.
    A struct without garbage collection, since thousands are made and compared in one poll.
    """

    value: ReadingValue
    measured_at: datetime | None = None
    attributes: Mapping[str, ReadingValue] = _NO_ATTRIBUTES
    is_live: bool = True
    order: int = 0


@dataclass(frozen=True, slots=True)
class VendorEvent:
    """Something that happened once, at `at` (UTC, the vendor's clock).

    `id` is unique within the account and the same however often and by whichever way the vendor reports the event.
    `channel` is the key of the device's channel whose state it changed, if any. `data` has the details of its type
    (threshold, value, direction, severity, duration ...), never a link, and neither a person nor an exact position
    unless the account's options allow that. `follows` is the id of the event that this one continues: it is
    dispatched only if that one was dispatched before, by itself. `is_proven` is False for an unauthenticated message:
    its source bounds their number and drops duplicates, and the journal, whose times decide what counts as dispatched,
    does not record it.
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
    """A webhook request of a vendor; the names of headers are in lower case.

    `received_at` (UTC) lies before now where the request had to wait for the account to be set up.
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
    """The limits and order for requests of an account's history.

    At most `span` hours are requested and written at once; one request returns `per_request` hours, and a run makes
    up to `max_requests` of them about every `pause` seconds. `by_device`: one device's channels at a time.
    `newest_first`: at first set-up the newest day is imported first, then each earlier day.
    `is_exact`: the vendor has every single measurement, so its hours replace those that the recorder compiled from
    states, and are requested once more when no late measurement is to be expected.
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
    """Totals of full days: `days` has the start of each in local time and its total, oldest first.

    `key` is unique within the account and must never change; `unit_class` is the recorder's class of `unit`.
    """

    key: str
    name: str
    days: Sequence[tuple[datetime, float]]
    unit: str | None = None
    unit_class: str | None = None


@dataclass(frozen=True, slots=True)
class Freshness:
    """The time until which a response is current (RFC 9111, private cache), in monotonic seconds.

    `lifetime` is None where the headers have none; `expires` then equals `received`.
    """

    received: float
    expires: float
    lifetime: float | None = None
    storable: bool = True
    etag: str | None = None
    last_modified: str | None = None

    def is_current(self, now: float) -> bool:
        """Return whether the response may still be used in place of a new request."""
        return now < self.expires


@dataclass(frozen=True, slots=True)
class Inventory:
    """A list of the vendor's devices (parents before children) and their channels.

    `left_out` are devices that the vendor lists and the account's options exclude; `left_out_devices` are those of
    them whose ids the options do not choose, where a replacement may be among them.
    `is_complete` is False where a malformed record was rejected: absence then proves nothing.
    `scope` names the list; a device or channel is absent only from the list that would name it (`Connection.scope_of`).
    `may_be_empty`: an empty list is as usual as any other change (the last alarm rule was deleted).
    `received` (monotonic) is when the oldest page of its response came; the same response does not count twice.
    Where an inventory is made of several lists, `lists` has each that was read by name: when the oldest
    page of its response came, or None where it was not read in full. A list that is not named was not read.
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
        """Return the names of the lists that were read, in full or not."""
        return (self.scope,) if self.lists is None else self.lists.keys()

    @property
    def complete(self) -> Mapping[str, float | None]:
        """Return the lists that were read in full, with the time of the response's oldest page, where that is known."""
        if not self.is_complete:
            return {}
        if self.lists is None:
            return {self.scope: self.received}
        return {name: received for name, received in self.lists.items() if received is not None}


@dataclass(frozen=True, slots=True)
class FeedUpdate:
    """The result of one poll of a feed.

    `rejected` counts malformed records by place and reason, never by content.
    `freshness` has one entry per response that the poll needed. `failure` is set when a part could not be fetched
    (a `VendorError`); the rest is used all the same, and the feed is polled again after a back-off.
    `failures` are the errors of optional resources, by a name that a person understands ("incursions");
    they are reported by that name and do not make the feed back off.
    """

    readings: Mapping[ChannelId, Reading] = field(default_factory=dict)
    vendor_events: Sequence[VendorEvent] = ()
    freshness: Sequence[Freshness] = ()
    inventory: Inventory | None = None
    rejected: Counter[str] = field(default_factory=Counter)
    failure: Exception | None = None
    failures: Mapping[str, Exception] = field(default_factory=dict)
