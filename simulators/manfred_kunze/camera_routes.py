"""Serve the routes for cameras and live sessions."""

from collections.abc import Callable, Mapping

from simulators.response import Response

from .cameras import Album, Albums, Camera
from .errors import ApiError
from .live import LiveSession, LiveSessions
from .request import ApiRequest
from .responder import Responder, filled
from .state import Record
from .times import at


class CameraRoutes:
    """The routes for cameras and live sessions."""

    def __init__(self, responder: Responder, albums: Albums, live: LiveSessions) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._albums = albums
        self._live = live
        self._variants = responder.world.config.variants

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
        return {
            "GET /cameras": self.cameras,
            "POST /cameras": self.add_camera,
            "GET /cameras/{id}": self.camera,
            "PUT /cameras/{id}": self.change_camera,
            "DELETE /cameras/{id}": self.remove_camera,
            "POST /cameras/{id}/live live": self.begin_live,
            "GET /live": self.sessions,
            "GET /live/{id}": self.session,
            "DELETE /live/{id}": lambda request: self._stop(request, "delete"),
            "POST /live/{id}/stop": lambda request: self._stop(request, "post"),
        }

    def cameras(self, request: ApiRequest) -> Response:
        """List the cameras."""
        records = [_camera_record(one) for one in self._album(request).cameras.values()]
        return self._responder.many(request, "cameras", records)

    def camera(self, request: ApiRequest) -> Response:
        """Return one camera."""
        return self._responder.one(request, "cameras", _camera_record(self._camera(request)))

    def add_camera(self, request: ApiRequest) -> Response:
        """Add a camera to a device."""
        device = self._responder.by_id(
            request, request.organisation.devices, request.text("deviceId", "device")
        )
        address = request.text("streamUrl", optional=True)
        camera = self._albums.add_camera(
            self._album(request), device, request.text("name"), address
        )
        return self._responder.one(request, "cameras", _camera_record(camera), created=True)

    def change_camera(self, request: ApiRequest) -> Response:
        """Rename a camera, or move it to another device."""
        camera = self._camera(request)
        request.body = filled(self._variants, request.body, _camera_record(camera))
        device = request.text("deviceId", "device")
        camera.device = self._responder.by_id(request, request.organisation.devices, device)
        camera.name = request.text("name")
        camera.address = request.text("streamUrl", optional=True) or camera.address
        return self._responder.one(request, "cameras", _camera_record(camera))

    def remove_camera(self, request: ApiRequest) -> Response:
        """Remove a camera; its clips stay."""
        del self._album(request).cameras[self._camera(request).id]
        return Response(204, body=b"")

    def begin_live(self, request: ApiRequest) -> Response:
        """Start a live session."""
        camera = self._camera(request)
        if camera.status == "OFFLINE":
            raise ApiError(409, "The camera is offline")
        session = self._live.begin(request.organisation, camera)
        return self._responder.one(request, "live", self._live.record(session), created=True)

    def sessions(self, request: ApiRequest) -> Response:
        """List the running sessions."""
        found = self._live.of(request.organisation).values()
        running = [
            one for one in found if one.status(request.now) in ("REQUESTED", "ACTIVE", "STOPPING")
        ]
        return self._responder.many(request, "live", [self._live.record(one) for one in running])

    def session(self, request: ApiRequest) -> Response:
        """Return one session, running or not."""
        return self._responder.one(request, "live", self._live.record(self._session(request)))

    def _album(self, request: ApiRequest) -> Album:
        return self._albums.of(request.organisation)

    def _camera(self, request: ApiRequest) -> Camera:
        return self._responder.find(request, self._album(request).cameras)

    def _session(self, request: ApiRequest) -> LiveSession:
        return self._responder.find(request, self._live.of(request.organisation))

    def _stop(self, request: ApiRequest, way: str) -> Response:
        if self._variants.live_stop != way:
            raise ApiError(405, "Method is not supported")
        session = self._session(request)
        if session.stopped is None and session.status(request.now) != "EXPIRED":
            session.stopped = request.now
        return self._responder.acted(request, "live", self._live.record(session))


def _camera_record(camera: Camera) -> Record:
    return {
        "id": camera.id,
        "deviceId": camera.device.id,
        "name": camera.name,
        "status": camera.status,
        "streamUrl": camera.address,
        "createdAt": at(camera.created),
        "updatedAt": at(camera.created),
    }
