"""Parse Sensorist's JSON into typed records: users and devices here, the others re-exported.

Fields are those of REST API 1.15 and, if that names none, of the dossier. Missing and invalid values
are None, ids are text, dates are aware UTC. A record without a required field is rejected and
counted; see `Decoded`.
"""

from datetime import datetime, timedelta
from functools import partial

import msgspec

from ...client.errors import UnexpectedResponseError
from .alarms import (
    Alarm,
    AlarmLog,
    Callback,
    CallbackTypes,
    Direction,
    Workflow,
    parse_alarm,
    parse_alarm_logs,
    parse_alarms,
    parse_callback,
    parse_callbacks,
    parse_workflow,
    read_workflow,
)
from .envelope import (
    Decoded,
    EnvelopeError,
    RecordDecoder,
    Row,
    envelope,
    first,
    identifier,
    nested,
    parse_many,
    parse_nothing,
    parse_one,
    to_datetime,
    to_int,
    to_number,
    to_text,
)
from .latest_decoder import LatestDecoder
from .measurements import (
    BLANK,
    BUTTON,
    GROUPED,
    INTERPOLATED,
    NOT_MEASURED,
    REGULAR,
    Measurement,
    MinMax,
    Rows,
    parse_latest,
    parse_min_max,
    parse_rows,
)

__all__ = [
    "BLANK",
    "BUTTON",
    "GROUPED",
    "INTERPOLATED",
    "NOT_MEASURED",
    "REGULAR",
    "Alarm",
    "AlarmLog",
    "Callback",
    "CallbackTypes",
    "Decoded",
    "Direction",
    "EnvelopeError",
    "Gateway",
    "LatestDecoder",
    "Measurement",
    "MinMax",
    "Rows",
    "Sensor",
    "Source",
    "SourceKind",
    "UnitRef",
    "User",
    "Workflow",
    "parse_alarm",
    "parse_alarm_logs",
    "parse_alarms",
    "parse_callback",
    "parse_callbacks",
    "parse_gateway",
    "parse_gateways",
    "parse_latest",
    "parse_min_max",
    "parse_nothing",
    "parse_rows",
    "parse_sensor_update",
    "parse_user",
    "parse_users",
    "parse_workflow",
]

_MAX_INTERVAL = timedelta(days=366).total_seconds()


