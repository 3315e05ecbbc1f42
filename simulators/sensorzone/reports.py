"""Reports: asked for, made after a while, fetched. Both versions show the same ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from simulators.random_source import mix
from simulators.response import JsonObject, Response

from . import pictures
from .request import ApiError, ApiRequest, Route, SignIn, route
from .responder import Responder
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

    def __init__(self, responder: Responder) -> None:
        """Start without one."""
        self._responder = responder
        self._reports: dict[int, Report] = {}
        self._files: dict[int, tuple[str, bytes]] = {}

    def routes(self, base: str, sign_in: SignIn, resource: str, *, is_api: bool) -> Iterator[Route]:
        """Yield the routes of one version. is_api: it speaks JSON:API, whatever the plan says."""
        for method, path, answer in (
            ("GET", base, lambda request: self.list(request, is_api=is_api)),
            ("POST", base, lambda request: self.create(request, is_api=is_api)),
            ("GET", f"{base}/<id>", lambda request: self.show(request, is_api=is_api)),
            ("DELETE", f"{base}/<id>", self.delete),
            ("GET", f"{base}/<id>/download", self.download),
        ):
            if method != "DELETE" or is_api:
                yield from route(method, path, sign_in, resource, answer)

    def file_routes(self) -> Iterator[Route]:
        """Yield the route of files behind signed links."""
        yield from route("GET", "/media/files/<id>", "open", "files", self.file)

    def list(self, request: ApiRequest, *, is_api: bool) -> Response:
        """List the brand's reports, newest first."""
        own = [one for one in self._reports.values() if one.brand is request.brand]
        records = [self.record(report, request.now, is_api=is_api) for report in own]
        return self._responder.many(
            request, "report", self._responder.newest_first(records), is_api=is_api
        )

    def create(self, request: ApiRequest, *, is_api: bool) -> Response:
        """Begin a report."""
        report = self.begin(request, kind=str(request.body.get("report_type") or "safety"))
        record = self.record(report, request.now, is_api=is_api)
        return self._responder.serializer.one(record, is_api=is_api, status=201)

    def show(self, request: ApiRequest, *, is_api: bool) -> Response:
        """Return one."""
        record = self.record(self.report(request), request.now, is_api=is_api)
        return self._responder.serializer.one(record, is_api=is_api)

    def delete(self, request: ApiRequest) -> Response:
        """Delete one."""
        del self._reports[self.report(request).id]
        return Response(204, body=b"")

    def download(self, request: ApiRequest) -> Response:
        """Return a report's file, once it is made."""
        report = self.report(request)
        if report.state(request.now) != "completed":
            raise ApiError(422, "Validation failed", {"report": ["is not ready"]})
        return self.handed_out("application/pdf", pictures.pdf(report.name))

    def file(self, request: ApiRequest) -> Response:
        """Return a file, if the link is signed."""
        self._responder.check_seal(request)
        if request.query.get("signature") != self._signature(request.number):
            raise ApiError(403, "The link is not signed, or no longer")
        if request.number not in self._files:
            raise ApiError(404)
        kind, content = self._files[request.number]
        return Response(200, None, {"Content-Type": kind}, content)

    def handed_out(self, kind: str, content: bytes) -> Response:
        """Return the reply with a file, or with where it is."""
        match self._responder.world.config.variants.download:
            case "url":
                return Response(200, {"url": self._link(kind, content)})
            case "redirect":
                return Response(302, None, {"Location": self._link(kind, content)}, b"")
        return Response(200, None, {"Content-Type": kind}, content)

    def begin(self, request: ApiRequest, *, kind: str, text: str | None = None) -> Report:
        """Begin a report on the period that the body or the query names."""
        request.query |= {name: str(value) for name, value in request.body.items()}
        config = self._responder.world.config
        since, until = request.period(config.chart_days)
        if since >= until:
            raise ApiError(422, "Validation failed", {"end_date": ["must be after the start"]})
        number = max(self._reports, default=70_000) + 1
        report = Report(
            id=number,
            brand=request.brand,
            name=str(request.body.get("name") or f"Report {number}"),
            kind=kind,
            since=since,
            until=until,
            made_at=request.now,
            ready=request.now + round(config.report_seconds),
            fails=config.reports_fail,
            text=text,
        )
        self._reports[number] = report
        return report

    def report(self, request: ApiRequest) -> Report:
        """Return the report in the path."""
        report = self._reports.get(request.number)
        if report is None or report.brand is not request.brand:
            raise ApiError(404, "No such report")
        return report

    def record(self, report: Report, now: int, *, is_api: bool = False) -> Record:
        """Return a report as it is now."""
        serializer, variants = self._responder.serializer, self._responder.world.config.variants
        state = report.state(now)
        base = f"{self._responder.origin()}/api/{'v2' if is_api else 'v1'}/reports/{report.id}"
        fields: JsonObject = {
            "name": report.name,
            "report_type": report.kind,
            "status": _OTHER[state] if variants.report_states == "other" else state,
            "start_date": serializer.time(report.since),
            "end_date": serializer.time(report.until),
            "created_at": serializer.time(report.made_at),
            "completed_at": serializer.time(report.ready if state == "completed" else None),
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
        return self._responder.sealed(
            f"{self._responder.origin()}/media/files/{number}?signature={signature}"
        )

    def _signature(self, number: int) -> str:
        return f"{mix(self._responder.world.config.seed, number, _SIGNATURE):016x}"
