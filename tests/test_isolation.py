"""One bad resource costs its own feature alone: every vendor, every resource, every way to be bad.

The fast selection turns each resource bad in one way; the whole matrix is marked as soak.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
import re
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators import manfred_kunze, sensit, sensorist, sensorzone, viziosense
from simulators.clock import Clock
from simulators.faults import Fault

from . import mk_house, sensit_house, watching, zone
from .conftest import DOMAIN, REAL_SLEEP, House, watchpost_lines

BAD: dict[str, dict[str, Any]] = {
    "404": {"kind": "status", "status": 404},
    "401": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "html": {"kind": "not_json"},
    "shape": {"kind": "root", "value": {"machines": [{"a": 1}], "people": 7}},
    "empty": {"kind": "root", "value": []},
    "slow": {"kind": "latency", "seconds": 1.0},
}

# Long enough for three polls of every list.
WHILE_BAD = 2900
# Long enough for what carries alarms to be asked again, whatever its feed.
UNTIL_HEALED = 4000


@dataclass
class Subject:
    """A vendor, its simulated cloud with one account, and the resources that are read there.

    `required` is the list of devices, without which an account cannot start.
    """

    open: Callable[[Clock], Any]
    sign_in: Callable[[House, Any], Awaitable[ConfigEntry]]
    resources: tuple[str, ...]
    required: tuple[str, ...]
    alarms: tuple[str, ...] = ()


async def _sign_in_mk(house: House, cloud: Any) -> ConfigEntry:
    signed_in = mk_house.MkHouse(house.hass, house.freezer, house.entries)
    return await signed_in.sign_in(cloud)


async def _sign_in_sensit(house: House, cloud: Any) -> ConfigEntry:
    signed_in = sensit_house.SensitHouse(house.hass, house.freezer, house.entries)
    return await signed_in.sign_in(cloud)


SUBJECTS = {
    "sensorist": Subject(
        lambda clock: sensorist.SensoristCloud(
            sensorist.CloudConfig(gateways=1, sensors=1), clock=clock
        ),
        lambda house, cloud: house.sign_in(cloud),
        ("/gateways", "/measurements", "/alarms"),
        ("/gateways",),
        ("/alarms",),
    ),
    "manfred_kunze": Subject(
        lambda clock: manfred_kunze.ManfredKunzeCloud(
            manfred_kunze.CloudConfig(variants=manfred_kunze.ApiVariants()), clock=clock
        ),
        _sign_in_mk,
        (
            "/devices",
            "/components",
            "/sensors",
            "/sites",
            "/readings",
            "/alerts",
            "/alert-rules",
            "/cameras",
            "/captures",
            "/exports",
            "/health",
        ),
        ("/devices",),
        ("/alerts",),
    ),
    "sensit": Subject(
        lambda clock: sensit.SensitCloud(
            sensit.CloudConfig(variants=sensit.ApiVariants(), spods=1, fmds=1, ramps=1), clock=clock
        ),
        _sign_in_sensit,
        (sensit_house.LIST, "DeviceLog", sensit_house.SIGN_IN),
        (sensit_house.LIST, sensit_house.SIGN_IN),
    ),
    "sensorzone": Subject(
        lambda clock: sensorzone.SensorZoneCloud(sensorzone.CloudConfig(), clock=clock),
        zone.sign_in,
        (
            "/entities",
            "/incursions",
            "/worksites",
            "/projects",
            "/base_stations",
            "/status",
            "/gps_tracks",
            "/machine_runtime",
            "/people_assets",
            "/session",
            "/login",
        ),
        ("/entities", "/session"),
        ("/incursions",),
    ),
    "viziosense": Subject(
        lambda clock: viziosense.VizioSenseCloud(
            viziosense.CloudConfig(devices=1, applications=("VPM",), places=4, pace=0.0),
            clock=clock,
        ),
        watching.sign_in,
        ("/device",),
        ("/device",),
    ),
}


@pytest.fixture
async def open_subject(house: House) -> AsyncIterator[Callable[[Subject], Awaitable[Any]]]:
    """Open a vendor's cloud in Home Assistant's time."""
    async with AsyncExitStack() as stack:

        async def open_subject(subject: Subject) -> Any:
            clock = Clock(source=lambda: datetime.now(UTC))
            return await stack.enter_async_context(subject.open(clock))

        yield open_subject


def shape(path: str) -> str:
    """A path without its ids."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[^/]*\d[^/]*", "{}", path)


def record_success(cloud: Any, since: int) -> set[str]:
    """The resources that were read with success since then."""
    return {shape(record.path) for record in list(cloud.log)[since:] if record.status < 400}


def registered(house: House, entry: ConfigEntry) -> tuple[set[str], set[str]]:
    """The devices and entities of an account, by their registry ids."""
    devices = dr.async_entries_for_config_entry(dr.async_get(house.hass), entry.entry_id)
    entities = er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    return {device.id for device in devices}, {entity.id for entity in entities}


