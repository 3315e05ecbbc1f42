"""Sites of 9,900 measured channels, refreshed from ready replies: once by Watchpost, once the stock way.

Both sides get the same bytes in the vendor's form, reply by reply, and show the same entities. The stock way is one
DataUpdateCoordinator that decodes with orjson, and a CoordinatorEntity for each channel with the same description.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
import logging
import time
from typing import Any
from unittest.mock import patch

from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity, DataUpdateCoordinator
import orjson
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_config_flow,
    mock_integration,
    mock_platform,
)

from custom_components.watchpost import inventory
from custom_components.watchpost.client.transport import Response, Transport
from custom_components.watchpost.models import Channel, Freshness

from ._harness import clouds, home_assistant, sensorist_entry

GATEWAYS = 4
SENSORS = 495  # of each gateway
CHANNELS = GATEWAYS * SENSORS * 5  # four sources and the last measurement of each sensor

_LOGGER = logging.getLogger(__name__)

type Address = str
type Rows = dict[str, dict[str, Any]]


@dataclass
class Replies:
    """The vendor's response to each address; `turn` changes a share of the sources."""

    rows: dict[Address, Rows] = field(default_factory=dict)
    bodies: dict[Address, bytes] = field(default_factory=dict)
    forms: dict[Address, Response] = field(default_factory=dict)

    def take(self, address: Address, reply: Response) -> None:
        self.forms[address] = reply
        self.rows[address] = orjson.loads(reply.body)["measurements"]
        self._write(address)

    def _write(self, address: Address) -> None:
        now = time.monotonic()
        self.bodies[address] = orjson.dumps({"code": 200, "measurements": self.rows[address]})
        self.forms[address] = replace(
            self.forms[address],
            body=self.bodies[address],
            freshness=Freshness(received=now, expires=now, lifetime=900.0),
        )

    def turn(self, share: int, offset: int) -> int:
        """Have one in `share` sources measure anew, none for 0; returns how many did."""
        changed = 0
        for address, rows in self.rows.items():
            for row in list(rows.values())[offset % share :: share] if share else ():
                date = datetime.fromisoformat(row["date"]) + timedelta(seconds=1)
                row["date"] = date.isoformat().replace("+00:00", "Z")
                row["value"] = round(row["value"] + (0.1 if offset % 2 else -0.1), 2)
                changed += 1
            self._write(address)
        return changed

    def reply(self, address: Address) -> Response:
        return self.forms[address]

    def truth(self) -> dict[str, dict[str, Any]]:
        return {source: row for rows in self.rows.values() for source, row in rows.items()}


class Site:
    """An account of Watchpost whose measurement replies are handed in."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, replies: Replies) -> None:
        self.hass = hass
        self.entry = entry
        self.replies = replies
        self.feeds = [
            coordinator
            for coordinator in entry.runtime_data.coordinators.values()
            if coordinator.name.startswith("measurements")
        ]
        self.channels: list[Channel] = [
            channel
            for channel in entry.runtime_data.inventory.tracker.channels.values()
            if channel.feed.startswith("measurements")
        ]
        self.by_source = {channel.key.removeprefix("source-"): channel for channel in self.channels}

    async def refresh(self) -> None:
        for feed in self.feeds:
            await feed.async_refresh()

    def check(self) -> None:
        """Fail unless every state is the newest value."""
        known, wrong = self.entry.runtime_data, 0
        for source, row in self.replies.truth().items():
            channel = self.by_source[source]
            state = self.hass.states.get(known.entity_id(channel.id))
            wrong += state is None or abs(float(state.state) - row["value"]) > 0.006
        assert wrong == 0, f"{wrong} states are wrong"


@asynccontextmanager
async def sites(count: int = 1) -> AsyncIterator[tuple[HomeAssistant, list[Site]]]:
    """Open accounts whose measurement replies are handed in, in one Home Assistant."""
    options = ("--gateways", str(GATEWAYS), "--sensors", str(SENSORS), "--max-age", "1")
    all_replies = [Replies() for _ in range(count)]
    of_transport: dict[int, Replies] = {}
    real = Transport.get

    async def get(
        self: Transport, path: str, params: Mapping[str, str], *, permission: str
    ) -> Response:
        if path != "/measurements":
            return await real(self, path, params, permission=permission)
        if id(self) not in of_transport:
            of_transport[id(self)] = all_replies[len(of_transport)]
        replies, address = of_transport[id(self)], params["data_sources"]
        if address not in replies.forms:
            replies.take(address, await real(self, path, params, permission=permission))
        return replies.reply(address)

    async with home_assistant() as hass:
        made = []
        # Entities that are disabled at once do not count; the account cannot know that they will be.
        limit = patch.object(inventory, "MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY", 100_000)
        with patch.object(Transport, "get", get), limit, rest_disabled():
            for number in range(count):
                async with clouds(*options, "--seed", str(number + 1)) as access:
                    entry = sensorist_entry(hass, access["sensorist"], number + 1)
                    assert await hass.config_entries.async_setup(entry.entry_id)
                    await hass.async_block_till_done()
                    site = Site(hass, entry, all_replies[number])
                    site.replies.forms.clear()
                    site.replies.rows.clear()
                    site.replies.bodies.clear()
                    await site.refresh()  # in poll groups, whose addresses stay from here on
                    await site.refresh()
                    await hass.async_block_till_done()
                    made.append(site)
            shown = [state for state in hass.states.async_all() if state.domain == "sensor"]
            assert len(shown) == count * CHANNELS, len(shown)
            yield hass, made


@contextmanager
def rest_disabled() -> Iterator[None]:
    """Leave only what is measured enabled, as a person would who wants no more."""
    keep = er.EntityRegistry.async_get_or_create

    def disabled(self: er.EntityRegistry, domain: str, *args: Any, **kwargs: Any) -> Any:
        if domain != "sensor":
            kwargs["disabled_by"] = er.RegistryEntryDisabler.USER
        return keep(self, domain, *args, **kwargs)

    with patch.object(er.EntityRegistry, "async_get_or_create", disabled):
        yield


class StockSensor(CoordinatorEntity[DataUpdateCoordinator[Rows]], SensorEntity):
    """A channel as most integrations write it."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: DataUpdateCoordinator[Rows],
        channel: Channel,
        device: DeviceInfo,
        number: int,
    ) -> None:
        super().__init__(coordinator)
        self.entity_description = channel.description
        self._attr_unique_id = f"{number}:{channel.device}:{channel.key}"
        self._attr_device_info = device
        if channel.name is not None:
            self._attr_name = channel.name
        self._source = channel.key.removeprefix("source-")

    @property
    def native_value(self) -> float | None:
        return self.coordinator.data[self._source]["value"]


