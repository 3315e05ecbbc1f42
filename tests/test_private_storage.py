"""A storage in a local network is refused with a word on what to do, and reached once a person has allowed it."""

from collections.abc import AsyncIterator
from http import HTTPStatus
import logging
from pathlib import Path
import socket
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from homeassistant.util.ssl import get_default_context
import pytest
from yarl import URL

from custom_components.watchpost.client import resolver
from simulators.manfred_kunze import ManfredKunzeCloud

from . import test_mk_exports as exports
from .certificates import Authority
from .conftest import watchpost_lines
from .mk_house import MkHouse, OpenMk, mk_house_fixture, open_mk_fixture  # noqa: F401
from .test_mk_live import Player

HOST = "minio.lan"


@pytest.fixture(name="storage")
async def storage_fixture(
    mk_house: MkHouse, open_mk: OpenMk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[tuple[ManfredKunzeCloud, TestServer]]:
    """A deployment whose storage is another host of the local network, which this machine plays, over TLS."""
    mk_house.hass.config.media_dirs = {"local": str(tmp_path)}
    mk = await open_mk(variants={"signing": "exact", "link_host": "api"})
    behind = mk.storage.hosts["api"]
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers["Host"])
        assert "Authorization" not in request.headers
        url = URL(f"{behind}{request.raw_path}", encoded=True)
        async with ClientSession() as session, session.get(url) as response:
            body = await response.read()
            return web.Response(
                body=body, status=response.status, content_type=response.content_type
            )

    authority = Authority()
    get_default_context().load_verify_locations(cadata=authority.pem)
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    app["seen"] = seen
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=authority.issue(HOST))
    mk.storage.hosts["api"] = f"https://{HOST}:{server.port}"

    async def look_up(host: str, port: int) -> list[str]:
        known = {HOST: "127.0.0.1", "other.lan": "192.168.1.9", "ha.example": "192.168.1.7"}
        if host not in known and not host[0].isdigit() and ":" not in host:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [known.get(host, host)]

    monkeypatch.setattr(resolver, "_addresses", look_up)
    really = resolver.is_allowable
    monkeypatch.setattr(
        resolver, "is_allowable", lambda address: address == "127.0.0.1" or really(address)
    )
    monkeypatch.setattr(resolver, "is_own", lambda address: address == "192.168.1.8")
    yield mk, server
    await server.close()


async def options(house: MkHouse, host: str | None) -> Any:
    entry = house.entries[0]
    form = await house.hass.config_entries.options.async_init(entry.entry_id)
    fields = {"shown_for": 60} | ({} if host is None else {"storage_host": host})
    result = await house.hass.config_entries.options.async_configure(form["flow_id"], fields)
    await house.settle()
    return result


async def test_a_private_storage_is_refused_until_somebody_allows_it(
    mk_house: MkHouse,
    storage: tuple[ManfredKunzeCloud, TestServer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    mk, server = storage
    await mk_house.sign_in(mk)
    fields = {**exports.device(mk_house, mk), "download": True}
    with pytest.raises(HomeAssistantError) as caught:
        await exports.call(mk_house, "create_export", **fields)
    assert caught.value.translation_key == "private_address"
    assert "Private storage host" in str(caught.value)
    assert server.app["seen"] == []
    assert HOST not in caplog.text

    result = await options(mk_house, f"https://{HOST}:{server.port}/")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    outcome = await exports.call(mk_house, "create_export", **fields)
    assert exports.files(mk_house) == [f"manfred_kunze_export_{outcome['export_id']}.zip"]
    player = Player(mk_house, mk.cameras[0])
    assert (await player.play())[:1] == b"G"
    await mk_house.pass_time(31)
    assert set(server.app["seen"]) == {f"{HOST}:{server.port}"}

    # Another port of the same host is another host.
    await options(mk_house, HOST)
    with pytest.raises(HomeAssistantError) as caught:
        await exports.call(mk_house, "create_export", **fields)
    assert caught.value.translation_key == "private_address"


async def test_a_stream_at_a_private_address_is_not_fetched_and_that_is_said_once(
    mk_house: MkHouse,
    storage: tuple[ManfredKunzeCloud, TestServer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    mk, server = storage
    await mk_house.sign_in(mk)
    player = Player(mk_house, mk.cameras[0])
    for _ in range(3):
        assert (await player.get())[0] == HTTPStatus.BAD_GATEWAY
    await mk_house.pass_time(31)
    assert server.app["seen"] == []
    lines = [line for line in watchpost_lines(caplog) if "stream" in line]
    assert len(lines) == 1
    assert "not public" in lines[0]
    assert HOST not in lines[0]


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("http://minio.lan", "invalid_host"),
        ("minio.lan/bucket", "invalid_host"),
        ("*.lan", "invalid_host"),
        ("a.lan b.lan", "invalid_host"),
        ("169.254.169.254", "host_not_allowed"),
        ("[fd00:ec2::254]", "host_not_allowed"),
        ("[::1]:9000", "host_not_allowed"),
        ("0.0.0.0", "host_not_allowed"),
        ("192.168.1.8:9000", "host_not_allowed"),
        ("192.168.1.7:9000", "host_not_allowed"),
        ("[::ffff:10.0.0.1]", "host_not_allowed"),
        ("other.lan:9000", None),
        ("gone.lan", None),
        (None, None),
    ],
)
async def test_one_host_that_may_be_allowed_is_taken(
    mk_house: MkHouse,
    storage: tuple[ManfredKunzeCloud, TestServer],
    host: str | None,
    error: str | None,
) -> None:
    mk, _ = storage
    await mk_house.sign_in(mk)
    await mk_house.hass.config.async_update(internal_url="http://ha.example:8123")
    result = await options(mk_house, host)
    if error is None:
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert mk_house.entries[0].options.get("storage_host") == host
        return
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {"storage_host": error}
    assert "storage_host" not in mk_house.entries[0].options


async def test_only_administrators_change_options(
    mk_house: MkHouse,
    storage: tuple[ManfredKunzeCloud, TestServer],
    hass_client: Any,
    hass_read_only_access_token: str,
) -> None:
    mk, _ = storage
    assert await async_setup_component(mk_house.hass, "config", {})
    await mk_house.sign_in(mk)
    body = {"handler": mk_house.entries[0].entry_id}
    path = "/api/config/config_entries/options/flow"
    reader = await hass_client(hass_read_only_access_token)
    assert (await reader.post(path, json=body)).status == HTTPStatus.UNAUTHORIZED
    admin = await hass_client()
    assert (await admin.post(path, json=body)).status == HTTPStatus.OK
