"""The state of a simulated Sensorist cloud: users, devices and their measurements.

Times inside are microseconds since the epoch. Measurements are not kept: they follow from the seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from simulators import waveforms
from simulators.clock import Clock, from_micros, to_micros
from simulators.random_source import mix
from simulators.schedule import SECOND, Report, ReportSchedule, ReportTimes, Spans
from simulators.waveforms import Curve

from .config import CloudConfig
from .source_types import DataKind

REGULAR, BUTTON = 1, 5

_TEMPERATURES: tuple[tuple[str, Curve], ...] = (
    ("Storage room", waveforms.room),
    ("Walk-in freezer", waveforms.freezer),
    ("Kitchen fridge", waveforms.fridge),
    ("Kølerum", waveforms.fridge),
    ("Loading bay", waveforms.outdoor),
    ("Server room", waveforms.room),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One stored measurement. `seq`: microseconds since the epoch when it was stored."""

    date: datetime
    value: object
    type: int
    seq: int


@dataclass(slots=True)
class Override:
    """A fixed value from a moment on, until another."""

    value: object
    start: int
    end: int | None = None


class NoOverride:
    """Says that a source follows its curve."""


FREE = NoOverride()


class Source:
    """One data source of a sensor."""

    __slots__ = (
        "_curve",
        "_overrides",
        "beats",
        "disconnected_date",
        "extras",
        "id",
        "interval",
        "kind",
        "seed",
        "sensor",
        "title",
    )

    def __init__(self, sensor: Sensor, source_id: int, kind: DataKind, seed: int) -> None:
        """Make a source that reports on its kind's cycle."""
        config = sensor.gateway.world.config
        self.id = source_id
        self.sensor = sensor
        self.kind = kind
        self.title = kind.title
        self.interval = config.cycle(kind.name)
        self.seed = seed
        self.disconnected_date: datetime | None = None
        self.beats = ReportTimes(sensor.schedule.phase, sensor.schedule.period(self.interval))
        self.extras: list[Measurement] = []
        self._curve = sensor.temperature if kind.name == "temp" else kind.curve
        self._overrides: list[Override] = []

    @property
    def override(self) -> object:
        """The fixed value, any JSON thing; `FREE` if the source follows its curve.

        Setting it changes the newest measurement a client can see and all that follow; what was
        before stays.
        """
        if self._overrides and self._overrides[-1].end is None:
            return self._overrides[-1].value
        return FREE

    @override.setter
    def override(self, value: object) -> None:
        now = self.sensor.gateway.world.clock.micros()
        newest = self.newest(now)
        since = now if newest is None else to_micros(newest.date)
        if self._overrides:
            self._overrides[-1].end = min(self._overrides[-1].end or since, since)
        if not isinstance(value, NoOverride):
            self._overrides.append(Override(value, since))
            self.sensor.gateway.world.has_overrides = True
        self.sensor.gateway.world.revised(self)

    def value_at(self, date: int) -> object:
        """Return what is measured at `date`."""
        for override in reversed(self._overrides):
            if override.start <= date and (override.end is None or date < override.end):
                return override.value
        value = self._curve(self.seed, date / SECOND)
        if self.kind.name == "temp" and self.sensor.gateway.world.fahrenheit:
            value = value * 9 / 5 + 32
        return round(value, self.kind.digits) if self.kind.digits else round(value)

    def newest(self, now: int) -> Measurement | None:
        """Return the newest measurement that a client can see at `now`."""
        until = now + self.sensor.schedule.slack
        regular = None
        while (beat := self.beats.last(until)) is not None and beat >= self.sensor.gateway.added:
            if gap := self.sensor.gap(beat):
                until = gap - 1
                continue
            if (report := self.sensor.report(beat)) is not None and self._seq(report) <= now:
                regular = self._measurement(report)
                break
            until = beat - 1
        rows = self.extras if regular is None else [*self.extras, regular]
        return max(rows, key=lambda row: (row.date, row.seq), default=None)

    def between(self, since: int, until: int, now: int) -> list[Measurement]:
        """Return the measurements dated in [since, until] that are visible at `now`, by date."""
        slack = self.sensor.schedule.slack
        first = max(since - slack, self.sensor.gateway.added)
        rows = [
            self._measurement(report)
            for beat in self.beats.between(first, min(until, now) + slack)
            if not self.sensor.gap(beat)
            and (report := self.sensor.report(beat)) is not None
            and since <= report.date <= until
            and self._seq(report) <= now
        ]
        extras = [row for row in self.extras if since <= to_micros(row.date) <= until]
        return sorted(rows + extras, key=lambda row: row.date) if extras else rows

    def add(self, kind: int, value: object = FREE) -> Measurement | None:
        """Store a measurement dated now; None while the gateway is offline or the sensor silent."""
        now = self.sensor.gateway.world.clock.micros()
        if self.sensor.gap(now):
            return None
        date = now - now % SECOND
        seq = max(now, self.extras[-1].seq + 1) if self.extras else now
        if isinstance(value, NoOverride):
            value = self.value_at(date)
        else:
            self.sensor.gateway.world.has_overrides = True
        row = Measurement(from_micros(date), value, kind, seq)
        self.extras.append(row)
        return row

    def _measurement(self, report: Report) -> Measurement:
        return Measurement(
            from_micros(report.date), self.value_at(report.date), REGULAR, self._seq(report)
        )

    def _seq(self, report: Report) -> int:
        """Return when this source's part of a report was stored."""
        return report.stored + self.id % 1000


