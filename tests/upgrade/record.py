"""Record what a version leaves behind: `python -m tests.upgrade.record 0.1.0`, run in a checkout of that version.

A real Home Assistant signs in to the five clouds, changes what a person changes, sees an alarm come and go, and stops.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping
from contextlib import closing
import json
import lzma
from pathlib import Path
import re
import sqlite3
import sys
import tempfile
from typing import Any

from scripts.demo_support.accounts import sign_in_accounts
from scripts.demo_support.cameras import activate_cameras
from scripts.demo_support.client import Client, signed_in
from scripts.demo_support.entities import wait_for_values
from scripts.demo_support.home_assistant import home_assistant
from scripts.demo_support.state import State, free_port
from tests.process import until

from .clouds import NORMAL, START, TOO_WARM, Clouds, open_clouds

HERE = Path(__file__).parent
REGISTRIES = ("core.config_entries", "core.device_registry", "core.entity_registry")
KEPT = (*REGISTRIES, "core.restore_state", "repairs.issue_registry", "core.area_registry")


def placeholders(clouds: Clouds, port: int) -> dict[str, str]:
    """Return the addresses of this run, and what stands for each of them in a recording."""
    known = {
        cloud.url.removesuffix(cloud.base_path): f"http://{vendor}.invalid"
        for vendor, cloud in clouds.by_vendor.items()
    }
    return known | {f"http://127.0.0.1:{port}": "http://home-assistant.invalid"}


def replacing(pairs: Mapping[str, str]) -> Callable[[str], str]:
    """Return what replaces each of the keys by its value."""
    pattern = re.compile("|".join(map(re.escape, pairs)))
    return lambda text: pattern.sub(lambda found: pairs[found[0]], text)


def of_watchpost(name: str, stored: dict[str, Any]) -> dict[str, Any]:
    """Leave out what other integrations have in a registry."""
    data = stored["data"]
    if name == "core.config_entries":
        data["entries"] = [each for each in data["entries"] if each["domain"] == "watchpost"]
    if name == "core.entity_registry":
        data["entities"] = [each for each in data["entities"] if each["platform"] == "watchpost"]
        data["deleted_entities"] = []
    if name == "core.device_registry":
        data["devices"] = [
            each
            for each in data["devices"]
            if any(d == "watchpost" for d, _ in each["identifiers"])
        ]
        data["deleted_devices"] = []
    if name == "core.restore_state":
        stored["data"] = [
            each
            for each in data
            if not each["state"]["entity_id"].startswith(("sun.", "zone.", "automation."))
        ]
    if name == "repairs.issue_registry":
        data["issues"] = [each for each in data["issues"] if each["domain"] == "watchpost"]
    return stored


async def set_options(client: Client) -> None:
    """Send each account's options form as it stands, so that every option is stored."""
    for account in await client.command("config_entries/get", domain="watchpost"):
        form = await client.post(
            "/api/config/config_entries/options/flow", {"handler": account["entry_id"]}
        )
        if form["type"] != "form":
            continue
        fields = {
            each["name"]: value
            for each in form["data_schema"]
            if (
                value := each.get("default", (each.get("description") or {}).get("suggested_value"))
            )
            is not None
        }
        names = {each["name"]: each for each in form["data_schema"]}
        if "push_rules" in names:
            fields["push_rules"] = [
                names["push_rules"]["selector"]["select"]["options"][0]["value"]
            ]
        if "people" in names:
            fields["people"] = True
        done = await client.post(
            f"/api/config/config_entries/options/flow/{form['flow_id']}", fields
        )
        assert done["type"] == "create_entry", done


