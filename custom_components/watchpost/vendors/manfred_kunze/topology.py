"""The part of devices, components, sensors and profiles: what there is, and in which state the devices are."""

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
# So long for each page of the list of devices until it is read again.
_PER_PAGE: Final = timedelta(seconds=6)

_KEPT: Final = "organisation"

type Ask = Callable[[], Awaitable[PlatformResponse[list[Any]]]]


class TopologyFeature(Feature):
    """Lists what there is, into the estate; `resurvey` reads everything anew when a device appears.

    `remembered` are the channels that have entities from before this start.
    """

    def __init__(
        self,
        client: TopologyClient,
        inventory_tree: OrganisationInventory,
        now: Callable[[], float],
        resurvey: Callable[[], Awaitable[FeedUpdate]],
        *,
        changed: Callable[[], None],
        remembered: Callable[[], Iterable[ChannelId]],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._now = now
        self._resurvey = resurvey
        self._changed = changed
        self._remembered = remembered
        self._known: str | None = None
        self._listed: PlatformResponse[list[topology.Device]] | None = None
        self._strangers: set[str] = set()
        self._asked = float("-inf")
        self._pages = 1
        self._lifetime = timedelta(0)
        self.absent: dict[str, str] = {}

    async def identity(self) -> tuple[str | None, list[topology.Device]]:
        """The organisation's id, if any answer shows it, and the devices; raises NothingListedError without either."""
        devices = (await self._client.devices()).value
        organisation = _organisation(devices)
        if organisation is None and not devices:
            organisation = await self._client.organisation()
        if organisation is None and not devices:
            raise NothingListedError("the key shows no device")
        return organisation, devices

    async def _list(self) -> PlatformResponse[list[topology.Device]]:
        """List the devices; raises SignInRejectedError when the key has come to show another organisation."""
        listed = await self._client.devices()
        organisation = _organisation(listed.value)
        if self._known is None and organisation is not None:
            self._known = organisation
            self._changed()
        if organisation not in (None, self._known):
            if self._inventory_tree.known.isdisjoint(
                device_id(device.id) for device in listed.value
            ):
                raise SignInRejectedError("the key shows another organisation")
            self._known = organisation  # it is called something else now; its devices are the same
            self._changed()
        return listed

    @override
    async def survey(self) -> Discovery:
        """Read the lists; without the devices nothing is known, any other list may fail by itself."""
        found = Discovery()
        inventory_tree, client = self._inventory_tree, self._client
        if not inventory_tree.known:
            inventory_tree.known = frozenset(channel.device for channel in self._remembered())
        self._listed = listed = await self._list()
        inventory_tree.devices = by_id(listed.value)
        self._note(found, DEVICES, listed)
        found.freshness += listed.freshness
        needed: dict[str, Ask] = {"components": client.components, "sensors": client.sensors}
        others: dict[str, Ask] = {
            "sites": client.sites,
            "groups": client.device_groups,
            "sensor_profiles": client.sensor_profiles,
            "device_profiles": client.device_profiles,
        }
        for name, ask in (needed | others).items():
            if (rows := await self._try(found, name, ask, is_needed=name in needed)) is not None:
                setattr(inventory_tree, name, rows if name.endswith("_profiles") else by_id(rows))
            inventory_tree.is_settled |= name == "components" and (
                rows is not None or name in self.absent
            )
        self._settle(found)
        self._judge_sensors(found)
        found.devices += entities.devices(inventory_tree)
        self._learn(listed)
        found.channels += entities.status_channels(inventory_tree, 3 * self._every)
        return found

    def _settle(self, found: Discovery) -> None:
        """Note what there is, for as long as a list lacks it only because it could not be had."""
        inventory_tree = self._inventory_tree
        listed = {
            *map(device_id, inventory_tree.devices),
            *map(component_id, inventory_tree.components),
        }
        had = {
            "components": self._had_components,
            "sensors": any(key.startswith(sensor_key("")) for _, key in self._remembered()),
        }
        if any(had.get(name) for name in self.absent):
            found.is_complete = False  # a list that was there before is missing for now
        inventory_tree.known = frozenset(
            listed if found.is_complete else inventory_tree.known | listed
        )

    def _judge_sensors(self, found: Discovery) -> None:
        """Miss no sensor while a list is missing that says what it hangs from."""
        found.lists[INVENTORY] = found.lists[DEVICES]
        if SENSORS not in found.lists:
            return
        needed = [DEVICES, SENSORS]
        if COMPONENTS not in self.absent or self._had_components:
            needed.append(COMPONENTS)
        times = [found.lists.get(name) for name in needed]
        known = [received for received in times if received is not None]
        found.lists[SENSORS] = min(known) if len(known) == len(needed) else None

    @property
    def _had_components(self) -> bool:
        return any(each.startswith(component_id("")) for each in self._inventory_tree.known)

    async def _try(
        self,
        found: Discovery,
        name: str,
        ask: Ask,
        *,
        is_needed: bool,
    ) -> list[Any] | None:
        """Read one list; None leaves what was known of it. One that is not there, or refused, may be done without."""
        try:
            answer = await ask()
        except VendorError as err:
            if is_missing(err) or (isinstance(err, PermissionDeniedError) and not is_needed):
                self.absent[name] = type(err).__name__
            else:
                found.is_complete = False
            # A key may well have no right to some lists: that one is missing stands in the diagnostics.
            if is_needed or not isinstance(err, PermissionDeniedError):
                found.failures[name.replace("_", " ")] = err
            return None
        self.absent.pop(name, None)
        self._note(found, name, answer)
        if name == COMPONENTS and not answer.value and self._had_components:
            # Sensors would move to other devices: that none is left of what they hang from is not believed.
            found.lists[name], found.is_complete = None, False
        return answer.value

    @staticmethod
    def _note(found: Discovery, name: str, answer: PlatformResponse[list[Any]]) -> None:
        is_full = answer.is_whole and not answer.rejected
        found.rejected += answer.rejected
        found.is_complete &= is_full
        found.lists[name] = oldest(answer.freshness) if is_full else None

    # -- the devices' states --

    @override
    def feeds(self) -> Sequence[Feed]:
        return [
            Feed(entities.STATUSES, self._statuses, STATUSES_EVERY, MIN_INTERVAL, is_whole=True)
        ]

    async def _statuses(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """The devices as they are now; what a survey listed just before is not asked for again."""
        listed, self._listed = self._listed, None
        if listed is None and self._now() - self._asked < self._every.total_seconds() - 1:
            return FeedUpdate()
        if listed is None or not self._is_recent(listed):
            listed = await self._list()
        self._asked = self._now()
        self._learn(listed)
        is_new = self._take(listed)
        resurveyed, failure = None, None
        if is_new and listed.is_whole:
            try:
                resurveyed = await self._resurvey()
            except (
                PermissionDeniedError,
                RateLimitedError,
                UnexpectedResponseError,
                UnreachableError,
            ) as err:
                failure = err  # how the devices are is known all the same
                self._strangers.clear()
        return FeedUpdate(
            readings=entities.status_readings(listed.value),
            freshness=listed.freshness,
            inventory=resurveyed.inventory if resurveyed else None,
            rejected=listed.rejected,
            failure=failure,
        )

    def _take(self, listed: PlatformResponse[list[topology.Device]]) -> bool:
        """Take over how the devices are; returns whether there is a new one, or one that has just come to life."""
        known = self._inventory_tree.devices
        strangers = {device.id for device in listed.value if device.id not in known}
        are_new = bool(strangers - self._strangers)
        self._strangers |= strangers
        for device in listed.value:
            if (before := known.get(device.id)) is not None:
                is_pending = before.status is DeviceStatus.PENDING
                are_new |= is_pending and device.status is DeviceStatus.ACTIVE
                known[device.id] = device
        return are_new

    @property
    def _every(self) -> timedelta:
        """How often the list of devices is read: one of many pages more rarely, and none while it is current."""
        pause = min(max(STATUSES_EVERY, self._pages * _PER_PAGE), MAX_PAUSE)
        return max(pause, self._lifetime)

    def _learn(self, listed: PlatformResponse[list[topology.Device]]) -> None:
        """Note what decides how often the list can be read."""
        self._pages, self._lifetime = len(listed.freshness), lifetime(listed.freshness)

    def _is_recent(self, listed: PlatformResponse[list[topology.Device]]) -> bool:
        newest = max((reply.received for reply in listed.freshness), default=float("-inf"))
        return self._now() - newest < MIN_INTERVAL.total_seconds()

    # -- what is kept and said --

    @override
    def recall(self, memory: Mapping[str, Any]) -> None:
        kept = memory.get(_KEPT)
        self._known = kept if isinstance(kept, str) else None

    @override
    def memory(self) -> Mapping[str, Any]:
        return {_KEPT: self._known}

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


def _organisation(devices: Sequence[topology.Device]) -> str | None:
    """The organisation that the devices say they are of."""
    return next((device.organisation for device in devices if device.organisation), None)
