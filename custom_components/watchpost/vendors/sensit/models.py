"""SENSIT Connect's JSON as typed records. Nothing here raises for what a value is.

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
from .dates import read_date

type Value = float | str | bool | None

MAX_MONITORS: Final = 5_000
MAX_RECORDS: Final = 20_000  # of one log; two hours of one a second are 7,200
MAX_FIELDS: Final = 200
MAX_PATH: Final = 100
DEEPEST: Final = 4
MAX_TOKEN: Final = 8_192

# Beyond this a number is an overflow, and the mean of two may be infinite; what is impossible is judged later.
_LARGEST: Final = 1e40

# The flag of the canister trigger; what is there without a port is idle.
TRIGGER: Final = "trig.trig_activeFlag"

# What says which record it is, and not what was measured.
_NAMES: Final = frozenset({"_id", "id", "date"})


class Kind(StrEnum):
    """The types of monitors whose logs can be asked for."""

    FMD = "FMD"
    SPOD = "SPOD"
    RAMP = "RAMP"


@dataclass(frozen=True, slots=True, repr=False)
class Signed:
    """What a sign-in brings: the token, and the user's id and role, which the device list asks for."""

    token: str
    user: str
    role: str


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One record of a monitor: when it was measured (UTC), and its values by path.

    A value is None where the key is there and what it holds cannot be used. `id` tells records of
    the same moment apart.
    """

    date: datetime
    values: Mapping[str, Value]
    id: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Monitor:
    """One device of the list. `kind` is None for a type whose logs cannot be asked for."""

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
    """A day with data, how many records it has, and when its last one was measured."""

    day: date
    count: int | None
    last: datetime | None


def parse_signed(body: bytes) -> Signed:
    """Read the answer to a sign-in.

    Raises SignInRejectedError where it says something but holds no token, UnexpectedResponseError where it is
    no such answer.
    """
    root = loose(body)
    if not isinstance(root, dict):
        raise UnexpectedResponseError("the reply is no object")
    row = root if "accessToken" in root else nested(root, "data")
    token = row.get("accessToken")
    if token is None and isinstance(root.get("message"), str):
        raise SignInRejectedError("the vendor gave no token")
    user = nested(row, "user")
    found = identifier(user.get("id")) or identifier(user.get("_id"))
    if not isinstance(token, str) or not is_sendable(token) or found is None:
        raise UnexpectedResponseError("the reply holds no usable token and user")
    return Signed(token, found, to_text(user.get("role")) or "")


def is_sendable(token: str) -> bool:
    """Whether a token can stand in a header."""
    return (
        0 < len(token) <= MAX_TOKEN and token.isascii() and token.isprintable() and " " not in token
    )


def parse_monitors(body: bytes) -> Decoded[tuple[Monitor, ...]]:
    """Read the list of devices, bare or under `data`; of two with the same uuid the first counts.

    Nothing in place of the list may mean that there are none, but proves it of no monitor.
    """
    sieve = RecordDecoder()
    found: dict[str, Monitor] = {}
    listed = _listed(body)
    if listed is None:
        sieve.drop("monitor", "no list")
    for row in sieve.rows("monitor", listed):
        uuid = identifier(row.get("uuid"))
        if uuid is None:
            sieve.drop("monitor", "uuid")
        elif uuid in found:
            sieve.drop("monitor", "duplicate uuid")
        elif len(found) >= MAX_MONITORS:
            sieve.drop("monitor", "too many")
        else:
            found[uuid] = _monitor(sieve, uuid, row)
    return Decoded(tuple(found.values()), sieve.rejected)


def parse_records(body: bytes) -> Decoded[tuple[Record, ...]]:
    """Read a log, in the vendor's order; a record without a date is set aside."""
    sieve = RecordDecoder()
    found: list[Record] = []
    for row in sieve.rows("record", _listed(body)):
        if len(found) >= MAX_RECORDS:
            sieve.drop("record", "too many")
        elif (record := _record(sieve, row)) is not None:
            found.append(record)
    return Decoded(tuple(found), sieve.rejected)


