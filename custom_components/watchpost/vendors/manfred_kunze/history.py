"""What the platform remembers, hour by hour: aggregated readings, or where there are none, raw ones."""

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

# A request brings a week of one sensor; one component's sensors are asked for together, one after the other.
HISTORY: Final = HistoryTerms(max_requests=20, pause=300.0, by_device=True)

_PREFIX: Final = sensor_key("")
_HOUR: Final = timedelta(hours=1)
_CANCELLED: Final = 1e-6


async def channel_history(
    client: ReadingsClient,
    channels: Sequence[Channel],
    *,
    is_possible: Callable[[Channel], Callable[[float], bool]],
    start: datetime,
    end: datetime,
) -> dict[ChannelId, Sequence[Hour]]:
    """Return the full hours in [start, end) of those channels that are sensors; raises a `VendorError`.

    `is_callable_url` gives a test of a channel's values.
    """
    found: dict[ChannelId, Sequence[Hour]] = {}
    for channel in channels:
        if not channel.key.startswith(_PREFIX):
            continue
        sensor = channel.key.removeprefix(_PREFIX)
        is_angle = (
            getattr(channel.description, "state_class", None) == SensorStateClass.MEASUREMENT_ANGLE
        )
        # Nothing says that the platform's means of directions are more than sums that were divided.
        ask = _raw if is_angle else _buckets
        buckets = await ask(client, sensor, start, end)
        test = is_possible(channel)
        buckets = [bucket for bucket in buckets if _is_possible(bucket, test)]
        if hours := _hours(buckets, start, end, is_angle=is_angle):
            found[channel.id] = hours
    return found


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
    values = [(one.at, value) for one in readings if (value := to_number(one.raw)) is not None]
    return [Bucket(at, value, value, value) for at, value in values]


def _is_possible(bucket: Bucket, test: Callable[[float], bool]) -> bool:
    """Return whether all three values can be true; one reading's are the same one."""
    return all(map(test, {bucket.mean, bucket.least, bucket.greatest}))


def _hours(
    buckets: Iterable[Bucket], start: datetime, end: datetime, *, is_angle: bool
) -> list[Hour]:
    """Join what lies in each hour, oldest first."""
    by_hour: dict[datetime, list[Bucket]] = {}
    for bucket in buckets:
        hour = bucket.start.replace(minute=0, second=0, microsecond=0)
        if start <= hour and hour + _HOUR <= end:
            by_hour.setdefault(hour, []).append(bucket)
    mean_of = _direction if is_angle else fmean
    return [
        Hour(
            hour,
            mean=mean,
            min=min(one.least for one in joined),
            max=max(one.greatest for one in joined),
        )
        for hour, joined in sorted(by_hour.items())
        if (mean := mean_of([one.mean for one in joined])) is not None
    ]


def _direction(degrees: Sequence[float]) -> float | None:
    """The mean of directions, None where they cancel each other out."""
    north = sum(math.cos(math.radians(each)) for each in degrees)
    east = sum(math.sin(math.radians(each)) for each in degrees)
    if math.hypot(north, east) < _CANCELLED * len(degrees):
        return None
    return math.degrees(math.atan2(east, north)) % 360
