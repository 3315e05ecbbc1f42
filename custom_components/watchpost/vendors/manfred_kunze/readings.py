"""The part of readings: the newest value of each sensor that somebody looks at, within a budget of requests.

No call for newest values is published. Asked are, in this order: batches of sensors, where the deployment has them;
else one sensor at a time, those first that waited longest, and none before it can have measured again.
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
from .interval import SensorInterval, good_for, stepped
from .inventory import SENSORS, OrganisationInventory, sensor_key
from .models.topology import DeviceStatus, Sensor, ValueType
from .options import readings_fields
from .reading_poller import MAX_REQUESTS, ReadingPoll

READINGS_EVERY: Final = timedelta(minutes=1)
MIN_INTERVAL: Final = timedelta(seconds=15)

_SILENT: Final = frozenset({DeviceStatus.OFFLINE, DeviceStatus.INACTIVE, DeviceStatus.PENDING})
# Of the others each may be told between two of its regular ones, when something happens.
_MEASURED: Final = frozenset({ValueType.DOUBLE, ValueType.BIGINT})
_KEPT: Final = "cycles"


class _Line(NamedTuple):
    """What is needed of a sensor at each poll: its channels, its device's id, and what its values are."""

    channel: ChannelId
    last: ChannelId
    device: str | None
    kind: ValueType | None


