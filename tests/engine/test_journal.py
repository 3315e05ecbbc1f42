"""What the journal lets through, whatever becomes of its file and of the clocks."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import errno
from itertools import product
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from custom_components.watchpost.engine.events import journal as journal_module
from custom_components.watchpost.engine.events import journal_file
from custom_components.watchpost.engine.events.journal import EventJournal, PendingEvents
from custom_components.watchpost.engine.events.journal_file import encode, parse
from custom_components.watchpost.models import VendorEvent, VendorEventType

NOW = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
YEAR = timedelta(days=365)
FIRST = VendorEvent("first", VendorEventType.INCURSION, NOW + timedelta(minutes=1), "machine")
SECOND = VendorEvent(
    "second",
    VendorEventType.INCURSION_ACKNOWLEDGED,
    NOW + timedelta(minutes=2),
    "machine",
    follows="first",
)


@dataclass
class FakeClock:
    """Clocks that stand still: the local one, and the vendor's if a response has told it."""

    local: datetime = NOW
    vendor: datetime | None = None
    monotonic: float = 0.0

    def now(self) -> float:
        return self.monotonic

    def now_utc(self) -> datetime:
        return self.local

    def vendor_utc(self) -> datetime | None:
        return self.vendor

    def trusted_utc(self) -> datetime:
        return self.local


async def _at_once(job: Callable[..., Any], *arguments: Any) -> Any:
    return job(*arguments)


async def opened(
    path: Path,
    now: datetime = NOW,
    *,
    vendor: datetime | None = None,
    pending: PendingEvents | None = None,
    settle: bool = True,
) -> EventJournal:
    clock = FakeClock(now, vendor)
    journal = EventJournal(
        path, _at_once, clock, title="Account", pending=pending or PendingEvents()
    )
    await journal.async_load()
    if settle:
        await journal.async_settle()
    return journal


def raised(number: int, at: datetime | None = None) -> VendorEvent:
    """An alarm, a minute after the one before."""
    at = at or NOW + number * MINUTE
    return VendorEvent(f"alarm-{number}", VendorEventType.ALARM_RAISED, at, "sensor")


async def dispatch(journal: EventJournal, *vendor_events: VendorEvent) -> list[str]:
    """Dispatch what is let through, as the account does."""
    admitted = journal.filter_new(vendor_events)
    for vendor_event in admitted:
        with suppress(OSError):
            await journal.async_mark_delivered(vendor_event)
    return [vendor_event.id for vendor_event in admitted]


async def written(path: Path, count: int = 5) -> bytes:
    """A journal with so many alarms, as bytes."""
    path.unlink(missing_ok=True)
    journal = await opened(path)
    await dispatch(journal, *map(raised, range(1, count + 1)))
    return path.read_bytes()


# What follows another


async def test_what_follows_is_told_after_what_was_told_before_also_over_a_restart(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path / "journal")
    assert journal.filter_new([FIRST]) == [FIRST]
    await journal.async_mark_delivered(FIRST)

    journal = await opened(tmp_path / "journal")

    assert journal.filter_new([FIRST, SECOND]) == [SECOND]
    assert journal.filter_new([FIRST, SECOND]) == []


async def test_what_comes_at_once_with_what_it_follows_is_never_told_by_itself(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path / "journal")
    assert journal.filter_new([SECOND, FIRST]) == [FIRST]
    assert journal.filter_new([FIRST, SECOND]) == []
    await journal.async_mark_delivered(FIRST)
    assert journal.filter_new([FIRST, SECOND]) == []

    journal = await opened(tmp_path / "journal")

    assert journal.filter_new([FIRST, SECOND]) == []


