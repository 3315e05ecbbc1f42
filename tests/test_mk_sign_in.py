"""Signing in to the Manfred Kunze platform: addresses, keys, and who an account is."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from yarl import URL

from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .conftest import DOMAIN
from .mk_house import (
    VENDOR,
    MkHouse,
    OpenMk,
    asked,
    mk_credentials,
)


async def said(house: MkHouse, fields: dict[str, str]) -> Any:
    """What the form says of what was entered: an error, or that an account was made."""
    result = await house.submit(await house.start_flow(VENDOR), fields)
    if result["type"] is FlowResultType.FORM:
        return result["errors"]["base"]
    return result["type"]


def issues(house: MkHouse) -> list[str]:
    """What of ours is to be repaired."""
    return [found for domain, found in ir.async_get(house.hass).issues if domain == DOMAIN]


async def reauth(house: MkHouse, key: str) -> Any:
    """Enter another key where Home Assistant asks for one; returns how that ended."""
    house.entries[0].async_start_reauth(house.hass)
    await house.settle()
    flow = next(
        flow
        for flow in house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == "reauth"
    )
    return await house.submit(flow["flow_id"], {"api_key": key})


@pytest.mark.parametrize(
    "written",
    ["{}/", "{}/api", "{}/api/v1", "{}/api/v1/", " {}/dashboards/7/ ", "{}/api/v3/api-docs"],
)
async def test_whatever_of_the_address_is_entered_leads_to_the_api(
    mk_house: MkHouse, mk: ManfredKunzeCloud, written: str
) -> None:
    fields = mk_credentials(mk, url=written.format(mk.url))
    assert await said(mk_house, fields) is FlowResultType.CREATE_ENTRY
    (entry,) = mk_house.hass.config_entries.async_entries(DOMAIN)
    assert entry.data["url"] == f"{mk.url}/api"
    assert entry.state is ConfigEntryState.LOADED


async def test_addresses_that_are_none_say_why(mk_house: MkHouse, mk: ManfredKunzeCloud) -> None:
    host = f"127.0.0.1:{URL(mk.url).port}"
    wrong = {
        "http://iot.example.com": "not_secure",
        "ftp://iot.example.com": "not_secure",
        "https://user:secret@iot.example.com": "not_secure",
        "https://iot.example.com:99999": "not_secure",
        "https://": "not_secure",
        "": "not_secure",
        f"https://{host}": "no_tls",
        host: "no_tls",  # https where only http is spoken
    }
    for url, error in wrong.items():
        assert await said(mk_house, mk_credentials(mk, url=url)) == error, url
    assert not asked(mk, "/devices")


async def test_the_api_of_another_product_is_told_apart(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    others = (
        Fault(kind="not_json"),
        Fault(kind="root", value={"message": "hello"}),
        Fault(kind="root", value="hello"),
        Fault(kind="status", status=404, body="<html>no such page</html>"),
        Fault(kind="redirect", location="https://elsewhere.example.com/login"),
        Fault(kind="gzip_bomb"),
    )
    for fault in others:
        mk.faults.add(fault)
        assert await said(mk_house, mk_credentials(mk)) == "unexpected_reply", fault.kind
        mk.faults.clear()


async def test_keys_that_are_refused_say_so(mk_house: MkHouse, mk: ManfredKunzeCloud) -> None:
    for key in ("sk_live_wrong", "sk live with blanks", "sk_live_umläut", "sk_\nX-Header: 1"):
        assert await said(mk_house, mk_credentials(mk, api_key=key)) == "sign_in_rejected", key
    mk.keys.by_name["main"].denied = {"devices"}
    assert await said(mk_house, mk_credentials(mk)) == "not_allowed"
    mk.keys.by_name["main"].denied = set()
    key = f"  Bearer {mk.config.api_key} "
    assert await said(mk_house, mk_credentials(mk, api_key=key)) is FlowResultType.CREATE_ENTRY


async def test_an_organisation_is_set_up_once_whatever_its_key(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)
    assert entry.unique_id == f"{VENDOR}:{mk.main.id}"
    mk.keys.rotate()
    result = await mk_house.submit(await mk_house.start_flow(VENDOR), mk_credentials(mk))
    assert result["reason"] == "already_configured"


async def test_a_key_that_is_revoked_is_asked_for_and_a_rotated_one_taken(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)
    mk.keys.by_name["main"].revoked = True
    await mk_house.pass_time(210)
    (flow,) = mk_house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == "reauth"
    so_far = len(mk.log)
    await mk_house.pass_time(600)
    assert len(mk.log) == so_far  # a refused key asks nothing more

    result = await mk_house.submit(flow["flow_id"], {"api_key": mk.config.other_key})
    assert result["reason"] == "other_account"
    mk.keys.by_name["main"].revoked = False
    mk.keys.rotate()
    result = await reauth(mk_house, mk.credentials["api_key"])
    assert result["reason"] == "reauth_successful"
    assert entry.state is ConfigEntryState.LOADED
    assert entry.unique_id == f"{VENDOR}:{mk.main.id}"
    await mk_house.pass_time(90)
    assert mk_house.sensor(mk.sensor("temperature")).state not in ("unavailable", "unknown")


async def test_where_no_answer_shows_the_organisation_the_oldest_device_names_it(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"organization": "absent"})
    entry = await mk_house.sign_in(mk)
    oldest = min(mk.devices, key=lambda device: (device.created, device.id))
    assert entry.unique_id == f"{VENDOR}:127.0.0.1-{oldest.id}"
    again = await mk_house.submit(await mk_house.start_flow(VENDOR), mk_credentials(mk))
    assert again["reason"] == "already_configured"

    mk.remove_device(oldest)
    mk.keys.rotate()
    again = await mk_house.submit(await mk_house.start_flow(VENDOR), mk_credentials(mk))
    assert again["reason"] == "already_configured"  # it shows a device that is known
    foreign = await reauth(mk_house, mk.config.other_key)
    assert foreign["reason"] == "other_account"
    result = await reauth(mk_house, mk.credentials["api_key"])
    assert result["reason"] == "reauth_successful"
    assert entry.unique_id == f"{VENDOR}:127.0.0.1-{oldest.id}"

    # An answer that shows the organisation from now on makes it no other account.
    mk.config.variants.organization = "organizationId"
    result = await reauth(mk_house, mk.credentials["api_key"])
    assert result["reason"] == "reauth_successful"
    again = await mk_house.submit(await mk_house.start_flow(VENDOR), mk_credentials(mk))
    assert again["reason"] == "already_configured"


async def test_an_organisation_without_devices_is_set_up_if_anything_shows_its_id(
    mk_house: MkHouse, open_mk: OpenMk
) -> None:
    mk = await open_mk({"organization": "absent"}, devices=0)
    assert await said(mk_house, mk_credentials(mk)) == "nothing_listed"
    mk.config.variants.organization = "orgId"
    entry = await mk_house.sign_in(mk)
    assert entry.unique_id == f"{VENDOR}:{mk.main.id}"
    mk.add_device("first", status="ACTIVE")
    await mk_house.pass_time(1000)
    assert mk_house.device(f"device-{mk.devices[0].id}") is not None


async def test_a_key_that_comes_to_show_another_organisation_shows_none_of_it(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk)
    mk.keys.by_name["main"].organisation = mk.world.other
    await mk_house.pass_time(130)
    (flow,) = mk_house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == "reauth"
    foreign = next(iter(mk.world.other.devices))
    await mk_house.reload(entry)
    assert mk_house.device(f"device-{foreign}") is None
    assert entry.state is ConfigEntryState.SETUP_RETRY
    again = await reauth(mk_house, mk.config.api_key)
    assert again["reason"] == "other_account"
    mk.keys.by_name["main"].organisation = mk.main
    result = await reauth(mk_house, mk.config.api_key)
    assert result["reason"] == "reauth_successful"
    assert entry.state is ConfigEntryState.LOADED


async def test_a_right_that_is_taken_away_costs_what_it_is_for_and_is_named(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    mk.keys.by_name["main"].denied = {"readings"}
    await mk_house.pass_time(130)
    assert any("read_readings" in issue for issue in issues(mk_house))
    assert mk_house.shown(f"device-{mk.devices[0].id}", "device_status").state == "active"
    assert not mk_house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)

    mk.keys.by_name["main"].denied = set()
    await mk_house.pass_time(600)
    assert not any("read_readings" in issue for issue in issues(mk_house))
