"""The feature of readings: the newest value of each sensor with an enabled entity, within a budget of requests.

The vendor documents no endpoint for newest values. Requested are batches of sensors where the deployment offers them,
else one sensor at a time: first those that waited longest, and none before it can have measured again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final, NamedTuple, override

import voluptuous as vol

from ...contract.vendor import Feed
from ...models import Channel, ChannelId, FeedUpdate, Inventory, Reading
from . import entities, reading_values
from .client.readings import PER_BATCH, ReadingsClient
from .feature import Discovery, Feature, lifetime
from .interval import SensorInterval, round_interval
from .interval import max_age as max_age_of
from .inventory import SENSORS, OrganisationInventory, sensor_key
from .models.topology import DeviceStatus, Sensor, ValueType
from .options import readings_fields
from .reading_poller import MAX_REQUESTS, ReadingPoll

READINGS_EVERY: Final = timedelta(minutes=1)
MIN_INTERVAL: Final = timedelta(seconds=15)

_SILENT: Final = frozenset({DeviceStatus.OFFLINE, DeviceStatus.INACTIVE, DeviceStatus.PENDING})
# Sensors of other types may also report a change between their regular readings.
_NUMERIC: Final = frozenset({ValueType.DOUBLE, ValueType.BIGINT})
_STORED_KEY: Final = "cycles"


class _SensorInfo(NamedTuple):
    """Data of a sensor for each poll: its channels, its device's id, and the type of its values."""

    channel: ChannelId
    last: ChannelId
    device: str | None
    kind: ValueType | None


