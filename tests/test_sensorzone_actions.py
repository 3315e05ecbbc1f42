"""What can be asked of a SensorZone account by action."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
import pytest

from simulators.faults import Fault
from simulators.sensorzone import JSON_API, ApiVariants, SensorZoneCloud

from .conftest import DOMAIN, House
from .zone import (
    OpenZone,
    account_of,
    credentials,
    sign_in,
    unique,
)


class Caller:
    """Calls actions of one account."""

    def __init__(self, house: House, zone: SensorZoneCloud, entry: ConfigEntry) -> None:
        self.house, self.zone, self.entry = house, zone, entry

    async def __call__(self, action: str, **fields: Any) -> Any:
        return await self.house.hass.services.async_call(
            DOMAIN, action, fields, blocking=True, return_response=True
        )

    async def ask(self, action: str, **fields: Any) -> Any:
        return await self(action, config_entry_id=self.entry.entry_id, **fields)

    def device(self, device: str) -> str:
        found = dr.async_get(self.house.hass).async_get_device_by_identifier(
            (DOMAIN, f"sensorzone:{account_of(self.zone)}:{device}"), self.entry.entry_id
        )
        assert found is not None, device
        return found.id

    async def patiently(self, seconds: float, action: str, **fields: Any) -> Any:
        """Call what takes a while, and let that while go by."""
        task = asyncio.ensure_future(self.ask(action, **fields))
        await asyncio.sleep(0)
        await self.house.pass_time(seconds)
        return await task


@pytest.fixture(name="call", params=[{}, {**JSON_API, "keys": "camel"}], ids=["bare", "json-api"])
async def call_fixture(
    house: House, open_zone: OpenZone, request: pytest.FixtureRequest, tmp_path: Path
) -> Caller:
    house.hass.config.media_dirs = {"local": str(tmp_path)}
    zone = await open_zone(machines=2, people=4, cameras=1.0, variants=ApiVariants(**request.param))
    return Caller(house, zone, await sign_in(house, zone, people=True))


async def test_incursions_of_a_period_are_returned_for_account_device_or_entity(
    call: Caller,
) -> None:
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=5), now - timedelta(minutes=10)
    true = call.zone.truth(start, end)
    period = {"start": start.isoformat(), "end": end.isoformat()}

    whole = await call.ask("get_incursions", **period)
    assert [row["incursion"] for row in whole["incursions"]] == [
        str(one.id) for one in sorted(true, key=lambda one: one.start)
    ]
    assert whole["truncated"] is False

    machine = call.zone.machines[0]
    device = call.device(f"machine-{machine.id}")
    one = await call("get_incursions", device_id=device, **period)
    wanted = {str(found.id) for found in true if found.machine is machine}
    assert {row["incursion"] for row in one["incursions"]} == wanted
    state = call.house.state_of(unique(call.zone, f"machine-{machine.id}", "incursions_today"))
    same = await call("get_incursions", entity_id=[state.entity_id], **period)
    assert same == one

    tag = true[0].tag
    of_tag = await call("get_incursions", device_id=call.device(f"tag-{tag.id}"), **period)
    assert {row["incursion"] for row in of_tag["incursions"]} == {
        str(found.id) for found in true if found.tag is tag
    }


@pytest.mark.parametrize(
    "insight",
    [
        "summary",
        "machine_runtime",
        "acknowledged_incursions",
        "zone_time",
        "trends",
        "outliers",
        "preferences",
    ],
)
async def test_insights_come_as_the_vendor_tells_them(call: Caller, insight: str) -> None:
    found = await call.ask("get_insights", insight=insight)
    assert found["insight"] == insight
    assert found["result"] is not None
    assert found["result"] or insight == "outliers"


async def test_a_pivot_table_is_returned_and_its_export_saved(call: Caller) -> None:
    found = await call.ask("get_pivot", rows="machine", columns="date")
    assert found["result"]

    saved = await call.ask("get_pivot", rows="site", export=True)
    assert written(call, saved)


async def test_a_report_is_followed_to_its_end_and_saved(call: Caller) -> None:
    found = await call.patiently(90, "create_report", title="Weekly", save=True)
    assert found["report"]["state"] == "done"
    assert written(call, found)

    call.zone.config.reports_fail = True
    found = await call.patiently(90, "create_report", title="Weekly", save=True)
    assert found["report"]["state"] == "failed"
    assert "media_content_id" not in found


def written(call: Caller, found: Any) -> bytes:
    name = found["media_content_id"].rpartition("/")[2]
    folder = call.house.hass.config.media_dirs["local"]
    return Path(folder, DOMAIN, name).read_bytes()


async def test_a_site_report_is_returned(call: Caller) -> None:
    site = call.zone.world.sites[0]
    found = await call("get_site_report", device_id=call.device(f"site-{site.id}"))
    assert found["result"]


async def test_notes_on_machines_and_people_are_added_and_returned(call: Caller) -> None:
    person = next(
        iter(
            {
                one.tag.id
                for one in call.zone.truth(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))
            }
        )
    )
    for device in (f"machine-{call.zone.machines[0].id}", f"tag-{person}"):
        added = await call("add_note", device_id=call.device(device), text="Mirror replaced")
        assert added["note"]["id"]
        found = await call("get_notes", device_id=call.device(device))
        assert [note["text"] for note in found["notes"]] == ["Mirror replaced"]


@pytest.mark.parametrize("log", ["events", "messages"])
async def test_the_log_of_a_machine_is_returned(call: Caller, log: str) -> None:
    device = call.device(f"machine-{call.zone.machines[0].id}")
    assert (await call("get_machine_log", device_id=device, log=log))["rows"]


async def test_a_person_gets_a_tag_and_gives_it_back(call: Caller) -> None:
    created = await call.ask(
        "create_person",
        name="Ada Example",
        kind="staff",
        employee_id="E-77",
        email="ada@example.org",
    )
    person = created["person"]["id"]
    listed = await call.ask("list_people", kind="staff")
    assert next(row for row in listed["people"] if row["id"] == person) == {
        "id": person,
        "name": "Ada Example",
        "kind": "staff",
        "employee_id": "E-77",
        "company": None,
        "email": "ada@example.org",
    }
    assigned = await call.ask("assign_tag", tag=free_tag(call.zone), person_id=person)
    released = await call.ask("release_tag", assignment_id=assigned["assignment"]["id"])
    assert released == assigned


def free_tag(zone: SensorZoneCloud) -> str:
    """The serial number of a tag that nobody wears from now on."""
    tag = zone.world.tags_of(zone.world.brands[0])[0]
    tag.person = None
    return tag.serial


async def test_an_employee_id_that_is_taken_is_said_by_its_field(call: Caller) -> None:
    fields = {"name": "Ada Example", "kind": "staff", "employee_id": "E-77"}
    await call.ask("create_person", **fields)

    for variants in ("error", "list", "fields", "jsonapi"):
        call.zone.config.variants.errors = variants
        with pytest.raises(HomeAssistantError) as refused:
            await call.ask("create_person", **fields)
        assert refused.value.translation_key in ("refused_fields", "refused")
        if variants != "error":
            assert refused.value.translation_placeholders == {
                "problems": "employee_id is taken already"
            }
    call.zone.config.variants.errors = "html"
    with pytest.raises(HomeAssistantError) as refused:
        await call.ask("create_person", **fields)
    assert refused.value.translation_key == "refused"


async def test_staff_without_an_employee_id_is_not_even_asked_for(call: Caller) -> None:
    before = len(call.zone.log)
    with pytest.raises(HomeAssistantError) as refused:
        await call.ask("create_person", name="Ada Example", kind="staff")
    assert "employee_id" in str(refused.value.translation_placeholders)
    assert len(call.zone.log) == before


async def test_a_visitor_is_checked_in_and_out(call: Caller) -> None:
    visit = await call.ask(
        "check_in_visitor",
        name="Vic Example",
        tag=free_tag(call.zone),
        company="Acme",
        notes="Tour",
    )
    assert visit["visit"]["id"]
    assert await call.ask("check_out_visitor", visit_id=visit["visit"]["id"]) == visit


async def test_an_alert_is_created_changed_listed_and_deleted(call: Caller) -> None:
    created = await call.ask(
        "create_alert",
        name="Many",
        metric="unacknowledged_incursions",
        threshold=5,
        recipients=["boss@example.org"],
    )
    alert = created["alert"]["id"]
    await call.ask("update_alert", alert_id=alert, threshold=8)
    listed = (await call.ask("list_alerts"))["alerts"]
    assert [float(row["threshold"]) for row in listed if str(row["id"]) == alert] == [8]
    await call.ask("delete_alert", alert_id=alert)
    assert [
        row for row in (await call.ask("list_alerts"))["alerts"] if str(row["id"]) == alert
    ] == []
    with pytest.raises(HomeAssistantError):
        await call.ask("delete_alert", alert_id=alert)
    with pytest.raises(ServiceValidationError):
        await call.ask("update_alert", alert_id=alert)


async def test_a_project_is_created_and_renamed(call: Caller) -> None:
    created = await call.ask("create_project", name="Bypass")
    await call.house.pass_time(1000)
    device = call.device(f"project-{created['project']['id']}")

    renamed = await call("update_project", device_id=device, name="Bypass south")

    assert renamed["project"]["name"] == "Bypass south"
    found = dr.async_get(call.house.hass).async_get(device)
    assert found is not None
    assert found.name == "Bypass south"


async def test_worksites_come_with_boundaries_and_whether_these_cross_themselves(
    call: Caller,
) -> None:
    for site in call.zone.world.sites:
        site.radius = 0.0
    call.zone.world.sites[0].crossed = True
    found = (await call.ask("list_worksites"))["worksites"]
    assert len(found) == 2
    by_id = {row["id"]: row for row in found}
    crossed, plain = (by_id[str(site.id)] for site in call.zone.world.sites[:2])
    assert crossed["is_simple"] is False
    assert plain["is_simple"] is True
    assert plain["geojson"]["type"] == "Polygon"


async def test_a_device_of_another_kind_is_refused_by_its_field(call: Caller) -> None:
    site = call.device(f"site-{call.zone.world.sites[0].id}")
    for action, fields in (
        ("add_note", {"text": "no"}),
        ("get_machine_log", {"log": "events"}),
        ("update_project", {"name": "no"}),
    ):
        with pytest.raises(ServiceValidationError) as refused:
            await call(action, device_id=site, **fields)
        assert refused.value.translation_placeholders == {"field": "device_id"}


async def test_what_needs_a_sign_in_that_is_not_there_says_which(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone()
    typed = credentials(zone, username=None, password=None)
    entry = (await house.submit(await house.start_flow("sensorzone"), typed))["result"]
    call = Caller(house, zone, entry)

    for action, fields in (
        ("get_insights", {}),
        ("get_insights", {"insight": "zone_time"}),
        ("list_worksites", {}),
        ("create_alert", {"name": "Many"}),
    ):
        with pytest.raises(HomeAssistantError) as refused:
            await call.ask(action, **fields)
        assert refused.value.translation_key == "not_allowed"
        assert "no e-mail address" in str(refused.value.translation_placeholders)
    assert (await call.ask("list_people"))["people"]


async def test_a_limit_or_a_missing_right_is_said(call: Caller) -> None:
    call.zone.faults.add(Fault(match="/insights", kind="status", status=403, times=1))
    with pytest.raises(HomeAssistantError) as refused:
        await call.ask("get_insights")
    assert refused.value.translation_key == "not_allowed"
    call.zone.faults.add(
        Fault(match="/insights", kind="status", status=429, headers={"Retry-After": "60"}, times=1)
    )
    with pytest.raises(HomeAssistantError) as refused:
        await call.ask("get_insights")
    assert refused.value.translation_key == "rate_limited"


async def test_a_file_that_cannot_be_saved_is_said(call: Caller) -> None:
    folder = Path(call.house.hass.config.media_dirs["local"], DOMAIN)
    folder.write_bytes(b"in the way")
    with pytest.raises(HomeAssistantError) as refused:
        await call.ask("get_pivot", rows="site", export=True)
    assert refused.value.translation_key == "not_saved"
    folder.unlink()

    call.house.hass.config.media_dirs = {}
    with pytest.raises(ServiceValidationError) as without:
        await call.ask("get_pivot", rows="site", export=True)
    assert without.value.translation_key == "no_media_folder"


async def test_a_report_that_was_begun_without_a_word_is_unknown(call: Caller) -> None:
    call.zone.faults.add(Fault(match="/reports", kind="not_json", status=201, body=""))
    found = await call.ask("create_report", title="Weekly")
    assert found["report"] == {"id": None, "state": "unknown"}


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("get_insights", {"insight": "outliers"}),
        ("get_pivot", {"rows": "pedestrian"}),
        ("list_alerts", {}),
        ("get_machine_log", {"device_id": "machine", "log": "events"}),
        ("get_site_report", {"device_id": "site"}),
    ],
)
async def test_what_may_name_people_is_for_administrators(
    house: House,
    zone: SensorZoneCloud,
    hass_read_only_user: User,
    action: str,
    fields: dict[str, str],
) -> None:
    entry = await sign_in(house, zone)
    target = {} if "device_id" in fields else {"config_entry_id": entry.entry_id}
    before = len(zone.log)
    with pytest.raises(Unauthorized):
        await house.hass.services.async_call(
            DOMAIN,
            action,
            {**target, **fields},
            blocking=True,
            return_response=True,
            context=Context(user_id=hass_read_only_user.id),
        )
    assert len(zone.log) == before


async def test_a_log_of_a_wrong_period_is_refused(call: Caller) -> None:
    machine = call.device(f"machine-{call.zone.machines[0].id}")
    with pytest.raises(ServiceValidationError):
        await call(
            "get_machine_log",
            device_id=machine,
            log="events",
            start="2026-09-13T12:00:00Z",
            end="2026-09-12T12:00:00Z",
        )
