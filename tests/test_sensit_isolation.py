"""What one broken resource of SENSIT Connect's costs: its own feature, and nothing else."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
import pytest

from simulators.faults import Fault

from .conftest import DOMAIN, watchpost_lines
from .sensit_house import (
    OpenSensit,
    SensitHouse,
    log_requests,
)

BAD: dict[str, dict[str, Any]] = {
    "404": {"status": 404},
    "401": {"status": 401},
    "403": {"status": 403},
    "422": {"status": 422},
    "500": {"status": 500},
    "501": {"status": 501},
    "503": {"status": 503},
    "html": {"kind": "not_json"},
    "redirect": {"kind": "redirect", "location": "/login"},
    "shape": {"kind": "root", "value": {"data": 7}},
}
USUAL = ("404", "401", "503", "html")


@pytest.mark.parametrize(
    "bad", [pytest.param(bad, marks=() if bad in USUAL else pytest.mark.soak) for bad in BAD]
)
async def test_logs_that_fail_are_said_once_and_cost_no_value(
    sensit_house: SensitHouse, open_sensit: OpenSensit, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await open_sensit(spods=0, fmds=1, ramps=1)
    monitor = cloud.find_monitor("FMD")
    monitor.last_record = "null"  # its newest record is in the log alone
    other = cloud.find_monitor("RAMP")
    entry = await sensit_house.sign_in(cloud)
    cloud.faults.add(Fault(match="FMDDeviceLog", **BAD[bad]))
    await sensit_house.reload(entry)
    caplog.clear()
    await sensit_house.pass_time(1800)

    assert log_requests(cloud)
    assert sensit_house.shown(cloud, other.uuid, "field-T").state not in ("unknown", "unavailable")
    lines = [line for line in watchpost_lines(caplog) if "cannot update logs" in line]
    assert len(lines) <= 1
    assert "logs" in str(entry.runtime_data.inventory_coordinator.resource_errors)
    assert sensit_house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []

    cloud.faults.clear()
    await sensit_house.pass_time(3600)
    assert entry.runtime_data.inventory_coordinator.resource_errors == {}


async def test_a_sign_in_that_is_not_there_asks_nobody_for_a_password(
    sensit_house: SensitHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(fmds=1)
    entry = await sensit_house.sign_in(cloud)
    sensit_house.hass.config_entries.async_update_entry(entry, data={**entry.data, "signed": None})
    cloud.faults.add(Fault(match="/users/signin", status=404))
    await sensit_house.reload(entry)
    await sensit_house.pass_time(300)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert sensit_house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    cloud.faults.clear()
    await sensit_house.pass_time(900)
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    "damage",
    [
        {"until": "soon"},
        {"until": 7},
        {"token": None},
        {"token": "a\nb"},
        {"user": {}},
        {"role": 1},
    ],
    ids=str,
)
async def test_a_stored_token_that_is_damaged_is_signed_in_for_anew(
    sensit_house: SensitHouse, open_sensit: OpenSensit, damage: dict[str, Any]
) -> None:
    cloud = await open_sensit(fmds=1)
    entry = await sensit_house.sign_in(cloud)
    stored = {**entry.data["signed"], **damage}
    sensit_house.hass.config_entries.async_update_entry(
        entry, data={**entry.data, "signed": stored}
    )
    sign_ins = cloud.sign_ins
    await sensit_house.reload(entry)
    assert entry.state is ConfigEntryState.LOADED
    assert cloud.sign_ins == sign_ins + 1
