"""The simulated cameras of the demo: they speak as soon as somebody listens, and take a first picture."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
import time
from typing import Any

import aiohttp

from .client import Client
from .clouds import Door
from .entities import look
from .state import DemoError

_KINDS = 2  # of webhooks: one for what cameras see, one for their keep-alives


class Cloud:
    """The control door of the simulated cloud."""

    def __init__(self, session: aiohttp.ClientSession, door: Door) -> None:
        """Use an open session."""
        self._session = session
        self._control = door["control"]

    async def get(self, path: str) -> Any:
        """GET a route."""
        async with self._session.get(f"{self._control}{path}") as response:
            return await response.json()

    async def post(self, path: str, **body: object) -> None:
        """POST to a route."""
        async with self._session.post(f"{self._control}{path}", json=body) as response:
            response.raise_for_status()

    async def devices(self) -> list[Mapping[str, Any]]:
        """Return what the cloud knows of its cameras."""
        found: list[Mapping[str, Any]] = (await self.get("/truth"))["devices"]
        return found


async def wake(client: Client, door: Door, seconds: float) -> None:
    """Let every camera say that it lives and what it sees, and have those without a picture take one."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        cloud = Cloud(session, door)
        await _until_heard(cloud, seconds)
        for device in await cloud.devices():
            await cloud.post("/webhooks/keepalive", id=device["uuid"])
            await cloud.post(f"/devices/{device['uuid']}/tell")
    house = await look(client)
    blind = {e.registered["device_id"] for e in house.untold if e.domain == "image"}
    for entity in house.entities:
        is_button = entity.registered["translation_key"] == "request_snapshot"
        if is_button and entity.registered["device_id"] in blind:
            await client.post("/api/services/button/press", {"entity_id": entity.id})


async def _until_heard(cloud: Cloud, seconds: float) -> None:
    """Wait until Home Assistant has registered its webhooks."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(aiohttp.ClientError, TimeoutError):
            webhooks = (await cloud.get("/webhooks"))["webhooks"]
            if sum(webhook["active"] for webhook in webhooks) >= _KINDS:
                return
        await asyncio.sleep(0.5)
    raise DemoError(f"No webhooks were registered in {seconds:.0f} seconds")
