"""What an earlier version left behind starts under this one: nothing is lost, doubled or renamed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
import json
import lzma
from pathlib import Path
import sqlite3
from typing import Any

import pytest

from scripts.demo_support.client import Client, signed_in
from scripts.demo_support.home_assistant import home_assistant
from scripts.demo_support.state import State, free_port

from .clouds import START, TOO_WARM, Clouds, Write, open_clouds
from .record import events_of, of_watchpost, placeholders, replacing

HERE = Path(__file__).parent
VERSIONS = sorted(path.name for path in HERE.iterdir() if (path / "recording.json").exists())
DOWN = timedelta(minutes=10)

# What a person sees of an entity or has decided about it, and what other things in Home Assistant refer to.
ENTITY_KEYS = (
    "entity_id",
    "id",
    "unique_id",
    "config_entry_id",
    "device_id",
    "disabled_by",
    "hidden_by",
    "name",
    "icon",
    "area_id",
    "aliases",
    "labels",
    "options",
    "original_device_class",
    "entity_category",
    "translation_key",
    "unit_of_measurement",
)
DEVICE_KEYS = (
    "id",
    "identifiers",
    "area_id",
    "labels",
    "name_by_user",
    "disabled_by",
    "via_device_id",
    "config_entries",
)


@dataclass
class Upgrade:
    """A start of this version on what another one left behind."""

    before: dict[str, Any]
    after: dict[str, Any]
    recording: dict[str, Any]
    events: list[dict[str, Any]]
    statistics_before: dict[str, tuple[Any, ...]]
    statistics_after: dict[str, tuple[Any, ...]]
    issues: list[dict[str, Any]]
    statistics_issues: dict[str, Any]
    states: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    registrations_before: Any
    registrations_after: Any
    missed_since: datetime


def registries(storage: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("core.config_entries", "core.device_registry", "core.entity_registry"):
        found |= of_watchpost(name, json.loads((storage / name).read_text()))["data"]
    return found


def statistics(database: Path) -> dict[str, tuple[Any, ...]]:
    """Return id, unit, class and number of hours of each statistic."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT statistic_id, id, source, unit_of_measurement, has_sum, mean_type, unit_class"
            " FROM statistics_meta"
        ).fetchall()
        hours = dict(
            connection.execute("SELECT metadata_id, count(*) FROM statistics GROUP BY metadata_id")
        )
    return {row[0]: (*row[1:], hours.get(row[1], 0)) for row in rows}


def registrations(clouds: Clouds) -> dict[str, Any]:
    """Return what the vendors would call or have changed for us."""
    sensorist = clouds.sensorist
    viziosense: Any = clouds.by_vendor["viziosense"]
    kunze: Any = clouds.by_vendor["manfred_kunze"]
    return {
        "sensorist": [(c.id, c.url, c.type) for c in sensorist.callbacks.of(sensorist.user.id)],
        "viziosense": [
            (w.id, w.url, w.webhook_type, w.active, sorted(w.headers), sorted(w.params))
            for w in viziosense.webhooks.all
        ],
        "manfred_kunze": [
            (
                channel.id,
                channel.target,
                channel.enabled,
                sorted(rule.id for rule in book.rules.values() if channel.id in rule.channels),
            )
            for book in kunze.alert_engine.stores.values()
            for channel in book.channels.values()
        ],
    }


async def replayed(clouds: Clouds, recording: dict[str, Any], replace: Any) -> None:
    """Let the clouds live through what they did while the recording was made."""
    clouds.set_alarm()
    steps: list[tuple[datetime, Any]] = [
        (START + timedelta(seconds=after), lambda value=value: clouds.measure(value))
        for after, value in recording["measured"]
    ]
    for data in recording["writes"]:
        write = Write.from_json(data, replace)
        steps.append((write.at, lambda write=write: clouds.again(write)))
    await clouds.play(steps)
    await clouds.go_to(START + timedelta(seconds=recording["ended"]))


