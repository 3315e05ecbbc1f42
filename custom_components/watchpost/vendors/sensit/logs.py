"""Logs of monitors over longer than the two hours that one request brings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
import math
from typing import Final

from ...engine.model import Hour
from ..errors import UnexpectedReply
from ..fields import Parsed
from .client import WINDOW, SensitClient
from .fields import measured
from .records import Kind, Record, Value

# How an API says that it has no such call.
_NO_SUCH_CALL: Final = frozenset({400, 404, 405})


@dataclass(slots=True)
class Logs:
    """Reads logs; remembers whether the call for two hours exists for a RAMP, which is known by analogy alone."""

    client: SensitClient
    _by_period: bool = False

    async def read(
        self, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Parsed[list[Record]]:
        """Return the records in [start, end), oldest first and each once. Raises a `VendorError`."""
        found: dict[tuple[datetime, str | None], Record] = {}
        set_aside: Counter[str] = Counter()
        for since, until in windows(start, end):
            answer = await self._window(kind, uuid, since, until)
            set_aside += answer.set_aside
            for record in answer.value:
                if start <= record.date < end:
                    found.setdefault((record.date, record.id), record)
        return Parsed(sorted(found.values(), key=lambda record: record.date), set_aside)

    async def _window(
        self, kind: Kind, uuid: str, start: datetime, end: datetime
    ) -> Parsed[tuple[Record, ...]]:
        if kind is not Kind.RAMP or not self._by_period:
            try:
                return await self.client.log(kind, uuid, start, end)
            except UnexpectedReply as err:
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


def hours(path: str, records: list[Record], *, is_angle: bool) -> list[Hour]:
    """Return the full hours of one value, oldest first; an hour without a number is absent."""
    groups: dict[datetime, list[float]] = {}
    for record in records:
        value: Value = measured(path, record.values.get(path))
        if isinstance(value, float):
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
