"""A device's health: uptime, free heap, signal strength, connection type, readings sent and dropped (Connect devices).

Neither the fields' names nor their units are published. A unit is only known where a field's name tells it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ....client.decode import Row, nested, to_number, to_text
from ....client.errors import UnexpectedResponseError
from ....client.transport import loose
from .fields import time_of

_TIMES: Final = ("timestamp", "reportedAt", "recordedAt", "measuredAt", "time", "createdAt")
_LISTS: Final = ("content", "data", "items")


class Vital(StrEnum):
    """A value of a device's health."""

    UPTIME = "uptime"
    FREE_HEAP = "free_heap"
    SIGNAL_STRENGTH = "signal_strength"
    CONNECTION_TYPE = "connection_type"
    READINGS_SENT = "readings_sent"
    READINGS_DROPPED = "readings_dropped"


# By field name: what it is, and its unit in Home Assistant's spelling where the name tells it.
_NAMES: Final[Mapping[str, tuple[Vital, str | None]]] = {
    "uptimeSeconds": (Vital.UPTIME, "s"),
    "uptimeSec": (Vital.UPTIME, "s"),
    "uptimeMs": (Vital.UPTIME, "ms"),
    "uptimeMillis": (Vital.UPTIME, "ms"),
    "uptime": (Vital.UPTIME, None),
    "freeHeapBytes": (Vital.FREE_HEAP, "B"),
    "freeHeapKb": (Vital.FREE_HEAP, "kB"),
    "freeHeap": (Vital.FREE_HEAP, None),
    "freeMemory": (Vital.FREE_HEAP, None),
    "heapFree": (Vital.FREE_HEAP, None),
    "signalStrengthDbm": (Vital.SIGNAL_STRENGTH, "dBm"),
    "rssiDbm": (Vital.SIGNAL_STRENGTH, "dBm"),
    "rssi": (Vital.SIGNAL_STRENGTH, None),
    "signalStrength": (Vital.SIGNAL_STRENGTH, None),
    "signal": (Vital.SIGNAL_STRENGTH, None),
    "connectionType": (Vital.CONNECTION_TYPE, None),
    "connection": (Vital.CONNECTION_TYPE, None),
    "networkType": (Vital.CONNECTION_TYPE, None),
    "readingsSent": (Vital.READINGS_SENT, None),
    "sent": (Vital.READINGS_SENT, None),
    "sentReadings": (Vital.READINGS_SENT, None),
    "readingsDropped": (Vital.READINGS_DROPPED, None),
    "dropped": (Vital.READINGS_DROPPED, None),
    "droppedReadings": (Vital.READINGS_DROPPED, None),
}


@dataclass(frozen=True, slots=True)
class Health:
    """A device's health; omitted values are absent, invalid ones are None.

    `units` has the units of those vitals whose names tell them.
    """

    at: datetime | None = None
    vitals: Mapping[Vital, float | str | None] = field(default_factory=dict)
    units: Mapping[Vital, str] = MappingProxyType({})


def health(body: bytes) -> Health:
    """Read a device's health, the newest of a list; raises UnexpectedResponseError for what is none."""
    held = loose(body)
    for name in _LISTS:
        if isinstance(held, dict) and isinstance(held.get(name), list | dict):
            held = held[name]
    rows = [row for row in (held if isinstance(held, list) else [held]) if isinstance(row, dict)]
    if not rows and not isinstance(held, list):
        raise UnexpectedResponseError("the reply holds no health")
    read = [_health(row) for row in rows]
    dated = [found for found in read if found.at is not None]
    return max(dated, key=_at) if dated else next(iter(read), Health())


def _at(found: Health) -> float:
    return found.at.timestamp() if found.at else 0.0


def _health(row: Row) -> Health:
    row = {**nested(row, "health"), **row}
    vitals: dict[Vital, float | str | None] = {}
    units: dict[Vital, str] = {}
    for name, (vital, unit) in _NAMES.items():
        if name not in row or vital in vitals:
            continue
        value = row[name]
        vitals[vital] = to_text(value, 64) if vital is Vital.CONNECTION_TYPE else to_number(value)
        if unit is not None:
            units[vital] = unit
    return Health(time_of(row, *_TIMES), vitals, units)
