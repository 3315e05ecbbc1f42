"""Describe the fields of records, by path, as sensors of Home Assistant.

Paths are those that the vendor's exports and published programs use. Units are the vendor's if it
states them, else inferred from the names; docs/sensit.md has the source of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Final

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    DEGREE,
    PERCENTAGE,
    EntityCategory,
    UnitOfDensity,
    UnitOfElectricPotential,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfSpeed,
    UnitOfTemperature,
)

from .models import Value, as_number

# The direction that stands for calm.
_CALM_DIRECTION: Final = 375


@dataclass(frozen=True, slots=True)
class SensorType:
    """The type of a sensor; `name` is a translation key, if the name of the device class does not fit."""

    name: str | None = None
    device_class: SensorDeviceClass | None = None
    unit: str | None = None
    is_diagnostic: bool = False
    is_enabled: bool = True
    decimals: int | None = None


_PPB: Final = UnitOfRatio.PARTS_PER_BILLION
_PPM: Final = UnitOfRatio.PARTS_PER_MILLION
_DENSITY: Final = UnitOfDensity.MICROGRAMS_PER_CUBIC_METER
_VOLT: Final = UnitOfElectricPotential.VOLT
_MILLIVOLT: Final = UnitOfElectricPotential.MILLIVOLT
_CELSIUS: Final = UnitOfTemperature.CELSIUS
_SPEED: Final = UnitOfSpeed.METERS_PER_SECOND
_CLASS = SensorDeviceClass

_TEMPERATURE = SensorType(None, _CLASS.TEMPERATURE, _CELSIUS, decimals=1)
_HUMIDITY = SensorType(None, _CLASS.HUMIDITY, PERCENTAGE, decimals=0)
_PRESSURE = SensorType(None, _CLASS.ATMOSPHERIC_PRESSURE, UnitOfPressure.MBAR, decimals=1)
_WIND_SPEED = SensorType(None, _CLASS.WIND_SPEED, _SPEED, decimals=1)
_WIND_DIRECTION = SensorType(None, _CLASS.WIND_DIRECTION, DEGREE, decimals=0)
_BATTERY = SensorType("battery_voltage", _CLASS.VOLTAGE, _VOLT, is_diagnostic=True, decimals=2)


def _current(name: str) -> SensorType:
    """Return a current without a unit: the vendor does not say whether it is in milliamperes or amperes."""
    return SensorType(name, is_diagnostic=True, is_enabled=False)


def _raw(name: str, unit: str | None = None, kind: SensorDeviceClass | None = None) -> SensorType:
    """Return a raw calibration sensor, which is disabled by default."""
    return SensorType(name, kind, unit, is_diagnostic=True, is_enabled=False)


_POSITION = SensorType("latitude", unit=DEGREE, is_diagnostic=True, is_enabled=False)

# In the order of the vendor's tables: SPOD, RAMP, FMD. No path has two meanings.
SENSOR_TYPES: Final[Mapping[str, SensorType]] = {
    "pid1_PPB_Calc": SensorType(None, _CLASS.VOLATILE_ORGANIC_COMPOUNDS_PARTS, _PPB, decimals=1),
    "pid1_mvRaw": _raw("pid_raw", _MILLIVOLT, _CLASS.VOLTAGE),
    "temp": _TEMPERATURE,
    "rh_Humd": _HUMIDITY,
    "pressure_mbar": _PRESSURE,
    "ws_speed": _WIND_SPEED,
    "ws_direction": _WIND_DIRECTION,
    "tc_temp": _raw("heater_temperature", _CELSIUS, _CLASS.TEMPERATURE),
    "tc_heatOutput": _raw("heater_output"),
    "tc_setPoint": _raw("heater_set_point", _CELSIUS, _CLASS.TEMPERATURE),
    "batt_voltage": _BATTERY,
    "chrg_current": _current("charge_current"),
    "run_current": _current("run_current"),
    "T": _TEMPERATURE,
    "RH": _HUMIDITY,
    "WS": _WIND_SPEED,
    "WD": _WIND_DIRECTION,
    "CO": SensorType(None, _CLASS.CO, _PPB, decimals=0),
    "NO": SensorType(None, _CLASS.NITROGEN_MONOXIDE, _PPB, decimals=1),
    "NO2": SensorType(None, _CLASS.NITROGEN_DIOXIDE, _PPB, decimals=1),
    "O3": SensorType(None, _CLASS.OZONE, _PPB, decimals=1),
    "SO2": SensorType(None, _CLASS.SULPHUR_DIOXIDE, _PPB, decimals=1),
    "CO2": SensorType(None, _CLASS.CO2, _PPM, decimals=0),
    "PM_1_1_0": SensorType(None, _CLASS.PM1, _DENSITY, decimals=1),
    "PM_1_2_5": SensorType(None, _CLASS.PM25, _DENSITY, decimals=1),
    "PM_1_10_0": SensorType(None, _CLASS.PM10, _DENSITY, decimals=1),
    "OPCData.OPC_1_0": _raw("optical_pm1", _DENSITY, _CLASS.PM1),
    "OPCData.OPC_2_5": _raw("optical_pm25", _DENSITY, _CLASS.PM25),
    "OPCData.OPC_10_0": _raw("optical_pm10", _DENSITY, _CLASS.PM10),
    "OPCData.OPC_T": _raw("optical_temperature", _CELSIUS, _CLASS.TEMPERATURE),
    "OPCData.OPC_RH": _raw("optical_humidity", PERCENTAGE, _CLASS.HUMIDITY),
    "BATT": _BATTERY,
    "CHRG": _current("charge_current"),
    "RUN": _current("run_current"),
    "CH4": SensorType("methane", unit=_PPM, decimals=2),
    "LaserCellConcentration.Conc_cor": SensorType("laser_cell", unit=_PPM, decimals=2),
    "_3DMet.U": SensorType("wind_u", _CLASS.SPEED, _SPEED, is_diagnostic=True, decimals=2),
    "_3DMet.V": SensorType("wind_v", _CLASS.SPEED, _SPEED, is_diagnostic=True, decimals=2),
    "_3DMet.W": SensorType("wind_w", _CLASS.SPEED, _SPEED, is_diagnostic=True, decimals=2),
    "P": _PRESSURE,
    "lat": _POSITION,
    "long": SensorType("longitude", unit=DEGREE, is_diagnostic=True, is_enabled=False),
}

_ELECTRODE: Final = re.compile(r"raw\.(?P<channel>[A-Za-z0-9_-]+)\.(?P<which>act|aux)_avg")

POSITION: Final = frozenset({"lat", "long"})
_MAX_DEGREES: Final = {"lat": 90, "long": 180}


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """The description of a field's entity; `name` is for unknown fields, `placeholders` for the translated name."""

    entity: SensorEntityDescription
    name: str | None = None
    placeholders: Mapping[str, str] | None = None


