"""The control door's SENSIT part: monitors, leaks, wind, users and the truth over HTTP."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.clock import from_micros, to_micros
from simulators.control import CONTROL, json_object, json_reply, refusal
from simulators.rhythm import SECOND, Spans

from .air import LEAKS, Leak, Spell
from .monitors import Monitor, Trigger
from .plan import TYPES, Forms, Plan
from .quirks import QUIRKS
from .tokens import User

if TYPE_CHECKING:
    from .cloud import SensitCloud

_MONITOR_TEXTS = ("name", "location", "status")
_FORMS = frozenset(spec.name for spec in fields(Forms))
_PLAN = frozenset({"token_seconds", "max_age", "etag"})


class SensitDoor:
    """What a SENSIT cloud can be told over HTTP. Times are ISO 8601 with a zone.

    GET /_sim/monitors -> {"monitors": [{"uuid", "type", "name", "east", "north", ...}]}.
    POST /_sim/monitors {"type"} -> {"uuid"}: a new one, which reports from now on.
    POST /_sim/monitors/<uuid> {"name"?, "location"?, "status"?, "firmware_update"?: bool,
        "clock_skew"?: seconds, "quirks"?: [names, see quirks.py], "last_record"?: a form or null,
        "override"?: {dotted path: value}, from now on; {} ends it}.
    POST /_sim/monitors/<uuid>/silent|offline {"start"?, "end"?}: it makes no records | keeps them
        until the end; default from now, without an end. .../speak and .../online end it.
    POST /_sim/monitors/<uuid>/trigger {"port"?: 1, "seconds"?: 60, "start"?}.
    POST /_sim/monitors/<uuid>/remove|restore.
    POST /_sim/leaks {"start"?, "seconds"?: 1800, "rate"?: 5.0 (g/s), "kind"?: "gas"|"smoke", and
        "across": [uuid, uuid], with a wind that turns from one to the other, or
        "east", "north" (metres from the middle of the site)} -> the leak. GET lists, DELETE ends all.
    POST /_sim/wind {"start"?, "seconds"?: 3600, "speed"?: 2.5 (m/s), "first": degrees from where it
        blows, "last"?: to which it turns evenly}. DELETE lets it follow its curve again.
    POST /_sim/users {"email", "password"?, "role"?, "sees"?: [uuids] or null for all, "locked"?}:
        adds or changes one; GET lists.
    POST /_sim/tokens/revoke: no token that was issued so far works any longer.
    POST /_sim/forms {field of Forms: value}; GET shows them. POST /_sim/plan {"token_seconds"?,
        "max_age"?, "etag"?}.
    GET /_sim/truth?device=<uuid>[&since=&until=][&ever=1] -> {"records": [{"date", "received",
        "values": {dotted path: value}}]}, oldest first, [since, until), default the last day;
        ever: with those that are still on their way.
    GET /_sim/counts -> {"sign_ins", "refused_sign_ins", "requests": {path: n}}.
    """

    def __init__(self, cloud: SensitCloud) -> None:
        """Make the door of one cloud."""
        self._cloud = cloud
        self._deeds: dict[str, Callable[[Monitor, dict[str, Any]], object]] = {
            "silent": self._silence,
            "offline": self._take_offline,
            "speak": lambda monitor, _: monitor.off.finish(cloud.clock.micros()),
            "online": lambda monitor, _: monitor.offline.finish(cloud.clock.micros()),
            "trigger": self._trigger,
            "remove": lambda monitor, _: cloud.remove_monitor(monitor.uuid),
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{CONTROL}/monitors", self.show_monitors)
        router.add_post(f"{CONTROL}/monitors", self.add_monitor)
        router.add_post(CONTROL + "/monitors/{uuid}", self.change_monitor)
        router.add_post(CONTROL + "/monitors/{uuid}/restore", self.restore_monitor)
        router.add_post(CONTROL + "/monitors/{uuid}/{deed}", self.do_to_monitor)
        router.add_get(f"{CONTROL}/leaks", self.show_leaks)
        router.add_post(f"{CONTROL}/leaks", self.add_leak)
        router.add_delete(f"{CONTROL}/leaks", self.end_leaks)
        router.add_post(f"{CONTROL}/wind", self.order_wind)
        router.add_delete(f"{CONTROL}/wind", self.free_wind)
        router.add_get(f"{CONTROL}/users", self.show_users)
        router.add_post(f"{CONTROL}/users", self.set_user)
        router.add_post(f"{CONTROL}/tokens/revoke", self.revoke_tokens)
        router.add_get(f"{CONTROL}/forms", self.show_forms)
        router.add_post(f"{CONTROL}/forms", self.set_forms)
        router.add_post(f"{CONTROL}/plan", self.set_plan)
        router.add_get(f"{CONTROL}/truth", self.show_truth)
        router.add_get(f"{CONTROL}/counts", self.show_counts)

    async def show_monitors(self, request: web.Request) -> web.Response:
        """Return every monitor."""
        return json_reply({"monitors": [_shown(monitor) for monitor in self._cloud.monitors]})

    async def add_monitor(self, request: web.Request) -> web.Response:
        """Add a monitor."""
        kind = (await json_object(request)).get("type")
        if kind not in TYPES:
            raise refusal(f"type is one of {', '.join(TYPES)}")
        return json_reply({"uuid": self._cloud.add_monitor(kind).uuid})

    async def restore_monitor(self, request: web.Request) -> web.Response:
        """Put a removed monitor back."""
        if (uuid := request.match_info["uuid"]) not in self._cloud.world.removed:
            raise web.HTTPNotFound
        self._cloud.restore_monitor(uuid)
        return json_reply({})

    async def change_monitor(self, request: web.Request) -> web.Response:
        """Change what a monitor is, says or does wrong."""
        monitor = self._monitor(request.match_info["uuid"])
        body = await json_object(request)
        quirks = set(body.get("quirks", monitor.quirks))
        if unknown := quirks - QUIRKS:
            raise refusal(f"No such quirk: {', '.join(sorted(map(str, unknown)))}")
        monitor.quirks = quirks
        for name in _MONITOR_TEXTS:
            setattr(monitor, name, body.get(name, getattr(monitor, name)))
        monitor.firmware_update = bool(body.get("firmware_update", monitor.firmware_update))
        monitor.clock_skew = float(body.get("clock_skew", monitor.clock_skew))
        monitor.last_record = body.get("last_record", monitor.last_record)
        if "override" in body:
            monitor.override(body["override"], self._cloud.clock.micros())
        return json_reply(_shown(monitor))

    async def do_to_monitor(self, request: web.Request) -> web.Response:
        """Do one of the deeds to a monitor."""
        monitor, deed = self._monitor(request.match_info["uuid"]), request.match_info["deed"]
        if deed not in self._deeds:
            raise web.HTTPNotFound
        self._deeds[deed](monitor, await json_object(request))
        return json_reply({})

    async def show_leaks(self, request: web.Request) -> web.Response:
        """Return the leaks there were and are."""
        return json_reply({"leaks": [asdict(leak) for leak in self._cloud.world.site.leaks]})

    async def add_leak(self, request: web.Request) -> web.Response:
        """Let something leak."""
        body = await json_object(request)
        start, seconds = self._moment(body, "start"), _number(body, "seconds", 1800)
        kind = body.get("kind", "gas")
        if kind not in LEAKS:
            raise refusal(f"kind is one of {', '.join(LEAKS)}")
        leak = Leak(0.0, 0.0, start, start + seconds, _number(body, "rate", 5.0), kind)
        if "across" in body:
            first, second = (self._monitor(str(uuid)) for uuid in body["across"])
            self._cloud.world.leak_across(first, second, start, seconds, leak)
        else:
            leak.east, leak.north = _number(body, "east", 0), _number(body, "north", 0)
            self._cloud.world.add_leak(leak)
        return json_reply(asdict(leak))

    async def end_leaks(self, request: web.Request) -> web.Response:
        """End every leak now; what has leaked drifts on."""
        for leak in self._cloud.world.site.leaks:
            leak.end = min(leak.end, self._now())
        return json_reply({})

    async def order_wind(self, request: web.Request) -> web.Response:
        """Order a wind."""
        body = await json_object(request)
        start, first = self._moment(body, "start"), _number(body, "first", 270)
        end = start + _number(body, "seconds", 3600)
        last = _number(body, "last", first)
        self._cloud.world.site.spells.append(
            Spell(start, end, _number(body, "speed", 2.5), first, last)
        )
        return json_reply({})

    async def free_wind(self, request: web.Request) -> web.Response:
        """End every ordered wind now."""
        for spell in self._cloud.world.site.spells:
            spell.end = min(spell.end, self._now())
        return json_reply({})

    async def show_users(self, request: web.Request) -> web.Response:
        """Return who can sign in."""
        return json_reply({"users": [_user(user) for user in self._cloud.users]})

    async def set_user(self, request: web.Request) -> web.Response:
        """Add or change a user."""
        body = await json_object(request)
        email = str(body.get("email", ""))
        world = self._cloud.world
        user = world.users.get(email) or world.add_user(email, world.plan.password)
        user.password = str(body.get("password", user.password))
        user.role = str(body.get("role", user.role))
        user.locked = bool(body.get("locked", user.locked))
        if "sees" in body:
            user.sees = None if body["sees"] is None else frozenset(map(str, body["sees"]))
        return json_reply(_user(user))

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        """Let no token work that was issued so far."""
        self._cloud.tokens.revoke()
        return json_reply({})

    async def show_forms(self, request: web.Request) -> web.Response:
        """Return the forms that are served."""
        return json_reply(asdict(self._cloud.plan.forms))

    async def set_forms(self, request: web.Request) -> web.Response:
        """Serve other forms from now on."""
        return self._set(self._cloud.plan.forms, await json_object(request), _FORMS)

    async def set_plan(self, request: web.Request) -> web.Response:
        """Change what of the plan a request reads."""
        return self._set(self._cloud.plan, await json_object(request), _PLAN)

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return the records of a window."""
        query = request.query
        monitor = self._monitor(query.get("device", ""))
        until = from_micros(int(self._moment(query, "until") * SECOND))
        since = until - timedelta(days=1)
        if "since" in query:
            since = from_micros(int(self._moment(query, "since") * SECOND))
        ever = query.get("ever", "") not in ("", "0")
        records = self._cloud.records(monitor.uuid, since, until, ever=ever)
        return json_reply({"records": records})

    async def show_counts(self, request: web.Request) -> web.Response:
        """Return how often the cloud was asked."""
        return json_reply(
            {
                "sign_ins": self._cloud.sign_ins,
                "refused_sign_ins": self._cloud.refused_sign_ins,
                "requests": Counter(record.path for record in self._cloud.log),
            }
        )

    def _set(
        self, settings: Forms | Plan, body: dict[str, Any], names: frozenset[str]
    ) -> web.Response:
        if unknown := body.keys() - names:
            raise refusal(f"There is no {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(settings, name, value)
        return json_reply({name: getattr(settings, name) for name in sorted(names)})

    def _silence(self, monitor: Monitor, body: dict[str, Any]) -> None:
        self._span(monitor.off, body)

    def _take_offline(self, monitor: Monitor, body: dict[str, Any]) -> None:
        self._span(monitor.offline, body)

    def _span(self, spans: Spans, body: dict[str, Any]) -> None:
        spans.begin(int(self._moment(body, "start") * SECOND))
        if body.get("end"):
            spans.finish(int(self._moment(body, "end") * SECOND))

    def _trigger(self, monitor: Monitor, body: dict[str, Any]) -> None:
        start = int(self._moment(body, "start") * SECOND)
        end = start + int(_number(body, "seconds", 60) * SECOND)
        monitor.triggers.append(Trigger(int(_number(body, "port", 1)), start, end))

    def _monitor(self, uuid: str) -> Monitor:
        if uuid not in self._cloud.world.monitors:
            raise web.HTTPNotFound
        return self._cloud.monitor(uuid)

    def _now(self) -> float:
        return self._cloud.clock.micros() / SECOND

    def _moment(self, body: Mapping[str, Any], name: str) -> float:
        """Return a time in seconds since the epoch; now if it is not given."""
        if not body.get(name):
            return self._now()
        try:
            moment = datetime.fromisoformat(str(body[name]))
        except ValueError as err:
            raise refusal(str(err)) from err
        if moment.tzinfo is None:
            raise refusal(f"{name} needs a zone")
        return to_micros(moment) / SECOND


def _number(body: Mapping[str, Any], name: str, default: float) -> float:
    try:
        return float(body.get(name, default))
    except (TypeError, ValueError) as err:
        raise refusal(f"{name} is a number") from err


def _shown(monitor: Monitor) -> dict[str, object]:
    return {
        "uuid": monitor.uuid,
        "type": monitor.type,
        "name": monitor.name,
        "location": monitor.location,
        "status": monitor.status,
        "east": round(monitor.east, 1),
        "north": round(monitor.north, 1),
        "firmware_update": monitor.firmware_update,
        "clock_skew": monitor.clock_skew,
        "quirks": sorted(monitor.quirks),
        "last_record": monitor.last_record,
    }


def _user(user: User) -> dict[str, object]:
    sees = None if user.sees is None else sorted(user.sees)
    return {
        "email": user.email,
        "password": user.password,
        "role": user.role,
        "sees": sees,
        "locked": user.locked,
    }
