"""The control door's VizioSense part: devices, pictures, webhooks and the truth over HTTP."""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.admin_api import CONTROL, json_object, json_reply, refusal

from .config import Forms
from .delivery import Delivery
from .faulty_images import Trouble
from .snapshots import Shot
from .state import FREE, Device

if TYPE_CHECKING:
    from .cloud import VizioSenseCloud

type Body = dict[str, Any]


class VizioSenseDoor:
    """What a VizioSense cloud can be told over HTTP; README.md has the routes and their bodies."""

    def __init__(self, cloud: VizioSenseCloud) -> None:
        """Make the door of one cloud."""
        self._cloud = cloud
        self._deeds: dict[str, Callable[[Device, Body], object]] = {
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
            "tell": lambda device, body: cloud.tell(device, **body),
        }

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{CONTROL}/truth", self.show_truth)
        router.add_post(f"{CONTROL}/forms", self.set_forms)
        router.add_post(f"{CONTROL}/tokens", self.end_tokens)
        router.add_post(f"{CONTROL}/troubles", self.add_trouble)
        router.add_delete(f"{CONTROL}/troubles", self.clear_troubles)
        router.add_post(f"{CONTROL}/devices", self.add_device)
        router.add_post(CONTROL + "/devices/{uuid}/{deed}", self.do_to_device)
        router.add_get(f"{CONTROL}/webhooks", self.show_webhooks)
        router.add_post(f"{CONTROL}/webhooks/forge", self.forge)
        router.add_post(f"{CONTROL}/webhooks/keepalive", self.keep_alive)
        router.add_post(f"{CONTROL}/webhooks/replay", self.replay)

    async def show_truth(self, request: web.Request) -> web.Response:
        """Return what there is and what happened, by device, and who signed in how often."""
        cloud = self._cloud
        cloud.settle()
        return json_reply(
            {
                "now": cloud.clock.now(),
                "devices": [self._truth(device) for device in cloud.devices],
                "logins": cloud.tokens.logins,
                "refreshes": cloud.tokens.refreshes,
                "strangers": len(cloud.strangers),
            }
        )

    async def set_forms(self, request: web.Request) -> web.Response:
        """Serve other forms from now on."""
        body = await json_object(request)
        if unknown := body.keys() - {spec.name for spec in fields(Forms)}:
            raise refusal(f"There is no form {', '.join(sorted(unknown))}")
        for name, value in body.items():
            setattr(self._cloud.plan.forms, name, value)
        return json_reply({})

    async def end_tokens(self, request: web.Request) -> web.Response:
        """Expire the access tokens, let the next ones die on their way, or revoke the long-lived."""
        body, tokens = await json_object(request), self._cloud.tokens
        if "expire" in body:
            tokens.expire(refresh_too=body["expire"] == "both")
        tokens.dying += int(body.get("dying", 0))
        if body.get("revoke"):
            tokens.revoke()
        return json_reply({})

    async def add_trouble(self, request: web.Request) -> web.Response:
        """Let something be wrong with pictures from now on."""
        body = await json_object(request)
        if body.get("device") is not None:
            self._device(str(body["device"]))
        try:
            self._cloud.shots.troubles.append(Trouble(**body))
        except (TypeError, ValueError) as err:
            raise refusal(str(err)) from err
        return json_reply({})

    async def clear_troubles(self, request: web.Request) -> web.Response:
        """Let nothing be wrong any longer."""
        self._cloud.shots.troubles.clear()
        return json_reply({})

    async def add_device(self, request: web.Request) -> web.Response:
        """Give the account a new device."""
        body = await json_object(request)
        device = self._cloud.add_device(str(body.get("application", "VPM")), body.get("places"))
        return json_reply({"uuid": device.uuid})

    async def do_to_device(self, request: web.Request) -> web.Response:
        """Do something to a device, or in front of it."""
        deed, body = request.match_info["deed"], await json_object(request)
        device = self._device(request.match_info["uuid"], removed=deed == "restore")
        if deed not in self._deeds:
            raise web.HTTPNotFound
        try:
            self._deeds[deed](device, body)
        except (KeyError, IndexError, TypeError, ValueError) as err:
            raise refusal(repr(err)) from err
        await self._cloud.settled()
        return json_reply({})

    async def show_webhooks(self, request: web.Request) -> web.Response:
        """Return the webhooks as they are, and every call to them with what became of it."""
        cloud = self._cloud
        return json_reply(
            {
                "webhooks": [asdict(webhook) for webhook in cloud.webhooks.all],
                "sent": [_sent(delivery) for delivery in cloud.posting.sent],
            }
        )

    async def forge(self, request: web.Request) -> web.Response:
        """Post a body of anybody's making to every webhook for payloads."""
        body = await json_object(request)
        self._cloud.forge(body.get("body", {}), body.get("proof", "right"))
        return await self._told()

    async def keep_alive(self, request: web.Request) -> web.Response:
        """Send a keep-alive with any id."""
        body = await json_object(request)
        self._cloud.keep_alive(str(body.get("id", "")), body.get("proof", "right"))
        return await self._told()

    async def replay(self, request: web.Request) -> web.Response:
        """Send a call a second time; `index` as in the list of what was sent, default the last."""
        body, sent = await json_object(request), self._cloud.posting.sent
        try:
            self._cloud.replay(sent[int(body.get("index", -1))])
        except (IndexError, ValueError) as err:
            raise refusal("There was no such call") from err
        return await self._told()

    async def _told(self) -> web.Response:
        await self._cloud.settled()
        return json_reply({})

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
            "shots": [_shot(shot) for shot in self._cloud.shots_of(device)],
        }


def _shot(shot: Shot) -> dict[str, object]:
    return {
        "requested": shot.requested,
        "taken": shot.taken,
        "there": shot.there,
        "expires": shot.expires,
        "downloads": [asdict(download) for download in shot.downloads],
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
