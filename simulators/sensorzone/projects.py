"""Projects, in both versions: list, show, create, update."""

from collections.abc import Iterator

from simulators.response import Response

from .request import ApiError, ApiRequest, Route, SignIn, route
from .responder import Responder
from .state import Project


class Projects:
    """The projects resource of one version. is_api: it speaks JSON:API, whatever the plan says."""

    def __init__(self, responder: Responder, *, is_api: bool) -> None:
        """Work on the world's projects."""
        self._responder = responder
        self._is_api = is_api

    def routes(self, base: str, sign_in: SignIn, resource: str) -> Iterator[Route]:
        """Yield the routes."""
        for method, path, answer in (
            ("GET", base, self.list),
            ("POST", base, self.create),
            ("GET", f"{base}/<id>", self.show),
            ("PATCH", f"{base}/<id>", self.update),
            ("PUT", f"{base}/<id>", self.update),
        ):
            yield from route(method, path, sign_in, resource, answer)

    def list(self, request: ApiRequest) -> Response:
        """List the brand's projects."""
        records = [
            self._responder.records.project(one)
            for one in self._responder.world.projects
            if one.brand is request.brand
        ]
        return self._responder.many(request, "project", records, is_api=self._is_api)

    def show(self, request: ApiRequest) -> Response:
        """Return one."""
        return self._shown(self._project(request))

    def create(self, request: ApiRequest) -> Response:
        """Create one; only an administrator may."""
        request.need_admin()
        world = self._responder.world
        name = request.text("name", most=100)
        self._refuse_twin(request, name)
        number = max(project.id for project in world.projects) + 1
        description = str(request.body.get("description") or "")
        project = Project(number, request.brand, name, description)
        world.projects.append(project)
        self._assign(request, project)
        return self._shown(project, 201)

    def update(self, request: ApiRequest) -> Response:
        """Change what is named in the body; only an administrator may."""
        request.need_admin()
        project = self._project(request)
        if "name" in request.body:
            name = request.text("name", most=100)
            if name != project.name:
                self._refuse_twin(request, name)
            project.name = name
        project.description = str(request.body.get("description") or project.description)
        self._assign(request, project)
        return self._shown(project)

    def _assign(self, request: ApiRequest, project: Project) -> None:
        """Give the sites that the body names to a project."""
        if "worksite_ids" not in request.body:
            return
        wanted = set(request.ids("worksite_ids"))
        for site in self._responder.sites(request):
            if site.id in wanted and project not in site.projects:
                site.projects = [*site.projects, project]
            elif site.id not in wanted and project in site.projects:
                site.projects = [one for one in site.projects if one is not project]

    def _refuse_twin(self, request: ApiRequest, name: str) -> None:
        for project in self._responder.world.projects:
            if project.brand is request.brand and project.name == name:
                raise ApiError(422, "Validation failed", {"name": ["has already been taken"]})

    def _project(self, request: ApiRequest) -> Project:
        for project in self._responder.world.projects:
            if project.id == request.number and project.brand is request.brand:
                return project
        raise ApiError(404, "No such project")

    def _shown(self, project: Project, status: int = 200) -> Response:
        record = self._responder.records.project(project)
        return self._responder.serializer.one(record, is_api=self._is_api, status=status)
