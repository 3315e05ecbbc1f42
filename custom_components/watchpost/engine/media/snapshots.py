"""Snapshots of cameras that must be woken for them: requested once, fetched once, shown from memory.

Viewing a picture never wakes a camera. Concurrent requests for a camera share one snapshot. The newest pictures are
in memory and on disk, so that they are shown after a restart; older ones are on disk only.
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

# Seconds after which a missing picture counts as failed.
TIMEOUT: Final = 120.0
FIRST_PAUSE: Final = 1.0
MAX_PAUSE: Final = 15.0

MAX_BYTES_IN_MEMORY: Final = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The result of a snapshot: when it was requested, and why a picture is missing, if one is."""

    taken_at: datetime
    failure: Exception | None = None


class PendingSnapshot:
    """A snapshot in progress; any number of callers may wait for it."""

    def __init__(self, task: asyncio.Future[Snapshot]) -> None:
        self._task = task

    @classmethod
    def given_up(cls) -> PendingSnapshot:
        """Return a cancelled snapshot, because the account was unloaded."""
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        return cls(gone)

    async def result(self) -> Snapshot | None:
        """Wait for the result; None where the account was unloaded. Cancelling a caller does not stop the snapshot."""
        await asyncio.wait([self._task])
        return None if self._task.cancelled() else self._task.result()

    async def state(self) -> JobState:
        """Return the state as that of a job."""
        if not self._task.done():
            return JobState.RUNNING
        is_made = not self._task.cancelled() and self._task.result().failure is None
        return JobState.DONE if is_made else JobState.FAILED


def shots_path(hass: HomeAssistant, entry: ConfigEntry) -> Path:
    """Return the folder of an account's pictures, which backups exclude."""
    return Path(hass.config.cache_path(DOMAIN, entry.entry_id))


