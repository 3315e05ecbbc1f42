"""Exports are asked for, followed to their end, downloaded and deleted."""

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
from .media_schemas import DOWNLOAD, EXPORT_ID, INCLUDES, PATIENCE
from .models.exports import Export, ExportState

MAX_BYTES: Final = 16 * 1024**3
_PAUSES: Final = (2.0, 4.0, 8.0, 15.0, 30.0)


class Shelf(Protocol):
    """Where it is shown how far exports are."""

    def keep(self, export: Export) -> None:
        """Show how far an export is now."""

    def forget(self, export: str) -> None:
        """Show that an export is gone."""

    def told(self, export: Export) -> dict[str, Any]:
        """What is told of an export: never its link."""

    def state_of(self, export: Export) -> ExportState | None:
        """How far it is."""


class ExportActions:
    """The actions about exports of one organisation."""

    def __init__(
        self,
        client: ExportsClient,
        inventory_tree: OrganisationInventory,
        links: SafeDownloader,
        shelf: Shelf,
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._links = links
        self._shelf = shelf
        self.handlers: Mapping[str, ActionHandler] = {
            "create_export": self._create,
            "list_exports": self._list,
            "download_export": self._download,
            "delete_export": self._delete,
        }

    async def _create(self, call: ActionCall) -> Mapping[str, Any]:
        """Submit a job and follow it; after `timeout` seconds it goes on without us."""
        kind, scope = self._scope(call)
        start, end = call.fields["start"], call.fields["end"]
        includes = [name.upper() for name in call.fields[INCLUDES]]
        export = await self._client.create_export(kind, scope, start, end, includes)
        self._shelf.keep(export)
        for pause in _pauses(call.fields[PATIENCE]):
            if not _is_under_way(export):
                break
            await asyncio.sleep(pause)
            export = await self._asked(export)
            self._shelf.keep(export)
        outcome = self._shelf.told(export)
        if _is_under_way(export):
            outcome["work"] = Job(f"export {export.id}", partial(self._go_on, export))
        if call.fields[DOWNLOAD] and self._shelf.state_of(export) is ExportState.READY:
            outcome["file"] = self._file(export)
        return outcome

    def _scope(self, call: ActionCall) -> tuple[str, str]:
        """What is to be exported: a device, a component, one sensor, or a site."""
        if call.device is not None:
            for kind, known, name in (
                ("DEVICE", self._inventory_tree.devices, device_id),
                ("COMPONENT", self._inventory_tree.components, component_id),
            ):
                if (found := call.device.removeprefix(name(""))) in known:
                    return kind, found
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

    async def _asked(self, export: Export) -> Export:
        """How far it is; a failure that may pass is no news, and what is gone has expired."""
        try:
            return await self._client.get_export(export.id)
        except UnreachableError, RateLimitedError:
            return export
        except UnexpectedResponseError as err:
            if not is_missing(err):
                raise
            return Export(id=export.id, state=ExportState.EXPIRED, created_at=export.created_at)

    async def _go_on(self, export: Export) -> JobState:
        """Show how far it is after nobody waits for it any more."""
        export = await self._asked(export)
        self._shelf.keep(export)
        return JobState.RUNNING if _is_under_way(export) else JobState.DONE

    async def _list(self, call: ActionCall) -> Mapping[str, Any]:
        answer = await self._client.list_exports()
        exports = [self._shelf.told(export) for export in answer.value]
        return {"exports": exports, "is_complete": answer.is_whole}

    async def _download(self, call: ActionCall) -> Mapping[str, Any]:
        export = await self._client.get_export(call.fields[EXPORT_ID])
        self._shelf.keep(export)
        if self._shelf.state_of(export) is not ExportState.READY:
            raise ValueError(EXPORT_ID)
        return {**self._shelf.told(export), "file": self._file(export)}

    async def _delete(self, call: ActionCall) -> Mapping[str, Any]:
        await self._client.delete_export(call.fields[EXPORT_ID])
        self._shelf.forget(call.fields[EXPORT_ID])
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
        """Download by a fresh link, and by another one where the first is refused."""
        try:
            await self._links.file(await self._link(export), take, MAX_BYTES)
        except UnexpectedResponseError as err:
            if err.status is None:
                raise
            await self._links.file(await self._link(export), take, MAX_BYTES)

    async def _link(self, export: str) -> str:
        """A link to the bundle; each is good for a while, and kept nowhere."""
        found = await self._client.get_export(export)
        if found.url is None:
            raise UnexpectedResponseError("the export has no link")
        return found.url


def _is_under_way(export: Export) -> bool:
    """Whether more may come of it; where its word is not known, that may be so."""
    return export.state is None or export.state.is_under_way


def _pauses(patience: float) -> Iterator[float]:
    pauses = iter(_PAUSES)
    pause = _PAUSES[-1]
    while patience > 0:
        pause = min(next(pauses, pause), patience)
        yield pause
        patience -= pause
