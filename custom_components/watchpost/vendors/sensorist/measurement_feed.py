"""Polls the newest measurements of one gateway, at a cost that follows what changed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from ...engine.model import ChannelId, FeedUpdate, Occurrence, Reading
from ..errors import VendorError
from .channels import LAST_MEASUREMENT, USUAL_CYCLE, sensor_id, source_key
from .client import Answer, SensoristClient
from .records import BUTTON, Gateway, LatestReader, Measurement, Sensor

# Gateways and sets of channels that are kept prepared; a gateway is asked about in a few lanes.
_MOST_ERRANDS = 8

type ConfirmPress = Callable[[str, datetime], Awaitable[FeedUpdate]]


class _Errand:
    """One set of wanted channels of a gateway: what to ask for, and what that is called here."""

    def __init__(
        self, client: SensoristClient, sensors: Sequence[Sensor], wanted: frozenset[ChannelId]
    ) -> None:
        self.sensor_of: dict[str, Sensor] = {}
        self.channel_of: dict[str, ChannelId] = {}
        self.last_of: dict[str, ChannelId] = {}
        for sensor in sensors:
            self._add(sensor, wanted)
        together = {
            source: [own.id for own in sensor.sources] for source, sensor in self.sensor_of.items()
        }
        self.batches = client.batches(self.sensor_of)
        self.reader = LatestReader(together)

    def _add(self, sensor: Sensor, wanted: frozenset[ChannelId]) -> None:
        """Ask for a sensor's wanted sources.

        Where its last measurement alone is wanted, the source that measures most often tells it.
        """
        device = sensor_id(sensor.id)
        channels = {
            source.id: channel
            for source in sensor.sources
            if (channel := ChannelId(device, source_key(source.id))) in wanted
        }
        last = ChannelId(device, LAST_MEASUREMENT)
        if last in wanted and sensor.sources:
            self.last_of[sensor.id] = last
        self.channel_of |= channels
        asked: Iterable[str] = channels
        if not channels and sensor.id in self.last_of:
            asked = [min(sensor.sources, key=lambda source: source.interval or USUAL_CYCLE).id]
        self.sensor_of.update(dict.fromkeys(asked, sensor))

    def readings(self, rows: dict[str, Measurement]) -> dict[ChannelId, Reading]:
        """The newest value of each source, and when each sensor measured last; a row that none measured is none."""
        readings: dict[ChannelId, Reading] = {}
        newest: dict[str, datetime] = {}
        for source, row in rows.items():
            sensor = self.sensor_of.get(source)
            if sensor is None or not row.is_measured:
                continue
            date = row.date
            if (channel := self.channel_of.get(source)) is not None:
                readings[channel] = Reading(row.value, date)
            if sensor.id not in newest or newest[sensor.id] < date:
                newest[sensor.id] = date
        for sensor_id_, date in newest.items():
            if (channel := self.last_of.get(sensor_id_)) is not None:
                readings[channel] = Reading(date, date)
        return readings


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
        self._errands: dict[frozenset[ChannelId], _Errand] = {}
        self._pressed: dict[str, datetime] = {}

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask for the wanted sources, in as few requests as addresses allow; returns the readings that changed.

        One request failing loses no other; all failing raises the first failure.
        """
        errand = self._errand(wanted)
        errand.reader.begin()
        answers: list[Answer[dict[str, Measurement]]] = []
        failures: list[VendorError] = []
        for result in await asyncio.gather(
            *(self._client.latest(batch, errand.reader) for batch in errand.batches),
            return_exceptions=True,
        ):
            if isinstance(result, VendorError):
                failures.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                answers.append(result)
        if failures and not answers:
            raise failures[0]
        rows: dict[str, Measurement] = {}
        for answer in answers:
            rows |= answer.value
        presses, failure = await self._ask_presses(errand, rows)
        if failure is None:
            errand.reader.accept()
        return FeedUpdate(
            readings=errand.readings(rows),
            occurrences=presses,
            freshness=tuple(answer.freshness for answer in answers),
            set_aside=sum((answer.set_aside for answer in answers), Counter()),
            failure=failures[0] if failures else failure,
        )

    def _errand(self, wanted: frozenset[ChannelId]) -> _Errand:
        """What to ask for; as prepared, while neither the gateway nor what is wanted is another."""
        gateway = self._gateway_now()
        if gateway is not self._gateway:
            if gateway != self._gateway:
                self._errands.clear()
            self._gateway = gateway
        if (errand := self._errands.get(wanted)) is None:
            if len(self._errands) >= _MOST_ERRANDS:
                self._errands.clear()
            errand = _Errand(self._client, gateway.sensors if gateway else (), wanted)
            self._errands[wanted] = errand
        return errand

    async def _ask_presses(
        self, errand: _Errand, rows: dict[str, Measurement]
    ) -> tuple[list[Occurrence], VendorError | None]:
        """Tell of buttons whose press is a source's newest measurement and that no call told of."""
        pressed: dict[str, list[datetime]] = {}
        for source, row in rows.items():
            if row.type == BUTTON and (sensor := errand.sensor_of.get(source)) is not None:
                pressed.setdefault(sensor.id, []).append(row.date)
        presses: list[Occurrence] = []
        for sensor_id_, dates in pressed.items():
            if self._pressed.get(sensor_id_) == max(dates):
                continue
            try:
                presses.extend((await self._confirm_press(sensor_id_, min(dates))).occurrences)
            except VendorError as err:
                return presses, err
            self._pressed[sensor_id_] = max(dates)
        return presses, None
