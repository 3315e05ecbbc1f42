"""Signing in and out: `POST /api/v1/session` and `POST /api/v2/login` are stated."""

from collections.abc import Iterator

from simulators.response import Reply

from .request import ApiError, Route, Visit, route
from .responder import Desk
from .sessions import Sessions
from .state import User

REFUSED_V2 = "This user may not use version 2"


class SessionCalls:
    """The session resources of both versions."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        """Sign the world's users in."""
        self._desk = desk
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

    def begin(self, visit: Visit) -> Reply:
        """Sign in to version 1."""
        user = self._user(visit)
        headers = self._sessions.begin(user)
        match self._desk.world.plan.forms.session_reply:
            case "empty":
                return Reply(204, None, headers, b"")
            case "created":
                reply = self._shown(user, 201)
            case _:
                reply = self._shown(user, 200)
        reply.headers |= headers
        return reply

    def login(self, visit: Visit) -> Reply:
        """Sign in to version 2."""
        user, plan = self._user(visit), self._desk.world.plan
        if plan.forms.no_v2 == "login" and not (plan.v2 and user.v2):
            raise ApiError(403, REFUSED_V2)
        headers, refresh = self._sessions.issue(user)
        reply = self._shown(user, 200)
        reply.headers |= headers
        if refresh is not None and isinstance(reply.payload, dict):
            reply.payload = {**reply.payload, "RefreshToken": refresh}
        return reply

    def show(self, visit: Visit) -> Reply:
        """Tell who is signed in."""
        if visit.user is None:
            raise ApiError(401)
        return self._shown(visit.user, 200)

    def end(self, visit: Visit) -> Reply:
        """Sign out of version 1."""
        self._sessions.end_cookie(visit.call.headers)
        return Reply(204, body=b"")

    def logout(self, visit: Visit) -> Reply:
        """Sign out of version 2."""
        self._sessions.end_token(visit.call.headers)
        return Reply(204, body=b"")

    def _shown(self, user: User, status: int) -> Reply:
        reply = self._desk.one(self._desk.records.user(user), status)
        assert isinstance(reply.payload, dict)
        return reply

    def _user(self, visit: Visit) -> User:
        forms = self._desk.world.plan.forms
        is_json = "json" in visit.call.headers.get("Content-Type", "")
        if forms.login_body == ("form" if is_json else "json"):
            raise ApiError(400, "The body is in the wrong form")
        email, password = visit.body.get("email"), visit.body.get("password")
        for user in self._desk.world.users:
            if user.email != email:
                continue
            if user.sso and forms.refused_login == "sso":
                raise ApiError(403, "This user signs in through single sign-on")
            if user.password == password and user.active and not user.sso:
                return user
        raise ApiError(401, "Wrong e-mail address or password")
