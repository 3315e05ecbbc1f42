"""Which of two readings is the newer, and what becomes of time that was not seen or that a clock only claims."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
import time
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.watchpost.client import clock
from simulators.clock import Clock
from simulators.faults import Fault
from simulators.sensorist import CloudConfig, SensoristCloud

from .conftest import House, OpenCloud
from .outside import assert_shows_the_truth, sensor_id, shown, source_id, unavailable

CYCLE = 900
A_NIGHT = 8 * 3600


@pytest.fixture
async def cloud(open_cloud: OpenCloud) -> SensoristCloud:
    return await open_cloud(gateways=1, sensors=1, kinds=("temp", "humi"))


def rows(change: Callable[[dict[str, Any]], None]) -> Fault:
    """Change every row of a reply with measurements."""

    def mutate(payload: Any) -> Any:
        for row in payload["measurements"].values():
            change(row)
        return payload

    return Fault(match="/measurements", kind="mutate", mutate=mutate)


def last_measurement(house: House, cloud: SensoristCloud) -> datetime:
    sensor = cloud.gateways[0].sensors[0]
    return datetime.fromisoformat(
        house.state_of(sensor_id(cloud, sensor, "last_measurement")).state
    )


def moved(row: dict[str, Any], ago: timedelta, value: float, seq: int = 0) -> None:
    date = datetime.fromisoformat(row["date"]) - ago
    row |= {"date": date.isoformat(), "value": value, "seq": row["seq"] + seq}


# -- readings --


@pytest.mark.parametrize("ago", [timedelta(minutes=31), timedelta(hours=3), timedelta(days=400)])
async def test_an_older_row_of_a_poll_replaces_no_newer_one(
    house: House, cloud: SensoristCloud, ago: timedelta
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(2000)
    before, last = shown(house, cloud), last_measurement(house, cloud)
    older = cloud.faults.add(rows(lambda row: moved(row, ago, -22.0, -1)))

    while not older.used:
        await house.pass_time(25)

    assert shown(house, cloud) == before
    assert last_measurement(house, cloud) == last
    cloud.faults.clear()
    await house.pass_time(2000)
    assert_shows_the_truth(house, cloud)
    assert last_measurement(house, cloud) > last


@pytest.mark.parametrize(("seq", "corrected"), [(0, True), (1000, True), (-1000, False)])
async def test_of_two_rows_with_one_date_the_one_with_the_higher_number_counts(
    house: House, cloud: SensoristCloud, seq: int, corrected: bool
) -> None:
    await house.sign_in(cloud)
    before = set(shown(house, cloud).values())
    cloud.gateways[0].sensors[0].silent = True
    corrected_row = cloud.faults.add(rows(lambda row: moved(row, timedelta(), 7.5, seq)))

    while not corrected_row.used:
        await house.pass_time(25)

    assert set(shown(house, cloud).values()) == ({"7.5"} if corrected else before)


async def test_a_row_of_tomorrow_is_not_shown_as_such_and_hides_no_true_one(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(2000)
    wrong = cloud.faults.add(rows(lambda row: moved(row, -timedelta(days=1), 12.5)))
    while not wrong.used:
        await house.pass_time(25)
    assert set(shown(house, cloud).values()) == {"12.5"}
    assert last_measurement(house, cloud) <= datetime.now(UTC)

    cloud.faults.clear()
    await house.pass_time(2000)

    assert_shows_the_truth(house, cloud)
    assert last_measurement(house, cloud) <= datetime.now(UTC)


async def test_the_last_measurement_never_goes_back(house: House, cloud: SensoristCloud) -> None:
    await house.sign_in(cloud)
    seen = [last_measurement(house, cloud)]
    for hours in (1, -1, 30, -30, 0.01, -0.01):
        cloud.faults.add(rows(lambda row, hours=hours: moved(row, timedelta(hours=hours), 3.0)))
        for _ in range(10):
            await house.pass_time(100)
            seen.append(last_measurement(house, cloud))
        cloud.faults.clear()
        await house.pass_time(2000)
        seen.append(last_measurement(house, cloud))

    assert len(set(seen)) > 6
    assert seen == sorted(seen)
    assert seen[-1] <= datetime.now(UTC)


# -- time that was not seen --


class Host:
    """The clocks of the machine: Home Assistant's stand still while it sleeps, the cloud's do not."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house = house
        self.slept = 0.0
        self.wall = timedelta()
        real_clock_gettime = time.clock_gettime
        monkeypatch.setattr(
            time,
            "clock_gettime",
            lambda clock: (
                real_clock_gettime(time.CLOCK_MONOTONIC) + self.slept
                if clock == time.CLOCK_BOOTTIME
                else real_clock_gettime(clock)
            ),
        )

    def suspend(self, seconds: float) -> None:
        """Sleep: what elapsed is seen by `CLOCK_BOOTTIME` alone, and by the wall clock after waking."""
        self.slept += seconds
        self.wall += timedelta(seconds=seconds)


