"""Respond with records of the world, for all resources."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulators.response import Response
from simulators.signing import is_sealed, sealed

from .incursions import Incursions, Sighting
from .records import Records
from .request import ApiError, ApiRequest
from .serializers import Record, Serializer
from .state import Machine, Site, Tag, World


@dataclass(slots=True)
class Responder:
    """The world, and helpers for what more than one resource needs. origin: of the cloud's URL."""

    world: World
    incursions: Incursions
    serializer: Serializer
    records: Records
    origin: Callable[[], str]

    def many(
        self, request: ApiRequest, kind: str, records: list[Record], *, is_api: bool = False
    ) -> Response:
        """Return a page of records."""
        self.check_seal(request, is_given_out="seal" in request.query)
        address = self.origin() + request.call.path
        return self.serializer.many(kind, records, request.query, address, is_api=is_api)

    def sealed(self, link: str) -> str:
        """Return a link as the plan has links signed."""
        config = self.world.config
        return sealed(str(config.seed), link) if config.variants.signing == "exact" else link

    def check_seal(self, request: ApiRequest, *, is_given_out: bool = True) -> None:
        """Refuse a link that is not, byte for byte, as it was given out, where that counts."""
        config = self.world.config
        is_exact = config.variants.signing == "exact" and is_given_out
        if is_exact and not is_sealed(str(config.seed), request.call.target):
            raise ApiError(403, "The link is not signed, or no longer")

    def one(self, record: Record, status: int = 200) -> Response:
        """Return one record."""
        return self.serializer.one(record, status=status)

    def deleted(self, record: Record) -> Response:
        """Return the reply to a DELETE."""
        if self.world.config.variants.deleted == "object":
            return self.one(record)
        return Response(204, body=b"")

    def seen(self, request: ApiRequest, default_days: float) -> list[Sighting]:
        """Return what a visit's brand can see of the incursions that its filters name."""
        since, until = request.period(default_days)
        return self.matching(request, self.incursions.seen(since, until, request.now))

    def matching(self, request: ApiRequest, sightings: Iterable[Sighting]) -> list[Sighting]:
        """Return those of a visit's brand that its filters name."""
        filters = (
            (request.filter("base_station_id", "machine_id", "machine"), _machine_id),
            (request.filter("tag_id", "tag"), lambda seen: str(seen.incursion.tag.id)),
            (request.filter("person_id", "person"), _person_id),
            (request.filter("worksite_id", "site_id", "site"), _site_id),
            (request.filter("acknowledged"), _is_acknowledged),
        )
        projects = request.filter("project_id", "project")
        return [
            seen
            for seen in sightings
            if seen.incursion.machine.brand is request.brand
            and all(not wanted or key(seen) in wanted for wanted, key in filters)
            and (not projects or projects & _project_ids(seen))
        ]

    def newest_first(self, records: list[Record]) -> list[Record]:
        """Return records that are sorted by time in the order that the plan wants."""
        return records[::-1] if self.world.config.variants.order == "newest" else records

    def machine(self, request: ApiRequest) -> Machine:
        """Return the machine in the path."""
        for machine in self.world.machines_of(request.brand):
            if machine.id == request.number:
                return machine
        raise ApiError(404, "No such base station")

    def tag(self, request: ApiRequest) -> Tag:
        """Return the tag in the path."""
        for tag in self.world.tags_of(request.brand):
            if tag.id == request.number:
                return tag
        raise ApiError(404, "No such tag")

    def sites(self, request: ApiRequest) -> list[Site]:
        """Return the brand's sites."""
        return [site for site in self.world.sites if site.brand is request.brand]


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
