"""Map the units of profiles to units and device classes of Home Assistant.

Units are free text in a profile; known are the usual signs, UCUM's, and DTDL's names, since profiles are exported as
DTDL. A device class is only given where the unit belongs to one quantity alone, or the field's name says to which of
several. An unknown unit is kept as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
import re
from typing import Final
import unicodedata

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass

_Class = SensorDeviceClass


@dataclass(frozen=True, slots=True)
class UnitInfo:
    """Unit in Home Assistant's spelling, with its device class and state class."""

    unit: str | None
    device_class: SensorDeviceClass | None = None
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT


# Units by their signs and names in lower case; a device class only for units of one quantity alone.
_UNITS: Final[Mapping[str, UnitInfo]] = {
    **dict.fromkeys(
        ("°c", "c", "cel", "degc", "celsius", "degreecelsius", "deg c"),
        UnitInfo("°C", _Class.TEMPERATURE),
    ),
    **dict.fromkeys(
        ("°f", "f", "degf", "[degf]", "fahrenheit", "degreefahrenheit"),
        UnitInfo("°F", _Class.TEMPERATURE),
    ),
    **dict.fromkeys(("k", "kelvin"), UnitInfo("K", _Class.TEMPERATURE)),
    **dict.fromkeys(("pa", "pascal"), UnitInfo("Pa", _Class.PRESSURE)),
    **dict.fromkeys(("hpa", "hectopascal"), UnitInfo("hPa", _Class.PRESSURE)),
    **dict.fromkeys(("kpa", "kilopascal"), UnitInfo("kPa", _Class.PRESSURE)),
    **dict.fromkeys(("mbar", "millibar"), UnitInfo("mbar", _Class.PRESSURE)),
    **dict.fromkeys(("bar",), UnitInfo("bar", _Class.PRESSURE)),
    **dict.fromkeys(("psi", "poundpersquareinch"), UnitInfo("psi", _Class.PRESSURE)),
    **dict.fromkeys(("v", "volt", "volts"), UnitInfo("V", _Class.VOLTAGE)),
    **dict.fromkeys(("mv", "millivolt"), UnitInfo("mV", _Class.VOLTAGE)),
    **dict.fromkeys(("a", "ampere", "amp"), UnitInfo("A", _Class.CURRENT)),
    **dict.fromkeys(("ma", "milliampere"), UnitInfo("mA", _Class.CURRENT)),
    **dict.fromkeys(("w", "watt"), UnitInfo("W", _Class.POWER)),
    **dict.fromkeys(("kw", "kilowatt"), UnitInfo("kW", _Class.POWER)),
    **dict.fromkeys(("hz", "hertz"), UnitInfo("Hz", _Class.FREQUENCY)),
    **dict.fromkeys(("khz", "kilohertz"), UnitInfo("kHz", _Class.FREQUENCY)),
    **dict.fromkeys(("dbm",), UnitInfo("dBm", _Class.SIGNAL_STRENGTH)),
    **dict.fromkeys(("lx", "lux"), UnitInfo("lx", _Class.ILLUMINANCE)),
    **dict.fromkeys(("w/m2", "wattpersquaremetre"), UnitInfo("W/m²", _Class.IRRADIANCE)),
    **dict.fromkeys(("us/cm",), UnitInfo("μS/cm", _Class.CONDUCTIVITY)),
    **dict.fromkeys(("ms/cm",), UnitInfo("mS/cm", _Class.CONDUCTIVITY)),
    **dict.fromkeys(("m3/h",), UnitInfo("m³/h", _Class.VOLUME_FLOW_RATE)),
    **dict.fromkeys(("l/min", "litreperminute"), UnitInfo("L/min", _Class.VOLUME_FLOW_RATE)),
    **dict.fromkeys(("mm", "millimetre"), UnitInfo("mm", _Class.DISTANCE)),
    **dict.fromkeys(("cm", "centimetre"), UnitInfo("cm", _Class.DISTANCE)),
    **dict.fromkeys(("m", "metre", "meter"), UnitInfo("m", _Class.DISTANCE)),
    **dict.fromkeys(("km", "kilometre"), UnitInfo("km", _Class.DISTANCE)),
    **dict.fromkeys(("g", "gram"), UnitInfo("g", _Class.WEIGHT)),
    **dict.fromkeys(("kg", "kilogram"), UnitInfo("kg", _Class.WEIGHT)),
    **dict.fromkeys(("ms", "millisecond"), UnitInfo("ms", _Class.DURATION)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), UnitInfo("s", _Class.DURATION)),
    **dict.fromkeys(("min", "minute", "minutes"), UnitInfo("min", _Class.DURATION)),
    **dict.fromkeys(("h", "hour", "hours"), UnitInfo("h", _Class.DURATION)),
    **dict.fromkeys(("ph", "[ph]"), UnitInfo(None, _Class.PH)),
    **dict.fromkeys(("km/h", "kilometreperhour"), UnitInfo("km/h", _Class.SPEED)),
    **dict.fromkeys(("m/s", "metrepersecond"), UnitInfo("m/s", _Class.SPEED)),
    **dict.fromkeys(("%", "percent"), UnitInfo("%")),
    **dict.fromkeys(("ppm", "[ppm]", "partspermillion"), UnitInfo("ppm")),
    **dict.fromkeys(("ppb", "[ppb]", "partsperbillion"), UnitInfo("ppb")),
    **dict.fromkeys(("ug/m3",), UnitInfo("μg/m³")),
    **dict.fromkeys(("mg/m3",), UnitInfo("mg/m³")),
    **dict.fromkeys(("°", "deg", "degree", "degreeofarc"), UnitInfo("°")),
    **dict.fromkeys(("db", "decibel"), UnitInfo("dB")),
    **dict.fromkeys(("1", "one", "unity", "count", "none", "-"), UnitInfo(None)),
}

