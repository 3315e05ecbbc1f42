"""Parser of SensorZone's charts: labels with series, or rows, in JSON:API or plain JSON."""

from collections.abc import Iterator
from datetime import date, datetime
import re

from ...client.decode import Row, identifier, to_number
from ...client.errors import UnexpectedResponseError
from ...client.transport import loose
from .decode import flat, pick, read_page, reference, seconds_of, words
from .models import Runtime

_HOURS = 3600.0
_SECONDS = re.compile(r"(^|_)(s|sec|seconds?)$")
_LONGEST = 24.0 * 1.05


def runtimes(body: bytes) -> list[Runtime]:
    """Parse the chart of each machine's runtime by day; raise UnexpectedResponseError if there is no chart."""
    row = flat(loose(body))
    chart = _chart(row) if row is not None else None
    if chart is not None:
        return list(_of_series(chart))
    page = read_page(body, "", "machine_runtime", "runtime", "chart", "points", "values")
    return [found for item in page.rows if (held := flat(item)) for found in _of_row(held)]


def _chart(row: Row) -> Row | None:
    """Return the object with labels and series: the root, its data or its chart."""
    for held in (row, flat(row.get("data")), flat(row.get("chart"))):
        if held is not None and isinstance(pick(held, "labels", "categories", "x"), list):
            return held
    return None


def _of_series(chart: Row) -> Iterator[Runtime]:
    labels = pick(chart, "labels", "categories", "x")
    series = pick(chart, "datasets", "series")
    if not isinstance(labels, list) or not isinstance(series, list):
        raise UnexpectedResponseError("the chart holds no series")
    for item in series:
        row = flat(item) or {}
        machine = _machine(row)
        values = pick(row, "data", "values", "hours", "seconds", "runtime_hours", "runtime_seconds")
        factor = _factor(row, chart)
        for label, value in zip(labels, values if isinstance(values, list) else (), strict=False):
            yield from _runtime(machine, label, to_number(value), factor)


def _of_row(row: Row) -> Iterator[Runtime]:
    label = pick(row, "date", "day", "label", "x", "period")
    if isinstance(inside := pick(row, "data", "points", "values", "days"), list):
        for item in inside:
            if (below := flat(item)) is not None:
                yield from _of_row(
                    {**row, **below, "data": None, "points": None, "values": None, "days": None}
                )
        return
    seconds = seconds_of(row, "runtime", "value", "duration", "y", plain=_factor(row, row))
    if seconds is None:
        seconds = next(
            (
                n * f
                for key, f in (("hours", _HOURS), ("seconds", 1.0))
                if (n := to_number(row.get(key))) is not None
            ),
            None,
        )
    yield from _runtime(_machine(row), label, seconds, 1.0)


def _machine(row: Row) -> str | None:
    found = reference(row, "base_station", "machine", "machine_asset")
    if found is None and not row.get("type"):
        found = identifier(row.get("id"))
    return found or words(row, "machine", "base_station", "name", "label")


def _factor(row: Row, chart: Row) -> float:
    """Return the unit of the values in seconds, by a key or a stated unit; an hour by default."""
    said = [
        words(held, "unit", "units", "metric", "measure", "meta.unit") or ""
        for held in (row, chart)
    ]
    keys = {*row, *chart, *(word.lower() for word in said)}
    return 1.0 if any(_SECONDS.search(key) for key in keys) else _HOURS


def _runtime(
    machine: str | None, label: object, value: float | None, factor: float
) -> Iterator[Runtime]:
    day = _day(label)
    if machine is None or day is None or value is None:
        return
    hours = value * factor / _HOURS
    if 0 <= hours <= _LONGEST:
        yield Runtime(machine=machine, day=day, hours=hours)


def _day(label: object) -> date | None:
    try:
        return datetime.fromisoformat(str(label)).date()
    except ValueError:
        return None
