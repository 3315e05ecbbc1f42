"""Incursions: pedestrians' tags within the detection zone of a running machine.

They follow from where everybody is; acknowledgements and delays follow from the seed.
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.random_source import between as drawn
from simulators.random_source import fraction, mix
from simulators.schedule import SECOND

from .geometry import Position, close, joined
from .movement import DAY, STEP, Moves
from .state import Machine, Tag, World

BASE = 1_704_067_200  # ids count from the start of 2024
_ACKNOWLEDGED, _LATE, _AFTER, _DELAY, _ODD = range(41, 46)
_SHORTEST = 2
REVISIONS = 5
ODD = ("endless", "backwards", "revised", "belated")
NEVER = 1 << 40
_REVISION_GAP = 40


@dataclass(slots=True, kw_only=True)
class Incursion:
    """An incursion as it happened; `seen` returns what a client sees of it.

    acknowledged_at: None if the driver never does. delay: seconds until news of it is listed.
    position: of the machine at the start. marks: what is wrong with its record besides what its
    seed says, by the names in `ODD`.
    """

    world: World
    seed: int
    id: int
    machine: Machine
    tag: Tag
    operator: Tag | None
    start: int
    end: int
    acknowledged_at: int | None
    delay: int
    position: Position
    marks: set[str] = field(default_factory=set)

    @property
    def listed_at(self) -> int:
        """Return when a client can see it for the first time."""
        return self._reported(self.start)

    @property
    def acknowledgement_listed_at(self) -> int | None:
        """Return when a client can see that it is acknowledged."""
        if self.acknowledged_at is None:
            return None
        return max(self.listed_at, self._reported(self.acknowledged_at))

    def seen(self, now: int) -> Sighting | None:
        """Return what a client can see of it now."""
        if now < self.listed_at:
            return None
        changes = [self.listed_at]
        end = None
        if not self.is_odd("endless") and now >= (told := self._reported(self.end)):
            end = self.end
            changes.append(told)
            for step in range(1, REVISIONS + 1):
                if self.is_odd("revised") and now >= (told := told + _REVISION_GAP):
                    end = self.end + step
                    changes.append(told)
        acknowledged_at = None
        listed = self.acknowledgement_listed_at
        if listed is not None and now >= listed:
            acknowledged_at = self.acknowledged_at
            changes.append(listed)
        if end is not None and self.is_odd("backwards"):
            end = self.start - (end - self.start)
        return Sighting(self, end, acknowledged_at, max(changes))

    def is_odd(self, how: str) -> bool:
        """Return whether its record is wrong in one of the ways in `ODD`."""
        share: float = getattr(self.world.config.oddities, how)
        if share == 0 or how in self.marks:
            return how in self.marks
        return fraction(self.seed, ODD.index(how), _ODD) < share

    def _reported(self, at: int) -> int:
        """Return when something that happened at `at` is listed."""
        delay = self.delay
        if self.is_odd("belated"):
            delay += round(self.world.config.oddities.belated_seconds)
        silence = self.machine.silences.around(at * SECOND)
        if silence is None:
            return at + delay
        return (NEVER if silence.end is None else silence.end // SECOND) + delay


@dataclass(frozen=True, slots=True)
class Sighting:
    """An incursion as a client sees it. end: None while it lasts."""

    incursion: Incursion
    end: int | None
    acknowledged_at: int | None
    updated_at: int

    @property
    def duration(self) -> int | None:
        """Return its length in seconds, None while it lasts."""
        return None if self.end is None else self.end - self.incursion.start


class Incursions:
    """All incursions of a world."""

    def __init__(self, world: World) -> None:
        """Work them out day by day when they are asked for."""
        self._world = world
        self._days: dict[tuple[int, int], list[Incursion]] = {}
        self._added: list[Incursion] = []
        self._known: dict[int, Incursion] = {}

    def between(self, since: float, until: float) -> list[Incursion]:
        """Return those that start in [since, until), oldest first."""
        world = self._world
        first = max(since, world.since)
        shifts = world.shifts
        found: list[Incursion] = []
        for day in range(shifts.day(first), shifts.day(until) + 1):
            for machine in world.machines:
                found += self._day(machine, day)
        found += self._added
        return sorted((one for one in found if first <= one.start < until), key=lambda one: one.id)

    def seen(self, since: float, until: float, now: int) -> list[Sighting]:
        """Return what a client sees now of those that start in [since, until), oldest first."""
        sightings = (one.seen(now) for one in self.between(since, min(until, now + 1)))
        return [sighting for sighting in sightings if sighting is not None]

    def get(self, number: int) -> Incursion | None:
        """Return the incursion with an id."""
        if number not in self._known:
            start = number // 10_000 + BASE
            self.between(start - DAY, start + DAY)
        return self._known.get(number)

    def add(
        self,
        machine: Machine,
        tag: Tag,
        *,
        start: int,
        seconds: int,
        acknowledged_after: int | None,
    ) -> Incursion:
        """Let one happen that does not follow from where everybody is."""
        number = _number(machine, tag, start)
        while self.get(number) is not None:
            number += 1
        incursion = Incursion(
            world=self._world,
            seed=mix(self._world.config.seed, number),
            id=number,
            machine=machine,
            tag=tag,
            operator=self._world.driver(machine, self._world.shifts.day(start)),
            start=start,
            end=start + seconds,
            acknowledged_at=None if acknowledged_after is None else start + acknowledged_after,
            delay=0,
            position=machine.true_position(start),
        )
        self._known[number] = incursion
        insort(self._added, incursion, key=lambda one: one.id)
        return incursion

    def _day(self, machine: Machine, day: int) -> list[Incursion]:
        if (found := self._days.get((machine.id, day))) is None:
            found = sorted(self._worked_out(machine, day), key=lambda one: one.id)
            self._days[machine.id, day] = found
            self._known |= {one.id: one for one in found}
        return found

    def _worked_out(self, machine: Machine, day: int) -> Iterator[Incursion]:
        world = self._world
        began = world.shifts.start(day)
        for tag in world.tags:
            if tag.site is not machine.site or tag.moves is None:
                continue
            stays = encounters(machine.moves(day), tag.moves(day), world.config.behavior.zone)
            for first, last in joined(stays):
                start, end = began + round(first), began + round(last)
                if end - start >= _SHORTEST and start >= machine.added:
                    yield self._made(machine, tag, start, end)

    def _made(self, machine: Machine, tag: Tag, start: int, end: int) -> Incursion:
        world, behavior = self._world, self._world.config.behavior
        number = _number(machine, tag, start)
        seed = mix(world.config.seed, number)
        after: int | None = None
        if fraction(seed, 0, _ACKNOWLEDGED) < behavior.acknowledged:
            is_late = fraction(seed, 0, _LATE) < behavior.late
            after = round(drawn(*((120, 2400) if is_late else (2, 60)), seed, 0, _AFTER))
        delay = round(drawn(behavior.delay_least, behavior.delay_most, seed, 0, _DELAY))
        return Incursion(
            world=world,
            seed=seed,
            id=number,
            machine=machine,
            tag=tag,
            operator=world.driver(machine, world.shifts.day(start)),
            start=start,
            end=end,
            acknowledged_at=None if after is None else start + after,
            delay=delay,
            position=machine.true_position(start),
        )


def encounters(machine: Moves, walker: Moves, reach: float) -> Iterator[tuple[float, float]]:
    """Yield when a walker is within `reach` of a running machine, in seconds into the shift."""
    for step, (runs, walks) in enumerate(zip(machine.active, walker.active, strict=True)):
        if not (runs and walks):
            continue
        one = machine.places[step], machine.places[step + 1]
        other = walker.places[step], walker.places[step + 1]
        if (shares := close(one, other, reach)) is not None:
            yield (step + shares[0]) * STEP, (step + shares[1]) * STEP


def _number(machine: Machine, tag: Tag, start: int) -> int:
    """Return an id that grows with the start."""
    return (start - BASE) * 10_000 + machine.id % 100 * 100 + tag.id % 100
