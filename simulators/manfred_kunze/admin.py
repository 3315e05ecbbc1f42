"""Serve the admin routes for variants, keys, devices, sensors and the current state."""

from dataclasses import fields

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .cloud import ManfredKunzeCloud
from .config import DEVICE_STATUS, ApiVariants
from .state import Device, Sensor

_SWITCHES = (
    "endless",
    "page_size",
    "page_most",
    "admin",
    "absent",
    "delay",
    "link_seconds",
    "links_dead",
    "live_wait",
    "live_seconds",
    "live_local",
    "clip_seconds",
    "dvr_fate",
    "command_fate",
    "command_seconds",
    "command_timeout",
    "desired_fate",
    "desired_seconds",
    "token_seconds",
    "export_fate",
    "export_seconds",
    "export_life",
    "export_most",
    "export_size",
    "export_padding",
    "openapi",
)


class ManfredKunzeAdmin:
    """Serve the admin routes of this vendor; README.md lists them with their bodies."""

    def __init__(self, cloud: ManfredKunzeCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/truth", self.show_truth)
        router.add_post(f"{ADMIN_PATH}/variants", self.set_variants)
        router.add_post(f"{ADMIN_PATH}/config", self.set_config)
        router.add_post(ADMIN_PATH + "/keys/{name}", self.change_key)
        router.add_post(f"{ADMIN_PATH}/devices", self.add_device)
        router.add_post(ADMIN_PATH + "/devices/{id}", self.change_device)
        router.add_delete(ADMIN_PATH + "/devices/{id}", self.remove_device)
        router.add_post(ADMIN_PATH + "/sensors/{id}", self.change_sensor)

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return the devices and sensors of the main organisation."""
        cloud = self._cloud
        cloud.settle()
        now = cloud.world.now
        return json_response(
            {
                "now": cloud.clock.now(),
                "organization": cloud.main.id,
                "devices": [
                    {"id": one.id, "name": one.name, "status": one.status} for one in cloud.devices
                ],
                "sensors": [_sensor(one, now) for one in cloud.sensors[:1000]],
            }
        )

    async def set_variants(self, request: web.Request) -> web.Response:
        """Change the API variants."""
        body = await json_object(request)
        if unknown := body.keys() - {spec.name for spec in fields(ApiVariants)}:
            raise refusal(f"There is no variant {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(self._cloud.config.variants, name, value)
        return json_response({})

    async def set_config(self, request: web.Request) -> web.Response:
        """Change the settings that a request reads."""
        body = await json_object(request)
        if unknown := body.keys() - set(_SWITCHES):
            raise refusal(f"Cannot change {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(self._cloud.config, name, set(value) if name == "absent" else value)
        return json_response({})

    async def change_key(self, request: web.Request) -> web.Response:
        """Revoke, restore, restrict, rotate or reassign an API key."""
        body, keys = await json_object(request), self._cloud.keys
        key = keys.by_name.get(request.match_info["name"])
        if key is None:
            raise web.HTTPNotFound
        key.revoked = bool(body.get("revoked", key.revoked))
        key.denied = set(body.get("denied", key.denied))
        if "organization" in body:
            key.organisation = keys.organisation(body["organization"])
        if body.get("rotate"):
            keys.rotate(key.name)
        return json_response({"api_key": key.secret})

    async def add_device(self, request: web.Request) -> web.Response:
        """Add a device to the main organisation."""
        body = await json_object(request)
        device = self._cloud.add_device(body.get("name"), _status(body.get("status", "ACTIVE")))
        return json_response({"id": device.id})

    async def change_device(self, request: web.Request) -> web.Response:
        """Change a device's status, name or clock, or stop and resume its readings."""
        device, body = self._device(request), await json_object(request)
        if "status" in body:
            self._cloud.become(device, _status(body["status"]))
        if "silent" in body:
            device.listen(self._cloud.world.now, silent=bool(body["silent"]))
        device.name = str(body.get("name", device.name))
        device.skew = int(body.get("skew", device.skew))
        await self._cloud.settled()
        return json_response({})

    async def remove_device(self, request: web.Request) -> web.Response:
        """Remove a device."""
        self._cloud.remove_device(self._device(request))
        return json_response({})

    async def change_sensor(self, request: web.Request) -> web.Response:
        """Fix, report once or release a sensor's value."""
        sensor, body = self._sensor(request), await json_object(request)
        if "hold" in body:
            self._cloud.hold(sensor, body["hold"])
        if body.get("release"):
            self._cloud.release(sensor)
        if "report" in body:
            self._cloud.report(sensor, body["report"], float(body.get("ago", 0)))
        await self._cloud.settled()
        return json_response({})

    def _device(self, request: web.Request) -> Device:
        try:
            return self._cloud.main.devices[request.match_info["id"]]
        except KeyError as err:
            raise web.HTTPNotFound from err

    def _sensor(self, request: web.Request) -> Sensor:
        try:
            return self._cloud.main.sensors[request.match_info["id"]]
        except KeyError as err:
            raise web.HTTPNotFound from err


def _status(status: object) -> str:
    if status not in DEVICE_STATUS:
        raise refusal(f"status is one of {', '.join(DEVICE_STATUS)}")
    return str(status)


def _sensor(sensor: Sensor, now: int) -> dict[str, object]:
    newest = sensor.newest(now)
    return {
        "id": sensor.id,
        "device": sensor.device.id,
        "name": sensor.name,
        "type": sensor.type,
        "unit": sensor.unit,
        "value": None if newest is None else newest.value,
        "time": None if newest is None else newest.time,
    }
