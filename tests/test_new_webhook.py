"""A person can have a new webhook address; whatever interrupts the change leaves one that works."""

import logging
from typing import Any
from unittest.mock import AsyncMock, patch

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
import pytest
from yarl import URL

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensorist import SensoristCloud
from simulators.viziosense import VizioSenseCloud

from .calling import counts, hook, registered
from .conftest import DOMAIN, House, credentials
from .mk_house import MkHouse, mk_credentials
from .test_mk_push import ours
from .watching import arrive as vizio_arrive
from .watching import sign_in, token_form


async def renew(
    house: House, entry: ConfigEntry, fields: dict[str, Any], step: str | None = None
) -> Any:
    """Choose a new webhook address in the entry's Reconfigure."""
    flow = house.hass.config_entries.flow
    form = await flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    if step is not None:
        form = await flow.async_configure(form["flow_id"], {"next_step_id": step})
    return await house.submit(form["flow_id"], {**fields, "new_webhook": True})


def urls(cloud: SensoristCloud) -> list[str]:
    return [url for url, _ in registered(cloud)]


async def is_answered(house: House, door: TestClient, entry: ConfigEntry, path: str) -> bool:
    """Whether a call to a path reaches the account."""
    before = counts(entry)["calls"]
    response = await door.post(path, json={"type": 9})
    assert response.status == 200
    await house.settle()
    return bool(counts(entry)["calls"] == before + 1)


async def test_a_new_address_is_registered_before_the_old_one_is_given_up(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    old, before = hook(entry), urls(cloud)

    result = await renew(house, entry, credentials(cloud))

    assert result["reason"] == "reconfigure_successful"
    new = hook(entry)
    assert new != old
    assert [URL(url).path for url in urls(cloud)] == [old, new]
    assert await is_answered(house, door, entry, old)
    assert await is_answered(house, door, entry, new)

    await house.pass_time(1000)  # the list of before is current for 15 minutes
    assert [URL(url).path for url in urls(cloud)] == [new]
    assert not await is_answered(house, door, entry, old)
    assert await is_answered(house, door, entry, new)
    assert before != urls(cloud)
    assert "previous_webhook_ids" not in entry.data
    assert cloud.early_requests() == []


@pytest.mark.parametrize(
    ("method", "takes_effect"),
    [("GET", False), ("POST", False), ("POST", True), ("DELETE", False), ("DELETE", True)],
)
async def test_whatever_request_fails_an_address_works_and_the_change_ends(
    house: House, door: TestClient, cloud: SensoristCloud, method: str, takes_effect: bool
) -> None:
    entry = await house.sign_in(cloud)
    cloud.faults.add(
        Fault(
            match="/callbacks",
            kind="status",
            status=500,
            method=method,
            takes_effect=takes_effect,
        )
    )
    await renew(house, entry, credentials(cloud))
    await house.pass_time(90)

    await house.reload(entry)
    await house.pass_time(90)
    assert urls(cloud)
    for url in urls(cloud):
        assert await is_answered(house, door, entry, URL(url).path)

    cloud.faults.clear()
    await house.pass_time(3 * 3600)
    assert [URL(url).path for url in urls(cloud)] == [hook(entry)]
    assert "previous_webhook_ids" not in entry.data


async def test_an_account_that_is_removed_in_between_leaves_neither_address(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    await renew(house, entry, credentials(cloud))
    assert len(urls(cloud)) == 2

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert urls(cloud) == []


async def test_wrong_credentials_leave_the_address_as_it_is(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    before = hook(entry)

    result = await renew(house, entry, {**credentials(cloud), "password": "wrong"})

    assert result["errors"] == {"base": "sign_in_rejected"}
    assert hook(entry) == before
    assert "new_webhook" in {str(key) for key in result["data_schema"].schema}


@pytest.mark.usefixtures("views")
async def test_viziosense_calls_the_old_address_until_a_message_came_to_the_new_one(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    old = hook(entry)

    await renew(house, entry, token_form(vizio), "viziosense_token")
    await house.pass_time(180)
    new = hook(entry)

    def active() -> set[str]:
        return {URL(webhook.url).path for webhook in vizio.webhooks.all if webhook.active}

    assert active() == {old, new}
    vizio.keep_alive(vizio.devices[0].uuid)
    await vizio_arrive(house, vizio)
    await house.pass_time(90)

    assert active() == {new}
    assert "previous_webhook_ids" not in entry.data


async def test_manfred_kunzes_rules_go_to_the_new_channel(
    mk_house: MkHouse, door: TestClient, mk: ManfredKunzeCloud
) -> None:
    rule = mk.rules[0]
    entry = await mk_house.sign_in(mk, push_rules=[rule.id])
    old = hook(entry)
    assert [URL(channel.target).path for channel in ours(mk)] == [old]

    await renew(mk_house, entry, mk_credentials(mk))
    await mk_house.pass_time(300)

    (channel,) = ours(mk)
    assert URL(channel.target).path == hook(entry) != old
    assert "previous_webhook_ids" not in entry.data


async def test_the_old_cloudhook_is_given_back(
    house: House, door: TestClient, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await house.sign_in(cloud)
    old = entry.data[CONF_WEBHOOK_ID]
    house.hass.config.components.add("cloud")
    with (
        patch("homeassistant.components.cloud.async_active_subscription", return_value=False),
        patch("homeassistant.components.cloud.async_listen_connection_change"),
        patch("homeassistant.components.cloud.async_listen_cloudhook_change"),
        patch("homeassistant.components.cloud.async_delete_cloudhook", AsyncMock()) as delete,
    ):
        await renew(house, entry, credentials(cloud))
        await house.pass_time(1000)

    assert [call.args[1] for call in delete.await_args_list] == [old]
    lines = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in lines if old in record.getMessage()]
