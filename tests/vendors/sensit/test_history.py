"""Hours are made of every record, directions as circles, and windows cover a period."""

from datetime import UTC, datetime, timedelta
import math
from math import isfinite

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.vendors.sensit.client import WINDOW
from custom_components.watchpost.vendors.sensit.history import circular_mean, hours, windows
from custom_components.watchpost.vendors.sensit.models import Record, Value

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)


def records(path: str, *values: Value, minutes: int = 30) -> list[Record]:
    return [
        Record(NOON + timedelta(minutes=minutes * n), {path: value})
        for n, value in enumerate(values)
    ]


@given(st.timedeltas(timedelta(), timedelta(days=2)))
def test_windows_cover_a_period_without_gap_or_overlap(length: timedelta) -> None:
    start = NOON + length / 7
    found = list(windows(start, start + length))
    assert all(timedelta() < end - since <= WINDOW for since, end in found)
    assert [end for _, end in found[:-1]] == [since for since, _ in found[1:]]
    assert not length or (found[0][0], found[-1][1]) == (start, start + length)


def on_a_compass(value: float) -> bool:
    return 0 <= value <= 360


def test_an_hour_has_mean_and_extremes_of_its_numbers_alone() -> None:
    found = hours("CH4", records("CH4", 1.0, -3.0, None, "4", "odd", 7.0), isfinite, is_angle=False)
    assert [(hour.start, hour.mean, hour.min, hour.max) for hour in found] == [
        (NOON, -1.0, -3.0, 1.0),
        (NOON + timedelta(hours=1), 4.0, 4.0, 4.0),
        (NOON + timedelta(hours=2), 7.0, 7.0, 7.0),
    ]
    assert hours("T", records("CH4", 1.0), isfinite, is_angle=False) == []


def test_a_direction_goes_through_north_and_calm_has_none() -> None:
    (hour,) = hours("WD", records("WD", 350.0, 20.0, 375.0, minutes=10), isfinite, is_angle=True)
    assert hour.mean == pytest.approx(5.0)
    assert hours("WD", records("WD", 375.0, 400.0, -1.0), on_a_compass, is_angle=True) == []
    assert hours("WD", records("WD", 0.0, 180.0), isfinite, is_angle=True) == []


@given(st.lists(st.floats(0, 360), min_size=1, max_size=50))
def test_a_circular_mean_points_where_the_sum_of_the_directions_points(angles: list[float]) -> None:
    mean = circular_mean(angles)
    if mean is None:
        return
    assert 0 <= mean < 360 + 1e-9
    along = sum(math.cos(math.radians(angle - mean)) for angle in angles)
    across = sum(math.sin(math.radians(angle - mean)) for angle in angles)
    assert along > 0
    assert across == pytest.approx(0, abs=1e-6)
