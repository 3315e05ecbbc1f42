"""What sensors measure and when: believable, punctual within limits, the same for the same seed."""

from datetime import timedelta
from itertools import pairwise
from statistics import mean

import pytest

from simulators.schedule import SECOND, ReportingConfig, ReportSchedule, ReportTimes, Spans
from simulators.sensorist import CloudConfig, SensoristCloud

PERFECT = ReportingConfig(jitter=0, delay_least=0, delay_most=0, drift=0, loss=0)


@pytest.fixture
def build(clock):
    return lambda **plan: SensoristCloud(CloudConfig(**plan), clock)


def days(cloud, source, count):
    now = cloud.clock.now()
    return cloud.history(source.id, now - timedelta(days=count), now)


def test_the_same_seed_measures_the_same(build):
    first, second, other = build(seed=7), build(seed=7), build(seed=8)
    source = first.find_source("humi", 1).id
    rows = [days(cloud, cloud.world.sources[source], 3) for cloud in (first, second, other)]
    assert rows[0] == rows[1]
    assert rows[0] != rows[2]


def test_history_does_not_depend_on_when_it_is_asked(build, clock):
    cloud = build()
    source = cloud.find_source()
    before = days(cloud, source, 2)
    clock.advance(10 * 86_400)
    assert cloud.history(source.id, before[0].date, before[-1].date) == before


def test_the_newest_of_the_history_is_the_truth(build, clock):
    cloud = build(gateways=5, sensors=4)
    for _ in range(50):
        clock.advance(137)
        for source in cloud.sources():
            history = days(cloud, source, 1)
            assert cloud.truth(source.id) == history[-1]


def test_sources_of_a_sensor_report_together(build):
    cloud = build()
    sensor = cloud.gateways[0].sensors[0]
    dates = {
        source.kind.name: {row.date for row in days(cloud, source, 30)} for source in sensor.sources
    }
    assert dates["temp"] == dates["humi"]
    assert dates["wireless"] < dates["temp"]
    assert dates["batt"] < dates["wireless"]


def test_sensors_have_phases_of_their_own(build):
    cloud = build(gateways=10, sensors=4)
    phases = {source.sensor.schedule.phase // SECOND % 900 for source in cloud.sources("temp")}
    assert len(phases) > 35


def test_reports_keep_their_cycle_within_jitter_and_drift(build):
    cloud = build(reporting=ReportingConfig(loss=0))
    rows = days(cloud, cloud.find_source(), 30)
    gaps = [(b.date - a.date).total_seconds() for a, b in pairwise(rows)]
    assert all(889 <= gap <= 911 for gap in gaps)
    assert mean(gaps) == pytest.approx(900, abs=0.2)
    assert len(set(gaps)) > 5


def test_reports_are_stored_two_to_twenty_seconds_later(build):
    cloud = build()
    rows = days(cloud, cloud.find_source(), 30)
    delays = [row.seq / 1e6 - row.date.timestamp() for row in rows]
    assert min(delays) >= 2
    assert max(delays) <= 21.1
    assert max(delays) - min(delays) > 15


def test_one_report_in_two_hundred_is_lost(build):
    cloud = build(gateways=4)
    rows = [len(days(cloud, source, 100)) for source in cloud.sources("temp")]
    lost = 1 - sum(rows) / (len(rows) * 9_600)
    assert 0.003 < lost < 0.007


def test_intervals_can_be_scaled_for_a_demonstration(build):
    cloud = build(interval_scale=20 / 900)
    source = cloud.find_source()
    assert source.interval == 20
    gaps = [(b.date - a.date).total_seconds() for a, b in pairwise(days(cloud, source, 1))]
    assert mean(gaps) == pytest.approx(20.1, abs=0.2)


def test_curves_are_believable(build):
    cloud = build(gateways=20, sensors=6)
    limits = {"temp": (-30, 45), "humi": (5, 98), "batt": (2.6, 2.95), "wireless": (20, 100)}
    for kind, (least, most) in limits.items():
        for source in cloud.sources(kind)[:40]:
            values = [row.value for row in days(cloud, source, 3)]
            assert all(least <= value <= most for value in values)


def test_a_freezer_is_cold_a_fridge_cool_and_a_room_warm(build):
    cloud = build(gateways=2, sensors=6)
    limits = {"freezer": (-22, -16), "fridge": (2, 7), "Storage": (17, 25)}
    for word, (least, most) in limits.items():
        found = [source for source in cloud.sources("temp") if word in source.sensor.title]
        assert found
        for source in found:
            assert least < mean(row.value for row in days(cloud, source, 2)) < most


def test_a_room_is_warmer_in_the_afternoon_than_at_night(build):
    cloud = build()
    rows = days(cloud, cloud.find_source(), 5)
    afternoon = mean(row.value for row in rows if row.date.hour == 15)
    night = mean(row.value for row in rows if row.date.hour == 3)
    assert 2 < afternoon - night < 4


def test_a_battery_falls_slowly(build):
    cloud = build()
    source = cloud.find_source("batt", 1)
    rows = days(cloud, source, 60)
    early = mean(row.value for row in rows[:40])
    late = mean(row.value for row in rows[-40:])
    assert 0 < early - late < 0.05


def test_twenty_thousand_sources_keep_no_history(build):
    cloud = build(gateways=100, sensors=50)
    sources = cloud.sources()
    assert len(sources) == 20_000
    assert all(cloud.truth(source.id) for source in sources[::100])
    assert not any(source.extras for source in sources)


def test_beats_are_counted_from_the_anchor():
    beats = ReportTimes(7, 10)
    assert [beats.last(at) for at in (6, 7, 16, 17)] == [None, 7, 7, 17]
    assert list(beats.between(0, 40)) == [7, 17, 27, 37]
    assert list(beats.between(18, 37)) == [27, 37]


def test_beats_change_their_period_from_a_moment_on():
    beats = ReportTimes(0, 10)
    beats.change(25, 4)
    assert list(beats.between(0, 40)) == [0, 10, 20, 28, 32, 36, 40]
    assert [beats.last(at) for at in (24, 25, 27, 28, 31)] == [20, 20, 20, 28, 28]


def test_a_perfect_sensor_reports_on_the_beat():
    rhythm = ReportSchedule(1, PERFECT, 900)
    report = rhythm.report(900 * SECOND)
    assert (report.date, report.stored) == (900 * SECOND, 900 * SECOND)


def test_spans_begin_end_and_last():
    spans = Spans()
    spans.begin(10)
    spans.begin(15)
    spans.finish(20)
    spans.begin(30)
    assert [spans.around(at) is not None for at in (9, 10, 19, 20, 30, 99)] == [
        False,
        True,
        True,
        False,
        True,
        True,
    ]
    assert spans.first == 10
