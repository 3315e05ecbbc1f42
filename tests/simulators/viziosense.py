"""A simulated VizioSense cloud, a caller that asks it over real HTTP, and a door that it calls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
import json
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from simulators.clock import Clock
from simulators.viziosense import CloudConfig, Device, VizioSenseCloud, Webhook

from .conftest import Answer

AXIOS = {
    "User-Agent": "axios/1.3.5",
    "Content-Type": "application/json",
    "Accept": "application/json, text/plain, */*",
}


class Caller:
    """Asks a cloud with one token."""

    def __init__(self, session: ClientSession, cloud: VizioSenseCloud, token: str | None) -> None:
        self._session = session
        self._cloud = cloud
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, *, base: str | None = None, **more: Any) -> Answer:
        headers = more.pop("headers", self._headers)
        url = path if "://" in path else (self._cloud.url if base is None else base) + path
        async with self._session.request(
            method, url, headers=headers, allow_redirects=False, **more
        ) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.ask("GET", path, params=query or None)

    async def post(self, path: str, **body: Any) -> Answer:
        return await self.ask("POST", path, json=body)

    async def put(self, path: str, **body: Any) -> Answer:
        return await self.ask("PUT", path, json=body)

    async def control(self, method: str, path: str, **body: Any) -> Answer:
        return await self.ask(method, path, base=self._cloud.control_url, json=body)

    async def links(self, device: Device) -> Any:
        """Ask for a picture; the links that come back."""
        answer = await self.post(f"/devices/{device.uuid}/image")
        assert answer.status == 200, answer.body
        return answer.json["data"]

    async def picture(self, link: str) -> Answer:
        """Follow a link without a token."""
        return await self.ask("GET", link, headers={})

    def over(self, token: str | None) -> Caller:
        """The same with another token."""
        return Caller(self._session, self._cloud, token)


@dataclass
class Heard:
    """One call that a webhook got."""

    method: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Listener:
    """A web server that webhooks can be registered for, and what it heard.

    `together`: how many calls it has had at once at most.
    """

    url: str = ""
    status: int = 200
    together: int = 0
    heard: list[Heard] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [one.json for one in self.heard]


type OpenVizioSense = Callable[..., Awaitable[VizioSenseCloud]]


@pytest.fixture(name="open_viziosense")
async def open_viziosense_fixture(
    socket_enabled: None, clock: Clock
) -> AsyncIterator[OpenVizioSense]:
    async with AsyncExitStack() as stack:

        async def open_cloud(**plan: Any) -> VizioSenseCloud:
            return await stack.enter_async_context(VizioSenseCloud(CloudConfig(**plan), clock))

        yield open_cloud


@pytest.fixture(name="cloud")
async def cloud_fixture(open_viziosense: OpenVizioSense) -> VizioSenseCloud:
    """One device of each application; nothing moves by itself."""
    return await open_viziosense(devices=5, pace=0)


@pytest.fixture(name="caller")
def caller_fixture(session: ClientSession, cloud: VizioSenseCloud) -> Caller:
    return Caller(session, cloud, cloud.config.token)


@pytest.fixture(name="listener")
async def listener_fixture(socket_enabled: None) -> AsyncIterator[Listener]:
    listener = Listener()
    here = 0

    async def hear(request: web.Request) -> web.Response:
        nonlocal here
        here += 1
        listener.together = max(listener.together, here)
        listener.heard.append(
            Heard(
                request.method,
                list(request.query.items()),
                dict(request.headers),
                await request.read(),
            )
        )
        await asyncio.sleep(0.001)
        here -= 1
        return web.Response(status=listener.status)

    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/hook", hear)
    async with TestServer(app) as server:
        listener.url = str(server.make_url("/hook"))
        yield listener


@pytest.fixture(name="hook")
def hook_fixture(cloud: VizioSenseCloud, listener: Listener) -> Webhook:
    """A webhook for payloads with a secret header and a parameter."""
    return cloud.webhooks.create(
        f"{listener.url}?mine=1", headers={"X-Secret": "s3"}, params={"param1": "value 1"}
    )


async def told(cloud: VizioSenseCloud, clock: Clock, seconds: float = 31) -> None:
    """Let time go by, and what the devices then say arrive."""
    clock.advance(seconds)
    await cloud.settled()
