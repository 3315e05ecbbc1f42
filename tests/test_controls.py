"""Buttons and numbers: what is asked of the vendor, once, and what a person hears of how it went."""

from typing import Any

from homeassistant.config_entries import RELOAD_AFTER_UPDATE_DELAY, ConfigEntry, ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud
from .outside import gateway_id, sensor_id


def entity(house: House, unique_id: str, domain: str) -> str:
    found = er.async_get(house.hass).async_get_entity_id(domain, DOMAIN, unique_id)
    assert found is not None, f"no {domain} {unique_id}"
    return found


async def press(
    house: House, cloud: SensoristCloud, key: str = "restart", gateway: int = 0
) -> None:
    target = entity(house, gateway_id(cloud, cloud.gateways[gateway], key), "button")
    await house.hass.services.async_call("button", "press", {"entity_id": target}, blocking=True)
    await house.settle()


async def enable_number(house: House, cloud: SensoristCloud, entry: ConfigEntry) -> str:
    """Enable the sampling interval of the first sensor, as a user does."""
    sensor = cloud.gateways[0].sensors[0]
    target = entity(house, sensor_id(cloud, sensor, "sampling_interval"), "number")
    er.async_get(house.hass).async_update_entity(target, disabled_by=None)
    await house.pass_time(RELOAD_AFTER_UPDATE_DELAY + 1)  # Home Assistant reloads the entry
    assert entry.state is ConfigEntryState.LOADED
    return target


async def set_number(house: House, target: str, value: float) -> None:
    await house.hass.services.async_call(
        "number", "set_value", {"entity_id": target, "value": value}, blocking=True
    )
    await house.settle()


def commands(cloud: SensoristCloud) -> list[Any]:
    return [record for record in cloud.log if record.method != "GET"]


def workflow_requests(cloud: SensoristCloud) -> list[Any]:
    return [record for record in cloud.log if "/workflows/" in record.path]


def issues(house: House) -> list[ir.IssueEntry]:
    return [
        issue
        for (domain, key), issue in ir.async_get(house.hass).issues.items()
        if domain == DOMAIN and key.startswith("work_failed_")
    ]


async def test_a_gateway_has_a_button_to_restart_and_one_to_pair(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)

    registry = er.async_get(house.hass)
    for key, device_class in (("restart", "restart"), ("start_pairing", None)):
        target = entity(house, gateway_id(cloud, cloud.gateways[0], key), "button")
        registered = registry.async_get(target)
        assert registered is not None
        assert registered.entity_category == "config"
        assert registered.original_device_class == device_class
        assert house.hass.states.get(target).state == STATE_UNKNOWN


async def test_pressing_restart_reboots_that_gateway_once_and_follows_it_to_its_end(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)

    await press(house, cloud, gateway=1)

    (sent,) = commands(cloud)
    assert sent.path.endswith(f"/gateways/{cloud.gateways[1].id}/commands")
    assert sent.form == {"command": "reboot"}

    await house.pass_time(1000)

    assert cloud.workflows.get(cloud.user.id, 7001).state == "completed"
    assert issues(house) == []
    asked = workflow_requests(cloud)
    assert 1 <= len(asked) <= 5
    assert cloud.early_requests() == []
    await house.pass_time(3600)
    assert workflow_requests(cloud) == asked
    assert len(commands(cloud)) == 1


async def test_sensors_that_pairing_finds_appear_with_the_next_list(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, pairing_finds=1)
    entry = await house.sign_in(cloud)
    before = len(house.devices(entry))

    await press(house, cloud, "start_pairing")
    await house.pass_time(1900)

    assert len(house.devices(entry)) == before + 1
    assert cloud.early_requests() == []
    assert len(commands(cloud)) == 1


def _has_failed(payload: Any) -> Any:
    payload["workflow"]["state"] = "failed"
    return payload


