"""How Home Assistant shows a value in one of the units that profiles give.

Units are free text in a profile; known are their usual signs, UCUM's, and DTDL's names, since profiles are exported as
DTDL. A device class is only given where the unit is that of one quantity alone, or the field's name says which of
several. An unknown unit is shown as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Final
import unicodedata

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass

_C = SensorDeviceClass


@dataclass(frozen=True, slots=True)
class Shown:
    """A unit in Home Assistant's spelling, and what is measured."""

    unit: str | None
    device_class: SensorDeviceClass | None = None
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT


# Units of one quantity alone, by their signs and names in lower case.
_UNITS: Final[Mapping[str, Shown]] = {
    **dict.fromkeys(
        ("°c", "c", "cel", "degc", "celsius", "degreecelsius", "deg c"),
        Shown("°C", _C.TEMPERATURE),
    ),
    **dict.fromkeys(
        ("°f", "f", "degf", "[degf]", "fahrenheit", "degreefahrenheit"),
        Shown("°F", _C.TEMPERATURE),
    ),
    **dict.fromkeys(("k", "kelvin"), Shown("K", _C.TEMPERATURE)),
    **dict.fromkeys(("pa", "pascal"), Shown("Pa", _C.PRESSURE)),
    **dict.fromkeys(("hpa", "hectopascal"), Shown("hPa", _C.PRESSURE)),
    **dict.fromkeys(("kpa", "kilopascal"), Shown("kPa", _C.PRESSURE)),
    **dict.fromkeys(("mbar", "millibar"), Shown("mbar", _C.PRESSURE)),
    **dict.fromkeys(("bar",), Shown("bar", _C.PRESSURE)),
    **dict.fromkeys(("psi", "poundpersquareinch"), Shown("psi", _C.PRESSURE)),
    **dict.fromkeys(("v", "volt", "volts"), Shown("V", _C.VOLTAGE)),
    **dict.fromkeys(("mv", "millivolt"), Shown("mV", _C.VOLTAGE)),
    **dict.fromkeys(("a", "ampere", "amp"), Shown("A", _C.CURRENT)),
    **dict.fromkeys(("ma", "milliampere"), Shown("mA", _C.CURRENT)),
    **dict.fromkeys(("w", "watt"), Shown("W", _C.POWER)),
    **dict.fromkeys(("kw", "kilowatt"), Shown("kW", _C.POWER)),
    **dict.fromkeys(("hz", "hertz"), Shown("Hz", _C.FREQUENCY)),
    **dict.fromkeys(("khz", "kilohertz"), Shown("kHz", _C.FREQUENCY)),
    **dict.fromkeys(("dbm",), Shown("dBm", _C.SIGNAL_STRENGTH)),
    **dict.fromkeys(("lx", "lux"), Shown("lx", _C.ILLUMINANCE)),
    **dict.fromkeys(("w/m2", "wattpersquaremetre"), Shown("W/m²", _C.IRRADIANCE)),
    **dict.fromkeys(("us/cm",), Shown("μS/cm", _C.CONDUCTIVITY)),
    **dict.fromkeys(("ms/cm",), Shown("mS/cm", _C.CONDUCTIVITY)),
    **dict.fromkeys(("m3/h",), Shown("m³/h", _C.VOLUME_FLOW_RATE)),
    **dict.fromkeys(("l/min", "litreperminute"), Shown("L/min", _C.VOLUME_FLOW_RATE)),
    **dict.fromkeys(("mm", "millimetre"), Shown("mm", _C.DISTANCE)),
    **dict.fromkeys(("cm", "centimetre"), Shown("cm", _C.DISTANCE)),
    **dict.fromkeys(("m", "metre", "meter"), Shown("m", _C.DISTANCE)),
    **dict.fromkeys(("km", "kilometre"), Shown("km", _C.DISTANCE)),
    **dict.fromkeys(("g", "gram"), Shown("g", _C.WEIGHT)),
    **dict.fromkeys(("kg", "kilogram"), Shown("kg", _C.WEIGHT)),
    **dict.fromkeys(("ms", "millisecond"), Shown("ms", _C.DURATION)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), Shown("s", _C.DURATION)),
    **dict.fromkeys(("min", "minute", "minutes"), Shown("min", _C.DURATION)),
    **dict.fromkeys(("h", "hour", "hours"), Shown("h", _C.DURATION)),
    **dict.fromkeys(("ph", "[ph]"), Shown(None, _C.PH)),
    **dict.fromkeys(("km/h", "kilometreperhour"), Shown("km/h", _C.SPEED)),
    **dict.fromkeys(("m/s", "metrepersecond"), Shown("m/s", _C.SPEED)),
    **dict.fromkeys(("%", "percent"), Shown("%")),
    **dict.fromkeys(("ppm", "[ppm]", "partspermillion"), Shown("ppm")),
    **dict.fromkeys(("ppb", "[ppb]", "partsperbillion"), Shown("ppb")),
    **dict.fromkeys(("ug/m3",), Shown("μg/m³")),
    **dict.fromkeys(("mg/m3",), Shown("mg/m³")),
    **dict.fromkeys(("°", "deg", "degree", "degreeofarc"), Shown("°")),
    **dict.fromkeys(("db", "decibel"), Shown("dB")),
    **dict.fromkeys(("1", "one", "unity", "count", "none", "-"), Shown(None)),
}