def missing(house: House) -> set[str]:
    """The entities that show nothing, buttons and events aside: those show what happened last."""
    return {
        state.entity_id
        for state in house.states()
        if state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN)
        and state.domain not in ("button", "event", "image")
    }


def repairs(house: House) -> set[str]:
    return {
        issue.translation_key or ""
        for (domain, _), issue in ir.async_get(house.hass).issues.items()
        if domain == DOMAIN
    }


async def reload_while_time_goes_by(house: House, entry: ConfigEntry) -> None:
    """Reload an account whose vendor is slow: time stands still here, so a reload alone would wait for ever."""
    reloading = asyncio.create_task(house.hass.config_entries.async_reload(entry.entry_id))
    while not reloading.done():
        for _ in range(200):  # what does not wait for time is given real time to finish
            if reloading.done():
                break
            await house.hass.loop.run_in_executor(None, REAL_SLEEP, 0.001)
        else:
            await house.pass_time(1)
    await reloading
    await house.settle()


async def check(
    house: House,
    open_subject: Callable[[Subject], Awaitable[Any]],
    caplog: pytest.LogCaptureFixture,
    case: tuple[str, str, str, bool, bool],
) -> None:
    """Turn one resource bad, at a start or while running, and see that nothing else notices."""
    vendor, path, bad, at_start, is_standing = case
    subject = SUBJECTS[vendor]
    cloud = await open_subject(subject)
    entry = await subject.sign_in(house, cloud)
    await house.pass_time(1900)
    known, before = registered(house, entry), missing(house)
    since = len(cloud.log)
    await house.pass_time(1900)
    usual = record_success(cloud, since)
    caplog.clear()

    fault = cloud.faults.add(Fault(match=path, times=None if is_standing else 1, **BAD[bad]))
    if at_start:
        entry.runtime_data.budget.forget()
        await reload_while_time_goes_by(house, entry)
    since = len(cloud.log)
    await house.pass_time(WHILE_BAD)

    is_waiting = at_start and path in subject.required and is_standing
    if entry.state is not ConfigEntryState.LOADED:
        assert is_waiting
        assert entry.state is ConfigEntryState.SETUP_RETRY
    elif bad not in ("slow", "empty") and fault.used:
        is_optional = path not in subject.required
        others = {each for each in usual if path not in each and is_optional}
        assert others <= record_success(cloud, since), others - record_success(cloud, since)
        lines = watchpost_lines(caplog)
        assert len(lines) == len(set(lines)), lines
        assert len(lines) <= 10
        # A single failure may be over before anybody has to know.
        assert not is_optional or not is_standing or any("cannot update" in line for line in lines)
    if is_standing and fault.used and path in subject.alarms and bad in ("404", "403", "html"):
        assert "alarms_not_seen" in repairs(house)
    assert registered(house, entry) == known
    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == [] or (
        bad == "401" and is_standing
    )

    cloud.faults.clear()
    await house.pass_time(UNTIL_HEALED)
    if missing(house) - before:
        await house.reload(entry)  # what is off is asked for again after each start, else daily
        await house.pass_time(1000)
    assert entry.state is ConfigEntryState.LOADED
    assert registered(house, entry) == known
    assert missing(house) <= before
    assert "alarms_not_seen" not in repairs(house)
    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


ALL = [
    (vendor, path, bad, at_start, is_standing)
    for vendor, subject in SUBJECTS.items()
    for path in subject.resources
    for bad in BAD
    for at_start in (False, True)
    for is_standing in (False, True)
]
FEW = [
    ("sensorist", "/alarms", "404", False, True),
    ("sensorist", "/alarms", "html", True, False),
    ("sensorist", "/measurements", "500", True, True),
    ("sensorist", "/measurements", "401", False, True),
    ("sensorist", "/gateways", "503", False, True),
    ("manfred_kunze", "/alert-rules", "html", True, True),
]


def named(case: tuple[str, str, str, bool, bool]) -> str:
    vendor, path, bad, at_start, is_standing = case
    return "-".join(
        (
            vendor,
            path.strip("/").replace("/", "_"),
            bad,
            "start" if at_start else "running",
            "standing" if is_standing else "once",
        )
    )


@pytest.mark.parametrize("case", FEW, ids=named)
async def test_a_bad_resource_costs_its_own_feature_alone(
    house: House, open_subject: Any, caplog: pytest.LogCaptureFixture, case: Any
) -> None:
    await check(house, open_subject, caplog, case)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", [case for case in ALL if case not in FEW], ids=named)
async def test_every_bad_resource_costs_its_own_feature_alone(
    house: House, open_subject: Any, caplog: pytest.LogCaptureFixture, case: Any
) -> None:
    await check(house, open_subject, caplog, case)
