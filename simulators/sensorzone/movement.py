"""Compute the movements of machines and people on a working day from the seed alone.

Time goes in steps of a minute from the start of the shift. Within a step everybody goes straight
and evenly. A day is worked out when it is asked for, and kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from simulators.random_source import between as drawn
from simulators.random_source import fraction, mix

from .config import BehaviorConfig
from .geometry import Place, between, towards

STEP = 60
DAY = 86_400
_DRIVE, _WALK = 2.2, 1.3  # metres a second
_ROUTE, _PAUSE, _LENGTH, _START, _END, _GOAL, _DRAWN, _LUNCH = range(21, 29)
_WAYPOINTS = 9
_HALF_SHIFT = 0.6


class Shifts:
    """The working days: day `d` starts `shift_start` hours into it, at the brand's offset.

    All times are whole seconds since the epoch.
    """

    __slots__ = ("_start", "steps")

    def __init__(self, behavior: BehaviorConfig, offset_hours: float) -> None:
        """Work `shift_hours`, at most 24, each day."""
        self._start = round((behavior.shift_start - offset_hours) * 3600)
        self.steps = round(min(24.0, behavior.shift_hours) * 3600 / STEP)

    def day(self, at: float) -> int:
        """Return the working day that a time is in; the night after a shift belongs to it."""
        return int((at - self._start) // DAY)

    def start(self, day: int) -> int:
        """Return when a day's shift starts."""
        return day * DAY + self._start

    def date(self, day: int) -> date:
        """Return the date at the brand on which a day's shift starts."""
        return date(1970, 1, 1) + timedelta(days=day)


@dataclass(frozen=True, slots=True)
class Moves:
    """A day of one mover. places: at the steps' ends, one more than steps. active: per step.

    Active is a machine with its ignition on, and a person who is on the site.
    """

    places: Sequence[Place]
    active: Sequence[bool]

    def at(self, seconds: float) -> Place:
        """Return where the mover is, so many seconds into the shift."""
        step = int(seconds // STEP)
        if step < 0:
            return self.places[0]
        if step >= len(self.active):
            return self.places[-1]
        return between(self.places[step], self.places[step + 1], seconds / STEP - step)

    def is_active(self, seconds: float) -> bool:
        """Return whether the mover is active, so many seconds into the shift."""
        step = int(seconds // STEP)
        return 0 <= step < len(self.active) and self.active[step]

    def active_seconds(self, seconds: float) -> int:
        """Return how long the mover has been active, so many seconds into the shift."""
        if seconds <= 0:
            return 0
        step = int(seconds // STEP)
        whole = STEP * sum(self.active[:step])
        return whole + (int(seconds % STEP) if self.is_active(seconds) else 0)


def route(seed: int, size: tuple[float, float]) -> list[Place]:
    """Return the places that a machine goes to, over and over again."""
    return [
        (drawn(0, size[0], seed, place, _ROUTE), drawn(0, size[1], seed, place, _ROUTE + 40))
        for place in range(_WAYPOINTS)
    ]


def drive(seed: int, day: int, stops: Sequence[Place], steps: int, pauses: int) -> Moves:
    """Return a machine's day."""
    running = _ignition(mix(seed, day), steps, pauses)
    places, stop = [stops[0]], 1
    for runs in running:
        here = places[-1]
        if runs:
            here = towards(here, stops[stop % len(stops)], _DRIVE * STEP)
            stop += here == stops[stop % len(stops)]
        places.append(here)
    return Moves(places, running)


def walk(
    seed: int, day: int, draws: Sequence[Place], behavior: BehaviorConfig, presence: Sequence[bool]
) -> Moves:
    """Return a pedestrian's day; `draws` are the places where machines go."""
    seed = mix(seed, day)
    places = [_goal(seed, 0, draws, behavior)]
    if not any(presence):
        return Moves(places * (len(presence) + 1), presence)
    goal = _goal(seed, 1, draws, behavior)
    for step, is_there in enumerate(presence):
        here = places[-1]
        if is_there:
            here = towards(here, goal, _WALK * STEP)
            if here == goal:
                goal = _goal(seed, step + 2, draws, behavior)
        places.append(here)
    return Moves(places, presence)


def working_hours(seed: int, day: int, steps: int) -> list[bool]:
    """Return in which steps one of the staff is out on the site: half a shift, with a break."""
    seed = mix(seed, day)
    first = 0 if fraction(seed, 0, _START) < 0.5 else round(steps * (1 - _HALF_SHIFT))
    last = first + round(steps * _HALF_SHIFT)
    first += int(drawn(0, 10, seed, 1, _START))
    lunch = first + int(drawn(0.3, 0.6, seed, 2, _LUNCH) * (last - first))
    return [first <= step < last and not lunch <= step < lunch + 30 for step in range(steps)]


def _ignition(seed: int, steps: int, pauses: int) -> list[bool]:
    running = [True] * steps
    first = int(drawn(1, 10, seed, 0, _START))
    running[:first] = [False] * min(first, steps)
    last = int(drawn(1, 10, seed, 0, _END))
    running[-last:] = [False] * min(last, steps)
    for pause in range(pauses):
        start = int(drawn(0, steps, seed, pause, _PAUSE))
        for step in range(start, min(steps, start + int(drawn(15, 45, seed, pause, _LENGTH)))):
            running[step] = False
    return running


def _goal(seed: int, step: int, draws: Sequence[Place], behavior: BehaviorConfig) -> Place:
    if draws and fraction(seed, step, _DRAWN) < behavior.drawn:
        return draws[int(fraction(seed, step, _GOAL) * len(draws))]
    return (
        drawn(0, behavior.site[0], seed, step, _GOAL),
        drawn(0, behavior.site[1], seed, step, _GOAL + 40),
    )
