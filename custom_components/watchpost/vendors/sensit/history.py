"""Read logs of monitors over longer periods than the two hours of one request."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
import math
from typing import Final

from ...client.decode import Decoded
from ...client.errors import PermissionDeniedError, UnexpectedResponseError
from ...models import Hour
from .client import WINDOW, SensitClient
from .models import Kind, Record, Value
from .sensors import to_measurement

# Statuses of an API that does not have the call.
_NO_SUCH_CALL: Final = frozenset({400, 404, 405})

# The list of days with data is cached this long, and used only for days to which no more records are added.
_DAYS_MAX_AGE: Final = timedelta(hours=6)
_SETTLED_AFTER: Final = timedelta(days=2)


@dataclass(slots=True)
class LogReader:
    """A reader of logs; the two-hour call of a RAMP is INFERRED, so it notes whether the other one is needed."""

    client: SensitClient
    _uses_period_call: bool = False
    _days: dict[str, tuple[datetime, frozenset[date] | None]] = field(default_factory=dict)

    async def read(
        self, kind: Kind, uuid: str, start: datetime, end: datetime, max_records: int | None = None
    ) -> Decoded[list[Record]]:
        """Return the records in [start, end), oldest first and each once; raises a `VendorError`.

        Stops requesting once there are more than `max_records`.
        """
        return await self._read(kind, uuid, (start, end), windows(start, end), max_records)

    async def read_days_with_data(
        self, kind: Kind, uuid: str, start: datetime, end: datetime, now: datetime
    ) -> Decoded[list[Record]]:
        """Return the records in [start, end) like `read`, skipping past days without data."""
        parts = list(windows(start, end))
        if start < now - _SETTLED_AFTER:
            days = await self._days_with_data(kind, uuid, now)
            parts = [
                (since, until)
                for since, until in parts
                if days is None
                or until > now - _SETTLED_AFTER
                or not days.isdisjoint({since.astimezone(UTC).date(), until.astimezone(UTC).date()})
            ]
        return await self._read(kind, uuid, (start, end), parts)

    async def _days_with_data(self, kind: Kind, uuid: str, now: datetime) -> frozenset[date] | None:
        """Return the days (UTC) with data, or None if the vendor does not say."""
        known = self._days.get(uuid)
        if known is not None and now - known[0] < _DAYS_MAX_AGE:
            return known[1]
        days: frozenset[date] | None = None
        with suppress(UnexpectedResponseError, PermissionDeniedError):
            listed = (await self.client.available_days(kind, uuid, "UTC")).value
            days = frozenset(day.day for day in listed)
        fresh = {
            other: entry for other, entry in self._days.items() if now - entry[0] < _DAYS_MAX_AGE
        }
        self._days = {**fresh, uuid: (now, days)}
        return days

    async def _read(
        self,
        kind: Kind,
        uuid: str,
        period: tuple[datetime, datetime],
        parts: Iterable[tuple[datetime, datetime]],
        max_records: int | None = None,
    ) -> Decoded[list[Record]]:
        records: dict[tuple[datetime, str | None], Record] = {}
        rejected: Counter[str] = Counter()
        for since, until in parts:
            response = await self._fetch_window(kind, uuid, since, until)
            rejected += response.rejected
            for record in response.value:
                if period[0] <= record.date < period[1]:
                    records.setdefault((record.date, record.id), record)
            if max_records is not None and len(records) > max_records:
                break
        return Decoded(sorted(records.values(), key=lambda record: record.date), rejected)

    async def _fetch_window(
        self, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        if kind is not Kind.RAMP or not self._uses_period_call:
            try:
                return await self.client.log(kind, uuid, start, end)
            except UnexpectedResponseError as err:
                if kind is not Kind.RAMP or err.status not in _NO_SUCH_CALL:
                    raise
        response = await self.client.ramp_log_between(uuid, start, end)
        self._uses_period_call = True
        return response


def windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a period, each as long as one request allows."""
    while start < end:
        yield start, (until := min(start + WINDOW, end))
        start = until


def hours(
    path: str, records: list[Record], is_possible: Callable[[float], bool], *, is_angle: bool
) -> list[Hour]:
    """Return the full hours of one field, oldest first; an hour without a possible value is absent."""
    groups: dict[datetime, list[float]] = {}
    for record in records:
        value: Value = to_measurement(path, record.values.get(path))
        if isinstance(value, float) and is_possible(value):
            start = record.date.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            groups.setdefault(start, []).append(value)
    return [
        Hour(start, mean, min(values), max(values))
        for start, values in sorted(groups.items())
        if (mean := circular_mean(values) if is_angle else sum(values) / len(values)) is not None
    ]


def circular_mean(angles: list[float]) -> float | None:
    """Return the mean direction in degrees, or None if the directions cancel each other out."""
    east = sum(math.sin(math.radians(angle)) for angle in angles)
    north = sum(math.cos(math.radians(angle)) for angle in angles)
    if math.hypot(east, north) < 1e-9 * len(angles):
        return None
    return math.degrees(math.atan2(east, north)) % 360
