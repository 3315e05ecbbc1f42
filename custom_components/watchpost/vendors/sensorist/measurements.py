"""Parse Sensorist's measurements into typed records.

A response of the known form is decoded straight into the records. Any other is parsed record by
record, with the same result.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
import re
from typing import Final

import msgspec

from .envelope import (
    IDENTIFIER,
    MAX_RECORDS,
    Decoded,
    RecordDecoder,
    Row,
    check_code,
    envelope,
    identifier,
    nested,
    payload,
    reference,
    to_datetime,
    to_int,
    to_number,
)

# The types of a measurement: the dossier's section 4.3, not in the vendor's document.
REGULAR: Final = 1
BUTTON: Final = 5
GROUPED: Final = 10
BLANK: Final = 20
INTERPOLATED: Final = 30
NOT_MEASURED: Final = frozenset({BLANK, INTERPOLATED})

_PLACE = "measurement"
_MEAN = ("value", "avg", "average")
_OTHER_MEAN = b'"av'


class Measurement(msgspec.Struct, frozen=True, gc=False):
    """One measured value of one data source, in the unit of the source.

    `value` is None where the vendor's is missing or no finite number. In a row of type range it is
    the mean of a group, `min` and `max` its extremes. `seq` never falls but is not unique.
    """

    date: datetime
    value: float | None = None
    type: int | None = None
    seq: int | None = None
    min: float | None = None
    max: float | None = None

    @property
    def is_measured(self) -> bool:
        """Return whether a sensor measured this; a missing or unknown type counts as measured."""
        return self.type not in NOT_MEASURED


class MinMax(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The least and the greatest value of one data source in a period, and their dates (UTC)."""

    minimum: float | None = None
    minimum_at: datetime | None = None
    maximum: float | None = None
    maximum_at: datetime | None = None


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Measurements by source id, in the vendor's order; `next` is the offset of the next page."""

    by_source: dict[str, tuple[Measurement, ...]]
    next: str | None = None


class _LatestReply(msgspec.Struct, frozen=True):
    measurements: dict[str, Measurement]
    code: int = 200


class _RowsReply(msgspec.Struct, frozen=True):
    measurements: dict[str, tuple[Measurement, ...]]
    code: int = 200
    next: int | None = None


_LATEST: Final = msgspec.json.Decoder(_LatestReply)
_ROWS: Final = msgspec.json.Decoder(_RowsReply)
_KEYS: Final = re.compile(rf"(?:{IDENTIFIER.pattern},)*")


def parse_latest(body: bytes) -> Decoded[dict[str, Measurement]]:
    """Read GET /measurements of type latest: the newest measurement by source id.

    A source without data is absent: its key is missing, null, or holds a blank row.
    Section 4.3.1; the wire form is the dossier's section 4.3.
    """
    if (found := known_latest(body)) is not None:
        return Decoded(found, Counter())
    decoder = RecordDecoder()
    rows = _grouped(decoder, _held(envelope(body)), ("value",))
    newest = {source: _newest(found) for source, found in rows.items()}
    return Decoded({key: row for key, row in newest.items() if row is not None}, decoder.rejected)


def known_latest(body: bytes) -> dict[str, Measurement] | None:
    """Read a response of type latest that has the known form; None if it has another."""
    response = _decoded(_LATEST, body)
    if response is None or not _are_ids(response.measurements):
        return None
    rows = response.measurements.values()
    is_known = _are_sound(rows) and all(row.type != BLANK for row in rows)
    return response.measurements if is_known else None


def is_known_row(row: Measurement) -> bool:
    """Return whether a decoded row has the known form."""
    return _are_sound((row,)) and row.type != BLANK


def parse_rows(body: bytes) -> Decoded[Rows]:
    """Read GET /measurements of type range or raw. Section 4.3.1.

    The name of the mean is not documented: `value`, `avg` and `average` are read.
    Nor is the place of `next`: it is read from the envelope, from beside the sources, and from
    beside the rows of a source, which are then under `rows`.
    """
    # The known form has the mean under `value`.
    response = None if _OTHER_MEAN in body else _decoded(_ROWS, body)
    if response is not None and _are_ids(response.measurements):
        by_source = {source: rows for source, rows in response.measurements.items() if rows}
        if all(_are_sound(rows) for rows in by_source.values()):
            return Decoded(Rows(by_source=by_source, next=_offset(response.next)), Counter())
    decoder = RecordDecoder()
    root = envelope(body)
    measurements = _held(root)
    grouped = _grouped(decoder, measurements, _MEAN)
    by_source = {source: tuple(rows) for source, rows in grouped.items()}
    following = _next_in(root) or _next_in(measurements)
    return Decoded(Rows(by_source=by_source, next=following), decoder.rejected)


