"""Model the state of the simulated platform: organisations, devices, sensors and records."""

from bisect import insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from simulators.clock import Clock
from simulators.random_source import mix
from simulators.schedule import SECOND, Spans

from .config import CloudConfig

type Value = float | bool | str
type Record = dict[str, object]
type Signal = Callable[[int, int], Value]

_MEASURES = ("ACTIVE", "MAINTENANCE")


@dataclass(slots=True, kw_only=True)
class Device:
    """A device. skew: seconds that its clock is ahead of the platform's.

    silences: when no readings come from it.
    """

    id: str
    name: str
    number: int
    seed: int
    created: int
    status: str = "ACTIVE"
    site: str | None = None
    profile: str | None = None
    tags: list[str] = field(default_factory=list)
    metadata: Record = field(default_factory=dict)
    position: tuple[float, float] | None = None
    firmware: str | None = "1.4.2"
    skew: int = 0
    silences: Spans = field(default_factory=Spans)
    restarted: int = 0
    last_seen: int | None = None

    def become(self, status: str, now: int) -> None:
        """Set the status; readings come while it is ACTIVE or in MAINTENANCE."""
        self.status = status
        self.listen(now, silent=status not in _MEASURES)

    def listen(self, now: int, *, silent: bool) -> None:
        """Stop or resume sending readings."""
        if silent:
            self.last_seen = self.seen(now)
            self.silences.begin(now)
        else:
            self.silences.finish(now)

    def seen(self, now: int) -> int | None:
        """Return when the platform last received data from it."""
        return self.last_seen if self.silences.lasting else now - now % 15


@dataclass(slots=True, kw_only=True)
class Component:
    """A part of a device. profile: the id of its sensor profile."""

    id: str
    device: Device
    name: str
    profile: str | None
    created: int


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """One value, at seconds since the epoch; a client can see it from `stored` on."""

    time: int
    value: Value = field(compare=False)
    stored: int = field(compare=False)


@dataclass(slots=True)
class FixedValue:
    """A time span in which a sensor measures one fixed value."""

    start: int
    value: Value
    end: int | None = None


@dataclass(slots=True, kw_only=True)
class Sensor:
    """A typed channel. interval: seconds between two readings.

    holds: its fixed values. extra: unscheduled readings by time; came: the same in order of arrival.
    """

    id: str
    device: Device
    component: Component | None
    name: str
    type: str
    unit: str | None
    signal: Signal
    seed: int
    created: int
    interval: int
    delay: int
    holds: list[FixedValue] = field(default_factory=list)
    extra: list[Reading] = field(default_factory=list)
    came: list[Reading] = field(default_factory=list)

    @property
    def phase(self) -> int:
        """Return the offset of its readings within the interval, in seconds."""
        return self.seed % self.interval

    def hold(self, value: Value, now: int) -> None:
        """Fix the value from now on."""
        self.release(now)
        self.holds.append(FixedValue(now, value))

    def release(self, now: int) -> None:
        """Release the fixed value."""
        if self.holds and self.holds[-1].end is None:
            self.holds[-1].end = now

    def report(self, value: Value, time: int, now: int) -> None:
        """Report a value at once, measured at any time."""
        reading = Reading(time, value, now)
        insort(self.extra, reading)
        self.came.append(reading)

    def readings(self, since: int, until: int, now: int) -> Iterator[Reading]:
        """Yield the readings of [since, until] that are visible now, oldest first."""
        own = self._own(max(since, self.created), min(until, now - self.delay))
        extra = [one for one in self.extra if since <= one.time <= until and one.stored <= now]
        if not extra:
            yield from own
        else:
            yield from sorted([*own, *extra])

    def newest(self, now: int) -> Reading | None:
        """Return the newest visible reading."""
        start = now - self.delay
        if (span := self.device.silences.around(start)) is not None:
            start = span.start - 1
        own = list(self._own(start - 2 * self.interval, start))
        seen = [one for one in self.extra if one.stored <= now]
        return max([*own[-1:], *seen[-1:]], default=None)

    def arrived(self, since: int, until: int, known: int) -> list[Reading]:
        """Return the readings that arrived during (since, until], and the unscheduled ones after the first `known`."""
        own = self._own(max(since - self.delay + 1, self.created), until - self.delay)
        return sorted([*own, *self.came[known:]])

    def natural(self, time: int) -> Value:
        """Return the value measured at a time."""
        for hold in reversed(self.holds):
            if hold.start <= time and (hold.end is None or time < hold.end):
                return hold.value
        return self.signal(self.seed, time)

    def _own(self, since: int, until: int) -> Iterator[Reading]:
        first = since + (self.phase - since) % self.interval
        for time in range(first, until + 1, self.interval):
            if self.device.silences.around(time) is None:
                yield Reading(time, self.natural(time), time + self.delay)


@dataclass(slots=True)
class Organisation:
    """A tenant. tables: plain records by kind and id.

    more: its other records by id.
    """

    id: str
    name: str
    seed: int
    devices: dict[str, Device] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    sensors: dict[str, Sensor] = field(default_factory=dict)
    tables: dict[str, dict[str, Record]] = field(default_factory=dict)
    more: list[Mapping[str, object]] = field(default_factory=list)
    _made: int = 0

    def new_id(self) -> str:
        """Return an unused id."""
        self._made += 1
        return identifier(self.seed, self._made)

    def table(self, kind: str) -> dict[str, Record]:
        """Return the records of a kind by id, oldest first."""
        return self.tables.setdefault(kind, {})

    def add(self, kind: str, fields: Record) -> Record:
        """Store a new record with a new id."""
        record: Record = {"id": self.new_id(), **fields}
        self.table(kind)[str(record["id"])] = record
        return record


@dataclass(slots=True)
class World:
    """The state of the platform. since: when it began, in seconds since the epoch."""

    config: CloudConfig
    clock: Clock
    since: int
    main: Organisation
    other: Organisation

    @property
    def now(self) -> int:
        """Return the simulated time in seconds since the epoch."""
        return self.clock.micros() // SECOND

    @property
    def organisations(self) -> tuple[Organisation, Organisation]:
        """Return both organisations."""
        return self.main, self.other


def identifier(seed: int, number: int) -> str:
    """Return a UUID."""
    return str(UUID(int=mix(seed, number, 1) << 64 | mix(seed, number, 2), version=4))
