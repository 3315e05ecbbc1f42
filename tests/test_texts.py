"""Texts and icons: none is missing, none is left over, and each has the blanks that the code fills."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any

from homeassistant.components.system_health import get_info
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.icon import async_get_icons
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest

from custom_components.watchpost.client.errors import CertificateProblem
from custom_components.watchpost.vendors import VENDORS
from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud, credentials

ROOT = Path(__file__).parent.parent / "custom_components" / DOMAIN
ENGLISH: dict[str, Any] = json.loads((ROOT / "translations" / "en.json").read_text())
ICONS: dict[str, Any] = json.loads((ROOT / "icons.json").read_text())
TREES = {path: ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}

# What the errors of vendors are called, with the blanks in their texts.
ERRORS = {
    "cannot_connect": set(),
    "certificate_expired": set(),
    "certificate_not_valid": set(),
    "certificate_not_yet_valid": set(),
    "certificate_other_host": set(),
    "certificate_untrusted": set(),
    "no_tls": set(),
    "not_allowed": {"right"},
    "not_secure": set(),
    "rate_limited": {"retry_at"},
    "refused_fields": {"problems"},
    "sign_in_incomplete": set(),
    "sign_in_rejected": set(),
    "timed_out": set(),
    "unexpected_reply": set(),
}

# What can only be met while signing in.
AT_SIGN_IN = {"nothing_listed"}


def leaves(tree: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(tree, str):
        yield way, tree
        return
    for key, value in tree.items():
        yield from leaves(value, (*way, key))


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def literals() -> set[str]:
    return {
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def keywords(name: str, pattern: str = "*.py") -> set[str]:
    """The literal values that calls give to a keyword argument of this name."""
    return {
        keyword.value.value
        for path, tree in TREES.items()
        if path.match(pattern)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == name
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }


def test_each_error_of_a_vendor_has_a_text_wherever_it_can_be_shown() -> None:
    config, options = ENGLISH["config"]["error"], ENGLISH["options"]["abort"]
    assert {f"certificate_{problem}" for problem in CertificateProblem} < set(ERRORS)
    assert set(config) == {*ERRORS, *AT_SIGN_IN, "unknown"}
    assert set(options) - {"unknown"} == set(ERRORS)
    assert set(ENGLISH["exceptions"]) >= set(ERRORS)
    for key, filled in ERRORS.items():
        for text in (config[key], options[key], ENGLISH["exceptions"][key]["message"]):
            assert blanks(text) == filled, key


def test_each_key_that_the_code_names_has_a_text() -> None:
    known = {way[-1] for way, _ in leaves(ENGLISH)} | {
        key for part in ("exceptions", "issues") for key in ENGLISH[part]
    }
    for names in ENGLISH["entity"].values():
        known |= set(names)
    named = keywords("translation_key") | keywords("reason", "config_flow.py")

    assert named
    assert named - known == set()


def test_no_text_is_left_over() -> None:
    said = literals()
    flow_aborts = {"already_configured"}  # set by Home Assistant on our behalf
    keys = (
        set(ENGLISH["config"]["error"])
        | set(ENGLISH["config"]["abort"])
        - flow_aborts
        - {"reauth_successful", "reconfigure_successful"}
        | set(ENGLISH["options"]["abort"])
        | set(ENGLISH["exceptions"])
        | set(ENGLISH["issues"])
    )
    for names in ENGLISH["entity"].values():
        keys |= set(names)

    beginnings = tuple(text for text in said if text.endswith("_") and len(text) > 3)
    assert {key for key in keys - said if not key.startswith(beginnings or " ")} == set()


def test_each_issue_gets_the_blanks_that_its_texts_have() -> None:
    given = {
        key.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "translation_placeholders" and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if isinstance(key, ast.Constant)
    }
    for key, issue in ENGLISH["issues"].items():
        assert set(issue) in ({"title", "description"}, {"title", "fix_flow"}), key
        assert blanks(issue["title"] + issue.get("description", "")) <= given, key


def test_each_icon_belongs_to_an_entity_and_each_named_entity_without_class_has_one() -> None:
    for domain, icons in ICONS["entity"].items():
        assert set(icons) <= set(ENGLISH["entity"][domain])
        for icon in icons.values():
            assert all(re.fullmatch(r"mdi:[a-z0-9-]+", text) for _, text in leaves({"_": icon}))
    assert "wireless_signal" in ICONS["entity"]["sensor"]


def test_texts_are_sentences_without_addresses_or_trailing_blanks() -> None:
    for way, text in leaves(ENGLISH):
        assert text == text.strip(), way
        assert text[0].isupper() or text.startswith("{"), way
        assert not re.search(r"https?://\w", text), way
        assert "  " not in text, way


def fields_of(schema: Any) -> Iterator[tuple[str, str | None]]:
    for key, value in schema.schema.items():
        if isinstance(value, section):
            yield from ((str(inner), str(key)) for inner in value.schema.schema)
        else:
            yield str(key), None


def assert_has_texts(form: Any, part: str) -> None:
    """A form's fields all have a name and a description, and none is described that it lacks."""
    step = ENGLISH[part]["step"][form["step_id"]]
    plain = [name for name, inside in fields_of(form["data_schema"]) if inside is None]
    assert set(plain) <= set(step["data"]) == set(step["data_description"])
    for name, inside in fields_of(form["data_schema"]):
        if inside is not None:
            found = step["sections"][inside]
            assert found["name"]
            assert found["data"][name]
            assert found["data_description"][name]
    filled = set(form["description_placeholders"] or {})
    for way, text in leaves(step):
        assert blanks(text) <= filled, way


