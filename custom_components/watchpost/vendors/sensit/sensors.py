"""The table of what monitors send, by the path of a value in a record, and how Home Assistant shows it.

Names are those that the vendor's exports and published programs use. Units are the vendor's where it
tells them, and else what the names say; docs/sensit.md has the list of what is known from where.
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

# This direction means that the wind is too weak to have one.
_CALM: Final = 375


@dataclass(frozen=True, slots=True)
class Shown:
    """How a value is shown: `name` is a translation key, where the device class has none that fits."""

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

_TEMPERATURE = Shown(None, _CLASS.TEMPERATURE, _CELSIUS, decimals=1)
_HUMIDITY = Shown(None, _CLASS.HUMIDITY, PERCENTAGE, decimals=0)
_PRESSURE = Shown(None, _CLASS.ATMOSPHERIC_PRESSURE, UnitOfPressure.MBAR, decimals=1)
_WIND_SPEED = Shown(None, _CLASS.WIND_SPEED, _SPEED, decimals=1)
_WIND_DIRECTION = Shown(None, _CLASS.WIND_DIRECTION, DEGREE, decimals=0)
_BATTERY = Shown("battery_voltage", _CLASS.VOLTAGE, _VOLT, is_diagnostic=True, decimals=2)


def _current(name: str) -> Shown:
    """A current whose unit nobody tells, milliamperes or amperes: it is shown without one."""
    return Shown(name, is_diagnostic=True, is_enabled=False)


def _raw(name: str, unit: str | None = None, kind: SensorDeviceClass | None = None) -> Shown:
    """What only somebody who calibrates looks at."""
    return Shown(name, kind, unit, is_diagnostic=True, is_enabled=False)


_POSITION = Shown("latitude", unit=DEGREE, is_diagnostic=True, is_enabled=False)

# In the order of the vendor's tables: SPOD, RAMP, FMD. No path means two things in two types.
TABLE: Final[Mapping[str, Shown]] = {
    "pid1_PPB_Calc": Shown(None, _CLASS.VOLATILE_ORGANIC_COMPOUNDS_PARTS, _PPB, decimals=1),
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
    "CO": Shown(None, _CLASS.CO, _PPB, decimals=0),
    "NO": Shown(None, _CLASS.NITROGEN_MONOXIDE, _PPB, decimals=1),
    "NO2": Shown(None, _CLASS.NITROGEN_DIOXIDE, _PPB, decimals=1),
    "O3": Shown(None, _CLASS.OZONE, _PPB, decimals=1),
    "SO2": Shown(None, _CLASS.SULPHUR_DIOXIDE, _PPB, decimals=1),
    "CO2": Shown(None, _CLASS.CO2, _PPM, decimals=0),
    "PM_1_1_0": Shown(None, _CLASS.PM1, _DENSITY, decimals=1),
    "PM_1_2_5": Shown(None, _CLASS.PM25, _DENSITY, decimals=1),
    "PM_1_10_0": Shown(None, _CLASS.PM10, _DENSITY, decimals=1),
    "OPCData.OPC_1_0": _raw("optical_pm1", _DENSITY, _CLASS.PM1),
    "OPCData.OPC_2_5": _raw("optical_pm25", _DENSITY, _CLASS.PM25),
    "OPCData.OPC_10_0": _raw("optical_pm10", _DENSITY, _CLASS.PM10),
    "OPCData.OPC_T": _raw("optical_temperature", _CELSIUS, _CLASS.TEMPERATURE),
    "OPCData.OPC_RH": _raw("optical_humidity", PERCENTAGE, _CLASS.HUMIDITY),
    "BATT": _BATTERY,
    "CHRG": _current("charge_current"),
    "RUN": _current("run_current"),
    "CH4": Shown("methane", unit=_PPM, decimals=2),
    "LaserCellConcentration.Conc_cor": Shown("laser_cell", unit=_PPM, decimals=2),
    "_3DMet.U": Shown("wind_u", _CLASS.SPEED, _SPEED, is_diagnostic=True, decimals=2),
    "_3DMet.V": Shown("wind_v", _CLASS.SPEED, _SPEED, is_diagnostic=True, decimals=2),
    "_3DMet.W": Shown("wind_w", _CLASS.SPEED, _SPEED, is_diagnostic=True, decimals=2),
    "P": _PRESSURE,
    "lat": _POSITION,
    "long": Shown("longitude", unit=DEGREE, is_diagnostic=True, is_enabled=False),
}

_ELECTRODE: Final = re.compile(r"raw\.(?P<channel>[A-Za-z0-9_-]+)\.(?P<which>act|aux)_avg")

POSITION: Final = frozenset({"lat", "long"})
_FARTHEST: Final = {"lat": 90, "long": 180}


@dataclass(frozen=True, slots=True)
class Description:
    """How a value is shown: `name` where nothing but the vendor names it, `placeholders` for the name's text."""

    entity: SensorEntityDescription
    name: str | None = None
    placeholders: Mapping[str, str] | None = None


@lru_cache(maxsize=4096)
def description(path: str, *, is_measured: bool = False) -> Description:
    """Return how a value is shown.

    `is_measured` decides about what no table knows: numbers get statistics, texts do not.
    """
    if (shown := TABLE.get(path)) is not None:
        return Description(_sensor(path, shown))
    if (electrode := _ELECTRODE.fullmatch(path)) is not None:
        shown = _raw(f"electrode_{electrode['which']}", _MILLIVOLT, SensorDeviceClass.VOLTAGE)
        return Description(_sensor(path, shown), placeholders={"channel": electrode["channel"]})
    unknown = SensorEntityDescription(
        key=path,
        entity_registry_enabled_default=False,
        entity_category=EntityCategory.DIAGNOSTIC,
        state_class=SensorStateClass.MEASUREMENT if is_measured else None,
    )
    return Description(unknown, name=path)


def _sensor(path: str, shown: Shown) -> SensorEntityDescription:
    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT
    if shown.device_class is SensorDeviceClass.WIND_DIRECTION:
        state_class = SensorStateClass.MEASUREMENT_ANGLE
    elif path in POSITION:
        state_class = None
    return SensorEntityDescription(
        key=path,
        translation_key=shown.name,
        device_class=shown.device_class,
        native_unit_of_measurement=shown.unit,
        state_class=state_class,
        entity_category=EntityCategory.DIAGNOSTIC if shown.is_diagnostic else None,
        entity_registry_enabled_default=shown.is_enabled,
        suggested_display_precision=shown.decimals,
    )


def is_number(path: str) -> bool:
    """Whether a value that the table knows is always a number."""
    return path in TABLE or _ELECTRODE.fullmatch(path) is not None


def measured(path: str, value: Value) -> float | None:
    """Read a number as it stands at a path; a direction of no wind, and a place without a fix, are unknown."""
    read = as_number(value)
    if read is None:
        return None
    shown = TABLE.get(path)
    if shown is not None and shown.device_class is SensorDeviceClass.WIND_DIRECTION:
        return None if read == _CALM else read
    if path in POSITION:
        return read if 0 < abs(read) <= _FARTHEST[path] else None
    return read
