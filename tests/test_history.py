"""Hours that statistics lack are filled with the vendor's, each once, and never the one that still runs."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import persistent_notification
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.components.recorder.statistics import (
    async_change_statistics_unit,
    async_import_statistics,
    get_metadata,
    statistics_during_period,
)
from homeassistant.components.sensor import SensorEntityDescription, SensorStateClass
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)

from custom_components.watchpost.engine.history.backfill import HistoryBackfill
from custom_components.watchpost.engine.history.importer import HistoryChannel
from custom_components.watchpost.engine.history.plan import hour_of
from custom_components.watchpost.models import Channel, HistoryTerms, Hour
from simulators.faults import Fault
from simulators.sensorist import SensoristCloud
from simulators.sensorist.fixtures import build_sensor

from .conftest import DOMAIN, START, House, OpenCloud
from .outside import source_id

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TASK = f"{DOMAIN} history"

type Rows = dict[datetime, tuple[float, float, float]]


@pytest.fixture(autouse=True)
def _find_the_integration(freezer: FrozenDateTimeFactory, recorder_db_url: str) -> None:
    """In place of the one for all tests: the recorder must be there before Home Assistant is."""
    logging.getLogger("sqlalchemy.engine").setLevel(logging.WARNING)
    freezer.move_to(START)


class PatientHouse(House):
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
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=2, sensors=1, kinds=("temp", "batt"))


async def recorded(house: House) -> None:
    await house.settle()
    await async_recorder_block_till_done(house.hass)
    await house.settle()


async def statistics(house: House, cloud: SensoristCloud, source: Any) -> Rows:
    """What the statistics of a source's entity say, in their own unit."""
    entity_id = entity_of(house, cloud, source)
    await recorded(house)
    read = house.hass.data["recorder_instance"].async_add_executor_job
    meta = await read(lambda: get_metadata(house.hass, statistic_ids={entity_id}))
    unit = meta[entity_id][1]["unit_of_measurement"] if meta else None
    rows = await read(
        statistics_during_period,
        house.hass,
        START - 400 * DAY,
        None,
        {entity_id},
        "hour",
        {"temperature": unit, "voltage": unit} if unit else None,
        {"mean", "min", "max"},
    )
    return {
        datetime.fromtimestamp(row["start"], UTC): (row["mean"], row["min"], row["max"])
        for row in rows.get(entity_id, ())
    }


def entity_of(house: House, cloud: SensoristCloud, source: Any) -> str:
    return house.state_of(source_id(cloud, source)).entity_id


def truth(cloud: SensoristCloud, source: Any, start: datetime, end: datetime) -> Rows:
    """What the vendor measured in the full hours of [start, end)."""
    hours: dict[datetime, list[float]] = {}
    for row in cloud.history(source.id, start, end):
        if row.date < end:
            hours.setdefault(floored(row.date), []).append(row.value)
    return {
        hour: (round(sum(values) / len(values), 4), min(values), max(values))
        for hour, values in hours.items()
    }


