"""The air over a site: wind, weather and what a leak adds to it, without memory.

Everything follows from the seed, the moment and what was ordered (spells of wind, leaks), so a
record of any minute can be computed at any time. Times are seconds since the epoch, places metres
east and north of the site's middle, wind directions degrees from where the wind comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import atan2, cos, degrees, exp, hypot, pi, radians, sin, sqrt

from simulators import waveforms
from simulators.random_source import fraction
from simulators.waveforms import DAY, HOUR

CALM = 0.4
"""Below so many m/s a wind vane shows nothing."""

_SPEED, _SPEED_GUST, _TURN, _TURN_GUST, _PRESSURE, _STUFFY, _CLOUDS = range(31, 38)
_LEAST_WIND = 0.5
_METHANE_MG_PER_PPM = 0.66

# What a gram a second of each kind of leak adds, per ppm of methane that the same amount would be.
LEAKS: Mapping[str, Mapping[str, float]] = {
    "gas": {"ch4_ppm": 1.0, "voc_ppb": 50.0},
    "smoke": {"co_ppb": 300.0, "no2_ppb": 4.0, "co2_ppm": 12.0, "pm25": 25.0, "voc_ppb": 20.0},
}


@dataclass(slots=True)
class Leak:
    """Something that comes out of the ground at a place, from `start` until `end`, `rate` in g/s."""

    east: float
    north: float
    start: float
    end: float
    rate: float = 5.0
    kind: str = "gas"


@dataclass(slots=True)
class WindPeriod:
    """A time of ordered wind, that turns evenly from one direction to another."""

    start: float
    end: float
    speed: float
    first: float
    last: float

    def direction(self, at: float) -> float:
        """Return where the wind comes from; it turns the way the numbers go, over 360 too."""
        share = (at - self.start) / max(1.0, self.end - self.start)
        return (self.first + share * (self.last - self.first)) % 360


@dataclass(frozen=True, slots=True)
class Air:
    """The air at a place and time. `sun`: 0 at night, 1 under a clear noon."""

    temperature: float
    humidity: float
    pressure: float
    speed: float
    direction: float
    sun: float
    daily: float
    stuffy: float
    added: Mapping[str, float]


class Site:
    """A site with its weather, its leaks and its ordered wind."""

    def __init__(self, seed: int, longitude: float) -> None:
        """Make a site without leaks; its days follow the sun at `longitude`."""
        self.seed = seed
        self.leaks: list[Leak] = []
        self.wind_periods: list[WindPeriod] = []
        self._solar = longitude / 360 * DAY

    def wind(self, at: float) -> tuple[float, float]:
        """Return direction (degrees) and speed (m/s)."""
        gust = smooth(self.seed, at, 180, _SPEED_GUST)
        sway = smooth(self.seed, at, 420, _TURN_GUST)
        for period in reversed(self.wind_periods):
            if period.start <= at < period.end:
                direction = period.direction(at) + 4 * sway
                return direction % 360, max(0.0, period.speed * (1 + 0.1 * gust))
        daily = self._daily(at, 15)
        speed = 2.0 + 1.4 * daily + 1.1 * smooth(self.seed, at, HOUR, _SPEED) + 0.5 * gust
        direction = 250 + 130 * smooth(self.seed, at, 5 * HOUR, _TURN) + 22 * sway
        return direction % 360, max(0.0, speed)

    def air(self, east: float, north: float, at: float) -> Air:
        """Return the air at a place."""
        direction, speed = self.wind(at)
        daily = self._daily(at, 15)
        clouds = 0.6 + 0.4 * smooth(self.seed, at, HOUR, _CLOUDS)
        humidity = 58 - 22 * daily + 10 * smooth(self.seed, at, 8 * HOUR, _STUFFY)
        return Air(
            temperature=waveforms.outdoor(self.seed, at + self._solar),
            humidity=min(98.0, max(5.0, humidity)),
            pressure=1009 + 9 * smooth(self.seed, at, 2 * DAY, _PRESSURE),
            speed=speed,
            direction=direction,
            sun=max(0.0, self._daily(at, 12)) * clouds,
            daily=daily,
            stuffy=max(0.0, -daily) * max(0.0, 1.5 - speed),
            added=self._added(east, north, at),
        )

    def _daily(self, at: float, most: float) -> float:
        return cos(2 * pi * ((at + self._solar) / DAY - most / 24))

    def _added(self, east: float, north: float, at: float) -> Mapping[str, float]:
        added: dict[str, float] = {}
        for leak in self.leaks:
            if (methane := self._plume(leak, east, north, at)) == 0:
                continue
            for name, share in LEAKS[leak.kind].items():
                added[name] = added.get(name, 0.0) + share * methane
        return added

    def _plume(self, leak: Leak, east: float, north: float, at: float) -> float:
        """Return what a leak's plume adds at a place, in ppm of methane.

        A Gaussian plume on the ground in neutral air (Briggs, open country). What arrives now left
        the leak as long ago as the wind takes for the way, and went where the wind blew then.
        """
        way = hypot(east - leak.east, north - leak.north)
        if not leak.start <= at < leak.end + way / _LEAST_WIND:
            return 0.0
        left = at - way / max(_LEAST_WIND, self.wind(at)[1])
        if not leak.start <= left < leak.end:
            return 0.0
        direction, speed = self.wind(left)
        toward = radians(direction + 180)
        along = (east - leak.east) * sin(toward) + (north - leak.north) * cos(toward)
        across = (east - leak.east) * cos(toward) - (north - leak.north) * sin(toward)
        if along < 1:
            return 0.0
        wide = 0.08 * along / sqrt(1 + 0.0001 * along) + 1
        high = 0.06 * along / sqrt(1 + 0.0015 * along) + 1
        grams = leak.rate / (pi * max(_LEAST_WIND, speed) * wide * high)
        return grams * 1000 / _METHANE_MG_PER_PPM * exp(-0.5 * (across / wide) ** 2)


def sweep(
    first: tuple[float, float], second: tuple[float, float]
) -> tuple[tuple[float, float], float, float]:
    """Return where a leak must be, and the wind's first and last direction, to cross two places.

    The leak lies off the middle between them, so far that its plume touches one at a time.
    """
    (east, north), (other_east, other_north) = first, second
    apart = hypot(other_east - east, other_north - north) or 1.0
    aside = max(60.0, 0.8 * apart) / apart
    place = (
        (east + other_east) / 2 - (other_north - north) * aside,
        (north + other_north) / 2 + (other_east - east) * aside,
    )
    begin, finish = _from(place, first), _from(place, second)
    turn = (finish - begin + 180) % 360 - 180
    margin = 20.0 if turn > 0 else -20.0
    return place, begin - margin, begin + turn + margin


def _from(place: tuple[float, float], monitor: tuple[float, float]) -> float:
    """Return from where the wind must come to blow from `place` to `monitor`."""
    return degrees(atan2(place[0] - monitor[0], place[1] - monitor[1])) % 360


def smooth(seed: int, at: float, step: float, salt: int) -> float:
    """Return noise within -1..1 that takes `step` seconds to change its mind."""
    place, part = divmod(at / step, 1.0)
    before, after = _knot(seed, int(place), salt), _knot(seed, int(place) + 1, salt)
    return before + (after - before) * part * part * (3 - 2 * part)


def noise(seed: int, at: float, salt: int) -> float:
    """Return noise within -1..1 that is another one each second."""
    return 2 * fraction(seed, int(at), salt) - 1


@lru_cache(maxsize=8192)
def _knot(seed: int, place: int, salt: int) -> float:
    return 2 * fraction(seed, place, salt) - 1
