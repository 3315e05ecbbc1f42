"""Version 1: entities, incursions, base stations, tags, worksites.

The resources are stated, their paths follow from the stated ones, their fields are invented.
"""

from collections.abc import Iterator

from simulators.random_source import fraction, mix
from simulators.response import JsonObject, Response

from . import pictures
from .incursions import Sighting
from .records import incursion_ref, machine_ref
from .request import ApiError, ApiRequest, Route, route
from .responder import Responder
from .serializers import Record
from .state import Machine
from .statistics import Statistics, statistics_by

_CLIPPED, _MESSAGE = 91, 92
_MESSAGE_DAYS = 7
_CLIP_SECONDS, _CLIP_DELAY, _CLIP_DAYS = 20, 90, 7
_MESSAGES = ("Tag test passed", "Detection unit restarted", "Antenna check done", "Low supply")


class MachineRoutes:
    """The routes for machines, tags, incursions and worksites."""

    def __init__(self, responder: Responder) -> None:
        """Respond through a responder."""
        self._responder = responder

    def routes(self) -> Iterator[Route]:
        """Yield the routes."""
        machine = "/api/v1/base_stations/<id>"
        tag = "/api/v1/tags/<id>"
        for paths, resource, answer in (
            ("/api/v1/entities", "entities", self.entities),
            ("/api/v1/incursions", "incursions", self.list_incursions),
            ("/api/v1/incursions/<id>", "incursions", self.incursion),
            ("/api/v1/base_stations", "base_stations", self.base_stations),
            (machine, "base_stations", self.base_station),
            (f"{machine}/status {machine}/device_status", "base_station_status", self.status),
            (f"{machine}/messages", "base_station_messages", self.messages),
            (f"{machine}/clips {machine}/video_clips", "base_station_clips", self.clips),
            (f"{machine}/incursions", "incursions", self.machine_incursions),
            ("/api/v1/tags", "tags", self.tags),
            (tag, "tags", self.tag),
            (f"{tag}/incursions", "tag_incursions", self.tag_incursions),
            (f"{tag}/tests {tag}/tag_tests {tag}/testing_records", "tag_tests", self.tag_tests),
            ("/api/v1/worksites", "worksites", self.worksites),
            ("/api/v1/worksites/<id>", "worksites", self.worksite),
        ):
            yield from route("GET", paths, "v1", resource, answer)
        for path, answer in (("<sub>.mp4", self.clip_file), ("<sub>.png", self.clip_picture)):
            yield from route(
                "GET", f"/media/clips/<id>/{path}", "open", "base_station_clips", answer
            )

    def entities(self, request: ApiRequest) -> Response:
        """List machines and people with their incursions of the period."""
        responder = self._responder
        seen = responder.seen(request, responder.world.config.default_days)
        by_machine = statistics_by(seen, lambda one: one.incursion.machine.shown.id)
        by_tag = statistics_by(seen, lambda one: one.incursion.tag.id)
        records = [
            responder.records.machine_entity(machine, by_machine.get(machine.id, Statistics()))
            for machine in responder.world.machines_of(request.brand)
        ]
        records += [
            responder.records.person_entity(tag, tag.person, by_tag.get(tag.id, Statistics()))
            for tag in responder.world.tags_of(request.brand)
            if tag.person is not None
        ]
        kinds = {_KINDS.get(kind, kind) for kind in request.filter("kind", "type")}
        wanted = [one for one in records if not kinds or one.fields["kind"] in kinds]
        form = responder.world.config.variants.entities
        if form == "list":
            return responder.many(request, "entity", wanted)
        groups: JsonObject = {
            name: [
                _without_kind(responder.serializer.shown(one))
                for one in wanted
                if one.fields["kind"] == kind
            ]
            for name, kind in (("machines", "machine"), ("people", "person"))
        }
        return Response(200, groups if form == "groups" else {form: groups})

    def list_incursions(self, request: ApiRequest) -> Response:
        """List incursions that began in a period."""
        seen = self._responder.seen(request, self._responder.world.config.default_days)
        return self._incursions(request, seen)

    def incursion(self, request: ApiRequest) -> Response:
        """Return one incursion."""
        found = self._responder.incursions.get(request.number)
        seen = None if found is None else found.seen(request.now)
        if seen is None or seen.incursion.machine.brand is not request.brand:
            raise ApiError(404, "No such incursion")
        return self._responder.one(self._responder.records.incursion(seen))

    def machine_incursions(self, request: ApiRequest) -> Response:
        """List the incursions of a machine."""
        machine = self._responder.machine(request)
        seen = self._responder.seen(request, self._responder.world.config.default_days)
        return self._incursions(
            request, [one for one in seen if one.incursion.machine.shown is machine]
        )

    def base_stations(self, request: ApiRequest) -> Response:
        """List machines."""
        machines = self._responder.world.machines_of(request.brand)
        records = [self._responder.records.base_station(machine) for machine in machines]
        return self._responder.many(request, "base_station", records)

    def base_station(self, request: ApiRequest) -> Response:
        """Return one machine."""
        return self._responder.one(
            self._responder.records.base_station(self._responder.machine(request))
        )

    def status(self, request: ApiRequest) -> Response:
        """Return the last status of a base station."""
        machine = self._responder.machine(request)
        fields = self._responder.records.status(machine)
        return self._responder.one(Record("device_status", machine.id, fields))

    def messages(self, request: ApiRequest) -> Response:
        """List what a base station had to say."""
        machine, world = self._responder.machine(request), self._responder.world
        since, until = request.period(_MESSAGE_DAYS)
        records = []
        for day in range(world.shifts.day(since), world.shifts.day(until) + 1):
            seed = mix(machine.seed, day, _MESSAGE)
            at = world.shifts.start(day) + seed % (world.shifts.steps * 60)
            if since <= at < until and at <= request.now:
                text = _MESSAGES[seed % len(_MESSAGES)]
                fields: JsonObject = {
                    "message": text,
                    "sent_at": self._responder.serializer.time(at),
                }
                refs = {"base_station": machine_ref(machine)}
                records.append(Record("message", machine.id * 100_000 + day, fields, {**refs}))
        return self._responder.many(request, "message", self._responder.newest_first(records))

    def clips(self, request: ApiRequest) -> Response:
        """List a machine's video clips; a part of the incursions have one, once it is there."""
        machine = self._responder.machine(request)
        seen = self._responder.seen(request, _CLIP_DAYS)
        records = [self._clip(machine, one) for one in seen if has_clip(one, request.now, machine)]
        return self._responder.many(request, "clip", self._responder.newest_first(records))

    def clip_file(self, request: ApiRequest) -> Response:
        """Return a clip's bytes, if the link is signed."""
        self._check_signature(request)
        return Response(200, None, {"Content-Type": "video/mp4"}, pictures.clip(int(request.id)))

    def clip_picture(self, request: ApiRequest) -> Response:
        """Return a clip's picture, if the link is signed."""
        self._check_signature(request)
        return Response(200, None, {"Content-Type": "image/png"}, pictures.png(int(request.id)))

    def tags(self, request: ApiRequest) -> Response:
        """List tags."""
        tags = self._responder.world.tags_of(request.brand)
        return self._responder.many(
            request, "tag", [self._responder.records.tag(tag) for tag in tags]
        )

    def tag(self, request: ApiRequest) -> Response:
        """Return one tag."""
        return self._responder.one(self._responder.records.tag(self._responder.tag(request)))

    def tag_incursions(self, request: ApiRequest) -> Response:
        """List the incursions of a tag."""
        tag = self._responder.tag(request)
        seen = self._responder.seen(request, self._responder.world.config.default_days)
        return self._incursions(request, [one for one in seen if one.incursion.tag is tag])

    def tag_tests(self, request: ApiRequest) -> Response:
        """List the tests of a tag."""
        tag, serializer = self._responder.tag(request), self._responder.serializer
        since, until = request.period(self._responder.world.config.chart_days)
        records = [
            Record(
                "tag_test",
                test.id,
                {
                    "tested_at": serializer.time(test.at),
                    "result": "passed" if test.passed else "failed",
                },
                {"base_station": machine_ref(test.machine)},
            )
            for test in self._responder.world.tests(tag, since, min(until, request.now))
        ]
        return self._responder.many(
            request, "tag_test", self._responder.newest_first(records[::-1])
        )

    def worksites(self, request: ApiRequest) -> Response:
        """List sites with their boundaries."""
        records = [
            self._responder.records.worksite(site) for site in self._responder.sites(request)
        ]
        return self._responder.many(request, "worksite", records)

    def worksite(self, request: ApiRequest) -> Response:
        """Return one site."""
        for site in self._responder.sites(request):
            if site.id == request.number:
                return self._responder.one(self._responder.records.worksite(site))
        raise ApiError(404, "No such worksite")

    def _incursions(self, request: ApiRequest, seen: list[Sighting]) -> Response:
        records = [self._responder.records.incursion(one) for one in seen]
        return self._responder.many(request, "incursion", self._responder.newest_first(records))

    def _clip(self, machine: Machine, seen: Sighting) -> Record:
        serializer, what = self._responder.serializer, seen.incursion
        host = (
            self._responder.origin()
            if self._responder.world.config.variants.media_links == "absolute"
            else ""
        )
        link = f"{host}/media/clips/{what.id}/{machine.id}"
        signature = f"signature={_signature(self._responder.world.config.seed, what.id)}"
        fields: JsonObject = {
            "started_at": serializer.time(what.start - 5),
            **serializer.length(_CLIP_SECONDS),
            "url": self._responder.sealed(f"{link}.mp4?{signature}"),
            "thumbnail_url": self._responder.sealed(f"{link}.png?{signature}"),
            "content_type": "video/mp4",
        }
        refs = {"base_station": machine_ref(machine), "incursion": incursion_ref(what)}
        return Record("clip", what.id + 7, fields, {**refs})

    def _check_signature(self, request: ApiRequest) -> None:
        self._responder.check_seal(request)
        signature = _signature(self._responder.world.config.seed, request.number)
        if request.query.get("signature") != signature:
            raise ApiError(403, "The link is not signed, or no longer")


_KINDS = {"machines": "machine", "people": "person", "base_station": "machine", "tag": "person"}


def _without_kind(row: JsonObject) -> JsonObject:
    """Return a row of a list that says by its name what is in it."""
    return {key: value for key, value in row.items() if key not in ("kind", "type")}


def has_clip(seen: Sighting, now: int, machine: Machine) -> bool:
    """Return whether there is a clip of an incursion that this machine saw."""
    what = seen.incursion
    return (
        what.machine.shown is machine
        and what.machine.has_camera
        and now >= what.listed_at + _CLIP_DELAY
        and fraction(what.seed, 0, _CLIPPED) < 0.4
    )


def _signature(seed: int, number: int) -> str:
    return f"{mix(seed, number, _CLIPPED):016x}"
