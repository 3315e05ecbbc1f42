"""A simulated SensorZone cloud for tests, how to sign in to it, and what it says is true."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
import hashlib
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
import pytest

from simulators.clock import Clock
from simulators.sensorzone import CloudConfig, SensorZoneCloud

from .conftest import House

type OpenZone = Callable[..., Awaitable[SensorZoneCloud]]


@pytest.fixture(name="open_zone")
async def open_zone_fixture(house: House) -> AsyncIterator[OpenZone]:
    """Open SensorZone clouds that live in the same time as Home Assistant."""
    async with AsyncExitStack() as stack:

        async def open_zone(**plan: Any) -> SensorZoneCloud:
            clock = Clock(source=lambda: datetime.now(UTC))
            return await stack.enter_async_context(
                SensorZoneCloud(CloudConfig(**plan), clock=clock)
            )

        yield open_zone


@pytest.fixture(name="zone")
async def zone_fixture(open_zone: OpenZone) -> SensorZoneCloud:
    return await open_zone()


def credentials(zone: SensorZoneCloud, **other: str | None) -> dict[str, Any]:
    """What a user types; None leaves a field empty."""
    typed = {
        "username": zone.username,
        "password": zone.password,
        "tester_token": zone.config.tester_token,
        **other,
    }
    fields = {key: value for key, value in typed.items() if value is not None}
    url = fields.pop("url", zone.url)
    return {**fields, "advanced": {"url": url}}


async def sign_in(house: House, zone: SensorZoneCloud, **options: Any) -> ConfigEntry:
    """Set the account up as a user does, with options chosen right after."""
    flow_id = await house.start_flow("sensorzone")
    result = await house.submit(flow_id, credentials(zone))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    entry: ConfigEntry = result["result"]
    house.entries.append(entry)
    if options:
        await house.set_options(entry, **(NOBODY | options))
    return entry


NOBODY = {"people": False, "person_names": False, "exact_positions": False, "tag_test_days": 30}


def account_of(zone: SensorZoneCloud) -> str:
    return hashlib.sha256(zone.username.encode()).hexdigest()[:16]


def unique(zone: SensorZoneCloud, device: str, key: str) -> str:
    return f"sensorzone:{account_of(zone)}:{device}:{key}"


class Ear:
    """Hears every watchpost_event."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.heard: list[dict[str, Any]] = []
        hass.bus.async_listen("watchpost_event", self._hear)

    @callback
    def _hear(self, event: Event[dict[str, Any]]) -> None:
        self.heard.append(dict(event.data))

    def told(self, kind: str) -> list[str]:
        """The vendor's ids of the incursions that were told of in this way, in order."""
        return [event["incursion"] for event in self.heard if event["type"] == kind]


@pytest.fixture(name="ear")
def ear_fixture(house: House) -> Ear:
    return Ear(house.hass)
