"""What the Manfred Kunze platform's answers may be otherwise than good: too many, endless, unknown, broken."""

import math
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .conftest import DOMAIN, watchpost_lines
from .mk_house import MkHouse, OpenMk, asked


def told(house: MkHouse) -> dict[str, Any]:
    """What the connection says of itself."""
    diagnostics: dict[str, Any] = house.entries[0].runtime_data.connection.diagnostics()
    return diagnostics


@pytest.mark.parametrize("endless", ["same", pytest.param("new", marks=pytest.mark.soak)])
async def test_lists_without_end_are_left_and_nothing_is_removed_for_it(
    mk_house: MkHouse, open_mk: OpenMk, endless: Any
) -> None:
    mk = await open_mk(devices=2, components=1)
    entry = await mk_house.sign_in(mk)
    mk.config.endless = endless
    mk.log.clear()
    await mk_house.pass_time(70)
    lists = asked(mk, "/devices")
    assert len(lists) <= (20 if endless == "same" else 210)
    assert entry.state is ConfigEntryState.LOADED
    mk.config.endless = ""
    mk.log.clear()
    await mk_house.pass_time(700)
    assert len(asked(mk, "/devices")) <= 16
    assert mk_house.device(f"device-{mk.devices[1].id}") is not None
    assert mk_house.shown(f"device-{mk.devices[1].id}", "device_status").state == "active"


async def test_of_a_hundred_thousand_sensors_so_many_are_read_as_can_be_shown_and_it_is_said(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(devices=1, extra_sensors=100_000)
    mk.faults.add(Fault(match="/readings", kind="status", status=404))
    mk.log.clear()
    entry = await mk_house.sign_in(mk)
    assert len(asked(mk, "/sensors")) <= 41
    assert told(mk_house)["TopologyFeature"]["sensors"] == 20_000
    assert entry.runtime_data.inventory_coordinator.rejected["sensor: more than are read"] == 1
    issue = ir.async_get(mk_house.hass).async_get_issue(
        DOMAIN, f"entities_left_out_{entry.entry_id}"
    )
    assert issue is not None
    assert len(mk_house.hass.states.async_all("sensor")) < 10_001


async def test_literals_that_nobody_knows_are_unknown_and_stop_nothing(
    mk_house: MkHouse, mk: ManfredKunzeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    mk.config.variants.literals = "new"
    entry = await mk_house.sign_in(mk)
    await mk_house.pass_time(130)
    name = f"device-{mk.devices[0].id}"
    for key, domain in (("device_status", "sensor"), ("connectivity", "binary_sensor")):
        assert mk_house.shown(name, key, domain).state == "unknown"
    # A sensor of an unknown type shows what it is sent, as it is.
    assert float(mk_house.sensor(mk.sensor("temperature")).state) > 0
    assert mk_house.sensor(mk.sensor("open")).state in ("true", "false")
    assert [line for line in watchpost_lines(caplog) if "Unexpected" in line] == []

    mk.config.variants.literals = "known"
    await mk_house.pass_time(1900)
    assert mk_house.shown(name, "device_status").state == "active"
    assert mk_house.sensor(mk.sensor("open")).state in ("true", "false")
    await mk_house.reload(entry)  # an entity cannot change its platform while it runs
    assert mk_house.sensor(mk.sensor("open"), "binary_sensor").state in ("on", "off")


def broken(payload: Any) -> Any:
    """Every other record is broken in another way."""
    if isinstance(payload, dict):
        return {
            key: broken(value) if isinstance(value, list) else value
            for key, value in payload.items()
        }
    if not isinstance(payload, list):
        return payload
    ruins: list[Any] = [None, 7, "text", [], {}, {"id": None}, {"id": "../../x"}, {"id": {"a": 1}}]
    return [part for item, ruin in zip(payload, ruins * 40, strict=False) for part in (ruin, item)]


async def test_records_that_are_broken_are_set_aside_and_the_rest_is_used(
    mk_house: MkHouse, mk: ManfredKunzeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    mk.faults.add(Fault(match="/api/v1/", kind="mutate", mutate=broken))
    entry = await mk_house.sign_in(mk)
    await mk_house.pass_time(130)
    aside = entry.runtime_data.inventory_coordinator.rejected
    assert aside["device: not an object"] + aside["device: id"] == len(mk.devices)
    assert float(mk_house.sensor(mk.sensor("temperature")).state) > 0
    assert [line for line in watchpost_lines(caplog) if "Unexpected" in line] == []


def odd(value: Any) -> Any:
    """The same shape, with other values in every place but ids."""
    if isinstance(value, dict):
        return {
            key: held if key == "id" or key.endswith("Id") else odd(held)
            for key, held in value.items()
        }
    if isinstance(value, list):
        return [odd(item) for item in value]
    return {str: -1, int: "x" * 5000, float: math.nan, bool: {"deep": [[[]]]}}.get(type(value), [])


async def test_values_of_any_other_kind_break_no_poll(
    mk_house: MkHouse, mk: ManfredKunzeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await mk_house.sign_in(mk)
    mk.faults.add(Fault(match="/api/v1/", kind="mutate", mutate=odd))
    await mk_house.pass_time(1000)
    assert [line for line in watchpost_lines(caplog) if "Unexpected" in line] == []
    mk.faults.clear()
    await mk_house.pass_time(1900)
    assert entry.state is ConfigEntryState.LOADED
    assert float(mk_house.sensor(mk.sensor("temperature")).state) > 0
    assert mk_house.shown(f"device-{mk.devices[0].id}", "device_status").state == "active"


async def test_a_list_that_fails_costs_no_other_and_removes_nothing(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    mk.config.absent = {"sites", "device-groups", "device-profiles", "sensor-profiles"}
    entry = await mk_house.sign_in(mk)
    assert set(told(mk_house)["TopologyFeature"]["absent"]) == {
        "sites",
        "groups",
        "device_profiles",
        "sensor_profiles",
    }
    assert float(mk_house.sensor(mk.sensor("temperature")).state) > 0
    mk.faults.add(Fault(match="/api/v1/components", kind="status", status=500))
    await mk_house.pass_time(1900)
    component = mk_house.device(f"component-{mk.components[0].id}")
    assert component is not None
    assert float(mk_house.sensor(mk.sensor("temperature")).state) > 0
    assert entry.runtime_data.inventory_coordinator.failures > 0
    mk.faults.clear()
    mk.config.absent = set()
    await mk_house.pass_time(2700)
    assert entry.runtime_data.inventory_coordinator.failures == 0
    assert told(mk_house)["TopologyFeature"]["absent"] == {}


async def test_a_limit_holds_the_whole_account(mk_house: MkHouse, mk: ManfredKunzeCloud) -> None:
    await mk_house.sign_in(mk)
    mk.faults.add(
        Fault(match="/alerts", kind="status", status=429, headers={"Retry-After": "300"}, times=1)
    )
    await mk_house.pass_time(31)
    mk.log.clear()
    await mk_house.pass_time(280)
    assert mk.log == []
    await mk_house.pass_time(120)
    assert asked(mk, "/devices")
