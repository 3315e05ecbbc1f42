"""List the limits of Sensorist's sensors; the vendor publishes none, so all are INFERRED and wide."""

from typing import Final

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import PERCENTAGE, UnitOfElectricPotential, UnitOfTemperature

from ...models import Hardware, HardwareLimit

_ONES_16: Final = "INFERRED: an unsigned 16-bit value of ones, as it is and in tenths"
_SIGNED_16: Final = "INFERRED: an end of a signed 16-bit value, as it is and in tenths"
_NO_VALUE: Final = "INFERRED: a usual stand-in for no value"

HARDWARE: Final = Hardware(
    limits=(
        HardwareLimit(
            SensorDeviceClass.TEMPERATURE,
            -120,
            150,
            UnitOfTemperature.CELSIUS,
            "INFERRED: digital probes for rooms and cold chains; ultra-low freezers have -86 °C; "
            "a probe of this kind that is unplugged reads -127 °C",
        ),
        HardwareLimit(
            "battery_voltage",
            0,
            20,
            UnitOfElectricPotential.VOLT,
            "INFERRED: 2.79 to 2.83 V were seen, of two small cells",
        ),
        HardwareLimit(
            "wireless_signal", 0, 105, PERCENTAGE, "INFERRED: a share; 24 and 100 were seen"
        ),
    ),
    error_codes={
        **dict.fromkeys((65535.0, 6553.5), _ONES_16),
        **dict.fromkeys((32767.0, -32768.0, 3276.7, -3276.8), _SIGNED_16),
        **dict.fromkeys((-999.0, -999.9, -9999.0), _NO_VALUE),
    },
)
