"""Run export jobs, from PENDING to a ZIP that can be fetched for a day."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
import json
from typing import Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from .object_storage import ObjectStorage
from .state import Organisation, Record, Sensor, World
from .times import at, written

SCOPES = ("DEVICE", "SITE", "COMPONENT", "SENSOR")
INCLUDES = ("READINGS", "ANNOTATIONS")
_STARTED_AFTER = 2

type Fate = Literal["ready", "fail", "hang"]


@dataclass(slots=True, kw_only=True)
class Export:
    """An export job. done: when it is READY or has failed. ends: when it expires.

    archive: the ZIP, once it is made. counts: of readings and annotations in it.
    """

    id: str
    scope_type: str
    scope: str
    since: int
    until: int
    includes: list[str]
    asked: int
    done: int
    ends: int
    fate: Fate
    archive: bytes = b""
    counts: tuple[int, int] = (0, 0)

    def status(self, now: int) -> str:
        """Return its status: PENDING, RUNNING, READY, FAILED or EXPIRED."""
        if self.fate == "hang" or now < self.done:
            return "PENDING" if now < self.asked + _STARTED_AFTER else "RUNNING"
        if self.fate == "fail":
            return "FAILED"
        return "READY" if now < self.ends else "EXPIRED"

    @property
    def path(self) -> str:
        """Return the storage path of its ZIP."""
        return f"/mk-exports/exports/{self.id}.zip"


@dataclass(slots=True)
class ExportJobs:
    """The exports of all organisations, by organisation and id."""

    world: World
    storage: ObjectStorage
    jobs: dict[str, dict[str, Export]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start empty."""
        for organisation in self.world.organisations:
            organisation.more.append(self.jobs.setdefault(organisation.id, {}))

    def of(self, organisation: Organisation) -> dict[str, Export]:
        """Return an organisation's exports by id, oldest first."""
        return self.jobs[organisation.id]

    def settle(self) -> None:
        """Create the ZIPs that are due."""
        now = self.world.now
        for organisation in self.world.organisations:
            for export in self.of(organisation).values():
                if not export.archive and export.status(now) in ("READY", "EXPIRED"):
                    self._pack(organisation, export)

    def _pack(self, organisation: Organisation, export: Export) -> None:
        readings = list(self._readings(organisation, export))
        annotations = list(_annotations(organisation, export))
        export.counts = len(readings), len(annotations)
        manifest = {
            "scope": {"type": export.scope_type, "id": export.scope},
            "window": {"from": _text(export.since), "to": _text(export.until)},
            "counts": {"readings": len(readings), "annotations": len(annotations)},
        }
        into = BytesIO()
        with ZipFile(into, "w", ZIP_DEFLATED) as archive:
            _add(archive, "manifest.json", json.dumps(manifest, indent=2).encode())
            if "READINGS" in export.includes:
                lines = ["sensor_id,name,timestamp,value", *readings]
                _add(archive, "readings.csv", "\n".join(lines).encode())
            if "ANNOTATIONS" in export.includes:
                _add(archive, "annotations.json", json.dumps(annotations).encode())
        padding = bytes(self.world.config.export_padding)
        if padding:
            with ZipFile(into, "a") as archive:
                _add(archive, "padding.bin", padding)
        export.archive = into.getvalue()
        self.storage.put(export.path, lambda: export.archive, "application/zip")

    def _readings(self, organisation: Organisation, export: Export) -> Iterator[str]:
        if "READINGS" not in export.includes:
            return
        left = self.world.config.export_most
        for sensor in organisation.sensors.values():
            if not _within(sensor, export):
                continue
            for reading in sensor.readings(export.since, export.until, export.done):
                if left == 0:
                    return
                left -= 1
                value = json.dumps(reading.value)
                yield f"{sensor.id},{sensor.name},{_text(reading.time)},{value}"


def _within(sensor: Sensor, export: Export) -> bool:
    component = sensor.component.id if sensor.component else ""
    owners = {
        "DEVICE": sensor.device.id,
        "SITE": sensor.device.site or "",
        "COMPONENT": component,
        "SENSOR": sensor.id,
    }
    return owners[export.scope_type] == export.scope


def _annotations(organisation: Organisation, export: Export) -> Iterator[Record]:
    if "ANNOTATIONS" not in export.includes:
        return
    since, until = str(at(export.since)), str(at(export.until))
    for record in organisation.table("annotations").values():
        if record["scopeId"] == export.scope and since <= str(record["from"]) <= until:
            yield {key: str(value) for key, value in record.items()}


def _add(archive: ZipFile, name: str, body: bytes) -> None:
    archive.writestr(ZipInfo(name, (2026, 1, 1, 0, 0, 0)), body, archive.compression)


def _text(seconds: int) -> str:
    moment = at(seconds)
    assert moment is not None
    return written(moment)
