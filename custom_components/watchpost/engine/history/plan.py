"""Plans which hours of a channel's statistics are missing, and the requests for them. Pure.

Hours are counted from the epoch, as whole numbers.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

HOUR: Final = 3600
DAY: Final = 24

# The recorder compiles an hour some seconds after its end, later when it is busy.
COMPILED_AFTER: Final = timedelta(minutes=10)

# A gateway may deliver late what it measured: an empty answer is the last word after so many days.
LATE: Final = 1

# What one request brings at most: about 2 MB.
MAX_ROWS: Final = 20_000


class Request[K](NamedTuple):
    """The hours [start, end) of some channels, asked as one."""

    keys: list[K]
    start: int
    end: int


@dataclass(slots=True)
class Progress:
    """The progress of a channel: before `done` all is settled; `asked` are later hours that were requested already.

    Where the newest hours came first, [`first`, `back`) is still to be asked for, from its end down.
    """

    done: int
    asked: set[int] = field(default_factory=set)
    back: int = 0
    first: int = 0

    def left(self, end: int) -> int:
        """Return how many hours before `end` the vendor was never asked for."""
        return max(end - self.done, 0) - len(self.asked) + self.back - self.first


def hour_of(moment: datetime) -> int:
    """Return the hour that a moment lies in."""
    return int(moment.timestamp() // HOUR)


def hour_from(moment: datetime) -> int:
    """Return the first hour that begins at or after a moment."""
    return int(-(-moment.timestamp() // HOUR))


def time_of(hour: int) -> datetime:
    """Return when an hour begins (UTC)."""
    return datetime.fromtimestamp(hour * HOUR, UTC)


def compiled_until(now: datetime) -> int:
    """Return the first hour that the recorder may still have to compile."""
    return hour_of(now - COMPILED_AFTER)


def is_final(hour: int, now: int) -> bool:
    """Return whether the vendor will hardly receive more of this hour than it has now: a day after its end.

    By whole days (UTC), so that what came to nothing in one day is asked for again at once.
    """
    return hour // DAY + LATE < now // DAY


def missing(
    progress: Progress,
    start: int,
    end: int,
    present: Collection[int],
    now: int,
    *,
    again: int | None = None,
) -> list[int]:
    """Return the hours in [start, end) to ask for: unsettled, not present, not asked in vain lately.

    From the hour `again` on they are asked for whether they were or not.
    """
    since = end if again is None else again
    return [
        hour
        for hour in range(max(start, progress.done), end)
        if hour not in present
        and (hour not in progress.asked or hour >= since or is_final(hour, now))
    ]


def advance(
    progress: Progress, end: int, present: Collection[int], asked: Iterable[int], now: int
) -> None:
    """Record the requested hours (`asked`), and advance over all settled hours, up to `end`."""
    progress.asked.update(asked)
    settled = {hour for hour in asked if is_final(hour, now)}
    while progress.done < end and (progress.done in present or progress.done in settled):
        progress.done += 1
    progress.asked = {hour for hour in progress.asked if hour >= progress.done}


def requests[K](wanted: Mapping[K, Sequence[int]], max_rows: int = MAX_ROWS) -> list[Request[K]]:
    """Divide channels with their wanted hours (ascending) into requests, the oldest hours first.

    A request spans all that is wanted of its channels; these times its hours are at most `most_rows`,
    unless it has but one channel.
    """
    divided: list[Request[K]] = []
    for key in sorted((key for key in wanted if wanted[key]), key=lambda key: wanted[key][0]):
        start, end = wanted[key][0], wanted[key][-1] + 1
        if divided:
            keys, since, until = divided[-1]
            until = max(until, end)
            if (len(keys) + 1) * (until - since) <= max_rows:
                divided[-1] = Request([*keys, key], since, until)
                continue
        divided.append(Request([key], start, end))
    return divided
