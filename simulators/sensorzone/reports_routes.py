"""Version 1: insights, projects, reports, alerts, notes.

The resources are stated, the path of insights too; other paths follow from those stated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from simulators.response import JsonObject, Response

from .insight_figures import Figures
from .projects import Projects
from .reports import Reports
from .request import ApiError, ApiRequest, Route, route
from .responder import Responder
from .serializers import Record, Ref
from .state import Brand
from .statistics import Statistics, statistics_by, statistics_of

_METRICS = ("incursions", "unacknowledged_incursions", "acknowledgement_score", "zone_time")


@dataclass(slots=True)
class Alert:
    """An alert by e-mail; nothing is ever sent here."""

    id: int
    brand: Brand
    fields: JsonObject


@dataclass(slots=True)
class Note:
    """A note on a machine or a person's tag."""

    id: int
    brand: Brand
    about: Ref
    text: str
    by: str
    at: int


@dataclass(slots=True)
class UserContent:
    """The alerts and notes of users."""

    alerts: dict[int, Alert] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


class ReportRoutes:
    """The routes for insights, projects, reports, alerts and notes."""

    def __init__(self, responder: Responder, figures: Figures, reports: Reports) -> None:
        """Start without alerts and notes."""
        self._responder = responder
        self._figures = figures
        self._reports = reports
        self._projects = Projects(responder, is_api=False)
        self.user_content = UserContent()
        self._numbers = count(801)

    def routes(self) -> Iterator[Route]:
        """Yield the routes."""
        notes = "/api/v1/notes /api/v1/<sub>/<id>/notes"
        for method, paths, resource, answer in (
            ("GET", "/api/v1/insights", "insights", self.insights),
            ("GET", "/api/v1/alerts", "alerts", self.list_alerts),
            ("POST", "/api/v1/alerts", "alerts", self.create_alert),
            ("GET", "/api/v1/alerts/<id>", "alerts", self.show_alert),
            ("PATCH", "/api/v1/alerts/<id>", "alerts", self.update_alert),
            ("PUT", "/api/v1/alerts/<id>", "alerts", self.update_alert),
            ("DELETE", "/api/v1/alerts/<id>", "alerts", self.delete_alert),
            ("GET", notes, "notes", self.list_notes),
            ("POST", notes, "notes", self.add_note),
        ):
            yield from route(method, paths, "v1", resource, answer)
        yield from self._projects.routes("/api/v1/projects", "v1", "projects")
        yield from self._reports.routes("/api/v1/reports", "v1", "reports", is_api=False)

    def insights(self, request: ApiRequest) -> Response:
        """Return totals, trends, and breakdowns by site, machine and person."""
        responder, figures = self._responder, self._figures
        default_days = responder.world.config.default_days
        seen = responder.seen(request, default_days)
        since, until = request.period(default_days)
        wanted = request.filter("base_station_id", "machine_id", "machine")
        machines = [
            one
            for one in responder.world.machines_of(request.brand)
            if not wanted or str(one.id) in wanted
        ]
        ran = {one.id: one.runtime_between(since, min(until, request.now)) for one in machines}
        by_machine = statistics_by(seen, lambda one: one.incursion.machine.shown.id)
        by_site = statistics_by(seen, lambda one: one.incursion.machine.site.id)
        by_person = statistics_by(seen, lambda one: one.incursion.tag.id)
        names = ("total", "acknowledged", "unacknowledged")
        totals = figures.totals(statistics_of(seen), sum(ran.values()))
        fields: JsonObject = {
            "from": responder.serializer.time(since),
            "to": responder.serializer.time(until),
            **(
                totals
                if responder.world.config.variants.summaries == "second"
                else {"totals": totals}
            ),
            "trends": [
                {"date": point.day.isoformat()} | point.figures
                for point in figures.daily_points(seen, names)
            ],
            "by_machine": [
                {"base_station_id": responder.serializer.id(one.id), "name": one.name}
                | figures.totals(by_machine.get(one.id, Statistics()), ran[one.id])
                for one in machines
            ],
            "by_site": [
                {"worksite_id": responder.serializer.id(site.id), "name": site.name}
                | figures.totals(by_site.get(site.id, Statistics()))
                for site in responder.sites(request)
            ],
            "by_person": [
                {
                    "tag_id": responder.serializer.id(tag.id),
                    "name": tag.person.name if tag.person else None,
                }
                | figures.totals(by_person[tag.id])
                for tag in responder.world.tags_of(request.brand)
                if tag.id in by_person
            ],
        }
        return responder.one(Record("insight", request.brand.id, fields))

    def list_alerts(self, request: ApiRequest) -> Response:
        """List what e-mails are sent for; only for administrators."""
        request.need_admin()
        alerts = [one for one in self.user_content.alerts.values() if one.brand is request.brand]
        return self._responder.many(request, "alert", [_alert(alert) for alert in alerts])

    def create_alert(self, request: ApiRequest) -> Response:
        """Create one."""
        request.need_admin()
        fields = _alert_fields(request, {"enabled": True, "period": "day", "worksite_ids": []})
        alert = Alert(next(self._numbers), request.brand, fields)
        self.user_content.alerts[alert.id] = alert
        return self._responder.one(_alert(alert), 201)

    def show_alert(self, request: ApiRequest) -> Response:
        """Return one."""
        request.need_admin()
        return self._responder.one(_alert(self._alert(request)))

    def update_alert(self, request: ApiRequest) -> Response:
        """Change what is named in the body."""
        request.need_admin()
        alert = self._alert(request)
        alert.fields = _alert_fields(request, alert.fields)
        return self._responder.one(_alert(alert))

    def delete_alert(self, request: ApiRequest) -> Response:
        """Delete one."""
        request.need_admin()
        alert = self._alert(request)
        del self.user_content.alerts[alert.id]
        return self._responder.deleted(_alert(alert))

    def list_notes(self, request: ApiRequest) -> Response:
        """List notes, of the brand or of one machine or tag."""
        about = _about(request, request.query)
        notes = [
            self._note(note)
            for note in self.user_content.notes
            if note.brand is request.brand and about in (None, (note.about.kind, note.about.id))
        ]
        return self._responder.many(request, "note", self._responder.newest_first(notes))

    def add_note(self, request: ApiRequest) -> Response:
        """Add a note on a machine or a tag."""
        name = next(
            (name for name in ("text", "body", "note", "content") if name in request.body), "body"
        )
        text = request.text(name, most=5000)
        about = _about(request, request.body)
        if about is None:
            raise ApiError(422, "Validation failed", {"entity": ["must exist"]})
        request.id = str(about[1])
        if about[0] == "base_station":
            self._responder.machine(request)
        else:
            self._responder.tag(request)
        note = Note(
            id=601 + len(self.user_content.notes),
            brand=request.brand,
            about=Ref(*about),
            text=text,
            by=request.who,
            at=request.now,
        )
        self.user_content.notes.append(note)
        return self._responder.one(self._note(note), 201)

    def _alert(self, request: ApiRequest) -> Alert:
        alert = self.user_content.alerts.get(request.number)
        if alert is None or alert.brand is not request.brand:
            raise ApiError(404, "No such alert")
        return alert

    def _note(self, note: Note) -> Record:
        fields: JsonObject = {
            "body": note.text,
            "author": note.by,
            "created_at": self._responder.serializer.time(note.at),
        }
        return Record("note", note.id, fields, {note.about.kind: note.about})


