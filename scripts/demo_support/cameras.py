"""The simulated cameras of the demo: they speak as soon as somebody listens, and take a first picture."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
import time
from typing import Any

import aiohttp

from .admin_client import AdminClient
from .client import Client
from .clouds import CloudAccess
from .entities import fetch_inventory
from .state import DemoError

_KINDS = 2  # of webhooks: one for what cameras see, one for their keep-alives


async def camera_devices(admin: AdminClient) -> list[Mapping[str, Any]]:
    """Return the cameras as the cloud knows them."""
    devices: list[Mapping[str, Any]] = (await admin.get("/truth"))["devices"]
    return devices


async def activate_cameras(client: Client, cloud: CloudAccess, seconds: float) -> None:
    """Let every camera say that it lives and what it sees, and have those without a picture take one."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        admin = AdminClient(session, cloud)
        await _until_registered(admin, seconds)
        for device in await camera_devices(admin):
            await admin.post("/webhooks/keepalive", id=device["uuid"])
            await admin.post(f"/devices/{device['uuid']}/tell")
    inventory = await fetch_inventory(client)
    blind = {e.registered["device_id"] for e in inventory.without_value if e.domain == "image"}
    for entity in inventory.entities:
        is_button = entity.registered["translation_key"] == "request_snapshot"
        if is_button and entity.registered["device_id"] in blind:
            await client.post("/api/services/button/press", {"entity_id": entity.id})


async def _until_registered(admin: AdminClient, seconds: float) -> None:
    """Wait until Home Assistant has registered its webhooks."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(aiohttp.ClientError, TimeoutError):
            webhooks = (await admin.get("/webhooks"))["webhooks"]
            if sum(webhook["active"] for webhook in webhooks) >= _KINDS:
                return
        await asyncio.sleep(0.5)
    raise DemoError(f"No webhooks were registered in {seconds:.0f} seconds")
