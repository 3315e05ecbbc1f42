"""The newest values of the Manfred Kunze platform's sensors: true, current, and frugally asked for."""

from collections import Counter
from typing import Any

from homeassistant.helpers import entity_registry as er
import pytest

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .conftest import DOMAIN
from .mk_house import MkHouse, OpenMk, asked


def readings_asked(cloud: ManfredKunzeCloud) -> list[Any]:
    return [record for record in cloud.log if "/readings/" in record.path]


async def test_a_deployment_with_batches_is_asked_once_a_minute_for_all(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    mk.log.clear()
    await mk_house.pass_time(600)
    paths = Counter(record.path.removeprefix("/api/v1") for record in mk.log)
    assert 9 <= paths["/readings/batch"] <= 10
    assert 9 <= paths["/devices"] <= 11
    assert sum("/readings/" in path for path in paths) == 1


async def test_without_batches_many_sensors_have_their_turn_within_the_budget(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"batch": "absent"}, extra_sensors=40)
    for sensor in mk.sensors:
        mk.hold(sensor, {"BOOLEAN": True, "TEXT": "here"}.get(sensor.type, 4))
    await mk_house.sign_in(mk)
    tries = [record for record in mk.log if record.path.endswith("/readings/batch")]
    assert len(tries) == 1  # and never again that day
    assert len(readings_asked(mk)) <= 41
    per_minute = []
    for _ in range(3):
        mk.log.clear()
        await mk_house.pass_time(60)
        per_minute.append(len(readings_asked(mk)))
        assert not asked(mk, "/readings/batch")
    assert max(per_minute) <= 40
    assert len(mk.sensors) == 55
    states = [
        mk_house.sensor(sensor, "binary_sensor" if sensor.type == "BOOLEAN" else "sensor").state
        for sensor in mk.sensors
    ]
    assert set(states) <= {"on", "here", "4", "4.0"}

    # After a restart too each value is shown until its sensor had its turn again.
    await mk_house.reload(mk_house.entries[0])
    await mk_house.pass_time(230)
    states = [
        mk_house.sensor(sensor, "binary_sensor" if sensor.type == "BOOLEAN" else "sensor").state
        for sensor in mk.sensors
    ]
    assert set(states) <= {"on", "here", "4", "4.0"}


async def test_a_sensor_is_not_asked_before_it_can_have_measured_again(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"batch": "absent"}, interval=900, devices=1)
    await mk_house.sign_in(mk)
    await mk_house.pass_time(120)
    mk.log.clear()
    await mk_house.pass_time(3600)
    each = Counter(record.path for record in readings_asked(mk))
    assert len(each) == len(mk.sensors)
    measuring = {sensor.id for sensor in mk.sensors if sensor.type in ("DOUBLE", "BIGINT")}
    regular = [count for path, count in each.items() if path.rsplit("/", 1)[-1] in measuring]
    assert set(regular) <= {4, 5}  # of 60 polls
    assert len(regular) < len(each)
    assert max(each.values()) <= 13  # what happens may be told at any time

    # Three cycles may be missed before a value is too old; then it is looked for now and again.
    sensor = mk.sensor("temperature")
    mk.devices[0].listen(mk.world.now, silent=True)
    await mk_house.pass_time(1700)
    assert mk_house.sensor(sensor).state != "unavailable"
    await mk_house.pass_time(1100)
    assert mk_house.sensor(sensor).state == "unavailable"
    home = f"component-{mk.components[0].id}"
    assert mk_house.shown(home, "last_measurement").state != "unavailable"
    mk.log.clear()
    await mk_house.pass_time(3600)
    each = Counter(record.path for record in readings_asked(mk))
    assert max(each.values()) <= 13


async def test_what_a_deployment_takes_and_how_often_sensors_measure_outlives_a_restart(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"batch_answer": "flat"}, interval=900, devices=1)
    entry = await mk_house.sign_in(mk)
    told = entry.runtime_data.connection.diagnostics()["ReadingsFeature"]
    assert told["regular"] == len(mk.sensors)
    await mk_house.reload(entry)
    mk.config.variants.reading = "none"  # nothing more can be learned now
    mk.faults.add(Fault(match="/readings", kind="status", status=503))
    await mk_house.reload(entry)
    told = entry.runtime_data.connection.diagnostics()["ReadingsFeature"]
    assert told["regular"] == len(mk.sensors)


