"""Accept system notices from webhook calls, within bounds: the API does not list notices.

The caller is not authenticated, so only a few notices per device and hour are accepted, each once, dated no later
than it was received.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ...models import VendorEvent, VendorEventType
from .envelope import to_datetime

MAX_PER_HOUR: Final = 4
HOUR: Final = timedelta(hours=1)

# The ids of the last notices of a device are stored, so that a repeated delivery is not dispatched again.
MAX_REMEMBERED: Final = 16

MEMORY: Final = "notices"

# The date in a call is used if it is plausible: the vendor may deliver late.
OLDEST: Final = timedelta(days=1)
AHEAD: Final = timedelta(minutes=5)


class NoticeLog:
    """The accepted notices by device; `changed` is called when they must be stored."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._accepted: dict[str, dict[str, datetime]] = {}
        self.rejected = 0

    def filter_new(
        self, device: str, code: str, claimed: datetime | None, received: datetime
    ) -> VendorEvent | None:
        """Return the event of a notice, or None if it is known or exceeds the limit.

        `claimed` is the date in the call, `received` the date of its receipt.
        """
        date = claimed if is_plausible(claimed, received) else None
        # Notices without a date are the same within a minute.
        known_as = date or received.replace(second=0, microsecond=0)
        notice_id = f"notice-{device}-{code}-{known_as.isoformat()}"
        accepted = self._accepted.get(device, {})
        recent = sum(abs(received - at) < HOUR for at in accepted.values())
        if notice_id in accepted or recent >= MAX_PER_HOUR:
            self.rejected += 1
            return None
        newest = list(accepted.items())[1 - MAX_REMEMBERED :]
        self._accepted[device] = {**dict(newest), notice_id: received}
        self._changed()
        return VendorEvent(
            id=notice_id,
            type=VendorEventType.SYSTEM_NOTICE,
            at=min(known_as, received),
            device=device,
            data={"code": code},
            is_proven=False,
        )

    def to_memory(self) -> dict[str, dict[str, str]]:
        """Return the notices to store, as JSON."""
        return {
            device: {notice_id: at.isoformat() for notice_id, at in accepted.items()}
            for device, accepted in self._accepted.items()
        }

    def recall(self, memory: object) -> None:
        """Restore stored notices; values of another shape are ignored."""
        for device, accepted in _items(memory):
            found = {notice_id: to_datetime(at) for notice_id, at in _items(accepted)}
            known = {notice_id: at for notice_id, at in found.items() if at is not None}
            self._accepted[device] = dict(list(known.items())[-MAX_REMEMBERED:])


def is_plausible(claimed: datetime | None, received: datetime) -> bool:
    """Return whether the date in a call can be that of its event."""
    return claimed is not None and received - OLDEST < claimed < received + AHEAD


def _items(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((key, each) for key, each in value.items() if isinstance(key, str))
