"""The admin API's outdoor part: monitors, leaks and wind."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal
from simulators.schedule import SECOND, Spans

from .admin_params import choice, instant, number, variant_choices
from .cloud import SensitCloud
from .config import TYPES
from .malformed import QUIRKS
from .monitors import Monitor, Trigger
from .plume import LEAKS, Leak, WindPeriod

_TEXTS = ("name", "location", "status", "key", "picture")


class MonitorAdmin:
    """Serve the admin routes for monitors, leaks and wind. Times are ISO 8601 with a zone.

    GET /_sim/monitors -> {"monitors": [{"uuid", "type", "name", "east", "north", ...}]}.
    POST /_sim/monitors {"type"} -> {"uuid"}: a new one, which reports from now on.
    POST /_sim/monitors/<uuid> {"name"?, "location"?, "status"?, "key"?, "picture"?,
        "firmware_update"?: bool, "clock_skew"?: seconds, "quirks"?: [names, see malformed.py],
        "last_record"?: a form of Forms.last_record or null,
        "override"?: {dotted path: value}, from now on; {} ends it} -> the monitor.
    POST /_sim/monitors/<uuid>/silent|offline {"start"?, "end"?}: it makes no records | keeps them
        until the end; default from now, without an end. .../speak and .../online end it now.
    POST /_sim/monitors/<uuid>/trigger {"port"?: 1, "seconds"?: 60, "start"?}: a canister.
    POST /_sim/monitors/<uuid>/remove|restore.
    POST /_sim/leaks {"start"?, "seconds"?: 1800, "rate"?: 5.0 (g/s), "kind"?: "gas"|"smoke", and
        "across": [uuid, uuid], with a wind that turns from one to the other, or
        "east", "north" (metres from the middle of the site)} -> the leak. GET lists, DELETE ends
        all now.
    POST /_sim/wind {"start"?, "seconds"?: 3600, "speed"?: 2.5 (m/s), "first": degrees from where it
        blows, "last"?: to which it turns evenly}. DELETE lets it follow its curve again.
    """

    def __init__(self, cloud: SensitCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud
        self._actions: dict[str, Callable[[Monitor, dict[str, Any]], object]] = {
            "silent": lambda monitor, body: self._span(monitor.off, body),
            "offline": lambda monitor, body: self._span(monitor.offline, body),
            "speak": lambda monitor, _: monitor.off.finish(cloud.clock.micros()),
            "online": lambda monitor, _: monitor.offline.finish(cloud.clock.micros()),
            "trigger": self._trigger,
            "remove": lambda monitor, _: cloud.remove_monitor(monitor.uuid),
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/monitors", self.show_monitors)
        router.add_post(f"{ADMIN_PATH}/monitors", self.add_monitor)
        router.add_post(ADMIN_PATH + "/monitors/{uuid}", self.change_monitor)
        router.add_post(ADMIN_PATH + "/monitors/{uuid}/restore", self.restore_monitor)
        router.add_post(ADMIN_PATH + "/monitors/{uuid}/{action}", self.act_on_monitor)
        router.add_get(f"{ADMIN_PATH}/leaks", self.show_leaks)
        router.add_post(f"{ADMIN_PATH}/leaks", self.add_leak)
        router.add_delete(f"{ADMIN_PATH}/leaks", self.end_leaks)
        router.add_post(f"{ADMIN_PATH}/wind", self.order_wind)
        router.add_delete(f"{ADMIN_PATH}/wind", self.free_wind)

    async def show_monitors(self, request: web.Request) -> web.Response:
        """Return every monitor."""
        return json_response({"monitors": [_shown(monitor) for monitor in self._cloud.monitors]})

    async def add_monitor(self, request: web.Request) -> web.Response:
        """Add a monitor."""
        kind = (await json_object(request)).get("type")
        if kind not in TYPES:
            raise refusal(f"type is one of {', '.join(TYPES)}")
        return json_response({"uuid": self._cloud.add_monitor(kind).uuid})

    async def restore_monitor(self, request: web.Request) -> web.Response:
        """Put a removed monitor back."""
        if (uuid := request.match_info["uuid"]) not in self._cloud.world.removed:
            raise web.HTTPNotFound
        self._cloud.restore_monitor(uuid)
        return json_response({})

    async def change_monitor(self, request: web.Request) -> web.Response:
        """Change what a monitor is, says or does wrong."""
        monitor = self._monitor(request.match_info["uuid"])
        body = await json_object(request)
        quirks = set(map(str, body.get("quirks", monitor.quirks)))
        if unknown := quirks - QUIRKS:
            raise refusal(f"No such quirk: {', '.join(sorted(unknown))}")
        last_record = body.get("last_record", monitor.last_record)
        if last_record not in (None, *variant_choices()["last_record"]):
            raise refusal(f"No such form of lastReceivedRecord: {last_record}")
        monitor.clock_skew = number(body, "clock_skew", monitor.clock_skew)
        monitor.quirks, monitor.last_record = quirks, last_record
        for name in _TEXTS:
            setattr(monitor, name, body.get(name, getattr(monitor, name)))
        monitor.firmware_update = bool(body.get("firmware_update", monitor.firmware_update))
        if "override" in body:
            monitor.override(body["override"], self._cloud.clock.micros())
        return json_response(_shown(monitor))

    async def act_on_monitor(self, request: web.Request) -> web.Response:
        """Run an action on a monitor."""
        monitor, action = self._monitor(request.match_info["uuid"]), request.match_info["action"]
        if action not in self._actions:
            raise web.HTTPNotFound
        self._actions[action](monitor, await json_object(request))
        return json_response({})

    async def show_leaks(self, request: web.Request) -> web.Response:
        """Return the leaks there were and are."""
        return json_response({"leaks": [asdict(leak) for leak in self._cloud.world.site.leaks]})

    async def add_leak(self, request: web.Request) -> web.Response:
        """Let something leak."""
        body = await json_object(request)
        start = instant(body, "start", self._cloud.clock) / SECOND
        seconds = number(body, "seconds", 1800)
        leak = Leak(
            east=number(body, "east", 0),
            north=number(body, "north", 0),
            start=start,
            end=start + seconds,
            rate=number(body, "rate", 5.0),
            kind=choice(body, "kind", LEAKS),
        )
        if across := body.get("across"):
            if not isinstance(across, list) or len(across) != 2:
                raise refusal("A leak goes across two monitors")
            first, second = (self._monitor(str(uuid)) for uuid in across)
            self._cloud.world.leak_across(first, second, start, seconds, leak)
        else:
            self._cloud.world.add_leak(leak)
        return json_response(asdict(leak))

    async def end_leaks(self, request: web.Request) -> web.Response:
        """End every leak now; what has leaked drifts on."""
        now = self._cloud.clock.micros() / SECOND
        for leak in self._cloud.world.site.leaks:
            leak.end = min(leak.end, now)
        return json_response({})

    async def order_wind(self, request: web.Request) -> web.Response:
        """Order a wind."""
        body = await json_object(request)
        start = instant(body, "start", self._cloud.clock) / SECOND
        end = start + number(body, "seconds", 3600)
        first = number(body, "first", 270)
        period = WindPeriod(
            start, end, number(body, "speed", 2.5), first, number(body, "last", first)
        )
        self._cloud.world.site.wind_periods.append(period)
        return json_response(asdict(period))

    async def free_wind(self, request: web.Request) -> web.Response:
        """End every ordered wind now."""
        now = self._cloud.clock.micros() / SECOND
        for period in self._cloud.world.site.wind_periods:
            period.end = min(period.end, now)
        return json_response({})

    def _span(self, spans: Spans, body: dict[str, Any]) -> None:
        spans.begin(instant(body, "start", self._cloud.clock))
        if body.get("end"):
            spans.finish(instant(body, "end", self._cloud.clock))

    def _trigger(self, monitor: Monitor, body: dict[str, Any]) -> None:
        start = instant(body, "start", self._cloud.clock)
        end = start + int(number(body, "seconds", 60) * SECOND)
        monitor.triggers.append(Trigger(int(number(body, "port", 1)), start, end))

    def _monitor(self, uuid: str) -> Monitor:
        if uuid not in self._cloud.world.monitors:
            raise web.HTTPNotFound
        return self._cloud.monitor(uuid)


def _shown(monitor: Monitor) -> dict[str, object]:
    return {
        "uuid": monitor.uuid,
        "type": monitor.type,
        "name": monitor.name,
        "location": monitor.location,
        "status": monitor.status,
        "key": monitor.key,
        "picture": monitor.picture,
        "east": round(monitor.east, 1),
        "north": round(monitor.north, 1),
        "firmware_update": monitor.firmware_update,
        "clock_skew": monitor.clock_skew,
        "quirks": sorted(monitor.quirks),
        "last_record": monitor.last_record,
    }
