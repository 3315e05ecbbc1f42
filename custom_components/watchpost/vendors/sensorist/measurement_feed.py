"""Polls the newest measurements of one gateway, at a cost that follows what changed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ...client.errors import VendorError
from ...models import ChannelId, FeedUpdate, Reading, VendorEvent
from .client import SensoristClient, SensoristResponse
from .entities import LAST_MEASUREMENT, USUAL_CYCLE, sensor_id, source_key
from .models import BUTTON, NOT_MEASURED, Gateway, LatestDecoder, Measurement, Sensor

# Gateways and sets of channels that are kept prepared; a gateway is asked about in a few lanes.
_MAX_ERRANDS = 8

type ConfirmPress = Callable[[str, datetime], Awaitable[FeedUpdate]]


class _Asked(NamedTuple):
    """A source that is asked for: its sensor, and what its value and the sensor's last measurement are called here."""

    sensor: str
    channel: ChannelId | None
    last: ChannelId | None


class _Errand:
    """One set of wanted channels of a gateway: what to ask for, and what that is called here."""

    def __init__(
        self, client: SensoristClient, sensors: Sequence[Sensor], wanted: frozenset[ChannelId]
    ) -> None:
        self.asked: dict[str, _Asked] = {}
        together: dict[str, Sequence[str]] = {}
        known = {channel: channel for channel in wanted}
        for sensor in sensors:
            asked = _asked(sensor, known)
            self.asked |= asked
            together |= dict.fromkeys(asked, tuple(asked))
        # Tuples, whose hash is reckoned once.
        self.batches = [tuple(batch) for batch in client.batches(self.asked)]
        self.reader = LatestDecoder(together)

    def readings(self, answers: Iterable[dict[str, Measurement]]) -> dict[ChannelId, Reading]:
        """The newest value of each source, and when each sensor measured last; a row that none measured is none."""
        readings: dict[ChannelId, Reading] = {}
        newest: dict[ChannelId, datetime] = {}
        asked = self.asked
        for rows in answers:
            for source, row in rows.items():
                if row.type in NOT_MEASURED or (found := asked.get(source)) is None:
                    continue
                _, channel, last = found
                date = row.date
                if channel is not None:
                    readings[channel] = Reading(row.value, date, order=row.seq or 0)
                if last is not None:
                    known = newest.get(last)
                    if known is None or known < date:
                        newest[last] = date
        for channel, date in newest.items():
            readings[channel] = Reading(date, date)
        return readings


def _asked(sensor: Sensor, wanted: Mapping[ChannelId, ChannelId]) -> dict[str, _Asked]:
    """The wanted sources of a sensor; `wanted` gives the ids as the caller has them, which are quick to look up.

    Where its last measurement alone is wanted, the source that measures most often tells it.
    """
    device = sensor_id(sensor.id)
    last = ChannelId(device, LAST_MEASUREMENT)
    told = wanted.get(last)
    channels = {source.id: ChannelId(device, source_key(source.id)) for source in sensor.sources}
    asked = {
        source: _Asked(sensor.id, wanted[channel], told)
        for source, channel in channels.items()
        if channel in wanted
    }
    if not asked and told is not None and sensor.sources:
        quickest = min(sensor.sources, key=lambda source: source.interval or USUAL_CYCLE)
        asked = {quickest.id: _Asked(sensor.id, None, told)}
    return asked


class MeasurementFeed:
    """The newest measurements of one gateway; `gateway` gives it as it was listed last.

    `confirm_press` tells of a button whose press is a source's newest measurement.
    """

    def __init__(
        self,
        client: SensoristClient,
        gateway: Callable[[], Gateway | None],
        confirm_press: ConfirmPress,
    ) -> None:
        self._client = client
        self._gateway_now = gateway
        self._confirm_press = confirm_press
        self._gateway: Gateway | None = None
        self._due_requests: dict[frozenset[ChannelId], _Errand] = {}
        self._pressed: dict[str, datetime] = {}

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask for the wanted sources, in as few requests as addresses allow; returns the readings that changed.

        One request failing loses no other; all failing raises the first failure.
        """
        errand = self._errand(wanted)
        errand.reader.begin()
        answers: list[SensoristResponse[dict[str, Measurement]]] = []
        failures: list[VendorError] = []
        # Begun at once: what can be answered from what is held needs no turn of the event loop.
        requests = [
            asyncio.Task(self._client.latest(batch, errand.reader), eager_start=True)
            for batch in errand.batches
        ]
        if under_way := [request for request in requests if not request.done()]:
            await asyncio.gather(*under_way, return_exceptions=True)
        for request in requests:
            try:
                answers.append(request.result())
            except VendorError as err:
                failures.append(err)
        if failures and not answers:
            raise failures[0]
        found = [answer.value for answer in answers]
        presses, failure = await self._ask_presses(errand, found)
        if failure is None:
            errand.reader.accept()
        return FeedUpdate(
            readings=errand.readings(found),
            vendor_events=presses,
            freshness=tuple(answer.freshness for answer in answers),
            rejected=sum((a.rejected for a in answers if a.rejected), Counter()),
            failure=failures[0] if failures else failure,
        )

    def _errand(self, wanted: frozenset[ChannelId]) -> _Errand:
        """What to ask for; as prepared, while neither the gateway nor what is wanted is another."""
        gateway = self._gateway_now()
        if gateway is not self._gateway:
            if gateway != self._gateway:
                self._due_requests.clear()
            self._gateway = gateway
        if (errand := self._due_requests.get(wanted)) is None:
            if len(self._due_requests) >= _MAX_ERRANDS:
                self._due_requests.clear()
            errand = _Errand(self._client, gateway.sensors if gateway else (), wanted)
            self._due_requests[wanted] = errand
        return errand

    async def _ask_presses(
        self, errand: _Errand, answers: Iterable[dict[str, Measurement]]
    ) -> tuple[list[VendorEvent], VendorError | None]:
        """Tell of buttons whose press is a source's newest measurement and that no call told of."""
        pressed: dict[str, list[datetime]] = {}
        for rows in answers:
            for source, row in rows.items():
                if row.type == BUTTON and (asked := errand.asked.get(source)) is not None:
                    pressed.setdefault(asked.sensor, []).append(row.date)
        presses: list[VendorEvent] = []
        for sensor, dates in pressed.items():
            if self._pressed.get(sensor) == max(dates):
                continue
            try:
                presses.extend((await self._confirm_press(sensor, min(dates))).vendor_events)
            except VendorError as err:
                return presses, err
            self._pressed[sensor] = max(dates)
        return presses, None
