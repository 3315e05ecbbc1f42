"""Home Assistant from outside: its REST and websocket interfaces, as a browser uses them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
import time
from typing import Any

import aiohttp

from .processes import ChildProcess
from .state import DemoError

USERNAME = "demo"
PASSWORD = "watchpost"

_SECONDS_TO_START = 120


class CommandError(DemoError):
    """Home Assistant refused a websocket command."""


class Client:
    """A signed-in user of Home Assistant."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: dict[str, Any],
        socket: aiohttp.ClientWebSocketResponse,
    ) -> None:
        """Use an open session and an authenticated websocket."""
        self.tokens = tokens
        self._session = session
        self._headers = _authorization(tokens)
        self._socket = socket
        self._ids = count(1)

    async def get(self, path: str) -> Any:
        """GET a REST path."""
        return await _json(self._session.get(path, headers=self._headers))

    async def post(self, path: str, body: object) -> Any:
        """POST `body` to a REST path."""
        return await _json(self._session.post(path, headers=self._headers, json=body))

    async def command(self, kind: str, **fields: object) -> Any:
        """Send a websocket command; raises `CommandError` when it is refused."""
        number = next(self._ids)
        await self._socket.send_json({"id": number, "type": kind, **fields})
        while (reply := await self._socket.receive_json())["id"] != number:
            pass
        if not reply["success"]:
            raise CommandError(f"{kind}: {reply['error']['message']}")
        return reply["result"]


@asynccontextmanager
async def signed_in(base_url: str, home_assistant: ChildProcess) -> AsyncIterator[Client]:
    """Wait until Home Assistant runs, make the demo user if there is none, and sign in."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(base_url, timeout=timeout) as session:
        await _until_served(session, home_assistant)
        await _onboard(session, base_url)
        tokens = await _tokens(session, base_url)
        await _until_running(session, tokens, home_assistant)
        async with session.ws_connect("/api/websocket", max_msg_size=0) as socket:
            await _authenticate(socket, tokens)
            client = Client(session, tokens, socket)
            await _settle(client)
            yield client


async def _until_served(session: aiohttp.ClientSession, home_assistant: ChildProcess) -> None:
    """Wait for the first page; the port answers before the integrations are set up."""
    async for _ in _attempts(home_assistant):
        try:
            async with session.get("/manifest.json") as response:
                if response.ok:
                    return
        except aiohttp.ClientConnectionError:
            pass


async def _until_running(
    session: aiohttp.ClientSession, tokens: dict[str, Any], home_assistant: ChildProcess
) -> None:
    async for _ in _attempts(home_assistant):
        config = await _json(session.get("/api/config", headers=_authorization(tokens)))
        if config["state"] == "RUNNING":
            return


async def _attempts(home_assistant: ChildProcess) -> AsyncIterator[None]:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        home_assistant.must_run()
        yield
        await asyncio.sleep(0.25)
    raise DemoError(f"Home Assistant did not start in {_SECONDS_TO_START} seconds")


async def _onboard(session: aiohttp.ClientSession, base_url: str) -> None:
    """Make the demo user, unless an earlier start has: the page is gone then."""
    user = {"name": "Demo", "username": USERNAME, "password": PASSWORD, "language": "en"}
    async with session.post(
        "/api/onboarding/users", json=user | {"client_id": f"{base_url}/"}
    ) as response:
        if response.status not in (200, 403, 404):
            raise DemoError(f"The demo user could not be made: {await response.text()}")


async def _tokens(session: aiohttp.ClientSession, base_url: str) -> dict[str, Any]:
    client_id = f"{base_url}/"
    start = {
        "client_id": client_id,
        "handler": ["homeassistant", None],
        "redirect_uri": client_id,
    }
    flow = await _json(session.post("/auth/login_flow", json=start))
    login = {"client_id": client_id, "username": USERNAME, "password": PASSWORD}
    done = await _json(session.post(f"/auth/login_flow/{flow['flow_id']}", json=login))
    if done["type"] != "create_entry":
        raise DemoError(f"The demo user could not sign in: {done.get('errors')}")
    grant = {
        "grant_type": "authorization_code",
        "code": done["result"],
        "client_id": client_id,
    }
    tokens: dict[str, Any] = await _json(session.post("/auth/token", data=grant))
    return tokens


async def _authenticate(socket: aiohttp.ClientWebSocketResponse, tokens: dict[str, Any]) -> None:
    await socket.receive_json()
    await socket.send_json({"type": "auth", "access_token": tokens["access_token"]})
    if (reply := await socket.receive_json())["type"] != "auth_ok":
        raise DemoError(f"Home Assistant refused the demo user: {reply}")


async def _settle(client: Client) -> None:
    """Keep the HTTP settings, which are on trial for five minutes, and dismiss old notices."""
    await client.command("http/config/promote")
    await client.command(
        "repairs/ignore_issue", domain="http", issue_id="deprecated_yaml", ignore=True
    )
    await client.command("call_service", domain="persistent_notification", service="dismiss_all")


def _authorization(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def _json(request: Any) -> Any:
    async with request as response:
        if not response.ok:
            raise DemoError(f"{response.url.path}: {response.status} {await response.text()}")
        return await response.json()
