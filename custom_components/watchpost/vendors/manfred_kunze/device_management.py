"""The features of desired-state bindings, quarantined payloads and firmware."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
import re
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.update import UpdateEntityDescription
from homeassistant.components.update.const import UpdateDeviceClass
from homeassistant.const import EntityCategory

from ...client.errors import PermissionDeniedError, UnexpectedResponseError
from ...contract.vendor import Feed
from ...models import LATEST_VERSION, Channel, ChannelId, FeedUpdate, Reading, ReadingValue
from ..names import truncate_for_entity_id
from .client.api import PlatformResponse, is_missing
from .client.device_management import OperationsClient
from .feature import Discovery, Feature, oldest
from .inventory import ACCOUNT, INVENTORY, OrganisationInventory, device_id
from .models.device_management import Binding, DesiredState, Firmware, Rejection
from .models.topology import Device

BINDINGS: Final = "bindings"
BINDINGS_EVERY: Final = timedelta(minutes=5)
MIN_INTERVAL: Final = timedelta(seconds=15)
QUARANTINE: Final = "quarantined_payloads"
FIRMWARE: Final = "firmware"
_BINDING: Final = "binding-"
_DIAGNOSTIC = EntityCategory.DIAGNOSTIC

_STATE = SensorEntityDescription(
    key="desired_state",
    translation_key="desired_state",
    device_class=SensorDeviceClass.ENUM,
    options=[state.value.lower() for state in DesiredState],
    entity_category=_DIAGNOSTIC,
)
_QUARANTINE = SensorEntityDescription(
    key=QUARANTINE,
    translation_key=QUARANTINE,
    state_class=SensorStateClass.MEASUREMENT,
    entity_category=_DIAGNOSTIC,
)
_FIRMWARE = UpdateEntityDescription(
    key=FIRMWARE, device_class=UpdateDeviceClass.FIRMWARE, entity_category=_DIAGNOSTIC
)


class BindingsFeature(Feature):
    """Poll the reported state of the configurations that are assigned to devices and components."""

    title = "device configurations"

    @override
    def source_list(self, channel: ChannelId) -> str | None:
        return BINDINGS if channel.key.startswith(_BINDING) else None

    def __init__(
        self,
        client: OperationsClient,
        inventory_tree: OrganisationInventory,
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._monotonic = monotonic
        self._last_list: PlatformResponse[list[Binding]] | None = None
        self._parents: dict[str, str] = {}

    @override
    async def discover(self) -> Discovery:
        """Return a channel for each binding; none without the endpoint or the permission."""
        self._parents = {}
        try:
            self._last_list = listed = await self._client.bindings()
        except (PermissionDeniedError, UnexpectedResponseError) as err:
            if isinstance(err, UnexpectedResponseError) and not is_missing(err):
                raise
            discovery = Discovery()
            if not isinstance(err, PermissionDeniedError):
                discovery.failures[self.title] = err
            return discovery
        names = await self._names(listed.value)
        discovery = Discovery(rejected=listed.rejected)
        discovery.lists[BINDINGS] = None if listed.rejected else oldest(listed.freshness)
        for binding in listed.value:
            parent = self._inventory_tree.parent_device(
                device=binding.device, component=binding.component
            )
            self._parents[binding.id] = parent
            name = binding.name or names.get(binding.artefact or "")
            placeholders = {"name": truncate_for_entity_id(name) or binding.id[:8]}
            key = f"{_BINDING}{binding.id}"
            discovery.channels.append(
                Channel(parent, key, _STATE, BINDINGS, placeholders=placeholders)
            )
        return discovery

    async def _names(self, bindings: Iterable[Binding]) -> dict[str, str | None]:
        """Return the names of configurations by id, empty where they cannot be fetched or are not needed."""
        if all(binding.name or binding.artefact is None for binding in bindings):
            return {}
        try:
            artefacts = (await self._client.artefacts()).value
        except PermissionDeniedError, UnexpectedResponseError:
            return {}
        return {artefact.id: artefact.name for artefact in artefacts}

    @override
    def feeds(self) -> Sequence[Feed]:
        if not self._parents:
            return []
        return [Feed(BINDINGS, self._fetch, BINDINGS_EVERY, MIN_INTERVAL, is_whole=True)]

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Return the states of the bindings; a list that was just fetched for the inventory is used again."""
        listed, self._last_list = self._last_list, None
        if listed is None or not self._is_recent(listed):
            listed = await self._client.bindings()
        readings: dict[ChannelId, Reading] = {}
        for binding in listed.value:
            if (parent := self._parents.get(binding.id)) is not None:
                readings[ChannelId(parent, f"{_BINDING}{binding.id}")] = _state(binding)
        return FeedUpdate(readings=readings, freshness=listed.freshness, rejected=listed.rejected)

    def _is_recent(self, listed: PlatformResponse[list[Binding]]) -> bool:
        newest = max((reply.received for reply in listed.freshness), default=float("-inf"))
        return self._monotonic() - newest < MIN_INTERVAL.total_seconds()


