"""What every resource group needs: one record, a page of many, a record by its id."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from zlib import crc32

from simulators.response import JsonObject, Reply

from .config import Forms
from .request import ApiError, Body, Route, Visit, is_uuid
from .serializers import Shapes
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


class Desk:
    """Takes visits and hands records out."""

    def __init__(self, world: World) -> None:
        """Hand out what is in this world."""
        self.world = world
        self.shapes = Shapes(world.plan.forms)

    def one(
        self, visit: Visit, kind: str, record: Record, *, created: bool = False, status: int = 200
    ) -> Reply:
        """Reply with a record."""
        code = self.world.plan.forms.created if created else status
        return Reply(code, self.shapes.dress(kind, record, visit.organisation.id))

    def acted(self, visit: Visit, kind: str, record: Record) -> Reply:
        """Reply to a call that did something to a record."""
        if self.world.plan.forms.acted == "empty":
            return Reply(204, body=b"")
        return self.one(visit, kind, record)

    def many(self, visit: Visit, kind: str, records: Sequence[Record]) -> Reply:
        """Reply with a page of records, filtered by what the address asks for."""
        return self.page(visit, kind, self._filtered(visit, records), lambda record: record)

    def page[T](self, visit: Visit, kind: str, found: Sequence[T], shown: Shown[T]) -> Reply:
        """Reply with a page of what was found; only what is on it is worked out."""
        plan, owner = self.world.plan, visit.organisation.id
        asked_number, asked_size = (visit.query.get(name) for name in self.page_names)
        size = _number(asked_size, plan.page_size, plan.page_most)
        first = plan.forms.first_page
        number = max(0, _number(asked_number, first, 1 << 40, least=0) - first)
        start = 0 if plan.endless else number * size
        records = [
            self.shapes.dress(kind, shown(one), owner) for one in islice(found, start, start + size)
        ]
        if plan.endless == "new" and number:
            records = [self._strange(record, number) for record in records]
        total = (number + 2) * size if plan.endless else len(found)
        last = not plan.endless and start + size >= total
        return Reply(200, self.shapes.page(records, number, size, total, last=last))

    @property
    def page_names(self) -> list[str]:
        """The parameters that say which page is wanted, and of what size."""
        return self.world.plan.forms.page_names.split()

    def serves(self, route: Route) -> bool:
        """Tell whether a call is there in the forms that are served now."""
        forms, path = self.world.plan.forms, route.pattern.pattern
        if "/readings/batch" in path:
            return forms.batch in ("both", route.method.lower())
        if path.endswith(("/aggregated/?", "/stats/?")):
            at_sensor = "/readings/sensor/" in path
            wanted = forms.aggregated if "aggregated" in path else forms.stats
            return wanted and at_sensor == (forms.readings_paths == "suffix")
        return forms.window or "/window" not in path

    def found[T](self, visit: Visit, among: Mapping[str, T], name: str = "id") -> T:
        """Return what the path names; 404 if the organisation has no such thing."""
        return self.by_id(visit, among, visit.named[name])

    def by_id[T](self, visit: Visit, among: Mapping[str, T], number: str) -> T:
        """Return what an id names; 400 if it is no id, 404 if the organisation has no such thing."""
        if not is_uuid(number):
            raise ApiError(400, "An id cannot be read")
        if number not in among:
            known = any(self._has(other, number) for other in self.world.organisations)
            raise ApiError(self.world.plan.forms.foreign if known else 404, "Not found")
        return among[number]

    def in_order(self, records: Sequence[Record], key: str) -> list[Record]:
        """Return records by a time, in the order that is served now."""
        ordered = sorted(records, key=lambda one: str(one[key]))
        return ordered[::-1] if self.world.plan.forms.listing == "newest" else ordered

    def _has(self, organisation: Organisation, number: str) -> bool:
        holders: tuple[Mapping[str, object], ...] = (
            organisation.devices,
            organisation.components,
            organisation.sensors,
            *organisation.tables.values(),
            *organisation.more,
        )
        return any(number in holder for holder in holders)

    def _filtered(self, visit: Visit, records: Sequence[Record]) -> Sequence[Record]:
        if self.world.plan.forms.filters == "ignored":
            return records
        for asked, key in _FILTERS.items():
            if value := visit.query.get(asked):
                wanted = set(value.split(","))
                records = [one for one in records if key not in one or str(one[key]) in wanted]
        return records

    def _strange(self, record: JsonObject, number: int) -> JsonObject:
        return record | {"id": identifier(crc32(str(record.get("id")).encode()), number)}


def filled(forms: Forms, body: Body, before: Record | None) -> Body:
    """Return what a PUT says, with what it leaves out if that stays as it is."""
    return body if before is None or forms.put == "replace" else {**before, **body}


def _number(text: str | None, otherwise: int, most: int, *, least: int = 1) -> int:
    if text is None or not text.isdecimal():
        return otherwise
    return min(most, max(least, int(text)))
