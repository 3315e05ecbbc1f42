"""Three sign-ins side by side: a session, a token of version 2, and that of a Tester device."""

from collections import Counter
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.sensorzone import SensorZoneCloud

from .conftest import DOMAIN, House, watchpost_lines
from .test_texts import ENGLISH, ICONS, assert_has_texts, fields_of
from .zone import (
    OpenZone,
    account_of,
    credentials,
    sign_in,
    unique,
)


async def test_each_field_of_each_form_is_named_and_described(
    house: House, zone: SensorZoneCloud
) -> None:
    flow = house.hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": "user"})
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "sensorzone"})
    assert_has_texts(form, "config")
    entry = (await house.submit(form["flow_id"], credentials(zone)))["result"]
    options = await house.hass.config_entries.options.async_init(entry.entry_id)
    assert_has_texts(options, "options")
    assert {name for name, _ in fields_of(options["data_schema"])} == set(
        ENGLISH["options"]["step"]["sensorzone"]["data"]
    )
    entry.async_start_reauth(house.hass)
    await house.settle()
    (waiting,) = [
        found
        for found in flow.async_progress_by_handler(DOMAIN)
        if found["context"]["source"] == "reauth"
    ]
    assert_has_texts(await flow.async_configure(waiting["flow_id"]), "config")


async def test_each_entity_has_a_name_and_those_without_a_class_have_an_icon(
    house: House, zone: SensorZoneCloud
) -> None:
    entry = await sign_in(house, zone, people=True)
    for entity in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id):
        assert entity.original_name, entity
        key = entity.translation_key
        if key is None:
            assert entity.original_device_class, entity
            continue
        assert key in ENGLISH["entity"][entity.domain], entity
        assert entity.original_device_class or key in ICONS["entity"][entity.domain], entity


async def submitted(house: House, fields: dict[str, Any]) -> Any:
    return await house.submit(await house.start_flow("sensorzone"), fields)


def asked(zone: SensorZoneCloud, path: str) -> int:
    return Counter(record.path for record in zone.log)[path]


def missing_rights(house: House) -> set[str]:
    return {
        (issue.translation_placeholders or {})["right"]
        for (domain, _), issue in ir.async_get(house.hass).issues.items()
        if domain == DOMAIN and issue.translation_key == "not_allowed"
    }


async def test_a_user_alone_is_enough(house: House, zone: SensorZoneCloud) -> None:
    result = await submitted(house, credentials(zone, tester_token=None))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == f"sensorzone:{account_of(zone)}"
    assert "@" not in result["title"]
    machine = zone.machines[0]
    running = house.state_of(unique(zone, f"machine-{machine.id}", "running"), "binary_sensor")
    assert running.state in ("on", "off")


async def test_a_token_alone_counts_the_people(house: House, zone: SensorZoneCloud) -> None:
    result = await submitted(house, credentials(zone, username=None, password=None))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    states = {state.entity_id: state.state for state in house.states("sensor")}
    assert len(states) == 2
    assert all(int(state) > 0 for state in states.values())
    await house.pass_time(60)
    before = asked(zone, "/api/v1/tester/people_assets")
    await house.pass_time(1800)
    assert asked(zone, "/api/v1/tester/people_assets") == before + 2
    assert {record.path for record in zone.log} == {"/api/v1/tester/people_assets"}


@pytest.mark.parametrize(
    "lacking",
    [
        {"password": None, "tester_token": None},
        {"username": None, "tester_token": None},
        {"username": None, "password": None, "tester_token": None},
        {"password": None},
    ],
)
async def test_half_a_sign_in_is_said_and_nothing_asked(
    house: House, zone: SensorZoneCloud, lacking: dict[str, None]
) -> None:
    form = await submitted(house, credentials(zone, **lacking))
    assert form["errors"] == {"base": "sign_in_incomplete"}
    assert zone.log == []

    result = await house.submit(form["flow_id"], credentials(zone))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("wrong", "variants", "error"),
    [
        ({"password": "wrong"}, {}, "sign_in_rejected"),
        ({"password": "wrong"}, {"refused_login": "empty"}, "sign_in_rejected"),
        ({"tester_token": "wrong"}, {}, "not_allowed"),
        ({"username": "carla@example.com"}, {}, "sign_in_rejected"),
        ({"username": "carla@example.com"}, {"refused_login": "sso"}, "not_allowed"),
        ({"url": "http://sensorzone.example"}, {}, "not_secure"),
    ],
)
async def test_what_is_wrong_is_said_and_can_be_put_right(
    house: House,
    zone: SensorZoneCloud,
    wrong: dict[str, str],
    variants: dict[str, str],
    error: str,
) -> None:
    for name, value in variants.items():
        setattr(zone.config.variants, name, value)
    form = await submitted(house, credentials(zone, **wrong))
    assert form["errors"] == {"base": error}

    result = await house.submit(form["flow_id"], credentials(zone))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_same_user_is_set_up_once(house: House, zone: SensorZoneCloud) -> None:
    await sign_in(house, zone)
    result = await submitted(house, credentials(zone, username=f" {zone.username} "))
    assert result["reason"] == "already_configured"