@pytest.fixture
def host(house: House, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A machine whose wall clock can be set; it is what `datetime.now` shows, apart from the timers."""
    host = Host(house, monkeypatch)
    monkeypatch.setattr(clock, "_wall", lambda: datetime.now(UTC) + host.wall)
    return host


@pytest.fixture
async def far_cloud(host: Host) -> AsyncIterator[SensoristCloud]:
    """A cloud in a time of its own, `cloud.away` ahead of the timers of Home Assistant."""
    away = [timedelta()]
    time_of = Clock(source=lambda: datetime.now(UTC) + away[0])
    plan = CloudConfig(gateways=2, sensors=1, kinds=("temp", "humi"))
    async with SensoristCloud(plan, clock=time_of) as found:
        found.away = away
        yield found


def pass_unseen(host: Host, cloud: Any, seconds: float, *, suspended: bool) -> None:
    """Let time pass for the vendor and the wall clock, which no timer sees."""
    cloud.away[0] += timedelta(seconds=seconds)
    if suspended:
        host.suspend(seconds)
    else:
        host.wall += timedelta(seconds=seconds)


@pytest.mark.parametrize("suspended", [True, False])
async def test_after_a_night_asleep_stale_readings_go_and_feeds_are_asked_again_within_a_minute(
    house: House, host: Host, far_cloud: Any, suspended: bool
) -> None:
    await house.sign_in(far_cloud)
    await house.pass_time(2000)
    assert unavailable(house) == []
    hold = far_cloud.faults.add(Fault(kind="hold"))
    asked = len(far_cloud.log)

    pass_unseen(host, far_cloud, A_NIGHT, suspended=suspended)
    if suspended:
        await house.pass_time(45)
        assert set(shown(house, far_cloud).values()) == {STATE_UNAVAILABLE}
        hold.release()
    far_cloud.faults.clear()
    hold.release()
    await house.pass_time(60)

    assert_shows_the_truth(house, far_cloud)
    paths = {record.path for record in far_cloud.log[asked:] if record.status == 200}
    assert {path.rsplit("/", 1)[-1] for path in paths} >= {"gateways", "measurements", "alarms"}
    again = len(far_cloud.log)
    await house.pass_time(120)
    assert len(far_cloud.log) - again <= 2


@pytest.mark.parametrize("hours", [5, -5, 24 * 400, -24 * 400])
async def test_a_set_wall_clock_expires_nothing_and_freezes_nothing(
    house: House, host: Host, far_cloud: Any, hours: int
) -> None:
    await house.sign_in(far_cloud)
    await house.pass_time(2000)
    asked = len(far_cloud.log)

    host.wall += timedelta(hours=hours)
    await house.pass_time(60)

    assert unavailable(house) == []
    assert [record.method for record in far_cloud.log[asked:]].count("HEAD") == 1
    far_cloud.gateways[0].sensors[0].silent = True
    await house.pass_time(4 * CYCLE)
    assert far_cloud.early_requests() == []
    states = shown(house, far_cloud)
    silent = {source.id for source in far_cloud.gateways[0].sensors[0].sources}
    assert {states[source] for source in silent} == {STATE_UNAVAILABLE}
    assert STATE_UNAVAILABLE not in {states[source] for source in states.keys() - silent}


async def test_a_hold_is_over_when_it_ended_while_the_machine_slept(
    house: House, host: Host, far_cloud: Any
) -> None:
    await house.sign_in(far_cloud)
    far_cloud.faults.add(
        Fault(kind="status", status=429, headers={"Retry-After": "20000"}, times=1)
    )
    await house.pass_time(2000)
    asked = len(far_cloud.log)
    await house.pass_time(2000)
    assert len(far_cloud.log) == asked

    pass_unseen(host, far_cloud, A_NIGHT, suspended=True)
    await house.pass_time(60)

    assert_shows_the_truth(house, far_cloud)


async def test_a_wrong_wall_clock_at_the_start_makes_nothing_unavailable(
    house: House, host: Host, far_cloud: Any
) -> None:
    host.wall += timedelta(hours=5)
    await house.sign_in(far_cloud)
    await house.pass_time(2000)

    assert_shows_the_truth(house, far_cloud)


async def test_a_reload_makes_no_undated_reading_young(
    house: House, host: Host, far_cloud: Any
) -> None:
    entry = await house.sign_in(far_cloud)
    await house.pass_time(1000)
    far_cloud.faults.add(Fault(kind="drop"))
    connectivity = f"sensorist:{far_cloud.user.id}:gateway-{far_cloud.gateways[0].id}:connectivity"
    for _ in range(8):
        await house.pass_time(1800)
        await house.reload(entry)

    assert house.state_of(connectivity, "binary_sensor").state == STATE_UNAVAILABLE


# -- units --


def sources(change: Callable[[dict[str, Any]], None]) -> Fault:
    """Change the type of every temperature in the list of gateways."""

    def mutate(payload: Any) -> Any:
        for gateway in payload["gateways"]:
            for sensor in gateway["devices"]:
                for source in sensor["devices"]:
                    if source["type"]["name"] == "temp":
                        change(source["type"])
        return payload

    return Fault(match="/gateways", kind="mutate", mutate=mutate)


def in_fahrenheit(kind: dict[str, Any]) -> None:
    kind["unit"] = {"id": 2, "name": "°F"}
    kind["precision"] = 3


@pytest.fixture
def temperature(cloud: SensoristCloud) -> Any:
    return cloud.find_source("temp")


def watch(house: House, entity_id: str) -> list[tuple[str, str | None]]:
    """Note each state of an entity and its unit."""
    found: list[tuple[str, str | None]] = []

    def note(event: Any) -> None:
        if event.data["entity_id"] == entity_id and (state := event.data["new_state"]):
            found.append((state.state, state.attributes.get("unit_of_measurement")))

    house.hass.bus.async_listen("state_changed", note)
    return found


async def until_listed(house: House, cloud: SensoristCloud) -> None:
    lists = sum(record.path.endswith("/gateways") for record in cloud.log)
    while sum(record.path.endswith("/gateways") for record in cloud.log) == lists:
        await house.pass_time(60)


async def test_a_changed_unit_takes_effect_with_the_list_and_never_on_an_old_value(
    house: House, cloud: SensoristCloud, temperature: Any
) -> None:
    temperature.override = 21.0
    await house.sign_in(cloud)
    await house.pass_time(2000)
    state = house.state_of(source_id(cloud, temperature))
    assert (state.state, state.attributes["unit_of_measurement"]) == ("21.0", "°C")
    states = watch(house, state.entity_id)

    cloud.faults.add(sources(in_fahrenheit))
    temperature.override = 5.0
    await until_listed(house, cloud)
    states.clear()
    await house.pass_time(2000)

    state = house.state_of(source_id(cloud, temperature))
    assert float(state.state) == pytest.approx(-15)
    assert state.attributes["unit_of_measurement"] == "°C"
    shown_values = {float(value) for value, _ in states if value not in ("unknown", "unavailable")}
    assert {round(value, 6) for value in shown_values} == {-15}
    assert cloud.early_requests() == []


async def test_a_value_that_is_the_same_under_another_unit_is_taken_anew(
    house: House, cloud: SensoristCloud, temperature: Any
) -> None:
    temperature.override = 5.0
    await house.sign_in(cloud)
    await house.pass_time(2000)
    temperature.sensor.silent = True
    cloud.faults.add(sources(in_fahrenheit))

    await until_listed(house, cloud)
    await house.pass_time(1000)

    assert float(house.state_of(source_id(cloud, temperature)).state) == pytest.approx(-15)


async def test_a_unit_that_is_missing_for_once_does_not_go(
    house: House, cloud: SensoristCloud, temperature: Any
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(2000)
    entity_id = house.state_of(source_id(cloud, temperature)).entity_id
    states = watch(house, entity_id)
    cloud.faults.add(sources(lambda kind: kind.update(unit=None)))
    await until_listed(house, cloud)
    cloud.faults.clear()
    await house.pass_time(2000)

    assert states
    assert {unit for _, unit in states} == {"°C"}
    assert "unknown" not in {value for value, _ in states}


async def test_the_unit_that_a_person_chose_outlives_a_change_of_the_vendors(
    house: House, cloud: SensoristCloud, temperature: Any
) -> None:
    temperature.override = 5.0
    await house.sign_in(cloud)
    entity_id = house.state_of(source_id(cloud, temperature)).entity_id
    er.async_get(house.hass).async_update_entity_options(
        entity_id, "sensor", {"unit_of_measurement": "K"}
    )
    await house.pass_time(2000)
    assert float(house.hass.states.get(entity_id).state) == pytest.approx(278.15)

    cloud.faults.add(sources(in_fahrenheit))
    await until_listed(house, cloud)
    await house.pass_time(2000)

    state = house.hass.states.get(entity_id)
    assert float(state.state) == pytest.approx(258.15)
    assert state.attributes["unit_of_measurement"] == "K"


async def test_device_class_and_precision_follow_the_list(
    house: House, cloud: SensoristCloud, temperature: Any
) -> None:
    await house.sign_in(cloud)
    entity_id = house.state_of(source_id(cloud, temperature)).entity_id
    cloud.faults.add(
        sources(lambda kind: kind.update(name="humi", unit={"id": 9, "name": "%"}, precision=0))
    )

    await until_listed(house, cloud)
    await house.pass_time(2000)

    state = house.hass.states.get(entity_id)
    assert state.attributes["unit_of_measurement"] == "%"
    assert state.attributes["device_class"] == "humidity"
    options = er.async_get(house.hass).async_get(entity_id).options
    assert options["sensor"]["suggested_display_precision"] == 0
    assert float(state.state) > 0


async def test_a_list_that_is_due_together_with_values_comes_first(
    house: House, cloud: SensoristCloud, temperature: Any
) -> None:
    temperature.override = 21.0
    await house.sign_in(cloud)
    await house.pass_time(2 * 3600)

    paths = [record.path.rsplit("/", 1)[-1] for record in cloud.log]
    times = [record.at for record in cloud.log]
    for number, path in enumerate(paths):
        if path == "measurements" and number:
            later = [
                found
                for found, at in zip(paths[number:], times[number:], strict=True)
                if abs((at - times[number]).total_seconds()) < 0.5
            ]
            assert "gateways" not in later
