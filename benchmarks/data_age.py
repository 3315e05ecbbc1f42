"""Measure how much older shown values are than the vendor's newest, as a share of the sensors' cycle.

Run: .venv/bin/python -m benchmarks.data_age [seeds] [days]
Three ways to poll the same sensors: at a fixed interval, with one request per gateway, and in up to four poll groups.
The sensors have random phases, clocks off by up to 100 ppm, jitter, upload delays, and lose one report in 200. For
scale: what one request at the best phase of each day would come to if everything arrived at once.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
import math
import random
import sys

from custom_components.watchpost.engine.polling import schedule
from custom_components.watchpost.engine.polling.groups import PollGroup, PollGroups
from custom_components.watchpost.models import Freshness

M = 900.0  # max-age of the replies
DAY = 86400.0
JITTER = 5.0
DELAYS = (2.0, 20.0)
LOST = 1 / 200
REPLY = 0.05  # seconds from sending a request to its reply, half of them there
LATENESS = 0.01  # of the event loop's timers
CYCLES = (900.0, 1800.0, 10800.0)


@dataclass
class Sensor:
    """Its reports in the order in which they can be read."""

    cycle: float
    readable: list[float] = field(default_factory=list)
    dates: list[float] = field(default_factory=list)

    def newest(self, at: float) -> int:
        return max(bisect_right(self.readable, at) - 1, 0)

    def excess(self, since: float, until: float, shown: int) -> float:
        """Integrate how much newer the vendor's value is than the shown one."""
        total, place, at = 0.0, self.newest(since), since
        while at < until:
            upto = min(self.readable[place + 1], until)
            total += (self.dates[place] - self.dates[shown]) * (upto - at)
            at, place = upto, place + 1
        return total


def sensor(rng: random.Random, days: float, cycle: float) -> Sensor:
    period = cycle * (1 + rng.uniform(-100, 100) / 1e6)
    made = Sensor(cycle)
    beat = rng.uniform(0, cycle) - 3 * cycle
    while beat < days * DAY + 3 * cycle:
        date = beat + rng.uniform(-JITTER, JITTER)
        beat += period
        if rng.random() >= LOST:
            made.readable.append(date + rng.uniform(*DELAYS))
            made.dates.append(float(math.floor(date)))
    return made


def reply(received: float) -> Freshness:
    return Freshness(received=received, expires=received + M, lifetime=M)


@dataclass
class Outcome:
    """Excess age as a share of the cycle, and how many requests there were and could have been."""

    age: float
    requests: int = 0
    permitted: float = 0.0


def fixed(sensors: Sequence[Sensor], days: float) -> Outcome:
    """Ask at every expiry, as a plain coordinator with an interval of max-age does."""
    return _constant(sensors, days, lambda at: at + M + schedule.EXPIRY_GUARD)


def best_phase(sensors: Sequence[Sensor], days: float) -> Outcome:
    """Compute the age with one request for all, polled without a guard at the best phase of each day."""
    ages = []
    for day in range(int(days)):
        dates = [one.dates[one.newest(day * DAY)] for one in sensors]
        lags = [
            sum((at - date) % M / one.cycle for one, date in zip(sensors, dates, strict=True))
            for at in dates
        ]
        ages.append(min(lags) / len(sensors))
    return Outcome(sum(ages) / len(ages))


def _constant(
    sensors: Sequence[Sensor], days: float, following: Callable[[float], float]
) -> Outcome:
    at, meter = 0.0, Meter(days)
    while at < days * DAY:
        received = at + REPLY
        shown = [one.newest(at + REPLY / 2) for one in sensors]
        at = following(received) + LATENESS
        meter.show(sensors, shown, received, at + REPLY)
    return meter.outcome(sensors)


class Meter:
    """Adds up, after the first half day."""

    def __init__(self, days: float) -> None:
        self.start, self.end = DAY / 2, days * DAY
        self.shares = 0.0
        self.requests = 0

    def show(
        self, sensors: Sequence[Sensor], shown: Sequence[int], since: float, until: float
    ) -> None:
        self.requests += 1
        since, until = max(since, self.start), min(until, self.end)
        if since < until:
            self.shares += sum(
                one.excess(since, until, place) / one.cycle
                for one, place in zip(sensors, shown, strict=True)
            )

    def outcome(self, sensors: Sequence[Sensor]) -> Outcome:
        age = self.shares / len(sensors) / (self.end - self.start)
        return Outcome(age, self.requests, self.end / M)


def ours(sensors: Sequence[Sensor], days: float, most: int) -> Outcome:
    """Poll as the coordinator does."""
    poll_groups, meter, names = PollGroups(most), Meter(days), [str(i) for i in range(len(sensors))]
    shown: dict[int, tuple[int, float]] = {}
    held: dict[int, int] = {}
    expires: dict[int, float] = {}
    now, early = 0.0, 0

    def poll(poll_group: PollGroup, at: float) -> None:
        nonlocal early
        received = at + REPLY
        mine = [place for place, name in enumerate(names) if poll_groups.of(name) is poll_group]
        early += any(at < expires.get(place, 0.0) for place in mine)
        for place in mine:
            one = sensors[place]
            if place in shown:
                was, since = shown[place]
                meter.show([one], [was], since, received)
            newest = one.newest(at + REPLY / 2)
            shown[place] = (newest, received)
            expires[place] = received + M
            if held.get(place) != newest:
                held[place] = newest
                poll_groups.add_measurement(names[place], one.cycle, one.dates[newest])
        poll_group.freshness = (reply(received),)
        poll_group.update_delay(received)
        plan(poll_group, received)

    def plan(poll_group: PollGroup, at: float) -> None:
        poll_group.plan = schedule.plan(
            at,
            poll_group.freshness,
            default=M,
            min_interval=5.0,
            phase_model=poll_group.phase_model(at),
            delay=poll_group.delay,
        )

    while now < days * DAY:
        poll_group = min(poll_groups, key=lambda poll_group: poll_group.plan.at)
        now = max(now, poll_group.plan.at) + LATENESS
        poll(poll_group, now)
        if poll_groups.divide(now + REPLY, M):
            for each in poll_groups:
                plan(each, now + REPLY)
    assert not early, "a sensor was asked for before its reply had expired"
    return meter.outcome(sensors)


def summary(outcomes: Sequence[Outcome]) -> str:
    ages = sorted(outcome.age * 100 for outcome in outcomes)
    mean, high = sum(ages) / len(ages), ages[math.ceil(len(ages) * 0.95) - 1]
    return f"{mean:6.2f} % (95th percentile {high:6.2f} %)"


def main(seeds: int, days: float) -> None:
    print(f"excess age as a share of the cycle; {seeds} seeds, {days:g} days")
    for count in (1, 2, 4, 10):
        for cycles in ((900.0,), CYCLES):
            houses = [
                [sensor(rng, days, rng.choice(cycles)) for _ in range(count)]
                for rng in (random.Random(f"{count} {seed}") for seed in range(seeds))
            ]
            print(f"{count} sensors a gateway, cycles {', '.join(f'{c:g}' for c in cycles)} s")
            print(f"  fixed interval        {summary([fixed(h, days) for h in houses])}")
            print(f"  best phase, no guard  {summary([best_phase(h, days) for h in houses])}")
            print(f"  one request           {summary([ours(h, days, 1) for h in houses])}")
            print(f"  up to four groups     {summary([ours(h, days, 4) for h in houses])}")


if __name__ == "__main__":
    numbers = [float(word) for word in sys.argv[1:]]
    main(int(numbers[0]) if numbers else 200, numbers[1] if len(numbers) > 1 else 7)
