"""Simulate the Manfred Kunze IoT platform, with handles for tests."""

from collections.abc import Mapping

from aiohttp import web

from simulators.clock import Clock
from simulators.response import Response
from simulators.server import Call, VendorCloud

from .alert_engine import AlertEngine
from .alert_routes import AlertRoutes
from .alerts import Alert, AlertStore, Rule
from .analytics_routes import AnalyticsRoutes
from .api_keys import ApiKeys
from .camera_routes import CameraRoutes
from .cameras import Album, Albums, Camera, Capture, clip_path, thumbnail_path
from .capture_routes import CaptureRoutes
from .command_routes import CommandRoutes
from .commands import Command, CommandEngine
from .config import CloudConfig
from .errors import ApiError, refusal
from .export_routes import ExportRoutes
from .exports import Export, ExportJobs
from .fixtures import add_device, build_world, equip, reject
from .live import LiveSession, LiveSessions
from .object_storage import PREFIX as STORED
from .object_storage import ObjectStorage
from .readings_routes import ReadingsRoutes
from .responder import Responder
from .router import Router
from .rule_routes import RuleRoutes
from .state import Component, Device, Organisation, Record, Sensor, Value, World
from .topology_routes import TopologyRoutes, remove_device


class ManfredKunzeCloud(VendorCloud):
    """A simulated deployment with two organisations and a key for each."""

    name = "manfred_kunze"

    def __init__(self, config: CloudConfig | None = None, clock: Clock | None = None) -> None:
        """Build the world of `plan`."""
        super().__init__(clock)
        self.config = config or CloudConfig()
        self.world: World = build_world(self.config, self.clock)
        self.keys = ApiKeys(self.config, self.world.main, self.world.other)
        self.responder = Responder(self.world)
        self.alert_engine = AlertEngine(self.world, self.responder.serializer)
        self.storage = ObjectStorage(self.world)
        self.live = LiveSessions(self.world, self.storage)
        self.albums = Albums(self.world, self.storage)
        self.alert_engine.listeners.append(self.albums.publish_event)
        self._tie_captures()
        self.command_engine = CommandEngine(self.world)
        self.export_jobs = ExportJobs(self.world, self.storage)
        self._commands = CommandRoutes(
            self.responder, self.command_engine, self.storage, lambda: self._origin
        )
        tables = (
            TopologyRoutes(self.responder).table,
            ReadingsRoutes(self.responder).table,
            RuleRoutes(self.responder, self.alert_engine).table,
            AlertRoutes(self.responder, self.alert_engine).table,
            CameraRoutes(self.responder, self.albums, self.live).table,
            CaptureRoutes(self.responder, self.albums, self.storage).table,
            self._commands.table,
            ExportRoutes(self.responder, self.export_jobs, self.storage).table,
            AnalyticsRoutes(self.responder).table,
        )
        self._router = Router(self.responder, self.keys, tables, self._commands)

    @property
    def url(self) -> str:
        """Return the deployment's address; the API is at /api/v1 below it."""
        return self._origin

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials of the main key."""
        return {"api_key": self.keys.by_name["main"].secret}

    @property
    def main(self) -> Organisation:
        """Return the organisation of the main key."""
        return self.world.main

    @property
    def devices(self) -> list[Device]:
        """Return the main organisation's devices, oldest first; live objects."""
        return list(self.main.devices.values())

    @property
    def components(self) -> list[Component]:
        """Return the main organisation's components, oldest first."""
        return list(self.main.components.values())

    @property
    def sensors(self) -> list[Sensor]:
        """Return the main organisation's sensors, oldest first; live objects."""
        return list(self.main.sensors.values())

    def sensor(self, name: str, device: int = 0) -> Sensor:
        """Return the first sensor of that name on the n-th device."""
        owner = self.devices[device]
        return next(one for one in self.sensors if one.device is owner and one.name == name)

    def add_device(self, name: str | None = None, status: str = "ACTIVE") -> Device:
        """Add a device to the main organisation; a PENDING one has no sensors yet."""
        return add_device(self.world, self.main, name=name, status=status)

    def remove_device(self, device: Device) -> None:
        """Remove a device with its components and sensors."""
        remove_device(self.main, device)

    def become(self, device: Device, status: str) -> None:
        """Set a device's status; a PENDING one that becomes ACTIVE gets its sensors."""
        self.settle()
        if device.status == "PENDING" and status == "ACTIVE":
            device.firmware = "1.4.2"
            device.restarted = self.world.now
            equip(self.world, self.main, device)
        device.become(status, self.world.now)
        self.settle()

    def hold(self, sensor: Sensor, value: Value) -> None:
        """Fix a sensor's value from now on, and report it at once."""
        self.settle()
        sensor.hold(value, self.world.now)
        sensor.report(value, self.world.now, self.world.now)
        self.settle()

    def release(self, sensor: Sensor) -> None:
        """Release a sensor's fixed value."""
        self.settle()
        sensor.release(self.world.now)
        sensor.report(sensor.natural(self.world.now), self.world.now, self.world.now)
        self.settle()

    def report(self, sensor: Sensor, value: Value, ago: float = 0) -> None:
        """Report a value once, measured so many seconds ago (less than 0: in the future)."""
        self.settle()
        sensor.report(value, self.world.now - round(ago), self.world.now)
        self.settle()

    @property
    def alert_store(self) -> AlertStore:
        """Return the main organisation's rules, alerts, channels and events, each by id; live objects."""
        return self.alert_engine.store(self.main)

    @property
    def rules(self) -> list[Rule]:
        """Return the main organisation's rules, oldest first."""
        return list(self.alert_store.rules.values())

    @property
    def alerts(self) -> list[Alert]:
        """Return the main organisation's alerts, oldest first."""
        return list(self.alert_store.alerts.values())

    def fire(self, rule: Rule, value: Value = 99.0) -> Alert:
        """Raise an alert by a rule regardless of readings."""
        self.settle()
        alert = self.alert_engine.fire(self.alert_store, rule, value, self.world.now)
        self.settle()
        return alert

    def acknowledge(self, alert: Alert) -> None:
        """Acknowledge an alert as another user."""
        self.alert_engine.acknowledge(self.alert_store, alert)
        self.settle()

    def resolve(self, alert: Alert) -> None:
        """Resolve an alert as another user."""
        self.alert_engine.resolve(self.alert_store, alert)
        self.settle()

    @property
    def cameras(self) -> list[Camera]:
        """Return the main organisation's cameras, oldest first; live objects."""
        return list(self.album.cameras.values())

    @property
    def album(self) -> Album:
        """Return the main organisation's cameras, captures and requests to recorders, each by id."""
        return self.albums.of(self.main)

    @property
    def sessions(self) -> list[LiveSession]:
        """Return the main organisation's live sessions, oldest first; live objects."""
        return list(self.live.of(self.main).values())

    def record_clip(self, camera: Camera, seconds: int = 10, ago: float = 0) -> Capture:
        """Record a clip of an event that lasted `seconds` and ended `ago` seconds before now."""
        end = self.world.now - round(ago)
        event = self.alert_store.note(_motion(camera), end)
        capture = self.albums.record_clip(
            self.album, camera, end - seconds, end, event=str(event["id"])
        )
        self.settle()
        return capture

    def lose(self, capture: Capture) -> None:
        """Delete the bytes of a clip and its picture; their links respond with 404."""
        for path in (clip_path(capture), thumbnail_path(capture)):
            self.storage.objects.pop(path, None)

    @property
    def commands(self) -> list[Command]:
        """Return the main organisation's commands, oldest first; live objects."""
        return list(self.command_engine.of(self.main).commands.values())

    @property
    def exports(self) -> list[Export]:
        """Return the main organisation's exports, oldest first; live objects."""
        return list(self.export_jobs.of(self.main).values())

    def reject(self, reason: str = "OUT_OF_RANGE") -> None:
        """Put a payload of the first device into quarantine."""
        reject(self.world, reason, self.world.now)

    def settle(self) -> None:
        """Process what is due: alerts, webhooks, clips, commands and exports."""
        self.alert_engine.settle()
        self.albums.settle()
        self.command_engine.settle()
        self.export_jobs.settle()

    async def settled(self) -> None:
        """Process what is due, and wait until the deliveries have an outcome."""
        self.settle()
        await self.alert_engine.sender.drain()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen on `port` (0: a free one), and on another for the object storage."""
        await self.alert_engine.sender.start()
        await super().start(port, host)
        assert self._runner is not None
        await web.TCPSite(self._runner, host, 0).start()
        stored = self._runner.addresses[1]
        self.storage.hosts["api"] = self._origin
        self.storage.hosts["storage"] = f"http://{stored[0]}:{stored[1]}"

    async def stop(self) -> None:
        """Stop listening and sending."""
        await super().stop()
        await self.alert_engine.sender.stop()

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return the name of the key that a request came with."""
        return self.keys.name_of(headers)

    def answer(self, call: Call) -> Response:
        """Respond to a request for the API or the object storage."""
        if not self._is_stored(call):
            return self._router.answer(call, self._origin)
        is_live = call.path.startswith(f"{STORED}/live/")
        return self.live.answer(call) if is_live else self.storage.answer(call)

    def refused(self, status: int) -> Response:
        """Return the vendor's error response to a request that a fault rejects."""
        return refusal(ApiError(status), self.config.variants, "", self.clock.now())

    def _is_stored(self, call: Call) -> bool:
        """Return whether a request is for the object storage, by port or by path."""
        here = f"http://{call.headers.get('Host')}" == self.storage.hosts.get("storage")
        return here or (
            self.config.variants.link_host == "api" and call.path.startswith(f"{STORED}/")
        )

    def _tie_captures(self) -> None:
        """Add the event of each clip of the last days."""
        for capture in self.album.captures.values():
            event = self.alert_store.note(_motion(capture.camera), capture.start)
            capture.event = str(event["id"])


def _motion(camera: Camera) -> Record:
    return {
        "type": "MOTION",
        "source": "CAMERA",
        "title": f"{camera.name} saw something move",
        "deviceId": camera.device.id,
    }
