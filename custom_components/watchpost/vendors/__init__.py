"""Register the vendors; everything outside this package reaches them by `VENDORS`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..contract.vendor import Vendor
from .manfred_kunze.vendor import ManfredKunzeVendor
from .sensit.vendor import SensitVendor
from .sensorist.vendor import SensoristVendor
from .sensorzone.vendor import SensorZoneVendor
from .viziosense.vendor import VizioSenseVendor

_ALL: Final[tuple[Vendor, ...]] = (
    ManfredKunzeVendor(),
    SensitVendor(),
    SensoristVendor(),
    SensorZoneVendor(),
    VizioSenseVendor(),
)

VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType({vendor.key: vendor for vendor in _ALL})
