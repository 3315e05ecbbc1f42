"""Calls for cameras and live sessions."""

from collections.abc import Callable, Mapping

from simulators.response import Reply

from .cameras import Album, Albums, Camera
from .live import Live, Session
from .request import ApiError, Visit
from .responder import Desk, filled
from .state import Record
from .times import at


class CameraCalls:
    """Answers them."""

    def __init__(self, desk: Desk, albums: Albums, live: Live) -> None:
        """Ask the desk."""
        self._desk = desk
        self._albums = albums
        self._live = live
        self._forms = desk.world.plan.forms

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
        return {
            "GET /cameras": self.cameras,
            "POST /cameras": self.add_camera,
            "GET /cameras/{id}": self.camera,
            "PUT /cameras/{id}": self.change_camera,
            "DELETE /cameras/{id}": self.remove_camera,
            "POST /cameras/{id}/live live": self.begin_live,
            "GET /live": self.sessions,
            "GET /live/{id}": self.session,
            "DELETE /live/{id}": lambda visit: self._stop(visit, "delete"),
            "POST /live/{id}/stop": lambda visit: self._stop(visit, "post"),
        }

    def cameras(self, visit: Visit) -> Reply:
        """List the cameras."""
        records = [_camera_record(one) for one in self._album(visit).cameras.values()]
        return self._desk.many(visit, "cameras", records)

    def camera(self, visit: Visit) -> Reply:
        """Show one camera."""
        return self._desk.one(visit, "cameras", _camera_record(self._camera(visit)))

    def add_camera(self, visit: Visit) -> Reply:
        """Put up a camera on a device."""
        device = self._desk.by_id(
            visit, visit.organisation.devices, visit.text("deviceId", "device")
        )
        address = visit.text("streamUrl", optional=True)
        camera = self._albums.add_camera(self._album(visit), device, visit.text("name"), address)
        return self._desk.one(visit, "cameras", _camera_record(camera), created=True)

    def change_camera(self, visit: Visit) -> Reply:
        """Rename a camera, or put it on another device."""
        camera = self._camera(visit)
        visit.body = filled(self._forms, visit.body, _camera_record(camera))
        device = visit.text("deviceId", "device")
        camera.device = self._desk.by_id(visit, visit.organisation.devices, device)
        camera.name = visit.text("name")
        camera.address = visit.text("streamUrl", optional=True) or camera.address
        return self._desk.one(visit, "cameras", _camera_record(camera))

    def remove_camera(self, visit: Visit) -> Reply:
        """Take a camera down; its clips stay."""
        del self._album(visit).cameras[self._camera(visit).id]
        return Reply(204, body=b"")

    def begin_live(self, visit: Visit) -> Reply:
        """Begin a live session."""
        camera = self._camera(visit)
        if camera.status == "OFFLINE":
            raise ApiError(409, "The camera is offline")
        session = self._live.begin(visit.organisation, camera)
        return self._desk.one(visit, "live", self._live.record(session), created=True)

    def sessions(self, visit: Visit) -> Reply:
        """List the sessions that are not over."""
        found = self._live.of(visit.organisation).values()
        running = [
            one for one in found if one.status(visit.now) in ("REQUESTED", "ACTIVE", "STOPPING")
        ]
        return self._desk.many(visit, "live", [self._live.record(one) for one in running])

    def session(self, visit: Visit) -> Reply:
        """Show one session, over or not."""
        return self._desk.one(visit, "live", self._live.record(self._session(visit)))

    def _album(self, visit: Visit) -> Album:
        return self._albums.of(visit.organisation)

    def _camera(self, visit: Visit) -> Camera:
        return self._desk.found(visit, self._album(visit).cameras)

    def _session(self, visit: Visit) -> Session:
        return self._desk.found(visit, self._live.of(visit.organisation))

    def _stop(self, visit: Visit, way: str) -> Reply:
        if self._forms.live_stop != way:
            raise ApiError(405, "Method is not supported")
        session = self._session(visit)
        if session.stopped is None and session.status(visit.now) != "EXPIRED":
            session.stopped = visit.now
        return self._desk.acted(visit, "live", self._live.record(session))


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
