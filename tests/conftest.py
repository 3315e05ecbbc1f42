"""A real Home Assistant, a simulated cloud over real HTTP, and one clock for both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import logging
import time
from typing import Any

from aiohttp import web
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from hypothesis import HealthCheck, settings
import pytest

# Before the test plugin's own folder of that name is found, and before time is frozen.
from custom_components.watchpost import clock_watch, config_flow  # noqa: F401
from simulators.clock import Clock
from simulators.sensorist import CloudConfig, SensoristCloud

# The same examples in every run, however slow the machine is at that moment.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")

# asyncio's debug mode takes almost half of a test's time, so these alone have it: together they go through every room.
DEBUGGED = (
    "test_config_flow",
    "test_devices",
    "test_push_calls",
    "test_sensit_entities",
    "test_viziosense_accounts",
    "test_mk_operations",
)

# Fixtures of each vendor's account, and of a vendor that calls a webhook.
pytest_plugins = (
    "tests.calling",
    "tests.mk_house",
    "tests.sensit_house",
    "tests.watching",
    "tests.zone",
)

DOMAIN = "watchpost"
START = datetime(2026, 9, 13, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _find_the_integration(request: pytest.FixtureRequest) -> None:
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
async def enable_event_loop_debug(request: pytest.FixtureRequest) -> None:
    """Have asyncio look for mistakes in some tests, in place of Home Assistant's fixture, which does so in all."""
    asyncio.get_running_loop().set_debug(request.module.__name__.endswith(DEBUGGED))


@pytest.fixture(autouse=True)
def _register_views_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let integrations be set up after the web server has started, as Home Assistant's own server does."""
    monkeypatch.setattr(web.UrlDispatcher, "freeze", lambda self: None)


@pytest.fixture(autouse=True)
def _compare_clocks_rarely(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated days go from timer to timer: one every 20 seconds is left to the tests that are about clocks."""
    if not request.module.__name__.endswith("test_time"):
        monkeypatch.setattr(clock_watch, "INTERVAL", timedelta(hours=6))


REAL_SLEEP = time.sleep


def _is_busy(task: asyncio.Future[Any]) -> bool:
    """Whether a task is neither done nor asleep; a job of another thread is busy until it is done."""
    if task.done():
        return False
    awaited: Any = task.get_coro() if isinstance(task, asyncio.Task) else None
    while (deeper := getattr(awaited, "cr_await", None)) is not None:
        if getattr(deeper, "__name__", None) in ("sleep", "_sleep_or_turn"):
            return False
        awaited = deeper
    return True


@dataclass
class House:
    """A Home Assistant and what happens to it from outside."""

    hass: HomeAssistant
    freezer: FrozenDateTimeFactory
    entries: list[ConfigEntry] = field(default_factory=list)

    async def start_flow(self, vendor: str = "sensorist") -> str:
        flow = self.hass.config_entries.flow
        menu = await flow.async_init(DOMAIN, context={"source": "user"})
        assert menu["type"] is FlowResultType.MENU
        form = await flow.async_configure(menu["flow_id"], {"next_step_id": vendor})
        assert form["type"] is FlowResultType.FORM
        return form["flow_id"]

    async def submit(self, flow_id: str, fields: dict[str, Any]) -> Any:
        result = await self.hass.config_entries.flow.async_configure(flow_id, fields)
        await self.settle()
        return result

    async def sign_in(self, cloud: SensoristCloud, **options: Any) -> ConfigEntry:
        """Set an account up as a user does, with options chosen before the first set-up."""
        result = await self.submit(await self.start_flow(), credentials(cloud))
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        entry = result["result"]
        self.entries.append(entry)
        if options:
            await self.set_options(entry, **options)
        return entry

    async def set_options(self, entry: ConfigEntry, **options: Any) -> Any:
        form = await self.hass.config_entries.options.async_init(entry.entry_id)
        if form["type"] is not FlowResultType.FORM:
            return form
        result = await self.hass.config_entries.options.async_configure(form["flow_id"], options)
        await self.settle()
        return result

    async def reload(self, entry: ConfigEntry) -> None:
        await self.hass.config_entries.async_reload(entry.entry_id)
        await self.settle()

    async def settle(self) -> None:
        """Let everything finish that does not wait for time to go by.

        Time stands still here, so a background task that sleeps is left asleep, and one that waits for such a
        task is given up on after a moment of real time.
        """
        for _ in range(3):  # timers that are due run one turn of the loop later
            await asyncio.sleep(0)
        await self.hass.async_block_till_done()
        patience = 400
        while patience and any(_is_busy(task) for task in self.hass._background_tasks):
            await self.hass.loop.run_in_executor(None, REAL_SLEEP, 0.001)
            patience -= 1
        await self.hass.async_block_till_done()

    async def pass_time(self, seconds: float) -> None:
        """Let time go by from one timer of the event loop to the next, with all that each brings."""
        loop = self.hass.loop
        end = loop.time() + seconds
        await self.settle()
        while end - (now := loop.time()) > 1e-5:  # the frozen clock moves by whole microseconds
            due = min(
                (timer.when() for timer in loop._scheduled if not timer.cancelled()), default=end
            )
            self.freezer.tick(timedelta(seconds=min(max(due - now, 0.001), end - now)))
            await self.settle()

    def states(self, domain: str | None = None) -> list[State]:
        registry = er.async_get(self.hass)
        return [
            state
            for state in self.hass.states.async_all(domain)
            if (entity := registry.async_get(state.entity_id)) and entity.platform == DOMAIN
        ]

    def state_of(self, unique_id: str, domain: str = "sensor") -> State:
        """The state of the entity with this unique id."""
        entity_id = er.async_get(self.hass).async_get_entity_id(domain, DOMAIN, unique_id)
        assert entity_id is not None, f"no entity {unique_id}"
        state = self.hass.states.get(entity_id)
        assert state is not None, f"no state of {entity_id}"
        return state

    def devices(self, entry: ConfigEntry) -> list[dr.DeviceEntry]:
        return dr.async_entries_for_config_entry(dr.async_get(self.hass), entry.entry_id)


def credentials(cloud: SensoristCloud, **other: str) -> dict[str, Any]:
    """What a user types to sign in to this cloud."""
    return {
        "username": other.get("username", cloud.username),
        "password": other.get("password", cloud.password),
        "advanced": {"url": other.get("url", cloud.url)},
    }


def watchpost_lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    """What the integration, or Home Assistant on its behalf, wrote into the log."""
    return [
        f"{record.name}: {record.getMessage()}"
        for record in caplog.records
        if record.levelno >= level
        and (
            record.name.startswith(f"custom_components.{DOMAIN}")
            or (record.levelno >= logging.WARNING and DOMAIN in record.getMessage().lower())
        )
        and "has not been tested" not in record.getMessage()
    ]


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """A configuration folder of its own for each test: journals are real files."""
    return hass_tmp_config_dir


@pytest.fixture
def house(hass: HomeAssistant, freezer: FrozenDateTimeFactory, socket_enabled: None) -> House:
    freezer.move_to(START)
    return House(hass, freezer)


type OpenCloud = Callable[..., Awaitable[SensoristCloud]]


@pytest.fixture
async def open_cloud(house: House) -> AsyncIterator[OpenCloud]:
    """Open clouds that live in the same time as Home Assistant."""
    async with AsyncExitStack() as stack:

        async def open_cloud(**plan: Any) -> SensoristCloud:
            clock = Clock(source=lambda: datetime.now(UTC))
            return await stack.enter_async_context(SensoristCloud(CloudConfig(**plan), clock=clock))

        yield open_cloud


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=2, sensors=2)
