"""What a full disk, a damaged journal, a wrong clock or a failing step costs: a log line, never an event."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import errno
import json
import os
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import EventBus
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.watchpost.account import BUDGETS, PENDING_EVENTS, Account
from custom_components.watchpost.engine.events import journal_file
from simulators.clock import Clock
from simulators.sensorist import FREE, CloudConfig, SensoristCloud

from .conftest import DOMAIN, House, watchpost_lines
from .test_occurrences import Ear, set_alarm, truth

LONG = timedelta(days=20)


@pytest.fixture
def ear(house: House) -> Ear:
    return Ear(house.hass)


def journal_of(house: House, entry: ConfigEntry) -> Path:
    return Path(house.hass.config.path(".storage", f"{DOMAIN}.{entry.entry_id}.journal"))


async def with_alarm(house: House, cloud: SensoristCloud) -> ConfigEntry:
    entry = await house.sign_in(cloud)
    set_alarm(cloud, cloud.find_source("temp"))
    await house.pass_time(400)
    return entry


async def change(house: House, cloud: SensoristCloud, value: Any) -> None:
    """Raise or clear the alarm, and let it be polled; not by a report that is on its way already."""
    await house.pass_time(1000)
    cloud.find_source("temp").override = value
    await house.pass_time(1300)


async def restart(
    house: House, entry: ConfigEntry, while_down: Callable[[], None] = lambda: None
) -> None:
    """Restart: what was held in memory alone is gone."""
    await house.hass.config_entries.async_unload(entry.entry_id)
    house.hass.data.pop(PENDING_EVENTS, None)
    house.hass.data.pop(BUDGETS, None)
    while_down()
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.settle()


def while_down(house: House, cloud: SensoristCloud, value: Any) -> Callable[[], None]:
    def happens() -> None:
        cloud.find_source("temp").override = value
        house.freezer.tick(1300)
        cloud.settle()

    return happens


def refuse_writes(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    """Have the disk take half of what it is given, then nothing."""

    def write(write: Callable[[memoryview], int | None], data: bytes) -> None:
        write(memoryview(data)[: len(data) // 2])
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(journal_file, "_write", write)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
async def test_a_disk_that_takes_nothing_at_a_start_or_reload_costs_a_line_and_no_event(
    house: House,
    cloud: SensoristCloud,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: int,
) -> None:
    with monkeypatch.context() as full:
        refuse_writes(full, error)
        entry = await with_alarm(house, cloud)
        assert entry.state is ConfigEntryState.LOADED
        await change(house, cloud, 60.0)
        await house.reload(entry)
        assert entry.state is ConfigEntryState.LOADED
        await change(house, cloud, FREE)
        assert not journal_of(house, entry).exists()
    await house.pass_time(120)
    assert len(journal_of(house, entry).read_text().splitlines()) == 3

    await restart(house, entry, while_down(house, cloud, 61.0))

    assert ear.told == truth(cloud, datetime.now(UTC) - LONG)
    assert [event["late"] for event in ear.heard] == [False, False, True]
    assert len([line for line in watchpost_lines(caplog) if "journal" in line]) <= 4


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (EventBus, "async_fire"),
        (Account, "device_id"),
        (Account, "entity_id"),
        (Account, "is_awaited"),
    ],
    ids=lambda part: getattr(part, "__name__", part),
)
@pytest.mark.parametrize("error", [HomeAssistantError("no"), ZeroDivisionError("no")], ids=repr)
async def test_a_step_that_fails_costs_that_step_and_no_event(
    house: House,
    cloud: SensoristCloud,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    error: Exception,
) -> None:
    entry = await with_alarm(house, cloud)
    original = getattr(owner, name)
    failures = []

    def fail(self: Any, *arguments: Any, **named: Any) -> Any:
        is_ours = owner is Account or arguments[0] == "watchpost_event"
        if is_ours and not failures:
            failures.append(error)
            raise error
        return original(self, *arguments, **named)

    monkeypatch.setattr(owner, name, fail)
    for value in (60.0, FREE, 61.0):
        await change(house, cloud, value)

    assert failures
    happened = truth(cloud, datetime.now(UTC) - LONG)
    assert len(happened) == 3
    assert ear.told == happened
    monkeypatch.undo()
    await restart(house, entry)
    assert ear.told == happened


async def test_a_write_error_while_the_journal_is_compacted_stops_nothing(
    house: House, cloud: SensoristCloud, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.watchpost.engine.events.journal.MAX_DELIVERED", 1)
    monkeypatch.setattr("custom_components.watchpost.engine.events.journal.RECOVERY", 0)

    def fail(*_: Any) -> None:
        raise HomeAssistantError("no")

    entry = await with_alarm(house, cloud)
    monkeypatch.setattr(journal_file.JournalFile, "rewrite", fail)
    for number in range(8):
        await change(house, cloud, FREE if number % 2 else 60.0 + number)

    happened = truth(cloud, datetime.now(UTC) - LONG)
    assert len(happened) == 8
    assert ear.told == happened
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    "first",
    [
        b'{"at":"2035-01-01T00:00:00+00:00"}',
        journal_file.encode(datetime(2035, 1, 1, tzinfo=UTC)).strip(),
    ],
)
async def test_a_journal_of_2035_silences_nothing(
    house: House, cloud: SensoristCloud, ear: Ear, first: bytes
) -> None:
    entry = await with_alarm(house, cloud)
    await change(house, cloud, 60.0)
    path = journal_of(house, entry)

    def happens() -> None:
        path.write_bytes(b"\n".join((first, *path.read_bytes().split(b"\n")[1:])))
        while_down(house, cloud, FREE)()

    await restart(house, entry, happens)
    await change(house, cloud, 61.0)

    assert ear.told == truth(cloud, datetime.now(UTC) - LONG)
    assert [event["late"] for event in ear.heard] == [False, True, False]
    assert json.loads(path.read_text().splitlines()[0])["at"].startswith("2026")


@pytest.mark.parametrize("ahead", [timedelta(days=-365 * 6), timedelta(days=365 * 9)], ids=str)
async def test_an_account_that_is_added_while_the_clock_is_wrong_dispatches_what_is_new_once(
    house: House, ear: Ear, ahead: timedelta
) -> None:
    """`ahead` is how far the host's clock is ahead of the vendor's."""
    house.freezer.tick(max(ahead, timedelta(0)))
    clock = Clock(source=lambda: datetime.now(UTC) - ahead)
    async with SensoristCloud(CloudConfig(gateways=1, sensors=1), clock=clock) as cloud:
        source = cloud.find_source("temp")
        set_alarm(cloud, source)
        source.override = 60.0
        house.freezer.tick(1300)
        cloud.settle()
        before = len(truth(cloud, clock.now() - LONG))
        assert before == 1
        entry = await house.sign_in(cloud)
        await house.pass_time(400)
        assert ear.heard == []

        await change(house, cloud, FREE)
        house.freezer.tick(-ahead)
        clock._source = lambda: datetime.now(UTC)
        await restart(house, entry, while_down(house, cloud, 61.0))
        await change(house, cloud, FREE)

        assert ear.told == truth(cloud, clock.now() - LONG)[before:]
        assert [event["late"] for event in ear.heard] == [False, True, False]


async def test_removing_an_entry_removes_an_unfinished_journal_too(
    house: House, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    path = journal_of(house, entry)
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.write_text("half")
    foreign = path.with_name("tmpsomebody")
    foreign.write_text("")

    await house.hass.config_entries.async_remove(entry.entry_id)

    assert not path.exists()
    assert not unfinished.exists()
    assert foreign.exists()


async def test_accounts_that_were_only_tried_leave_nothing_behind(
    house: House, cloud: SensoristCloud
) -> None:
    for number in range(5):
        flow = await house.start_flow()
        fields = {"username": f"user-{number}", "password": "no", "advanced": {"url": cloud.url}}
        result = await house.submit(flow, fields)
        assert result["errors"]
        house.hass.config_entries.flow.async_abort(flow)
    assert not house.hass.data[BUDGETS]

    await house.sign_in(cloud)
    assert len(house.hass.data[BUDGETS]) == 1


async def test_an_account_that_another_open_flow_tries_keeps_its_standing(
    house: House, cloud: SensoristCloud
) -> None:
    first, second = await house.start_flow(), await house.start_flow()
    for number, flow in enumerate((first, second)):
        fields = {"username": f"user-{number}", "password": "no", "advanced": {"url": cloud.url}}
        assert (await house.submit(flow, fields))["errors"]
    before = set(house.hass.data[BUDGETS])
    assert len(before) == 2

    house.hass.config_entries.flow.async_abort(first)
    assert len(house.hass.data[BUDGETS]) == 1

    house.hass.config_entries.flow.async_abort(second)
    assert not house.hass.data[BUDGETS]
