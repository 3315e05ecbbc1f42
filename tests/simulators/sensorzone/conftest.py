"""A simulated SensorZone cloud and somebody who asks it in all three ways."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession, CookieJar
import pytest

from simulators.clock import Clock
from simulators.sensorzone import CloudConfig, SensorZoneCloud
from tests.simulators.conftest import Answer


class Client:
    """Asks a cloud with a cookie jar of its own; `token` is sent as a bearer token if there is one."""

    def __init__(self, session: ClientSession, cloud: SensorZoneCloud) -> None:
        self.session = session
        self.cloud = cloud
        self.token = ""

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        url = path if path.startswith("http") else self.cloud.url + path
        async with self.session.request(
            method, url, headers=headers, allow_redirects=False, **more
        ) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, **body: Any) -> Answer:
        return await self.ask("POST", path, json=body)

    async def patch(self, path: str, **body: Any) -> Answer:
        return await self.ask("PATCH", path, json=body)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

    async def control(self, method: str, path: str, body: object = None) -> Answer:
        return await self.ask(method, self.cloud.control_url + path, json=body)

    async def sign_in(self, user: str = "", password: str = "") -> Answer:
        return await self.post(
            "/api/v1/session",
            email=user or self.cloud.username,
            password=password or self.cloud.password,
        )

    async def log_in(self, user: str = "", password: str = "") -> Answer:
        """Get a JWT and use it from now on."""
        answer = await self.post(
            "/api/v2/login",
            email=user or self.cloud.username,
            password=password or self.cloud.password,
        )
        self.token = answer.headers.get("AccessToken", "")
        return answer


type OpenCloud = Callable[..., Awaitable[SensorZoneCloud]]
type MakeClient = Callable[[SensorZoneCloud], Client]


@pytest.fixture
async def open_cloud(socket_enabled: None, clock: Clock) -> AsyncIterator[OpenCloud]:
    async with AsyncExitStack() as stack:

        async def open_cloud(**plan: Any) -> SensorZoneCloud:
            return await stack.enter_async_context(SensorZoneCloud(CloudConfig(**plan), clock))

        yield open_cloud


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensorZoneCloud:
    return await open_cloud()


@pytest.fixture
async def make_client(socket_enabled: None) -> AsyncIterator[MakeClient]:
    sessions: list[ClientSession] = []

    def make_client(cloud: SensorZoneCloud) -> Client:
        sessions.append(ClientSession(cookie_jar=CookieJar(unsafe=True)))
        return Client(sessions[-1], cloud)

    yield make_client
    for session in sessions:
        await session.close()


@pytest.fixture
async def user(cloud: SensorZoneCloud, make_client: MakeClient) -> Client:
    """The administrator, signed in to version 1."""
    client = make_client(cloud)
    assert (await client.sign_in()).status == 200
    return client


@pytest.fixture
async def api_user(cloud: SensorZoneCloud, make_client: MakeClient) -> Client:
    """The administrator, signed in to version 2."""
    client = make_client(cloud)
    assert (await client.log_in()).status == 200
    return client


@pytest.fixture
async def tester(cloud: SensorZoneCloud, make_client: MakeClient) -> Client:
    """The first brand's tester device."""
    client = make_client(cloud)
    client.token = cloud.tester_token
    return client
