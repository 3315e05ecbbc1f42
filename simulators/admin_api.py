"""Serve the admin API ``/_sim``: request log, faults and clock over HTTP."""

from dataclasses import asdict, fields
from datetime import datetime
import json
from typing import Any, Protocol

from aiohttp import web

from .clock import Clock
from .faults import Fault, FaultBoard
from .request_log import RequestLog, RequestRecord

ADMIN_PATH = "/_sim"

_SETTABLE = {spec.name for spec in fields(Fault)} - {"mutate", "used", "_released"}


class AdminRoutes(Protocol):
    """A part of the admin API."""

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""


class ManagedCloud(Protocol):
    """The parts of a cloud that the admin API of all vendors uses."""

    clock: Clock
    faults: FaultBoard
    requests: RequestLog

    @property
    def log(self) -> list[RequestRecord]:
        """Return every request, in the order of arrival."""

    def early_requests(self) -> list[RequestRecord]:
        """Return the requests for a resource whose last response was still fresh."""

    def held_requests(self) -> list[RequestRecord]:
        """Return the requests that came while a Retry-After was still running."""

    async def settled(self) -> None:
        """Process what is due, and wait until the deliveries have an outcome."""


class AdminApi:
    """Serve the admin routes that every cloud has.

    GET /_sim/log -> {"requests": [...], "early": n, "held": n}; DELETE empties it.
    GET, POST (a Fault's fields as a JSON object) and DELETE /_sim/faults.
    GET /_sim/clock -> {"now", "speed"}; POST {"advance": seconds}, {"set": time} or {"speed": x}.
    """

    def __init__(self, cloud: ManagedCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/log", self.show_log)
        router.add_delete(f"{ADMIN_PATH}/log", self.clear_log)
        router.add_get(f"{ADMIN_PATH}/faults", self.show_faults)
        router.add_post(f"{ADMIN_PATH}/faults", self.add_fault)
        router.add_delete(f"{ADMIN_PATH}/faults", self.clear_faults)
        router.add_get(f"{ADMIN_PATH}/clock", self.show_clock)
        router.add_post(f"{ADMIN_PATH}/clock", self.move_clock)

    async def show_log(self, request: web.Request) -> web.Response:
        """Return every request, and how many were early or sent during a wait."""
        return json_response(
            {
                "requests": [asdict(record) for record in self._cloud.log],
                "early": len(self._cloud.early_requests()),
                "held": len(self._cloud.held_requests()),
            }
        )

    async def clear_log(self, request: web.Request) -> web.Response:
        """Clear the request log."""
        self._cloud.requests.clear()
        return json_response({})

    async def show_faults(self, request: web.Request) -> web.Response:
        """Return the faults, used up or not."""
        return json_response({"faults": [_shown(fault) for fault in self._cloud.faults]})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Add a fault."""
        body = await json_object(request)
        if unknown := body.keys() - _SETTABLE:
            raise refusal(f"A fault has no {', '.join(sorted(unknown))}")
        try:
            return json_response(_shown(self._cloud.faults.add(Fault(**body))))
        except (TypeError, ValueError) as err:
            raise refusal(str(err)) from err

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Remove all faults."""
        self._cloud.faults.clear()
        return json_response({})

    async def show_clock(self, request: web.Request) -> web.Response:
        """Return the simulated time."""
        clock = self._cloud.clock
        return json_response({"now": clock.now().isoformat(), "speed": clock.speed})

    async def move_clock(self, request: web.Request) -> web.Response:
        """Set the simulated time or its speed, and process what is due then."""
        clock, body = self._cloud.clock, await json_object(request)
        try:
            if "speed" in body:
                clock.speed = float(body["speed"])
            if "set" in body:
                clock.set(datetime.fromisoformat(body["set"]))
            if "advance" in body:
                clock.advance(float(body["advance"]))
        except (TypeError, ValueError, RuntimeError) as err:
            raise refusal(str(err)) from err
        await self._cloud.settled()
        return await self.show_clock(request)


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body; raise a 400 for anything else."""
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as err:
        raise refusal(str(err)) from err
    if not isinstance(body, dict):
        raise refusal("A JSON object is needed")
    return body


def json_response(value: object) -> web.Response:
    """Return a value as JSON, times in ISO format."""
    return web.json_response(text=json.dumps(value, default=_plain))


def refusal(reason: str) -> web.HTTPBadRequest:
    """Return the 400 response that an admin route raises."""
    return web.HTTPBadRequest(text=json.dumps({"error": reason}), content_type="application/json")


def _shown(fault: Fault) -> dict[str, object]:
    shown = {name: getattr(fault, name) for name in sorted(_SETTABLE)}
    shown["used"] = fault.used
    return shown


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)
