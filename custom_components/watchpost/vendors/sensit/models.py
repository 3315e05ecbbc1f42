"""Parse SENSIT Connect's JSON into typed records; an invalid value raises no error.

The contents of a monitor's record depend on its type and configuration, so a record is a mapping of
paths to values: nested objects are flattened, `{"trig": {"trig_activeFlag": 2}}` to
`trig.trig_activeFlag`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from ...client.decode import (
    Decoded,
    RecordDecoder,
    Row,
    identifier,
    nested,
    to_int,
    to_number,
    to_text,
)
from ...client.errors import SignInRejectedError, UnexpectedResponseError
from ...client.transport import loose
from .dates import parse_date

type Value = float | str | bool | None

MAX_MONITORS: Final = 5_000
MAX_RECORDS: Final = 20_000  # of one log; two hours of one a second are 7,200
MAX_FIELDS: Final = 200
MAX_PATH: Final = 100
MAX_DEPTH: Final = 4
MAX_TOKEN: Final = 8_192

# A greater number is an overflow, and the mean of two may be infinite; impossible values are rejected later.
_MAX_NUMBER: Final = 1e40

# The flag of the canister trigger; a flag without a port means idle.
TRIGGER: Final = "trig.trig_activeFlag"

# The fields that identify a record and measure nothing.
_IDENTITY_FIELDS: Final = frozenset({"_id", "id", "date"})


class Kind(StrEnum):
    """The types of monitors that have logs."""

    FMD = "FMD"
    SPOD = "SPOD"
    RAMP = "RAMP"


@dataclass(frozen=True, slots=True, repr=False)
class UserSession:
    """The result of a sign-in: the token, and the user's id and role, which the device list requires."""

    token: str
    user: str
    role: str


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One record of a monitor: the date (UTC) of its measurement, and its values by path.

    A value is None if its key is present and its content unusable. `id` distinguishes records of
    the same date.
    """

    date: datetime
    values: Mapping[str, Value]
    id: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Monitor:
    """One device of the list; `kind` is None for a type without logs."""

    uuid: str
    name: str | None
    location: str | None
    status: str | None
    type: str | None
    kind: Kind | None
    is_charging: bool | None
    needs_firmware: bool | None
    battery: float | None
    record: Record | None


@dataclass(frozen=True, slots=True)
class AvailableDay:
    """A day with data, its number of records, and the date of the last one."""

    day: date
    count: int | None
    last: datetime | None


def parse_user_session(body: bytes) -> UserSession:
    """Parse the response to a sign-in.

    Raises SignInRejectedError if it has a message but no token, UnexpectedResponseError for any other body.
    """
    root = loose(body)
    if not isinstance(root, dict):
        raise UnexpectedResponseError("the reply is no object")
    row = root if "accessToken" in root else nested(root, "data")
    token = row.get("accessToken")
    if token is None and isinstance(root.get("message"), str):
        raise SignInRejectedError("the vendor gave no token")
    user = nested(row, "user")
    user_id = identifier(user.get("id")) or identifier(user.get("_id"))
    if not isinstance(token, str) or not is_valid_token(token) or user_id is None:
        raise UnexpectedResponseError("the reply holds no usable token and user")
    return UserSession(token, user_id, to_text(user.get("role")) or "")


def is_valid_token(token: str) -> bool:
    """Return whether a token can be sent in a header."""
    return (
        0 < len(token) <= MAX_TOKEN and token.isascii() and token.isprintable() and " " not in token
    )


def parse_monitors(body: bytes) -> Decoded[tuple[Monitor, ...]]:
    """Parse the list of devices, bare or under `data`; of two with the same uuid the first is used.

    A null in place of the list is an incomplete empty list: it does not prove that a monitor is gone.
    """
    decoder = RecordDecoder()
    monitors: dict[str, Monitor] = {}
    listed = _listed(body)
    if listed is None:
        decoder.drop("monitor", "no list")
    for row in decoder.rows("monitor", listed):
        uuid = identifier(row.get("uuid"))
        if uuid is None:
            decoder.drop("monitor", "uuid")
        elif uuid in monitors:
            decoder.drop("monitor", "duplicate uuid")
        elif len(monitors) >= MAX_MONITORS:
            decoder.drop("monitor", "too many")
        else:
            monitors[uuid] = _monitor(decoder, uuid, row)
    return Decoded(tuple(monitors.values()), decoder.rejected)


def parse_records(body: bytes) -> Decoded[tuple[Record, ...]]:
    """Parse a log, in the vendor's order; a record without a date is rejected."""
    decoder = RecordDecoder()
    records: list[Record] = []
    for row in decoder.rows("record", _listed(body)):
        if len(records) >= MAX_RECORDS:
            decoder.drop("record", "too many")
        elif (record := _record(decoder, row)) is not None:
            records.append(record)
    return Decoded(tuple(records), decoder.rejected)