async def personalise(client: Client) -> None:
    """Rename, disable and enable as people do."""
    entities = await client.command("config/entity_registry/list")
    ours = [each for each in entities if each["platform"] == "watchpost"]
    shown = [e for e in ours if not e["disabled_by"] and e["entity_id"].startswith("sensor.")]
    hidden = [e for e in ours if e["disabled_by"] == "integration"]
    first, second = shown[0], shown[-1]
    await client.command(
        "config/entity_registry/update",
        entity_id=first["entity_id"],
        new_entity_id="sensor.renamed_by_a_person",
        name="Renamed by a person",
    )
    await client.command(
        "config/entity_registry/update", entity_id=second["entity_id"], disabled_by="user"
    )
    for each in hidden[:3]:
        await client.command(
            "config/entity_registry/update", entity_id=each["entity_id"], disabled_by=None
        )
    device = first["device_id"]
    await client.command(
        "config/device_registry/update", device_id=device, name_by_user="Named by a person"
    )


def events_of(database: Path) -> list[dict[str, Any]]:
    """Return every watchpost_event of a database."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT shared_data FROM events JOIN event_types USING (event_type_id)"
            " JOIN event_data USING (data_id) WHERE event_types.event_type = 'watchpost_event'"
            " ORDER BY events.event_id"
        )
        return [json.loads(data) for (data,) in rows]


async def until_dispatched(state: State, kind: str) -> None:
    """Wait until an event of this kind is in the database."""

    def is_dispatched() -> bool:
        return any(
            event["type"] == kind and event["vendor"] == "sensorist"
            for event in events_of(state.config / "home-assistant_v2.db")
        )

    await until(is_dispatched, 90, pause=1)


async def record(version: str) -> None:
    steps: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder))
        async with open_clouds() as clouds:
            clouds.keep_writes()
            clouds.set_alarm()

            def measure(value: float) -> None:
                steps.append(((clouds.clock.now() - START).total_seconds(), value))
                clouds.measure(value)

            async with clouds.running():
                port = free_port()
                base_url = f"http://127.0.0.1:{port}"
                async with (
                    home_assistant(state, port, clouds.program) as process,
                    signed_in(base_url, process) as client,
                ):
                    await sign_in_accounts(client, clouds.doors)
                    await set_options(client)
                    await wait_for_values(client, 30)
                    await activate_cameras(client, clouds.doors["viziosense"], 60)
                    await wait_for_values(client, 60)
                    measure(TOO_WARM)
                    await until_dispatched(state, "alarm_raised")
                    measure(NORMAL)
                    await until_dispatched(state, "alarm_cleared")
                    await personalise(client)
                    await wait_for_values(client, 90)
                    await asyncio.sleep(20)
                    await process.stop()
                ended = (clouds.clock.now() - START).total_seconds()
            keep(HERE / version, state, clouds, port, ended, steps)


def keep(
    target: Path,
    state: State,
    clouds: Clouds,
    port: int,
    ended: float,
    steps: list[tuple[float, float]],
) -> None:
    """Write the recording."""
    anonymous = replacing(placeholders(clouds, port))
    storage = target / "storage"
    storage.mkdir(parents=True, exist_ok=True)
    for path in sorted((state.config / ".storage").iterdir()):
        if path.name in KEPT:
            stored = of_watchpost(path.name, json.loads(path.read_text()))
            (storage / path.name).write_text(
                anonymous(json.dumps(stored, indent=1, ensure_ascii=False)) + "\n"
            )
        elif path.name.startswith("watchpost") and path.is_file():
            (storage / path.name).write_text(anonymous(path.read_text()))
    database = state.config / "home-assistant_v2.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
    (target / "home-assistant_v2.db.xz").write_bytes(lzma.compress(database.read_bytes(), preset=9))
    writes = [write.as_json() for write in clouds.writes]
    for write, original in zip(writes, clouds.writes, strict=True):
        write["body"] = base64.b64encode(anonymous(original.body.decode()).encode()).decode()
    events = events_of(database)
    made = {"ended": ended, "measured": steps, "writes": writes, "events": events}
    (target / "recording.json").write_text(anonymous(json.dumps(made, indent=1)) + "\n")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
