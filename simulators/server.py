"""Serve a simulated cloud: HTTP, request log, faults, clock and admin API."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
import json
import re
import ssl
from typing import Any, ClassVar, Self

from aiohttp import web

from .admin_api import ADMIN_PATH, AdminApi, AdminRoutes
from .clock import Clock
from .faults import Fault, FaultBoard, http_date
from .request_log import RequestLog, RequestRecord
from .response import Cut, Drop, Response, send

_SECRET = re.compile("password|secret|token", re.IGNORECASE)
_TICK = 0.25


@dataclass(slots=True)
class Call:
    """One request, parsed.

    path: below the base path. target: path and query as they came. form: a POST's fields,
    form or JSON, as text. body: its bytes.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    user: str | None
    form: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    target: str = ""


class VendorCloud(ABC):
    """A simulated vendor cloud. Use it as an async context manager, or `start` and `stop` it.

    A vendor gives `name`, `base_path`, `user_of` and `answer`; and, if it has them, admin routes
    of its own.
    """

    name: str
    base_path: str = ""
    # Set by the vendor's package: the modules of these routes import the cloud.
    admin_apis: ClassVar[tuple[Callable[[Any], AdminRoutes], ...]] = ()

    def __init__(self, clock: Clock | None = None) -> None:
        """Make the cloud; it listens after `start`."""
        self.clock = clock or Clock()
        self.faults = FaultBoard()
        self.requests = RequestLog()
        # Served over TLS where this is set before the start.
        self.tls: ssl.SSLContext | None = None
        self._origin = ""
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.clock.on_move(self.settle)

    @abstractmethod
    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return the name of the user that a request claims, valid or not."""

    @abstractmethod
    def answer(self, call: Call) -> Response:
        """Answer a request that reached the vendor."""

    def settle(self) -> None:
        """Process what is due by the clock."""
        return

    async def settled(self) -> None:
        """Process what is due, and wait until the deliveries have an outcome."""
        self.settle()

    @property
    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """Return the credentials of the default account."""

    @property
    def url(self) -> str:
        """Return the API's base URL, without a slash at its end."""
        return self._origin + self.base_path

    @property
    def control_url(self) -> str:
        """Return the base URL of the admin API."""
        return self._origin + ADMIN_PATH

    @property
    def log(self) -> list[RequestRecord]:
        """Return every request, in the order of arrival."""
        return self.requests.records

    def early_requests(self) -> list[RequestRecord]:
        """Return the requests for a resource whose last response was still fresh."""
        return [record for record in self.log if record.early]

    def held_requests(self) -> list[RequestRecord]:
        """Return the requests that came while a Retry-After was still running."""
        return [record for record in self.log if record.held]

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on `port` (0: a free one)."""
        app = web.Application(client_max_size=1 << 20)
        AdminApi(self).add_to(app.router)
        for admin_api in self.admin_apis:
            admin_api(self).add_to(app.router)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self.tls)
        await site.start()
        bound_host, bound_port = self._runner.addresses[0][:2]
        self._origin = f"http{'s' if self.tls else ''}://{bound_host}:{bound_port}"
        if self.clock.running:
            self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop listening, and close the connections that faults keep open."""
        self.faults.clear()
        if self._ticker is not None:
            self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
            self._ticker = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop."""
        await self.stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.settle()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = await _parsed(request, self.base_path, self.user_of(request.headers))
        record = self._record(request, call)
        self.requests.arrived(record)
        asked = {**call.form, **call.query}
        faults = self.faults.take(call.method, request.path, asked, call.user)
        worked_first = self._worked(call, faults) if any(f.takes_effect for f in faults) else None
        for fault in faults:
            await fault.delay()
        response = worked_first or self._worked(call, faults)
        now = self.clock.now()
        response.headers.setdefault("Content-Type", "application/json")
        response.headers.setdefault("Date", http_date(now))
        for fault in faults:
            fault.apply(response, now)
        if not isinstance(response.delivery, Drop | Cut):
            self.requests.replied(record, now, response.status, response.headers)
        try:
            return await send(request, response)
        except ConnectionError, asyncio.CancelledError:
            self.requests.lost(record)
            raise

    def refused(self, status: int) -> Response:
        """Return the vendor's error response to a request that a fault rejects."""
        return Response(status, {"error": "Refused"})

    def _worked(self, call: Call, faults: list[Fault]) -> Response:
        """Return the vendor's response, or its error if a fault rejects the request."""
        self.settle()
        if prevented := [fault for fault in faults if fault.prevents]:
            return self.refused(prevented[0].status or 500)
        return self.answer(call)

    def _record(self, request: web.Request, call: Call) -> RequestRecord:
        return RequestRecord(
            at=self.clock.now(),
            method=call.method,
            path=request.path,
            query=dict(call.query),
            user=call.user,
            conditional="If-None-Match" in call.headers or "If-Modified-Since" in call.headers,
            form={key: value for key, value in call.form.items() if not _SECRET.search(key)},
        )


async def _parsed(request: web.Request, base_path: str, user: str | None) -> Call:
    return Call(
        method=request.method,
        path=request.path.removeprefix(base_path) if request.path.startswith(base_path) else "",
        query=request.query,
        headers=request.headers,
        user=user,
        form=await _fields(request),
        body=await request.read(),
        target=request.raw_path,
    )


async def _fields(request: web.Request) -> dict[str, str]:
    """Return the body's fields as text, from a form or a JSON object; else nothing."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return {}
    if request.content_type == "application/json":
        try:
            fields = json.loads(await request.text())
        except ValueError:
            return {}
        if not isinstance(fields, dict):
            return {}
        return {key: str(value) for key, value in fields.items() if value is not None}
    return {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
