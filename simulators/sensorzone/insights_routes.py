"""Version 2: charts, advanced insights, reports, projects, worksites, preferences.

Stated are `GET /api/v2/insights/charts/machine_runtime` and that reports, projects and worksites
are JSON:API; other paths follow from those stated.
"""

from collections.abc import Iterator

from simulators.response import JsonObject, Response

from . import charts
from .incursions import Sighting
from .insight_figures import Figures
from .projects import Projects
from .reports import Reports
from .request import ApiError, ApiRequest, Route, route
from .responder import Responder
from .serializers import Record
from .state import Site

_DIMENSIONS = ("dimensions", "dimension", "rows", "group_by")


class InsightRoutes:
    """Analytics and resources of version 2."""

    def __init__(self, responder: Responder, figures: Figures, reports: Reports) -> None:
        """Start with nobody's preferences."""
        self._responder = responder
        self._figures = figures
        self._reports = reports
        self._projects = Projects(responder, is_api=True)
        self._preferences: dict[int, JsonObject] = {}

    def routes(self) -> Iterator[Route]:
        """Yield the routes."""
        chart, advanced = "/api/v2/insights/charts", "/api/v2/advanced_insights"
        trends = f"{chart}/trends {chart}/trend {chart}/incursion_trends"
        preferences = "/api/v2/user_preferences /api/v2/preferences"
        for methods, paths, resource, answer in (
            ("GET", f"{chart}/machine_runtime", "chart_machine_runtime", self.machine_runtime),
            (
                "GET",
                f"{chart}/acknowledged_incursions",
                "chart_acknowledged_incursions",
                self.acknowledged_incursions,
            ),
            ("GET", f"{chart}/zone_time", "chart_zone_time", self.zone_time),
            ("GET", trends, "chart_trends", self.trends),
            ("GET POST", f"{advanced}/pivot", "pivot", self.pivot),
            ("GET POST", f"{advanced}/export", "export", self.export),
            ("GET POST", f"{advanced}/outliers", "outliers", self.outliers),
            ("GET POST", f"{advanced}/site_report", "site_report", self.site_report),
            ("GET", f"{advanced}/site_report/<id>", "site_report", self.show_site_report),
            ("GET", "/api/v2/worksites", "api_worksites", self.list_worksites),
            ("GET", "/api/v2/worksites/<id>", "api_worksites", self.show_worksite),
            ("PATCH", "/api/v2/worksites/<id>", "api_worksites", self.update_worksite),
            ("GET", preferences, "preferences", self.preferences),
            ("PATCH", preferences, "preferences", self.set_preferences),
        ):
            for method in methods.split():
                yield from route(method, paths, "v2", resource, answer)
        yield from self._projects.routes("/api/v2/projects", "v2", "api_projects")
        yield from self._reports.routes("/api/v2/reports", "v2", "api_reports", is_api=True)
        yield from self._reports.file_routes()

    def machine_runtime(self, request: ApiRequest) -> Response:
        """Return how long each machine ran on each day."""
        wanted = request.filter("base_station_id", "machine_id", "machine")
        machines = [
            machine
            for machine in self._responder.world.machines_of(request.brand)
            if not wanted or str(machine.id) in wanted
        ]
        return self._chart(self._figures.runtime_points(request, machines))

    def acknowledged_incursions(self, request: ApiRequest) -> Response:
        """Return how many incursions of each day are acknowledged, and how many are not."""
        names = ("acknowledged", "unacknowledged")
        return self._chart(self._figures.daily_points(self._seen(request), names))

    def zone_time(self, request: ApiRequest) -> Response:
        """Return how long tags were in the zone of each machine on each day."""
        return self._chart(self._figures.zone_points(self._seen(request)))

    def trends(self, request: ApiRequest) -> Response:
        """Return the totals and averages of each day."""
        names = ("total", "acknowledgement_score", "average_duration")
        return self._chart(self._figures.daily_points(self._seen(request), names))

    def pivot(self, request: ApiRequest) -> Response:
        """Return a pivot table."""
        return charts.pivot(
            self._table(request),
            self._responder.serializer,
            self._responder.world.config.variants.charts,
        )

    def export(self, request: ApiRequest) -> Response:
        """Return a pivot table as a file."""
        return self._reports.handed_out("text/csv; charset=utf-8", charts.csv(self._table(request)))

    def outliers(self, request: ApiRequest) -> Response:
        """Return days with unusually many incursions."""
        found = self._figures.outliers(self._seen(request))
        records = [Record("outlier", number, fields) for number, fields in enumerate(found, 1)]
        return self._responder.many(request, "outlier", records)

    def site_report(self, request: ApiRequest) -> Response:
        """Return a text about a site, or begin to write it."""
        request.query |= {name: str(value) for name, value in request.body.items()}
        wanted = request.filter("worksite_id", "site_id", "site")
        sites = [site for site in self._responder.sites(request) if str(site.id) in wanted]
        if not sites:
            raise ApiError(422, "Validation failed", {"worksite": ["must exist"]})
        text = self._figures.site_report(self._seen(request), sites[0].name)
        report = self._reports.begin(request, kind="site", text=text)
        if self._responder.world.config.variants.site_reports == "at_once":
            report.ready, report.fails = request.now, False
        return self._responder.one(self._reports.record(report, request.now), 201)

    def show_site_report(self, request: ApiRequest) -> Response:
        """Return a text about a site, as far as it is written."""
        return self._responder.one(self._reports.record(self._reports.report(request), request.now))

    def list_worksites(self, request: ApiRequest) -> Response:
        """List sites."""
        records = [
            self._responder.records.worksite(site) for site in self._responder.sites(request)
        ]
        return self._responder.many(request, "worksite", records, is_api=True)

    def show_worksite(self, request: ApiRequest) -> Response:
        """Return one site."""
        return self._worksite(self._site(request))

    def update_worksite(self, request: ApiRequest) -> Response:
        """Change a site's name or colour; only an administrator may."""
        request.need_admin()
        site = self._site(request)
        if "name" in request.body:
            site.name = request.text("name", most=100)
        if "colour" in request.body:
            site.colour = request.text("colour")
        return self._worksite(site)

    def preferences(self, request: ApiRequest) -> Response:
        """Return a user's preferences."""
        return self._responder.one(
            Record("user_preference", self._user_id(request), self._kept(request))
        )

    def set_preferences(self, request: ApiRequest) -> Response:
        """Change what is named in the body."""
        kept = self._kept(request)
        kept |= {name: value for name, value in request.body.items() if name in kept}
        return self.preferences(request)

    def _kept(self, request: ApiRequest) -> JsonObject:
        number = self._user_id(request)
        if number not in self._preferences:
            view = {"id": 1, "name": "By machine", "dimensions": ["machine"]}
            self._preferences[number] = {
                "locale": "en-GB",
                "date_format": "DD/MM/YYYY",
                "dimensions": ["site", "machine", "date"],
                "saved_views": [view],
            }
        return self._preferences[number]

    def _user_id(self, request: ApiRequest) -> int:
        return 0 if request.user is None else request.user.id

    def _seen(self, request: ApiRequest) -> list[Sighting]:
        return self._responder.seen(request, self._responder.world.config.chart_days)

    def _chart(self, points: list[charts.Point]) -> Response:
        return charts.chart(
            points, self._responder.serializer, self._responder.world.config.variants.charts
        )

    def _table(self, request: ApiRequest) -> charts.Table:
        asked: list[str] = []
        for name in _DIMENSIONS:
            value = (
                request.body.get(name) or request.query.get(name) or request.query.get(f"{name}[]")
            )
            if value:
                asked = (
                    [str(one) for one in value]
                    if isinstance(value, list)
                    else str(value).split(",")
                )
                break
        request.query |= {name: str(value) for name, value in request.body.items()}
        return self._figures.table(self._seen(request), asked)

    def _site(self, request: ApiRequest) -> Site:
        for site in self._responder.sites(request):
            if site.id == request.number:
                return site
        raise ApiError(404, "No such worksite")

    def _worksite(self, site: Site) -> Response:
        return self._responder.serializer.one(self._responder.records.worksite(site), is_api=True)
