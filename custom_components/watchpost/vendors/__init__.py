"""The registry of vendors: the only door to them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .base import Vendor
from .sensorist.vendor import SensoristVendor
from .sensorzone.vendor import SensorZoneVendor

_ALL: Final[tuple[Vendor, ...]] = (SensoristVendor(), SensorZoneVendor())

VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType({vendor.key: vendor for vendor in _ALL})
