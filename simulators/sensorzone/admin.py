"""The admin API's SensorZone part: the truth, machines and sign-ins over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .cloud import SensorZoneCloud
from .incursions import ODD, Incursion
from .state import Machine


class SensorZoneAdmin:
    """Serve the admin routes of a SensorZone cloud.

    GET /_sim/truth?since=<time>&until=<time> -> {"incursions": [{"id", "machine", "machine_name",
        "tag", "serial", "person", "operator", "worksite", "started_at", "ended_at",
        "acknowledged_at", "listed_at", "acknowledgement_listed_at", "latitude", "longitude",
        "odd"}]}, oldest first, all that begin then, seen by a client or not. Times are ISO 8601 in
        UTC. Without a period: the last 24 hours.
    GET /_sim/sign_ins -> {"requests": {"v1", "v2", "tester"}, "logins": {"v1", "v2"}, "held",
        "limited"}: how many requests came by which sign-in, how many during a wait, how many got
        429.
    POST /_sim/incursions {"machine"?, "tag"?, "ago"?, "seconds"?, "acknowledged_after"?, "odd"?}
        -> {"id"}. POST /_sim/incursions/<id> {"odd": names parted by blanks}.
    POST /_sim/machines {"name"?} -> {"id"}.
    POST /_sim/machines/<id> {"name"?, "gps": "good" | "none" | "zero"?}.
    POST /_sim/machines/<id>/silent|speak|remove|restore.
    POST /_sim/machines/<id>/merge {"into": id}.
    POST /_sim/worksites/<id>/cross|uncross.
    POST /_sim/sessions/lose; POST /_sim/tokens/lose.
    POST /_sim/testers/<id>/revoke|allow; POST /_sim/users/<id>/deactivate|activate.
    POST /_sim/variants, /_sim/oddities, /_sim/limits: an object of the fields in `plan` to change.
    """

    def __init__(self, cloud: SensorZoneCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud
        self._machine_actions: dict[str, Callable[[Machine], object]] = {
            "silent": lambda machine: setattr(machine, "silent", True),
            "speak": lambda machine: setattr(machine, "silent", False),
            "remove": lambda machine: setattr(machine, "removed", True),
            "restore": lambda machine: setattr(machine, "removed", False),
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/truth", self.show_truth)
        router.add_get(f"{ADMIN_PATH}/sign_ins", self.show_sign_ins)
        router.add_post(f"{ADMIN_PATH}/incursions", self.add_incursion)
        router.add_post(ADMIN_PATH + r"/incursions/{id:\d+}", self.mark_incursion)
        router.add_post(f"{ADMIN_PATH}/machines", self.add_machine)
        router.add_post(ADMIN_PATH + r"/machines/{id:\d+}", self.change_machine)
        router.add_post(ADMIN_PATH + r"/machines/{id:\d+}/merge", self.merge_machine)
        router.add_post(ADMIN_PATH + r"/machines/{id:\d+}/{deed}", self.act_on_machine)
        router.add_post(ADMIN_PATH + r"/worksites/{id:\d+}/{deed}", self.act_on_worksite)
        router.add_post(ADMIN_PATH + r"/testers/{id:\d+}/{deed}", self.act_on_tester)
        router.add_post(ADMIN_PATH + r"/users/{id:\d+}/{deed}", self.act_on_user)
        router.add_post(f"{ADMIN_PATH}/sessions/lose", self.lose_sessions)
        router.add_post(f"{ADMIN_PATH}/tokens/lose", self.lose_tokens)
        for part in ("variants", "oddities", "limits"):
            router.add_post(f"{ADMIN_PATH}/{part}", self.change_config)

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return every incursion of a period."""
        until = _time(request.query.get("until"), self._cloud.clock.now())
        since = _time(request.query.get("since"), until - timedelta(days=1))
        found = self._cloud.truth(since, until)
        return json_response({"incursions": [_shown(incursion) for incursion in found]})

    async def show_sign_ins(self, request: web.Request) -> web.Response:
        """Return how many requests came by which sign-in."""
        return json_response(self._cloud.counts.shown())

    async def add_incursion(self, request: web.Request) -> web.Response:
        """Let an incursion happen."""
        body, cloud = await json_object(request), self._cloud
        tags = {tag.id: tag for tag in cloud.walkers}
        machine = self._machine(body["machine"]) if "machine" in body else None
        if "tag" in body and body["tag"] not in tags:
            raise refusal("No pedestrian has this tag")
        incursion = cloud.incur(
            machine,
            tags.get(body.get("tag", 0)),
            ago=float(body.get("ago", 0)),
            seconds=int(body.get("seconds", 12)),
            acknowledged_after=body.get("acknowledged_after"),
            odd=_odd(body),
        )
        return json_response({"id": incursion.id})

    async def mark_incursion(self, request: web.Request) -> web.Response:
        """Make an incursion's record odd, or right again."""
        try:
            incursion = self._cloud.incursion(int(request.match_info["id"]))
        except KeyError as err:
            raise web.HTTPNotFound from err
        incursion.marks = set(_odd(await json_object(request)).split())
        return json_response({})

    async def add_machine(self, request: web.Request) -> web.Response:
        """Give the default brand a machine."""
        body = await json_object(request)
        return json_response({"id": self._cloud.add_machine(body.get("name")).id})

    async def change_machine(self, request: web.Request) -> web.Response:
        """Rename a machine, or let it tell another position."""
        machine, body = self._machine(request.match_info["id"]), await json_object(request)
        machine.name = body.get("name", machine.name)
        if (gps := body.get("gps", machine.gps)) not in ("good", "none", "zero"):
            raise refusal("gps is good, none or zero")
        machine.gps = gps
        return json_response({})

    async def merge_machine(self, request: web.Request) -> web.Response:
        """Make a machine a part of another one."""
        machine = self._machine(request.match_info["id"])
        into = self._machine((await json_object(request)).get("into"))
        if into is machine:
            raise refusal("A machine cannot be a part of itself")
        self._cloud.merge(machine, into)
        return json_response({})

    async def act_on_machine(self, request: web.Request) -> web.Response:
        """Silence a machine, let it speak, take it off the brand or put it back."""
        machine = self._machine(request.match_info["id"])
        action = self._machine_actions.get(request.match_info["deed"])
        if action is None:
            raise web.HTTPNotFound
        action(machine)
        return json_response({})

    async def act_on_worksite(self, request: web.Request) -> web.Response:
        """Let a boundary's sides cross, or no longer."""
        for site in self._cloud.world.sites:
            if site.id == int(request.match_info["id"]):
                site.crossed = _chosen(request, "cross", "uncross")
                return json_response({})
        raise web.HTTPNotFound

    async def act_on_tester(self, request: web.Request) -> web.Response:
        """Take a tester's token back, or let it in again."""
        for tester in self._cloud.world.testers:
            if tester.id == int(request.match_info["id"]):
                tester.active = _chosen(request, "allow", "revoke")
                return json_response({})
        raise web.HTTPNotFound

    async def act_on_user(self, request: web.Request) -> web.Response:
        """Take a user's access away, or give it back."""
        for user in self._cloud.world.users:
            if user.id == int(request.match_info["id"]):
                user.active = _chosen(request, "activate", "deactivate")
                return json_response({})
        raise web.HTTPNotFound

    async def lose_sessions(self, request: web.Request) -> web.Response:
        """Forget all cookies."""
        self._cloud.sessions.lose_cookies()
        return json_response({})

    async def lose_tokens(self, request: web.Request) -> web.Response:
        """Forget all JWTs."""
        self._cloud.sessions.lose_tokens()
        return json_response({})

    async def change_config(self, request: web.Request) -> web.Response:
        """Change forms, oddities or limits."""
        part = getattr(self._cloud.config, request.path.rpartition("/")[2])
        body = await json_object(request)
        if unknown := [name for name in body if not hasattr(part, name)]:
            raise refusal(f"There is no {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(part, name, value)
        return json_response({})

    def _machine(self, text: object) -> Machine:
        for machine in self._cloud.world.machines:
            if str(machine.id) == str(text):
                return machine
        raise refusal("No such machine")


def _shown(incursion: Incursion) -> dict[str, object]:
    tag, person = incursion.tag, incursion.tag.person
    listed = incursion.acknowledgement_listed_at
    return {
        "id": incursion.id,
        "machine": incursion.machine.shown.id,
        "machine_name": incursion.machine.shown.name,
        "tag": tag.id,
        "serial": tag.serial,
        "person": person and person.name,
        "operator": incursion.operator and incursion.operator.id,
        "worksite": incursion.machine.site.id,
        "started_at": _iso(incursion.start),
        "ended_at": _iso(incursion.end),
        "acknowledged_at": _iso(incursion.acknowledged_at),
        "listed_at": _iso(incursion.listed_at),
        "acknowledgement_listed_at": _iso(listed),
        "latitude": incursion.position[0],
        "longitude": incursion.position[1],
        "odd": [how for how in ODD if incursion.is_odd(how)],
    }


def _iso(at: int | None) -> str | None:
    """Return a moment as text; None for one that is not known or has no end in sight."""
    try:
        return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
    except OverflowError, ValueError:
        return None


def _odd(body: dict[str, object]) -> str:
    odd = str(body.get("odd") or "")
    if unknown := set(odd.split()) - set(ODD):
        raise refusal(f"No incursion is {', '.join(sorted(unknown))}")
    return odd


def _chosen(request: web.Request, yes: str, no: str) -> bool:
    action = request.match_info["deed"]
    if action not in (yes, no):
        raise web.HTTPNotFound
    return action == yes


def _time(text: str | None, default: datetime) -> datetime:
    try:
        moment = default if not text else datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as err:
        raise refusal(str(err)) from err
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
