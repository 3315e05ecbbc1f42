"""Clouds and Home Assistant together, with a signed-in user, accounts and an alarm."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from .accounts import sign_in_accounts
from .alarm import Watch, restless, set_alarm
from .cameras import wake
from .client import Client, signed_in
from .clouds import Door, simulated_clouds
from .dashboard import show_dashboard
from .entities import House, until_furnished
from .home_assistant import home_assistant
from .processes import Child
from .sensorzone_activity import careless
from .state import State

_FURNISH_SECONDS = 120


@asynccontextmanager
async def stage(state: State, port: int) -> AsyncIterator[tuple[Client, Mapping[str, Door], Child]]:
    """Run clouds and Home Assistant with a signed-in user; nothing of them is left afterwards."""
    async with (
        simulated_clouds(state) as doors,
        home_assistant(state, port) as hass,
        signed_in(f"http://127.0.0.1:{port}", hass) as client,
    ):
        yield client, doors, hass


@asynccontextmanager
async def furnished(
    client: Client, doors: Mapping[str, Door]
) -> AsyncIterator[tuple[House, Watch]]:
    """Sign in, have an alarm that comes and goes meanwhile, and show it all on a dashboard."""
    await sign_in_accounts(client, doors)
    watch = await set_alarm(client, _FURNISH_SECONDS)
    await wake(client, doors["viziosense"], _FURNISH_SECONDS)
    async with restless(doors["sensorist"], watch), careless(doors["sensorzone"]):
        house = await until_furnished(client, _FURNISH_SECONDS)
        await show_dashboard(client, house)
        yield house, watch
