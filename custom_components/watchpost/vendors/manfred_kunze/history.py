"""What the platform remembers, hour by hour: aggregated readings, or where there are none, raw ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
import math
from statistics import fmean
from typing import Final

from homeassistant.components.sensor import SensorStateClass

from ...engine.model import Channel, ChannelId, HistoryTerms, Hour
from ..errors import UnexpectedReply
from ..fields import number
from .client.api import is_missing
from .client.readings import ReadingsClient
from .estate import sensor_key
from .records.readings import Bucket
from .units import Shown

# A request brings a week of one sensor; one component's sensors are asked for together, one after the other.
HISTORY: Final = HistoryTerms(most_requests=20, pause=300.0, by_device=True)

_PREFIX: Final = sensor_key("")
_HOUR: Final = timedelta(hours=1)
_CANCELLED: Final = 1e-6


async def channel_history(
    client: ReadingsClient,
    channels: Sequence[Channel],
    *,
    shown: Callable[[str], Shown],
    start: datetime,
    end: datetime,
) -> dict[ChannelId, Sequence[Hour]]:
    """Return the full hours in [start, end) of those channels that are sensors; raises a `VendorError`.

    `shown` says of a sensor between which values its readings can be.
    """
    found: dict[ChannelId, Sequence[Hour]] = {}
    for channel in channels:
        if not channel.key.startswith(_PREFIX):
            continue
        sensor = channel.key.removeprefix(_PREFIX)
        limits = shown(sensor)
        # Nothing says that the platform's means of directions are more than sums that were divided.
        ask = _raw if limits.state_class is SensorStateClass.MEASUREMENT_ANGLE else _buckets
        if hours := _hours(await ask(client, sensor, start, end), limits, start, end):
            found[channel.id] = hours
    return found


async def _buckets(
    client: ReadingsClient, sensor: str, start: datetime, end: datetime
) -> list[Bucket]:
    try:
        return (await client.aggregated(sensor, start, end)).value
    except UnexpectedReply as err:
        if not is_missing(err):
            raise
    return await _raw(client, sensor, start, end)


async def _raw(client: ReadingsClient, sensor: str, start: datetime, end: datetime) -> list[Bucket]:
    readings = (await client.raw(sensor, start, end)).value
    values = [(one.at, value) for one in readings if (value := number(one.raw)) is not None]
    return [Bucket(at, value, value, value) for at, value in values]


def _hours(buckets: Iterable[Bucket], shown: Shown, start: datetime, end: datetime) -> list[Hour]:
    """Join what lies in each hour, oldest first; what cannot have been measured is left out."""
    by_hour: dict[datetime, list[Bucket]] = {}
    for bucket in buckets:
        hour = bucket.start.replace(minute=0, second=0, microsecond=0)
        is_possible = shown.least <= bucket.least and bucket.greatest <= shown.greatest
        if start <= hour and hour + _HOUR <= end and is_possible:
            by_hour.setdefault(hour, []).append(bucket)
    mean_of = _direction if shown.state_class is SensorStateClass.MEASUREMENT_ANGLE else fmean
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
