"""Version 1: insights, projects, reports, alerts, notes.

The resources are stated, the path of insights too; other paths follow from those stated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from simulators.response import JsonObject, Reply

from .insight_figures import Figures
from .projects import Projects
from .reports import Reports
from .request import ApiError, Route, Visit, route
from .responder import Desk
from .serializers import Record, Ref
from .state import Brand
from .statistics import Tally, tallies, tally

_METRICS = ("incursions", "unacknowledged_incursions", "acknowledgement_score", "zone_time")


@dataclass(slots=True)
class Alert:
    """What e-mails are sent for. Nothing is ever sent here."""

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
class Folder:
    """What users have left."""

    alerts: dict[int, Alert] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


class OfficeCalls:
    """What is done at a desk."""

    def __init__(self, desk: Desk, figures: Figures, reports: Reports) -> None:
        """Start without alerts and notes."""
        self._desk = desk
        self._figures = figures
        self._reports = reports
        self._projects = Projects(desk, is_api=False)
        self.folder = Folder()
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

    def insights(self, visit: Visit) -> Reply:
        """Return totals, trends, and breakdowns by site, machine and person."""
        desk, figures = self._desk, self._figures
        default_days = desk.world.plan.default_days
        seen = desk.seen(visit, default_days)
        since, until = visit.period(default_days)
        wanted = visit.filter("base_station_id", "machine_id", "machine")
        machines = [
            one
            for one in desk.world.machines_of(visit.brand)
            if not wanted or str(one.id) in wanted
        ]
        ran = {one.id: one.runtime_between(since, min(until, visit.now)) for one in machines}
        by_machine = tallies(seen, lambda one: one.incursion.machine.shown.id)
        by_site = tallies(seen, lambda one: one.incursion.machine.site.id)
        by_person = tallies(seen, lambda one: one.incursion.tag.id)
        names = ("total", "acknowledged", "unacknowledged")
        totals = figures.totals(tally(seen), sum(ran.values()))
        fields: JsonObject = {
            "from": desk.shapes.time(since),
            "to": desk.shapes.time(until),
            **(totals if desk.world.plan.forms.summaries == "second" else {"totals": totals}),
            "trends": [
                {"date": point.day.isoformat()} | point.figures
                for point in figures.daily_points(seen, names)
            ],
            "by_machine": [
                {"base_station_id": desk.shapes.id(one.id), "name": one.name}
                | figures.totals(by_machine.get(one.id, Tally()), ran[one.id])
                for one in machines
            ],
            "by_site": [
                {"worksite_id": desk.shapes.id(site.id), "name": site.name}
                | figures.totals(by_site.get(site.id, Tally()))
                for site in desk.sites(visit)
            ],
            "by_person": [
                {"tag_id": desk.shapes.id(tag.id), "name": tag.person.name if tag.person else None}
                | figures.totals(by_person[tag.id])
                for tag in desk.world.tags_of(visit.brand)
                if tag.id in by_person
            ],
        }
        return desk.one(Record("insight", visit.brand.id, fields))

    def list_alerts(self, visit: Visit) -> Reply:
        """List what e-mails are sent for; only for administrators."""
        visit.need_admin()
        alerts = [one for one in self.folder.alerts.values() if one.brand is visit.brand]
        return self._desk.many(visit, "alert", [_alert(alert) for alert in alerts])

    def create_alert(self, visit: Visit) -> Reply:
        """Create one."""
        visit.need_admin()
        fields = _alert_fields(visit, {"enabled": True, "period": "day", "worksite_ids": []})
        alert = Alert(next(self._numbers), visit.brand, fields)
        self.folder.alerts[alert.id] = alert
        return self._desk.one(_alert(alert), 201)

    def show_alert(self, visit: Visit) -> Reply:
        """Return one."""
        visit.need_admin()
        return self._desk.one(_alert(self._alert(visit)))

    def update_alert(self, visit: Visit) -> Reply:
        """Change what is named in the body."""
        visit.need_admin()
        alert = self._alert(visit)
        alert.fields = _alert_fields(visit, alert.fields)
        return self._desk.one(_alert(alert))

    def delete_alert(self, visit: Visit) -> Reply:
        """Delete one."""
        visit.need_admin()
        alert = self._alert(visit)
        del self.folder.alerts[alert.id]
        return self._desk.deleted(_alert(alert))

    def list_notes(self, visit: Visit) -> Reply:
        """List notes, of the brand or of one machine or tag."""
        about = _about(visit, visit.query)
        notes = [
            self._note(note)
            for note in self.folder.notes
            if note.brand is visit.brand and about in (None, (note.about.kind, note.about.id))
        ]
        return self._desk.many(visit, "note", self._desk.newest_first(notes))

    def add_note(self, visit: Visit) -> Reply:
        """Add a note on a machine or a tag."""
        name = next(
            (name for name in ("text", "body", "note", "content") if name in visit.body), "body"
        )
        text = visit.text(name, most=5000)
        about = _about(visit, visit.body)
        if about is None:
            raise ApiError(422, "Validation failed", {"entity": ["must exist"]})
        visit.id = str(about[1])
        if about[0] == "base_station":
            self._desk.machine(visit)
        else:
            self._desk.tag(visit)
        note = Note(
            id=601 + len(self.folder.notes),
            brand=visit.brand,
            about=Ref(*about),
            text=text,
            by=visit.who,
            at=visit.now,
        )
        self.folder.notes.append(note)
        return self._desk.one(self._note(note), 201)

    def _alert(self, visit: Visit) -> Alert:
        alert = self.folder.alerts.get(visit.number)
        if alert is None or alert.brand is not visit.brand:
            raise ApiError(404, "No such alert")
        return alert

    def _note(self, note: Note) -> Record:
        fields: JsonObject = {
            "body": note.text,
            "author": note.by,
            "created_at": self._desk.shapes.time(note.at),
        }
        return Record("note", note.id, fields, {note.about.kind: note.about})


def _alert(alert: Alert) -> Record:
    return Record("alert", alert.id, alert.fields)


def _alert_fields(visit: Visit, before: JsonObject) -> JsonObject:
    """Return an alert's fields, those of the body over those before; 422 for what is wrong."""
    known = ("name", "metric", "threshold", "emails", "period", "enabled", "worksite_ids")
    fields = before | {name: visit.body[name] for name in known if name in visit.body}
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


def _about(visit: Visit, named: object) -> tuple[str, int] | None:
    """Return the kind and the id of what notes are about, from the path or from parameters."""
    kinds = {"base_stations": "base_station", "tags": "tag"}
    if visit.sub:
        if visit.sub not in kinds:
            raise ApiError(404)
        return kinds[visit.sub], visit.number
    fields = named if isinstance(named, dict) else {}
    for name, kind in (("base_station_id", "base_station"), ("tag_id", "tag")):
        if str(fields.get(name, "")).isdecimal():
            return kind, int(str(fields[name]))
    if str(fields.get("entity_id", "")).isdecimal():
        is_person = str(fields.get("entity_type", "")).lower() in ("person", "people", "tag")
        return "tag" if is_person else "base_station", int(str(fields["entity_id"]))
    return None
