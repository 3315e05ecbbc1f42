"""SensorZone's daily history: the runtime of each machine and the number of incursions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Final

from homeassistant.const import UnitOfTime
from homeassistant.util import dt as dt_util

from ...client.errors import PermissionDeniedError, UnexpectedResponseError
from ...models import DailySeries
from . import entities
from .client import SensorZoneClient
from .endpoints import ApiVersion
from .inventory import SiteInventory

_INCURSIONS: Final = "incursions"
_RUNTIME: Final = "runtime"


async def daily_totals(
    client: SensorZoneClient, site_inventory: SiteInventory, start: datetime, end: datetime
) -> list[DailySeries]:
    """Return the totals of the full local days in [start, end), without those that the account may not read.

    Raises a `VendorError`.
    """
    if not client.has(ApiVersion.V1):
        return []
    days = list(_days(start, end))
    found: list[DailySeries] = []
    with _skip_unavailable():
        found += await _incursions(client, site_inventory, days, end)
    with _skip_unavailable():
        found += await _runtimes(client, site_inventory, days, end)
    return found


@contextmanager
def _skip_unavailable() -> Iterator[None]:
    """Skip totals without permission or with an unreadable response; raise for an outage."""
    try:
        yield
    except PermissionDeniedError:
        return
    except UnexpectedResponseError as err:
        if err.status is not None and err.status >= 500:
            raise


async def _incursions(
    client: SensorZoneClient, site_inventory: SiteInventory, days: list[datetime], end: datetime
) -> Iterator[DailySeries]:
    """Return the number of incursions by day of the account and of each machine; 0 for a day without any."""
    answer = await client.incursions(days[0], end)
    if answer.failure is not None:
        raise answer.failure
    listed = answer.value
    counts: dict[str, dict[date, int]] = {device: {} for device in _devices(site_inventory)}
    for incursion in listed:
        day = dt_util.as_local(incursion.started_at).date()
        for device in site_inventory.devices_of(incursion):
            if device in counts:
                counts[device][day] = counts[device].get(day, 0) + 1
    return (
        DailySeries(
            key=f"{device}-{_INCURSIONS}",
            name=f"{name} incursions",
            days=[(day, float(counts[device].get(day.date(), 0))) for day in days],
        )
        for device, name in _devices(site_inventory).items()
    )


async def _runtimes(
    client: SensorZoneClient, site_inventory: SiteInventory, days: list[datetime], end: datetime
) -> list[DailySeries]:
    """Return each machine's runtime by day, in hours, without days missing in the chart."""
    rows = (await client.machine_runtime(days[0], end)).value
    hours: dict[str, dict[date, float]] = {}
    for row in rows:
        if (machine := site_inventory.find_machine(row.machine)) is not None:
            of_machine = hours.setdefault(machine, {})
            of_machine[row.day] = of_machine.get(row.day, 0.0) + row.hours
    names = _devices(site_inventory)
    return [
        DailySeries(
            key=f"{entities.machine_id(machine)}-{_RUNTIME}",
            name=f"{names[entities.machine_id(machine)]} runtime",
            days=[(day, found[day.date()]) for day in days if day.date() in found],
            unit=UnitOfTime.HOURS,
            unit_class="duration",
        )
        for machine, found in hours.items()
    ]


def _devices(site_inventory: SiteInventory) -> dict[str, str]:
    """Return the names of the devices with daily totals, by device id."""
    named = {entities.ACCOUNT: entities.MANUFACTURER}
    for machine in site_inventory.machines.values():
        named[entities.machine_id(machine.id)] = machine.name or f"Machine {machine.id}"
    return named


def _days(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the local midnights in [start, end); a day may be an hour shorter or longer."""
    day = dt_util.start_of_local_day(dt_util.as_local(start))
    while day < end:
        yield day
        day = dt_util.start_of_local_day(day + timedelta(hours=30))
