"""What SensorZone could send that makes no sense; nothing is told twice, nothing made up."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from homeassistant.setup import async_setup_component
import pytest

from simulators.faults import Fault
from simulators.sensorzone import Oddities, SensorZoneCloud

from .conftest import House, watchpost_lines
from .zone import Ear, OpenZone, sign_in, unique

ODD = {
    "endless": Oddities(endless=1.0),
    "backwards": Oddities(backwards=1.0),
    "revised": Oddities(revised=1.0),
    "belated": Oddities(belated=0.6, belated_seconds=1500.0),
    "repeated": Oddities(repeated=True),
    "no version": Oddities(no_version=True),
}


def told_once(ear: Ear) -> bool:
    return all(
        max(Counter(ear.told(kind)).values(), default=1) == 1
        for kind in ("incursion", "incursion_acknowledged")
    )


def _case(odd: str) -> Any:
    """Each takes more than an hour of simulated time; some in every run, the others in the soak tests."""
    return pytest.param(odd, marks=() if odd in ("endless", "revised") else pytest.mark.soak)


@pytest.mark.parametrize("odd", [_case(odd) for odd in ODD])
async def test_odd_incursions_are_told_once_each(
    house: House, open_zone: OpenZone, ear: Ear, odd: str, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=2, page_size=5, oddities=ODD[odd])
    zone.config.variants.paging = "link"
    await sign_in(house, zone)
    await house.pass_time(10)
    start = datetime.now(UTC)
    await house.pass_time(4800)

    now = datetime.now(UTC)
    # A record that comes late is found by the next look at the whole day.
    visible = [one for one in zone.truth(start, now) if one.listed_at < now.timestamp() - 660]
    assert len(visible) > 5
    assert {str(one.id) for one in visible} <= set(ear.told("incursion"))
    assert told_once(ear)
    assert watchpost_lines(caplog) == []
    if odd in ("endless", "backwards"):
        assert {event.get("length_seconds") for event in ear.heard} == {None}
        mean = unique(zone, "account", "mean_length")
        assert house.state_of(mean).state == "unknown" or odd == "endless"


async def test_an_incursion_acknowledged_after_a_restart_is_told_as_that_and_not_again(
    house: House, zone: SensorZoneCloud, ear: Ear
) -> None:
    entry = await sign_in(house, zone)
    await house.pass_time(10)
    one = zone.incur(seconds=10, acknowledged_after=900)
    known = str(one.id)
    await house.pass_time(120)
    assert known in ear.told("incursion")
    device = f"machine-{one.machine.id}"
    unsafe = unique(zone, device, "unacknowledged")
    assert house.state_of(unsafe, "binary_sensor").state == "on"

    await house.hass.config_entries.async_unload(entry.entry_id)
    house.freezer.tick(1200)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.pass_time(60)

    assert ear.told("incursion").count(known) == 1
    assert ear.told("incursion_acknowledged").count(known) == 1
    await house.reload(entry)
    await house.pass_time(700)
    assert ear.told("incursion").count(known) == 1
    assert ear.told("incursion_acknowledged").count(known) == 1


async def test_an_incursion_first_seen_acknowledged_is_told_as_one(
    house: House, zone: SensorZoneCloud, ear: Ear
) -> None:
    entry = await sign_in(house, zone)
    await house.pass_time(10)
    await house.hass.config_entries.async_unload(entry.entry_id)
    one = zone.incur(seconds=10, acknowledged_after=60)
    house.freezer.tick(600)
    await house.hass.config_entries.async_setup(entry.entry_id)
    await house.pass_time(60)
    await house.reload(entry)
    await house.pass_time(700)

    (event,) = [event for event in ear.heard if event["incursion"] == str(one.id)]
    assert event["type"] == "incursion"
    assert event["acknowledged"] is True


async def test_first_set_up_tells_nothing_old(
    house: House, zone: SensorZoneCloud, ear: Ear
) -> None:
    one = zone.incur(seconds=10, acknowledged_after=400)
    house.freezer.tick(60)
    await sign_in(house, zone)
    await house.pass_time(900)
    assert str(one.id) not in ear.told("incursion") + ear.told("incursion_acknowledged")
    assert int(house.state_of(unique(zone, "account", "incursions_today")).state) > 0


async def test_a_machine_is_renamed_and_merged(
    house: House, zone: SensorZoneCloud, ear: Ear
) -> None:
    entry = await sign_in(house, zone)
    await house.pass_time(10)
    one, other = zone.machines[:2]
    told = zone.incur(one, seconds=10)
    await house.pass_time(120)
    one.name = "Big excavator"
    await house.pass_time(1000)
    assert "Big excavator" in {device.name for device in house.devices(entry)}

    zone.merge(one, into=other)
    await house.pass_time(4000)

    assert "Big excavator" not in {device.name for device in house.devices(entry)}
    assert ear.told("incursion").count(str(told.id)) == 1
    assert told_once(ear)


@pytest.mark.parametrize("gps", ["none", "zero"])
async def test_a_machine_without_a_fix_is_nowhere(
    house: House, zone: SensorZoneCloud, gps: Any, ear: Ear
) -> None:
    zone.machines[0].gps = gps
    await sign_in(house, zone)
    await house.pass_time(10)
    zone.incur(zone.machines[0], seconds=5)
    await house.pass_time(600)

    device = f"machine-{zone.machines[0].id}"
    tracker = house.state_of(unique(zone, device, "position"), "device_tracker")
    assert tracker.state == "unknown"
    assert "latitude" not in tracker.attributes
    there = [event for event in ear.heard if event["machine"] == zone.machines[0].name]
    assert there
    assert not any("latitude" in event for event in there)
    elsewhere = unique(zone, f"machine-{zone.machines[1].id}", "position")
    assert "latitude" in house.state_of(elsewhere, "device_tracker").attributes


async def test_a_machine_that_falls_silent_is_out_of_touch_and_then_unavailable(
    house: House, zone: SensorZoneCloud
) -> None:
    await sign_in(house, zone)
    machine = zone.machines[0]
    device = f"machine-{machine.id}"
    await house.pass_time(300)
    machine.silent = True
    await house.pass_time(1200)
    connectivity = unique(zone, device, "connectivity")
    assert house.state_of(connectivity, "binary_sensor").state == "off"
    await house.pass_time(1800)
    running = unique(zone, device, "running")
    assert house.state_of(running, "binary_sensor").state == "unavailable"
    assert house.state_of(unique(zone, device, "last_report")).state not in (
        "unavailable",
        "unknown",
    )
    tracker = house.state_of(unique(zone, device, "position"), "device_tracker")
    assert "latitude" in tracker.attributes


async def test_positions_in_events_are_rough_unless_allowed(
    house: House, zone: SensorZoneCloud, ear: Ear
) -> None:
    entry = await sign_in(house, zone)
    await house.pass_time(10)
    zone.incur(seconds=5)
    await house.pass_time(120)
    assert ear.heard
    for event in ear.heard:
        assert event["latitude"] == round(event["latitude"], 2)
        assert not {"tag", "person", "operator", "operator_tag"} & event.keys()

    await house.set_options(
        entry, people=True, person_names=True, exact_positions=True, tag_test_days=30
    )
    ear.heard.clear()
    one = zone.incur(seconds=5)
    await house.pass_time(120)
    (event,) = [event for event in ear.heard if event["incursion"] == str(one.id)]
    assert event["latitude"] == pytest.approx(one.position[0], abs=1e-5)
    assert event["tag"] == one.tag.serial
    assert event["person"] == (one.tag.person.name if one.tag.person else None)


FAULTS = [
    Fault(kind="drop"),
    Fault(kind="status", status=500),
    Fault(kind="status", status=502, body="<html>"),
    Fault(kind="cut"),
    Fault(kind="cut_json"),
    Fault(kind="not_json"),
    Fault(kind="root", value=[]),
    Fault(kind="root", value={"data": {"data": 1}}),
    Fault(kind="root", value=12),
    Fault(kind="root", value=[[[]], None, 3, {"id": {}}, {"id": True}]),
    Fault(kind="gzip_bomb"),
    Fault(kind="redirect", location="http://127.0.0.2:1/"),
]


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault.kind} {fault.value or fault.status or ''}"
)
async def test_a_fault_while_running_costs_few_lines_and_no_state(
    house: House, open_zone: OpenZone, ear: Ear, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=2)
    entry = await sign_in(house, zone)
    await house.pass_time(60)
    start = datetime.now(UTC)
    devices = len(house.devices(entry))
    fault.match = "/api/v1/"
    fault.method = "GET"
    zone.faults.add(fault)
    await house.pass_time(700)
    zone.faults.clear()

    kinds = {line.rsplit(": ", 1)[-1] for line in watchpost_lines(caplog)}
    assert len(kinds) <= 4, watchpost_lines(caplog)
    unavailable = [state for state in house.states() if state.state == "unavailable"]
    assert unavailable == []
    await house.pass_time(1500)
    assert len(house.devices(entry)) == devices
    now = datetime.now(UTC)
    true = [one for one in zone.truth(start, now) if one.listed_at < now.timestamp() - 661]
    assert {str(one.id) for one in true} <= set(ear.told("incursion"))
    assert told_once(ear)


def _spoilt(payload: Any) -> Any:
    """Every value of the wrong kind."""
    if isinstance(payload, list):
        return [_spoilt(item) for item in payload]
    if not isinstance(payload, dict):
        return payload
    wrong = [None, "", [], {}, -1, 1e300, "NaN", True, "\ud800", {"id": {"id": []}}]
    return {
        key: _spoilt(value)
        if isinstance(value, list | dict)
        else wrong[(len(key) + len(payload)) % len(wrong)]
        for key, value in payload.items()
    }


async def test_values_of_every_wrong_kind_break_no_poll(
    house: House, open_zone: OpenZone, caplog: pytest.LogCaptureFixture
) -> None:
    zone = await open_zone(machines=2)
    await sign_in(house, zone, people=True)
    zone.faults.add(Fault(kind="mutate", mutate=_spoilt))
    await house.pass_time(2000)
    zone.faults.clear()
    await house.pass_time(1900)
    assert not [line for line in watchpost_lines(caplog) if "Unexpected" in line]
    machine = f"machine-{zone.machines[0].id}"
    assert house.state_of(unique(zone, machine, "incursions_today")).state.isdigit()


@pytest.mark.soak
async def test_a_day_of_polling_holds_no_replies_that_nobody_asks_for_again(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1)
    entry = await sign_in(house, zone)
    await house.pass_time(3 * 3600)
    told = entry.runtime_data.budget.diagnostics()
    assert told["stored_replies"] < 20
    assert told["parts"]["v2"]["stored_replies"] < 20
    assert told["requests_today"] > 300


async def test_replies_that_are_current_are_not_asked_for_again(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1)
    zone.faults.add(Fault(kind="headers", headers={"Cache-Control": "max-age=600"}))
    await sign_in(house, zone)
    await house.pass_time(3600)
    assert zone.early_requests() == []
    asked = [record for record in zone.log if record.path == "/api/v1/incursions"]
    assert len(asked) <= 10


async def test_an_incursion_runs_an_automation_once(
    house: House, zone: SensorZoneCloud, ear: Ear
) -> None:
    await sign_in(house, zone)
    await house.pass_time(10)
    events = unique(zone, f"machine-{zone.machines[0].id}", "events")
    automation = {
        "alias": "Tell",
        "triggers": [
            {
                "trigger": "watchpost.incursion_detected",
                "target": {"entity_id": house.state_of(events, "event").entity_id},
            }
        ],
        "actions": [{"event": "told", "event_data": {"incursion": "{{ trigger.incursion }}"}}],
        "mode": "queued",
    }
    heard: list[str] = []
    house.hass.bus.async_listen("told", lambda event: heard.append(str(event.data["incursion"])))
    assert await async_setup_component(house.hass, "automation", {"automation": [automation]})
    await house.settle()
    one = zone.incur(zone.machines[0], seconds=9, acknowledged_after=200)
    await house.pass_time(900)

    here = {
        event["incursion"]
        for event in ear.heard
        if event["type"] == "incursion" and event["machine"] == zone.machines[0].name
    }
    assert str(one.id) in here
    assert sorted(heard) == sorted(here)


async def test_the_last_incursion_is_known_when_it_is_no_longer_counted(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1)
    row = {"id": 1, "started_at": "2026-09-13T11:30:00Z", "acknowledged": True}
    zone.faults.add(Fault(match="/incursions", kind="root", value=[row]))
    await sign_in(house, zone)
    house.freezer.tick(27 * 3600)
    await house.pass_time(120)
    zone.faults.clear()
    zone.faults.add(Fault(match="/incursions", kind="root", value=[]))
    await house.pass_time(120)
    assert house.state_of(unique(zone, "account", "incursions_today")).state == "0"
    last = house.state_of(unique(zone, "account", "last_incursion"))
    assert last.state == "2026-09-13T11:30:00+00:00"


async def test_incursions_are_not_divided_by_hours_of_long_ago(
    house: House, open_zone: OpenZone
) -> None:
    zone = await open_zone(machines=1)
    await sign_in(house, zone)
    await house.pass_time(1000)
    rate = unique(zone, "account", "incursions_per_hour")
    assert float(house.state_of(rate).state) > 0
    zone.faults.add(Fault(match="machine_runtime", kind="status", status=500))
    await house.pass_time(3000)
    assert house.state_of(rate).state == "unknown"


async def test_a_place_from_the_future_is_not_stuck_to(house: House, open_zone: OpenZone) -> None:
    zone = await open_zone(machines=1)
    where = unique(zone, f"machine-{zone.machines[0].id}", "position")
    track = [
        {"time": "2026-09-13T12:00:00Z", "latitude": 50.5, "longitude": 7.5},
        {"time": "2099-01-01T00:00:00Z", "latitude": 10.5, "longitude": 7.5},
    ]
    zone.faults.add(Fault(match="/gps_tracks", kind="root", value=track))
    await sign_in(house, zone)
    await house.pass_time(300)
    assert house.state_of(where, "device_tracker").attributes["latitude"] == 50.5


async def test_an_unread_incursion_makes_nothing_safe(house: House, open_zone: OpenZone) -> None:
    zone = await open_zone(machines=1)
    row = {"id": 1, "started_at": "2026-09-13T11:30:00Z", "acknowledged": True}
    zone.faults.add(
        Fault(match="/incursions", kind="root", value=[row, {"id": 2, "acknowledged": False}])
    )
    await sign_in(house, zone)
    await house.pass_time(10)
    unsafe = unique(zone, "account", "unacknowledged")
    assert house.state_of(unsafe, "binary_sensor").state == "unknown"
    zone.faults.clear()
    zone.faults.add(Fault(match="/incursions", kind="root", value=[row]))
    await house.pass_time(700)
    assert house.state_of(unsafe, "binary_sensor").state == "off"
