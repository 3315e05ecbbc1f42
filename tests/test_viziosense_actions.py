"""What can be done at VizioSense: change a camera, and look after other systems' webhooks."""

from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.auth.models import User
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
import pytest
import voluptuous as vol

from simulators.viziosense import VizioSenseCloud

from .calling import door_fixture  # noqa: F401
from .conftest import DOMAIN, House
from .watching import asked, entity_id, sign_in

ELSEWHERE = "https://other.example.com/hook?site=1"

pytestmark = pytest.mark.usefixtures("views")


async def act(house: House, action: str, **fields: Any) -> Any:
    response = await house.hass.services.async_call(
        DOMAIN, action, fields, blocking=True, return_response=True
    )
    await house.settle()
    return response


def device_id(house: House, entry: Any, uuid: str) -> str:
    found = dr.async_get(house.hass).async_get_device_by_identifier(
        (DOMAIN, f"{entry.unique_id}:camera-{uuid}"), entry.entry_id
    )
    assert found
    return found.id


async def test_a_camera_is_renamed_and_moved_at_the_vendor(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    known = device_id(house, entry, device.uuid)

    response = await act(house, "update_device", device_id=known, name="North gate", city="Bern")

    assert (device.name, device.geo_city) == ("North gate", "Bern")
    assert response["name"] == "North gate"
    assert response["city"] == "Bern"
    assert {found.name for found in house.devices(entry)} == {"VizioSense", "North gate"}


async def test_a_change_of_nothing_is_refused_before_anything_is_asked(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    known = device_id(house, entry, vizio.devices[0].uuid)
    requests = len(vizio.log)

    with pytest.raises(ServiceValidationError):
        await act(house, "update_device", device_id=known)

    assert len(vizio.log) == requests


async def test_the_account_itself_is_no_camera(house: House, vizio: VizioSenseCloud) -> None:
    entry = await sign_in(house, vizio)
    account = dr.async_get(house.hass).async_get_device_by_identifier(
        (DOMAIN, f"{entry.unique_id}:account"), entry.entry_id
    )
    assert account

    with pytest.raises(ServiceValidationError):
        await act(house, "update_device", device_id=account.id, name="Mine")


async def test_a_snapshot_is_asked_of_cameras_alone(house: House, vizio: VizioSenseCloud) -> None:
    entry = await sign_in(house, vizio)
    other = entity_id(house, entry, vizio.devices[0], "refreshed")

    with pytest.raises(ServiceValidationError):
        await act(house, "request_snapshot", entity_id=other)

    assert vizio.devices[0].wakes == 0


async def test_webhooks_are_listed_without_their_secrets(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.webhooks.create(ELSEWHERE, headers={"Authorization": "Bearer theirs"}, params={"k": "v"})

    response = await act(house, "list_webhooks", config_entry_id=entry.entry_id)

    *ours, other = response["webhooks"]
    assert [found["is_ours"] for found in response["webhooks"]] == [True, True, False]
    assert other | {"id": None} == {
        "id": None,
        "host": "other.example.com",
        "type": "payload",
        "active": True,
        "actions": other["actions"],
        "headers": ["Authorization"],
        "params": ["k"],
        "is_ours": False,
    }
    for secret in ("theirs", "/hook", entry.data["push_secret"], entry.data["webhook_id"]):
        assert secret not in str(response)
    assert {found["type"] for found in ours} == {"payload", "keepalive"}


@pytest.mark.parametrize("form", ["input", "stored"])
async def test_a_webhook_of_another_system_is_added_and_changed(
    house: House, vizio: VizioSenseCloud, form: Any
) -> None:
    vizio.config.variants.webhook_echo = form
    entry = await sign_in(house, vizio)
    account = entry.entry_id

    response = await act(
        house,
        "add_webhook",
        config_entry_id=account,
        url=ELSEWHERE,
        webhook_type="payload",
        headers={"Authorization": "Bearer theirs"},
        device_uuid=vizio.devices[0].uuid,
    )
    (added,) = vizio.webhooks.all
    assert (added.url, added.active, added.headers) == (
        ELSEWHERE,
        True,
        [("Authorization", "Bearer theirs")],
    )
    assert added.device_uuid == vizio.devices[0].uuid
    assert response["webhook_id"] == (None if form == "input" else str(added.id))

    await act(
        house,
        "update_webhook",
        config_entry_id=account,
        webhook_id=str(added.id),
        active=False,
        params={"site": "north"},
    )
    assert (added.active, added.params) == (False, [("site", "north")])
    assert (added.url, added.headers) == (ELSEWHERE, [("Authorization", "Bearer theirs")])


async def test_our_own_webhooks_are_refused(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)

    for webhook in vizio.webhooks.all:
        with pytest.raises(ServiceValidationError):
            await act(
                house,
                "update_webhook",
                config_entry_id=entry.entry_id,
                webhook_id=str(webhook.id),
                active=False,
            )

    assert not [record for record in vizio.log if record.method == "PUT"]


async def test_what_is_not_listed_or_hidden_is_refused(
    house: House, vizio: VizioSenseCloud
) -> None:
    vizio.config.variants.webhook_values = "masked"
    entry = await sign_in(house, vizio)
    webhook = vizio.webhooks.create(ELSEWHERE, headers={"Authorization": "Bearer theirs"})

    for number in (str(webhook.id), "999"):
        with pytest.raises(ServiceValidationError):
            await act(
                house,
                "update_webhook",
                config_entry_id=entry.entry_id,
                webhook_id=number,
                active=False,
            )

    assert webhook.headers == [("Authorization", "Bearer theirs")]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://plain.example.com/hook"},
        {"url": "https://user:word@example.com/hook"},
        {"url": "nonsense"},
        {"webhook_type": "everything"},
        {"headers": {"a": "x" * 2000}},
        {"headers": "Authorization"},
    ],
    ids=str,
)
async def test_bad_fields_are_refused_before_anything_is_asked(
    house: House, vizio: VizioSenseCloud, fields: dict[str, Any]
) -> None:
    entry = await sign_in(house, vizio)
    requests = len(vizio.log)

    with pytest.raises((vol.Invalid, ServiceValidationError)):
        await act(
            house,
            "add_webhook",
            **{
                "config_entry_id": entry.entry_id,
                "url": ELSEWHERE,
                "webhook_type": "payload",
                **fields,
            },
        )

    assert len(vizio.log) == requests


@pytest.mark.parametrize("form", [400, 422, 200])
async def test_a_refusal_of_the_vendor_is_said(
    house: House, vizio: VizioSenseCloud, form: Any
) -> None:
    vizio.config.variants.webhook_scope = "device"
    vizio.config.variants.webhook_error = form
    entry = await sign_in(house, vizio)

    with pytest.raises(HomeAssistantError) as caught:
        await act(
            house,
            "add_webhook",
            config_entry_id=entry.entry_id,
            url=ELSEWHERE,
            webhook_type="payload",
        )

    assert caught.value.translation_key == "refused"
    assert len(asked(vizio, "POST", "/webhooks")) == 1
    assert not house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)


async def test_webhooks_are_changed_by_administrators_alone(
    house: House, vizio: VizioSenseCloud, hass_read_only_user: User
) -> None:
    entry = await sign_in(house, vizio)

    with pytest.raises(Unauthorized):
        await house.hass.services.async_call(
            DOMAIN,
            "add_webhook",
            {"config_entry_id": entry.entry_id, "url": ELSEWHERE, "webhook_type": "payload"},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )

    assert vizio.webhooks.all == []
