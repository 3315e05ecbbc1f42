"""Calls for captures, the rules by which they are made, and recorders."""

from collections.abc import Callable, Mapping

from simulators.response import Reply

from .alerts import SEVERITIES
from .cameras import Album, Albums, Capture, DvrRequest, clip_path, thumbnail_path
from .object_storage import Storage
from .request import ApiError, Visit
from .responder import Desk, filled
from .state import Record
from .times import at

_HOUR = 3600
_RULES = "media-capture-rules"
_RULE: Record = {
    "source": None,
    "severity": None,
    "deviceId": None,
    "sensorId": None,
    "preRollSeconds": 5,
    "postRollSeconds": 10,
    "cooldownSeconds": 60,
    "maxPerHour": 10,
    "enabled": True,
}


class CaptureCalls:
    """Answers them."""

    def __init__(self, desk: Desk, albums: Albums, storage: Storage) -> None:
        """Ask the desk."""
        self._desk = desk
        self._albums = albums
        self._storage = storage
        self._plan = desk.world.plan
        self._forms = desk.world.plan.forms

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
        return {
            "GET /captures": self.captures,
            "GET /captures/{id}": self.capture,
            "GET /captures/{id}/download": self.download,
            "GET /captures/{id}/thumbnail": self.thumbnail,
            f"GET /{_RULES}": self.rules,
            f"POST /{_RULES}": self.add_rule,
            f"GET /{_RULES}/{{id}}": self.rule,
            f"PUT /{_RULES}/{{id}}": self.change_rule,
            f"DELETE /{_RULES}/{{id}}": self.remove_rule,
            "POST /dvr-clip-requests": self.ask_dvr,
            "GET /dvr-clip-requests": self.dvr_requests,
            "GET /dvr-clip-requests/{id}": self.dvr_request,
        }

    def captures(self, visit: Visit) -> Reply:
        """List the clips, of all or of one camera, of all times or a period."""
        since, until = visit.period(1 << 34)
        found = [
            one
            for one in self._album(visit).captures.values()
            if self._forms.filters == "ignored" or since <= one.start <= until
        ]
        records = [self._capture_record(one, visit.now) for one in found]
        return self._desk.many(visit, "captures", self._desk.in_order(records, "startedAt"))

    def capture(self, visit: Visit) -> Reply:
        """Show one clip."""
        record = self._capture_record(self._capture(visit), visit.now)
        return self._desk.one(visit, "captures", record)

    def download(self, visit: Visit) -> Reply:
        """Give a fresh link to a clip."""
        capture = self._capture(visit)
        if visit.now < capture.ready:
            raise ApiError(409, "The clip is not there yet")
        link, until = self._storage.link(clip_path(capture), self._plan.link_seconds)
        match self._forms.download:
            case "redirect":
                return Reply(302, None, {"Location": link}, b"")
            case "text":
                return Reply(200, None, {"Content-Type": "text/plain"}, link.encode())
        return self._desk.one(visit, "links", {"downloadUrl": link, "expiresAt": at(until)})

    def thumbnail(self, visit: Visit) -> Reply:
        """Lead to a clip's picture."""
        if self._forms.thumbnail != "path":
            raise ApiError(404, "No such resource")
        path = thumbnail_path(self._capture(visit))
        link, _ = self._storage.link(path, self._plan.link_seconds)
        return Reply(302, None, {"Location": link}, b"")

    def rules(self, visit: Visit) -> Reply:
        """List the rules by which events are filmed."""
        return self._desk.many(visit, _RULES, list(visit.organisation.table(_RULES).values()))

    def rule(self, visit: Visit) -> Reply:
        """Show one of them."""
        return self._desk.one(visit, _RULES, self._rule(visit))

    def add_rule(self, visit: Visit) -> Reply:
        """Make one."""
        fields = {**self._made_rule(visit), "createdAt": at(visit.now)}
        return self._desk.one(visit, _RULES, visit.organisation.add(_RULES, fields), created=True)

    def change_rule(self, visit: Visit) -> Reply:
        """Replace what one says."""
        rule = self._rule(visit)
        visit.body = filled(self._forms, visit.body, rule)
        rule |= self._made_rule(visit)
        return self._desk.one(visit, _RULES, rule)

    def remove_rule(self, visit: Visit) -> Reply:
        """Delete one."""
        del visit.organisation.table(_RULES)[str(self._rule(visit)["id"])]
        return Reply(204, body=b"")

    def ask_dvr(self, visit: Visit) -> Reply:
        """Ask a camera's recorder for a period of at most an hour."""
        album = self._album(visit)
        camera = self._desk.by_id(visit, album.cameras, visit.text("cameraId", "camera"))
        start, end = (
            visit.moment(*names)
            for names in (("from", "start", "startTime"), ("to", "end", "endTime"))
        )
        if not start < end <= visit.now or end - start > _HOUR:
            raise ApiError(400, "The period cannot be had")
        if camera.status == "OFFLINE":
            raise ApiError(409, "The camera is offline")
        request = self._albums.ask(album, camera, start, end)
        return self._desk.one(visit, "dvr-clip-requests", self._dvr_record(request), created=True)

    def dvr_requests(self, visit: Visit) -> Reply:
        """List what was asked of recorders."""
        if self._forms.dvr_track == "absent":
            raise ApiError(405, "Method is not supported")
        records = [self._dvr_record(one) for one in self._album(visit).requests.values()]
        return self._desk.many(
            visit, "dvr-clip-requests", self._desk.in_order(records, "createdAt")
        )

    def dvr_request(self, visit: Visit) -> Reply:
        """Show one request."""
        if self._forms.dvr_track != "item":
            raise ApiError(404, "No such resource")
        found = self._desk.found(visit, self._album(visit).requests)
        return self._desk.one(visit, "dvr-clip-requests", self._dvr_record(found))

    def _album(self, visit: Visit) -> Album:
        return self._albums.of(visit.organisation)

    def _capture(self, visit: Visit) -> Capture:
        return self._desk.found(visit, self._album(visit).captures)

    def _rule(self, visit: Visit) -> Record:
        return self._desk.found(visit, visit.organisation.table(_RULES))

    def _made_rule(self, visit: Visit) -> Record:
        camera = visit.text("cameraId", "camera")
        self._desk.by_id(visit, self._album(visit).cameras, camera)
        rule: Record = {"name": visit.text("name"), "cameraId": camera}
        for key, otherwise in _RULE.items():
            value = visit.body.get(key)
            rule[key] = otherwise if value is None else value
            if isinstance(otherwise, int) and not isinstance(rule[key], int):
                raise ApiError(400, f"{key} is not a number")
        severity = rule["severity"]
        for one in severity if isinstance(severity, list) else [severity]:
            if one is not None and one not in SEVERITIES:
                raise ApiError(400, "severity is not one of the known")
        return rule

    def _capture_record(self, capture: Capture, now: int) -> Record:
        ready = now >= capture.ready
        record: Record = {
            "id": capture.id,
            "cameraId": capture.camera.id,
            "deviceId": capture.camera.device.id,
            "eventId": capture.event,
            "mediaCaptureRuleId": capture.rule,
            "dvrClipRequestId": capture.request,
            "status": "READY" if ready else "PENDING",
            "startedAt": at(capture.start),
            "endedAt": at(capture.end),
            "durationSeconds": capture.end - capture.start,
            "contentType": "video/mp4",
            "createdAt": at(capture.ready),
        }
        if self._forms.thumbnail == "link":
            path = thumbnail_path(capture)
            link = self._storage.link(path, self._plan.link_seconds)[0] if ready else None
            record["thumbnailUrl"] = link
        return record

    def _dvr_record(self, request: DvrRequest) -> Record:
        return {
            "id": request.id,
            "cameraId": request.camera.id,
            "from": at(request.start),
            "to": at(request.end),
            "status": request.status(self._desk.world.now, self._forms.dvr_done),
            "captureId": request.capture,
            "createdAt": at(request.asked),
        }
