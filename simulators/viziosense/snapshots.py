"""Pictures on request: each takes its time, its links die, and every download is counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import hashlib
import re

from simulators.clock import to_micros
from simulators.faults import http_date
from simulators.random_source import mix
from simulators.response import Response
from simulators.signing import is_sealed, sealed

from .config import CloudConfig
from .errors import ErrorDefinition, error_response
from .faulty_images import ImageFault
from .pictures import DetectedObject, Scene, draw
from .state import Device, World

VIEWS = ("raw", "annotated")
_NAME = re.compile(r"(?P<uuid>[0-9a-f-]{36})_(?P<number>\d+)_(?P<view>raw|annotated)_image\.\w+$")
_SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_DENIED = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>'


@dataclass(slots=True)
class Download:
    """One answered request for a picture. `size`: of what was sent, 0 if it was no picture."""

    at: datetime
    view: str
    status: int
    size: int


@dataclass(slots=True)
class Snapshot:
    """One request for a picture: when it was made and taken, and when its links die.

    there: from when each view can be had, None: never.
    """

    number: int
    device: Device
    requested: datetime
    taken: datetime
    there: dict[str, datetime | None]
    expires: datetime
    scene: Scene | None = None
    pictures: dict[str, bytes] = field(default_factory=dict)
    downloads: list[Download] = field(default_factory=list)

    @property
    def ready(self) -> datetime | None:
        """Return when all views are available; None if one never is."""
        times = [moment for moment in self.there.values() if moment is not None]
        return max(times) if len(times) == len(self.there) else None


@dataclass(slots=True)
class Snapshots:
    """All pictures that were asked for, oldest first. `hosts`: origins by name: api, storage, elsewhere."""

    world: World
    hosts: Mapping[str, str]
    all: list[Snapshot] = field(default_factory=list)
    image_faults: list[ImageFault] = field(default_factory=list)

    @property
    def config(self) -> CloudConfig:
        """Return the configuration."""
        return self.world.config

    def request(self, device: Device, now: datetime) -> Snapshot:
        """Wake a device up. One that is offline never delivers."""
        config = self.config
        device.wakes += 1
        delays = {view: self._delay(device, view) for view in VIEWS}
        there = {
            view: None if delay is None else now + timedelta(seconds=delay)
            for view, delay in delays.items()
        }
        soonest = min((delay for delay in delays.values() if delay is not None), default=0.0)
        snapshot = Snapshot(
            number=len(self.all) + 1,
            device=device,
            requested=now,
            taken=now + timedelta(seconds=min(soonest, config.taken_after)),
            there=there,
            expires=now + timedelta(seconds=config.link_seconds),
        )
        self.all.append(snapshot)
        return snapshot

    def settle(self, now: datetime) -> None:
        """Take the pictures whose moment has come."""
        for snapshot in self.all:
            if snapshot.scene is None and any(snapshot.there.values()) and snapshot.taken <= now:
                snapshot.scene = self.scene(snapshot)

    def scene(self, snapshot: Snapshot) -> Scene:
        """Return what the camera sees at the moment of a shot."""
        device, at = snapshot.device, to_micros(snapshot.taken) / 1_000_000
        seen = [
            DetectedObject(there.cls, mix(place.seed, there.since), spot)
            for spot, place in enumerate(device.places)
            if (there := self.world.standing(place, at)).cls is not None
        ]
        for area in device.areas:
            for cls, count in self.world.counts(area, at).items():
                seen += [
                    DetectedObject(cls, mix(area.seed, n, snapshot.number)) for n in range(count)
                ]
        if device.lines:
            seen += [DetectedObject("car", mix(device.seed, n, snapshot.number)) for n in range(3)]
        return Scene(
            title=device.name,
            time=snapshot.taken.strftime("%Y-%m-%d %H:%M:%S UTC"),
            spots=tuple(place.name for place in device.places),
            lines=tuple(line.name for line in device.lines),
            seen=tuple(seen),
        )

    def path(self, snapshot: Snapshot, view: str) -> str:
        """Return the path of a picture's link, signed if the form wants that."""
        variants = self.config.variants
        name = f"{snapshot.device.uuid}_{snapshot.number}_{view}_image.{_SUFFIX[variants.picture_format]}"
        if variants.link == "bearer":
            return f"/api/v1/images/{name}"
        expires = int(snapshot.expires.timestamp())
        link = f"/pictures/{name}?expires={expires}&signature={self._signature(name, expires)}"
        return sealed(str(self.config.seed), link) if variants.signing == "exact" else link

    def find(self, name: str) -> tuple[Snapshot, str] | None:
        """Return the shot and view that a file name stands for."""
        found = _NAME.fullmatch(name)
        if found is None or not 0 < int(found["number"]) <= len(self.all):
            return None
        snapshot = self.all[int(found["number"]) - 1]
        return (snapshot, found["view"]) if snapshot.device.uuid == found["uuid"] else None

    def signed(self, name: str, expires: str, signature: str, target: str) -> bool:
        """Return whether a link's signature is the one that was given out."""
        if self.config.variants.signing == "exact" and not is_sealed(str(self.config.seed), target):
            return False
        return expires.isdecimal() and signature == self._signature(name, int(expires))

    def deliver(
        self, snapshot: Snapshot, view: str, now: datetime, *, redirected: bool = False
    ) -> Response:
        """Answer a request for a picture. redirected: the client was sent here by a redirect."""
        response = self._answer(snapshot, view, now, redirected=redirected)
        size = len(response.body or b"") if response.status == 200 else 0
        snapshot.downloads.append(Download(now, view, response.status, size))
        return response

    def picture(self, snapshot: Snapshot, view: str) -> bytes:
        """Return the bytes of a picture that was taken, always the same ones."""
        if view not in snapshot.pictures:
            snapshot.scene = snapshot.scene or self.scene(snapshot)
            kind = self.config.variants.picture_format
            snapshot.pictures[view] = draw(snapshot.scene, annotated=view == "annotated", kind=kind)
        return snapshot.pictures[view]

    def _answer(
        self, snapshot: Snapshot, view: str, now: datetime, *, redirected: bool
    ) -> Response:
        image_faults, there = self.faults_of(snapshot.device, view), snapshot.there[view]
        if now >= snapshot.expires or any(
            image_fault.kind == "expired" for image_fault in image_faults
        ):
            return self._dead()
        if there is None or now < there:
            before = self._before(snapshot) if self.config.variants.unready == "previous" else None
            return self._early() if before is None else self._shown(before, view)
        response = self._shown(snapshot, view)
        if redirected:
            return response
        path, elsewhere = self.path(snapshot, view), self.hosts["elsewhere"]
        spoiled = (image_fault.response(response, path, elsewhere) for image_fault in image_faults)
        return next((other for other in spoiled if other is not None), response)

    def _shown(self, snapshot: Snapshot, view: str) -> Response:
        variants = self.config.variants
        right = variants.picture_type == "right"
        headers = {
            "Content-Type": _TYPES[variants.picture_format] if right else "application/octet-stream"
        }
        if variants.last_modified:
            headers["Last-Modified"] = http_date(snapshot.taken)
        return Response(200, headers=headers, body=self.picture(snapshot, view))

    def _before(self, snapshot: Snapshot) -> Snapshot | None:
        """Return the shot of the same device before this one."""
        earlier = [
            one
            for one in self.all
            if one.device is snapshot.device and one.number < snapshot.number
        ]
        return earlier[-1] if earlier else None

    def faults_of(self, device: Device, view: str) -> list[ImageFault]:
        """Return what is wrong with a view of a device's pictures."""
        return [
            image_fault for image_fault in self.image_faults if image_fault.meets(device.uuid, view)
        ]

    def _delay(self, device: Device, view: str) -> float | None:
        """Return how many seconds a view takes from its request; None: for ever."""
        image_faults = {
            image_fault.kind: image_fault for image_fault in self.faults_of(device, view)
        }
        if not device.online or "never" in image_faults:
            return None
        if "slow" in image_faults:
            return image_faults["slow"].seconds
        late = self.config.annotated_late if view == "annotated" else 0.0
        return self.config.picture_seconds + late

    def _early(self) -> Response:
        match self.config.variants.unready:
            case "202":
                return Response(202, body=b"")
            case "empty":
                return Response(200, headers={"Content-Type": "image/jpeg"}, body=b"")
            case "403":
                return _denied()
        return error_response(404, ErrorDefinition(404, 0, "Not found"), self.config.variants)

    def _dead(self) -> Response:
        match self.config.variants.expired:
            case "403":
                return _denied()
            case status:
                return error_response(
                    int(status), ErrorDefinition(int(status), 0, "Gone"), self.config.variants
                )

    def _signature(self, name: str, expires: int) -> str:
        return hashlib.sha256(f"{self.config.seed}/{name}/{expires}".encode()).hexdigest()[:32]


def _denied() -> Response:
    return Response(403, headers={"Content-Type": "application/xml"}, body=_DENIED)
