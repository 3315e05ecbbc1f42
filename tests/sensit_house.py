"""A real Home Assistant signed in to a simulated SENSIT Connect, for tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from simulators.clock import Clock
from simulators.sensit import ApiVariants, CloudConfig, SensitCloud

from .conftest import DOMAIN, House, credentials

LIST = "/clients/getDevicesFromDeviceTypeAndRole"
SIGN_IN = "/users/signin"

type OpenSensit = Callable[..., Awaitable[SensitCloud]]


@dataclass
class SensitHouse(House):
    """Home Assistant, and how to sign in to SENSIT Connect in it."""

    async def sign_in(self, cloud: Any, **options: Any) -> ConfigEntry:
        result = await self.submit(await self.start_flow("sensit"), credentials(cloud))
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        entry: ConfigEntry = result["result"]
        self.entries.append(entry)
        if options:
            await self.set_options(entry, **options)
        return entry

    def unique_id(self, cloud: SensitCloud, uuid: str, key: str) -> str:
        return f"sensit:{cloud.user.id}:monitor-{uuid}:{key}"

    def shown(self, cloud: SensitCloud, uuid: str, key: str, domain: str = "sensor") -> State:
        """The state of what a monitor's entity shows."""
        return self.state_of(self.unique_id(cloud, uuid, key), domain)

    def entity(self, cloud: SensitCloud, uuid: str, key: str, domain: str = "sensor") -> str | None:
        return er.async_get(self.hass).async_get_entity_id(
            domain, DOMAIN, self.unique_id(cloud, uuid, key)
        )

    async def enable(self, *entity_ids: str) -> None:
        registry = er.async_get(self.hass)
        for entity_id in entity_ids:
            registry.async_update_entity(entity_id, disabled_by=None)
        await self.reload(self.entries[0])


def asked(cloud: SensitCloud, path: str = LIST) -> list[Any]:
    return [record for record in cloud.log if record.path == path]


def log_requests(cloud: SensitCloud) -> list[Any]:
    return [record for record in cloud.log if "DeviceLog" in record.path]


@pytest.fixture(name="sensit_house")
def sensit_house_fixture(house: House) -> SensitHouse:
    return SensitHouse(house.hass, house.freezer)


@pytest.fixture(name="open_sensit")
async def open_sensit_fixture(house: House) -> AsyncIterator[OpenSensit]:
    """Open clouds that live in the same time as Home Assistant."""
    async with AsyncExitStack() as stack:

        async def open_sensit(variants: dict[str, Any] | None = None, **plan: Any) -> SensitCloud:
            clock = Clock(source=lambda: datetime.now(UTC))
            made = CloudConfig(variants=ApiVariants(**variants or {}), **plan)
            return await stack.enter_async_context(SensitCloud(made, clock=clock))

        yield open_sensit


@pytest.fixture(name="sensit")
async def sensit_fixture(open_sensit: OpenSensit) -> SensitCloud:
    return await open_sensit(spods=1, fmds=1, ramps=1)
