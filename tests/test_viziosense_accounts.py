"""Signing in to VizioSense in two ways, staying signed in, and what the list of devices says."""

import logging
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from simulators.faults import Fault
from simulators.viziosense import VizioSenseCloud
from simulators.viziosense.config import OPERATIONS

from .conftest import DOMAIN, House, watchpost_lines
from .outside import unavailable
from .watching import (
    FORMS,
    OpenVizio,
    asked,
    live,
    login_form,
    sign_in,
    start,
    state,
    token_form,
)

WAYS = ["token", "login"]


# -- signing in --


@pytest.mark.parametrize("way", WAYS)
async def test_both_ways_to_sign_in_make_an_account_without_a_persons_name(
    house: House, vizio: VizioSenseCloud, way: str
) -> None:
    entry = await sign_in(house, vizio, way)

    assert entry.state is ConfigEntryState.LOADED
    assert entry.data["form"] == f"viziosense_{way}"
    for private in ("bruno", "example.com"):
        assert private not in f"{entry.title} {entry.unique_id}".lower()
    assert entry.title.startswith("VizioSense ")
    users = {record.user for record in vizio.log if record.path.endswith("/devices")}
    assert users == {way}


async def test_the_way_to_sign_in_is_chosen_from_a_menu(
    house: House, vizio: VizioSenseCloud
) -> None:
    flow = house.hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": "user"})
    menu = await flow.async_configure(menu["flow_id"], {"next_step_id": "viziosense"})

    assert menu["menu_options"] == ["viziosense_token", "viziosense_login"]


FAULTS = [
    (Fault(kind="status", status=401), "sign_in_rejected"),
    (Fault(kind="status", status=400), "sign_in_rejected"),
    (Fault(kind="status", status=404), "unexpected_reply"),
    (Fault(kind="status", status=405), "unexpected_reply"),
    (Fault(kind="status", status=429, headers={"Retry-After": "60"}), "rate_limited"),
    (Fault(kind="status", status=500), "cannot_connect"),
    (Fault(kind="drop"), "cannot_connect"),
    (Fault(kind="cut_json"), "unexpected_reply"),
    (Fault(kind="not_json"), "unexpected_reply"),
    (Fault(kind="root", value=[]), "unexpected_reply"),
    (Fault(kind="root", value={"data": 7}), "unexpected_reply"),
    (Fault(kind="root", value={"error": []}), "unexpected_reply"),
    (Fault(kind="root", value={"httpError": 400, "code": 4000}), "sign_in_rejected"),
    (Fault(kind="root", value={"httpError": 400, "message": "no"}), "unexpected_reply"),
    (Fault(kind="root", value={"httpError": 500, "code": 5000}), "cannot_connect"),
    (Fault(kind="huge", size=17 * 2**20), "unexpected_reply"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "error"), FAULTS, ids=[f"{fault.kind}-{n}" for n, (fault, _) in enumerate(FAULTS)]
)
async def test_each_fault_at_sign_in_has_its_text_and_can_be_recovered_from(
    house: House,
    vizio: VizioSenseCloud,
    way: str,
    fault: Fault,
    error: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    vizio.faults.add(fault)
    flow_id = await start(house, way)

    result = await house.submit(flow_id, FORMS[way](vizio))

    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"base": error}
    assert watchpost_lines(caplog) == []

    vizio.faults.clear()
    house.freezer.tick(1000)
    result = await house.submit(flow_id, FORMS[way](vizio))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("code", ["code", "httpError", "message", "absent"])
async def test_wrong_credentials_are_said_in_every_form(
    house: House, vizio: VizioSenseCloud, status: Any, code: Any
) -> None:
    vizio.config.variants.error_code = code
    vizio.config.variants.login_refused = status
    vizio.config.variants.token_error = 401 if status == 401 else 400

    result = await house.submit(await start(house, "login"), login_form(vizio, password="wrong"))
    assert result["errors"] == {"base": "sign_in_rejected"}
    assert vizio.tokens.logins == 0

    result = await house.submit(await start(house), token_form(vizio, token="wrong"))
    assert result["errors"] == {"base": "sign_in_rejected"}


