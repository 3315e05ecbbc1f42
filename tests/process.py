"""Home Assistant as a process of its own, whose life and death can be seen from outside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
import json
from pathlib import Path
import sqlite3
import time
from typing import Any

import aiohttp

from scripts.demo_support.client import Client, signed_in
from scripts.demo_support.home_assistant import home_assistant
from scripts.demo_support.processes import ChildProcess
from scripts.demo_support.state import State, free_port


@dataclass
class Life:
    """One run of Home Assistant, and every watchpost_event that was heard from it at once."""

    client: Client
    process: ChildProcess
    heard: list[dict[str, Any]] = field(default_factory=list)
    is_listening: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, base_url: str) -> None:
        """Hear events until the process dies."""
        token = self.client.tokens["access_token"]
        try:
            async with (
                aiohttp.ClientSession(base_url) as session,
                session.ws_connect("/api/websocket") as socket,
            ):
                await socket.receive_json()
                await socket.send_json({"type": "auth", "access_token": token})
                await socket.receive_json()
                await socket.send_json(
                    {"id": 1, "type": "subscribe_events", "event_type": "watchpost_event"}
                )
                await socket.receive_json()
                self.is_listening.set()
                async for message in socket:
                    heard = json.loads(message.data)
                    if heard["type"] == "event":
                        self.heard.append(heard["event"]["data"])
        except aiohttp.ClientError:
            pass


@asynccontextmanager
async def living(state: State) -> AsyncIterator[Life]:
    """Start Home Assistant as the demo does; stop it afterwards if it still lives."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    async with home_assistant(state, port) as process, signed_in(base_url, process) as client:
        life = Life(client, process)
        listening = asyncio.create_task(life.listen(base_url))
        try:
            await asyncio.wait_for(life.is_listening.wait(), 10)
            yield life
        finally:
            await process.stop()
            await asyncio.wait_for(listening, 10)


async def until(is_so: Callable[[], Any], seconds: float, pause: float = 0.05) -> None:
    """Wait until something is so; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} seconds"
        await asyncio.sleep(pause)


def recorded(config: Path, since: datetime) -> list[dict[str, Any]]:
    """Every watchpost_event since then, from the database of a Home Assistant that has stopped.

    The recorder hears the bus from before the first is told, when no client can be signed in yet.
    """
    with closing(sqlite3.connect(config / "home-assistant_v2.db")) as database:
        rows = database.execute(
            "SELECT shared_data FROM events JOIN event_types USING (event_type_id)"
            " JOIN event_data USING (data_id) WHERE event_types.event_type = 'watchpost_event'"
            " AND time_fired_ts >= ? ORDER BY events.event_id",
            (since.timestamp(),),
        )
        return [json.loads(data) for (data,) in rows]
