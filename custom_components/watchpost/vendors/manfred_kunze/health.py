"""The feature of devices' health, which is requested device by device in turn."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Any, Final, override

from homeassistant.components.recorder.statistics import STATISTIC_UNIT_TO_UNIT_CONVERTER
from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory

from ...client.errors import PermissionDeniedError, UnexpectedResponseError, VendorError
from ...contract.vendor import Feed
from ...models import Channel, ChannelId, FeedUpdate, Freshness, Reading
from .client.api import is_missing
from .client.topology import TopologyClient
from .client.variants import AGAIN_AFTER
from .feature import Discovery, Feature, lifetime
from .inventory import OrganisationInventory, device_id
from .models.health import Health, Vital
from .models.topology import DeviceStatus

HEALTH: Final = "health"
POLLS_EVERY: Final = timedelta(minutes=1)
MIN_INTERVAL: Final = timedelta(seconds=30)
# Each device is polled this often at most, and so many devices in one poll.
DEVICE_INTERVAL: Final = timedelta(minutes=5)
PER_POLL: Final = 10
# Number of devices that are polled to learn the fields of a deployment.
_SAMPLES: Final = 3
_ONLINE: Final = frozenset({DeviceStatus.ACTIVE, DeviceStatus.MAINTENANCE, None})

_STORED_KEY: Final = "vitals"
# No list names the vitals: each device reports its own, and a vital that was reported once keeps its channel.
_VITALS: Final = frozenset(vital.value for vital in Vital)
# Vitals whose entities are disabled by default.
_DISABLED: Final = frozenset({Vital.FREE_HEAP, Vital.READINGS_SENT})
_CLASSES: Final = {
    (Vital.UPTIME, "s"): SensorDeviceClass.DURATION,
    (Vital.UPTIME, "ms"): SensorDeviceClass.DURATION,
    (Vital.FREE_HEAP, "B"): SensorDeviceClass.DATA_SIZE,
    (Vital.FREE_HEAP, "kB"): SensorDeviceClass.DATA_SIZE,
    (Vital.SIGNAL_STRENGTH, "dBm"): SensorDeviceClass.SIGNAL_STRENGTH,
}


class HealthFeature(Feature):
    """Poll uptime, free heap, signal, connection and counts of readings, as far as the deployment reports them."""

    title = "health of devices"

    def __init__(
        self,
        client: TopologyClient,
        inventory_tree: OrganisationInventory,
        monotonic: Callable[[], float],
        save_state: Callable[[], None],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._monotonic = monotonic
        self._save_state = save_state
        self._units: dict[Vital, str | None] = {}
        self._off_since: float | None = None
        self._off_reason: str | None = None
        self._requested_at: dict[str, float] = {}
        self._pending: dict[str, Health] = {}
        self._lifetime = timedelta(0)

    # -- inventory --

    @override
    def source_list(self, channel: ChannelId) -> str | None:
        return HEALTH if channel.key in _VITALS else None

    @override
    async def discover(self) -> Discovery:
        """Return a channel for each device and vital; a few devices show which vitals there are."""
        if not self._units and not self._is_off:
            await self._learn_vitals()
        discovery = Discovery()
        rounds = ceil(len(self._inventory_tree.devices) / PER_POLL) * POLLS_EVERY
        max_age = 3 * max(DEVICE_INTERVAL, rounds, self._lifetime)
        for device in self._inventory_tree.devices:
            for vital, unit in self._units.items():
                description = _description(vital, unit)
                discovery.channels.append(
                    Channel(device_id(device), vital.value, description, HEALTH, good_for=max_age)
                )
        return discovery

    @property
    def _is_off(self) -> bool:
        return self._off_since is not None and self._monotonic() - self._off_since < AGAIN_AFTER

    async def _learn_vitals(self) -> None:
        """Poll a few devices for their vitals; without the endpoint or the permission not again for a day."""
        for device in self._online_devices()[:_SAMPLES]:
            try:
                response = await self._client.health(device)
            except (PermissionDeniedError, UnexpectedResponseError) as err:
                self._off_since, self._off_reason = self._monotonic(), type(err).__name__
                continue
            health, self._lifetime = response.value, lifetime(response.freshness)
            self._requested_at[device], self._pending[device] = self._monotonic(), health
            for vital in health.vitals:
                self._units[vital] = self._units.get(vital) or health.units.get(vital)
        if self._units:
            self._off_since = self._off_reason = None
            self._save_state()

    def _add_vitals(self, health: Health) -> None:
        """Store vitals that the first devices lacked; the next inventory has channels of them."""
        new = {vital: health.units.get(vital) for vital in health.vitals.keys() - self._units}
        if new:
            self._units |= new
            self._save_state()

    def _online_devices(self) -> list[str]:
        return [
            device.id
            for device in self._inventory_tree.devices.values()
            if device.status in _ONLINE
        ]

    # -- polling --

    @override
    def feeds(self) -> Sequence[Feed]:
        return [Feed(HEALTH, self._fetch, POLLS_EVERY, MIN_INTERVAL)] if self._units else []

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Poll the devices that are due; if all fail, raise the first error."""
        wanted_devices = {channel.device for channel in wanted}
        monotonic = self._monotonic()
        due = [
            device
            for device in self._online_devices()
            if device_id(device) in wanted_devices
            and monotonic - self._requested_at.get(device, float("-inf"))
            >= DEVICE_INTERVAL.total_seconds() - 1
        ]
        due.sort(key=lambda device: self._requested_at.get(device, float("-inf")))
        readings: dict[ChannelId, Reading] = {}
        for device, health in self._pending.items():
            readings |= self._readings(device, health)
        self._pending = {}
        freshness: list[Freshness] = []
        failures: list[VendorError] = []
        for device in due[:PER_POLL]:
            self._requested_at[device] = monotonic
            try:
                response = await self._client.health(device)
            except VendorError as err:
                if not is_missing(err):
                    failures.append(err)
                if isinstance(err, UnexpectedResponseError):
                    continue
                break
            self._add_vitals(response.value)
            readings |= self._readings(device, response.value)
            freshness += response.freshness
        if failures and not readings:
            raise failures[0]
        if freshness:
            self._lifetime = lifetime(freshness)
        failure = failures[0] if failures else None
        return FeedUpdate(readings=readings, freshness=tuple(freshness), failure=failure)

    def _readings(self, device: str, health: Health) -> dict[ChannelId, Reading]:
        """Return the readings of a device; a vital that is missing or in an unknown unit is unknown."""
        readings: dict[ChannelId, Reading] = {}
        for vital, unit in self._units.items():
            value = _in_unit(health.vitals.get(vital), health.units.get(vital), unit)
            readings[ChannelId(device_id(device), vital.value)] = Reading(value, health.at)
        return readings

    # -- stored state, diagnostics --

    @override
    def restore_state(self, stored_state: Mapping[str, Any]) -> None:
        stored = stored_state.get(_STORED_KEY)
        for name, unit in stored.items() if isinstance(stored, dict) else ():
            if name in Vital:
                self._units[Vital(name)] = unit if isinstance(unit, str) else None

    @override
    def stored_state(self) -> Mapping[str, Any]:
        return {_STORED_KEY: {vital.value: unit for vital, unit in self._units.items()}}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        vitals = {vital.value: unit or "" for vital, unit in self._units.items()}
        return {"vitals": vitals, "off": self._off_reason}


def _in_unit[T](value: T, reported: str | None, unit: str | None) -> T | float | None:
    """Return a value in the unit of its entity, None where the reported unit cannot be converted."""
    if reported == unit or value is None:
        return value
    converter = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(reported)
    if converter is None or unit not in converter.VALID_UNITS or not isinstance(value, int | float):
        return None
    return converter.convert(float(value), reported, unit)


def _description(vital: Vital, unit: str | None) -> SensorEntityDescription:
    is_text = vital is Vital.CONNECTION_TYPE
    has_no_statistics = is_text or vital is Vital.UPTIME
    return SensorEntityDescription(
        key=vital.value,
        translation_key=vital.value,
        device_class=_CLASSES.get((vital, unit or "")),
        native_unit_of_measurement=unit,
        state_class=None if has_no_statistics else SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=vital not in _DISABLED,
    )