async def test_what_an_offline_device_said_last_is_not_shown_as_live(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    device = mk.devices[0]
    sensor, door = mk.sensor("temperature"), mk.sensor("open")
    name = f"device-{device.id}"
    assert mk_house.shown(name, "connectivity", "binary_sensor").state == "on"
    mk.become(device, "OFFLINE")
    await mk_house.pass_time(130)
    assert mk_house.shown(name, "device_status").state == "offline"
    assert mk_house.shown(name, "connectivity", "binary_sensor").state == "off"
    assert mk_house.sensor(sensor).state == "unavailable"
    assert mk_house.sensor(door, "binary_sensor").state == "unavailable"
    other = mk.sensor("pressure", 1)
    assert float(mk_house.sensor(other).state) > 0

    mk.become(device, "MAINTENANCE")
    await mk_house.pass_time(130)
    assert mk_house.shown(name, "maintenance", "binary_sensor").state == "on"
    assert mk_house.shown(name, "connectivity", "binary_sensor").state == "unknown"
    assert float(mk_house.sensor(sensor).state) > 0

    mk.become(device, "ACTIVE")
    await mk_house.pass_time(130)
    assert mk_house.shown(name, "maintenance", "binary_sensor").state == "off"
    assert mk_house.shown(name, "connectivity", "binary_sensor").state == "on"
    assert mk_house.sensor(door, "binary_sensor").state in ("on", "off")


async def test_a_failed_poll_makes_nothing_unavailable_and_an_outage_does_when_it_is_old(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    await mk_house.pass_time(60)
    sensor = mk.sensor("temperature")
    mk.faults.add(Fault(kind="status", status=500))
    await mk_house.pass_time(90)
    assert mk_house.sensor(sensor).state != "unavailable"
    await mk_house.pass_time(180)
    assert mk_house.sensor(sensor).state == "unavailable"
    mk.faults.clear()
    await mk_house.pass_time(900)
    assert mk_house.sensor(sensor).state != "unavailable"


async def test_values_that_are_none_are_unknown_and_never_zero(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    temperature, humidity = mk.sensor("temperature"), mk.sensor("humidity")
    door, count = mk.sensor("open"), mk.sensor("co2")
    await mk_house.pass_time(60)
    mk.hold(temperature, -400.0)
    mk.hold(humidity, 375.0)
    mk.hold(door, 7)
    mk.hold(count, 10**40)
    await mk_house.pass_time(130)
    assert mk_house.sensor(temperature).state == "unknown"
    assert mk_house.sensor(humidity).state == "unknown"
    assert mk_house.sensor(door, "binary_sensor").state == "unknown"
    assert mk_house.sensor(count).state == "unknown"
    for sensor in (temperature, humidity, door, count):
        mk.release(sensor)
    mk.config.variants.reading = "none"
    await mk_house.pass_time(130)
    assert mk_house.sensor(temperature).state == "unknown"
    mk.config.variants.reading = "typed"
    await mk_house.pass_time(130)
    assert float(mk_house.sensor(temperature).state) > 0


@pytest.mark.parametrize(
    ("skew", "vendor"), [(3 * 3600, 3 * 3600), (-3 * 3600, 0), (-3 * 3600, -3 * 3600)]
)
async def test_a_device_whose_clock_is_wrong_makes_no_other_untrue(
    mk_house: MkHouse, mk: ManfredKunzeCloud, skew: int, vendor: int
) -> None:
    """A clock ahead counts from the receipt; one behind makes what it dates old, unless it is the vendor's own."""
    mk.devices[0].skew = skew
    mk.faults.add(Fault(kind="clock_skew", seconds=vendor))
    await mk_house.sign_in(mk)
    await mk_house.pass_time(300)
    sensor = mk.sensor("temperature")
    shown = mk_house.sensor(sensor).state
    assert shown == "unavailable" if skew < vendor else float(shown) > 0
    other = mk_house.sensor(mk.sensor("pressure", 1)).state
    assert float(other) > 0
    last = mk_house.shown(f"component-{mk.components[0].id}", "last_measurement").state
    assert last not in ("unknown", "unavailable")


async def test_only_what_somebody_looks_at_is_asked_for(mk_house: MkHouse, open_mk: OpenMk) -> None:
    mk = await open_mk({"batch": "absent"}, devices=1)
    entry = await mk_house.sign_in(mk)
    registry = er.async_get(mk_house.hass)
    kept = mk.sensor("temperature")
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if "sensor-" in entity.unique_id and not entity.unique_id.endswith(kept.id):
            registry.async_update_entity(
                entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
        if entity.unique_id.endswith("last_measurement"):
            registry.async_update_entity(
                entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    await mk_house.reload(entry)
    mk.log.clear()
    await mk_house.pass_time(300)
    assert {record.path for record in readings_asked(mk)} == {f"/api/v1/readings/sensor/{kept.id}"}
    assert entry.domain == DOMAIN


async def test_the_last_measurement_of_a_component_is_that_of_its_newest_sensor(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    mk.devices[0].listen(mk.world.now, silent=True)
    await mk_house.pass_time(120)
    temperature, humidity = mk.sensor("temperature"), mk.sensor("humidity")
    home = f"component-{mk.components[0].id}"
    mk.report(temperature, 21.0)
    await mk_house.pass_time(61)
    newest = mk_house.shown(home, "last_measurement").state
    mk.report(humidity, 41.0, ago=80)
    await mk_house.pass_time(61)
    assert mk_house.sensor(humidity).state == "41.0"
    assert mk_house.shown(home, "last_measurement").state == newest


async def test_what_a_reply_is_current_for_is_how_long_it_is_shown_at_least(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(devices=1, components=1)
    for path in ("/readings", "/devices"):
        headers = {"Cache-Control": "max-age=600"}
        mk.faults.add(Fault(match=path, kind="headers", headers=headers))
    entry = await mk_house.sign_in(mk)
    device = f"device-{mk.devices[0].id}"
    mk.log.clear()
    for _ in range(5):
        await mk_house.pass_time(115)
        assert mk_house.sensor(mk.sensor("temperature")).state != "unavailable"
        assert mk_house.shown(device, "device_status").state == "active"
        assert mk_house.shown(device, "uptime").state not in ("unknown", "unavailable")
    assert not [record for record in mk.log if record.path == "/api/v1/devices"]
    assert not readings_asked(mk)
    assert entry.runtime_data.connection._readings._max_age(mk.sensors[0].id).seconds == 1800
    await mk_house.pass_time(60)
    assert readings_asked(mk)
