"""Serve the admin routes for commands, configurations, exports and the quarantine."""

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .cloud import ManfredKunzeCloud
from .fixtures import REASONS

_FATES = ("ready", "fail", "hang")


class CommandAdmin:
    """The admin routes for commands and exports of the main organisation."""

    def __init__(self, cloud: ManfredKunzeCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/orders", self.show)
        router.add_post(ADMIN_PATH + "/exports/{id}", self.change_export)
        router.add_post(f"{ADMIN_PATH}/quarantine", self.reject)

    async def show(self, request: web.Request) -> web.Response:
        """Return the commands, bindings, tokens and exports."""
        cloud = self._cloud
        cloud.settle()
        now, store = cloud.world.now, cloud.command_engine.of(cloud.main)
        return json_response(
            {
                "commands": [
                    {
                        "id": one.id,
                        "device": one.device.id,
                        "method": one.method,
                        "params": one.params,
                        "status": one.status(now),
                    }
                    for one in cloud.commands
                ],
                "bindings": [
                    {"id": one.id, "target": one.target, "reported": one.reported}
                    for one in store.bindings.values()
                ],
                "tokens": [
                    {"id": one.id, "device": one.device.id, "used": one.used}
                    for one in store.tokens.values()
                ],
                "exports": [{"id": one.id, "status": one.status(now)} for one in cloud.exports],
            }
        )

    async def change_export(self, request: web.Request) -> web.Response:
        """Change an export's fate, or expire it."""
        export = self._cloud.export_jobs.of(self._cloud.main).get(request.match_info["id"])
        body = await json_object(request)
        if export is None:
            raise web.HTTPNotFound
        if "fate" in body:
            if body["fate"] not in _FATES:
                raise refusal(f"fate is one of {', '.join(_FATES)}")
            export.fate = body["fate"]
        if body.get("expire"):
            export.ends = self._cloud.world.now
        self._cloud.settle()
        return json_response({})

    async def reject(self, request: web.Request) -> web.Response:
        """Put a payload into quarantine."""
        reason = (await json_object(request)).get("reason", "OUT_OF_RANGE")
        if reason not in REASONS:
            raise refusal(f"reason is one of {', '.join(REASONS)}")
        self._cloud.reject(reason)
        return json_response({})
