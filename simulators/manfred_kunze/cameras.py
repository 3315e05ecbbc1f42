"""Model cameras, clips, capture rules and recorder requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Literal

from PIL import Image, ImageDraw

from simulators.random_source import between, mix

from . import video
from .object_storage import ObjectStorage
from .state import Device, Organisation, Record, World
from .times import at

CAMERA_STATUS = ("ONLINE", "OFFLINE", "DEGRADED")
_OLD, _LENGTH = 51, 52
_DAY, _HOUR = 86_400, 3600

type Fate = Literal["done", "fail", "hang"]


@dataclass(slots=True, kw_only=True)
class Camera:
    """A camera on a device."""

    id: str
    device: Device
    name: str
    status: str = "ONLINE"
    address: str = ""
    created: int


@dataclass(slots=True, kw_only=True)
class Capture:
    """A clip of [start, end], available from `ready` on. event: the id of the recorded event."""

    id: str
    camera: Camera
    event: str | None
    start: int
    end: int
    ready: int
    rule: str | None = None
    request: str | None = None


@dataclass(slots=True, kw_only=True)
class DvrRequest:
    """A request for [start, end] from a camera's recorder. capture: the id of the clip."""

    id: str
    camera: Camera
    start: int
    end: int
    asked: int
    done: int
    fate: Fate
    capture: str | None = None

    def status(self, now: int, done: str) -> str:
        """Return its status."""
        if self.fate == "hang" or now < self.done:
            return "PENDING" if now < self.asked + 2 else "PROCESSING"
        return "FAILED" if self.fate == "fail" else done


@dataclass(slots=True)
class Album:
    """The cameras, captures and recorder requests of one organisation by id, oldest first."""

    organisation: Organisation
    cameras: dict[str, Camera] = field(default_factory=dict)
    captures: dict[str, Capture] = field(default_factory=dict)
    requests: dict[str, DvrRequest] = field(default_factory=dict)
    recorded: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Register the records with the organisation, so that their ids are known."""
        self.organisation.more += [self.cameras, self.captures, self.requests]


class Albums:
    """The albums of all organisations."""

    def __init__(self, world: World, storage: ObjectStorage) -> None:
        """Add the main organisation's cameras, with clips of the last days."""
        self._world = world
        self._storage = storage
        self.by_id = {one.id: Album(one) for one in world.organisations}
        main = self.by_id[world.main.id]
        devices = list(world.main.devices.values())
        for number in range(world.config.cameras if devices else 0):
            self.add_camera(main, devices[number % len(devices)], f"Camera {number + 1}")
        self._add_old(main)

    def of(self, organisation: Organisation) -> Album:
        """Return the album of an organisation."""
        return self.by_id[organisation.id]

    def add_camera(self, album: Album, device: Device, name: str, address: str = "") -> Camera:
        """Add a camera."""
        number = len(album.cameras)
        camera = Camera(
            id=album.organisation.new_id(),
            device=device,
            name=name,
            address=address or f"rtsp://viewer:Lantern-7@10.20.0.{number + 11}/stream1",
            created=self._world.now,
        )
        album.cameras[camera.id] = camera
        return camera

    def record_clip(
        self, album: Album, camera: Camera, start: int, end: int, **more: str | None
    ) -> Capture:
        """Record a clip of [start, end]; more: its event, rule or request."""
        ready = max(end, self._world.now) + self._world.config.clip_seconds
        return self._keep(album, camera, start, end, ready, **more)

    def ask(self, album: Album, camera: Camera, start: int, end: int) -> DvrRequest:
        """Request [start, end] from a camera's recorder."""
        config, now = self._world.config, self._world.now
        request = DvrRequest(
            id=album.organisation.new_id(),
            camera=camera,
            start=start,
            end=end,
            asked=now,
            done=now + config.clip_seconds,
            fate=config.dvr_fate,
        )
        album.requests[request.id] = request
        return request

    def publish_event(self, organisation: Organisation, event: Record) -> None:
        """Record a clip of an event for each rule that it matches."""
        album, moment = self.of(organisation), event["timestamp"]
        assert isinstance(moment, datetime)
        now = int(moment.timestamp())
        for rule in organisation.table("media-capture-rules").values():
            camera = album.cameras.get(str(rule.get("cameraId")))
            times = album.recorded.setdefault(str(rule["id"]), [])
            if camera is None or not rule["enabled"] or not _matches(rule, event):
                continue
            rested = not times or now - times[-1] >= _int(rule["cooldownSeconds"])
            lately = sum(now - time < _HOUR for time in times)
            if camera.status != "OFFLINE" and rested and lately < _int(rule["maxPerHour"]):
                times.append(now)
                start, end = now - _int(rule["preRollSeconds"]), now + _int(rule["postRollSeconds"])
                names = {"event": str(event["id"]), "rule": str(rule["id"])}
                self.record_clip(album, camera, start, end, **names)

    def settle(self) -> None:
        """Complete the recorder requests that are due."""
        now = self._world.now
        for album in self.by_id.values():
            for request in album.requests.values():
                if request.fate == "done" and request.capture is None and now >= request.done:
                    ends = (request.start, request.end, request.done)
                    capture = self._keep(album, request.camera, *ends, request=request.id)
                    request.capture = capture.id

    def _keep(
        self, album: Album, camera: Camera, start: int, end: int, ready: int, **more: str | None
    ) -> Capture:
        capture = Capture(
            id=album.organisation.new_id(), camera=camera, event=more.get("event"), start=start,
            end=end, ready=ready, rule=more.get("rule"), request=more.get("request"),
        )  # fmt: skip
        album.captures[capture.id] = capture
        self._storage.put(clip_path(capture), lambda: video.clip(capture.id.encode()), "video/mp4")
        self._storage.put(thumbnail_path(capture), lambda: thumbnail(capture), "image/jpeg")
        return capture

    def _add_old(self, album: Album) -> None:
        cameras, now = list(album.cameras.values()), self._world.now
        count = self._world.config.old_captures if cameras else 0
        for number in range(count, 0, -1):
            ago = number * _DAY // 2 + round(
                between(0, _HOUR, self._world.config.seed, number, _OLD)
            )
            start = now - ago
            length = 6 + mix(self._world.config.seed, number, _LENGTH) % 20
            camera = cameras[number % len(cameras)]
            self._keep(album, camera, start, start + length, start + length + 10)


def clip_path(capture: Capture) -> str:
    """Return the storage path of a clip."""
    return f"/mk-media/captures/{capture.id}.mp4"


def thumbnail_path(capture: Capture) -> str:
    """Return the storage path of a clip's picture."""
    return f"/mk-media/captures/{capture.id}.jpg"


def thumbnail(capture: Capture) -> bytes:
    """Return a JPEG with the camera's name and the time that the clip begins."""
    picture = Image.new("RGB", (160, 120), (24, 44, 60))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 30, 120, 110), outline=(220, 230, 235), width=3)
    draw.text((4, 2), capture.camera.name[:24], fill=(250, 250, 250))
    draw.text((4, 14), f"{at(capture.start):%Y-%m-%d %H:%M:%S}", fill=(230, 180, 60))
    into = BytesIO()
    picture.save(into, "JPEG", quality=70)
    return into.getvalue()


def _matches(rule: Mapping[str, object], event: Record) -> bool:
    for key in ("source", "severity", "deviceId", "sensorId"):
        wanted = rule.get(key)
        chosen = wanted if isinstance(wanted, list) else [wanted] if wanted else []
        if chosen and event.get(key) not in chosen:
            return False
    return True


def _int(value: object) -> int:
    return int(str(value or 0))
