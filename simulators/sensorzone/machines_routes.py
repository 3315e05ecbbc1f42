"""Version 1: entities, incursions, base stations, tags, worksites.

The resources are stated, their paths follow from the stated ones, their fields are invented.
"""

from collections.abc import Iterator

from simulators.random_source import fraction, mix
from simulators.response import JsonObject, Reply

from . import pictures
from .incursions import Sighting
from .records import incursion_ref, machine_ref
from .request import ApiError, Route, Visit, route
from .responder import Desk
from .serializers import Record
from .state import Machine
from .statistics import Tally, tallies

_CLIPPED, _MESSAGE = 91, 92
_MESSAGE_DAYS = 7
_CLIP_SECONDS, _CLIP_DELAY, _CLIP_DAYS = 20, 90, 7
_MESSAGES = ("Tag test passed", "Detection unit restarted", "Antenna check done", "Low supply")


class FieldCalls:
    """What is out in the field."""

    def __init__(self, desk: Desk) -> None:
        """Ask the desk."""
        self._desk = desk

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

    def entities(self, visit: Visit) -> Reply:
        """List machines and people with their incursions of the period."""
        desk = self._desk
        seen = desk.seen(visit, desk.world.plan.default_days)
        by_machine = tallies(seen, lambda one: one.incursion.machine.shown.id)
        by_tag = tallies(seen, lambda one: one.incursion.tag.id)
        records = [
            desk.records.machine_entity(machine, by_machine.get(machine.id, Tally()))
            for machine in desk.world.machines_of(visit.brand)
        ]
        records += [
            desk.records.person_entity(tag, tag.person, by_tag.get(tag.id, Tally()))
            for tag in desk.world.tags_of(visit.brand)
            if tag.person is not None
        ]
        kinds = {_KINDS.get(kind, kind) for kind in visit.filter("kind", "type")}
        wanted = [one for one in records if not kinds or one.fields["kind"] in kinds]
        form = desk.world.plan.forms.entities
        if form == "list":
            return desk.many(visit, "entity", wanted)
        groups: JsonObject = {
            name: [
                _without_kind(desk.shapes.shown(one))
                for one in wanted
                if one.fields["kind"] == kind
            ]
            for name, kind in (("machines", "machine"), ("people", "person"))
        }
        return Reply(200, groups if form == "groups" else {form: groups})

    def list_incursions(self, visit: Visit) -> Reply:
        """List incursions that began in a period."""
        seen = self._desk.seen(visit, self._desk.world.plan.default_days)
        return self._incursions(visit, seen)

    def incursion(self, visit: Visit) -> Reply:
        """Return one incursion."""
        found = self._desk.incursions.get(visit.number)
        seen = None if found is None else found.seen(visit.now)
        if seen is None or seen.incursion.machine.brand is not visit.brand:
            raise ApiError(404, "No such incursion")
        return self._desk.one(self._desk.records.incursion(seen))

    def machine_incursions(self, visit: Visit) -> Reply:
        """List the incursions of a machine."""
        machine = self._desk.machine(visit)
        seen = self._desk.seen(visit, self._desk.world.plan.default_days)
        return self._incursions(
            visit, [one for one in seen if one.incursion.machine.shown is machine]
        )

    def base_stations(self, visit: Visit) -> Reply:
        """List machines."""
        machines = self._desk.world.machines_of(visit.brand)
        records = [self._desk.records.base_station(machine) for machine in machines]
        return self._desk.many(visit, "base_station", records)

    def base_station(self, visit: Visit) -> Reply:
        """Return one machine."""
        return self._desk.one(self._desk.records.base_station(self._desk.machine(visit)))

    def status(self, visit: Visit) -> Reply:
        """Return what a base station told last."""
        machine = self._desk.machine(visit)
        fields = self._desk.records.status(machine)
        return self._desk.one(Record("device_status", machine.id, fields))

    def messages(self, visit: Visit) -> Reply:
        """List what a base station had to say."""
        machine, world = self._desk.machine(visit), self._desk.world
        since, until = visit.period(_MESSAGE_DAYS)
        records = []
        for day in range(world.shifts.day(since), world.shifts.day(until) + 1):
            seed = mix(machine.seed, day, _MESSAGE)
            at = world.shifts.start(day) + seed % (world.shifts.steps * 60)
            if since <= at < until and at <= visit.now:
                text = _MESSAGES[seed % len(_MESSAGES)]
                fields: JsonObject = {"message": text, "sent_at": self._desk.shapes.time(at)}
                refs = {"base_station": machine_ref(machine)}
                records.append(Record("message", machine.id * 100_000 + day, fields, {**refs}))
        return self._desk.many(visit, "message", self._desk.newest_first(records))

    def clips(self, visit: Visit) -> Reply:
        """List a machine's video clips; a part of the incursions have one, once it is there."""
        machine = self._desk.machine(visit)
        seen = self._desk.seen(visit, _CLIP_DAYS)
        records = [self._clip(machine, one) for one in seen if has_clip(one, visit.now, machine)]
        return self._desk.many(visit, "clip", self._desk.newest_first(records))

    def clip_file(self, visit: Visit) -> Reply:
        """Return a clip's bytes, if the link is signed."""
        self._check_signature(visit)
        return Reply(200, None, {"Content-Type": "video/mp4"}, pictures.clip(int(visit.id)))

    def clip_picture(self, visit: Visit) -> Reply:
        """Return a clip's picture, if the link is signed."""
        self._check_signature(visit)
        return Reply(200, None, {"Content-Type": "image/png"}, pictures.png(int(visit.id)))

    def tags(self, visit: Visit) -> Reply:
        """List tags."""
        tags = self._desk.world.tags_of(visit.brand)
        return self._desk.many(visit, "tag", [self._desk.records.tag(tag) for tag in tags])

    def tag(self, visit: Visit) -> Reply:
        """Return one tag."""
        return self._desk.one(self._desk.records.tag(self._desk.tag(visit)))

    def tag_incursions(self, visit: Visit) -> Reply:
        """List the incursions of a tag."""
        tag = self._desk.tag(visit)
        seen = self._desk.seen(visit, self._desk.world.plan.default_days)
        return self._incursions(visit, [one for one in seen if one.incursion.tag is tag])

    def tag_tests(self, visit: Visit) -> Reply:
        """List the tests of a tag."""
        tag, shapes = self._desk.tag(visit), self._desk.shapes
        since, until = visit.period(self._desk.world.plan.chart_days)
        records = [
            Record(
                "tag_test",
                test.id,
                {
                    "tested_at": shapes.time(test.at),
                    "result": "passed" if test.passed else "failed",
                },
                {"base_station": machine_ref(test.machine)},
            )
            for test in self._desk.world.tests(tag, since, min(until, visit.now))
        ]
        return self._desk.many(visit, "tag_test", self._desk.newest_first(records[::-1]))

    def worksites(self, visit: Visit) -> Reply:
        """List sites with their boundaries."""
        records = [self._desk.records.worksite(site) for site in self._desk.sites(visit)]
        return self._desk.many(visit, "worksite", records)

    def worksite(self, visit: Visit) -> Reply:
        """Return one site."""
        for site in self._desk.sites(visit):
            if site.id == visit.number:
                return self._desk.one(self._desk.records.worksite(site))
        raise ApiError(404, "No such worksite")

    def _incursions(self, visit: Visit, seen: list[Sighting]) -> Reply:
        records = [self._desk.records.incursion(one) for one in seen]
        return self._desk.many(visit, "incursion", self._desk.newest_first(records))

    def _clip(self, machine: Machine, seen: Sighting) -> Record:
        shapes, what = self._desk.shapes, seen.incursion
        host = self._desk.origin() if self._desk.world.plan.forms.media_links == "absolute" else ""
        link = f"{host}/media/clips/{what.id}/{machine.id}"
        signature = f"signature={_signature(self._desk.world.plan.seed, what.id)}"
        fields: JsonObject = {
            "started_at": shapes.time(what.start - 5),
            **shapes.length(_CLIP_SECONDS),
            "url": self._desk.sealed(f"{link}.mp4?{signature}"),
            "thumbnail_url": self._desk.sealed(f"{link}.png?{signature}"),
            "content_type": "video/mp4",
        }
        refs = {"base_station": machine_ref(machine), "incursion": incursion_ref(what)}
        return Record("clip", what.id + 7, fields, {**refs})

    def _check_signature(self, visit: Visit) -> None:
        self._desk.check_seal(visit)
        signature = _signature(self._desk.world.plan.seed, visit.number)
        if visit.query.get("signature") != signature:
            raise ApiError(403, "The link is not signed, or no longer")


_KINDS = {"machines": "machine", "people": "person", "base_station": "machine", "tag": "person"}


def _without_kind(row: JsonObject) -> JsonObject:
    """Return a row of a list that says by its name what is in it."""
    return {key: value for key, value in row.items() if key not in ("kind", "type")}


def has_clip(seen: Sighting, now: int, machine: Machine) -> bool:
    """Tell whether there is a clip of an incursion that this machine saw."""
    what = seen.incursion
    return (
        what.machine.shown is machine
        and what.machine.has_camera
        and now >= what.listed_at + _CLIP_DELAY
        and fraction(what.seed, 0, _CLIPPED) < 0.4
    )


def _signature(seed: int, number: int) -> str:
    return f"{mix(seed, number, _CLIPPED):016x}"
