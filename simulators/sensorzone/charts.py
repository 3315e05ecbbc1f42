"""Serialize charts and pivot tables; none of these formats is documented."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from simulators.response import JsonObject, Response

from .serializers import API_TYPE, Serializer
from .state import Machine


@dataclass(slots=True)
class Point:
    """The figures of a day: of one machine, or of all of them together."""

    day: date
    figures: JsonObject
    machine: Machine | None = None


@dataclass(slots=True)
class Table:
    """A pivot table: rows with a text for each dimension, and figures."""

    dimensions: list[str]
    rows: list[tuple[list[str], JsonObject]] = field(default_factory=list)


def chart(points: Sequence[Point], serializer: Serializer, form: str) -> Response:
    """Return the reply with a chart."""
    match form:
        case "rows":
            return Response(200, [serializer.keyed(_row(point, serializer)) for point in points])
        case "jsonapi":
            data = [
                _resource("chart_points", _key(point), _row(point, serializer)) for point in points
            ]
            keyed = [serializer.keyed(one) for one in data]
            return Response(200, {"data": keyed}, {"Content-Type": API_TYPE})
    labels = sorted({point.day.isoformat() for point in points})
    return Response(
        200, serializer.keyed({"labels": labels, "datasets": _series(points, labels, serializer)})
    )


def pivot(table: Table, serializer: Serializer, form: str) -> Response:
    """Return the reply with a pivot table."""
    objects: list[JsonObject] = [
        dict(zip(table.dimensions, texts, strict=True)) | figures for texts, figures in table.rows
    ]
    match form:
        case "rows":
            return Response(200, [serializer.keyed(one) for one in objects])
        case "jsonapi":
            data = [_resource("pivot_rows", str(n), one) for n, one in enumerate(objects, 1)]
            keyed = [serializer.keyed(one) for one in data]
            return Response(200, {"data": keyed}, {"Content-Type": API_TYPE})
    columns = list(objects[0]) if objects else table.dimensions
    rows = [list(one.values()) for one in objects]
    return Response(200, {"columns": columns, "rows": rows})


def csv(table: Table) -> bytes:
    """Return a pivot table as a CSV file."""
    figures = list(table.rows[0][1]) if table.rows else []
    lines = [[*table.dimensions, *figures]]
    lines += [
        [*texts, *("" if value is None else str(value) for value in row.values())]
        for texts, row in table.rows
    ]
    quoted = (",".join(_quoted(cell) for cell in line) for line in lines)
    return "".join(f"{line}\r\n" for line in quoted).encode()


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",\n') else cell


def _series(points: Sequence[Point], labels: list[str], serializer: Serializer) -> list[JsonObject]:
    values: dict[tuple[int, str], dict[str, object]] = {}
    machines: dict[int, Machine] = {}
    for point in points:
        machine = 0 if point.machine is None else point.machine.id
        if point.machine is not None:
            machines[machine] = point.machine
        for name, value in point.figures.items():
            values.setdefault((machine, name), {})[point.day.isoformat()] = value
    return [
        {
            **({"base_station_id": serializer.id(machine)} if machine else {}),
            "label": machines[machine].name if machine else name,
            "metric": name,
            "data": [by_day.get(label) for label in labels],
        }
        for (machine, name), by_day in values.items()
    ]


def _row(point: Point, serializer: Serializer) -> JsonObject:
    row: JsonObject = {"date": point.day.isoformat()}
    if point.machine is not None:
        row["base_station_id"] = serializer.id(point.machine.id)
        row["base_station_name"] = point.machine.name
    return row | point.figures


def _key(point: Point) -> str:
    return f"{point.machine.id if point.machine else 'all'}-{point.day.isoformat()}"


def _resource(kind: str, key: str, attributes: JsonObject) -> JsonObject:
    return {"type": kind, "id": key, "attributes": attributes}
