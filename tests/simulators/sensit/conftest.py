"""A simulated SENSIT cloud, a clock that is moved by hand, and an account that asks over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import ClientSession
import pytest

from simulators.clock import Clock
from simulators.sensit import ApiVariants, CloudConfig, SensitCloud

from ..conftest import Answer

DEVICES = "/clients/getDevicesFromDeviceTypeAndRole"


@dataclass
class Account:
    """Asks a cloud as one user."""

    session: ClientSession
    cloud: SensitCloud
    email: str
    password: str
    token: str = ""
    user: dict[str, Any] = field(default_factory=dict)

    async def ask(self, method: str, path: str, *, base: str | None = None, **more: Any) -> Answer:
        url = (self.cloud.url if base is None else base) + path
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(
            method, url, headers=headers | more.pop("headers", {}), **more
        ) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    async def sign_in(self) -> Answer:
        answer = await self.ask(
            "POST", "/users/signin", json={"email": self.email, "password": self.password}
        )
        self.token, self.user = answer.json["accessToken"], answer.json["user"]
        return answer

    async def list(self, kind: str = "ALL", **changes: Any) -> Answer:
        query = {"DeviceType": kind, "Role": self.user["role"], "UserId": self.user["id"]}
        headers = changes.pop("headers", {})
        return await self.ask("GET", DEVICES, params=query | changes, headers=headers)

    async def devices(self, kind: str = "ALL") -> Any:
        answer = await self.list(kind)
        assert answer.status == 200, answer.body
        return answer.json

    async def log(self, uuid: str, start: str, end: str, *, call: str = "ForGivenHour") -> Any:
        kind = self.cloud.monitor(uuid).type
        answer = await self.ask(
            "POST",
            f"/sensors-data/get{kind}DeviceLog{call}",
            json={"DeviceId": uuid, "DeviceType": kind, "StartDate": start, "EndDate": end},
        )
        assert answer.status == 200, answer.body
        return answer.json

    async def dates(self, uuid: str, zone: str = "UTC") -> Answer:
        kind = self.cloud.monitor(uuid).type
        return await self.ask(
            "POST",
            f"/sensors-data/get{kind}DataAvailableDates",
            json={"DeviceId": uuid, "DeviceType": kind, "Timezone": zone},
        )

    async def control(self, method: str, path: str, body: object = None) -> Answer:
        return await self.ask(method, path, base=self.cloud.control_url, json=body)


type OpenCloud = Callable[..., Awaitable[SensitCloud]]
type SignIn = Callable[..., Awaitable[Account]]


@pytest.fixture
async def open_cloud(socket_enabled: None, clock: Clock) -> AsyncIterator[OpenCloud]:
    """Open clouds; a field of Forms is given by its name, like one of Plan."""
    async with AsyncExitStack() as stack:

        async def open_cloud(**plan: Any) -> SensitCloud:
            names = [name for name in plan if name in ApiVariants.__dataclass_fields__]
            variants = ApiVariants(**{name: plan.pop(name) for name in names})
            return await stack.enter_async_context(
                SensitCloud(CloudConfig(variants=variants, **plan), clock)
            )

        yield open_cloud


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensitCloud:
    return await open_cloud()


@pytest.fixture
def sign_in(session: ClientSession) -> SignIn:
    async def sign_in(cloud: SensitCloud, email: str = "", password: str = "") -> Account:
        user = Account(session, cloud, email or cloud.username, password or cloud.password)
        await user.sign_in()
        return user

    return sign_in


@pytest.fixture
async def account(cloud: SensitCloud, sign_in: SignIn) -> Account:
    return await sign_in(cloud)


def when(text: str) -> datetime:
    """Return the moment of a record's date."""
    return datetime.fromisoformat(text)
