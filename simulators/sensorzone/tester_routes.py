"""The calls of tester devices, `/api/v1/tester`: people assets, tag assignments, visitor sessions.

People assets and tag assignments are stated; a person asset's fields too, and that it comes bare.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
import re

from simulators.response import Reply

from .fixtures import add_person
from .records import person_ref, tag_ref
from .request import ApiError, Route, Visit, route
from .responder import Desk
from .serializers import Record
from .state import Person, Tag
from .visitors import VisitorSession, Visits

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(slots=True)
class Assignment:
    """A tag given to somebody."""

    id: int
    tag: Tag
    person: Person
    at: int
    before: Person | None


class TesterCalls:
    """What a tester device can ask."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        """Start without assignments beside those that people have had for long."""
        self._desk = desk
        self._visits = visits
        self.assignments: dict[int, Assignment] = {}
        self._numbers = count(3_001)

    def routes(self) -> Iterator[Route]:
        """Yield the routes."""
        base = "/api/v1/tester"
        for method, path, resource, answer in (
            ("GET", "/people_assets", "tester_people_assets", self.list_people),
            ("POST", "/people_assets", "tester_people_assets", self.create_person),
            ("POST", "/tag_assignments", "tester_tag_assignments", self.assign),
            ("DELETE", "/tag_assignments/<id>", "tester_tag_assignments", self.release),
            ("GET", "/visitor_sessions", "tester_visitor_sessions", self.list_visits),
            ("POST", "/visitor_sessions", "tester_visitor_sessions", self.check_in),
            ("PATCH", "/visitor_sessions/<id>", "tester_visitor_sessions", self.check_out),
            ("PUT", "/visitor_sessions/<id>", "tester_visitor_sessions", self.check_out),
            ("DELETE", "/visitor_sessions/<id>", "tester_visitor_sessions", self.check_out),
            ("POST", "/visitor_sessions/<id>/check_out", "tester_visitor_sessions", self.check_out),
        ):
            yield from route(method, base + path, "tester", resource, answer)

    def list_people(self, visit: Visit) -> Reply:
        """List the brand's people assets, all or of one kind."""
        kinds = visit.filter("kind")
        if kinds - {"staff", "visitor"}:
            raise ApiError(400, "kind is staff or visitor")
        people = [
            _person(person)
            for person in self._desk.world.people
            if person.brand is visit.brand and (not kinds or person.kind in kinds)
        ]
        return self._desk.many(visit, "people_asset", people)

    def create_person(self, visit: Visit) -> Reply:
        """Create a person asset; 422 for an employee id that is taken."""
        name, kind = visit.text("name"), visit.text("kind")
        problems: dict[str, list[str]] = {}
        if kind not in ("staff", "visitor"):
            problems["kind"] = ["is not included in the list"]
        employee_id = str(visit.body.get("employee_id") or "") or None
        if kind == "staff" and employee_id is None:
            problems["employee_id"] = ["can't be blank"]
        if employee_id is not None and any(
            person.employee_id == employee_id
            for person in self._desk.world.people
            if person.brand is visit.brand
        ):
            problems["employee_id"] = ["has already been taken"]
        email = str(visit.body.get("email") or "") or None
        if email is not None and not _EMAIL.fullmatch(email):
            problems["email"] = ["is invalid"]
        if problems:
            raise ApiError(422, "Validation failed", problems)
        person = add_person(self._desk.world, visit.brand, kind, name)
        person.employee_id, person.email = employee_id, email
        person.company = str(visit.body.get("company") or "") or None
        return Reply(201, self._desk.shapes.bare(_person(person)))

    def assign(self, visit: Visit) -> Reply:
        """Give a tag to a person; both by id, the tag also by its serial number."""
        tag, person = self._tag(visit), self._person(visit)
        if any(one.tag is tag for one in self.assignments.values()):
            raise ApiError(422, "Validation failed", {"tag": ["is already assigned"]})
        given = Assignment(next(self._numbers), tag, person, visit.now, tag.person)
        self.assignments[given.id] = given
        tag.person = person
        return self._desk.one(self._assignment(given), 201)

    def release(self, visit: Visit) -> Reply:
        """Take a tag back."""
        given = self.assignments.get(visit.number)
        if given is None or given.tag.brand is not visit.brand:
            raise ApiError(404, "No such tag assignment")
        del self.assignments[visit.number]
        given.tag.person = given.before if given.before is not given.person else None
        return self._desk.deleted(self._assignment(given))

    def list_visits(self, visit: Visit) -> Reply:
        """List the visitor sessions that began in a period."""
        since, until = visit.period(self._desk.world.plan.default_days)
        visits = self._visits.between(visit.brand, since, until)
        records = [self._visit(one) for one in visits]
        return self._desk.many(visit, "visitor_session", self._desk.newest_first(records))

    def check_in(self, visit: Visit) -> Reply:
        """Check a visitor in: by the id of a person, or a name; with a tag, or none."""
        person = None if visit.body.get("name") else self._person(visit)
        tag = self._tag(visit) if self._names_tag(visit) else None
        if tag is not None and self._visits.wearer(tag, visit.now) is not None:
            raise ApiError(422, "Validation failed", {"tag": ["is in use"]})
        begun = self._visits.begin(
            visit.brand,
            name=person.name if person else visit.text("name"),
            company=str(visit.body.get("company") or "") or None,
            notes=str(visit.body.get("notes") or "") or None,
            tag=tag,
            person=person,
            by=visit.who,
            at=visit.now,
        )
        return self._desk.one(self._visit(begun), 201)

    def check_out(self, visit: Visit) -> Reply:
        """Check a visitor out."""
        session = self._visits.get(visit.brand, visit.number)
        if session is None:
            raise ApiError(404, "No such visitor session")
        if session.check_out is not None and session.check_out <= visit.now:
            raise ApiError(422, "Validation failed", {"base": ["Visitor has been checked out"]})
        self._visits.end(session, visit.who, visit.now)
        return self._desk.one(self._visit(session))

    def _names_tag(self, visit: Visit) -> bool:
        return any(visit.body.get(name) for name in (*_TAG_IDS, *_TAG_SERIALS))

    def _tag(self, visit: Visit) -> Tag:
        body = visit.body
        ids = {str(body[name]) for name in _TAG_IDS if body.get(name)}
        serials = {str(body[name]) for name in _TAG_SERIALS if body.get(name)}
        for tag in self._desk.world.tags_of(visit.brand):
            if str(tag.id) in ids or tag.serial in serials or tag.serial in ids:
                return tag
        problem = "must exist" if ids or serials else "can't be blank"
        raise ApiError(422, "Validation failed", {"tag": [problem]})

    def _person(self, visit: Visit) -> Person:
        ids = {str(visit.body[name]) for name in _PERSON_IDS if visit.body.get(name)}
        for person in self._desk.world.people:
            if person.brand is visit.brand and str(person.id) in ids:
                return person
        problem = "must exist" if ids else "can't be blank"
        raise ApiError(422, "Validation failed", {"person": [problem]})

    def _assignment(self, given: Assignment) -> Record:
        fields: dict[str, object] = {"assigned_at": self._desk.shapes.time(given.at)}
        refs = {"tag": tag_ref(given.tag), "people_asset": person_ref(given.person)}
        return Record("tag_assignment", given.id, fields, {**refs})

    def _visit(self, session: VisitorSession) -> Record:
        shapes, now = self._desk.shapes, self._desk.world.now
        out = session.check_out
        if out is not None and out > now:
            out = None
        return Record(
            "visitor_session",
            session.id,
            {
                "name": session.name,
                "company": session.company,
                "checked_in_at": shapes.time(session.check_in),
                "checked_out_at": shapes.time(out),
                **shapes.length(None if out is None else out - session.check_in),
                "checked_in_by": session.by,
                "checked_out_by": session.out_by if out is not None else None,
                "notes": session.notes,
                "tag_serial": session.tag.serial if session.tag else None,
            },
            {
                "tag": tag_ref(session.tag),
                "people_asset": person_ref(session.person),
            },
        )


_TAG_IDS = ("tag_id", "tag")
_TAG_SERIALS = ("tag_serial", "tag_serial_number", "serial_number", "serial", "tag_number")
_PERSON_IDS = ("people_asset_id", "person_id", "person_asset_id", "people_asset", "person")


def _person(person: Person) -> Record:
    return Record(
        "people_asset",
        person.id,
        {
            "name": person.name,
            "employee_id": person.employee_id,
            "kind": person.kind,
            "company": person.company,
            "email": person.email,
        },
    )
