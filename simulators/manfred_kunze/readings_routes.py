"""Serve the routes for readings: raw, relative, aggregated, as statistics, and of many sensors at once."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby, islice
from statistics import fmean

from multidict import MultiMapping

from simulators.response import JsonObject, Response

from .errors import ApiError
from .request import ApiRequest, Body, length_of
from .responder import Responder
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


class ReadingsRoutes:
    """The routes for readings."""

    def __init__(self, responder: Responder) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._variants = responder.world.config.variants

    @property
    def table(self) -> Mapping[str, Callable[[ApiRequest], Response]]:
        """Return the handler of each route."""
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

    def raw(self, request: ApiRequest) -> Response:
        """List a sensor's readings of a period, by default of the last day."""
        return self._listed(request, self._sensor(request), *request.period(_DAY))

    def window(self, request: ApiRequest) -> Response:
        """List a sensor's readings of the last minutes, hours or days."""
        if minutes := request.first("minutes"):
            length = length_of(f"{minutes}m")
        elif hours := request.first("hours"):
            length = length_of(f"{hours}h")
        else:
            names = ("window", "duration", "range", "last", "period", "relative")
            length = request.length(*names, default=3600)
        return self._listed(request, self._sensor(request), request.now - length, request.now)

    def aggregated_of_path(self, request: ApiRequest) -> Response:
        """List a sensor's aggregates by the hour, or by another interval."""
        return self._aggregated(request, self._sensor(request))

    def aggregated_of_query(self, request: ApiRequest) -> Response:
        """Return the figures of the sensor named by a parameter."""
        return self._aggregated(request, self._asked(request))

    def stats_of_path(self, request: ApiRequest) -> Response:
        """Return a sensor's statistics of a period."""
        return self._stats(request, self._sensor(request))

    def stats_of_query(self, request: ApiRequest) -> Response:
        """Return the figures of the sensor named by a parameter."""
        return self._stats(request, self._asked(request))

    def batch_by_address(self, request: ApiRequest) -> Response:
        """List the readings of many sensors, named by a parameter."""
        asked = request.first("sensorIds", "sensorId", "sensors", "ids") or ""
        if isinstance(request.query, MultiMapping):
            asked = ",".join(request.query.getall("sensorIds", [asked]))
        return self._batch(request, asked)

    def batch_by_body(self, request: ApiRequest) -> Response:
        """List the readings of many sensors, named in the body."""
        named = next(
            (request.body[key] for key in ("sensorIds", "ids") if key in request.body), None
        )
        if not isinstance(named, list):
            raise ApiError(400, "sensorIds must not be empty")
        return self._batch(request, ",".join(str(one) for one in named))

    def reading_record(self, sensor: Sensor, reading: Reading) -> Record:
        """Return a reading's record, timed by the device's clock."""
        record: Record = {"sensorId": sensor.id, "timestamp": at(reading.time + sensor.device.skew)}
        value: object = reading.value
        if isinstance(value, bool) and self._variants.booleans == "number":
            value = int(value)
        match self._variants.reading:
            case "value":
                record["value"] = value
            case "typed":
                record |= {
                    field: value if kind == sensor.type else None for kind, field in _TYPED.items()
                }
        return record

    def _listed(self, request: ApiRequest, sensor: Sensor, since: int, until: int) -> Response:
        found = list(sensor.readings(since, until, request.now))
        if self._newest_first(request):
            found.reverse()
        return self._responder.page(
            request, "readings", found, lambda one: self.reading_record(sensor, one)
        )

    def _newest_first(self, request: ApiRequest) -> bool:
        asked = (request.first("sort", "order", "direction") or "").lower()
        if "asc" in asked or "desc" in asked:
            return "desc" in asked
        return self._variants.order == "newest"

    def _aggregated(self, request: ApiRequest, sensor: Sensor) -> Response:
        names = ("interval", "bucket", "bucketSize", "window", "resolution", "granularity")
        length = request.length(*names, default=3600)
        if length < 1:
            raise ApiError(400, "The interval is too short")
        since, until = request.period(_DAY)
        buckets = [
            _figures(group) | {"timestamp": at(start * length + sensor.device.skew)}
            for start, group in groupby(
                sensor.readings(since, until, request.now), lambda one: one.time // length
            )
        ]
        if self._newest_first(request):
            buckets.reverse()
        return self._responder.page(
            request, "aggregated", buckets, lambda one: {"sensorId": sensor.id, **one}
        )

    def _stats(self, request: ApiRequest, sensor: Sensor) -> Response:
        since, until = request.period(_DAY)
        found = list(islice(sensor.readings(since, until, request.now), _MOST * 10))
        record: Record = {"sensorId": sensor.id, "from": at(since), "to": at(until)}
        record |= _figures(iter(found))
        return self._responder.one(request, "stats", record)

    def _batch(self, request: ApiRequest, names: str) -> Response:
        organisation = request.organisation
        sensors = [
            organisation.sensors[name] for name in names.split(",") if name in organisation.sensors
        ]
        if not names:
            raise ApiError(400, "sensorIds must not be empty")
        most = _limit(request)
        listed = {sensor.id: self._of_many(request, sensor, most) for sensor in sensors}
        match self._variants.batch_answer:
            case "groups":
                return Response(
                    200, [{"sensorId": name, "readings": one} for name, one in listed.items()]
                )
            case "flat":
                return Response(200, [one for readings in listed.values() for one in readings])
        return Response(200, listed)

    def _of_many(self, request: ApiRequest, sensor: Sensor, most: int) -> list[JsonObject]:
        if most == 1 and not self._has_period(request):
            newest = sensor.newest(request.now)
            found = [] if newest is None else [newest]
        else:
            found = list(sensor.readings(*request.period(3600), request.now))[-most:]
        if self._newest_first(request):
            found.reverse()
        return [
            self._responder.serializer.serialize("readings", self.reading_record(sensor, one))
            for one in found
        ]

    @staticmethod
    def _has_period(request: ApiRequest) -> bool:
        return "from" in request.query or "from" in request.body

    def _sensor(self, request: ApiRequest) -> Sensor:
        return self._responder.find(request, request.organisation.sensors)

    def _asked(self, request: ApiRequest) -> Sensor:
        number = request.first("sensorId", "sensor")
        if number is None:
            raise ApiError(400, "Required parameter 'sensorId' is not present")
        return self._responder.by_id(request, request.organisation.sensors, number)


def _limit(request: ApiRequest) -> int:
    body: Body = request.body
    text = request.first("limit", "size", "latest") or str(
        body.get("limit") or body.get("size") or ""
    )
    if text == "true":
        return 1
    return min(_MOST, max(1, int(text))) if text.isdecimal() else _MOST


def _figures(readings: Iterator[Reading]) -> Record:
    """Return count, minimum, maximum and mean; without numbers only the count."""
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
