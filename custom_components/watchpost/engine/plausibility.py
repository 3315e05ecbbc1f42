"""Plausibility of values: bounds of each quantity, of a vendor's own hardware, and a channel's declared range.

A value outside is unknown, in live readings and in history. Drift below zero, as gas sensors have it in clean air,
stays. What a quantity cannot be holds for all vendors; what hardware cannot measure is a row of its vendor's table.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf, isfinite
from typing import Final, NamedTuple

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import UNIT_CONVERTERS
from homeassistant.const import (
    DEGREE,
    LIGHT_LUX,
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    UnitOfApparentPower,
    UnitOfArea,
    UnitOfConductivity,
    UnitOfDataRate,
    UnitOfDensity,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfInformation,
    UnitOfIrradiance,
    UnitOfLength,
    UnitOfMass,
    UnitOfPower,
    UnitOfPrecipitationDepth,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfReactivePower,
    UnitOfSoundPressure,
    UnitOfSpeed,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
    UnitOfVolumetricFlux,
)
import msgspec

from ..models import Channel, Hardware, Hour, Position, Reading, ReadingValue

# No sensor reads so much in any unit; overflows and "no value" of many protocols do (9.9e37, 3.4e38).
_ABSURD: Final = 1e29

# A receiver without a fix reports 0/0; no site lies within 100 m of that place in the sea.
_NULL_ISLAND: Final = 0.001

_ROUNDED: Final = 1e-9

IMPOSSIBLE: Final = "impossible for the quantity"
BEYOND_HARDWARE: Final = "beyond the hardware"
OUTSIDE_DECLARED: Final = "outside the declared range"
ERROR_CODE: Final = "error code"


class Range(NamedTuple):
    """The values from `lowest` to `highest`; in `unit`, None for quantities without one."""

    lowest: float
    highest: float
    unit: str | None = None


_C = SensorDeviceClass
_MICROGRAMS: Final = UnitOfDensity.MICROGRAMS_PER_CUBIC_METER
_PPB: Final = UnitOfRatio.PARTS_PER_BILLION
_PPM: Final = UnitOfRatio.PARTS_PER_MILLION
_CUBIC_METERS: Final = UnitOfVolume.CUBIC_METERS

# Gases: a share of the air is at most all of it; below zero a cell drifts by less than its lowest range.
_TOXIC: Final = Range(-20, 1e6, _PPM)
_DUST: Final = Range(-50, 1e8, _MICROGRAMS)

# What each quantity can be, wherever it is measured and by whatever. Wide on purpose: what is no error stays.
QUANTITIES: Final[Mapping[str, Range]] = {
    # Absolute zero; no thermometer outlasts 5,000 °C (tungsten melts at 3,422).
    _C.TEMPERATURE: Range(-273.15, 5_000, UnitOfTemperature.CELSIUS),
    _C.TEMPERATURE_DELTA: Range(-5_300, 5_300, UnitOfTemperature.KELVIN),
    # Hygrometers read up to five points beyond saturation, and half a point below dryness.
    _C.HUMIDITY: Range(-0.5, 105, PERCENTAGE),
    # By weight wood and soil hold more water than themselves.
    _C.MOISTURE: Range(-5, 250, PERCENTAGE),
    _C.ABSOLUTE_HUMIDITY: Range(-1, 1_000, UnitOfDensity.GRAMS_PER_CUBIC_METER),
    _C.BATTERY: Range(0, 105, PERCENTAGE),
    # The deepest mine has 1,500 hPa.
    _C.ATMOSPHERIC_PRESSURE: Range(0, 1_500, UnitOfPressure.HPA),
    # Differences have a sign; water jets have 6,000 bar.
    _C.PRESSURE: Range(-10_000, 10_000, UnitOfPressure.BAR),
    # The strongest tornado measured had 143 m/s.
    _C.WIND_SPEED: Range(0, 150, UnitOfSpeed.METERS_PER_SECOND),
    _C.WIND_DIRECTION: Range(0, 360, DEGREE),
    _C.SPEED: Range(-12_000, 12_000, UnitOfSpeed.METERS_PER_SECOND),
    # The highest transmission voltage is 1,150 kV; smelters draw 600 kA; the largest plant has 22.5 GW.
    _C.VOLTAGE: Range(-2e6, 2e6, UnitOfElectricPotential.VOLT),
    _C.CURRENT: Range(-1e6, 1e6, UnitOfElectricCurrent.AMPERE),
    _C.POWER: Range(-1e11, 1e11, UnitOfPower.WATT),
    _C.APPARENT_POWER: Range(-1e11, 1e11, UnitOfApparentPower.VOLT_AMPERE),
    _C.REACTIVE_POWER: Range(-1e11, 1e11, UnitOfReactivePower.VOLT_AMPERE_REACTIVE),
    _C.POWER_FACTOR: Range(-105, 105, PERCENTAGE),
    _C.ENERGY: Range(-1e18, 1e18, UnitOfEnergy.WATT_HOUR),
    _C.ENERGY_STORAGE: Range(0, 1e18, UnitOfEnergy.WATT_HOUR),
    # Mains meters give the deviation from 50 Hz in Hz too.
    _C.FREQUENCY: Range(-10, 1e13, UnitOfFrequency.HERTZ),
    # Thermal noise of 1 Hz is -174 dBm; +80 is a broadcasting station.
    _C.SIGNAL_STRENGTH: Range(-200, 80, SIGNAL_STRENGTH_DECIBELS_MILLIWATT),
    # A photodiode's dark offset; the sun has 130,000 lx.
    _C.ILLUMINANCE: Range(-1, 1e6, LIGHT_LUX),
    # Pyranometers cool down to -20 at night.
    _C.IRRADIANCE: Range(-50, 1e6, UnitOfIrradiance.WATTS_PER_SQUARE_METER),
    _C.CO: _TOXIC,
    _C.NITROGEN_DIOXIDE: _TOXIC,
    _C.NITROGEN_MONOXIDE: Range(-20_000, 1e9, _PPB),
    _C.NITROUS_OXIDE: Range(-50_000, 1e10, _MICROGRAMS),
    _C.OZONE: _TOXIC,
    _C.SULPHUR_DIOXIDE: Range(-20_000, 1e9, _PPB),
    _C.VOLATILE_ORGANIC_COMPOUNDS_PARTS: _TOXIC,
    _C.VOLATILE_ORGANIC_COMPOUNDS: Range(-50_000, 1e10, _MICROGRAMS),
    _C.CO2: Range(-200, 1e6, _PPM),
    _C.PM1: _DUST,
    _C.PM25: _DUST,
    _C.PM4: _DUST,
    _C.PM10: _DUST,
    _C.AQI: Range(0, 10_000),
    _C.PH: Range(-2, 16),
    _C.CONDUCTIVITY: Range(-100, 1e9, UnitOfConductivity.MICROSIEMENS_PER_CM),
    # The loudest undistorted sound has 194 dB.
    _C.SOUND_PRESSURE: Range(-30, 250, UnitOfSoundPressure.DECIBEL),
    _C.BLOOD_GLUCOSE_CONCENTRATION: Range(0, 200, "mmol/L"),
    # Record rain is 38 mm in a minute.
    _C.PRECIPITATION: Range(0, 50_000, UnitOfPrecipitationDepth.MILLIMETERS),
    _C.PRECIPITATION_INTENSITY: Range(0, 5_000, UnitOfVolumetricFlux.MILLIMETERS_PER_HOUR),
    # Encoders count both ways from a reference, scales are tared, valves let water back.
    _C.DISTANCE: Range(-1e10, 1e10, UnitOfLength.METERS),
    _C.WEIGHT: Range(-1e9, 1e9, UnitOfMass.KILOGRAMS),
    _C.VOLUME_FLOW_RATE: Range(-1e9, 1e9, UnitOfVolumeFlowRate.CUBIC_METERS_PER_HOUR),
    _C.AREA: Range(0, 6e14, UnitOfArea.SQUARE_METERS),
    _C.DURATION: Range(0, 200 * 365.25, UnitOfTime.DAYS),
    _C.DATA_SIZE: Range(0, 1e21, UnitOfInformation.BYTES),
    _C.DATA_RATE: Range(0, 1e18, UnitOfDataRate.BYTES_PER_SECOND),
    _C.VOLUME: Range(-1e12, 1e12, _CUBIC_METERS),
    _C.VOLUME_STORAGE: Range(0, 1e12, _CUBIC_METERS),
    _C.WATER: Range(-1e12, 1e12, _CUBIC_METERS),
    _C.GAS: Range(-1e12, 1e12, _CUBIC_METERS),
}

# Units of one quantity that no converter knows: so many of the first are one of the table's.
_FACTORS: Final[Mapping[tuple[str, str], float]] = {
    (SIGNAL_STRENGTH_DECIBELS, SIGNAL_STRENGTH_DECIBELS_MILLIWATT): 1,
    (UnitOfSoundPressure.WEIGHTED_DECIBEL_A, UnitOfSoundPressure.DECIBEL): 1,
    (UnitOfIrradiance.BTUS_PER_HOUR_SQUARE_FOOT, UnitOfIrradiance.WATTS_PER_SQUARE_METER): 0.316998,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values that a channel can have, in its unit, and why others are rejected; `quantity` is for counts."""

    quantity: str
    limits: tuple[tuple[float, float, str], ...]
    codes: frozenset[float] = frozenset()
    lowest: float = field(init=False)
    highest: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lowest", max(low for low, _, _ in self.limits))
        object.__setattr__(self, "highest", min(high for _, high, _ in self.limits))

    def fault(self, value: ReadingValue) -> str | None:
        """Return why a value cannot be true, None if it can; NaN lies in no range."""
        if isinstance(value, bool):
            return None
        if isinstance(value, float | int):
            if self.lowest <= value <= self.highest and value not in self.codes:
                return None
            return self._reason(value)
        is_elsewhere = isinstance(value, Position) and not is_on_earth(value)
        return IMPOSSIBLE if is_elsewhere else None

    def _reason(self, value: float) -> str:
        if value in self.codes:
            return ERROR_CODE
        return next(
            (reason for low, high, reason in self.limits if not low <= value <= high), IMPOSSIBLE
        )