def parse_min_max(body: bytes) -> Decoded[dict[str, MinMax]]:
    """Read GET /measurements of type min_max: the extremes by source id. Section 4.3.1.

    The form is not documented: `{"min": {"value", "date"}, "max": {..}}`,
    `{"min", "min_date", "max", "max_date"}` and a list of two measurements are read.
    """
    decoder = RecordDecoder()
    rows: dict[str, list[Row]] = {}
    for source, row in _sourced(decoder, _held(envelope(body))):
        rows.setdefault(source, []).append(row)
    return Decoded({source: _min_max(found) for source, found in rows.items()}, decoder.rejected)


def _decoded[T](decoder: msgspec.json.Decoder[T], body: bytes) -> T | None:
    """Decode a response that has the known form; None if it has another."""
    try:
        response = decoder.decode(body)
    except msgspec.DecodeError, UnicodeDecodeError, RecursionError:
        return None
    check_code(getattr(response, "code", None))
    return response


def _held(root: object) -> object:
    """Return the measurements of a response, which may be null, or all of the response."""
    if isinstance(root, dict):
        if "measurements" in root and root["measurements"] is None:
            return {}
        if root and all(key.isdecimal() or key == "next" for key in root):
            return root
    return payload(root, "measurements")


def _are_ids(keys: Collection[str]) -> bool:
    # "next" may be the offset of a following page, which only the slow path distinguishes from a source.
    return (
        len(keys) <= MAX_RECORDS
        and "next" not in keys
        and _KEYS.fullmatch(",".join([*keys, ""])) is not None
    )


def _are_sound(rows: Iterable[Measurement]) -> bool:
    # A plain loop: with a call for each measurement this would take as long as the decode.
    for row in rows:
        date = row.date
        if date.tzinfo is not UTC or not 2000 <= date.year <= 2100:
            return False
    return True


def _grouped(
    decoder: RecordDecoder, measurements: object, mean: tuple[str, ...]
) -> dict[str, list[Measurement]]:
    found: dict[str, list[Measurement]] = {}
    for source, row in _sourced(decoder, measurements):
        date = to_datetime(row.get("date"))
        kind = to_int(row.get("type"))
        if date is None:
            if kind != BLANK:
                decoder.drop(_PLACE, "date")
            continue
        if source not in found and len(found) >= MAX_RECORDS:
            decoder.drop(_PLACE, "too many sources")
            continue
        measurement = Measurement(
            date=date,
            value=_first_number(row, mean),
            type=kind,
            seq=to_int(row.get("seq")),
            min=to_number(row.get("min")),
            max=to_number(row.get("max")),
        )
        found.setdefault(source, []).append(measurement)
    return found


def _sourced(decoder: RecordDecoder, measurements: object) -> Iterator[tuple[str, Row]]:
    """Yield each row with its source's id, its key in an object or its own field in a list."""
    if not isinstance(measurements, dict):
        for row in decoder.rows(_PLACE, measurements):
            source = reference(row, "data_source")
            if source is None:
                decoder.drop(_PLACE, "data source")
            else:
                yield source, row
        return
    for key, rows in measurements.items():
        source = identifier(key)
        if key == "next":
            continue
        if source is None:
            decoder.drop(_PLACE, "data source")
            continue
        inner = rows["rows"] if isinstance(rows, dict) and "rows" in rows else rows
        for row in decoder.rows(_PLACE, inner):
            yield source, row


def _newest(rows: Sequence[Measurement]) -> Measurement | None:
    valid = (row for row in rows if row.type != BLANK)
    return max(valid, key=lambda row: (row.date, row.seq or 0), default=None)


def _first_number(row: Row, names: tuple[str, ...]) -> float | None:
    return next((read for name in names if (read := to_number(row.get(name))) is not None), None)


def _min_max(rows: Sequence[Row]) -> MinMax:
    row = rows[0]
    least, greatest = nested(row, "min"), nested(row, "max")
    if row.get("min") is None and row.get("max") is None:
        valued = [row for row in rows if to_number(row.get("value")) is not None]
        least = min(valued, key=_value, default=least)
        greatest = max(valued, key=_value, default=greatest)
    return MinMax(
        minimum=to_number(least.get("value", row.get("min"))),
        minimum_at=to_datetime(least.get("date", row.get("min_date"))),
        maximum=to_number(greatest.get("value", row.get("max"))),
        maximum_at=to_datetime(greatest.get("date", row.get("max_date"))),
    )


def _value(row: Row) -> float:
    return to_number(row.get("value")) or 0.0


def _next_in(holder: object) -> str | None:
    """Return the `next` of an object or of one of the objects in it."""
    if not isinstance(holder, dict):
        return None
    inner = (_offset(nested(holder, key).get("next")) for key in holder)
    return _offset(holder.get("next")) or next(filter(None, inner), None)


def _offset(value: object) -> str | None:
    found = identifier(value)
    return None if found == "0" else found
