"""The things of a simulated SensorZone cloud: brands, their sites, machines, people and tags.

Times are whole seconds since the epoch. What moves is worked out from the seed, see `movement`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from simulators.clock import Clock
from simulators.random_source import fraction, mix
from simulators.schedule import SECOND, Spans

from . import geometry
from .config import CloudConfig
from .geometry import Place, Position
from .movement import Moves, Shifts, drive, route

type Role = Literal["pedestrian", "operator"]
type Gps = Literal["good", "none", "zero"]

_BEAT_RUNNING, _BEAT_OFF = 30, 600
_TEST, _TEST_AT, _TEST_PASSED = 31, 32, 33


@dataclass(slots=True)
class Brand:
    """A customer organisation."""

    id: int
    name: str


@dataclass(slots=True)
class User:
    """Somebody who signs in. sso: only through single sign-on. v2: may use version 2."""

    id: int
    email: str
    password: str
    name: str
    brand: Brand
    role: Literal["admin", "standard"] = "admin"
    sso: bool = False
    v2: bool = True
    active: bool = True


@dataclass(slots=True)
class Tester:
    """A field device with an API token of its own."""

    id: int
    name: str
    token: str
    brand: Brand
    active: bool = True


@dataclass(slots=True)
class Project:
    """A group of worksites."""

    id: int
    brand: Brand
    name: str
    description: str = ""


@dataclass(slots=True)
class Site:
    """A worksite. radius: of a round one in metres; 0 if it has a boundary. crossed: see below.

    A boundary that is `crossed` has sides that cut each other.
    """

    id: int
    brand: Brand
    name: str
    corner: Position
    size: tuple[float, float]
    colour: str
    kind: str
    projects: list[Project]
    radius: float = 0.0
    crossed: bool = False

    @property
    def boundary(self) -> dict[str, object]:
        """The boundary as a GeoJSON polygon."""
        outline = geometry.ring(self.corner, *self.size)
        return {
            "type": "Polygon",
            "coordinates": [geometry.bow_tie(outline) if self.crossed else outline],
        }

    @property
    def centre(self) -> Position:
        """Latitude and longitude of the middle."""
        return geometry.position(self.corner, (self.size[0] / 2, self.size[1] / 2))


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody of the staff, or a visitor: a people asset."""

    id: int
    brand: Brand
    name: str
    kind: Literal["staff", "visitor"]
    employee_id: str | None = None
    company: str | None = None
    email: str | None = None


@dataclass(slots=True, kw_only=True)
class Tag:
    """A tag; `person` is who wears it now. moves: where it moves on a day, for a pedestrian's."""

    id: int
    brand: Brand
    serial: str
    role: Role
    seed: int
    site: Site | None = None
    person: Person | None = None
    moves: Callable[[int], Moves] | None = None


