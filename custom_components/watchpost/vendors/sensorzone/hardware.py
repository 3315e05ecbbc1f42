"""Limits of SensorZone's counts; the vendor measures no physical quantity."""

from typing import Final

from homeassistant.const import PERCENTAGE, UnitOfTime

from ...models import Hardware, HardwareLimit

_COUNTED: Final = "INFERRED: counts begin at zero; no site has a million in a day"

HARDWARE: Final = Hardware(
    limits=(
        *(
            HardwareLimit(count, 0, 1e6, None, _COUNTED)
            for count in (
                "incursions_today",
                "unacknowledged_today",
                "incursions_per_hour",
                "people_staff",
                "people_visitor",
            )
        ),
        HardwareLimit("acknowledgement_score", 0, 100, PERCENTAGE, "INFERRED: a share of a count"),
        HardwareLimit(
            "mean_length",
            0,
            10 * 86_400,
            UnitOfTime.SECONDS,
            "INFERRED: an incursion ends when somebody leaves",
        ),
        HardwareLimit(
            "days_since_tag_test",
            0,
            40 * 365,
            UnitOfTime.DAYS,
            "INFERRED: no tag is older than the vendor",
        ),
    )
)
