"""Devices: how they hang together, come, change and go."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud, credentials
from .outside import source_id, truth

LIST = 950  # seconds in which one more list is read


def device(house: House, cloud: SensoristCloud, name: str) -> dr.DeviceEntry | None:
    identifier = (DOMAIN, f"sensorist:{cloud.user.id}:{name}")
    return next(
        (d for e in house.entries for d in house.devices(e) if identifier in d.identifiers), None
    )


def names(house: House) -> set[str | None]:
    return {found.name for entry in house.entries for found in house.devices(entry)}


async def test_devices_hang_from_account_gateway_and_slave_as_the_vendor_says(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, slaves=1, sensors=1)
    await house.sign_in(cloud)
    master, slave = cloud.gateways
    assert slave.master_id == master.id

    account = device(house, cloud, "account")
    above = device(house, cloud, f"gateway-{master.id}")
    below = device(house, cloud, f"gateway-{slave.id}")
    sensor = device(house, cloud, f"sensor-{slave.sensors[0].id}")
    assert account
    assert above
    assert below
    assert sensor
    assert [found.via_device_id for found in (account, above, below, sensor)] == [
        None,
        account.id,
        above.id,
        below.id,
    ]
    assert account.entry_type is dr.DeviceEntryType.SERVICE
    assert (above.serial_number, above.sw_version, above.model) == (
        master.serial,
        master.firmware,
        "B16",
    )
    assert (sensor.serial_number, sensor.sw_version, sensor.model) == (
        slave.sensors[0].serial,
        "1.99",
        "S2.0",
    )
    for found in (account, above, below, sensor):
        assert found.manufacturer == "Sensorist"
        assert found.configuration_url == "https://my.sensorist.com/"


async def test_what_is_new_at_the_vendor_appears_without_a_reload_and_with_values(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    gateway = cloud.add_gateway("Attic", sensors=2)

    await house.pass_time(3 * LIST)

    assert {"Attic", gateway.sensors[0].title} <= names(house)
    source = gateway.sensors[1].source("temp")
    shown = float(house.state_of(source_id(cloud, source)).state)
    assert shown == pytest.approx(truth(cloud)[source.id])


async def test_a_new_sensor_and_a_new_source_appear_without_a_reload(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, pairing_finds=1)
    await house.sign_in(cloud)
    (gateway,) = cloud.gateways
    hidden = gateway.sensors[0].sources.pop()
    entry = house.entries[0]
    await house.pass_time(4 * LIST)
    known = er.async_get(house.hass).async_get_entity_id("sensor", DOMAIN, source_id(cloud, hidden))
    assert known is None  # a source goes after three lists, as a device does

    gateway.sensors[0].sources.append(hidden)
    await house.pass_time(2 * LIST)

    assert float(house.state_of(source_id(cloud, hidden)).state) == truth(cloud)[hidden.id]
    assert len(house.devices(entry)) == 3


async def test_a_gateway_missing_from_two_lists_keeps_its_devices_and_what_the_user_made_of_them(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    gateway = cloud.gateways[1]
    area = ar.async_get(house.hass).async_create("Cellar")
    found = device(house, cloud, f"gateway-{gateway.id}")
    assert found
    dr.async_get(house.hass).async_update_device(found.id, name_by_user="Mine", area_id=area.id)
    source = gateway.sensors[0].source("temp")
    entity_id = house.state_of(source_id(cloud, source)).entity_id
    er.async_get(house.hass).async_update_entity(entity_id, new_entity_id="sensor.my_own")

    cloud.remove_gateway(gateway.id)
    await house.pass_time(2 * LIST)
    cloud.restore_gateway(gateway.id)
    await house.pass_time(2 * LIST)

    again = device(house, cloud, f"gateway-{gateway.id}")
    assert again
    assert (again.id, again.name_by_user, again.area_id) == (found.id, "Mine", area.id)
    state = house.hass.states.get("sensor.my_own")
    assert state
    assert float(state.state) == pytest.approx(truth(cloud)[source.id])
    assert len(house.devices(entry)) == 7


async def test_a_gateway_goes_with_all_that_hangs_from_it_after_three_full_lists(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    gateway = cloud.gateways[1]
    titles = {gateway.title, *(sensor.title for sensor in gateway.sensors)}
    cloud.remove_gateway(gateway.id)

    await house.pass_time(2 * LIST)
    assert titles <= names(house)
    await house.pass_time(2 * LIST)

    assert not titles & names(house)
    gone = {str(sensor.id) for sensor in gateway.sensors} | {str(gateway.id)}
    left = er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    assert not [e for e in left if e.unique_id.split(":")[2].split("-")[1] in gone]
    cloud.log.clear()
    await house.pass_time(2 * LIST)
    assert {record.status for record in cloud.log} == {200}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(match="/gateways", kind="status", status=500),
        Fault(match="/gateways", kind="root", value={"code": 200, "gateways": None}),
        Fault(match="/gateways", kind="root", value={"code": 200}),
        Fault(match="/gateways", kind="root", value={"code": 200, "gateways": [7]}),
        Fault(match="/gateways", kind="root", value={"code": 200, "gateways": {}}),
        Fault(match="/gateways", kind="root", value=[]),
    ],
    ids=["failed", "null", "missing", "no-objects", "empty-object", "bare-list"],
)
async def test_lists_that_failed_or_are_partial_remove_nothing(
    house: House, cloud: SensoristCloud, fault: Fault
) -> None:
    entry = await house.sign_in(cloud)
    before = {found.id for found in house.devices(entry)}
    cloud.faults.add(fault)

    await house.pass_time(6 * LIST)

    assert {found.id for found in house.devices(entry)} == before


async def test_what_went_while_home_assistant_was_down_goes_after_three_lists_too(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    gateway = cloud.gateways[1]
    await house.hass.config_entries.async_unload(entry.entry_id)
    cloud.remove_gateway(gateway.id)
    house.freezer.tick(7200)

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()
    assert gateway.title in names(house)
    await house.pass_time(3 * LIST)

    assert gateway.title not in names(house)
    assert entry.state is ConfigEntryState.LOADED


@pytest.fixture
async def delete(house: House, hass_ws_client: Any) -> Any:
    """The Delete button of a device's page; tells whether the device went."""
    await async_setup_component(house.hass, "config", {})

    async def delete(found: dr.DeviceEntry) -> bool:
        client = await hass_ws_client(house.hass)
        await client.send_json_auto_id(
            {"type": "config/device_registry/remove", "device_id": found.id}
        )
        reply = await client.receive_json()
        assert reply.get("error", {}).get("code") in (None, "home_assistant_error"), reply
        return bool(reply["success"])

    return delete


