"""The simulated SensorZone cloud: doors, rate limits, handles for tests."""

from collections.abc import Mapping
from datetime import datetime
import hashlib

from aiohttp import web

from simulators.clock import Clock
from simulators.request_log import RequestRecord
from simulators.response import Response
from simulators.schedule import SECOND
from simulators.server import Call, VendorCloud

from .config import ApiVariants, CloudConfig
from .counts import Counts
from .fixtures import add_machine, build_world
from .incursions import Incursion, Incursions
from .insight_figures import Figures
from .insights_routes import InsightRoutes
from .limits import Limiter
from .machines_routes import MachineRoutes
from .records import Records
from .reports import Reports
from .reports_routes import ReportRoutes
from .request import ApiError, ApiRequest, Route, body_of, query_of, refusal
from .responder import Responder
from .serializers import Serializer
from .session_routes import REFUSED_V2, SessionRoutes
from .sessions import Sessions
from .state import Machine, Tag, World
from .tester_routes import TesterRoutes
from .track_routes import TrackRoutes
from .visitors import VisitorSessions

SIGN_IN_PAGE = "/users/sign_in"
_PAGE = (
    b"<!DOCTYPE html><html><head><title>SensorZone</title></head><body><form method=post>"
    b'<input name=email><input name=password type="password"></form></body></html>'
)

_STATED_JSON_API = ("/api/v2/reports", "/api/v2/projects", "/api/v2/worksites")


