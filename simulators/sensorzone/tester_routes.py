"""The calls of tester devices, `/api/v1/tester`: people assets, tag assignments, visitor sessions.

People assets and tag assignments are stated; a person asset's fields too, and that it comes bare.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
import re

from simulators.response import Response

from .fixtures import add_person
from .records import person_ref, tag_ref
from .request import ApiError, ApiRequest, Route, route
from .responder import Responder
from .serializers import Record
from .state import Person, Tag
from .visitors import VisitorSession, VisitorSessions

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(slots=True)
class Assignment:
    """A tag given to somebody."""

    id: int
    tag: Tag
    person: Person
    at: int
    before: Person | None


class TesterRoutes:
    """The routes of tester devices."""

    def __init__(self, responder: Responder, sessions: VisitorSessions) -> None:
        """Start without assignments beside those that people have had for long."""
        self._responder = responder
        self._sessions = sessions
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

    def list_people(self, request: ApiRequest) -> Response:
        """List the brand's people assets, all or of one kind."""
        kinds = request.filter("kind")
        if kinds - {"staff", "visitor"}:
            raise ApiError(400, "kind is staff or visitor")
        people = [
            _person(person)
            for person in self._responder.world.people
            if person.brand is request.brand and (not kinds or person.kind in kinds)
        ]
        return self._responder.many(request, "people_asset", people)

    def create_person(self, request: ApiRequest) -> Response:
        """Create a person asset; 422 for an employee id that is taken."""
        name, kind = request.text("name"), request.text("kind")
        problems: dict[str, list[str]] = {}
        if kind not in ("staff", "visitor"):
            problems["kind"] = ["is not included in the list"]
        employee_id = str(request.body.get("employee_id") or "") or None
        if kind == "staff" and employee_id is None:
            problems["employee_id"] = ["can't be blank"]
        if employee_id is not None and any(
            person.employee_id == employee_id
            for person in self._responder.world.people
            if person.brand is request.brand
        ):
            problems["employee_id"] = ["has already been taken"]
        email = str(request.body.get("email") or "") or None
        if email is not None and not _EMAIL.fullmatch(email):
            problems["email"] = ["is invalid"]
        if problems:
            raise ApiError(422, "Validation failed", problems)
        person = add_person(self._responder.world, request.brand, kind, name)
        person.employee_id, person.email = employee_id, email
        person.company = str(request.body.get("company") or "") or None
        return Response(201, self._responder.serializer.bare(_person(person)))

    def assign(self, request: ApiRequest) -> Response:
        """Give a tag to a person; both by id, the tag also by its serial number."""
        tag, person = self._tag(request), self._person(request)
        if any(one.tag is tag for one in self.assignments.values()):
            raise ApiError(422, "Validation failed", {"tag": ["is already assigned"]})
        given = Assignment(next(self._numbers), tag, person, request.now, tag.person)
        self.assignments[given.id] = given
        tag.person = person
        return self._responder.one(self._assignment(given), 201)

    def release(self, request: ApiRequest) -> Response:
        """Take a tag back."""
        given = self.assignments.get(request.number)
        if given is None or given.tag.brand is not request.brand:
            raise ApiError(404, "No such tag assignment")
        del self.assignments[request.number]
        given.tag.person = given.before if given.before is not given.person else None
        return self._responder.deleted(self._assignment(given))

    def list_visits(self, request: ApiRequest) -> Response:
        """List the visitor sessions that began in a period."""
        since, until = request.period(self._responder.world.config.default_days)
        sessions = self._sessions.between(request.brand, since, until)
        records = [self._session_record(one) for one in sessions]
        return self._responder.many(
            request, "visitor_session", self._responder.newest_first(records)
        )

    def check_in(self, request: ApiRequest) -> Response:
        """Check a visitor in: by the id of a person, or a name; with a tag, or none."""
        person = None if request.body.get("name") else self._person(request)
        tag = self._tag(request) if self._names_tag(request) else None
        if tag is not None and self._sessions.wearer(tag, request.now) is not None:
            raise ApiError(422, "Validation failed", {"tag": ["is in use"]})
        begun = self._sessions.begin(
            request.brand,
            name=person.name if person else request.text("name"),
            company=str(request.body.get("company") or "") or None,
            notes=str(request.body.get("notes") or "") or None,
            tag=tag,
            person=person,
            by=request.who,
            at=request.now,
        )
        return self._responder.one(self._session_record(begun), 201)

    def check_out(self, request: ApiRequest) -> Response:
        """Check a visitor out."""
        session = self._sessions.get(request.brand, request.number)
        if session is None:
            raise ApiError(404, "No such visitor session")
        if session.check_out is not None and session.check_out <= request.now:
            raise ApiError(422, "Validation failed", {"base": ["Visitor has been checked out"]})
        self._sessions.end(session, request.who, request.now)
        return self._responder.one(self._session_record(session))

    def _names_tag(self, request: ApiRequest) -> bool:
        return any(request.body.get(name) for name in (*_TAG_IDS, *_TAG_SERIALS))

    def _tag(self, request: ApiRequest) -> Tag:
        body = request.body
        ids = {str(body[name]) for name in _TAG_IDS if body.get(name)}
        serials = {str(body[name]) for name in _TAG_SERIALS if body.get(name)}
        for tag in self._responder.world.tags_of(request.brand):
            if str(tag.id) in ids or tag.serial in serials or tag.serial in ids:
                return tag
        problem = "must exist" if ids or serials else "can't be blank"
        raise ApiError(422, "Validation failed", {"tag": [problem]})

    def _person(self, request: ApiRequest) -> Person:
        ids = {str(request.body[name]) for name in _PERSON_IDS if request.body.get(name)}
        for person in self._responder.world.people:
            if person.brand is request.brand and str(person.id) in ids:
                return person
        problem = "must exist" if ids else "can't be blank"
        raise ApiError(422, "Validation failed", {"person": [problem]})

    def _assignment(self, given: Assignment) -> Record:
        fields: dict[str, object] = {"assigned_at": self._responder.serializer.time(given.at)}
        refs = {"tag": tag_ref(given.tag), "people_asset": person_ref(given.person)}
        return Record("tag_assignment", given.id, fields, {**refs})

    def _session_record(self, session: VisitorSession) -> Record:
        serializer, now = self._responder.serializer, self._responder.world.now
        out = session.check_out
        if out is not None and out > now:
            out = None
        return Record(
            "visitor_session",
            session.id,
            {
                "name": session.name,
                "company": session.company,
                "checked_in_at": serializer.time(session.check_in),
                "checked_out_at": serializer.time(out),
                **serializer.length(None if out is None else out - session.check_in),
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
