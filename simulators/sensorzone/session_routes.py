"""Signing in and out: `POST /api/v1/session` and `POST /api/v2/login` are stated."""

from collections.abc import Iterator

from simulators.response import Response

from .request import ApiError, ApiRequest, Route, route
from .responder import Responder
from .sessions import Sessions
from .state import User

REFUSED_V2 = "This user may not use version 2"


class SessionRoutes:
    """The session resources of both versions."""

    def __init__(self, responder: Responder, sessions: Sessions) -> None:
        """Sign the world's users in."""
        self._responder = responder
        self._sessions = sessions

    def routes(self) -> Iterator[Route]:
        """Yield the routes."""
        yield from route("POST", "/api/v1/session", "open", "session", self.begin)
        yield from route("GET", "/api/v1/session", "v1", "session", self.show)
        yield from route("DELETE", "/api/v1/session", "v1", "session", self.end)
        yield from route("POST", "/api/v2/login", "open", "login", self.login)
        yield from route(
            "GET", "/api/v2/session /api/v2/validate /api/v2/me", "v2", "validate", self.show
        )
        for method, path in (
            ("DELETE", "/api/v2/logout /api/v2/session"),
            ("POST", "/api/v2/logout"),
        ):
            yield from route(method, path, "v2", "logout", self.logout)

    def begin(self, request: ApiRequest) -> Response:
        """Sign in to version 1."""
        user = self._user(request)
        headers = self._sessions.begin(user)
        match self._responder.world.config.variants.session_reply:
            case "empty":
                return Response(204, None, headers, b"")
            case "created":
                response = self._shown(user, 201)
            case _:
                response = self._shown(user, 200)
        response.headers |= headers
        return response

    def login(self, request: ApiRequest) -> Response:
        """Sign in to version 2."""
        user, config = self._user(request), self._responder.world.config
        if config.variants.no_v2 == "login" and not (config.v2 and user.v2):
            raise ApiError(403, REFUSED_V2)
        headers, refresh = self._sessions.issue(user)
        response = self._shown(user, 200)
        response.headers |= headers
        if refresh is not None and isinstance(response.payload, dict):
            response.payload = {**response.payload, "RefreshToken": refresh}
        return response

    def show(self, request: ApiRequest) -> Response:
        """Tell who is signed in."""
        if request.user is None:
            raise ApiError(401)
        return self._shown(request.user, 200)

    def end(self, request: ApiRequest) -> Response:
        """Sign out of version 1."""
        self._sessions.end_cookie(request.call.headers)
        return Response(204, body=b"")

    def logout(self, request: ApiRequest) -> Response:
        """Sign out of version 2."""
        self._sessions.end_token(request.call.headers)
        return Response(204, body=b"")

    def _shown(self, user: User, status: int) -> Response:
        response = self._responder.one(self._responder.records.user(user), status)
        assert isinstance(response.payload, dict)
        return response

    def _user(self, request: ApiRequest) -> User:
        variants = self._responder.world.config.variants
        is_json = "json" in request.call.headers.get("Content-Type", "")
        if variants.login_body == ("form" if is_json else "json"):
            raise ApiError(400, "The body is in the wrong form")
        email, password = request.body.get("email"), request.body.get("password")
        for user in self._responder.world.users:
            if user.email != email:
                continue
            if user.sso and variants.refused_login == "sso":
                raise ApiError(403, "This user signs in through single sign-on")
            if user.password == password and user.active and not user.sso:
                return user
        raise ApiError(401, "Wrong e-mail address or password")
