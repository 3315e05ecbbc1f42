"""Export jobs as typed records (REST API page, "Export data").

A job says whom it was requested by: that is a person, and is not read.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from ....client.decode import Row, nested, to_int, to_text
from .fields import first_of, references, time_of, word


class ExportState(StrEnum):
    """The state of an export. The vendor names the first three; the others are inferred."""

    PENDING = "pending"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def is_under_way(self) -> bool:
        """Return whether more may come of it."""
        return self in (ExportState.PENDING, ExportState.RUNNING)


_WORDS: Final = {
    **dict.fromkeys(
        ("PENDING", "QUEUED", "SUBMITTED", "REQUESTED", "CREATED"), ExportState.PENDING
    ),
    **dict.fromkeys(("RUNNING", "PROCESSING", "IN_PROGRESS", "STARTED"), ExportState.RUNNING),
    **dict.fromkeys(("READY", "COMPLETED", "COMPLETE", "DONE", "SUCCESS"), ExportState.READY),
    **dict.fromkeys(("FAILED", "FAILURE", "ERROR", "ABORTED", "TIMEOUT"), ExportState.FAILED),
    **dict.fromkeys(("CANCELLED", "CANCELED", "REJECTED"), ExportState.FAILED),
    **dict.fromkeys(("EXPIRED", "DELETED", "GONE"), ExportState.EXPIRED),
}


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export job; `state` is None for a literal that is not known. `url` is good for a while only."""

    id: str
    state: ExportState | None = None
    scope_type: str | None = None
    scope_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    includes: tuple[str, ...] = ()
    size: int | None = None
    readings: int | None = None
    annotations: int | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    url: str | None = None

    def __repr__(self) -> str:
        """Tell which one it is and no link."""
        return f"Export({self.id}, {self.state})"


def joined(before: Export | None, now: Export) -> Export:
    """Return an export as it is now, with earlier fields that are left out now.

    In the vendor's example a job that is ready tells neither its scope nor when it was created.
    """
    if before is None:
        return now
    kept = ("scope_type", "scope_id", "start", "end", "includes", "created_at")
    return replace(now, **{name: getattr(now, name) or getattr(before, name) for name in kept})


def read_export(record_id: str, row: Row) -> Export:
    """Read an export job."""
    said = word(row, "status", "state")
    url = row.get("downloadUrl")
    return Export(
        id=record_id,
        state=_WORDS.get(said or ""),
        scope_type=word(row, "scopeType") or word(nested(row, "scope"), "type"),
        scope_id=to_text(row.get("scopeId")) or to_text(nested(row, "scope").get("id")),
        start=time_of(row, "from"),
        end=time_of(row, "to"),
        includes=references(row, "includes") or (),
        size=_count(row, "sizeBytes"),
        readings=_count(row, "readingCount"),
        annotations=_count(row, "annotationCount"),
        created_at=time_of(row, "createdAt"),
        completed_at=time_of(row, "completedAt"),
        expires_at=time_of(row, "expiresAt"),
        url=url if isinstance(url, str) and url else None,
    )


def _count(row: Row, name: str) -> int | None:
    read = first_of(row, (name,), to_int)
    return read if read is not None and read >= 0 else None
