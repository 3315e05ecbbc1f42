"""Polls the alarms so that no change of theirs is missed, whether it fell between two polls or before the first."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from ...client.errors import VendorError
from ...models import ChannelId, FeedUpdate, Inventory, VendorEvent
from .client import SensoristClient, SensoristResponse
from .events import ALARMS, Place, alarm_channel, alarm_key, alarm_occurrences, alarm_readings
from .models import Alarm, AlarmLog

# A log carries the date of its measurement, which a gateway that was offline delivers long afterwards:
# the history is asked from well before what was told.
OVERLAP: Final = timedelta(days=1)

# How far back the history is asked at the most, after a long time away.
MAX_GAP: Final = timedelta(days=30)

# What the history of alarms is called where it cannot be had.
ALARM_HISTORY: Final = "history of alarms"

type FindPlace = Callable[[Alarm], Place | None]


class AlarmPoller:
    """The alarms of one account; `find_place` says where an alarm belongs, None if it is not wanted."""

    def __init__(self, client: SensoristClient, find_place: FindPlace) -> None:
        self._client = client
        self._find_place = find_place
        self._logged_until: datetime | None = None
        self._is_resuming = False
        self._seen: set[tuple[str | None, datetime, bool | None]] = set()
        self.alarms: dict[str, Alarm] = {}
        self.places: dict[str, Place] = {}

    def resume(self, delivered_until: datetime) -> None:
        """Take note up to when the logs have been told, before the first poll."""
        if self._logged_until is None:
            self._logged_until = delivered_until
            self._is_resuming = True

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """List the alarms and, where their recent logs may not reach back far enough, ask the history."""
        answer = await self._client.list_alarms()
        asked_at = answer.date or datetime.now(UTC)
        self.take(answer.value)
        logs = [log for alarm in answer.value for log in alarm.logs]
        history: SensoristResponse[tuple[AlarmLog, ...]] | None = None
        failure: VendorError | None = None
        if self._is_resuming or self._has_gap(answer.value):
            try:
                history = await self._client.alarm_history(start=self._history_start(asked_at))
            except VendorError as err:
                failure = err
            else:
                logs.extend(history.value)
        if failure is None:
            self._logged_until = asked_at
            self._is_resuming = False
            self._seen = _keys(logs)
        return FeedUpdate(
            readings=alarm_readings(answer.value, self.places),
            vendor_events=list(self.vendor_events(logs)),
            freshness=(answer.freshness,),
            inventory=self._inventory(answer.value, is_complete=not answer.rejected),
            rejected=answer.rejected + (history.rejected if history else Counter()),
            failures={ALARM_HISTORY: failure} if failure else {},
        )

    def _inventory(self, alarms: Iterable[Alarm], *, is_complete: bool) -> Inventory:
        return Inventory(
            devices=(),
            channels=[
                alarm_channel(alarm, self.places[alarm.id])
                for alarm in alarms
                if alarm.id in self.places
            ],
            is_complete=is_complete,
            scope=ALARMS,
            may_be_empty=True,
        )

    def shown(self) -> FeedUpdate:
        """Return what is known of the alarms, as an update that misses nothing and proves no absence."""
        alarms = list(self.alarms.values())
        return FeedUpdate(
            readings=alarm_readings(alarms, self.places),
            inventory=self._inventory(alarms, is_complete=False),
        )

    def forget(self, alarm_id: str) -> ChannelId | None:
        """Forget an alarm; the channel that showed it."""
        self.alarms.pop(alarm_id, None)
        place = self.places.pop(alarm_id, None)
        return ChannelId(place.device, alarm_key(alarm_id)) if place else None

    def take(self, alarms: Iterable[Alarm]) -> None:
        """Remember what the alarms are and where they belong; one that is gone keeps its place for its last logs."""
        for alarm in alarms:
            self.alarms[alarm.id] = alarm
            if (place := self._find_place(alarm)) is not None:
                self.places[alarm.id] = place
            else:
                self.places.pop(alarm.id, None)

    def vendor_events(self, logs: Iterable[AlarmLog]) -> Iterable[VendorEvent]:
        """What these logs tell of the known alarms."""
        return alarm_occurrences(self.alarms, self.places, logs)

    def _has_gap(self, alarms: Iterable[Alarm]) -> bool:
        """Whether a change since the last poll may be missing from the recent logs.

        The vendor does not say how many it lists: they are enough if one of them was there before.
        """
        return any(
            log_keys.isdisjoint(self._seen)
            if (log_keys := _keys(alarm.logs))
            else alarm.is_triggered
            for alarm in alarms
        )

    def _history_start(self, now: datetime) -> datetime:
        return max(min(self._logged_until or now, now) - OVERLAP, now - MAX_GAP)


def _keys(logs: Iterable[AlarmLog]) -> set[tuple[str | None, datetime, bool | None]]:
    return {(log.alarm, log.date, log.is_triggered) for log in logs}
