"""Serve the routes for exports, the quarantine, firmware and billing."""

from collections.abc import Callable, Mapping

from simulators.response import Response

from .errors import ApiError
from .exports import INCLUDES, SCOPES, Export, ExportJobs
from .object_storage import ObjectStorage
from .request import ApiRequest
from .responder import Responder
from .state import Record
from .times import at

_FIRMWARE = "firmware"


class ExportRoutes:
    """The routes for exports, the quarantine, firmware and billing."""

    def __init__(
        self, responder: Responder, export_jobs: ExportJobs, storage: ObjectStorage
    ) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._export_jobs = export_jobs
        self._storage = storage
        self._config = responder.world.config

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
        return {
            "POST /exports": self.add,
            "GET /exports": self.exports,
            "GET /exports/{id}": self.export,
            "DELETE /exports/{id}": self.remove,
            "GET /admin/quarantine": self.quarantine,
            "DELETE /admin/quarantine/{id}": self.release,
            "GET /firmware": self.firmware,
            "GET /firmware/{id}": self.firmware_version,
            "POST /firmware/{id}/download-grants": self.grant,
            "GET /billing": self.billing,
        }

    def add(self, request: ApiRequest) -> Response:
        """Start an export."""
        scope_type, scope = request.literal("scopeType", SCOPES, None), request.text("scopeId")
        organisation, now = request.organisation, request.now
        among: dict[str, Mapping[str, object]] = {
            "DEVICE": organisation.devices,
            "SITE": organisation.table("sites"),
            "COMPONENT": organisation.components,
            "SENSOR": organisation.sensors,
        }
        self._responder.by_id(request, among[scope_type], scope)
        includes = request.body.get("includes")
        if not isinstance(includes, list) or not includes or not set(includes) <= set(INCLUDES):
            raise ApiError(400, "includes is not one of the known")
        since, until = request.moment("from"), request.moment("to")
        if since >= until:
            raise ApiError(400, "from must be before to")
        done = now + self._config.export_seconds
        export = Export(
            id=organisation.new_id(), scope_type=scope_type, scope=scope, since=since, until=until,
            includes=includes, asked=now, done=done, ends=done + self._config.export_life,
            fate=self._config.export_fate,
        )  # fmt: skip
        self._export_jobs.of(organisation)[export.id] = export
        return self._responder.one(request, "exports", self._record(export, now), status=201)

    def exports(self, request: ApiRequest) -> Response:
        """List the exports, without links."""
        found = self._export_jobs.of(request.organisation).values()
        records = [self._record(one, request.now) for one in found]
        return self._responder.many(
            request, "exports", self._responder.in_order(records, "createdAt")
        )

    def export(self, request: ApiRequest) -> Response:
        """Return one export, with a new link once it is READY."""
        export = self._responder.find(request, self._export_jobs.of(request.organisation))
        record = self._record(export, request.now)
        if export.status(request.now) == "READY":
            link, _ = self._storage.link(export.path, export.ends - request.now)
            record["downloadUrl"] = link
        return self._responder.one(request, "exports", record)

    def remove(self, request: ApiRequest) -> Response:
        """Delete an export that is not in progress."""
        jobs = self._export_jobs.of(request.organisation)
        export = self._responder.find(request, jobs)
        if export.status(request.now) in ("PENDING", "RUNNING"):
            raise ApiError(409, "The export is in progress")
        self._storage.objects.pop(export.path, None)
        del jobs[export.id]
        return Response(204, body=b"")

    def quarantine(self, request: ApiRequest) -> Response:
        """List the rejected payloads."""
        records = list(request.organisation.table("quarantine").values())
        return self._responder.many(
            request, "quarantine", self._responder.in_order(records, "receivedAt")
        )

    def release(self, request: ApiRequest) -> Response:
        """Delete a rejected payload."""
        table = request.organisation.table("quarantine")
        del table[str(self._responder.find(request, table)["id"])]
        return Response(204, body=b"")

    def firmware(self, request: ApiRequest) -> Response:
        """List the firmware versions."""
        return self._responder.many(
            request, _FIRMWARE, list(request.organisation.table(_FIRMWARE).values())
        )

    def firmware_version(self, request: ApiRequest) -> Response:
        """Return one firmware version."""
        found = self._responder.find(request, request.organisation.table(_FIRMWARE))
        return self._responder.one(request, _FIRMWARE, found)

    def grant(self, request: ApiRequest) -> Response:
        """Return a short-lived link to a firmware version."""
        found = self._responder.find(request, request.organisation.table(_FIRMWARE))
        path = f"/mk-firmware/{found['id']}.bin"
        self._storage.put(path, lambda: str(found["version"]).encode(), "application/octet-stream")
        link, until = self._storage.link(path, self._config.link_seconds)
        return self._responder.one(
            request, "links", {"downloadUrl": link, "expiresAt": at(until)}, created=True
        )

    def billing(self, request: ApiRequest) -> Response:
        """Return the organisation's plan and usage."""
        used: Record = {
            "devices": len(request.organisation.devices),
            "sensors": len(request.organisation.sensors),
        }
        record: Record = {"planName": "Team", "currency": "EUR", "usage": used}
        return self._responder.one(request, "billing", record)

    def _record(self, export: Export, now: int) -> Record:
        variants, status = self._config.variants, export.status(now)
        named = {"FAILED": variants.export_failed, "EXPIRED": variants.export_expired}
        record: Record = {
            "id": export.id,
            "scopeType": export.scope_type,
            "scopeId": export.scope,
            "from": at(export.since),
            "to": at(export.until),
            "includes": export.includes,
            "status": named.get(status, status),
            "requestedBy": "user_8f2c41d0",
            "createdAt": at(export.asked),
        }
        if status == "READY" and variants.export_ready == "short":
            kept = ("id", "status", "createdAt")
            record = {key: record[key] for key in kept}
        if variants.export_progress:
            share = (now - export.asked) / max(1, export.done - export.asked)
            record["progress"] = round(100 * min(0.9 if export.fate == "hang" else 1, share))
        if status == "FAILED":
            record["error"] = "The export could not be made"
        if status in ("READY", "EXPIRED"):
            size = self._config.export_size
            record |= {
                "sizeBytes": len(export.archive) if size is None else size,
                "readingCount": export.counts[0],
                "annotationCount": export.counts[1],
                "completedAt": at(export.done),
                "expiresAt": at(export.ends),
            }
        return record
