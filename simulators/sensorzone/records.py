"""Create records of machines, people, tags, sites and incursions.

The names of the fields are invented but for those of people assets; their shapes are in `serializers`.
"""

from simulators.random_source import fraction, mix
from simulators.response import JsonObject, encode

from .config import ApiVariants
from .incursions import Incursion, Sighting
from .movement import DAY
from .serializers import Record, Ref, Serializer
from .state import Machine, Person, Project, Site, Tag, User, World
from .statistics import Statistics

_BATTERY = 81
_TEST_INTERVAL_DAYS = 14


class Records:
    """Makes records of the world's things as they are now."""

    def __init__(self, world: World, serializer: Serializer) -> None:
        """Look at the world at every record."""
        self._world = world
        self._serializer = serializer

    @property
    def _variants(self) -> ApiVariants:
        return self._world.config.variants

    def user(self, user: User) -> Record:
        """Return who is signed in."""
        fields: JsonObject = {"email": user.email, "name": user.name, "role": user.role}
        return Record(
            "user", user.id, fields, {"brand": Ref("brand", user.brand.id, user.brand.name)}
        )

    def incursion(self, seen: Sighting) -> Record:
        """Return an incursion as it is seen now."""
        serializer, what = self._serializer, seen.incursion
        fields: JsonObject = {
            "started_at": serializer.time(what.start),
            "ended_at": serializer.time(seen.end),
            **serializer.length(seen.duration),
            **serializer.acknowledgement(seen.acknowledged_at),
            **serializer.place(what.position if what.machine.gps == "good" else None),
        }
        if what.machine.gps == "zero":
            fields |= serializer.place((0.0, 0.0))
        if not self._world.config.oddities.no_version:
            fields["updated_at"] = serializer.time(seen.updated_at)
        machine = what.machine.shown
        return Record(
            "incursion",
            what.id,
            fields,
            {
                "base_station": machine_ref(machine),
                "tag": tag_ref(what.tag),
                "person": person_ref(what.tag.person),
                "operator": operator_ref(what.operator),
                "worksite": site_ref(what.machine.site),
            },
        )

    def base_station(self, machine: Machine) -> Record:
        """Return a machine with what its base station tells."""
        asset: JsonObject = {
            "manufacturer": machine.maker,
            "model": machine.model,
            "year": machine.year,
            "number_plate": machine.plate,
            "has_camera": machine.has_camera,
        }
        fields: JsonObject = {"name": machine.name, "serial_number": machine.serial}
        return Record(
            "base_station",
            machine.id,
            fields | asset | self.status(machine),
            {
                "worksite": site_ref(machine.site),
                "project": self._projects(machine.site),
            },
        )

    def status(self, machine: Machine) -> JsonObject:
        """Return what the cloud heard of a machine last."""
        serializer, now = self._serializer, self._world.now
        seen = machine.last_seen(now)
        today = self._world.shifts.day(seen)
        total = sum(
            machine.runtime(day, seen)
            for day in range(self._world.shifts.day(machine.added), today + 1)
        )
        runs = machine.is_running(seen)
        ignition = (
            {"ignition": runs}
            if self._variants.states == "first"
            else {"ignition_state": "on" if runs else "off"}
        )
        return {
            **ignition,
            "last_seen_at": serializer.time(seen),
            **serializer.place(machine.position(seen)),
            **serializer.runtime(total),
        }

    def tag(self, tag: Tag) -> Record:
        """Return a tag, who wears it and when it was tested."""
        now = self._world.now
        test = next(self._world.tests(tag, self._world.since, now), None)
        is_first = self._variants.states == "first"
        fields: JsonObject = {
            "serial_number": tag.serial,
            "role": tag.role if is_first else tag.role.title(),
            "test_interval_days": _TEST_INTERVAL_DAYS,
        }
        if self._variants.tests != "days":
            fields["last_tested_at"] = self._serializer.time(test.at if test else None)
        if self._variants.tests != "time":
            fields["days_since_last_test"] = (now - test.at) // DAY if test else None
        if self._variants.battery == "percent":
            fields["battery_level"] = 20 + int(
                fraction(mix(tag.seed, now // DAY), 0, _BATTERY) * 80
            )
        return Record("tag", tag.id, fields, {"person": person_ref(tag.person)})

    def machine_entity(self, machine: Machine, statistics: Statistics) -> Record:
        """Return a machine in the list of entities."""
        seen = machine.last_seen(self._world.now)
        record = Record("entity", machine.id, {"kind": "machine", "name": machine.name})
        return self._entity(record, statistics, is_active=machine.is_running(seen))

    def person_entity(self, tag: Tag, person: Person, statistics: Statistics) -> Record:
        """Return a person in the list of entities."""
        now = self._world.now
        day = self._world.shifts.day(now)
        walks = tag.moves is not None and tag.moves(day).is_active(
            now - self._world.shifts.start(day)
        )
        record = Record("entity", tag.id, {"kind": "person", "name": person.name})
        return self._entity(record, statistics, is_active=walks)

    def worksite(self, site: Site) -> Record:
        """Return a site with its boundary, polygon or circle."""
        world = self._world
        fields: JsonObject = {
            "name": site.name,
            "colour": site.colour,
            "site_type": site.kind,
            "technical_contact": {"name": "Terry Contact", "email": "terry.contact@example.org"},
        }
        if site.radius:
            latitude, longitude = site.centre
            centre = {"type": "Point", "coordinates": [longitude, latitude]}
            fields |= {"boundary": None, "center": centre, "radius": site.radius}
        else:
            fields["boundary"] = self._boundary(site)
        machines = [one for one in world.machines_of(site.brand) if one.site is site]
        return Record(
            "worksite",
            site.id,
            fields,
            {
                "project": self._projects(site),
                "base_station": [machine_ref(machine) for machine in machines],
            },
        )

    def project(self, project: Project) -> Record:
        """Return a project and its sites."""
        sites = [site for site in self._world.sites if project in site.projects]
        fields: JsonObject = {"name": project.name, "description": project.description}
        return Record(
            "project", project.id, fields, {"worksite": [site_ref(site) for site in sites]}
        )

    def _entity(self, record: Record, statistics: Statistics, *, is_active: bool) -> Record:
        summary: JsonObject = {
            "incursions_count": statistics.total,
            "acknowledged_count": statistics.acknowledged,
            "last_incursion_at": self._serializer.time(statistics.newest),
        }
        if self._variants.states == "first":
            record.fields["activity_status"] = "active" if is_active else "inactive"
        else:
            record.fields["active"] = is_active
        record.fields |= summary if self._variants.summaries == "first" else {"summary": summary}
        return record

    def _boundary(self, site: Site) -> object:
        match self._variants.boundaries:
            case "feature":
                return {"type": "Feature", "properties": {}, "geometry": site.boundary}
            case "text":
                return encode(site.boundary).decode()
        return site.boundary

    def _projects(self, site: Site) -> Ref | list[Ref] | None:
        refs: list[Ref] = [project_ref(project) for project in site.projects]
        return next(iter(refs), None) if self._variants.site_projects == "one" else refs


def machine_ref(machine: Machine) -> Ref:
    """Return a machine as another record names it."""
    return Ref("base_station", machine.id, machine.name)


def tag_ref(tag: Tag | None) -> Ref | None:
    """Return a tag as another record names it."""
    return None if tag is None else Ref("tag", tag.id, tag.serial)


def operator_ref(tag: Tag | None) -> Ref | None:
    """Return a driver's tag as another record names it."""
    if tag is None:
        return None
    return Ref("tag", tag.id, tag.person.name if tag.person else tag.serial)


def person_ref(person: Person | None) -> Ref | None:
    """Return a person as another record names it."""
    return None if person is None else Ref("person", person.id, person.name)


def site_ref(site: Site) -> Ref:
    """Return a site as another record names it."""
    return Ref("worksite", site.id, site.name)


def project_ref(project: Project) -> Ref:
    """Return a project as another record names it."""
    return Ref("project", project.id, project.name)


def incursion_ref(incursion: Incursion) -> Ref:
    """Return an incursion as another record names it."""
    return Ref("incursion", incursion.id)
