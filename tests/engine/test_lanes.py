"""Which devices are asked for together, and when a division is made anew."""

from collections.abc import Iterable, Mapping
from itertools import combinations
import random

import pytest

from benchmarks.data_age import fixed, ours, sensor
from custom_components.watchpost.engine.polling.groups import REVIEW_SECONDS, PollGroups, grouped
from custom_components.watchpost.models import Freshness

M = 900.0


def reply(received: float) -> Freshness:
    return Freshness(received=received, expires=received + M, lifetime=M)


def lag(group: Iterable[str], phases: Mapping[str, float]) -> float:
    """Seconds of lag over all devices of a group that is polled at the best of their phases."""
    mine = [phases[device] for device in group]
    return min(sum((at - phase) % M for phase in mine) for at in mine)


def cost(groups: Iterable[Iterable[str]], phases: Mapping[str, float]) -> float:
    return sum(lag(group, phases) for group in groups if group)


def heard(phases: Mapping[str, float], most: int = 4, at: float = 1000.0) -> PollGroups:
    """Lanes of a feed whose first reply came at `at`."""
    poll_groups = PollGroups(most)
    for poll_group in poll_groups:
        poll_group.freshness = (reply(at),)
    for device, phase in phases.items():
        poll_groups.add_measurement(device, M, phase)
    return poll_groups


def test_few_devices_have_a_lane_each() -> None:
    phases = {"a": 10.0, "b": 400.0, "c": 11.0}

    assert grouped(phases, M, 4) == [{"a"}, {"c"}, {"b"}]


@pytest.mark.parametrize("seed", range(20))
def test_more_devices_share_lanes_about_as_well_as_any_division_does(seed: int) -> None:
    rng = random.Random(seed)
    names = "abcdefg"
    phases = {name: rng.uniform(0, M) for name in names}
    ordered = sorted(names, key=phases.__getitem__)

    found = grouped(phases, M, 3)

    assert sorted(device for group in found for device in group) == list(names)
    divisions = [
        [ordered[first:second], ordered[second:third], ordered[third:] + ordered[:first]]
        for first, second, third in combinations(range(len(names) + 1), 3)
    ]
    assert cost(found, phases) <= 1.25 * min(cost(each, phases) for each in divisions) + 1.0


def test_a_new_division_is_not_asked_before_the_replies_it_comes_from_have_expired() -> None:
    poll_groups = heard({"a": 0.0, "b": 450.0})

    assert poll_groups.divide(1000.0, M)
    assert len(poll_groups) == 2
    assert all(poll_group.is_current(1000.0 + M - 1) for poll_group in poll_groups)
    assert not any(poll_group.is_current(1000.0 + M) for poll_group in poll_groups)


def test_a_division_that_brings_little_is_not_made() -> None:
    phases = {f"device {number}": number * 90.0 for number in range(10)}
    poll_groups = heard(phases)
    assert poll_groups.divide(1000.0, M)
    before = poll_groups.groups

    # A clock that is off by so much moves a device by some seconds a day.
    for device, phase in phases.items():
        poll_groups.add_measurement(device, M, phase + 100 * M + 10.0 * (device < "device 5"))
    assert not poll_groups.divide(1000.0 + REVIEW_SECONDS, M)
    assert poll_groups.groups == before


def test_a_device_that_moved_far_is_put_elsewhere() -> None:
    poll_groups = heard(
        {"a": 0.0, "b": 5.0, "c": 300.0, "d": 305.0, "e": 600.0, "f": 605.0}, most=3
    )
    poll_groups.divide(1000.0, M)
    assert poll_groups.of("a") is poll_groups.of("b")

    for _ in range(20):
        poll_groups.add_measurement("a", M, 100 * M + 610.0)
    poll_groups.divide(1000.0 + REVIEW_SECONDS, M)

    assert poll_groups.of("a") is poll_groups.of("f")


def test_a_feed_of_one_lane_is_never_divided() -> None:
    poll_groups = heard({"a": 0.0, "b": 450.0}, most=1)

    assert not poll_groups.divide(1000.0, M)
    assert len(poll_groups) == 1


def test_the_groups_of_before_stand_over_a_reload() -> None:
    before = heard({"a": 0.0, "b": 450.0, "c": 700.0})
    before.divide(1000.0, M)

    after = PollGroups(4, before.groups)

    assert after.groups == before.groups
    assert len({id(after.of(device)) for device in "abc"}) == 3


def test_a_device_without_a_rhythm_goes_with_the_first_lane() -> None:
    poll_groups = heard({"a": 0.0, "b": 450.0})
    poll_groups.add_measurement("odd", 100.0, 5.0)
    poll_groups.divide(1000.0, M)

    assert poll_groups.of("odd") is next(iter(poll_groups))
    assert poll_groups.of("unheard") is next(iter(poll_groups))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_up_to_four_sensors_are_shown_hardly_later_than_can_be(count: int) -> None:
    """A few of the seeds of benchmarks/age.py, where the promise is measured."""
    houses = [
        [sensor(rng, 4, M) for _ in range(count)]
        for rng in (random.Random(f"{count} {seed}") for seed in range(8))
    ]
    ages = [ours(house, 4, 4).age for house in houses]

    assert sum(ages) / len(ages) <= 0.032
    assert all(age < fixed(house, 4).age for age, house in zip(ages, houses, strict=True))
