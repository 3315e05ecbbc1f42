"""Sensorist's measurements become typed records, at once or one by one."""

from datetime import UTC, datetime
import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.vendors.sensorist.models import (
    Decoded,
    Measurement,
    parse_latest,
    parse_min_max,
    parse_rows,
)

from .samples import ANY_JSON, ENVELOPE, NOON, NOON_TEXT, body, row_json


def latest(**measurements: object) -> Decoded[dict[str, Measurement]]:
    return parse_latest(body(measurements=measurements))


def test_latest_measurement_by_source():
    assert latest(**{"31": row_json()}).value == {
        "31": Measurement(date=NOON, value=4.5, type=1, seq=99)
    }


@pytest.mark.parametrize(
    "measurements",
    [{}, [], None, {"31": None}, {"31": []}, {"31": row_json(type=20)}, {"31": {"type": 20}}],
)
def test_source_without_data_is_absent(measurements):
    parsed = parse_latest(body(measurements=measurements))
    assert (parsed.value, parsed.rejected) == ({}, {})


@pytest.mark.parametrize(
    "measurements",
    [
        {"31": row_json()},
        {"31": [row_json()]},
        [row_json(data_source=31)],
        [row_json(data_source={"id": "31"})],
        [row_json(data_source_id=31)],
        {"31": [row_json(date="2026-09-13T11:00:00Z", value=1), row_json()]},
    ],
)
def test_latest_is_found_in_any_form(measurements):
    known = latest(**{"31": row_json()})
    assert parse_latest(body(measurements=measurements)) == known
    assert parse_latest(body(data=measurements)) == known
    assert parse_latest(json.dumps(measurements).encode()) == known


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (4, 4.0),
        (-0.5, -0.5),
        ("4.5", 4.5),
        (" -4 ", -4.0),
        ("1e2", 100.0),
        (None, None),
        (True, None),
        ("warm", None),
        ("nan", None),
        ("1_0", None),
        ("", None),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        ("1e999", None),
        (10**400, None),
        ([4], None),
    ],
)
def test_value_is_a_finite_number_or_unknown(value, read):
    parsed = latest(**{"31": row_json(value=value)})
    assert (parsed.value["31"].value, parsed.rejected) == (read, {})


def test_number_beyond_floating_point_is_unknown():
    spelled = body(measurements={"31": row_json(value=123456)}).replace(b"123456", b"1e999")
    assert parse_latest(spelled).value["31"].value is None


@pytest.mark.parametrize(
    "date",
    [
        "2026-09-13T12:00:00+0000",
        "2026-09-13T12:00:00Z",
        "2026-09-13T12:00:00+00:00",
        "2026-09-13T12:00:00.000Z",
        "2026-09-13T12:00:00.0000001+0000",
        "2026-09-13T12:00:00",
        "2026-09-13 12:00:00",
        "2026-09-13T14:00:00+02:00",
        "2026-09-13T12:00Z",
    ],
)
def test_every_spelling_of_a_date_is_the_same_time_in_utc(date):
    read = latest(**{"31": row_json(date=date)}).value["31"].date
    assert (read, read.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        True,
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30T00:00:00Z",
        "2026-09-13T12:00:00Z" * 9,
    ],
)
def test_measurement_without_a_usable_date_is_set_aside_alone(date):
    parsed = latest(**{"31": row_json(date=date), "32": row_json()})
    assert list(parsed.value) == ["32"]
    assert parsed.rejected == {"measurement: date": 1}


@pytest.mark.parametrize(
    ("kind", "is_measured"),
    [
        (1, True),
        (5, True),
        (10, True),
        (30, False),
        ("30", False),
        (77, True),
        ("new", True),
        (None, True),
    ],
)
def test_what_counts_as_measured(kind, is_measured):
    assert latest(**{"31": row_json(type=kind)}).value["31"].is_measured is is_measured


def test_key_that_is_no_id_is_set_aside():
    parsed = latest(**{"": row_json(), "3 1": row_json(), "32": row_json()})
    assert list(parsed.value) == ["32"]
    assert parsed.rejected == {"measurement: data source": 2}


