"""When a reply is current, how long to back off, and when the next poll comes."""

import bisect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import math
import random
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.client import cache_control
from custom_components.watchpost.engine.polling import phase as rhythms
from custom_components.watchpost.engine.polling import schedule
from custom_components.watchpost.engine.polling.phase import (
    DELAY,
    MAX_DELAY,
    PhaseModel,
    Source,
    learned_delay,
)
from custom_components.watchpost.engine.polling.schedule import Plan
from custom_components.watchpost.models import Freshness

NOW_UTC = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
M = 900.0


def http(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def fresh(headers: dict[str, str], status: int = 200) -> Freshness:
    return cache_control.freshness(status, headers, received=1000.0, now_utc=NOW_UTC)


# -- freshness --


@pytest.mark.parametrize(
    ("headers", "lifetime"),
    [
        ({}, None),
        ({"Cache-Control": "max-age=900"}, 900.0),
        ({"cache-control": "private, MAX-AGE = 900 "}, 900.0),
        ({"Cache-Control": 'max-age="900"'}, 900.0),
        ({"Cache-Control": "max-age=900", "Age": "100"}, 800.0),
        ({"Cache-Control": "max-age=900", "Age": "1000"}, 0.0),
        ({"Cache-Control": "max-age=900", "Age": "-5"}, 900.0),
        ({"Cache-Control": "max-age=900", "Age": "soon"}, 900.0),
        ({"Cache-Control": "s-maxage=60, max-age=900"}, 900.0),
        ({"Cache-Control": "s-maxage=60"}, None),
        ({"Cache-Control": "max-age=900, max-age=5"}, 900.0),
        ({"Cache-Control": "max-age=900, must-revalidate"}, 900.0),
        ({"Cache-Control": 'private="a, max-age=5", max-age=900'}, 900.0),
        ({"Cache-Control": "max-age=-1"}, None),
        ({"Cache-Control": "max-age=1.5"}, None),
        ({"Cache-Control": "max-age"}, None),
        ({"Cache-Control": "max-age=NaN"}, None),
        ({"Cache-Control": "max-age=١٢"}, None),
        ({"Cache-Control": "max-age=" + "9" * 5000}, 86400.0),
        ({"Cache-Control": ',,=;"\\ max-age=, ,'}, None),
        ({"Cache-Control": "no-cache, max-age=900"}, 0.0),
        ({"Cache-Control": 'no-cache="set-cookie", max-age=900'}, 0.0),
        ({"Cache-Control": "no-store, max-age=900"}, None),
        ({"Expires": http(NOW_UTC + timedelta(seconds=90))}, 90.0),
        ({"Expires": http(NOW_UTC - timedelta(seconds=90))}, 0.0),
        ({"Expires": "0"}, 0.0),
        ({"Expires": "whenever"}, 0.0),
        ({"Expires": http(NOW_UTC + timedelta(days=400))}, 86400.0),
        ({"Expires": "Sunday, 01-Mar-26 12:05:00 GMT"}, 300.0),
        ({"Expires": "Sun Mar  1 12:05:00 2026"}, 300.0),
        ({"Expires": "0", "Cache-Control": "max-age=900"}, 900.0),
        ({"Expires": http(NOW_UTC + timedelta(seconds=90)), "Age": "30"}, 60.0),
    ],
)
def test_how_long_a_reply_is_current(headers: dict[str, str], lifetime: float | None) -> None:
    reply = fresh(headers)

    assert reply.lifetime == lifetime
    assert reply.expires == 1000.0 + (lifetime or 0.0)


def test_expires_is_relative_to_the_vendors_own_date() -> None:
    wrong = NOW_UTC + timedelta(hours=7)

    reply = fresh({"Date": http(wrong), "Expires": http(wrong + timedelta(seconds=60))})

    assert reply.lifetime == 60.0


def test_a_vendor_whose_clock_is_behind_does_not_make_us_early() -> None:
    reply = fresh({"Date": http(NOW_UTC - timedelta(hours=1)), "Cache-Control": "max-age=900"})

    assert reply.expires == 1900.0


@pytest.mark.parametrize("status", [206, 302, 404, 500])
def test_only_whole_answers_are_stored(status: int) -> None:
    assert not fresh({"Cache-Control": "max-age=9"}, status).storable


def test_no_store_is_not_stored_and_no_cache_is() -> None:
    assert not fresh({"Cache-Control": "no-store"}).storable
    assert fresh({"Cache-Control": "no-cache"}).storable
    assert fresh({}).storable


def test_validators_are_kept_unless_a_header_could_not_carry_them() -> None:
    kept = fresh({"ETag": 'W/"1"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"})
    odd = fresh({"ETag": '"\udcff"', "Last-Modified": "a\x00b"})

    assert (kept.etag, kept.last_modified) == ('W/"1"', "Sun, 01 Mar 2026 12:00:00 GMT")
    assert (odd.etag, odd.last_modified) == (None, None)


HEADER_VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["max-age=900", "no-store", "no-cache", "max-age=-1", "max-age=1e9", 'max-age="7"', "0"]
    ),
    st.integers(-(10**30), 10**30).map(str),
    st.integers(-(10**30), 10**30).map(lambda n: f"private, max-age={n}"),
    st.datetimes(timezones=st.just(UTC)).map(http),
)
HEADERS = st.dictionaries(
    st.sampled_from(["Cache-Control", "Expires", "Date", "Age", "ETag", "Last-Modified"]),
    HEADER_VALUES,
)


@given(headers=HEADERS, status=st.integers(100, 599))
def test_no_header_breaks_the_reckoning(headers: dict[str, str], status: int) -> None:
    reply = fresh(headers, status)

    assert 1000.0 <= reply.expires <= 1000.0 + 86400.0
    assert reply.lifetime is None or reply.lifetime == reply.expires - 1000.0


# -- Retry-After and back-off --


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("inf", None),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 5.0),
        ("9" * 5000, 86400.0),
        (http(NOW_UTC + timedelta(seconds=200)), 200.0),
        (http(NOW_UTC - timedelta(days=2)), 5.0),
        (http(NOW_UTC + timedelta(days=200)), 86400.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(
    value: str | None, seconds: float | None
) -> None:
    assert cache_control.retry_after(value, NOW_UTC) == seconds


@given(st.text())
def test_no_retry_after_breaks_anything(value: str) -> None:
    seconds = cache_control.retry_after(value, NOW_UTC)

    assert seconds is None or 5.0 <= seconds <= 86400.0


def test_back_off_doubles_up_to_its_ceiling_with_full_jitter() -> None:
    assert [cache_control.backoff(n, 0.999999) for n in (1, 2, 3, 5, 6, 10**9)] == pytest.approx(
        [30, 60, 120, 480, 900, 900], rel=1e-3
    )
    assert cache_control.backoff(5, 0.5) == 240.0
    assert cache_control.backoff(5, 0.0) == 10.0


@given(st.integers(-5, 10**12), st.floats())
def test_back_off_is_always_between_floor_and_ceiling(failures: int, rand: float) -> None:
    assert 10.0 <= cache_control.backoff(failures, rand) <= 900.0


# -- the plan --


def lasting(seconds: float | None, received: float = 0.0) -> Freshness:
    return Freshness(received, received + (seconds or 0.0), seconds)


def planned(*replies: Freshness, now: float = 0.0, **more: object) -> Plan:
    rhythm = PhaseModel(cast("list[Source]", more.pop("beats", ())), now)
    given_too: dict[str, object] = {
        "default": 300.0,
        "min_interval": 60.0,
        "phase_model": rhythm,
        **more,
    }
    return schedule.plan(now, replies, **given_too)


def test_the_next_poll_waits_for_the_reply_that_lasts_longest() -> None:
    assert planned(lasting(900.0), lasting(100.0)) == Plan(900.0 + schedule.EXPIRY_GUARD, "expiry")


def test_the_default_interval_holds_where_no_reply_has_a_lifetime() -> None:
    assert planned() == Plan(300.0, "default")
    assert planned(lasting(None)) == Plan(300.0, "default")


def test_a_reply_that_must_not_be_reused_is_no_leave_to_ask_without_pause() -> None:
    assert planned(lasting(0.0), lasting(None)) == Plan(300.0, "default")
    assert planned(lasting(0.0), lasting(100.0)).reason == "expiry"


def test_the_least_interval_holds_where_a_lifetime_is_shorter() -> None:
    assert planned(lasting(5.0)) == Plan(60.0, "default")
    assert planned(lasting(None), default=10.0) == Plan(60.0, "default")


def test_a_hold_outlasts_expiry_and_back_off() -> None:
    assert planned(lasting(900.0), hold_until=2000.0) == Plan(2000.0, "hold")
    assert planned(failures=3, rand=0.5, hold_until=2000.0) == Plan(2000.0, "hold")


def test_a_failure_is_followed_by_back_off_but_not_before_what_is_held_expires() -> None:
    assert planned(failures=2, rand=0.5) == Plan(30.0, "backoff")
    assert planned(lasting(900.0), failures=2, rand=0.5).reason == "expiry"
    assert planned(lasting(10.0), now=50.0, failures=2, rand=0.5) == Plan(80.0, "backoff")


def test_a_poll_waits_for_a_measurement_that_comes_after_expiry() -> None:
    plan = planned(lasting(M), beats=[Source(last=-500.0, cycle=M)])

    assert plan.at == pytest.approx(-500.0 + 2 * M + DELAY)
    assert plan.reason == "phase"


def test_a_poll_just_behind_the_arrival_stays_at_expiry() -> None:
    plan = planned(lasting(M), beats=[Source(last=-DELAY - 10.0, cycle=M)])

    assert plan.reason == "expiry"


def test_slow_sources_are_not_asked_for_before_they_can_have_news() -> None:
    plan = planned(lasting(M), beats=[Source(-30.0, 3600.0), Source(-100.0, 7200.0)])

    assert plan == Plan(-30.0 + 3600.0 + DELAY, "phase")


def test_an_overdue_slow_source_may_come_any_time() -> None:
    assert M < planned(lasting(M), beats=[Source(-3700.0, 3600.0)]).at <= 2 * M


def test_a_yearly_source_does_not_put_polls_off_for_ever() -> None:
    assert planned(lasting(M), beats=[Source(0.0, 6 * 86400.0)]).at <= M + 1 + schedule.MAX_WAIT


def test_a_slow_source_beside_a_quick_one_does_not_put_polls_off_for_ever() -> None:
    beats = [Source(-490_000.0, 500_000.0), Source(-30.0, 60.0)]

    assert planned(lasting(M), beats=beats) == Plan(
        M + schedule.EXPIRY_GUARD + schedule.MAX_WAIT, "phase"
    )


@pytest.mark.parametrize(
    ("beats", "at"),
    [
        # Every other arrival of the slower source is as good as the ones between.
        ([Source(-1000.0, 2 * M), Source(-100.0, M)], -100.0 + DELAY + 2 * M),
        ([Source(-200.0, 1000.0)], -200.0 + DELAY + 2 * 1000.0),
        ([Source(-100.0, 300.0)], -100.0 + DELAY + 4 * 300.0),
    ],
    ids=["a multiple of the poll period", "longer than the poll period", "shorter"],
)
def test_a_source_is_waited_for_in_steps_of_its_own(beats: list[Source], at: float) -> None:
    assert planned(lasting(M), beats=beats).at == pytest.approx(at)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 0.0, -M, 1e300, 1e-300])
