"""The file of a journal: one JSON object per line, each with a checksum, so that damage costs damaged lines alone.

The first line holds the baseline (no id), each other one a dispatched event. Lines of version 0.1.0 have no checksum.
Everything here blocks.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
import ctypes
from dataclasses import dataclass, field
from datetime import datetime
import os
from pathlib import Path
import sys
from typing import Final
from zlib import crc32

import msgspec

from ...models import EARLIEST

# Bytes that are reserved for new lines, so that about a hundred more can be written to a full disk.
RESERVE: Final = 16 * 1024
_KEEP_SIZE: Final = 1


class _Line(msgspec.Struct):
    """A baseline (no id) or a dispatched event, with the checksum of both fields."""

    at: datetime
    id: str = ""
    crc: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Line)


@dataclass(slots=True)
class Content:
    """The content of a journal's file: the baseline, None where that cannot be read, and each event's time by id.

    `unreadable` counts damaged lines, without a torn last line, which every crash may leave. `is_sound`: all lines
    could be read and have checksums.
    """

    baseline: datetime | None = None
    dispatched: dict[str, datetime] = field(default_factory=dict)
    unreadable: int = 0
    is_there: bool = True
    is_sound: bool = False


def encode(at: datetime, event_id: str = "") -> bytes:
    """Return a line of the file."""
    fields = {"at": at.isoformat()}
    if event_id:
        fields["id"] = event_id
    return msgspec.json.encode({**fields, "crc": _checksum(at, event_id)}) + b"\n"


def encode_all(baseline: datetime, dispatched: Mapping[str, datetime]) -> bytes:
    """Return the whole file."""
    lines = (encode(at, event_id) for event_id, at in dispatched.items())
    return b"".join((encode(baseline), *lines))


def _checksum(at: datetime, event_id: str) -> str:
    return f"{crc32(f'{at.isoformat()} {event_id}'.encode()):08x}"


def parse(data: bytes) -> Content:
    """Parse all lines that can be read."""
    content = Content()
    has_checksums = True
    oldest: datetime | None = None
    *lines, last = data.split(b"\n")
    for number, text in enumerate((*lines, last)):
        if not text.strip():
            continue
        if (line := _decoded(text)) is None:
            # A line without an end was being written when the process died.
            content.unreadable += number < len(lines)
            continue
        has_checksums &= line.crc is not None
        is_plausible = line.at >= EARLIEST
        if line.id:
            # The id counts even with an impossible time: the event must not be dispatched again.
            content.dispatched[line.id] = line.at if is_plausible else EARLIEST
            if is_plausible and line.crc is None:
                oldest = line.at if oldest is None else min(oldest, line.at)
        elif is_plausible and content.baseline is None and (number == 0 or line.crc is not None):
            content.baseline = line.at
            is_checked = line.crc is not None
        else:
            content.unreadable += 1
    if content.baseline is not None and not is_checked and oldest is not None:
        # A line without a checksum may be damaged; no event was dispatched before the baseline.
        content.baseline = min(content.baseline, oldest)
    content.is_sound = (
        has_checksums and not last and not content.unreadable and content.baseline is not None
    )
    return content


def _decoded(text: bytes) -> _Line | None:
    """Return a line, None for one that is damaged."""
    try:
        line = _DECODER.decode(text)
    except msgspec.MsgspecError, ValueError:
        return None
    if line.at.tzinfo is None or line.crc not in (None, _checksum(line.at, line.id)):
        return None
    return line


class JournalFile:
    """The file of one journal; all methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # A fixed name, so that a file that a crash left behind is recognized.
        self._temporary = path.with_name(f"{path.name}.tmp")
        self._size = 0

    def load(self) -> Content:
        """Read the file; delete an unfinished one that a crash left behind."""
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Content(is_there=False)
        self._size = len(data)
        return parse(data)

    def append(self, lines: bytes) -> None:
        """Append lines, after a line end where the file ends in half a line, and sync them to disk.

        A partial write is truncated again. Raises FileNotFoundError where the file became shorter.
        """
        with self._path.open("r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size < self._size:
                raise FileNotFoundError
            if size:
                file.seek(size - 1)
                lines = lines if file.read(1) == b"\n" else b"\n" + lines
            try:
                _write(file.write, lines)
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(size)
                raise
            self._size = size + len(lines)
            _reserve(file.fileno(), self._size)

    def rewrite(self, content: bytes) -> None:
        """Replace the file atomically; on failure the old one stays as it is."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._temporary.open("wb", buffering=0) as file:
                _write(file.write, content)
                _reserve(file.fileno(), len(content))
                os.fsync(file.fileno())
            self._temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                self._temporary.unlink(missing_ok=True)
            raise
        self._size = len(content)
        with suppress(OSError):
            _sync_folder(self._path.parent)

    def remove(self) -> None:
        """Delete the file and an unfinished one."""
        self._temporary.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


def _write(write: Callable[[memoryview], int | None], data: bytes) -> None:
    """Write all of the data; a disk that is almost full may take a part first."""
    left = memoryview(data)
    while left:
        left = left[write(left) or 0 :]


def _sync_folder(folder: Path) -> None:
    """Sync a folder, so that the new name of a file survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fallocate() -> Callable[[int, int, int, int], int] | None:
    """Return the C library's fallocate where there is one; Python's own would make the file longer."""
    if sys.maxsize <= 2**32:
        return None
    try:
        found = ctypes.CDLL(None).fallocate
    except OSError, AttributeError, TypeError:
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    found.restype = ctypes.c_int
    return found


_FALLOCATE: Final = _fallocate()


def _reserve(descriptor: int, size: int) -> None:
    """Reserve blocks behind the end of a file, where the file system can; its length stays as it is."""
    if _FALLOCATE is not None:
        until = -(-(size + RESERVE) // RESERVE) * RESERVE
        _FALLOCATE(descriptor, _KEEP_SIZE, 0, until)