# Device classes of units of several quantities, by a word of the field's name.
_BY_FIELD_NAME: Final[Mapping[str, tuple[tuple[str, UnitInfo], ...]]] = {
    "%": (
        ("humidity", UnitInfo("%", _Class.HUMIDITY)),
        ("moisture", UnitInfo("%", _Class.MOISTURE)),
        ("battery", UnitInfo("%", _Class.BATTERY)),
    ),
    "ppm": (
        ("co2", UnitInfo("ppm", _Class.CO2)),
        ("co", UnitInfo("ppm", _Class.CO)),
        ("no2", UnitInfo("ppm", _Class.NITROGEN_DIOXIDE)),
        ("o3", UnitInfo("ppm", _Class.OZONE)),
        ("voc", UnitInfo("ppm", _Class.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
        ("tvoc", UnitInfo("ppm", _Class.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
    ),
    "ppb": (
        ("co", UnitInfo("ppb", _Class.CO)),
        ("no2", UnitInfo("ppb", _Class.NITROGEN_DIOXIDE)),
        ("o3", UnitInfo("ppb", _Class.OZONE)),
        ("so2", UnitInfo("ppb", _Class.SULPHUR_DIOXIDE)),
        ("voc", UnitInfo("ppb", _Class.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
        ("tvoc", UnitInfo("ppb", _Class.VOLATILE_ORGANIC_COMPOUNDS_PARTS)),
    ),
    "μg/m³": (
        ("pm1", UnitInfo("μg/m³", _Class.PM1)),
        ("pm25", UnitInfo("μg/m³", _Class.PM25)),
        ("pm2", UnitInfo("μg/m³", _Class.PM25)),
        ("pm10", UnitInfo("μg/m³", _Class.PM10)),
    ),
    "m/s": (("wind", UnitInfo("m/s", _Class.WIND_SPEED)),),
    "km/h": (("wind", UnitInfo("km/h", _Class.WIND_SPEED)),),
    "dB": (
        ("noise", UnitInfo("dB", _Class.SOUND_PRESSURE)),
        ("sound", UnitInfo("dB", _Class.SOUND_PRESSURE)),
    ),
    "°": (
        (
            "wind",
            UnitInfo("°", _Class.WIND_DIRECTION, SensorStateClass.MEASUREMENT_ANGLE),
        ),
    ),
}

# Device classes of booleans by a word of the field's name, where that word has one meaning only.
_BINARY_CLASSES: Final[Mapping[str, BinarySensorDeviceClass]] = {
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
def unit_info(unit: str | None, name: str) -> UnitInfo:
    """Return unit, device class and state class of a number with this unit and field name."""
    if unit is None:
        return UnitInfo(None)
    known = _UNITS.get(_normalize(unit))
    if known is None:
        return UnitInfo(unit)
    in_name = words(name)
    quantities = _BY_FIELD_NAME.get(known.unit or "", ())
    return next((info for word, info in quantities if word in in_name), known)


@lru_cache(maxsize=1024)
def binary_device_class(name: str) -> BinarySensorDeviceClass | None:
    """Return the device class of a boolean with this field name, None where the name is not clear."""
    in_name = words(name)
    if in_name & _NEGATION:
        return None
    return next((meaning for word, meaning in _BINARY_CLASSES.items() if word in in_name), None)


def words(name: str) -> frozenset[str]:
    """Return the words of a name in lower case: `airTemp_indoor 2` has air, temp, indoor and 2."""
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return frozenset(re.findall(r"[a-z0-9]+", separated.lower()))


def _normalize(unit: str) -> str:
    # Case may be ignored: no two known units differ by it alone, as siemens occur per centimetre only.
    return unicodedata.normalize("NFC", unit).replace("º", "°").translate(_SUPERSCRIPTS).lower()
