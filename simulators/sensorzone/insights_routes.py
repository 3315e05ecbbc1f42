"""Version 2: charts, advanced insights, reports, projects, worksites, preferences.

Stated are `GET /api/v2/insights/charts/machine_runtime` and that reports, projects and worksites
are JSON:API; other paths follow from those stated.
"""

from collections.abc import Iterator

from simulators.response import JsonObject, Reply

from . import charts
from .incursions import Sighting
from .insight_figures import Figures
from .projects import Projects
from .reports import Reports
from .request import ApiError, Route, Visit, route
from .responder import Desk
from .serializers import Record
from .state import Site

_DIMENSIONS = ("dimensions", "dimension", "rows", "group_by")


class InsightCalls:
    """Analytics and resources of version 2."""

    def __init__(self, desk: Desk, figures: Figures, reports: Reports) -> None:
        """Start with nobody's preferences."""
        self._desk = desk
        self._figures = figures
        self._reports = reports
        self._projects = Projects(desk, is_api=True)
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

    def machine_runtime(self, visit: Visit) -> Reply:
        """Return how long each machine ran on each day."""
        wanted = visit.filter("base_station_id", "machine_id", "machine")
        machines = [
            machine
            for machine in self._desk.world.machines_of(visit.brand)
            if not wanted or str(machine.id) in wanted
        ]
        return self._chart(self._figures.runtime_points(visit, machines))

    def acknowledged_incursions(self, visit: Visit) -> Reply:
        """Return how many incursions of each day are acknowledged, and how many are not."""
        names = ("acknowledged", "unacknowledged")
        return self._chart(self._figures.daily_points(self._seen(visit), names))

    def zone_time(self, visit: Visit) -> Reply:
        """Return how long tags were in the zone of each machine on each day."""
        return self._chart(self._figures.zone_points(self._seen(visit)))

    def trends(self, visit: Visit) -> Reply:
        """Return the totals and averages of each day."""
        names = ("total", "acknowledgement_score", "average_duration")
        return self._chart(self._figures.daily_points(self._seen(visit), names))

    def pivot(self, visit: Visit) -> Reply:
        """Return a pivot table."""
        return charts.pivot(
            self._table(visit), self._desk.shapes, self._desk.world.plan.forms.charts
        )

    def export(self, visit: Visit) -> Reply:
        """Return a pivot table as a file."""
        return self._reports.handed_out("text/csv; charset=utf-8", charts.csv(self._table(visit)))

    def outliers(self, visit: Visit) -> Reply:
        """Return days with unusually many incursions."""
        found = self._figures.outliers(self._seen(visit))
        records = [Record("outlier", number, fields) for number, fields in enumerate(found, 1)]
        return self._desk.many(visit, "outlier", records)

    def site_report(self, visit: Visit) -> Reply:
        """Return a text about a site, or begin to write it."""
        visit.query |= {name: str(value) for name, value in visit.body.items()}
        wanted = visit.filter("worksite_id", "site_id", "site")
        sites = [site for site in self._desk.sites(visit) if str(site.id) in wanted]
        if not sites:
            raise ApiError(422, "Validation failed", {"worksite": ["must exist"]})
        text = self._figures.site_report(self._seen(visit), sites[0].name)
        report = self._reports.begin(visit, kind="site", text=text)
        if self._desk.world.plan.forms.site_reports == "at_once":
            report.ready, report.fails = visit.now, False
        return self._desk.one(self._reports.record(report, visit.now), 201)

    def show_site_report(self, visit: Visit) -> Reply:
        """Return a text about a site, as far as it is written."""
        return self._desk.one(self._reports.record(self._reports.report(visit), visit.now))

    def list_worksites(self, visit: Visit) -> Reply:
        """List sites."""
        records = [self._desk.records.worksite(site) for site in self._desk.sites(visit)]
        return self._desk.many(visit, "worksite", records, is_api=True)

    def show_worksite(self, visit: Visit) -> Reply:
        """Return one site."""
        return self._worksite(self._site(visit))

    def update_worksite(self, visit: Visit) -> Reply:
        """Change a site's name or colour; only an administrator may."""
        visit.need_admin()
        site = self._site(visit)
        if "name" in visit.body:
            site.name = visit.text("name", most=100)
        if "colour" in visit.body:
            site.colour = visit.text("colour")
        return self._worksite(site)

    def preferences(self, visit: Visit) -> Reply:
        """Return a user's preferences."""
        return self._desk.one(Record("user_preference", self._user_id(visit), self._kept(visit)))

    def set_preferences(self, visit: Visit) -> Reply:
        """Change what is named in the body."""
        kept = self._kept(visit)
        kept |= {name: value for name, value in visit.body.items() if name in kept}
        return self.preferences(visit)

    def _kept(self, visit: Visit) -> JsonObject:
        number = self._user_id(visit)
        if number not in self._preferences:
            view = {"id": 1, "name": "By machine", "dimensions": ["machine"]}
            self._preferences[number] = {
                "locale": "en-GB",
                "date_format": "DD/MM/YYYY",
                "dimensions": ["site", "machine", "date"],
                "saved_views": [view],
            }
        return self._preferences[number]

    def _user_id(self, visit: Visit) -> int:
        return 0 if visit.user is None else visit.user.id

    def _seen(self, visit: Visit) -> list[Sighting]:
        return self._desk.seen(visit, self._desk.world.plan.chart_days)

    def _chart(self, points: list[charts.Point]) -> Reply:
        return charts.chart(points, self._desk.shapes, self._desk.world.plan.forms.charts)

    def _table(self, visit: Visit) -> charts.Table:
        asked: list[str] = []
        for name in _DIMENSIONS:
            value = visit.body.get(name) or visit.query.get(name) or visit.query.get(f"{name}[]")
            if value:
                asked = (
                    [str(one) for one in value]
                    if isinstance(value, list)
                    else str(value).split(",")
                )
                break
        visit.query |= {name: str(value) for name, value in visit.body.items()}
        return self._figures.table(self._seen(visit), asked)

    def _site(self, visit: Visit) -> Site:
        for site in self._desk.sites(visit):
            if site.id == visit.number:
                return site
        raise ApiError(404, "No such worksite")

    def _worksite(self, site: Site) -> Reply:
        return self._desk.shapes.one(self._desk.records.worksite(site), is_api=True)
