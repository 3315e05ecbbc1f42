"""What the journal lets through where one occurrence takes another further."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from custom_components.watchpost.engine.journal import Journal
from custom_components.watchpost.engine.model import Occurrence, OccurrenceType

NOW = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)
FIRST = Occurrence("first", OccurrenceType.INCURSION, NOW + timedelta(minutes=1), "machine")
SECOND = Occurrence(
    "second",
    OccurrenceType.INCURSION_ACKNOWLEDGED,
    NOW + timedelta(minutes=2),
    "machine",
    follows="first",
)


async def _at_once(job: Callable[..., Any], *arguments: Any) -> Any:
    return job(*arguments)


async def opened(path: Path, now: datetime = NOW) -> Journal:
    journal = Journal(path, _at_once)
    await journal.async_load(now)
    return journal


async def test_what_follows_is_told_after_what_was_told_before_also_over_a_restart(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path / "journal")
    assert journal.admit([FIRST]) == [FIRST]
    await journal.async_told(FIRST)

    journal = await opened(tmp_path / "journal")

    assert journal.admit([FIRST, SECOND]) == [SECOND]
    assert journal.admit([FIRST, SECOND]) == []


async def test_what_comes_at_once_with_what_it_follows_is_never_told_by_itself(
    tmp_path: Path,
) -> None:
    journal = await opened(tmp_path / "journal")
    assert journal.admit([SECOND, FIRST]) == [FIRST]
    assert journal.admit([FIRST, SECOND]) == []
    await journal.async_told(FIRST)
    assert journal.admit([FIRST, SECOND]) == []

    journal = await opened(tmp_path / "journal")

    assert journal.admit([FIRST, SECOND]) == []


async def test_what_follows_something_never_told_is_not_told(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal", FIRST.at)

    assert journal.admit([FIRST, SECOND]) == []


async def test_what_follows_something_that_still_waits_to_be_told_is_told(tmp_path: Path) -> None:
    journal = await opened(tmp_path / "journal")
    assert journal.admit([FIRST]) == [FIRST]

    assert journal.admit([FIRST, SECOND]) == [SECOND]
