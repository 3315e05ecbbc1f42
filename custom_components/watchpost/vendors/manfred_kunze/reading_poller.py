"""Poll readings: in batches where the deployment offers them, else one request per sensor."""

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
from .interval import SensorInterval, select_due
from .models.readings import Reading

# Share of readings in the 120 requests that an account may make in a minute.
MAX_REQUESTS: Final = 40
# How far back a batch reaches: older readings are requested sensor by sensor.
MAX_BATCH_PERIOD: Final = timedelta(hours=1)
_MAX_CONCURRENT: Final = 4
# After so many failed sensors the rest is left for the next poll.
_MAX_FAILURES: Final = 4


class ReadingPoll:
    """Run one poll at a given time (monotonic seconds and the vendor's clock), and keep its results."""

    def __init__(
        self,
        client: ReadingsClient,
        intervals: dict[str, SensorInterval],
        monotonic: float,
        vendor_utc: datetime,
    ) -> None:
        self._client = client
        self._intervals = intervals
        self._monotonic = monotonic
        self._vendor_utc = vendor_utc
        self._requests_left = MAX_REQUESTS
        self.changed: set[str] = set()
        self.freshness: list[Freshness] = []
        self.rejected: Counter[str] = Counter()
        self.failures: list[VendorError] = []
        self.has_success = False
        self._is_aborted = False
        self._missing_in_batch: set[str] = set()

    async def run(self, due: Sequence[str]) -> None:
        """Request these sensors as far as the budget goes."""
        single = list(due)
        if len(due) > 1 and not self._client.batches.is_off(self._monotonic):
            single = await self._request_batches(due)
        for sensors in batched(
            select_due(self._intervals, single, self._requests_left), _MAX_CONCURRENT, strict=False
        ):
            await asyncio.gather(*map(self._request_sensor, sensors))
            if self._is_aborted:
                return

    async def _request_batches(self, due: Sequence[str]) -> list[str]:
        """Request batches; return the sensors to request one by one."""
        single: list[str] = []
        earliest = self._vendor_utc - MAX_BATCH_PERIOD
        selected = select_due(self._intervals, due, self._requests_left * PER_BATCH)
        for sensors in batched(selected, PER_BATCH, strict=False):
            starts = [
                self._intervals[sensor].batch_start(self._monotonic, self._vendor_utc)
                for sensor in sensors
            ]
            since = max(earliest, min(start or earliest for start in starts))
            self._requests_left -= 1
            try:
                response = await self._client.batch(sensors, since)
            except VendorError as err:
                if not is_missing(err) and not self._client.batches.is_off(self._monotonic):
                    self.failures.append(err)
                    return single
                return list(due)  # the deployment offers no batches
            self.has_success = True
            self.freshness += response.freshness
            self.rejected += response.rejected
            for sensor in sensors:
                interval, readings = self._intervals[sensor], response.value.get(sensor, [])
                if interval.newest is not None and since <= max(interval.newest.at, earliest):
                    interval.covered_at = self._monotonic
                self._store(sensor, readings)
                if not readings and interval.needs_own_request(
                    self._monotonic, self._vendor_utc, MAX_BATCH_PERIOD
                ):
                    single.append(sensor)
                    self._missing_in_batch.add(sensor)
        return single

    async def _request_sensor(self, sensor: str) -> None:
        """Request the newest readings of one sensor."""
        interval = self._intervals[sensor]
        interval.searched_at = self._monotonic
        try:
            response = await self._client.newest(sensor, interval.newest_time(self._vendor_utc))
        except UnexpectedResponseError as err:
            interval.requested_at = self._monotonic
            if not is_missing(err):
                self.failures.append(err)
            self.has_success |= is_missing(
                err
            )  # the sensor was deleted; the next list will lack it
            return
        except VendorError as err:
            self.failures.append(err)
            self._is_aborted = len(self.failures) >= _MAX_FAILURES or not isinstance(
                err, UnreachableError
            )
            return
        self.has_success = True
        self.freshness += response.freshness
        self.rejected += response.rejected
        self._store(sensor, response.value)
        if sensor in self._missing_in_batch and self._is_in_batch(response.value):
            self._client.batches.failed(self._monotonic)

    def _is_in_batch(self, readings: Sequence[Reading]) -> bool:
        """Return whether a working batch would have contained the newest of these readings."""
        young, old = self._vendor_utc - timedelta(minutes=1), self._vendor_utc - MAX_BATCH_PERIOD
        return bool(readings) and old + timedelta(minutes=1) < readings[-1].at < young

    def _store(self, sensor: str, readings: Sequence[Reading]) -> None:
        interval = self._intervals[sensor]
        interval.requested_at = self._monotonic
        if interval.store(readings, self._vendor_utc):
            self.changed.add(sensor)
