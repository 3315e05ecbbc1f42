"""Who may run an action: an automation, an administrator, a person who controls or reads its target, nobody else."""

from collections.abc import Iterator
from typing import Any, Final

from homeassistant.auth.const import GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, Unauthorized, UnknownUser
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House
from .outside import source_id
from .test_controls import enable_number

READ: Final = "read"
CONTROL: Final = "control"
ADMIN: Final = "admin"

ENTITY: Final = ATTR_ENTITY_ID
DEVICE: Final = ATTR_DEVICE_ID
ACCOUNT: Final = ATTR_CONFIG_ENTRY_ID

PERIOD: Final = {"start": "2026-09-12T00:00:00+00:00", "end": "2026-09-13T00:00:00+00:00"}
URL: Final = "https://hooks.example.com/x"

# Every action: what it needs, each kind of target that it takes, and fields that its schema accepts.
ACTIONS: Final[dict[str, tuple[str, tuple[str, ...], dict[str, Any]]]] = {
    "acknowledge_alert": (CONTROL, (ENTITY, DEVICE, ACCOUNT), {}),
    "add_gateway": (ADMIN, (ACCOUNT,), {"serial": "1"}),
    "add_note": (CONTROL, (DEVICE,), {"text": "x"}),
    "add_webhook": (ADMIN, (ACCOUNT,), {"url": URL, "webhook_type": "payload"}),
    "assign_tag": (ADMIN, (ACCOUNT,), {"tag": "1", "person_id": "1"}),
    "check_in_visitor": (ADMIN, (ACCOUNT,), {"name": "x", "tag": "1"}),
    "check_out_visitor": (ADMIN, (ACCOUNT,), {"visit_id": "1"}),
    "create_alarm": (CONTROL, (ENTITY,), {"value": 8, "direction": "above"}),
    "create_alert": (ADMIN, (ACCOUNT,), {"name": "x"}),
    "create_annotation": (CONTROL, (ENTITY, DEVICE, ACCOUNT), {"class_id": "1"}),
    "create_export": (ADMIN, (ENTITY, DEVICE, ACCOUNT), PERIOD),
    "create_person": (ADMIN, (ACCOUNT,), {"name": "x", "kind": "visitor"}),
    "create_project": (ADMIN, (ACCOUNT,), {"name": "x"}),
    "create_registration_token": (ADMIN, (ACCOUNT,), {"device_name": "x"}),
    "create_report": (ADMIN, (ACCOUNT,), {"title": "x"}),
    "create_user": (
        ADMIN,
        (ACCOUNT,),
        {"email": "a@example.com", "password": "x", "first_name": "A", "last_name": "B"},
    ),
    "delete_alarm": (ADMIN, (ENTITY,), {}),
    "delete_alert": (ADMIN, (ACCOUNT,), {"alert_id": "1"}),
    "delete_export": (ADMIN, (ACCOUNT,), {"export_id": "1"}),
    "delete_record": (ADMIN, (ACCOUNT,), {"resource": "annotations", "record_id": "1"}),
    "download_export": (ADMIN, (ACCOUNT,), {"export_id": "1"}),
    "get_alarm_history": (READ, (ENTITY, DEVICE, ACCOUNT), PERIOD),
    "get_available_dates": (READ, (DEVICE,), {}),
    "get_history": (READ, (ENTITY, DEVICE, ACCOUNT), PERIOD),
    "get_incursions": (READ, (ENTITY, DEVICE, ACCOUNT), PERIOD),
    "get_insights": (ADMIN, (ACCOUNT,), {}),
    "get_machine_log": (ADMIN, (DEVICE,), {"log": "events"}),
    "get_measurements": (READ, (ENTITY,), {}),
    "get_notes": (ADMIN, (DEVICE,), {}),
    "get_pivot": (ADMIN, (ACCOUNT,), {"rows": "site"}),
    "get_readings": (READ, (ENTITY, DEVICE, ACCOUNT), {}),
    "get_site_report": (ADMIN, (DEVICE,), {}),
    "import_history": (ADMIN, (ENTITY,), PERIOD),
    "list_alerts": (ADMIN, (ACCOUNT,), {}),
    "list_callbacks": (READ, (ACCOUNT,), {}),
    "list_exports": (READ, (ACCOUNT,), {}),
    "list_people": (ADMIN, (ACCOUNT,), {}),
    "list_records": (ADMIN, (ACCOUNT,), {"resource": "annotations"}),
    "list_users": (ADMIN, (ACCOUNT,), {}),
    "list_webhooks": (READ, (ACCOUNT,), {}),
    "list_worksites": (READ, (ACCOUNT,), {}),
    "post_event": (CONTROL, (ENTITY, DEVICE, ACCOUNT), {"event_type": "x"}),
    "release_tag": (ADMIN, (ACCOUNT,), {"assignment_id": "1"}),
    "rename": (CONTROL, (DEVICE,), {"name": "x"}),
    "request_artefact_upload": (ADMIN, (ACCOUNT,), {"data": {}}),
    "request_dvr_clip": (CONTROL, (ENTITY,), PERIOD),
    "request_snapshot": (CONTROL, (ENTITY,), {}),
    "resolve_alert": (CONTROL, (ENTITY, DEVICE, ACCOUNT), {}),
    "save_record": (ADMIN, (ACCOUNT,), {"resource": "annotations", "data": {}}),
    "send_command": (CONTROL, (DEVICE,), {"command": "x"}),
    "set_desired_state": (CONTROL, (ENTITY, DEVICE, ACCOUNT), {"artefact_id": "1"}),
    "test_notification_channel": (ADMIN, (ACCOUNT,), {"channel_id": "1"}),
    "update_alert": (ADMIN, (ACCOUNT,), {"alert_id": "1", "name": "x"}),
    "update_device": (CONTROL, (DEVICE,), {"name": "x"}),
    "update_project": (CONTROL, (DEVICE,), {"name": "x"}),
    "update_webhook": (ADMIN, (ACCOUNT,), {"webhook_id": "1"}),
}
RANKS: Final = {READ: 1, CONTROL: 2, ADMIN: 3}


