"""The part of devices' health, which is asked for device by device, each in its turn."""

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
# A device is asked this often at most, and so many of them in one poll.
EACH_EVERY: Final = timedelta(minutes=5)
PER_POLL: Final = 10
# How many devices are asked to learn which fields a deployment has.
_SAMPLES: Final = 3
_AWAKE: Final = frozenset({DeviceStatus.ACTIVE, DeviceStatus.MAINTENANCE, None})

_KEPT: Final = "vitals"
# No list names them: a device is asked for its own, and what it told once stays offered.
_VITALS: Final = frozenset(vital.value for vital in Vital)
# What few people look at.
_OFF: Final = frozenset({Vital.FREE_HEAP, Vital.READINGS_SENT})
_CLASSES: Final = {
    (Vital.UPTIME, "s"): SensorDeviceClass.DURATION,
    (Vital.UPTIME, "ms"): SensorDeviceClass.DURATION,
    (Vital.FREE_HEAP, "B"): SensorDeviceClass.DATA_SIZE,
    (Vital.FREE_HEAP, "kB"): SensorDeviceClass.DATA_SIZE,
    (Vital.SIGNAL_STRENGTH, "dBm"): SensorDeviceClass.SIGNAL_STRENGTH,
}


class HealthFeature(Feature):
    """Uptime, free heap, signal, connection and counts of readings, as far as the deployment tells them."""

    title = "health of devices"

    def __init__(
        self,
        client: TopologyClient,
        inventory_tree: OrganisationInventory,
        now: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._now = now
        self._changed = changed
        self._units: dict[Vital, str | None] = {}
        self._off_since: float | None = None
        self._why_off: str | None = None
        self._asked: dict[str, float] = {}
        self._untold: dict[str, Health] = {}
        self._lifetime = timedelta(0)

    # -- what there is --

    @override
    def scope_of(self, key: str) -> str | None:
        return HEALTH if key in _VITALS else None

    @override
    async def survey(self) -> Discovery:
        """A channel for each device and vital; which vitals there are is learned from a few devices."""
        if not self._units and not self._is_off:
            await self._learn()
        found = Discovery()
        rounds = ceil(len(self._inventory_tree.devices) / PER_POLL) * POLLS_EVERY
        good_for = 3 * max(EACH_EVERY, rounds, self._lifetime)
        for device in self._inventory_tree.devices:
            for vital, unit in self._units.items():
                description = _description(vital, unit)
                found.channels.append(
                    Channel(device_id(device), vital.value, description, HEALTH, good_for=good_for)
                )
        return found

    @property
    def _is_off(self) -> bool:
        return self._off_since is not None and self._now() - self._off_since < AGAIN_AFTER

    async def _learn(self) -> None:
        """Ask a few devices; where there is no such call, or no right to it, not again for a day."""
        for device in self._awake()[:_SAMPLES]:
            try:
                answer = await self._client.health(device)
            except (PermissionDeniedError, UnexpectedResponseError) as err:
                self._off_since, self._why_off = self._now(), type(err).__name__
                continue
            health, self._lifetime = answer.value, lifetime(answer.freshness)
            self._asked[device], self._untold[device] = self._now(), health
            for vital in health.vitals:
                self._units[vital] = self._units.get(vital) or health.units.get(vital)
        if self._units:
            self._off_since = self._why_off = None
            self._changed()

    def _learn_more(self, health: Health) -> None:
        """Note what the first devices did not tell of; the next list offers it."""
        new = {vital: health.units.get(vital) for vital in health.vitals.keys() - self._units}
        if new:
            self._units |= new
            self._changed()

    def _awake(self) -> list[str]:
        return [
            device.id for device in self._inventory_tree.devices.values() if device.status in _AWAKE
        ]

    # -- how the devices are --

    @override
    def feeds(self) -> Sequence[Feed]:
        return [Feed(HEALTH, self._fetch, POLLS_EVERY, MIN_INTERVAL)] if self._units else []

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask the devices whose turn it is; all failing raises the first failure."""
        looked_at = {channel.device for channel in wanted}
        now = self._now()
        due = [
            device
            for device in self._awake()
            if device_id(device) in looked_at
            and now - self._asked.get(device, float("-inf")) >= EACH_EVERY.total_seconds() - 1
        ]
        due.sort(key=lambda device: self._asked.get(device, float("-inf")))
        readings: dict[ChannelId, Reading] = {}
        for device, health in self._untold.items():
            readings |= self._readings(device, health)
        self._untold = {}
        freshness: list[Freshness] = []
        failures: list[VendorError] = []
        for device in due[:PER_POLL]:
            self._asked[device] = now
            try:
                answer = await self._client.health(device)
            except VendorError as err:
                if not is_missing(err):
                    failures.append(err)
                if isinstance(err, UnexpectedResponseError):
                    continue
                break
            self._learn_more(answer.value)
            readings |= self._readings(device, answer.value)
            freshness += answer.freshness
        if failures and not readings:
            raise failures[0]
        if freshness:
            self._lifetime = lifetime(freshness)
        failure = failures[0] if failures else None
        return FeedUpdate(readings=readings, freshness=tuple(freshness), failure=failure)

    def _readings(self, device: str, health: Health) -> dict[ChannelId, Reading]:
        """What a device said; what it did not say, or in another unit, is unknown."""
        found: dict[ChannelId, Reading] = {}
        for vital, unit in self._units.items():
            value = _in_unit(health.vitals.get(vital), health.units.get(vital), unit)
            found[ChannelId(device_id(device), vital.value)] = Reading(value, health.at)
        return found

    # -- what is kept and said --

    @override
    def recall(self, memory: Mapping[str, Any]) -> None:
        kept = memory.get(_KEPT)
        for name, unit in kept.items() if isinstance(kept, dict) else ():
            if name in Vital:
                self._units[Vital(name)] = unit if isinstance(unit, str) else None

    @override
    def memory(self) -> Mapping[str, Any]:
        return {_KEPT: {vital.value: unit for vital, unit in self._units.items()}}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        vitals = {vital.value: unit or "" for vital, unit in self._units.items()}
        return {"vitals": vitals, "off": self._why_off}


def _in_unit[T](value: T, said: str | None, unit: str | None) -> T | float | None:
    """Return a value in the unit that is shown, where the response names one that can be converted into it."""
    if said == unit or value is None:
        return value
    converter = STATISTIC_UNIT_TO_UNIT_CONVERTER.get(said)
    if converter is None or unit not in converter.VALID_UNITS or not isinstance(value, int | float):
        return None
    return converter.convert(float(value), said, unit)


def _description(vital: Vital, unit: str | None) -> SensorEntityDescription:
    is_text = vital is Vital.CONNECTION_TYPE
    is_steady = is_text or vital is Vital.UPTIME
    return SensorEntityDescription(
        key=vital.value,
        translation_key=vital.value,
        device_class=_CLASSES.get((vital, unit or "")),
        native_unit_of_measurement=unit,
        state_class=None if is_steady else SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=vital not in _OFF,
    )
