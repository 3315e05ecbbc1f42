"""Canister triggers of SPOD monitors: a flag in the records, and what happened by it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.event import EventEntityDescription

from ...models import Reading, VendorEvent, VendorEventType
from .models import TRIGGER, Record, Value, as_number

EVENTS: Final = "events"
CANISTER: Final = "canister"
CODE: Final = "canister_triggered"

EVENTS_DESCRIPTION: Final = EventEntityDescription(
    key=EVENTS, translation_key=EVENTS, event_types=[VendorEventType.SYSTEM_NOTICE]
)
CANISTER_DESCRIPTION: Final = BinarySensorEntityDescription(
    key=CANISTER, translation_key=CANISTER, device_class=BinarySensorDeviceClass.RUNNING
)


def port_of(value: Value) -> int | None:
    """Return the port of the canister that is being filled, 0 for none, None for what cannot be read.

    An idle flag is an empty cell in the vendor's exports, so nothing there means idle.
    """
    if value is None or value is False:
        return 0
    read = as_number(value)
    return int(read) if read is not None and read.is_integer() and 0 <= read <= 99 else None


def reading(record: Record) -> Reading | None:
    """Return whether a canister is being filled; None where the record has no flag at all."""
    if TRIGGER not in record.values:
        return None
    port = port_of(record.values[TRIGGER])
    active = None if port is None else port > 0
    return Reading(active, record.date, {"port": port} if port else {})


def vendor_events(device: str, records: Iterable[Record]) -> Iterator[VendorEvent]:
    """Return what was triggered in a log, oldest first.

    The first record only tells what was before: nobody knows since when its flag stands. One without
    a flag may be how an idle monitor says so, or lack it by accident: it ends nothing that is known.
    The id is made of the first record that has the flag, and so is the same whichever log shows it.
    """
    before: int | None = None
    for place, record in enumerate(records):
        if TRIGGER not in record.values:
            before = before or 0
            continue
        if (port := port_of(record.values[TRIGGER])) is None:
            continue
        if place and before is not None and port not in (0, before):
            yield VendorEvent(
                id=f"canister-{device}-{port}-{record.date.isoformat()}",
                type=VendorEventType.SYSTEM_NOTICE,
                at=record.date,
                device=device,
                channel=CANISTER,
                data={"code": CODE, "port": port},
            )
        before = port
