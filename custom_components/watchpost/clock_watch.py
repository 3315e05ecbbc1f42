"""Detects time in which the process did not run: a suspended host, a paused virtual machine, a clock set by hand."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from .client.budget import RequestBudget
from .const import DOMAIN
from .coordinator import FeedCoordinator

_LOGGER = logging.getLogger(__name__)

# How often the clocks are compared, and how many seconds must be missing for timers to be late.
INTERVAL: Final = timedelta(seconds=20)
_MIN_MISSED: Final = 5.0
# All feeds are polled again within _MAX_SPREAD seconds, at most _MAX_DELAY seconds after one another.
_MAX_SPREAD: Final = 20.0
_MAX_DELAY: Final = 1.0


class ClockWatch:
    """Compares the account's clock with the event loop's; `coordinators` returns the feeds, lists first."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        budget: RequestBudget,
        coordinators: Callable[[], Collection[FeedCoordinator]],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._budget = budget
        self._coordinators = coordinators
        self._offset = self._seconds_ahead()
        self._is_fetching_date = False

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Start comparing; return a function that stops it."""
        return async_track_time_interval(
            self._hass, self._compare, INTERVAL, cancel_on_shutdown=True, name=f"{DOMAIN} clocks"
        )

    @callback
    def _compare(self, _now: datetime) -> None:
        if (missed := self._seconds_ahead() - self._offset) > _MIN_MISSED:
            self._catch_up(missed)
        self._offset += missed
        if (
            self._budget.clock.is_doubtful
            and not self._is_fetching_date
            and not self._budget.is_paused
        ):
            self._is_fetching_date = True
            self._entry.async_create_background_task(
                self._hass, self._fetch_date(), f"{DOMAIN} ask the vendor's time"
            )

    async def _fetch_date(self) -> None:
        """Fetch the vendor's time to decide whether time passed when the wall clock was set; retried if that fails."""
        try:
            if self._budget.request_date is not None:
                await self._budget.request_date()
        finally:
            self._is_fetching_date = False
        if (missed := self._seconds_ahead() - self._offset) > _MIN_MISSED:
            self._offset += missed
            self._catch_up(missed)

    @callback
    def _catch_up(self, missed: float) -> None:
        _LOGGER.info(
            "%.0f minutes passed unseen: stale readings go and %s is asked again",
            missed / 60,
            self._entry.domain,
        )
        feeds = self._coordinators()
        delay = min(_MAX_DELAY, _MAX_SPREAD / max(len(feeds), 1))
        for number, coordinator in enumerate(feeds):
            coordinator.async_catch_up_with_time(number * delay)

    def _seconds_ahead(self) -> float:
        return self._budget.now() - self._hass.loop.time()
