"""The feature of devices, components, sensors and profiles: the inventory, and the states of the devices."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, override

from ...client.errors import (
    NothingListedError,
    PermissionDeniedError,
    RateLimitedError,
    SignInRejectedError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from ...contract.vendor import Feed
from ...models import ChannelId, FeedUpdate
from . import entities
from .client.api import PlatformResponse, is_missing
from .client.topology import TopologyClient
from .feature import Discovery, Feature, lifetime, oldest
from .inventory import (
    COMPONENTS,
    DEVICES,
    INVENTORY,
    SENSORS,
    OrganisationInventory,
    by_id,
    component_id,
    device_id,
    sensor_key,
)
from .models import topology
from .models.topology import DeviceStatus

STATUSES_EVERY: Final = timedelta(minutes=1)
MIN_INTERVAL: Final = timedelta(seconds=15)
MAX_PAUSE: Final = timedelta(minutes=10)
# Poll interval of the list of devices, for each of its pages.
_PER_PAGE: Final = timedelta(seconds=6)

_STORED_KEY: Final = "organisation"

type FetchList = Callable[[], Awaitable[PlatformResponse[list[Any]]]]


class TopologyFeature(Feature):
    """Fetch the lists into the inventory; `refresh_inventory` fetches everything again when a device appears.

    `monotonic` gives the seconds by which responses are dated, `save_state` has the organisation's id stored,
    `known_channels` gives the channels that have entities from before this start.
    """

    def __init__(
        self,
        client: TopologyClient,
        inventory_tree: OrganisationInventory,
        monotonic: Callable[[], float],
        refresh_inventory: Callable[[], Awaitable[FeedUpdate]],
        *,
        save_state: Callable[[], None],
        known_channels: Callable[[], Iterable[ChannelId]],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._monotonic = monotonic
        self._refresh_inventory = refresh_inventory
        self._save_state = save_state
        self._known_channels = known_channels
        self._organisation: str | None = None
        self._last_list: PlatformResponse[list[topology.Device]] | None = None
        self._unknown_devices: set[str] = set()
        self._requested_at = float("-inf")
        self._pages = 1
        self._lifetime = timedelta(0)
        self.absent: dict[str, str] = {}

    async def identity(self) -> tuple[str | None, list[topology.Device]]:
        """Return the organisation's id, where shown, and the devices; raises NothingListedError without both."""
        devices = (await self._client.devices()).value
        organisation = _organisation_of(devices)
        if organisation is None and not devices:
            organisation = await self._client.organisation()
        if organisation is None and not devices:
            raise NothingListedError("the key shows no device")
        return organisation, devices

    async def _list(self) -> PlatformResponse[list[topology.Device]]:
        """Fetch the devices; raises SignInRejectedError when the key now belongs to another organisation."""
        listed = await self._client.devices()
        organisation = _organisation_of(listed.value)
        if self._organisation is None and organisation is not None:
            self._organisation = organisation
            self._save_state()
        if organisation not in (None, self._organisation):
            if self._inventory_tree.known_ids.isdisjoint(
                device_id(device.id) for device in listed.value
            ):
                raise SignInRejectedError("the key shows another organisation")
            self._organisation = organisation  # the id has changed, the devices are the same
            self._save_state()
        return listed

    @override
    async def discover(self) -> Discovery:
        """Fetch the lists; raises the error of the devices' list, any other list may fail by itself."""
        discovery = Discovery()
        inventory_tree, client = self._inventory_tree, self._client
        if not inventory_tree.known_ids:
            inventory_tree.known_ids = frozenset(
                channel.device for channel in self._known_channels()
            )
        self._last_list = listed = await self._list()
        inventory_tree.devices = by_id(listed.value)
        self._record_list(discovery, DEVICES, listed)
        discovery.freshness += listed.freshness
        needed: dict[str, FetchList] = {"components": client.components, "sensors": client.sensors}
        others: dict[str, FetchList] = {
            "sites": client.sites,
            "groups": client.device_groups,
            "sensor_profiles": client.sensor_profiles,
            "device_profiles": client.device_profiles,
        }
        for name, fetch in (needed | others).items():
            rows = await self._fetch_list(discovery, name, fetch, is_needed=name in needed)
            if rows is not None:
                setattr(inventory_tree, name, rows if name.endswith("_profiles") else by_id(rows))
            inventory_tree.are_components_known |= name == "components" and (
                rows is not None or name in self.absent
            )
        self._update_known_ids(discovery)
        self._date_sensor_list(discovery)
        discovery.devices += entities.devices(inventory_tree)
        self._record_cost(listed)
        discovery.channels += entities.status_channels(inventory_tree, 3 * self._poll_interval)
        return discovery

    def _update_known_ids(self, discovery: Discovery) -> None:
        """Update the known ids; they stay while a list is missing or incomplete."""
        inventory_tree = self._inventory_tree
        listed = {
            *map(device_id, inventory_tree.devices),
            *map(component_id, inventory_tree.components),
        }
        were_listed = {
            "components": self._had_components,
            "sensors": any(key.startswith(sensor_key("")) for _, key in self._known_channels()),
        }
        if any(were_listed.get(name) for name in self.absent):
            discovery.is_complete = False  # a list that was available before is missing for now
        inventory_tree.known_ids = frozenset(
            listed if discovery.is_complete else inventory_tree.known_ids | listed
        )

    def _date_sensor_list(self, discovery: Discovery) -> None:
        """Date the list of sensors by the lists that it needs; None keeps sensors while one of these is missing."""
        discovery.lists[INVENTORY] = discovery.lists[DEVICES]
        if SENSORS not in discovery.lists:
            return
        needed = [DEVICES, SENSORS]
        if COMPONENTS not in self.absent or self._had_components:
            needed.append(COMPONENTS)
        times = [discovery.lists.get(name) for name in needed]
        known = [received for received in times if received is not None]
        discovery.lists[SENSORS] = min(known) if len(known) == len(needed) else None

    @property
    def _had_components(self) -> bool:
        return any(each.startswith(component_id("")) for each in self._inventory_tree.known_ids)

    async def _fetch_list(
        self,
        discovery: Discovery,
        name: str,
        fetch: FetchList,
        *,
        is_needed: bool,
    ) -> list[Any] | None:
        """Fetch one list; return None where it fails, which keeps its known records."""
        try:
            response = await fetch()
        except VendorError as err:
            if is_missing(err) or (isinstance(err, PermissionDeniedError) and not is_needed):
                self.absent[name] = type(err).__name__
            else:
                discovery.is_complete = False
            # A key may lack the permission for some lists: the diagnostics name these.
            if is_needed or not isinstance(err, PermissionDeniedError):
                discovery.failures[name.replace("_", " ")] = err
            return None
        self.absent.pop(name, None)
        self._record_list(discovery, name, response)
        if name == COMPONENTS and not response.value and self._had_components:
            # An empty list would move all sensors to other devices, so it is not believed.
            discovery.lists[name], discovery.is_complete = None, False
        return response.value

    @staticmethod
    def _record_list(
        discovery: Discovery, name: str, response: PlatformResponse[list[Any]]
    ) -> None:
        is_full = response.is_whole and not response.rejected
        discovery.rejected += response.rejected
        discovery.is_complete &= is_full
        discovery.lists[name] = oldest(response.freshness) if is_full else None

    # -- states of the devices --

    @override
    def feeds(self) -> Sequence[Feed]:
        return [
            Feed(entities.STATUSES, self._statuses, STATUSES_EVERY, MIN_INTERVAL, is_whole=True)
        ]

    async def _statuses(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Return the states of the devices; a list that was just fetched for the inventory is used again."""
        listed, self._last_list = self._last_list, None
        if (
            listed is None
            and self._monotonic() - self._requested_at < self._poll_interval.total_seconds() - 1
        ):
            return FeedUpdate()
        if listed is None or not self._is_recent(listed):
            listed = await self._list()
        self._requested_at = self._monotonic()
        self._record_cost(listed)
        is_new = self._store(listed)
        refreshed, failure = None, None
        if is_new and listed.is_whole:
            try:
                refreshed = await self._refresh_inventory()
            except (
                PermissionDeniedError,
                RateLimitedError,
                UnexpectedResponseError,
                UnreachableError,
            ) as err:
                failure = err  # the states of the devices are known all the same
                self._unknown_devices.clear()
        return FeedUpdate(
            readings=entities.status_readings(listed.value),
            freshness=listed.freshness,
            inventory=refreshed.inventory if refreshed else None,
            rejected=listed.rejected,
            failure=failure,
        )

    def _store(self, listed: PlatformResponse[list[topology.Device]]) -> bool:
        """Store the devices; return whether one is new or has just become active."""
        known = self._inventory_tree.devices
        strangers = {device.id for device in listed.value if device.id not in known}
        are_new = bool(strangers - self._unknown_devices)
        self._unknown_devices |= strangers
        for device in listed.value:
            if (before := known.get(device.id)) is not None:
                is_pending = before.status is DeviceStatus.PENDING
                are_new |= is_pending and device.status is DeviceStatus.ACTIVE
                known[device.id] = device
        return are_new

    @property
    def _poll_interval(self) -> timedelta:
        """Return the poll interval of the list of devices: longer with many pages, and never before it expires."""
        pause = min(max(STATUSES_EVERY, self._pages * _PER_PAGE), MAX_PAUSE)
        return max(pause, self._lifetime)

    def _record_cost(self, listed: PlatformResponse[list[topology.Device]]) -> None:
        """Store the number of pages and the lifetime of the list of devices."""
        self._pages, self._lifetime = len(listed.freshness), lifetime(listed.freshness)

    def _is_recent(self, listed: PlatformResponse[list[topology.Device]]) -> bool:
        newest = max((reply.received for reply in listed.freshness), default=float("-inf"))
        return self._monotonic() - newest < MIN_INTERVAL.total_seconds()

    # -- stored state, diagnostics --

    @override
    def restore_state(self, stored_state: Mapping[str, Any]) -> None:
        stored = stored_state.get(_STORED_KEY)
        self._organisation = stored if isinstance(stored, str) else None

    @override
    def stored_state(self) -> Mapping[str, Any]:
        return {_STORED_KEY: self._organisation}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        inventory_tree = self._inventory_tree
        return {
            "devices": len(inventory_tree.devices),
            "components": len(inventory_tree.components),
            "sensors": len(inventory_tree.sensors),
            "sites": len(inventory_tree.sites),
            "sensor_profiles": len(inventory_tree.sensor_profiles),
            "absent": dict(self.absent),
        }


def _organisation_of(devices: Sequence[topology.Device]) -> str | None:
    """Return the organisation's id that the devices name, None where none does."""
    return next((device.organisation for device in devices if device.organisation), None)
