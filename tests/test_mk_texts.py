"""Texts and icons of the Manfred Kunze platform: none is missing, in entities, forms and actions."""

from typing import Any

from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.icon import async_get_icons
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util.yaml import load_yaml_dict

from custom_components.watchpost.vendors import VENDORS
from simulators.manfred_kunze import ManfredKunzeCloud

from .conftest import DOMAIN
from .mk_house import MkHouse
from .test_texts import ENGLISH, ICONS, ROOT, assert_has_texts

VENDOR = VENDORS["manfred_kunze"]


async def test_each_entity_has_a_name_and_those_without_a_class_have_an_icon(
    mk_house: MkHouse, mk: ManfredKunzeCloud
) -> None:
    entry = await mk_house.sign_in(mk, push_rules=[mk.rules[0].id])
    icons = (await async_get_icons(mk_house.hass, "entity", [DOMAIN]))[DOMAIN]
    texts = await async_get_translations(mk_house.hass, "en", "entity", [DOMAIN])
    used: set[str] = set()
    for entity in er.async_entries_for_config_entry(er.async_get(mk_house.hass), entry.entry_id):
        assert entity.original_name or entity.original_device_class or entity.domain == "camera"
        key = entity.translation_key
        if key is not None:
            used.add(key)
            assert f"component.{DOMAIN}.entity.{entity.domain}.{key}.name" in texts
            assert entity.original_device_class or key in icons[entity.domain], entity
    assert {"alert_rule", "acknowledge_alerts", "open_alerts"} <= used

    options = await mk_house.hass.config_entries.options.async_init(entry.entry_id)
    assert_has_texts(options, "options")
    form = await mk_house.hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )
    assert_has_texts(form, "config")


def test_each_action_is_described_with_the_fields_that_it_takes() -> None:
    targets = {
        "ENTITY": {"entity_id"},
        "DEVICE": {"device_id"},
        "ACCOUNT": {"config_entry_id"},
        "ANY": {"entity_id", "device_id", "config_entry_id"},
    }
    described: dict[str, Any] = load_yaml_dict(str(ROOT / "services.yaml"))
    for action in VENDOR.actions:
        fields = {str(field) for field in action.fields} | targets[action.target.name]
        assert set(described[action.name]["fields"]) == fields, action.name
        assert set(ENGLISH["services"][action.name]["fields"]) == fields, action.name
        assert action.name in ICONS["services"]
        for name, field in described[action.name]["fields"].items():
            select = field["selector"].get("select")
            if select is not None and "translation_key" in select:
                options = ENGLISH["selector"][select["translation_key"]]["options"]
                assert set(select["options"]) <= set(options), (action.name, name)
