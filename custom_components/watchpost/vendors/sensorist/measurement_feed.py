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

# Sets of channels whose requests are cached; a gateway has a few poll groups.
_MAX_PLANS = 8

type ConfirmPress = Callable[[str, datetime], Awaitable[FeedUpdate]]


class _RequestedSource(NamedTuple):
    """A requested source: its sensor, and the channels of its value and of the sensor's last measurement."""

    sensor: str
    channel: ChannelId | None
    last: ChannelId | None


class _RequestPlan:
    """The requests for one set of wanted channels of a gateway, and the channels of their sources."""

    def __init__(
        self, client: SensoristClient, sensors: Sequence[Sensor], wanted: frozenset[ChannelId]
    ) -> None:
        self.asked: dict[str, _RequestedSource] = {}
        together: dict[str, Sequence[str]] = {}
        known = {channel: channel for channel in wanted}
        for sensor in sensors:
            asked = _asked(sensor, known)
            self.asked |= asked
            together |= dict.fromkeys(asked, tuple(asked))
        # Tuples, whose hash is computed once.
        self.batches = [tuple(batch) for batch in client.batches(self.asked)]
        self.reader = LatestDecoder(together)

    def readings(self, responses: Iterable[dict[str, Measurement]]) -> dict[ChannelId, Reading]:
        """Return the newest value of each source and the date of each sensor's last measurement."""
        readings: dict[ChannelId, Reading] = {}
        newest: dict[ChannelId, datetime] = {}
        asked = self.asked
        for rows in responses:
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


def _asked(sensor: Sensor, wanted: Mapping[ChannelId, ChannelId]) -> dict[str, _RequestedSource]:
    """Return the wanted sources of a sensor; `wanted` has the caller's id objects, which are quick to look up.

    If only its last measurement is wanted, the source with the shortest interval is requested.
    """
    device = sensor_id(sensor.id)
    last = ChannelId(device, LAST_MEASUREMENT)
    last_wanted = wanted.get(last)
    channels = {source.id: ChannelId(device, source_key(source.id)) for source in sensor.sources}
    asked = {
        source: _RequestedSource(sensor.id, wanted[channel], last_wanted)
        for source, channel in channels.items()
        if channel in wanted
    }
    if not asked and last_wanted is not None and sensor.sources:
        quickest = min(sensor.sources, key=lambda source: source.interval or USUAL_CYCLE)
        asked = {quickest.id: _RequestedSource(sensor.id, None, last_wanted)}
    return asked


class MeasurementFeed:
    """The feed of one gateway's newest measurements; `gateway` returns it as last listed.

    `confirm_press` fetches the events of a button whose press is a source's newest measurement.
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
        self._plans: dict[frozenset[ChannelId], _RequestPlan] = {}
        self._pressed: dict[str, datetime] = {}

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Fetch the wanted sources in as few requests as URLs allow; returns the readings that changed.

        Raises the first error if all requests fail.
        """
        plan = self._plan(wanted)
        plan.reader.begin()
        responses: list[SensoristResponse[dict[str, Measurement]]] = []
        failures: list[VendorError] = []
        # Started eagerly: a response from the cache needs no turn of the event loop.
        requests = [
            asyncio.Task(self._client.latest(batch, plan.reader), eager_start=True)
            for batch in plan.batches
        ]
        if pending := [request for request in requests if not request.done()]:
            await asyncio.gather(*pending, return_exceptions=True)
        for request in requests:
            try:
                responses.append(request.result())
            except VendorError as err:
                failures.append(err)
        if failures and not responses:
            raise failures[0]
        found = [response.value for response in responses]
        presses, failure = await self._ask_presses(plan, found)
        if failure is None:
            plan.reader.accept()
        return FeedUpdate(
            readings=plan.readings(found),
            vendor_events=presses,
            freshness=tuple(response.freshness for response in responses),
            rejected=sum((a.rejected for a in responses if a.rejected), Counter()),
            failure=failures[0] if failures else failure,
        )

    def _plan(self, wanted: frozenset[ChannelId]) -> _RequestPlan:
        """Return the cached requests, as long as neither the gateway nor the wanted channels change."""
        gateway = self._gateway_now()
        if gateway is not self._gateway:
            if gateway != self._gateway:
                self._plans.clear()
            self._gateway = gateway
        if (plan := self._plans.get(wanted)) is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            plan = _RequestPlan(self._client, gateway.sensors if gateway else (), wanted)
            self._plans[wanted] = plan
        return plan

    async def _ask_presses(
        self, plan: _RequestPlan, responses: Iterable[dict[str, Measurement]]
    ) -> tuple[list[VendorEvent], VendorError | None]:
        """Return the events of presses that are a source's newest measurement and not confirmed yet."""
        pressed: dict[str, list[datetime]] = {}
        for rows in responses:
            for source, row in rows.items():
                if row.type == BUTTON and (asked := plan.asked.get(source)) is not None:
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
