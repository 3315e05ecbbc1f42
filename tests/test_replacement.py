"""Hardware that was replaced: offered in a repair, which keeps what stood in its place."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from custom_components.watchpost.replacements import Replacements
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensit import SensitCloud
from simulators.sensorist import SensoristCloud
from simulators.sensorist.fixtures import build_sensor
from simulators.sensorist.source_types import FAHRENHEIT_UNIT

from .conftest import DOMAIN, House
from .mk_house import MkHouse
from .outside import source_id, truth
from .sensit_house import SensitHouse
from .test_devices import LIST, device


class Repairs:
    """The repairs of Home Assistant as its frontend sees them."""

    def __init__(self, hass: HomeAssistant, client: Any, user: Any) -> None:
        self._hass = hass
        self._client = client
        self._user = user

    def open(self) -> list[str]:
        return [
            issue_id
            for (domain, issue_id), issue in ir.async_get(self._hass).issues.items()
            if domain == DOMAIN and issue_id.startswith("hardware_replaced") and issue.active
        ]

    async def _post(self, path: str, fields: dict[str, str]) -> dict[str, Any]:
        # Time goes by in these tests, so that a token of the beginning is over.
        auth = self._hass.auth
        refresh = await auth.async_create_refresh_token(self._user, "https://example.com/")
        bearer = {"Authorization": f"Bearer {auth.async_create_access_token(refresh)}"}
        reply = await self._client.post(path, json=fields, headers=bearer)
        assert reply.status == HTTPStatus.OK
        auth.async_remove_refresh_token(refresh)
        shown: dict[str, Any] = await reply.json()
        return shown

    async def start(self, issue_id: str) -> dict[str, Any]:
        return await self._post(
            "/api/repairs/issues/fix", {"handler": DOMAIN, "issue_id": issue_id}
        )

    async def choose(self, flow: dict[str, Any], choice: str) -> dict[str, Any]:
        path = f"/api/repairs/issues/fix/{flow['flow_id']}"
        return await self._post(path, {"next_step_id": choice})


@pytest.fixture
async def repairs(house: House, hass_client_no_auth: Any, hass_admin_user: Any) -> Repairs:
    for name in (DOMAIN, "repairs"):
        await async_setup_component(house.hass, name, {})
    return Repairs(house.hass, await hass_client_no_auth(), hass_admin_user)


def replace_sensor(cloud: SensoristCloud, old: Any, **other: Any) -> Any:
    """Put a new sensor in the place of an old one, under the same serial number and title."""
    gateway = old.gateway
    new = build_sensor(gateway, **other)
    new.serial, new.title = old.serial, old.title
    gateway.sensors.remove(old)
    return new


def entity_of(house: House, cloud: SensoristCloud, source: Any) -> er.RegistryEntry | None:
    registry = er.async_get(house.hass)
    entity_id = registry.async_get_entity_id("sensor", DOMAIN, source_id(cloud, source))
    return registry.async_get(entity_id) if entity_id else None


async def replaced(
    house: House, cloud: SensoristCloud, **other: Any
) -> tuple[ConfigEntry, Any, Any]:
    """An account of which a sensor was just replaced."""
    entry = await house.sign_in(cloud)
    await house.pass_time(LIST)
    old = cloud.gateways[0].sensors[0]
    new = replace_sensor(cloud, old, **other)
    await house.pass_time(LIST)
    return entry, old, new


async def test_same_place_keeps_the_old_entities_and_shows_the_new_device(
    house: House, cloud: SensoristCloud, repairs: Repairs
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(LIST)
    old = cloud.gateways[0].sensors[0]
    registry, devices = er.async_get(house.hass), dr.async_get(house.hass)
    before = entity_of(house, cloud, old.source("temp"))
    mine = entity_of(house, cloud, old.source("humi"))
    events = registry.async_get_entity_id(
        "event", DOMAIN, f"sensorist:{cloud.user.id}:sensor-{old.id}:events"
    )
    assert before
    assert mine
    assert events
    registry.async_update_entity(mine.entity_id, new_entity_id="sensor.my_own", name="Mine")
    at_home = device(house, cloud, f"sensor-{old.id}")
    assert at_home
    devices.async_update_device(at_home.id, name_by_user="Freezer", labels={"cold"})
    new = replace_sensor(cloud, old)

    await house.pass_time(4 * LIST)

    twin = entity_of(house, cloud, new.source("temp"))
    assert twin
    assert twin.entity_id.endswith("_2")
    assert device(house, cloud, f"sensor-{old.id}")  # not removed while the repair is open
    (issue,) = repairs.open()
    flow = await repairs.start(issue)
    assert flow["menu_options"] == ["same_place", "another_device"]
    told = flow["description_placeholders"]
    assert (told["old_serial"], told["new_serial"]) == (old.serial, new.serial)
    assert told["old_name"] == "Freezer"
    assert int(told["old_entities"]) == int(told["new_entities"]) > 0
    done = await repairs.choose(flow, "same_place")
    assert done["type"] == "create_entry"
    await house.settle()
    await house.pass_time(LIST)

    now = entity_of(house, cloud, new.source("temp"))
    assert now
    assert (now.id, now.entity_id) == (before.id, before.entity_id)
    kept = registry.async_get("sensor.my_own")
    assert kept
    assert (kept.id, kept.name) == (mine.id, "Mine")
    assert registry.async_get(twin.entity_id) is None
    assert registry.async_get(events).unique_id.split(":")[2] == f"sensor-{new.id}"
    after = device(house, cloud, f"sensor-{new.id}")
    assert after
    assert (after.id, after.name_by_user, after.labels) == (
        at_home.id,
        "Freezer",
        {"cold"},
    )
    assert device(house, cloud, f"sensor-{old.id}") is None
    state = house.hass.states.get(before.entity_id)
    assert state
    assert float(state.state) == pytest.approx(truth(cloud)[new.source("temp").id])
    assert not repairs.open()
    await house.pass_time(4 * LIST)
    assert {e.device_id for e in (registry.async_get("sensor.my_own"), now)} == {after.id}
    assert not repairs.open()


async def test_another_device_moves_nothing_and_is_never_offered_again(
    house: House, cloud: SensoristCloud, repairs: Repairs
) -> None:
    entry, old, new = await replaced(house, cloud)
    unique_ids = {
        found.unique_id
        for found in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    }
    (issue,) = repairs.open()

    await repairs.choose(await repairs.start(issue), "another_device")
    await house.reload(entry)
    await house.pass_time(LIST)

    assert not repairs.open()
    assert unique_ids == {
        found.unique_id
        for found in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    }
    await house.pass_time(3 * LIST)
    assert device(house, cloud, f"sensor-{old.id}") is None
    assert device(house, cloud, f"sensor-{new.id}")
    assert not repairs.open()


async def test_nothing_is_offered_while_both_are_listed_and_the_offer_goes_when_the_old_one_is_back(
    house: House, cloud: SensoristCloud, repairs: Repairs
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(LIST)
    old = cloud.gateways[0].sensors[0]
    new = replace_sensor(cloud, old)
    new.gateway.sensors.append(old)
    await house.pass_time(LIST)
    assert device(house, cloud, f"sensor-{new.id}")
    assert not repairs.open()

    new.gateway.sensors.remove(old)
    await house.pass_time(LIST)
    (issue,) = repairs.open()
    flow = await repairs.start(issue)
    new.gateway.sensors.append(old)
    await house.pass_time(LIST)
    assert not repairs.open()
    late = await repairs.choose(flow, "same_place")
    assert (late["type"], late["reason"]) == ("abort", "no_longer_offered")


async def test_nothing_is_offered_where_two_old_ones_fit(
    house: House, cloud: SensoristCloud, repairs: Repairs
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(LIST)
    one, other = cloud.gateways[0].sensors
    other.serial = one.serial
    await house.pass_time(LIST)
    replace_sensor(cloud, one)
    cloud.gateways[0].sensors.remove(other)

    await house.pass_time(LIST)

    assert not repairs.open()


async def test_an_entity_of_another_kind_is_not_taken_over(
    house: House, cloud: SensoristCloud, repairs: Repairs
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(LIST)
    old = cloud.gateways[0].sensors[0]
    new = replace_sensor(cloud, old, kinds=("temp", "humi"))
    unit_id, unit = FAHRENHEIT_UNIT
    new.sources[0].kind = replace(new.sources[0].kind, unit_id=unit_id, unit=unit)
    await house.pass_time(LIST)
    before = entity_of(house, cloud, old.source("temp"))
    twin = entity_of(house, cloud, new.sources[0])
    (issue,) = repairs.open()
    kept = device(house, cloud, f"sensor-{old.id}")
    assert before
    assert twin
    assert kept

    await repairs.choose(await repairs.start(issue), "same_place")
    await house.settle()

    after = entity_of(house, cloud, new.sources[0])
    assert after
    assert after.id == twin.id
    assert after.device_id == kept.id
    assert entity_of(house, cloud, old.source("temp"))
    assert entry.state is ConfigEntryState.LOADED


async def test_chosen_gateways_follow_their_replacement(
    house: House, cloud: SensoristCloud, repairs: Repairs
) -> None:
    _, other = cloud.gateways
    entry = await house.sign_in(cloud, with_slaves=True, gateways=[str(other.id)])
    await house.pass_time(LIST)
    source = other.sensors[0].source("temp")
    before, gateway = entity_of(house, cloud, source), device(house, cloud, f"gateway-{other.id}")
    assert before
    assert gateway
    new = cloud.add_gateway(other.title, sensors=0)
    new.serial = other.serial
    for sensor in list(other.sensors):
        other.sensors.remove(sensor)
        new.sensors.append(sensor)
        sensor.gateway = new
    cloud.remove_gateway(other.id)
    await house.pass_time(2 * LIST)

    (issue,) = repairs.open()
    await repairs.choose(await repairs.start(issue), "same_place")
    await house.settle()
    await house.pass_time(LIST)

    assert entry.options["gateways"] == [str(new.id)]
    after = device(house, cloud, f"gateway-{new.id}")
    assert after
    assert after.id == gateway.id
    now = entity_of(house, cloud, source)
    assert now
    assert now.id == before.id


@pytest.mark.parametrize(
    "left_out",
    [
        ("async_carry_out", dict),
        ("_move_device", lambda: None),
        ("_move_entities", dict),
        ("_follow", lambda: None),
    ],
    ids=["decided", "entities", "device", "done"],
)
async def test_what_was_interrupted_is_done_by_the_next_start(
    house: House, cloud: SensoristCloud, repairs: Repairs, left_out: tuple[str, Any]
) -> None:
    """A kill leaves the decision and one registry, or none, or both: each ends in the same."""
    entry, old, new = await replaced(house, cloud)
    before = entity_of(house, cloud, old.source("temp"))
    kept = device(house, cloud, f"sensor-{old.id}")
    assert before
    assert kept
    (issue,) = repairs.open()
    name, empty = left_out
    with patch.object(Replacements, name, lambda *_: empty(), create=True):
        await repairs.choose(await repairs.start(issue), "same_place")
        await house.settle()
    assert not repairs.open()

    await house.reload(entry)
    await house.pass_time(4 * LIST)

    now = entity_of(house, cloud, new.source("temp"))
    after = device(house, cloud, f"sensor-{new.id}")
    assert now
    assert after
    assert (now.id, now.entity_id) == (before.id, before.entity_id)
    assert after.id == kept.id == now.device_id
    assert device(house, cloud, f"sensor-{old.id}") is None
    left = er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    assert not [found for found in left if found.entity_id.endswith("_2")]


async def test_a_decision_file_of_another_shape_is_said_once_and_begun_anew(
    house: House, cloud: SensoristCloud, hass_storage: dict[str, Any], caplog: Any
) -> None:
    entry = await house.sign_in(cloud)
    for data in ([], {"decided": 7}, {"declined": [["one"]]}, {"last_listed": {"a": "b"}}):
        await house.hass.config_entries.async_unload(entry.entry_id)
        key = f"{DOMAIN}.{entry.entry_id}.replacements"
        hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
        caplog.clear()
        await house.hass.config_entries.async_setup(entry.entry_id)
        await house.settle()
        assert entry.state is ConfigEntryState.LOADED
        if data:
            assert caplog.text.count("what was decided of replaced devices is lost") == 1


async def carry_on(house: House, repairs: Repairs) -> None:
    """Say of the one open repair that it is the same place."""
    (issue,) = repairs.open()
    await repairs.choose(await repairs.start(issue), "same_place")
    await house.settle()


async def test_a_monitor_of_the_same_name_and_model_carries_on(
    sensit_house: SensitHouse, sensit: SensitCloud, repairs: Repairs
) -> None:
    entry = await sensit_house.sign_in(sensit)
    await sensit_house.pass_time(700)
    old = sensit.monitors[0]
    before = sensit_house.entity(sensit, old.uuid, "status")
    assert before
    new = sensit.add_monitor(old.type)
    new.name, new.location = old.name, old.location
    sensit.remove_monitor(old.uuid)
    await sensit_house.pass_time(1200)

    await carry_on(sensit_house, repairs)
    await sensit_house.pass_time(1200)

    assert sensit_house.entity(sensit, new.uuid, "status") == before
    left = er.async_entries_for_config_entry(er.async_get(sensit_house.hass), entry.entry_id)
    assert not [found for found in left if found.entity_id.endswith("_2")]


async def test_a_device_of_the_platform_with_the_same_serial_number_carries_on(
    mk_house: MkHouse, mk: ManfredKunzeCloud, repairs: Repairs
) -> None:
    await mk_house.sign_in(mk)
    await mk_house.pass_time(LIST)
    old = mk.devices[0]
    kept = mk_house.device(f"device-{old.id}")
    before = mk_house.entity(f"device-{old.id}", "device_status")
    assert kept
    assert before
    mk.remove_device(old)
    new = mk.add_device(old.name)
    new.metadata = dict(old.metadata)
    await mk_house.pass_time(2 * LIST)

    await carry_on(mk_house, repairs)

    after = mk_house.device(f"device-{new.id}")
    assert after
    assert after.id == kept.id
    assert mk_house.entity(f"device-{new.id}", "device_status") == before
