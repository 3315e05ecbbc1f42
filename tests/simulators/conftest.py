"""A simulated cloud, a clock that is moved by hand, and an account that asks over real HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
import json
from typing import Any

from aiohttp import ClientSession, encode_basic_auth
from multidict import CIMultiDictProxy
import pytest

from simulators.clock import Clock
from simulators.sensorist import CloudConfig, SensoristCloud

START = datetime(2026, 9, 13, 12, tzinfo=UTC)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Account:
    """Asks a cloud as one user."""

    def __init__(self, session: ClientSession, cloud: SensoristCloud, user: str, word: str):
        self._session = session
        self._cloud = cloud
        self._headers = {"Authorization": encode_basic_auth(user, word, "utf-8")}

    async def ask(self, method: str, path: str, *, base: str | None = None, **more: Any) -> Answer:
        headers = self._headers | more.pop("headers", {})
        url = (self._cloud.url if base is None else base) + path
        async with self._session.request(
            method, url, headers=headers, allow_redirects=False, **more
        ) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    async def get(
        self, path: str, *, headers: dict[str, str] | None = None, **query: str
    ) -> Answer:
        query = {name.rstrip("_"): value for name, value in query.items()}
        return await self.ask("GET", path, params=query, headers=headers or {})

    async def post(self, path: str, **form: str) -> Answer:
        return await self.ask("POST", path, data=form)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

    async def control(self, method: str, path: str, body: object = None) -> Answer:
        return await self.ask(method, path, base=self._cloud.control_url, json=body)

    async def measured(self, *sources: int, kind: str = "latest", **query: str) -> Any:
        data_sources = ",".join(map(str, sources))
        answer = await self.get("/measurements", data_sources=data_sources, type=kind, **query)
        assert answer.status == 200, answer.body
        return answer.json["measurements"]


type OpenCloud = Callable[..., Awaitable[SensoristCloud]]
type SignIn = Callable[..., Account]


@pytest.fixture
def clock() -> Clock:
    return Clock.by_hand(START)


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def open_cloud(socket_enabled: None, clock: Clock) -> AsyncIterator[OpenCloud]:
    async with AsyncExitStack() as stack:

        async def open_cloud(**plan: Any) -> SensoristCloud:
            return await stack.enter_async_context(SensoristCloud(CloudConfig(**plan), clock))

        yield open_cloud


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=3, sensors=2)


@pytest.fixture
def sign_in(session: ClientSession) -> SignIn:
    def sign_in(cloud: SensoristCloud, user: str = "", password: str = "") -> Account:
        return Account(session, cloud, user or cloud.username, password or cloud.password)

    return sign_in


@pytest.fixture
def account(cloud: SensoristCloud, sign_in: SignIn) -> Account:
    return sign_in(cloud)
