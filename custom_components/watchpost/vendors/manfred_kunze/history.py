"""What the platform remembers, hour by hour: aggregated readings, or where there are none, raw ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

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
        buckets = await _buckets(client, sensor, start, end)
        if hours := _hours(buckets, shown(sensor), start, end):
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
    return [
        Hour(
            hour,
            mean=sum(one.mean for one in joined) / len(joined),
            min=min(one.least for one in joined),
            max=max(one.greatest for one in joined),
        )
        for hour, joined in sorted(by_hour.items())
    ]
