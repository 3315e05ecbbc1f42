"""Fetches missing hours from the vendor and writes them into the statistics."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
import logging
from typing import Final, NamedTuple

from homeassistant.core import HomeAssistant

from ...models import Channel, ChannelId, Hour
from ..plausibility import Plausibility
from . import statistics
from .plan import DAY, Progress, Request, hour_of, time_of

_LOGGER = logging.getLogger(__name__)

# The hours of so many entities are written in one turn of the event loop.
_AT_ONCE: Final = 10

type Ask = Callable[
    [Sequence[Channel], datetime, datetime], Awaitable[Mapping[ChannelId, Sequence[Hour]]]
]


class HistoryChannel(NamedTuple):
    """A channel with its entity, and when the newest reading was measured, if that is known."""

    channel: Channel
    entity_id: str
    measured_at: datetime | None = None


class BackfillTask(NamedTuple):
    """The task for one entity: its channel, its statistics, its progress and the end hour."""

    source: HistoryChannel
    series: statistics.Series
    progress: Progress
    end: int


class HistoryImporter:
    """Reads and writes the hours of one account's entities; `title` is for the log.

    `unseen` are the hours [start, end) in which the account was not loaded.
    """

    def __init__(
        self, hass: HomeAssistant, title: str, ask: Ask, plausibility: Plausibility
    ) -> None:
        self.unseen: list[tuple[int, int]] = []
        self.counts: Counter[str] = Counter()
        self._hass = hass
        self._title = title
        self._ask = ask
        self._plausibility = plausibility

    async def present(
        self, entity_ids: Collection[str], start: int, end: int
    ) -> dict[str, set[int]]:
        """Return the hours that have a row of measured values.

        At start the recorder fills the time that Home Assistant was down with the last states.
        """
        if not entity_ids:
            return {}
        rows = await statistics.async_hours(self._hass, entity_ids, time_of(start), time_of(end))
        unseen = {
            hour
            for since, until in self.unseen
            for hour in range(max(since, start), min(until, end))
        }
        return {entity_id: rows.get(entity_id, set()) - unseen for entity_id in entity_ids}

    async def fill(
        self,
        tasks: Mapping[str, BackfillTask],
        wanted: Mapping[str, Sequence[int]],
        request: Request[str],
    ) -> dict[str, set[int]]:
        """Run one request, write the wanted hours, wait until they are in the database; return the hours written."""
        channels = [tasks[entity_id].source.channel for entity_id in request.keys]
        self.counts["requests"] += 1
        found = await self._ask(channels, time_of(request.start), time_of(request.end))
        written: dict[str, set[int]] = {}
        for number, (entity_id, channel) in enumerate(zip(request.keys, channels, strict=True)):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # others get a turn of the event loop
            lacking = set(wanted[entity_id])
            possible = self._plausibility.possible_hours(channel, found.get(channel.id, ()))
            hours = {hour_of(hour.start): hour for hour in possible}
            hours = {index: hour for index, hour in hours.items() if index in lacking}
            if hours:
                statistics.async_write(self._hass, tasks[entity_id].series, list(hours.values()))
            written[entity_id] = set(hours)
        await statistics.async_settle(self._hass)
        self._report(written)
        return written

    def _report(self, written: Mapping[str, Collection[int]]) -> None:
        self.counts["hours_written"] += sum(map(len, written.values()))
        if not _LOGGER.isEnabledFor(logging.DEBUG):
            return
        days = Counter(hour // DAY for hours in written.values() for hour in hours)
        for day in sorted(days):
            date = time_of(day * DAY).date()
            _LOGGER.debug("%s: %d hours of %s filled in", self._title, days[day], date)
