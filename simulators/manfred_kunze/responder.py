"""Respond with one record or a page of records, and find records by id."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from zlib import crc32

from simulators.response import JsonObject, Response

from .config import ApiVariants
from .errors import ApiError
from .request import ApiRequest, Body, Route, is_uuid
from .serializers import Serializer
from .state import Organisation, Record, World, identifier

type Shown[T] = Callable[[T], Record]

_FILTERS = {
    "deviceId": "deviceId",
    "componentId": "componentId",
    "sensorId": "sensorId",
    "siteId": "siteId",
    "cameraId": "cameraId",
    "status": "status",
    "severity": "severity",
    "ruleId": "alertRuleId",
    "alertRuleId": "alertRuleId",
    "name": "name",
    "version": "version",
}


class Responder:
    """Creates responses from records."""

    def __init__(self, world: World) -> None:
        """Respond with the records of a world."""
        self.world = world
        self.serializer = Serializer(world.config.variants)

    def one(
        self,
        request: ApiRequest,
        kind: str,
        record: Record,
        *,
        created: bool = False,
        status: int = 200,
    ) -> Response:
        """Return the response with one record."""
        code = self.world.config.variants.created if created else status
        return Response(code, self.serializer.serialize(kind, record, request.organisation.id))

    def acted(self, request: ApiRequest, kind: str, record: Record) -> Response:
        """Return the response to a call that changed a record."""
        if self.world.config.variants.acted == "empty":
            return Response(204, body=b"")
        return self.one(request, kind, record)

    def many(self, request: ApiRequest, kind: str, records: Sequence[Record]) -> Response:
        """Return the response with a page of records, filtered by the query."""
        return self.page(request, kind, self._filtered(request, records), lambda record: record)

    def page[T](
        self, request: ApiRequest, kind: str, found: Sequence[T], shown: Shown[T]
    ) -> Response:
        """Return the response with a page; only the records on it are serialized."""
        config, owner = self.world.config, request.organisation.id
        asked_number, asked_size = (request.query.get(name) for name in self.page_names)
        size = _number(asked_size, config.page_size, config.page_most)
        first = config.variants.first_page
        number = max(0, _number(asked_number, first, 1 << 40, least=0) - first)
        start = 0 if config.endless else number * size
        records = [
            self.serializer.serialize(kind, shown(one), owner)
            for one in islice(found, start, start + size)
        ]
        if config.endless == "new" and number:
            records = [self._strange(record, number) for record in records]
        total = (number + 2) * size if config.endless else len(found)
        last = not config.endless and start + size >= total
        return Response(200, self.serializer.page(records, number, size, total, last=last))

    @property
    def page_names(self) -> list[str]:
        """Return the names of the parameters for page number and size."""
        return self.world.config.variants.page_names.split()

    def serves(self, route: Route) -> bool:
        """Return whether a route exists in the variants served now."""
        variants, path = self.world.config.variants, route.pattern.pattern
        if "/readings/batch" in path:
            return variants.batch in ("both", route.method.lower())
        if path.endswith(("/aggregated/?", "/stats/?")):
            at_sensor = "/readings/sensor/" in path
            wanted = variants.aggregated if "aggregated" in path else variants.stats
            return wanted and at_sensor == (variants.readings_paths == "suffix")
        return variants.window or "/window" not in path

    def find[T](self, request: ApiRequest, among: Mapping[str, T], name: str = "id") -> T:
        """Return the record named by the path; raise 404 if the organisation has none."""
        return self.by_id(request, among, request.named[name])

    def by_id[T](self, request: ApiRequest, among: Mapping[str, T], number: str) -> T:
        """Return the record with an id; raise 400 for a malformed id, 404 if the organisation has none."""
        if not is_uuid(number):
            raise ApiError(400, "An id cannot be read")
        if number not in among:
            known = any(self._has(other, number) for other in self.world.organisations)
            raise ApiError(self.world.config.variants.foreign if known else 404, "Not found")
        return among[number]

    def in_order(self, records: Sequence[Record], key: str) -> list[Record]:
        """Return records sorted by a time, in the order served now."""
        ordered = sorted(records, key=lambda one: str(one[key]))
        return ordered[::-1] if self.world.config.variants.listing == "newest" else ordered

    def _has(self, organisation: Organisation, number: str) -> bool:
        holders: tuple[Mapping[str, object], ...] = (
            organisation.devices,
            organisation.components,
            organisation.sensors,
            *organisation.tables.values(),
            *organisation.more,
        )
        return any(number in holder for holder in holders)

    def _filtered(self, request: ApiRequest, records: Sequence[Record]) -> Sequence[Record]:
        if self.world.config.variants.filters == "ignored":
            return records
        for asked, key in _FILTERS.items():
            if value := request.query.get(asked):
                wanted = set(value.split(","))
                records = [one for one in records if key not in one or str(one[key]) in wanted]
        return records

    def _strange(self, record: JsonObject, number: int) -> JsonObject:
        return record | {"id": identifier(crc32(str(record.get("id")).encode()), number)}


def filled(variants: ApiVariants, body: Body, before: Record | None) -> Body:
    """Return the body of a PUT, completed from the record if missing fields stay."""
    return body if before is None or variants.put == "replace" else {**before, **body}


def _number(text: str | None, otherwise: int, most: int, *, least: int = 1) -> int:
    if text is None or not text.isdecimal():
        return otherwise
    return min(most, max(least, int(text)))
