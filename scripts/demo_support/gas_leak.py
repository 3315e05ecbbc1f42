"""A leak that the wind carries over two gas monitors: what they show, and the alarm of the blueprint."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
import shutil
import time
from typing import Any, Final

import aiohttp

from .client import Client
from .clouds import CloudAccess
from .entities import Entity, fetch_inventory, name_of
from .state import REPOSITORY, DemoError, State

_BLUEPRINT: Final = "watchpost/gas_above_baseline.yaml"
_FLOWS: Final = "/api/config/config_entries/flow"
_PATH: Final = "gas-leak"

# The leak of the day before is in the statistics, the one of now in the states.
_YESTERDAY: Final = timedelta(hours=20)
_YESTERDAY_SECONDS: Final = 3 * 3600
_BEGINS_AFTER: Final = timedelta(minutes=3)
_SECONDS: Final = 660
_RATE: Final = 16.0
_RISE_PPM: Final = 3

type Card = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """The two monitors' entities by what they show, and the toggle that is the first one's alarm."""

    first: Mapping[str, Entity]
    second: Mapping[str, Entity]
    baseline: str
    alarm: str


async def order_leaks(cloud: CloudAccess) -> list[str]:
    """Have gas leak twice over the same two methane monitors, a day ago and in some minutes.

    Returns their serial numbers in the order in which the gas comes to them.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        async with session.get(f"{cloud['control']}/monitors") as response:
            monitors = (await response.json())["monitors"]
        across = [monitor["uuid"] for monitor in monitors if monitor["type"] == "FMD"][:2]
        now = datetime.now(UTC)
        for start, seconds in (
            (now - _YESTERDAY, _YESTERDAY_SECONDS),
            (now + _BEGINS_AFTER, _SECONDS),
        ):
            leak = {
                "start": start.isoformat(),
                "seconds": seconds,
                "rate": _RATE,
                "across": across,
            }
            async with session.post(f"{cloud['control']}/leaks", json=leak) as response:
                if not response.ok:
                    raise DemoError(f"The leak was refused: {await response.text()}")
    return [str(uuid) for uuid in across]


def copy_blueprint(state: State) -> None:
    """Put the blueprint where Home Assistant looks for it."""
    source = REPOSITORY / "blueprints" / "automation" / _BLUEPRINT
    target = Path(state.config) / "blueprints" / "automation" / _BLUEPRINT
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


async def create_scene(client: Client, across: list[str]) -> Scene:
    """Make helpers and automation as a person would, and a dashboard of it all."""
    inventory = await fetch_inventory(client)
    by_serial = {device["serial_number"]: device for device in inventory.devices}
    devices = [by_serial[serial] for serial in across]
    first, second = ({_kind(e): e for e in inventory.of_device(d["id"])} for d in devices)
    toggle = await client.command(
        "input_boolean/create", name="Methane alarm", icon="mdi:alarm-light"
    )
    alarm = f"input_boolean.{toggle['id']}"
    baseline = await _statistics_helper(client, first["field-CH4"].id)
    await client.post(
        "/api/config/automation/config/watchpost_leak", _automation(first, baseline, alarm)
    )
    scene = Scene(first, second, baseline, alarm)
    await client.command("lovelace/dashboards/create", url_path=_PATH, title="Gas leak")
    config = dashboard(scene, devices)
    await client.command("lovelace/config/save", url_path=_PATH, config=config)
    return scene


async def _statistics_helper(client: Client, entity_id: str) -> str:
    """Make the helper Statistics in its three steps; returns its entity."""
    flow = await client.post(_FLOWS, {"handler": "statistics"})
    address = f"{_FLOWS}/{flow['flow_id']}"
    await client.post(address, {"name": "Methane baseline", "entity_id": entity_id})
    await client.post(address, {"state_characteristic": "median"})
    await client.post(
        address,
        {"keep_last_sample": False, "percentile": 50, "precision": 2, "max_age": {"hours": 24}},
    )
    registered = await client.command("config/entity_registry/list")
    return str(next(e["entity_id"] for e in registered if e["platform"] == "statistics"))


def _kind(entity: Entity) -> str:
    """Return what an entity shows; some units send the concentration in the laser's cell as methane."""
    key = str(entity.registered["unique_id"]).rpartition(":")[2]
    return key.replace("LaserCellConcentration.Conc_cor", "CH4")


def _automation(watched: Mapping[str, Entity], baseline: str, alarm: str) -> dict[str, Any]:
    return {
        "alias": "Methane above its baseline",
        "use_blueprint": {
            "path": _BLUEPRINT,
            "input": {
                "gas": watched["field-CH4"].id,
                "baseline": baseline,
                "alarm": alarm,
                "rise": _RISE_PPM,
                "raise_after": {"minutes": 1},
                "wind": [watched["field-WD"].id],
            },
        },
    }


async def until_alarmed(client: Client, scene: Scene, seconds: float) -> None:
    """Wait until the gas has crossed the first monitor and reached the second, with the alarm raised."""
    deadline = time.monotonic() + seconds
    was_raised = False
    while time.monotonic() < deadline:
        await asyncio.sleep(5)
        states = {
            state["entity_id"]: state["state"] for state in await client.command("get_states")
        }
        was_raised = was_raised or states.get(scene.alarm) == "on"
        if was_raised and float(states[scene.second["field-CH4"].id]) > 2 * _RISE_PPM:
            return
    raise DemoError(f"The leak did not reach both monitors in {seconds:.0f} seconds")


def dashboard(scene: Scene, devices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a dashboard of a leak: what is now, the last minutes, and the last days."""
    pair = list(zip((scene.first, scene.second), map(name_of, devices), strict=True))
    methane = [{"entity": side["field-CH4"].id, "name": name} for side, name in pair]
    now: list[Card] = [
        {"type": "heading", "heading": "Now"},
        {"type": "tile", "entity": scene.alarm, "color": "red"},
        {"type": "tile", "entity": scene.baseline},
    ]
    for side, name in pair:
        now.append({"type": "heading", "heading": name, "heading_style": "subtitle"})
        now += [
            {"type": "tile", "entity": side[kind].id, "name": {"type": "entity"}}
            for kind in ("field-CH4", "field-WD", "field-WS", "last_measurement")
        ]
    minutes: list[Card] = [
        {"type": "heading", "heading": "The last half hour"},
        {"type": "history-graph", "hours_to_show": 0.5, "entities": methane},
        {
            "type": "history-graph",
            "hours_to_show": 0.5,
            "entities": [{"entity": scene.alarm, "name": "Methane alarm"}],
        },
        {
            "type": "logbook",
            "hours_to_show": 1,
            "target": {"entity_id": [scene.alarm]},
        },
    ]
    days: list[Card] = [
        {"type": "heading", "heading": "Statistics of two days: a leak yesterday"},
        *(
            {
                "type": "statistics-graph",
                "title": title,
                "entities": methane,
                "days_to_show": 2,
                "period": "hour",
                "stat_types": [kind],
                "chart_type": "line",
            }
            for title, kind in (("Mean", "mean"), ("Maximum", "max"))
        ),
    ]
    sections = [{"type": "grid", "cards": cards} for cards in (now, minutes, days)]
    view = {"title": "Leak", "type": "sections", "max_columns": 3, "sections": sections}
    return {"title": "Gas leak", "views": [view]}


def address() -> str:
    """Return where the dashboard is."""
    return f"/{_PATH}"
