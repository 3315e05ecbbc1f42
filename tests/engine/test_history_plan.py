"""Which hours are asked for, and in how many requests."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from custom_components.watchpost.engine.history.plan import (
    DAY,
    Progress,
    advance,
    compiled_until,
    hour_from,
    hour_of,
    is_final,
    missing,
    requests,
    time_of,
)

HOURS = st.integers(min_value=490_000, max_value=490_400)
SETS = st.sets(HOURS)
WANTED = st.dictionaries(st.integers(0, 30), SETS.map(sorted), max_size=20)
MOMENTS = st.integers(10**9, 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(MOMENTS)
def test_an_hour_begins_at_or_before_every_moment_in_it(moment: datetime) -> None:
    start = time_of(hour_of(moment))
    assert start <= moment < start + timedelta(hours=1)
    assert moment <= time_of(hour_from(moment)) < moment + timedelta(hours=1)


@given(MOMENTS)
def test_no_hour_is_touched_within_ten_minutes_of_its_end(now: datetime) -> None:
    end = time_of(compiled_until(now))
    assert timedelta(minutes=10) <= now - end < timedelta(minutes=70)


@given(HOURS, SETS, HOURS, HOURS, SETS, HOURS)
def test_only_hours_that_lack_a_row_are_asked_for(
    done: int, asked: set[int], start: int, end: int, present: set[int], now: int
) -> None:
    found = missing(Progress(done, asked), start, end, present, now)

    assert found == sorted(set(found))
    assert all(max(start, done) <= hour < end for hour in found)
    assert present.isdisjoint(found)
    for hour in set(range(max(start, done), end)) - present - set(found):
        assert hour in asked
        assert not is_final(hour, now)


@given(HOURS, SETS, SETS, st.data())
def test_what_was_asked_is_asked_again_once_at_most(
    done: int, present: set[int], filled: set[int], data: st.DataObject
) -> None:
    """However often gaps are filled, an hour that stays empty is asked for when it is new and a day later."""
    progress = Progress(done)
    end = done + 60
    times: dict[int, int] = {}
    nows = data.draw(st.lists(st.integers(end, end + 5 * DAY), min_size=1, max_size=30))
    for now in sorted(nows):
        wanted = missing(progress, done, end, present, now)
        for hour in wanted:
            times[hour] = times.get(hour, 0) + 1
        present = present | (filled & set(wanted))
        before = progress.done
        advance(progress, end, present, wanted, now)
        assert before <= progress.done <= end
        assert all(hour >= progress.done for hour in progress.asked)
    assert all(count <= 2 for count in times.values())
    assert set(times) | present >= set(range(done, end))


@given(HOURS, SETS)
def test_nothing_unsettled_is_passed_over(done: int, present: set[int]) -> None:
    progress = Progress(done)
    advance(progress, done + 100, present, (), done + 100)
    assert set(range(done, progress.done)) <= present
    assert progress.done == done + 100 or progress.done not in present


@given(WANTED, st.integers(1, 20_000))
def test_requests_cover_what_is_wanted_and_stay_small(
    wanted: dict[int, list[int]], most: int
) -> None:
    found = requests(wanted, most)

    keys = [key for request in found for key in request.keys]
    assert sorted(keys) == sorted(key for key, hours in wanted.items() if hours)
    for request in found:
        assert len(request.keys) == 1 or len(request.keys) * (request.end - request.start) <= most
        assert request.start == min(wanted[key][0] for key in request.keys)
        assert request.end == max(wanted[key][-1] for key in request.keys) + 1
    assert [request.start for request in found] == sorted(request.start for request in found)


def test_one_gap_of_many_channels_is_one_request() -> None:
    gap = list(range(490_000, 490_000 + 7 * DAY))
    assert len(requests(dict.fromkeys(range(119), gap))) == 1
    assert len(requests(dict.fromkeys(range(120), gap))) == 2


@given(HOURS, SETS, HOURS, SETS, HOURS, HOURS)
def test_from_an_hour_on_what_was_asked_is_asked_again_and_nothing_else_changes(
    done: int, asked: set[int], end: int, present: set[int], now: int, again: int
) -> None:
    usual = missing(Progress(done, asked), done, end, present, now)
    found = missing(Progress(done, asked), done, end, present, now, again=again)

    assert found == sorted(set(found))
    assert [hour for hour in found if hour < again] == [hour for hour in usual if hour < again]
    assert {hour for hour in found if hour >= again} == set(range(max(done, again), end)) - present


@given(HOURS, SETS, st.integers(0, 720), st.integers(0, 720))
def test_what_is_left_is_what_was_never_asked_for(
    done: int, asked: set[int], ahead: int, behind: int
) -> None:
    asked = {hour for hour in asked if done <= hour < done + ahead}
    progress = Progress(done, asked, back=done, first=done - behind)

    assert progress.left(done + ahead) == ahead - len(asked) + behind
    assert Progress(done, asked).left(done + ahead) == ahead - len(asked)
