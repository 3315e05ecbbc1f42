"""The vendor's JSON for users and the device tree (document, sections 4.1 and 4.2)."""

from datetime import datetime
from functools import lru_cache

from simulators.response import JsonObject

from .config import CloudConfig
from .source_types import FAHRENHEIT_UNIT, DataKind
from .state import Gateway, Measurement, Sensor, Source, User

_CELSIUS = {"id": 1, "name": "°C"}
_FAHRENHEIT = {"id": 2, "name": "°F"}


def time_text(moment: datetime) -> str:
    """Return a time as the vendor writes it: whole seconds, UTC, no colon in the offset."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


def time_or_null(moment: datetime | None) -> str | None:
    """Return a time as the vendor writes it, or null."""
    return None if moment is None else time_text(moment)


def user_json(user: User, config: CloudConfig) -> JsonObject:
    """Return one user."""
    account = {
        "id": user.id + 1000,
        "provider": {"id": 1, "name": "Sensorist", "image_phone": None},
    }
    return {
        "id": user.id,
        "email": user.email,
        "fname": user.fname,
        "lname": user.lname,
        "country": {"code": user.country},
        "tz": {"tz": user.tz},
        "temp_unit": _FAHRENHEIT if config.temp_unit == "°F" else _CELSIUS,
        "notification_channel": 15,
        "notification_type": 3,
        "accounts": [{"role": "admin", "account": account}],
    }


def gateway_json(gateway: Gateway) -> JsonObject:
    """Return a gateway with its sensors and their data sources."""
    return {
        "id": gateway.id,
        "serial": gateway.serial,
        "title": gateway.title,
        "firmware": gateway.firmware,
        "type": {"id": 10, "name": "B16"},
        "disconnected_date": time_or_null(gateway.disconnected_date),
        "master_id": gateway.master_id,
        "ipv4": gateway.ipv4,
        "local_ipv4": gateway.local_ipv4,
        "devices": [sensor_json(sensor) for sensor in gateway.sensors],
    }


def sensor_json(sensor: Sensor) -> JsonObject:
    """Return a sensor with its data sources."""
    return {
        "id": sensor.id,
        "serial": sensor.serial,
        "title": sensor.title,
        "firmware": sensor.firmware,
        "type": {"id": 4, "name": "S2.0"},
        "disconnected_date": time_or_null(sensor.disconnected_date),
        "current_gateway_id": sensor.gateway.id,
        "devices": [source_json(source) for source in sensor.sources],
    }


def source_json(source: Source) -> JsonObject:
    """Return a data source, its serial number masked."""
    kind = source.kind
    return {
        "id": source.id,
        "title": source.title,
        "serial": f"t{kind.type_id}p0xxxx",
        "interval": source.interval,
        "subtype": kind.subtype,
        "disconnected_date": time_or_null(source.disconnected_date),
        "devices": [],
        "type": type_json(kind, fahrenheit=source.sensor.gateway.world.fahrenheit),
    }


@lru_cache
def type_json(kind: DataKind, *, fahrenheit: bool) -> JsonObject:
    """Return a data source's type. Shared between sources: not to be changed."""
    unit_id, unit = kind.unit_id, kind.unit
    if fahrenheit and kind.name == "temp":
        unit_id, unit = FAHRENHEIT_UNIT
    return {
        "id": kind.type_id,
        "name": kind.name,
        "precision": kind.precision,
        "capability": kind.capability,
        "unit": {"id": unit_id, "name": unit},
    }


def measurement_json(row: Measurement) -> JsonObject:
    """Return one measurement that stands for itself."""
    return {
        "date": time_text(row.date),
        "value": row.value,
        "type": row.type,
        "seq": row.seq,
        "min": None,
        "max": None,
    }