@pytest.mark.parametrize("mean", ["value", "avg", "average"])
def test_rows_of_a_range_carry_mean_and_extremes(mean):
    row = {"date": NOON_TEXT, "type": 10, "min": "1.5", "max": 3, mean: 2}
    assert parse_rows(body(measurements={"31": [row]})).value.by_source == {
        "31": (Measurement(date=NOON, value=2.0, type=10, min=1.5, max=3.0),)
    }


@pytest.mark.parametrize(
    "reply",
    [
        {"measurements": {"31": [row_json()]}, "next": 5000},
        {"measurements": {"31": [row_json()]}, "next": "5000"},
        {"measurements": {"31": [row_json()], "next": 5000}},
        {"measurements": {"31": {"rows": [row_json()], "next": 5000}}},
        {"measurements": [row_json(data_source=31)], "next": 5000},
    ],
)
def test_next_page_is_found_in_any_place(reply):
    rows = parse_rows(body(**reply)).value
    assert rows.next == "5000"
    assert rows.by_source == {"31": (Measurement(date=NOON, value=4.5, type=1, seq=99),)}


@pytest.mark.parametrize("following", [None, 0, "0", "", False, -1, "over there"])
def test_no_usable_next_is_the_last_page(following):
    assert parse_rows(body(measurements={"31": [row_json()]}, next=following)).value.next is None


@pytest.mark.parametrize(
    "extremes",
    [
        {"min": {"value": -1, "date": NOON_TEXT}, "max": {"value": 2, "date": NOON_TEXT}},
        {"min": -1, "min_date": NOON_TEXT, "max": "2", "max_date": NOON_TEXT},
        [row_json(value=-1), row_json(value=2)],
        [row_json(value=2), row_json(value=None), row_json(value=-1)],
    ],
)
def test_min_max_is_read_in_any_form(extremes):
    found = parse_min_max(body(measurements={"31": extremes, "32": None})).value
    assert list(found) == ["31"]
    assert (found["31"].minimum, found["31"].maximum) == (-1.0, 2.0)
    assert found["31"].minimum_at == found["31"].maximum_at == NOON


def test_more_sources_than_there_can_be_are_left_out():
    rows = [row_json(data_source=number) for number in range(50_001)]
    parsed = parse_latest(body(measurements=rows))
    assert len(parsed.value) == 50_000
    assert parsed.rejected == {"measurement: too many sources": 1}


def test_row_of_no_source_is_set_aside():
    parsed = parse_latest(body(measurements=[row_json(), row_json(data_source=32)]))
    assert list(parsed.value) == ["32"]
    assert parsed.rejected == {"measurement: data source": 1}


# -- at once is as one by one --

_NUMBERS = (
    st.none() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
)
_DATES = st.integers(-(10**9), 5 * 10**9).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat()
) | st.sampled_from(
    [NOON_TEXT, "2026-09-13T12:00:00.1234567Z", "2026-09-13T14:00:00+02:00", "2026-09-13T12:00:00"]
)
_ROWS = st.fixed_dictionaries(
    {"date": _DATES, "value": _NUMBERS},
    optional={
        "type": st.none() | st.sampled_from([1, 5, 10, 20, 30, 77]) | st.integers(),
        "seq": st.none() | st.integers(0, 2**80),
        "min": _NUMBERS,
        "max": _NUMBERS,
        "avg": _NUMBERS,
        "added_later": ANY_JSON,
    },
)
_KEYS = st.integers(0, 99).map(str) | st.sampled_from(["next", "", "a b", "x" * 65])


def the_slow_way(reply: dict[str, object]) -> bytes:
    # A code in text is not the known form, so every record is read by itself.
    return json.dumps(reply | {"code": "200"}).encode()


@given(st.dictionaries(_KEYS, st.none() | _ROWS, max_size=6))
def test_latest_read_at_once_is_what_record_by_record_brings(measurements):
    reply = ENVELOPE | {"measurements": measurements}
    assert parse_latest(json.dumps(reply).encode()) == parse_latest(the_slow_way(reply))


@given(
    st.dictionaries(_KEYS, st.lists(_ROWS, max_size=4), max_size=4),
    st.none() | st.integers(-5, 10_000),
)
def test_rows_read_at_once_are_what_record_by_record_brings(measurements, following):
    reply = ENVELOPE | {"measurements": measurements, "next": following}
    assert parse_rows(json.dumps(reply).encode()) == parse_rows(the_slow_way(reply))