async def test_a_token_without_a_device_is_no_account(house: House, open_vizio: OpenVizio) -> None:
    vizio = await open_vizio(devices=0)
    flow_id = await start(house)

    result = await house.submit(flow_id, token_form(vizio))
    assert result["errors"] == {"base": "nothing_listed"}

    vizio.add_device("VPM")
    result = await house.submit(flow_id, token_form(vizio))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_scope_without_the_list_says_which_right_is_missing(
    house: House, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(scope=OPERATIONS - {"list_devices"})

    result = await house.submit(await start(house), token_form(vizio))

    assert result["errors"] == {"base": "not_allowed"}


async def test_the_same_account_cannot_be_added_twice(house: House, open_vizio: OpenVizio) -> None:
    vizio = await open_vizio(devices=2)
    await sign_in(house, vizio)
    again = await house.submit(await start(house), token_form(vizio))
    assert again["reason"] == "already_configured"

    # Another token of the same account, which by now shows another smallest device.
    vizio.remove_device(min(device.uuid for device in vizio.devices))
    vizio.config.token = "another-token"
    again = await house.submit(await start(house), token_form(vizio))
    assert again["reason"] == "already_configured"


# -- staying signed in --


@pytest.mark.parametrize("way", WAYS)
async def test_refused_credentials_ask_for_new_ones_and_take_those_of_a_known_device(
    house: House, open_vizio: OpenVizio, way: str
) -> None:
    vizio = await open_vizio(devices=2)
    entry = await sign_in(house, vizio, way)
    unique_id = entry.unique_id
    vizio.tokens.expire()
    vizio.tokens.revoke()
    vizio.config.token, vizio.config.password = "new-token", "new-password"
    await house.pass_time(700)
    (flow,) = house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)

    secret = {"token": "new-token"} if way == "token" else {"password": "new-password"}
    wrong = await house.submit(flow["flow_id"], dict.fromkeys(secret, "wrong"))
    assert wrong["errors"] == {"base": "sign_in_rejected"}
    # The account lost the device that it was named after.
    vizio.remove_device(min(device.uuid for device in vizio.devices))
    result = await house.submit(flow["flow_id"], secret)

    assert result["reason"] == "reauth_successful"
    assert (entry.unique_id, entry.state) == (unique_id, ConfigEntryState.LOADED)


async def test_another_accounts_token_is_refused(house: House, open_vizio: OpenVizio) -> None:
    vizio, other = await open_vizio(), await open_vizio(seed=9)
    entry = await sign_in(house, vizio)
    flow = house.hass.config_entries.flow
    context = {"source": "reconfigure", "entry_id": entry.entry_id}
    menu = await flow.async_init(DOMAIN, context=context)
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "viziosense_token"})

    result = await house.submit(form["flow_id"], token_form(other))

    assert result["reason"] == "other_account"
    assert entry.data["url"] == vizio.url


async def test_an_account_can_be_signed_in_to_the_other_way(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio, "login")
    assert entry.data["tokens"]["access_token"]
    flow = house.hass.config_entries.flow
    for way in ("token", "login"):
        context = {"source": "reconfigure", "entry_id": entry.entry_id}
        menu = await flow.async_init(DOMAIN, context=context)
        assert menu["type"] is FlowResultType.MENU
        form = await flow.async_configure(menu["flow_id"], {"next_step_id": f"viziosense_{way}"})
        result = await house.submit(form["flow_id"], FORMS[way](vizio))
        assert result["reason"] == "reconfigure_successful"
        assert ("password" in entry.data, "token" in entry.data) == (
            way == "login",
            way == "token",
        )
        assert bool(entry.data.get("tokens")) is (way == "login")
        assert entry.state is ConfigEntryState.LOADED


