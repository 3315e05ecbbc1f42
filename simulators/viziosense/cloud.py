"""The simulated VizioSense cloud: API, pictures and handles for tests."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from simulators.clock import Clock
from simulators.reply import Reply
from simulators.server import Call, VendorCloud

from .api import PREFIX, Api
from .control import VizioSenseDoor
from .errors import UNKNOWN, ApiError, ErrorList, documented, error_reply
from .plan import Plan
from .shots import Shot, Shots
from .spoiled import Trouble
from .tokens import Tokens
from .world import Device, World, build_world


class VizioSenseCloud(VendorCloud):
    """A simulated VizioSense cloud with one account: a long-lived token, and a login."""

    name = "viziosense"

    def __init__(self, plan: Plan | None = None, clock: Clock | None = None) -> None:
        """Build the world of `plan`."""
        super().__init__(clock)
        self.plan = plan or Plan()
        self.world: World = build_world(self.plan, self.clock)
        self.tokens = Tokens(self.plan)
        self.shots = Shots(self.world)
        self._hosts: dict[str, str] = {}
        self._api = Api(self.world, self.clock, self.tokens, self.shots, self._hosts)

    @property
    def url(self) -> str:
        """The API's base URL, without a slash at its end. Pictures lie beside it."""
        return self._origin + PREFIX

    @property
    def credentials(self) -> dict[str, str]:
        """What a client needs for either way of signing in."""
        plan = self.plan
        return {"token": plan.token, "username": plan.username, "password": plan.password}

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

    def shots_of(self, device: Device) -> list[Shot]:
        """Return a device's pictures, oldest request first; live objects."""
        return [shot for shot in self.shots.all if shot.device is device]

    def picture(self, shot: Shot, view: str) -> bytes:
        """Return the bytes of a picture, `view` raw or annotated, as a client should get them."""
        return self.shots.picture(shot, view)

    def trouble(self, kind: str, device: Device | None = None, **more: object) -> Trouble:
        """Let something be wrong with pictures from now on, see spoiled.py."""
        found = Trouble(kind, None if device is None else device.uuid, **more)  # type: ignore[arg-type]  # checked there
        self.shots.troubles.append(found)
        return found

    def settle(self) -> None:
        """Take the pictures that are due."""
        self.shots.settle(self.clock.now())

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on `port` (0: a free one), and on another one for pictures."""
        await super().start(port, host)
        assert self._runner is not None
        await web.TCPSite(self._runner, host, 0).start()
        self._hosts["api"] = self._origin
        self._hosts["storage"] = "http://{}:{}".format(*self._runner.addresses[1][:2])

    def add_control(self, router: web.UrlDispatcher) -> None:
        """Add devices, pictures and the truth to the control door."""
        VizioSenseDoor(self).add_to(router)

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return how the request is signed in: "token", "login" or "unknown"."""
        return self.tokens.holder(headers)

    def refused(self, status: int) -> Reply:
        """Return the vendor's error reply for a request that a fault kept from it."""
        return error_reply(status, documented(status), self.plan.forms)

    def answer(self, call: Call) -> Reply:
        """Answer a call of the API, or for a picture."""
        try:
            if call.path.startswith(("/pictures/", f"{PREFIX}/images/")):
                return self._picture(call)
            return self._api.answer(call)
        except ApiError as err:
            return err.reply(self.plan.forms)
        except ErrorList as err:
            return err.reply()

    def _picture(self, call: Call) -> Reply:
        now, name = self.clock.now(), urlsplit(call.path).path.rpartition("/")[2]
        found = self.shots.find(name)
        if found is None:
            raise ApiError(UNKNOWN)
        if call.path.startswith(PREFIX):
            self.tokens.check(call.headers, "request_image", now)
        elif not self.shots.signed(
            name, call.query.get("expires", ""), call.query.get("signature", "")
        ):
            return error_reply(403, documented(403), self.plan.forms)
        return self.shots.deliver(*found, now)
