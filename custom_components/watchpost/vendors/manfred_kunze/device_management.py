"""The parts of desired-state bindings, quarantined payloads and firmware."""

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
    """What devices and components report of the configuration that is wanted of them."""

    title = "device configurations"

    @override
    def scope_of(self, key: str) -> str | None:
        return BINDINGS if key.startswith(_BINDING) else None

    def __init__(
        self,
        client: OperationsClient,
        inventory_tree: OrganisationInventory,
        now: Callable[[], float],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._now = now
        self._listed: PlatformResponse[list[Binding]] | None = None
        self._homes: dict[str, str] = {}

    @override
    async def survey(self) -> Discovery:
        """A channel for each binding; none where there are no such calls, or no right to them."""
        self._homes = {}
        try:
            self._listed = listed = await self._client.bindings()
        except (PermissionDeniedError, UnexpectedResponseError) as err:
            if isinstance(err, UnexpectedResponseError) and not is_missing(err):
                raise
            found = Discovery()
            if not isinstance(err, PermissionDeniedError):
                found.failures[self.title] = err
            return found
        names = await self._names(listed.value)
        found = Discovery(rejected=listed.rejected)
        found.lists[BINDINGS] = None if listed.rejected else oldest(listed.freshness)
        for binding in listed.value:
            home = self._inventory_tree.home(device=binding.device, component=binding.component)
            self._homes[binding.id] = home
            name = binding.name or names.get(binding.artefact or "")
            named = {"name": truncate_for_entity_id(name) or binding.id[:8]}
            found.channels.append(
                Channel(home, f"{_BINDING}{binding.id}", _STATE, BINDINGS, placeholders=named)
            )
        return found

    async def _names(self, bindings: Iterable[Binding]) -> dict[str, str | None]:
        """What configurations are called that bindings name by their ids alone; nothing depends on it."""
        if all(binding.name or binding.artefact is None for binding in bindings):
            return {}
        try:
            artefacts = (await self._client.artefacts()).value
        except PermissionDeniedError, UnexpectedResponseError:
            return {}
        return {artefact.id: artefact.name for artefact in artefacts}

    @override
    def feeds(self) -> Sequence[Feed]:
        if not self._homes:
            return []
        return [Feed(BINDINGS, self._fetch, BINDINGS_EVERY, MIN_INTERVAL, is_whole=True)]

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """The bindings as they are now; what a survey listed just before is not asked for again."""
        listed, self._listed = self._listed, None
        if listed is None or not self._is_recent(listed):
            listed = await self._client.bindings()
        readings: dict[ChannelId, Reading] = {}
        for binding in listed.value:
            if (home := self._homes.get(binding.id)) is not None:
                readings[ChannelId(home, f"{_BINDING}{binding.id}")] = _state(binding)
        return FeedUpdate(readings=readings, freshness=listed.freshness, rejected=listed.rejected)

    def _is_recent(self, listed: PlatformResponse[list[Binding]]) -> bool:
        newest = max((reply.received for reply in listed.freshness), default=float("-inf"))
        return self._now() - newest < MIN_INTERVAL.total_seconds()


def _state(binding: Binding) -> Reading:
    told: dict[str, ReadingValue] = {
        "desired_version": binding.desired,
        "reported_version": binding.reported,
    }
    attributes = {name: value for name, value in told.items() if value is not None}
    return Reading(binding.state.value.lower() if binding.state else None, None, attributes)


class QuarantineFeature(Feature):
    """How many payloads the platform rejected; nothing is shown without the right to see them."""

    title = "quarantined payloads"

    @override
    def scope_of(self, key: str) -> str | None:
        return QUARANTINE if key == QUARANTINE else None

    def __init__(self, client: OperationsClient) -> None:
        self._client = client

    @override
    async def survey(self) -> Discovery:
        try:
            answer = await self._client.quarantine()
        except (PermissionDeniedError, UnexpectedResponseError) as err:
            if isinstance(err, UnexpectedResponseError) and not is_missing(err):
                raise
            return Discovery()
        reasons = Counter(payload.reason.value for payload in answer.value)
        # What cannot be read was rejected all the same.
        unread = sum(answer.rejected.values()) - (not answer.is_whole)
        reasons += Counter({Rejection.OTHER.value: unread})
        attributes: dict[str, ReadingValue] = {**reasons}
        if not answer.is_whole:
            attributes["at_least"] = True
        channel = Channel(ACCOUNT, QUARANTINE, _QUARANTINE, INVENTORY)
        return Discovery(
            channels=[channel],
            readings={channel.id: Reading(reasons.total(), None, attributes)},
        )


class FirmwareFeature(Feature):
    """Whether there is newer firmware for a device, where firmware and device say enough of each other."""

    title = "firmware"

    @override
    def scope_of(self, key: str) -> str | None:
        return FIRMWARE if key == FIRMWARE else None

    def __init__(self, client: OperationsClient, inventory_tree: OrganisationInventory) -> None:
        self._client = client
        self._inventory_tree = inventory_tree

    @override
    async def survey(self) -> Discovery:
        """An update for each device that says what it runs, and for which the platform has firmware."""
        if not any(device.firmware for device in self._inventory_tree.devices.values()):
            return Discovery()
        try:
            listed = await self._client.firmware()
        except (PermissionDeniedError, UnexpectedResponseError) as err:
            # What the call looks like is not published: an answer that cannot be read is none.
            if (
                isinstance(err, UnexpectedResponseError)
                and err.status is not None
                and not is_missing(err)
            ):
                raise
            return Discovery()
        found = Discovery()
        is_full = listed.is_whole and not listed.rejected
        found.lists[FIRMWARE] = oldest(listed.freshness) if is_full else None
        for device in self._inventory_tree.devices.values():
            newest = _newest(one for one in listed.value if _fits(device, one))
            if device.firmware is None or newest is None:
                continue
            channel = Channel(device_id(device.id), FIRMWARE, _FIRMWARE, INVENTORY)
            found.channels.append(channel)
            found.readings[channel.id] = Reading(device.firmware, None, {LATEST_VERSION: newest})
        return found


def _fits(device: Device, firmware: Firmware) -> bool:
    """Whether a firmware says that it is for a device like this one."""
    if firmware.profile is not None:
        return firmware.profile == device.profile
    if firmware.model is None or device.model is None:
        return False
    return firmware.model.casefold() == device.model.casefold()


def _newest(artefacts: Iterable[Firmware]) -> str | None:
    """The version of the newest firmware, by its date, or by its number where it has none."""
    known = [(one, one.version) for one in artefacts if one.version is not None]
    newest = max(known, key=lambda one: (_dated(one[0]), _numbered(one[1])), default=None)
    return newest[1] if newest else None


def _dated(firmware: Firmware) -> datetime:
    return firmware.created_at or datetime.min.replace(tzinfo=UTC)


def _numbered(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", version)]