def _state(binding: Binding) -> Reading:
    versions: dict[str, ReadingValue] = {
        "desired_version": binding.desired,
        "reported_version": binding.reported,
    }
    attributes = {name: value for name, value in versions.items() if value is not None}
    return Reading(binding.state.value.lower() if binding.state else None, None, attributes)


class QuarantineFeature(Feature):
    """Return the number of payloads that the platform rejected; no channel without the permission to see them."""

    title = "quarantined payloads"

    @override
    def source_list(self, channel: ChannelId) -> str | None:
        return QUARANTINE if channel.key == QUARANTINE else None

    def __init__(self, client: OperationsClient) -> None:
        self._client = client

    @override
    async def discover(self) -> Discovery:
        try:
            response = await self._client.quarantine()
        except (PermissionDeniedError, UnexpectedResponseError) as err:
            if isinstance(err, UnexpectedResponseError) and not is_missing(err):
                raise
            return Discovery()
        reasons = Counter(payload.reason.value for payload in response.value)
        # A payload whose record is malformed was quarantined all the same.
        malformed = sum(response.rejected.values()) - (not response.is_whole)
        reasons += Counter({Rejection.OTHER.value: malformed})
        attributes: dict[str, ReadingValue] = {**reasons}
        if not response.is_whole:
            attributes["at_least"] = True
        channel = Channel(ACCOUNT, QUARANTINE, _QUARANTINE, INVENTORY)
        return Discovery(
            channels=[channel],
            readings={channel.id: Reading(reasons.total(), None, attributes)},
        )


class FirmwareFeature(Feature):
    """Show whether there is newer firmware for a device, where both name the same profile or model."""

    title = "firmware"

    @override
    def source_list(self, channel: ChannelId) -> str | None:
        return FIRMWARE if channel.key == FIRMWARE else None

    def __init__(self, client: OperationsClient, inventory_tree: OrganisationInventory) -> None:
        self._client = client
        self._inventory_tree = inventory_tree

    @override
    async def discover(self) -> Discovery:
        """Return an update for each device that reports its version and for which the platform has firmware."""
        if not any(device.firmware for device in self._inventory_tree.devices.values()):
            return Discovery()
        try:
            listed = await self._client.firmware()
        except (PermissionDeniedError, UnexpectedResponseError) as err:
            # The response is not documented: one that cannot be parsed counts as no firmware.
            if (
                isinstance(err, UnexpectedResponseError)
                and err.status is not None
                and not is_missing(err)
            ):
                raise
            return Discovery()
        discovery = Discovery()
        is_complete = listed.is_whole and not listed.rejected
        discovery.lists[FIRMWARE] = oldest(listed.freshness) if is_complete else None
        for device in self._inventory_tree.devices.values():
            newest = _newest(firmware for firmware in listed.value if _fits(device, firmware))
            if device.firmware is None or newest is None:
                continue
            channel = Channel(device_id(device.id), FIRMWARE, _FIRMWARE, INVENTORY)
            discovery.channels.append(channel)
            latest = {LATEST_VERSION: newest}
            discovery.readings[channel.id] = Reading(device.firmware, None, latest)
        return discovery


def _fits(device: Device, firmware: Firmware) -> bool:
    """Return whether a firmware is for the profile or model of a device."""
    if firmware.profile is not None:
        return firmware.profile == device.profile
    if firmware.model is None or device.model is None:
        return False
    return firmware.model.casefold() == device.model.casefold()


def _newest(artefacts: Iterable[Firmware]) -> str | None:
    """Return the version of the newest firmware, by date, or by number where dates are missing."""
    known = [(each, each.version) for each in artefacts if each.version is not None]
    newest = max(known, key=lambda pair: (_date(pair[0]), _numbers(pair[1])), default=None)
    return newest[1] if newest else None


def _date(firmware: Firmware) -> datetime:
    return firmware.created_at or datetime.min.replace(tzinfo=UTC)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", version)]