async def async_forget_shots(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the pictures of an account that is removed."""
    await hass.async_add_executor_job(PictureStore(shots_path(hass, entry)).remove)


class SnapshotManager:
    """The snapshots of one account's cameras; `taken` is called with device and time for each new picture."""

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
        self._store = PictureStore(shots_path(hass, entry))
        self._write_lock = asyncio.Lock()
        self._newest: OrderedDict[tuple[str, str], Picture] = OrderedDict()
        self._requests: dict[str, asyncio.Task[PendingSnapshot]] = {}
        self._pending: dict[str, PendingSnapshot] = {}
        self._reading: dict[Path, asyncio.Future[Picture | None]] = {}
        self._is_unwritten = False
        self._counts: Counter[str] = Counter()

    async def async_load(self) -> None:
        """List the pictures on disk; they are read when they are viewed."""
        await self._hass.async_add_executor_job(self._store.load)

    # Stored pictures

    async def newest(self, device: str, kind: str) -> Picture | None:
        """Return the newest picture of a kind, None while there is none; makes no request."""
        if (picture := self._newest.get((device, kind))) is not None:
            self._newest.move_to_end((device, kind))
            return picture
        if (stored := self._last(device, kind)) is None:
            return None
        picture = await self._read(stored)
        if picture is not None and (device, kind) not in self._newest:
            self._cache(device, kind, picture)
        return picture

    def newest_at(self, device: str, kind: str) -> datetime | None:
        """Return when the newest picture of a kind was taken."""
        if (picture := self._newest.get((device, kind))) is not None:
            return picture.taken_at
        stored = self._last(device, kind)
        return stored.taken_at if stored else None

    def _last(self, device: str, kind: str) -> StoredPicture | None:
        return next(
            (stored for stored in reversed(self._store.of(device)) if stored.kind == kind), None
        )

    def kept(self, device: str) -> Sequence[tuple[datetime, str]]:
        """Return time and kind of each stored picture of a device, newest first."""
        return [(stored.taken_at, stored.kind) for stored in reversed(self._store.of(device))]

    async def shot(self, device: str, kind: str, at: datetime) -> Picture | None:
        """Return a picture by its time, None where it is not stored."""
        for stored in self._store.of(device):
            if (stored.kind, stored.taken_at) == (kind, at):
                return await self._read(stored)
        return None

    async def _read(self, stored: StoredPicture) -> Picture | None:
        """Read a picture from disk; concurrent callers share one read."""
        if (reading := self._reading.get(stored.path)) is None:
            reading = self._hass.async_add_executor_job(stored.read)
            self._reading[stored.path] = reading
            reading.add_done_callback(lambda _: self._reading.pop(stored.path, None))
        return await asyncio.shield(reading)

    def _cache(self, device: str, kind: str, picture: Picture) -> None:
        """Cache a picture in memory; the least recently used are evicted."""
        self._newest[device, kind] = picture
        self._newest.move_to_end((device, kind))
        while sum(len(each.content) for each in self._newest.values()) > MAX_BYTES_IN_MEMORY:
            self._newest.popitem(last=False)

    # New snapshots

    async def ask(self, device: str) -> PendingSnapshot:
        """Request a snapshot, or share the one in progress; raises the vendor's errors."""
        if (pending := self._pending.get(device)) is not None:
            self._counts["joined"] += 1
            return pending
        if (request := self._requests.get(device)) is None:
            request = self._begin(device)
        else:
            self._counts["joined"] += 1
        try:
            return await asyncio.shield(request)
        except asyncio.CancelledError:
            if request.cancelled():
                return PendingSnapshot.given_up()
            raise

    def _begin(self, device: str) -> asyncio.Task[PendingSnapshot]:
        request = self._requests[device] = self._entry.async_create_background_task(
            self._hass, self._ask(device), f"{DOMAIN} asks for a picture"
        )

        def asked(task: asyncio.Task[PendingSnapshot]) -> None:
            self._requests.pop(device, None)
            if not task.cancelled():
                task.exception()  # retrieved, since no caller may be left to await it

        request.add_done_callback(asked)
        return request

    async def _ask(self, device: str) -> PendingSnapshot:
        self._counts["asked"] += 1
        # File names have whole seconds.
        at = datetime.now(UTC).replace(microsecond=0)
        fetches = await self._cameras.ask(device, at)
        task = self._entry.async_create_background_task(
            self._hass, self._fetch_all(device, at, fetches), f"{DOMAIN} fetches a picture"
        )
        pending = self._pending[device] = PendingSnapshot(task)
        task.add_done_callback(lambda _: self._pending.pop(device, None))
        return pending

    async def _fetch_all(self, device: str, at: datetime, fetches: Mapping[str, Fetch]) -> Snapshot:
        """Fetch each picture as soon as it is ready; one that fails does not hide the others."""
        began = self._hass.loop.time()
        waiting, failures = dict(fetches), dict[str, Exception]()
        for pause in self._pauses():
            if not waiting or self._hass.loop.time() + pause - began > TIMEOUT:
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

    async def _keep(self, device: str, kind: str, picture: Picture) -> None:
        """Show a picture at once, then write it; a full disk must not keep it from being shown."""
        self._cache(device, kind, picture)
        self._taken(device, picture.taken_at)
        async with self._write_lock:
            try:
                await self._hass.async_add_executor_job(self._store.keep, device, kind, picture)
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
        """Return counts and sizes, never contents."""
        names = ("asked", "joined", "made", "failed")
        return {
            **{name: self._counts[name] for name in names},
            "under_way": len(self._pending),
            "in_memory": len(self._newest),
            "bytes_in_memory": sum(len(picture.content) for picture in self._newest.values()),
            "bytes_on_disk": self._store.size,
        }


async def _fetched(fetch: Fetch) -> Picture | Exception:
    try:
        return await fetch()
    except Exception as err:  # noqa: BLE001  the vendor decides whether it is temporary
        return err
