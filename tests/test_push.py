"""What is registered at the vendor, so that it calls in."""

import logging
from typing import Any
from unittest.mock import AsyncMock, patch

from aiohttp.test_utils import TestClient
from homeassistant.components.cloud import CloudNotAvailable
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .calling import DAY, ELSEWHERE, asked, base, counts, hook, push_state, registered
from .conftest import DOMAIN, House, OpenCloud, credentials, watchpost_lines

# -- registration --


async def test_a_fresh_account_registers_one_callback_for_all_events(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)

    assert registered(cloud) == [(f"{base(door)}{hook(entry)}", 7)]
    assert push_state(house, cloud) == "on"
    assert len(asked(cloud, "/callbacks")) == 2


async def test_a_reload_keeps_the_registration_and_asks_nothing(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    before, requests = registered(cloud), len(cloud.log)

    await house.hass.config_entries.async_unload(entry.entry_id)
    assert registered(cloud) == before
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()

    assert registered(cloud) == before
    assert len(cloud.log) == requests
    assert push_state(house, cloud) == "on"


async def test_stale_and_double_callbacks_go_and_those_of_others_stay(
    house: House, door: TestClient, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",), max_age=7200)
    entry = await house.sign_in(cloud)
    user, url = cloud.user.id, f"{base(door)}{hook(entry)}"
    cloud.callbacks.create(user, ELSEWHERE, 7)
    cloud.callbacks.create(user, f"https://old.example.com{hook(entry)}", 7)
    cloud.callbacks.create(user, url, 3)

    await house.pass_time(DAY + 60)  # silent for a day: Home Assistant looks

    assert registered(cloud) == [(url, 7), (ELSEWHERE, 7)]
    assert cloud.early_requests() == []


async def test_a_callback_that_the_vendor_forgot_is_registered_anew(
    house: House, door: TestClient, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",), max_age=7200)
    entry = await house.sign_in(cloud)
    cloud.callbacks.delete(cloud.user.id, None)

    await house.pass_time(DAY - 60)
    assert registered(cloud) == []
    await house.pass_time(120)

    assert registered(cloud) == [(f"{base(door)}{hook(entry)}", 7)]
    assert push_state(house, cloud) == "on"


async def test_a_changed_external_url_is_followed(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cloud.callbacks.create(cloud.user.id, ELSEWHERE, 7)

    await house.hass.config.async_update(external_url="https://new.example.com")
    await house.settle()
    assert sorted(registered(cloud)) == sorted(
        [(f"https://new.example.com{hook(entry)}", 7), (ELSEWHERE, 7)]
    )

    await house.hass.config.async_update(external_url=None)
    await house.settle()
    assert registered(cloud) == [(ELSEWHERE, 7)]
    assert push_state(house, cloud) == "unknown"
    assert cloud.early_requests() == []


async def test_an_address_that_comes_later_is_used_at_once(
    house: House, cloud: SensoristCloud, hass_client_no_auth: Any
) -> None:
    entry = await house.sign_in(cloud)
    assert registered(cloud) == []
    assert CONF_WEBHOOK_ID not in entry.data

    client = await hass_client_no_auth()
    await house.hass.config.async_update(external_url=base(client))
    await house.settle()
    await house.settle()

    assert registered(cloud) == [(f"{base(client)}{hook(entry)}", 7)]


async def test_a_removed_account_takes_its_own_callback_along(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cloud.callbacks.create(cloud.user.id, ELSEWHERE, 7)

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert registered(cloud) == [(ELSEWHERE, 7)]
    deleted = [record.path for record in cloud.log if record.method == "DELETE"]
    assert deleted
    assert all(path.removeprefix("/v1/callbacks/").isdecimal() for path in deleted)


async def test_an_account_can_be_removed_while_the_vendor_is_down(
    house: House, door: TestClient, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await house.sign_in(cloud)
    cloud.faults.add(Fault(kind="status", status=500))

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert house.hass.config_entries.async_entries(DOMAIN) == []
    assert len([line for line in watchpost_lines(caplog) if "left behind" in line]) == 1


async def test_a_vendor_that_refuses_is_polled_asked_again_and_said_once(
    house: House, door: TestClient, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.faults.add(Fault(match="/callbacks", kind="status", status=403))
    entry = await house.sign_in(cloud)

    assert entry.state is ConfigEntryState.LOADED
    await house.pass_time(4 * 3600)
    lines = [
        line
        for line in watchpost_lines(caplog, logging.WARNING)
        if "could not be registered" in line
    ]
    assert len(lines) == 1
    assert 3 <= len(asked(cloud, "/callbacks")) <= 8
    assert len(asked(cloud, "/measurements")) > 10
    assert push_state(house, cloud) == "unknown"
    assert counts(entry)["registration_errors"] == {
        "PermissionDeniedError": len(asked(cloud, "/callbacks"))
    }
    issues = ir.async_get(house.hass).issues
    assert any(issue_id.startswith("not_allowed_") for _, issue_id in issues)

    cloud.faults.clear()
    await house.pass_time(8 * 3600)
    assert len(registered(cloud)) == 1
    assert not any(issue_id.startswith("not_allowed_") for _, issue_id in issues)


async def test_registration_waits_as_long_as_the_vendor_asks(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    cloud.faults.add(
        Fault(
            match="/callbacks",
            kind="status",
            status=429,
            headers={"Retry-After": "7200"},
            times=1,
        )
    )
    entry = await house.sign_in(cloud)
    assert entry.state is ConfigEntryState.LOADED

    await house.pass_time(3 * 3600)

    assert cloud.held_requests() == []
    assert len(registered(cloud)) == 1


@pytest.mark.parametrize(
    "url", [None, "http://home.example.com", "http://192.168.1.7:8123"], ids=str
)
async def test_without_a_safe_address_polling_alone_does_and_system_health_says_so(
    house: House, cloud: SensoristCloud, url: str | None, hass_ws_client: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await house.hass.config.async_update(external_url=url)
    entry = await house.sign_in(cloud)
    await house.pass_time(1000)

    assert asked(cloud, "/callbacks") == []
    assert CONF_WEBHOOK_ID not in entry.data
    assert watchpost_lines(caplog, logging.WARNING) == []
    registry = er.async_get(house.hass)
    unique_id = f"sensorist:{cloud.user.id}:account:push"
    assert registry.async_get_entity_id("binary_sensor", DOMAIN, unique_id) is None
    assert await async_setup_component(house.hass, "system_health", {})
    client = await hass_ws_client(house.hass)
    await client.send_json_auto_id({"type": "system_health/info"})
    await client.receive_json()
    info = (await client.receive_json())["event"]["data"][DOMAIN]["info"]
    assert "polling alone" in info["push"]


async def test_a_reconfigured_account_keeps_its_webhook(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    before = registered(cloud)
    form = await house.hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )

    await house.submit(form["flow_id"], credentials(cloud))

    assert registered(cloud) == before
    assert before[0][0].endswith(hook(entry))


# -- Home Assistant Cloud, whose functions are stood in for --


class Subscription:
    """Stands in for the cloud component's functions."""

    def __init__(self) -> None:
        self.is_active = True
        self.is_connected = True
        self.create = AsyncMock(return_value="https://hooks.example.com/opaque")
        self.delete = AsyncMock(side_effect=CloudNotAvailable)
        self.tell_connection: Any = None
        self.tell_hook: Any = None

    def listen_connection(self, _hass: HomeAssistant, target: Any) -> Any:
        self.tell_connection = target
        return lambda: None

    def listen_hook(self, _hass: HomeAssistant, _webhook_id: str, target: Any) -> Any:
        self.tell_hook = target
        return lambda: None


@pytest.fixture
def subscription(house: House) -> Any:
    found = Subscription()
    house.hass.config.components.add("cloud")
    with patch.multiple(
        "homeassistant.components.cloud",
        async_active_subscription=lambda _: found.is_active,
        async_is_connected=lambda _: found.is_connected,
        async_get_or_create_cloudhook=found.create,
        async_delete_cloudhook=found.delete,
        async_listen_connection_change=found.listen_connection,
        async_listen_cloudhook_change=found.listen_hook,
    ):
        yield found


async def test_a_cloudhook_goes_before_the_external_url_and_back_when_the_subscription_ends(
    house: House, door: TestClient, subscription: Subscription, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    assert registered(cloud) == [("https://hooks.example.com/opaque", 7)]
    assert counts(entry)["via"] == "cloudhook"

    subscription.create.return_value = "https://hooks.example.com/other"
    subscription.tell_hook(None)
    await house.settle()
    assert registered(cloud) == [("https://hooks.example.com/other", 7)]

    subscription.is_active = False
    subscription.tell_connection(None)
    await house.settle()
    assert registered(cloud) == [(f"{base(door)}{hook(entry)}", 7)]
    assert counts(entry)["via"] == "external"


async def test_a_cloud_that_connects_later_is_waited_for(
    house: House, door: TestClient, subscription: Subscription, cloud: SensoristCloud,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    subscription.is_connected = False
    await house.sign_in(cloud)
    assert registered(cloud) == []

    subscription.is_connected = True
    subscription.tell_connection(None)
    await house.settle()

    assert registered(cloud) == [("https://hooks.example.com/opaque", 7)]
    assert watchpost_lines(caplog, logging.WARNING) == []


async def test_a_removed_account_gives_its_cloudhook_back(
    house: House, door: TestClient, subscription: Subscription, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    webhook_id = entry.data[CONF_WEBHOOK_ID]

    await house.hass.config_entries.async_remove(entry.entry_id)

    assert registered(cloud) == []
    subscription.delete.assert_awaited_once_with(house.hass, webhook_id)


async def test_a_cloud_that_fails_delays_nothing_but_push(
    house: House, door: TestClient, subscription: Subscription, cloud: SensoristCloud
) -> None:
    subscription.create.side_effect = CloudNotAvailable
    entry = await house.sign_in(cloud)
    assert entry.state is ConfigEntryState.LOADED
    assert counts(entry)["registration_errors"] == {"CloudNotAvailable": 1}

    subscription.create.side_effect = None
    await house.pass_time(400)

    assert registered(cloud) == [("https://hooks.example.com/opaque", 7)]
