"""Cars that come and go, people who gather, vehicles that pass: from a seed and the time alone.

Nothing here has a memory, so a clock may jump a year. Times are seconds since the epoch. `pace` is
a factor on all durations; with 0 everything stays as it was at the epoch.
"""

from typing import NamedTuple

from simulators.random_source import between, fraction, mix

_STAY, _PHASE, _THERE, _KIND, _GAP, _CROWD = 1, 2, 3, 4, 5, 6
_BUSY = 0.6
_TRUCKS = 0.15
_LOOK_BACK = 40


class Occupancy(NamedTuple):
    """The occupant of a place (None: nobody) and since when."""

    cls: str | None
    since: int


def occupancy(seed: int, at: float, pace: float) -> Occupancy:
    """Return who stands in a place. Stays last between 6 and 40 minutes, one after the other."""
    if pace == 0:
        return Occupancy(_visitor(seed, 0), 0)
    stay = pace * between(360, 2400, seed, _STAY)
    phase = stay * fraction(seed, _PHASE)
    slot = int((at + phase) // stay)
    here = _visitor(seed, slot)
    first = slot
    while slot - first < _LOOK_BACK and _visitor(seed, first - 1) == here:
        first -= 1
    return Occupancy(here, int(first * stay - phase))


def gathered(seed: int, at: float, pace: float, usual: int) -> int:
    """Return how many are in an area: 0 to twice the usual number, another one every minute or so."""
    slot = int(at // (pace * between(45, 90, seed, _STAY))) if pace else 0
    return mix(seed, slot, _CROWD) % (2 * usual + 1)


def passed(seed: int, at: float, pace: float) -> int:
    """Return how many have passed a line since the epoch; one in 20 to 180 seconds."""
    if pace == 0:
        return 0
    gap = pace * between(20, 180, seed, _GAP)
    return int(at / gap + fraction(seed, _PHASE))


def _visitor(seed: int, slot: int) -> str | None:
    if fraction(seed, slot, _THERE) >= _BUSY:
        return None
    return "truck" if fraction(seed, slot, _KIND) < _TRUCKS else "car"