async def test_the_delete_button_refuses_what_is_listed_and_takes_what_is_not(
    house: House, cloud: SensoristCloud, delete: Any
) -> None:
    entry = await house.sign_in(cloud)
    for found in house.devices(entry):
        assert not await delete(found)
    gateway = cloud.gateways[1]
    cloud.remove_gateway(gateway.id)
    await house.pass_time(LIST)

    for name in (f"sensor-{gateway.sensors[0].id}", f"gateway-{gateway.id}"):
        found = device(house, cloud, name)
        assert found
        assert await delete(found)
        assert device(house, cloud, name) is None

    kept = device(house, cloud, f"gateway-{cloud.gateways[0].id}")
    assert kept
    assert not await delete(kept)
    await house.pass_time(4 * LIST)
    assert entry.state is ConfigEntryState.LOADED


async def test_what_was_deleted_by_hand_comes_back_when_the_vendor_lists_it_again(
    house: House, cloud: SensoristCloud, delete: Any
) -> None:
    await house.sign_in(cloud)
    gateway = cloud.gateways[1]
    cloud.remove_gateway(gateway.id)
    await house.pass_time(LIST)
    for name in (*(f"sensor-{s.id}" for s in gateway.sensors), f"gateway-{gateway.id}"):
        found = device(house, cloud, name)
        assert found
        assert await delete(found)

    cloud.restore_gateway(gateway.id)
    await house.pass_time(3 * LIST)

    assert device(house, cloud, f"gateway-{gateway.id}")
    source = gateway.sensors[0].source("temp")
    assert house.state_of(source_id(cloud, source)).state != STATE_UNAVAILABLE


async def test_the_delete_button_answers_while_the_account_is_not_set_up(
    house: House, cloud: SensoristCloud, delete: Any
) -> None:
    entry = await house.sign_in(cloud)
    cloud.faults.add(Fault(kind="status", status=500))
    house.freezer.tick(1000)
    await house.reload(entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    found = device(house, cloud, "account")
    assert found

    assert not await delete(found)


async def test_a_sensor_that_moved_to_another_gateway_keeps_its_entities_and_gets_readings(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    one, other = cloud.gateways
    sensor = one.sensors[0]
    source = sensor.source("temp")
    entity_id = house.state_of(source_id(cloud, source)).entity_id
    one.sensors.remove(sensor)
    other.sensors.append(sensor)
    sensor.gateway = other

    await house.pass_time(4 * LIST)

    state = house.state_of(source_id(cloud, source))
    assert state.entity_id == entity_id
    assert float(state.state) == pytest.approx(truth(cloud)[source.id])
    found, above = (
        device(house, cloud, f"sensor-{sensor.id}"),
        device(house, cloud, f"gateway-{other.id}"),
    )
    assert found
    assert above
    assert found.via_device_id == above.id
    await house.pass_time(4 * 3600)
    assert house.state_of(source_id(cloud, source)).state != STATE_UNAVAILABLE


async def test_a_new_title_at_the_vendor_is_taken_over_and_the_users_own_name_stays(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    gateway = cloud.gateways[0]
    sensor = gateway.sensors[0]
    mine = device(house, cloud, f"sensor-{sensor.id}")
    assert mine
    dr.async_get(house.hass).async_update_device(mine.id, name_by_user="My freezer")
    gateway.title, sensor.title = "Kølehus ❄", "Fryser"

    await house.pass_time(2 * LIST)

    mine = device(house, cloud, f"sensor-{sensor.id}")
    theirs = device(house, cloud, f"gateway-{gateway.id}")
    assert mine
    assert theirs
    assert (theirs.name, mine.name, mine.name_by_user) == ("Kølehus ❄", "Fryser", "My freezer")


async def test_a_blank_title_falls_back_to_the_serial_number(
    house: House, cloud: SensoristCloud
) -> None:
    gateway = cloud.gateways[0]
    gateway.title = "  "
    gateway.sensors[0].title = ""
    await house.sign_in(cloud)

    assert {f"Gateway {gateway.serial}", f"Sensor {gateway.sensors[0].serial}"} <= names(house)


async def test_removing_the_account_leaves_nothing(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert house.devices(entry) == []
    assert house.states() == []
    asked = len(cloud.log)
    await house.pass_time(4000)
    assert len(cloud.log) == asked
    result = await house.submit(await house.start_flow(), credentials(cloud))
    assert result["result"].state is ConfigEntryState.LOADED
