"""Define what components measure: fields with type and unit, and plausible values for any time."""

from dataclasses import dataclass

from simulators import waveforms
from simulators.random_source import fraction

from .state import Signal, Value

LONG_TEXT = "Bearing temperature of the feed pump is above what is usual for this load. " * 6
_MODES = ("idle", "running", "setup", "fault")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a profile. range: valid values, both ends included."""

    name: str
    type: str
    unit: str | None
    signal: Signal
    range: tuple[float, float] | None = None
    writable: bool = False


@dataclass(frozen=True, slots=True)
class ComponentKind:
    """A kind of component: its title, and the fields of its profile."""

    key: str
    title: str
    fields: tuple[Field, ...]


def _rounded(curve: waveforms.Curve, digits: int = 2) -> Signal:
    return lambda seed, time: round(curve(seed, time), digits)


def _co2(seed: int, time: int) -> Value:
    return round(waveforms.anything(seed, time))


def _power(seed: int, time: int) -> Value:
    return round(waveforms.anything(seed, time) * 3, 1)


def _energy(seed: int, time: int) -> Value:
    return round((time - 1_700_000_000) / 3600 * (1.2 + fraction(seed, 6)), 3)


def _open(seed: int, time: int) -> Value:
    return fraction(seed, time // 300, 7) < 0.1


def _openings(seed: int, time: int) -> Value:
    return (time - 1_700_000_000) // 3000


def _mode(seed: int, time: int) -> Value:
    return _MODES[int(fraction(seed, time // 1800, 8) * 3)]


def _remark(seed: int, time: int) -> Value:
    return LONG_TEXT + f"Shift {time // 28800 % 3 + 1}."


def _pressure(seed: int, time: int) -> Value:
    return round(2 + waveforms.anything(seed, time) / 1000, 3)


KINDS = (
    ComponentKind(
        "climate",
        "Climate",
        (
            Field("temperature", "DOUBLE", "°C", _rounded(waveforms.room), (-40, 85)),
            Field("humidity", "DOUBLE", "%", _rounded(waveforms.humidity, 1), (0, 100)),
            Field("co2", "BIGINT", "ppm", _co2, (0, 10_000)),
        ),
    ),
    ComponentKind(
        "door",
        "Door",
        (
            Field("open", "BOOLEAN", None, _open),
            Field("openings", "BIGINT", None, _openings),
        ),
    ),
    ComponentKind(
        "machine",
        "Machine",
        (
            Field("mode", "TEXT", None, _mode, writable=True),
            Field("remark", "TEXT", None, _remark),
            Field("pressure", "DOUBLE", "bar", _pressure, (0, 16)),
        ),
    ),
    ComponentKind(
        "power",
        "Power meter",
        (
            Field("power", "DOUBLE", "W", _power, (0, 100_000)),
            Field("energy", "DOUBLE", "kWh", _energy),
        ),
    ),
    ComponentKind(
        "cold",
        "Cold store",
        (
            Field("temperature", "DOUBLE", "°C", _rounded(waveforms.freezer), (-60, 40)),
            Field("battery", "DOUBLE", "V", _rounded(waveforms.battery, 3), (0, 5)),
        ),
    ),
)
