"""Logs of monitors over longer than the two hours that one request brings."""

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
from .sensors import measured

# How an API says that it has no such call.
_NO_SUCH_CALL: Final = frozenset({400, 404, 405})

# Which days have data is asked for rarely, and only believed of days that nothing comes to any longer.
_DAYS_HOLD: Final = timedelta(hours=6)
_SETTLED_AFTER: Final = timedelta(days=2)


@dataclass(slots=True)
class Logs:
    """Reads logs; remembers whether the call for two hours exists for a RAMP, which is known by analogy alone."""

    client: SensitClient
    _by_period: bool = False
    _days: dict[str, tuple[datetime, frozenset[date] | None]] = field(default_factory=dict)

    async def read(
        self, kind: Kind, uuid: str, start: datetime, end: datetime, most: int | None = None
    ) -> Decoded[list[Record]]:
        """Return the records in [start, end), oldest first and each once. Raises a `VendorError`.

        Once there are more than `most`, no later ones are asked for.
        """
        return await self._read(kind, uuid, (start, end), windows(start, end), most)

    async def read_known(
        self, kind: Kind, uuid: str, start: datetime, end: datetime, now: datetime
    ) -> Decoded[list[Record]]:
        """As `read`, without asking for days long past of which the vendor says that it has no data."""
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
        """Return the days (UTC) with data; None where the vendor does not tell."""
        known = self._days.get(uuid)
        if known is not None and now - known[0] < _DAYS_HOLD:
            return known[1]
        days: frozenset[date] | None = None
        with suppress(UnexpectedResponseError, PermissionDeniedError):
            listed = (await self.client.available_days(kind, uuid, "UTC")).value
            days = frozenset(day.day for day in listed)
        fresh = {of: told for of, told in self._days.items() if now - told[0] < _DAYS_HOLD}
        self._days = {**fresh, uuid: (now, days)}
        return days

    async def _read(
        self,
        kind: Kind,
        uuid: str,
        period: tuple[datetime, datetime],
        parts: Iterable[tuple[datetime, datetime]],
        most: int | None = None,
    ) -> Decoded[list[Record]]:
        found: dict[tuple[datetime, str | None], Record] = {}
        rejected: Counter[str] = Counter()
        for since, until in parts:
            answer = await self._window(kind, uuid, since, until)
            rejected += answer.rejected
            for record in answer.value:
                if period[0] <= record.date < period[1]:
                    found.setdefault((record.date, record.id), record)
            if most is not None and len(found) > most:
                break
        return Decoded(sorted(found.values(), key=lambda record: record.date), rejected)

    async def _window(
        self, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Decoded[tuple[Record, ...]]:
        if kind is not Kind.RAMP or not self._by_period:
            try:
                return await self.client.log(kind, uuid, start, end)
            except UnexpectedResponseError as err:
                if kind is not Kind.RAMP or err.status not in _NO_SUCH_CALL:
                    raise
        answer = await self.client.ramp_log_between(uuid, start, end)
        self._by_period = True
        return answer


def windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Divide a period into those that one request brings."""
    while start < end:
        yield start, (until := min(start + WINDOW, end))
        start = until


def hours(
    path: str, records: list[Record], is_possible: Callable[[float], bool], *, is_angle: bool
) -> list[Hour]:
    """Return the full hours of one value, oldest first; an hour without a possible number is absent."""
    groups: dict[datetime, list[float]] = {}
    for record in records:
        value: Value = measured(path, record.values.get(path))
        if isinstance(value, float) and is_possible(value):
            start = record.date.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            groups.setdefault(start, []).append(value)
    return [
        Hour(start, mean, min(values), max(values))
        for start, values in sorted(groups.items())
        if (mean := circular_mean(values) if is_angle else sum(values) / len(values)) is not None
    ]


def circular_mean(angles: list[float]) -> float | None:
    """Return the mean direction in degrees; None where the directions cancel each other out."""
    east = sum(math.sin(math.radians(angle)) for angle in angles)
    north = sum(math.cos(math.radians(angle)) for angle in angles)
    if math.hypot(east, north) < 1e-9 * len(angles):
        return None
    return math.degrees(math.atan2(east, north)) % 360
