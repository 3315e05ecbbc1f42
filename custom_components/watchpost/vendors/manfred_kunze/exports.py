"""The part of exports: bundles of readings and annotations that the vendor makes in its own time."""

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
_AWAITED: Final = timedelta(hours=1)

_NEWEST: Final = SensorEntityDescription(
    key=NEWEST,
    translation_key=NEWEST,
    device_class=SensorDeviceClass.ENUM,
    options=[state.value for state in ExportState],
    entity_category=EntityCategory.DIAGNOSTIC,
)


class ExportsFeature(Feature):
    """The exports of one organisation; `show` has how far they are shown between two polls."""

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
        self._clock = api.transport.budget.now
        self._now = api.now
        self._show = show
        self._known: dict[str, Export] = {}
        self._listed_at: float | None = None
        self._absent: str | None = None
        self._actions = ExportActions(self._client, inventory_tree, links, self)

    # -- polling --

    @override
    async def survey(self) -> Discovery:
        """Find out whether exports are listed at all."""
        found = Discovery()
        try:
            await self._list()
        except VendorError as err:
            if is_missing(err) or isinstance(err, PermissionDeniedError):
                self._absent = type(err).__name__
                if not isinstance(err, PermissionDeniedError):
                    found.failures[self.title] = err
                return found
            # What may pass costs the first look alone.
            self._listed_at = None
        self._absent = None
        channel = Channel(ACCOUNT, NEWEST, _NEWEST, EXPORTS, keep_when_stale=True)
        found.channels.append(channel)
        return found

    @override
    def feeds(self) -> Sequence[Feed]:
        if self._absent is not None:
            return []
        return [Feed(EXPORTS, self._fetch, EXPORTS_EVERY, MIN_INTERVAL, is_whole=True)]

    async def _list(self) -> tuple[Freshness, ...]:
        answer = await self._client.list_exports()
        self._known = {each.id: joined(self._known.get(each.id), each) for each in answer.value}
        self._listed_at = self._clock()
        return answer.freshness

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """The exports as they are now; what is under way is looked at again before long."""
        fresh: tuple[Freshness, ...] = ()
        at = self._listed_at
        if at is None or self._clock() - at >= MIN_INTERVAL.total_seconds():
            fresh = await self._list()
        if any(self._is_awaited(export) for export in self._known.values()):
            now, soon = self._clock(), MIN_INTERVAL.total_seconds()
            fresh = (Freshness(received=now, expires=now + soon, lifetime=soon),)
        return FeedUpdate(readings=self._readings(), freshness=fresh)

    def _is_awaited(self, export: Export) -> bool:
        """Whether an export will be ready before long; one that has been made for hours may never be."""
        if export.created_at is None or export.state is None or not export.state.is_under_way:
            return False
        return self._now() - export.created_at < _AWAITED

    # -- what is known --

    def keep(self, export: Export) -> None:
        """Show how far an export is now."""
        self._known[export.id] = joined(self._known.get(export.id), export)
        self._show(FeedUpdate(readings=self._readings()))

    def forget(self, export: str) -> None:
        """Show that an export is gone."""
        self._known.pop(export, None)
        self._show(FeedUpdate(readings=self._readings()))

    def _readings(self) -> dict[ChannelId, Reading]:
        dated = [export for export in self._known.values() if export.created_at is not None]
        newest = max(dated, key=lambda export: str(export.created_at), default=None)
        if newest is None:
            return {ChannelId(ACCOUNT, NEWEST): Reading(None)}
        told = self.told(newest)
        state = told.pop("state")
        attributes = {key: value for key, value in told.items() if isinstance(value, str | int)}
        return {ChannelId(ACCOUNT, NEWEST): Reading(state, attributes=attributes)}

    def told(self, export: Export) -> dict[str, Any]:
        """What is told of an export: never its link."""
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
        """How far it is; what was ready has expired when its time is over, whatever it calls itself."""
        is_over = export.expires_at is not None and export.expires_at <= self._now()
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
