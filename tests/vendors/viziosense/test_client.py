"""The client's calls that nothing in Home Assistant needs yet, against the simulated cloud."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec import structs
import pytest

from custom_components.watchpost.client.budget import RequestBudget
from custom_components.watchpost.client.errors import SignInRejectedError, UnexpectedResponseError
from custom_components.watchpost.client.transport import Transport
from custom_components.watchpost.vendors.viziosense.client import ENDPOINTS, VizioSenseClient
from custom_components.watchpost.vendors.viziosense.models import Webhook, error_status
from custom_components.watchpost.vendors.viziosense.sign_in import TokenSignIn
from simulators.viziosense import CloudConfig, VizioSenseCloud


@pytest.fixture
async def cloud(socket_enabled: None) -> AsyncIterator[VizioSenseCloud]:
    async with VizioSenseCloud(CloudConfig(devices=3, pace=0)) as cloud:
        yield cloud


@pytest.fixture
async def client(cloud: VizioSenseCloud) -> AsyncIterator[VizioSenseClient]:
    async with aiohttp.ClientSession() as session:
        sign_in = TokenSignIn(cloud.config.token)
        yield VizioSenseClient(
            Transport(session, cloud.url, sign_in, RequestBudget(), error_status=error_status)
        )


async def test_one_device_is_what_the_list_says(
    cloud: VizioSenseCloud, client: VizioSenseClient
) -> None:
    listed = (await client.list_devices()).value
    for device in listed:
        assert (await client.get_device(device.uuid)).value == device
    with pytest.raises(UnexpectedResponseError):
        await client.get_device("nobody")


async def test_the_list_is_sorted_and_filtered_by_the_vendor(
    cloud: VizioSenseCloud, client: VizioSenseClient
) -> None:
    cloud.devices[0].online = False
    names = [device.name for device in (await client.list_devices(sort="name")).value]
    assert names == sorted(each.name for each in cloud.devices)
    online = (await client.list_devices(is_online=True)).value
    offline = (await client.list_devices(is_online=False)).value
    assert (len(online), len(offline)) == (2, 1)
    city = cloud.devices[1].geo_city
    assert {device.city for device in (await client.list_devices(group=city)).value} == {city}


async def test_webhooks_of_one_device_are_listed_by_themselves(
    cloud: VizioSenseCloud, client: VizioSenseClient
) -> None:
    first, second = cloud.devices[:2]
    mine = cloud.webhooks.create("https://x.example/1", device_uuid=first.uuid)
    cloud.webhooks.create("https://x.example/2", device_uuid=second.uuid)

    assert [each.id for each in await client.list_webhooks(first.uuid)] == [str(mine.id)]


async def test_a_token_that_was_revoked_is_refused(
    cloud: VizioSenseCloud, client: VizioSenseClient
) -> None:
    cloud.tokens.revoke()

    with pytest.raises(SignInRejectedError):
        await client.list_devices()


def test_no_path_is_called_known_that_nobody_could_read() -> None:
    assert len(ENDPOINTS) == 8
    assert not any(call.is_documented for call in ENDPOINTS)


async def test_a_webhook_that_was_added_or_changed_is_in_the_next_list(
    socket_enabled: None,
) -> None:
    webhooks: list[Any] = []

    async def listed(_: web.Request) -> web.Response:
        return web.json_response({"data": webhooks}, headers={"Cache-Control": "max-age=3600"})

    async def written(request: web.Request) -> web.Response:
        webhooks[:] = [{"id": 1, **await request.json()}]
        return web.json_response(webhooks[0])

    app = web.Application()
    app.router.add_get("/webhooks", listed)
    app.router.add_post("/webhooks", written)
    app.router.add_put("/webhooks/1", written)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        url = str(server.make_url("/"))
        client = VizioSenseClient(Transport(session, url, TokenSignIn("x"), RequestBudget()))
        assert not await client.list_webhooks()
        await client.add_webhook(Webhook("https://x.example/1", "payload"))
        (added,) = await client.list_webhooks()
        await client.update_webhook(structs.replace(added, is_active=False))

        assert [each.is_active for each in await client.list_webhooks()] == [False]
