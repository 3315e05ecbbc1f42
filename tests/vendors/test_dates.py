"""Dates of every form that vendors use are read alike; what cannot be a date is none."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.client.decode import to_datetime
from custom_components.watchpost.vendors.manfred_kunze.models.fields import time_of as of_mk
from custom_components.watchpost.vendors.sensit.dates import parse_date
from custom_components.watchpost.vendors.sensorzone.decode import time_of as of_zone
from custom_components.watchpost.vendors.viziosense.models import to_datetime as of_viziosense

READERS = {
    "shared": to_datetime,
    "sensit": parse_date,
    "sensorzone": lambda value: of_zone({"at": value}, "at"),
    "viziosense": of_viziosense,
    "manfred_kunze": lambda value: of_mk({"at": value}, "at"),
}
NOON = datetime(2026, 9, 13, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("vendor", READERS)
@pytest.mark.parametrize(
    "told",
    [
        "2026-09-13T12:00:30Z",
        "2026-09-13T12:00:30+0000",
        "2026-09-13T14:00:30+02:00",
        "2026-09-13 12:00:30",
        "2026-09-13 12:00:30 UTC",
        "2026-09-13T12:00:30 GMT",
        "2026-09-13 12:00:30utc",
        "Sun, 13 Sep 2026 12:00:30 GMT",
        "Sun, 13 Sep 2026 14:00:30 +0200",
        "13 Sep 2026 12:00:30 -0000",
        1789300830,
        1789300830.0,
        1789300830000,
        1789300830000000,
        "1789300830",
        "1789300830.0",
        "1789300830000",
        " 1789300830000 ",
    ],
)
def test_a_date_is_read_in_every_form(vendor: str, told: object) -> None:
    assert READERS[vendor](told) == NOON


@pytest.mark.parametrize("vendor", READERS)
@pytest.mark.parametrize(
    "told",
    [
        "2026-06-30T23:59:60Z",
        "2026-06-30T23:59:60+00:00",
        "2026-06-30 23:59:60",
        "2026-06-30 23:59:60 UTC",
        "2026-07-01T01:59:60+02:00",
        "Tue, 30 Jun 2026 23:59:60 GMT",
    ],
)
def test_a_leap_second_is_the_first_of_the_next_day(vendor: str, told: str) -> None:
    assert READERS[vendor](told) == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize("vendor", READERS)
@pytest.mark.parametrize(
    "told",
    [
        *(None, True, "", " ", "soon", [], {}, float("nan"), float("inf"), -1, 0, "0", 1e300),
        *("NaN", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z"),
        *("1970-01-01", "0000-00-00 00:00:00", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z"),
        *("2026-09-13T25:00:00Z", "2026-09-13T12:00:61Z", "2026-09-13T12:60:60Z", "9" * 19),
        *(
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Foo, 99 Bar 2026 12:00:00 GMT",
            "12:00:30",
            "x" * 2**20,
        ),
        *("UTC", " GMT", "Z", "2026-09-13T12:00:30 XYZ+99:99", "Sun, 13 Sep"),
    ],
    ids=lambda told: str(told)[:30],
)
def test_what_is_no_plausible_date_is_none(vendor: str, told: object) -> None:
    assert READERS[vendor](told) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(told: str) -> None:
    read = to_datetime(told)
    assert read is None or (read.tzinfo is UTC and 2000 <= read.year <= 2100)


@given(st.integers(946_771_200 * 10**6, 4_133_894_400 * 10**6))
def test_what_is_written_is_read_again(micros: int) -> None:
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    second = date.replace(microsecond=0)
    assert to_datetime(date.isoformat()) == date
    assert to_datetime(f"{date.replace(tzinfo=None).isoformat()} UTC") == date
    assert to_datetime(format_datetime(second)) == second
    assert abs(to_datetime(str(round(date.timestamp() * 1000))) - date) < timedelta(milliseconds=2)
    assert to_datetime(int(date.timestamp())) == second