async def test_a_token_that_expires_is_replaced_before_it_does_and_kept(
    house: House, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(expires_in=900)
    entry = await sign_in(house, vizio, "login")
    first = entry.data["tokens"]["access_token"]
    await house.reload(entry)
    assert vizio.tokens.logins == 1

    await house.pass_time(3600)

    assert entry.data["tokens"]["access_token"] != first
    assert vizio.tokens.logins <= 6
    assert {record.status for record in vizio.log} == {200}
    assert unavailable(house) == []


async def test_a_token_that_dies_early_costs_one_sign_in(
    house: House, vizio: VizioSenseCloud, caplog: pytest.LogCaptureFixture
) -> None:
    await sign_in(house, vizio, "login")
    vizio.tokens.expire()

    await house.pass_time(320)

    assert vizio.tokens.logins == 2
    assert watchpost_lines(caplog, logging.WARNING) == []


# -- the list --


async def test_unique_ids_are_frozen(
    house: House, open_vizio: OpenVizio, snapshot: SnapshotAssertion
) -> None:
    vizio = await open_vizio(devices=1, applications=("VPM+VCZ+VCB+VCW",), places=2)
    entry = await sign_in(house, vizio)
    connection = entry.runtime_data
    assert connection.vendor.key == "viziosense"

    registry = er.async_get(house.hass)
    found = {
        (entity.domain, entity.unique_id)
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
    }
    assert sorted(found) == snapshot(extension_class=HomeAssistantSnapshotExtension)
    assert {
        identifier for device in house.devices(entry) for identifier in device.identifiers
    } == snapshot(extension_class=HomeAssistantSnapshotExtension, name="devices")


@pytest.mark.parametrize("paging", ["page", "offset"])
async def test_every_page_of_the_list_is_read(
    house: House, open_vizio: OpenVizio, paging: Any
) -> None:
    vizio = await open_vizio(devices=7, page_size=2)
    vizio.config.variants.paging = paging
    entry = await sign_in(house, vizio)

    for device in vizio.devices:
        assert state(house, entry, device, "connectivity", "binary_sensor") == "on"


@pytest.mark.parametrize("endless", ["same", "new"])
async def test_a_list_that_never_ends_is_cut_off_and_removes_nothing(
    house: House, open_vizio: OpenVizio, endless: Any
) -> None:
    vizio = await open_vizio(devices=3)
    entry = await sign_in(house, vizio)
    vizio.config.endless = endless

    before = len(vizio.log)
    await house.pass_time(310)

    assert len(vizio.log) - before <= 201
    for device in vizio.devices:
        assert state(house, entry, device, "connectivity", "binary_sensor") == "on"


@pytest.mark.parametrize(
    "variants",
    [
        *({"is_online": form} for form in ("bool", "word")),
        *({"refreshed": form} for form in ("plain", "seconds")),
    ],
    ids=str,
)
async def test_the_list_is_read_in_every_form(
    house: House, vizio: VizioSenseCloud, variants: dict[str, Any]
) -> None:
    for name, value in variants.items():
        setattr(vizio.config.variants, name, value)
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]

    assert state(house, entry, device, "connectivity", "binary_sensor") == "on"
    assert state(house, entry, device, "refreshed").startswith("2026-09-13T1")
    device.online = False
    await house.pass_time(310)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "off"


async def test_the_list_is_asked_every_five_minutes_and_no_more(
    house: House, vizio: VizioSenseCloud
) -> None:
    await sign_in(house, vizio)

    await house.pass_time(3600)

    assert 12 <= len(asked(vizio, "GET", "/devices")) <= 14


async def test_cameras_come_and_go_without_a_reload(house: House, open_vizio: OpenVizio) -> None:
    vizio = await open_vizio(devices=2)
    entry = await sign_in(house, vizio)
    gone, stays = vizio.devices
    vizio.remove_device(gone.uuid)
    new = vizio.add_device("VCZ")
    await live(house, vizio, 400)
    assert state(house, entry, new, "connectivity", "binary_sensor") == "on"

    await live(house, vizio, 1000)
    names = {device.name for device in house.devices(entry)}
    assert gone.name not in names
    assert {stays.name, new.name} < names


async def test_the_options_choose_cameras(house: House, open_vizio: OpenVizio) -> None:
    vizio = await open_vizio(devices=2)
    entry = await sign_in(house, vizio)
    first, second = vizio.devices

    await house.set_options(entry, devices=[first.uuid], barrier_counts="since_last")

    names = {device.name for device in house.devices(entry)}
    assert first.name in names
    assert second.name not in names


async def test_options_cannot_be_shown_while_the_vendor_is_down(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.faults.add(Fault(kind="status", status=500))

    form = await house.set_options(entry)

    assert form["reason"] == "cannot_connect"


async def test_a_missing_right_is_an_issue_and_not_a_sign_in(
    house: House, vizio: VizioSenseCloud
) -> None:
    await sign_in(house, vizio)
    vizio.config.scope = OPERATIONS - {"list_devices"}

    await house.pass_time(400)

    assert [issue.translation_key for issue in ir.async_get(house.hass).issues.values()] == [
        "not_allowed"
    ]
    assert not house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)


@pytest.mark.parametrize(
    "memory", [{}, [], {"x": 7}, {"camera": {"VPM": {"places": [], "digests": 7}}}], ids=str
)
async def test_a_broken_memory_keeps_no_account_from_being_set_up(
    house: House, vizio: VizioSenseCloud, hass_storage: dict[str, Any], memory: Any
) -> None:
    entry = await sign_in(house, vizio)
    await house.hass.config_entries.async_unload(entry.entry_id)
    key = f"watchpost.{entry.entry_id}.memory"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": memory}

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()

    assert entry.state is ConfigEntryState.LOADED