async def test_a_command_that_fails_at_once_is_said_at_once(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/commands", kind="mutate", mutate=_has_failed))

    with pytest.raises(HomeAssistantError) as err:
        await press(house, cloud)

    assert err.value.translation_key == "work_failed"
    assert "Restart" in err.value.translation_placeholders["what"]
    assert issues(house) == []
    await house.pass_time(1000)
    assert workflow_requests(cloud) == []


def _has_completed(payload: Any) -> Any:
    payload["workflow"]["state"] = "completed"
    return payload


async def test_a_command_that_is_done_at_once_is_not_followed(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/commands", kind="mutate", mutate=_has_completed))

    await press(house, cloud)
    await house.pass_time(1000)

    assert workflow_requests(cloud) == []
    assert cloud.early_requests() == []


def _without_workflow(payload: Any) -> Any:
    del payload["workflow"]
    return payload


async def test_a_reply_without_a_workflow_leaves_nothing_to_follow(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/commands", kind="mutate", mutate=_without_workflow))

    await press(house, cloud)
    await house.pass_time(1000)

    assert workflow_requests(cloud) == []
    assert issues(house) == []


async def test_a_command_that_fails_later_becomes_an_issue_that_the_next_success_takes_away(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, commands_fail=True)
    entry = await house.sign_in(cloud)

    await press(house, cloud)
    assert issues(house) == []
    await house.pass_time(400)

    (issue,) = issues(house)
    assert issue.translation_key == "work_failed"
    assert issue.issue_id.startswith(f"work_failed_{entry.entry_id}_")
    assert "Restart" in issue.translation_placeholders["what"]
    assert issue.translation_placeholders["title"] == entry.title
    assert not issue.is_fixable  # so it can be ignored

    cloud.config.commands_fail = False
    await press(house, cloud)
    assert len(issues(house)) == 1
    await house.pass_time(400)
    assert issues(house) == []


async def test_a_command_that_never_ends_is_asked_for_ever_more_rarely_and_then_given_up(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, command_seconds=1e6, max_ages={"/workflows": 1})
    await house.sign_in(cloud)

    await press(house, cloud)
    await house.pass_time(4000)

    asked = [record.at for record in workflow_requests(cloud)]
    began = commands(cloud)[0].at
    pauses = [
        round((later - sooner).total_seconds())
        for sooner, later in zip([began, *asked], asked, strict=False)
    ]
    assert pauses == [5, 10, 20, 40, *([60] * 8), 45, 900]
    (issue,) = issues(house)
    assert issue.translation_key == "work_unconfirmed"
    assert len(commands(cloud)) == 1


async def test_a_workflow_whose_replies_are_current_for_long_is_asked_for_when_they_expire(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, max_ages={"/workflows": 900})
    await house.sign_in(cloud)

    await press(house, cloud)
    await house.pass_time(2000)

    assert len(workflow_requests(cloud)) == 2
    assert cloud.early_requests() == []
    assert issues(house) == []


async def test_a_passing_failure_does_not_end_the_following(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/workflows/", kind="status", status=500, times=2))

    await press(house, cloud)
    await house.pass_time(1000)

    assert issues(house) == []
    assert workflow_requests(cloud)[-1].status == 200


async def test_a_wait_that_the_vendor_asks_for_is_kept_while_following(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    headers = {"Retry-After": "120"}
    cloud.faults.add(
        Fault(match="/workflows/", kind="status", status=429, headers=headers, times=1)
    )

    await press(house, cloud)
    await house.pass_time(1000)

    assert cloud.held_requests() == []
    assert issues(house) == []


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_workflow_that_cannot_be_read_is_given_up_and_said(
    house: House, cloud: SensoristCloud, status: int
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/workflows/", kind="status", status=status))

    await press(house, cloud)
    await house.pass_time(60)

    (issue,) = issues(house)
    assert issue.translation_key == "work_unconfirmed"
    assert len(workflow_requests(cloud)) == 1


async def test_nothing_is_asked_with_credentials_that_polling_was_refused(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, command_seconds=1e6, max_ages={"/workflows": 1})
    await house.sign_in(cloud)
    await press(house, cloud)
    await house.pass_time(700)
    asked = len(workflow_requests(cloud))
    cloud.user.password = "changed"

    await house.pass_time(1500)

    assert len(workflow_requests(cloud)) == asked
    (issue,) = issues(house)
    assert issue.translation_key == "work_unconfirmed"


async def test_following_stops_with_the_entry(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)
    await press(house, cloud)

    await house.hass.config_entries.async_unload(entry.entry_id)
    await house.pass_time(2000)

    assert workflow_requests(cloud) == []


FAULTS = [
    (Fault(kind="status", status=401), "sign_in_rejected", 1),
    (Fault(kind="status", status=403), "not_allowed", 1),
    (Fault(kind="status", status=404), "refused", 1),
    (Fault(kind="status", status=429, headers={"Retry-After": "60"}), "rate_limited", 1),
    (Fault(kind="status", status=500), "outcome_unknown", 1),
    (Fault(kind="drop", takes_effect=True), "outcome_unknown", 1),
    (Fault(kind="cut"), "outcome_unknown", 1),
    (Fault(kind="cut_json"), "outcome_unknown", 1),
]


@pytest.mark.parametrize(
    ("fault", "key", "requests"), FAULTS, ids=[f"{f.kind}-{f.status}" for f, _, _ in FAULTS]
)
async def test_a_press_that_the_vendor_does_not_take_says_why_and_is_not_repeated(
    house: House, cloud: SensoristCloud, fault: Fault, key: str, requests: int
) -> None:
    await house.sign_in(cloud)
    fault.match = "/commands"
    cloud.faults.add(fault)

    with pytest.raises(HomeAssistantError) as err:
        await press(house, cloud)

    assert err.value.translation_domain == DOMAIN
    assert err.value.translation_key == key
    await house.pass_time(2000)
    assert len(commands(cloud)) == requests
    assert issues(house) == []
    cloud.faults.clear()


async def test_a_button_stays_available_while_polls_fail(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(kind="status", status=500))

    await house.pass_time(4 * 3600)

    target = entity(house, gateway_id(cloud, cloud.gateways[0], "restart"), "button")
    assert house.hass.states.get(target).state != STATE_UNAVAILABLE


async def test_the_sampling_interval_is_disabled_at_first_and_a_number_of_seconds_once_enabled(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    assert house.states("number") == []

    target = await enable_number(house, cloud, entry)

    state = house.hass.states.get(target)
    assert state.state == "900.0"
    shown = {
        key: state.attributes[key]
        for key in ("min", "max", "step", "mode", "device_class", "unit_of_measurement")
    }
    assert shown == {
        "min": 60,
        "max": 86400,
        "step": 1,
        "mode": "box",
        "device_class": "duration",
        "unit_of_measurement": "s",
    }
    assert er.async_get(house.hass).async_get(target).entity_category == "config"


async def test_the_shortest_interval_of_a_sensors_digital_sources_is_shown(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(
        gateways=1, sensors=1, cycles={"temp": 600, "humi": 300, "wireless": 60, "batt": 120}
    )
    entry = await house.sign_in(cloud)

    target = await enable_number(house, cloud, entry)

    assert house.hass.states.get(target).state == "300.0"


async def test_a_sensor_without_digital_sources_has_an_unknown_interval(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("batt", "wireless"))
    entry = await house.sign_in(cloud)

    target = await enable_number(house, cloud, entry)

    assert house.hass.states.get(target).state == STATE_UNKNOWN


async def test_a_new_interval_is_shown_at_once_and_kept_when_the_vendor_has_passed_it_on(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, may_set_interval=True)
    target = await enable_number(house, cloud, await house.sign_in(cloud))

    await set_number(house, target, 600)

    assert house.hass.states.get(target).state == "600.0"
    (sent,) = commands(cloud)
    assert sent.path.endswith(f"/sensors/{cloud.gateways[0].sensors[0].id}")
    assert sent.form == {"interval": "600"}
    await house.pass_time(2000)
    assert float(house.hass.states.get(target).state) == 600
    assert cloud.find_source("temp").interval == 600
    assert issues(house) == []
    assert cloud.early_requests() == []
    assert len(commands(cloud)) == 1


async def test_an_interval_that_does_not_reach_the_sensor_is_taken_back_and_said(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, may_set_interval=True, commands_fail=True)
    target = await enable_number(house, cloud, await house.sign_in(cloud))

    await set_number(house, target, 600)
    await house.pass_time(400)

    assert house.hass.states.get(target).state == "900.0"
    (issue,) = issues(house)
    assert "Sampling interval" in issue.translation_placeholders["what"]


async def test_setting_the_interval_without_the_right_says_which_right_is_missing(
    house: House, cloud: SensoristCloud
) -> None:
    target = await enable_number(house, cloud, await house.sign_in(cloud))

    with pytest.raises(HomeAssistantError) as err:
        await set_number(house, target, 600)

    assert err.value.translation_key == "not_allowed"
    assert err.value.translation_placeholders == {"right": "set the sampling interval"}
    assert house.hass.states.get(target).state == "900.0"
    await house.pass_time(1000)
    assert len(commands(cloud)) == 1


@pytest.mark.parametrize("value", [59, 86401, -1])
async def test_an_interval_out_of_bounds_is_refused_without_asking(
    house: House, cloud: SensoristCloud, value: int
) -> None:
    target = await enable_number(house, cloud, await house.sign_in(cloud))

    with pytest.raises(ServiceValidationError):
        await set_number(house, target, value)

    assert commands(cloud) == []


@pytest.mark.parametrize("form", ["both", "workflow"])
async def test_however_the_vendor_packs_its_reply_the_workflow_is_followed(
    house: House, open_cloud: OpenCloud, form: str
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, may_set_interval=True)
    cloud.config.variants.sensor_update = form
    target = await enable_number(house, cloud, await house.sign_in(cloud))

    await set_number(house, target, 600)
    await house.pass_time(400)

    assert workflow_requests(cloud)
    assert float(house.hass.states.get(target).state) == 600


async def test_a_reply_that_shows_the_sensor_alone_leaves_nothing_to_follow(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, may_set_interval=True)
    cloud.config.variants.sensor_update = "sensor"
    target = await enable_number(house, cloud, await house.sign_in(cloud))

    await set_number(house, target, 600)
    await house.pass_time(400)

    assert workflow_requests(cloud) == []
    assert float(house.hass.states.get(target).state) == 600