async def test_a_changed_password_is_asked_for_and_all_goes_on(
    house: House, zone: SensorZoneCloud
) -> None:
    entry = await sign_in(house, zone)
    zone.config.password = "new-Vest:43"
    for user in zone.world.users:
        user.password = "new-Vest:43"
    zone.sessions.lose_cookies()
    await house.pass_time(300)
    (flow,) = house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    people = asked(zone, "/api/v1/tester/people_assets")
    await house.pass_time(1800)
    assert asked(zone, "/api/v1/tester/people_assets") > people  # its token still works

    result = await house.submit(flow["flow_id"], {"password": "new-Vest:43"})
    assert result["reason"] == "reauth_successful"
    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["tester_token"] == zone.config.tester_token
    await house.pass_time(300)
    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_a_new_token_belongs_to_the_same_account(house: House, zone: SensorZoneCloud) -> None:
    entry = (await submitted(house, credentials(zone, username=None, password=None)))["result"]
    old = zone.world.testers[0].token
    zone.world.testers[0].token = "tst_new"
    await house.pass_time(1000)
    (flow,) = house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)

    result = await house.submit(flow["flow_id"], {"tester_token": "tst_new"})

    assert result["reason"] == "reauth_successful"
    assert entry.data["tester_token"] == "tst_new" != old
    assert entry.state is ConfigEntryState.LOADED


async def test_reconfiguring_keeps_the_account(house: House, zone: SensorZoneCloud) -> None:
    entry = await sign_in(house, zone)
    context = {"source": "reconfigure", "entry_id": entry.entry_id}
    flow = house.hass.config_entries.flow
    form = await flow.async_init(DOMAIN, context=context)
    result = await house.submit(form["flow_id"], credentials(zone, tester_token=None))
    assert result["reason"] == "reconfigure_successful"

    form = await flow.async_init(DOMAIN, context=context)
    other = credentials(zone, username="olga@example.com")
    result = await house.submit(form["flow_id"], other)
    assert result["reason"] == "other_account"


async def test_options_show_people_by_tag_and_by_name_only_if_allowed(
    house: House, zone: SensorZoneCloud
) -> None:
    entry = await sign_in(house, zone)
    names = {person.name for person in zone.world.people}
    serials = {f"Tag {tag.serial}" for tag in zone.world.tags}
    assert {device.name for device in house.devices(entry)} & (names | serials) == set()

    await house.set_options(
        entry, people=True, person_names=False, exact_positions=False, tag_test_days=30
    )
    shown = {device.name for device in house.devices(entry)}
    assert shown & serials
    assert not shown & names

    await house.set_options(
        entry, people=True, person_names=True, exact_positions=False, tag_test_days=30
    )
    assert {device.name for device in house.devices(entry)} & names

    await house.set_options(
        entry, people=False, person_names=True, exact_positions=False, tag_test_days=30
    )
    assert {device.name for device in house.devices(entry)} & (names | serials) == set()


