"""The feature of exports: bundles of readings and annotations that the vendor makes as jobs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, override

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription
from homeassistant.const import EntityCategory

from ...client.downloads import SafeDownloader
from ...client.errors import PermissionDeniedError, VendorError
from ...contract.vendor import ActionHandler, Feed
from ...models import Channel, ChannelId, FeedUpdate, Freshness, Reading
from .client.api import PlatformApi, is_missing
from .client.exports import ExportsClient
from .export_actions import ExportActions
from .feature import Discovery, Feature
from .inventory import ACCOUNT, OrganisationInventory
from .models.exports import Export, ExportState, joined

EXPORTS: Final = "exports"
NEWEST: Final = "newest_export"

EXPORTS_EVERY: Final = timedelta(minutes=15)
MIN_INTERVAL: Final = timedelta(seconds=15)
_MAX_AWAITED: Final = timedelta(hours=1)

_NEWEST: Final = SensorEntityDescription(
    key=NEWEST,
    translation_key=NEWEST,
    device_class=SensorDeviceClass.ENUM,
    options=[state.value for state in ExportState],
    entity_category=EntityCategory.DIAGNOSTIC,
)


class ExportsFeature(Feature):
    """Poll the exports of one organisation; `show` publishes an update between two polls."""

    title = "exports"

    def __init__(
        self,
        api: PlatformApi,
        inventory_tree: OrganisationInventory,
        links: SafeDownloader,
        *,
        show: Callable[[FeedUpdate], None],
    ) -> None:
        self._client = ExportsClient(api)
        self._monotonic = api.transport.budget.now
        self._vendor_utc = api.now
        self._show = show
        self._known: dict[str, Export] = {}
        self._listed_at: float | None = None
        self._absent: str | None = None
        self._actions = ExportActions(self._client, inventory_tree, links, self)

    # -- polling --

    @override
    async def discover(self) -> Discovery:
        """Return the channel of the newest export, if the deployment lists exports."""
        discovery = Discovery()
        try:
            await self._list()
        except VendorError as err:
            if is_missing(err) or isinstance(err, PermissionDeniedError):
                self._absent = type(err).__name__
                if not isinstance(err, PermissionDeniedError):
                    discovery.failures[self.title] = err
                return discovery
            # After a temporary failure the first poll fetches the list.
            self._listed_at = None
        self._absent = None
        channel = Channel(ACCOUNT, NEWEST, _NEWEST, EXPORTS, keep_when_stale=True)
        discovery.channels.append(channel)
        return discovery

    @override
    def feeds(self) -> Sequence[Feed]:
        if self._absent is not None:
            return []
        return [Feed(EXPORTS, self._fetch, EXPORTS_EVERY, MIN_INTERVAL, is_whole=True)]

    async def _list(self) -> tuple[Freshness, ...]:
        response = await self._client.list_exports()
        self._known = {each.id: joined(self._known.get(each.id), each) for each in response.value}
        self._listed_at = self._monotonic()
        return response.freshness

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Return the state of the newest export; running exports are polled again soon."""
        freshness: tuple[Freshness, ...] = ()
        at = self._listed_at
        if at is None or self._monotonic() - at >= MIN_INTERVAL.total_seconds():
            freshness = await self._list()
        if any(self._is_awaited(export) for export in self._known.values()):
            received, soon = self._monotonic(), MIN_INTERVAL.total_seconds()
            freshness = (Freshness(received=received, expires=received + soon, lifetime=soon),)
        return FeedUpdate(readings=self._readings(), freshness=freshness)

    def _is_awaited(self, export: Export) -> bool:
        """Return whether an export will be ready soon; one that has been running for hours may never be."""
        if export.created_at is None or export.state is None or not export.state.is_under_way:
            return False
        return self._vendor_utc() - export.created_at < _MAX_AWAITED

    # -- states --

    def store(self, export: Export) -> None:
        """Store and show the state of an export."""
        self._known[export.id] = joined(self._known.get(export.id), export)
        self._show(FeedUpdate(readings=self._readings()))

    def remove(self, export: str) -> None:
        """Remove an export that is gone."""
        self._known.pop(export, None)
        self._show(FeedUpdate(readings=self._readings()))

    def _readings(self) -> dict[ChannelId, Reading]:
        dated = [export for export in self._known.values() if export.created_at is not None]
        newest = max(dated, key=lambda export: str(export.created_at), default=None)
        if newest is None:
            return {ChannelId(ACCOUNT, NEWEST): Reading(None)}
        fields = self.describe(newest)
        state = fields.pop("state")
        attributes = {key: value for key, value in fields.items() if isinstance(value, str | int)}
        return {ChannelId(ACCOUNT, NEWEST): Reading(state, attributes=attributes)}

    def describe(self, export: Export) -> dict[str, Any]:
        """Return the fields of an export without its link."""
        export = joined(self._known.get(export.id), export)
        times = {
            "start": export.start,
            "end": export.end,
            "created_at": export.created_at,
            "completed_at": export.completed_at,
            "expires_at": export.expires_at,
        }
        return {
            "export_id": export.id,
            "state": self.state_of(export),
            "scope_type": export.scope_type.lower() if export.scope_type else None,
            "scope_id": export.scope_id,
            "includes": [name.lower() for name in export.includes],
            "size": export.size,
            "readings": export.readings,
            "annotations": export.annotations,
            **{name: at.isoformat() if at else None for name, at in times.items()},
        }

    def state_of(self, export: Export) -> ExportState | None:
        """Return the state of an export; one that was ready has expired after its time, whatever it reports."""
        is_over = export.expires_at is not None and export.expires_at <= self._vendor_utc()
        if export.state is ExportState.READY and is_over:
            return ExportState.EXPIRED
        return export.state

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return self._actions.handlers

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return {"exports": len(self._known), "absent": self._absent}
