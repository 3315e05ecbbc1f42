"""Safety reports: jobs of the vendor, polled until they end, and their files."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ...client.decode import Row, identifier
from ...client.errors import UnexpectedResponseError
from ...client.transport import Response
from ...contract.media import MediaFile
from .client import SensorZoneClient
from .decode import pick, read_one, words
from .downloads import fetched

_DONE: Final = frozenset(
    {"completed", "complete", "done", "finished", "ready", "success", "succeeded", "generated"}
)
_FAILED: Final = frozenset(
    {"failed", "failure", "error", "errored", "cancelled", "canceled", "aborted"}
)

FIRST_WAIT: Final = 2.0
MAX_WAIT: Final = 30.0
PATIENCE: Final = 900.0

_EXTENSIONS: Final = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/json": "json",
    "application/vnd.api+json": "json",
    "text/html": "html",
    "application/zip": "zip",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}


def state_of(row: Row) -> str:
    """Return the state of a report: `running`, `done` or `failed`; a report with a link is done."""
    word = (words(row, "status", "state", "job_status") or "").lower()
    if word in _FAILED:
        return "failed"
    is_done = word in _DONE or (
        not word and pick(row, "download_url", "url", "file_url", "finished_at")
    )
    return "done" if is_done else "running"


async def followed(row: Row, ask: Callable[[str], Awaitable[Row | None]]) -> tuple[str | None, str]:
    """Poll a report with back-off for a quarter of an hour at most; return its id and last state."""
    report, state = identifier(row.get("id")), state_of(row)
    wait, waited = FIRST_WAIT, 0.0
    while report is not None and state == "running" and waited < PATIENCE:
        await asyncio.sleep(wait)
        waited, wait = waited + wait, min(2 * wait, MAX_WAIT)
        state = state_of(await ask(report) or {})
    return report, state


async def file_of(client: SensorZoneClient, report: str) -> MediaFile:
    """Download a finished report; raise a `VendorError`."""
    return named_file(f"sensorzone_report_{report}", await downloaded(client, report))


async def downloaded(client: SensorZoneClient, report: str) -> Response:
    """Return the file of a report, directly or by the link in the response."""
    reply = await client.report_file(report)
    if "json" not in reply.content_type:
        return reply
    row = read_one(reply.body) or {}
    link = pick(row, "url", "download_url", "file_url", "href", "links.download", "links.self")
    if not isinstance(link, str):
        return reply
    found = await fetched(client, link)
    if found is None:
        raise UnexpectedResponseError("the link to the report leads to another place")
    return found


def named_file(stem: str, reply: Response) -> MediaFile:
    """Return a response as a file, with an extension by its content type."""
    kind = reply.content_type.partition(";")[0].strip().lower()
    return MediaFile(f"{stem}.{_EXTENSIONS.get(kind, 'bin')}", reply.body)
