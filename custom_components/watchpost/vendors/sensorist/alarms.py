"""Sensorist's alarms, callbacks and workflows as typed records.

The vendor's document names what there is, not the fields: these are the dossier's, section 4.4.
"""

from datetime import datetime
from enum import IntFlag, StrEnum
from functools import partial

import msgspec
from msgspec.structs import replace

from .envelope import (
    Decoded,
    RecordDecoder,
    Row,
    envelope,
    identifier,
    parse_many,
    parse_one,
    payload,
    reference,
    to_datetime,
    to_int,
    to_number,
    to_text,
)

_MAX_ADDRESS = 2_048

# The states' names are not documented; the first of each set is the dossier's.
_TRIGGERED = frozenset({"triggered", "active", "alarm", "on", "true", "1"})
_NORMAL = frozenset({"normal", "inactive", "ok", "off", "false", "0"})
_COMPLETED = frozenset({"completed", "complete", "done", "finished", "success", "succeeded"})
_FAILED = frozenset({"failed", "error", "cancelled", "canceled", "aborted", "timeout"})


class Direction(StrEnum):
    """On which side of its threshold an alarm is triggered. Section 5.6."""

    ABOVE = "above"
    BELOW = "below"


class CallbackTypes(IntFlag):
    """The events that a callback is for. Section 5.7."""

    BUTTON = 1
    ALARM = 2
    SYSTEM = 4


_DIRECTIONS: dict[str | None, Direction] = {direction.value: direction for direction in Direction}


class AlarmLog(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A change of an alarm's state; `is_triggered` is None for a state that is not known."""

    date: datetime
    id: str | None = None
    alarm: str | None = None
    value: float | None = None
    state: str | None = None
    is_triggered: bool | None = None


class Alarm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An alarm of one data source: `value` in the source's unit, `delay` in minutes, logs by date.

    `is_triggered` is None where the vendor's state is missing or not known, never taken for normal.
    """

    id: str
    source: str | None = None
    value: float | None = None
    direction: Direction | None = None
    delay: float | None = None
    state: str | None = None
    is_triggered: bool | None = None
    logs: tuple[AlarmLog, ...] = ()


class Callback(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An address that the vendor notifies of `types`."""

    id: str
    url: str | None = None
    types: CallbackTypes = CallbackTypes(0)


class Workflow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A process at the vendor's; `state` is in the vendor's words, in lower case."""

    id: str
    type: str | None = None
    state: str | None = None
    created: datetime | None = None

    @property
    def has_completed(self) -> bool:
        """Whether it ended as it should."""
        return self.state in _COMPLETED

    @property
    def has_failed(self) -> bool:
        """Whether it ended otherwise."""
        return self.state in _FAILED


def parse_alarms(body: bytes) -> Decoded[tuple[Alarm, ...]]:
    """Read GET /alarms: each alarm with its logs, from within it or beside it. Section 4.4."""
    sieve = RecordDecoder()
    root = envelope(body)
    alarms = sieve.identified("alarm", payload(root, "alarms", "alarm"), partial(_alarm, sieve))
    beside = _logs(sieve, root.get("logs")) if isinstance(root, dict) else ()
    known = {alarm.id for alarm in alarms}
    for log in beside:
        if log.alarm not in known:
            sieve.drop("alarm log", "alarm")
    return Decoded(tuple(_with_logs(alarm, beside) for alarm in alarms), sieve.rejected)


def parse_alarm(body: bytes) -> Decoded[Alarm | None]:
    """Read the alarm that POST /alarms returns. Section 5.6."""
    return parse_one(body, "alarm", _alarm)


def parse_alarm_logs(body: bytes) -> Decoded[tuple[AlarmLog, ...]]:
    """Read GET /alarms/history, by date. Section 4.5."""
    sieve = RecordDecoder()
    return Decoded(_logs(sieve, payload(envelope(body), "logs", "log")), sieve.rejected)


def parse_callbacks(body: bytes) -> Decoded[tuple[Callback, ...]]:
    """Read GET /callbacks. Section 4.6."""
    return parse_many(body, "callback", _callback)


def parse_callback(body: bytes) -> Decoded[Callback | None]:
    """Read the callback that POST /callbacks returns. Section 5.7."""
    return parse_one(body, "callback", _callback)


def parse_workflow(body: bytes) -> Decoded[Workflow | None]:
    """Read GET /workflows/<id> and the reply to a gateway command. Sections 4.7 and 5.4."""
    return parse_one(body, "workflow", read_workflow)


def _alarm(sieve: RecordDecoder, found: str, row: Row) -> Alarm:
    return Alarm(
        id=found,
        source=reference(row, "data_source"),
        value=to_number(row.get("value")),
        direction=_direction(row.get("direction")),
        delay=to_number(row.get("delay")),
        state=_word(row.get("state")),
        is_triggered=_is_triggered(row.get("state")),
        logs=_logs(sieve, row.get("logs"), found),
    )


def _logs(sieve: RecordDecoder, items: object, alarm: str | None = None) -> tuple[AlarmLog, ...]:
    read: list[AlarmLog] = []
    for row in sieve.rows("alarm log", items):
        date = to_datetime(row.get("date"))
        if date is None:
            sieve.drop("alarm log", "date")
            continue
        log = AlarmLog(
            date=date,
            id=identifier(row.get("id")),
            alarm=alarm or reference(row, "alarm"),
            value=to_number(row.get("value")),
            state=_word(row.get("state")),
            is_triggered=_is_triggered(row.get("state")),
        )
        read.append(log)
    return tuple(sorted(read, key=_date))


def _with_logs(alarm: Alarm, beside: tuple[AlarmLog, ...]) -> Alarm:
    """Give the alarm its logs from both places, each once, by date."""
    logs = {(log.id, log.date): log for log in beside if log.alarm == alarm.id}
    logs |= {(log.id, log.date): log for log in alarm.logs}
    return replace(alarm, logs=tuple(sorted(logs.values(), key=_date)))


def _date(log: AlarmLog) -> datetime:
    return log.date


def _callback(_: RecordDecoder, found: str, row: Row) -> Callback:
    types = to_int(row.get("type"))
    return Callback(
        id=found,
        url=to_text(row.get("url"), _MAX_ADDRESS),
        types=CallbackTypes(types if types is not None and 0 <= types < 2**31 else 0),
    )


def read_workflow(_: RecordDecoder, found: str, row: Row) -> Workflow:
    """Read the fields of a workflow."""
    return Workflow(
        id=found,
        type=_word(row.get("type")),
        state=_word(row.get("state")),
        created=to_datetime(row.get("created")),
    )


def _direction(value: object) -> Direction | None:
    return _DIRECTIONS.get(_word(value))


def _is_triggered(state: object) -> bool | None:
    word = _word(state)
    if word in _TRIGGERED:
        return True
    return False if word in _NORMAL else None


def _word(value: object) -> str | None:
    """Read one of the vendor's words: text, a flag, a number, or the name beside an id."""
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, bool | int):
        value = str(value) if abs(value) < 2**63 else None
    word = to_text(value)
    return word.lower() if word else None