async def test_what_follows_something_never_told_is_not_told(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal", FIRST.at)

    assert journal.filter_new([FIRST, SECOND]) == []


async def test_what_follows_something_that_still_waits_to_be_told_is_told(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal")
    assert journal.filter_new([FIRST]) == [FIRST]

    assert journal.filter_new([FIRST, SECOND]) == [SECOND]


# Damage


def as_written_by_0_1_0(count: int = 5) -> bytes:
    """A journal without checksums."""
    lines = [{"at": NOW.isoformat()}]
    lines += [{"at": raised(n).at.isoformat(), "id": raised(n).id} for n in range(1, count + 1)]
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


def read_by_0_1_0(data: bytes) -> tuple[datetime, dict[str, datetime]]:
    """What version 0.1.0 reads; it voids the whole journal for any damaged line but the last."""

    class Line(msgspec.Struct):
        at: datetime
        id: str = ""

    first, *others = [msgspec.json.decode(line, type=Line) for line in data.splitlines()]
    assert not first.id
    return first.at, {line.id: line.at for line in others}


async def test_a_journal_of_0_1_0_is_read_gets_checksums_and_can_be_read_by_0_1_0_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    path.write_bytes(as_written_by_0_1_0())
    before = read_by_0_1_0(path.read_bytes())

    journal = await opened(path, NOW + YEAR)

    assert journal.filter_new(map(raised, range(6))) == []
    assert journal.baseline == NOW
    assert all("crc" in json.loads(line) for line in path.read_bytes().splitlines())
    assert read_by_0_1_0(path.read_bytes()) == before
    assert await dispatch(journal, raised(6)) == ["alarm-6"]
    assert "alarm-6" in read_by_0_1_0(path.read_bytes())[1]


@pytest.mark.parametrize("is_old", [False, True], ids=["with checksums", "of 0.1.0"])
async def test_a_cut_at_any_byte_loses_no_event_and_repeats_only_what_was_cut_off(
    tmp_path: Path, is_old: bool
) -> None:
    path = tmp_path / "journal"
    data = as_written_by_0_1_0() if is_old else await written(path)
    first_line = data.index(b"\n")
    for size in range(len(data)):
        path.write_bytes(data[:size])
        # A line that lacks its end alone is a whole one.
        whole = len([line for line in data[:size].split(b"\n")[1:] if line.endswith(b"}")])
        journal = await opened(path, NOW + 9 * MINUTE)
        new = raised(10)

        dispatched = await dispatch(journal, *map(raised, range(1, 6)), new)

        # With nothing left to go by, what happened before now counts as dispatched.
        repeated = range(whole + 1, 6) if size >= first_line else ()
        assert dispatched == [raised(number).id for number in repeated] + [new.id], size
        assert parse(path.read_bytes()).is_sound, size


def flips(data: bytes) -> Iterator[bytes]:
    for place, bit in product(range(len(data)), range(8)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        yield bytes(flipped)


@pytest.mark.parametrize("is_old", [False, True], ids=["with checksums", "of 0.1.0"])
async def test_any_flipped_bit_loses_no_event_and_repeats_at_most_those_of_two_lines(
    tmp_path: Path, is_old: bool
) -> None:
    """A flip of a line's end makes two lines unreadable; any other one."""
    data = as_written_by_0_1_0() if is_old else await written(tmp_path / "journal")
    now = NOW + 9 * MINUTE
    known, new = list(map(raised, range(1, 6))), raised(10)
    tried = lost = 0
    repeated = [0, 0, 0]
    for flipped in flips(data):
        journal = EventJournal(
            tmp_path / "none", _at_once, FakeClock(now), title="Account", pending=PendingEvents()
        )
        journal.take(parse(flipped))
        admitted = [vendor_event.id for vendor_event in journal.filter_new([*known, new])]
        tried += 1
        lost += new.id not in admitted
        repeated[len(admitted) - 1] += 1
    assert tried == 8 * len(data) > 2_000
    assert lost == 0
    assert repeated[2] <= 8 * 5


@pytest.mark.parametrize("is_old", [False, True], ids=["with checksums", "of 0.1.0"])
async def test_a_flipped_bit_in_the_first_line_drops_nothing_that_was_not_dispatched(
    tmp_path: Path, is_old: bool
) -> None:
    data = as_written_by_0_1_0() if is_old else await written(tmp_path / "journal")
    end = data.index(b"\n")
    for flipped in flips(data[:end]):
        content = parse(flipped + data[end:])
        journal = EventJournal(
            tmp_path / "none",
            _at_once,
            FakeClock(NOW + YEAR),
            title="Account",
            pending=PendingEvents(),
        )
        journal.take(content)
        assert [each.id for each in journal.filter_new([raised(6)])] == ["alarm-6"]
        assert journal.baseline <= NOW + 5 * MINUTE


@pytest.mark.parametrize(
    "damage",
    [
        b'{"at"{"at":"2026-09-13T12:0',
        b"\x00" * 512,
        b'{"at":"2026-09-13T12:09:00+00:00","id":"other","crc":"00000000"}\n',
        b'{"at":"2026-09-13T12:09:00","id":"without a zone"}\n',
        b'{"at":12}\n',
        b'{"at":"1970-01-01T00:00:00+00:00"}\n',
        b"\xff\xfe\n",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 3, 6])
async def test_a_damaged_line_anywhere_costs_no_event_and_no_other_line(
    tmp_path: Path, damage: bytes, place: int
) -> None:
    path = tmp_path / "journal"
    lines = (await written(path)).splitlines(keepends=True)
    path.write_bytes(b"".join((*lines[:place], damage.rstrip(b"\n"), b"\n", *lines[place:])))

    journal = await opened(path, NOW + 9 * MINUTE)

    assert await dispatch(journal, *map(raised, range(1, 6)), raised(10)) == ["alarm-10"]


# A disk that takes nothing


@dataclass
class Disk:
    """A disk that may be full: it takes so many bytes of a write and refuses the rest."""

    takes: int | None = None
    error: int = errno.ENOSPC
    failures: int = 0
    write: Callable[..., None] = field(default=journal_file._write)

    def __call__(self, write: Callable[[memoryview], int | None], data: bytes) -> None:
        if self.takes is None:
            self.write(write, data)
            return
        write(memoryview(data)[: self.takes])
        self.failures += 1
        raise OSError(self.error, os.strerror(self.error))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(journal_file, "_write", disk)
    return disk


@pytest.mark.parametrize("takes", [0, 1, 7, 60, 500])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EIO])
async def test_a_write_that_fails_leaves_no_half_line_and_is_made_up_for_by_the_next(
    tmp_path: Path, disk: Disk, takes: int, error: int
) -> None:
    path = tmp_path / "journal"
    before = await written(path)
    journal = await opened(path, NOW + 9 * MINUTE)
    disk.takes, disk.error = takes, error
    assert await dispatch(journal, raised(6), raised(7)) == ["alarm-6", "alarm-7"]
    assert path.read_bytes() == before
    assert disk.failures == 2

    disk.takes = None
    await dispatch(journal, raised(8))
    journal = await opened(path, NOW + 9 * MINUTE)

    assert await dispatch(journal, *map(raised, range(1, 10))) == ["alarm-9"]
    assert parse(path.read_bytes()).is_sound


async def test_half_a_line_that_cannot_be_cut_off_costs_the_next_line_nothing(
    tmp_path: Path, disk: Disk
) -> None:
    path = tmp_path / "journal"
    await written(path)
    journal = await opened(path, NOW + 9 * MINUTE)
    with path.open("ab") as file:
        file.write(b'{"at":"2026')

    await dispatch(journal, raised(6))

    journal = await opened(path, NOW + 9 * MINUTE)
    assert await dispatch(journal, *map(raised, range(1, 8))) == ["alarm-7"]


async def test_what_a_full_disk_did_not_take_is_known_over_a_reload_and_written_when_it_can_be(
    tmp_path: Path, disk: Disk
) -> None:
    path = tmp_path / "journal"
    await written(path)
    pending = PendingEvents()
    journal = await opened(path, pending=pending)
    disk.takes = 0
    await dispatch(journal, raised(6))

    journal = await opened(path, pending=pending)
    assert await dispatch(journal, raised(6)) == []

    disk.takes = None
    assert await journal.async_flush()
    assert not pending.unwritten
    journal = await opened(path)
    assert await dispatch(journal, raised(6), raised(7)) == ["alarm-7"]


async def test_a_disk_that_is_full_at_the_first_start_costs_no_event_later(
    tmp_path: Path, disk: Disk
) -> None:
    path = tmp_path / "folder" / "journal"
    disk.takes = 0
    journal = await opened(path)
    assert await dispatch(journal, raised(1)) == ["alarm-1"]
    assert not path.exists()
    assert list(path.parent.iterdir()) == []

    disk.takes = None
    assert await journal.async_flush()

    journal = await opened(path, NOW + YEAR)
    assert await dispatch(journal, raised(1), raised(2)) == ["alarm-2"]


async def test_a_kill_while_the_file_is_replaced_leaves_one_that_the_next_start_deletes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "watchpost.entry.journal"
    await written(path)
    left = tmp_path / "watchpost.entry.journal.tmp"
    left.write_bytes(b"half")
    foreign = tmp_path / "tmpk3j2"
    foreign.write_bytes(b"somebody else's")

    await opened(path)

    assert not left.exists()
    assert foreign.exists()


async def test_a_journal_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.mkdir()

    journal = await opened(path)

    assert await dispatch(journal, raised(1)) == ["alarm-1"]
    assert await dispatch(journal, raised(1)) == []
    assert path.is_dir()


async def test_a_journal_that_is_deleted_while_running_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    await written(path)
    journal = await opened(path)
    path.unlink()

    await dispatch(journal, raised(6))

    assert parse(path.read_bytes()).is_sound
    journal = await opened(path)
    assert await dispatch(journal, *map(raised, range(8))) == ["alarm-7"]


# Compaction


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(journal_module, "MAX_DELIVERED", 4)
    return 4


@pytest.mark.usefixtures("few")
async def test_compaction_does_not_move_the_baseline_past_what_still_waits(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = await opened(path)
    waiting = raised(99, NOW + 2 * MINUTE + MINUTE / 2)
    assert journal.filter_new([waiting]) == [waiting]

    journal.clock.local, journal.clock.monotonic = NOW + YEAR, 3_600
    await dispatch(journal, *map(raised, range(1, 30)))

    # Killed before its turn came.
    journal = await opened(path, NOW + YEAR)
    assert await dispatch(journal, *map(raised, range(1, 30)), waiting) == ["alarm-99"]


@pytest.mark.usefixtures("few")
async def test_events_of_one_moment_are_not_parted_by_the_baseline(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal")
    journal.clock.local, journal.clock.monotonic = NOW + YEAR, 3_600
    storm = [raised(number, NOW + MINUTE) for number in range(40)]

    assert len(await dispatch(journal, *storm[:30])) == 30
    assert len(await dispatch(journal, *storm)) == 10


@pytest.mark.usefixtures("few")
async def test_events_dated_in_the_future_move_no_baseline_and_suppress_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    journal = await opened(path, NOW, vendor=NOW)
    journal.clock.local = journal.clock.vendor = NOW + 20 * MINUTE
    journal.clock.monotonic = 3_600
    for number in range(30):
        await dispatch(journal, raised(100 + number, NOW + 10 * YEAR + number * MINUTE))
        assert journal.delivered_until <= NOW + 20 * MINUTE
    await dispatch(journal, *map(raised, range(21, 40)))

    for current in (journal, await opened(path, NOW + 50 * MINUTE, vendor=NOW + 50 * MINUTE)):
        assert current.baseline <= NOW + 50 * MINUTE
        assert current.delivered_until <= NOW + 50 * MINUTE
    assert await dispatch(current, raised(41)) == ["alarm-41"]
    assert await dispatch(current, raised(101, NOW + 10 * YEAR + MINUTE)) == []


@pytest.mark.usefixtures("few")
async def test_compaction_that_fails_leaves_the_file_as_it_is_and_costs_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    path = tmp_path / "journal"
    journal = await opened(path)
    journal.clock.local, journal.clock.monotonic = NOW + YEAR, 3_600
    with monkeypatch.context() as full:
        full.setattr(journal_file.JournalFile, "rewrite", fail)
        assert len(await dispatch(journal, *map(raised, range(1, 40)))) == 39
    assert len(path.read_bytes().splitlines()) == 40
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1

    journal.clock.monotonic += 61
    await dispatch(journal, raised(41))

    assert len(path.read_bytes().splitlines()) < 8
    journal = await opened(path, NOW + YEAR)
    assert await dispatch(journal, *map(raised, range(1, 43))) == ["alarm-40", "alarm-42"]


# Clocks


def baseline_of(at: datetime) -> bytes:
    return encode(at)


@pytest.mark.parametrize("is_old", [False, True], ids=["with checksums", "of 0.1.0"])
async def test_a_baseline_of_2035_gives_way_to_the_newest_event_that_is_not_ahead(
    tmp_path: Path, is_old: bool
) -> None:
    path = tmp_path / "journal"
    data = as_written_by_0_1_0() if is_old else await written(path)
    _, *others = data.splitlines(keepends=True)
    first = b'{"at":"2035-01-01T00:00:00+00:00"}\n' if is_old else baseline_of(NOW + 9 * YEAR)
    path.write_bytes(first + b"".join(others))
    now = NOW + timedelta(days=3)

    journal = await opened(path, now, vendor=now)

    assert NOW <= journal.baseline <= raised(5).at
    assert journal.delivered_until == raised(5).at
    assert await dispatch(journal, *map(raised, range(1, 7))) == ["alarm-6"]
    assert parse(path.read_bytes()).baseline == journal.baseline


async def test_a_baseline_of_2035_alone_gives_way_to_now(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(baseline_of(NOW + 9 * YEAR))

    journal = await opened(path, NOW, vendor=NOW)

    assert await dispatch(journal, raised(0), raised(1)) == ["alarm-1"]


@pytest.mark.parametrize(
    "wrong", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2020, 5, 1, tzinfo=UTC)]
)
async def test_a_clock_that_was_not_set_waits_for_the_vendors_and_keeps_the_journal(
    tmp_path: Path, wrong: datetime
) -> None:
    path = tmp_path / "journal"
    before = await written(path)
    journal = await opened(path, wrong)
    assert path.read_bytes() == before

    journal.clock.vendor = NOW + 9 * MINUTE

    assert journal.baseline == NOW
    assert journal.delivered_until == raised(5).at
    assert await dispatch(journal, *map(raised, range(1, 7))) == ["alarm-6"]
    # The clock is set while Home Assistant runs.
    journal.clock.local = NOW + 10 * MINUTE
    assert await dispatch(journal, *map(raised, range(1, 8))) == ["alarm-7"]
    journal = await opened(path, NOW + YEAR)
    assert await dispatch(journal, *map(raised, range(1, 9))) == ["alarm-8"]


@pytest.mark.parametrize(
    "wrong", [datetime(1970, 1, 1, tzinfo=UTC), NOW - YEAR, NOW + 9 * YEAR], ids=str
)
async def test_a_first_start_with_a_wrong_clock_begins_at_the_vendors_now(
    tmp_path: Path, wrong: datetime
) -> None:
    path = tmp_path / "journal"
    journal = await opened(path, wrong, settle=False)
    journal.clock.monotonic, journal.clock.vendor = 60, NOW + MINUTE

    await journal.async_settle()

    assert journal.baseline == NOW
    assert parse(path.read_bytes()).baseline == NOW
    assert await dispatch(journal, raised(-1), raised(1)) == ["alarm-1"]


async def test_a_clock_that_is_behind_decides_where_no_vendor_tells_the_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    before = await written(path)

    journal = await opened(path, NOW - YEAR)

    assert journal.filter_new(map(raised, range(1, 6))) == []
    assert await dispatch(journal, raised(6)) == ["alarm-6"]
    assert path.read_bytes().startswith(before)
