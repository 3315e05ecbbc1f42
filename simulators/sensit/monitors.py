"""Monitors: where they stand, when they report, and when the cloud has it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import cos, radians

from simulators.random_source import between, fraction
from simulators.response import JsonObject
from simulators.schedule import (
    SECOND,
    Report,
    ReportingConfig,
    ReportSchedule,
    ReportTimes,
    Span,
    Spans,
)

from .config import CloudConfig, MonitorType
from .plume import Air, Site

_LATE, _LATENESS, _FIX, _BACKLOG, _SILENT = 41, 42, 43, 44, 49
_BACKLOG_SECONDS = 120
_STRETCH = 3 * 3600 * SECOND
_METRES_PER_DEGREE = 111_320

FOR_EVER = 1 << 62
"""A time by which the cloud has all that it will ever have."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A canister is being filled at a port, from `start` to `end` (microseconds)."""

    port: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Override:
    """Fields, by dotted path, that have ordered values in records dated in `span`."""

    span: Span
    values: JsonObject


@dataclass(slots=True, eq=False, kw_only=True)
class Monitor:
    """One monitor. What is public may be changed at any time.

    off: times in which it made no record. offline: times in which it kept what it made, and sent
    it afterwards. clock_skew: seconds that its dates are ahead. quirks: see malformed.py. last_record:
    a form of its own of lastReceivedRecord, as in Forms.
    """

    config: CloudConfig
    site: Site
    number: int
    uuid: str
    type: MonitorType
    seed: int
    added: int
    name: str
    location: str
    east: float
    north: float
    status: str = "Active"
    key: str = ""
    picture: str = ""
    firmware_update: bool = False
    clock_skew: float = 0.0
    last_record: str | None = None
    quirks: set[str] = field(default_factory=set)
    off: Spans = field(default_factory=Spans)
    offline: Spans = field(default_factory=Spans)
    triggers: list[Trigger] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    _schedule: ReportSchedule = field(init=False)
    _beats: ReportTimes = field(init=False)

    def __post_init__(self) -> None:
        """Draw the second at which it reports."""
        config = self.config
        reporting = ReportingConfig(0.0, config.delay_least, config.delay_most, 0.0, config.loss)
        self._schedule = ReportSchedule(self.seed, reporting, config.cycle)
        phase = 0 if config.phase == "full" else self._schedule.phase
        self._beats = ReportTimes(phase % (config.cycle * SECOND), config.cycle * SECOND)

    @property
    def variant(self) -> int:
        """Return the equipment variant: units of a type differ."""
        return self.number % 2

    @property
    def skew(self) -> int:
        """Return how far its dates are ahead, in microseconds."""
        return int(self.clock_skew * SECOND)

    def reports(self, since: int, until: int, now: int) -> Iterator[Report]:
        """Yield the records that the cloud has and that say they are of [since, until], in order."""
        since, until = since - self.skew, until - self.skew
        for beat in self._beats.between(max(since, self.added), min(until + SECOND, now)):
            report = self.report(beat, now)
            if report is not None and since <= report.date <= until:
                yield report

    def newest(self, now: int) -> Report | None:
        """Return the newest record by date that the cloud has."""
        beat = self._beats.last(now)
        while beat is not None and beat >= self.added:
            if (report := self.report(beat, now)) is not None:
                return report
            beat = self._beats.last(self._before(beat))
        return None

    def received(self, now: int) -> Report | None:
        """Return the record that arrived last."""
        if (newest := self.newest(now)) is None:
            return None
        since = newest.date - int(self.config.late_most * SECOND)
        if (span := self.offline.around(since)) is not None:
            since = span.start - int(self.config.late_most * SECOND)
        recent = self.reports(since + self.skew, now + self.skew, now)
        return max(recent, key=lambda report: report.stored, default=newest)

    def report(self, beat: int, now: int) -> Report | None:
        """Return the record of a beat; None if there is none, or the cloud does not have it yet."""
        if self._is_silent(beat):
            return None
        report = self._schedule.report(beat)
        if report is None:
            return None
        stored = self._stored(report)
        if stored is None or stored > now:
            return None
        return Report(beat, report.date, stored)

    def override(self, values: JsonObject, now: int) -> None:
        """Let fields, by dotted path, have these values in records dated from now on; {} ends it."""
        for override in self.overrides:
            if override.span.end is None:
                override.span.end = now
        if values:
            self.overrides.append(Override(Span(now), values))

    def air(self, date: int) -> Air:
        """Return the air around it."""
        return self.site.air(self.east, self.north, date / SECOND)

    def port(self, date: int) -> int:
        """Return the port at which a canister is being filled; 0 if there is none."""
        return next((one.port for one in self.triggers if one.start <= date < one.end), 0)

    def position(self, date: int) -> tuple[float, float] | None:
        """Return latitude and longitude; None without a GPS fix."""
        if fraction(self.seed, date // SECOND, _FIX) < self.config.fixless:
            return None
        latitude = self.config.latitude + self.north / _METRES_PER_DEGREE
        shrink = cos(radians(self.config.latitude))
        longitude = self.config.longitude + self.east / (_METRES_PER_DEGREE * shrink)
        return round(latitude, 6), round(longitude, 6)

    def _is_silent(self, beat: int) -> bool:
        if self.off.around(beat) is not None:
            return True
        silent = self.config.silent
        return silent > 0 and fraction(self.seed, beat // _STRETCH, _SILENT) < silent

    def _stored(self, report: Report) -> int | None:
        """Return when the cloud has a record; None as long as the monitor is offline."""
        config, stored = self.config, report.stored
        if config.late and fraction(self.seed, report.beat, _LATE) < config.late:
            late = between(config.late_least, config.late_most, self.seed, report.beat, _LATENESS)
            stored = report.date + int(late * SECOND)
        if (span := self.offline.around(stored)) is None:
            return stored
        if span.end is None:
            return None
        wait = between(1, _BACKLOG_SECONDS, self.seed, report.beat, _BACKLOG)
        return span.end + int(wait * SECOND)

    def _before(self, beat: int) -> int:
        """Return the time before a beat without a record, over the silence that it lies in."""
        span = self.off.around(beat) or self.offline.lasting
        if span is None:
            return beat - 1
        return min(beat, span.start) - 1