class ReadingsFeature(Feature):
    """Poll the newest readings of the sensors.

    `monotonic` gives the seconds by which responses are dated, `vendor_utc` the vendor's clock, `utc` ours.
    `default_max_age` is how long a value is shown of a sensor whose interval is unknown; `save_state` has the learned
    intervals stored.
    """

    title = "newest readings"

    def __init__(
        self,
        client: ReadingsClient,
        inventory_tree: OrganisationInventory,
        *,
        monotonic: Callable[[], float],
        vendor_utc: Callable[[], datetime],
        utc: Callable[[], datetime],
        default_max_age: timedelta,
        save_state: Callable[[], None],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._monotonic = monotonic
        self._vendor_utc = vendor_utc
        self._utc = utc
        self._default_max_age = default_max_age
        self._save_state = save_state
        self._intervals: dict[str, SensorInterval] = {}
        self._silent: frozenset[str] = frozenset()
        self._wanted: frozenset[ChannelId] = frozenset()
        self._wanted_sensors: list[str] = []
        self._channels: dict[ChannelId, Channel] = {}
        self._known_intervals: dict[str, float] = {}
        self._pending: set[str] = set()
        self._last_wanted: frozenset[str] = frozenset()
        self._sensors: dict[str, _SensorInfo] = {}
        self._last_round = READINGS_EVERY
        self._lifetime = timedelta(0)

    # -- inventory --

    @override
    async def discover(self) -> Discovery:
        """Return a channel for each sensor; newest readings in the list of sensors are stored as well."""
        inventory_tree = self._inventory_tree
        for sensor in inventory_tree.sensors.values():
            newest = sensor.latest
            if newest is None or not self._client.is_past(newest):
                continue
            if self._interval(sensor.id).store([newest], self._utc()):
                self._pending.add(sensor.id)
        for removed in self._intervals.keys() - inventory_tree.sensors.keys():
            del self._intervals[removed]
        self._sensors = {
            sensor.id: _sensor_info(inventory_tree, sensor)
            for sensor in inventory_tree.located_sensors
        }
        self._wanted = frozenset()
        self._last_round = self._round_time()
        max_ages = {sensor: self._max_age(sensor) for sensor in self._sensors}
        channels = list(entities.sensor_channels(inventory_tree, max_ages))
        self._discard_old_units(channels)
        self._channels = {channel.id: channel for channel in channels}
        return Discovery(channels=channels)

    def _discard_old_units(self, channels: Iterable[Channel]) -> None:
        """Discard the newest reading of a sensor whose unit has changed: it may be in the old one."""
        sensors = {info.channel: sensor for sensor, info in self._sensors.items()}
        for channel in channels:
            before, sensor = self._channels.get(channel.id), sensors.get(channel.id)
            if before is None or sensor is None or sensor in self._pending:
                continue
            if _unit(before) != _unit(channel):
                self._interval(sensor).newest = None

    def _max_age(self, sensor: str) -> timedelta:
        """Return how long a sensor's newest value is shown."""
        interval, poll = self._known_intervals.get(sensor), self._round_time()
        if interval is None:
            return max(self._default_max_age, 3 * poll)
        return max_age_of(interval, poll.total_seconds())

    def _round_time(self) -> timedelta:
        """Return how long it takes to request every wanted sensor once."""
        per_poll = MAX_REQUESTS * (PER_BATCH if self._client.batches.works else 1)
        polls = max(ceil(len(self._wanted_sensors) / per_poll), 1)
        return max(READINGS_EVERY, self._lifetime) * polls

    def _interval(self, sensor: str) -> SensorInterval:
        if sensor not in self._intervals:
            self._intervals[sensor] = SensorInterval(interval=self._known_intervals.get(sensor))
        return self._intervals[sensor]

    @override
    def source_list(self, channel: ChannelId) -> str | None:
        return SENSORS if entities.is_sensor_key(channel.key) else None

    # -- polling --

    @override
    def feeds(self) -> Sequence[Feed]:
        return [Feed(entities.READINGS, self._fetch, READINGS_EVERY, MIN_INTERVAL)]

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Request the sensors that are due; raise the first error if all of them fail."""
        self._select_sensors(wanted)
        monotonic, vendor_utc = self._monotonic(), self._vendor_utc()
        known = frozenset(self._wanted_sensors)
        silent = frozenset(sensor for sensor in self._wanted_sensors if self._is_silent(sensor))
        due = [
            sensor
            for sensor in self._wanted_sensors
            if self._interval(sensor).is_due(
                monotonic,
                vendor_utc,
                is_inactive=sensor in silent,
                is_batched=self._client.batches.works,
                reports_events=self._sensors[sensor].kind not in _NUMERIC,
            )
        ]
        poll = ReadingPoll(self._client, self._intervals, monotonic, min(vendor_utc, self._utc()))
        await poll.run(due)
        if poll.failures and not poll.has_success:
            raise poll.failures[0]
        if poll.freshness:
            self._lifetime = lifetime(poll.freshness)
        updated = (
            poll.changed | self._pending | (silent ^ self._silent) | (known - self._last_wanted)
        )
        self._pending, self._silent, self._last_wanted = set(), silent, known
        return FeedUpdate(
            readings=self._readings(updated),
            freshness=tuple(poll.freshness),
            inventory=self._changed_channels(poll.changed),
            rejected=poll.rejected,
            failure=poll.failures[0] if poll.failures else None,
        )

    def _select_sensors(self, wanted: frozenset[ChannelId]) -> None:
        """Select the sensors of the wanted channels; one sensor is enough for a wanted last measurement."""
        if wanted == self._wanted and self._wanted_sensors:
            return
        self._wanted = wanted
        selected: dict[str, None] = {}
        spare: dict[ChannelId, str] = {}
        seen: set[ChannelId] = set()
        for sensor, info in self._sensors.items():
            if info.channel in wanted:
                selected[sensor] = None
                seen.add(info.last)
            elif info.last in wanted:
                spare.setdefault(info.last, sensor)
        selected.update({sensor: None for last, sensor in spare.items() if last not in seen})
        self._wanted_sensors = list(selected)

    def _is_silent(self, sensor: str) -> bool:
        """Return whether the platform says that the sensor's device measures nothing for now."""
        device = self._inventory_tree.devices.get(self._sensors[sensor].device or "")
        return device is not None and device.status in _SILENT

    def _readings(self, sensors: set[str]) -> dict[ChannelId, Reading]:
        readings: dict[ChannelId, Reading] = {}
        times: dict[ChannelId, list[datetime]] = {}
        monotonic = self._utc()
        for sensor in sensors & self._sensors.keys():
            info, newest = self._sensors[sensor], self._interval(sensor).newest
            if newest is None:
                continue
            is_live = sensor not in self._silent
            readings[info.channel] = reading_values.reading(newest, info.kind, is_live=is_live)
            times.setdefault(info.last, []).append(newest.at)
        for last, measured_at in times.items():
            # A time in the future counts only where there is no other.
            at = max(measured_at, key=lambda time: (time <= monotonic, time))
            readings[last] = Reading(at, at)
        return readings

    def _changed_channels(self, sensors: set[str]) -> Inventory | None:
        """Return the channels of sensors with a new interval; all channels if the round time changed."""
        new = {
            sensor: interval
            for sensor in sensors
            if (interval := self._interval(sensor).interval) is not None
            and round_interval(interval) != self._known_intervals.get(sensor)
        }
        self._known_intervals |= {
            sensor: round_interval(interval) for sensor, interval in new.items()
        }
        if new:
            self._save_state()
        is_other, self._last_round = self._round_time() != self._last_round, self._round_time()
        changed: list[Channel] = []
        for sensor in self._sensors.keys() if is_other else new.keys() & self._sensors.keys():
            before, max_age = (
                self._channels.get(self._sensors[sensor].channel),
                self._max_age(sensor),
            )
            if before is not None and before.good_for != max_age:
                changed.append(replace(before, good_for=max_age))
        self._channels |= {channel.id: channel for channel in changed}
        if not changed:
            return None
        return Inventory([], changed, is_complete=False, scope=entities.READINGS)

    # -- options, stored state, diagnostics --

    @override
    async def options(self) -> Mapping[vol.Marker, Any]:
        return readings_fields()

    @override
    def restore_state(self, stored_state: Mapping[str, Any]) -> None:
        stored = stored_state.get(_STORED_KEY)
        for sensor, interval in stored.items() if isinstance(stored, dict) else ():
            if isinstance(sensor, str) and isinstance(interval, int | float) and interval > 0:
                self._known_intervals[sensor] = float(interval)
        variants = stored_state.get("ways")
        if isinstance(variants, dict):
            self._client.batches.from_memory(variants.get("batch"))
            self._client.aggregations.from_memory(variants.get("aggregated"))

    @override
    def stored_state(self) -> Mapping[str, Any]:
        variants = {
            "batch": self._client.batches.to_memory(),
            "aggregated": self._client.aggregations.to_memory(),
        }
        known = {
            sensor: interval
            for sensor, interval in self._known_intervals.items()
            if sensor in self._inventory_tree.sensors
        }
        return {_STORED_KEY: known, "ways": variants}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return {
            **self._client.diagnostics(),
            "looked_at": len(self._wanted_sensors),
            "regular": sum(each.interval is not None for each in self._intervals.values()),
            "round_seconds": self._round_time().total_seconds(),
        }


def _unit(channel: Channel) -> str | None:
    return getattr(channel.description, "native_unit_of_measurement", None)


def _sensor_info(inventory_tree: OrganisationInventory, sensor: Sensor) -> _SensorInfo:
    parent, device = inventory_tree.parent_of_sensor(sensor.id), inventory_tree.device_of(sensor)
    return _SensorInfo(
        channel=ChannelId(parent, sensor_key(sensor.id)),
        last=ChannelId(parent, entities.LAST_MEASUREMENT),
        device=device.id if device else None,
        kind=inventory_tree.value_type_of(sensor),
    )
