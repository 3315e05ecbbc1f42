"""Parse Sensorist's alarms, callbacks and workflows into typed records.

The vendor's document does not name the fields: they are the dossier's, section 4.4.
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
    """The side of its threshold on which an alarm is triggered. Section 5.6."""

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
    """A job of the vendor; `state` is the vendor's word, in lower case."""

    id: str
    type: str | None = None
    state: str | None = None
    created: datetime | None = None

    @property
    def has_completed(self) -> bool:
        """Return whether the workflow has completed."""
        return self.state in _COMPLETED

    @property
    def has_failed(self) -> bool:
        """Return whether the workflow has failed."""
        return self.state in _FAILED


def parse_alarms(body: bytes) -> Decoded[tuple[Alarm, ...]]:
    """Parse GET /alarms: each alarm with its logs, which are inside it or beside it. Section 4.4."""
    decoder = RecordDecoder()
    root = envelope(body)
    alarms = decoder.identified("alarm", payload(root, "alarms", "alarm"), partial(_alarm, decoder))
    beside = _logs(decoder, root.get("logs")) if isinstance(root, dict) else ()
    known = {alarm.id for alarm in alarms}
    for log in beside:
        if log.alarm not in known:
            decoder.drop("alarm log", "alarm")
    return Decoded(tuple(_with_logs(alarm, beside) for alarm in alarms), decoder.rejected)


def parse_alarm(body: bytes) -> Decoded[Alarm | None]:
    """Read the alarm that POST /alarms returns. Section 5.6."""
    return parse_one(body, "alarm", _alarm)


def parse_alarm_logs(body: bytes) -> Decoded[tuple[AlarmLog, ...]]:
    """Read GET /alarms/history, by date. Section 4.5."""
    decoder = RecordDecoder()
    return Decoded(_logs(decoder, payload(envelope(body), "logs", "log")), decoder.rejected)


def parse_callbacks(body: bytes) -> Decoded[tuple[Callback, ...]]:
    """Read GET /callbacks. Section 4.6."""
    return parse_many(body, "callback", _callback)


def parse_callback(body: bytes) -> Decoded[Callback | None]:
    """Read the callback that POST /callbacks returns. Section 5.7."""
    return parse_one(body, "callback", _callback)


def parse_workflow(body: bytes) -> Decoded[Workflow | None]:
    """Read GET /workflows/<id> and the response to a gateway command. Sections 4.7 and 5.4."""
    return parse_one(body, "workflow", read_workflow)


def _alarm(decoder: RecordDecoder, record_id: str, row: Row) -> Alarm:
    return Alarm(
        id=record_id,
        source=reference(row, "data_source"),
        value=to_number(row.get("value")),
        direction=_direction(row.get("direction")),
        delay=to_number(row.get("delay")),
        state=_word(row.get("state")),
        is_triggered=_is_triggered(row.get("state")),
        logs=_logs(decoder, row.get("logs"), record_id),
    )


def _logs(decoder: RecordDecoder, items: object, alarm: str | None = None) -> tuple[AlarmLog, ...]:
    read: list[AlarmLog] = []
    for row in decoder.rows("alarm log", items):
        date = to_datetime(row.get("date"))
        if date is None:
            decoder.drop("alarm log", "date")
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
    """Return the alarm with its logs from both places, each once, by date."""
    logs = {(log.id, log.date): log for log in beside if log.alarm == alarm.id}
    logs |= {(log.id, log.date): log for log in alarm.logs}
    return replace(alarm, logs=tuple(sorted(logs.values(), key=_date)))


def _date(log: AlarmLog) -> datetime:
    return log.date


def _callback(_: RecordDecoder, record_id: str, row: Row) -> Callback:
    types = to_int(row.get("type"))
    return Callback(
        id=record_id,
        url=to_text(row.get("url"), _MAX_ADDRESS),
        types=CallbackTypes(types if types is not None and 0 <= types < 2**31 else 0),
    )


def read_workflow(_: RecordDecoder, record_id: str, row: Row) -> Workflow:
    """Read the fields of a workflow."""
    return Workflow(
        id=record_id,
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
    """Parse one of the vendor's words: text, a flag, a number, or the name beside an id."""
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, bool | int):
        value = str(value) if abs(value) < 2**63 else None
    word = to_text(value)
    return word.lower() if word else None
