"""Secrets, addresses and people's names: never where somebody else could read them."""

from collections.abc import Iterator
import json
import logging
import traceback
from typing import Any

from homeassistant.auth.models import User
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud, credentials
from .outside import download

USERNAME = "canary.mail@example.org"
PASSWORD = "canary-pass:wörd"
FIRST, LAST = "Canaryfirst", "Canarylast"
PUBLIC, LOCAL = "198.51.100.77", "10.77.66.55"
OTHERS = ("canary.lower@example.org", "canary-pass-below", "Canarybelow", "Canarybehind")
CANARIES = (USERNAME, PASSWORD, FIRST, LAST, PUBLIC, LOCAL, *OTHERS)

FAULTS = (
    Fault(kind="status", status=401, body=json.dumps({"error": CANARIES}), times=1),
    Fault(kind="status", status=403, body=f"No {USERNAME} {LAST}", times=2),
    Fault(kind="status", status=404, body=USERNAME, times=2),
    Fault(kind="status", status=429, body=PASSWORD, headers={"X-User": USERNAME}, times=1),
    Fault(kind="status", status=500, body=f"{FIRST} {PUBLIC}", times=2),
    Fault(kind="drop", times=4),
    Fault(kind="cut", times=2),
    Fault(kind="cut_json", times=2),
    Fault(kind="not_json", body=f"<html>{USERNAME} {LOCAL}</html>", times=2),
    Fault(kind="root", value=[USERNAME, PASSWORD], times=2),
    Fault(kind="root", value={"gateways": USERNAME, "measurements": PASSWORD}, times=2),
    Fault(kind="root", value={"code": 500, "error": f"{USERNAME}: {PASSWORD}"}, times=2),
    Fault(kind="redirect", location=f"http://127.0.0.2:1/?user={USERNAME}", times=2),
    Fault(kind="headers", headers={"Location": USERNAME, "Content-Type": LAST}, times=2),
    Fault(kind="gzip_bomb", times=2),
)


