"""Daily totals that a vendor remembers, as statistics of their own: they have sums, which entities' means have not.

Each run asks from the last day that is there, and the two before it anew, since vendors count late; the first asks for
a month. What is written again replaces what was there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from ...const import DOMAIN
from ...models import DailySeries
from ..plausibility import Plausibility
from . import statistics

_LOGGER = logging.getLogger(__name__)

FIRST_DAYS: Final = 30
MAX_DAYS: Final = 366
DAYS_AT_ONCE: Final = 30
FILL_EVERY: Final = timedelta(hours=12)
ASKED_ANEW: Final = timedelta(days=2)

type AskDays = Callable[[datetime, datetime], Awaitable[Sequence[DailySeries]]]


class DailyTotalsImporter:
    """Imports the daily totals of one account; `ask` returns those of full days [start, end) in local time."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        ask: AskDays,
        may_ask: Callable[[], bool],
        plausibility: Plausibility,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._ask = ask
        self._may_ask = may_ask
        self._plausibility = plausibility
        self._task: asyncio.Task[None] | None = None
        self._cancel_next: CALLBACK_TYPE | None = None
        self.counts = {"runs": 0, "failures": 0, "days_written": 0}

    @callback
    def async_start(self) -> None:
        """Import the totals regularly, once Home Assistant runs; never without a recorder."""
        if statistics.is_recording(self._hass):
            self._entry.async_on_unload(self._stop)
            self._entry.async_on_unload(async_at_started(self._hass, self._begin))

    @callback
    def _begin(self, _now: HomeAssistant | datetime) -> None:
        """Import now, and again before the next day is over."""
        self._cancel_next = async_call_later(self._hass, FILL_EVERY, self._begin)
        self.async_fill()

    @callback
    def _stop(self) -> None:
        if self._cancel_next is not None:
            self._cancel_next()

    @callback
    def async_fill(self) -> None:
        """Import the missing days in the background."""
        if not statistics.is_recording(self._hass) or (self._task and not self._task.done()):
            return
        self._task = self._entry.async_create_background_task(
            self._hass, self._run(), f"{DOMAIN} history"
        )

    async def _run(self) -> None:
        """Request the missing days, a month at a time; after a failure the next run goes on."""
        self.counts["runs"] += 1
        await statistics.async_settle(self._hass)
        prefix = statistics.daily_id(self._entry.unique_id or "", "")
        end = dt_util.start_of_local_day()
        start = await self._start(prefix, end)
        while start < end and self._may_ask():
            until = min(
                dt_util.start_of_local_day(start + timedelta(days=DAYS_AT_ONCE, hours=12)), end
            )
            try:
                found = await self._ask(start, until)
            except Exception as err:  # noqa: BLE001  whatever it is, the next run tries again
                _LOGGER.debug("%s: no daily totals: %s", self._entry.title, type(err).__name__)
                self.counts["failures"] += 1
                return
            for listed in found:
                days = list(self._plausibility.possible_days(listed.days))
                series = replace(listed, days=days)
                self.counts["days_written"] += await statistics.async_write_days(
                    self._hass, prefix, series, start
                )
            await statistics.async_settle(self._hass)
            start = until

    async def _start(self, prefix: str, end: datetime) -> datetime:
        last = await statistics.async_last_day(self._hass, prefix)
        if last is None:
            since = end - timedelta(days=FIRST_DAYS)
        else:
            since = max(last - ASKED_ANEW, end - timedelta(days=MAX_DAYS))
        return dt_util.start_of_local_day(dt_util.as_local(since) + timedelta(hours=2))

    def diagnostics(self) -> dict[str, Any]:
        """Return counts, never contents."""
        return dict(self.counts)
