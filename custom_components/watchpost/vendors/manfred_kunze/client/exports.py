"""Export jobs (REST API page, "Export data")."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aiohttp.hdrs import METH_DELETE, METH_POST

from ....client.decode import Row, identifier, to_utc_text
from ....client.errors import UnexpectedResponseError
from ..models.exports import Export, read_export
from .api import PlatformApi, PlatformResponse, single

EXPORTS: Final = "/exports"

_READ: Final = "read exports"
_CHANGE: Final = "export data"

MAX_EXPORTS: Final = 2_000


class ExportsClient:
    """The calls of export jobs. Every method raises a `VendorError`; writes are never repeated."""

    def __init__(self, api: PlatformApi) -> None:
        self._api = api

    async def create_export(
        self,
        scope_type: str,
        scope_id: str,
        start: datetime,
        end: datetime,
        includes: Sequence[str],
    ) -> Export:
        """Submit a job: POST /exports, answered with 201 and the job, which is PENDING."""
        body = {
            "scopeType": scope_type,
            "scopeId": scope_id,
            "from": to_utc_text(start),
            "to": to_utc_text(end),
            "includes": list(includes),
        }
        row = single(await self._api.send(METH_POST, EXPORTS, body, permission=_CHANGE))
        export = _read(row) if row is not None else None
        if export is None:
            raise UnexpectedResponseError("the reply shows no export")
        return export

    async def get_export(self, export: str) -> Export:
        """Return a job as it is now; each time with a new link if it is ready: GET /exports/{id}."""
        return (await self._api.one(f"{EXPORTS}/{export}", _read, permission=_READ)).value

    async def list_exports(self) -> PlatformResponse[list[Export]]:
        """Return the organisation's jobs: GET /exports."""
        return await self._api.pages(
            EXPORTS, "export", read_export, permission=_READ, most=MAX_EXPORTS
        )

    async def delete_export(self, export: str) -> None:
        """Remove a finished job and its file: DELETE /exports/{id}."""
        await self._api.send(METH_DELETE, f"{EXPORTS}/{export}", permission=_CHANGE)


def _read(row: Row) -> Export | None:
    found = identifier(row.get("id"))
    return read_export(found, row) if found is not None else None
