"""Calls for exports, the quarantine, firmware and billing."""

from collections.abc import Callable, Mapping

from simulators.response import Reply

from .exports import INCLUDES, SCOPES, Export, Exporting
from .object_storage import Storage
from .request import ApiError, Visit
from .responder import Desk
from .state import Record
from .times import at

_FIRMWARE = "firmware"


class ExportCalls:
    """Answers them."""

    def __init__(self, desk: Desk, exporting: Exporting, storage: Storage) -> None:
        """Ask the desk."""
        self._desk = desk
        self._exporting = exporting
        self._storage = storage
        self._plan = desk.world.plan

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
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

    def add(self, visit: Visit) -> Reply:
        """Begin an export."""
        scope_type, scope = visit.literal("scopeType", SCOPES, None), visit.text("scopeId")
        organisation, now = visit.organisation, visit.now
        among: dict[str, Mapping[str, object]] = {
            "DEVICE": organisation.devices,
            "SITE": organisation.table("sites"),
            "COMPONENT": organisation.components,
            "SENSOR": organisation.sensors,
        }
        self._desk.by_id(visit, among[scope_type], scope)
        includes = visit.body.get("includes")
        if not isinstance(includes, list) or not includes or not set(includes) <= set(INCLUDES):
            raise ApiError(400, "includes is not one of the known")
        since, until = visit.moment("from"), visit.moment("to")
        if since >= until:
            raise ApiError(400, "from must be before to")
        done = now + self._plan.export_seconds
        export = Export(
            id=organisation.new_id(), scope_type=scope_type, scope=scope, since=since, until=until,
            includes=includes, asked=now, done=done, ends=done + self._plan.export_life,
            fate=self._plan.export_fate,
        )  # fmt: skip
        self._exporting.of(organisation)[export.id] = export
        return self._desk.one(visit, "exports", self._record(export, now), status=201)

    def exports(self, visit: Visit) -> Reply:
        """List the exports, without links."""
        found = self._exporting.of(visit.organisation).values()
        records = [self._record(one, visit.now) for one in found]
        return self._desk.many(visit, "exports", self._desk.in_order(records, "createdAt"))

    def export(self, visit: Visit) -> Reply:
        """Show one export; each time with a fresh link, once it is READY."""
        export = self._desk.found(visit, self._exporting.of(visit.organisation))
        record = self._record(export, visit.now)
        if export.status(visit.now) == "READY":
            link, _ = self._storage.link(export.path, export.ends - visit.now)
            record["downloadUrl"] = link
        return self._desk.one(visit, "exports", record)

    def remove(self, visit: Visit) -> Reply:
        """Delete an export that is not under way."""
        jobs = self._exporting.of(visit.organisation)
        export = self._desk.found(visit, jobs)
        if export.status(visit.now) in ("PENDING", "RUNNING"):
            raise ApiError(409, "The export is under way")
        self._storage.objects.pop(export.path, None)
        del jobs[export.id]
        return Reply(204, body=b"")

    def quarantine(self, visit: Visit) -> Reply:
        """List the payloads that were rejected."""
        records = list(visit.organisation.table("quarantine").values())
        return self._desk.many(visit, "quarantine", self._desk.in_order(records, "receivedAt"))

    def release(self, visit: Visit) -> Reply:
        """Forget a payload that was rejected."""
        table = visit.organisation.table("quarantine")
        del table[str(self._desk.found(visit, table)["id"])]
        return Reply(204, body=b"")

    def firmware(self, visit: Visit) -> Reply:
        """List the versions of firmware."""
        return self._desk.many(visit, _FIRMWARE, list(visit.organisation.table(_FIRMWARE).values()))

    def firmware_version(self, visit: Visit) -> Reply:
        """Show one of them."""
        found = self._desk.found(visit, visit.organisation.table(_FIRMWARE))
        return self._desk.one(visit, _FIRMWARE, found)

    def grant(self, visit: Visit) -> Reply:
        """Give a link to a version, for a short time."""
        found = self._desk.found(visit, visit.organisation.table(_FIRMWARE))
        path = f"/mk-firmware/{found['id']}.bin"
        self._storage.put(path, lambda: str(found["version"]).encode(), "application/octet-stream")
        link, until = self._storage.link(path, self._plan.link_seconds)
        return self._desk.one(
            visit, "links", {"downloadUrl": link, "expiresAt": at(until)}, created=True
        )

    def billing(self, visit: Visit) -> Reply:
        """Show what the organisation pays for."""
        used: Record = {
            "devices": len(visit.organisation.devices),
            "sensors": len(visit.organisation.sensors),
        }
        record: Record = {"planName": "Team", "currency": "EUR", "usage": used}
        return self._desk.one(visit, "billing", record)

    def _record(self, export: Export, now: int) -> Record:
        forms, status = self._plan.forms, export.status(now)
        named = {"FAILED": forms.export_failed, "EXPIRED": forms.export_expired}
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
        if status == "READY" and forms.export_ready == "short":
            kept = ("id", "status", "createdAt")
            record = {key: record[key] for key in kept}
        if forms.export_progress:
            share = (now - export.asked) / max(1, export.done - export.asked)
            record["progress"] = round(100 * min(0.9 if export.fate == "hang" else 1, share))
        if status == "FAILED":
            record["error"] = "The export could not be made"
        if status in ("READY", "EXPIRED"):
            size = self._plan.export_size
            record |= {
                "sizeBytes": len(export.archive) if size is None else size,
                "readingCount": export.counts[0],
                "annotationCount": export.counts[1],
                "completedAt": at(export.done),
                "expiresAt": at(export.ends),
            }
        return record
