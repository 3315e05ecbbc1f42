"""Read Sensorist's history by hours: GET /measurements of type range in groups of 60 minutes."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final

from ...models import Channel, ChannelId, Hour
from .client import SensoristClient
from .entities import source_key
from .models import Measurement

_MINUTES: Final = 60
_HOUR: Final = timedelta(minutes=_MINUTES)

# A response of so many rows is about 2 MB.
MAX_ROWS: Final = 20_000
MAX_SPAN: Final = timedelta(days=7)


async def channel_history(
    client: SensoristClient,
    channels: Iterable[Channel],
    start: datetime,
    end: datetime,
    is_possible: Callable[[Channel], Callable[[float], bool]],
) -> dict[ChannelId, list[Hour]]:
    """Return the full hours in [start, end) of those channels of one gateway that are data sources.

    `is_possible` returns a test of a channel's values. Raises a `VendorError`.
    """
    prefix = source_key("")
    sources = {
        channel.key.removeprefix(prefix): channel
        for channel in channels
        if channel.key.startswith(prefix)
    }
    tests = {source: is_possible(channel) for source, channel in sources.items()}
    by_source = await history(client, sources, start, end, tests)
    return {sources[source].id: hours for source, hours in by_source.items() if source in sources}


async def history(
    client: SensoristClient,
    sources: Collection[str],
    start: datetime,
    end: datetime,
    tests: Mapping[str, Callable[[float], bool]],
) -> dict[str, list[Hour]]:
    """Return the full hours in [start, end) by source id, oldest first; the sources are one gateway's.

    A source without any is absent; a group with an impossible value is left out.
    Raises a `VendorError`. Section 4.3.1.
    """
    first, last = _floored(start.astimezone(UTC)), _floored(end.astimezone(UTC))
    if first < start:
        first += _HOUR
    by_source: dict[str, list[Hour]] = {}
    for batch in client.batches(sources):
        longest = min(MAX_SPAN, max(1, MAX_ROWS // len(batch)) * _HOUR)
        for since, until in _spans(first, last, longest):
            response = await client.range(batch, start=since, end=until, interval=_MINUTES)
            for source, rows in response.value.by_source.items():
                test = tests.get(source, isfinite)
                if hours := _hours(rows, since, until, test):
                    by_source.setdefault(source, []).extend(hours)
    return by_source


def _spans(
    first: datetime, last: datetime, longest: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    while first < last:
        yield first, (until := min(first + longest, last))
        first = until


def _hours(
    rows: Iterable[Measurement],
    since: datetime,
    until: datetime,
    is_possible: Callable[[float], bool],
) -> list[Hour]:
    """Return the hours of the rows, oldest first, as far as they lie in [since, until).

    The document does not say what the date of a group is; its start and its middle lie in the hour.
    Should the vendor group more finely than asked, the hour's mean is that of its groups.
    """
    groups: dict[datetime, list[Measurement]] = {}
    for row in rows:
        values = [value for value in (row.value, row.min, row.max) if value is not None]
        if row.value is not None and row.is_measured and all(map(is_possible, values)):
            groups.setdefault(_floored(row.date), []).append(row)
    return [_hour(start, groups[start]) for start in sorted(groups) if since <= start < until]


def _hour(start: datetime, rows: list[Measurement]) -> Hour:
    """Merge the rows of an hour; a row without extremes uses its mean for them."""
    means = [row.value for row in rows if row.value is not None]
    least = [row.min for row in rows if row.min is not None]
    greatest = [row.max for row in rows if row.max is not None]
    return Hour(
        start=start,
        mean=sum(means) / len(means),
        min=min(least + means),
        max=max(greatest + means),
    )


def _floored(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