# What a unit of several quantities measures, by a word of the field's name.
_NAMED: Final[Mapping[str, tuple[tuple[str, Shown], ...]]] = {
    "%": (
        ("humidity", Shown("%", _C.HUMIDITY)),
        ("moisture", Shown("%", _C.MOISTURE)),
        ("battery", Shown("%", _C.BATTERY)),
    ),
    "ppm": (
        ("co2", Shown("ppm", _C.CO2)),
        ("co", Shown("ppm", _C.CO)),
        ("no2", Shown("ppm", _C.NITROGEN_DIOXIDE)),
        ("o3", Shown("ppm", _C.OZONE)),
        ("voc", Shown("ppm", _C.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
        ("tvoc", Shown("ppm", _C.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
    ),
    "ppb": (
        ("co", Shown("ppb", _C.CO)),
        ("no2", Shown("ppb", _C.NITROGEN_DIOXIDE)),
        ("o3", Shown("ppb", _C.OZONE)),
        ("so2", Shown("ppb", _C.SULPHUR_DIOXIDE)),
        ("voc", Shown("ppb", _C.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
        ("tvoc", Shown("ppb", _C.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
    ),
    "μg/m³": (
        ("pm1", Shown("μg/m³", _C.PM1)),
        ("pm25", Shown("μg/m³", _C.PM25)),
        ("pm2", Shown("μg/m³", _C.PM25)),
        ("pm10", Shown("μg/m³", _C.PM10)),
    ),
    "m/s": (("wind", Shown("m/s", _C.WIND_SPEED)),),
    "km/h": (("wind", Shown("km/h", _C.WIND_SPEED)),),
    "dB": (
        ("noise", Shown("dB", _C.SOUND_PRESSURE)),
        ("sound", Shown("dB", _C.SOUND_PRESSURE)),
    ),
    "°": (
        (
            "wind",
            Shown("°", _C.WIND_DIRECTION, SensorStateClass.MEASUREMENT_ANGLE),
        ),
    ),
}

# What it means that a truth value is true, where its name says so and nothing else can be meant.
_TRUTHS: Final[Mapping[str, BinarySensorDeviceClass]] = {
    "motion": BinarySensorDeviceClass.MOTION,
    "occupancy": BinarySensorDeviceClass.OCCUPANCY,
    "occupied": BinarySensorDeviceClass.OCCUPANCY,
    "smoke": BinarySensorDeviceClass.SMOKE,
    "tamper": BinarySensorDeviceClass.TAMPER,
    "vibration": BinarySensorDeviceClass.VIBRATION,
    "leak": BinarySensorDeviceClass.MOISTURE,
}
_NEGATION: Final = frozenset({"no", "not", "ok", "clear", "free", "normal", "off"})

_SUPERSCRIPTS: Final = str.maketrans(
    {"²": "2", "³": "3", "\u00b5": "u", "μ": "u", "^": None, " ": None}
)


@lru_cache(maxsize=1024)
def shown(unit: str | None, name: str) -> Shown:
    """How a number of this unit and field name is shown."""
    if unit is None:
        return Shown(None)
    found = _UNITS.get(_plain(unit))
    if found is None:
        return Shown(unit)
    spoken = words(name)
    named = _NAMED.get(found.unit or "", ())
    return next((meant for word, meant in named if word in spoken), found)


@lru_cache(maxsize=1024)
def truth(name: str) -> BinarySensorDeviceClass | None:
    """What it means that a truth value of this field name is true, where that is certain."""
    spoken = words(name)
    if spoken & _NEGATION:
        return None
    return next((meant for word, meant in _TRUTHS.items() if word in spoken), None)


def words(name: str) -> frozenset[str]:
    """The words of a name in lower case: `airTemp_indoor 2` has air, temp, indoor and 2."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return frozenset(re.findall(r"[a-z0-9]+", parted.lower()))


def _plain(unit: str) -> str:
    # Capitals tell nothing here that what stands beside them does not: siemens come per centimetre alone.
    return unicodedata.normalize("NFC", unit).replace("º", "°").translate(_SUPERSCRIPTS).lower()
