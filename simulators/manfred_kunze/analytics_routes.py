"""Calls for annotations, their classes, reference pairs, dashboards and packs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from simulators.response import Reply

from .request import ApiError, Visit
from .responder import Desk, filled
from .state import Organisation, Record
from .times import at, seconds_of

SOURCES = ("MANUAL", "RULE", "REFERENCE_SENSOR", "EXTERNAL_FEED", "ML_INFERENCE")
_SCOPES = ("SITE", "DEVICE", "COMPONENT", "SENSOR")
_TIMES = ("from", "to")

type Holder = Callable[[Organisation], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a resource, the needed ones first. references: fields that name something."""

    needed: tuple[str, ...]
    optional: Mapping[str, object]
    references: Mapping[str, Holder]


_CHANGEABLE: Mapping[str, Shape] = {
    "annotations": Shape(
        ("annotationClassId", "scopeType", "scopeId", "from"),
        {"to": None, "values": {}, "source": "MANUAL"},
        {"annotationClassId": lambda owner: owner.table("annotation-classes")},
    ),
    "annotation-classes": Shape(("name",), {"fields": [], "description": None}, {}),
    "reference-pairs": Shape(
        ("primaryComponentId", "referenceComponentId", "from"),
        {"to": None},
        {
            "primaryComponentId": lambda owner: owner.components,
            "referenceComponentId": lambda owner: owner.components,
        },
    ),
    "dashboards": Shape(("name",), {"widgets": []}, {}),
}


class AnalyticsCalls:
    """Answers them."""

    def __init__(self, desk: Desk) -> None:
        """Ask the desk."""
        self._desk = desk

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
        calls: dict[str, Callable[[Visit], Reply]] = {
            "GET /annotations/by-source": self.by_source,
            "GET /packs": lambda visit: self._list(visit, "packs"),
            "GET /packs/{id}": lambda visit: self._show(visit, "packs"),
        }
        for kind, shape in _CHANGEABLE.items():
            calls |= self._all_of(kind, shape)
        return calls

    def by_source(self, visit: Visit) -> Reply:
        """List the annotations that come from one source."""
        source = visit.first("source")
        if source is None:
            raise ApiError(400, "Required parameter 'source' is not present")
        records = visit.organisation.table("annotations").values()
        found = [one for one in records if one["source"] == source]
        return self._desk.many(visit, "annotations", self._desk.in_order(found, "from"))

    def _all_of(self, kind: str, shape: Shape) -> dict[str, Callable[[Visit], Reply]]:
        return {
            f"GET /{kind}": lambda visit: self._list(visit, kind),
            f"POST /{kind}": lambda visit: self._add(visit, kind, shape),
            f"GET /{kind}/{{id}}": lambda visit: self._show(visit, kind),
            f"PUT /{kind}/{{id}}": lambda visit: self._change(visit, kind, shape),
            f"DELETE /{kind}/{{id}}": lambda visit: self._remove(visit, kind),
        }

    def _list(self, visit: Visit, kind: str) -> Reply:
        return self._desk.many(visit, kind, list(visit.organisation.table(kind).values()))

    def _show(self, visit: Visit, kind: str) -> Reply:
        return self._desk.one(visit, kind, self._found(visit, kind))

    def _add(self, visit: Visit, kind: str, shape: Shape) -> Reply:
        fields = {**self._made(visit, shape), "createdAt": at(visit.now)}
        return self._desk.one(visit, kind, visit.organisation.add(kind, fields), created=True)

    def _change(self, visit: Visit, kind: str, shape: Shape) -> Reply:
        record = self._found(visit, kind)
        visit.body = filled(self._desk.world.plan.forms, visit.body, record)
        record |= self._made(visit, shape)
        return self._desk.one(visit, kind, record)

    def _remove(self, visit: Visit, kind: str) -> Reply:
        del visit.organisation.table(kind)[str(self._found(visit, kind)["id"])]
        return Reply(204, body=b"")

    def _found(self, visit: Visit, kind: str) -> Record:
        return self._desk.found(visit, visit.organisation.table(kind))

    def _made(self, visit: Visit, shape: Shape) -> Record:
        record: Record = {name: visit.text(name, _short(name)) for name in shape.needed}
        for name, otherwise in shape.optional.items():
            value = visit.body.get(name)
            record[name] = otherwise if value is None else value
        for name, holder in shape.references.items():
            self._desk.by_id(visit, holder(visit.organisation), str(record[name]))
        self._check(record, "scopeType", _SCOPES)
        self._check(record, "source", SOURCES)
        for name in _TIMES:
            if record.get(name) is not None:
                record[name] = _moment(record[name])
        return record

    @staticmethod
    def _check(record: Record, name: str, known: tuple[str, ...]) -> None:
        if name in record and record[name] not in known:
            raise ApiError(400, f"{name} is not one of the known")


def _short(name: str) -> str:
    """Return a shorter name of a field that some clients use: "classId" for "annotationClassId"."""
    return name.replace("annotationClassId", "classId")


def _moment(value: object) -> object:
    if isinstance(value, datetime):
        return value
    seconds = seconds_of(str(value))
    if seconds is None:
        raise ApiError(400, "A time cannot be read")
    return at(seconds)
