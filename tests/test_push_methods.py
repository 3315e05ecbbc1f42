"""What comes to a webhook's address and is no call of the vendor's."""

import asyncio
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
import pytest

from simulators.manfred_kunze import ManfredKunzeCloud
from simulators.sensorist import SensoristCloud
from simulators.viziosense import VizioSenseCloud

from .calling import arrive as sensorist_arrive
from .calling import counts, hook
from .conftest import House, watchpost_lines
from .mk_house import MkHouse
from .watching import arrive as vizio_arrive
from .watching import sign_in, state

METHODS = ("GET", "HEAD", "POST", "PUT")


def assert_no_line_names_the_address(entry: ConfigEntry, caplog: pytest.LogCaptureFixture) -> None:
    """Lines above DEBUG, whoever wrote them: Home Assistant's own web server tells of each call at DEBUG."""
    secret = entry.data[CONF_WEBHOOK_ID]
    lines = [record for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [record for record in lines if secret in record.getMessage()]


async def try_methods(
    door: TestClient, entry: ConfigEntry, used: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = counts(entry)
    for method in METHODS:
        response = await door.request(method, hook(entry), data=b"")
        assert (response.status, await response.read()) == (200, b"")
    after = counts(entry)
    assert after["other_methods"] == len(set(METHODS) - used)
    assert after["calls"] - before["calls"] == len(METHODS)
    assert_no_line_names_the_address(entry, caplog)


async def test_sensorist_uses_post_and_put(
    house: House, door: TestClient, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await house.sign_in(cloud)
    requests = len(cloud.log)

    for method in ("GET", "HEAD"):
        await door.request(method, hook(entry))
    await house.pass_time(15)
    assert len(cloud.log) == requests
    assert counts(entry)["last_call"] is None
    assert counts(entry)["other_methods"] == 2
    assert_no_line_names_the_address(entry, caplog)


async def test_manfred_kunze_uses_post_and_put(
    mk_house: MkHouse, door: TestClient, mk: ManfredKunzeCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await mk_house.sign_in(mk)

    await try_methods(door, entry, {"POST", "PUT"}, caplog)


@pytest.mark.usefixtures("views")
async def test_viziosense_uses_get_and_post(
    house: House, door: TestClient, vizio: VizioSenseCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sign_in(house, vizio)

    await try_methods(door, entry, {"GET", "POST"}, caplog)


@pytest.mark.usefixtures("views")
async def test_a_keep_alive_without_the_secret_counts_only_until_one_came_with_it(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.keep_alive(device.uuid)
    await vizio_arrive(house, vizio)
    shown = state(house, entry, device, "last_keepalive")
    assert shown != "unknown"

    await house.pass_time(60)
    await door.get(hook(entry), params={"source": "VIZIOSENSE", "id": device.uuid})
    await house.settle()

    assert state(house, entry, device, "last_keepalive") == shown
    assert counts(entry)["unproven"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": 'application/json; charset="; x'},
        {"Content-Type": "multipart/form-data; boundary=\x7f"},
        {"Content-Type": "\xff"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("body", [b"{", b"\x1f\x8b\x08", b"a=1&type=2", b"\x00" * 1000])
async def test_odd_content_types_and_bodies_are_answered_and_cost_no_line(
    house: House, door: TestClient, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture,
    headers: dict[str, str], body: bytes,
) -> None:  # fmt: skip
    entry = await house.sign_in(cloud)

    await _raw(door, entry, headers, body)
    await house.settle()

    assert watchpost_lines(caplog, logging.WARNING) == []
    assert_no_line_names_the_address(entry, caplog)


async def test_a_body_that_never_ends_holds_nothing_up(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    assert door.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(
        f"POST {hook(entry)} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode()
    )
    await writer.drain()
    await house.settle()

    await house.pass_time(30)

    assert b" 200 " in await reader.readline()
    writer.close()
    assert counts(entry)["torn"] == 1


async def test_a_fault_while_a_call_is_taken_is_logged_without_the_address(
    house: House, door: TestClient, cloud: SensoristCloud, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    entry = await house.sign_in(cloud)

    def broken(*_: Any) -> None:
        raise LookupError(entry.data[CONF_WEBHOOK_ID])

    monkeypatch.setattr(entry.runtime_data.push, "_update_channel", broken)
    response = await door.post(hook(entry), json={"type": 2})
    await sensorist_arrive(house, cloud)

    assert response.status == 200
    assert [line for line in watchpost_lines(caplog, logging.ERROR) if "LookupError" in line]
    assert_no_line_names_the_address(entry, caplog)


async def _raw(door: TestClient, entry: ConfigEntry, headers: dict[str, str], body: bytes) -> None:
    """Send what aiohttp's client would not."""
    assert door.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {hook(entry)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)
    await reader.read()
    writer.close()
