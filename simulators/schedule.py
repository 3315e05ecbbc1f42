"""Schedule the reports of sensors: phase, drift, jitter, upload delay and loss, all from a seed.

Times are whole microseconds since the epoch, so that sources of one sensor that share a beat share
it exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .random_source import between, fraction

SECOND = 1_000_000
_JITTER, _DELAY, _LOSS = 11, 12, 13


@dataclass(frozen=True, slots=True)
class ReportingConfig:
    """Settings for the punctuality of sensors.

    jitter: a report is up to so many seconds before or after its beat. delay_least, delay_most:
    seconds from a report's date until a client can see it. drift: a sensor's clock is wrong by up
    to so many parts in a million.
    loss: the share of reports that never arrive.
    """

    jitter: float = 5.0
    delay_least: float = 2.0
    delay_most: float = 20.0
    drift: float = 100.0
    loss: float = 1 / 200

    def scaled(self, factor: float) -> ReportingConfig:
        """Return the settings for sensors whose cycles are `factor` times as long."""
        return ReportingConfig(
            self.jitter * factor,
            self.delay_least * factor,
            self.delay_most * factor,
            self.drift,
            self.loss,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """One report: the beat it belongs to, its date (whole seconds), when it was stored."""

    beat: int
    date: int
    stored: int


class ReportSchedule:
    """The report schedule of one physical sensor."""

    __slots__ = ("drift", "phase", "reporting", "seed")

    def __init__(self, seed: int, reporting: ReportingConfig, longest_cycle: int) -> None:
        """Draw a phase within the longest cycle (seconds) and a drift in parts in a million."""
        self.seed = seed
        self.reporting = reporting
        self.phase = int(between(0, longest_cycle * SECOND, seed, 1))
        self.drift = round(between(-reporting.drift, reporting.drift, seed, 2))

    def period(self, cycle: int) -> int:
        """Return how long the sensor's own clock takes for a cycle of so many seconds."""
        return cycle * (SECOND + self.drift)

    @property
    def slack(self) -> int:
        """Return the largest distance of a report's date from its beat, in microseconds."""
        return int(self.reporting.jitter * SECOND) + SECOND

    def report(self, beat: int) -> Report | None:
        """Return the report at `beat`; None if it was lost."""
        reporting = self.reporting
        if reporting.loss and fraction(self.seed, beat, _LOSS) < reporting.loss:
            return None
        jitter = between(-reporting.jitter, reporting.jitter, self.seed, beat, _JITTER)
        date = beat + int(jitter * SECOND)
        delay = between(reporting.delay_least, reporting.delay_most, self.seed, beat, _DELAY)
        return Report(beat, date - date % SECOND, date + int(delay * SECOND))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time with one period: beats at anchor + k * period, none before `start`."""

    start: int
    anchor: int
    period: int


class ReportTimes:
    """The beats of one source; the period may change, from a moment on."""

    __slots__ = ("_stretches",)

    def __init__(self, anchor: int, period: int) -> None:
        """Start with one period."""
        self._stretches = [_Stretch(0, anchor, period)]

    def change(self, at: int, period: int) -> None:
        """Change the period from `at` on, counted from the last beat before."""
        self._stretches.append(_Stretch(at, self.last(at) or at, period))

    def last(self, until: int) -> int | None:
        """Return the newest beat not after `until`."""
        for stretch in reversed(self._stretches):
            if until < stretch.start:
                continue
            beat = until - (until - stretch.anchor) % stretch.period
            if beat >= max(stretch.start, stretch.anchor):
                return beat
            until = stretch.start - 1
        return None

    def between(self, since: int, until: int) -> Iterator[int]:
        """Yield the beats in [since, until], oldest first."""
        for place, stretch in enumerate(self._stretches):
            least = max(since, stretch.start, stretch.anchor)
            most = until
            if place + 1 < len(self._stretches):
                most = min(most, self._stretches[place + 1].start - 1)
            first = least + (stretch.anchor - least) % stretch.period
            yield from range(first, most + 1, stretch.period)


@dataclass(slots=True)
class Span:
    """A time [start, end); without an end it lasts."""

    start: int
    end: int | None = None


class Spans:
    """Time spans of one condition, oldest first."""

    __slots__ = ("_spans",)

    def __init__(self) -> None:
        """Start empty."""
        self._spans: list[Span] = []

    @property
    def lasting(self) -> Span | None:
        """Return the span without an end; None if there is none."""
        if self._spans and self._spans[-1].end is None:
            return self._spans[-1]
        return None

    @property
    def first(self) -> int:
        """Return the start of the first span; 0 if there is none."""
        return self._spans[0].start if self._spans else 0

    def begin(self, at: int) -> None:
        """Begin a span, unless one lasts."""
        if self.lasting is None:
            self._spans.append(Span(at))

    def finish(self, at: int) -> None:
        """End the span that lasts, if any."""
        if (span := self.lasting) is not None:
            span.end = at

    def around(self, at: int) -> Span | None:
        """Return the span that `at` lies in."""
        for span in reversed(self._spans):
            if span.start <= at and (span.end is None or at < span.end):
                return span
        return None
