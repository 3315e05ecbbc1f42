"""Parse the payload of a Sensorist callback.

The vendor's document (section 5.7) states the types, not the body. It is parsed as the dossier's
section 6 has it, `{"type": 1|2|4, "date": .., "data": {..}}`, also flat, as form fields or empty.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
import re
from typing import Final
from urllib.parse import parse_qsl

from ...client.errors import UnexpectedResponseError
from ...client.transport import loose
from ...contract.push import ChangeHint
from .entities import gateway_id, sensor_id
from .envelope import Row, identifier, nested, reference, to_datetime, to_int
from .models import CallbackTypes, Gateway, Sensor

ALARM: Final = "alarm"
BUTTON: Final = "button"
SYSTEM: Final = "system"
ANY: Final = "any"

UNKNOWN_CODE: Final = "unknown"

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PARTS: Final = ("alarm", "log", "measurement")
_MAX_FIELDS: Final = 100


@dataclass(frozen=True, slots=True)
class Call:
    """The claim of a call: the hint, its dates (its own first), and a notice's code."""

    hint: ChangeHint
    dates: tuple[datetime, ...]
    code: str


class CallbackParser:
    """A parser of the calls of one account; `gateways` and `alarms` are the known ones."""

    def __init__(self, gateways: Callable[[], Iterable[Gateway]], alarms: Collection[str]) -> None:
        self._gateways = gateways
        self._alarms = alarms

    def read(self, body: bytes) -> Call | None:
        """Return the claim of a body, or None for an unknown type, device or source."""
        fields = _fields(body)
        if fields is None:
            return None
        data = _data(fields)
        hint = self._hint(fields, data)
        return None if hint is None else Call(hint, _dates(fields, data), _code(data))

    def _hint(self, fields: Row, data: Row) -> ChangeHint | None:
        if not fields:
            return ChangeHint(ANY, "")
        match to_int(fields.get("type")):
            case CallbackTypes.ALARM:
                return self._alarm(data)
            case CallbackTypes.BUTTON:
                named = _named(data, "data_source", "sensor", "device")
                sensor = self.sensors().get(named or "") or self._sensor_of(named)
                return _hint(BUTTON, sensor.id if sensor else None, named)
            case CallbackTypes.SYSTEM:
                named = _named(data, "device", "sensor", "gateway")
                return _hint(SYSTEM, self._device(named), named)
        return None

    def _alarm(self, data: Row) -> ChangeHint | None:
        """Return the hint of an alarm; an unknown alarm of a known source may be new."""
        named = _named(data, "alarm")
        if named is None or named in self._alarms:
            return _hint(ALARM, named, named)
        return ChangeHint(ANY, "") if self._sensor_of(_named(data, "data_source")) else None

    def sensors(self) -> dict[str, Sensor]:
        """Return the known sensors, by id."""
        return {sensor.id: sensor for gateway in self._gateways() for sensor in gateway.sensors}

    def _sensor_of(self, source_id: str | None) -> Sensor | None:
        return next(
            (
                sensor
                for sensor in self.sensors().values()
                if any(source.id == source_id for source in sensor.sources)
            ),
            None,
        )

    def _device(self, named: str | None) -> str | None:
        if named is None:
            return None
        if named in self.sensors():
            return sensor_id(named)
        is_gateway = any(gateway.id == named for gateway in self._gateways())
        return gateway_id(named) if is_gateway else None


def _hint(kind: str, subject: str | None, named: str | None) -> ChangeHint | None:
    """Return the hint of a subject; a call without a subject may be about anything, an unknown one is ignored."""
    if subject is not None:
        return ChangeHint(kind, subject)
    return ChangeHint(ANY, "") if named is None else None


def _fields(body: bytes) -> Row | None:
    """Parse a body as an object or a form, {} if it is empty; None for anything else."""
    if not body.strip():
        return {}
    try:
        root = loose(body)
    except UnexpectedResponseError:
        root = _form(body)
    return root if isinstance(root, dict) and "type" in root else None


def _form(body: bytes) -> dict[str, object] | None:
    try:
        return dict(parse_qsl(body.decode(), strict_parsing=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return None


def _data(fields: Row) -> Row:
    """Return the object under `data`, which in a form is text, or the fields themselves."""
    data = fields.get("data")
    if isinstance(data, str):
        try:
            data = loose(data.encode())
        except UnexpectedResponseError:
            data = None
    return data if isinstance(data, dict) else fields


def _rows(data: Row) -> tuple[Row, ...]:
    return (data, *(nested(data, part) for part in _PARTS))


def _named(data: Row, *names: str) -> str | None:
    """Return the id of the first of these that is named, in its own field or in a part's."""
    for name in names:
        for row in _rows(data):
            if (record_id := reference(row, name) or identifier(row.get(f"{name}Id"))) is not None:
                return record_id
    return None


def _dates(fields: Row, data: Row) -> tuple[datetime, ...]:
    read = (to_datetime(row.get("date")) for row in (fields, *_rows(data)))
    return tuple(date for date in read if date is not None)


def _code(data: Row) -> str:
    code = data.get("code")
    return code.lower() if isinstance(code, str) and _CODE.fullmatch(code) else UNKNOWN_CODE
