"""The integration's devices and entities as Home Assistant shows them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import time
from typing import Any

from .client import Client

_NO_STATE = ("unavailable", "unknown")
# Their state is the time of something that has not happened yet.
_UNKNOWN_AT_FIRST = ("button", "event")
# Calm air has none.
_UNKNOWN_AT_TIMES = ("wind_direction",)
# Nothing tells them from what has not happened today, or not yet at all.
_UNKNOWN_ON_QUIET_DAYS = frozenset(
    {
        *("acknowledgement_score", "incursions_per_hour", "last_incursion", "mean_length"),
        "newest_export",
    }
)
_STEADY_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Entity:
    """An enabled entity with its registry entry and its state in Home Assistant."""

    id: str
    registered: Mapping[str, Any]
    state: str
    attributes: Mapping[str, Any]

    @property
    def domain(self) -> str:
        """The platform that shows it: sensor, binary_sensor..."""
        return self.id.partition(".")[0]

    @property
    def device_class(self) -> str | None:
        """Home Assistant's name for what it measures."""
        return self.attributes.get("device_class")

    @property
    def is_diagnostic(self) -> bool:
        """Return whether it describes the device itself."""
        return self.registered["entity_category"] is not None

    @property
    def has_value(self) -> bool:
        """Return whether it shows a value."""
        if self.state == "unknown":
            is_quiet = self.registered["translation_key"] in _UNKNOWN_ON_QUIET_DAYS
            is_calm = self.device_class in _UNKNOWN_AT_TIMES
            return is_quiet or is_calm or self.domain in _UNKNOWN_AT_FIRST
        return self.state not in _NO_STATE


@dataclass(frozen=True, slots=True)
class Inventory:
    """All devices and enabled entities of the integration, parents before children."""

    accounts: Sequence[Mapping[str, Any]]
    devices: Sequence[Mapping[str, Any]]
    entities: Sequence[Entity]

    @property
    def without_value(self) -> list[Entity]:
        """The entities that show no value."""
        return [entity for entity in self.entities if not entity.has_value]

    @property
    def is_complete(self) -> bool:
        """Return whether every account has entities and all of them show values."""
        seen = {entity.registered["config_entry_id"] for entity in self.entities}
        return seen == {account["entry_id"] for account in self.accounts} and not self.without_value

    def view_of(self, vendor: str) -> int:
        """Return the number of a vendor's view on the dashboard: the views stand in the order of the accounts."""
        accounts = [
            entity.registered["config_entry_id"]
            for entity in self.entities
            if str(entity.registered["unique_id"]).startswith(f"{vendor}:")
        ]
        return [account["entry_id"] for account in self.accounts].index(accounts[0])

    def below(self, device: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the children of a device."""
        return [each for each in self.devices if each["via_device_id"] == device["id"]]

    def of_device(self, device_id: str) -> list[Entity]:
        """Return a device's entities, by name."""
        return [e for e in self.entities if e.registered["device_id"] == device_id]


async def fetch_inventory(client: Client) -> Inventory:
    """Read the registries and states."""
    accounts = await client.command("config_entries/get", domain="watchpost")
    entries = {account["entry_id"] for account in accounts}
    states = {state["entity_id"]: state for state in await client.command("get_states")}
    registered = await client.command("config/entity_registry/list")
    devices = await client.command("config/device_registry/list")
    return Inventory(
        accounts,
        _parents_first([d for d in devices if entries & set(d["config_entries"])]),
        [
            Entity(
                entry["entity_id"],
                entry,
                states.get(entry["entity_id"], {}).get("state", "unavailable"),
                states.get(entry["entity_id"], {}).get("attributes", {}),
            )
            for entry in sorted(registered, key=lambda entry: str(entry["entity_id"]))
            if entry["platform"] == "watchpost" and entry["disabled_by"] is None
        ],
    )


async def wait_for_values(client: Client, seconds: float) -> Inventory:
    """Wait until all entities show values and no more come, `seconds` at most."""
    deadline = time.monotonic() + seconds
    inventory = await fetch_inventory(client)
    steady_since = time.monotonic()
    while time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        before, inventory = inventory, await fetch_inventory(client)
        if not inventory.is_complete or len(before.entities) != len(inventory.entities):
            steady_since = time.monotonic()
        elif time.monotonic() - steady_since > _STEADY_SECONDS:
            break
    return inventory


def _parents_first(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = {device["id"] for device in devices}

    def below(parent: str | None) -> list[dict[str, Any]]:
        return [
            each
            for device in sorted(devices, key=name_of)
            if (device["via_device_id"] if device["via_device_id"] in ids else None) == parent
            for each in (device, *below(device["id"]))
        ]

    return below(None)


def name_of(device: Mapping[str, Any]) -> str:
    """Return a device's name as a person sees it."""
    return str(device["name_by_user"] or device["name"])
