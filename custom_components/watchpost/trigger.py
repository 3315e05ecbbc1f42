"""Triggers: events of a device, and data that became stale.

Home Assistant may change these base classes without notice.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast, override

from homeassistant.const import (
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    CONF_OPTIONS,
    CONF_TARGET,
    STATE_UNAVAILABLE,
    EntityStateAttribute,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, State, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA,
    EntityTargetStateTriggerBase,
    NotTriggeredReasonReporter,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .const import EVENT_WATCHPOST
from .models import VendorEventType
from .targets import MEASURED, async_filter_own_entities

CONF_INCLUDE_LATE: Final = "include_late"
ATTR_ALARM_ENTITY_ID: Final = "alarm_entity_id"

# The variables of templates; None where an event lacks one.
_VARIABLES: Final = (
    "vendor",
    "type",
    "at",
    "late",
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    ATTR_ALARM_ENTITY_ID,
    "threshold",
    "direction",
    "value",
    "unit",
    "source",
)

_STALE: Final = {STATE_UNAVAILABLE}

_OCCURRENCE_SCHEMA = ENTITY_STATE_TRIGGER_SCHEMA.extend(
    {
        vol.Required(CONF_OPTIONS, default={}): {
            vol.Required(CONF_INCLUDE_LATE, default=True): cv.boolean,
        },
    }
)


class OccurrenceTrigger(Trigger):
    """One type of event at the targeted devices and entities.

    It listens to the bus, not to event entities: the bus has each event exactly once, also two within one
    second, and those of a device whose event entity is disabled.
    """

    kind: ClassVar[VendorEventType]

    @override
    @classmethod
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        validated = cast("ConfigType", _OCCURRENCE_SCHEMA(config))
        if not TargetSelection(validated[CONF_TARGET]).has_any_target:
            raise vol.Invalid("No target is chosen", [CONF_TARGET])
        return validated

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._selection = TargetSelection(config.target or {})
        self._include_late: bool = (config.options or {})[CONF_INCLUDE_LATE]

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        @callback
        def on_told(event: Event) -> None:
            if self._is_meant(event.data):
                run_action(
                    {**dict.fromkeys(_VARIABLES), **event.data},
                    self.kind.replace("_", " "),
                    event.context,
                )

        return self._hass.bus.async_listen(EVENT_WATCHPOST, on_told)

    def _is_meant(self, data: Mapping[str, Any]) -> bool:
        if data.get("type") != self.kind or (data.get("late") and not self._include_late):
            return False
        # Looked up for each event: they are rare, and registries change.
        selected = async_extract_referenced_entity_ids(
            self._hass, self._selection, expand_group=False
        )
        concerned = {data.get(ATTR_ENTITY_ID), data.get(ATTR_ALARM_ENTITY_ID)}
        return data.get(ATTR_DEVICE_ID) in selected.referenced_devices or not (
            concerned.isdisjoint(selected.referenced | selected.indirectly_referenced)
        )


class AlarmRaised(OccurrenceTrigger):
    """An alarm was raised."""

    kind = VendorEventType.ALARM_RAISED


class AlarmCleared(OccurrenceTrigger):
    """An alarm was cleared."""

    kind = VendorEventType.ALARM_CLEARED


class IncursionDetected(OccurrenceTrigger):
    """An incursion was detected."""

    kind = VendorEventType.INCURSION


class DataStale(EntityTargetStateTriggerBase):
    """An entity became unavailable while its account was loaded, which only old data brings about."""

    _domain_specs = MEASURED
    _to_states = _STALE
    # The base class ignores unavailable entities; this trigger is about them.
    _excluded_states = frozenset()  # type: ignore[misc]  # Final there
    _excluded_from_states = frozenset()

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return async_filter_own_entities(self._hass, super().entity_filter(entities))

    @override
    def is_valid_state(
        self, state: State, report_not_triggered: NotTriggeredReasonReporter
    ) -> bool:
        # Home Assistant restores the states of unloaded entities.
        return not state.attributes.get(EntityStateAttribute.RESTORED) and (
            super().is_valid_state(state, report_not_triggered)
        )


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by key."""
    return {
        "alarm_raised": AlarmRaised,
        "alarm_cleared": AlarmCleared,
        "incursion_detected": IncursionDetected,
        "data_stale": DataStale,
    }
