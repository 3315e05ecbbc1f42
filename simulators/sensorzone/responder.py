"""What all doors of the cloud share: the world, what happened in it, and how it is shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulators.response import Reply
from simulators.signing import is_sealed, sealed

from .incursions import Incursions, Sighting
from .records import Records
from .request import ApiError, Visit
from .serializers import Record, Shapes
from .state import Machine, Site, Tag, World


@dataclass(slots=True)
class Desk:
    """The world, and helpers for what more than one resource needs. origin: of the cloud's URL."""

    world: World
    incursions: Incursions
    shapes: Shapes
    records: Records
    origin: Callable[[], str]

    def many(
        self, visit: Visit, kind: str, records: list[Record], *, is_api: bool = False
    ) -> Reply:
        """Return a page of records."""
        self.check_seal(visit, is_given_out="seal" in visit.query)
        address = self.origin() + visit.call.path
        return self.shapes.many(kind, records, visit.query, address, is_api=is_api)

    def sealed(self, link: str) -> str:
        """Return a link as the plan has links signed."""
        plan = self.world.plan
        return sealed(str(plan.seed), link) if plan.forms.signing == "exact" else link

    def check_seal(self, visit: Visit, *, is_given_out: bool = True) -> None:
        """Refuse a link that is not, byte for byte, as it was given out, where that counts."""
        plan = self.world.plan
        is_exact = plan.forms.signing == "exact" and is_given_out
        if is_exact and not is_sealed(str(plan.seed), visit.call.target):
            raise ApiError(403, "The link is not signed, or no longer")

    def one(self, record: Record, status: int = 200) -> Reply:
        """Return one record."""
        return self.shapes.one(record, status=status)

    def deleted(self, record: Record) -> Reply:
        """Return the reply to a DELETE."""
        if self.world.plan.forms.deleted == "object":
            return self.one(record)
        return Reply(204, body=b"")

    def seen(self, visit: Visit, default_days: float) -> list[Sighting]:
        """Return what a visit's brand can see of the incursions that its filters name."""
        since, until = visit.period(default_days)
        return self.matching(visit, self.incursions.seen(since, until, visit.now))

    def matching(self, visit: Visit, sightings: Iterable[Sighting]) -> list[Sighting]:
        """Return those of a visit's brand that its filters name."""
        filters = (
            (visit.filter("base_station_id", "machine_id", "machine"), _machine_id),
            (visit.filter("tag_id", "tag"), lambda seen: str(seen.incursion.tag.id)),
            (visit.filter("person_id", "person"), _person_id),
            (visit.filter("worksite_id", "site_id", "site"), _site_id),
            (visit.filter("acknowledged"), _is_acknowledged),
        )
        projects = visit.filter("project_id", "project")
        return [
            seen
            for seen in sightings
            if seen.incursion.machine.brand is visit.brand
            and all(not wanted or key(seen) in wanted for wanted, key in filters)
            and (not projects or projects & _project_ids(seen))
        ]

    def newest_first(self, records: list[Record]) -> list[Record]:
        """Return records that are sorted by time in the order that the plan wants."""
        return records[::-1] if self.world.plan.forms.order == "newest" else records

    def machine(self, visit: Visit) -> Machine:
        """Return the machine in the path."""
        for machine in self.world.machines_of(visit.brand):
            if machine.id == visit.number:
                return machine
        raise ApiError(404, "No such base station")

    def tag(self, visit: Visit) -> Tag:
        """Return the tag in the path."""
        for tag in self.world.tags_of(visit.brand):
            if tag.id == visit.number:
                return tag
        raise ApiError(404, "No such tag")

    def sites(self, visit: Visit) -> list[Site]:
        """Return the brand's sites."""
        return [site for site in self.world.sites if site.brand is visit.brand]


def _machine_id(seen: Sighting) -> str:
    return str(seen.incursion.machine.shown.id)


def _person_id(seen: Sighting) -> str:
    person = seen.incursion.tag.person
    return "" if person is None else str(person.id)


def _site_id(seen: Sighting) -> str:
    return str(seen.incursion.machine.site.id)


def _is_acknowledged(seen: Sighting) -> str:
    return "false" if seen.acknowledged_at is None else "true"


def _project_ids(seen: Sighting) -> set[str]:
    return {str(project.id) for project in seen.incursion.machine.site.projects}
