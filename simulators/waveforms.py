"""Compute plausible sensor values for any moment from a seed alone.

A curve is a function (seed, seconds since the epoch) -> value without state, so that a year of
history costs nothing.
"""

from collections.abc import Callable
from math import cos, pi

from .random_source import fraction

type Curve = Callable[[int, float], float]

HOUR = 3600.0
DAY = 24 * HOUR
YEAR = 365.25 * DAY


def room(seed: int, at: float) -> float:
    """Return a room's temperature in °C: about 21, warmest in the afternoon."""
    return 21 + _own(seed) + 1.5 * _daily(at, warmest=15) + _noise(seed, at, 0.15)


def fridge(seed: int, at: float) -> float:
    """Return a refrigerator's temperature in °C: about 4, with its compressor's saw."""
    saw = (at / (40 * 60) + fraction(seed, 3)) % 1.0
    return 3.6 + 0.4 * _own(seed) + 0.3 * _daily(at, warmest=14) + 0.9 * saw + _noise(seed, at, 0.1)


def freezer(seed: int, at: float) -> float:
    """Return a freezer's temperature in °C: about -19, with a defrost of 20 minutes twice a day."""
    hours = (at / HOUR + 12 * fraction(seed, 4)) % 12.0
    defrost = 3.0 if hours < 1 / 3 else 0.0
    return -19.5 + _own(seed) + 0.4 * _daily(at, warmest=14) + defrost + _noise(seed, at, 0.2)


def outdoor(seed: int, at: float) -> float:
    """Return the temperature outside in °C: the season and the day."""
    season = 8.5 * cos(2 * pi * (at / YEAR - 0.55))
    return 9 + 2 * _own(seed) + season + 4 * _daily(at, warmest=15) + _noise(seed, at, 0.4)


def humidity(seed: int, at: float) -> float:
    """Return relative humidity in %: driest in the afternoon, within 5..98."""
    value = 48 + 8 * _own(seed) - 7 * _daily(at, warmest=15) + _noise(seed, at, 1.0)
    return min(98.0, max(5.0, value))


def battery(seed: int, at: float) -> float:
    """Return a battery's voltage: 2.86 V when new, 2.72 V when it is replaced two years later."""
    age = (at / (2 * YEAR) + fraction(seed, 5)) % 1.0
    return 2.86 - 0.14 * age + _noise(seed, at, 0.004)


def wireless(seed: int, at: float) -> float:
    """Return the radio's quality in whole %, within 20..100."""
    return float(round(min(100.0, max(20.0, 68 + 28 * _own(seed) + _noise(seed, at, 8)))))


def anything(seed: int, at: float) -> float:
    """Return a positive quantity of no particular kind."""
    return 500 + 100 * _own(seed) + 80 * _daily(at, warmest=12) + _noise(seed, at, 15)


def _own(seed: int) -> float:
    """Return the constant offset of one sensor, within -1..1."""
    return 2 * fraction(seed, 1) - 1


def _daily(at: float, warmest: float) -> float:
    """Return the day's cosine, 1 at the hour (UTC) `warmest`."""
    return cos(2 * pi * (at / DAY - warmest / 24))


def _noise(seed: int, at: float, most: float) -> float:
    """Return noise within -most..most."""
    return most * (2 * fraction(seed, int(at), 2) - 1)
