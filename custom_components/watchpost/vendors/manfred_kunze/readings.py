"""The part of readings: the newest value of each sensor that somebody looks at, within a budget of requests.

No call for newest values is published. Asked are, in this order: batches of sensors, where the deployment has them;
else one sensor at a time, those first that waited longest, and none before it can have measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final, override

import voluptuous as vol

from ...engine.model import Channel, ChannelId, FeedUpdate, Inventory, Reading
from ..base import Feed
from . import channels, values
from .asking import MOST_REQUESTS, Asking
from .client.readings import PER_BATCH, ReadingsClient
from .cycles import Track, good_for
from .estate import Estate, sensor_key
from .options import readings_fields
from .part import Part, Survey
from .records.topology import DeviceStatus
from .units import Shown, shown

READINGS_EVERY: Final = timedelta(minutes=1)
LEAST_INTERVAL: Final = timedelta(seconds=15)

_SILENT: Final = frozenset({DeviceStatus.OFFLINE, DeviceStatus.INACTIVE, DeviceStatus.PENDING})
_KEPT: Final = "cycles"


class ReadingsPart(Part):
    """Follows the sensors, by the vendor's `clock` and the one `here`.

    `at_least` is how long a value is shown of a sensor whose interval is not known.
    """

    def __init__(
        self,
        client: ReadingsClient,
        estate: Estate,
        *,
        now: Callable[[], float],
        clock: Callable[[], datetime],
        here: Callable[[], datetime],
        at_least: timedelta,
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._estate = estate
        self._now = now
        self._clock = clock
        self._here = here
        self._at_least = at_least
        self._changed = changed
        self._tracks: dict[str, Track] = {}
        self._silent: frozenset[str] = frozenset()
        self._wanted: frozenset[ChannelId] = frozenset()
        self._looked_at: list[str] = []
        self._offered: dict[ChannelId, Channel] = {}
        self._cycles: dict[str, float] = {}
        self._untold: set[str] = set()
        self._known: frozenset[str] = frozenset()

    # -- what there is --

    @override
    async def survey(self) -> Survey:
        """A channel for each sensor; what the list of sensors tells of values is taken as well."""
        for sensor in self._estate.sensors.values():
            if sensor.latest is not None and self._track(sensor.id).take([sensor.latest]):
                self._untold.add(sensor.id)
        for gone in self._tracks.keys() - self._estate.sensors.keys():
            del self._tracks[gone]
        self._wanted = frozenset()
        return Survey(channels=self._channels())

    def _channels(self) -> list[Channel]:
        poll = self._round().total_seconds()
        known = {
            sensor: good_for(track.cycle, poll)
            for sensor, track in self._tracks.items()
            if track.cycle is not None
        }
        at_least = max(self._at_least, 3 * self._round())
        found = list(channels.sensor_channels(self._estate, known, at_least))
        self._offered = {channel.id: channel for channel in found}
        return found

    def _round(self) -> timedelta:
        """How long it takes until each sensor that is looked at has had its turn."""
        per_poll = MOST_REQUESTS * (PER_BATCH if self._client.batches.works else 1)
        return READINGS_EVERY * max(ceil(len(self._looked_at) / per_poll), 1)

    def _track(self, sensor: str) -> Track:
        if sensor not in self._tracks:
            self._tracks[sensor] = Track(cycle=self._cycles.get(sensor))
        return self._tracks[sensor]

    # -- the newest values --

    @override
    def feeds(self) -> Sequence[Feed]:
        return [Feed(channels.READINGS, self._fetch, READINGS_EVERY, LEAST_INTERVAL)]

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
                now, clock, is_resting=sensor in silent, is_cheap=self._client.batches.works
            )
        ]
        asking = Asking(self._client, self._tracks, now, min(clock, self._here()))
        await asking.ask(due)
        if asking.failures and not asking.served:
            raise asking.failures[0]
        told = asking.changed | self._untold | (silent ^ self._silent) | (known - self._known)
        self._untold, self._silent, self._known = set(), silent, known
        return FeedUpdate(
            readings=self._readings(told),
            freshness=tuple(asking.freshness),
            inventory=self._learned(asking.changed),
            set_aside=asking.set_aside,
            failure=asking.failures[0] if asking.failures else None,
        )

    def _look_at(self, wanted: frozenset[ChannelId]) -> None:
        """Find the sensors behind the wanted channels; for a last measurement alone, any of its sensors."""
        if wanted == self._wanted and self._looked_at:
            return
        self._wanted = wanted
        found: dict[str, None] = {}
        spare: dict[str, str] = {}
        seen: set[str] = set()
        for sensor in self._estate.sensors:
            home = self._estate.home_of(sensor)
            if ChannelId(home, sensor_key(sensor)) in wanted:
                found[sensor] = None
                seen.add(home)
            elif ChannelId(home, channels.LAST_MEASUREMENT) in wanted:
                spare.setdefault(home, sensor)
        found.update({sensor: None for home, sensor in spare.items() if home not in seen})
        self._looked_at = list(found)

    def _is_silent(self, sensor: str) -> bool:
        """Whether the platform says that nothing is measured there for now."""
        device = self._estate.device_of(self._estate.sensors[sensor])
        return device is not None and device.status in _SILENT

    def _readings(self, sensors: set[str]) -> dict[ChannelId, Reading]:
        readings: dict[ChannelId, Reading] = {}
        last: dict[str, datetime] = {}
        for found in sensors & self._estate.sensors.keys():
            sensor, newest = self._estate.sensors[found], self._track(found).newest
            if newest is None:
                continue
            home = self._estate.home_of(found)
            channel = ChannelId(home, sensor_key(found))
            meant = self.shown(found)
            is_live = found not in self._silent
            kind = self._estate.kind_of(sensor)
            readings[channel] = values.reading(newest, kind, meant, is_live=is_live)
            last[home] = max(newest.at, last.get(home, newest.at))
        for home, at in last.items():
            readings[ChannelId(home, channels.LAST_MEASUREMENT)] = Reading(at, at)
        return readings

    def shown(self, sensor_id: str) -> Shown:
        """How a sensor's number is shown."""
        sensor = self._estate.sensors.get(sensor_id)
        if sensor is None:
            return Shown(None)
        field = self._estate.field_of(sensor)
        name = (field.name if field else None) or sensor.field or sensor.name or ""
        return shown(sensor.unit or (field.unit if field else None), name)

    def _learned(self, sensors: set[str]) -> Inventory | None:
        """The channels of sensors that have just shown how often they measure."""
        new = {
            sensor: track.cycle
            for sensor in sensors
            if (track := self._track(sensor)).cycle is not None
            and self._cycles.get(sensor) != track.cycle
        }
        if not new:
            return None
        self._cycles |= {sensor: cycle for sensor, cycle in new.items() if cycle is not None}
        self._changed()
        before = self._offered
        changed = [one for one in self._channels() if one.id in before and one != before[one.id]]
        if not changed:
            return None
        return Inventory([], changed, is_complete=False, scope=channels.READINGS)

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
            if sensor in self._estate.sensors
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