def calls() -> Iterator[tuple[str, str, dict[str, Any], int]]:
    """Every action with every kind of its targets, and what rank it needs there."""
    for name, (permission, targets, fields) in ACTIONS.items():
        for target in targets:
            rank = RANKS[permission]
            if target == ACCOUNT and permission == CONTROL:
                rank = RANKS[ADMIN]
            yield name, target, fields, rank


@pytest.fixture(name="ids")
async def ids_fixture(house: House, cloud: SensoristCloud) -> dict[str, str]:
    """One target of each kind."""
    entry = await house.sign_in(cloud)
    entity_id = house.state_of(source_id(cloud, cloud.find_source("temp", 0))).entity_id
    entity = er.async_get(house.hass).async_get(entity_id)
    assert entity is not None
    assert entity.device_id is not None
    return {ENTITY: entity_id, DEVICE: entity.device_id, ACCOUNT: entry.entry_id}


async def is_refused(
    house: House, context: Context, name: str, target: dict[str, Any], fields: dict[str, Any]
) -> bool:
    try:
        await house.hass.services.async_call(
            DOMAIN, name, {**target, **fields}, blocking=True, return_response=True, context=context
        )
    except Unauthorized:
        return True
    except HomeAssistantError:
        return False  # this vendor does not offer it, or cannot use what was given
    return False


async def test_every_action_has_a_row_in_the_table(house: House, ids: dict[str, str]) -> None:
    assert set(house.hass.services.async_services_for_domain(DOMAIN)) == set(ACTIONS)


@pytest.mark.parametrize("rank", [0, 1, 2, 3], ids=["nobody", "reader", "user", "admin"])
async def test_every_action_is_for_who_may_do_that_to_its_target(
    house: House, cloud: SensoristCloud, ids: dict[str, str], hass_admin_user: User, rank: int
) -> None:
    groups = [await house.hass.auth.async_get_group(group) for group in (
        GROUP_ID_READ_ONLY, GROUP_ID_USER)]  # fmt: skip
    users: list[Any] = [
        MockUser(groups=[]).add_to_hass(house.hass),
        *(MockUser(groups=[group]).add_to_hass(house.hass) for group in groups),
        hass_admin_user,
    ]
    context = Context(user_id=users[rank].id)
    writes = len([record for record in cloud.log if record.method != "GET"])
    wrong = []

    for name, target, fields, needed in calls():
        refused = await is_refused(house, context, name, {target: ids[target]}, fields)
        if refused is not (rank < needed):
            wrong.append((name, target, refused))

    assert wrong == []
    if rank < 2:
        assert len([record for record in cloud.log if record.method != "GET"]) == writes


