"""More sources than Home Assistant allows an entry to have enabled entities."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import entity_platform
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.watchpost import inventory
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud, watchpost_lines
from .outside import download, mishaps, source_id

type Ask = Callable[[str], Awaitable[Any]]

LIMIT = "MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY"


async def _sign_in(house: House, cloud: SensoristCloud) -> ConfigEntry:
    """Sign in while time goes by: so many sources take more requests than a minute's budget."""
    signed_in = asyncio.ensure_future(house.sign_in(cloud))
    while not signed_in.done():
        house.freezer.tick(0.05)
        for _ in range(10):
            await asyncio.sleep(0)
    return signed_in.result()


def _issue(house: House, entry: ConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(house.hass).async_get_issue(DOMAIN, f"entities_left_out_{entry.entry_id}")


async def _fills_the_entry_and_says_what_is_left_out(
    house: House, cloud: SensoristCloud, limit: int, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    entry = house.entries[0]
    registry = er.async_get(house.hass)

    assert entry.state is ConfigEntryState.LOADED
    assert registry.entities.get_enabled_count_for_config_entry_id(entry.entry_id) == limit
    channels = (await ask(entry.entry_id))["channels"]["count"]
    known = len(er.async_entries_for_config_entry(registry, entry.entry_id))
    assert channels > known >= limit
    issue = _issue(house, entry)
    assert issue
    assert issue.translation_placeholders == {
        "title": entry.title,
        "left_out": str(channels - known),
        "limit": str(limit),
    }
    assert mishaps(caplog) == []
    assert watchpost_lines(caplog) == []

    chosen = cloud.gateways[:2]
    await house.set_options(
        entry, with_slaves=True, gateways=[str(gateway.id) for gateway in chosen]
    )
    await house.pass_time(60)

    assert _issue(house, entry) is None
    told = (await ask(entry.entry_id))["channels"]
    assert told["count"] == len(er.async_entries_for_config_entry(registry, entry.entry_id))
    assert told["by_class"]["temperature"] == sum(len(g.sensors) for g in chosen)
    for source in (source for gateway in chosen for source in gateway.sources):
        assert house.state_of(source_id(cloud, source)).state not in (
            STATE_UNAVAILABLE,
            STATE_UNKNOWN,
        )
    assert mishaps(caplog) == []


@pytest.fixture
def ask(house: House, hass_client_no_auth: Any, hass_admin_user: User) -> Ask:
    return lambda path: download(house, hass_client_no_auth, hass_admin_user, path)


@pytest.fixture
def limit_of_300(monkeypatch: pytest.MonkeyPatch) -> int:
    for module in (entity_platform, inventory):
        monkeypatch.setattr(module, LIMIT, 300)
    return 300


async def test_an_account_with_too_many_sources_is_filled_up_and_says_so(
    house: House, open_cloud: OpenCloud, limit_of_300: int, ask: Ask, caplog: Any
) -> None:
    cloud = await open_cloud(gateways=6, sensors=20)

    await house.sign_in(cloud)

    await _fills_the_entry_and_says_what_is_left_out(house, cloud, limit_of_300, ask, caplog)


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_twenty_thousand_sources_are_filled_up_and_said_so(
    house: House, open_cloud: OpenCloud, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    cloud = await open_cloud(gateways=50, sensors=100)

    await _sign_in(house, cloud)

    await _fills_the_entry_and_says_what_is_left_out(house, cloud, 10_000, ask, caplog)


async def test_the_issue_goes_with_the_account(
    house: House, open_cloud: OpenCloud, limit_of_300: int
) -> None:
    cloud = await open_cloud(gateways=6, sensors=20)
    entry = await house.sign_in(cloud)
    assert ir.async_get(house.hass).issues

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert [i for i in ir.async_get(house.hass).issues.values() if i.domain == DOMAIN] == []


async def test_entities_that_were_there_stay_when_the_account_outgrows_the_limit(
    house: House, open_cloud: OpenCloud, limit_of_300: int
) -> None:
    cloud = await open_cloud(gateways=2, sensors=15)
    entry = await house.sign_in(cloud)
    before = {state.entity_id for state in house.states()}
    assert len(before) < limit_of_300
    assert _issue(house, entry) is None
    cloud.add_gateway(sensors=40)
    await house.pass_time(2000)

    registry = er.async_get(house.hass)
    assert before <= {state.entity_id for state in house.states()}
    assert registry.entities.get_enabled_count_for_config_entry_id(entry.entry_id) == limit_of_300
    issue = _issue(house, entry)
    assert issue

    await house.reload(entry)
    assert before <= {state.entity_id for state in house.states()}
    assert registry.entities.get_enabled_count_for_config_entry_id(entry.entry_id) == limit_of_300
    again = _issue(house, entry)
    assert again
    assert again.translation_placeholders == issue.translation_placeholders
