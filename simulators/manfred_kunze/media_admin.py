"""Serve the admin routes for cameras, clips and live sessions."""

from aiohttp import web

from simulators.admin_api import ADMIN_PATH, json_object, json_response, refusal

from .cameras import CAMERA_STATUS, Camera
from .cloud import ManfredKunzeCloud


class MediaAdmin:
    """The admin routes for cameras, clips and sessions of the main organisation."""

    def __init__(self, cloud: ManfredKunzeCloud) -> None:
        """Serve the admin API of one cloud."""
        self._cloud = cloud

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get(f"{ADMIN_PATH}/media", self.show)
        router.add_post(ADMIN_PATH + "/cameras/{id}", self.change_camera)
        router.add_post(ADMIN_PATH + "/cameras/{id}/capture", self.capture)
        router.add_post(ADMIN_PATH + "/captures/{id}/lose", self.lose)
        router.add_post(ADMIN_PATH + "/live/{id}/{deed}", self.end)

    async def show(self, request: web.Request) -> web.Response:
        """Return the cameras, clips, recorder requests and live sessions."""
        cloud = self._cloud
        cloud.settle()
        now = cloud.world.now
        return json_response(
            {
                "cameras": [
                    {"id": one.id, "name": one.name, "status": one.status} for one in cloud.cameras
                ],
                "captures": [
                    {"id": one.id, "camera": one.camera.id, "start": one.start, "ready": one.ready}
                    for one in cloud.album.captures.values()
                ],
                "requests": [
                    {"id": one.id, "camera": one.camera.id, "status": one.status(now, "DONE")}
                    for one in cloud.album.requests.values()
                ],
                "sessions": [
                    {"id": one.id, "status": one.status(now), "served": one.served}
                    for one in cloud.sessions
                ],
                "intruders": len(cloud.storage.intruders),
            }
        )

    async def change_camera(self, request: web.Request) -> web.Response:
        """Change a camera's status."""
        camera, body = self._camera(request), await json_object(request)
        if body.get("status") not in CAMERA_STATUS:
            raise refusal(f"status is one of {', '.join(CAMERA_STATUS)}")
        camera.status = body["status"]
        return json_response({})

    async def capture(self, request: web.Request) -> web.Response:
        """Record a clip of an event at a camera."""
        camera, body = self._camera(request), await json_object(request)
        capture = self._cloud.record_clip(
            camera, int(body.get("seconds", 10)), float(body.get("ago", 0))
        )
        return json_response({"id": capture.id})

    async def lose(self, request: web.Request) -> web.Response:
        """Delete a clip's bytes."""
        capture = self._cloud.album.captures.get(request.match_info["id"])
        if capture is None:
            raise web.HTTPNotFound
        self._cloud.lose(capture)
        return json_response({})

    async def end(self, request: web.Request) -> web.Response:
        """Break, expire or stop a session."""
        session = self._cloud.live.of(self._cloud.main).get(request.match_info["id"])
        attributes = {"die": "died", "expire": "ends", "stop": "stopped"}
        attribute = attributes.get(request.match_info["deed"])
        if session is None or attribute is None:
            raise web.HTTPNotFound
        setattr(session, attribute, self._cloud.world.now)
        return json_response({})

    def _camera(self, request: web.Request) -> Camera:
        try:
            return self._cloud.album.cameras[request.match_info["id"]]
        except KeyError as err:
            raise web.HTTPNotFound from err
