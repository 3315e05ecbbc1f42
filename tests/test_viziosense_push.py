"""What VizioSense's cameras tell: registered with a secret, shown at once, and never believed without it."""

import asyncio
from datetime import timedelta
import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import CoreState
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from simulators.viziosense import VizioSenseCloud

from .calling import base, door_fixture, hook, told_fixture  # noqa: F401
from .conftest import DOMAIN, House, watchpost_lines
from .watching import (
    OpenVizio,
    arrive,
    asked,
    counts,
    live,
    place,
    sign_in,
    state,
    unique,
)

ELSEWHERE = "https://other.example.com/hook"

pytestmark = pytest.mark.usefixtures("views")


def secret(entry: Any) -> str:
    found: str = entry.data["push_secret"]
    return found


async def told(house: House, cloud: VizioSenseCloud, n: int = 0, **more: Any) -> None:
    """Let a camera say how it is."""
    cloud.report(cloud.devices[n], **more)
    await arrive(house, cloud)


# -- registration --


async def test_a_fresh_account_registers_both_kinds_with_a_secret_header(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)

    assert [(found.webhook_type, found.active) for found in vizio.webhooks.all] == [
        ("payload", True),
        ("keepalive", True),
    ]
    assert {found.url for found in vizio.webhooks.all} == {f"{base(door)}{hook(entry)}"}
    assert {tuple(found.headers) for found in vizio.webhooks.all} == {
        (("X-Watchpost-Secret", secret(entry)),)
    }
    assert len(secret(entry)) > 30
    assert secret(entry) not in hook(entry)


