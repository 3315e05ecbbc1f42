"""What is known of the incursions of the last days: what happened, and the totals that are shown of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...engine.model import Occurrence, OccurrenceType, Position, ReadingValue
from .records import Incursion

# The binary sensor looks back so far; a day that is longer than others is covered too.
RECENT: Final = timedelta(hours=24)
KEPT: Final = timedelta(hours=26)

# About a kilometre: enough to tell sites apart, not where somebody stood.
ROUGH_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class Totals:
    """What is counted of some incursions: those of today, and whether a recent one is unacknowledged.

    `score` is in percent, `mean_length` in seconds; None where there is nothing to tell them from.
    """

    incursions: int
    unacknowledged: int
    score: float | None
    mean_length: float | None
    last: datetime | None
    has_unacknowledged: bool | None


def totals(incursions: Iterable[Incursion], now: datetime, midnight: datetime) -> Totals:
    """Count; one of which nobody knows whether it was acknowledged makes that unknown, never safe."""
    known = [found for found in incursions if found.started_at <= now + timedelta(minutes=5)]
    today = [found for found in known if found.started_at >= midnight]
    recent = [found.is_acknowledged for found in known if found.started_at >= now - RECENT]
    acknowledged = sum(found.is_acknowledged is True for found in today)
    unacknowledged = sum(found.is_acknowledged is False for found in today)
    judged = acknowledged + unacknowledged
    lengths = [found.length.total_seconds() for found in today if found.length is not None]
    return Totals(
        incursions=len(today),
        unacknowledged=unacknowledged,
        score=100 * acknowledged / judged if judged else None,
        mean_length=sum(lengths) / len(lengths) if lengths else None,
        last=max((found.started_at for found in known), default=None),
        has_unacknowledged=True if False in recent else None if None in recent else False,
    )


class IncursionLog:
    """The incursions of the last day, each as the vendor told it last; the newest of each scope outlives that."""

    def __init__(self) -> None:
        self.known: dict[str, Incursion] = {}

    def take(self, found: Iterable[Incursion], *, full_since: datetime | None) -> None:
        """Take what a poll brought. What began after `full_since` and did not come is no more: merged or deleted."""
        fresh = {incursion.id: incursion for incursion in found}
        if full_since is not None:
            self.known = {
                known: held for known, held in self.known.items() if held.started_at < full_since
            }
        self.known |= fresh

    def prune(self, now: datetime) -> None:
        """Let go of what no total needs."""
        self.known = {
            known: held for known, held in self.known.items() if held.started_at >= now - KEPT
        }

    def occurrences(
        self,
        now: datetime,
        place_of: Callable[[Incursion], str],
        tell: Callable[[Incursion], Mapping[str, ReadingValue]],
    ) -> Iterator[Occurrence]:
        """What happened: each incursion, and that it was acknowledged, which follows it if it was told before.

        The id is the vendor's own of the incursion, whatever else of it changes.
        """
        for known in self.known.values():
            data, device = dict(tell(known)), place_of(known)
            told = f"incursion-{known.id}"
            yield Occurrence(told, OccurrenceType.INCURSION, known.started_at, device, data=data)
            if known.is_acknowledged:
                at = max(known.acknowledged_at or now, known.started_at)
                kind = OccurrenceType.INCURSION_ACKNOWLEDGED
                yield Occurrence(
                    f"incursion_acknowledged-{known.id}", kind, at, device, data=data, follows=told
                )


def rough(position: Position | None, *, is_exact: bool) -> dict[str, ReadingValue]:
    """A position as it may be told."""
    if position is None:
        return {}
    decimals = 7 if is_exact else ROUGH_DECIMALS
    return {
        "latitude": round(position.latitude, decimals),
        "longitude": round(position.longitude, decimals),
    }
