"""Fetch hourly history: aggregated readings, or raw ones where the deployment has no aggregates."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
import math
from statistics import fmean
from typing import Final

from homeassistant.components.sensor import SensorStateClass

from ...client.decode import to_number
from ...client.errors import UnexpectedResponseError
from ...models import Channel, ChannelId, HistoryTerms, Hour
from .client.api import is_missing
from .client.readings import ReadingsClient
from .inventory import sensor_key
from .models.readings import Bucket

# A request returns a week of one sensor; the sensors of one component are requested one after the other.
HISTORY: Final = HistoryTerms(max_requests=20, pause=300.0, by_device=True)

_PREFIX: Final = sensor_key("")
_HOUR: Final = timedelta(hours=1)
_MIN_RESULTANT: Final = 1e-6


async def channel_history(
    client: ReadingsClient,
    channels: Sequence[Channel],
    *,
    is_possible: Callable[[Channel], Callable[[float], bool]],
    start: datetime,
    end: datetime,
) -> dict[ChannelId, Sequence[Hour]]:
    """Return the full hours in [start, end) of those channels that are sensors; raises a `VendorError`.

    `is_possible` gives a test of a channel's values.
    """
    history: dict[ChannelId, Sequence[Hour]] = {}
    for channel in channels:
        if not channel.key.startswith(_PREFIX):
            continue
        sensor = channel.key.removeprefix(_PREFIX)
        is_angle = (
            getattr(channel.description, "state_class", None) == SensorStateClass.MEASUREMENT_ANGLE
        )
        # Directions need raw readings: the platform's mean of 359 and 1 degrees may well be 180.
        fetch = _raw if is_angle else _buckets
        buckets = await fetch(client, sensor, start, end)
        test = is_possible(channel)
        buckets = [bucket for bucket in buckets if _is_possible(bucket, test)]
        if hours := _hours(buckets, start, end, is_angle=is_angle):
            history[channel.id] = hours
    return history


async def _buckets(
    client: ReadingsClient, sensor: str, start: datetime, end: datetime
) -> list[Bucket]:
    try:
        return (await client.aggregated(sensor, start, end)).value
    except UnexpectedResponseError as err:
        if not is_missing(err):
            raise
    return await _raw(client, sensor, start, end)


async def _raw(client: ReadingsClient, sensor: str, start: datetime, end: datetime) -> list[Bucket]:
    readings = (await client.raw(sensor, start, end)).value
    values = [(each.at, value) for each in readings if (value := to_number(each.raw)) is not None]
    return [Bucket(at, value, value, value) for at, value in values]


def _is_possible(bucket: Bucket, test: Callable[[float], bool]) -> bool:
    """Return whether mean, minimum and maximum are possible; those of a single reading are equal."""
    return all(map(test, {bucket.mean, bucket.least, bucket.greatest}))


def _hours(
    buckets: Iterable[Bucket], start: datetime, end: datetime, *, is_angle: bool
) -> list[Hour]:
    """Join the buckets of each hour, oldest first."""
    by_hour: dict[datetime, list[Bucket]] = {}
    for bucket in buckets:
        hour = bucket.start.replace(minute=0, second=0, microsecond=0)
        if start <= hour and hour + _HOUR <= end:
            by_hour.setdefault(hour, []).append(bucket)
    mean_of = _mean_direction if is_angle else fmean
    return [
        Hour(
            hour,
            mean=mean,
            min=min(each.least for each in joined),
            max=max(each.greatest for each in joined),
        )
        for hour, joined in sorted(by_hour.items())
        if (mean := mean_of([each.mean for each in joined])) is not None
    ]


def _mean_direction(degrees: Sequence[float]) -> float | None:
    """Return the mean of directions (degrees), None where they cancel each other out."""
    north = sum(math.cos(math.radians(each)) for each in degrees)
    east = sum(math.sin(math.radians(each)) for each in degrees)
    if math.hypot(north, east) < _MIN_RESULTANT * len(degrees):
        return None
    return math.degrees(math.atan2(east, north)) % 360
