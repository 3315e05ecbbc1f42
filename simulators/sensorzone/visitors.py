"""Visitors: who came, with which tag, from when until when. The past follows from the seed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulators.random_source import between as drawn
from simulators.random_source import fraction, mix

from .movement import DAY, STEP, Moves, walk
from .state import Brand, Person, Site, Tag, World, draws

_POOL = 4
_TAG, _COMES, _FROM, _LENGTH, _LEAVES = range(61, 66)
_NAMES = ("Robin Vale", "Sam Orchard", "Toni Marsh", "Uma Field")


@dataclass(slots=True, kw_only=True)
class VisitorSession:
    """One visit. check_out: None as long as nobody has checked the visitor out."""

    id: int
    brand: Brand
    name: str
    company: str | None
    tag: Tag | None
    person: Person | None
    check_in: int
    check_out: int | None
    by: str
    out_by: str | None = None
    notes: str | None = None


def visitor_tags(world: World, brand: Brand) -> None:
    """Give a brand the tags that its visitors get."""
    sites = [site for site in world.sites if site.brand is brand]
    for place in range(_POOL):
        number = len(world.tags)
        seed = mix(world.config.seed, number, _TAG)
        person = Person(
            id=len(world.people) + 1,
            brand=brand,
            name=_NAMES[place],
            kind="visitor",
            company="Surveying Partners",
        )
        world.people.append(person)
        site = sites[place % len(sites)]
        tag = Tag(
            id=5_001 + number,
            brand=brand,
            serial=f"TV{900_013 + 7 * number}",
            role="pedestrian",
            seed=seed,
            site=site,
            person=person,
        )
        tag.moves = _visitor_moves(world, site, tag)
        world.tags.append(tag)


def is_visitors(tag: Tag) -> bool:
    """Return whether a tag is one of those for visitors."""
    return tag.serial.startswith("TV")


def simulated_visits(world: World, brand: Brand, day: int) -> Iterator[VisitorSession]:
    """Yield the visits of a working day, past or to come. One in ten never checks out."""
    for tag in world.tags_of(brand):
        if not is_visitors(tag) or (visit := _visit(world, tag, day)) is None:
            continue
        first, last = visit
        start = world.shifts.start(day)
        leaves = fraction(mix(tag.seed, day), 0, _LEAVES) >= 0.1
        yield VisitorSession(
            id=day * 100 + tag.id % 100,
            brand=brand,
            name=tag.person.name if tag.person else "",
            company=tag.person.company if tag.person else None,
            tag=tag,
            person=tag.person,
            check_in=start + first * STEP,
            check_out=start + last * STEP if leaves else None,
            by="Gate tester",
            out_by="Gate tester" if leaves else None,
        )


def _visit(world: World, tag: Tag, day: int) -> tuple[int, int] | None:
    """Return from which to which step of a day a visitor has a tag, if one has."""
    seed = mix(tag.seed, day)
    if fraction(seed, 0, _COMES) >= world.config.visitors / _POOL:
        return None
    first = int(drawn(0.1, 0.7, seed, 0, _FROM) * world.shifts.steps)
    return first, min(world.shifts.steps, first + int(drawn(45, 180, seed, 0, _LENGTH)))


def _visitor_moves(world: World, site: Site, tag: Tag) -> Callable[[int], Moves]:
    days: dict[int, Moves] = {}

    def moves(day: int) -> Moves:
        if day not in days:
            visit = _visit(world, tag, day) or (0, 0)
            presence = [visit[0] <= step < visit[1] for step in range(world.shifts.steps)]
            days[day] = walk(tag.seed, day, draws(world, site), world.config.behavior, presence)
        return days[day]

    return moves


class VisitorSessions:
    """All visitor sessions: those of the seed, and those that testers began."""

    def __init__(self, world: World) -> None:
        """Start with those of the seed."""
        self._world = world
        self._begun: dict[int, VisitorSession] = {}
        self._ended: dict[int, tuple[str, int]] = {}

    def between(self, brand: Brand, since: int, until: int) -> list[VisitorSession]:
        """Return those that began in [since, until), and not after now, oldest first."""
        world = self._world
        until = min(until, world.now + 1)
        first = world.shifts.day(max(since, world.since))
        found = [
            self._as_ended(session)
            for day in range(first, world.shifts.day(until) + 1)
            for session in simulated_visits(world, brand, day)
        ]
        found += [session for session in self._begun.values() if session.brand is brand]
        return sorted(
            (session for session in found if since <= session.check_in < until),
            key=lambda session: session.check_in,
        )

    def get(self, brand: Brand, number: int) -> VisitorSession | None:
        """Return a session of a brand."""
        world = self._world
        for session in self.between(brand, world.since, world.now + 1):
            if session.id == number:
                return session
        return None

    def wearer(self, tag: Tag, at: int) -> VisitorSession | None:
        """Return the visit of who has a tag."""
        for session in self.between(tag.brand, at - DAY, at + 1):
            is_over = session.check_out is not None and session.check_out <= at
            if session.tag is tag and not is_over:
                return session
        return None

    def begin(
        self,
        brand: Brand,
        *,
        name: str,
        company: str | None,
        notes: str | None,
        tag: Tag | None,
        person: Person | None,
        by: str,
        at: int,
    ) -> VisitorSession:
        """Check a visitor in."""
        session = VisitorSession(
            id=90_000_001 + len(self._begun),
            brand=brand,
            name=name,
            company=company,
            tag=tag,
            person=person,
            check_in=at,
            check_out=None,
            by=by,
            notes=notes,
        )
        self._begun[session.id] = session
        return session

    def end(self, session: VisitorSession, by: str, at: int) -> None:
        """Check a visitor out."""
        self._ended[session.id] = by, at
        self._as_ended(session)

    def _as_ended(self, session: VisitorSession) -> VisitorSession:
        if session.id in self._ended:
            session.out_by, session.check_out = self._ended[session.id]
        return session
