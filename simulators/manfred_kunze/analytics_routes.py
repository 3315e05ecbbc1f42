"""Serve the routes for annotations, their classes, reference pairs, dashboards and packs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from simulators.response import Response

from .errors import ApiError
from .request import ApiRequest
from .responder import Responder, filled
from .state import Organisation, Record
from .times import at, seconds_of

SOURCES = ("MANUAL", "RULE", "REFERENCE_SENSOR", "EXTERNAL_FEED", "ML_INFERENCE")
_SCOPES = ("SITE", "DEVICE", "COMPONENT", "SENSOR")
_TIMES = ("from", "to")

type Holder = Callable[[Organisation], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class ResourceFields:
    """The fields of a resource, the required ones first. references: fields that hold the id of another record."""

    needed: tuple[str, ...]
    optional: Mapping[str, object]
    references: Mapping[str, Holder]


_CHANGEABLE: Mapping[str, ResourceFields] = {
    "annotations": ResourceFields(
        ("annotationClassId", "scopeType", "scopeId", "from"),
        {"to": None, "values": {}, "source": "MANUAL"},
        {"annotationClassId": lambda owner: owner.table("annotation-classes")},
    ),
    "annotation-classes": ResourceFields(("name",), {"fields": [], "description": None}, {}),
    "reference-pairs": ResourceFields(
        ("primaryComponentId", "referenceComponentId", "from"),
        {"to": None},
        {
            "primaryComponentId": lambda owner: owner.components,
            "referenceComponentId": lambda owner: owner.components,
        },
    ),
    "dashboards": ResourceFields(("name",), {"widgets": []}, {}),
}


class AnalyticsRoutes:
    """The routes for annotations, their classes, reference pairs, dashboards and packs."""

    def __init__(self, responder: Responder) -> None:
        """Respond through a responder."""
        self._responder = responder

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
        calls: dict[str, Callable[[ApiRequest], Response]] = {
            "GET /annotations/by-source": self.by_source,
            "GET /packs": lambda request: self._list(request, "packs"),
            "GET /packs/{id}": lambda request: self._show(request, "packs"),
        }
        for kind, shape in _CHANGEABLE.items():
            calls |= self._all_of(kind, shape)
        return calls

    def by_source(self, request: ApiRequest) -> Response:
        """List the annotations of one source."""
        source = request.first("source")
        if source is None:
            raise ApiError(400, "Required parameter 'source' is not present")
        records = request.organisation.table("annotations").values()
        found = [one for one in records if one["source"] == source]
        return self._responder.many(request, "annotations", self._responder.in_order(found, "from"))

    def _all_of(
        self, kind: str, shape: ResourceFields
    ) -> dict[str, Callable[[ApiRequest], Response]]:
        return {
            f"GET /{kind}": lambda request: self._list(request, kind),
            f"POST /{kind}": lambda request: self._add(request, kind, shape),
            f"GET /{kind}/{{id}}": lambda request: self._show(request, kind),
            f"PUT /{kind}/{{id}}": lambda request: self._change(request, kind, shape),
            f"DELETE /{kind}/{{id}}": lambda request: self._remove(request, kind),
        }

    def _list(self, request: ApiRequest, kind: str) -> Response:
        return self._responder.many(request, kind, list(request.organisation.table(kind).values()))

    def _show(self, request: ApiRequest, kind: str) -> Response:
        return self._responder.one(request, kind, self._found(request, kind))

    def _add(self, request: ApiRequest, kind: str, shape: ResourceFields) -> Response:
        fields = {**self._made(request, shape), "createdAt": at(request.now)}
        return self._responder.one(
            request, kind, request.organisation.add(kind, fields), created=True
        )

    def _change(self, request: ApiRequest, kind: str, shape: ResourceFields) -> Response:
        record = self._found(request, kind)
        request.body = filled(self._responder.world.config.variants, request.body, record)
        record |= self._made(request, shape)
        return self._responder.one(request, kind, record)

    def _remove(self, request: ApiRequest, kind: str) -> Response:
        del request.organisation.table(kind)[str(self._found(request, kind)["id"])]
        return Response(204, body=b"")

    def _found(self, request: ApiRequest, kind: str) -> Record:
        return self._responder.find(request, request.organisation.table(kind))

    def _made(self, request: ApiRequest, shape: ResourceFields) -> Record:
        record: Record = {name: request.text(name, _short(name)) for name in shape.needed}
        for name, otherwise in shape.optional.items():
            value = request.body.get(name)
            record[name] = otherwise if value is None else value
        for name, holder in shape.references.items():
            self._responder.by_id(request, holder(request.organisation), str(record[name]))
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