class Sensor:
    """One sensor of a gateway."""

    __slots__ = (
        "_silence",
        "disconnected_date",
        "firmware",
        "gateway",
        "id",
        "schedule",
        "serial",
        "sources",
        "temperature",
        "title",
    )

    def __init__(
        self, gateway: Gateway, sensor_id: int, number: int, schedule: ReportSchedule
    ) -> None:
        """Make a sensor without data sources."""
        title, self.temperature = _TEMPERATURES[number % len(_TEMPERATURES)]
        self.id = sensor_id
        self.gateway = gateway
        self.serial = f"{0xAA00BB01 + number:08x}"
        self.title = f"{title} {number + 1}"
        self.firmware = "1.99"
        self.disconnected_date: datetime | None = None
        self.schedule = schedule
        self.sources: list[Source] = []
        self._silence = Spans()

    @property
    def silent(self) -> bool:
        """Return whether the sensor reports nothing. May be set; counts from then on."""
        return self._silence.lasting is not None

    @silent.setter
    def silent(self, silent: bool) -> None:
        now = self.gateway.world.clock.micros()
        if silent:
            self._silence.begin(now)
        else:
            self._silence.finish(now)

    def report(self, beat: int) -> Report | None:
        """Return the report at `beat` as the cloud got it."""
        report = self.schedule.report(beat)
        outage = self.gateway.outages.around(beat)
        if report is None or outage is None or outage.end is None:
            return report
        return Report(beat, report.date, outage.end + report.stored - report.date)

    def gap(self, at: int) -> int:
        """Return when the time began whose reports never arrive, if `at` lies in one; else 0."""
        if span := self._silence.around(at):
            return span.start
        outage = self.gateway.outages.around(at)
        if outage is None or (self.gateway.buffers and outage.end is not None):
            return 0
        return outage.start

    def source(self, kind: str) -> Source:
        """Return the data source of that kind; KeyError if there is none."""
        for source in self.sources:
            if source.kind.name == kind:
                return source
        raise KeyError(kind)

    def set_cycle(self, source: Source, cycle: int) -> None:
        """Let a source report every `cycle` seconds from now on."""
        source.beats.change(self.gateway.world.clock.micros(), self.schedule.period(cycle))


