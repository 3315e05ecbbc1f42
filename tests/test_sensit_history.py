"""SENSIT Connect's records become exact hours of statistics, whenever they arrive, each once."""

import asyncio
from datetime import UTC, datetime, timedelta
import logging
import math
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import get_metadata, statistics_during_period
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from simulators.faults import Fault
from simulators.sensit import SensitCloud

from .conftest import DOMAIN, START, House, watchpost_lines
from .sensit_house import LIST, OpenSensit, SensitHouse, asked, log_requests

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TASK = f"{DOMAIN} history"

type Rows = dict[datetime, tuple[float, float | None, float | None]]


@pytest.fixture(autouse=True)
def _find_the_integration(freezer: FrozenDateTimeFactory, recorder_db_url: str) -> None:
    """In place of the one for all tests: the recorder must be there before Home Assistant is."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    freezer.move_to(START)


class PatientHouse(SensitHouse):
    """Time stands still for as long as history is filled, however busy this machine is."""

    async def settle(self) -> None:
        await super().settle()
        while filling := [task for task in asyncio.all_tasks() if task.get_name() == TASK]:
            await asyncio.wait(filling)
            await super().settle()


@pytest.fixture
def house(recorder_mock: Recorder, enable_custom_integrations: None, house: House) -> House:
    return PatientHouse(house.hass, house.freezer)


@pytest.fixture
def patient(house: House) -> PatientHouse:
    assert isinstance(house, PatientHouse)
    return house


def floored(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def over() -> datetime:
    """The end of the last hour that ended more than ten minutes ago."""
    return floored(datetime.now(UTC) - timedelta(minutes=10))


async def statistics(house: PatientHouse, entity_id: str | None, **units: str) -> Rows:
    """What the hourly statistics of an entity say, in the vendor's unit."""
    assert entity_id is not None
    await house.settle()
    await async_recorder_block_till_done(house.hass)
    await house.settle()
    rows = await house.hass.data["recorder_instance"].async_add_executor_job(
        statistics_during_period,
        house.hass,
        START - 400 * DAY,
        None,
        {entity_id},
        "hour",
        units or None,
        {"mean", "min", "max"},
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): (row["mean"], row.get("min"), row.get("max"))
        for row in rows.get(entity_id, ())
    }


def truth(
    cloud: SensitCloud, uuid: str, path: str, start: datetime, end: datetime
) -> dict[datetime, list[float]]:
    """Every value that a monitor measured in the hours of [start, end), those on their way included."""
    hours: dict[datetime, list[float]] = {}
    for record in cloud.records(uuid, start, end, ever=True):
        value = record["values"].get(path)
        if value is not None:
            hours.setdefault(floored(datetime.fromisoformat(record["date"])), []).append(value)
    return hours


def arithmetic(hours: dict[datetime, list[float]]) -> Rows:
    return {
        hour: (sum(values) / len(values), min(values), max(values))
        for hour, values in hours.items()
    }


def assert_same(rows: Rows, expected: Rows) -> None:
    assert expected
    assert expected.keys() <= rows.keys(), sorted(expected.keys() - rows.keys())
    for hour, values in expected.items():
        assert rows[hour] == pytest.approx(values, rel=1e-6, abs=1e-6), hour


@pytest.mark.timeout(280)
async def test_a_day_has_three_sign_ins_no_early_request_and_every_record_in_its_hour(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=1, ramps=0, history_days=0.2)
    await patient.sign_in(cloud)
    at_first = cloud.sign_ins
    began = datetime.now(UTC)

    await patient.pass_time(24 * 3600)

    assert at_first == 1
    assert cloud.sign_ins - at_first == 3
    assert cloud.refused_sign_ins == 0
    gap = cloud.min_gap(LIST)
    assert gap is not None
    assert gap >= 60
    assert 24 * 60 * 0.9 < len(asked(cloud)) <= 24 * 60 + 1
    # An hour is asked for when it is over, and with the next one, which brings what came late.
    end = over() - HOUR
    assert end - began >= 21 * HOUR
    spod, fmd = cloud.find_monitor("SPOD").uuid, cloud.find_monitor("FMD").uuid
    late = [
        record
        for record in cloud.records(spod, began, end, ever=True)
        if datetime.fromisoformat(record["received"]) - datetime.fromisoformat(record["date"])
        > timedelta(minutes=10)
    ]
    assert len(late) > 3
    for uuid, path in ((spod, "pid1_PPB_Calc"), (fmd, "CH4"), (fmd, "RH")):
        rows = await statistics(patient, patient.entity(cloud, uuid, f"field-{path}"))
        assert_same(rows, arithmetic(truth(cloud, uuid, path, floored(began), end)))
    # One request an hour and monitor, beside the day before and what the polls asked for canisters.
    assert len([record for record in log_requests(cloud) if record.at > began + HOUR]) < 24 * 2 * 2


