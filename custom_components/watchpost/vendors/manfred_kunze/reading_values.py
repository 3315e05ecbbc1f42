"""Convert the raw values of sensors to readings by value type."""

from collections.abc import Mapping
from typing import Final

from ...client.decode import to_int, to_number, to_text
from ...models import Reading, ReadingValue
from .entities import MAX_STATE
from .models.fields import flag
from .models.readings import Raw
from .models.readings import Reading as Measured
from .models.topology import ValueType

# The platform's texts have at most 1000 characters (MQTT contract, limits).
_MAX_TEXT: Final = 1000
_MAX_INT: Final = 10**30

TEXT: Final = "text"


def reading(measured: Measured, kind: ValueType | None, *, is_live: bool) -> Reading:
    """Return the reading of a measurement; a value of another type is unknown."""
    value = _value(measured.raw, kind)
    attributes: Mapping[str, ReadingValue] = {}
    if isinstance(value, str) and len(value) > MAX_STATE:
        attributes, value = {TEXT: value}, value[:MAX_STATE]
    return Reading(value, measured.at, attributes, is_live)


def _value(raw: Raw, kind: ValueType | None) -> ReadingValue:
    match kind:
        case ValueType.DOUBLE:
            return to_number(raw)
        case ValueType.BIGINT:
            number = to_int(raw)
            return number if abs(number or 0) < _MAX_INT else None
        case ValueType.BOOLEAN:
            return flag({"value": raw}, "value")
        case ValueType.TEXT:
            return to_text(raw, _MAX_TEXT)
    if isinstance(raw, bool):
        return str(raw).lower()
    return to_text(raw, _MAX_TEXT) if isinstance(raw, str) else to_number(raw)
