"""Which occurrences have been told; survives restarts, and a kill in mid-telling costs at most one told again.

A file of one JSON object per line: first the baseline, then one line for each occurrence, written and synced before
the next one is told. What lies at or before the baseline counts as told. As the file grows the oldest lines are
dropped and the baseline moves up to them, so the journal stays bounded and still tells nothing twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
import logging
import os
from pathlib import Path
from typing import Final

from homeassistant.util.file import write_utf8_file_atomic
import msgspec

from .model import Occurrence

_LOGGER = logging.getLogger(__name__)

MOST_TOLD: Final = 5_000

type Executor = Callable[..., Awaitable[object]]


class _Line(msgspec.Struct):
    """A baseline (no id) or an occurrence that was told."""

    at: datetime
    id: str = ""


_DECODER: Final = msgspec.json.Decoder(_Line)


@dataclass(slots=True)
class _Book:
    """The journal's content: the baseline and what was told since, by id."""

    baseline: datetime
    told: dict[str, datetime]
    was_read: bool = True


class Journal:
    """The journal of one account; `executor` runs blocking calls."""

    def __init__(self, path: Path, executor: Executor) -> None:
        self._path = path
        self._executor = executor
        self._told: dict[str, datetime] = {}
        self._waiting: set[str] = set()
        self._covered: dict[str, list[str]] = {}
        self._lines = 0
        self.baseline = datetime.now(UTC)

    @property
    def told_until(self) -> datetime:
        """The newest time of what was told; nothing later has been."""
        return max(self._told.values(), default=self.baseline)

    @property
    def size(self) -> int:
        """How many occurrences the journal knows."""
        return len(self._told)

    async def async_load(self, now: datetime) -> None:
        """Read the file; where there is none or it is broken, what happened until `now` counts as told."""
        book = await self._executor(_read, self._path, now)
        assert isinstance(book, _Book)
        self.baseline, self._told = book.baseline, book.told
        if not book.was_read:
            _LOGGER.warning(
                "The journal of told events could not be read; what happened before now is not told again"
            )
        await self._rewrite()

    def admit(self, occurrences: Iterable[Occurrence]) -> list[Occurrence]:
        """Return those that are still to be told, by time; from now on they are known.

        One that follows another is told if that one was known before. Where both come at once, the first tells of
        both, and the second counts as told with it.
        """
        fresh: dict[str, Occurrence] = {}
        following: list[Occurrence] = []
        for occurrence in occurrences:
            if self._is_known(occurrence.id) or occurrence.at <= self.baseline:
                continue
            if occurrence.follows is None:
                fresh.setdefault(occurrence.id, occurrence)
            else:
                following.append(occurrence)
        for occurrence in following:
            first = occurrence.follows or ""
            if first in fresh:
                self._covered.setdefault(first, []).append(occurrence.id)
            elif self._is_known(first):
                fresh.setdefault(occurrence.id, occurrence)
        self._waiting.update(fresh, *self._covered.values())
        return sorted(fresh.values(), key=lambda occurrence: occurrence.at)

    def _is_known(self, occurrence: str) -> bool:
        return occurrence in self._told or occurrence in self._waiting

    async def async_told(self, occurrence: Occurrence) -> None:
        """Write down that this one was told; returns when it would survive a kill."""
        told = [occurrence.id, *self._covered.pop(occurrence.id, ())]
        self._told.update(dict.fromkeys(told, occurrence.at))
        self._waiting.difference_update(told)
        self._lines += len(told)
        if self._lines > 2 * MOST_TOLD:
            await self._rewrite()
        else:
            lines = "".join(_line(occurrence.at, known) for known in told)
            await self._executor(_append, self._path, lines)

    async def _rewrite(self) -> None:
        by_time = sorted(self._told.items(), key=lambda item: item[1])
        if surplus := by_time[:-MOST_TOLD]:
            self.baseline = max(self.baseline, surplus[-1][1])
        self._told = dict(by_time[-MOST_TOLD:])
        self._lines = len(self._told)
        lines = [_line(self.baseline)]
        lines += [_line(at, occurrence) for occurrence, at in self._told.items()]
        await self._executor(_write, self._path, "".join(lines))

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._executor(self._path.unlink, True)


def _read(path: Path, now: datetime) -> _Book:
    """Read what is there. A torn last line is what a kill leaves; any other broken line spoils the whole."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return _Book(now, {})
    except OSError:
        return _Book(now, {}, was_read=False)
    read: list[_Line] = []
    for number, line in enumerate(lines, start=1):
        try:
            read.append(_DECODER.decode(line))
        except msgspec.MsgspecError, ValueError:
            if number < len(lines) or number == 1:
                return _Book(now, {}, was_read=False)
    if not read or read[0].id or any(line.at.tzinfo is None for line in read):
        return _Book(now, {}, was_read=False)
    return _Book(read[0].at, {line.id: line.at for line in read[1:]})


def _line(at: datetime, occurrence: str = "") -> str:
    fields = {"at": at.isoformat(), "id": occurrence} if occurrence else {"at": at.isoformat()}
    return msgspec.json.encode(fields).decode() + "\n"


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_utf8_file_atomic(str(path), content)


def _append(path: Path, lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
