"""Clouds and Home Assistant together, with a signed-in user, accounts and an alarm."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from .accounts import sign_in_accounts
from .alarm import DemoAlarm, alarm_activity, set_alarm
from .cameras import activate_cameras
from .client import Client, signed_in
from .clouds import CloudAccess, simulated_clouds
from .dashboard import show_dashboard
from .entities import Inventory, wait_for_values
from .home_assistant import home_assistant
from .processes import ChildProcess
from .sensorzone_activity import incursion_activity
from .state import State

_SETUP_SECONDS = 120


@asynccontextmanager
async def running_services(
    state: State, port: int
) -> AsyncIterator[tuple[Client, Mapping[str, CloudAccess], ChildProcess]]:
    """Run clouds and Home Assistant with a signed-in user; nothing of them is left afterwards."""
    async with (
        simulated_clouds(state) as clouds,
        home_assistant(state, port) as hass,
        signed_in(f"http://127.0.0.1:{port}", hass) as client,
    ):
        yield client, clouds, hass


@asynccontextmanager
async def demo_environment(
    client: Client, clouds: Mapping[str, CloudAccess]
) -> AsyncIterator[tuple[Inventory, DemoAlarm]]:
    """Sign in, have an alarm that comes and goes meanwhile, and show it all on a dashboard."""
    await sign_in_accounts(client, clouds)
    demo_alarm = await set_alarm(client, _SETUP_SECONDS)
    await activate_cameras(client, clouds["viziosense"], _SETUP_SECONDS)
    async with (
        alarm_activity(clouds["sensorist"], demo_alarm),
        incursion_activity(clouds["sensorzone"]),
    ):
        inventory = await wait_for_values(client, _SETUP_SECONDS)
        await show_dashboard(client, inventory)
        yield inventory, demo_alarm
