"""Derive canister readings and events from the trigger flag in the records of SPOD monitors."""

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
    """Return the port of the canister that is being filled, 0 if none is, None for an unreadable flag.

    An idle flag is an empty cell in the vendor's exports, so an empty value means idle.
    """
    if value is None or value is False:
        return 0
    port = as_number(value)
    return int(port) if port is not None and port.is_integer() and 0 <= port <= 99 else None


def reading(record: Record) -> Reading | None:
    """Return whether a canister is being filled, or None if the record has no flag."""
    if TRIGGER not in record.values:
        return None
    port = port_of(record.values[TRIGGER])
    active = None if port is None else port > 0
    return Reading(active, record.date, {"port": port} if port else {})


def vendor_events(device: str, records: Iterable[Record]) -> Iterator[VendorEvent]:
    """Yield the canister events of a log, oldest first.

    The first record only gives the state before: when its flag was set is not known. A record without
    a flag may come from an idle monitor or lack the flag by accident, so it does not end a known trigger.
    The id is made of the first record that has the flag, so it is the same in overlapping logs.
    """
    before: int | None = None
    for index, record in enumerate(records):
        if TRIGGER not in record.values:
            before = before or 0
            continue
        if (port := port_of(record.values[TRIGGER])) is None:
            continue
        if index and before is not None and port not in (0, before):
            yield VendorEvent(
                id=f"canister-{device}-{port}-{record.date.isoformat()}",
                type=VendorEventType.SYSTEM_NOTICE,
                at=record.date,
                device=device,
                channel=CANISTER,
                data={"code": CODE, "port": port},
            )
        before = port