@dataclass(kw_only=True)
class Machine:
    """A machine and its base station.

    added: when it was put to work. gps: what it tells of its position. silences: when it reported
    nothing; what it saw is listed when it speaks again. merged: the machine it has become a part of.
    """

    id: int
    brand: Brand
    name: str
    serial: str
    maker: str
    model: str
    year: int
    plate: str
    has_camera: bool
    site: Site
    seed: int
    world: World
    added: int
    gps: Gps = "good"
    silences: Spans = field(default_factory=Spans)
    merged: Machine | None = None
    removed: bool = False
    _days: dict[int, Moves] = field(default_factory=dict)

    @cached_property
    def stops(self) -> list[Place]:
        """The places of its route."""
        return route(self.seed, self.site.size)

    def moves(self, day: int) -> Moves:
        """Return its working day."""
        if day not in self._days:
            steps, pauses = self.world.shifts.steps, self.world.config.behavior.pauses
            self._days[day] = drive(self.seed, day, self.stops, steps, pauses)
        return self._days[day]

    def place(self, at: float) -> Place:
        """Return where it is."""
        day = self.world.shifts.day(at)
        return self.moves(day).at(at - self.world.shifts.start(day))

    def position(self, at: float) -> Position | None:
        """Return what it tells of its position: (latitude, longitude) or nothing."""
        if self.gps == "none":
            return None
        return (0.0, 0.0) if self.gps == "zero" else self.true_position(at)

    def true_position(self, at: float) -> Position:
        """Return where it is, in degrees."""
        return geometry.position(self.site.corner, self.place(at))

    def is_running(self, at: float) -> bool:
        """Return whether its ignition is on."""
        day = self.world.shifts.day(at)
        return self.moves(day).is_active(at - self.world.shifts.start(day))

    def runtime(self, day: int, until: float) -> int:
        """Return how many seconds it ran on a working day, as far as `until`."""
        start, moves = self.world.shifts.start(day), self.moves(day)
        before = moves.active_seconds(self.added - start)
        return max(0, moves.active_seconds(until - start) - before)

    def runtime_between(self, since: float, until: float) -> int:
        """Return how many seconds it ran in [since, until)."""
        shifts = self.world.shifts
        days = range(shifts.day(since), shifts.day(until) + 1)
        return sum(self.runtime(day, until) - self.runtime(day, since) for day in days)

    def last_seen(self, now: float) -> int:
        """Return when the cloud heard of it last: each half minute, or ten minutes when off."""
        silence = self.silences.lasting
        at = now if silence is None else min(now, silence.start / SECOND)
        beat = _BEAT_RUNNING if self.is_running(at) else _BEAT_OFF
        return int(at - (at - self.seed % beat) % beat)

    @property
    def silent(self) -> bool:
        """Return whether it reports nothing. May be set; counts from then on."""
        return self.silences.lasting is not None

    @silent.setter
    def silent(self, silent: bool) -> None:
        now = self.world.clock.micros()
        if silent:
            self.silences.begin(now)
        else:
            self.silences.finish(now)

    @property
    def shown(self) -> Machine:
        """The machine that its incursions are listed under."""
        return self if self.merged is None else self.merged.shown


@dataclass(frozen=True, slots=True)
class TagTest:
    """A test of a tag at a base station."""

    id: int
    tag: Tag
    machine: Machine
    at: int
    passed: bool


@dataclass(slots=True)
class World:
    """All that a cloud knows."""

    config: CloudConfig
    clock: Clock
    shifts: Shifts
    since: int
    brands: list[Brand] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    testers: list[Tester] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)

    @property
    def now(self) -> int:
        """The time in whole seconds."""
        return self.clock.micros() // SECOND

    def machines_of(self, brand: Brand) -> list[Machine]:
        """Return a brand's machines that are listed."""
        return [
            machine
            for machine in self.machines
            if machine.brand is brand and machine.merged is None and not machine.removed
        ]

    def tags_of(self, brand: Brand) -> list[Tag]:
        """Return a brand's tags."""
        return [tag for tag in self.tags if tag.brand is brand]

    def driver(self, machine: Machine, day: int) -> Tag | None:
        """Return the tag of who drives a machine on a day: drivers of a brand take turns."""
        drivers = [tag for tag in self.tags_of(machine.brand) if tag.role == "operator"]
        return drivers[(machine.id + day) % len(drivers)] if drivers else None

    def tests(self, tag: Tag, since: float, until: float) -> Iterator[TagTest]:
        """Yield the tests of a tag in [since, until], newest first."""
        site_machines = [machine for machine in self.machines if machine.brand is tag.brand]
        first = self.shifts.day(max(since, self.since))
        for day in range(self.shifts.day(until), first - 1, -1):
            seed = mix(tag.seed, day)
            if (
                fraction(seed, 0, _TEST) >= 1 / self.config.behavior.tag_test_days
                or not site_machines
            ):
                continue
            at = self.shifts.start(day) + int(fraction(seed, 0, _TEST_AT) * 1800)
            if since <= at <= until:
                machine = site_machines[seed % len(site_machines)]
                passed = fraction(seed, 0, _TEST_PASSED) < 0.97
                yield TagTest(tag.id * 100_000 + day, tag, machine, at, passed)


def draws(world: World, site: Site) -> list[Place]:
    """Return where the machines go that a site has had from the beginning."""
    return [
        stop
        for machine in world.machines
        if machine.site is site and machine.added <= world.since
        for stop in machine.stops
    ]
