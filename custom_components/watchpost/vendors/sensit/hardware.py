"""List the limits of SENSIT's monitors; the vendor publishes none, so all are INFERRED and wide.

Monitors stand outdoors in ambient air, for which their gas cells and counters are made.
"""

from typing import Final

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import (
    UnitOfDensity,
    UnitOfElectricPotential,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfSpeed,
    UnitOfTemperature,
)

from ...models import Hardware, HardwareLimit

_C = SensorDeviceClass
_CELSIUS: Final = UnitOfTemperature.CELSIUS
_PPB: Final = UnitOfRatio.PARTS_PER_BILLION
_PPM: Final = UnitOfRatio.PARTS_PER_MILLION
_DENSITY: Final = UnitOfDensity.MICROGRAMS_PER_CUBIC_METER
_SPEED: Final = UnitOfSpeed.METERS_PER_SECOND
_MILLIVOLT: Final = UnitOfElectricPotential.MILLIVOLT

_OUTDOORS: Final = "INFERRED: air outdoors, in a housing that the sun heats"
_HEATED: Final = "INFERRED: a heated lamp or laser in the housing"
_CELLS: Final = (
    "INFERRED: cells of ambient air are made for 20 ppm, CO for 1,000; they drift by some 100 ppb"
)
_COUNTERS: Final = (
    "INFERRED: optical counters end at 2,000 μg/m³ of PM2.5, and somewhat further for PM10"
)
_WIND: Final = "INFERRED: ultrasonic anemometers end at 60 to 90 m/s"
_RAW: Final = "INFERRED: amplified cell voltages, no supply in the housing exceeds 24 V"

_ONES_16: Final = "INFERRED: an unsigned 16-bit value of ones, as it is and in tenths"
_SIGNED_16: Final = "INFERRED: an end of a signed 16-bit value, as it is and in tenths"
_NO_VALUE: Final = "INFERRED: a usual stand-in for no value, in data loggers"

HARDWARE: Final = Hardware(
    limits=(
        HardwareLimit(_C.TEMPERATURE, -80, 100, _CELSIUS, _OUTDOORS),
        HardwareLimit("heater_temperature", -80, 250, _CELSIUS, _HEATED),
        HardwareLimit("heater_set_point", -80, 250, _CELSIUS, _HEATED),
        HardwareLimit("optical_temperature", -80, 150, _CELSIUS, _HEATED),
        HardwareLimit(
            _C.ATMOSPHERIC_PRESSURE,
            300,
            1_200,
            UnitOfPressure.MBAR,
            "INFERRED: barometers of this kind are made for 300 to 1,200 hPa, 9,000 m up to sea level",
        ),
        HardwareLimit(_C.WIND_SPEED, 0, 100, _SPEED, _WIND),
        HardwareLimit(_C.SPEED, -100, 100, _SPEED, _WIND),
        HardwareLimit(
            _C.VOLATILE_ORGANIC_COMPOUNDS_PARTS,
            -500,
            1e7,
            _PPB,
            "INFERRED: 10.6 eV lamps end at 10,000 ppm; uncalibrated, so they drift below zero",
        ),
        HardwareLimit(_C.CO, -990, 2e6, _PPB, _CELLS),
        *(
            HardwareLimit(gas, -500, 2e5, _PPB, _CELLS)
            for gas in (_C.NITROGEN_MONOXIDE, _C.NITROGEN_DIOXIDE, _C.OZONE, _C.SULPHUR_DIOXIDE)
        ),
        HardwareLimit(
            _C.CO2, -100, 5e4, _PPM, "INFERRED: infrared cells of ambient air end at 5,000 ppm"
        ),
        *(
            HardwareLimit(size, -20, 3e4, _DENSITY, _COUNTERS)
            for size in (_C.PM1, _C.PM25, _C.PM10)
        ),
        HardwareLimit("methane", -10, 1e6, _PPM, "INFERRED: background 2 ppm; a share of air"),
        HardwareLimit("laser_cell", -10, 1e6, _PPM, "INFERRED: background 2 ppm; a share of air"),
        HardwareLimit(
            "battery_voltage",
            0,
            60,
            UnitOfElectricPotential.VOLT,
            "INFERRED: solar batteries of 12 or 24 V",
        ),
        HardwareLimit("pid_raw", -24_000, 24_000, _MILLIVOLT, _RAW),
        HardwareLimit("electrode_act", -24_000, 24_000, _MILLIVOLT, _RAW),
        HardwareLimit("electrode_aux", -24_000, 24_000, _MILLIVOLT, _RAW),
    ),
    error_codes={
        **dict.fromkeys((65535.0, 6553.5), _ONES_16),
        **dict.fromkeys((32767.0, -32768.0, 3276.7, -3276.8), _SIGNED_16),
        **dict.fromkeys((-999.0, -999.9, -9999.0), _NO_VALUE),
    },
)
