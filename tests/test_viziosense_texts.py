"""Texts of VizioSense's forms and entities, and what of secrets they and everything else keep to themselves."""

import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.auth.models import User
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.icon import async_get_icons
from homeassistant.helpers.translation import async_get_translations
import pytest

from simulators.faults import Fault

from .calling import door_fixture, hook, told_fixture  # noqa: F401
from .conftest import DOMAIN, House
from .outside import download
from .test_privacy import written
from .test_texts import ENGLISH, assert_has_texts, fields_of
from .test_viziosense_pictures import snapshot
from .watching import (
    OpenVizio,
    arrive,
    live,
    sign_in,
    start,
    token_form,
)

pytestmark = pytest.mark.usefixtures("views")


async def test_each_field_of_each_form_is_named_and_described(
    house: House, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio()
    flow = house.hass.config_entries.flow
    steps = ENGLISH["config"]["step"]
    for way in ("token", "login"):
        shown = await flow.async_configure(await start(house, way))
        assert_has_texts(shown, "config")
        assert shown["description_placeholders"]["staging"].startswith("https://")
        assert f"viziosense_{way}" in steps["viziosense"]["menu_options"]
    entry = await sign_in(house, vizio)

    options = await house.hass.config_entries.options.async_init(entry.entry_id)
    assert_has_texts(options, "options")
    named = {name for name, _ in fields_of(options["data_schema"])}
    assert named == set(ENGLISH["options"]["step"]["viziosense"]["data"])
    entry.async_start_reauth(house.hass)
    await house.settle()
    (waiting,) = [
        found
        for found in flow.async_progress_by_handler(DOMAIN)
        if found["context"]["source"] == "reauth"
    ]
    assert_has_texts(await flow.async_configure(waiting["flow_id"]), "config")


async def test_each_entity_has_a_name_and_those_without_a_class_have_an_icon(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VPM+VCZ+VCB+VCW",))
    entry = await sign_in(house, vizio)
    vizio.cross(vizio.devices[0], 0)
    vizio.report(vizio.devices[0])
    await arrive(house, vizio)
    icons = (await async_get_icons(house.hass, "entity", [DOMAIN]))[DOMAIN]
    texts = await async_get_translations(house.hass, "en", "entity", [DOMAIN])

    used: set[str] = set()
    for entity in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id):
        key = entity.translation_key
        if key is None:
            assert entity.original_device_class or entity.domain == "camera", entity
            continue
        used.add(key)
        assert entity.original_name
        assert "{" not in entity.original_name
        assert f"component.{DOMAIN}.entity.{entity.domain}.{key}.name" in texts
        assert entity.original_device_class or key in icons[entity.domain], entity
    assert {
        *("refreshed", "last_keepalive", "free_places", "occupied_places", "total_places"),
        *("place_class", "zone_count", "barrier_in", "barrier_out"),
        *("crowd_count", "crowd_density", "raw_image", "annotated_image", "request_snapshot"),
    } <= used


EMAIL, PASSWORD, TOKEN = "canary.mail@example.org", "canary-pass", "canary-token"
CITY, OTHER = "Canarytown", "canary-of-others"
CANARIES = [EMAIL, PASSWORD, TOKEN, CITY, OTHER, "canary"]


def canaries_in(*texts: Any) -> list[str]:
    joined = "\n".join(
        text if isinstance(text, str) else json.dumps(text, default=repr) for text in texts
    )
    return [canary for canary in CANARIES if canary.lower() in joined.lower()]


@pytest.mark.parametrize("way", ["token", "login"])
async def test_no_secret_is_told(
    house: House,
    door: TestClient,
    open_vizio: OpenVizio,
    caplog: pytest.LogCaptureFixture,
    told: list[dict[str, Any]],
    hass_client_no_auth: Any,
    hass_admin_user: User,
    way: str,
) -> None:
    vizio = await open_vizio(username=EMAIL, password=PASSWORD, token=TOKEN)
    device = vizio.devices[0]
    device.geo_city = CITY
    vizio.webhooks.create(f"https://x.example/{OTHER}", headers={"Authorization": OTHER})
    for name in (f"custom_components.{DOMAIN}", "aiohttp.client", "homeassistant.components"):
        caplog.set_level(logging.DEBUG, logger=name)
    entry = await sign_in(house, vizio, way)
    secret = entry.data["push_secret"]
    await snapshot(house, entry, device)
    link = vizio.snapshots.path(vizio.snapshots_of(device)[0], "raw")
    said: list[str] = []
    for kind in ("html", "never", "link_private", "redirect_http", "huge"):
        trouble = vizio.image_fault(kind)
        try:
            await snapshot(house, entry, device)
        except HomeAssistantError as err:
            said += [str(err), repr(err.translation_placeholders)]
        vizio.snapshots.image_faults.remove(trouble)
    for status in (400, 403, 404, 429, 500):
        vizio.faults.add(Fault(kind="status", status=status, body=" ".join(CANARIES), times=1))
        await live(house, vizio, 700)
    vizio.forge(vizio.message(device, {"who": EMAIL, "plate": OTHER, "lat": 47.1}, "VXX"))
    vizio.forge(vizio.message(device, [{"id": "p"}]), proof="wrong")
    await arrive(house, vizio)

    assert said
    assert canaries_in(*said) == []
    lines = [line for line in written(caplog) if "components.webhook" not in line]
    assert any("/devices" in line for line in lines)
    assert [line for line in lines if canaries_in(line)] == []
    assert not [line for line in lines if secret in line or "signature=" in line or link in line]
    assert canaries_in(*(state.as_dict() for state in house.states())) == []
    assert canaries_in(*(found.dict_repr for found in house.devices(entry))) == []
    issues = [issue for issue in ir.async_get(house.hass).issues.values() if issue.domain == DOMAIN]
    assert canaries_in(*(repr(issue) for issue in issues), *told) == []
    assert canaries_in(entry.title, entry.unique_id) == []
    shown = await download(house, hass_client_no_auth, hass_admin_user, entry.entry_id)
    assert shown["shots"]["made"] == 1
    assert canaries_in(shown) == []
    assert secret not in json.dumps(shown)
    assert hook(entry) not in json.dumps(shown)
    assert token_form(vizio)["token"] == TOKEN
