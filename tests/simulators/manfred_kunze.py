"""A simulated Manfred Kunze platform and a caller that asks it over real HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import ClientSession
import pytest

from simulators.clock import Clock
from simulators.manfred_kunze import CloudConfig, ManfredKunzeCloud

from .conftest import Answer

SPRING = {
    "content", "totalElements", "totalPages", "number", "size", "numberOfElements", "first", "last",
    "empty",
}  # fmt: skip


class Caller:
    """Asks a cloud with one key."""

    def __init__(self, session: ClientSession, cloud: ManfredKunzeCloud, key: str | None) -> None:
        self._session = session
        self._cloud = cloud
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def ask(self, method: str, path: str, *, base: str | None = None, **more: Any) -> Answer:
        headers = more.pop("headers", self._headers)
        prefix = f"{self._cloud.url}/api/v1" if base is None else base
        url = path if "://" in path else prefix + path
        async with self._session.request(
            method, url, headers=headers, allow_redirects=False, **more
        ) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    async def get(self, path: str, **query: Any) -> Answer:
        query = {name.rstrip("_"): value for name, value in query.items()}
        return await self.ask("GET", path, params=query or None)

    async def all(self, path: str, **query: Any) -> list[Any]:
        """What a list of one page holds."""
        answer = await self.get(path, **{"size": 500, **query})
        assert answer.status == 200, answer.body
        return answer.json["content"]

    async def post(self, path: str, **body: Any) -> Answer:
        return await self.ask("POST", path, json=body)

    async def put(self, path: str, **body: Any) -> Answer:
        return await self.ask("PUT", path, json=body)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

    async def control(self, method: str, path: str, **body: Any) -> Answer:
        return await self.ask(method, path, base=self._cloud.control_url, json=body)

    async def bare(self, url: str) -> Answer:
        """Follow a link without a key."""
        return await self.ask("GET", url, headers={})

    def over(self, key: str | None) -> Caller:
        """The same with another key."""
        return Caller(self._session, self._cloud, key)


type OpenManfredKunze = Callable[..., Awaitable[ManfredKunzeCloud]]


@pytest.fixture(name="open_mk")
async def open_mk_fixture(socket_enabled: None, clock: Clock) -> AsyncIterator[OpenManfredKunze]:
    async with AsyncExitStack() as stack:

        async def open_cloud(**plan: Any) -> ManfredKunzeCloud:
            return await stack.enter_async_context(ManfredKunzeCloud(CloudConfig(**plan), clock))

        yield open_cloud


@pytest.fixture(name="cloud")
async def cloud_fixture(open_mk: OpenManfredKunze) -> ManfredKunzeCloud:
    """Three devices with two components each."""
    return await open_mk()


@pytest.fixture(name="caller")
def caller_fixture(session: ClientSession, cloud: ManfredKunzeCloud) -> Caller:
    return Caller(session, cloud, cloud.credentials["api_key"])
