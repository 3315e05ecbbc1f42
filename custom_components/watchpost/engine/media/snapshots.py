"""Pictures of cameras that are woken to take them: asked for once, fetched once, shown from memory.

Looking at a picture never wakes a camera. Whoever asks for one while one is being made joins that. The newest are in
memory and on disk, so that a restart shows the last; older ones are on disk alone.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ...const import DOMAIN
from ...models import JobState, Picture
from .picture_store import PictureStore, StoredPicture

if TYPE_CHECKING:
    from ...contract.media import Fetch, SnapshotSource

_LOGGER = logging.getLogger(__name__)

# After this many seconds a picture that has not come is given up.
PATIENCE: Final = 120.0
FIRST_PAUSE: Final = 1.0
MAX_PAUSE: Final = 15.0

MAX_BYTES_IN_MEMORY: Final = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What asking a camera brought: when it was asked, and what kept a picture from coming, if anything did."""

    taken_at: datetime
    failure: Exception | None = None


class PendingSnapshot:
    """A snapshot that is being made; any number may wait for it."""

    def __init__(self, task: asyncio.Future[Snapshot]) -> None:
        self._task = task

    @classmethod
    def given_up(cls) -> PendingSnapshot:
        """One that ended before it began, because the account was unloaded."""
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        return cls(gone)

    async def result(self) -> Snapshot | None:
        """Wait for it; None where the account was unloaded meanwhile. A waiter that is cancelled stops nothing."""
        await asyncio.wait([self._task])
        return None if self._task.cancelled() else self._task.result()

    async def state(self) -> JobState:
        """How far it is."""
        if not self._task.done():
            return JobState.RUNNING
        is_made = not self._task.cancelled() and self._task.result().failure is None
        return JobState.DONE if is_made else JobState.FAILED


def shots_path(hass: HomeAssistant, entry: ConfigEntry) -> Path:
    """Where an account's pictures are kept; backups leave that folder out."""
    return Path(hass.config.cache_path(DOMAIN, entry.entry_id))