def is_on_earth(position: Position) -> bool:
    """Return whether a position is one on earth, and not that of a receiver without a fix."""
    latitude, longitude = position.latitude, position.longitude
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return False
    return abs(latitude) > _NULL_ISLAND or abs(longitude) > _NULL_ISLAND


class Plausibility:
    """Checks the values of one account's channels and counts those rejected, by quantity and reason."""

    def __init__(self, hardware: Hardware) -> None:
        self.rejected: Counter[str] = Counter()
        self.rejected_history: Counter[str] = Counter()
        self._hardware = hardware
        self._codes = frozenset(hardware.error_codes)
        self._known: dict[_Traits, Bounds] = {}

    def bounds(self, channel: Channel) -> Bounds:
        """Return the bounds of a channel."""
        traits = _Traits.of(channel)
        if (found := self._known.get(traits)) is None:
            found = self._known[traits] = Bounds(
                traits.device_class or traits.translation_key or "number",
                tuple(_limits(traits, self._hardware)),
                self._codes,
            )
        return found

    def judge(self, bounds: Bounds, reading: Reading) -> Reading:
        """Return the reading, with impossible values as unknown."""
        if (reason := bounds.fault(reading.value)) is not None:
            self.rejected[f"{bounds.quantity}: {reason}"] += 1
            reading = msgspec.structs.replace(reading, value=None)
        if not reading.attributes or all(map(_can_be_attribute, reading.attributes.values())):
            return reading
        self.rejected[f"{bounds.quantity}: attribute {IMPOSSIBLE}"] += 1
        attributes = {
            name: value if _can_be_attribute(value) else None
            for name, value in reading.attributes.items()
        }
        return msgspec.structs.replace(reading, attributes=attributes)

    def is_possible(self, channel: Channel) -> Callable[[float], bool]:
        """Return a test of single values of a channel's history."""
        bounds = self.bounds(channel)

        def test(value: float) -> bool:
            if (reason := bounds.fault(value)) is None:
                return True
            self.rejected_history[f"{bounds.quantity}: {reason}"] += 1
            return False

        return test

    def possible_hours(self, channel: Channel, hours: Iterable[Hour]) -> Iterator[Hour]:
        """Yield the hours of a channel whose mean and extremes can be true; directions have no extremes."""
        test = self.is_possible(channel)
        is_angle = _Traits.of(channel).state_class == SensorStateClass.MEASUREMENT_ANGLE
        for hour in hours:
            values = (hour.mean,) if is_angle else (hour.mean, hour.min, hour.max)
            if all(map(test, values)):
                yield hour

    def possible_days(
        self, days: Iterable[tuple[datetime, float]]
    ) -> Iterator[tuple[datetime, float]]:
        """Yield the days whose totals can be true."""
        for start, total in days:
            if 0 <= total <= _ABSURD:
                yield start, total
            else:
                self.rejected_history[f"daily total: {IMPOSSIBLE}"] += 1

    def diagnostics(self) -> Mapping[str, Mapping[str, int]]:
        """Return how many values were rejected, live and in history."""
        return {"live": dict(self.rejected), "history": dict(self.rejected_history)}