async def test_a_reload_keeps_the_registrations_and_asks_nothing(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    webhooks, before = len(vizio.webhooks.all), len(asked(vizio, "GET", "/webhooks"))

    await house.reload(entry)

    assert len(vizio.webhooks.all) == webhooks
    assert len(asked(vizio, "GET", "/webhooks")) == before
    assert not asked(vizio, "PUT", "")


@pytest.mark.parametrize(
    "variants",
    [
        {"webhook_echo": "stored"},
        {"webhook_values": "masked"},
        {"webhook_switch": "active"},
        {"status": "bool"},
    ],
    ids=str,
)
async def test_whatever_webhooks_look_like_there_is_one_of_each_kind(
    house: House, door: TestClient, vizio: VizioSenseCloud, variants: dict[str, Any]
) -> None:
    for name, value in variants.items():
        setattr(vizio.config.variants, name, value)
    entry = await sign_in(house, vizio)
    await live(house, vizio, 3600)
    await house.reload(entry)
    await live(house, vizio, 3600)

    assert [found.active for found in vizio.webhooks.all] == [True, True]
    assert len(asked(vizio, "POST", "/webhooks")) == 2
    assert not [record for record in vizio.log if record.method == "PUT"]
    assert counts(entry)["is_alive"]

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()
    assert [found.active for found in vizio.webhooks.all] == [False, False]


async def test_what_is_off_or_carries_another_secret_is_mended_and_others_stay(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    other = vizio.webhooks.create(ELSEWHERE, headers={"Authorization": "Bearer theirs"})
    ours = vizio.webhooks.all[:2]
    ours[0].active = False
    ours[1].headers = [("X-Watchpost-Secret", "of long ago")]
    double = vizio.webhooks.create(f"https://old.example.com{hook(entry)}", "payload")

    await live(house, vizio, 3000)  # silent, so Home Assistant looks

    assert [found.active for found in ours] == [True, True]
    assert ours[1].headers == [("X-Watchpost-Secret", secret(entry))]
    assert not double.active
    assert (other.url, other.active) == (ELSEWHERE, True)
    assert other.headers == [("Authorization", "Bearer theirs")]
    assert len(vizio.webhooks.all) == 4


async def test_a_changed_external_url_is_followed_without_new_webhooks(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)

    await house.hass.config.async_update(external_url="https://new.example.com")
    await house.settle()

    assert [(found.url, found.active) for found in vizio.webhooks.all] == [
        (f"https://new.example.com{hook(entry)}", True)
    ] * 2


async def test_a_removed_account_switches_its_own_webhooks_off(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    other = vizio.webhooks.create(ELSEWHERE)

    await house.hass.config_entries.async_remove(entry.entry_id)
    await house.settle()

    assert [found.active for found in vizio.webhooks.all] == [False, False, True]
    assert other.url == ELSEWHERE


async def test_a_refused_registration_is_said_and_tried_again(
    house: House, door: TestClient, vizio: VizioSenseCloud, caplog: pytest.LogCaptureFixture
) -> None:
    vizio.config.variants.webhook_scope = "device"
    entry = await sign_in(house, vizio)
    await live(house, vizio, 1200)
    assert len(watchpost_lines(caplog, logging.WARNING)) == 1
    assert not counts(entry)["registered"]

    vizio.config.variants.webhook_scope = "account"
    await live(house, vizio, 3600)

    assert counts(entry)["registered"]
    assert [found.active for found in vizio.webhooks.all] == [True, True]


# -- places --


async def test_places_flip_at_once_when_the_vendor_calls(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    for n in range(4):
        vizio.park(device, n, None)
    await told(house, vizio)
    assert [place(house, entry, device, n) for n in range(4)] == ["off"] * 4

    await live(house, vizio, 65)
    requests = len(vizio.log)
    vizio.park(device, 1, "car")
    await arrive(house, vizio)

    assert [place(house, entry, device, n) for n in range(4)] == ["off", "on", "off", "off"]
    assert state(house, entry, device, "vpm-free") == "3"
    assert state(house, entry, device, "vpm-occupied") == "1"
    assert state(house, entry, device, "vpm-total") == "4"
    assert len(vizio.log) == requests  # nothing was asked: the message says it all
    shown = house.state_of(
        unique(entry, device, f"vpm-place-{device.places[1].id}"), "binary_sensor"
    )
    assert shown.attributes["class"] == "car"
    assert shown.attributes["device_class"] == "occupancy"
    assert shown.attributes["friendly_name"] == f"{device.name} {device.places[1].name}"


async def test_a_deactivated_place_is_unavailable_until_it_is_watched_again(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    for n in range(4):
        vizio.park(device, n, "truck")
    await told(house, vizio)

    await house.pass_time(31)
    vizio.deactivate(device, 0)
    await arrive(house, vizio)
    assert place(house, entry, device, 0) == "unavailable"
    assert [state(house, entry, device, f"vpm-{key}") for key in ("occupied", "total")] == [
        "3",
        "3",
    ]

    await house.pass_time(31)
    vizio.deactivate(device, 0, deactivated=False)
    await arrive(house, vizio)
    assert place(house, entry, device, 0) == "on"


async def test_what_was_seen_stands_while_the_camera_is_heard_of_and_no_longer(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.park(device, 0, "car")
    await told(house, vizio)

    await live(house, vizio, 2 * 3600)
    assert place(house, entry, device, 0) == "on"
    device.silent = True
    await live(house, vizio, 2300)
    assert place(house, entry, device, 0) == "unavailable"
    assert state(house, entry, device, "vpm-free") == "unavailable"

    # It may have changed while nobody heard: a keep-alive alone does not bring it back.
    device.silent = False
    await live(house, vizio, 660)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "on"
    assert place(house, entry, device, 0) == "unavailable"
    await told(house, vizio)
    assert place(house, entry, device, 0) == "on"


async def test_after_a_restart_places_are_known_but_not_what_stands_there(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.park(device, 0, "car")
    await told(house, vizio)

    await house.reload(entry)
    assert place(house, entry, device, 0) == "unknown"
    await live(house, vizio, 3600)
    assert place(house, entry, device, 0) == "unknown"

    await told(house, vizio)
    assert place(house, entry, device, 0) == "on"


async def test_a_place_that_three_messages_miss_goes(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await told(house, vizio)
    gone = device.places.pop()
    key = unique(entry, device, f"vpm-place-{gone.id}")

    for _ in range(2):
        await house.pass_time(31)
        await told(house, vizio)
        assert house.state_of(key, "binary_sensor").state == "unavailable"
    await house.pass_time(31)
    await told(house, vizio)
    await live(house, vizio, 1200)

    with pytest.raises(AssertionError, match="no entity"):
        house.state_of(key, "binary_sensor")
    assert state(house, entry, device, "vpm-total") == "3"


@pytest.mark.timeout(120)
async def test_ten_thousand_places_are_counted_and_a_thousand_of_them_shown(
    house: House, door: TestClient, vizio: VizioSenseCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.world.add_places(device, 10_000 - len(device.places))

    await told(house, vizio)

    assert state(house, entry, device, "vpm-total") == "10000"
    shown = [
        found
        for found in house.states("binary_sensor")
        if found.attributes.get("device_class") == "occupancy"
    ]
    assert len(shown) == 1000
    assert counts(entry)["foreign"] == 0
    assert counts(entry)["oversize"] == 0


# -- counts --


async def test_a_zone_shows_its_counts_and_a_class_that_left_is_none(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VCZ",))
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    zone = device.areas[0].id
    vizio.count(device, 0, car=3, person=1)
    await told(house, vizio)
    assert state(house, entry, device, f"vcz-{zone}-counts-car") == "3"

    zero = vizio.message(device, [{"id": zone, "name": "North", "counts": {"person": 2}}])
    await house.pass_time(31)
    vizio.forge(zero)
    await arrive(house, vizio)

    assert state(house, entry, device, f"vcz-{zone}-counts-car") == "0"
    assert state(house, entry, device, f"vcz-{zone}-counts-person") == "2"


async def test_a_crowd_shows_people_and_density(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VCW",))
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    area = device.areas[0].id
    vizio.forge(vizio.message(device, [{"id": area, "name": "Hall", "count": 42, "density": 0.8}]))
    await arrive(house, vizio)

    shown = house.state_of(unique(entry, device, f"vcw-{area}-density"))
    assert (shown.state, shown.attributes["unit_of_measurement"]) == ("0.8", "people/m²")
    assert shown.attributes["friendly_name"] == f"{device.name} Hall density"
    assert state(house, entry, device, f"vcw-{area}-count") == "42"


async def test_a_yard_is_watched_like_a_parking_lot(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VYD",))
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.park(device, 0, "truck")
    await told(house, vizio)

    key = f"vyd-place-{device.places[0].id}"
    assert state(house, entry, device, key, "binary_sensor") == "on"
    assert int(state(house, entry, device, "vyd-total")) == len(device.places)


def crossing(device: Any, n: int = 0, way: str = "in", cls: str = "car") -> str:
    return f"vcb-{device.lines[n].id}-{way}-{cls}"


async def test_a_barrier_adds_up_what_passed_also_over_restarts(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VCB",))
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.cross(device, 0, "in", "car", times=2)
    await told(house, vizio)
    vizio.cross(device, 0, "in", "car", times=3)
    await house.pass_time(31)
    await told(house, vizio)
    before = int(state(house, entry, device, crossing(device)))
    assert before >= 5
    shown = house.state_of(unique(entry, device, crossing(device)))
    assert shown.attributes["state_class"] == "total_increasing"

    await house.reload(entry)
    assert int(state(house, entry, device, crossing(device))) == before
    vizio.cross(device, 0, "in", "car")
    await house.pass_time(31)
    await told(house, vizio)

    assert int(state(house, entry, device, crossing(device))) == before + 1


async def test_a_barrier_that_tells_totals_shows_them_if_the_options_say_so(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VCB",))
    entry = await sign_in(house, vizio, barrier_counts="since_ever")
    device = vizio.devices[0]
    line = device.lines[0].id
    for total in (7, 9, 9):
        payload = [{"id": line, "name": "Gate", "in": {"car": total}, "out": {"car": 1}}]
        vizio.forge(vizio.message(device, payload))
        await arrive(house, vizio)
        await house.pass_time(31)

    assert state(house, entry, device, crossing(device)) == "9"
    assert state(house, entry, device, crossing(device, way="out")) == "1"


# -- what must not be believed, or not twice --


@pytest.mark.parametrize("proof", ["wrong", "missing"])
async def test_a_message_without_the_secret_is_counted_and_dropped(
    house: House, door: TestClient, vizio: VizioSenseCloud, proof: str
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.park(device, 0, "car")
    await told(house, vizio)
    known = counts(entry)["messages"]

    await house.pass_time(31)
    forged = json.loads(json.dumps(vizio.message(device, [{"id": device.places[0].id}])))
    forged["payload"][0] |= {"name": "P-0", "is_active": False, "deactivated": False, "cls": None}
    vizio.forge(forged, proof=proof)
    await arrive(house, vizio)

    assert place(house, entry, device, 0) == "on"
    assert (counts(entry)["unproven"], counts(entry)["messages"]) == (1, known)


async def test_a_message_that_comes_as_a_keep_alive_would_needs_the_secret_too(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.park(device, 0, "car")
    await told(house, vizio)
    known = counts(entry)["messages"]
    forged = vizio.message(device, [{"id": device.places[0].id, "is_active": False}])

    query = {"source": "VIZIOSENSE", "id": device.uuid}
    for params in ({}, query):
        await door.get(hook(entry), params=params, json=forged)
    await house.settle()

    assert place(house, entry, device, 0) == "on"
    assert (counts(entry)["foreign"], counts(entry)["messages"]) == (2, known)


async def test_a_secret_of_odd_bytes_is_wrong_and_tells_nothing(
    house: House, door: TestClient, vizio: VizioSenseCloud, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await sign_in(house, vizio)
    assert door.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(
        f"POST {hook(entry)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
        + b"X-Watchpost-Secret: \xff\xfe\r\nContent-Length: 0\r\n\r\n"
    )
    assert b" 200 " in await reader.readline()
    writer.close()
    await house.settle()

    assert counts(entry)["unproven"] == 1
    assert hook(entry).rpartition("/")[2] not in caplog.text


async def test_a_replayed_message_counts_nothing_twice_also_after_a_restart(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VCB",))
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.cross(device, 0, "in", "car", times=2)
    await told(house, vizio)
    before = state(house, entry, device, crossing(device))
    posted = next(each for each in reversed(vizio.sender.sent) if each.body is not None)

    for _ in range(3):
        vizio.replay(posted)
        await arrive(house, vizio)
    await house.reload(entry)
    vizio.replay(posted)
    await arrive(house, vizio)

    assert state(house, entry, device, crossing(device)) == before


async def test_messages_in_the_wrong_order_leave_the_newest_standing_and_count_all(
    house: House, door: TestClient, open_vizio: OpenVizio
) -> None:
    vizio = await open_vizio(applications=("VPM+VCB",))
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    first, line = device.places[0].id, device.lines[0].id

    def parked(is_active: bool, ago: float) -> None:
        place_of = {"id": first, "name": "P-0", "is_active": is_active, "deactivated": False}
        vizio.forge(vizio.message(device, [place_of], "VPM", ago=ago))

    def passed(cars: int, ago: float) -> None:
        payload = [{"id": line, "name": "Gate", "in": {"car": cars}, "out": {}}]
        vizio.forge(vizio.message(device, payload, "VCB", ago=ago))

    parked(True, 10)
    passed(2, 10)
    await arrive(house, vizio)
    parked(False, 300)
    passed(3, 300)
    await arrive(house, vizio)
    passed(100, 2 * 86_400)
    await arrive(house, vizio)

    assert place(house, entry, device, 0) == "on"
    assert state(house, entry, device, crossing(device)) == "5"


@pytest.mark.parametrize("form", ["seconds", "string", "milliseconds", "iso"])
async def test_times_are_read_in_every_form(
    house: House, door: TestClient, vizio: VizioSenseCloud, form: Any
) -> None:
    vizio.config.variants.timestamp = vizio.config.variants.event_ts = form
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.park(device, 0, "car")
    parked_at = dt_util.utcnow()
    await told(house, vizio)

    shown = house.state_of(
        unique(entry, device, f"vpm-place-{device.places[0].id}"), "binary_sensor"
    )
    since = dt_util.parse_datetime(shown.attributes["since"])
    assert since
    assert abs(since - parked_at) < timedelta(seconds=2)
    vizio.park(device, 0, None)
    await told(house, vizio, ago=600)  # an old one
    assert place(house, entry, device, 0) == "on"


@pytest.mark.parametrize("time", [-86_400 * 400, -3600], ids=["a year ahead", "an hour ahead"])
async def test_a_message_from_the_future_keeps_no_later_one_out(
    house: House, door: TestClient, vizio: VizioSenseCloud, time: int
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    vizio.park(device, 0, "car")
    await told(house, vizio, ago=time)
    assert place(house, entry, device, 0) == "on"

    await live(house, vizio, 31)
    vizio.park(device, 0, None)
    await arrive(house, vizio)

    assert place(house, entry, device, 0) == "off"


@pytest.mark.parametrize("stamp", [None, "soon", True, [], -5, 1e300, "NaN"], ids=str)
async def test_a_time_that_makes_no_sense_is_that_of_the_receipt(
    house: House, door: TestClient, vizio: VizioSenseCloud, stamp: Any
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    place_of = {"id": device.places[0].id, "name": "P-0", "is_active": True, "deactivated": False}
    vizio.forge(vizio.message(device, [place_of]) | {"timestamp": stamp})
    await arrive(house, vizio)

    assert place(house, entry, device, 0) == "on"


# -- types that nobody knows --


async def test_numbers_of_an_unknown_type_become_sensors_and_the_message_is_told(
    house: House, door: TestClient, vizio: VizioSenseCloud, told: list[dict[str, Any]]
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    payload = {
        "speed": 12.5,
        "bikes": 3,
        "on": True,
        "lat": 47.3,
        "note": "see https://secret.example.com",
        "who": "anna@example.com",
        "deep": {"n": 1},
        **{f"n{n}": n for n in range(100)},
    }
    await house.pass_time(5)
    vizio.forge(vizio.message(device, payload, "VXX"))
    await arrive(house, vizio)
    await house.pass_time(5)

    from homeassistant.helpers import entity_registry as er  # noqa: PLC0415

    found = {
        entity.unique_id.rsplit(":", 1)[1]: entity
        for entity in er.async_entries_for_config_entry(er.async_get(house.hass), entry.entry_id)
        if ":vxx-" in entity.unique_id
    }
    assert len(found) == 64
    assert {"vxx-number-speed", "vxx-number-bikes"} <= set(found)
    assert {entity.disabled_by for entity in found.values()} == {
        er.RegistryEntryDisabler.INTEGRATION
    }
    assert "vxx-number-lat" not in found
    (event,) = told
    assert (event["type"], event["message_type"]) == ("message_received", "VXX")
    assert len(event["payload"]) <= 1003
    for hidden in ("47.3", "secret.example", "anna@"):
        assert hidden not in event["payload"]


async def test_messages_before_home_assistant_has_started_outlive_reloads_and_are_told_once(
    house: House, door: TestClient, vizio: VizioSenseCloud, told: list[dict[str, Any]]
) -> None:
    entry = await sign_in(house, vizio)
    house.hass.set_state(CoreState.not_running)
    await house.reload(entry)
    for speed in (1, 2):
        await house.pass_time(5)
        vizio.forge(vizio.message(vizio.devices[0], {"speed": speed}, "VXX"))
        await arrive(house, vizio)
        await house.reload(entry)
    assert told == []

    await house.hass.async_start()
    await house.settle()
    await house.reload(entry)

    assert [event["payload"] for event in told] == ['{"speed":1}', '{"speed":2}']


@pytest.mark.parametrize("form", ["flat", "nested"])
@pytest.mark.parametrize("application", ["VCZ", "VCB", "VCW", "VYD"])
async def test_another_form_of_an_undocumented_type_breaks_nothing(
    house: House,
    door: TestClient,
    open_vizio: OpenVizio,
    told: list[dict[str, Any]],
    application: str,
    form: Any,
) -> None:
    vizio = await open_vizio(applications=(application,))
    vizio.config.variants.counting = form
    entry = await sign_in(house, vizio)
    await house.pass_time(5)
    vizio.report(vizio.devices[0])
    await arrive(house, vizio)

    assert [event["type"] for event in told] == ["message_received"]
    assert counts(entry)["foreign"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 50_000,
        b"<html></html>",
        {"hello": "world"},
        {"stream_id": None, "type": "VPM", "payload": []},
        {"stream_id": "../../etc", "type": "VPM", "payload": []},
        {"stream_id": "x" * 500, "type": "VPM", "payload": []},
    ],
    ids=lambda body: str(body)[:30],
)
async def test_what_is_no_message_is_counted_and_asks_nothing(
    house: House,
    door: TestClient,
    vizio: VizioSenseCloud,
    body: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await sign_in(house, vizio)
    requests = len(vizio.log)

    vizio.forge(body)
    await arrive(house, vizio)
    await house.pass_time(15)

    assert counts(entry)["foreign"] == 1
    assert len(vizio.log) == requests
    assert watchpost_lines(caplog, logging.WARNING) == []


@pytest.mark.parametrize("payload", [None, 7, "x", [], [None, 3, "x", [], {}], {"a": None}, [[[]]]])
@pytest.mark.parametrize("kind", ["VPM", "VYD", "VCZ", "VCB", "VCW", "VXX"])
async def test_no_payload_breaks_anything(
    house: House,
    door: TestClient,
    vizio: VizioSenseCloud,
    payload: Any,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = await sign_in(house, vizio)
    vizio.forge(vizio.message(vizio.devices[0], payload, kind))
    await arrive(house, vizio)
    await house.pass_time(400)

    assert counts(entry)["foreign"] == 0
    assert watchpost_lines(caplog, logging.WARNING) == []


# -- keep-alives and strangers --


async def test_three_missed_keep_alives_are_a_lost_connection(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    assert state(house, entry, device, "last_keepalive") == "unknown"
    await live(house, vizio, 660)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "on"
    heard = dt_util.parse_datetime(state(house, entry, device, "last_keepalive"))
    assert heard
    assert dt_util.utcnow() - heard < timedelta(seconds=600)

    device.silent = True
    await live(house, vizio, 1200)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "on"
    await live(house, vizio, 1200)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "off"

    device.silent = False
    await live(house, vizio, 660)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "on"


async def test_without_any_keep_alive_the_list_decides(
    house: House, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]
    await live(house, vizio, 3600)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "on"

    device.online = False
    await live(house, vizio, 330)
    assert state(house, entry, device, "connectivity", "binary_sensor") == "off"


@pytest.mark.parametrize(
    ("proof", "counted"), [("right", True), ("missing", True), ("wrong", False)]
)
async def test_a_keep_alive_counts_unless_its_secret_is_wrong(
    house: House, door: TestClient, vizio: VizioSenseCloud, proof: Any, counted: bool
) -> None:
    entry = await sign_in(house, vizio)
    device = vizio.devices[0]

    vizio.keep_alive(device.uuid, proof=proof)
    await arrive(house, vizio)

    assert (state(house, entry, device, "last_keepalive") != "unknown") is counted


async def test_cameras_are_known_by_either_of_their_names(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    vizio.config.variants.stream_id = "client_identifier"
    entry = await sign_in(house, vizio)
    vizio.park(vizio.devices[0], 0, "car")
    await told(house, vizio)

    assert place(house, entry, vizio.devices[0], 0) == "on"


async def test_a_message_of_a_new_camera_brings_the_list_forward_once_and_is_shown(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    entry = await sign_in(house, vizio)
    await house.pass_time(60)
    requests = len(asked(vizio, "GET", "/devices"))
    new = vizio.add_device("VPM", 2)
    vizio.park(new, 0, "car")
    vizio.report(new)
    await arrive(house, vizio)

    assert len(asked(vizio, "GET", "/devices")) == requests + 1
    assert place(house, entry, new, 0) == "on"


@pytest.mark.parametrize(("after", "shown"), [(600, "on"), (3600, None)])
async def test_what_a_camera_said_long_before_it_was_listed_is_not_shown_as_of_now(
    house: House, door: TestClient, vizio: VizioSenseCloud, after: float, shown: str | None
) -> None:
    entry = await sign_in(house, vizio)
    await house.pass_time(60)
    new = vizio.add_device("VPM", 2)
    new.owned, new.silent = False, True
    occupied = [{"id": new.places[0].id, "name": "P-0", "is_active": True}]
    vizio.forge(vizio.message(new, occupied))
    await arrive(house, vizio)
    await house.pass_time(after)
    new.owned = True
    await house.pass_time(330)

    key = unique(entry, new, f"vpm-place-{new.places[0].id}")
    found = {state.entity_id: state.state for state in house.states("binary_sensor")}
    name = er.async_get(house.hass).async_get_entity_id("binary_sensor", DOMAIN, key)
    assert found.get(name or "") == shown
    assert state(house, entry, new, "raw", "image") == "unknown"


async def test_an_unknown_camera_costs_one_list_however_often_it_speaks(
    house: House, door: TestClient, vizio: VizioSenseCloud
) -> None:
    await sign_in(house, vizio)
    await house.pass_time(60)
    requests = len(asked(vizio, "GET", "/devices"))

    for n in range(20):
        vizio.keep_alive("nobody-knows-me")
        vizio.keep_alive(f"stranger-{n}")
        await arrive(house, vizio)
        await house.pass_time(10)

    assert len(asked(vizio, "GET", "/devices")) == requests + 1
    assert {
        device.name
        for device in dr.async_entries_for_config_entry(
            dr.async_get(house.hass), house.entries[0].entry_id
        )
    } == {"VizioSense", vizio.devices[0].name}
    assert DOMAIN