async def async_forget_shots(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the pictures of an account that is removed."""
    await hass.async_add_executor_job(PictureStore(shots_path(hass, entry)).remove)


class SnapshotManager:
    """The pictures of one account's cameras; `taken` hears whenever one of them came, at the time it was taken."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        cameras: SnapshotSource,
        *,
        taken: Callable[[str, datetime], None],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._cameras = cameras
        self._taken = taken
        self._film = PictureStore(shots_path(hass, entry))
        self._one_writes = asyncio.Lock()
        self._newest: OrderedDict[tuple[str, str], Picture] = OrderedDict()
        self._asking: dict[str, asyncio.Task[PendingSnapshot]] = {}
        self._developing: dict[str, PendingSnapshot] = {}
        self._reading: dict[Path, asyncio.Future[Picture | None]] = {}
        self._is_unwritten = False
        self._counts: Counter[str] = Counter()

    async def async_load(self) -> None:
        """Find what is on disk; pictures are read when somebody looks."""
        await self._hass.async_add_executor_job(self._film.load)

    # Looking

    async def newest(self, device: str, kind: str) -> Picture | None:
        """The newest picture of a kind, None while there is none; asks the vendor nothing."""
        if (shot := self._newest.get((device, kind))) is not None:
            self._newest.move_to_end((device, kind))
            return shot
        if (frame := self._last(device, kind)) is None:
            return None
        shot = await self._read(frame)
        if shot is not None and (device, kind) not in self._newest:
            self._remember(device, kind, shot)
        return shot

    def newest_at(self, device: str, kind: str) -> datetime | None:
        """When the newest picture of a kind was taken."""
        if (shot := self._newest.get((device, kind))) is not None:
            return shot.taken_at
        frame = self._last(device, kind)
        return frame.taken_at if frame else None

    def _last(self, device: str, kind: str) -> StoredPicture | None:
        return next(
            (frame for frame in reversed(self._film.of(device)) if frame.kind == kind), None
        )

    def kept(self, device: str) -> Sequence[tuple[datetime, str]]:
        """Time and kind of each picture of a device that is still kept, newest first."""
        return [(frame.taken_at, frame.kind) for frame in reversed(self._film.of(device))]

    async def shot(self, device: str, kind: str, at: datetime) -> Picture | None:
        """A picture of a certain time, None where it is not kept."""
        for frame in self._film.of(device):
            if (frame.kind, frame.taken_at) == (kind, at):
                return await self._read(frame)
        return None

    async def _read(self, frame: StoredPicture) -> Picture | None:
        """Read from disk; whoever wants the same meanwhile shares it."""
        if (reading := self._reading.get(frame.path)) is None:
            reading = self._hass.async_add_executor_job(frame.read)
            self._reading[frame.path] = reading
            reading.add_done_callback(lambda _: self._reading.pop(frame.path, None))
        return await asyncio.shield(reading)

    def _remember(self, device: str, kind: str, shot: Picture) -> None:
        """Hold it in memory; what was looked at longest ago is on disk alone when there is too much."""
        self._newest[device, kind] = shot
        self._newest.move_to_end((device, kind))
        while sum(len(each.content) for each in self._newest.values()) > MAX_BYTES_IN_MEMORY:
            self._newest.popitem(last=False)

    # Asking

    async def ask(self, device: str) -> PendingSnapshot:
        """Have a camera take a picture, or join what is under way; raises what the vendor raises when asked."""
        if (under_way := self._developing.get(device)) is not None:
            self._counts["joined"] += 1
            return under_way
        if (asking := self._asking.get(device)) is None:
            asking = self._begin(device)
        else:
            self._counts["joined"] += 1
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if asking.cancelled():
                return PendingSnapshot.given_up()
            raise

    def _begin(self, device: str) -> asyncio.Task[PendingSnapshot]:
        asking = self._asking[device] = self._entry.async_create_background_task(
            self._hass, self._ask(device), f"{DOMAIN} asks for a picture"
        )

        def asked(task: asyncio.Task[PendingSnapshot]) -> None:
            self._asking.pop(device, None)
            if not task.cancelled():
                task.exception()  # whoever still waits gets it; nobody may be left

        asking.add_done_callback(asked)
        return asking

    async def _ask(self, device: str) -> PendingSnapshot:
        self._counts["asked"] += 1
        # File names tell seconds.
        at = datetime.now(UTC).replace(microsecond=0)
        fetches = await self._cameras.ask(device, at)
        task = self._entry.async_create_background_task(
            self._hass, self._develop(device, at, fetches), f"{DOMAIN} fetches a picture"
        )
        development = self._developing[device] = PendingSnapshot(task)
        task.add_done_callback(lambda _: self._developing.pop(device, None))
        return development

    async def _develop(self, device: str, at: datetime, fetches: Mapping[str, Fetch]) -> Snapshot:
        """Fetch each picture as soon as it is there; what came is shown, whatever keeps another from coming."""
        began = self._hass.loop.time()
        waiting, failures = dict(fetches), dict[str, Exception]()
        for pause in self._pauses():
            if not waiting or self._hass.loop.time() + pause - began > PATIENCE:
                break
            await asyncio.sleep(pause)
            for kind, outcome in zip(
                list(waiting),
                await asyncio.gather(*(_fetched(fetch) for fetch in waiting.values())),
                strict=True,
            ):
                if isinstance(outcome, Picture):
                    await self._keep(device, kind, outcome)
                    failures.pop(kind, None)
                else:
                    failures[kind] = outcome
                if isinstance(outcome, Picture) or not self._cameras.may_pass(outcome):
                    del waiting[kind]
        self._counts["failed" if failures else "made"] += 1
        return Snapshot(at, next(iter(failures.values()), None))

    def _pauses(self) -> Iterator[float]:
        yield self._cameras.min_wait.total_seconds()
        pause = FIRST_PAUSE
        while True:
            yield pause
            pause = min(1.5 * pause, MAX_PAUSE)

    async def _keep(self, device: str, kind: str, shot: Picture) -> None:
        """Show it at once, then write it down; a full disk keeps nothing from being shown."""
        self._remember(device, kind, shot)
        self._taken(device, shot.taken_at)
        async with self._one_writes:
            try:
                await self._hass.async_add_executor_job(self._film.keep, device, kind, shot)
            except OSError as err:
                if not self._is_unwritten:
                    _LOGGER.warning(
                        "%s: pictures cannot be written (%s); a restart will not show them",
                        self._entry.title,
                        type(err).__name__,
                    )
                self._is_unwritten = True
            else:
                self._is_unwritten = False

    def diagnostics(self) -> dict[str, Any]:
        """Counts and sizes, never contents."""
        names = ("asked", "joined", "made", "failed")
        return {
            **{name: self._counts[name] for name in names},
            "under_way": len(self._developing),
            "in_memory": len(self._newest),
            "bytes_in_memory": sum(len(shot.content) for shot in self._newest.values()),
            "bytes_on_disk": self._film.size,
        }


async def _fetched(fetch: Fetch) -> Picture | Exception:
    try:
        return await fetch()
    except Exception as err:  # noqa: BLE001  whether it may pass is the vendor's to say
        return err
