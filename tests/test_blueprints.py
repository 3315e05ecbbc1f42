"""What the automation editor offers: triggers and conditions with their texts, and the blueprints."""

from pathlib import Path
import shutil
from typing import Any

from homeassistant.components import persistent_notification
from homeassistant.const import STATE_ON
from homeassistant.core import callback
from homeassistant.helpers import condition as condition_helper
from homeassistant.helpers import icon as icon_helper
from homeassistant.helpers import trigger as trigger_helper
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest

from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House
from .outside import mishaps
from .test_automations import POLL, SILENCE, alarm_entity, freezer, happened, set_alarm

BLUEPRINTS = Path(__file__).parent.parent / "blueprints" / "automation" / DOMAIN


async def test_each_trigger_and_condition_has_texts_icons_and_fields(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    await async_setup_component(house.hass, "automation", {})
    await house.settle()
    for part, single, described in (
        ("triggers", "trigger", await trigger_helper.async_get_all_descriptions(house.hass)),
        ("conditions", "condition", await condition_helper.async_get_all_descriptions(house.hass)),
    ):
        texts = await async_get_translations(house.hass, "en", part, [DOMAIN])
        icons = (await icon_helper.async_get_icons(house.hass, part, [DOMAIN]))[DOMAIN]
        ours = {
            key.partition(".")[2]: description
            for key, description in described.items()
            if key.startswith(f"{DOMAIN}.")
        }
        assert set(ours) == set(icons)
        for key, description in ours.items():
            assert description, key
            assert description["target"]["entity"], key
            assert icons[key][single].startswith("mdi:")
            prefix = f"component.{DOMAIN}.{part}.{key}"
            for way in ("", *(f".fields.{field}" for field in description["fields"])):
                assert texts[f"{prefix}{way}.name"]
                assert texts[f"{prefix}{way}.description"]


@pytest.mark.parametrize(
    ("blueprint", "title"),
    [
        ("alarm_notify", "alarm"),
        ("data_stale_notify", "no data"),
        ("alarm_reminder", "Alarm still active"),
    ],
)
async def test_each_blueprint_tells_what_it_is_for_without_any_choice_but_what_to_watch(
    house: House,
    cloud: SensoristCloud,
    blueprint: str,
    title: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await house.sign_in(cloud)
    cold = freezer(house, cloud)
    alarm = set_alarm(cloud, cold, 60)
    await house.pass_time(POLL)
    folder = Path(house.hass.config.path("blueprints", "automation", DOMAIN))
    await house.hass.async_add_executor_job(shutil.copytree, BLUEPRINTS, folder)
    uses = {"path": f"{DOMAIN}/{blueprint}.yaml", "input": {"watched": {"device_id": cold.device}}}
    config = {"alias": "Watch", "use_blueprint": uses}
    assert await async_setup_component(house.hass, "automation", {"automation": [config]})
    assert await async_setup_component(house.hass, "persistent_notification", {})
    await house.settle()
    assert [state.state for state in house.hass.states.async_all("automation")] == [STATE_ON]

    shown: list[str | None] = []

    @callback
    def on_shown(_kind: Any, found: dict[str, Any]) -> None:
        shown.extend(notification["title"] for notification in found.values())

    persistent_notification.async_register_callback(house.hass, on_shown)
    if blueprint == "alarm_notify":
        happened(house, cold, "alarm_raised", threshold=60, direction="above", value=70)
        await house.settle()
    elif blueprint == "data_stale_notify":
        cold.sensor.silent = True
        await house.pass_time(SILENCE)
    else:
        house.hass.states.async_set(alarm_entity(house, cloud, cold, alarm), STATE_ON)
        await house.pass_time(1900)

    assert shown
    assert all(found and title in found for found in shown), shown
    await house.hass.services.async_call("automation", "turn_off", {"entity_id": "all"})
    await house.settle()
    assert mishaps(caplog) == []
