"""Serialize records in the variants served now."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from simulators.response import JsonObject

from .config import ApiVariants
from .state import Record
from .times import written

# Field names of `ApiVariants.names == "other"`; documented names do not change.
OTHER: Mapping[str, Mapping[str, str]] = {
    "": {
        "createdAt": "created",
        "updatedAt": "updated",
        "description": "comment",
        "siteId": "locationId",
        "sensorProfileId": "profileId",
    },
    "devices": {"name": "displayName", "lastSeenAt": "lastSeen", "firmwareVersion": "firmware"},
    "sensors": {"valueType": "dataType", "lastReadingAt": "lastSeen"},
    "health": {
        "uptimeSeconds": "uptime",
        "freeHeapBytes": "freeHeap",
        "signalStrengthDbm": "rssi",
        "readingsSent": "sent",
        "readingsDropped": "dropped",
        "timestamp": "recordedAt",
    },
    "alert-rules": {
        "enabled": "active",
        "threshold": "value",
        "comparison": "operator",
        "channelIds": "notificationChannelIds",
    },
    "alerts": {"triggeredAt": "firedAt", "alertRuleId": "ruleId", "message": "text"},
    "events": {"timestamp": "occurredAt", "type": "eventType", "data": "payload"},
    "readings": {"timestamp": "time"},
    "aggregated": {"timestamp": "bucket", "avg": "average"},
    "stats": {"avg": "mean"},
    "sensor-profiles": {"fields": "channels"},
}
# Kinds that the vendor documents completely: they have no variants.
STATED = frozenset({"tokens", "exports"})
# Fields that hold a literal of an enum.
_LITERALS = frozenset({
    "status", "valueType", "severity", "type", "scopeType", "includes", "source", "connectionType", "aggregate",
    "comparison", "operator", "targetType", "method", "lifecycle", "state",
    "channelType", "reason",
})  # fmt: skip


class Serializer:
    """Serializes records."""

    def __init__(self, variants: ApiVariants) -> None:
        """Serialize in these variants."""
        self.variants = variants

    def serialize(self, kind: str, record: Record, organization: str | None = None) -> JsonObject:
        """Return a record of a kind in the variants served now."""
        stated = kind in STATED
        names = (
            {} if stated or self.variants.names == "plain" else {**OTHER[""], **OTHER.get(kind, {})}
        )
        shown: JsonObject = {}
        for key, value in record.items():
            if value is None and (self.variants.nulls == "omitted" or stated):
                continue
            if not stated and self.variants.references == "nested" and self._refers(key):
                name = names.get(key, key)
                shown[name[:-2]] = None if value is None else {"id": value}
                continue
            shown[names.get(key, key)] = self._value(kind, key, value)
        if organization and not stated and self.variants.organization != "absent":
            shown[self.variants.organization] = organization
        return shown

    def _value(self, kind: str, key: str, value: object) -> object:
        if isinstance(value, datetime):
            return written(value, self.variants.times)
        if isinstance(value, bool):
            return value
        if isinstance(value, dict):
            return {name: self._value(kind, name, inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(kind, key, inner) for inner in value]
        if isinstance(value, str) and key in _LITERALS and self.variants.literals != "known":
            return value.lower() if self.variants.literals == "lower" else "ADDED_LATER"
        return value

    @staticmethod
    def _refers(key: str) -> bool:
        return key.endswith("Id") and key != "organizationId"

    def page(
        self, records: Iterable[JsonObject], number: int, size: int, total: int, *, last: bool
    ) -> object:
        """Return a page in the envelope served now; `number` counts from 0."""
        listed = list(records)
        shown = number + self.variants.first_page
        match self.variants.paging:
            case "array":
                return listed
            case "data":
                return {"data": listed, "page": shown, "size": size, "total": total}
            case "items":
                return {"items": listed, "hasMore": not last}
        return {
            "content": listed,
            "totalElements": total,
            "totalPages": -(-total // size),
            "number": shown,
            "size": size,
            "numberOfElements": len(listed),
            "first": number == 0,
            "last": last,
            "empty": not listed,
        }
