"""Limits of VizioSense's counts; the vendor's documents show whole numbers from zero."""

from typing import Final

from ...models import Hardware, HardwareLimit

_COUNTED: Final = "INFERRED: counts begin at zero; a view holds no million"
DENSITY: Final = "people/m²"

HARDWARE: Final = Hardware(
    limits=(
        *(
            HardwareLimit(count, 0, 1e6, None, _COUNTED)
            for count in (
                "zone_count",
                "crowd_count",
                "free_places",
                "occupied_places",
                "total_places",
            )
        ),
        HardwareLimit("barrier_in", 0, 1e12, None, "INFERRED: counts since the beginning"),
        HardwareLimit("barrier_out", 0, 1e12, None, "INFERRED: counts since the beginning"),
        HardwareLimit(
            "crowd_density", 0, 50, DENSITY, "INFERRED: the densest crowds have 10 people to a m²"
        ),
    )
)
