"""What SENSIT Connect's monitors show in Home Assistant, and how they are signed in to."""

from datetime import UTC, datetime
import json
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.icon import async_get_icons
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest
from syrupy.assertion import SnapshotAssertion

from simulators.faults import Fault
from simulators.sensit import SensitCloud

from .conftest import DOMAIN, credentials, watchpost_lines
from .outside import download, mishaps
from .sensit_house import (
    LIST,
    OpenSensit,
    SensitHouse,
    asked,
    log_requests,
)
from .test_texts import assert_has_texts

CALM = 375


async def test_unique_ids_and_device_identifiers_are_frozen(
    sensit_house: SensitHouse, open_sensit: OpenSensit, snapshot: SnapshotAssertion
) -> None:
    cloud = await open_sensit(spods=1, fmds=2, ramps=1)
    entry = await sensit_house.sign_in(cloud)

    entities = er.async_entries_for_config_entry(er.async_get(sensit_house.hass), entry.entry_id)
    assert sorted((entity.domain, entity.unique_id) for entity in entities) == snapshot
    devices = sensit_house.devices(entry)
    assert sorted(list(device.identifiers) for device in devices) == snapshot
    assert entry.unique_id == f"sensit:{cloud.user.id}"


async def test_each_monitor_is_a_device_with_type_serial_and_area(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)

    areas = ar.async_get(sensit_house.hass)
    found = {
        (device.serial_number, device.model, device.name, areas.async_get_area(device.area_id).name)
        for device in sensit_house.devices(entry)
    }
    assert found == {
        (monitor.uuid, monitor.type, monitor.name, monitor.location) for monitor in sensit.monitors
    }


@pytest.mark.parametrize(
    "variants",
    [
        {},
        {"devices": "data", "date": "naive", "nested": False},
        {"last_record": "list", "date": "american"},
        {"last_record": "received", "date": "millis"},
    ],
)
async def test_every_value_is_what_the_monitor_sent(
    sensit_house: SensitHouse, open_sensit: OpenSensit, variants: dict[str, Any]
) -> None:
    cloud = await open_sensit(variants, spods=2, fmds=2, ramps=2, late=0.0)
    await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(300)

    registry = er.async_get(sensit_house.hass)
    compared = 0
    for monitor in cloud.monitors:
        shown_at = sensit_house.shown(cloud, monitor.uuid, "last_measurement").state
        (sent,) = (
            record["values"]
            for record in cloud.records(monitor.uuid, _ago(600), _ago(0))
            if record["date"] == shown_at
        )
        for path, value in sent.items():
            entity_id = sensit_house.entity(cloud, monitor.uuid, f"field-{path}")
            if path in ("raw", "trig.trig_activeFlag") or (path == "WD" and value > 360):
                continue
            assert entity_id, path
            if registry.async_get(entity_id).disabled_by is None:
                unit = registry.async_get(entity_id).unit_of_measurement
                state = float(sensit_house.hass.states.get(entity_id).state)
                scale = 3.6 if unit == "km/h" else 1.0
                assert state == pytest.approx(value * scale, rel=1e-6), path
                compared += 1
    assert compared > 40


def _ago(seconds: float) -> datetime:
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() - seconds, UTC)


