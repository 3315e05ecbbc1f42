"""Calls for readings: raw, relative, aggregated, in figures, and of many sensors at once."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby, islice
from statistics import fmean

from multidict import MultiMapping

from simulators.response import JsonObject, Reply

from .request import ApiError, Body, Visit, length_of
from .responder import Desk
from .state import Reading, Record, Sensor
from .times import at

_DAY = 86_400
_MOST = 10_000
_TYPED = {
    "DOUBLE": "doubleValue",
    "BIGINT": "bigintValue",
    "BOOLEAN": "booleanValue",
    "TEXT": "textValue",
}


class ReadingsCalls:
    """Answers them."""

    def __init__(self, desk: Desk) -> None:
        """Ask the desk."""
        self._desk = desk
        self._forms = desk.world.plan.forms

    @property
    def table(self) -> Mapping[str, Callable[[Visit], Reply]]:
        """What answers which call."""
        return {
            "GET /readings/sensor/{id}": self.raw,
            "GET /readings/sensor/{id}/window": self.window,
            "GET /readings/sensor/{id}/aggregated": self.aggregated_of_path,
            "GET /readings/sensor/{id}/stats": self.stats_of_path,
            "GET /readings/aggregated": self.aggregated_of_query,
            "GET /readings/stats": self.stats_of_query,
            "GET /readings/batch": self.batch_by_address,
            "POST /readings/batch": self.batch_by_body,
        }

    def raw(self, visit: Visit) -> Reply:
        """List a sensor's readings of a period, by default of the last day."""
        return self._listed(visit, self._sensor(visit), *visit.period(_DAY))

    def window(self, visit: Visit) -> Reply:
        """List a sensor's readings of the last minutes, hours or days."""
        if minutes := visit.first("minutes"):
            length = length_of(f"{minutes}m")
        elif hours := visit.first("hours"):
            length = length_of(f"{hours}h")
        else:
            names = ("window", "duration", "range", "last", "period", "relative")
            length = visit.length(*names, default=3600)
        return self._listed(visit, self._sensor(visit), visit.now - length, visit.now)

    def aggregated_of_path(self, visit: Visit) -> Reply:
        """List a sensor's figures by the hour, or by another length of time."""
        return self._aggregated(visit, self._sensor(visit))

    def aggregated_of_query(self, visit: Visit) -> Reply:
        """The same, of the sensor that a parameter names."""
        return self._aggregated(visit, self._asked(visit))

    def stats_of_path(self, visit: Visit) -> Reply:
        """Show a sensor's figures of a whole period."""
        return self._stats(visit, self._sensor(visit))

    def stats_of_query(self, visit: Visit) -> Reply:
        """The same, of the sensor that a parameter names."""
        return self._stats(visit, self._asked(visit))

    def batch_by_address(self, visit: Visit) -> Reply:
        """List the readings of many sensors, named by a parameter."""
        asked = visit.first("sensorIds", "sensorId", "sensors", "ids") or ""
        if isinstance(visit.query, MultiMapping):
            asked = ",".join(visit.query.getall("sensorIds", [asked]))
        return self._batch(visit, asked)

    def batch_by_body(self, visit: Visit) -> Reply:
        """List the readings of many sensors, named in the body."""
        named = next((visit.body[key] for key in ("sensorIds", "ids") if key in visit.body), None)
        if not isinstance(named, list):
            raise ApiError(400, "sensorIds must not be empty")
        return self._batch(visit, ",".join(str(one) for one in named))

    def reading_record(self, sensor: Sensor, reading: Reading) -> Record:
        """Return a reading's record, with the time that the device's clock told."""
        record: Record = {"sensorId": sensor.id, "timestamp": at(reading.time + sensor.device.skew)}
        value: object = reading.value
        if isinstance(value, bool) and self._forms.booleans == "number":
            value = int(value)
        match self._forms.reading:
            case "value":
                record["value"] = value
            case "typed":
                record |= {
                    field: value if kind == sensor.type else None for kind, field in _TYPED.items()
                }
        return record

    def _listed(self, visit: Visit, sensor: Sensor, since: int, until: int) -> Reply:
        found = list(sensor.readings(since, until, visit.now))
        if self._newest_first(visit):
            found.reverse()
        return self._desk.page(
            visit, "readings", found, lambda one: self.reading_record(sensor, one)
        )

    def _newest_first(self, visit: Visit) -> bool:
        asked = (visit.first("sort", "order", "direction") or "").lower()
        if "asc" in asked or "desc" in asked:
            return "desc" in asked
        return self._forms.order == "newest"

    def _aggregated(self, visit: Visit, sensor: Sensor) -> Reply:
        names = ("interval", "bucket", "bucketSize", "window", "resolution", "granularity")
        length = visit.length(*names, default=3600)
        if length < 1:
            raise ApiError(400, "The interval is too short")
        since, until = visit.period(_DAY)
        buckets = [
            _figures(group) | {"timestamp": at(start * length + sensor.device.skew)}
            for start, group in groupby(
                sensor.readings(since, until, visit.now), lambda one: one.time // length
            )
        ]
        if self._newest_first(visit):
            buckets.reverse()
        return self._desk.page(
            visit, "aggregated", buckets, lambda one: {"sensorId": sensor.id, **one}
        )

    def _stats(self, visit: Visit, sensor: Sensor) -> Reply:
        since, until = visit.period(_DAY)
        found = list(islice(sensor.readings(since, until, visit.now), _MOST * 10))
        record: Record = {"sensorId": sensor.id, "from": at(since), "to": at(until)}
        record |= _figures(iter(found))
        return self._desk.one(visit, "stats", record)

    def _batch(self, visit: Visit, names: str) -> Reply:
        organisation = visit.organisation
        sensors = [
            organisation.sensors[name] for name in names.split(",") if name in organisation.sensors
        ]
        if not names:
            raise ApiError(400, "sensorIds must not be empty")
        most = _limit(visit)
        listed = {sensor.id: self._of_many(visit, sensor, most) for sensor in sensors}
        match self._forms.batch_answer:
            case "groups":
                return Reply(
                    200, [{"sensorId": name, "readings": one} for name, one in listed.items()]
                )
            case "flat":
                return Reply(200, [one for readings in listed.values() for one in readings])
        return Reply(200, listed)

    def _of_many(self, visit: Visit, sensor: Sensor, most: int) -> list[JsonObject]:
        if most == 1 and not self._has_period(visit):
            newest = sensor.newest(visit.now)
            found = [] if newest is None else [newest]
        else:
            found = list(sensor.readings(*visit.period(3600), visit.now))[-most:]
        if self._newest_first(visit):
            found.reverse()
        return [
            self._desk.shapes.dress("readings", self.reading_record(sensor, one)) for one in found
        ]

    @staticmethod
    def _has_period(visit: Visit) -> bool:
        return "from" in visit.query or "from" in visit.body

    def _sensor(self, visit: Visit) -> Sensor:
        return self._desk.found(visit, visit.organisation.sensors)

    def _asked(self, visit: Visit) -> Sensor:
        number = visit.first("sensorId", "sensor")
        if number is None:
            raise ApiError(400, "Required parameter 'sensorId' is not present")
        return self._desk.by_id(visit, visit.organisation.sensors, number)


def _limit(visit: Visit) -> int:
    body: Body = visit.body
    text = visit.first("limit", "size", "latest") or str(
        body.get("limit") or body.get("size") or ""
    )
    if text == "true":
        return 1
    return min(_MOST, max(1, int(text))) if text.isdecimal() else _MOST


def _figures(readings: Iterator[Reading]) -> Record:
    """Return count, least, most and mean; without numbers only the count."""
    values = [one.value for one in readings]
    numbers = [float(one) for one in values if isinstance(one, int | float)]
    if not numbers:
        return {"count": len(values), "min": None, "max": None, "avg": None}
    return {
        "count": len(values),
        "min": min(numbers),
        "max": max(numbers),
        "avg": round(fmean(numbers), 6),
    }