class SensorZoneCloud(VendorCloud):
    """A simulated SensorZone cloud with one default brand."""

    name = "sensorzone"

    def __init__(self, config: CloudConfig | None = None, clock: Clock | None = None) -> None:
        """Build the world of `config` as it is now by `clock`."""
        super().__init__(clock)
        self.config = config or CloudConfig()
        self.world: World = build_world(self.config, self.clock)
        self._incursions = Incursions(self.world)
        self.sessions = Sessions(self.world)
        self.limiter = Limiter()
        serializer = Serializer(self.config)
        responder = Responder(
            self.world,
            self._incursions,
            serializer,
            Records(self.world, serializer),
            lambda: self._origin,
        )
        figures, reports = Figures(responder), Reports(responder)
        self.report_routes = ReportRoutes(responder, figures, reports)
        self.tester_routes = TesterRoutes(responder, VisitorSessions(self.world))
        self._routes: list[Route] = [
            *SessionRoutes(responder, self.sessions).routes(),
            *MachineRoutes(responder).routes(),
            *self.report_routes.routes(),
            *InsightRoutes(responder, figures, reports).routes(),
            *TrackRoutes(responder).routes(),
            *self.tester_routes.routes(),
        ]

    @property
    def username(self) -> str:
        """The administrator's e-mail address."""
        return self.config.username

    @property
    def password(self) -> str:
        """The administrator's password."""
        return self.config.password

    @property
    def tester_token(self) -> str:
        """The token of the default brand's tester device."""
        return self.config.tester_token

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials of all three sign-ins."""
        return {
            "username": self.username,
            "password": self.password,
            "tester_token": self.tester_token,
        }

    @property
    def machines(self) -> list[Machine]:
        """The default brand's machines that are listed; live objects."""
        return self.world.machines_of(self.world.brands[0])

    @property
    def walkers(self) -> list[Tag]:
        """The default brand's tags of pedestrians, visitors' too."""
        tags = self.world.tags_of(self.world.brands[0])
        return [tag for tag in tags if tag.role == "pedestrian"]

    @property
    def counts(self) -> Counts:
        """Return the number of requests by sign-in, during a wait, and over the limit."""
        return Counts.of(self.log)

    def truth(self, since: datetime, until: datetime) -> list[Incursion]:
        """Return the default brand's incursions that begin in [since, until), oldest first.

        All of them, whatever a client can see of them by now; `Incursion.seen` tells that.
        """
        found = self._incursions.between(since.timestamp(), until.timestamp())
        return [one for one in found if one.machine.brand is self.world.brands[0]]

    def incur(
        self,
        machine: Machine | None = None,
        tag: Tag | None = None,
        *,
        ago: float = 0.0,
        seconds: int = 12,
        acknowledged_after: int | None = None,
        odd: str = "",
    ) -> Incursion:
        """Let an incursion happen that began `ago` seconds ago; it is listed without delay.

        By default on the first machine and by the first pedestrian on its site.
        acknowledged_after: seconds from its start; None: never. odd: see `ODD`, parted by blanks.
        """
        machine = machine or self.machines[0]
        tag = tag or next(one for one in self.walkers if one.site is machine.site)
        incursion = self._incursions.add(
            machine,
            tag,
            start=round(self.world.now - ago),
            seconds=seconds,
            acknowledged_after=acknowledged_after,
        )
        incursion.marks |= set(odd.split())
        return incursion

    def incursion(self, number: int) -> Incursion:
        """Return an incursion; KeyError if there is none. Its `marks` may be changed."""
        found = self._incursions.get(number)
        if found is None:
            raise KeyError(number)
        return found

    def add_machine(self, name: str | None = None) -> Machine:
        """Give the default brand a machine."""
        return add_machine(self.world, self.world.brands[0], name)

    def merge(self, machine: Machine, into: Machine) -> None:
        """Make a machine a part of another one, which then has its incursions."""
        machine.merged = into

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return whose cookie or token a request has, even if that has run out."""
        return self.sessions.name_of(headers)

    def refused(self, status: int) -> Response:
        """Return the vendor's error response to a request that a fault rejects."""
        return refusal(ApiError(status), self.config.variants)

    def answer(self, call: Call) -> Response:
        """Answer one call."""
        variants = self.config.variants
        if call.path == SIGN_IN_PAGE:
            return Response(200, None, {"Content-Type": "text/html; charset=utf-8"}, _PAGE)
        is_api = call.path.startswith(_STATED_JSON_API)
        try:
            response = self._answered(call)
        except SessionEndedError:
            return _shown_out(call, variants)
        except ApiError as err:
            if variants.refused_login == "empty" and err.status == 401:
                return Response(401, body=b"")
            return refusal(err, variants, is_api=is_api)
        if self.config.etag and call.method == "GET" and response.status == 200:
            return _validated(call, response)
        return response

    def _answered(self, call: Call) -> Response:
        route, named = self._route(call)
        if route.resource in self.config.absent:
            raise ApiError(404)
        request = ApiRequest(
            call,
            self.world.now,
            round(self.config.offset_hours * 3600),
            self.config.variants.filters == "ignored",
            id=named.get("id", ""),
            sub=named.get("sub", ""),
            query=query_of(call),
        )
        headers = self._let_in(route, request)
        who = call.user or _claimed(call) or "nobody"
        now = self.clock.micros() / SECOND
        if (wait := self.limiter.refuse(who, now, self.config.limits)) is not None:
            response = refusal(ApiError(429, "Rate limit exceeded"), self.config.variants)
            response.headers |= wait
            return response
        request.body = body_of(call)
        response = route.answer(request)
        response.headers |= {
            name: value for name, value in headers.items() if name not in response.headers
        }
        return response

    def _route(self, call: Call) -> tuple[Route, dict[str, str]]:
        for route in self._routes:
            found = route.pattern.fullmatch(call.path)
            if found is not None and route.method == call.method:
                return route, found.groupdict()
        raise ApiError(404)

    def _let_in(self, route: Route, request: ApiRequest) -> dict[str, str]:
        """Say who calls; returns headers that keep a session alive."""
        headers = request.call.headers
        if route.sign_in == "open":
            return {}
        if route.sign_in == "tester":
            request.tester = self.sessions.tester(headers)
            if request.tester is None:
                raise ApiError(401, "The token is wrong")
            return {}
        is_v1 = route.sign_in == "v1"
        entered = self.sessions.by_cookie(headers) if is_v1 else self.sessions.by_token(headers)
        if entered is None:
            raise SessionEndedError if is_v1 else ApiError(401, "Sign in first")
        request.user = entered[0]
        if not is_v1 and not (self.config.v2 and request.user.v2):
            raise ApiError(403, REFUSED_V2)
        return entered[1]

    def _record(self, request: web.Request, call: Call) -> RequestRecord:
        record = super()._record(request, call)
        record.user = record.user or _claimed(call)
        return record


class SessionEndedError(Exception):
    """A call of version 1 without a valid session."""


def _shown_out(call: Call, variants: ApiVariants) -> Response:
    """Return the reply to a call whose session has ended."""
    is_polite = variants.ended == "browser" and call.headers.get("Accept") == "application/json"
    if variants.ended == "status" or is_polite:
        return refusal(ApiError(401, "Sign in first"), variants)
    if variants.ended == "page":
        return Response(200, None, {"Content-Type": "text/html; charset=utf-8"}, _PAGE)
    return Response(302, None, {"Location": SIGN_IN_PAGE}, b"")


def _claimed(call: Call) -> str | None:
    """Return the e-mail address that a sign-in is tried with."""
    if call.path in ("/api/v1/session", "/api/v2/login"):
        return call.form.get("email")
    return None


def _validated(call: Call, response: Response) -> Response:
    """Return the reply with a validator, or 304 if the client has the same one."""
    tag = f'W/"{hashlib.sha1(response.encoded(), usedforsecurity=False).hexdigest()}"'
    response.headers |= {"ETag": tag, "Cache-Control": "max-age=0, private, must-revalidate"}
    if call.headers.get("If-None-Match") == tag:
        return Response(304, None, response.headers, b"")
    return response