@pytest.mark.parametrize("form", ["login", pytest.param("calls", marks=pytest.mark.soak)])
async def test_without_the_right_to_version_2_the_rest_works_and_a_repair_says_so(
    house: House, open_zone: OpenZone, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(v2=False)
    zone.config.variants.no_v2 = form
    await sign_in(house, zone)
    await house.pass_time(2000)

    assert missing_rights(house)
    lines = watchpost_lines(caplog)
    assert len(lines) == len(set(lines)) <= 8
    machine = f"machine-{zone.machines[0].id}"
    assert house.state_of(unique(zone, machine, "incursions_today")).state.isdigit()
    tracker = house.state_of(unique(zone, machine, "position"), "device_tracker")
    assert "latitude" in tracker.attributes  # its own page tells, too
    assert int(house.state_of(unique(zone, "account", "people_staff")).state) > 0
    if form == "login":
        assert asked(zone, "/api/v2/login") <= 4

    zone.config.v2 = True
    await house.pass_time(2 * 3600)
    assert missing_rights(house) == set()
    assert float(house.state_of(unique(zone, machine, "runtime_today")).state) > 0


async def test_a_token_that_is_taken_back_leaves_the_rest_working(
    house: House, zone: SensorZoneCloud
) -> None:
    await sign_in(house, zone)
    zone.world.testers[0].token = "another"
    await house.pass_time(1900)

    assert missing_rights(house) == {"use the Tester API"}
    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    tracker = house.state_of(
        unique(zone, f"machine-{zone.machines[0].id}", "running"), "binary_sensor"
    )
    assert tracker.state in ("on", "off")


async def test_a_cookie_lost_in_the_middle_of_a_poll_costs_one_sign_in(
    house: House, zone: SensorZoneCloud, caplog: pytest.LogCaptureFixture
) -> None:
    await sign_in(house, zone)
    before = asked(zone, "/api/v1/session")
    for _ in range(3):
        zone.sessions.lose_cookies()
        await house.pass_time(130)
    assert asked(zone, "/api/v1/session") == before + 3
    zone.config.cookie_calls = 4
    await house.pass_time(600)
    assert watchpost_lines(caplog) == []


async def test_a_token_lost_costs_one_sign_in(house: House, zone: SensorZoneCloud) -> None:
    await sign_in(house, zone)
    before = asked(zone, "/api/v2/login")
    zone.sessions.lose_tokens()
    await house.pass_time(130)
    assert asked(zone, "/api/v2/login") == before + 1


async def test_each_sign_in_keeps_to_its_own_limit(house: House, zone: SensorZoneCloud) -> None:
    await sign_in(house, zone)
    wait = {"Retry-After": "1800"}
    zone.faults.add(Fault(match="/tester/", kind="status", status=429, headers=wait, times=1))
    await house.pass_time(1000)
    people = asked(zone, "/api/v1/tester/people_assets")
    incursions = asked(zone, "/api/v1/incursions")
    await house.pass_time(1200)
    assert asked(zone, "/api/v1/tester/people_assets") == people
    assert asked(zone, "/api/v1/incursions") >= incursions + 19
    assert zone.held_requests() == []

    zone.faults.add(Fault(match="/charts/", kind="status", status=503, headers=wait, times=1))
    await house.pass_time(1000)
    tracks = asked(zone, f"/api/v2/base_stations/{zone.machines[0].id}/gps_tracks")
    incursions = asked(zone, "/api/v1/incursions")
    await house.pass_time(600)
    assert asked(zone, f"/api/v2/base_stations/{zone.machines[0].id}/gps_tracks") == tracks
    assert asked(zone, "/api/v1/incursions") >= incursions + 9


async def test_what_is_not_there_three_times_is_turned_off_and_said_once(
    house: House, open_zone: OpenZone, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(
        machines=1,
        absent=frozenset({"worksites", "projects", "gps_tracks", "base_station_status"}),
    )
    entry = await sign_in(house, zone)
    await house.pass_time(4 * 900)

    machine = zone.machines[0]
    off = entry.runtime_data.connection.diagnostics()["turned_off"]
    assert off == {
        "worksites": "status 404",
        "projects": "status 404",
        f"track of base station {machine.id}": "status 404",
    }
    assert asked(zone, "/api/v1/worksites") == 3
    lines = watchpost_lines(caplog)
    for name in ("worksites", "projects", f"track-{machine.id}"):
        assert len([line for line in lines if f"cannot update {name}" in line]) == 1, lines
    assert missing_rights(house) == set()
    tracker = house.state_of(unique(zone, f"machine-{machine.id}", "position"), "device_tracker")
    assert "latitude" in tracker.attributes


async def test_without_the_list_of_entities_machines_come_from_their_own(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(absent=frozenset({"entities", "incursions"}))
    await sign_in(house, zone)
    await house.pass_time(1000)
    machine = f"machine-{zone.machines[0].id}"
    assert house.state_of(unique(zone, machine, "running"), "binary_sensor").state in ("on", "off")
    assert house.state_of(unique(zone, machine, "incursions_today")).state == "unavailable"
    unsafe = house.state_of(unique(zone, machine, "unacknowledged"), "binary_sensor")
    assert unsafe.state == "unavailable"


async def test_a_test_of_a_tag_is_counted_from_and_a_newer_one_replaces_it(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1, people=2)
    tag = zone.world.tags_of(zone.world.brands[0])[0]
    page = {"id": tag.id, "last_tested_at": "2026-09-03T12:00:00Z"}
    zone.faults.add(Fault(match=f"/tags/{tag.id}", kind="mutate", mutate=lambda _: dict(page)))
    zone.faults.add(
        Fault(match="/tags", kind="mutate", mutate=lambda row: row if row == page else [])
    )
    await sign_in(house, zone, people=True, tag_test_days=7)
    days = house.state_of(unique(zone, f"tag-{tag.id}", "days_since_tag_test"))
    overdue = unique(zone, f"tag-{tag.id}", "tag_test_overdue")
    assert days.state == "10"
    assert house.state_of(overdue, "binary_sensor").state == "on"

    page["last_tested_at"] = "2026-09-13T11:00:00Z"
    assert await async_setup_component(house.hass, "homeassistant", {})
    await house.hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": days.entity_id}, blocking=True
    )
    await house.pass_time(30)
    assert house.hass.states.get(days.entity_id).state == "0"
    assert house.state_of(overdue, "binary_sensor").state == "off"


@pytest.mark.parametrize(
    "absent", [{"tags"}, {"tag_tests"}, {"tags", "tag_tests", "base_station_status"}]
)
async def test_tags_without_their_pages_cost_nothing_else(
    house: House, open_zone: OpenZone, absent: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=1, people=4, absent=frozenset(absent))
    await sign_in(house, zone, people=True)
    await house.pass_time(1000)
    tag = zone.world.tags_of(zone.world.brands[0])[0]
    overdue = unique(zone, f"tag-{tag.id}", "tag_test_overdue")
    is_told = absent != {"tags", "tag_tests", "base_station_status"}
    told = ("on", "off", "unknown") if is_told else ("unavailable",)
    assert house.state_of(overdue, "binary_sensor").state in told
    assert len(watchpost_lines(caplog)) == len(set(watchpost_lines(caplog)))


async def test_where_a_machines_page_does_not_tell_its_status_does(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1)
    machine = zone.machines[0]
    page = f"/base_stations/{machine.id}"
    zone.faults.add(
        Fault(
            match="/status",
            kind="root",
            value={"ignition": "on", "last_seen_at": "2026-09-13T12:00:00Z"},
        )
    )
    zone.faults.add(
        Fault(
            match=page,
            kind="mutate",
            mutate=lambda row: row if "ignition" in row and len(row) == 2 else {"id": machine.id},
        )
    )
    await sign_in(house, zone)
    await house.pass_time(60)
    running = unique(zone, f"machine-{machine.id}", "running")
    assert house.state_of(running, "binary_sensor").state == "on"


async def test_without_lists_of_machines_the_brand_counts_alone(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(absent=frozenset({"entities", "base_stations"}))
    await sign_in(house, zone)
    await house.pass_time(60)
    assert int(house.state_of(unique(zone, "account", "incursions_today")).state) > 0


async def test_a_list_of_sites_that_fails_leaves_the_machines(
    house: House, zone: SensorZoneCloud
) -> None:
    zone.faults.add(Fault(match="/worksites", kind="status", status=500))
    entry = await sign_in(house, zone)
    await house.pass_time(60)
    names = {device.name for device in house.devices(entry)}
    assert zone.machines[0].name in names
    assert "North Yard" not in names
    zone.faults.clear()
    await house.pass_time(1000)
    assert "North Yard" in {device.name for device in house.devices(entry)}


async def test_a_standard_user_sees_machines_and_incursions(
    house: House, zone: SensorZoneCloud, caplog: pytest.LogCaptureFixture
) -> None:
    typed = credentials(zone, username=zone.config.standard_username, tester_token=None)
    entry = (await submitted(house, typed))["result"]
    await house.pass_time(1000)
    assert zone.machines[0].name in {device.name for device in house.devices(entry)}
    assert watchpost_lines(caplog) == []
    assert missing_rights(house) == set()


async def test_lists_that_are_forbidden_leave_the_machines_and_name_the_right(
    house: House, zone: SensorZoneCloud
) -> None:
    zone.faults.add(Fault(match="/projects", kind="status", status=403))
    entry = await sign_in(house, zone)
    await house.pass_time(1000)
    names = {device.name for device in house.devices(entry)}
    assert {zone.machines[0].name, "North Yard"} <= names
    assert missing_rights(house) == {"manage projects"}
    zone.faults.clear()
    await house.pass_time(4000)
    assert missing_rights(house) == set()


@pytest.mark.parametrize("status", [403, 500])
async def test_tags_that_cannot_be_listed_leave_the_machines(
    house: House, zone: SensorZoneCloud, status: int
) -> None:
    def without_serials(payload: Any) -> Any:
        if isinstance(payload, list):
            return [without_serials(item) for item in payload]
        if not isinstance(payload, dict):
            return payload
        return {
            key: without_serials(value) for key, value in payload.items() if "serial" not in key
        }

    zone.faults.add(Fault(match="/tags", kind="status", status=status))
    zone.faults.add(Fault(match="/entities", kind="mutate", mutate=without_serials))
    entry = await sign_in(house, zone, people=True)
    await house.pass_time(60)
    assert asked(zone, "/api/v1/tags") > 0
    assert entry.state is ConfigEntryState.LOADED
    counted = unique(zone, f"machine-{zone.machines[0].id}", "incursions_today")
    assert house.state_of(counted).state.isdigit()
    assert "North Yard" in {device.name for device in house.devices(entry)}
