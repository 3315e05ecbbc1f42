"""Follows what a vendor has begun and not yet finished, politely and not for ever."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..models import JobState

FIRST_PAUSE: Final = 5.0
MAX_PAUSE: Final = 60.0
PATIENCE: Final = 600.0

# A reply may be current for a quarter of an hour, and until then every question is answered from it.
# What still seems to run when patience ends is therefore asked for once more, when that is over.
LAST_LOOK: Final = 900.0

# None: it cannot be asked any more.
type Ask = Callable[[], Awaitable[JobState | None]]
type OnEnd = Callable[[JobState | None], None]


def pauses() -> Iterator[float]:
    """The seconds to wait before each question: 5, 10, 20, 40, then every minute, and one last look."""
    pause, waited = FIRST_PAUSE, 0.0
    while waited < PATIENCE:
        pause = min(pause, PATIENCE - waited)
        yield pause
        waited += pause
        pause = min(2 * pause, MAX_PAUSE)
    yield LAST_LOOK


class _Follower:
    """One piece of work that is asked for until it ends; only its timer is waiting."""

    def __init__(self, hass: HomeAssistant, name: str, ask: Ask, on_end: OnEnd) -> None:
        self._hass = hass
        self._ask = ask
        self._on_end = on_end
        self._pauses = pauses()
        self._job = HassJob(self._look, f"watchpost follow {name}", cancel_on_shutdown=True)
        self._unsub: CALLBACK_TYPE | None = None

    @callback
    def wait(self) -> None:
        if (pause := next(self._pauses, None)) is None:
            self._on_end(None)
            return
        self._unsub = async_call_later(self._hass, pause, self._job)

    async def _look(self, _now: datetime) -> None:
        self._unsub = None
        state = await self._ask()
        if state is JobState.RUNNING:
            self.wait()
        else:
            self._on_end(state)

    @callback
    def stop(self) -> None:
        if self._unsub is not None:
            self._unsub()


@callback
def async_follow_job(
    hass: HomeAssistant, entry: ConfigEntry, name: str, ask: Ask, on_end: OnEnd
) -> None:
    """Ask ever more rarely until the work ends, patience does, or the entry is unloaded.

    `ask` raises nothing. `on_end` hears how it ended: DONE, FAILED, or None where that was not to be learned.
    """
    follower = _Follower(hass, name, ask, on_end)
    entry.async_on_unload(follower.stop)
    follower.wait()
