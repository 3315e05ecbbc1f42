"""Poll groups: the devices of a feed that are polled together, each group with requests of its own.

Pure: no I/O, no clock. Times are monotonic seconds.

A response is current for one period, so all devices of one request are polled at one phase: just behind the last of
their sources, and too late for the others. A feed that may be divided (`Feed.max_groups`) polls sources with different
phases in poll groups of their own; each has its own responses, and so its own expiry.

A device that changes its group has been polled in a response that may still be current. The groups of a new division
therefore start with the responses of all groups that they come from, and are not polled before these have expired.
That costs up to a period, so a feed is divided again only where the gain exceeds it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
import math
from typing import Final

from ...models import ChannelId, Freshness
from .phase import DELAY, PhaseModel, Source, is_multiple, learned_delay
from .schedule import SLIP, Plan

# The division is reviewed this often; more phases than these are merged with their neighbours.
REVIEW_SECONDS: Final = 6 * 3600.0
_MAX_PHASES: Final = 64

# Jitter is removed from the dates of a source by a moving average with this weight; more seconds than _STEADY are
# no jitter, but another phase.
_WEIGHT: Final = 0.2
_STEADY: Final = 15.0

# A phase model is kept while every device is within this many seconds of its place in it.
_NEAR: Final = 1.0


_AT_ONCE: Final = Plan(0.0, "default")


@dataclass(slots=True)
class _Measured:
    """The newest measurement of a device: as it came, without jitter, and its place in the phase model."""

    cycle: float
    newest: float
    smooth: float
    placed: float

    def is_moved_by(self, last: float) -> bool:
        """Update the newest measurement; return whether the device left its place in the phase model."""
        self.newest = last
        expected = self.smooth + self.cycle * round((last - self.smooth) / self.cycle)
        is_steady = abs(last - expected) <= _STEADY
        self.smooth = expected + _WEIGHT * (last - expected) if is_steady else last
        return abs(math.remainder(self.smooth - self.placed, self.cycle)) > _NEAR


@dataclass(slots=True, eq=False)
class PollGroup:
    """Devices that are polled together.

    `rejected` counts the malformed records of its newest responses, `resource_errors` are the errors of optional
    resources in the newest poll. `targets` are the channels to poll, None while they are to be computed again; `asked`
    those of the newest responses.
    """

    freshness: tuple[Freshness, ...] = ()
    plan: Plan = _AT_ONCE
    failures: int = 0
    error: Exception | None = None
    resource_errors: Mapping[str, Exception] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    targets: frozenset[ChannelId] | None = None
    asked: frozenset[ChannelId] | None = None
    delay: float = DELAY
    polled_at: float = 0.0
    _sources: dict[str, _Measured] = field(default_factory=dict)
    _phase_model: PhaseModel | None = None
    _new_dates: list[float] = field(default_factory=list)

    def is_current(self, now: float) -> bool:
        """Return whether any of its responses may still be used in place of a new request."""
        return any(now < reply.expires for reply in self.freshness)

    def add_measurement(self, device: str, cycle: float, last: float) -> None:
        """Record a measurement of a device; its quickest sources decide on its phase."""
        measured = self._sources.get(device)
        if measured is None or cycle < measured.cycle:
            self._sources[device] = _Measured(cycle, last, last, last)
            self._phase_model = None
        elif cycle == measured.cycle:
            if last > measured.newest + 1.0:
                self._new_dates.append(last)
            if measured.is_moved_by(last):
                self._phase_model = None

    def remove_source(self, device: str, cycle: float) -> None:
        """Remove a device's sources of this cycle from the phase model."""
        measured = self._sources.get(device)
        if measured is not None and measured.cycle == cycle:
            del self._sources[device]
            self._phase_model = None

    def update_delay(self, now: float) -> None:
        """Update the delay of measurements by those received since the previous poll."""
        self.delay = learned_delay(self.delay, self.polled_at, self._new_dates)
        self._new_dates.clear()
        self.polled_at = now

    def phase_model(self, now: float) -> PhaseModel:
        """Return the phase model of its sources; built again when a source left its place, or when all are slow."""
        if self._phase_model is None or self._phase_model.is_slow:
            for measured in self._sources.values():
                measured.placed = measured.smooth
            sources = (
                Source(measured.smooth, measured.cycle) for measured in self._sources.values()
            )
            self._phase_model = PhaseModel(sources, now)
        return self._phase_model

    def sources(self) -> Iterable[tuple[str, float, float]]:
        """Return each device, its cycle, and when it measured last, without jitter."""
        return (
            (device, measured.cycle, measured.smooth) for device, measured in self._sources.items()
        )


