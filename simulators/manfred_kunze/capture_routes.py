"""Serve the routes for captures, capture rules and recorders."""

from collections.abc import Callable, Mapping

from simulators.response import Response

from .alerts import SEVERITIES
from .cameras import Album, Albums, Capture, DvrRequest, clip_path, thumbnail_path
from .errors import ApiError
from .object_storage import ObjectStorage
from .request import ApiRequest
from .responder import Responder, filled
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


class CaptureRoutes:
    """The routes for captures, capture rules and recorders."""

    def __init__(self, responder: Responder, albums: Albums, storage: ObjectStorage) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._albums = albums
        self._storage = storage
        self._config = responder.world.config
        self._variants = responder.world.config.variants

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
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

    def captures(self, request: ApiRequest) -> Response:
        """List the clips, all or of one camera or period."""
        since, until = request.period(1 << 34)
        found = [
            one
            for one in self._album(request).captures.values()
            if self._variants.filters == "ignored" or since <= one.start <= until
        ]
        records = [self._capture_record(one, request.now) for one in found]
        return self._responder.many(
            request, "captures", self._responder.in_order(records, "startedAt")
        )

    def capture(self, request: ApiRequest) -> Response:
        """Return one clip."""
        record = self._capture_record(self._capture(request), request.now)
        return self._responder.one(request, "captures", record)

    def download(self, request: ApiRequest) -> Response:
        """Return a new link to a clip."""
        capture = self._capture(request)
        if request.now < capture.ready:
            raise ApiError(409, "The clip is not there yet")
        link, until = self._storage.link(clip_path(capture), self._config.link_seconds)
        match self._variants.download:
            case "redirect":
                return Response(302, None, {"Location": link}, b"")
            case "text":
                return Response(200, None, {"Content-Type": "text/plain"}, link.encode())
        return self._responder.one(request, "links", {"downloadUrl": link, "expiresAt": at(until)})

    def thumbnail(self, request: ApiRequest) -> Response:
        """Redirect to a clip's picture."""
        if self._variants.thumbnail != "path":
            raise ApiError(404, "No such resource")
        path = thumbnail_path(self._capture(request))
        link, _ = self._storage.link(path, self._config.link_seconds)
        return Response(302, None, {"Location": link}, b"")

    def rules(self, request: ApiRequest) -> Response:
        """List the capture rules."""
        return self._responder.many(
            request, _RULES, list(request.organisation.table(_RULES).values())
        )

    def rule(self, request: ApiRequest) -> Response:
        """Return one capture rule."""
        return self._responder.one(request, _RULES, self._rule(request))

    def add_rule(self, request: ApiRequest) -> Response:
        """Create a capture rule."""
        fields = {**self._made_rule(request), "createdAt": at(request.now)}
        return self._responder.one(
            request, _RULES, request.organisation.add(_RULES, fields), created=True
        )

    def change_rule(self, request: ApiRequest) -> Response:
        """Replace a capture rule."""
        rule = self._rule(request)
        request.body = filled(self._variants, request.body, rule)
        rule |= self._made_rule(request)
        return self._responder.one(request, _RULES, rule)

    def remove_rule(self, request: ApiRequest) -> Response:
        """Delete a capture rule."""
        del request.organisation.table(_RULES)[str(self._rule(request)["id"])]
        return Response(204, body=b"")

    def ask_dvr(self, request: ApiRequest) -> Response:
        """Request at most an hour from a camera's recorder."""
        album = self._album(request)
        camera = self._responder.by_id(request, album.cameras, request.text("cameraId", "camera"))
        start, end = (
            request.moment(*names)
            for names in (("from", "start", "startTime"), ("to", "end", "endTime"))
        )
        if not start < end <= request.now or end - start > _HOUR:
            raise ApiError(400, "The period cannot be had")
        if camera.status == "OFFLINE":
            raise ApiError(409, "The camera is offline")
        dvr_request = self._albums.ask(album, camera, start, end)
        return self._responder.one(
            request, "dvr-clip-requests", self._dvr_record(dvr_request), created=True
        )

    def dvr_requests(self, request: ApiRequest) -> Response:
        """List the recorder requests."""
        if self._variants.dvr_track == "absent":
            raise ApiError(405, "Method is not supported")
        records = [self._dvr_record(one) for one in self._album(request).requests.values()]
        return self._responder.many(
            request, "dvr-clip-requests", self._responder.in_order(records, "createdAt")
        )

    def dvr_request(self, request: ApiRequest) -> Response:
        """Return one recorder request."""
        if self._variants.dvr_track != "item":
            raise ApiError(404, "No such resource")
        found = self._responder.find(request, self._album(request).requests)
        return self._responder.one(request, "dvr-clip-requests", self._dvr_record(found))

    def _album(self, request: ApiRequest) -> Album:
        return self._albums.of(request.organisation)

    def _capture(self, request: ApiRequest) -> Capture:
        return self._responder.find(request, self._album(request).captures)

    def _rule(self, request: ApiRequest) -> Record:
        return self._responder.find(request, request.organisation.table(_RULES))

    def _made_rule(self, request: ApiRequest) -> Record:
        camera = request.text("cameraId", "camera")
        self._responder.by_id(request, self._album(request).cameras, camera)
        rule: Record = {"name": request.text("name"), "cameraId": camera}
        for key, otherwise in _RULE.items():
            value = request.body.get(key)
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
        if self._variants.thumbnail == "link":
            path = thumbnail_path(capture)
            link = self._storage.link(path, self._config.link_seconds)[0] if ready else None
            record["thumbnailUrl"] = link
        return record

    def _dvr_record(self, dvr_request: DvrRequest) -> Record:
        return {
            "id": dvr_request.id,
            "cameraId": dvr_request.camera.id,
            "from": at(dvr_request.start),
            "to": at(dvr_request.end),
            "status": dvr_request.status(self._responder.world.now, self._variants.dvr_done),
            "captureId": dvr_request.capture,
            "createdAt": at(dvr_request.asked),
        }