async def test_an_automation_may_run_every_action_and_an_unknown_user_none(
    house: House, ids: dict[str, str]
) -> None:
    for name, target, fields, _ in calls():
        assert not await is_refused(house, Context(), name, {target: ids[target]}, fields), name
    with pytest.raises(UnknownUser):
        await house.hass.services.async_call(
            DOMAIN,
            "rename",
            {DEVICE: ids[DEVICE], "name": "x"},
            blocking=True,
            context=Context(user_id="gone"),
        )


async def test_control_of_one_entity_is_not_control_of_its_device_or_of_another(
    house: House, cloud: SensoristCloud, ids: dict[str, str]
) -> None:
    other = house.state_of(source_id(cloud, cloud.find_source("temp", 1))).entity_id
    user = MockUser().add_to_hass(house.hass)
    user.mock_policy({"entities": {"entity_ids": {ids[ENTITY]: True}}})
    context = Context(user_id=user.id)
    alarm = {"value": 8, "direction": "above"}

    assert not await is_refused(house, context, "create_alarm", {ENTITY: ids[ENTITY]}, alarm)
    assert await is_refused(house, context, "create_alarm", {ENTITY: other}, alarm)
    both = {ENTITY: [ids[ENTITY], other]}
    assert await is_refused(house, context, "get_alarm_history", both, PERIOD)
    assert await is_refused(house, context, "rename", {DEVICE: ids[DEVICE]}, {"name": "x"})
    assert await is_refused(house, context, "list_callbacks", {ACCOUNT: ids[ACCOUNT]}, {})

    entities = er.async_entries_for_device(er.async_get(house.hass), ids[DEVICE], True)
    user.mock_policy({"entities": {"entity_ids": {e.entity_id: True for e in entities}}})
    assert not await is_refused(house, context, "rename", {DEVICE: ids[DEVICE]}, {"name": "x"})


async def test_control_of_a_device_needs_control_of_what_is_below_it(
    house: House, cloud: SensoristCloud, ids: dict[str, str]
) -> None:
    registry = er.async_get(house.hass)
    devices = {device.id: device for device in house.devices(house.entries[0])}
    gateway = devices[devices[ids[DEVICE]].via_device_id or ""]
    own = er.async_entries_for_device(registry, gateway.id, True)
    user = MockUser().add_to_hass(house.hass)
    user.mock_policy({"entities": {"entity_ids": {entity.entity_id: True for entity in own}}})

    assert await is_refused(
        house, Context(user_id=user.id), "rename", {DEVICE: gateway.id}, {"name": "x"}
    )


async def test_a_reader_presses_no_button_and_sets_no_number(
    house: House, cloud: SensoristCloud, ids: dict[str, str], hass_read_only_user: User
) -> None:
    number = await enable_number(house, cloud, house.entries[0])
    button = house.states("button")[0].entity_id
    context = Context(user_id=hass_read_only_user.id)
    before = len(cloud.log)

    for domain, service, fields in (
        ("button", "press", {ENTITY: button}),
        ("number", "set_value", {ENTITY: number, "value": 300}),
    ):
        with pytest.raises(Unauthorized):
            await house.hass.services.async_call(
                domain, service, fields, blocking=True, context=context
            )

    assert len(cloud.log) == before


async def test_pictures_and_clips_need_somebody_who_is_signed_in(
    house: House, ids: dict[str, str], hass_client_no_auth: Any
) -> None:
    assert await async_setup_component(house.hass, "media_source", {})
    await house.settle()
    client = await hass_client_no_auth()

    for path in (f"/api/watchpost/media/{ids[ACCOUNT]}/x", "/api/media_source/browse"):
        response = await client.get(path)
        assert response.status in (401, 404)