def test_a_beat_that_makes_no_sense_is_left_out(odd: float) -> None:
    assert planned(lasting(M), beats=[Source(-500.0, odd)]).reason == "expiry"
    assert planned(lasting(M), beats=[Source(odd * 1e10, M)]).reason == "expiry" or abs(odd) < 1


def test_the_order_of_sources_does_not_matter() -> None:
    rng = random.Random(4)
    beats = [Source(-rng.uniform(0, M), rng.choice([300.0, M, 3600.0])) for _ in range(500)]

    assert planned(lasting(M), beats=beats) == planned(lasting(M), beats=beats[::-1])


ANY_FLOAT = st.floats()
MONOTONIC = st.floats(0, 1e8)
BEATS = st.lists(
    st.one_of(
        st.builds(Source, ANY_FLOAT, ANY_FLOAT),
        # These count from the time of asking.
        st.builds(Source, st.floats(-1e5, 1e3), st.sampled_from([60.0, 300.0, M, 1000.0, 5e5])),
    ),
    max_size=20,
)


@given(
    now=MONOTONIC,
    leap=st.one_of(st.just(0.0), st.floats(0, 1e6)),
    headers=st.lists(HEADERS, max_size=4),
    beats=BEATS,
    hold=ANY_FLOAT,
    failures=st.integers(0, 40),
    rand=st.floats(0, 1, exclude_max=True),
    delay=st.floats(DELAY, MAX_DELAY),
)
def test_no_plan_is_early_and_none_is_put_off_for_ever(
    now: float,
    leap: float,
    headers: list[dict[str, str]],
    beats: list[Source],
    hold: float,
    failures: int,
    rand: float,
    delay: float,
) -> None:
    replies = [cache_control.freshness(200, h, received=now, now_utc=NOW_UTC) for h in headers]
    asked = now + leap

    plan = schedule.plan(
        asked,
        replies,
        default=300.0,
        min_interval=60.0,
        phase_model=PhaseModel([Source(asked + beat.last, beat.cycle) for beat in beats], asked),
        hold_until=hold,
        failures=failures,
        rand=rand,
        delay=delay,
    )

    assert all(not reply.is_current(plan.at) for reply in replies)
    if math.isfinite(hold):
        assert plan.at >= min(hold, asked + cache_control.DAY)
    assert asked + 10.0 <= plan.at <= asked + 2 * cache_control.DAY + schedule.EXPIRY_GUARD
    if not failures:
        assert plan.at >= asked + 60.0


