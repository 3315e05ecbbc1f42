"""What happens is told once, in order, whatever comes between."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
import random
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest

from simulators.faults import Fault
from simulators.sensorist import FREE, DeliveryConfig, SensoristCloud, Source
from simulators.sensorist.alarms import Alarm

from .calling import arrive, door_fixture  # noqa: F401
from .conftest import DOMAIN, House, OpenCloud, watchpost_lines


class Ear:
    """Hears every watchpost_event, and what the states were when it came."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.heard: list[dict[str, Any]] = []
        self.states: list[str | None] = []
        self._hass = hass
        hass.bus.async_listen("watchpost_event", self._hear)

    @callback
    def _hear(self, event: Event[dict[str, Any]]) -> None:
        self.heard.append(dict(event.data))
        alarm = self._hass.states.get(event.data.get("alarm_entity_id") or "none.none")
        self.states.append(alarm.state if alarm else None)

    @property
    def told(self) -> list[tuple[str, datetime]]:
        return [(event["type"], datetime.fromisoformat(event["at"])) for event in self.heard]


@pytest.fixture
def ear(house: House) -> Ear:
    return Ear(house.hass)


def set_alarm(cloud: SensoristCloud, source: Source, value: float = 50.0, delay: int = 0) -> Alarm:
    return cloud.alarms.create(
        cloud.user.id, source, value=value, direction="above", delay=delay, now=cloud.clock.now()
    )


def truth(cloud: SensoristCloud, since: datetime) -> list[tuple[str, datetime]]:
    """What really happened since then, by time."""
    cloud.settle()
    logs = cloud.alarms.history(cloud.user.id, since, cloud.clock.now())
    return [
        ("alarm_raised" if log.triggered else "alarm_cleared", log.date) for log in reversed(logs)
    ]


def alarm_state(house: House, cloud: SensoristCloud, alarm: Alarm) -> Any:
    device = f"sensor-{alarm.source.sensor.id}"
    return house.state_of(f"sensorist:{cloud.user.id}:{device}:alarm-{alarm.id}", "binary_sensor")


