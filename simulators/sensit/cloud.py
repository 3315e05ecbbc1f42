"""The simulated SENSIT Connect cloud: sign-in, tokens, handles for tests."""

from collections.abc import Mapping
from datetime import datetime
import hashlib
from http import HTTPStatus

from simulators.clock import Clock, to_micros
from simulators.response import JsonObject, Response, encode
from simulators.server import Call, VendorCloud

from .api import Api, truth_json
from .config import CloudConfig, MonitorType
from .monitors import FOR_EVER, Monitor
from .plume import Leak
from .state import World
from .time_windows import ApiError
from .tokens import Tokens, User


class SensitCloud(VendorCloud):
    """A simulated SENSIT Connect cloud with one default account (`username`, `password`)."""

    name = "sensit"

    def __init__(self, config: CloudConfig | None = None, clock: Clock | None = None) -> None:
        """Build the world of `config` as it is now by `clock`."""
        super().__init__(clock)
        self.config = config or CloudConfig()
        self.world = World(self.config, self.clock)
        self.tokens = Tokens(self.config)
        self._api = Api(self.world, self.tokens)

    @property
    def user(self) -> User:
        """The default account's user; a live object."""
        return next(iter(self.world.users.values()))

    @property
    def users(self) -> list[User]:
        """Every user, the default one first; live objects."""
        return list(self.world.users.values())

    @property
    def username(self) -> str:
        """The default account's e-mail address."""
        return self.user.email

    @property
    def password(self) -> str:
        """The default account's password."""
        return self.user.password

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials of the default account."""
        return {"username": self.username, "password": self.password}

    @property
    def sign_ins(self) -> int:
        """Return the number of successful sign-ins."""
        return self._api.counts.sign_ins

    @property
    def refused_sign_ins(self) -> int:
        """Return the number of rejected sign-ins."""
        return self._api.counts.refused_sign_ins

    @property
    def monitors(self) -> list[Monitor]:
        """Every monitor; live objects."""
        return list(self.world.monitors.values())

    def monitor(self, uuid: str) -> Monitor:
        """Return the monitor of that uuid; KeyError if there is none."""
        return self.world.monitors[uuid]

    def find_monitor(self, kind: MonitorType, n: int = 0) -> Monitor:
        """Return the n-th monitor of a type."""
        return [monitor for monitor in self.monitors if monitor.type == kind][n]

    def add_monitor(self, kind: MonitorType) -> Monitor:
        """Add a monitor, which reports from now on."""
        return self.world.add_monitor(kind)

    def remove_monitor(self, uuid: str) -> None:
        """Take a monitor out of every list; KeyError if there is none."""
        self.world.removed[uuid] = self.world.monitors.pop(uuid)

    def restore_monitor(self, uuid: str) -> None:
        """Put a removed monitor back."""
        self.world.monitors[uuid] = self.world.removed.pop(uuid)

    def leak_across(
        self, first: str, second: str, start: datetime, seconds: float, rate: float = 5.0
    ) -> Leak:
        """Let gas leak so that a turning wind carries it over one monitor, then over another."""
        monitors = self.monitor(first), self.monitor(second)
        leak = Leak(0.0, 0.0, 0.0, 0.0, rate)
        return self.world.leak_across(*monitors, start.timestamp(), seconds, leak)

    def truth(self, uuid: str) -> JsonObject | None:
        """Return the newest record that the cloud has: see `records`."""
        monitor = self.monitor(uuid)
        report = monitor.newest(self.clock.micros())
        return None if report is None else truth_json(monitor, report)

    def records(
        self, uuid: str, since: datetime, until: datetime, *, ever: bool = False
    ) -> list[JsonObject]:
        """Return the records dated in [since, until) that the cloud has, oldest first.

        Each is {"date", "received": ISO 8601 in UTC, "values": {dotted path: value}}, without
        quirks. ever: those too that the cloud will have later.
        """
        monitor = self.monitor(uuid)
        now = FOR_EVER if ever else self.clock.micros()
        first, last = to_micros(since), to_micros(until) - 1
        return [truth_json(monitor, report) for report in monitor.reports(first, last, now)]

    def min_gap(self, path: str) -> float | None:
        """Return the minimum seconds between two equal requests of one user to `path`.

        None as long as no request came twice. Equal are those of the same query and fields.
        """
        seen: dict[object, datetime] = {}
        gaps: list[float] = []
        for record in self.log:
            if record.path != path:
                continue
            asked = record.user, str(sorted(record.query.items())), str(sorted(record.form.items()))
            if asked in seen:
                gaps.append((record.at - seen[asked]).total_seconds())
            seen[asked] = record.at
        return min(gaps, default=None)

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return the e-mail address in the token, true or not."""
        token = headers.get("Authorization", "").partition(" ")[2].strip()
        claims = Tokens.claims(token)
        return None if claims is None else str(claims["email"])

    def refused(self, status: int) -> Response:
        """Return the vendor's error response to a request that a fault rejects."""
        return self._error(status, "The request was refused")

    def answer(self, call: Call) -> Response:
        """Answer one call."""
        try:
            payload = self._api.answer(call)
        except ApiError as err:
            return self._error(err.status, err.message)
        exact = any(monitor.quirks or monitor.overrides for monitor in self.monitors)
        if call.method != "GET":
            return Response(self.config.variants.post_status, payload, exact=exact)
        return self._cacheable(call, Response(200, payload, exact=exact))

    def _error(self, status: int, message: str) -> Response:
        match self.config.variants.error_body:
            case "html":
                page = f"<!DOCTYPE html><html><body><pre>{message}</pre></body></html>"
                headers = {"Content-Type": "text/html; charset=utf-8"}
                return Response(status, body=page.encode(), headers=headers)
            case "none":
                return Response(status, body=b"")
        return Response(status, {self.config.variants.error_body: message})

    def _cacheable(self, call: Call, response: Response) -> Response:
        """Give a reply to a GET the headers of the plan, or 304."""
        if self.config.max_age is not None:
            response.headers["Cache-Control"] = f"max-age={self.config.max_age}, private"
        if not self.config.etag:
            return response
        body = encode(response.payload, exact=response.exact)
        response.headers["ETag"] = f'W/"{hashlib.sha256(body).hexdigest()[:27]}"'
        if call.headers.get("If-None-Match") == response.headers["ETag"]:
            return Response(HTTPStatus.NOT_MODIFIED, headers=response.headers)
        return response
