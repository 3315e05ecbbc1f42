"""What is counted of incursions, and what is never taken for safe."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.watchpost.models import ChannelId, Position, ReadingValue
from custom_components.watchpost.vendors.sensorzone import entities
from custom_components.watchpost.vendors.sensorzone.incursions import IncursionTracker, totals
from custom_components.watchpost.vendors.sensorzone.models import Incursion, Status

NOW = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
HOUR = timedelta(hours=1)


def incursion(known: str, ago: timedelta, *, acknowledged: bool | None = False) -> Incursion:
    return Incursion(id=known, started_at=NOW - ago, is_acknowledged=acknowledged)


def is_unsafe(log: IncursionTracker) -> bool | None:
    found = totals(log.known.values(), NOW, MIDNIGHT, is_readable=log.is_readable)
    return found.has_unacknowledged


def test_an_incursion_that_cannot_be_read_for_a_while_is_not_taken_for_gone() -> None:
    log = IncursionTracker()
    since = NOW - 24 * HOUR
    log.update([incursion("1", HOUR)], full_since=since)
    log.update([], full_since=since, is_readable=False)
    assert is_unsafe(log) is True
    log.update([], full_since=since)
    assert is_unsafe(log) is False


def test_what_cannot_be_read_makes_nothing_safe_until_all_was_read() -> None:
    log = IncursionTracker()
    log.update([incursion("1", HOUR, acknowledged=True)], full_since=None, is_readable=False)
    assert is_unsafe(log) is None
    log.update([], full_since=None)
    assert is_unsafe(log) is None
    log.update([incursion("1", HOUR, acknowledged=True)], full_since=NOW - 24 * HOUR)
    assert is_unsafe(log) is False


@pytest.mark.parametrize(("ahead", "unsafe"), [(7 * HOUR, True), (90 * 24 * HOUR, False)])
def test_a_clock_that_is_ahead_makes_nothing_safe(ahead: timedelta, unsafe: bool) -> None:
    found = totals([incursion("1", -ahead)], NOW, MIDNIGHT)
    assert found.has_unacknowledged is unsafe
    assert found.incursions == 0


def test_what_is_let_go_of_is_returned() -> None:
    log = IncursionTracker()
    log.update([incursion("1", 30 * HOUR), incursion("2", HOUR)], full_since=None)
    assert [gone.id for gone in log.prune(NOW)] == ["1"]
    assert list(log.known) == ["2"]


def shown(status: Status) -> dict[str, ReadingValue]:
    found = entities.status_readings("7", status, NOW)
    return {key.key: reading.value for key, reading in found.items()}


def test_a_report_from_the_future_tells_nothing() -> None:
    at = NOW + 5 * HOUR
    place = Position(50.0, 7.0)
    status = Status(seen_at=at, is_running=True, position=place, located_at=at)
    assert shown(status) == {"running": None, "connectivity": None, "last_report": None}
    at = NOW + timedelta(minutes=2)
    status = Status(seen_at=at, is_running=True, position=place, located_at=at)
    assert shown(status) == {
        "running": True,
        "connectivity": True,
        "last_report": at,
        "position": place,
    }


def test_a_test_from_the_future_makes_no_tag_fit() -> None:
    found = entities.person_readings("3", NOW + 48 * HOUR, NOW, 30)
    assert found[ChannelId("tag-3", entities.TEST_OVERDUE)].value is None
    assert found[ChannelId("tag-3", entities.DAYS_SINCE_TEST)].value is None
