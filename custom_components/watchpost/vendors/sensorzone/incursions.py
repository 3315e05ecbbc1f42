"""Incursions of the last day: their events and the totals of each device."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ...models import Position, ReadingValue, VendorEvent, VendorEventType
from .models import Incursion

# The binary sensor covers RECENT. Incursions are kept longer, to cover a local day of 25 hours.
RECENT: Final = timedelta(hours=24)
RETENTION: Final = timedelta(hours=26)

# About a kilometre: enough to distinguish sites, too coarse to locate a person.
ROUGH_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of today's incursions, and whether a recent one is unacknowledged.

    `score` is in percent, `mean_length` in seconds; None without incursions to compute them from.
    """

    incursions: int
    unacknowledged: int
    score: float | None
    mean_length: float | None
    last: datetime | None
    has_unacknowledged: bool | None


def totals(
    incursions: Iterable[Incursion], now: datetime, midnight: datetime, *, is_readable: bool = True
) -> Totals:
    """Return the totals of incursions; an unknown acknowledgement makes `has_unacknowledged` None, never False.

    `is_readable` is False where records were rejected: any of those may be unacknowledged.
    """
    listed = list(incursions)
    known = [found for found in listed if found.started_at <= now + timedelta(minutes=5)]
    today = [found for found in known if found.started_at >= midnight]
    # A machine's clock may be ahead, even by a time zone: its incursions count as recent too.
    recent = [found.is_acknowledged for found in listed if abs(found.started_at - now) <= RECENT]
    if not is_readable:
        recent.append(None)
    acknowledged = sum(found.is_acknowledged is True for found in today)
    unacknowledged = sum(found.is_acknowledged is False for found in today)
    rated = acknowledged + unacknowledged
    lengths = [found.length.total_seconds() for found in today if found.length is not None]
    return Totals(
        incursions=len(today),
        unacknowledged=unacknowledged,
        score=100 * acknowledged / rated if rated else None,
        mean_length=sum(lengths) / len(lengths) if lengths else None,
        last=max((found.started_at for found in known), default=None),
        has_unacknowledged=True if False in recent else None if None in recent else False,
    )


class IncursionTracker:
    """Track the incursions of the last day, each in its newest version."""

    def __init__(self) -> None:
        self.known: dict[str, Incursion] = {}
        self.is_readable = True

    def update(
        self, found: Iterable[Incursion], *, full_since: datetime | None, is_readable: bool = True
    ) -> None:
        """Store the incursions of a poll; remove those after `full_since` that it lacks: merged or deleted.

        Nothing is removed if the poll had rejected records (`is_readable` is False): it may be among those.
        """
        fresh = {incursion.id: incursion for incursion in found}
        if full_since is not None and is_readable:
            self.known = {
                incursion_id: incursion
                for incursion_id, incursion in self.known.items()
                if incursion.started_at < full_since
            }
        # Only a poll of the whole period shows that every record is readable again.
        self.is_readable = is_readable and (self.is_readable or full_since is not None)
        self.known |= fresh

    def prune(self, now: datetime) -> list[Incursion]:
        """Remove and return the incursions that are too old for every total."""
        removed = [
            incursion for incursion in self.known.values() if incursion.started_at < now - RETENTION
        ]
        for incursion in removed:
            del self.known[incursion.id]
        return removed

    def vendor_events(
        self,
        now: datetime,
        device_of: Callable[[Incursion], str],
        event_data: Callable[[Incursion], Mapping[str, ReadingValue]],
    ) -> Iterator[VendorEvent]:
        """Yield an event for each incursion, and one for its acknowledgement, which follows it.

        The event id is the vendor's id of the incursion, so that later changes dispatch nothing twice.
        """
        for incursion in self.known.values():
            data, device = dict(event_data(incursion)), device_of(incursion)
            event_id = f"incursion-{incursion.id}"
            yield VendorEvent(
                event_id, VendorEventType.INCURSION, incursion.started_at, device, data=data
            )
            if incursion.is_acknowledged:
                at = max(incursion.acknowledged_at or now, incursion.started_at)
                kind = VendorEventType.INCURSION_ACKNOWLEDGED
                yield VendorEvent(
                    f"incursion_acknowledged-{incursion.id}",
                    kind,
                    at,
                    device,
                    data=data,
                    follows=event_id,
                )


def rounded_position(position: Position | None, *, is_exact: bool) -> dict[str, ReadingValue]:
    """Return a position for events, exact or rounded to about a kilometre."""
    if position is None:
        return {}
    decimals = 7 if is_exact else ROUGH_DECIMALS
    return {
        "latitude": round(position.latitude, decimals),
        "longitude": round(position.longitude, decimals),
    }
