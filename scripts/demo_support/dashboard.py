"""A dashboard of what the demo accounts have, made from the registries."""

from collections.abc import Mapping, Sequence
from typing import Any

from .client import Client
from .entities import Entity, Inventory, name_of

URL_PATH = "watchpost-demo"
# Six minutes: the demo's sensors report every 20 seconds.
_GRAPH_HOURS = 0.1
# These come first, and are compared over all devices.
_COMPARED = ("temperature", "humidity")
_PICTURES = ("camera", "image")

type Card = dict[str, Any]


async def show_dashboard(client: Client, inventory: Inventory) -> None:
    """Make the dashboard and let it open first, unless it exists: a person may have changed it."""
    if any(d["url_path"] == URL_PATH for d in await client.command("lovelace/dashboards/list")):
        return
    await client.command(
        "lovelace/dashboards/create", url_path=URL_PATH, title="Watchpost", icon="mdi:tower-fire"
    )
    await client.command("lovelace/config/save", url_path=URL_PATH, config=dashboard(inventory))
    await client.command("frontend/set_system_data", key="core", value={"default_panel": URL_PATH})


def dashboard(inventory: Inventory) -> dict[str, Any]:
    """Return the dashboard's configuration: a view per account, a section per device."""
    return {
        "title": "Watchpost",
        "views": [_view(inventory, account) for account in inventory.accounts],
    }


def _view(inventory: Inventory, account: Mapping[str, Any]) -> Card:
    devices = [d for d in inventory.devices if account["entry_id"] in d["config_entries"]]
    graphs = [_map(inventory, devices)]
    graphs += [_comparison(inventory, devices, kind) for kind in _COMPARED]
    sections = [_section(inventory, device) for device in devices if _is_hub(inventory, device)]
    return {
        "title": account["title"],
        "type": "sections",
        "max_columns": 3,
        "sections": [section for section in (*graphs, *sections) if section["cards"]],
    }


def _is_hub(inventory: Inventory, device: Mapping[str, Any]) -> bool:
    """Return whether a device gets its own section: it is a parent, or has pictures."""
    has_pictures = any(entity.domain == "camera" for entity in inventory.of_device(device["id"]))
    return has_pictures or device["via_device_id"] is None or bool(inventory.below(device))


def _section(inventory: Inventory, hub: Mapping[str, Any]) -> Card:
    """Return a section with a hub and its children that are not hubs."""
    ends = [device for device in inventory.below(hub) if not _is_hub(inventory, device)]
    cards = _cards(inventory, hub, "title")
    return {
        "type": "grid",
        "cards": [*cards, *(c for d in ends for c in _cards(inventory, d, "subtitle"))],
    }


def _cards(inventory: Inventory, device: Mapping[str, Any], style: str) -> list[Card]:
    """Return a heading that tells how the device itself is, and a tile for everything else."""
    entities = inventory.of_device(device["id"])
    if not entities:
        return []
    about = [e for e in entities if e.is_diagnostic and e.domain != "button"]
    heading = {
        "type": "heading",
        "heading": name_of(device),
        "heading_style": style,
        "badges": [_badge(entity) for entity in about],
        "tap_action": {
            "action": "navigate",
            "navigation_path": f"/config/devices/device/{device['id']}",
        },
    }
    shown = [entity for entity in sorted(entities, key=_order) if entity not in about]
    return [heading, *(_tile(entity) for entity in shown if not _is_repeated(entity))]


def _is_repeated(entity: Entity) -> bool:
    """Return whether a camera shows the same picture."""
    return bool(entity.registered["translation_key"] == "raw_image")


def _badge(entity: Entity) -> Card:
    is_icon_enough = entity.device_class == "connectivity"
    return {
        "type": "entity",
        "entity": entity.id,
        "color": "state",
        "show_state": not is_icon_enough,
    }


def _order(entity: Entity) -> int:
    if entity.domain in _PICTURES:
        return -1
    return _COMPARED.index(entity.device_class) if entity.device_class in _COMPARED else 9


def _tile(entity: Entity) -> Card:
    if entity.domain in _PICTURES:
        # A still view looks for a new picture every ten seconds only; an image has none to choose.
        view = {"camera_view": "live"} if entity.domain == "camera" else {}
        return {"type": "picture-entity", "entity": entity.id, "show_state": False, **view}
    card: Card = {"type": "tile", "entity": entity.id, "name": {"type": "entity"}}
    if "unit_of_measurement" in entity.attributes:
        card["features"] = [{"type": "trend-graph", "hours_to_show": _GRAPH_HOURS}]
    if entity.domain == "button":
        card |= {"features": [{"type": "button"}], "hide_state": True}
    if entity.domain == "event":
        card["state_content"] = ["event_type", "state"]
    return card


def _map(inventory: Inventory, devices: Sequence[Mapping[str, Any]]) -> Card:
    """Return a map per site of what moves there, and a list of what happened; no cards where nothing moves."""
    places: dict[str | None, list[str]] = {}
    happening: list[str] = []
    for device in devices:
        for entity in inventory.of_device(device["id"]):
            if entity.domain == "device_tracker":
                places.setdefault(device["via_device_id"], []).append(entity.id)
            elif entity.domain == "event":
                happening.append(entity.id)
    names = {device["id"]: name_of(device) for device in devices}
    maps: list[Card] = [
        {
            "type": "map",
            "title": names.get(str(place)),
            "entities": [{"entity": entity, "label_mode": "icon"} for entity in moving],
            "hours_to_show": 1,
            "default_zoom": 17,
            "grid_options": {"columns": 12, "rows": 6},
        }
        for place, moving in places.items()
    ]
    happened: Card = {
        "type": "logbook",
        "target": {"entity_id": happening},
        "hours_to_show": 12,
        "grid_options": {"columns": "full", "rows": 5},
    }
    heading: Card = {"type": "heading", "heading": "Incursions"}
    cards = [*maps, heading, happened] if maps else []
    return {"type": "grid", "column_span": 2, "cards": cards}


def _comparison(inventory: Inventory, devices: Sequence[Mapping[str, Any]], kind: str) -> Card:
    """Return one kind of measurement of all devices in one graph; no cards where none has it."""
    rows = [
        {"entity": entity.id, "name": name_of(device)}
        for device in devices
        for entity in inventory.of_device(device["id"])
        if entity.device_class == kind
    ]
    graph = {"type": "history-graph", "hours_to_show": _GRAPH_HOURS, "entities": rows}
    heading = {"type": "heading", "heading": kind.capitalize()}
    return {"type": "grid", "cards": [heading, graph] if rows else []}
