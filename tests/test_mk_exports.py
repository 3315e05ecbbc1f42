"""Exports of the Manfred Kunze platform: asked for, followed, saved in the media folder, deleted."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import json
import logging
import os
from pathlib import Path
import re
import shutil
from typing import Any
import zipfile

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest

from custom_components.watchpost.engine.media import download as download_module
from custom_components.watchpost.vendors.manfred_kunze import export_actions
from simulators.faults import Fault
from simulators.manfred_kunze import ManfredKunzeCloud

from .mk_house import MkHouse, OpenMk, asked

DOMAIN = "watchpost"


@pytest.fixture(autouse=True)
def _media_folder(mk_house: MkHouse, tmp_path: Path) -> None:
    """A media folder of its own for each test."""
    mk_house.hass.config.media_dirs = {"local": str(tmp_path)}


def begin(house: MkHouse, name: str, **fields: Any) -> asyncio.Task[Any]:
    """Call an action, with a period where none is given."""
    if name == "create_export":
        end = dt_util.utcnow()
        fields = {"start": end - timedelta(hours=6), "end": end} | fields
    called = house.hass.services.async_call(
        DOMAIN, name, fields, blocking=True, return_response=True
    )
    return house.hass.async_create_background_task(called, name)


async def finished(house: MkHouse, task: asyncio.Task[Any], most: int = 900) -> Any:
    for _ in range(most):
        await house.settle()
        if task.done():
            break
        await house.pass_time(1)
    return await task


async def call(house: MkHouse, name: str, **fields: Any) -> Any:
    return await finished(house, begin(house, name, **fields))


def account(house: MkHouse) -> dict[str, str]:
    return {"config_entry_id": house.entries[0].entry_id}


def device(house: MkHouse, mk: ManfredKunzeCloud) -> dict[str, str]:
    found = house.device(f"device-{mk.devices[0].id}")
    assert found is not None
    return {"device_id": found.id}


def folder(house: MkHouse) -> Path:
    return Path(house.hass.config.media_dirs["local"], DOMAIN)


def files(house: MkHouse) -> list[str]:
    return sorted(path.name for path in folder(house).glob("*")) if folder(house).exists() else []


def newest(house: MkHouse) -> Any:
    return house.shown("account", "newest_export")


@pytest.mark.parametrize(
    "variants",
    [{}, {"export_ready": "short", "names": "other", "paging": "array", "export_progress": True}],
    ids=["full", "short"],
)
async def test_an_export_is_followed_saved_and_opened(
    mk_house: MkHouse,
    open_mk: OpenMk,
    variants: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    mk = await open_mk(variants=variants)
    await mk_house.sign_in(mk)
    assert newest(mk_house).state == "unknown"
    seen: list[str] = []
    task = begin(mk_house, "create_export", **device(mk_house, mk), download=True)
    for _ in range(60):
        await mk_house.settle()
        if (state := newest(mk_house).state) not in seen:
            seen.append(state)
        if task.done():
            break
        await mk_house.pass_time(1)
    outcome = await task
    assert seen == ["pending", "running", "ready"]

    name = f"manfred_kunze_export_{outcome['export_id']}.zip"
    assert files(mk_house) == [name]
    assert outcome["media_content_id"] == f"media-source://media_source/local/{DOMAIN}/{name}"
    assert (outcome["state"], outcome["scope_type"]) == ("ready", "device")
    assert outcome["scope_id"] == mk.devices[0].id
    with zipfile.ZipFile(folder(mk_house) / name) as bundle:
        assert bundle.testzip() is None
        manifest = json.loads(bundle.read("manifest.json"))
        assert {"readings", "annotations"} <= {Path(name).stem for name in bundle.namelist()}
    assert str(outcome["readings"]) in json.dumps(manifest)
    assert outcome["size"] == (folder(mk_house) / name).stat().st_size

    shown = newest(mk_house)
    assert shown.attributes["export_id"] == outcome["export_id"]
    assert "http" not in json.dumps([dict(shown.attributes), outcome], default=str)
    assert not mk.storage.intruders
    assert "/v1/exports/" in caplog.text
    assert not re.search(r"Signature=\w", caplog.text)


async def test_devices_components_sensors_and_sites_are_exported(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    sensor = mk.sensors[0]
    component = mk_house.device(f"component-{sensor.component.id}")
    assert component is not None
    entity = mk_house.sensor(sensor).entity_id
    site = mk.devices[0].site
    for target, kind, scope in (
        ({"device_id": component.id}, "component", sensor.component.id),
        ({"entity_id": entity, "includes": "annotations"}, "sensor", sensor.id),
        ({**account(mk_house), "site_id": site}, "site", site),
    ):
        outcome = await call(mk_house, "create_export", **target, timeout=0)
        assert (outcome["scope_type"], outcome["scope_id"]) == (kind, scope)
        assert outcome["state"] == "pending"
        assert "media_content_id" not in outcome
    listed = await call(mk_house, "list_exports", **account(mk_house))
    assert listed["is_complete"]
    assert {each["scope_type"] for each in listed["exports"]} == {"component", "sensor", "site"}
    assert [e["includes"] for e in listed["exports"] if e["scope_type"] == "sensor"] == [
        ["annotations"]
    ]

    # What goes on without us is shown all the same, and can be saved later.
    await mk_house.pass_time(120)
    assert newest(mk_house).state == "ready"
    later = listed["exports"][0]["export_id"]
    saved = await call(mk_house, "download_export", **account(mk_house), export_id=later)
    assert files(mk_house) == [f"manfred_kunze_export_{later}.zip"]
    assert saved["export_id"] == later
    for export in listed["exports"]:
        await call(mk_house, "delete_export", **account(mk_house), export_id=export["export_id"])
    assert newest(mk_house).state == "unknown"
    assert (await call(mk_house, "list_exports", **account(mk_house)))["exports"] == []
    assert len(files(mk_house)) == 1


async def test_what_cannot_be_exported_is_said(mk_house: MkHouse, mk: ManfredKunzeCloud) -> None:
    await mk_house.sign_in(mk)
    status = mk_house.entity(f"device-{mk.devices[0].id}", "device_status")
    hub = mk_house.device("account")
    assert hub is not None
    both = [mk_house.sensor(each).entity_id for each in mk.sensors[:2]]
    for target, field in (
        ({"device_id": hub.id}, "device_id"),
        ({"entity_id": [status]}, "entity_id"),
        ({"entity_id": both}, "entity_id"),
        (account(mk_house), "site_id"),
        (
            {**account(mk_house), "site_id": "s1", "end": dt_util.utcnow() - timedelta(days=9)},
            "end",
        ),
    ):
        with pytest.raises(ServiceValidationError) as refused:
            await call(mk_house, "create_export", **target)
        placeholders = refused.value.translation_placeholders
        assert placeholders is not None
        assert placeholders["field"] == field
    assert not asked(mk, "/exports", "POST")
    with pytest.raises(HomeAssistantError):
        await call(mk_house, "download_export", **account(mk_house), export_id="00000000-none")


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        ({"export_fate": "fail"}, "failed"),
        ({"export_fate": "hang"}, "running"),
        ({"export_life": 0}, "expired"),
        ({"variants": {"literals": "new"}}, None),
        ({"variants": {"export_expired": "READY"}, "export_life": 0}, "expired"),
    ],
    ids=["fails", "never ends", "expires", "unknown", "expires silently"],
)
async def test_an_export_that_does_not_become_ready_is_not_saved(
    mk_house: MkHouse, open_mk: OpenMk, plan: dict[str, Any], state: str | None
) -> None:
    mk = await open_mk(**plan)
    await mk_house.sign_in(mk)
    outcome = await call(
        mk_house, "create_export", **device(mk_house, mk), download=True, timeout=90
    )
    assert outcome["state"] == state
    assert newest(mk_house).state == (state or "unknown")
    assert files(mk_house) == []
    if state == "running":
        with pytest.raises(ServiceValidationError):
            await call(
                mk_house,
                "download_export",
                **account(mk_house),
                export_id=outcome["export_id"],
            )


async def test_what_may_pass_is_no_end_and_what_is_gone_is(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    task = begin(mk_house, "create_export", **device(mk_house, mk))
    await mk_house.settle()
    mk.faults.add(Fault(match="/exports/", kind="status", status=502, times=2))
    assert (await finished(mk_house, task))["state"] == "ready"

    task = begin(mk_house, "create_export", **device(mk_house, mk))
    await mk_house.settle()
    mk.faults.add(Fault(match="/exports/", kind="status", status=404))
    assert (await finished(mk_house, task))["state"] == "expired"
    mk.faults.clear()

    task = begin(mk_house, "create_export", **device(mk_house, mk))
    await mk_house.settle()
    mk.faults.add(Fault(match="/exports/", kind="status", status=400))
    with pytest.raises(HomeAssistantError):
        await finished(mk_house, task)


# -- the file --


async def test_a_link_that_is_refused_is_asked_for_once_more(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    made = await call(mk_house, "create_export", **device(mk_house, mk))
    save = {**account(mk_house), "export_id": made["export_id"]}
    before = len(asked(mk, f"/exports/{made['export_id']}"))
    mk.config.links_dead = True
    with pytest.raises(HomeAssistantError) as refused:
        await call(mk_house, "download_export", **save)
    assert refused.value.translation_key == "refused"
    assert refused.value.translation_placeholders == {"status": "403"}
    assert len(asked(mk, f"/exports/{made['export_id']}")) == before + 3
    mk.config.links_dead = False
    for wrong in (None, 7, "https://10.0.0.1/export.zip", "ftp://x/y", "https://["):

        def with_link(body: Any, link: object = wrong) -> Any:
            return {**body, "downloadUrl": link}

        mk.faults.clear()
        mk.faults.add(Fault(match="/exports/", kind="mutate", mutate=with_link))
        with pytest.raises(HomeAssistantError):
            await call(mk_house, "download_export", **save)
    assert files(mk_house) == []
    mk.faults.clear()
    await call(mk_house, "download_export", **save)
    assert len(files(mk_house)) == 1


def _is_free(free: int) -> Callable[[Any], Any]:
    total = shutil.disk_usage("/")

    def usage(path: Any) -> Any:
        return total._replace(free=free)

    return usage


async def test_a_bundle_that_does_not_fit_is_not_saved(
    mk_house: MkHouse, open_mk: OpenMk, monkeypatch: pytest.MonkeyPatch
) -> None:
    mk = await open_mk(export_padding=300_000)
    await mk_house.sign_in(mk)
    made = await call(mk_house, "create_export", **device(mk_house, mk))
    assert made["size"] > 300_000
    save = {**account(mk_house), "export_id": made["export_id"]}

    async def refused() -> str | None:
        with pytest.raises(HomeAssistantError) as said:
            await call(mk_house, "download_export", **save)
        assert files(mk_house) == []
        return said.value.translation_key

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", _is_free(download_module.RESERVE_BYTES + 300_000))
        assert await refused() == "no_space"
        # The vendor tells a smaller size than it is: the disk is looked at on the way, too.
        mk.config.export_size = 1000
        patch.setattr(download_module, "_CHECK_EVERY", 1000)
        patch.setattr(shutil, "disk_usage", _is_free(download_module.RESERVE_BYTES + 2000))
        assert await refused() == "no_space"
        mk.config.export_size = None
    with monkeypatch.context() as patch:
        patch.setattr(download_module, "MAX_BYTES", 1000)
        assert await refused() == "file_too_large"
    await call(mk_house, "download_export", **save)
    with zipfile.ZipFile(folder(mk_house) / files(mk_house)[0]) as bundle:
        assert bundle.testzip() is None


async def test_a_file_is_saved_once_at_a_time_and_a_broken_one_leaves_the_one_before(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    made = await call(mk_house, "create_export", **device(mk_house, mk), download=True)
    path = folder(mk_house) / files(mk_house)[0]
    whole = path.read_bytes()
    save = {**account(mk_house), "export_id": made["export_id"]}

    left = folder(mk_house) / ".left.zip.part"
    left.touch()
    first, second = (
        begin(mk_house, "download_export", **save),
        begin(mk_house, "download_export", **save),
    )
    with pytest.raises(HomeAssistantError) as said:
        await asyncio.gather(first, second)
    assert said.value.translation_key == "being_saved"
    await asyncio.wait([first, second])
    assert not left.exists()  # what was not finished when Home Assistant ended

    folder(mk_house).chmod(0o500)
    path.unlink()
    path.mkdir()
    (path / "in the way").touch()
    with pytest.raises(HomeAssistantError) as said:
        await call(mk_house, "download_export", **save)
    assert said.value.translation_key == "not_saved"
    shutil.rmtree(path)
    folder(mk_house).chmod(0o700)
    await call(mk_house, "download_export", **save)
    assert path.read_bytes() == whole
    mk_house.hass.config.media_dirs = {}
    with pytest.raises(ServiceValidationError):
        await call(mk_house, "download_export", **save)


async def test_an_account_without_exports_shows_none(mk_house: MkHouse, open_mk: OpenMk) -> None:
    mk = await open_mk(absent={"exports"})
    entry = await mk_house.sign_in(mk)
    assert mk_house.entity("account", "newest_export") is None
    assert entry.runtime_data.connection.diagnostics()["ExportsFeature"]["absent"]


async def _half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "400000"})
    await response.prepare(request)
    await response.write(b"PK" * 1000)
    assert request.transport is not None
    request.transport.abort()
    return response


async def _other(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"<html>Sign in</html>")


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(60):
        await response.write(b"x" * 10_000)
    return response


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (_half, "cannot_connect"),
        (_other, "file_damaged"),
        (_endless, "unexpected_reply"),
        (None, "not_saved"),
    ],
)
async def test_what_is_no_bundle_is_not_kept(
    mk_house: MkHouse,
    mk: ManfredKunzeCloud,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    key: str,
) -> None:
    await mk_house.sign_in(mk)
    made = await call(mk_house, "create_export", **device(mk_house, mk))
    app = web.Application()
    app.router.add_get("/bundle.zip", answer or _other)
    async with TestServer(app) as server:
        link = str(server.make_url("/bundle.zip"))
        mutate = {"match": "/exports/", "mutate": lambda body: {**body, "downloadUrl": link}}
        mk.faults.add(Fault(kind="mutate", **mutate))
        monkeypatch.setattr(export_actions, "MAX_BYTES", 500_000)
        if answer is None:
            full = OSError(28, "No space left on device")
            monkeypatch.setattr(os, "fsync", lambda number: (_ for _ in ()).throw(full))
            monkeypatch.setattr(zipfile, "is_zipfile", lambda path: True)
        with pytest.raises(HomeAssistantError) as said:
            await call(
                mk_house, "download_export", **account(mk_house), export_id=made["export_id"]
            )
    assert said.value.translation_key == key
    assert files(mk_house) == []


async def test_exports_of_others_are_shown_and_followed_while_they_are_made(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    await mk_house.sign_in(mk)
    task = begin(mk_house, "create_export", **device(mk_house, mk), timeout=0)
    made = await finished(mk_house, task)
    await mk_house.reload(mk_house.entries[0])
    assert newest(mk_house).state in ("pending", "running")
    before = len(asked(mk, "/exports"))
    await mk_house.pass_time(60)
    assert newest(mk_house).state == "ready"
    assert newest(mk_house).attributes["export_id"] == made["export_id"]
    assert 1 <= len(asked(mk, "/exports")) - before <= 4
    before = len(asked(mk, "/exports"))
    await mk_house.pass_time(1200)
    assert len(asked(mk, "/exports")) - before <= 3


async def test_exports_that_cannot_be_listed_at_first_come_later(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    broken = Fault(match="/exports", kind="status", status=502, times=2)
    mk.faults.add(broken)
    await mk_house.sign_in(mk)
    assert newest(mk_house).state in ("unknown", "unavailable")
    await mk_house.pass_time(1000)
    assert newest(mk_house).state == "unknown"
    mk.faults.add(Fault(match="/exports", kind="root", value={"status": "PENDING"}, method="POST"))
    with pytest.raises(HomeAssistantError):
        await call(mk_house, "create_export", **device(mk_house, mk))
