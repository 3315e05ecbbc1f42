"""An alarm that rises and clears again and again, and an automation that tells of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import time
from typing import Any, Final

import aiohttp

from .client import Client
from .clouds import CloudAccess
from .entities import Entity, Inventory, fetch_inventory
from .state import DemoError

_SECONDS_UNTIL_RAISED: Final = 30
_SECONDS_RAISED: Final = 40
_SECONDS_BETWEEN: Final = 170

# Beyond what a defrosting freezer does in twenty minutes.
_DEGREES_ABOVE_NOW: Final = 5
_DEGREES_TOO_WARM: Final = 1.5

_AUTOMATION: Final = "watchpost_demo"
_NOTIFICATION: Final = "watchpost_demo_"


@dataclass(frozen=True, slots=True)
class DemoAlarm:
    """An alarm, the device and the sensor that it is about, and the sensor's number in the simulated cloud."""

    device_id: str
    sensor: str
    source: str
    alarm: str
    threshold: float


async def set_alarm(client: Client, seconds: float) -> DemoAlarm:
    """Have an alarm on a temperature and an automation for it, made unless they are there."""
    measured = await _until_measured(client, seconds)
    if (demo_alarm := _find_alarm(await fetch_inventory(client), measured)) is None:
        threshold = round(float(measured.state)) + _DEGREES_ABOVE_NOW
        data = {"entity_id": measured.id, "value": threshold, "direction": "above"}
        await client.post("/api/services/watchpost/create_alarm", data)
        demo_alarm = await _until_created(client, measured, seconds)
    states = await client.command("get_states")
    if not any(state["attributes"].get("id") == _AUTOMATION for state in states):
        await client.post(f"/api/config/automation/config/{_AUTOMATION}", automation(demo_alarm))
    return demo_alarm


@asynccontextmanager
async def alarm_activity(cloud: CloudAccess, demo_alarm: DemoAlarm) -> AsyncIterator[None]:
    """Meanwhile, move what the alarm watches beyond its threshold and back."""
    task = asyncio.create_task(_move(cloud, demo_alarm))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def automation(demo_alarm: DemoAlarm) -> dict[str, Any]:
    """Return an automation as the editor would store it; its device stands for all alarms at it."""
    target = {"device_id": demo_alarm.device_id}
    return {
        "alias": "Tell of alarms",
        "description": "Made by scripts/demo",
        "mode": "queued",
        "triggers": [
            {"trigger": "watchpost.alarm_raised", "target": target},
            {"trigger": "watchpost.alarm_cleared", "target": target},
        ],
        "actions": [
            {
                "action": "persistent_notification.create",
                "data": {
                    "notification_id": _NOTIFICATION + "{{ trigger.type }}",
                    "title": "{{ device_name(trigger.device_id) }}: "
                    "{{ trigger.type | replace('_', ' ') }}",
                    "message": "{{ trigger.source }} {{ trigger.value }} {{ trigger.unit }}, "
                    "threshold {{ trigger.threshold }} {{ trigger.unit }}, "
                    "at {{ as_local(as_datetime(trigger.at)).strftime('%X') }}"
                    "{{ ', told late' if trigger.late }}",
                },
            }
        ],
    }


async def until_raised(client: Client, demo_alarm: DemoAlarm, seconds: float) -> str:
    """Wait until the event was dispatched and the automation has run; return both in a sentence."""
    deadline = time.monotonic() + seconds
    while True:
        happened = _newest_event(await fetch_inventory(client), demo_alarm)
        notices = await client.command("persistent_notification/get")
        notified = [n for n in notices if n["notification_id"] == f"{_NOTIFICATION}alarm_raised"]
        if happened == "alarm_raised" and notified:
            return (
                f"{demo_alarm.alarm} was raised: {notified[0]['title']} ({notified[0]['message']})"
            )
        if time.monotonic() > deadline:
            raise DemoError(
                f"{demo_alarm.alarm} was not told raised in {seconds:.0f} seconds: the newest event of "
                f"its device is {happened}, the automation has {'run' if notified else 'not run'}"
            )
        await asyncio.sleep(0.5)


async def _until_measured(client: Client, seconds: float) -> Entity:
    """Wait until a device has a temperature and its Events entity, which tells what happens at it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        inventory = await fetch_inventory(client)
        for entity in inventory.entities:
            device_id = entity.registered["device_id"]
            # The alarms of other vendors are set elsewhere.
            is_ours = str(entity.registered["unique_id"]).startswith("sensorist:")
            is_measured = entity.device_class == "temperature" and entity.has_value
            if is_ours and is_measured and _events(inventory, device_id) is not None:
                return entity
        await asyncio.sleep(0.5)
    raise DemoError(f"No temperature was measured in {seconds:.0f} seconds")


async def _until_created(client: Client, measured: Entity, seconds: float) -> DemoAlarm:
    deadline = time.monotonic() + seconds
    while (demo_alarm := _find_alarm(await fetch_inventory(client), measured)) is None:
        if time.monotonic() > deadline:
            raise DemoError(f"The alarm on {measured.id} did not appear in {seconds:.0f} seconds")
        await asyncio.sleep(0.5)
    return demo_alarm


def _find_alarm(inventory: Inventory, measured: Entity) -> DemoAlarm | None:
    """Return the alarm on the device, None if there is none or only what an earlier start has left."""
    device_id = str(measured.registered["device_id"])
    for entity in inventory.of_device(device_id):
        is_alarm = entity.domain == "binary_sensor" and "threshold" in entity.attributes
        if is_alarm and entity.has_value:
            return DemoAlarm(
                device_id,
                measured.id,
                str(measured.registered["unique_id"]).rpartition("-")[2],
                entity.id,
                float(entity.attributes["threshold"]),
            )
    return None


def _events(inventory: Inventory, device_id: str) -> Entity | None:
    found = (each for each in inventory.of_device(device_id) if each.domain == "event")
    return next(found, None)


def _newest_event(inventory: Inventory, demo_alarm: DemoAlarm) -> str | None:
    events = _events(inventory, demo_alarm.device_id)
    return events.attributes.get("event_type") if events else None


async def _move(cloud: CloudAccess, demo_alarm: DemoAlarm) -> None:
    """Move the source by the cloud's control door, for ever."""
    too_warm = {"override": demo_alarm.threshold + _DEGREES_TOO_WARM}
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def override(body: Mapping[str, float]) -> None:
            # The cloud may be on its way out, or busy: there will be a next time.
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(
                    f"{cloud['control']}/sources/{demo_alarm.source}", json=body
                ):
                    pass

        await asyncio.sleep(_SECONDS_UNTIL_RAISED)
        while True:
            await override(too_warm)
            await asyncio.sleep(_SECONDS_RAISED)
            await override({})
            await asyncio.sleep(_SECONDS_BETWEEN)
