"""Projects, in both versions: list, show, create, update."""

from collections.abc import Iterator

from simulators.response import Reply

from .request import ApiError, Door, Route, Visit, route
from .responder import Desk
from .state import Project


class Projects:
    """The projects resource of one version. is_api: it speaks JSON:API, whatever the plan says."""

    def __init__(self, desk: Desk, *, is_api: bool) -> None:
        """Work on the world's projects."""
        self._desk = desk
        self._is_api = is_api

    def routes(self, base: str, door: Door, resource: str) -> Iterator[Route]:
        """Yield the routes."""
        for method, path, answer in (
            ("GET", base, self.list),
            ("POST", base, self.create),
            ("GET", f"{base}/<id>", self.show),
            ("PATCH", f"{base}/<id>", self.update),
            ("PUT", f"{base}/<id>", self.update),
        ):
            yield from route(method, path, door, resource, answer)

    def list(self, visit: Visit) -> Reply:
        """List the brand's projects."""
        records = [
            self._desk.records.project(one)
            for one in self._desk.world.projects
            if one.brand is visit.brand
        ]
        return self._desk.many(visit, "project", records, is_api=self._is_api)

    def show(self, visit: Visit) -> Reply:
        """Return one."""
        return self._shown(self._project(visit))

    def create(self, visit: Visit) -> Reply:
        """Create one; only an administrator may."""
        visit.need_admin()
        world = self._desk.world
        name = visit.text("name", most=100)
        self._refuse_twin(visit, name)
        number = max(project.id for project in world.projects) + 1
        description = str(visit.body.get("description") or "")
        project = Project(number, visit.brand, name, description)
        world.projects.append(project)
        self._assign(visit, project)
        return self._shown(project, 201)

    def update(self, visit: Visit) -> Reply:
        """Change what is named in the body; only an administrator may."""
        visit.need_admin()
        project = self._project(visit)
        if "name" in visit.body:
            name = visit.text("name", most=100)
            if name != project.name:
                self._refuse_twin(visit, name)
            project.name = name
        project.description = str(visit.body.get("description") or project.description)
        self._assign(visit, project)
        return self._shown(project)

    def _assign(self, visit: Visit, project: Project) -> None:
        """Give the sites that the body names to a project."""
        if "worksite_ids" not in visit.body:
            return
        wanted = set(visit.ids("worksite_ids"))
        for site in self._desk.sites(visit):
            if site.id in wanted and project not in site.projects:
                site.projects = [*site.projects, project]
            elif site.id not in wanted and project in site.projects:
                site.projects = [one for one in site.projects if one is not project]

    def _refuse_twin(self, visit: Visit, name: str) -> None:
        for project in self._desk.world.projects:
            if project.brand is visit.brand and project.name == name:
                raise ApiError(422, "Validation failed", {"name": ["has already been taken"]})

    def _project(self, visit: Visit) -> Project:
        for project in self._desk.world.projects:
            if project.id == visit.number and project.brand is visit.brand:
                return project
        raise ApiError(404, "No such project")

    def _shown(self, project: Project, status: int = 200) -> Reply:
        record = self._desk.records.project(project)
        return self._desk.shapes.one(record, is_api=self._is_api, status=status)
