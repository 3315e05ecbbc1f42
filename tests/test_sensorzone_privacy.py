"""Passwords, tokens, people and places: never where somebody else could read them."""

import json
import logging
from typing import Any

from homeassistant.auth.models import User
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from simulators.faults import Fault
from simulators.sensorzone import SensorZoneCloud

from .conftest import DOMAIN, House
from .outside import download
from .zone import Ear, OpenZone, account_of, sign_in

PASSWORD = "canary-Vest:42"
TOKEN = "tst_canary_5f2c"
EMAIL = "canary.mail@example.org"


@pytest.fixture(name="zone")
async def zone_fixture(open_zone: OpenZone) -> SensorZoneCloud:
    return await open_zone(
        machines=2, people=3, username=EMAIL, password=PASSWORD, tester_token=TOKEN
    )


def canaries(zone: SensorZoneCloud) -> list[str]:
    """What must not be read: secrets, people, tags, and where machines are to within a hundred metres."""
    people = [person for person in zone.world.people if person.brand is zone.world.brands[0]]
    found = {PASSWORD, TOKEN, EMAIL}
    found |= {person.name for person in people} | {person.employee_id or "" for person in people}
    found |= {person.email or "" for person in people}
    found |= {tag.serial for tag in zone.world.tags}
    for machine in zone.machines:
        latitude, longitude = machine.true_position(zone.clock.now().timestamp())
        found |= {f"{latitude:.3f}", f"{longitude:.3f}"}
    return [canary for canary in found if canary]


async def live(house: House, zone: SensorZoneCloud) -> Any:
    entry = await sign_in(house, zone)
    await house.pass_time(300)
    for kind in ("status", "cut_json", "not_json", "drop"):
        zone.faults.add(Fault(kind=kind, status=422, body=json.dumps(canaries(zone)), times=8))
        await house.pass_time(200)
        zone.faults.clear()
    zone.sessions.lose_cookies()
    zone.sessions.lose_tokens()
    await house.pass_time(1000)
    return entry


async def test_no_canary_sings_in_any_log_line(
    house: House, zone: SensorZoneCloud, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", f"custom_components.{DOMAIN}", "aiohttp", "homeassistant"):
        caplog.set_level(logging.DEBUG, logger=name)
    await live(house, zone)
    await house.set_options(
        house.entries[0], people=True, person_names=False, exact_positions=False, tag_test_days=30
    )
    await house.pass_time(300)

    # Home Assistant's own lines of states and registries show what is shown.
    ours = "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("custom_components", "aiohttp"))
    )
    assert "/api/v1/entities" in ours
    assert [canary for canary in canaries(zone) if canary in ours] == []


async def test_no_canary_sings_in_events_entries_issues_or_diagnostics(
    house: House, zone: SensorZoneCloud, ear: Ear, hass_client_no_auth: Any, hass_admin_user: User
) -> None:
    entry = await live(house, zone)
    assert ear.heard
    states = [state.as_dict() for state in house.states() if state.domain != "device_tracker"]
    registry = [
        entity.as_partial_dict
        for entity in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    ]
    issues = [
        str(issue.translation_placeholders) for issue in ir.async_get(house.hass).issues.values()
    ]
    told = await download(house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    diagnostics = json.dumps(told)
    assert "turned_off" in diagnostics
    texts = (
        json.dumps([ear.heard, states, registry, issues, entry.title], default=str) + diagnostics
    )
    assert [canary for canary in canaries(zone) if canary in texts] == []


async def test_unique_ids_and_device_identifiers_are_frozen(
    house: House, zone: SensorZoneCloud, snapshot: SnapshotAssertion
) -> None:
    snapshot = snapshot.use_extension(HomeAssistantSnapshotExtension)
    entry = await sign_in(house, zone, people=True)
    account = account_of(zone)
    entities = sorted(
        f"{entity.domain} {entity.unique_id.replace(account, '<account>')}"
        for entity in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    )
    devices = sorted(
        identifier.replace(account, "<account>")
        for device in house.devices(entry)
        for _, identifier in device.identifiers
    )
    assert entities == snapshot(name="entities")
    assert devices == snapshot(name="devices")
