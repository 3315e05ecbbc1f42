"""A killed Home Assistant loses nothing of what happened, and repeats at most one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
import json
import os
from pathlib import Path
import time
from typing import Any

import pytest

from scripts.demo_support.accounts import sign_in_accounts
from scripts.demo_support.state import State
from simulators.schedule import ReportingConfig
from simulators.sensorist import CloudConfig, SensoristCloud

from .process import Life, living, recorded, until

# Each one told costs a write that is synced: so many take far longer than it takes to see the first and kill.
STORM, A_FEW = 300, 10
TOO_WARM, NORMAL = 100.0, 20.0

# What happened, at which threshold, when. Every alarm has a threshold of its own.
type Change = tuple[str, float, datetime]


@pytest.fixture
async def cloud(socket_enabled: None) -> AsyncIterator[SensoristCloud]:
    """A cloud in real time, whose alarms may be asked for every few seconds.

    Sensors are punctual: a report from before the sign-in that arrives after it would tell of what is old by then.
    """
    punctual = ReportingConfig(jitter=0, delay_least=0, delay_most=0, loss=0)
    plan = CloudConfig(gateways=2, sensors=3, max_ages={"/alarms": 3}, reporting=punctual)
    async with SensoristCloud(plan) as cloud:
        yield cloud


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def raise_a_storm(cloud: SensoristCloud) -> None:
    for source in cloud.sources("temp"):
        change(cloud, source, TOO_WARM)


def change(cloud: SensoristCloud, source: Any, value: float) -> None:
    """Measure this now, and from now on."""
    cloud.report(source.id, value)
    source.override = value


def set_alarms(cloud: SensoristCloud) -> None:
    sources = cloud.sources("temp")
    for number in range(STORM):
        cloud.alarms.create(
            cloud.user.id,
            sources[number % len(sources)],
            value=50 + number / 10,
            direction="above",
            delay=0,
            now=cloud.clock.now(),
        )


def truth(cloud: SensoristCloud, since: datetime) -> list[Change]:
    """What really happened since then."""
    cloud.settle()
    thresholds = {alarm.id: alarm.value for alarm in cloud.alarms.of(cloud.user.id)}
    return [
        ("alarm_raised" if log.triggered else "alarm_cleared", thresholds[log.alarm], log.date)
        for log in cloud.alarms.history(cloud.user.id, since, cloud.clock.now())
    ]


def changes(events: list[dict[str, Any]]) -> list[Change]:
    return [
        (event["type"], event["threshold"], datetime.fromisoformat(event["at"])) for event in events
    ]


def journaled(state: State, cloud: SensoristCloud) -> list[Change]:
    """What Home Assistant has written down as told; a kill may have torn the last line."""
    thresholds = {str(alarm.id): alarm.value for alarm in cloud.alarms.of(cloud.user.id)}
    found: list[Change] = []
    for path in state.config.glob(".storage/watchpost.*.journal"):
        for line in path.read_text().splitlines(keepends=True):
            told = json.loads(line) if line.endswith("\n") else {}
            if "id" in told:
                _, number, kind, at = told["id"].split("-", 3)
                found.append((kind, thresholds[number], datetime.fromisoformat(at)))
    return found


async def sign_in(life: Life, cloud: SensoristCloud, state: State) -> None:
    """Sign in as a person does, and wait until a kill would not undo it."""
    await sign_in_accounts(life.client, {"sensorist": {"url": cloud.url, **cloud.credentials}})
    stored = state.config / ".storage" / "core.config_entries"
    await until(lambda: stored.exists() and '"watchpost"' in stored.read_text(), seconds=40)


def has_heard(life: Life, count: int) -> bool:
    return len(life.heard) >= count


async def until_alarms_are_shown(life: Life) -> None:
    async with asyncio.timeout(40):
        while True:
            states = await life.client.command("get_states")
            if sum("threshold" in state["attributes"] for state in states) == STORM:
                return
            await asyncio.sleep(0.2)


async def until_all_is_told(state: State, cloud: SensoristCloud, began: datetime) -> None:
    deadline = time.monotonic() + 40
    while missing := set(truth(cloud, began)) - set(journaled(state, cloud)):
        assert time.monotonic() < deadline, f"not told: {sorted(missing)[:5]} of {len(missing)}"
        await asyncio.sleep(0.5)


@pytest.mark.timeout(120)
async def test_a_kill_in_the_middle_of_a_storm_loses_no_alarm_and_repeats_at_most_one(
    cloud: SensoristCloud, state: State
) -> None:
    set_alarms(cloud)
    began = datetime.now(UTC)
    async with living(state) as life:
        await sign_in(life, cloud, state)
        await until_alarms_are_shown(life)
        raise_a_storm(cloud)
        await until(lambda: len(life.heard) >= A_FEW, seconds=40, pause=0.001)
        await life.process.kill()
    before = changes(life.heard)
    written = journaled(state, cloud)
    assert len(written) < STORM, "the kill came too late to be one in the middle"

    change(cloud, cloud.sources("temp")[0], NORMAL)
    restarted = datetime.now(UTC)
    async with living(state):
        await until_all_is_told(state, cloud, began)
        change(cloud, cloud.sources("temp")[1], NORMAL)
        await until_all_is_told(state, cloud, began)
    told = recorded(state.config, restarted)
    after = changes(told)
    happened = truth(cloud, began)

    assert len(happened) > STORM
    # What was written down had been told, even if the death of the process kept it from us.
    assert {*before, *written, *after} == set(happened)
    # At most the one that was being told when the process died was not written down, and is told again.
    assert len(set(before) - set(written)) <= 1
    assert set(written).isdisjoint(after)
    assert len(before) == len(set(before))
    assert len(after) == len(set(after))
    assert [event["late"] for event in told] == [at < restarted for _, _, at in after]
    assert {event["late"] for event in told} == {True, False}


@pytest.mark.soak  # half a minute for each kill
@pytest.mark.timeout(1500)
async def test_many_kills_in_a_row_lose_nothing_and_repeat_at_most_one_each(
    cloud: SensoristCloud, state: State, record_testsuite_property: Callable[[str, str], None]
) -> None:
    kills = int(os.environ.get("WATCHPOST_KILLS", "12"))
    set_alarms(cloud)
    began = datetime.now(UTC)
    for number in range(kills):
        async with living(state) as life:
            if not number:
                await sign_in(life, cloud, state)
                await until_alarms_are_shown(life)
            for source in cloud.sources("temp"):
                change(cloud, source, NORMAL if number % 2 else TOO_WARM)
            # Each kill at another moment, from before the first is dispatched on.
            await until(partial(has_heard, life, 7 * number % 60), seconds=60, pause=0.001)
            await life.process.kill()
        before = len(list(state.config.glob(".storage/watchpost.*.journal.tmp")))
        assert before <= 1
    async with living(state):
        await until_all_is_told(state, cloud, began)
    happened = truth(cloud, began)
    told = changes(recorded(state.config, began))
    known = journaled(state, cloud)
    repeated = len(told) - len(set(told))
    record_testsuite_property("kills, events, repeated", f"{kills}, {len(happened)}, {repeated}")

    # What the recorder had not committed when it was killed was dispatched and written down.
    assert set(told) | set(known) == set(happened)
    assert len(known) == len(set(known))
    assert repeated <= kills
    assert not list(state.config.glob(".storage/watchpost.*.journal.tmp"))
