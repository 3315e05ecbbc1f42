"""Polls the jobs that a vendor has begun, ever more rarely and for a limited time."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..models import JobState

FIRST_PAUSE: Final = 5.0
MAX_PAUSE: Final = 60.0
TIMEOUT: Final = 600.0

# A response may be current for a quarter of an hour, and until then every poll is answered from the cache.
# A job that still seems to run when the time is up is therefore polled once more after that.
LAST_PAUSE: Final = 900.0

# None: the job cannot be polled any more.
type Poll = Callable[[], Awaitable[JobState | None]]
type OnEnd = Callable[[JobState | None], None]


def pauses() -> Iterator[float]:
    """Yield the seconds to wait before each poll: 5, 10, 20, 40, then every minute, and one last poll."""
    pause, waited = FIRST_PAUSE, 0.0
    while waited < TIMEOUT:
        pause = min(pause, TIMEOUT - waited)
        yield pause
        waited += pause
        pause = min(2 * pause, MAX_PAUSE)
    yield LAST_PAUSE


class _Follower:
    """One job that is polled until it ends; between polls there is a timer only."""

    def __init__(self, hass: HomeAssistant, name: str, poll: Poll, on_end: OnEnd) -> None:
        self._hass = hass
        self._fetch_state = poll
        self._on_end = on_end
        self._pauses = pauses()
        self._job = HassJob(self._poll, f"watchpost follow {name}", cancel_on_shutdown=True)
        self._unsub: CALLBACK_TYPE | None = None

    @callback
    def wait(self) -> None:
        if (pause := next(self._pauses, None)) is None:
            self._on_end(None)
            return
        self._unsub = async_call_later(self._hass, pause, self._job)

    async def _poll(self, _now: datetime) -> None:
        self._unsub = None
        state = await self._fetch_state()
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
    hass: HomeAssistant, entry: ConfigEntry, name: str, poll: Poll, on_end: OnEnd
) -> None:
    """Poll a job ever more rarely until it ends, time is up, or the entry is unloaded.

    `poll` raises nothing. `on_end` is called with the result: DONE, FAILED, or None where it is unknown.
    """
    follower = _Follower(hass, name, poll, on_end)
    entry.async_on_unload(follower.stop)
    follower.wait()