# -- what a vendor's delay teaches --


def test_a_missed_measurement_lengthens_the_delay_and_punctual_ones_shorten_it() -> None:
    missed = learned_delay(DELAY, 940.0, [900.0])
    punctual = learned_delay(missed, 890.0, [900.0])

    assert missed == DELAY + 10.0
    assert DELAY + 9.0 < punctual < missed
    assert learned_delay(DELAY, 890.0, [900.0]) == DELAY
    assert learned_delay(missed, 2000.0, []) == missed
    assert learned_delay(MAX_DELAY, 2000.0, [900.0]) == MAX_DELAY


# -- simulated days --

type Planner = Callable[[float, Freshness, list[Source]], float]


class SimulatedSource:
    """A sensor with jitter, a wrong clock, upload delays and losses; `stored` is ascending."""

    def __init__(self, rng: random.Random, days: int, delays: tuple[float, float]) -> None:
        period = M * (1 + rng.uniform(-100, 100) / 1e6)
        beat = rng.uniform(0, M) - 3 * M
        self.stored: list[float] = []
        self.dates: list[float] = []
        while beat < days * 86400 + 9 * M:
            date = beat + rng.uniform(-5, 5)
            delay = rng.uniform(*delays)
            beat += period
            if rng.random() >= 1 / 200:
                self.stored.append(date + delay)
                self.dates.append(float(math.floor(date)))

    def newest(self, at: float) -> int:
        return bisect.bisect_right(self.stored, at) - 1

    def excess(self, since: float, until: float, shown: int) -> float:
        """Integrate over a time how much newer the vendor's value is than the shown one."""
        total, place, at = 0.0, self.newest(since), since
        while at < until:
            upto = min(self.stored[place + 1], until)
            total += (self.dates[place] - self.dates[shown]) * (upto - at)
            at, place = upto, place + 1
        return total


