"""Pictures on request: each takes its time, its links die, and every download is counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import hashlib
import re

from simulators.clock import to_micros
from simulators.faults import http_date
from simulators.random_source import mix
from simulators.response import Reply
from simulators.signing import is_sealed, sealed

from .config import Plan
from .errors import Refusal, error_reply
from .faulty_images import Trouble
from .pictures import Scene, Seen, draw
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
class Shot:
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
        """When all views are there; None if one never is."""
        times = [moment for moment in self.there.values() if moment is not None]
        return max(times) if len(times) == len(self.there) else None


@dataclass(slots=True)
class Shots:
    """All pictures that were asked for, oldest first. `hosts`: origins by name: api, storage, elsewhere."""

    world: World
    hosts: Mapping[str, str]
    all: list[Shot] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """What is simulated."""
        return self.world.plan

    def request(self, device: Device, now: datetime) -> Shot:
        """Wake a device up. One that is offline never delivers."""
        plan = self.plan
        device.wakes += 1
        delays = {view: self._delay(device, view) for view in VIEWS}
        there = {
            view: None if delay is None else now + timedelta(seconds=delay)
            for view, delay in delays.items()
        }
        soonest = min((delay for delay in delays.values() if delay is not None), default=0.0)
        shot = Shot(
            number=len(self.all) + 1,
            device=device,
            requested=now,
            taken=now + timedelta(seconds=min(soonest, plan.taken_after)),
            there=there,
            expires=now + timedelta(seconds=plan.link_seconds),
        )
        self.all.append(shot)
        return shot

    def settle(self, now: datetime) -> None:
        """Take the pictures whose moment has come."""
        for shot in self.all:
            if shot.scene is None and any(shot.there.values()) and shot.taken <= now:
                shot.scene = self.scene(shot)

    def scene(self, shot: Shot) -> Scene:
        """Return what the camera sees at the moment of a shot."""
        device, at = shot.device, to_micros(shot.taken) / 1_000_000
        seen = [
            Seen(there.cls, mix(place.seed, there.since), spot)
            for spot, place in enumerate(device.places)
            if (there := self.world.standing(place, at)).cls is not None
        ]
        for area in device.areas:
            for cls, count in self.world.counts(area, at).items():
                seen += [Seen(cls, mix(area.seed, n, shot.number)) for n in range(count)]
        if device.lines:
            seen += [Seen("car", mix(device.seed, n, shot.number)) for n in range(3)]
        return Scene(
            title=device.name,
            time=shot.taken.strftime("%Y-%m-%d %H:%M:%S UTC"),
            spots=tuple(place.name for place in device.places),
            lines=tuple(line.name for line in device.lines),
            seen=tuple(seen),
        )

    def path(self, shot: Shot, view: str) -> str:
        """Return the path of a picture's link, signed if the form wants that."""
        forms = self.plan.forms
        name = f"{shot.device.uuid}_{shot.number}_{view}_image.{_SUFFIX[forms.picture_format]}"
        if forms.link == "bearer":
            return f"/api/v1/images/{name}"
        expires = int(shot.expires.timestamp())
        link = f"/pictures/{name}?expires={expires}&signature={self._signature(name, expires)}"
        return sealed(str(self.plan.seed), link) if forms.signing == "exact" else link

    def find(self, name: str) -> tuple[Shot, str] | None:
        """Return the shot and view that a file name stands for."""
        found = _NAME.fullmatch(name)
        if found is None or not 0 < int(found["number"]) <= len(self.all):
            return None
        shot = self.all[int(found["number"]) - 1]
        return (shot, found["view"]) if shot.device.uuid == found["uuid"] else None

    def signed(self, name: str, expires: str, signature: str, target: str) -> bool:
        """Tell whether a link's signature is the one that was given out."""
        if self.plan.forms.signing == "exact" and not is_sealed(str(self.plan.seed), target):
            return False
        return expires.isdecimal() and signature == self._signature(name, int(expires))

    def deliver(self, shot: Shot, view: str, now: datetime, *, redirected: bool = False) -> Reply:
        """Answer a request for a picture. redirected: the client was sent here by a redirect."""
        reply = self._answer(shot, view, now, redirected=redirected)
        size = len(reply.body or b"") if reply.status == 200 else 0
        shot.downloads.append(Download(now, view, reply.status, size))
        return reply

    def picture(self, shot: Shot, view: str) -> bytes:
        """Return the bytes of a picture that was taken, always the same ones."""
        if view not in shot.pictures:
            shot.scene = shot.scene or self.scene(shot)
            kind = self.plan.forms.picture_format
            shot.pictures[view] = draw(shot.scene, annotated=view == "annotated", kind=kind)
        return shot.pictures[view]

    def _answer(self, shot: Shot, view: str, now: datetime, *, redirected: bool) -> Reply:
        troubles, there = self.troubles_of(shot.device, view), shot.there[view]
        if now >= shot.expires or any(trouble.kind == "expired" for trouble in troubles):
            return self._dead()
        if there is None or now < there:
            before = self._before(shot) if self.plan.forms.unready == "previous" else None
            return self._early() if before is None else self._shown(before, view)
        reply = self._shown(shot, view)
        if redirected:
            return reply
        path, elsewhere = self.path(shot, view), self.hosts["elsewhere"]
        spoiled = (trouble.reply(reply, path, elsewhere) for trouble in troubles)
        return next((other for other in spoiled if other is not None), reply)

    def _shown(self, shot: Shot, view: str) -> Reply:
        forms = self.plan.forms
        right = forms.picture_type == "right"
        headers = {
            "Content-Type": _TYPES[forms.picture_format] if right else "application/octet-stream"
        }
        if forms.last_modified:
            headers["Last-Modified"] = http_date(shot.taken)
        return Reply(200, headers=headers, body=self.picture(shot, view))

    def _before(self, shot: Shot) -> Shot | None:
        """Return the shot of the same device before this one."""
        earlier = [
            one for one in self.all if one.device is shot.device and one.number < shot.number
        ]
        return earlier[-1] if earlier else None

    def troubles_of(self, device: Device, view: str) -> list[Trouble]:
        """Return what is wrong with a view of a device's pictures."""
        return [trouble for trouble in self.troubles if trouble.meets(device.uuid, view)]

    def _delay(self, device: Device, view: str) -> float | None:
        """Return how many seconds a view takes from its request; None: for ever."""
        troubles = {trouble.kind: trouble for trouble in self.troubles_of(device, view)}
        if not device.online or "never" in troubles:
            return None
        if "slow" in troubles:
            return troubles["slow"].seconds
        late = self.plan.annotated_late if view == "annotated" else 0.0
        return self.plan.picture_seconds + late

    def _early(self) -> Reply:
        match self.plan.forms.unready:
            case "202":
                return Reply(202, body=b"")
            case "empty":
                return Reply(200, headers={"Content-Type": "image/jpeg"}, body=b"")
            case "403":
                return _denied()
        return error_reply(404, Refusal(404, 0, "Not found"), self.plan.forms)

    def _dead(self) -> Reply:
        match self.plan.forms.expired:
            case "403":
                return _denied()
            case status:
                return error_reply(int(status), Refusal(int(status), 0, "Gone"), self.plan.forms)

    def _signature(self, name: str, expires: int) -> str:
        return hashlib.sha256(f"{self.plan.seed}/{name}/{expires}".encode()).hexdigest()[:32]


def _denied() -> Reply:
    return Reply(403, headers={"Content-Type": "application/xml"}, body=_DENIED)
