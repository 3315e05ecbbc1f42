"""System notices: the API lists none, so what a webhook call says of one is believed, within bounds.

Nothing proves who called. So only a few notices of a device are believed in an hour, each once, dated no later than
it came.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from ...models import VendorEvent, VendorEventType
from .envelope import to_datetime

MAX_PER_HOUR: Final = 4
HOUR: Final = timedelta(hours=1)

# The last ones of a device are known by id, so that none that is delivered twice is dispatched twice.
MAX_REMEMBERED: Final = 16

MEMORY: Final = "notices"

# A date that a call names is used as far as it is plausible: it may have waited long at the vendor's.
OLDEST: Final = timedelta(days=1)
AHEAD: Final = timedelta(minutes=5)


class NoticeLog:
    """Which notices of which device were believed, and when; `changed` is called when that must be stored."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._believed: dict[str, dict[str, datetime]] = {}
        self.rejected = 0

    def filter_new(
        self, device: str, code: str, told: datetime | None, received: datetime
    ) -> VendorEvent | None:
        """Return the event for a notice; None for one that is known already, or one too many.

        `told` is the date that the call names, `received` when it came.
        """
        date = told if is_plausible(told, received) else None
        # What names no date is taken for the same notice within a minute.
        known_as = date or received.replace(second=0, microsecond=0)
        notice_id = f"notice-{device}-{code}-{known_as.isoformat()}"
        believed = self._believed.get(device, {})
        recent = sum(abs(received - at) < HOUR for at in believed.values())
        if notice_id in believed or recent >= MAX_PER_HOUR:
            self.rejected += 1
            return None
        newest = list(believed.items())[1 - MAX_REMEMBERED :]
        self._believed[device] = {**dict(newest), notice_id: received}
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
        """Return what is to be stored, as JSON."""
        return {
            device: {notice_id: at.isoformat() for notice_id, at in believed.items()}
            for device, believed in self._believed.items()
        }

    def recall(self, memory: object) -> None:
        """Restore what was stored; whatever has another shape is left out."""
        for device, believed in _items(memory):
            found = {notice_id: to_datetime(at) for notice_id, at in _items(believed)}
            known = {notice_id: at for notice_id, at in found.items() if at is not None}
            self._believed[device] = dict(list(known.items())[-MAX_REMEMBERED:])


def is_plausible(told: datetime | None, received: datetime) -> bool:
    """Whether a date that a call names can be when what it tells of happened."""
    return told is not None and received - OLDEST < told < received + AHEAD


def _items(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((key, each) for key, each in value.items() if isinstance(key, str))
