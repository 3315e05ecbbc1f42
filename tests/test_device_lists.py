"""What a list that fails, is cut short or comes empty does to the devices that it would name: nothing."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensit import SensitCloud
from simulators.sensorist import SensoristCloud
from simulators.sensorzone import SensorZoneCloud

from . import zone as zones
from .conftest import House
from .mk_house import MkHouse
from .sensit_house import (
    LIST,
    SensitHouse,
)
from .zone import open_zone_fixture, zone_fixture  # noqa: F401

FOUR_LISTS = 4 * 920


def things(house: House, entry: ConfigEntry) -> set[str]:
    """The devices and entities of an account, by the registries' ids and what they are about."""
    entities = er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    return {f"{found.id} {found.name}" for found in house.devices(entry)} | {
        f"{found.id} {found.unique_id}" for found in entities
    }


async def reloaded_with(house: House, entry: ConfigEntry, cloud: Any, fault: Fault) -> set[str]:
    """Load the account anew with a fault that stands for more than three lists; what is there after."""
    house.freezer.tick(1000)  # nothing is answered from the cache
    cloud.faults.add(fault)
    await house.reload(entry)
    await house.pass_time(FOUR_LISTS)
    return things(house, entry)


@pytest.mark.parametrize("match", ["/cameras", "/sites", "/components", "/sensors", "/firmware"])
@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 404}, {"kind": "root", "value": []}],
    ids=["failing", "missing", "empty"],
)
async def test_a_bad_list_of_the_platform_at_a_reload_removes_nothing(
    mk_house: MkHouse, mk: ManfredKunzeCloud, match: str, fault: dict[str, Any]
) -> None:
    entry = await mk_house.sign_in(mk)
    before = things(mk_house, entry)

    after = await reloaded_with(mk_house, entry, mk, Fault(match=f"/api/v1{match}", **fault))

    assert after == before


@pytest.mark.parametrize(
    "fault",
    [
        Fault(match="/worksites", kind="status", status=404),
        Fault(match="/entities", kind="status", status=404),
        Fault(match="/entities", kind="root", value=[]),
        Fault(match="/projects", kind="root", value=[]),
    ],
    ids=["no-worksites", "no-entities", "entities-empty", "projects-empty"],
)
async def test_a_bad_list_of_sensorzone_at_a_reload_removes_nothing(
    house: House, zone: SensorZoneCloud, fault: Fault
) -> None:
    entry = await zones.sign_in(house, zone)
    before = things(house, entry)

    assert await reloaded_with(house, entry, zone, fault) == before


async def test_an_account_that_suddenly_lists_nothing_keeps_its_devices(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    before = {found.id for found in house.devices(entry)}

    empty = Fault(match="/gateways", kind="root", value={"code": 200, "gateways": []})
    await reloaded_with(house, entry, cloud, empty)
    assert {found.id for found in house.devices(entry)} == before


async def test_an_empty_list_of_monitors_keeps_them(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)
    before = {found.id for found in sensit_house.devices(entry)}

    await reloaded_with(sensit_house, entry, sensit, Fault(match=LIST, kind="root", value=[]))
    assert {found.id for found in sensit_house.devices(entry)} == before


async def test_the_delete_button_works_while_another_list_fails(
    mk_house: MkHouse, mk: ManfredKunzeCloud, hass_ws_client: Any
) -> None:
    async def delete(name: str) -> bool:
        found = mk_house.device(name)
        assert found
        await client.send_json_auto_id(
            {"type": "config/device_registry/remove", "device_id": found.id}
        )
        return bool((await client.receive_json())["success"])

    entry = await mk_house.sign_in(mk)
    await async_setup_component(mk_house.hass, "config", {})
    client = await hass_ws_client(mk_house.hass)
    gone, listed, *_ = mk.components
    mk_house.freezer.tick(1000)
    mk.faults.add(Fault(match="/api/v1/cameras", kind="status", status=500))
    del mk.main.components[gone.id]
    await mk_house.reload(entry)

    camera = next(
        identifier.split(":")[-1]
        for found in mk_house.devices(entry)
        for _, identifier in found.identifiers
        if ":camera-" in identifier
    )
    assert not await delete(camera)  # its list was not read: nobody knows
    assert not await delete(f"component-{listed.id}")
    assert await delete(f"component-{gone.id}")