@asynccontextmanager
async def upgraded(version: str, folder: Path) -> AsyncIterator[Upgrade]:
    recording = json.loads((HERE / version / "recording.json").read_text())
    state = State(folder)
    storage = state.config / ".storage"
    storage.mkdir()
    port = free_port()
    async with open_clouds() as clouds:
        replace = replacing({v: k for k, v in placeholders(clouds, port).items()})
        for path in (HERE / version / "storage").iterdir():
            (storage / path.name).write_text(replace(path.read_text()))
        database = state.config / "home-assistant_v2.db"
        database.write_bytes(
            lzma.decompress((HERE / version / "home-assistant_v2.db.xz").read_bytes())
        )
        before, statistics_before = registries(storage), statistics(database)

        await replayed(clouds, recording, replace)
        registered = registrations(clouds)
        ended = clouds.clock.now()
        # While Home Assistant is down an alarm is raised.
        await clouds.go_to(ended + DOWN / 2)
        clouds.measure(TOO_WARM)
        await clouds.go_to(ended + DOWN)
        async with (
            clouds.running(),
            home_assistant(state, port, clouds.program) as process,
            signed_in(f"http://127.0.0.1:{port}", process) as client,
        ):
            await until_started(client, state, len(recording["events"]))
            states = await client.command("get_states")
            entries = await client.command("config_entries/get", domain="watchpost")
            issues = (await client.command("repairs/list_issues"))["issues"]
            validated = await client.command("recorder/validate_statistics")
            await process.stop()
        yield Upgrade(
            before=before,
            after=registries(storage),
            recording=recording,
            events=events_of(database)[len(recording["events"]) :],
            statistics_before=statistics_before,
            statistics_after=statistics(database),
            issues=[
                issue for issue in issues if issue["domain"] in ("watchpost", "sensor", "recorder")
            ],
            statistics_issues=validated,
            states=states,
            entries=entries,
            registrations_before=registered,
            registrations_after=registrations(clouds),
            missed_since=ended,
        )


async def until_started(client: Client, state: State, known: int) -> None:
    """Wait until all accounts are loaded and what was missed is in the database."""
    async with asyncio.timeout(120):
        while True:
            entries = await client.command("config_entries/get", domain="watchpost")
            events = events_of(state.config / "home-assistant_v2.db")[known:]
            is_raised = any(
                event["vendor"] == "sensorist" and event["type"] == "alarm_raised"
                for event in events
            )
            if is_raised and all(entry["state"] == "loaded" for entry in entries):
                break
            await asyncio.sleep(0.5)
    await asyncio.sleep(5)  # what would come twice comes right after


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def chosen(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {row["id"]: {key: row.get(key) for key in keys} for row in rows}


@pytest.mark.timeout(240)
async def test_an_earlier_version_s_folder_starts_with_all_that_people_rely_on(
    version: str, tmp_path: Path, socket_enabled: None
) -> None:
    async with upgraded(version, tmp_path) as upgrade:
        before, after = upgrade.before, upgrade.after
        assert [entry["state"] for entry in upgrade.entries] == ["loaded"] * 5

        entities = chosen(after["entities"], ENTITY_KEYS)
        known = chosen(before["entities"], ENTITY_KEYS)
        assert {key: entities.get(key) for key in known} == known
        devices = chosen(after["devices"], DEVICE_KEYS)
        known = chosen(before["devices"], DEVICE_KEYS)
        assert {key: devices.get(key) for key in known} == known
        for old in before["entries"]:
            new = next(e for e in after["entries"] if e["entry_id"] == old["entry_id"])
            assert new["unique_id"] == old["unique_id"]
            assert new["title"] == old["title"]
            assert new["options"].items() >= old["options"].items()
            assert new["data"].keys() >= old["data"].keys()
            assert new["data"].get("webhook_id") == old["data"].get("webhook_id")

        meta = {key: row[:-1] for key, row in upgrade.statistics_before.items()}
        assert {key: upgrade.statistics_after[key][:-1] for key in meta} == meta
        assert all(
            upgrade.statistics_after[key][-1] >= row[-1]
            for key, row in upgrade.statistics_before.items()
        )
        assert upgrade.statistics_issues == {}
        assert upgrade.issues == []

        assert upgrade.registrations_after == upgrade.registrations_before

        told = {json.dumps(event, sort_keys=True) for event in upgrade.recording["events"]}
        times = {
            (e["vendor"], e["device_id"], e["type"], e["at"]) for e in upgrade.recording["events"]
        }
        again = [
            event
            for event in upgrade.events
            if (event["vendor"], event["device_id"], event["type"], event["at"]) in times
        ]
        assert told
        assert again == []
        raised = [
            e for e in upgrade.events if e["vendor"] == "sensorist" and e["type"] == "alarm_raised"
        ]
        assert len(raised) == 1
        assert raised[0]["late"] is True
        assert datetime.fromisoformat(raised[0]["at"]) > upgrade.missed_since
        keys = [
            (e["vendor"], e["device_id"], e["type"], e["at"], e.get("alert_id"))
            for e in upgrade.events
        ]
        assert len(keys) == len(set(keys))
