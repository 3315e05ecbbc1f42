"""Bad input by name: what a single monitor's entry in the device list or its records do wrong."""

from collections.abc import Callable, Iterable
from math import inf, nan
from typing import cast

from simulators.response import JsonObject

type Spoil = Callable[[JsonObject], object]


def spoiled(entry: JsonObject, quirks: Iterable[str], table: dict[str, Spoil]) -> object:
    """Return an entry with the quirks of `table` that are among `quirks`, in the table's order."""
    quirks = set(quirks)
    spoilt: object = entry
    for name, spoil in table.items():
        if name in quirks and isinstance(spoilt, dict):
            spoilt = spoil(cast("JsonObject", spoilt))
    return spoilt


def _with(**fields: object) -> Spoil:
    return lambda entry: entry | fields


def _without(*names: str) -> Spoil:
    return lambda entry: {key: value for key, value in entry.items() if key not in names}


def _numbers(change: Callable[[float], object]) -> Spoil:
    def spoil(entry: JsonObject) -> JsonObject:
        return {key: value if key == "date" else _changed(value) for key, value in entry.items()}

    def _changed(value: object) -> object:
        if isinstance(value, dict):
            return {key: _changed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [_changed(inner) for inner in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return change(value)
        return value

    return spoil


def _half(entry: JsonObject) -> JsonObject:
    kept = [key for key in entry if key in ("_id", "id", "date")]
    others = [key for key in entry if key not in kept]
    return {key: entry[key] for key in (*kept, *others[::2])}


def _more(entry: JsonObject) -> JsonObject:
    return entry | {
        "pid2_PPB_Calc": 12.5,
        "SD": 1,
        "STAT": [0, 0, 4],
        "modem": {"rssi": -71, "state": "registered", "deep": {"er": 3}},
        "": 0,
    }


DEVICE_QUIRKS: dict[str, Spoil] = {
    "unknown_type": _with(type="XPOD"),
    "lower_type": lambda entry: entry | {"type": str(entry["type"]).lower()},
    "no_type": _without("type"),
    "no_uuid": _without("uuid"),
    "null_uuid": _with(uuid=None),
    "blank_uuid": _with(uuid=""),
    "number_uuid": lambda entry: entry | {"uuid": int(str(entry["uuid"]))},
    "null_name": _with(name=None),
    "no_location": _without("location"),
    "text_flags": _with(isUTCTimeZone="false", isFirmwareUpdateRequire="true", isCharging="no"),
    "null_flags": _with(isUTCTimeZone=None, isFirmwareUpdateRequire=None, isCharging=None),
    "text_battery": lambda entry: entry | {"battery": str(entry["battery"])},
    "wild_battery": _with(battery=4012.5),
    "unknown_status": _with(status="Hibernating"),
    "more_device_fields": _with(addedLater={"list": [1, None, "x"]}, battery2=None),
    "only_uuid": lambda entry: {"uuid": entry["uuid"], "type": entry["type"]},
    "null_device": lambda entry: None,
    "text_device": lambda entry: "device",
}
"""Of an entry of the device list. Besides, "same_uuid" lists the monitor a second time."""

RECORD_QUIRKS: dict[str, Spoil] = {
    "numbers_as_text": _numbers(str),
    "nan": _numbers(lambda value: nan),
    "infinity": _numbers(lambda value: inf),
    "huge": _numbers(lambda value: 1e308),
    "negative": _numbers(lambda value: -abs(value)),
    "booleans": _numbers(lambda value: True),
    "null_values": _numbers(lambda value: None),
    "missing_fields": _half,
    "more_fields": _more,
    "no_date": _without("date"),
    "null_date": _with(date=None),
    "bad_date": _with(date="yesterday evening"),
    "null_record": lambda entry: None,
    "text_record": lambda entry: "record",
}
"""Of each record, in lastReceivedRecord and in the logs. Besides, "twice" repeats each in a log."""

OTHER_QUIRKS = ("same_uuid", "twice")

QUIRKS = frozenset({*DEVICE_QUIRKS, *RECORD_QUIRKS, *OTHER_QUIRKS})