def _sown(payload: Any) -> Any:
    """Put canaries where ids and dates should be."""
    if isinstance(payload, list):
        return [_sown(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    return {
        key: USERNAME if key in ("id", "date", "disconnected_date", "interval") else _sown(value)
        for key, value in payload.items()
    } | {"email": USERNAME, "owner": {"fname": FIRST, "lname": LAST}, "ipv4": PUBLIC}


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    cloud = await open_cloud(
        gateways=2, sensors=1, sub_users=1, username=USERNAME, password=PASSWORD
    )
    cloud.user.fname, cloud.user.lname = FIRST, LAST
    below = cloud.users[1]
    below.email, below.password, below.fname, below.lname = OTHERS
    for gateway in cloud.world.gateways.values():
        gateway.ipv4, gateway.local_ipv4 = PUBLIC, LOCAL
    return cloud


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in ("", f"custom_components.{DOMAIN}", "aiohttp", "homeassistant"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def written(caplog: pytest.LogCaptureFixture) -> Iterator[str]:
    """All that log records of the integration, its libraries and Home Assistant carry."""
    for record in caplog.records:
        if record.name.startswith(("simulators", "freezegun", "hypothesis")):
            continue
        yield record.getMessage()
        yield repr(record.args)
        yield record.exc_text or ""
        if record.exc_info:
            yield "".join(traceback.format_exception(*record.exc_info))


def canaries_in(*texts: Any) -> list[str]:
    joined = "\n".join(
        text if isinstance(text, str) else json.dumps(text, default=repr, ensure_ascii=False)
        for text in texts
    )
    return [canary for canary in CANARIES if canary in joined]


async def _live_through_everything(house: House, cloud: SensoristCloud) -> Any:
    flow_id = await house.start_flow()
    for fault in (*FAULTS, Fault(kind="mutate", mutate=_sown)):
        if fault.kind == "headers":
            continue  # lets the user in
        fault.times = None
        cloud.faults.add(fault)
        await house.submit(flow_id, credentials(cloud))
        cloud.faults.clear()
        house.freezer.tick(1000)
    await house.submit(flow_id, credentials(cloud, password="wrong"))
    result = await house.submit(flow_id, credentials(cloud))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    entry = result["result"]
    house.entries.append(entry)
    for fault in (*FAULTS, Fault(kind="mutate", mutate=_sown)):
        fault.times = 2
        cloud.faults.add(fault)
        await house.pass_time(2000)
        cloud.faults.clear()
    await house.set_options(entry, with_slaves=True, gateways=[str(cloud.gateways[0].id)])
    await house.reload(entry)
    cloud.user.password = "changed"
    await house.pass_time(2000)
    (flow,) = house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    cloud.user.password = PASSWORD
    await house.submit(flow["flow_id"], {"password": PASSWORD})
    await house.pass_time(2000)
    return entry


async def test_no_canary_sings_in_any_log_line(
    house: House, cloud: SensoristCloud, everything_logged: pytest.LogCaptureFixture
) -> None:
    await _live_through_everything(house, cloud)

    lines = list(written(everything_logged))
    assert any("/gateways" in line for line in lines)
    assert canaries_in(*lines) == []


async def test_no_canary_sings_in_states_registries_issues_or_diagnostics(
    house: House, cloud: SensoristCloud, hass_client_no_auth: Any, hass_admin_user: User
) -> None:
    entry = await _live_through_everything(house, cloud)
    cloud.faults.add(Fault(match="/measurements", kind="status", status=403, body=USERNAME))
    await house.pass_time(2000)

    assert canaries_in(*(state.as_dict() for state in house.states())) == []
    assert canaries_in(*(device.dict_repr for device in house.devices(entry))) == []
    entities = er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
    assert entities
    assert canaries_in(*(entity.extended_dict for entity in entities)) == []
    issues = [issue for issue in ir.async_get(house.hass).issues.values() if issue.domain == DOMAIN]
    assert issues
    assert canaries_in(*(repr(issue) for issue in issues)) == []
    assert canaries_in(entry.title, entry.unique_id, entry.reason or "") == []
    told = await download(house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    assert told["devices"]
    assert canaries_in(told) == []
    for device in house.devices(entry):
        path = f"{entry.entry_id}/device/{device.id}"
        assert canaries_in(await download(house, hass_client_no_auth, hass_admin_user, path)) == []


async def test_no_form_shows_more_than_the_users_to_choose_from(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    flow = house.hass.config_entries.flow
    shown = await flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    suggested = {
        str(key): (key.description or {}).get("suggested_value")
        for key in shown["data_schema"].schema
    }
    assert suggested["username"] == USERNAME  # the user typed it, and is to correct it
    assert suggested["password"] is None
    assert canaries_in(shown["description_placeholders"], shown["errors"]) == []

    options = await house.hass.config_entries.options.async_init(entry.entry_id)
    offered = [
        choice["label"]
        for key, field in options["data_schema"].schema.items()
        if str(key) in ("impersonate", "gateways")
        for choice in field.config["options"]
    ]
    assert set(canaries_in(*offered)) == {"Canarybelow", "Canarybehind"}

    entry.async_start_reauth(house.hass)
    await house.settle()
    for waiting in flow.async_progress_by_handler(DOMAIN):
        assert canaries_in(repr(waiting["context"].get("title_placeholders"))) == []


async def test_credentials_are_stored_with_the_entry_and_nowhere_else(
    house: House, cloud: SensoristCloud, hass_storage: dict[str, Any]
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(4000)
    await house.hass.async_stop()

    assert entry.data["password"] == PASSWORD
    others = {key: value for key, value in hass_storage.items() if key != "core.config_entries"}
    assert others
    assert canaries_in(others) == []


async def test_credentials_never_stand_in_an_address(house: House, cloud: SensoristCloud) -> None:
    await _live_through_everything(house, cloud)

    assert canaries_in(*((record.path, record.query) for record in cloud.log)) == []
