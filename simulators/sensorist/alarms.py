"""Alarms (sections 4.4, 4.5, 5.6, 6.1), evaluated against each measurement as it is stored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from simulators.clock import to_micros
from simulators.response import JsonObject
from simulators.schedule import SECOND

from .config import CloudConfig
from .serializers import time_text
from .state import Measurement, Source

RECENT_LOGS = 5


@dataclass(frozen=True, slots=True)
class AlarmLog:
    """One change of an alarm's state, dated as the measurement that caused it."""

    id: int
    alarm: int
    owner: int
    date: datetime
    value: float
    triggered: bool

    def json(self, config: CloudConfig) -> JsonObject:
        """Return the log as the API shows it."""
        return {
            "id": self.id,
            "alarm": self.alarm,
            "date": time_text(self.date),
            "value": self.value,
            "state": _state(self.triggered, config),
        }


@dataclass(slots=True)
class Alarm:
    """One alarm. `delay`: minutes that measurements must continuously be beyond `value`.

    evaluated: up to which `seq` measurements were looked at. since: the first
    one beyond.
    """

    id: int
    owner: int
    source: Source
    value: float
    direction: Literal["above", "below"]
    delay: int
    evaluated: int
    since: datetime | None = None
    triggered: bool = False
    logs: list[AlarmLog] = field(default_factory=list)

    def json(self, config: CloudConfig) -> JsonObject:
        """Return the alarm with its most recent logs, newest first."""
        source: object = self.source.id
        if config.variants.alarm_source == "object":
            source = {"id": self.source.id}
        return {
            "id": self.id,
            "data_source": source,
            "value": self.value,
            "direction": self.direction,
            "delay": self.delay,
            "state": _state(self.triggered, config),
            "logs": [log.json(config) for log in self.logs[: -RECENT_LOGS - 1 : -1]],
        }

    def beyond(self, value: float) -> bool:
        """Return whether a value is on the wrong side of the threshold."""
        return value > self.value if self.direction == "above" else value < self.value


class Alarms:
    """All alarms of a cloud. `tell(alarm, log)` is called at each change of state."""

    def __init__(self, config: CloudConfig, on_change: Callable[[Alarm, AlarmLog], None]) -> None:
        """Start empty."""
        self._config = config
        self._notify_change = on_change
        self._alarms: dict[int, Alarm] = {}
        self._history: list[AlarmLog] = []
        self._created = 0

    def create(
        self,
        owner: int,
        source: Source,
        *,
        value: float,
        direction: Literal["above", "below"],
        delay: int,
        now: datetime,
    ) -> Alarm:
        """Create an alarm; the newest measurement is the first it looks at."""
        self._created += 1
        newest = source.newest(to_micros(now))
        evaluated = to_micros(now) if newest is None else newest.seq - 1
        alarm = Alarm(4_400 + self._created, owner, source, value, direction, delay, evaluated)
        self._alarms[alarm.id] = alarm
        self.settle(now)
        return alarm

    def of(self, owner: int) -> list[Alarm]:
        """Return a user's alarms, oldest first."""
        return [alarm for alarm in self._alarms.values() if alarm.owner == owner]

    def history(self, owner: int, since: datetime, until: datetime) -> list[AlarmLog]:
        """Return a user's logs of a period, also of alarms that were deleted, newest first."""
        found = [log for log in self._history if log.owner == owner and since <= log.date <= until]
        return sorted(found, key=lambda log: (log.date, log.id), reverse=True)

    def delete(self, owner: int, number: int | None) -> bool:
        """Delete one alarm of a user, or with None all of them; tell whether there was one."""
        doomed = [alarm.id for alarm in self.of(owner) if number in (None, alarm.id)]
        for alarm_id in doomed:
            del self._alarms[alarm_id]
        return bool(doomed)

    def settle(self, now: datetime) -> None:
        """Look at every measurement that was stored since the last time."""
        for alarm in self._alarms.values():
            for row in _stored_since(alarm.source, alarm.evaluated, to_micros(now)):
                self._evaluate(alarm, row)
                alarm.evaluated = row.seq
            alarm.evaluated = max(alarm.evaluated, to_micros(now) - 1)

    def recheck(self, source: Source, now: datetime) -> None:
        """Let the alarms on `source` look at its newest measurement again."""
        newest = source.newest(to_micros(now))
        for alarm in self._alarms.values():
            if alarm.source is source and newest is not None:
                alarm.evaluated = min(alarm.evaluated, newest.seq - 1)

    def _evaluate(self, alarm: Alarm, row: Measurement) -> None:
        if not isinstance(row.value, int | float) or row.value != row.value:
            return
        if not alarm.beyond(row.value):
            alarm.since = None
            if alarm.triggered:
                self._change(alarm, row, row.value, triggered=False)
            return
        alarm.since = alarm.since or row.date
        lasted = (row.date - alarm.since).total_seconds()
        if not alarm.triggered and lasted >= alarm.delay * 60:
            self._change(alarm, row, row.value, triggered=True)

    def _change(self, alarm: Alarm, row: Measurement, value: float, *, triggered: bool) -> None:
        alarm.triggered = triggered
        number = 91_001 + len(self._history)
        log = AlarmLog(number, alarm.id, alarm.owner, row.date, value, triggered)
        alarm.logs.append(log)
        self._history.append(log)
        self._notify_change(alarm, log)


def _stored_since(source: Source, since: int, now: int) -> list[Measurement]:
    """Return what was stored in (since, now], as it came in; old dates may come late."""
    gateway = source.sensor.gateway
    first = since - 60 * SECOND
    if gateway.buffers and gateway.outages.first:
        first = min(first, gateway.outages.first)
    rows = source.between(first, now, now)
    return sorted((row for row in rows if row.seq > since), key=lambda row: row.seq)


def _state(triggered: bool, config: CloudConfig) -> object:
    match config.variants.alarm_state:
        case "bool":
            return triggered
        case "number":
            return int(triggered)
    return "triggered" if triggered else "normal"