class Gateway:
    """One gateway. `buffers`: what it hears while offline is delivered later, else it is lost."""

    __slots__ = (
        "_disconnected_date",
        "added",
        "buffers",
        "firmware",
        "id",
        "ipv4",
        "local_ipv4",
        "master_id",
        "outages",
        "owner",
        "sensors",
        "serial",
        "title",
        "world",
    )

    def __init__(self, world: World, gateway_id: int, number: int, added: int) -> None:
        """Make a gateway without sensors and without an owner."""
        self.world = world
        self.id = gateway_id
        self.serial = f"{10_000_000 + number}"
        self.title = f"Gateway {number + 1}"
        self.firmware = "2.43"
        self.master_id: int | None = None
        self.ipv4 = f"203.0.113.{number % 250 + 1}"
        self.local_ipv4 = f"192.168.{number // 250 % 250}.{number % 250 + 1}"
        self.added = added
        self.owner: int | None = None
        self.buffers = False
        self.outages = Spans()
        self.sensors: list[Sensor] = []
        self._disconnected_date: datetime | None = None

    @property
    def online(self) -> bool:
        """Return whether the gateway is connected. May be set; counts from then on."""
        return self._disconnected_date is None

    @online.setter
    def online(self, online: bool) -> None:
        if online != self.online:
            self.disconnected_date = None if online else self.world.clock.now()

    @property
    def disconnected_date(self) -> datetime | None:
        """Since when the gateway is offline. May be set, also to a moment in the past."""
        return self._disconnected_date

    @disconnected_date.setter
    def disconnected_date(self, moment: datetime | None) -> None:
        self._disconnected_date = moment
        if moment is None:
            self.outages.finish(self.world.clock.micros())
        else:
            self.outages.begin(to_micros(moment))

    @property
    def sources(self) -> Iterator[Source]:
        """Every data source of every sensor, in order."""
        return (source for sensor in self.sensors for source in sensor.sources)


@dataclass(slots=True)
class User:
    """One user. `parent`: the id of the user above in the hierarchy."""

    id: int
    email: str
    password: str
    fname: str
    lname: str
    parent: int | None = None
    country: str = "DK"
    tz: str = "Europe/Copenhagen"


@dataclass(slots=True)
class World:
    """All that a cloud knows, by id.

    has_overrides: a value may be one that JSON cannot say. revised: called when the newest
    measurement of a data source got another value.
    """

    config: CloudConfig
    clock: Clock
    users: dict[int, User] = field(default_factory=dict)
    gateways: dict[int, Gateway] = field(default_factory=dict)
    sensors: dict[int, Sensor] = field(default_factory=dict)
    sources: dict[int, Source] = field(default_factory=dict)
    removed: dict[int, Gateway] = field(default_factory=dict)
    has_overrides: bool = False
    revised: Callable[[Source], None] = lambda source: None

    @property
    def fahrenheit(self) -> bool:
        """Return whether temperatures are measured in °F."""
        return self.config.temp_unit == "°F" and self.config.variants.fahrenheit == "everywhere"

    def gateways_of(self, user_id: int) -> list[Gateway]:
        """Return a user's gateways, slaves too, in the order of their ids."""
        return [gateway for gateway in self.gateways.values() if gateway.owner == user_id]

    def source_of(self, user_id: int, source_id: int) -> Source | None:
        """Return a data source if the user owns it."""
        source = self.sources.get(source_id)
        if source is None:
            return None
        gateway = source.sensor.gateway
        return source if gateway.owner == user_id and gateway.id in self.gateways else None

    def below(self, user_id: int) -> list[User]:
        """Return all users below one in the hierarchy."""
        found: list[User] = []
        for user in self.users.values():
            if user.parent == user_id:
                found += [user, *self.below(user.id)]
        return found

    def next_number(self) -> int:
        """Return how many gateways there ever were."""
        return len(self.gateways) + len(self.removed)

    def seed(self, what: int, number: int) -> int:
        """Return the seed of the `number`-th thing of a sort."""
        return mix(self.config.seed, number, what)
