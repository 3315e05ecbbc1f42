"""Readings, as single records, in lists and in batches.

A reading is one timestamped value of one sensor, stored in one of four typed columns (Model data). How it is sent is
not published: `value`, or the columns `doubleValue`, `bigintValue`, `booleanValue` and `textValue`, are read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from ....client.decode import Row, identifier, nested, to_number
from .fields import figure, reference, time_of

TIMES: Final = ("timestamp", "time", "measuredAt", "recordedAt", "ts", "createdAt")
VALUES: Final = ("value", "doubleValue", "bigintValue", "bigIntValue", "booleanValue", "textValue")
_BUCKETS: Final = ("bucket", "bucketStart", "start", "from", "timestamp", "time", "periodStart")
_MEANS: Final = ("avg", "mean", "average", "avgValue", "meanValue", "value")
_LEAST: Final = ("min", "minimum", "minValue")
_GREATEST: Final = ("max", "maximum", "maxValue")
_LATEST: Final = ("lastReading", "latestReading", "currentReading")
_LISTS: Final = ("readings", "values", "data", "content", "items", "points", "buckets")

type Raw = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as it was sent, None where it had none or was no plain value, and when (UTC) it was measured."""

    at: datetime
    raw: Raw = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """The mean of a span of time, and its extremes where they are known; `start` in UTC."""

    start: datetime
    mean: float
    least: float
    greatest: float


def reading(row: Row, times: Sequence[str] = (), values: Sequence[str] = ()) -> Reading | None:
    """Read one reading, None where it says no time; `times` and `values` are further names of these."""
    at = time_of(row, *TIMES, *times)
    return None if at is None else Reading(at, _value(row, (*VALUES, *values)))


def latest(row: Row) -> Reading | None:
    """Return the newest reading in a sensor's record, if it has a value."""
    held = next((found for name in _LATEST if (found := nested(row, name))), None)
    if held is not None:
        newest = reading(held)
        return newest if newest is not None and newest.raw is not None else None
    at = time_of(row, "lastReadingAt", "lastValueAt")
    value = _value(row, ("lastValue", "currentValue", "latestValue"))
    return Reading(at, value) if at is not None and value is not None else None


def grouped(held: object, asked: Sequence[str]) -> dict[str, list[Reading]] | None:
    """Read the readings of several sensors: by sensor id, in groups that name it, or each naming it.

    None for what is none of these. A sensor without readings may be absent.
    """
    if isinstance(held, dict) and not any(sensor in held for sensor in asked):
        inside = next((held[name] for name in _LISTS if held.get(name) is not None), None)
        if inside is None:
            return {} if not held else None
        return grouped(inside, asked)
    by_sensor: dict[str, list[Reading]] = {}
    if isinstance(held, dict):
        for sensor in asked:
            by_sensor[sensor] = list(_listed(held.get(sensor)))
        return by_sensor
    if not isinstance(held, list):
        return None
    for row in held:
        sensor_id = _sensor(row)
        if sensor_id is not None:
            by_sensor.setdefault(sensor_id, []).extend(_listed(row))
    return by_sensor if by_sensor or not held else None


def bucket(row: Row) -> Bucket | None:
    """Read one span of an aggregation; None where it has no time or no mean."""
    at = time_of(row, *_BUCKETS)
    mean = figure(row, *_MEANS)
    if at is None or mean is None:
        return None
    least, greatest = figure(row, *_LEAST), figure(row, *_GREATEST)
    return Bucket(
        at,
        mean,
        mean if least is None else min(least, mean),
        mean if greatest is None else max(greatest, mean),
    )


def width(buckets: Sequence[Bucket]) -> timedelta:
    """Return the length of an aggregation's spans: the shortest time between two of them."""
    gaps = [later.start - earlier.start for earlier, later in pairwise(buckets)]
    return min((gap for gap in gaps if gap), default=timedelta(0))


def figures(row: Row) -> dict[str, float]:
    """Return the numbers of a record by name."""
    found = {name: to_number(value) for name, value in row.items()}
    return {
        name: value
        for name, value in found.items()
        if value is not None and name.isidentifier() and not isinstance(row[name], str)
    }


def _sensor(row: object) -> str | None:
    if not isinstance(row, dict):
        return None
    return reference(row, "sensor") or identifier(row.get("id"))


def _listed(held: object) -> Iterator[Reading]:
    """Yield the readings of one sensor: from a list, one reading, or a list inside."""
    if isinstance(held, dict):
        inside = next((found for name in _LISTS if isinstance(found := held.get(name), list)), None)
        one = reading(nested(held, "reading") or nested(held, "latest") or held)
        if inside is None and one is not None:
            yield one
        held = inside
    for row in held if isinstance(held, list) else ():
        if isinstance(row, dict) and (one := reading(row)) is not None:
            yield one


def _value(row: Row, names: Sequence[str]) -> Raw:
    """Return the first of these fields that has a plain value."""
    return next(
        (value for name in names if isinstance(value := row.get(name), str | int | float | bool)),
        None,
    )
