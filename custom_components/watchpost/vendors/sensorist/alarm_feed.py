"""Poll the alarms and the history of their changes, so that no change between two polls is missed."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from ...client.errors import VendorError
from ...models import ChannelId, FeedUpdate, Inventory, VendorEvent
from .client import SensoristClient, SensoristResponse
from .events import ALARMS, Place, alarm_channel, alarm_events, alarm_key, alarm_readings
from .models import Alarm, AlarmLog

# A log has the date of its measurement, which an offline gateway delivers much later, so the history
# is requested from well before the last dispatched event.
OVERLAP: Final = timedelta(days=1)

# The longest period of history that is requested after an outage.
MAX_GAP: Final = timedelta(days=30)

# The name by which a failing history is reported.
ALARM_HISTORY: Final = "history of alarms"

type FindPlace = Callable[[Alarm], Place | None]


class AlarmPoller:
    """The alarms of one account; `find_place` returns the place of an alarm, None if it is not wanted."""

    def __init__(self, client: SensoristClient, find_place: FindPlace) -> None:
        self._client = client
        self._find_place = find_place
        self._logged_until: datetime | None = None
        self._is_resuming = False
        self._seen: set[tuple[str | None, datetime, bool | None]] = set()
        self.alarms: dict[str, Alarm] = {}
        self.places: dict[str, Place] = {}

    def resume(self, delivered_until: datetime) -> None:
        """Set until when the logs are dispatched, before the first poll."""
        if self._logged_until is None:
            self._logged_until = delivered_until
            self._is_resuming = True

    async def fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        """List the alarms and, if their recent logs may lack a change, request the history."""
        response = await self._client.list_alarms()
        asked_at = response.date or datetime.now(UTC)
        self.update(response.value)
        logs = [log for alarm in response.value for log in alarm.logs]
        history: SensoristResponse[tuple[AlarmLog, ...]] | None = None
        failure: VendorError | None = None
        if self._is_resuming or self._has_gap(response.value):
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
            readings=alarm_readings(response.value, self.places),
            vendor_events=list(self.vendor_events(logs)),
            freshness=(response.freshness,),
            inventory=self._inventory(response.value, is_complete=not response.rejected),
            rejected=response.rejected + (history.rejected if history else Counter()),
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

    def known_update(self) -> FeedUpdate:
        """Return the known alarms as an update with an incomplete inventory, so that nothing is removed."""
        alarms = list(self.alarms.values())
        return FeedUpdate(
            readings=alarm_readings(alarms, self.places),
            inventory=self._inventory(alarms, is_complete=False),
        )

    def remove(self, alarm_id: str) -> ChannelId | None:
        """Remove an alarm and return the id of its channel."""
        self.alarms.pop(alarm_id, None)
        place = self.places.pop(alarm_id, None)
        return ChannelId(place.device, alarm_key(alarm_id)) if place else None

    def update(self, alarms: Iterable[Alarm]) -> None:
        """Store the alarms and their places; a deleted alarm keeps its place for its last logs."""
        for alarm in alarms:
            self.alarms[alarm.id] = alarm
            if (place := self._find_place(alarm)) is not None:
                self.places[alarm.id] = place
            else:
                self.places.pop(alarm.id, None)

    def vendor_events(self, logs: Iterable[AlarmLog]) -> Iterable[VendorEvent]:
        """Yield the events that the logs of known alarms contain."""
        return alarm_events(self.alarms, self.places, logs)

    def _has_gap(self, alarms: Iterable[Alarm]) -> bool:
        """Return whether the recent logs may lack a change since the last poll.

        The vendor does not say how many it lists: they are complete if one of them was known before.
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
