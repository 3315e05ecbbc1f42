"""The API's door: who calls, what is called, and who answers."""

from collections.abc import Callable, Iterable, Mapping

from simulators.response import Reply
from simulators.server import Call

from .api_keys import Keys
from .command_routes import CommandCalls
from .openapi import described
from .request import ApiError, Route, Visit, body_of, refusal, routes_of
from .responder import Desk

BASE = "/api"

type Table = Mapping[str, Callable[[Visit], Reply]]


class Front:
    """Takes the calls of the API."""

    def __init__(
        self, desk: Desk, keys: Keys, tables: Iterable[Table], commands: CommandCalls
    ) -> None:
        """Know what answers which call."""
        self._desk = desk
        self._keys = keys
        self._plan = desk.world.plan
        self._commands = commands
        self._routes: list[Route] = [one for table in tables for one in routes_of(table)]

    def answer(self, call: Call, origin: str) -> Reply:
        """Answer a call. origin: where the API is."""
        path = call.path.removeprefix(BASE)
        try:
            return self._admitted(call, path, origin)
        except ApiError as err:
            return refusal(err, self._plan.forms, path, self._desk.world.clock.now())

    def _admitted(self, call: Call, path: str, origin: str) -> Reply:
        if not call.path.startswith(f"{BASE}/"):
            raise ApiError(404, "No such resource")
        if (call.method, path) == ("POST", "/v1/devices/provision"):
            return self._commands.provision(body_of(call), self._desk.world.now)
        if path == "/v3/api-docs":
            return self._described(call, origin)
        group = path.removeprefix("/v1").lstrip("/").partition("/")[0]
        key = self._keys.check(call.headers, group, call.method)
        route = self._route(call.method, path)
        if {route.group, group} & self._plan.absent or not self._desk.serves(route):
            raise ApiError(404, "No such resource")
        self._keys.check(call.headers, route.group, call.method)
        found = route.pattern.fullmatch(path)
        named = {} if found is None else found.groupdict()
        return route.answer(Visit(call, key, self._desk.world.now, named, body_of(call)))

    def _route(self, method: str, path: str) -> Route:
        found = [one for one in self._routes if one.pattern.fullmatch(path)]
        if not found:
            raise ApiError(404, "No such resource")
        route = next((one for one in found if one.method == method), None)
        if route is None:
            raise ApiError(405, "Method is not supported")
        return route

    def _described(self, call: Call, origin: str) -> Reply:
        """Return the description of the API, where the deployment shows it."""
        if self._plan.openapi == "absent":
            raise ApiError(404, "No such resource")
        if self._plan.openapi == "key":
            self._keys.check(call.headers, "v3", call.method)
        return described(self._routes, self._desk, origin, call.headers)
