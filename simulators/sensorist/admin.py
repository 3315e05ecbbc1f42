"""The admin API's Sensorist part: gateways, sensors and the truth over HTTP."""

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .cloud import SensoristCloud
from .state import FREE, Gateway, Sensor, Source


class SensoristAdmin:
    """Serve the admin routes of a Sensorist cloud.

    POST /_sim/gateways {"title"?, "sensors"?} -> {"id"}.
    POST /_sim/gateways/<id>/offline|online|remove|restore.
    POST /_sim/sensors/<id>/silent|speak|press|battery_low.
    POST /_sim/sources/<id> {"override": any}, or {} to let it follow its curve again.
    GET /_sim/truth?source=<id> -> {"date", "value", "type", "seq"} or null.
    GET /_sim/callbacks -> {"callbacks": [{"callback", "due", "body", "outcome"}]}.
    """

    def __init__(self, cloud: SensoristCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud
        self._gateway_actions: dict[str, Callable[[Gateway], object]] = {
            "offline": lambda gateway: setattr(gateway, "online", False),
            "online": lambda gateway: setattr(gateway, "online", True),
            "remove": lambda gateway: cloud.remove_gateway(gateway.id),
            "restore": lambda gateway: cloud.restore_gateway(gateway.id),
        }
        self._sensor_actions: dict[str, Callable[[Sensor], object]] = {
            "silent": lambda sensor: setattr(sensor, "silent", True),
            "speak": lambda sensor: setattr(sensor, "silent", False),
            "press": cloud.press_button,
            "battery_low": cloud.system_notice,
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_post(f"{ADMIN_PATH}/gateways", self.add_gateway)
        router.add_post(ADMIN_PATH + r"/gateways/{id:\d+}/{deed}", self.act_on_gateway)
        router.add_post(ADMIN_PATH + r"/sensors/{id:\d+}/{deed}", self.act_on_sensor)
        router.add_post(ADMIN_PATH + r"/sources/{id:\d+}", self.override_source)
        router.add_get(f"{ADMIN_PATH}/truth", self.show_truth)
        router.add_get(f"{ADMIN_PATH}/callbacks", self.show_callbacks)
        router.add_post(f"{ADMIN_PATH}/callbacks", self.forge_callback)

    async def add_gateway(self, request: web.Request) -> web.Response:
        """Give the default account a new gateway."""
        body = await json_object(request)
        gateway = self._cloud.add_gateway(title=body.get("title"), sensors=body.get("sensors"))
        return json_response({"id": gateway.id})

    async def act_on_gateway(self, request: web.Request) -> web.Response:
        """Take a gateway offline, off its account, or back."""
        action = request.match_info["deed"]
        known = self._cloud.world.removed if action == "restore" else self._cloud.world.gateways
        return await self._do(request, self._gateway_actions, known)

    async def act_on_sensor(self, request: web.Request) -> web.Response:
        """Silence a sensor, let it speak, press its button or drain its battery."""
        return await self._do(request, self._sensor_actions, self._cloud.world.sensors)

    async def override_source(self, request: web.Request) -> web.Response:
        """Fix a data source's value."""
        source = self._source(request.match_info["id"])
        source.override = (await json_object(request)).get("override", FREE)
        await self._cloud.settled()
        return json_response({})

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return the newest measurement that a client could see."""
        row = self._cloud.truth(self._source(request.query.get("source", "")).id)
        return json_response(None if row is None else asdict(row))

    async def show_callbacks(self, request: web.Request) -> web.Response:
        """Return what was posted to callbacks, and what became of it."""
        return json_response({"callbacks": [asdict(sent) for sent in self._cloud.callbacks.sent]})

    async def forge_callback(self, request: web.Request) -> web.Response:
        """Post a body of anybody's making to every callback."""
        self._cloud.callbacks.forge(await json_object(request), self._cloud.clock.now())
        await self._cloud.settled()
        return json_response({})

    async def _do[Thing](
        self,
        request: web.Request,
        actions: dict[str, Callable[[Thing], object]],
        known: dict[int, Thing],
    ) -> web.Response:
        action, number = request.match_info["deed"], int(request.match_info["id"])
        if action not in actions or number not in known:
            raise web.HTTPNotFound
        actions[action](known[number])
        await self._cloud.settled()
        return json_response({})

    def _source(self, text: str) -> Source:
        number = int(text) if text.isdecimal() else 0
        if number not in self._cloud.world.sources:
            raise refusal("No such data source")
        return self._cloud.world.sources[number]
