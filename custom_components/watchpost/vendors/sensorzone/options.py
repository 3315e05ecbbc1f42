"""Options of a SensorZone account; people are off by default, for their privacy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)
import voluptuous as vol

CONF_PEOPLE: Final = "people"
CONF_PERSON_NAMES: Final = "person_names"
CONF_EXACT_POSITIONS: Final = "exact_positions"
CONF_TAG_TEST_DAYS: Final = "tag_test_days"

DEFAULT_TAG_TEST_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Options:
    """Options of an account; `tag_test_days` is the age in days at which a tag's test is overdue."""

    people: bool = False
    person_names: bool = False
    exact_positions: bool = False
    tag_test_days: int = DEFAULT_TAG_TEST_DAYS

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Parse the stored options."""
        return cls(
            people=stored.get(CONF_PEOPLE, False),
            person_names=stored.get(CONF_PERSON_NAMES, False),
            exact_positions=stored.get(CONF_EXACT_POSITIONS, False),
            tag_test_days=int(stored.get(CONF_TAG_TEST_DAYS, DEFAULT_TAG_TEST_DAYS)),
        )


OPTIONS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_PEOPLE, default=False): BooleanSelector(),
        vol.Required(CONF_PERSON_NAMES, default=False): BooleanSelector(),
        vol.Required(CONF_EXACT_POSITIONS, default=False): BooleanSelector(),
        vol.Required(CONF_TAG_TEST_DAYS, default=DEFAULT_TAG_TEST_DAYS): NumberSelector(
            NumberSelectorConfig(
                min=1, max=365, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement="d"
            )
        ),
    }
)