def windows(cloud: SensitCloud, uuid: str) -> list[datetime]:
    """Where the logs began that were asked for, in order."""
    return [
        datetime.fromisoformat(record.form["StartDate"]).replace(tzinfo=UTC)
        for record in log_requests(cloud)
        if record.form["DeviceId"] == uuid
    ]


@pytest.mark.timeout(200)
@pytest.mark.soak  # minutes, of all that a day of records costs
async def test_the_first_set_up_says_its_cost_and_fills_the_newest_day_first(
    patient: PatientHouse, open_sensit: OpenSensit, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await open_sensit(spods=0, fmds=2, ramps=0, history_days=9, late=0.0)
    entry = await patient.sign_in(cloud)
    uuid = cloud.find_monitor("FMD").uuid

    lines = [line for line in watchpost_lines(caplog) if "requests" in line]
    assert len(lines) == 1
    assert "history of 30 days will take up to 720 requests, the newest day first" in lines[0]
    asked_first = windows(cloud, uuid)
    assert min(asked_first[:12]) == over() - DAY
    # A run asks sixty times, and the next comes two minutes later.
    assert 48 <= len(log_requests(cloud)) <= 72
    assert {record.at for record in log_requests(cloud)} == {START}

    anchor = over()
    await patient.pass_time(30 * 60)

    older = [start for start in windows(cloud, uuid) if start < anchor - DAY]
    days = [math.ceil((anchor - start) / DAY) for start in older]
    assert days == sorted(days)
    assert len(set(days)) >= 8
    assert len(windows(cloud, uuid)) == len(set(windows(cloud, uuid)))
    rows = await statistics(patient, patient.entity(cloud, uuid, "field-T"), temperature="°C")
    assert_same(rows, arithmetic(truth(cloud, uuid, "T", START - 20 * DAY, over())))
    assert len(rows) > 9 * 24 - 2

    before = len(log_requests(cloud))
    await patient.reload(entry)
    assert len(log_requests(cloud)) <= before + 1
    assert len([line for line in watchpost_lines(caplog) if "requests" in line]) == 1


@pytest.mark.timeout(200)
async def test_an_import_that_is_interrupted_goes_on_where_it_was(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=0, fmds=1, ramps=0, history_days=9, late=0.0)
    uuid = cloud.find_monitor("FMD").uuid
    broken = over() - 3 * DAY
    entry = await patient.sign_in(cloud)
    done = set(windows(cloud, uuid))
    assert min(done) <= broken
    cloud.faults.add(Fault(match="DeviceLog", status=500))
    await patient.pass_time(3600)
    await patient.reload(entry)
    cloud.faults.clear()
    cloud.log.clear()

    await patient.pass_time(3 * 3600)

    assert done.isdisjoint(windows(cloud, uuid)[1:])
    rows = await statistics(patient, patient.entity(cloud, uuid, "field-RH"))
    expected = arithmetic(truth(cloud, uuid, "RH", START - 20 * DAY, over()))
    assert_same(rows, expected)


async def test_the_direction_of_the_wind_is_averaged_as_a_circle(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=0, ramps=0, history_days=1.5, late=0.0)
    await patient.sign_in(cloud)
    uuid = cloud.find_monitor("SPOD").uuid
    entity_id = patient.entity(cloud, uuid, "field-ws_direction")

    rows = await statistics(patient, entity_id)
    metadata = await patient.hass.data["recorder_instance"].async_add_executor_job(
        lambda: get_metadata(patient.hass, statistic_ids={entity_id})
    )

    assert metadata[entity_id][1]["mean_type"] is StatisticMeanType.CIRCULAR
    compared = 0
    for hour, angles in truth(cloud, uuid, "ws_direction", START - DAY, over()).items():
        if hour < START - DAY:
            continue
        east = sum(math.sin(math.radians(angle)) for angle in angles if angle <= 360)
        north = sum(math.cos(math.radians(angle)) for angle in angles if angle <= 360)
        mean = math.degrees(math.atan2(east, north))
        assert abs((rows[hour][0] - mean + 180) % 360 - 180) < 1e-6
        compared += 1
    assert compared > 20


async def test_a_record_with_a_value_that_cannot_be_costs_no_other_of_its_hour(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=0, ramps=0, history_days=0.5, late=0.0)

    def spoil(payload: Any) -> Any:
        rows = payload["data"] if isinstance(payload, dict) else payload
        for row in rows[::5]:
            row["temp"], row["pressure_mbar"] = 6553.5, 99_999
        return payload

    cloud.faults.add(Fault(match="DeviceLog", kind="mutate", mutate=spoil, times=None))
    await patient.sign_in(cloud)
    uuid = cloud.find_monitor("SPOD").uuid

    for path, highest in (("temp", 60), ("pressure_mbar", 1_100)):
        rows = await statistics(patient, patient.entity(cloud, uuid, f"field-{path}"))
        assert rows
        assert all(most is not None and most < highest for _, _, most in rows.values())


@pytest.mark.timeout(250)
@pytest.mark.soak  # minutes, of all that a day of records costs
async def test_what_a_monitor_kept_while_it_was_offline_reaches_the_statistics(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=0, fmds=1, ramps=0, history_days=0.2, cycle=300)
    fmd = cloud.find_monitor("FMD")
    await patient.sign_in(cloud)
    await patient.pass_time(3600)
    began = datetime.now(UTC)
    fmd.offline.begin(cloud.clock.micros())
    await patient.pass_time(8 * 3600)
    fmd.offline.finish(cloud.clock.micros())
    end = datetime.now(UTC)

    await patient.pass_time(56 * 3600 - 9 * 3600)

    rows = await statistics(patient, patient.entity(cloud, fmd.uuid, "field-CH4"))
    expected = arithmetic(truth(cloud, fmd.uuid, "CH4", floored(began), floored(end)))
    assert len(expected) == 8
    assert_same(rows, expected)


@pytest.mark.soak  # minutes, of all that a day of records costs
async def test_a_monitor_without_logs_keeps_no_other_from_its_history(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=1, fmds=1, ramps=0, history_days=1.5, late=0.0)
    cloud.faults.add(Fault(match="getSPODDeviceLog", status=404))
    end = over()
    await patient.sign_in(cloud)
    await patient.pass_time(600)
    uuid = cloud.find_monitor("FMD").uuid
    rows = await statistics(patient, patient.entity(cloud, uuid, "field-RH"))
    assert_same(rows, arithmetic(truth(cloud, uuid, "RH", end - 20 * HOUR, end)))


async def test_a_right_that_history_lacks_is_a_repair_until_it_is_granted(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=0, fmds=1, ramps=0, history_days=1.5, late=0.0)
    cloud.faults.add(Fault(match="DeviceLog", status=403))
    await patient.sign_in(cloud)
    await patient.settle()
    (issue,) = [
        issue
        for (domain, _), issue in ir.async_get(patient.hass).issues.items()
        if domain == DOMAIN
    ]
    assert issue.translation_key == "not_allowed"
    assert issue.translation_placeholders["right"] == "read the logs"
    uuid = cloud.find_monitor("FMD").uuid
    assert float(patient.shown(cloud, uuid, "field-RH").state)

    cloud.faults.clear()
    await patient.pass_time(3700)

    assert not [domain for domain, _ in ir.async_get(patient.hass).issues if domain == DOMAIN]
    rows = await statistics(patient, patient.entity(cloud, uuid, "field-RH"))
    assert len(rows) >= 24


@pytest.mark.soak  # minutes, of all that a day of records costs
async def test_older_history_is_imported_by_hand(
    patient: PatientHouse, open_sensit: OpenSensit
) -> None:
    cloud = await open_sensit(spods=0, fmds=1, ramps=0, history_days=40, late=0.0)
    await patient.sign_in(cloud)
    uuid = cloud.find_monitor("FMD").uuid
    entity_id = patient.entity(cloud, uuid, "field-RH")
    start = floored(START) - 38 * DAY

    response: Any = await patient.hass.services.async_call(
        DOMAIN,
        "import_history",
        {"entity_id": [entity_id], "start": start, "end": start + 6 * HOUR},
        blocking=True,
        return_response=True,
    )

    assert response["entities"][entity_id]["written"] == 6
    rows = await statistics(patient, entity_id)
    assert_same(rows, arithmetic(truth(cloud, uuid, "RH", start, start + 6 * HOUR)))
