"""Version 2: a machine, where it drove, and what it met. The resource is stated, paths are not."""

from collections.abc import Iterator
from math import atan2, cos, degrees, radians
from operator import itemgetter

from simulators.random_source import mix
from simulators.response import JsonObject, Response

from .geometry import Position
from .incursions import Sighting
from .machines_routes import has_clip
from .records import incursion_ref
from .request import ApiError, ApiRequest, Route, route
from .responder import Responder
from .serializers import Record
from .state import Machine

_POINT_EVERY = 30
_TRACK_DAYS = 1 / 24
_MOST_POINTS = 5_000
_METRES_A_DEGREE = 111_320.0


class TrackRoutes:
    """The base station resource of version 2."""

    def __init__(self, responder: Responder) -> None:
        """Respond through a responder."""
        self._responder = responder

    def routes(self) -> Iterator[Route]:
        """Yield the routes."""
        base = "/api/v2/base_stations/<id>"
        for paths, resource, answer in (
            (base, "api_base_stations", self.base_station),
            (f"{base}/gps_tracks {base}/gps_track", "gps_tracks", self.track),
            (f"{base}/events", "events", self.list_events),
            (f"{base}/events/<sub>", "events", self.event),
        ):
            yield from route("GET", paths, "v2", resource, answer)

    def base_station(self, request: ApiRequest) -> Response:
        """Return a machine."""
        return self._responder.one(
            self._responder.records.base_station(self._responder.machine(request))
        )

    def track(self, request: ApiRequest) -> Response:
        """Return where a machine was in a period, by default the last hour, while it ran."""
        machine = self._responder.machine(request)
        since, until = request.period(_TRACK_DAYS)
        last = min(until, machine.last_seen(request.now) + 1)
        first = max(since - since % -_POINT_EVERY, last - _MOST_POINTS * _POINT_EVERY)
        times = [
            at
            for at in range(first, last, _POINT_EVERY)
            if machine.is_running(at) and machine.gps != "none"
        ]
        points = [(at, machine.position(at) or (0.0, 0.0)) for at in times]
        if self._responder.world.config.variants.track == "geojson":
            return Response(200, self._line(machine, points))
        records = [self._point(machine, at, position) for at, position in points]
        return self._responder.many(request, "gps_point", records)

    def list_events(self, request: ApiRequest) -> Response:
        """List what happened at a machine, of all kinds or of some."""
        machine = self._responder.machine(request)
        kinds = request.filter("kind", "type", "event_type")
        records = [
            record
            for record in self._events(request, machine)
            if not kinds or record.fields["kind"] in kinds
        ]
        return self._responder.many(request, "event", self._responder.newest_first(records))

    def event(self, request: ApiRequest) -> Response:
        """Return one event."""
        for record in self._events(request, self._responder.machine(request)):
            if str(record.id) == request.sub:
                return self._responder.one(record)
        raise ApiError(404, "No such event")

    def _events(self, request: ApiRequest, machine: Machine) -> list[Record]:
        """Return what happened at a machine in the visit's period, oldest first."""
        responder = self._responder
        seen = [
            one
            for one in responder.seen(request, responder.world.config.default_days)
            if one.incursion.machine.shown is machine
        ]
        records = [(one.incursion.start, self._incursion_event(one)) for one in seen]
        records += [
            (
                one.incursion.start + 1,
                self._record(
                    one.incursion.id + 9, "video_request", one.incursion.start + 1, "completed"
                ),
            )
            for one in seen
            if has_clip(one, request.now, machine)
        ]
        since, until = request.period(responder.world.config.default_days)
        shifts = responder.world.shifts
        for day in range(shifts.day(since), shifts.day(until) + 1):
            for place, kind in enumerate(("device_log", "gps_track")):
                at = shifts.start(day) + mix(machine.seed, day, place) % 3600
                if since <= at < min(until, request.now):
                    number = machine.id * 1_000_000 + day * 10 + place
                    records.append((at, self._record(number, kind, at, "received")))
        return [record for _, record in sorted(records, key=itemgetter(0))]

    def _incursion_event(self, seen: Sighting) -> Record:
        status = "unacknowledged" if seen.acknowledged_at is None else "acknowledged"
        record = self._record(seen.incursion.id + 5, "incursion", seen.incursion.start, status)
        record.refs["incursion"] = incursion_ref(seen.incursion)
        return record

    def _record(self, number: int, kind: str, at: int, status: str) -> Record:
        told = {"kind": kind, "occurred_at": self._responder.serializer.time(at), "status": status}
        return Record("event", number, {**told})

    def _point(self, machine: Machine, at: int, position: Position) -> Record:
        before = machine.true_position(at - _POINT_EVERY)
        north, east = _way(before, machine.true_position(at))
        fields: JsonObject = {
            "recorded_at": self._responder.serializer.time(at),
            **self._responder.serializer.place(position),
            "speed": round((north**2 + east**2) ** 0.5 / _POINT_EVERY * 3.6, 1),
            "heading": round(degrees(atan2(east, north)) % 360),
        }
        return Record("gps_point", at, fields)

    def _line(self, machine: Machine, points: list[tuple[int, Position]]) -> JsonObject:
        times = [self._responder.serializer.time(at) for at, _ in points]
        return {
            "type": "Feature",
            "geometry": {
                "type": "LineString",
                "coordinates": [[longitude, latitude] for _, (latitude, longitude) in points],
            },
            "properties": {"base_station_id": machine.id, "times": times},
        }


def _way(start: Position, end: Position) -> tuple[float, float]:
    """Return how many metres to the north and to the east."""
    north = (end[0] - start[0]) * _METRES_A_DEGREE
    return north, (end[1] - start[1]) * _METRES_A_DEGREE * cos(radians(start[0]))
