"""Entities: what each kind of data source looks like, and the names that are frozen for ever."""

from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import entity_registry as er
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from simulators.faults import Fault
from simulators.sensorist import ApiVariants, SensoristCloud

from .conftest import DOMAIN, House, OpenCloud
from .outside import gateway_id, sensor_id, shown, source_id, truth


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=1, sensors=1)


def registered(house: House, unique_id: str, domain: str = "sensor") -> er.RegistryEntry:
    registry = er.async_get(house.hass)
    entity_id = registry.async_get_entity_id(domain, DOMAIN, unique_id)
    assert entity_id
    found = registry.async_get(entity_id)
    assert found
    return found


KINDS = {
    # kind: unit, device class, category, decimals, friendly name
    "temp": ("°C", "temperature", None, 1, "Storage room 1 Temperature"),
    "humi": ("%", "humidity", None, 0, "Storage room 1 Humidity"),
    "batt": ("V", "voltage", "diagnostic", 2, "Storage room 1 Battery voltage"),
    "wireless": ("%", None, "diagnostic", 0, "Storage room 1 Wireless signal"),
    "co2": ("ppm", None, None, 0, "Storage room 1 Carbon dioxide"),
    "pulse": (None, None, None, 0, "Storage room 1 Pulses"),
    "gizmo": ("u", None, None, 1, "Storage room 1 Gizmo"),
}


@pytest.mark.parametrize("kind", list(KINDS))
async def test_each_kind_has_its_unit_class_category_decimals_and_name(
    house: House, open_cloud: OpenCloud, kind: str
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=(kind,))
    await house.sign_in(cloud)
    source = cloud.find_source(kind)
    unit, device_class, category, decimals, name = KINDS[kind]

    state = house.state_of(source_id(cloud, source))
    assert float(state.state) == truth(cloud)[source.id]
    assert state.attributes.get("unit_of_measurement") == unit
    assert state.attributes.get("device_class") == device_class
    assert state.attributes["state_class"] == "measurement"
    assert state.attributes["friendly_name"] == name
    entity = registered(house, source_id(cloud, source))
    assert entity.entity_category == category
    assert entity.options["sensor"]["suggested_display_precision"] == decimals
    assert entity.disabled_by is None


UNITS = [
    ("temp", "°C", "°C", "temperature"),
    ("temp", "C", "°C", "temperature"),
    ("temp", " °c ", "°C", "temperature"),
    ("temp", "° C", "°C", "temperature"),
    ("temp", "\u2103", "°C", "temperature"),
    ("temp", "°F", "°F", "temperature"),
    ("temp", "f", "°F", "temperature"),
    ("temp", "K", "K", None),
    ("temp", None, None, None),
    ("TEMP", "°C", "°C", "temperature"),
    (" Temp ", "°C", "°C", "temperature"),
    ("humi", "%", "%", "humidity"),
    ("humi", "g/m³", "g/m³", None),
    ("batt", "V", "V", "voltage"),
    ("batt", "%", "%", "battery"),
    ("batt", "mV", "mV", None),
    ("wireless", "dBm", "dBm", None),
    (None, "°C", "°C", None),
    ("x" * 300, "y" * 300, "y" * 255, None),
]


@pytest.mark.parametrize(("kind", "unit", "shown_unit", "device_class"), UNITS)
async def test_units_are_read_as_people_write_them_and_unknown_ones_are_kept(
    house: House,
    cloud: SensoristCloud,
    kind: str | None,
    unit: str | None,
    shown_unit: str | None,
    device_class: str | None,
) -> None:
    source = cloud.find_source("temp")

    def say(payload: Any) -> Any:
        told = payload["gateways"][0]["devices"][0]["devices"][0]["type"]
        told["name"], told["unit"]["name"] = kind, unit
        return payload

    house.hass.config.units = US_CUSTOMARY_SYSTEM if shown_unit == "°F" else house.hass.config.units
    if shown_unit == "V":
        source.override = 2.8  # no battery has the volts that this sensor has degrees
    cloud.faults.add(Fault(match="/gateways", kind="mutate", mutate=say))
    await house.sign_in(cloud)

    state = house.state_of(source_id(cloud, source))
    assert float(state.state) == pytest.approx(truth(cloud)[source.id])
    assert state.attributes.get("unit_of_measurement") == shown_unit
    assert state.attributes.get("device_class") == device_class


@pytest.mark.parametrize(("form", "is_fahrenheit"), [("everywhere", True), ("user_only", False)])
async def test_a_fahrenheit_account_shows_the_same_warmth_in_celsius(
    house: House, open_cloud: OpenCloud, form: Any, is_fahrenheit: bool
) -> None:
    cloud = await open_cloud(
        gateways=1,
        sensors=1,
        kinds=("temp",),
        temp_unit="°F",
        variants=ApiVariants(fahrenheit=form),
    )
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    said = truth(cloud)[source.id]

    state = house.state_of(source_id(cloud, source))

    assert state.attributes["unit_of_measurement"] == "°C"
    expected = (said - 32) / 1.8 if is_fahrenheit else said
    assert float(state.state) == pytest.approx(expected, abs=0.06)


