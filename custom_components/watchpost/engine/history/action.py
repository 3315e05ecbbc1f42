"""The action that fills the long-term statistics of entities for a period."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ...const import DOMAIN
from .backfill import MAX_DAYS, refused
from .plan import DAY, compiled_until, hour_from, hour_of

if TYPE_CHECKING:
    from .backfill import HistoryBackfill

ATTR_START: Final = "start"
ATTR_END: Final = "end"


async def async_import_history(call: ServiceCall) -> ServiceResponse:
    """Import the full hours of a period of entities; return the counts by entity.

    Raises ServiceValidationError for a period or an entity that cannot be, and a `VendorError`.
    """
    start = hour_from(call.data[ATTR_START])
    end = hour_of(call.data[ATTR_END])
    if end > compiled_until(dt_util.utcnow()):
        raise refused("history_not_over")
    if start >= end:
        raise refused("history_wrong_order")
    if end - start > MAX_DAYS * DAY:
        raise refused("history_too_long", days=str(MAX_DAYS))
    found: dict[str, Any] = {}
    for history_backfill, entity_ids in _historians(call.hass, call.data[ATTR_ENTITY_ID]).items():
        for entity_id, tally in (
            await history_backfill.async_import(entity_ids, start, end)
        ).items():
            found[entity_id] = asdict(tally)
    return {"entities": found}


def _historians(hass: HomeAssistant, entity_ids: Iterable[str]) -> dict[HistoryBackfill, list[str]]:
    """Return the entities by the account that they belong to; raises ServiceValidationError."""
    registry = er.async_get(hass)
    found: dict[HistoryBackfill, list[str]] = {}
    for entity_id in dict.fromkeys(entity_ids):
        entity = registry.async_get(entity_id)
        entry_id = entity.config_entry_id if entity else None
        entry = hass.config_entries.async_get_entry(entry_id) if entry_id else None
        if entry is None or entry.domain != DOMAIN or entry.state is not ConfigEntryState.LOADED:
            raise refused("history_no_statistics", target=entity_id)
        found.setdefault(entry.runtime_data.history_backfill, []).append(entity_id)
    return found