class UnitRef(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The vendor's pair of id and name, as for units and device types."""

    id: str | None = None
    name: str | None = None


class User(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A user; `id` never changes, `time_zone` is an IANA name, `country` an ISO 3166 code."""

    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    time_zone: str | None = None
    temperature_unit: UnitRef = UnitRef()


class SourceKind(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The kind of a data source: `precision` in decimals, `unit` as the vendor spells it."""

    id: str | None = None
    name: str | None = None
    precision: int | None = None
    capability: int | None = None
    unit: UnitRef = UnitRef()


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One measured quantity of a sensor; `interval` is how often it is measured.

    `is_connected` is None where the vendor does not say; `disconnected_at` is None while connected.
    """

    id: str
    title: str | None = None
    serial: str | None = None
    subtype: str | None = None
    interval: timedelta | None = None
    is_connected: bool | None = None
    disconnected_at: datetime | None = None
    kind: SourceKind = SourceKind()


class Sensor(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sensor with its data sources; `gateway_id` is the gateway that it reports through now."""

    id: str
    title: str | None = None
    serial: str | None = None
    firmware: str | None = None
    type: UnitRef = UnitRef()
    is_connected: bool | None = None
    disconnected_at: datetime | None = None
    gateway_id: str | None = None
    sources: tuple[Source, ...] = ()


class Gateway(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A gateway with its sensors; `master_id` is None for a master. Its addresses are not read."""

    id: str
    title: str | None = None
    serial: str | None = None
    firmware: str | None = None
    type: UnitRef = UnitRef()
    is_connected: bool | None = None
    disconnected_at: datetime | None = None
    master_id: str | None = None
    sensors: tuple[Sensor, ...] = ()


def parse_user(body: bytes) -> Decoded[User | None]:
    """Read GET or POST /users. Sections 4.1 and 5.1; fields as in the dossier's 4.1."""
    return parse_one(body, "user", _user)


def parse_users(body: bytes) -> Decoded[tuple[User, ...]]:
    """Read GET /users with `list`. Section 4.1."""
    return parse_many(body, "user", _user)


def parse_gateways(body: bytes) -> Decoded[tuple[Gateway, ...]]:
    """Read GET /gateways: gateways, their sensors, their data sources. Section 4.2.

    Raises UnexpectedResponseError for an empty list without its envelope, which may not be the account's.
    """
    parsed = parse_many(body, "gateway", _gateway)
    if body.strip()[:1] == b"[" and not parsed.value and not parsed.rejected:
        raise UnexpectedResponseError("the reply holds no gateways and no envelope")
    return parsed


def parse_gateway(body: bytes) -> Decoded[Gateway | None]:
    """Read the gateway that POST /gateways and POST /gateways/<id> return. Sections 5.2 and 5.3."""
    return parse_one(body, "gateway", _gateway)


def parse_sensor_update(body: bytes) -> Decoded[tuple[Sensor | None, Workflow | None]]:
    """Read the response to POST /sensors/<id>: a sensor and possibly a workflow. Section 5.5."""
    decoder = RecordDecoder()
    root = envelope(body) if body.strip() else {}
    row: Row = root if isinstance(root, dict) else {}
    row = nested(row, "data") or row
    if "id" in row:
        row = {"sensor": row, "workflow": row.get("workflow")}
    sensors = decoder.identified("sensor", row.get("sensor"), partial(_sensor, decoder))
    workflows = decoder.identified("workflow", row.get("workflow"), partial(read_workflow, decoder))
    return Decoded((first(sensors), first(workflows)), decoder.rejected)


def _user(_: RecordDecoder, record_id: str, row: Row) -> User:
    return User(
        id=record_id,
        email=to_text(row.get("email")),
        first_name=to_text(row.get("fname")),
        last_name=to_text(row.get("lname")),
        country=to_text(nested(row, "country").get("code")),
        time_zone=to_text(nested(row, "tz").get("tz")),
        temperature_unit=_unit(nested(row, "temp_unit")),
    )


def _gateway(decoder: RecordDecoder, record_id: str, row: Row) -> Gateway:
    is_connected, disconnected_at = _connection(row)
    return Gateway(
        id=record_id,
        title=to_text(row.get("title")),
        serial=to_text(row.get("serial")),
        firmware=to_text(row.get("firmware")),
        type=_unit(nested(row, "type")),
        is_connected=is_connected,
        disconnected_at=disconnected_at,
        master_id=identifier(row.get("master_id")),
        sensors=decoder.children("sensor", row, "devices", partial(_sensor, decoder)),
    )


def _sensor(decoder: RecordDecoder, record_id: str, row: Row) -> Sensor:
    is_connected, disconnected_at = _connection(row)
    return Sensor(
        id=record_id,
        title=to_text(row.get("title")),
        serial=to_text(row.get("serial")),
        firmware=to_text(row.get("firmware")),
        type=_unit(nested(row, "type")),
        is_connected=is_connected,
        disconnected_at=disconnected_at,
        gateway_id=identifier(row.get("current_gateway_id")),
        sources=decoder.children("source", row, "devices", _source),
    )


def _source(record_id: str, row: Row) -> Source:
    is_connected, disconnected_at = _connection(row)
    kind = nested(row, "type")
    return Source(
        id=record_id,
        title=to_text(row.get("title")),
        serial=to_text(row.get("serial")),
        subtype=to_text(row.get("subtype")),
        interval=_interval(row.get("interval")),
        is_connected=is_connected,
        disconnected_at=disconnected_at,
        kind=SourceKind(
            id=identifier(kind.get("id")),
            name=to_text(kind.get("name")),
            precision=_precision(kind.get("precision")),
            capability=to_int(kind.get("capability")),
            unit=_unit(nested(kind, "unit")),
        ),
    )


def _unit(row: Row) -> UnitRef:
    return UnitRef(id=identifier(row.get("id")), name=to_text(row.get("name")))


def _connection(row: Row) -> tuple[bool | None, datetime | None]:
    """Parse `disconnected_date`: null is connected, missing or invalid is unknown."""
    if "disconnected_date" in row and row["disconnected_date"] is None:
        return True, None
    date = to_datetime(row.get("disconnected_date"))
    return (None if date is None else False), date


def _interval(value: object) -> timedelta | None:
    seconds = to_number(value)
    if seconds is None or not 0 < seconds <= _MAX_INTERVAL:
        return None
    return timedelta(seconds=seconds)


def _precision(value: object) -> int | None:
    decimals = to_int(value)
    return decimals if decimals is not None and 0 <= decimals <= 15 else None
