"""Create exports, follow their jobs, download and delete them."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, Protocol
import zipfile

from ...client.downloads import SafeDownloader, Take
from ...client.errors import RateLimitedError, UnexpectedResponseError, UnreachableError
from ...contract.media import MediaDownload
from ...contract.vendor import ActionCall, ActionHandler
from ...models import Job, JobState
from .client.api import is_missing
from .client.exports import ExportsClient
from .control_schemas import SITE_ID
from .inventory import OrganisationInventory, component_id, device_id, sensor_key
from .media_schemas import DOWNLOAD, EXPORT_ID, INCLUDES, TIMEOUT
from .models.exports import Export, ExportState

MAX_BYTES: Final = 16 * 1024**3
_PAUSES: Final = (2.0, 4.0, 8.0, 15.0, 30.0)


class ExportStore(Protocol):
    """Keep and show the states of exports."""

    def store(self, export: Export) -> None:
        """Store and show the state of an export."""

    def remove(self, export: str) -> None:
        """Remove an export that is gone."""

    def describe(self, export: Export) -> dict[str, Any]:
        """Return the fields of an export without its link."""

    def state_of(self, export: Export) -> ExportState | None:
        """Return the state of an export."""


class ExportActions:
    """Run the actions about exports of one organisation."""

    def __init__(
        self,
        client: ExportsClient,
        inventory_tree: OrganisationInventory,
        links: SafeDownloader,
        exports: ExportStore,
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._links = links
        self._exports = exports
        self.handlers: Mapping[str, ActionHandler] = {
            "create_export": self._create,
            "list_exports": self._list,
            "download_export": self._download,
            "delete_export": self._delete,
        }

    async def _create(self, call: ActionCall) -> Mapping[str, Any]:
        """Submit an export and follow it for `timeout` seconds; then it is followed as a job."""
        kind, scope = self._target(call)
        start, end = call.fields["start"], call.fields["end"]
        includes = [name.upper() for name in call.fields[INCLUDES]]
        export = await self._client.create_export(kind, scope, start, end, includes)
        self._exports.store(export)
        for pause in _pauses(call.fields[TIMEOUT]):
            if not _is_running(export):
                break
            await asyncio.sleep(pause)
            export = await self._poll(export)
            self._exports.store(export)
        outcome = self._exports.describe(export)
        if _is_running(export):
            outcome["work"] = Job(f"export {export.id}", partial(self._poll_job, export))
        if call.fields[DOWNLOAD] and self._exports.state_of(export) is ExportState.READY:
            outcome["file"] = self._file(export)
        return outcome

    def _target(self, call: ActionCall) -> tuple[str, str]:
        """Return kind and id of the exported device, component, sensor or site."""
        if call.device is not None:
            for kind, known, name in (
                ("DEVICE", self._inventory_tree.devices, device_id),
                ("COMPONENT", self._inventory_tree.components, component_id),
            ):
                if (record_id := call.device.removeprefix(name(""))) in known:
                    return kind, record_id
            raise ValueError("device_id")
        if (channels := call.fields.get("channels")) is not None:
            keys = [channel.key for channel in channels]
            sensors = [key.removeprefix(sensor_key("")) for key in keys]
            if len(sensors) != 1 or sensors[0] not in self._inventory_tree.sensors:
                raise ValueError("entity_id")
            return "SENSOR", sensors[0]
        if (site := call.fields.get(SITE_ID)) is None:
            raise ValueError(SITE_ID)
        return "SITE", site

    async def _poll(self, export: Export) -> Export:
        """Return the current state of an export; a temporary failure keeps the known one, a 404 means expired."""
        try:
            return await self._client.get_export(export.id)
        except UnreachableError, RateLimitedError:
            return export
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise
            return Export(id=export.id, state=ExportState.EXPIRED, created_at=export.created_at)

    async def _poll_job(self, export: Export) -> JobState:
        """Poll an export as a job, and show its state."""
        export = await self._poll(export)
        self._exports.store(export)
        return JobState.RUNNING if _is_running(export) else JobState.DONE

    async def _list(self, call: ActionCall) -> Mapping[str, Any]:
        response = await self._client.list_exports()
        exports = [self._exports.describe(export) for export in response.value]
        return {"exports": exports, "is_complete": response.is_whole}

    async def _download(self, call: ActionCall) -> Mapping[str, Any]:
        export = await self._client.get_export(call.fields[EXPORT_ID])
        self._exports.store(export)
        if self._exports.state_of(export) is not ExportState.READY:
            raise ValueError(EXPORT_ID)
        return {**self._exports.describe(export), "file": self._file(export)}

    async def _delete(self, call: ActionCall) -> Mapping[str, Any]:
        await self._client.delete_export(call.fields[EXPORT_ID])
        self._exports.remove(call.fields[EXPORT_ID])
        return {}

    # -- the file --

    def _file(self, export: Export) -> MediaDownload:
        return MediaDownload(
            f"manfred_kunze_export_{export.id}.zip",
            partial(self._fetch, export.id),
            export.size,
            zipfile.is_zipfile,
        )

    async def _fetch(self, export: str, take: Take) -> None:
        """Download by a new link, and by another one where the first is refused."""
        try:
            await self._links.file(await self._link(export), take, MAX_BYTES)
        except UnexpectedResponseError as err:
            if err.status is None:
                raise
            await self._links.file(await self._link(export), take, MAX_BYTES)

    async def _link(self, export: str) -> str:
        """Return a short-lived link to the bundle, which is not stored."""
        current = await self._client.get_export(export)
        if current.url is None:
            raise UnexpectedResponseError("the export has no link")
        return current.url


def _is_running(export: Export) -> bool:
    """Return whether an export may still change; an unknown state may."""
    return export.state is None or export.state.is_under_way


def _pauses(timeout: float) -> Iterator[float]:
    pauses = iter(_PAUSES)
    pause = _PAUSES[-1]
    while timeout > 0:
        pause = min(next(pauses, pause), timeout)
        yield pause
        timeout -= pause