def parse_days(body: bytes) -> Decoded[tuple[AvailableDay, ...]]:
    """Parse the days with data, oldest first."""
    decoder = RecordDecoder()
    days: dict[date, AvailableDay] = {}
    for row in decoder.rows("day", _listed(body)):
        parts = [to_int(nested(row, "_id").get(name)) for name in ("year", "month", "day")]
        try:
            day = date(*(part for part in parts if part is not None))
        except TypeError, ValueError, OverflowError:
            decoder.drop("day", "date")
            continue
        days[day] = AvailableDay(day, to_int(row.get("count")), parse_date(row.get("date")))
    return Decoded(tuple(days[day] for day in sorted(days)), decoder.rejected)


def _listed(body: bytes) -> list[object] | None:
    """Return the list of a response, bare or under `data`, or None for a null in its place.

    Raises UnexpectedResponseError for anything else, which must not count as an empty list.
    """
    root = loose(body)
    listed = root["data"] if isinstance(root, dict) and "data" in root else root
    if listed is not None and not isinstance(listed, list):
        raise UnexpectedResponseError("the reply holds no list")
    return listed


def _monitor(decoder: RecordDecoder, uuid: str, row: Row) -> Monitor:
    kind = (to_text(row.get("type"), 32) or "").upper()
    battery = to_number(row.get("battery"))
    return Monitor(
        uuid=uuid,
        name=to_text(row.get("name")),
        location=to_text(row.get("location")),
        status=to_text(row.get("status")),
        type=kind or None,
        kind=Kind(kind) if kind in Kind else None,
        is_charging=_flag(row.get("isCharging")),
        needs_firmware=_flag(row.get("isFirmwareUpdateRequire")),
        battery=battery if battery is not None and 0 <= battery <= 100 else None,
        record=_newest(decoder, row.get("lastReceivedRecord")),
    )


def _newest(decoder: RecordDecoder, value: object) -> Record | None:
    """Return the record in the list, None if it is missing or empty; anything else is rejected."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if value is None or value in ({}, []):
        return None
    if isinstance(value, dict):
        return _record(decoder, value)
    decoder.drop("record", "not an object")
    return None


def _record(decoder: RecordDecoder, row: Row) -> Record | None:
    measured_at = parse_date(row.get("date"))
    if measured_at is None:
        decoder.drop("record", "date")
        return None
    values: dict[str, Value] = {}
    if "trig" in row and _may_be_idle(row["trig"]):
        values[TRIGGER] = None
    is_flag_readable = True
    for path, value in _flattened(row):
        is_flag_readable = is_flag_readable and not _is_unreadable_flag(path, value)
        if path in _IDENTITY_FIELDS:
            continue
        if len(path) > MAX_PATH or not path.isprintable():
            decoder.drop("field", "name")
        elif len(values) >= MAX_FIELDS and path not in values:
            decoder.drop("field", "too many")
        elif values.get(path) is None:
            values[path] = _scalar(value)
    if not is_flag_readable:
        values.pop(TRIGGER, None)
    return Record(measured_at, values, identifier(row.get("_id")))


def _may_be_idle(trigger: object) -> bool:
    """Return whether the trigger is idle unless it holds a flag: an object, or empty."""
    return trigger is None or trigger == [] or isinstance(trigger, dict)


def _is_unreadable_flag(path: str, value: object) -> bool:
    """Return whether a flag has a value that is neither a port nor idle."""
    if path == TRIGGER:
        return not isinstance(value, str | None) and _scalar(value) is None
    return path.startswith(f"{TRIGGER}.")


def _flattened(row: Row, above: str = "", depth: int = 1) -> Iterator[tuple[str, object]]:
    """Yield every value in an object with its path, up to a maximum depth."""
    for name, value in row.items():
        yield from _under(f"{above}{name}", value, depth)


def _under(path: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict | list):
        yield path, value
    elif depth < MAX_DEPTH and isinstance(value, dict):
        yield from _flattened(value, f"{path}.", depth + 1)
    elif depth < MAX_DEPTH:
        for index, item in enumerate(value):
            yield from _item(path, index, item, depth)


def _item(path: str, index: int, item: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield the values of a list element, by the number of its channel if it has one, else by its index."""
    if not isinstance(item, dict):
        yield from _under(f"{path}.{index}", item, depth + 1)
        return
    channel = identifier(item.get("channel"))
    rest = {name: value for name, value in item.items() if channel is None or name != "channel"}
    yield from _flattened(rest, f"{path}.{index if channel is None else channel}.", depth + 1)


def _scalar(value: object) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return to_text(value)
    return as_number(value) if isinstance(value, int | float) else None


def as_number(value: Value) -> float | None:
    """Return a value as a number, also from text, or None if it is not a finite number in range."""
    number = to_number(value)
    return number if number is not None and abs(number) <= _MAX_NUMBER else None


def _flag(value: object) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None
