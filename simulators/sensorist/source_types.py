"""The kinds of data sources, as seen in the vendor's replies, and kinds no client has heard of."""

from dataclasses import dataclass

from simulators import waveforms
from simulators.random_source import mix
from simulators.waveforms import Curve


@dataclass(frozen=True, slots=True)
class DataKind:
    """A data source's `type` and what it measures, `digits`: decimals, more than `precision`."""

    name: str
    type_id: int
    title: str
    unit_id: int
    unit: str
    precision: int
    capability: int
    subtype: str | None
    digits: int
    curve: Curve


_KNOWN = (
    DataKind("temp", 5, "Temperature", 1, "°C", 1, 72, "digital", 2, waveforms.room),
    DataKind("humi", 4, "Humidity", 2, "%", 0, 80, "digital", 2, waveforms.humidity),
    DataKind("batt", 1, "Battery", 3, "v", 2, 4, None, 3, waveforms.battery),
    DataKind("wireless", 7, "Wireless", 6, "%", 0, 4, None, 0, waveforms.wireless),
    DataKind("co2", 9, "Carbon dioxide", 8, "ppm", 0, 72, "digital", 1, waveforms.anything),
    DataKind("pulse", 12, "Pulses", 9, "", 0, 0, None, 0, waveforms.anything),
)

KINDS = {kind.name: kind for kind in _KNOWN}

FAHRENHEIT_UNIT = (5, "°F")


def data_kind(name: str) -> DataKind:
    """Return the kind of that name; one is made up for a name that is not known."""
    if kind := KINDS.get(name):
        return kind
    number = 100 + mix(7, sum(name.encode())) % 800
    return DataKind(name, number, name.title(), number, "u", 1, 0, None, 2, waveforms.anything)
