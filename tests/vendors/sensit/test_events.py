"""What records tell of canisters: whether one is being filled, and when that began."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.watchpost.vendors.sensit.events import port_of, reading, vendor_events
from custom_components.watchpost.vendors.sensit.models import TRIGGER, Record, Value

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)
ABSENT = "absent"


def log(*flags: Value) -> list[Record]:
    return [
        Record(NOON + timedelta(minutes=n), {} if flag == ABSENT else {TRIGGER: flag})
        for n, flag in enumerate(flags)
    ]


def told(*flags: Value) -> list[tuple[int, Value]]:
    """The minutes and ports that a log tells of."""
    return [
        (int((found.at - NOON).total_seconds() // 60), found.data["port"])
        for found in vendor_events("monitor-1", log(*flags))
    ]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((0.0, 0.0, 0.0), []),
        ((0.0, 1.0, 1.0, 0.0), [(1, 1)]),
        ((None, 2.0, None, 2.0), [(1, 2), (3, 2)]),
        ((0.0, 1.0, 2.0), [(1, 1), (2, 2)]),
        ((1.0, 1.0, 0.0, 1.0), [(3, 1)]),
        ((0.0, ABSENT, 1.0, ABSENT, 1.0), [(2, 1)]),
        ((0.0, "odd", 1.0), [(2, 1)]),
        ((ABSENT, 1.0), [(1, 1)]),
        ((0.0, 1.0, ABSENT, 1.0), [(1, 1)]),
        ((0.0, "3"), [(1, 3)]),
        ((), []),
    ],
)
def test_each_canister_is_told_once_by_its_first_record(
    flags: tuple[Value, ...], expected: list[tuple[int, int]]
) -> None:
    assert told(*flags) == expected


def test_the_id_is_the_same_whichever_part_of_a_log_shows_it() -> None:
    records = log(0.0, 0.0, 1.0, 1.0, 0.0)
    whole, part = (list(vendor_events("monitor-1", some)) for some in (records, records[1:4]))
    assert [found.id for found in whole] == [found.id for found in part]


@pytest.mark.parametrize(
    ("flag", "port"),
    [(None, 0), (False, 0), (0.0, 0), (4.0, 4), ("2", 2), (1.5, None), (-1.0, None), (100.0, None), (True, None)],
)  # fmt: skip
def test_a_port_is_a_small_number_and_nothing_is_idle(flag: Value, port: int | None) -> None:
    assert port_of(flag) == port


def test_the_reading_is_unknown_for_an_odd_flag_and_absent_without_one() -> None:
    active, idle, odd, none = (reading(record) for record in log(2.0, 0.0, "odd", ABSENT))
    assert active is not None
    assert (active.value, active.attributes) == (True, {"port": 2})
    assert idle is not None
    assert (idle.value, idle.attributes) == (False, {})
    assert odd is not None
    assert odd.value is None
    assert none is None
