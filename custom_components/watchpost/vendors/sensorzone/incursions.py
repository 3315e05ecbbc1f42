"""What is known of the incursions of the last days: what happened, and the totals that are shown of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...models import Position, ReadingValue, VendorEvent, VendorEventType
from .models import Incursion

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


def totals(
    incursions: Iterable[Incursion], now: datetime, midnight: datetime, *, is_whole: bool = True
) -> Totals:
    """Count; one of which nobody knows whether it was acknowledged makes that unknown, never safe.

    `is_whole` is False where records could not be read: any of those may be unacknowledged.
    """
    listed = list(incursions)
    known = [found for found in listed if found.started_at <= now + timedelta(minutes=5)]
    today = [found for found in known if found.started_at >= midnight]
    # A clock that is ahead, by a time zone even, makes nothing safe.
    recent = [found.is_acknowledged for found in listed if abs(found.started_at - now) <= RECENT]
    if not is_whole:
        recent.append(None)
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


class IncursionTracker:
    """The incursions of the last day, each as the vendor told it last."""

    def __init__(self) -> None:
        self.known: dict[str, Incursion] = {}
        self.is_whole = True

    def take(
        self, found: Iterable[Incursion], *, full_since: datetime | None, is_whole: bool = True
    ) -> None:
        """Take what a poll brought. What began after `full_since` and did not come is no more: merged or deleted.

        Unless the poll brought records that could not be read (`is_whole` is False): it may be among those.
        """
        fresh = {incursion.id: incursion for incursion in found}
        if full_since is not None and is_whole:
            self.known = {
                known: held for known, held in self.known.items() if held.started_at < full_since
            }
        # Only a look at all that may be recent shows that everything can be read again.
        self.is_whole = is_whole and (self.is_whole or full_since is not None)
        self.known |= fresh

    def prune(self, now: datetime) -> list[Incursion]:
        """Let go of what no total needs, and return it."""
        gone = [held for held in self.known.values() if held.started_at < now - KEPT]
        for incursion in gone:
            del self.known[incursion.id]
        return gone

    def vendor_events(
        self,
        now: datetime,
        place_of: Callable[[Incursion], str],
        tell: Callable[[Incursion], Mapping[str, ReadingValue]],
    ) -> Iterator[VendorEvent]:
        """What happened: each incursion, and that it was acknowledged, which follows it if it was told before.

        The id is the vendor's own of the incursion, whatever else of it changes.
        """
        for known in self.known.values():
            data, device = dict(tell(known)), place_of(known)
            told = f"incursion-{known.id}"
            yield VendorEvent(told, VendorEventType.INCURSION, known.started_at, device, data=data)
            if known.is_acknowledged:
                at = max(known.acknowledged_at or now, known.started_at)
                kind = VendorEventType.INCURSION_ACKNOWLEDGED
                yield VendorEvent(
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
