"""A server whose certificate is not good is said to be that, with what to do about it, and gets nothing."""

from datetime import UTC, datetime
import ssl
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.ssl import get_default_context
import pytest

from simulators.clock import Clock
from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensorist import CloudConfig, SensoristCloud

from .certificates import AGO, FUTURE, Authority
from .conftest import DOMAIN, House, credentials, watchpost_lines
from .mk_house import mk_credentials

HOST = "127.0.0.1"


@pytest.fixture(name="authority", scope="module")
def authority_fixture() -> Authority:
    """An authority that Home Assistant trusts."""
    authority = Authority()
    get_default_context().load_verify_locations(cadata=authority.pem)
    return authority


def context_of(problem: str, authority: Authority) -> ssl.SSLContext:
    match problem:
        case "certificate_untrusted":
            return authority.issue(HOST, is_self_signed=True)
        case "certificate_expired":
            return authority.issue(HOST, end=AGO)
        case "certificate_not_yet_valid":
            return authority.issue(HOST, start=FUTURE)
        case "certificate_other_host":
            return authority.issue("cloud.example", "192.0.2.1")
    return Authority().issue(HOST)


PROBLEMS = (
    *("certificate_untrusted", "certificate_expired", "certificate_not_yet_valid"),
    *("certificate_other_host", "another authority"),
)


@pytest.mark.parametrize("problem", PROBLEMS)
async def test_a_bad_certificate_is_said_when_an_account_is_added_and_gets_no_password(
    house: House, authority: Authority, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = SensoristCloud(CloudConfig(gateways=1), clock=Clock(source=lambda: datetime.now(UTC)))
    cloud.tls = context_of(problem, authority)
    async with cloud:
        flow_id = await house.start_flow()
        result = await house.submit(flow_id, credentials(cloud))

        key = problem if problem.startswith("certificate") else "certificate_untrusted"
        assert result["type"] is FlowResultType.FORM
        assert result["errors"] == {"base": key}
        assert cloud.log == []

        texts = await async_get_translations(house.hass, "en", "config", [DOMAIN])
        text = texts[f"component.{DOMAIN}.config.error.{key}"]
        assert "internet connection" not in text
        assert "verif" not in text.lower()

        port = int(cloud.url.rpartition(":")[2].partition("/")[0])
        await cloud.stop()
        cloud.tls = authority.issue(HOST)
        await cloud.start(port)
        result = await house.submit(flow_id, credentials(cloud))
        assert result["type"] is FlowResultType.CREATE_ENTRY
    assert watchpost_lines(caplog, 30) == []


async def test_plain_http_where_https_is_meant_is_said(house: House, cloud: SensoristCloud) -> None:
    url = cloud.url.replace("http://", "https://")

    result = await house.submit(await house.start_flow(), credentials(cloud, url=url))

    assert result["errors"] == {"base": "no_tls"}


async def test_a_certificate_that_runs_out_is_said_once_and_heals(
    house: House, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = ManfredKunzeCloud(clock=Clock(source=lambda: datetime.now(UTC)))
    cloud.tls = authority.issue(HOST)
    async with cloud:
        flow_id = await house.start_flow("manfred_kunze")
        result = await house.submit(flow_id, mk_credentials(cloud))
        entry = result["result"]
        assert entry.state is ConfigEntryState.LOADED
        port = int(cloud.url.split(":")[2].partition("/")[0])

        await cloud.stop()
        cloud.tls = authority.issue(HOST, end=AGO)
        await cloud.start(port)
        before = len(cloud.log)
        await house.pass_time(1800)
        assert len(cloud.log) == before
        lines = [line for line in watchpost_lines(caplog, 30) if "certificate" in line]
        assert lines
        assert all("has expired and must be renewed" in line for line in lines)
        assert not [line for line in lines if str(port) in line]
        with pytest.raises(HomeAssistantError) as caught:
            await _list_exports(house, entry)
        assert caught.value.translation_key == "certificate_expired"

        await cloud.stop()
        cloud.tls = authority.issue(HOST)
        await cloud.start(port)
        await house.pass_time(3600)
        assert (await _list_exports(house, entry))["exports"] == []


async def _list_exports(house: House, entry: Any) -> Any:
    return await house.hass.services.async_call(
        DOMAIN,
        "list_exports",
        {"config_entry_id": entry.entry_id},
        blocking=True,
        return_response=True,
    )