def _alert(alert: Alert) -> Record:
    return Record("alert", alert.id, alert.fields)


def _alert_fields(request: ApiRequest, before: JsonObject) -> JsonObject:
    """Return an alert's fields, those of the body over those before; 422 for what is wrong."""
    known = ("name", "metric", "threshold", "emails", "period", "enabled", "worksite_ids")
    fields = before | {name: request.body[name] for name in known if name in request.body}
    problems: dict[str, list[str]] = {}
    if not str(fields.get("name") or "").strip():
        problems["name"] = ["can't be blank"]
    if fields.setdefault("metric", "incursions") not in _METRICS:
        problems["metric"] = ["is not included in the list"]
    try:
        fields["threshold"] = float(str(fields.get("threshold")))
    except ValueError:
        problems["threshold"] = ["is not a number"]
    emails = fields.setdefault("emails", [])
    if not isinstance(emails, list) or not all("@" in str(email) for email in emails):
        problems["emails"] = ["is invalid"]
    if problems:
        raise ApiError(422, "Validation failed", problems)
    return fields


def _about(request: ApiRequest, named: object) -> tuple[str, int] | None:
    """Return the kind and the id of what notes are about, from the path or from parameters."""
    kinds = {"base_stations": "base_station", "tags": "tag"}
    if request.sub:
        if request.sub not in kinds:
            raise ApiError(404)
        return kinds[request.sub], request.number
    fields = named if isinstance(named, dict) else {}
    for name, kind in (("base_station_id", "base_station"), ("tag_id", "tag")):
        if str(fields.get(name, "")).isdecimal():
            return kind, int(str(fields[name]))
    if str(fields.get("entity_id", "")).isdecimal():
        is_person = str(fields.get("entity_type", "")).lower() in ("person", "people", "tag")
        return "tag" if is_person else "base_station", int(str(fields["entity_id"]))
    return None
