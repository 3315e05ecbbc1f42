"""The admin API's VizioSense part: devices, pictures, webhooks and the truth over HTTP."""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .cloud import VizioSenseCloud
from .config import ApiVariants
from .delivery import Delivery
from .faulty_images import ImageFault
from .snapshots import Snapshot
from .state import FREE, Device

type Body = dict[str, Any]


class VizioSenseAdmin:
    """Serve the admin routes of this vendor; README.md lists them with their bodies."""

    def __init__(self, cloud: VizioSenseCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud
        self._actions: dict[str, Callable[[Device, Body], object]] = {
            "offline": lambda device, _: setattr(device, "online", False),
            "online": lambda device, _: setattr(device, "online", True),
            "silent": lambda device, _: setattr(device, "silent", True),
            "speak": lambda device, _: setattr(device, "silent", False),
            "remove": lambda device, _: cloud.remove_device(device.uuid),
            "restore": lambda device, _: cloud.restore_device(device.uuid),
            "park": self._park,
            "places": lambda device, body: cloud.world.add_places(device, int(body["add"])),
            "count": lambda device, body: cloud.count(device, body.get("n", 0), **body["counts"]),
            "cross": lambda device, body: cloud.cross(device, **{"n": 0, **body}),
            "tell": lambda device, body: cloud.report(device, **body),
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/truth", self.show_truth)
        router.add_post(f"{ADMIN_PATH}/variants", self.set_variants)
        router.add_post(f"{ADMIN_PATH}/tokens", self.end_tokens)
        router.add_post(f"{ADMIN_PATH}/image_faults", self.add_image_fault)
        router.add_delete(f"{ADMIN_PATH}/image_faults", self.clear_image_faults)
        router.add_post(f"{ADMIN_PATH}/devices", self.add_device)
        router.add_post(ADMIN_PATH + "/devices/{uuid}/{deed}", self.act_on_device)
        router.add_get(f"{ADMIN_PATH}/webhooks", self.show_webhooks)
        router.add_post(f"{ADMIN_PATH}/webhooks/forge", self.forge)
        router.add_post(f"{ADMIN_PATH}/webhooks/keepalive", self.keep_alive)
        router.add_post(f"{ADMIN_PATH}/webhooks/replay", self.replay)

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return what there is and what happened, by device, and who signed in how often."""
        cloud = self._cloud
        cloud.settle()
        return json_response(
            {
                "now": cloud.clock.now(),
                "devices": [self._truth(device) for device in cloud.devices],
                "logins": cloud.tokens.logins,
                "refreshes": cloud.tokens.refreshes,
                "strangers": len(cloud.foreign_requests),
            }
        )

    async def set_variants(self, request: web.Request) -> web.Response:
        """Serve other forms from now on."""
        body = await json_object(request)
        if unknown := body.keys() - {spec.name for spec in fields(ApiVariants)}:
            raise refusal(f"There is no form {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(self._cloud.config.variants, name, value)
        return json_response({})

    async def end_tokens(self, request: web.Request) -> web.Response:
        """Expire the access tokens, let the next ones die on their way, or revoke the long-lived."""
        body, tokens = await json_object(request), self._cloud.tokens
        if "expire" in body:
            tokens.expire(refresh_too=body["expire"] == "both")
        tokens.dying += int(body.get("dying", 0))
        if body.get("revoke"):
            tokens.revoke()
        return json_response({})

    async def add_image_fault(self, request: web.Request) -> web.Response:
        """Let something be wrong with pictures from now on."""
        body = await json_object(request)
        if body.get("device") is not None:
            self._device(str(body["device"]))
        try:
            self._cloud.snapshots.image_faults.append(ImageFault(**body))
        except (TypeError, ValueError) as err:
            raise refusal(str(err)) from err
        return json_response({})

    async def clear_image_faults(self, request: web.Request) -> web.Response:
        """Let nothing be wrong any longer."""
        self._cloud.snapshots.image_faults.clear()
        return json_response({})

    async def add_device(self, request: web.Request) -> web.Response:
        """Give the account a new device."""
        body = await json_object(request)
        device = self._cloud.add_device(str(body.get("application", "VPM")), body.get("places"))
        return json_response({"uuid": device.uuid})

    async def act_on_device(self, request: web.Request) -> web.Response:
        """Do something to a device, or in front of it."""
        action, body = request.match_info["deed"], await json_object(request)
        device = self._device(request.match_info["uuid"], removed=action == "restore")
        if action not in self._actions:
            raise web.HTTPNotFound
        try:
            self._actions[action](device, body)
        except (KeyError, IndexError, TypeError, ValueError) as err:
            raise refusal(repr(err)) from err
        await self._cloud.settled()
        return json_response({})

    async def show_webhooks(self, request: web.Request) -> web.Response:
        """Return the webhooks as they are, and every call to them with what became of it."""
        cloud = self._cloud
        return json_response(
            {
                "webhooks": [asdict(webhook) for webhook in cloud.webhooks.all],
                "sent": [_sent(delivery) for delivery in cloud.sender.sent],
            }
        )

    async def forge(self, request: web.Request) -> web.Response:
        """Post a body of anybody's making to every webhook for payloads."""
        body = await json_object(request)
        self._cloud.forge(body.get("body", {}), body.get("proof", "right"))
        return await self._settled()

    async def keep_alive(self, request: web.Request) -> web.Response:
        """Send a keep-alive with any id."""
        body = await json_object(request)
        self._cloud.keep_alive(str(body.get("id", "")), body.get("proof", "right"))
        return await self._settled()

    async def replay(self, request: web.Request) -> web.Response:
        """Send a call a second time; `index` as in the list of what was sent, default the last."""
        body, sent = await json_object(request), self._cloud.sender.sent
        try:
            self._cloud.replay(sent[int(body.get("index", -1))])
        except (IndexError, ValueError) as err:
            raise refusal("There was no such call") from err
        return await self._settled()

    async def _settled(self) -> web.Response:
        await self._cloud.settled()
        return json_response({})

    def _park(self, device: Device, body: Body) -> None:
        """Fill, empty or free a place, or end and begin its monitoring."""
        n = int(body["n"])
        if "cls" in body:
            self._cloud.park(device, n, body["cls"])
        if body.get("free"):
            device.places[n].held = FREE
        if "deactivated" in body:
            self._cloud.deactivate(device, n, deactivated=bool(body["deactivated"]))

    def _device(self, uuid: str, *, removed: bool = False) -> Device:
        known = self._cloud.world.removed if removed else self._cloud.world.devices
        if uuid not in known:
            raise web.HTTPNotFound
        return known[uuid]

    def _truth(self, device: Device) -> dict[str, object]:
        world = self._cloud.world
        return {
            "uuid": device.uuid,
            "name": device.name,
            "client_identifier": device.client_identifier,
            "application": device.application,
            "geo_city": device.geo_city,
            "geo_country": device.geo_country,
            "is_online": device.online,
            "wakes": device.wakes,
            "places": {
                place.name: {"cls": world.standing(place).cls, "deactivated": place.deactivated}
                for place in device.places
            },
            "areas": {area.name: world.counts(area) for area in device.areas},
            "lines": {
                line.name: {f"{way} {cls}": n for (way, cls), n in world.crossed(line).items()}
                for line in device.lines
            },
            "shots": [_snapshot(snapshot) for snapshot in self._cloud.snapshots_of(device)],
        }


def _snapshot(snapshot: Snapshot) -> dict[str, object]:
    return {
        "requested": snapshot.requested,
        "taken": snapshot.taken,
        "there": snapshot.there,
        "expires": snapshot.expires,
        "downloads": [asdict(download) for download in snapshot.downloads],
    }


def _sent(delivery: Delivery) -> dict[str, object]:
    return {
        "webhook": delivery.webhook.id,
        "due": delivery.due,
        "at": delivery.at,
        "query": delivery.query,
        "body": delivery.body,
        "proof": delivery.proof,
        "attempt": delivery.attempt,
        "outcome": delivery.outcome,
    }
