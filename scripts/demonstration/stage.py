"""Clouds and Home Assistant together, with a signed-in user."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from .client import Client, signed_in
from .clouds import Door, simulated_clouds
from .home_assistant import home_assistant
from .processes import Child
from .state import State


@asynccontextmanager
async def stage(state: State, port: int) -> AsyncIterator[tuple[Client, Mapping[str, Door], Child]]:
    """Run clouds and Home Assistant with a signed-in user; nothing of them is left afterwards."""
    async with (
        simulated_clouds(state) as doors,
        home_assistant(state, port) as hass,
        signed_in(f"http://127.0.0.1:{port}", hass) as client,
    ):
        yield client, doors, hass