async def test_several_sources_of_a_kind_on_one_sensor_bear_the_vendors_titles(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp", "temp", "temp", "humi"))
    for source, title in zip(cloud.sources("temp"), ("Øverst", "Nederst", ""), strict=True):
        source.title = title
    await house.sign_in(cloud)

    names = [
        house.state_of(source_id(cloud, source)).attributes["friendly_name"]
        for source in cloud.sources()
    ]
    assert names == [
        "Storage room 1 Øverst",
        "Storage room 1 Nederst",
        "Storage room 1 temp",
        "Storage room 1 Humidity",
    ]
    classes = {
        house.state_of(source_id(cloud, source)).attributes["device_class"]
        for source in cloud.sources("temp")
    }
    assert classes == {"temperature"}


async def test_a_source_of_an_unknown_kind_follows_the_vendors_new_title(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("gizmo",))
    await house.sign_in(cloud)
    source = cloud.find_source("gizmo")
    source.title = "Tank level"

    await house.pass_time(2000)

    state = house.state_of(source_id(cloud, source))
    assert state.attributes["friendly_name"] == "Storage room 1 Tank level"


async def test_connectivity_is_on_off_or_unknown_and_never_off_for_want_of_a_word(
    house: House, cloud: SensoristCloud
) -> None:
    gateway = cloud.gateways[0]
    sensor = gateway.sensors[0]
    gateway_key = gateway_id(cloud, gateway, "connectivity")
    sensor_key = sensor_id(cloud, sensor, "connectivity")
    await house.sign_in(cloud)
    state = house.state_of(gateway_key, "binary_sensor")
    assert (state.state, state.attributes["device_class"]) == ("on", "connectivity")
    assert registered(house, gateway_key, "binary_sensor").entity_category == "diagnostic"

    gateway.online = False
    await house.pass_time(950)
    assert house.state_of(gateway_key, "binary_sensor").state == "off"
    assert house.state_of(sensor_key, "binary_sensor").state == "on"

    cloud.faults.add(
        Fault(match="/gateways", kind="mutate", mutation="missing_field:gateways.disconnected_date")
    )
    await house.pass_time(950)
    assert house.state_of(gateway_key, "binary_sensor").state == STATE_UNKNOWN

    cloud.faults.clear()
    gateway.online = True
    await house.pass_time(950)
    assert house.state_of(gateway_key, "binary_sensor").state == "on"


async def test_connectivity_is_not_shown_as_live_when_the_list_fails_for_long(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    key = gateway_id(cloud, cloud.gateways[0], "connectivity")
    cloud.faults.add(Fault(match="/gateways", kind="status", status=500))

    await house.pass_time(3 * 900 + 10)
    assert house.state_of(key, "binary_sensor").state == STATE_UNAVAILABLE

    cloud.faults.clear()
    await house.pass_time(1000)
    assert house.state_of(key, "binary_sensor").state == "on"


async def test_the_last_measurement_is_the_time_of_the_sensors_newest_value(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    sensor = cloud.gateways[0].sensors[0]

    state = house.state_of(sensor_id(cloud, sensor, "last_measurement"))

    rows = [cloud.truth(source.id) for source in sensor.sources]
    newest = max(row.date for row in rows if row)
    assert state.state == newest.isoformat()
    assert state.attributes["device_class"] == "timestamp"
    assert registered(house, sensor_id(cloud, sensor, "last_measurement")).entity_category == (
        "diagnostic"
    )
    assert state.attributes["friendly_name"] == "Storage room 1 Last measurement"


async def test_unique_ids_and_device_identifiers_are_frozen(
    house: House, open_cloud: OpenCloud, snapshot: SnapshotAssertion
) -> None:
    """Whoever changes this snapshot takes every user's history, names and automations away."""
    snapshot = snapshot.use_extension(HomeAssistantSnapshotExtension)
    cloud = await open_cloud(gateways=1, slaves=1, sensors=1, kinds=(*KINDS,))
    entry = await house.sign_in(cloud)

    assert entry.unique_id == snapshot(name="entry")
    assert sorted(
        identifier for device in house.devices(entry) for identifier in device.identifiers
    ) == snapshot(name="devices")
    entities = er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    assert sorted((e.domain, e.unique_id) for e in entities) == snapshot(name="entities")


async def test_nothing_changes_its_name_or_id_over_a_reload(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    registry = er.async_get(house.hass)
    before = er.async_entries_for_config_entry(registry, entry.entry_id)

    await house.reload(entry)

    after = er.async_entries_for_config_entry(registry, entry.entry_id)
    assert [(e.entity_id, e.unique_id, e.device_id) for e in after] == [
        (e.entity_id, e.unique_id, e.device_id) for e in before
    ]
    assert not {STATE_UNAVAILABLE, STATE_UNKNOWN} & set(shown(house, cloud).values())