class ReadingsFeature(Feature):
    """Follows the sensors, by the vendor's `clock` and the one `here`.

    `at_least` is how long a value is shown of a sensor whose interval is not known.
    """

    title = "newest readings"

    def __init__(
        self,
        client: ReadingsClient,
        inventory_tree: OrganisationInventory,
        *,
        now: Callable[[], float],
        clock: Callable[[], datetime],
        here: Callable[[], datetime],
        at_least: timedelta,
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._inventory_tree = inventory_tree
        self._now = now
        self._clock = clock
        self._here = here
        self._at_least = at_least
        self._changed = changed
        self._tracks: dict[str, SensorInterval] = {}
        self._silent: frozenset[str] = frozenset()
        self._wanted: frozenset[ChannelId] = frozenset()
        self._looked_at: list[str] = []
        self._offered: dict[ChannelId, Channel] = {}
        self._cycles: dict[str, float] = {}
        self._untold: set[str] = set()
        self._known: frozenset[str] = frozenset()
        self._lines: dict[str, _Line] = {}
        self._shown_by = READINGS_EVERY
        self._lifetime = timedelta(0)

    # -- what there is --

    @override
    async def survey(self) -> Discovery:
        """A channel for each sensor; what the list of sensors tells of values is taken as well."""
        inventory_tree = self._inventory_tree
        for sensor in inventory_tree.sensors.values():
            newest = sensor.latest
            if newest is None or not self._client.is_past(newest):
                continue
            if self._track(sensor.id).take([newest], self._here()):
                self._untold.add(sensor.id)
        for gone in self._tracks.keys() - inventory_tree.sensors.keys():
            del self._tracks[gone]
        self._lines = {sensor.id: _line(inventory_tree, sensor) for sensor in inventory_tree.housed}
        self._wanted = frozenset()
        self._shown_by = self._round()
        good_for = {sensor: self._good_for(sensor) for sensor in self._lines}
        found = list(entities.sensor_channels(inventory_tree, good_for))
        self._note_units(found)
        self._offered = {channel.id: channel for channel in found}
        return Discovery(channels=found)

    def _note_units(self, found: Iterable[Channel]) -> None:
        """Take the value of a sensor anew whose unit has changed: what came before may be in the old one."""
        sensors = {line.channel: sensor for sensor, line in self._lines.items()}
        for channel in found:
            before, sensor = self._offered.get(channel.id), sensors.get(channel.id)
            if before is None or sensor is None or sensor in self._untold:
                continue
            if _unit(before) != _unit(channel):
                self._track(sensor).newest = None

    def _good_for(self, sensor: str) -> timedelta:
        """How long a sensor's newest value is shown."""
        cycle, poll = self._cycles.get(sensor), self._round()
        if cycle is None:
            return max(self._at_least, 3 * poll)
        return good_for(cycle, poll.total_seconds())

    def _round(self) -> timedelta:
        """How long it takes until each sensor that is looked at has had its turn."""
        per_poll = MAX_REQUESTS * (PER_BATCH if self._client.batches.works else 1)
        polls = max(ceil(len(self._looked_at) / per_poll), 1)
        return max(READINGS_EVERY, self._lifetime) * polls

    def _track(self, sensor: str) -> SensorInterval:
        if sensor not in self._tracks:
            self._tracks[sensor] = SensorInterval(cycle=self._cycles.get(sensor))
        return self._tracks[sensor]

    @override
    def scope_of(self, key: str) -> str | None:
        return SENSORS if entities.is_of_sensor(key) else None

    # -- the newest values --

    @override
    def feeds(self) -> Sequence[Feed]:
        return [Feed(entities.READINGS, self._fetch, READINGS_EVERY, MIN_INTERVAL)]

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """Ask for what is due; a sensor that fails costs no other. All failing raises the first failure."""
        self._look_at(wanted)
        now, clock = self._now(), self._clock()
        known = frozenset(self._looked_at)
        silent = frozenset(sensor for sensor in self._looked_at if self._is_silent(sensor))
        due = [
            sensor
            for sensor in self._looked_at
            if self._track(sensor).is_due(
                now,
                clock,
                is_resting=sensor in silent,
                is_cheap=self._client.batches.works,
                is_event=self._lines[sensor].kind not in _MEASURED,
            )
        ]
        asking = ReadingPoll(self._client, self._tracks, now, min(clock, self._here()))
        await asking.ask(due)
        if asking.failures and not asking.record_success:
            raise asking.failures[0]
        if asking.freshness:
            self._lifetime = lifetime(asking.freshness)
        told = asking.changed | self._untold | (silent ^ self._silent) | (known - self._known)
        self._untold, self._silent, self._known = set(), silent, known
        return FeedUpdate(
            readings=self._readings(told),
            freshness=tuple(asking.freshness),
            inventory=self._learned(asking.changed),
            rejected=asking.rejected,
            failure=asking.failures[0] if asking.failures else None,
        )

    def _look_at(self, wanted: frozenset[ChannelId]) -> None:
        """Find the sensors behind the wanted channels; for a last measurement alone, any of its sensors."""
        if wanted == self._wanted and self._looked_at:
            return
        self._wanted = wanted
        found: dict[str, None] = {}
        spare: dict[ChannelId, str] = {}
        seen: set[ChannelId] = set()
        for sensor, line in self._lines.items():
            if line.channel in wanted:
                found[sensor] = None
                seen.add(line.last)
            elif line.last in wanted:
                spare.setdefault(line.last, sensor)
        found.update({sensor: None for last, sensor in spare.items() if last not in seen})
        self._looked_at = list(found)

    def _is_silent(self, sensor: str) -> bool:
        """Whether the platform says that nothing is measured there for now."""
        device = self._inventory_tree.devices.get(self._lines[sensor].device or "")
        return device is not None and device.status in _SILENT

    def _readings(self, sensors: set[str]) -> dict[ChannelId, Reading]:
        readings: dict[ChannelId, Reading] = {}
        times: dict[ChannelId, list[datetime]] = {}
        here = self._here()
        for found in sensors & self._lines.keys():
            line, newest = self._lines[found], self._track(found).newest
            if newest is None:
                continue
            is_live = found not in self._silent
            readings[line.channel] = reading_values.reading(newest, line.kind, is_live=is_live)
            times.setdefault(line.last, []).append(newest.at)
        for last, found_times in times.items():
            # One that is yet to come counts where there is no other.
            at = max(found_times, key=lambda found: (found <= here, found))
            readings[last] = Reading(at, at)
        return readings

    def _learned(self, sensors: set[str]) -> Inventory | None:
        """The channels of sensors that have just shown how often they measure; all, if a round takes longer or less."""
        new = {
            sensor: cycle
            for sensor in sensors
            if (cycle := self._track(sensor).cycle) is not None
            and stepped(cycle) != self._cycles.get(sensor)
        }
        self._cycles |= {sensor: stepped(cycle) for sensor, cycle in new.items()}
        if new:
            self._changed()
        is_other, self._shown_by = self._round() != self._shown_by, self._round()
        changed: list[Channel] = []
        for sensor in self._lines.keys() if is_other else new.keys() & self._lines.keys():
            before, good = self._offered.get(self._lines[sensor].channel), self._good_for(sensor)
            if before is not None and before.good_for != good:
                changed.append(replace(before, good_for=good))
        self._offered |= {channel.id: channel for channel in changed}
        if not changed:
            return None
        return Inventory([], changed, is_complete=False, scope=entities.READINGS)

    # -- what is chosen, kept and said --

    @override
    async def options(self) -> Mapping[vol.Marker, Any]:
        return readings_fields()

    @override
    def recall(self, memory: Mapping[str, Any]) -> None:
        kept = memory.get(_KEPT)
        for sensor, cycle in kept.items() if isinstance(kept, dict) else ():
            if isinstance(sensor, str) and isinstance(cycle, int | float) and cycle > 0:
                self._cycles[sensor] = float(cycle)
        ways = memory.get("ways")
        if isinstance(ways, dict):
            self._client.batches.from_memory(ways.get("batch"))
            self._client.aggregations.from_memory(ways.get("aggregated"))

    @override
    def memory(self) -> Mapping[str, Any]:
        ways = {
            "batch": self._client.batches.to_memory(),
            "aggregated": self._client.aggregations.to_memory(),
        }
        kept = {
            sensor: cycle
            for sensor, cycle in self._cycles.items()
            if sensor in self._inventory_tree.sensors
        }
        return {_KEPT: kept, "ways": ways}

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return {
            **self._client.diagnostics(),
            "looked_at": len(self._looked_at),
            "regular": sum(track.cycle is not None for track in self._tracks.values()),
            "round_seconds": self._round().total_seconds(),
        }


def _unit(channel: Channel) -> str | None:
    return getattr(channel.description, "native_unit_of_measurement", None)


def _line(inventory_tree: OrganisationInventory, sensor: Sensor) -> _Line:
    home, device = inventory_tree.home_of(sensor.id), inventory_tree.device_of(sensor)
    return _Line(
        channel=ChannelId(home, sensor_key(sensor.id)),
        last=ChannelId(home, entities.LAST_MEASUREMENT),
        device=device.id if device else None,
        kind=inventory_tree.kind_of(sensor),
    )
