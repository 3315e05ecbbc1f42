"""What one broken resource of SensorZone's costs: its own feature, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers import issue_registry as ir
import pytest

from simulators.faults import Fault
from simulators.sensorzone import SensorZoneCloud

from .conftest import DOMAIN, House, watchpost_lines
from .zone import Ear, OpenZone, sign_in, unique

# Each way in which a resource may be bad, standing.
BAD: dict[str, dict[str, Any]] = {
    "404": {"status": 404},
    "401": {"status": 401},
    "403": {"status": 403},
    "405": {"status": 405},
    "422": {"status": 422},
    "500": {"status": 500},
    "501": {"status": 501},
    "503": {"status": 503},
    "html": {"kind": "not_json"},
    "html_404": {"kind": "not_json", "status": 404},
    "redirect": {"kind": "redirect", "location": "/users/sign_in"},
    "elsewhere": {"kind": "redirect", "location": "https://login.example.com/"},
    "shape": {"kind": "root", "value": {"data": {"data": 1}}},
    "cut": {"kind": "cut_json"},
}


def cases(usual: tuple[str, ...]) -> list[Any]:
    """Return every way to be bad; these in every run, the others in the soak tests."""
    return [pytest.param(bad, marks=() if bad in usual else pytest.mark.soak) for bad in BAD]


def issues(house: House, kind: str) -> list[ir.IssueEntry]:
    return [
        issue
        for (domain, _), issue in ir.async_get(house.hass).issues.items()
        if domain == DOMAIN and issue.translation_key == kind
    ]


def asked(zone: SensorZoneCloud, method: str, path: str) -> int:
    return len([record for record in zone.log if (record.method, record.path) == (method, path)])


def lines_about(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [line for line in watchpost_lines(caplog) if f"cannot update {name}: " in line]


def incursions_today(house: House, zone: SensorZoneCloud) -> str:
    return house.state_of(unique(zone, "account", "incursions_today")).state


def running(house: House, zone: SensorZoneCloud) -> str:
    machine = f"machine-{zone.machines[0].id}"
    return house.state_of(unique(zone, machine, "running"), "binary_sensor").state


# -- the list of people and machines --


@pytest.mark.parametrize("bad", cases(("401", "422", "html", "redirect")))
async def test_without_entities_at_a_start_base_stations_and_incursions_go_on(
    house: House, open_zone: OpenZone, ear: Ear, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=1)
    entry = await sign_in(house, zone)
    await house.pass_time(30)
    devices = len(house.devices(entry))
    zone.faults.add(Fault(match="/api/v1/entities", **BAD[bad]))
    caplog.clear()

    await house.reload(entry)
    one = zone.incur(seconds=5)
    await house.pass_time(900)

    assert entry.state is ConfigEntryState.LOADED
    assert running(house, zone) in ("on", "off")
    assert int(incursions_today(house, zone)) > 0
    assert str(one.id) in ear.told("incursion")
    assert len(lines_about(caplog, "entities")) == 1
    assert len(house.devices(entry)) == devices
    assert house.hass.config_entries.flow.async_progress() == []
    zone.faults.clear()


# -- any other list, at a start and while running --


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("worksites", "404"),
        ("worksites", "401"),
        ("worksites", "503"),
        *(pytest.param("projects", bad, marks=pytest.mark.soak) for bad in ("404", "500", "html")),
    ],
)
async def test_a_list_of_places_that_fails_costs_itself_alone_and_heals(
    house: House, open_zone: OpenZone, name: str, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=1)
    entry = await sign_in(house, zone)
    await house.pass_time(30)
    devices = len(house.devices(entry))
    fault = zone.faults.add(Fault(match=f"/api/v1/{name}", **BAD[bad]))
    caplog.clear()

    await house.reload(entry)
    await house.pass_time(4 * 900)

    assert running(house, zone) in ("on", "off")
    assert int(incursions_today(house, zone)) > 0
    assert len(lines_about(caplog, name)) == 1
    assert len(house.devices(entry)) == devices
    assert house.hass.config_entries.flow.async_progress() == []
    if bad not in ("500", "503"):
        assert fault.used <= 8  # off after three polls, and asked for again no more than daily
    zone.faults.clear()
    if bad not in ("500", "503"):
        house.freezer.tick(timedelta(days=1))  # one step: a day of polls would take a minute
    await house.pass_time(2000)
    assert entry.runtime_data.connection.diagnostics()["turned_off"] == {}


# -- incursions --


@pytest.mark.parametrize("bad", cases(("404", "401", "503", "shape")))
async def test_incursions_that_fail_at_a_start_are_said_asked_again_and_none_is_lost(
    house: House, open_zone: OpenZone, ear: Ear, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=1)
    entry = await sign_in(house, zone)
    await house.pass_time(30)
    zone.faults.add(Fault(match="/api/v1/incursions", **BAD[bad]))
    caplog.clear()
    await house.reload(entry)
    one = zone.incur(seconds=5)
    await house.pass_time(1200)

    assert running(house, zone) in ("on", "off")
    assert incursions_today(house, zone) == "unavailable"
    assert str(one.id) not in ear.told("incursion")
    assert len(lines_about(caplog, "incursions")) == 1
    assert len(issues(house, "alarms_not_seen")) == 1
    assert house.hass.config_entries.flow.async_progress() == []

    zone.faults.clear()
    await house.pass_time(1900)
    assert ear.told("incursion").count(str(one.id)) == 1
    assert int(incursions_today(house, zone)) > 0
    assert issues(house, "alarms_not_seen") == []


async def test_a_later_page_of_incursions_that_fails_loses_none(
    house: House, open_zone: OpenZone, ear: Ear
) -> None:
    zone = await open_zone(machines=1, page_size=2)
    zone.config.variants.paging = "link"
    await sign_in(house, zone)
    await house.pass_time(30)
    start = datetime.now(UTC)
    zone.faults.add(
        Fault(match="/api/v1/incursions", kind="status", status=500, query={"page": "2"})
    )
    made = []
    for _ in range(7):
        made.append(str(zone.incur(seconds=5).id))
        await house.pass_time(120)
    await house.pass_time(1800)
    assert made[-1] in ear.told("incursion")

    zone.faults.clear()
    await house.pass_time(1900)
    now = datetime.now(UTC)
    true = [one for one in zone.truth(start, now) if one.listed_at < now.timestamp() - 661]
    assert {str(one.id) for one in true} | set(made) <= set(ear.told("incursion"))
    assert len(ear.told("incursion")) == len(set(ear.told("incursion")))


# -- the session --


@pytest.mark.parametrize("ended", ["status", "redirect", "page", "browser"])
async def test_an_ended_session_is_renewed_once_and_no_incursion_is_lost(
    house: House, open_zone: OpenZone, ear: Ear, ended: Any, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=1)
    zone.config.variants.ended = ended
    zone.faults.add(Fault(match="/api/v2/", status=404))  # something else has failed for long
    await sign_in(house, zone)
    await house.pass_time(120)
    for _ in range(3):
        sign_ins = asked(zone, "POST", "/api/v1/session")
        zone.sessions.lose_cookies()
        one = zone.incur(seconds=5)
        await house.pass_time(300)
        assert str(one.id) in ear.told("incursion")
        assert asked(zone, "POST", "/api/v1/session") == sign_ins + 1
    assert not lines_about(caplog, "incursions")
    assert not lines_about(caplog, "inventory")


async def test_a_session_that_cannot_be_renewed_is_said(
    house: House, open_zone: OpenZone, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=1)
    zone.config.variants.ended = "redirect"
    await sign_in(house, zone)
    await house.pass_time(120)
    zone.sessions.lose_cookies()
    zone.faults.add(Fault(match="/api/v1/session", method="POST", kind="status", status=500))
    await house.pass_time(600)
    assert len(lines_about(caplog, "incursions")) == 1
    zone.faults.clear()
    await house.pass_time(1200)
    assert incursions_today(house, zone).isdigit()


@pytest.mark.parametrize("status", [404, 302])
async def test_a_sign_in_that_is_not_there_at_a_start_is_an_outage(
    house: House, open_zone: OpenZone, ear: Ear, status: int
) -> None:
    zone = await open_zone(machines=1)
    entry = await sign_in(house, zone)
    await house.pass_time(30)
    zone.faults.add(Fault(match="/api/v1/session", method="POST", kind="status", status=status))
    await house.reload(entry)
    await house.pass_time(300)
    sign_ins = asked(zone, "POST", "/api/v1/session")
    assert sign_ins < 40
    one = zone.incur(seconds=5)
    zone.faults.clear()
    await house.pass_time(1800)

    assert entry.state is ConfigEntryState.LOADED
    assert str(one.id) in ear.told("incursion")
    assert running(house, zone) in ("on", "off")
    assert int(incursions_today(house, zone)) > 0


async def test_a_list_that_is_a_page_for_people_costs_few_sign_ins(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1)
    await sign_in(house, zone)
    await house.pass_time(60)
    sign_ins = asked(zone, "POST", "/api/v1/session")
    zone.faults.add(Fault(match="/base_stations/", kind="not_json"))
    await house.pass_time(1800)
    assert asked(zone, "POST", "/api/v1/session") - sign_ins <= 6
    assert int(incursions_today(house, zone)) > 0


@pytest.mark.parametrize("ended", ["redirect", "page"])
async def test_a_note_that_meets_an_ended_session_is_added_once(
    house: House, open_zone: OpenZone, ended: Any
) -> None:
    zone = await open_zone(machines=1)
    zone.config.variants.ended = ended
    entry = await sign_in(house, zone)
    await house.pass_time(60)
    zone.sessions.lose_cookies()
    machine = next(d for d in house.devices(entry) if d.name == zone.machines[0].name)
    await house.hass.services.async_call(
        DOMAIN,
        "add_note",
        {"device_id": machine.id, "text": "Check the tag"},
        blocking=True,
        return_response=True,
    )
    posts = [record.status for record in zone.log if record.path == "/api/v1/notes"]
    assert posts == [302 if ended == "redirect" else 200, 201]