class StockLast(StockSensor):
    """The last measurement of a sensor."""

    def __init__(
        self,
        coordinator: DataUpdateCoordinator[Rows],
        channel: Channel,
        device: DeviceInfo,
        number: int,
        sources: list[str],
    ) -> None:
        super().__init__(coordinator, channel, device, number)
        self._sources = sources

    @property
    def native_value(self) -> datetime:
        rows = self.coordinator.data
        return datetime.fromisoformat(max(rows[source]["date"] for source in self._sources))


@dataclass
class Stock:
    """The stock way of showing the same site."""

    hass: HomeAssistant
    coordinator: DataUpdateCoordinator[Rows]

    async def refresh(self) -> None:
        await self.coordinator.async_refresh()


@asynccontextmanager
async def stock(
    replies: list[Replies], channels: list[list[Channel]]
) -> AsyncIterator[list[Stock]]:
    """Open stub integrations that show these channels from these replies."""
    made: list[Stock] = []

    async def set_up_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
        number = int(entry.unique_id or 0)

        async def update() -> Rows:
            rows: Rows = {}
            for body in replies[number].bodies.values():
                rows |= orjson.loads(body)["measurements"]
            return rows

        coordinator = DataUpdateCoordinator(
            hass, _LOGGER, config_entry=entry, name="stock", update_method=update
        )
        made.append(Stock(hass, coordinator))
        await coordinator.async_config_entry_first_refresh()
        await hass.config_entries.async_forward_entry_setups(entry, ["sensor"])
        return True

    async def set_up_platform(
        hass: HomeAssistant, entry: ConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
    ) -> None:
        number = int(entry.unique_id or 0)
        coordinator, sources = made[number].coordinator, sources_by_device(channels[number])
        entities = []
        for channel in channels[number]:
            device = DeviceInfo(identifiers={("stub", f"{number}:{channel.device}")})
            if channel.key.startswith("source-"):
                entities.append(StockSensor(coordinator, channel, device, number))
            else:
                of_device = sources[channel.device]
                entities.append(StockLast(coordinator, channel, device, number, of_device))
        async_add_entities(entities)

    async with home_assistant() as hass:
        mock_integration(hass, MockModule("stub", async_setup_entry=set_up_entry))
        mock_platform(hass, "stub.config_flow")
        mock_platform(hass, "stub.sensor", MockPlatform(async_setup_entry=set_up_platform))
        with mock_config_flow("stub", ConfigFlow):
            for number in range(len(replies)):
                entry = MockConfigEntry(domain="stub", unique_id=str(number))
                entry.add_to_hass(hass)
                assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        yield made


def sources_by_device(channels: list[Channel]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for channel in channels:
        if channel.key.startswith("source-"):
            found.setdefault(channel.device, []).append(channel.key.removeprefix("source-"))
    return found


@contextmanager
def max_hold() -> Iterator[list[float]]:
    """Note the most processor seconds that one callback, or one step of a task, kept the event loop for."""
    longest, run = [0.0], asyncio.Handle._run  # noqa: SLF001  every callback passes here

    def timed(self: asyncio.Handle) -> None:
        start = time.thread_time()
        run(self)
        longest[0] = max(longest[0], time.thread_time() - start)

    with patch.object(asyncio.Handle, "_run", timed):
        yield longest
