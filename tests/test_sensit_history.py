"""SENSIT Connect's records become exact hours of statistics, whenever they arrive, each once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
import logging

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import statistics_during_period
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from simulators.sensit import SensitCloud

from .conftest import DOMAIN, START, House
from .sensit_house import (
    LIST,
    OpenSensit,
    SensitHouse,
    asked,
    log_requests,
    open_sensit_fixture,  # noqa: F401
)

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
    gap = cloud.least_gap(LIST)
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
