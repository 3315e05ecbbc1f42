"""What one broken resource of VizioSense's costs: its own feature, and nothing else."""

import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators.faults import Fault
from simulators.viziosense import VizioSenseCloud

from .calling import door_fixture, hook  # noqa: F401
from .conftest import DOMAIN, House, watchpost_lines
from .test_viziosense_push import crossing
from .watching import (
    OpenVizio,
    arrive,
    asked,
    counts,
    entity_id,
    live,
    place,
    sign_in,
    state,
)

pytestmark = pytest.mark.usefixtures("views")


def issues(house: House, kind: str) -> list[ir.IssueEntry]:
    return [
        issue
        for (domain, _), issue in ir.async_get(house.hass).issues.items()
        if domain == DOMAIN and issue.translation_key == kind
    ]


# -- messages while the account is being set up --


async def test_messages_while_set_up_is_tried_again_are_applied_after_it(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VCB",))
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.cross(device, 0, "in", "car", times=2)
    vizio.report(device)
    await arrive(house, vizio)
    before = int(state(house, entry, device, crossing(device)))

    vizio.faults.add(Fault(match="/devices", kind="status", status=503))
    await house.reload(entry)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    for _ in range(3):
        vizio.cross(device, 0, "in", "car")
        vizio.report(device)
        await arrive(house, vizio)
        await house.pass_time(60)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    vizio.faults.clear()
    await house.pass_time(900)

    assert entry.state is ConfigEntryState.LOADED
    assert int(state(house, entry, device, crossing(device))) == before + 3
    assert counts(entry)["held"] >= 3


async def test_what_was_said_long_before_set_up_worked_is_not_shown_as_of_now(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.faults.add(Fault(match="/devices", kind="status", status=500))
    await house.reload(entry)
    vizio.park(device, 0, "car")
    vizio.report(device)
    await arrive(house, vizio)
    await house.pass_time(3600)
    vizio.faults.clear()
    await house.pass_time(900)

    assert entry.state is ConfigEntryState.LOADED
    assert place(house, entry, device, 0) in ("unknown", "unavailable")


async def test_calls_held_for_an_account_are_bounded(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    vizio.faults.add(Fault(match="/devices", kind="status", status=500))
    await house.reload(entry)
    secret = {"X-Watchpost-Secret": entry.data["push_secret"]}
    for number in range(6):
        body = f'{{"stream_id": "{number}", "fill": "{"x" * 1024 * 1024}"}}'
        await door.post(hook(entry), data=body, headers=secret)
    for _ in range(600):
        await door.get(hook(entry), params={"source": "VIZIOSENSE", "id": "nobody"})
    await house.settle()
    vizio.faults.clear()
    await house.pass_time(900)

    assert counts(entry)["held"] == 606
    assert counts(entry)["dropped"] >= 606 - 512
    assert entry.state is ConfigEntryState.LOADED


async def test_an_account_that_is_disabled_while_set_up_fails_listens_no_more(
    house: House, door: TestClient, vizio: VizioSenseCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sign_in(house, vizio)
    vizio.faults.add(Fault(match="/devices", kind="status", status=500))
    await house.reload(entry)
    await house.hass.config_entries.async_unload(entry.entry_id)
    for _ in range(2):
        await door.get(hook(entry), params={"source": "VIZIOSENSE", "id": "any"})
    assert hook(entry).rsplit("/", 1)[-1] not in house.hass.data["webhook"]


# -- webhooks that are refused --


async def test_refused_webhooks_are_an_issue_until_they_are_registered(
    house: House, door: TestClient, vizio: VizioSenseCloud, caplog: pytest.LogCaptureFixture
) -> None:
    vizio.faults.add(Fault(match="/webhooks", kind="status", status=404))
    entry = await sign_in(house, vizio)
    await house.pass_time(60)

    assert len(issues(house, "webhooks_refused")) == 1
    (line,) = watchpost_lines(caplog, logging.WARNING)
    assert "polling goes on" not in line
    assert "webhooks" in line

    vizio.faults.clear()
    await live(house, vizio, 700)
    assert counts(entry)["registered"]
    assert issues(house, "webhooks_refused") == []


async def test_a_list_of_webhooks_that_fails_later_is_no_issue(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    await live(house, vizio, 960)  # the list that is kept is too old by then
    vizio.faults.add(Fault(match="/webhooks", kind="status", status=500))
    await house.reload(entry)
    await house.pass_time(60)
    assert not counts(entry)["registered"]
    assert issues(house, "webhooks_refused") == []


# -- errors that are not about the token --

REFUSALS = [
    {"httpError": 400, "code": 4001, "message": "device is offline"},
    {"httpError": 4001, "message": "device is offline"},
    {"httpError": 400, "message": "4001: device is offline"},
    {"httpError": 400, "message": "device 4000 is offline"},
    {"error": ["device is offline"]},
    {},
    "offline",
    None,
]


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize("body", REFUSALS, ids=str)
async def test_a_refused_snapshot_is_sent_once_and_signs_nobody_out(
    house: House, vizio: VizioSenseCloud, body: Any, status: int
) -> None:
    entry = await sign_in(house, vizio, "login")
    logins = vizio.tokens.logins
    text = "" if body is None else json.dumps(body)
    vizio.faults.add(Fault(match="/image", method="POST", status=status, body=text))

    with pytest.raises(HomeAssistantError) as caught:
        await house.hass.services.async_call(
            DOMAIN,
            "request_snapshot",
            {"entity_id": entity_id(house, entry, vizio.devices[0], "camera", "camera")},
            blocking=True,
            return_response=True,
        )

    assert caught.value.translation_key != "sign_in_rejected"
    assert len(asked(vizio, "POST", "/image")) == 1
    assert vizio.tokens.logins == logins
    await house.pass_time(700)
    assert house.hass.config_entries.flow.async_progress() == []
    assert state(house, entry, vizio.devices[0], "connectivity", "binary_sensor") == "on"


# -- cameras that the options leave out --


async def test_cameras_that_are_left_out_bring_no_list_forward(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(devices=80)
    vizio.faults.add(
        Fault(match="/devices", kind="headers", headers={"Cache-Control": "max-age=43200"})
    )
    entry = await sign_in(house, vizio, devices=[vizio.devices[0].uuid])
    requests = len(asked(vizio, "GET", "/devices"))
    for _ in range(6):
        await live(house, vizio, 600)  # each keep-alive of 79 cameras is of one that is left out

    assert len(asked(vizio, "GET", "/devices")) == requests
    assert entry.runtime_data.connection.diagnostics()["messages"]["left_out"] > 400


async def test_ever_new_unknown_cameras_bring_the_list_forward_ever_more_rarely(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    vizio.faults.add(
        Fault(match="/devices", kind="headers", headers={"Cache-Control": "max-age=86400"})
    )
    await sign_in(house, vizio)
    vizio.faults.clear()
    requests = len(asked(vizio, "GET", "/devices"))
    for number in range(72):
        vizio.keep_alive(f"stranger-{number}")
        await arrive(house, vizio)
        await house.pass_time(300)

    assert len(asked(vizio, "GET", "/devices")) - requests <= 8
