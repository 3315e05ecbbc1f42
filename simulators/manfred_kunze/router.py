"""Route the calls of the API: check the key, find the route, respond."""

from collections.abc import Callable, Iterable, Mapping

from simulators.response import Response
from simulators.server import Call

from .api_keys import ApiKeys
from .command_routes import CommandRoutes
from .errors import ApiError, refusal
from .openapi import openapi_response
from .request import ApiRequest, Route, body_of, routes_of
from .responder import Responder

BASE = "/api"

type Table = Mapping[str, Callable[[ApiRequest], Response]]


class Router:
    """Routes the calls of the API."""

    def __init__(
        self, responder: Responder, keys: ApiKeys, tables: Iterable[Table], commands: CommandRoutes
    ) -> None:
        """Collect the routes."""
        self._responder = responder
        self._keys = keys
        self._config = responder.world.config
        self._commands = commands
        self._routes: list[Route] = [one for table in tables for one in routes_of(table)]

    def answer(self, call: Call, origin: str) -> Response:
        """Respond to a call; `origin` is the API's URL."""
        path = call.path.removeprefix(BASE)
        try:
            return self._admitted(call, path, origin)
        except ApiError as err:
            return refusal(err, self._config.variants, path, self._responder.world.clock.now())

    def _admitted(self, call: Call, path: str, origin: str) -> Response:
        if not call.path.startswith(f"{BASE}/"):
            raise ApiError(404, "No such resource")
        if (call.method, path) == ("POST", "/v1/devices/provision"):
            return self._commands.provision(body_of(call), self._responder.world.now)
        if path == "/v3/api-docs":
            return self._described(call, origin)
        group = path.removeprefix("/v1").lstrip("/").partition("/")[0]
        key = self._keys.check(call.headers, group, call.method)
        route = self._route(call.method, path)
        if {route.group, group} & self._config.absent or not self._responder.serves(route):
            raise ApiError(404, "No such resource")
        self._keys.check(call.headers, route.group, call.method)
        found = route.pattern.fullmatch(path)
        named = {} if found is None else found.groupdict()
        return route.answer(ApiRequest(call, key, self._responder.world.now, named, body_of(call)))

    def _route(self, method: str, path: str) -> Route:
        found = [one for one in self._routes if one.pattern.fullmatch(path)]
        if not found:
            raise ApiError(404, "No such resource")
        route = next((one for one in found if one.method == method), None)
        if route is None:
            raise ApiError(405, "Method is not supported")
        return route

    def _described(self, call: Call, origin: str) -> Response:
        """Return the OpenAPI document, where the deployment serves it."""
        if self._config.openapi == "absent":
            raise ApiError(404, "No such resource")
        if self._config.openapi == "key":
            self._keys.check(call.headers, "v3", call.method)
        return openapi_response(self._routes, self._responder, origin, call.headers)
