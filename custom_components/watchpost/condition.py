"""Conditions: an alarm is active, data is stale.

Home Assistant may change these base classes without notice.
"""

from typing import Final, override

from homeassistant.const import STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .targets import ALARMS, MEASURED, async_filter_alarms, async_filter_own_entities

_ACTIVE: Final[set[str | bool]] = {STATE_ON}
_STALE: Final[set[str | bool]] = {STATE_UNAVAILABLE}


class _Known(EntityStateConditionBase):
    """A condition that does not pass for want of anything to test."""

    @override
    def _check_all_match_state(self, states: list[State]) -> bool:
        return bool(states) and super()._check_all_match_state(states)


class AlarmIsActive(_Known):
    """Alarms are on; an alarm whose state is not known does not count."""

    _domain_specs = ALARMS
    _states = _ACTIVE

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return async_filter_alarms(self._hass, super().entity_filter(entities))


class DataIsStale(_Known):
    """Entities are unavailable: too old, or their account is not loaded, so that nothing is known."""

    _domain_specs = MEASURED
    _states = _STALE
    # The base class ignores unavailable entities; this condition is about them.
    _excluded_states = frozenset()  # type: ignore[misc]  # Final there

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return async_filter_own_entities(self._hass, super().entity_filter(entities))


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions by key."""
    return {"alarm_is_active": AlarmIsActive, "data_is_stale": DataIsStale}
