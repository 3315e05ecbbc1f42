"""GET /measurements (document, section 4.3): latest, min_max, range and raw."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby

from simulators.clock import from_micros, to_micros
from simulators.response import JsonObject
from simulators.schedule import SECOND

from .config import CloudConfig
from .parameters import ApiError, number, period
from .serializers import measurement_json, time_text
from .state import Measurement, Source

RAW_ROWS = 5_000
GROUPED, BLANK = 10, 20
_GROUPINGS = (15, 30, 60, 180, 360, 720, 1440, 10_080)
_MOST_GROUPS = 400


def measurements(
    kind: str,
    sources: list[Source],
    parameters: Mapping[str, str],
    now: datetime,
    config: CloudConfig,
) -> JsonObject:
    """Return the payload, an object keyed by data source id. 400 for a type that does not exist."""
    payload = _payload(kind, sources, parameters, now, config)
    if config.variants.empty_measurements == "list" and not payload["measurements"]:
        payload["measurements"] = []
    return payload


def _payload(
    kind: str,
    sources: list[Source],
    parameters: Mapping[str, str],
    now: datetime,
    config: CloudConfig,
) -> JsonObject:
    since, until = period(parameters, now)
    match kind:
        case "latest":
            return {"measurements": _latest(sources, now, config)}
        case "min_max":
            found = {
                str(source.id): extremes
                for source in sources
                if (extremes := _min_max(_rows(source, since, until, now), config))
            }
            return {"measurements": found}
        case "range":
            step = _grouping(parameters, until - since)
            return {
                "measurements": {
                    str(source.id): _groups(_rows(source, since, until, now), step)
                    for source in sources
                }
            }
        case "raw":
            return _raw(sources, parameters, now, config)
    raise ApiError(400, "type is one of latest, min_max, range, raw")


def _latest(sources: list[Source], now: datetime, config: CloudConfig) -> JsonObject:
    at = to_micros(now)
    found: JsonObject = {}
    for source in sources:
        row = source.newest(at)
        if row is not None:
            found[str(source.id)] = measurement_json(row)
        elif config.variants.no_data == "blank":
            found[str(source.id)] = measurement_json(Measurement(now, None, BLANK, at))
        elif config.variants.no_data == "null":
            found[str(source.id)] = None
    return found


def _rows(source: Source, since: datetime, until: datetime, now: datetime) -> list[Measurement]:
    return source.between(to_micros(since), to_micros(until), to_micros(now))


def _numeric(rows: Iterable[Measurement]) -> list[tuple[float, Measurement]]:
    return [
        (row.value, row)
        for row in rows
        if isinstance(row.value, int | float) and row.value == row.value
    ]


def _min_max(rows: list[Measurement], config: CloudConfig) -> object:
    valued = _numeric(rows)
    if not valued:
        return None
    least = min(valued, key=lambda pair: pair[0])[1]
    most = max(valued, key=lambda pair: pair[0])[1]
    match config.variants.min_max:
        case "rows":
            return [measurement_json(least), measurement_json(most)]
        case "flat":
            return {
                "min": least.value,
                "min_date": time_text(least.date),
                "max": most.value,
                "max_date": time_text(most.date),
            }
    return {
        "min": {"value": least.value, "date": time_text(least.date)},
        "max": {"value": most.value, "date": time_text(most.date)},
    }


def _grouping(parameters: Mapping[str, str], length: timedelta) -> int:
    """Return the grouping in minutes: as asked, by ticks, or by the period's length."""
    minutes = length.total_seconds() / 60
    if (interval := number(parameters, "interval")) is not None:
        return max(1, interval)
    if (ticks := number(parameters, "ticks")) is not None:
        return max(1, round(minutes / max(1, ticks)))
    return next((step for step in _GROUPINGS if minutes / step <= _MOST_GROUPS), _GROUPINGS[-1])


def _groups(rows: list[Measurement], minutes: int) -> list[JsonObject]:
    """Return one row per group that has measurements, dated at the group's start."""
    step = minutes * 60 * SECOND
    grouped = groupby(_numeric(rows), key=lambda pair: to_micros(pair[1].date) // step)
    return [_group(from_micros(place * step), list(pairs)) for place, pairs in grouped]


def _group(start: datetime, pairs: list[tuple[float, Measurement]]) -> JsonObject:
    values = [value for value, _ in pairs]
    return {
        "date": time_text(start),
        "value": round(sum(values) / len(values), 4),
        "type": GROUPED,
        "seq": max(row.seq for _, row in pairs),
        "min": min(values),
        "max": max(values),
    }


def _raw(
    sources: list[Source], parameters: Mapping[str, str], now: datetime, config: CloudConfig
) -> JsonObject:
    """Return up to 5,000 rows over all sources by `seq`, and the offset of the next ones."""
    seq_from, seq_to = number(parameters, "seq_from"), number(parameters, "seq_to")
    if seq_from is None and seq_to is None:
        since, until = period(parameters, now)
    else:
        since = from_micros(_least_date(seq_from or 0))
        until = now if seq_to is None else from_micros(min(max(0, seq_to), to_micros(now)))
    rows = sorted(
        (
            (row.seq, source.id, row)
            for source in sources
            for row in _rows(source, since, until, now)
            if (seq_from is None or row.seq >= seq_from) and (seq_to is None or row.seq <= seq_to)
        ),
        key=lambda item: item[:2],
    )
    offset = max(0, number(parameters, "next") or 0)
    page = rows[offset : offset + RAW_ROWS]
    following = offset + RAW_ROWS if len(rows) > offset + RAW_ROWS else None
    found: dict[str, list[JsonObject]] = {str(source.id): [] for source in sources}
    for _, source_id, row in page:
        found[str(source_id)].append(measurement_json(row))
    if config.variants.next_place == "source":
        return {
            "measurements": {
                key: {"rows": value} if following is None else {"rows": value, "next": following}
                for key, value in found.items()
            }
        }
    payload: JsonObject = {"measurements": found}
    return payload if following is None else payload | {"next": following}


def _least_date(seq: int) -> int:
    """Return the least date of what was stored at `seq`: a gateway may be a week late."""
    return max(0, seq - 7 * 24 * 3600 * SECOND)
