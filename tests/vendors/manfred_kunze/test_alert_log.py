"""What is known of alerts, from one list to the next."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
import pytest

from custom_components.watchpost.models import VendorEventType
from custom_components.watchpost.vendors.manfred_kunze.alert_tracker import (
    AlertLocation,
    AlertTracker,
)
from custom_components.watchpost.vendors.manfred_kunze.models.alerts import (
    Alert,
    Lifecycle,
    Severity,
)

NOON = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RAISED, SEEN, OVER = (
    VendorEventType.ALARM_RAISED,
    VendorEventType.ALARM_ACKNOWLEDGED,
    VendorEventType.ALARM_CLEARED,
)


def alert(number: int = 1, **changes: object) -> Alert:
    fields = {"state": Lifecycle.ACTIVE, "rule": "r", "raised_at": NOON - MINUTE * number}
    return replace(Alert(id=str(number)), **{**fields, **changes})


def look(
    log: AlertTracker, alerts: Sequence[Alert], now: datetime = NOON, *, is_all: bool = True
) -> list[tuple[VendorEventType, datetime]]:
    """Take a list; what it tells of, with its times."""
    told = log.apply_list(alerts, now, is_all=is_all, is_clean=True)
    log.is_complete = True
    found = log.vendor_events(told, lambda _: AlertLocation("d"), now)
    return [(one.type, one.at) for one in found]


def open_log(*alerts: Alert) -> AlertTracker:
    log = AlertTracker()
    log.delivered_until = NOON - timedelta(hours=1)
    look(log, alerts)
    return log


def test_what_has_no_time_is_as_old_as_the_alert_at_first_and_new_afterwards() -> None:
    log = AlertTracker()
    log.delivered_until = NOON - timedelta(seconds=90)
    at_first = look(log, [alert(5, state=Lifecycle.ACKNOWLEDGED), alert(1)])
    assert at_first[1] == (SEEN, NOON - 5 * MINUTE)

    later = NOON + MINUTE
    assert (SEEN, later) in look(log, [alert(1, state=Lifecycle.ACKNOWLEDGED)], later)
    again = look(log, [alert(1, state=Lifecycle.ACKNOWLEDGED)], later + MINUTE)
    assert (SEEN, later) in again


def test_an_alert_without_any_time_is_old_at_first_and_new_later() -> None:
    log = AlertTracker()
    (old,) = look(log, [alert(1, raised_at=None)])
    assert old[1] < NOON - timedelta(days=365)
    later = NOON + MINUTE
    assert look(log, [alert(1, raised_at=None), alert(2, raised_at=None)], later)[1:] == [
        (RAISED, later)
    ]


def test_times_of_a_clock_that_is_ahead_are_now_and_stages_never_go_back() -> None:
    log = open_log()
    ahead = NOON + timedelta(hours=5)
    stages = look(
        log,
        [alert(1, state=Lifecycle.RESOLVED, raised_at=ahead, resolved_at=NOON - MINUTE)],
    )
    assert stages == [(RAISED, NOON), (OVER, NOON)]


def test_a_clock_that_is_ahead_makes_nothing_old_new_at_the_first_look() -> None:
    log = AlertTracker()
    log.delivered_until = NOON - timedelta(seconds=10)  # the account was set up then
    log.clock_skew = timedelta(hours=1)
    old = alert(1, raised_at=NOON + timedelta(minutes=50))
    assert look(log, [old]) == [(RAISED, NOON - 10 * MINUTE)]
    new = alert(2, raised_at=NOON + timedelta(minutes=63))
    later = NOON + 5 * MINUTE
    assert look(log, [old, new], later)[1] == (RAISED, NOON + 3 * MINUTE)


def test_only_its_time_tells_whether_one_that_is_over_was_seen() -> None:
    log = open_log()
    times = {"resolved_at": NOON, "state": Lifecycle.RESOLVED}
    assert [kind for kind, _ in look(log, [alert(1, **times)])] == [RAISED, OVER]
    times["acknowledged_at"] = NOON - timedelta(seconds=30)
    assert [kind for kind, _ in look(log, [alert(2, **times)])] == [RAISED, SEEN, OVER]


@pytest.mark.parametrize("is_first_gone", [True, False])
def test_what_is_not_listed_is_doubted_once_and_then_over(is_first_gone: bool) -> None:
    log = open_log(alert(1))
    assert log.summarize([alert(1)]).is_on is True
    for second in range(19):
        assert look(log, [], NOON + timedelta(seconds=second)) == []
        assert log.summarize(log.open.values()).is_on is None
        assert log.count(None, {}) is None
    if is_first_gone:
        assert [kind for kind, _ in look(log, [], NOON + MINUTE)][-1] is OVER
        assert log.summarize(()).is_on is False
    else:
        look(log, [alert(1)], NOON + MINUTE)
        assert log.summarize(log.open.values()).is_on is True
        assert look(log, [], NOON + 2 * MINUTE) == []


def test_a_list_that_is_partial_or_spoiled_ends_nothing() -> None:
    log = open_log(alert(1))
    for _ in range(5):
        log.apply_list([], NOON, is_all=False, is_clean=True)
        log.apply_list([], NOON, is_all=True, is_clean=False)
    assert log.open.keys() == {"1"}


def test_unknown_states_count_as_neither() -> None:
    log = open_log(alert(1, state=None))
    assert log.summarize(log.open.values()).is_on is None
    assert log.count(None, {}) is None
    look(log, [alert(1, state=None), alert(2)])
    assert log.summarize(log.open.values()).is_on is True


def test_an_alert_without_a_severity_has_that_of_its_rule_or_makes_the_count_unknown() -> None:
    log = open_log(alert(1), alert(2, severity=Severity.INFO))
    assert log.count(Severity.CRITICAL, {"r": Severity.CRITICAL}) == 1
    assert log.count(Severity.INFO, {"r": Severity.CRITICAL}) == 1
    assert log.count(Severity.CRITICAL, {}) is None
    assert log.count(None, {}) == 2


def test_what_is_not_watched_or_not_wholly_listed_is_not_safe() -> None:
    log = open_log()
    assert log.summarize(()).is_on is False
    assert log.summarize((), is_watched=False).is_on is None
    log.is_complete = False
    assert log.summarize(()).is_on is None
    assert log.count(None, {}) is None


def test_one_that_was_resolved_from_here_is_over_at_once() -> None:
    log = open_log(alert(1))
    log.apply_change(alert(1, state=Lifecycle.ACKNOWLEDGED))
    assert log.summarize(log.open.values()).is_acknowledged
    log.apply_change(alert(1, state=Lifecycle.RESOLVED))
    assert log.summarize(log.open.values()).is_on is False


# -- how much is read --


def old(number: int) -> Alert:
    at = NOON - timedelta(days=number)
    return alert(number + 100, state=Lifecycle.RESOLVED, raised_at=at)


def test_reading_stops_where_the_newest_come_first_and_all_open_ones_have_come() -> None:
    listed = [alert(1), *(old(n) for n in range(1, 9))]
    log = open_log(*listed)
    assert not log.is_enough(listed[:2], NOON)
    assert log.is_enough(listed[:4], NOON)
    assert not log.is_enough(listed[1:4], NOON)  # the open one has not come yet
    assert not log.is_enough([listed[0], old(5), old(4)], NOON)  # in another order
    assert not log.is_enough([*listed[:3], alert(3, raised_at=None)], NOON)
    assert not log.is_enough(listed[:4], NOON + timedelta(hours=6))
    assert not AlertTracker().is_enough(listed, NOON)


@given(
    steps=st.lists(
        st.lists(
            st.tuples(
                st.integers(1, 4),
                st.sampled_from([*Lifecycle, None]),
                st.none() | st.integers(-90, 90),
            ),
            max_size=4,
            unique_by=lambda item: item[0],
        ),
        max_size=6,
    )
)
def test_whatever_comes_no_stage_is_told_with_two_ids_and_nothing_open_is_off(
    steps: list[list[tuple[int, Lifecycle | None, int | None]]],
) -> None:
    log = AlertTracker()
    log.delivered_until = NOON - MINUTE
    for number, step in enumerate(steps):
        now = NOON + number * MINUTE
        alerts = [
            alert(n, state=state, raised_at=None if at is None else NOON + at * MINUTE)
            for n, state, at in step
        ]
        told = log.apply_list(alerts, now, is_all=True, is_clean=True)
        log.is_complete = True
        ids = [one.id for one in log.vendor_events(told, lambda _: AlertLocation("d"), now)]
        assert len(ids) == len(set(ids))
        assert all(
            one.at <= now for one in log.vendor_events(told, lambda _: AlertLocation("d"), now)
        )
        if any(state is not Lifecycle.RESOLVED for _, state, _ in step):
            assert log.summarize(log.open.values()).is_on is not False
