"""Version 2: a machine, where it drove, and what it met. The resource is stated, paths are not."""

from collections.abc import Iterator
from math import atan2, cos, degrees, radians
from operator import itemgetter

from simulators.random_source import mix
from simulators.response import JsonObject, Reply

from .geometry import Position
from .incursions import Sighting
from .machines_routes import has_clip
from .records import incursion_ref
from .request import ApiError, Route, Visit, route
from .responder import Desk
from .serializers import Record
from .state import Machine

_POINT_EVERY = 30
_TRACK_DAYS = 1 / 24
_MOST_POINTS = 5_000
_METRES_A_DEGREE = 111_320.0


class TrackCalls:
    """The base station resource of version 2."""

    def __init__(self, desk: Desk) -> None:
        """Ask the desk."""
        self._desk = desk

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

    def base_station(self, visit: Visit) -> Reply:
        """Return a machine."""
        return self._desk.one(self._desk.records.base_station(self._desk.machine(visit)))

    def track(self, visit: Visit) -> Reply:
        """Return where a machine was in a period, by default the last hour, while it ran."""
        machine = self._desk.machine(visit)
        since, until = visit.period(_TRACK_DAYS)
        last = min(until, machine.last_seen(visit.now) + 1)
        first = max(since - since % -_POINT_EVERY, last - _MOST_POINTS * _POINT_EVERY)
        times = [
            at
            for at in range(first, last, _POINT_EVERY)
            if machine.is_running(at) and machine.gps != "none"
        ]
        points = [(at, machine.position(at) or (0.0, 0.0)) for at in times]
        if self._desk.world.plan.forms.track == "geojson":
            return Reply(200, self._line(machine, points))
        records = [self._point(machine, at, position) for at, position in points]
        return self._desk.many(visit, "gps_point", records)

    def list_events(self, visit: Visit) -> Reply:
        """List what happened at a machine, of all kinds or of some."""
        machine = self._desk.machine(visit)
        kinds = visit.filter("kind", "type", "event_type")
        records = [
            record
            for record in self._events(visit, machine)
            if not kinds or record.fields["kind"] in kinds
        ]
        return self._desk.many(visit, "event", self._desk.newest_first(records))

    def event(self, visit: Visit) -> Reply:
        """Return one event."""
        for record in self._events(visit, self._desk.machine(visit)):
            if str(record.id) == visit.sub:
                return self._desk.one(record)
        raise ApiError(404, "No such event")

    def _events(self, visit: Visit, machine: Machine) -> list[Record]:
        """Return what happened at a machine in the visit's period, oldest first."""
        desk = self._desk
        seen = [
            one
            for one in desk.seen(visit, desk.world.plan.default_days)
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
            if has_clip(one, visit.now, machine)
        ]
        since, until = visit.period(desk.world.plan.default_days)
        shifts = desk.world.shifts
        for day in range(shifts.day(since), shifts.day(until) + 1):
            for place, kind in enumerate(("device_log", "gps_track")):
                at = shifts.start(day) + mix(machine.seed, day, place) % 3600
                if since <= at < min(until, visit.now):
                    number = machine.id * 1_000_000 + day * 10 + place
                    records.append((at, self._record(number, kind, at, "received")))
        return [record for _, record in sorted(records, key=itemgetter(0))]

    def _incursion_event(self, seen: Sighting) -> Record:
        status = "unacknowledged" if seen.acknowledged_at is None else "acknowledged"
        record = self._record(seen.incursion.id + 5, "incursion", seen.incursion.start, status)
        record.refs["incursion"] = incursion_ref(seen.incursion)
        return record

    def _record(self, number: int, kind: str, at: int, status: str) -> Record:
        told = {"kind": kind, "occurred_at": self._desk.shapes.time(at), "status": status}
        return Record("event", number, {**told})

    def _point(self, machine: Machine, at: int, position: Position) -> Record:
        before = machine.true_position(at - _POINT_EVERY)
        north, east = _way(before, machine.true_position(at))
        fields: JsonObject = {
            "recorded_at": self._desk.shapes.time(at),
            **self._desk.shapes.place(position),
            "speed": round((north**2 + east**2) ** 0.5 / _POINT_EVERY * 3.6, 1),
            "heading": round(degrees(atan2(east, north)) % 360),
        }
        return Record("gps_point", at, fields)

    def _line(self, machine: Machine, points: list[tuple[int, Position]]) -> JsonObject:
        times = [self._desk.shapes.time(at) for at, _ in points]
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