async def test_an_alarm_is_a_problem_sensor_that_comes_and_goes_with_it(
    house: House, cloud: SensoristCloud
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    alarm = set_alarm(cloud, source, value=50.5, delay=10)
    await house.pass_time(400)

    state = alarm_state(house, cloud, alarm)
    assert state.state == "off"
    assert state.attributes["device_class"] == "problem"
    assert state.attributes["threshold"] == 50.5
    assert state.attributes["direction"] == "above"
    assert state.attributes["delay_minutes"] == 10
    assert state.attributes["friendly_name"].endswith("Temperature above 50.5 °C")
    entity = er.async_get(house.hass).async_get(state.entity_id)
    assert entity is not None
    assert entity.entity_category is None

    cloud.alarms.delete(cloud.user.id, alarm.id)
    await house.pass_time(1000)
    assert er.async_get(house.hass).async_get(state.entity_id) is None


async def test_an_alarm_deleted_while_home_assistant_was_down_goes_after_three_lists(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    alarms = [set_alarm(cloud, source) for source in cloud.sources("temp")[:2]]
    await house.pass_time(400)
    gone, kept = (alarm_state(house, cloud, alarm).entity_id for alarm in alarms)
    await house.hass.config_entries.async_unload(entry.entry_id)
    cloud.alarms.delete(cloud.user.id, alarms[0].id)
    house.freezer.tick(1000)

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.pass_time(400)
    assert er.async_get(house.hass).async_get(gone)
    await house.pass_time(400)

    assert er.async_get(house.hass).async_get(gone) is None
    assert house.hass.states.get(kept).state == "off"
    await house.pass_time(4000)
    assert house.hass.states.get(kept).state == "off"


async def test_an_alarm_is_told_after_its_state_with_what_it_measured(
    house: House, cloud: SensoristCloud, ear: Ear
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    alarm = set_alarm(cloud, source)
    await house.pass_time(400)
    start = datetime.now(UTC)

    source.override = 61.5
    await house.pass_time(1300)
    source.override = FREE
    await house.pass_time(1300)

    assert ear.told == truth(cloud, start - timedelta(hours=1))
    assert [event["type"] for event in ear.heard] == ["alarm_raised", "alarm_cleared"]
    assert ear.states[0] == "on"
    raised = ear.heard[0]
    assert raised["vendor"] == "sensorist"
    assert raised["late"] is False
    assert raised["threshold"] == 50.0
    assert raised["value"] == 61.5
    assert raised["direction"] == "above"
    assert raised["alarm_entity_id"] == alarm_state(house, cloud, alarm).entity_id
    device = next(d for d in house.devices(house.entries[0]) if d.id == raised["device_id"])
    assert device.name == source.sensor.title
    event = house.hass.states.get(raised["entity_id"])
    assert event is not None
    assert event.attributes["event_type"] == "alarm_cleared"


async def test_first_set_up_tells_nothing_old(
    house: House, cloud: SensoristCloud, ear: Ear
) -> None:
    source = cloud.find_source("temp")
    alarm = set_alarm(cloud, source)
    source.override = 70.0
    house.freezer.tick(3600)
    cloud.settle()
    assert alarm.logs

    await house.sign_in(cloud)
    await house.pass_time(3600)

    assert alarm_state(house, cloud, alarm).state == "on"
    assert ear.heard == []


async def test_what_happened_while_home_assistant_was_down_is_told_late_and_once(
    house: House, cloud: SensoristCloud, ear: Ear
) -> None:
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    set_alarm(cloud, source)
    await house.pass_time(400)
    await house.hass.config_entries.async_unload(entry.entry_id)
    for value in (60.0, FREE, 61.0, FREE, 62.0, FREE, 63.0, FREE):
        source.override = value
        house.freezer.tick(950)
        cloud.settle()

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()
    happened = truth(cloud, datetime.now(UTC) - timedelta(days=1))
    assert len(happened) == 8
    assert ear.told == happened
    assert all(event["late"] for event in ear.heard)

    await house.reload(entry)
    await house.pass_time(3600)
    assert len(ear.heard) == 8


async def test_an_alarm_raised_and_cleared_between_two_polls_is_told(
    house: House, cloud: SensoristCloud, ear: Ear
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    set_alarm(cloud, source)
    await house.pass_time(2000)
    cloud.faults.add(Fault(kind="status", status=500))
    for _ in range(4):
        source.override = 60.0
        await house.pass_time(950)
        cloud.settle()
        source.override = FREE
        await house.pass_time(950)
        cloud.settle()
    assert ear.heard == []

    cloud.faults.clear()
    await house.pass_time(1200)

    assert ear.told == truth(cloud, datetime.now(UTC) - timedelta(days=1))
    assert len(ear.heard) == 8


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"\x00\xff" * 40),
        lambda path: path.write_text('{"at": 12}\n'),
        lambda path: path.write_text(path.read_text() + "nonsense\n" + path.read_text()),
    ],
    ids=["missing", "binary", "foreign", "garbled"],
)
async def test_a_lost_journal_costs_a_log_line_and_no_storm(
    house: House,
    cloud: SensoristCloud,
    ear: Ear,
    caplog: pytest.LogCaptureFixture,
    spoil: Any,
) -> None:
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    set_alarm(cloud, source)
    for value in (60.0, FREE):
        await house.pass_time(400)
        source.override = value
        await house.pass_time(1300)
    assert len(ear.heard) == 2
    await house.hass.config_entries.async_unload(entry.entry_id)
    path = Path(house.hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.journal"))
    spoil(path)

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.pass_time(1200)

    assert len(ear.heard) == 2
    assert len(watchpost_lines(caplog)) <= 1
    source.override = 65.0
    await house.pass_time(1300)
    assert len(ear.heard) == 3


async def test_a_torn_last_line_is_what_a_kill_leaves_and_costs_nothing(
    house: House, cloud: SensoristCloud, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    set_alarm(cloud, source)
    await house.pass_time(400)
    source.override = 60.0
    await house.pass_time(1300)
    await house.hass.config_entries.async_unload(entry.entry_id)
    path = Path(house.hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.journal"))
    path.write_text(path.read_text() + '{"at":"2026-09-')

    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.pass_time(600)

    assert len(ear.heard) == 1
    assert watchpost_lines(caplog) == []


async def test_removing_an_entry_removes_its_journal(house: House, cloud: SensoristCloud) -> None:
    entry = await house.sign_in(cloud)
    path = Path(house.hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.journal"))
    assert path.exists()

    await house.hass.config_entries.async_remove(entry.entry_id)

    assert not path.exists()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
async def test_a_week_of_outages_restarts_and_unreliable_calls_loses_nothing_and_tells_nothing_twice(
    house: House, door: TestClient, open_cloud: OpenCloud, ear: Ear, seed: int
) -> None:
    cloud = await open_cloud(
        gateways=1, sensors=2, seed=seed, callbacks=DeliveryConfig(loss=0.4, copies=2, disorder=30)
    )
    entry = await house.sign_in(cloud)
    start = datetime.now(UTC)
    sources = cloud.sources("temp")
    for source in sources:
        set_alarm(cloud, source)
    await house.pass_time(400)
    chance = random.Random(seed)
    while datetime.now(UTC) < start + timedelta(days=7):
        source = chance.choice(sources)
        source.override = FREE if source.override is not FREE else 60.0
        match chance.randrange(6):
            case 0:
                await outage(house, cloud, chance.uniform(600, 20_000))
            case 1:
                await restart(house, entry, cloud, chance.uniform(60, 20_000))
            case 2:
                await house.reload(entry)
            case _:
                await house.pass_time(chance.uniform(900, 6000))
                await arrive(house, cloud)
    cloud.faults.clear()
    for source in sources:
        source.override = FREE
    await house.pass_time(3 * 3600)

    happened = truth(cloud, start)
    assert len(happened) > 20
    assert len(cloud.callbacks.sent) > 10
    assert sorted(ear.told) == sorted(happened)
    on_time = [
        (kind, at)
        for event, (kind, at) in zip(ear.heard, ear.told, strict=True)
        if not event["late"]
    ]
    assert on_time == sorted(on_time, key=lambda told: told[1])
    assert cloud.early_requests() == []


async def outage(house: House, cloud: SensoristCloud, seconds: float) -> None:
    cloud.faults.add(Fault(kind="drop"))
    await house.pass_time(seconds)
    cloud.faults.clear()


async def restart(house: House, entry: ConfigEntry, cloud: SensoristCloud, seconds: float) -> None:
    await house.hass.config_entries.async_unload(entry.entry_id)
    await house.pass_time(seconds)
    cloud.settle()
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()


async def test_a_button_press_that_no_call_told_of_is_told_once_by_the_next_poll(
    house: House, cloud: SensoristCloud, ear: Ear
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(1000)
    sensor = cloud.gateways[0].sensors[0]
    pressed = cloud.press_button(sensor)
    assert len(pressed) > 1

    # Its next regular report would cover the press: the sensor stays silent until it was polled.
    sensor.silent = True
    await house.pass_time(2000)
    assert ear.told == [("button_pressed", pressed[0].date)]

    await house.reload(entry)
    await house.pass_time(2000)
    assert len(ear.heard) == 1
    assert cloud.early_requests() == []


async def test_a_journal_that_cannot_be_written_keeps_nothing_from_being_told(
    house: House, cloud: SensoristCloud, ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    set_alarm(cloud, source)
    await house.pass_time(400)
    path = Path(house.hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.journal"))
    path.unlink()
    path.mkdir()
    for value in (60.0, FREE):
        source.override = value
        await house.pass_time(1300)

    assert ear.told == truth(cloud, datetime.now(UTC) - timedelta(days=1))
    assert len(ear.heard) == 2
    assert len(watchpost_lines(caplog)) == 1
    path.rmdir()


async def test_the_journal_stays_bounded_and_tells_nothing_twice(
    house: House,
    cloud: SensoristCloud,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.watchpost.engine.events.journal.MAX_DELIVERED", 4)
    entry = await house.sign_in(cloud)
    source = cloud.find_source("temp")
    set_alarm(cloud, source)
    await house.pass_time(400)
    for turn in range(12):
        source.override = FREE if turn % 2 else 60.0 + turn
        await house.pass_time(1300)
    path = Path(house.hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.journal"))
    assert len(ear.heard) == 12
    assert len(path.read_text().splitlines()) <= 2 * 4 + 2

    await house.reload(entry)
    await house.pass_time(2000)

    assert len(ear.heard) == 12
    assert ear.told == truth(cloud, datetime.now(UTC) - timedelta(days=1))


async def test_an_event_entity_that_fails_keeps_nothing_from_the_bus(
    house: House, cloud: SensoristCloud, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.sign_in(cloud)
    source = cloud.find_source("temp")
    set_alarm(cloud, source)
    await house.pass_time(400)
    with monkeypatch.context() as broken:
        broken.setattr("homeassistant.components.event.EventEntity._trigger_event", _fail)
        source.override = 60.0
        await house.pass_time(1300)
    source.override = FREE
    await house.pass_time(1300)

    assert [kind for kind, _ in ear.told] == ["alarm_raised", "alarm_cleared"]


def _fail(*_: Any) -> None:
    raise ZeroDivisionError