class _Traits(NamedTuple):
    """The attributes of a channel that decide on its bounds."""

    device_class: str | None
    translation_key: str | None
    unit: str | None
    state_class: str | None
    declared: tuple[float, float] | None

    @classmethod
    def of(cls, channel: Channel) -> _Traits:
        description = channel.description
        unit = getattr(description, "native_unit_of_measurement", None)
        return cls(
            description.device_class,
            description.translation_key,
            unit,
            getattr(description, "state_class", None),
            channel.declared,
        )


def _limits(traits: _Traits, hardware: Hardware) -> Iterator[tuple[float, float, str]]:
    yield -_ABSURD, _ABSURD, IMPOSSIBLE
    if traits.state_class == SensorStateClass.TOTAL_INCREASING:
        yield 0, _ABSURD, IMPOSSIBLE
    device_class = traits.device_class or ""
    if (range_ := QUANTITIES.get(device_class)) is not None:
        yield from _converted(device_class, range_, traits.unit, IMPOSSIBLE)
    rows = {row.quantity: row for row in hardware.limits}
    if (row := rows.get(traits.translation_key or "") or rows.get(device_class)) is not None:
        range_ = Range(row.lowest, row.highest, row.unit)
        yield from _converted(device_class, range_, traits.unit, BEYOND_HARDWARE)
    if traits.declared is not None:
        yield *traits.declared, OUTSIDE_DECLARED