def excess_age(
    sources: Sequence[SimulatedSource], planner: Planner, days: int, settled: float = 4 * M
) -> float:
    """Poll for days; return the excess age as a share of the cycle, after the start."""
    at, end, excess = 0.0, days * 86400.0, 0.0
    while at < end:
        received = at + 0.05
        shown = [source.newest(at + 0.025) for source in sources]
        reply = lasting(M, received)
        beats = [Source(s.dates[i], M) for s, i in zip(sources, shown, strict=True)]
        following = planner(received, reply, beats)
        assert following > reply.expires
        if at > settled:
            excess += sum(
                s.excess(received, following + 0.05, i) for s, i in zip(sources, shown, strict=True)
            )
        at = following
    return excess / len(sources) / M / (end - settled)


def in_phase(now: float, reply: Freshness, beats: list[Source]) -> float:
    return schedule.plan(
        now, [reply], default=M, min_interval=60.0, phase_model=PhaseModel(beats, now)
    ).at


def at_expiry(_now: float, reply: Freshness, _beats: list[Source]) -> float:
    return reply.expires + schedule.EXPIRY_GUARD


def at_phase(target: float) -> Planner:
    def planner(_now: float, reply: Freshness, _beats: list[Source]) -> float:
        base = reply.expires + schedule.EXPIRY_GUARD
        lag = (base - target) % M
        return base if lag <= schedule.SLIP else base + M - lag

    return planner


