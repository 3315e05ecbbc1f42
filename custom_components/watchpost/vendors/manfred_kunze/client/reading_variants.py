"""The ways to ask for readings, the likeliest first, and those that a deployment's own document names."""

from collections.abc import Iterator
from typing import Final

from ..models.readings import VALUES
from .openapi import OpenApiDocument, Operation
from .variants import RequestVariant

RAW: Final = "/readings/sensor/{}"
PERIODS: Final = (("from", "to"), ("start", "end"), ("since", "until"), ("startTime", "endTime"))
SORT: Final = {"sort": "timestamp,desc"}
WINDOWS: Final = ("window", "duration", "range", "last")
STEPS: Final = ({"interval": "1h"}, {"interval": "PT1H"}, {"bucket": "1h"}, {"interval": "HOUR"})
AGGREGATED: Final = (f"{RAW}/aggregated", "/readings/aggregated")
STATS: Final = (f"{RAW}/stats", "/readings/stats")
BATCH: Final = ("/readings/batch",)
# Stands for the name of the parameter with one sensor, or several.
IDS: Final = "sensorIds"
_STEP_NAMES: Final = frozenset({"interval", "bucket", "resolution", "granularity", "step"})
_NO_VALUES: Final = frozenset({"metadata", "quality", "unit", "sensor", "valueType", "tags"})
_HOURLY: Final = frozenset({"1h", "pt1h", "hour", "hourly", "1 hour", "one_hour"})


def said(contract: OpenApiDocument, word: str) -> Iterator[RequestVariant]:
    """Yield the request variants of a document for this word, with their parameters beside a period."""
    for shape, operation in contract.operations.items():
        is_read = shape.startswith("/readings") and word in shape.rsplit("/", 1)[-1]
        if not is_read or "get" not in operation.methods:
            continue
        params: dict[str, str] = {}
        for name, values in operation.query.items():
            if name in _STEP_NAMES:
                params[name] = next((each for each in values if each.lower() in _HOURLY), "1h")
            elif name.lower().rstrip("s") in ("sensorid", "sensor"):
                params[IDS] = name
        yield RequestVariant(shape, params)


def value_names(operation: Operation) -> tuple[str, ...]:
    """Return the name of a reading's value, where a document has none of the likely names and one other field."""
    others = [
        name
        for name in operation.fields - operation.times
        if not name.lower().endswith("id") and name not in _NO_VALUES
    ]
    return tuple(others) if operation.fields.isdisjoint(VALUES) and len(others) == 1 else ()
