"""The interval of polls follows the spacing of records, whatever they do."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.vendors.sensit.interval import (
    MAX_INTERVAL,
    MIN_INTERVAL,
    IntervalEstimator,
    poll_interval,
)

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)


def paced(seconds: float, count: int = 12) -> IntervalEstimator:
    estimator = IntervalEstimator()
    for number in range(count):
        estimator.add_newest(NOON + timedelta(seconds=number * seconds))
    return estimator


@pytest.mark.parametrize(
    ("spacing", "expected"), [(10, 60), (60, 60), (300, 285), (600, 570), (3600, 900)]
)
def test_the_interval_is_a_little_less_than_the_spacing_within_its_bounds(
    spacing: int, expected: float
) -> None:
    estimator = paced(spacing)
    assert estimator.newest is not None
    assert poll_interval([estimator], estimator.newest).total_seconds() == pytest.approx(expected)


def test_a_minute_holds_until_a_rhythm_is_known_and_the_fastest_counts() -> None:
    estimator = IntervalEstimator()
    estimator.add_newest(NOON)
    assert estimator.cycle == MIN_INTERVAL
    slow, fast = paced(600), paced(300, 24)
    assert slow.newest is not None
    assert poll_interval([slow, fast], slow.newest) == 0.95 * timedelta(seconds=300)


def test_monitors_that_are_silent_do_not_count_and_none_at_all_is_asked_for_rarely() -> None:
    assert poll_interval([], NOON) == MAX_INTERVAL
    assert poll_interval([IntervalEstimator()], NOON) == MAX_INTERVAL
    assert poll_interval([paced(60)], NOON + timedelta(hours=3)) == MAX_INTERVAL
    slow = paced(600)
    assert slow.newest is not None
    silent = paced(60)
    assert poll_interval([silent, slow], slow.newest) == 0.95 * timedelta(seconds=600)


def test_lost_late_and_jittering_records_change_no_rhythm() -> None:
    estimator = paced(60)
    for seconds in (120, 118, 179, 60, 62, 57, 61):
        assert estimator.newest is not None
        estimator.add_newest(estimator.newest + timedelta(seconds=seconds))
        estimator.add_newest(NOON)
        assert estimator.spacing == timedelta(seconds=60)


def test_a_log_that_shows_another_rhythm_replaces_what_was_known() -> None:
    estimator = paced(600)
    estimator.add_log(NOON + timedelta(seconds=60 * number) for number in range(5))
    assert estimator.spacing == timedelta(seconds=600)
    estimator.add_log(NOON + timedelta(seconds=60 * number) for number in range(30))
    assert estimator.spacing == timedelta(seconds=60)
    estimator.add_log(NOON + timedelta(hours=7 * number) for number in range(30))
    assert estimator.spacing == timedelta(seconds=60)


@given(st.lists(st.integers(-(10**9), 10**9), max_size=40))
def test_whatever_dates_say_the_interval_stays_within_its_bounds(seconds: list[int]) -> None:
    estimator = IntervalEstimator()
    dates = [NOON + timedelta(seconds=offset) for offset in seconds]
    for date in dates:
        estimator.add_newest(date)
    estimator.add_log(dates)
    assert MIN_INTERVAL <= poll_interval([estimator], NOON) <= MAX_INTERVAL
    assert estimator.cycle >= MIN_INTERVAL
