"""When the vendor is asked, and what a failure costs."""

from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud

from .conftest import DOMAIN, House, OpenCloud, watchpost_lines


def unavailable(house: House) -> list[str]:
    return [state.entity_id for state in house.states() if state.state == STATE_UNAVAILABLE]


def measurement_requests(cloud: SensoristCloud) -> list[Any]:
    return [record for record in cloud.log if record.path.endswith("/measurements")]


async def test_a_day_of_polling_asks_nothing_early_and_shows_the_newest_values(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=3, sensors=2)
    await house.sign_in(cloud)

    await house.pass_time(24 * 3600)

    assert cloud.early_requests() == []
    polls = measurement_requests(cloud)
    # Two sensors a gateway with phases of their own, each with its own replies.
    assert len(polls) <= 3 * 2 * (24 * 4 + 1)
    assert len(polls) >= 3 * 2 * 24 * 4 * 0.75
    for source in cloud.sources("temp"):
        shown = float(house.state_of(_unique_id(cloud, source)).state)
        newest = {row.value for row in cloud.history(source.id, _ago(4000), _ago(0))}
        assert any(abs(shown - value) < 1e-6 for value in newest)


def _ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def _unique_id(cloud: SensoristCloud, source: Any) -> str:
    return f"sensorist:{cloud.user.id}:sensor-{source.sensor.id}:source-{source.id}"