def parse_days(body: bytes) -> Decoded[tuple[AvailableDay, ...]]:
    """Read the days with data, oldest first."""
    sieve = RecordDecoder()
    found: dict[date, AvailableDay] = {}
    for row in sieve.rows("day", _listed(body)):
        parts = [to_int(nested(row, "_id").get(name)) for name in ("year", "month", "day")]
        try:
            day = date(*(part for part in parts if part is not None))
        except TypeError, ValueError, OverflowError:
            sieve.drop("day", "date")
            continue
        found[day] = AvailableDay(day, to_int(row.get("count")), read_date(row.get("date")))
    return Decoded(tuple(found[day] for day in sorted(found)), sieve.rejected)


def _listed(body: bytes) -> list[object] | None:
    """Return the list that a reply is, or that stands under `data`, None for a null in its place.

    Raises UnexpectedResponseError for anything else: to take it for an empty list would be a lie.
    """
    root = loose(body)
    listed = root["data"] if isinstance(root, dict) and "data" in root else root
    if listed is not None and not isinstance(listed, list):
        raise UnexpectedResponseError("the reply holds no list")
    return listed


def _monitor(sieve: RecordDecoder, uuid: str, row: Row) -> Monitor:
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
        record=_newest(sieve, row.get("lastReceivedRecord")),
    )


def _newest(sieve: RecordDecoder, value: object) -> Record | None:
    """Read the record in the list: nothing and an empty object are no record, anything else odd is counted."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if value is None or value in ({}, []):
        return None
    if isinstance(value, dict):
        return _record(sieve, value)
    sieve.drop("record", "not an object")
    return None


def _record(sieve: RecordDecoder, row: Row) -> Record | None:
    measured = read_date(row.get("date"))
    if measured is None:
        sieve.drop("record", "date")
        return None
    values: dict[str, Value] = {}
    if "trig" in row and _may_be_idle(row["trig"]):
        values[TRIGGER] = None
    is_told = True
    for path, value in _flattened(row):
        is_told = is_told and not _is_odd_flag(path, value)
        if path in _NAMES:
            continue
        if len(path) > MAX_PATH or not path.isprintable():
            sieve.drop("field", "name")
        elif len(values) >= MAX_FIELDS and path not in values:
            sieve.drop("field", "too many")
        elif values.get(path) is None:
            values[path] = _scalar(value)
    if not is_told:
        values.pop(TRIGGER, None)
    return Record(measured, values, identifier(row.get("_id")))


def _may_be_idle(trigger: object) -> bool:
    """Whether what stands for the canister trigger is idle unless it holds a flag: an object, or nothing."""
    return trigger is None or trigger == [] or isinstance(trigger, dict)


def _is_odd_flag(path: str, value: object) -> bool:
    """Whether a flag says something that cannot be read, which is not the same as idle."""
    if path == TRIGGER:
        return not isinstance(value, str | None) and _scalar(value) is None
    return path.startswith(f"{TRIGGER}.")


def _flattened(row: Row, above: str = "", depth: int = 1) -> Iterator[tuple[str, object]]:
    """Yield every value in an object with its path; what is nested too deeply is left out."""
    for name, value in row.items():
        yield from _under(f"{above}{name}", value, depth)


def _under(path: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict | list):
        yield path, value
    elif depth < DEEPEST and isinstance(value, dict):
        yield from _flattened(value, f"{path}.", depth + 1)
    elif depth < DEEPEST:
        for number_, item in enumerate(value):
            yield from _item(path, number_, item, depth)


def _item(path: str, index: int, item: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield an element of a list, by the number of its channel where it tells one, else by its place."""
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
    read = to_number(value)
    return read if read is not None and abs(read) <= _LARGEST else None


def as_number(value: Value) -> float | None:
    """Read a value that is to be a number, also from text; one that measures nothing is None."""
    read = to_number(value)
    return read if read is not None and abs(read) <= _LARGEST else None


def _flag(value: object) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None