async def test_device_classes_and_units_are_those_that_home_assistant_has(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    await sensit_house.sign_in(sensit)
    spod, fmd, ramp = (sensit.find_monitor(kind).uuid for kind in ("SPOD", "FMD", "RAMP"))

    def kind(uuid: str, path: str) -> tuple[Any, Any, Any]:
        attributes = sensit_house.shown(sensit, uuid, f"field-{path}").attributes
        return tuple(
            attributes.get(f"{name}")
            for name in ("device_class", "unit_of_measurement", "state_class")
        )

    measured = "measurement"
    assert kind(spod, "pid1_PPB_Calc") == ("volatile_organic_compounds_parts", "ppb", measured)
    assert kind(fmd, "CH4") == (None, "ppm", measured)
    assert kind(ramp, "SO2") == ("sulphur_dioxide", "ppb", measured)
    assert kind(ramp, "NO") == ("nitrogen_monoxide", "ppb", measured)
    assert kind(ramp, "CO2") == ("carbon_dioxide", "ppm", measured)
    assert kind(ramp, "PM_1_2_5") == ("pm25", "μg/m³", measured)
    assert kind(fmd, "WD") == ("wind_direction", "°", "measurement_angle")
    assert kind(spod, "batt_voltage") == ("voltage", "V", measured)


async def test_raw_values_positions_and_unknown_fields_are_there_and_disabled(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    ramp, spod = sensit.find_monitor("RAMP"), sensit.find_monitor("SPOD")
    ramp.override(
        {"pid2_PPB": 4.5, "mode": "night", "door.open": True}, sensit.clock.micros() - 10**9
    )
    await sensit_house.sign_in(sensit)
    registry = er.async_get(sensit_house.hass)
    hidden = {
        ramp.uuid: [
            "OPCData.OPC_2_5",
            "raw.1.act_avg",
            "raw.4.aux_avg",
            "pid2_PPB",
            "mode",
            "door.open",
        ],
        spod.uuid: ["pid1_mvRaw", "tc_temp", "chrg_current", "lat", "long"],
    }
    ids = {}
    for uuid, paths in hidden.items():
        for path in paths:
            entity_id = sensit_house.entity(sensit, uuid, f"field-{path}")
            assert entity_id, path
            assert registry.async_get(entity_id).disabled_by is er.RegistryEntryDisabler.INTEGRATION
            ids[path] = entity_id

    await sensit_house.enable(*ids.values())

    states = {path: sensit_house.hass.states.get(entity_id) for path, entity_id in ids.items()}
    assert states["pid2_PPB"].state == "4.5"
    assert states["pid2_PPB"].attributes["state_class"] == "measurement"
    assert states["pid2_PPB"].name.endswith("pid2_PPB")
    assert (states["mode"].state, states["door.open"].state) == ("night", "true")
    assert float(states["lat"].state) == pytest.approx(47.5, abs=0.1)
    assert "Electrode 1 active" in states["raw.1.act_avg"].name


async def test_a_key_seen_once_keeps_its_entity_over_a_restart_and_is_unknown_meanwhile(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    ramp = sensit.find_monitor("RAMP")
    entry = await sensit_house.sign_in(sensit)
    ozone = sensit_house.shown(sensit, ramp.uuid, "field-O3").entity_id
    sensit.faults.add(Fault(match=LIST, kind="mutate", mutate=_without("O3")))

    await sensit_house.pass_time(400)
    assert sensit_house.hass.states.get(ozone).state == STATE_UNKNOWN
    await sensit_house.reload(entry)
    await sensit_house.pass_time(400)
    assert sensit_house.hass.states.get(ozone).state == STATE_UNKNOWN
    assert sensit_house.hass.states.get(ozone).attributes["device_class"] == "ozone"

    sensit.faults.clear()
    await sensit_house.pass_time(120)
    assert float(sensit_house.hass.states.get(ozone).state) > 0


def _without(path: str) -> Any:
    def mutate(devices: Any) -> Any:
        for found in devices:
            found["lastReceivedRecord"].pop(path, None)
        return devices

    return mutate


async def test_calm_air_has_no_direction(sensit_house: SensitHouse, sensit: SensitCloud) -> None:
    fmd = sensit.find_monitor("FMD")
    await sensit_house.sign_in(sensit)
    fmd.override({"WD": CALM}, sensit.clock.micros())
    await sensit_house.pass_time(180)
    assert sensit_house.shown(sensit, fmd.uuid, "field-WD").state == STATE_UNKNOWN
    fmd.override({"WD": 359.5}, sensit.clock.micros())
    await sensit_house.pass_time(180)
    assert sensit_house.shown(sensit, fmd.uuid, "field-WD").state == "359.5"


async def test_what_the_list_says_of_a_monitor_is_shown(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    spod = sensit.find_monitor("SPOD")
    await sensit_house.sign_in(sensit)
    spod.status, spod.firmware_update = "Maintenance", True

    await sensit_house.pass_time(70)

    shown = sensit_house.shown
    assert shown(sensit, spod.uuid, "status").state == "Maintenance"
    assert shown(sensit, spod.uuid, "firmware_update", "binary_sensor").state == STATE_ON
    assert shown(sensit, spod.uuid, "connectivity", "binary_sensor").state == STATE_ON
    assert shown(sensit, spod.uuid, "charging", "binary_sensor").state in (STATE_ON, STATE_OFF)
    assert 0 <= float(shown(sensit, spod.uuid, "battery").state) <= 100


async def test_a_silent_monitor_is_not_connected_and_its_last_measurement_stays(
    sensit_house: SensitHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=1, ramps=0, late=0.0, loss=0.0)
    await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(300)
    spod = cloud.find_monitor("SPOD")
    spod.off.begin(cloud.clock.micros())
    await sensit_house.pass_time(70)
    last = sensit_house.shown(cloud, spod.uuid, "last_measurement").state

    await sensit_house.pass_time(1200)

    assert sensit_house.shown(cloud, spod.uuid, "last_measurement").state == last
    assert sensit_house.shown(cloud, spod.uuid, "field-temp").state == STATE_UNAVAILABLE
    assert (
        sensit_house.shown(cloud, spod.uuid, "canister", "binary_sensor").state == STATE_UNAVAILABLE
    )
    assert sensit_house.shown(cloud, spod.uuid, "connectivity", "binary_sensor").state == STATE_OFF
    # What the list says of its battery is as old as its newest record.
    for key, domain in (("battery", "sensor"), ("charging", "binary_sensor")):
        assert sensit_house.shown(cloud, spod.uuid, key, domain).state == STATE_UNAVAILABLE
    assert sensit_house.shown(cloud, spod.uuid, "status").state == "Active"
    spod.off.finish(cloud.clock.micros())
    await sensit_house.pass_time(180)
    assert float(sensit_house.shown(cloud, spod.uuid, "field-temp").state)
    assert float(sensit_house.shown(cloud, spod.uuid, "battery").state) >= 0
    assert sensit_house.shown(cloud, spod.uuid, "connectivity", "binary_sensor").state == STATE_ON


async def test_a_monitor_that_appears_is_added_and_one_that_is_gone_is_removed(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)
    new = sensit.add_monitor("FMD")
    await sensit_house.pass_time(240)
    assert new.uuid in {device.serial_number for device in sensit_house.devices(entry)}

    sensit.remove_monitor(new.uuid)
    await sensit_house.pass_time(130)
    assert new.uuid in {device.serial_number for device in sensit_house.devices(entry)}
    await sensit_house.pass_time(130)
    assert new.uuid not in {device.serial_number for device in sensit_house.devices(entry)}


async def test_what_went_while_home_assistant_was_down_is_removed_after_three_lists(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)
    gone = sensit.find_monitor("RAMP").uuid
    assert await sensit_house.hass.config_entries.async_unload(entry.entry_id)
    sensit.remove_monitor(gone)
    await sensit_house.pass_time(120)
    assert await sensit_house.hass.config_entries.async_setup(entry.entry_id)
    await sensit_house.pass_time(30)
    assert gone in {device.serial_number for device in sensit_house.devices(entry)}
    await sensit_house.pass_time(180)
    assert gone not in {device.serial_number for device in sensit_house.devices(entry)}
    assert sensit_house.entity(sensit, gone, "field-O3") is None
    assert len(sensit_house.devices(entry)) == 2


async def test_a_list_that_says_how_long_it_is_current_is_believed(
    sensit_house: SensitHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=0, ramps=0, max_age=300)
    await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(3600)
    gap = cloud.min_gap(LIST)
    assert gap is not None
    assert gap >= 300
    assert len(asked(cloud)) >= 10


async def test_chosen_monitors_alone_are_shown(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    spod = sensit.find_monitor("SPOD").uuid
    entry = await sensit_house.sign_in(sensit, monitors=[spod])
    assert [device.serial_number for device in sensit_house.devices(entry)] == [spod]
    form = await sensit_house.hass.config_entries.options.async_init(entry.entry_id)
    assert_has_texts(form, "options")
    await sensit_house.set_options(entry, monitors=[])
    assert len(sensit_house.devices(entry)) == 3


@pytest.mark.parametrize(("user", "count"), [("bruno@example.org", 2), ("dora@example.org", 0)])
async def test_a_role_sees_its_monitors_alone(
    sensit_house: SensitHouse, sensit: SensitCloud, user: str, count: int
) -> None:
    result = await sensit_house.submit(
        await sensit_house.start_flow("sensit"), credentials(sensit, username=user)
    )
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert len(sensit_house.devices(entry)) == count
    await sensit_house.pass_time(1000)
    assert {record.status for record in sensit.log} == {200}
    assert asked(sensit)[-1].query["Role"].startswith("Client")


# -- signing in --


async def test_a_wrong_password_is_said_and_the_right_one_goes_on(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    flow = await sensit_house.start_flow("sensit")
    form = await sensit_house.submit(flow, credentials(sensit, password="wrong"))
    assert form["errors"] == {"base": "sign_in_rejected"}
    assert_has_texts(form, "config")
    result = await sensit_house.submit(flow, credentials(sensit))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == f"SENSIT Connect {sensit.user.id[-6:]}"
    assert sensit.sign_ins == 1

    again = await sensit_house.submit(await sensit_house.start_flow("sensit"), credentials(sensit))
    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_nothing_that_a_person_does_asks_for_the_list_early(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)
    await async_setup_component(sensit_house.hass, "homeassistant", {})
    entity_id = sensit_house.shown(sensit, sensit.find_monitor("FMD").uuid, "status").entity_id
    for _ in range(10):
        await sensit_house.reload(entry)
        form = await sensit_house.hass.config_entries.options.async_init(entry.entry_id)
        sensit_house.hass.config_entries.options.async_abort(form["flow_id"])
        await sensit_house.hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": entity_id}, blocking=True
        )
        await sensit_house.pass_time(25)
    gap = sensit.min_gap(LIST)
    assert gap is not None
    assert gap >= 60
    assert len(asked(sensit)) >= 4


async def test_a_reload_does_not_sign_in_again(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)
    for _ in range(3):
        await sensit_house.pass_time(90)
        await sensit_house.reload(entry)
    assert sensit.sign_ins == 1


async def test_a_password_that_changed_is_asked_for_and_nothing_is_asked_meanwhile(
    sensit_house: SensitHouse, sensit: SensitCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sensit_house.sign_in(sensit)
    sensit.user.password = "another-Lamp:43"
    sensit.tokens.revoke()
    await sensit_house.pass_time(200)
    (flow,) = entry.async_get_active_flows(sensit_house.hass, {"reauth"})
    assert sensit.refused_sign_ins == 3  # at once, after 10 s and after 2 min
    before = len(sensit.log)
    await sensit_house.pass_time(900)
    assert len(sensit.log) == before

    form = await sensit_house.submit(flow["flow_id"], {"password": "wrong"})
    assert form["errors"] == {"base": "sign_in_rejected"}
    result = await sensit_house.submit(flow["flow_id"], {"password": "another-Lamp:43"})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    await sensit_house.pass_time(70)
    assert not [line for line in watchpost_lines(caplog) if "Lamp" in line]
    assert sensit_house.shown(sensit, sensit.find_monitor("FMD").uuid, "status").state == "Active"


async def test_a_token_that_expires_in_the_middle_costs_one_sign_in_and_no_state(
    sensit_house: SensitHouse, sensit: SensitCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sensit_house.sign_in(sensit)
    sensit.tokens.revoke()
    await sensit_house.pass_time(130)
    assert sensit.sign_ins == 2
    assert list(entry.async_get_active_flows(sensit_house.hass, {"reauth"})) == []
    assert [s.entity_id for s in sensit_house.states() if s.state == STATE_UNAVAILABLE] == []
    assert watchpost_lines(caplog, 30) == []


async def test_another_account_cannot_take_the_place_of_this_one(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)
    flow = await sensit_house.hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    assert flow["step_id"] == "sensit"
    other = await sensit_house.submit(
        flow["flow_id"], credentials(sensit, username="bruno@example.org")
    )
    assert (other["type"], other["reason"]) == (FlowResultType.ABORT, "other_account")


async def test_a_new_password_can_be_entered_with_reconfigure(
    sensit_house: SensitHouse, sensit: SensitCloud
) -> None:
    entry = await sensit_house.sign_in(sensit)
    sensit.user.password = "another-Lamp:43"
    flow = await sensit_house.hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    assert_has_texts(flow, "config")
    done = await sensit_house.submit(flow["flow_id"], credentials(sensit))
    assert (done["type"], done["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert entry.data["password"] == "another-Lamp:43"
    assert entry.state is ConfigEntryState.LOADED
    assert sensit.sign_ins == 2


# -- where the list tells too little --


async def test_a_sign_in_that_is_refused_while_a_log_is_asked_for_asks_for_the_password(
    sensit_house: SensitHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit({"last_record": "null"}, spods=0, fmds=1, ramps=0)
    entry = await sensit_house.sign_in(cloud)
    refused = cloud.faults.add(Fault(match="DeviceLog", status=401))
    await sensit_house.pass_time(130)
    # One refused resource proves nothing against the password.
    assert not list(entry.async_get_active_flows(sensit_house.hass, {"reauth"}))
    assert refused.used
    cloud.faults.add(Fault(match="", status=401))
    await sensit_house.pass_time(300)
    assert len(list(entry.async_get_active_flows(sensit_house.hass, {"reauth"}))) == 1


@pytest.mark.parametrize("form", ["absent", "null", "empty", "text", "number"])
async def test_a_monitor_without_a_record_in_the_list_is_asked_for_its_log(
    sensit_house: SensitHouse, open_sensit: OpenSensit, form: str
) -> None:
    cloud = await open_sensit({"last_record": form}, spods=1, fmds=1, ramps=1)
    await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(200)

    for monitor in cloud.monitors:
        newest = datetime.fromisoformat(cloud.truth(monitor.uuid)["date"])
        shown = datetime.fromisoformat(
            sensit_house.shown(cloud, monitor.uuid, "last_measurement").state
        )
        assert (newest - shown).total_seconds() < 130
    assert STATE_UNAVAILABLE not in {state.state for state in sensit_house.states()}


async def test_a_silent_monitor_without_a_record_is_asked_for_its_log_rarely(
    sensit_house: SensitHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit({"last_record": "null"}, spods=0, fmds=1, ramps=1)
    cloud.find_monitor("FMD").off.begin(0)
    await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(3600)
    uuid = cloud.find_monitor("FMD").uuid
    assert len([r for r in log_requests(cloud) if r.form["DeviceId"] == uuid]) <= 5
    assert sensit_house.shown(cloud, uuid, "connectivity", "binary_sensor").state == STATE_OFF


async def test_logs_that_cannot_be_had_cost_the_list_nothing(
    sensit_house: SensitHouse, open_sensit: OpenSensit, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await open_sensit({"last_record": "null"}, spods=1, fmds=0, ramps=0)
    cloud.faults.add(Fault(match="DeviceLog", status=404))
    entry = await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(2000)
    uuid = cloud.find_monitor("SPOD").uuid
    assert sensit_house.shown(cloud, uuid, "status").state == "Active"
    assert entry.runtime_data.inventory_coordinator.diagnostics()["failures_in_a_row"] == 0
    lines = watchpost_lines(caplog, 30)
    assert len(lines) == 1  # said once
    assert "cannot update logs" in lines[0]


async def test_the_interval_follows_the_spacing_of_the_records(
    sensit_house: SensitHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=0, ramps=0, cycle=600, loss=0.0, late=0.0)
    await sensit_house.sign_in(cloud)
    await sensit_house.pass_time(2 * 3600)
    cloud.log.clear()
    uuid = cloud.find_monitor("SPOD").uuid
    ages = []
    for _ in range(240):
        await sensit_house.pass_time(60)
        newest = datetime.fromisoformat(cloud.truth(uuid)["date"])
        shown = datetime.fromisoformat(sensit_house.shown(cloud, uuid, "last_measurement").state)
        ages.append((newest - shown).total_seconds())
    assert 20 <= len(asked(cloud)) <= 25
    # Phase-locked: a new record shows within a minute or two of the ten that pass until the next.
    assert sum(age > 0 for age in ages) < len(ages) * 0.1


# -- canisters, texts, privacy --


async def test_each_entity_has_a_name_and_those_without_a_class_have_an_icon(
    sensit_house: SensitHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=2, ramps=1)
    entry = await sensit_house.sign_in(cloud)
    icons = (await async_get_icons(sensit_house.hass, "entity", [DOMAIN]))[DOMAIN]
    texts = await async_get_translations(sensit_house.hass, "en", "entity", [DOMAIN])
    used = set()
    for entity in er.async_entries_for_config_entry(
        er.async_get(sensit_house.hass), entry.entry_id
    ):
        assert entity.original_name, entity
        if key := entity.translation_key:
            used.add(key)
            assert f"component.{DOMAIN}.entity.{entity.domain}.{key}.name" in texts
            named = icons.get(entity.domain, {})
            is_measured = entity.unit_of_measurement is not None
            assert entity.original_device_class or key in named or is_measured, entity
    assert {"methane", "laser_cell", "electrode_act", "canister", "events", "status"} <= used


async def test_no_secret_position_or_name_leaves_home_assistant(
    sensit_house: SensitHouse,
    sensit: SensitCloud,
    hass_client_no_auth: Any,
    hass_admin_user: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(10)
    entry = await sensit_house.sign_in(sensit)
    spod = sensit.find_monitor("SPOD")
    spod.name, spod.location = "Canary Fence", "12 Canary Street"
    await sensit_house.pass_time(150)
    sensit.faults.add(Fault(match=LIST, status=500, times=1))
    sensit.tokens.revoke()
    await sensit_house.pass_time(400)

    paths = [
        entry.entry_id,
        *(
            f"{entry.entry_id}/device/{device.id}"
            for device in dr.async_entries_for_config_entry(
                dr.async_get(sensit_house.hass), entry.entry_id
            )
        ),
    ]
    told = [
        json.dumps(await download(sensit_house, hass_client_no_auth, hass_admin_user, path))
        for path in paths
    ]
    assert len(told) == 4
    ours = watchpost_lines(caplog, 10)
    truth = sensit.truth(spod.uuid)["values"]
    latitude = f"{sensit.config.latitude:.2f}"
    canaries = [
        sensit.password,
        sensit.username,
        sensit.user.id,
        entry.data["signed"]["token"],
        "Canary",
        latitude,
        str(truth.get("lat", latitude)),
    ]
    for canary in canaries:
        assert not [text for text in told if canary in text], canary
        if canary != sensit.user.id:
            assert not [line for line in ours if canary in line], canary
    for state in sensit_house.states():
        assert latitude not in str(dict(state.attributes)), state.entity_id
    assert mishaps(caplog) == []