async def test_each_field_of_each_form_is_named_and_described(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, sub_users=1)
    flow = house.hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": "user"})
    user = ENGLISH["config"]["step"]["user"]
    assert set(menu["menu_options"]) == set(user["menu_options"])
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "sensorist"})
    assert_has_texts(form, "config")
    entry = (await house.submit(form["flow_id"], credentials(cloud)))["result"]

    context = {"source": "reconfigure", "entry_id": entry.entry_id}
    form = await flow.async_init(DOMAIN, context=context)
    assert_has_texts(form, "config")
    flow.async_abort(form["flow_id"])
    options = await house.hass.config_entries.options.async_init(entry.entry_id)
    assert_has_texts(options, "options")
    assert {name for name, _ in fields_of(options["data_schema"])} == set(
        ENGLISH["options"]["step"]["sensorist"]["data"]
    )

    entry.async_start_reauth(house.hass)
    await house.settle()
    (waiting,) = [
        found
        for found in flow.async_progress_by_handler(DOMAIN)
        if found["context"]["source"] == "reauth"
    ]
    assert_has_texts(await flow.async_configure(waiting["flow_id"]), "config")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
async def test_errors_come_with_the_blanks_of_their_texts(
    house: House, cloud: SensoristCloud, status: int
) -> None:
    cloud.faults.add(Fault(kind="status", status=status))
    form = await house.submit(await house.start_flow(), credentials(cloud))

    text = ENGLISH["config"]["error"][form["errors"]["base"]]
    assert blanks(text) <= set(form["description_placeholders"])


async def test_each_entity_has_a_name_and_those_without_a_class_have_an_icon(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    icons = (await async_get_icons(house.hass, "entity", [DOMAIN]))[DOMAIN]
    texts = await async_get_translations(house.hass, "en", "entity", [DOMAIN])

    used: set[str] = set()
    for entity in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id):
        assert entity.original_name, entity
        key = entity.translation_key
        if key is None:
            assert entity.original_device_class, entity
            continue
        used.add(key)
        assert f"component.{DOMAIN}.entity.{entity.domain}.{key}.name" in texts
        assert entity.original_device_class or key in icons[entity.domain], entity
    assert {"battery_voltage", "last_measurement", "wireless_signal"} <= used


async def test_system_health_names_what_it_tells(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    assert await async_setup_component(house.hass, "system_health", {})
    await house.settle()

    told = (await get_info(house.hass))[DOMAIN]
    reached = {f"reach_{vendor}" for vendor in VENDORS}
    assert set(told) | reached == set(ENGLISH["system_health"]["info"])
