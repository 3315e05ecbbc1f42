"""A real Home Assistant signed in to a simulated Manfred Kunze IoT platform, for tests.

A test file imports the fixtures that it uses: `mk_house`, `open_mk` and `mk`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
import pytest

from simulators.clock import Clock
from simulators.manfred_kunze import ApiVariants, CloudConfig, ManfredKunzeCloud, Sensor

from .conftest import DOMAIN, House

VENDOR = "manfred_kunze"

type OpenMk = Callable[..., Awaitable[ManfredKunzeCloud]]


def mk_credentials(cloud: ManfredKunzeCloud, **other: str) -> dict[str, str]:
    """What a user types to sign in to this cloud."""
    return {"url": cloud.url, **cloud.credentials} | other


@dataclass
class MkHouse(House):
    """Home Assistant, and how to sign in to the platform in it."""

    async def sign_in(self, cloud: Any, **options: Any) -> ConfigEntry:
        """Set an account up as a user does; options are chosen right after."""
        result = await self.submit(await self.start_flow(VENDOR), mk_credentials(cloud))
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        entry: ConfigEntry = result["result"]
        self.entries.append(entry)
        if options:
            await self.set_options(entry, **options)
        return entry

    def entity(self, device: str, key: str, domain: str = "sensor") -> str | None:
        """The entity of a channel: the model's id of its device, and its key there."""
        unique_id = f"{self.entries[0].unique_id}:{device}:{key}"
        return er.async_get(self.hass).async_get_entity_id(domain, DOMAIN, unique_id)

    def shown(self, device: str, key: str, domain: str = "sensor") -> State:
        """The state of a channel's entity."""
        return self.state_of(f"{self.entries[0].unique_id}:{device}:{key}", domain)

    def sensor(self, sensor: Sensor, domain: str = "sensor") -> State:
        """What is shown of one of the cloud's sensors."""
        return self.shown(f"component-{sensor.component.id}", f"sensor-{sensor.id}", domain)

    def device(self, device: str) -> dr.DeviceEntry | None:
        """The device registry's entry of one of the model's devices."""
        entry = self.entries[0]
        return dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, f"{entry.unique_id}:{device}"), entry.entry_id
        )

    async def enable(self, *entity_ids: str) -> None:
        """Enable entities that are disabled by default, and load the account anew."""
        registry = er.async_get(self.hass)
        for entity_id in entity_ids:
            registry.async_update_entity(entity_id, disabled_by=None)
        await self.reload(self.entries[0])


def asked(cloud: ManfredKunzeCloud, path: str, method: str = "GET") -> list[Any]:
    """The requests for one path below /api/v1 so far."""
    return [
        record
        for record in cloud.log
        if record.path.removeprefix("/api/v1") == path and record.method == method
    ]


@pytest.fixture(name="mk_house")
def mk_house_fixture(house: House) -> MkHouse:
    return MkHouse(house.hass, house.freezer)


@pytest.fixture(name="open_mk")
async def open_mk_fixture(house: House) -> AsyncIterator[OpenMk]:
    """Open clouds that live in the same time as Home Assistant."""
    async with AsyncExitStack() as stack:

        async def open_mk(variants: dict[str, Any] | None = None, **plan: Any) -> ManfredKunzeCloud:
            clock = Clock(source=lambda: datetime.now(UTC))
            made = CloudConfig(variants=ApiVariants(**variants or {}), **plan)
            return await stack.enter_async_context(ManfredKunzeCloud(made, clock=clock))

        yield open_mk


@pytest.fixture(name="mk")
async def mk_fixture(open_mk: OpenMk) -> ManfredKunzeCloud:
    return await open_mk()
