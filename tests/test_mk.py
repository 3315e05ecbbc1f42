"""The Manfred Kunze platform's devices and entities as Home Assistant shows them."""

from homeassistant.helpers import entity_registry as er
from syrupy.assertion import SnapshotAssertion

from simulators.manfred_kunze import ManfredKunzeCloud

from .mk_house import MkHouse, OpenMk


async def test_devices_and_components_hang_from_each_other(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)
    assert entry.unique_id == f"manfred_kunze:{mk.main.id}"
    account = mk_house.device("account")
    gateway = mk_house.device(f"device-{mk.devices[0].id}")
    component = mk_house.device(f"component-{mk.components[0].id}")
    assert account is not None
    assert gateway is not None
    assert component is not None
    assert gateway.name == mk.devices[0].name
    assert gateway.via_device_id == account.id
    assert component.name == mk.components[0].name
    assert component.via_device_id == gateway.id


async def test_unique_ids_and_device_identifiers_are_frozen(
    mk_house: MkHouse, open_mk: OpenMk, snapshot: SnapshotAssertion
) -> None:
    mk = await open_mk(devices=3)
    entry = await mk_house.sign_in(mk)
    entities = er.async_entries_for_config_entry(er.async_get(mk_house.hass), entry.entry_id)
    assert sorted((entity.domain, entity.unique_id) for entity in entities) == snapshot
    devices = mk_house.devices(entry)
    assert sorted(list(device.identifiers) for device in devices) == snapshot


async def test_how_long_values_of_unknown_interval_are_shown_is_chosen(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"batch": "absent"}, devices=1, interval=100_000, history_days=0)
    entry = await mk_house.sign_in(mk, shown_for=30)
    assert entry.options["shown_for"] == 30
    sensor = mk.sensor("temperature")
    mk.hold(sensor, 21.5)
    await mk_house.pass_time(360)
    assert mk_house.sensor(sensor).state == "21.5"
    await mk_house.pass_time(1200)
    assert mk_house.sensor(sensor).state == "21.5"
    await mk_house.pass_time(600)
    assert mk_house.sensor(sensor).state == "unavailable"
