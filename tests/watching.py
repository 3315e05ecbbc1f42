"""A simulated VizioSense cloud beside a real Home Assistant that it can call, for tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest

from simulators.clock import Clock
from simulators.viziosense import CloudConfig, Device, VizioSenseCloud

from .conftest import DOMAIN, House

type OpenVizio = Callable[..., Awaitable[VizioSenseCloud]]


@pytest.fixture(name="open_vizio")
async def open_vizio_fixture(house: House) -> AsyncIterator[OpenVizio]:
    """Open clouds that live in the same time as Home Assistant; nothing moves before their cameras by itself."""
    async with AsyncExitStack() as stack:

        async def open_vizio(**plan: Any) -> VizioSenseCloud:
            clock = Clock(source=lambda: datetime.now(UTC))
            given = {"devices": 1, "applications": ("VPM",), "places": 4, "pace": 0.0, **plan}
            return await stack.enter_async_context(
                VizioSenseCloud(CloudConfig(**given), clock=clock)
            )

        yield open_vizio


@pytest.fixture(name="views")
async def views_fixture(house: House) -> None:
    """The views of pictures, which have to be there before a test's web server starts."""
    for component in ("camera", "image", "media_source"):
        assert await async_setup_component(house.hass, component, {})


@pytest.fixture(name="vizio")
async def vizio_fixture(open_vizio: OpenVizio) -> VizioSenseCloud:
    return await open_vizio()


def token_form(cloud: VizioSenseCloud, **other: str) -> dict[str, Any]:
    """What a user enters to sign in with a token."""
    return {
        "token": other.get("token", cloud.config.token),
        "advanced": {"url": other.get("url", cloud.url)},
    }


def login_form(cloud: VizioSenseCloud, **other: str) -> dict[str, Any]:
    """What a user enters to sign in with an e-mail address and a password."""
    return {
        "username": other.get("username", cloud.config.username),
        "password": other.get("password", cloud.config.password),
        "advanced": {"url": other.get("url", cloud.url)},
    }


FORMS = {"token": token_form, "login": login_form}


async def start(house: House, way: str = "token") -> str:
    """Walk through both menus to a form."""
    flow = house.hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": "user"})
    menu = await flow.async_configure(menu["flow_id"], {"next_step_id": "viziosense"})
    assert menu["type"] is FlowResultType.MENU
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": f"viziosense_{way}"})
    assert form["type"] is FlowResultType.FORM
    found: str = form["flow_id"]
    return found


async def sign_in(
    house: House, cloud: VizioSenseCloud, way: str = "token", **options: Any
) -> ConfigEntry:
    """Set an account up as a user does, with options chosen afterwards."""
    result = await house.submit(await start(house, way), FORMS[way](cloud))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    entry: ConfigEntry = result["result"]
    house.entries.append(entry)
    if options:
        await house.set_options(entry, **options)
    return entry


def unique(entry: ConfigEntry, device: Device, key: str) -> str:
    return f"{entry.unique_id}:camera-{device.uuid}:{key}"


def state(
    house: House, entry: ConfigEntry, device: Device, key: str, domain: str = "sensor"
) -> str:
    return house.state_of(unique(entry, device, key), domain).state


def entity_id(
    house: House, entry: ConfigEntry, device: Device, key: str, domain: str = "sensor"
) -> str:
    found = er.async_get(house.hass).async_get_entity_id(domain, DOMAIN, unique(entry, device, key))
    assert found is not None, key
    return found


def place(house: House, entry: ConfigEntry, device: Device, n: int) -> str:
    """The state of the n-th place of a parking lot."""
    return state(house, entry, device, f"vpm-place-{device.places[n].id}", "binary_sensor")


async def arrive(house: House, cloud: VizioSenseCloud) -> None:
    """Let what the vendor calls arrive, and what follows from it."""
    for _ in range(3):
        await cloud.settled()
        await house.settle()


async def live(house: House, cloud: VizioSenseCloud, seconds: float) -> None:
    """Let time go by in which the vendor calls whenever it has a reason to."""
    left = seconds
    while left > 0:
        step = min(left, 30.0)
        await house.pass_time(step)
        await arrive(house, cloud)
        left -= step


def asked(cloud: VizioSenseCloud, method: str, part: str) -> list[Any]:
    """The requests by a method whose path ends so."""
    return [
        record for record in cloud.log if record.method == method and record.path.endswith(part)
    ]


def counts(entry: ConfigEntry) -> dict[str, Any]:
    found: dict[str, Any] = entry.runtime_data.push.diagnostics()
    return found
