"""A simulated month of polling: what was asked too early, in a wait, and of what the cache rule permits.

Run: .venv/bin/python -m benchmarks.cache_compliance [days] [vendor ...]
A whole Home Assistant and each vendor's simulator over real HTTP, both on one clock that is moved from timer to timer.
Meanwhile the vendor once asks to be left alone for two hours, and once is down for one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
import logging
import os
import subprocess
import sys
import time

from homeassistant.config_entries import ConfigEntryState
import pytest

from scripts.demo_support.clouds import VENDORS  # isort: skip
from simulators.clock import Clock  # isort: skip
from simulators.faults import Fault  # isort: skip
from simulators.manfred_kunze import ManfredKunzeCloud, CloudConfig as ManfredKunzeConfig  # isort: skip
from simulators.sensit import CloudConfig as SensitConfig, SensitCloud  # isort: skip
from simulators.sensorist import CloudConfig, SensoristCloud  # isort: skip
from simulators.sensorzone import CloudConfig as SensorZoneConfig, SensorZoneCloud  # isort: skip
from simulators.server import VendorCloud  # isort: skip
from simulators.viziosense import CloudConfig as VizioSenseConfig, VizioSenseCloud  # isort: skip
from tests.conftest import START, House  # isort: skip

DAYS = 30
DAYS_VARIABLE = "WATCHPOST_BENCHMARK_DAYS"


def real_time() -> float:
    """Return the time of a clock that is never frozen."""
    return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)


DAY = 86400.0
SIGN_IN = {vendor.key: vendor for vendor in VENDORS}
WAIT, OUTAGE = 7200, 3600
# Requests that were sent before the refusal came, all in one moment of the clock that is moved: those of two sign-ins.
UNDER_WAY = 7
MAX_AGE = {"Cache-Control": "max-age=900"}


@dataclass(frozen=True)
class Row:
    """A vendor: its cloud, and the path of what is polled, for the refusal.

    `caching` are headers that its replies get where the vendor documents none: the rule must hold all the same.
    """

    key: str
    cloud: Callable[[Clock], VendorCloud]
    polled: str
    caching: Mapping[str, str] | None = None


ROWS = (
    Row(
        "manfred_kunze",
        lambda clock: ManfredKunzeCloud(ManfredKunzeConfig(devices=2, components=1), clock),
        "/readings",
        MAX_AGE,
    ),
    Row(
        "sensorist",
        lambda clock: SensoristCloud(CloudConfig(gateways=1, sensors=2), clock=clock),
        "/measurements",
    ),
    Row(
        "sensit",
        lambda clock: SensitCloud(SensitConfig(spods=1, fmds=0, ramps=1, cycle=900), clock),
        "/devices",
        MAX_AGE,
    ),
    Row(
        "sensorzone",
        lambda clock: SensorZoneCloud(SensorZoneConfig(machines=2, people=3), clock),
        "/entities",
        MAX_AGE,
    ),
    Row(
        "viziosense",
        lambda clock: VizioSenseCloud(VizioSenseConfig(devices=2, pace=0), clock),
        "/devices",
        MAX_AGE,
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
async def test_month(row: Row, house: House) -> None:
    days = float(os.environ.get(DAYS_VARIABLE, DAYS))
    began = real_time()
    # A clock that is moved by hand looks like slow callbacks; and debugging takes most of the time.
    asyncio.get_running_loop().set_debug(False)
    logging.disable(logging.WARNING)
    async with row.cloud(Clock(source=lambda: datetime.now(UTC))) as cloud:
        if row.caching is not None:
            cloud.faults.add(Fault(method="GET", kind="headers", headers=row.caching))
        await sign_in(house, row.key, cloud)
        await house.pass_time(days / 3 * DAY)
        wait = {"Retry-After": str(WAIT)}
        refusal = Fault(match=row.polled, kind="status", status=429, headers=wait, times=1)
        cloud.faults.add(refusal)
        await house.pass_time(days / 3 * DAY)
        cloud.faults.add(Fault(kind="status", status=500, times=None))
        await house.pass_time(OUTAGE)
        cloud.faults.clear()
        if row.caching is not None:
            cloud.faults.add(Fault(method="GET", kind="headers", headers=row.caching))
        await house.pass_time(max(START.timestamp() + days * DAY - time.time(), 0))
        report(row, cloud, days)
    print(f"  took {real_time() - began:.0f} s", flush=True)


async def sign_in(house: House, key: str, cloud: VendorCloud) -> None:
    access = {"url": cloud.url, "control": cloud.control_url, **cloud.credentials}
    vendor = SIGN_IN[key]
    flow = house.hass.config_entries.flow
    shown = await flow.async_init("watchpost", context={"source": "user"})
    for choice in filter(None, (key, vendor.choice)):
        shown = await flow.async_configure(shown["flow_id"], {"next_step_id": choice})
    result = await house.submit(shown["flow_id"], vendor.form(access))
    assert result["result"].state is ConfigEntryState.LOADED, result["result"].state


def report(row: Row, cloud: VendorCloud, days: float) -> None:
    """Print the counts; a resource is an address with its parameters."""
    times: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for record in cloud.log:
        if record.method == "GET" and record.status == 200:
            query = [f"{key}={value}" for key, value in sorted(record.query.items())]
            times[(record.path, *query)].append(record.at.timestamp())
    steady = {key: found for key, found in times.items() if len(found) > 4 * days + 3}
    made = sum(len(found) for found in steady.values())
    able = (
        DAY * days
        - WAIT
        - OUTAGE
        - (min(found[0] for found in steady.values()) - START.timestamp())
    )
    permitted = sum(able / spacing(found) for found in steady.values())
    refused = {record.at for record in cloud.log if record.status == 429}
    held = [record for record in cloud.held_requests() if record.at not in refused]
    under_way = len(cloud.held_requests()) - len(held)
    share = f"{made} of {permitted:.0f} permitted, {made / permitted:.3f}" if made else "none"
    print(
        f"\n{row.key}: {days:g} days, {len(cloud.log)} requests; early {len(cloud.early_requests())}, "
        f"in a wait {len(held)} (sent in the moment of the refusal {under_way}); "
        f"of {len(steady)} addresses that were polled all along: {share}"
    )
    assert not cloud.early_requests()
    assert not held
    assert under_way <= UNDER_WAY
    assert made <= permitted * 1.01 + len(steady)


def spacing(found: list[float]) -> float:
    """Return the minimum time between two requests: where none is early, the cache lifetime or a little more."""
    return min(later - earlier for earlier, later in pairwise(found))


def main() -> int:
    words = sys.argv[1:]
    if words and words[0].replace(".", "").isdecimal():
        os.environ[DAYS_VARIABLE] = words.pop(0)
    options = [
        "-q",
        "-s",
        "--no-header",
        "--timeout=0",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:logging",
    ]
    chosen = ["-k", " or ".join(words)] if words else []
    # In a process of its own: the plugin must come before what it prepares.
    return subprocess.call([sys.executable, "-m", "pytest", __file__, *options, *chosen])


if __name__ == "__main__":
    sys.exit(main())