async def test_a_manual_refresh_before_expiry_is_answered_from_what_is_held(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    await async_setup_component(house.hass, "homeassistant", {})
    asked = len(cloud.log)

    entity_id = house.state_of(_unique_id(cloud, cloud.find_source())).entity_id
    for _ in range(5):
        await house.hass.services.async_call(
            "homeassistant", "update_entity", {"entity_id": entity_id}, blocking=True
        )
        await house.pass_time(15)

    assert len(cloud.log) == asked
    await house.pass_time(2000)
    assert len(cloud.log) > asked
    assert cloud.early_requests() == []


async def test_a_reload_before_expiry_asks_nothing(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)
    asked = len(cloud.log)
    before = {state.entity_id: state.state for state in house.states()}

    await house.reload(entry)

    assert len(cloud.log) == asked
    assert {state.entity_id: state.state for state in house.states()} == before


async def test_a_validator_is_sent_back_and_not_modified_keeps_the_values(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, etag=True)
    await house.sign_in(cloud)

    await house.pass_time(4000)

    assert any(record.status == 304 for record in cloud.log)
    assert cloud.early_requests() == []
    assert unavailable(house) == []


@pytest.mark.parametrize("status", [429, 503])
async def test_a_limit_holds_the_whole_account(
    house: House, cloud: SensoristCloud, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(
        Fault(
            match="/measurements",
            kind="status",
            status=status,
            headers={"Retry-After": "7200"},
            times=1,
        )
    )
    await house.pass_time(2 * 3600)
    asked = len(cloud.log)

    await house.pass_time(3 * 3600)

    assert cloud.held_requests() == []
    assert len(cloud.log) > asked
    assert unavailable(house) == []
    assert len(watchpost_lines(caplog, logging.WARNING)) == 1


async def test_a_limit_at_set_up_delays_it_without_asking(
    house: House, cloud: SensoristCloud
) -> None:
    cloud.faults.add(
        Fault(
            match="/gateways", kind="status", status=429, headers={"Retry-After": "3600"}, times=1
        )
    )
    entry = await house.sign_in(cloud)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    asked = len(cloud.log)

    await house.pass_time(3500)
    assert len(cloud.log) == asked
    assert entry.state is ConfigEntryState.SETUP_RETRY

    await house.pass_time(1500)
    assert cloud.held_requests() == []
    assert entry.state is ConfigEntryState.LOADED


async def test_a_failed_poll_makes_nothing_unavailable_until_readings_are_stale(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(1800)
    shown = {state.entity_id: state.state for state in house.states("sensor")}
    cloud.faults.add(Fault(kind="status", status=500))

    await house.pass_time(1200)
    assert {s.entity_id: s.state for s in house.states("sensor")} == shown

    await house.pass_time(12 * 3600)
    for state in house.states("sensor") + house.states("binary_sensor"):
        is_kept = state.attributes.get("device_class") == "timestamp"
        assert (state.state == STATE_UNAVAILABLE) != is_kept, state
    feeds = len(house.entries[0].runtime_data.coordinators)
    assert len(watchpost_lines(caplog, logging.WARNING)) == feeds

    cloud.faults.clear()
    await house.pass_time(3600)
    assert unavailable(house) == []
    assert len(watchpost_lines(caplog)) == 2 * feeds


async def test_one_gateway_failing_touches_no_other(house: House, open_cloud: OpenCloud) -> None:
    cloud = await open_cloud(gateways=3, sensors=1)
    broken, *others = cloud.gateways
    ids = ",".join(str(source.id) for source in broken.sources)
    first = ids.split(",")[0]
    cloud.faults.add(
        Fault(
            match="/measurements",
            kind="status",
            status=500,
            times=None,
            query={"data_sources": ids},
        )
    )
    entry = await house.sign_in(cloud)
    assert entry.state is ConfigEntryState.LOADED

    await house.pass_time(4 * 3600)

    for gateway in others:
        for source in gateway.sources:
            assert house.state_of(_unique_id(cloud, source)).state not in (
                STATE_UNAVAILABLE,
                STATE_UNKNOWN,
            )
    source = next(source for source in broken.sources if str(source.id) == first)
    assert house.state_of(_unique_id(cloud, source)).state == STATE_UNAVAILABLE


async def test_a_silent_sensor_becomes_unavailable_but_its_last_measurement_stays(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(1800)
    sensor = cloud.gateways[0].sensors[0]
    sensor.silent = True

    await house.pass_time(3 * 900 + 1000)

    temp = next(source for source in sensor.sources if source.kind.name == "temp")
    other = cloud.gateways[0].sensors[1].sources[0]
    assert house.state_of(_unique_id(cloud, temp)).state == STATE_UNAVAILABLE
    assert house.state_of(_unique_id(cloud, other)).state != STATE_UNAVAILABLE
    last = house.state_of(f"sensorist:{cloud.user.id}:sensor-{sensor.id}:last_measurement")
    truth = cloud.truth(temp.id)
    assert truth is not None
    assert datetime.fromisoformat(last.state) <= datetime.now(UTC) - timedelta(seconds=2700)

    sensor.silent = False
    await house.pass_time(2 * 900 + 60)
    assert house.state_of(_unique_id(cloud, temp)).state != STATE_UNAVAILABLE


async def test_a_feed_without_an_enabled_entity_is_not_polled(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    registry = er.async_get(house.hass)
    dull, _ = cloud.gateways
    ids = {str(sensor.id) for sensor in dull.sensors}
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if any(f":sensor-{found}:" in entity.unique_id for found in ids):
            registry.async_update_entity(
                entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
    await house.reload(entry)
    cloud.log.clear()

    await house.pass_time(3600)

    asked = {
        int(found)
        for record in measurement_requests(cloud)
        for found in record.query["data_sources"].split(",")
    }
    assert asked == {source.id for source in cloud.gateways[1].sources}


async def test_only_enabled_sources_are_asked_for(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)
    source = cloud.find_source("humi")
    registry = er.async_get(house.hass)
    entity_id = registry.async_get_entity_id("sensor", DOMAIN, _unique_id(cloud, source))
    assert entity_id
    registry.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    await house.reload(entry)
    cloud.log.clear()

    await house.pass_time(2000)

    for record in measurement_requests(cloud):
        assert str(source.id) not in record.query["data_sources"].split(",")


async def test_refused_credentials_stop_the_polling_until_they_work_again(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    await house.sign_in(cloud)
    password, cloud.user.password = cloud.user.password, "changed"
    await house.pass_time(3600)
    refused = [record for record in cloud.log if record.status == 401]
    assert 2 <= len(refused) <= 6
    assert len(house.hass.config_entries.flow.async_progress_by_handler(DOMAIN)) == 1

    cloud.user.password = password
    await house.pass_time(2 * 3600)

    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    assert unavailable(house) == []
    assert len(watchpost_lines(caplog)) == 2


async def test_a_cloud_that_is_down_when_credentials_are_tried_again_costs_no_further_hours(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    password, cloud.user.password = cloud.user.password, "changed"
    await house.pass_time(3000)
    cloud.user.password = password
    cloud.faults.add(Fault(kind="status", status=500))
    await house.pass_time(3000)
    cloud.faults.clear()

    await house.pass_time(2000)

    assert unavailable(house) == []
    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


async def test_a_feed_that_is_gone_takes_its_failure_with_it(
    house: House, cloud: SensoristCloud, caplog: pytest.LogCaptureFixture
) -> None:
    await house.sign_in(cloud)
    broken, other = cloud.gateways
    for gateway in (broken, other):
        for group in (gateway.sources, *(sensor.sources for sensor in gateway.sensors)):
            ids = {"data_sources": ",".join(str(source.id) for source in group)}
            cloud.faults.add(Fault(match="/measurements", kind="status", status=500, query=ids))
        await house.pass_time(2000)
        if gateway is broken:
            cloud.remove_gateway(broken.id)
            await house.pass_time(4000)
    assert len(watchpost_lines(caplog, logging.WARNING)) == 2


async def test_one_refusal_alone_is_answered_by_asking_once_more(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(kind="status", status=401, times=1))

    await house.pass_time(2000)

    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    assert unavailable(house) == []


async def test_credentials_refused_to_one_of_several_requests_sign_nobody_out(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=2)
    await house.sign_in(cloud)
    await house.pass_time(4000)
    last = ",".join(str(source.id) for source in cloud.gateways[0].sensors[1].sources)
    cloud.faults.add(
        Fault(match="/measurements", kind="status", status=401, query={"data_sources": last})
    )

    await house.pass_time(4000)

    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    assert not house.entries[0].runtime_data.inventory_coordinator.is_signed_out


async def test_a_missing_right_is_named_in_a_repair_issue_that_goes_by_itself(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/measurements", kind="status", status=403))
    await house.pass_time(2000)

    [issue] = missing_rights(house)
    assert issue.translation_placeholders is not None
    assert "measurements" in issue.translation_placeholders["right"]
    assert house.hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []

    cloud.faults.add(Fault(match="/gateways", kind="status", status=403))
    await house.pass_time(2000)
    assert len(missing_rights(house)) == 2

    cloud.faults.clear()
    await house.pass_time(2000)
    assert missing_rights(house) == []


async def test_what_was_said_of_an_account_goes_with_it(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    cloud.faults.add(Fault(match="/measurements", kind="status", status=403))
    await house.pass_time(2000)
    assert missing_rights(house)

    await house.hass.config_entries.async_remove(entry.entry_id)

    assert missing_rights(house) == []


def missing_rights(house: House) -> list[ir.IssueEntry]:
    issues = ir.async_get(house.hass).issues.values()
    return [issue for issue in issues if issue.translation_key == "not_allowed"]