class PollGroups:
    """The poll groups of one feed: one, or up to `max_groups`; `groups` is the division before a reload."""

    def __init__(self, max_groups: int = 1, groups: Sequence[AbstractSet[str]] = ()) -> None:
        self._max_groups = max_groups
        self._poll_groups = [PollGroup() for _ in groups[:max_groups]] or [PollGroup()]
        self._group_of = {
            device: poll_group
            for poll_group, devices in zip(self._poll_groups, groups, strict=False)
            for device in devices
        }
        self._reviewed_at = float("-inf")
        self._has_new_device = False
        self.is_new = False

    def __iter__(self) -> Iterator[PollGroup]:
        return iter(self._poll_groups)

    def __len__(self) -> int:
        return len(self._poll_groups)

    def of(self, device: str) -> PollGroup:
        """Return the poll group of a device."""
        return self._group_of.get(device, self._poll_groups[0])

    def confirm(self) -> list[frozenset[str]]:
        """Mark the division as no longer new; return its groups."""
        self.is_new = False
        return self.groups

    @property
    def groups(self) -> list[frozenset[str]]:
        """Return the assigned devices of each poll group."""
        return [
            frozenset(device for device, group in self._group_of.items() if group is poll_group)
            for poll_group in self._poll_groups
        ]

    def add_measurement(self, device: str, cycle: float, last: float) -> None:
        """Record a new measurement."""
        self._has_new_device = self._has_new_device or device not in self._group_of
        self.of(device).add_measurement(device, cycle, last)

    def divide(self, now: float, period: float) -> bool:
        """Divide the feed again where the gain exceeds the cost; return whether it was divided."""
        if self._max_groups < 2 or not self._should_review(now):
            return False
        self._reviewed_at, self._has_new_device = now, False
        phases = self._phases(period)
        best = grouped(phases, period, self._max_groups)
        if len(best) == len(self._poll_groups) and self._is_good_enough(phases, best, period):
            return False
        if len(best) < 2 and len(self._poll_groups) < 2:
            return False
        self._apply(best)
        return True

    def _should_review(self, now: float) -> bool:
        return self._has_new_device or now - self._reviewed_at >= REVIEW_SECONDS

    def _phases(self, period: float) -> dict[str, float]:
        """Return each device's phase in the period; a cycle that is no multiple of the period has none."""
        return {
            device: last % period
            for poll_group in self._poll_groups
            for device, cycle, last in poll_group.sources()
            if is_multiple(cycle, period)
        }

    def _is_good_enough(
        self, phases: Mapping[str, float], best: Sequence[AbstractSet[str]], period: float
    ) -> bool:
        """Return whether the present division costs little more than the best one."""
        if any(device not in self._group_of for device in phases):
            return False
        today = [group & phases.keys() for group in self.groups]
        worth = SLIP * len(phases)
        return _cost(phases, today, period) - _cost(phases, best, period) <= worth

    def _apply(self, groups: Sequence[AbstractSet[str]]) -> None:
        """Apply a division; devices without a phase join the first poll group."""
        poll_groups = [PollGroup() for _ in groups]
        group_of = {
            device: poll_group
            for poll_group, devices in zip(poll_groups, groups, strict=True)
            for device in devices
        }
        for old in self._poll_groups:
            heirs = {id(poll_groups[0]): poll_groups[0]}
            for device, cycle, last in old.sources():
                heir = group_of.setdefault(device, poll_groups[0])
                heir.add_measurement(device, cycle, last)
                heirs[id(heir)] = heir
            for heir in heirs.values():
                heir.freshness += old.freshness
                heir.failures = max(heir.failures, old.failures)
                heir.error = heir.error or old.error
                heir.delay = max(heir.delay, old.delay)
                heir.polled_at = max(heir.polled_at, old.polled_at)
        self._poll_groups, self._group_of = poll_groups, group_of
        self.is_new = True


def grouped(phases: Mapping[str, float], period: float, max_groups: int) -> list[frozenset[str]]:
    """Divide devices into at most `max_groups` groups with the least lag behind the last of each.

    The circle is cut at its widest gap; from there the best division into runs is found by dynamic programming.
    """
    if len(phases) <= max_groups:
        return [
            frozenset({device}) for device in sorted(phases, key=lambda key: (phases[key], key))
        ]
    ordered = sorted(phases, key=lambda device: (phases[device], device))
    gaps = [phases[after] - phases[before] for before, after in pairwise(ordered)]
    start = max(range(len(gaps)), key=gaps.__getitem__) + 1
    if phases[ordered[0]] + period - phases[ordered[-1]] >= gaps[start - 1]:
        start = 0
    ordered = ordered[start:] + ordered[:start]
    origin = phases[ordered[0]]
    stride = -(-len(ordered) // _MAX_PHASES)
    runs = [ordered[at : at + stride] for at in range(0, len(ordered), stride)]
    ends = [(phases[run[-1]] - origin) % period for run in runs]
    cuts = _cuts(ends, [len(run) for run in runs], max_groups)
    return [
        frozenset(device for run in runs[first:last] for device in run)
        for first, last in pairwise(cuts)
    ]


def _cuts(ends: Sequence[float], weights: Sequence[int], max_groups: int) -> list[int]:
    """Return the cuts of ascending times into at most `max_groups` runs with the least waits for the last of each."""
    count = len(ends)
    number = [0, *accumulate(weights)]
    moment = [0.0, *accumulate(end * weight for end, weight in zip(ends, weights, strict=True))]

    def wait(first: int, last: int) -> float:
        return (number[last] - number[first]) * ends[last - 1] - (moment[last] - moment[first])

    best = [wait(0, last) if last else 0.0 for last in range(count + 1)]
    origins: list[list[int]] = []
    for _ in range(max_groups - 1):
        step = [
            min((best[first] + wait(first, last), first) for first in range(last))
            if last
            else (0.0, 0)
            for last in range(count + 1)
        ]
        best = [cost for cost, _ in step]
        origins.append([first for _, first in step])
    cuts = [count]
    for origin in reversed(origins):
        cuts.append(origin[cuts[-1]])
    return sorted({0, *cuts})


def _cost(phases: Mapping[str, float], groups: Iterable[AbstractSet[str]], period: float) -> float:
    """Return the seconds of lag over all devices, with each group polled at its best phase."""
    total = 0.0
    for group in groups:
        phase_model = PhaseModel(Source(phases[device], period) for device in group)
        if phase_model:
            total += phase_model.lag(phase_model.closest(0.0, period, 0.0), period, 0.0) * period
    return total
