"""The control door's VizioSense part: devices, pictures and the truth over HTTP."""

from dataclasses import fields
from typing import TYPE_CHECKING

from aiohttp import web

from simulators.control import CONTROL, json_object, json_reply, refusal

from .plan import Forms
from .shots import Shot
from .world import Device

if TYPE_CHECKING:
    from .cloud import VizioSenseCloud


class VizioSenseDoor:
    """What a VizioSense cloud can be told over HTTP. `<uuid>`: of a device."""

    def __init__(self, cloud: VizioSenseCloud) -> None:
        """Make the door of one cloud."""
        self._cloud = cloud

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{CONTROL}/truth", self.show_truth)
        router.add_post(f"{CONTROL}/forms", self.set_forms)
        router.add_post(f"{CONTROL}/troubles", self.add_trouble)
        router.add_delete(f"{CONTROL}/troubles", self.clear_troubles)
        router.add_post(CONTROL + "/devices/{uuid}/{deed}", self.do_to_device)

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return what there is and what happened, by device."""
        return json_reply({"devices": [self._truth(device) for device in self._cloud.devices]})

    async def set_forms(self, request: web.Request) -> web.Response:
        """Serve other forms from now on: {name of a form: value}."""
        body = await json_object(request)
        if unknown := body.keys() - {spec.name for spec in fields(Forms)}:
            raise refusal(f"There is no form {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(self._cloud.plan.forms, name, value)
        return json_reply({})

    async def add_trouble(self, request: web.Request) -> web.Response:
        """Let something be wrong with pictures: {"kind", "device"?, "seconds"?}."""
        body = await json_object(request)
        uuid = body.pop("device", None)
        device = None if uuid is None else self._device(uuid)
        try:
            self._cloud.trouble(str(body.pop("kind", "")), device, **body)
        except (TypeError, ValueError) as err:
            raise refusal(str(err)) from err
        return json_reply({})

    async def clear_troubles(self, request: web.Request) -> web.Response:
        """Let nothing be wrong any longer."""
        self._cloud.shots.troubles.clear()
        return json_reply({})

    async def do_to_device(self, request: web.Request) -> web.Response:
        """Take a device offline, off its account, or back."""
        cloud, uuid = self._cloud, request.match_info["uuid"]
        match request.match_info["deed"]:
            case "offline":
                self._device(uuid).online = False
            case "online":
                self._device(uuid).online = True
            case "remove":
                cloud.remove_device(self._device(uuid).uuid)
            case "restore" if uuid in cloud.world.removed:
                cloud.restore_device(uuid)
            case _:
                raise web.HTTPNotFound
        return json_reply({})

    def _device(self, uuid: str) -> Device:
        if uuid not in self._cloud.world.devices:
            raise web.HTTPNotFound
        return self._cloud.world.devices[uuid]

    def _truth(self, device: Device) -> dict[str, object]:
        world = self._cloud.world
        return {
            "uuid": device.uuid,
            "name": device.name,
            "application": device.application,
            "is_online": device.online,
            "wakes": device.wakes,
            "places": {place.name: world.standing(place).cls for place in device.places},
            "shots": [_shot(shot) for shot in self._cloud.shots_of(device)],
        }


def _shot(shot: Shot) -> dict[str, object]:
    return {
        "requested": shot.requested,
        "taken": shot.taken,
        "ready": shot.ready,
        "expires": shot.expires,
        "downloads": [
            {"at": one.at, "view": one.view, "status": one.status, "size": one.size}
            for one in shot.downloads
        ],
    }
