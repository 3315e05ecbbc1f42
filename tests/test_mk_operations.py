"""How an organisation's devices are run: what comes and goes, health, configuration, firmware, quarantine."""

from typing import Any

from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .mk_house import MkHouse, OpenMk, asked


async def test_a_device_comes_without_a_reload_and_goes_after_three_lists_without_it(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    new = mk.add_device("cellar-04", status="PENDING")
    await mk_house.pass_time(90)
    name = f"device-{new.id}"
    assert mk_house.shown(name, "device_status").state == "pending"
    assert mk_house.shown(name, "connectivity", "binary_sensor").state == "unknown"
    mk.become(new, "ACTIVE")
    await mk_house.pass_time(90)
    component = next(one for one in mk.components if one.device is new)
    assert mk_house.device(f"component-{component.id}") is not None
    assert mk_house.shown(name, "device_status").state == "active"

    mk.remove_device(new)
    mk.faults.add(Fault(match="/api/v1/devices", kind="status", status=500))
    await mk_house.pass_time(1900)
    mk.faults.clear()
    assert mk_house.device(name) is not None  # lists that fail remove nothing
    await mk_house.pass_time(3700)
    assert mk_house.device(name) is None
    assert mk_house.device(f"component-{component.id}") is None


async def test_devices_stand_in_the_area_of_their_site(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    device = mk_house.device(f"device-{mk.devices[0].id}")
    assert device is not None
    area = ar.async_get(mk_house.hass).async_get_area(device.area_id or "")
    assert area is not None
    assert area.name == mk.main.table("sites")[mk.devices[0].site or ""]["name"]
    assert device.sw_version == mk.devices[0].firmware


async def test_health_is_asked_of_each_device_in_its_turn(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(devices=14, components=1)
    await mk_house.sign_in(mk)
    await mk_house.pass_time(130)
    for device in mk.devices:
        name = f"device-{device.id}"
        assert float(mk_house.shown(name, "uptime").state) > 0
        assert float(mk_house.shown(name, "readings_dropped").state) >= 0
        assert mk_house.shown(name, "connection_type").state not in ("unknown", "unavailable")
    registry = er.async_get(mk_house.hass)
    heap = registry.async_get(mk_house.entity(name, "free_heap") or "")
    assert heap is not None
    assert heap.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    mk.log.clear()
    mk.become(mk.devices[0], "OFFLINE")
    await mk_house.pass_time(1200)
    each = [len(asked(mk, f"/devices/{device.id}/health")) for device in mk.devices]
    assert each[0] <= 1  # there is nobody to ask
    assert all(3 <= times <= 4 for times in each[1:])


async def test_a_deployment_without_health_or_the_right_to_it_is_not_asked_again_that_day(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    mk.faults.add(Fault(match="/health", kind="status", status=403))
    entry = await mk_house.sign_in(mk)
    assert mk_house.entity(f"device-{mk.devices[0].id}", "uptime") is None
    times = len([record for record in mk.log if record.path.endswith("/health")])
    await mk_house.pass_time(2000)
    assert len([record for record in mk.log if record.path.endswith("/health")]) == times
    told = entry.runtime_data.connection.diagnostics()["HealthFeature"]
    assert told == {"vitals": {}, "off": "PermissionDeniedError"}


async def test_what_was_reported_of_a_wanted_configuration_is_shown_where_it_is_wanted(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    orders = mk.command_engine.of(mk.main)
    binding = next(one for one in orders.bindings.values() if one.target_type == "DEVICE")
    name, key = f"device-{binding.target}", f"binding-{binding.id}"
    state = mk_house.shown(name, key)
    assert state.state == "accepted"
    assert state.attributes["desired_version"] == state.attributes["reported_version"]
    assert str(binding.artefact["name"]) in state.attributes["friendly_name"]

    mk.config.desired_fate = "reject"
    mk.command_engine.bind(
        orders, binding.target_type, binding.target, binding.artefact, mk.world.now
    )
    await mk_house.pass_time(320)
    assert mk_house.shown(name, key).state == "rejected"
    mk.config.variants.literals = "new"
    await mk_house.pass_time(320)
    assert mk_house.shown(name, key).state == "unknown"


async def test_quarantined_payloads_are_counted_by_reason_and_unavailable_without_the_right(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk(quarantined=0)
    entry = await mk_house.sign_in(mk)
    assert mk_house.shown("account", "quarantined_payloads").state == "0"
    for reason in ("UNKNOWN_SENSOR", "OUT_OF_RANGE", "OUT_OF_RANGE", "MISSING_PROFILE", "NEW"):
        mk.reject(reason)
    await mk_house.pass_time(1000)
    state = mk_house.shown("account", "quarantined_payloads")
    assert state.state == "5"
    assert {name: state.attributes[name] for name in ("unknown_sensor", "out_of_range")} == {
        "unknown_sensor": 1,
        "out_of_range": 2,
    }
    assert (state.attributes["missing_profile"], state.attributes["other"]) == (1, 1)

    mk.config.admin = False
    await mk_house.pass_time(2720)
    # A right that is withdrawn may come back: the entity stays, and shows nothing.
    assert mk_house.shown("account", "quarantined_payloads").state == "unavailable"
    assert entry.runtime_data.inventory_coordinator.last_update_success


async def test_firmware_is_an_update_only_where_it_is_said_to_be_for_the_device(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    state = mk_house.shown(f"device-{mk.devices[0].id}", "firmware", "update")
    assert state.state == "on"
    assert state.attributes["installed_version"] == "1.4.2"
    assert state.attributes["latest_version"] == "1.5.0"
    assert state.attributes["supported_features"] == 0  # what to send for it is not published
    mk.devices[0].firmware = "1.5.0"
    await mk_house.pass_time(1000)
    state = mk_house.shown(f"device-{mk.devices[0].id}", "firmware", "update")
    assert state.state == "off"


def by_model(payload: Any) -> Any:
    """Firmware and devices that name a model each, in place of a profile."""
    for row in payload["content"]:
        row.pop("deviceProfileId", None)
        row["model"] = "Edge 7" if "name" in row else "EDGE 7"
        row.pop("createdAt", None)
    payload["content"].append({"id": "fw-0", "version": None, "model": "Edge 7"})
    return payload


async def test_firmware_may_name_a_model_and_the_greatest_number_is_the_newest(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    mk.faults.add(Fault(match="/api/v1/firmware", kind="mutate", mutate=by_model))
    await mk_house.sign_in(mk)
    name = f"device-{mk.devices[0].id}"
    assert mk_house.entity(name, "firmware", "update") is None  # no device says which model it is
    mk.faults.add(Fault(match="/api/v1/devices", kind="mutate", mutate=by_model))
    await mk_house.pass_time(1000)
    state = mk_house.shown(name, "firmware", "update")
    assert state.attributes["latest_version"] == "1.5.0"


async def test_what_a_key_may_not_see_is_not_there_and_what_fails_is_not_gone(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    groups = ("desired-state-bindings", "admin/quarantine", "firmware", "config-artefacts")
    for group in groups:
        mk.faults.add(Fault(match=f"/api/v1/{group}", kind="status", status=403))
    entry = await mk_house.sign_in(mk)
    name = f"device-{mk.devices[0].id}"
    orders = mk.command_engine.of(mk.main)
    binding = next(one for one in orders.bindings.values() if one.target_type == "DEVICE")
    key = f"binding-{binding.id}"
    assert mk_house.entity("account", "quarantined_payloads") is None
    assert mk_house.entity(name, "firmware", "update") is None
    assert mk_house.entity(name, key) is None
    assert entry.runtime_data.inventory_coordinator.last_update_success

    mk.faults.clear()
    mk.faults.add(Fault(match="/api/v1/config-artefacts", kind="status", status=403))
    await mk_house.pass_time(1000)
    assert mk_house.shown("account", "quarantined_payloads").state == "2"
    assert mk_house.shown(name, key).state == "accepted"
    mk.faults.clear()
    for group in groups:
        mk.faults.add(Fault(match=f"/api/v1/{group}", kind="status", status=418))
    await mk_house.pass_time(2800)
    for device, key_, domain in (
        ("account", "quarantined_payloads", "sensor"),
        (name, key, "sensor"),
        (name, "firmware", "update"),
    ):
        assert mk_house.entity(device, key_, domain) is not None