class Learner:
    """Plans as a coordinator does that also learns the delay."""

    def __init__(self) -> None:
        self.delay = DELAY
        self.polled = 0.0
        self.before: list[Source] = []

    def __call__(self, now: float, reply: Freshness, beats: list[Source]) -> float:
        news = [b.last for b, a in zip(beats, self.before, strict=False) if b.last > a.last + 1]
        self.delay = learned_delay(self.delay, self.polled, news)
        self.before, self.polled = beats, now
        rhythm = PhaseModel(beats, now)
        plan = schedule.plan(
            now, [reply], default=M, min_interval=60.0, phase_model=rhythm, delay=self.delay
        )
        return plan.at


def houses(
    sources: int, days: int = 3, seeds: int = 20, delays: tuple[float, float] = (2, 20)
) -> list[list[SimulatedSource]]:
    return [
        [SimulatedSource(rng, days, delays) for _ in range(sources)]
        for rng in (random.Random(f"{sources} {seed}") for seed in range(seeds))
    ]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def test_one_source_per_address_is_shown_at_most_three_and_a_half_hundredths_late() -> None:
    ages = [excess_age(house, in_phase, 3) for house in houses(1)]

    assert mean(ages) <= 0.035
    assert max(ages) <= 0.06


@pytest.mark.parametrize("sources", [2, 4, 10])
def test_several_sources_are_shown_about_as_soon_as_any_constant_phase_could(sources: int) -> None:
    ages, fixed, best = [], [], []
    for house in houses(sources, seeds=10):
        ages.append(excess_age(house, in_phase, 3))
        fixed.append(excess_age(house, at_expiry, 3))
        best.append(min(excess_age(house, at_phase(s.dates[3] + 27.0), 3) for s in house))

    assert mean(ages) <= mean(fixed)
    assert mean(ages) <= mean(best) + 0.02


def test_a_vendor_slower_than_thought_is_learned_instead_of_always_missed() -> None:
    slow = houses(1, days=5, seeds=5, delays=(30, 60))

    assert mean([excess_age(house, in_phase, 5) for house in slow]) > 0.5
    assert mean([excess_age(house, Learner(), 5, settled=86400.0) for house in slow]) <= 0.10


def test_learning_costs_a_punctual_vendor_nothing() -> None:
    for house in houses(1, seeds=5):
        assert excess_age(house, Learner(), 3) == pytest.approx(excess_age(house, in_phase, 3))


def test_with_steady_replies_the_plan_settles() -> None:
    """A steady source is waited for once, then polled at expiry for weeks."""
    at, waits = 0.0, []
    for poll in range(300):
        newest = math.floor((at - 5.0 - 417.0) / M) * M + 417.0
        plan = planned(lasting(M, at), now=at, beats=[Source(newest, M)])
        if plan.reason == "phase":
            waits.append(poll)
        at = plan.at

    assert waits == [0]


def test_ten_thousand_sources_are_weighed_with_bounded_effort(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weighed = 0
    lag = rhythms._Step.lag

    def counted(self: rhythms._Step, at: float) -> float:
        nonlocal weighed
        weighed += 1
        return lag(self, at)

    monkeypatch.setattr(rhythms._Step, "lag", counted)
    rng = random.Random(1)

    planned(
        lasting(M), beats=[Source(-rng.uniform(0, M), rng.uniform(2, 86400)) for _ in range(10_000)]
    )

    assert 0 < weighed <= 70 * 256
