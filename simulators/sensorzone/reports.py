"""Reports: asked for, made after a while, fetched. Both versions show the same ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simulators.random_source import mix
from simulators.response import JsonObject, Reply

from . import pictures
from .request import ApiError, Door, Route, Visit, route
from .responder import Desk
from .serializers import Record
from .state import Brand

type State = Literal["pending", "processing", "completed", "failed"]

_OTHER = {"pending": "queued", "processing": "running", "completed": "done", "failed": "error"}
_SIGNATURE = 95


@dataclass(slots=True)
class Report:
    """A report. ready: when it is made."""

    id: int
    brand: Brand
    name: str
    kind: str
    since: int
    until: int
    made_at: int
    ready: int
    fails: bool
    text: str | None = None

    def state(self, now: int) -> State:
        """Return how far it is: it waits for a third of its time."""
        if now >= self.ready:
            return "failed" if self.fails else "completed"
        return "pending" if now < self.made_at + (self.ready - self.made_at) / 3 else "processing"


class Reports:
    """All reports of a cloud, and the files that can be fetched."""

    def __init__(self, desk: Desk) -> None:
        """Start without one."""
        self._desk = desk
        self._reports: dict[int, Report] = {}
        self._files: dict[int, tuple[str, bytes]] = {}

    def routes(self, base: str, door: Door, resource: str, *, is_api: bool) -> Iterator[Route]:
        """Yield the routes of one version. is_api: it speaks JSON:API, whatever the plan says."""
        for method, path, answer in (
            ("GET", base, lambda visit: self.list(visit, is_api=is_api)),
            ("POST", base, lambda visit: self.create(visit, is_api=is_api)),
            ("GET", f"{base}/<id>", lambda visit: self.show(visit, is_api=is_api)),
            ("DELETE", f"{base}/<id>", self.delete),
            ("GET", f"{base}/<id>/download", self.download),
        ):
            if method != "DELETE" or is_api:
                yield from route(method, path, door, resource, answer)

    def file_routes(self) -> Iterator[Route]:
        """Yield the route of files behind signed links."""
        yield from route("GET", "/media/files/<id>", "open", "files", self.file)

    def list(self, visit: Visit, *, is_api: bool) -> Reply:
        """List the brand's reports, newest first."""
        own = [one for one in self._reports.values() if one.brand is visit.brand]
        records = [self.record(report, visit.now, is_api=is_api) for report in own]
        return self._desk.many(visit, "report", self._desk.newest_first(records), is_api=is_api)

    def create(self, visit: Visit, *, is_api: bool) -> Reply:
        """Begin a report."""
        report = self.begin(visit, kind=str(visit.body.get("report_type") or "safety"))
        record = self.record(report, visit.now, is_api=is_api)
        return self._desk.shapes.one(record, is_api=is_api, status=201)

    def show(self, visit: Visit, *, is_api: bool) -> Reply:
        """Return one."""
        record = self.record(self.report(visit), visit.now, is_api=is_api)
        return self._desk.shapes.one(record, is_api=is_api)

    def delete(self, visit: Visit) -> Reply:
        """Delete one."""
        del self._reports[self.report(visit).id]
        return Reply(204, body=b"")

    def download(self, visit: Visit) -> Reply:
        """Return a report's file, once it is made."""
        report = self.report(visit)
        if report.state(visit.now) != "completed":
            raise ApiError(422, "Validation failed", {"report": ["is not ready"]})
        return self.handed_out("application/pdf", pictures.pdf(report.name))

    def file(self, visit: Visit) -> Reply:
        """Return a file, if the link is signed."""
        self._desk.check_seal(visit)
        if visit.query.get("signature") != self._signature(visit.number):
            raise ApiError(403, "The link is not signed, or no longer")
        if visit.number not in self._files:
            raise ApiError(404)
        kind, content = self._files[visit.number]
        return Reply(200, None, {"Content-Type": kind}, content)

    def handed_out(self, kind: str, content: bytes) -> Reply:
        """Return the reply with a file, or with where it is."""
        match self._desk.world.plan.forms.download:
            case "url":
                return Reply(200, {"url": self._link(kind, content)})
            case "redirect":
                return Reply(302, None, {"Location": self._link(kind, content)}, b"")
        return Reply(200, None, {"Content-Type": kind}, content)

    def begin(self, visit: Visit, *, kind: str, text: str | None = None) -> Report:
        """Begin a report on the period that the body or the query names."""
        visit.query |= {name: str(value) for name, value in visit.body.items()}
        plan = self._desk.world.plan
        since, until = visit.period(plan.chart_days)
        if since >= until:
            raise ApiError(422, "Validation failed", {"end_date": ["must be after the start"]})
        number = max(self._reports, default=70_000) + 1
        report = Report(
            id=number,
            brand=visit.brand,
            name=str(visit.body.get("name") or f"Report {number}"),
            kind=kind,
            since=since,
            until=until,
            made_at=visit.now,
            ready=visit.now + round(plan.report_seconds),
            fails=plan.reports_fail,
            text=text,
        )
        self._reports[number] = report
        return report

    def report(self, visit: Visit) -> Report:
        """Return the report in the path."""
        report = self._reports.get(visit.number)
        if report is None or report.brand is not visit.brand:
            raise ApiError(404, "No such report")
        return report

    def record(self, report: Report, now: int, *, is_api: bool = False) -> Record:
        """Return a report as it is now."""
        shapes, forms = self._desk.shapes, self._desk.world.plan.forms
        state = report.state(now)
        base = f"{self._desk.origin()}/api/{'v2' if is_api else 'v1'}/reports/{report.id}"
        fields: JsonObject = {
            "name": report.name,
            "report_type": report.kind,
            "status": _OTHER[state] if forms.report_states == "other" else state,
            "start_date": shapes.time(report.since),
            "end_date": shapes.time(report.until),
            "created_at": shapes.time(report.made_at),
            "completed_at": shapes.time(report.ready if state == "completed" else None),
            "download_url": f"{base}/download" if state == "completed" else None,
        }
        if report.text is not None:
            fields["download_url"] = None
            fields["content"] = report.text if state == "completed" else None
        return Record("report", report.id, fields)

    def _link(self, kind: str, content: bytes) -> str:
        number = 1 + len(self._files)
        self._files[number] = kind, content
        signature = self._signature(number)
        return self._desk.sealed(
            f"{self._desk.origin()}/media/files/{number}?signature={signature}"
        )

    def _signature(self, number: int) -> str:
        return f"{mix(self._desk.world.plan.seed, number, _SIGNATURE):016x}"