def _converted(
    device_class: str, range_: Range, unit: str | None, reason: str
) -> Iterator[tuple[float, float, str]]:
    """Yield a range in a channel's unit; nothing for a unit that is not one of the quantity."""
    if unit == range_.unit:
        yield range_.lowest, range_.highest, reason
        return
    lowest, highest = _in_unit(device_class, range_, unit)
    # Conversions are rounded: absolute zero is -459.66999999999996 °F.
    if isfinite(lowest) and isfinite(highest):
        yield lowest - _ROUNDED * abs(lowest), highest + _ROUNDED * abs(highest), reason


def _in_unit(device_class: str, range_: Range, unit: str | None) -> tuple[float, float]:
    if (factor := _FACTORS.get((unit or "", range_.unit or ""))) is not None:
        return range_.lowest / factor, range_.highest / factor
    converter = UNIT_CONVERTERS.get(device_class)
    if converter is None or not {unit, range_.unit} <= converter.VALID_UNITS:
        return -inf, inf
    ends = [converter.convert(end, range_.unit, unit) for end in (range_.lowest, range_.highest)]
    return min(ends), max(ends)


def _can_be_attribute(value: ReadingValue) -> bool:
    """Return whether an attribute can be shown; its quantity is unknown."""
    if isinstance(value, Position):
        return is_on_earth(value)
    return not isinstance(value, float) or abs(value) <= _ABSURD