@lru_cache(maxsize=4096)
def field_description(path: str, *, is_measured: bool = False) -> FieldDescription:
    """Return the description of a field.

    An unknown field gets statistics only if `is_measured`, which is for numbers.
    """
    if (sensor_type := SENSOR_TYPES.get(path)) is not None:
        return FieldDescription(_sensor(path, sensor_type))
    if (electrode := _ELECTRODE.fullmatch(path)) is not None:
        sensor_type = _raw(f"electrode_{electrode['which']}", _MILLIVOLT, SensorDeviceClass.VOLTAGE)
        return FieldDescription(
            _sensor(path, sensor_type), placeholders={"channel": electrode["channel"]}
        )
    unknown = SensorEntityDescription(
        key=path,
        entity_registry_enabled_default=False,
        entity_category=EntityCategory.DIAGNOSTIC,
        state_class=SensorStateClass.MEASUREMENT if is_measured else None,
    )
    return FieldDescription(unknown, name=path)


def _sensor(path: str, sensor_type: SensorType) -> SensorEntityDescription:
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT
    if sensor_type.device_class is SensorDeviceClass.WIND_DIRECTION:
        state_class = SensorStateClass.MEASUREMENT_ANGLE
    elif path in POSITION:
        state_class = None
    return SensorEntityDescription(
        key=path,
        translation_key=sensor_type.name,
        device_class=sensor_type.device_class,
        native_unit_of_measurement=sensor_type.unit,
        state_class=state_class,
        entity_category=EntityCategory.DIAGNOSTIC if sensor_type.is_diagnostic else None,
        entity_registry_enabled_default=sensor_type.is_enabled,
        suggested_display_precision=sensor_type.decimals,
    )


def is_number(path: str) -> bool:
    """Return whether a field is known and numeric."""
    return path in SENSOR_TYPES or _ELECTRODE.fullmatch(path) is not None


def to_measurement(path: str, value: Value) -> float | None:
    """Return the number of a field; the direction of calm and a position without a fix are unknown."""
    number = as_number(value)
    if number is None:
        return None
    sensor_type = SENSOR_TYPES.get(path)
    if sensor_type is not None and sensor_type.device_class is SensorDeviceClass.WIND_DIRECTION:
        return None if number == _CALM_DIRECTION else number
    if path in POSITION:
        return number if 0 < abs(number) <= _MAX_DEGREES[path] else None
    return number