def floored(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def now() -> datetime:
    return datetime.now(UTC)


def over() -> datetime:
    """The end of the last hour that ended more than ten minutes ago."""
    return floored(now() - timedelta(minutes=10))


def assert_same(rows: Rows, expected: Rows) -> None:
    assert rows.keys() == expected.keys()
    for hour, values in expected.items():
        assert rows[hour] == pytest.approx(values), hour


def ranges(cloud: SensoristCloud) -> list[Any]:
    """The requests for history."""
    return [record for record in cloud.log if record.query.get("type") == "range"]


def assert_polite(cloud: SensoristCloud) -> None:
    assert cloud.early_requests() == []
    assert cloud.held_requests() == []


async def unload(house: House, entry: ConfigEntry) -> None:
    assert await house.hass.config_entries.async_unload(entry.entry_id)
    await house.settle()


async def set_up(house: House, entry: ConfigEntry) -> None:
    assert await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()


async def test_first_set_up_fills_thirty_days_and_no_more(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)

    end = over()
    for source in cloud.sources():
        rows = await statistics(house, cloud, source)
        assert_same(rows, truth(cloud, source, end - 30 * DAY, end))
    assert len(await statistics(house, cloud, cloud.find_source("temp"))) > 700
    assert len(ranges(cloud)) == 2 * 5
    assert_polite(cloud)


async def test_three_days_without_the_account_are_filled_and_nothing_is_asked_twice(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    await recorded(house)
    assert len(ranges(cloud)) == 2 * 5
    await unload(house, entry)
    await house.pass_time(3 * 86400)
    cloud.log.clear()

    await set_up(house, entry)

    end = over()
    for source in cloud.sources():
        rows = await statistics(house, cloud, source)
        expected = truth(cloud, source, end - 33 * DAY, end)
        assert_same(rows, {hour: expected[hour] for hour in expected if hour >= min(rows)})
        assert min(rows) < START - 29 * DAY
    assert len(ranges(cloud)) == 2
    for record in ranges(cloud):
        assert datetime.fromisoformat(record.query["from"]) > START - 2 * DAY

    cloud.log.clear()
    await house.reload(entry)
    assert ranges(cloud) == []
    assert_polite(cloud)


async def test_the_running_hour_and_the_one_just_over_are_never_written(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    for _ in range(8):
        assert max(await statistics(house, cloud, source)) + HOUR <= over()
        await house.pass_time(600)
    assert max(await statistics(house, cloud, source)) + 2 * HOUR >= over()
    assert_polite(cloud)


@pytest.mark.parametrize("enable_statistics", [True])
async def test_an_outage_while_running_is_filled_once_it_is_over_and_own_rows_stay(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",))
    await house.sign_in(cloud)
    await house.pass_time(2 * 3600)
    source = cloud.find_source("temp")
    before = await statistics(house, cloud, source)
    cloud.faults.add(Fault(kind="drop"))
    began = now()
    await house.pass_time(6 * 3600)
    assert max(await statistics(house, cloud, source)) < began + HOUR
    cloud.faults.clear()
    cloud.log.clear()

    await house.pass_time(3600)

    rows = await statistics(house, cloud, source)
    expected = truth(cloud, source, began, over())
    hours = [hour for hour in expected if began + HOUR < hour < began + 5 * HOUR]
    assert len(hours) >= 4
    assert_same({hour: rows[hour] for hour in hours}, {hour: expected[hour] for hour in hours})
    assert {hour: rows[hour] for hour in before} == before
    assert truth(cloud, source, min(rows), max(rows)).keys() <= rows.keys()
    assert_polite(cloud)


async def test_what_the_recorder_made_up_for_the_time_that_home_assistant_was_down_is_replaced(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    await unload(house, entry)
    down = now()
    await house.pass_time(6 * 3600)
    # As the recorder does when it starts: the last state, hour after hour.
    hours = [floored(down) + count * HOUR for count in range(7)]
    write(house, entity_of(house, cloud, source), "°C", dict.fromkeys(hours, 99.0))
    await recorded(house)

    await set_up(house, entry)

    rows = await statistics(house, cloud, source)
    expected = truth(cloud, source, down + timedelta(seconds=1), over())
    full = [hour for hour in hours[1:] if hour < over() and hour in expected]
    assert len(full) >= 4
    assert_same({hour: rows[hour] for hour in full}, {hour: expected[hour] for hour in full})
    assert rows[hours[0]][0] == 99.0

    cloud.log.clear()
    await house.reload(entry)
    assert ranges(cloud) == []


def write(house: House, entity_id: str, unit: str, values: Mapping[datetime, float]) -> None:
    """Put rows into the statistics of an entity as the recorder would."""
    async_import_statistics(
        house.hass,
        {
            "mean_type": StatisticMeanType.ARITHMETIC,
            "has_sum": False,
            "name": None,
            "source": "recorder",
            "statistic_id": entity_id,
            "unit_class": "temperature",
            "unit_of_measurement": unit,
        },
        [
            {"start": hour, "mean": value, "min": value, "max": value}
            for hour, value in values.items()
        ],
    )


@pytest.mark.parametrize("status", [500, 429])
async def test_an_import_that_fails_in_the_middle_goes_on_where_it_was(
    house: House, open_cloud: OpenCloud, status: int
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",))
    third = f"{over() - 16 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    cloud.faults.add(
        Fault(
            query={"type": "range", "from": third},
            status=status,
            headers={"Retry-After": "7200"} if status == 429 else {},
            times=1,
        )
    )
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    assert max(await statistics(house, cloud, source)) < over() - 16 * DAY
    asked = {record.query["from"] for record in ranges(cloud) if record.status == 200}
    assert len(asked) == 2
    cloud.log.clear()

    await house.reload(entry)
    await house.pass_time(4 * 3600)

    end = over()
    rows = await statistics(house, cloud, source)
    expected = truth(cloud, source, min(rows), end)
    assert rows.keys() - expected.keys() == set()
    assert min(rows) < START - 29 * DAY
    assert_same(rows, {hour: expected[hour] for hour in expected if hour <= max(rows)})
    assert max(rows) >= end - 2 * HOUR
    assert asked.isdisjoint(record.query["from"] for record in ranges(cloud))
    assert_polite(cloud)


async def test_one_gateway_without_history_keeps_no_other_from_its_own(
    house: House, cloud: SensoristCloud
) -> None:
    broken, sound = cloud.gateways
    ids = ",".join(str(source.id) for source in broken.sources)
    cloud.faults.add(Fault(query={"type": "range", "data_sources": ids}, status=500))

    await house.sign_in(cloud)

    end = over()
    for source in sound.sources:
        rows = await statistics(house, cloud, source)
        assert_same(rows, truth(cloud, source, end - 30 * DAY, end))
    for source in broken.sources:
        assert await statistics(house, cloud, source) == {}


async def test_hours_that_the_vendor_has_nothing_of_are_not_asked_for_again_and_again(
    house: House, open_cloud: OpenCloud
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",))
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    await unload(house, entry)
    source.sensor.silent = True
    await house.pass_time(5 * 3600)
    source.sensor.silent = False
    await house.pass_time(2 * 3600)
    await set_up(house, entry)
    rows = await statistics(house, cloud, source)
    assert len([hour for hour in rows if hour > START - HOUR]) <= 3
    cloud.log.clear()

    await house.reload(entry)
    await house.pass_time(3 * 3600)
    spans = [(record.query["from"], record.query["to"]) for record in ranges(cloud)]
    assert len(spans) == len(set(spans)) <= 4
    for since, until in spans:
        assert datetime.fromisoformat(until) - datetime.fromisoformat(since) <= HOUR

    await unload(house, entry)
    await house.pass_time(30 * 3600)
    cloud.log.clear()
    await set_up(house, entry)
    await house.reload(entry)
    long = [
        record
        for record in ranges(cloud)
        if datetime.fromisoformat(record.query["from"]) < START + 6 * HOUR
    ]
    assert len(long) == 1
    assert_polite(cloud)


async def test_a_silent_sensor_is_not_asked_about(house: House, open_cloud: OpenCloud) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",))
    await house.sign_in(cloud)
    cloud.gateways[0].sensors[0].silent = True
    await house.pass_time(2 * 3600)
    cloud.log.clear()

    await house.pass_time(5 * 3600)

    assert ranges(cloud) == []


@pytest.mark.parametrize(("system", "unit"), [("metric", "°C"), ("us", "°F")])
async def test_rows_are_in_the_unit_of_the_statistics(
    house: House, cloud: SensoristCloud, system: str, unit: str
) -> None:
    if system == "us":
        house.hass.config.units = US_CUSTOMARY_SYSTEM
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    entity_id = entity_of(house, cloud, source)
    end = over()
    expected = in_unit(unit, truth(cloud, source, end - 30 * DAY, end))
    assert_same(await statistics(house, cloud, source), expected)
    assert await unit_of(house, entity_id) == unit

    # The unit that is shown is another matter than the one that is stored.
    er.async_get(house.hass).async_update_entity_options(
        entity_id, "sensor", {"unit_of_measurement": "K"}
    )
    await unload(house, entry)
    await house.pass_time(86400)
    await set_up(house, entry)

    rows = await statistics(house, cloud, source)
    assert await unit_of(house, entity_id) == unit
    expected = in_unit(unit, truth(cloud, source, min(rows), over()))
    assert_same(rows, expected)


async def test_rows_follow_statistics_whose_unit_the_user_changes(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    entity_id = entity_of(house, cloud, source)
    await async_change_statistics_unit(
        house.hass, entity_id, new_unit_of_measurement="°F", old_unit_of_measurement="°C"
    )
    await unload(house, entry)
    await house.pass_time(86400)
    await set_up(house, entry)

    rows = await statistics(house, cloud, source)
    assert await unit_of(house, entity_id) == "°F"
    assert_same(rows, in_unit("°F", truth(cloud, source, min(rows), over())))


async def test_statistics_in_a_unit_that_nothing_converts_to_are_left_alone(
    house: House, cloud: SensoristCloud
) -> None:
    source = cloud.find_source("batt")
    entry = await house.sign_in(cloud)
    entity_id = entity_of(house, cloud, source)
    await unload(house, entry)
    before = await statistics(house, cloud, source)
    house.hass.data["recorder_instance"].async_update_statistics_metadata(
        entity_id, new_unit_class=None, new_unit_of_measurement="bananas"
    )
    await recorded(house)
    await house.pass_time(86400)
    await set_up(house, entry)

    assert await statistics(house, cloud, source) == before
    with pytest.raises(ServiceValidationError):
        await act(house, entity_id, over() - DAY, over())


async def unit_of(house: House, entity_id: str) -> str:
    read = house.hass.data["recorder_instance"].async_add_executor_job
    meta = await read(lambda: get_metadata(house.hass, statistic_ids={entity_id}))
    return meta[entity_id][1]["unit_of_measurement"]


def in_unit(unit: str, rows: Rows) -> Rows:
    if unit == "°C":
        return rows
    return {
        hour: (mean * 1.8 + 32, least * 1.8 + 32, most * 1.8 + 32)
        for hour, (mean, least, most) in rows.items()
    }


@pytest.mark.parametrize(
    "recorder_config", [{"exclude": {"entity_globs": ["sensor.*temperature"]}}]
)
async def test_entities_that_are_disabled_or_not_recorded_are_left_out(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    first, second = cloud.sources("batt")
    assert await statistics(house, cloud, cloud.find_source("temp")) == {}
    rows = await statistics(house, cloud, first)
    er.async_get(house.hass).async_update_entity(
        entity_of(house, cloud, first), disabled_by=er.RegistryEntryDisabler.USER
    )
    await unload(house, entry)
    await house.pass_time(86400)
    cloud.log.clear()
    await set_up(house, entry)

    assert {record.query["data_sources"] for record in ranges(cloud)} == {str(second.id)}
    assert rows


async def test_rows_of_any_form_that_the_document_allows_become_hours(
    house: House, open_cloud: OpenCloud
) -> None:
    """Dated in the middle, without extremes, or of types that nobody measured."""
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",))

    def otherwise(payload: Any) -> Any:
        for rows in payload["measurements"].values():
            for place, row in enumerate(rows):
                row["date"] = row["date"].replace(":00:00+", ":30:00+")
                if place % 3 == 0:
                    row["min"] = row["max"] = None
                if place % 3 == 1:
                    row["type"] = 20 if place % 2 else 30
        return payload

    cloud.faults.add(Fault(query={"type": "range"}, kind="mutate", mutate=otherwise))
    await house.sign_in(cloud)

    source = cloud.find_source("temp")
    rows = await statistics(house, cloud, source)
    end = over()
    expected = truth(cloud, source, end - 30 * DAY, end)
    assert 0 < len(expected) - len(rows) <= len(expected) / 3 + 5
    for hour, (mean, least, most) in rows.items():
        assert mean == pytest.approx(expected[hour][0])
        assert (least, most) == pytest.approx(expected[hour][1:]) or least == most == mean


@pytest.mark.parametrize("value", [-999, 850, 6553.5, 1e30])
@pytest.mark.parametrize("field", ["value", "min", "max"])
async def test_an_hour_with_a_value_that_cannot_be_is_left_out(
    house: House, open_cloud: OpenCloud, field: str, value: float
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, kinds=("temp",))

    def spoil(payload: Any) -> Any:
        for rows in payload["measurements"].values():
            for row in rows[::4]:
                row[field] = value
        return payload

    cloud.faults.add(Fault(query={"type": "range"}, kind="mutate", mutate=spoil, times=None))
    entry = await house.sign_in(cloud)

    rows = await statistics(house, cloud, cloud.find_source("temp"))
    expected = truth(cloud, cloud.find_source("temp"), over() - 30 * DAY, over())
    assert 0 < len(rows) < len(expected)
    for hour, found in rows.items():
        assert found == pytest.approx(expected[hour])
    told = entry.runtime_data.plausibility.diagnostics()["history"]
    assert {place.split(":")[0] for place in told} == {"temperature"}


async def test_a_long_import_is_shown_while_it_lasts_and_told_day_by_day_in_the_debug_log(
    house: House, open_cloud: OpenCloud, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await open_cloud(gateways=2, sensors=2, kinds=("temp", "humi"))
    shown: list[tuple[str, str]] = []

    @callback
    def note(kind: Any, notes: dict[str, Any]) -> None:
        shown.extend((kind.value, note["message"]) for note in notes.values())

    persistent_notification.async_register_callback(house.hass, note)
    caplog.set_level(logging.DEBUG, f"custom_components.{DOMAIN}")
    entry = await house.sign_in(cloud)
    await recorded(house)

    ours = [(kind, text) for kind, text in shown if "statistics" in text]
    assert (ours[0][0], ours[-1][0]) == ("added", "removed")
    assert 3 <= len(ours) <= 12
    days = [line for line in caplog.messages if "filled in" in line]
    assert 60 <= len(days) <= 2 * 31 + 2 * 5

    shown.clear()
    await house.reload(entry)
    assert not [text for _, text in shown if "statistics" in text]


async def act(house: House, entity_id: Any, start: datetime, end: datetime) -> Any:
    return await house.hass.services.async_call(
        DOMAIN,
        "import_history",
        {"entity_id": entity_id, "start": start.isoformat(), "end": end.isoformat()},
        blocking=True,
        return_response=True,
    )


async def test_the_action_fills_a_period_and_says_what_became_of_it(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    sources = cloud.sources()
    entities = [entity_of(house, cloud, source) for source in sources]
    end = over()
    start = end - 40 * DAY

    response = await act(house, entities, start + timedelta(minutes=1), end)

    for source, entity_id in zip(sources, entities, strict=True):
        old = truth(cloud, source, start, end - 30 * DAY)
        old.pop(start, None)
        new = truth(cloud, source, end - 30 * DAY, end)
        assert response["entities"][entity_id] == {
            "written": len(old),
            "already_there": len(new),
            "no_data": 40 * 24 - 1 - len(old) - len(new),
        }
        assert_same(await statistics(house, cloud, source), old | new)
    again = await act(house, entities, start + timedelta(minutes=1), end)
    assert all(tally["written"] == 0 for tally in again["entities"].values())
    assert_polite(cloud)


@pytest.mark.parametrize(
    ("start", "end", "key"),
    [
        (-3 * HOUR, HOUR, "history_not_over"),
        (-3 * HOUR, timedelta(0), "history_not_over"),
        (-3 * HOUR, -3 * HOUR, "history_wrong_order"),
        (-3 * HOUR, -5 * HOUR, "history_wrong_order"),
        (-2 * HOUR, -HOUR - timedelta(minutes=1), "history_wrong_order"),
        (-400 * DAY, -HOUR, "history_too_long"),
    ],
)
async def test_the_action_refuses_periods_that_cannot_be(
    house: House, cloud: SensoristCloud, start: timedelta, end: timedelta, key: str
) -> None:
    await house.sign_in(cloud)
    entity_id = entity_of(house, cloud, cloud.find_source())
    cloud.log.clear()

    with pytest.raises(ServiceValidationError) as refused:
        await act(house, entity_id, floored(now()) + start, floored(now()) + end)

    assert refused.value.translation_key == key
    assert (
        DOMAIN in str(refused.value) or "hour" in str(refused.value) or "day" in str(refused.value)
    )
    assert cloud.log == []


async def test_the_action_refuses_entities_without_statistics(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    sensor = cloud.gateways[0].sensors[0]
    last = house.state_of(f"sensorist:{cloud.user.id}:sensor-{sensor.id}:last_measurement")
    good = entity_of(house, cloud, cloud.find_source())
    for entity_id in (last.entity_id, "sun.sun", [good, "sensor.of_nobody"]):
        with pytest.raises(ServiceValidationError) as refused:
            await act(house, entity_id, over() - DAY, over())
        assert refused.value.translation_key == "history_no_statistics"
    await unload(house, entry)
    with pytest.raises(ServiceValidationError):
        await act(house, good, over() - DAY, over())


async def test_the_action_says_what_the_vendor_answers(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    cloud.faults.add(Fault(status=429, headers={"Retry-After": "600"}, times=1))
    entity_id = entity_of(house, cloud, cloud.find_source())

    with pytest.raises(HomeAssistantError) as refused:
        await act(house, entity_id, over() - 40 * DAY, over() - 35 * DAY)

    assert refused.value.translation_key == "rate_limited"


async def test_what_is_kept_goes_with_the_account(
    house: House, cloud: SensoristCloud, hass_storage: dict[str, Any]
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(120)
    kept = hass_storage[f"{DOMAIN}.{entry.entry_id}.history"]
    assert len(kept["data"]["channels"]) == len(cloud.sources())

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert f"{DOMAIN}.{entry.entry_id}.history" not in hass_storage


async def test_directions_are_averaged_on_the_circle(house: House) -> None:
    """No vendor has a direction yet, so the vendor's side is played here."""
    channel = Channel(
        "device",
        "wind",
        SensorEntityDescription(
            key="wind",
            native_unit_of_measurement="°",
            state_class=SensorStateClass.MEASUREMENT_ANGLE,
        ),
        "feed",
    )
    house.hass.states.async_set("sensor.wind", "350", {"unit_of_measurement": "°"})
    begin = floored(now()) - 4 * HOUR

    async def ask(channels: Any, start: datetime, end: datetime) -> Any:
        angles = enumerate((350.0, 10.0))
        return {channel.id: [Hour(begin + place * HOUR, angle, 0, 359) for place, angle in angles]}

    history_backfill = HistoryBackfill(
        house.hass,
        MockConfigEntry(domain=DOMAIN, title="Stub"),
        channels=lambda: [HistoryChannel(channel, "sensor.wind")],
        ask=ask,
        may_ask=lambda: True,
    )
    await history_backfill.async_import(["sensor.wind"], hour_of(begin), hour_of(begin) + 2)

    read = house.hass.data["recorder_instance"].async_add_executor_job
    meta = await read(lambda: get_metadata(house.hass, statistic_ids={"sensor.wind"}))
    assert meta["sensor.wind"][1]["mean_type"] is StatisticMeanType.CIRCULAR
    [row] = (
        await read(
            statistics_during_period,
            house.hass,
            begin - DAY,
            None,
            {"sensor.wind"},
            "month",
            None,
            {"mean", "min", "max"},
        )
    )["sensor.wind"]
    assert min(row["mean"], 360 - row["mean"]) == pytest.approx(0, abs=1e-6)
    assert (row["min"], row["max"]) == (None, None)


async def test_hours_of_a_replacement_are_filled_into_the_entity_that_it_carries_on(
    house: House, cloud: SensoristCloud
) -> None:
    await async_setup_component(house.hass, "repairs", {})
    entry = await house.sign_in(cloud)
    old = cloud.gateways[0].sensors[0]
    kept = entity_of(house, cloud, old.source("temp"))
    await unload(house, entry)
    replaced_at = over()
    new = build_sensor(old.gateway, ("temp", "batt"))
    new.serial, new.title = old.serial, old.title
    old.gateway.sensors.remove(old)
    house.freezer.tick(6 * HOUR)
    await set_up(house, entry)
    await recorded(house)
    source = new.source("temp")
    assert entity_of(house, cloud, source) != kept

    (issue_id,) = (
        issue_id
        for domain, issue_id in ir.async_get(house.hass).issues
        if domain == DOMAIN and issue_id.startswith("hardware_replaced")
    )
    flows = house.hass.data["repairs"]["flow_manager"]
    flow = await flows.async_init(DOMAIN, context={"issue_id": issue_id})
    await flows.async_configure(flow["flow_id"], {"next_step_id": "same_place"})
    await recorded(house)

    assert entity_of(house, cloud, source) == kept
    rows = await statistics(house, cloud, source)
    expected = truth(cloud, source, replaced_at, over())
    assert len(expected) >= 5
    assert_same({hour: row for hour, row in rows.items() if hour in expected}, expected)


def wind_of(device: str) -> Channel:
    description = SensorEntityDescription(
        key="wind",
        native_unit_of_measurement="°",
        state_class=SensorStateClass.MEASUREMENT_ANGLE,
    )
    return Channel(device, "wind", description, "feed")


async def test_days_without_data_use_no_budget_and_the_notice_counts_every_device(
    house: House,
) -> None:
    """Six devices, one request for two hours, and a vendor that knows which days have none."""
    shown: list[str] = []

    @callback
    def note(kind: Any, notes: dict[str, Any]) -> None:
        shown.extend(note["message"] for note in notes.values() if kind.value != "removed")

    persistent_notification.async_register_callback(house.hass, note)
    channels = [wind_of(f"device-{number}") for number in range(6)]
    tracks = [
        HistoryChannel(each, f"sensor.{each.device.replace('-', '_')}", now()) for each in channels
    ]
    for track in tracks:
        house.hass.states.async_set(track.entity_id, "350", {"unit_of_measurement": "°"})
    asked: list[datetime] = []

    async def ask(channels: Any, start: datetime, end: datetime) -> Any:
        asked.append(start)
        return {}

    history_backfill = HistoryBackfill(
        house.hass,
        MockConfigEntry(domain=DOMAIN, title="Stub"),
        channels=lambda: tracks,
        ask=ask,
        may_ask=lambda: True,
        terms=HistoryTerms(
            span=24, per_request=2, max_requests=60, by_device=True, newest_first=True
        ),
        requests=lambda: 0,
    )
    history_backfill.async_fill()
    await house.settle()

    assert len({start.date() for start in asked}) >= 30
    assert len(asked) >= 6 * 30
    assert "6 entities" in shown[0]
    assert " 90 %" in shown[-1] or " 100 %" in shown[-1]


async def test_a_stored_progress_of_another_shape_or_of_the_future_warns_once_and_begins_anew(
    house: House,
    cloud: SensoristCloud,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(120)
    name = f"{DOMAIN}.{entry.entry_id}.history"
    good = hass_storage[name]
    row = good["data"]["channels"][0]
    ahead = hour_of(now() + 3650 * DAY)
    spoiled = [
        {**good, "version": 99},
        {**good, "data": []},
        {**good, "data": {}},
        {**good, "data": {**good["data"], "seen": "yesterday"}},
        {**good, "data": {**good["data"], "unseen": [7]}},
        {**good, "data": {**good["data"], "channels": {"a": 1}}},
        {**good, "data": {**good["data"], "channels": [[row[0], row[1], "long ago", []]]}},
        {**good, "data": {**good["data"], "channels": [row[:2]]}},
        {**good, "data": {**good["data"], "channels": [[row[0], row[1], ahead, []]]}},
    ]
    for number, stored in enumerate(spoiled):
        await unload(house, entry)
        hass_storage[name] = stored
        caplog.clear()
        assert await house.hass.config_entries.async_setup(entry.entry_id)
        await house.pass_time(120)

        warned = [line for line in caplog.messages if "how far history is imported" in line]
        assert len(warned) == (number < len(spoiled) - 1), number
        rows = hass_storage[name]["data"]["channels"]
        assert len(rows) == len(cloud.sources()), number
        assert all(row[2] <= hour_of(now()) for row in rows), number
