"""One poll of readings: in batches where the deployment has them, else one sensor after the other."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Final

from ...client.errors import UnexpectedResponseError, UnreachableError, VendorError
from ...models import Freshness
from .client.api import is_missing
from .client.readings import PER_BATCH, ReadingsClient
from .interval import SensorInterval, in_turn
from .models.readings import Reading

# Of the 120 requests that an account may make in a minute, so many are for readings.
MAX_REQUESTS: Final = 40
# How far back a batch looks: what is older is asked for sensor by sensor.
MAX_BATCH: Final = timedelta(hours=1)
_AT_ONCE: Final = 4
# After so many sensors that could not be had the rest is left for the next poll.
_ENOUGH: Final = 4


class ReadingPoll:
    """One poll: what to ask for, in batches or one by one, and what came."""

    def __init__(
        self, client: ReadingsClient, tracks: dict[str, SensorInterval], now: float, clock: datetime
    ) -> None:
        self._client = client
        self._tracks = tracks
        self._now = now
        self._clock = clock
        self._left = MAX_REQUESTS
        self.changed: set[str] = set()
        self.freshness: list[Freshness] = []
        self.rejected: Counter[str] = Counter()
        self.failures: list[VendorError] = []
        self.record_success = False
        self._is_broken = False
        self._missed: set[str] = set()

    async def ask(self, due: Sequence[str]) -> None:
        """Ask for these sensors as far as the budget goes."""
        alone = list(due)
        if len(due) > 1 and not self._client.batches.is_off(self._now):
            alone = await self._ask_together(due)
        for some in batched(in_turn(self._tracks, alone, self._left), _AT_ONCE, strict=False):
            await asyncio.gather(*map(self._ask_one, some))
            if self._is_broken:
                return

    async def _ask_together(self, due: Sequence[str]) -> list[str]:
        """Ask in batches; returns those that are to be asked for one by one."""
        alone: list[str] = []
        earliest = self._clock - MAX_BATCH
        turn = in_turn(self._tracks, due, self._left * PER_BATCH)
        for some in batched(turn, PER_BATCH, strict=False):
            starts = [self._tracks[sensor].since(self._now, self._clock) for sensor in some]
            since = max(earliest, min(start or earliest for start in starts))
            self._left -= 1
            try:
                answer = await self._client.batch(some, since)
            except VendorError as err:
                if not is_missing(err) and not self._client.batches.is_off(self._now):
                    self.failures.append(err)
                    return alone
                return list(due)  # batches proved not to be there
            self.record_success = True
            self.freshness += answer.freshness
            self.rejected += answer.rejected
            for sensor in some:
                track, readings = self._tracks[sensor], answer.value.get(sensor, [])
                if track.newest is not None and since <= max(track.newest.at, earliest):
                    track.looked = self._now
                self._take(sensor, readings)
                if not readings and track.is_to_be_searched(self._now, self._clock, MAX_BATCH):
                    alone.append(sensor)
                    self._missed.add(sensor)
        return alone

    async def _ask_one(self, sensor: str) -> None:
        """Ask for one sensor."""
        track = self._tracks[sensor]
        track.searched = self._now
        try:
            answer = await self._client.newest(sensor, track.known_until(self._clock))
        except UnexpectedResponseError as err:
            track.asked = self._now
            if not is_missing(err):
                self.failures.append(err)
            self.record_success |= is_missing(err)  # the sensor is gone; the next list will say so
            return
        except VendorError as err:
            self.failures.append(err)
            self._is_broken = len(self.failures) >= _ENOUGH or not isinstance(err, UnreachableError)
            return
        self.record_success = True
        self.freshness += answer.freshness
        self.rejected += answer.rejected
        self._take(sensor, answer.value)
        if sensor in self._missed and self._is_in_batch(answer.value):
            self._client.batches.failed(self._now)

    def _is_in_batch(self, readings: Sequence[Reading]) -> bool:
        """Whether a batch that is worth its name would have had the newest of these."""
        young, old = self._clock - timedelta(minutes=1), self._clock - MAX_BATCH
        return bool(readings) and old + timedelta(minutes=1) < readings[-1].at < young

    def _take(self, sensor: str, readings: Sequence[Reading]) -> None:
        track = self._tracks[sensor]
        track.asked = self._now
        if track.take(readings, self._clock):
            self.changed.add(sensor)
