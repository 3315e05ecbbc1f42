"""The simulated VizioSense cloud: API, pictures and handles for tests."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from simulators.clock import Clock
from simulators.response import JsonObject, Response
from simulators.server import Call, VendorCloud

from .api import PREFIX, Api
from .config import CloudConfig
from .delivery import Body, Delivery, Proof, WebhookSender
from .errors import UNKNOWN, ApiError, ErrorListError, documented, error_response
from .faulty_images import ImageFault, ImageFaultKind, foreign_picture
from .payloads import message
from .scheduler import Scheduler
from .snapshots import Snapshot, Snapshots
from .state import Device, World, build_world
from .tokens import Tokens
from .webhooks import Webhooks


class VizioSenseCloud(VendorCloud):
    """A simulated VizioSense cloud with one account: a long-lived token, and a login."""

    name = "viziosense"

    def __init__(self, config: CloudConfig | None = None, clock: Clock | None = None) -> None:
        """Build the world of `config`."""
        super().__init__(clock)
        self.config = config or CloudConfig()
        self.world: World = build_world(self.config, self.clock)
        self.tokens = Tokens(self.config)
        self._hosts: dict[str, str] = {}
        self.snapshots = Snapshots(self.world, self._hosts)
        self.foreign_requests: list[dict[str, str]] = []
        self._foreign_port = 0
        self.webhooks = Webhooks(self.config.variants)
        self.sender = WebhookSender(self.config, self.webhooks)
        self.scheduler = Scheduler(self.world, self.sender)
        self._api = Api(
            self.world, self.clock, self.tokens, self.snapshots, self.webhooks, self._hosts
        )
        self.settle()

    @property
    def url(self) -> str:
        """The API's base URL, without a slash at its end. Pictures lie beside it."""
        return self._origin + PREFIX

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials of both ways to sign in."""
        config = self.config
        return {"token": config.token, "username": config.username, "password": config.password}

    @property
    def devices(self) -> list[Device]:
        """The account's devices; live objects."""
        return [device for device in self.world.devices.values() if device.owned]

    def add_device(self, application: str = "VPM", places: int | None = None) -> Device:
        """Give the account a new device."""
        return self.world.add(application, places=places)

    def remove_device(self, uuid: str) -> Device:
        """Take a device off the account; KeyError if there is none."""
        device = self.world.devices.pop(uuid)
        self.world.removed[uuid] = device
        return device

    def restore_device(self, uuid: str) -> Device:
        """Put a removed device back."""
        device = self.world.removed.pop(uuid)
        self.world.devices[uuid] = device
        return device

    def snapshots_of(self, device: Device) -> list[Snapshot]:
        """Return a device's pictures, oldest request first; live objects."""
        return [snapshot for snapshot in self.snapshots.all if snapshot.device is device]

    def picture(self, snapshot: Snapshot, view: str) -> bytes:
        """Return the bytes of a picture, `view` raw or annotated, as a client should get them."""
        return self.snapshots.picture(snapshot, view)

    def image_fault(
        self,
        kind: ImageFaultKind,
        device: Device | None = None,
        *,
        seconds: float = 90.0,
        value: object = None,
        times: int | None = None,
        view: str | None = None,
    ) -> ImageFault:
        """Let something be wrong with pictures from now on, see `Trouble`."""
        uuid = None if device is None else device.uuid
        found = ImageFault(kind, uuid, seconds, value, times, view)
        self.snapshots.image_faults.append(found)
        return found

    def park(self, device: Device, n: int, cls: str | None) -> None:
        """Let somebody of this class stand in the n-th place for good, or with None nobody."""
        self.settle()
        place = device.places[n]
        place.held, place.held_since = cls, int(self.world.seconds())
        self._recheck(device)

    def deactivate(self, device: Device, n: int, *, deactivated: bool = True) -> None:
        """Stop monitoring the n-th place, or begin again."""
        device.places[n].deactivated = deactivated
        self._recheck(device)

    def count(self, device: Device, n: int, **counts: int) -> None:
        """Let so many of each class be in the n-th area for good; nothing: as it comes."""
        device.areas[n].held = counts
        self._recheck(device)

    def cross(
        self, device: Device, n: int, direction: str = "in", cls: str = "car", times: int = 1
    ) -> None:
        """Let somebody cross the n-th line, "in" or "out"."""
        extra = device.lines[n].extra
        extra[direction, cls] = extra.get((direction, cls), 0) + times
        self._recheck(device)

    def report(self, device: Device, ago: float = 0.0, proof: Proof = "right") -> None:
        """Let a device say how it was `ago` seconds before now (less than 0: the future)."""
        self.scheduler.report(device, self.clock.now(), ago, proof)
        self.settle()

    def message(
        self, device: Device, payload: object, kind: str | None = None, ago: float = 0.0
    ) -> JsonObject:
        """Return a message of a device with any payload and type, for `forge`."""
        moment = self.world.seconds() - ago
        return message(
            device, kind or device.applications[0], payload, moment, self.config.variants
        )

    def forge(self, body: Body, proof: Proof = "right") -> None:
        """Send a body of anybody's making to all webhooks for payloads."""
        self.sender.payload(body, None, self.clock.now(), proof)
        self.settle()

    def keep_alive(self, name: str, proof: Proof = "right") -> None:
        """Send a keep-alive with any id to all webhooks for keep-alives."""
        self.sender.keepalive(name, None, self.clock.now(), proof)
        self.settle()

    def replay(self, delivery: Delivery | None = None) -> Delivery:
        """Send a call (default: the last one) again, as it was."""
        again = self.sender.replay(delivery or self.sender.sent[-1], self.clock.now())
        self.settle()
        return again

    def settle(self) -> None:
        """Take pictures, let devices speak and call webhooks, as far as the clock says."""
        now = self.clock.now()
        self.snapshots.settle(now)
        self.scheduler.settle(now)
        self.sender.settle(now)

    async def settled(self) -> None:
        """Settle, and wait until what was sent has arrived."""
        self.settle()
        await self.sender.drain()

    def _recheck(self, device: Device) -> None:
        self.scheduler.recheck(device)
        self.settle()

    async def stop(self) -> None:
        """Stop listening and sending."""
        await super().stop()
        await self.sender.stop()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on `port` (0: a free one), on another for pictures, and as somebody else's host."""
        await self.sender.start()
        await super().start(port, host)
        assert self._runner is not None
        await web.TCPSite(self._runner, host, 0).start()
        await web.TCPSite(self._runner, host, 0).start()
        _, storage, elsewhere = (address[:2] for address in self._runner.addresses)
        self._hosts["api"] = self._origin
        self._hosts["storage"] = f"http://{storage[0]}:{storage[1]}"
        self._hosts["elsewhere"] = f"http://localhost:{elsewhere[1]}"
        self._foreign_port = int(elsewhere[1])

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return how the request is signed in: "token", "login" or "unknown"."""
        return self.tokens.holder(headers)

    def refused(self, status: int) -> Response:
        """Return the vendor's error response to a request that a fault rejects."""
        return error_response(status, documented(status), self.config.variants)

    def answer(self, call: Call) -> Response:
        """Answer a call of the API, or for a picture."""
        if urlsplit(f"//{call.headers.get('Host')}").port == self._foreign_port:
            self.foreign_requests.append(dict(call.headers))
            return foreign_picture()
        try:
            if call.path.startswith(("/pictures/", f"{PREFIX}/images/")):
                return self._picture(call)
            return self._api.answer(call)
        except (ApiError, ErrorListError) as err:
            return err.response(self.config.variants)

    def _picture(self, call: Call) -> Response:
        now, name = self.clock.now(), urlsplit(call.path).path.rpartition("/")[2]
        found = self.snapshots.find(name)
        if found is None:
            raise ApiError(UNKNOWN)
        if call.path.startswith(PREFIX):
            self.tokens.check(call.headers, "request_image", now)
        elif not self.snapshots.signed(
            name, call.query.get("expires", ""), call.query.get("signature", ""), call.target
        ):
            return error_response(403, documented(403), self.config.variants)
        return self.snapshots.deliver(*found, now, redirected="redirected" in call.query)
