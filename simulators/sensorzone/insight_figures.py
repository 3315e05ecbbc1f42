"""Figures of incursions and runtime: what insights, charts and pivot tables are made of."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from statistics import fmean, pstdev

from simulators.response import JsonObject

from .charts import Point, Table
from .incursions import Sighting
from .request import ApiError, ApiRequest
from .responder import Responder
from .state import Machine, Tag
from .statistics import Statistics, statistics_by, statistics_of

_OUTLYING = 1.5


class Figures:
    """Works figures out from what a visit may see."""

    def __init__(self, responder: Responder) -> None:
        """Respond through a responder."""
        self._responder = responder
        self._dimensions: dict[str, Callable[[Sighting], list[str]]] = {
            "site": lambda seen: [seen.incursion.machine.site.name],
            "project": lambda seen: [one.name for one in seen.incursion.machine.site.projects],
            "operator": lambda seen: [_name(seen.incursion.operator)],
            "pedestrian": lambda seen: [_name(seen.incursion.tag)],
            "machine": lambda seen: [seen.incursion.machine.shown.name],
            "date": lambda seen: [self.day(seen).isoformat()],
            "week": lambda seen: [_monday(self.day(seen)).isoformat()],
            "month": lambda seen: [f"{self.day(seen):%Y-%m}"],
        }

    def day(self, seen: Sighting) -> date:
        """Return the date that an incursion counts to: when the shift began."""
        shifts = self._responder.world.shifts
        return shifts.date(shifts.day(seen.incursion.start))

    def totals(self, counted: Statistics, runtime: float | None = None) -> JsonObject:
        """Return the figures of some incursions; `runtime` in seconds, where it has a sense."""
        shown: JsonObject = {
            "total": counted.total,
            "acknowledged": counted.acknowledged,
            "unacknowledged": counted.unacknowledged,
            "acknowledgement_score": counted.score,
            "average_duration": counted.average_duration,
            "average_acknowledgement_time": counted.average_wait,
        }
        if runtime is not None:
            rate = round(counted.total / runtime * 3600, 3) if runtime else None
            shown |= self._responder.serializer.runtime(runtime) | {
                "incursions_per_runtime_hour": rate
            }
        return shown

    def runtime_points(self, request: ApiRequest, machines: Sequence[Machine]) -> list[Point]:
        """Return how long machines ran on each day of the visit's period, without days of rest."""
        world = self._responder.world
        since, until = request.period(world.config.chart_days)
        until = min(until, request.now)
        points = []
        for day in range(world.shifts.day(max(since, world.since)), world.shifts.day(until) + 1):
            for machine in machines:
                known = min(until, machine.last_seen(request.now))
                if seconds := machine.runtime(day, known) - machine.runtime(day, since):
                    figures = self._responder.serializer.runtime(seconds)
                    points.append(Point(world.shifts.date(day), figures, machine))
        return points

    def daily_points(self, seen: list[Sighting], names: Sequence[str]) -> list[Point]:
        """Return some of the totals of each day."""
        by_day = statistics_by(seen, self.day)
        return [
            Point(day, {name: self.totals(counted)[name] for name in names})
            for day, counted in sorted(by_day.items())
        ]

    def zone_points(self, seen: list[Sighting]) -> list[Point]:
        """Return how many seconds tags were in the zone of each machine on each day."""
        by_both = statistics_by(seen, lambda one: (self.day(one), one.incursion.machine.shown.id))
        machines = {one.incursion.machine.shown.id: one.incursion.machine.shown for one in seen}
        return [
            Point(day, {"zone_time_seconds": counted.duration}, machines[machine])
            for (day, machine), counted in sorted(by_both.items())
        ]

    def table(self, seen: list[Sighting], dimensions: list[str]) -> Table:
        """Return the pivot table of incursions by dimensions; 422 for one that is not known."""
        names = [_dimension(name) for name in dimensions] or ["machine"]
        if unknown := [name for name in names if name not in self._dimensions]:
            raise ApiError(422, "Validation failed", {"dimensions": [f"has no {unknown[0]}"]})
        cells: dict[tuple[str, ...], Statistics] = {}
        for one in seen:
            for key in _combined([self._dimensions[name](one) for name in names]):
                cells.setdefault(key, Statistics()).add(one)
        rows = [(list(key), self.totals(counted)) for key, counted in sorted(cells.items())]
        return Table(names, rows)

    def outliers(self, seen: list[Sighting]) -> list[JsonObject]:
        """Return the days on which a machine had unusually many incursions."""
        found: list[JsonObject] = []
        machines = {one.incursion.machine.shown.id: one.incursion.machine.shown for one in seen}
        for number, machine in machines.items():
            own = [one for one in seen if one.incursion.machine.shown.id == number]
            by_day = statistics_by(own, self.day)
            counts = [counted.total for counted in by_day.values()]
            limit = fmean(counts) + _OUTLYING * pstdev(counts)
            found += [
                {
                    "date": day.isoformat(),
                    "base_station_id": self._responder.serializer.id(number),
                    "base_station_name": machine.name,
                    "total": counted.total,
                    "expected": round(fmean(counts), 1),
                }
                for day, counted in sorted(by_day.items())
                if counted.total > limit
            ]
        return found

    def site_report(self, seen: list[Sighting], name: str) -> str:
        """Return a few sentences about a site."""
        counted = statistics_of(seen)
        return (
            f"{name}: {counted.total} incursions, {counted.unacknowledged} of them not "
            f"acknowledged. They lasted {counted.average_duration or 0:g} s on average."
        )


def _combined(choices: list[list[str]]) -> list[tuple[str, ...]]:
    """Return every way to choose one text from each list."""
    combined: list[tuple[str, ...]] = [()]
    for texts in choices:
        combined = [(*key, text) for key in combined for text in texts]
    return combined


def _dimension(name: str) -> str:
    name = name.strip().lower().removesuffix("s")
    return {
        "day": "date",
        "worksite": "site",
        "base_station": "machine",
        "person": "pedestrian",
    }.get(name, name)


def _name(tag: Tag | None) -> str:
    if tag is None:
        return ""
    return tag.person.name if tag.person else tag.serial


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
