"""The devices of a simulated VizioSense account and what stands in front of them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from simulators.clock import EPOCH, Clock
from simulators.random_source import mix

from .config import CloudConfig
from .traffic import Occupancy, gathered, occupancy, passed

CHECK_SECONDS = 600
_CITIES = (
    ("Lyon", "France"),
    ("Grenoble", "France"),
    ("Ghent", "Belgium"),
    ("Basel", "Switzerland"),
)
_NAMES = {
    "VPM": "Car park",
    "VCZ": "Market square",
    "VCB": "Bridge",
    "VCW": "Concourse",
    "VYD": "Goods yard",
}


class NoOverride:
    """The type of FREE: something follows its own course."""


FREE = NoOverride()


@dataclass(slots=True)
class Place:
    """A parking place. `held`: who stands there for good, unless FREE; `held_since` in seconds."""

    id: str
    name: str
    seed: int
    deactivated: bool = False
    held: str | NoOverride | None = FREE
    held_since: int = 0


@dataclass(slots=True)
class Area:
    """An area that is counted in. `held`: counts by class that override the usual ones."""

    id: str
    name: str
    seed: int
    usual: dict[str, int]
    square_metres: float = 60.0
    held: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """A virtual line. `extra`: crossings by (direction, class) beside the usual ones."""

    id: str
    name: str
    seed: int
    extra: dict[tuple[str, str], int] = field(default_factory=dict)


CROSSINGS = (("in", "car"), ("in", "person"), ("out", "car"), ("out", "person"))


@dataclass(slots=True)
class Device:
    """A camera with embedded AI.

    application: the code of what it runs, several joined by "+".
    silent: it is online, but says nothing.
    wakes: how often a picture was asked from it.
    """

    uuid: str
    name: str
    client_identifier: str
    application: str
    geo_city: str
    geo_country: str
    seed: int
    places: list[Place] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    owned: bool = True
    online: bool = True
    silent: bool = False
    wakes: int = 0

    @property
    def applications(self) -> list[str]:
        """The codes of what it runs, one by one."""
        return self.application.split("+")

    def refreshed(self, now: datetime) -> datetime:
        """Return when the vendor last looked whether the device is online: every ten minutes."""
        phase = self.seed % CHECK_SECONDS
        late = (now - EPOCH).total_seconds() + phase
        return now.replace(microsecond=0) - timedelta(seconds=int(late % CHECK_SECONDS))


@dataclass(slots=True)
class World:
    """All devices, by uuid, in the order they were added."""

    config: CloudConfig
    clock: Clock
    devices: dict[str, Device] = field(default_factory=dict)
    removed: dict[str, Device] = field(default_factory=dict)
    _made: int = 0

    def seconds(self) -> float:
        """Return the simulated time in seconds since the epoch."""
        return self.clock.micros() / 1_000_000

    def visible(self, role: str) -> list[Device]:
        """Return the devices that a role may see."""
        return [device for device in self.devices.values() if device.owned or role == "admin"]

    def add(self, application: str, *, owned: bool = True, places: int | None = None) -> Device:
        """Put up a new device."""
        number = self._made
        self._made += 1
        seed = mix(self.config.seed, number, 1)
        city, country = _CITIES[number % len(_CITIES)]
        device = Device(
            uuid=identifier(seed),
            name=f"{_NAMES.get(application.partition('+')[0], 'Camera')} {number + 1}",
            client_identifier=f"site-{number + 1:03}",
            application=application,
            geo_city=city,
            geo_country=country,
            seed=seed,
            owned=owned,
        )
        self._equip(device, self.config.places if places is None else places)
        self.devices[device.uuid] = device
        return device

    def standing(self, place: Place, at: float | None = None) -> Occupancy:
        """Return who stands in a place now, or `at`; one who is held there, in any case."""
        if not isinstance(place.held, NoOverride):
            return Occupancy(place.held, place.held_since)
        moment = self.seconds() if at is None else at
        return occupancy(place.seed, moment, self.config.pace)

    def counts(self, area: Area, at: float | None = None) -> dict[str, int]:
        """Return how many of each class are in an area."""
        moment = self.seconds() if at is None else at
        natural = {
            cls: gathered(mix(area.seed, n), moment, self.config.pace, usual)
            for n, (cls, usual) in enumerate(area.usual.items())
        }
        return natural | area.held

    def crossed(self, line: Line) -> dict[tuple[str, str], int]:
        """Return how many have crossed a line since the epoch, by direction and class."""
        moment = self.seconds()
        return {
            crossing: passed(mix(line.seed, n), moment, self.config.pace)
            + line.extra.get(crossing, 0)
            for n, crossing in enumerate(CROSSINGS)
        }

    def add_places(self, device: Device, number: int) -> None:
        """Give a device more places."""
        first = len(device.places)
        for n in range(first, first + number):
            seed = mix(device.seed, n, 2)
            device.places.append(Place(identifier(seed), f"P-{n}", seed))

    def _equip(self, device: Device, places: int) -> None:
        runs = set(device.applications)
        if runs & {"VPM", "VYD"}:
            self.add_places(device, places)
        if runs & {"VCZ", "VCW"}:
            usual = {"car": 4, "person": 6} if "VCZ" in runs else {"person": 20}
            device.areas = [_area(device, n, usual) for n in range(2)]
        if "VCB" in runs:
            device.lines = [_line(device, n) for n in range(2)]


def build_world(config: CloudConfig, clock: Clock) -> World:
    """Return the world of a plan."""
    world = World(config, clock)
    for n in range(config.devices + config.other_devices):
        world.add(config.applications[n % len(config.applications)], owned=n < config.devices)
    return world


def identifier(seed: int) -> str:
    """Return a uuid that belongs to a seed."""
    return str(UUID(int=mix(seed, 1, 9) << 64 | mix(seed, 2, 9), version=4))


def _area(device: Device, number: int, usual: dict[str, int]) -> Area:
    seed = mix(device.seed, number, 3)
    return Area(identifier(seed), f"Zone {chr(65 + number)}", seed, dict(usual))


def _line(device: Device, number: int) -> Line:
    seed = mix(device.seed, number, 4)
    return Line(identifier(seed), f"Line {number + 1}", seed)
