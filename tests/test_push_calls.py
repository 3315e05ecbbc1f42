"""What a call costs, and what is believed of it."""

import asyncio
import json
import logging
from typing import Any

from aiohttp.test_utils import TestClient
from homeassistant.core import callback
import pytest

from simulators.faults import Fault
from simulators.sensorist import SensoristCloud
from simulators.sensorist.config import ApiVariants, DeliveryConfig

from .calling import alarm_on, arrive, asked, call, counts, hook
from .conftest import House, OpenCloud, watchpost_lines
from .outside import source_id

# -- calls --


@pytest.mark.parametrize("copies", [1, 3])
async def test_a_button_press_is_told_once_although_each_source_reports_it(
    house: House, door: TestClient, open_cloud: OpenCloud, told: list[Any], copies: int
) -> None:
    cloud = await open_cloud(gateways=1, sensors=2, callbacks=DeliveryConfig(copies=copies))
    await house.sign_in(cloud)
    await house.pass_time(700)
    sensor = cloud.gateways[0].sensors[0]

    rows = cloud.press_button(sensor)
    await arrive(house, cloud)
    await house.pass_time(60)

    assert len(rows) > 1
    assert [event["type"] for event in told] == ["button_pressed"]
    temp = next(source for source in sensor.sources if source.kind.name == "temp")
    pressed = next(row for row in cloud.history(temp.id, rows[0].date, rows[0].date))
    shown = float(house.state_of(source_id(cloud, temp)).state)
    assert shown == pytest.approx(float(pressed.value))
    assert cloud.early_requests() == []


async def test_each_of_two_presses_in_a_minute_is_told(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(60)
    sensor = cloud.gateways[0].sensors[0]

    for _ in range(2):
        cloud.press_button(sensor)
        await arrive(house, cloud)
        await house.pass_time(12)

    assert [event["type"] for event in told] == ["button_pressed", "button_pressed"]
    assert cloud.early_requests() == []


async def test_an_alarm_is_told_and_shown_as_soon_as_the_vendor_calls(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    await house.sign_in(cloud)
    alarm = await alarm_on(house, cloud)
    unique_id = f"sensorist:{cloud.user.id}:sensor-{alarm.source.sensor.id}:alarm-{alarm.id}"
    assert house.state_of(unique_id, "binary_sensor").state == "off"
    states: list[str] = []
    house.hass.bus.async_listen(
        "watchpost_event",
        callback(lambda _: states.append(house.state_of(unique_id, "binary_sensor").state)),
    )

    cloud.report(alarm.source.id, 35.0)
    await arrive(house, cloud)
    assert [event["type"] for event in told] == ["alarm_raised"]
    await house.pass_time(20)
    cloud.report(alarm.source.id, 5.0)
    await arrive(house, cloud)

    assert [event["type"] for event in told] == ["alarm_raised", "alarm_cleared"]
    assert states == ["on", "off"]  # the state comes first
    await house.pass_time(2 * 3600)
    assert len(told) == 2  # and polling tells nothing twice
    assert cloud.early_requests() == []


async def test_a_forged_call_about_a_known_alarm_is_asked_once_and_tells_nothing(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    entry = await house.sign_in(cloud)
    alarm = await alarm_on(house, cloud)
    before = len(asked(cloud, "/alarms/history"))
    forged = {"type": 2, "data": {"alarm": alarm.id, "log": {"state": "triggered", "value": 99}}}

    for _ in range(5):
        await call(house, door, entry, forged)

    assert len(asked(cloud, "/alarms/history")) == before + 1
    assert told == []
    assert "on" not in {
        state.state for state in house.states("binary_sensor") if "above" in state.entity_id
    }


@pytest.mark.parametrize(
    "body",
    [
        {"type": 2, "data": {"alarm": 999_999}},
        {"type": 1, "data": {"data_source": 999_999}},
        {"type": 4, "data": {"device": 999_999, "code": "battery_low"}},
        {"type": 9, "data": {}},
        {"hello": "world"},
        ["type", 2],
        42,
        b"<html>not a callback</html>",
        b"\xff\xfe\x00",
        b"[" * 50_000,
        b'{"type": 2, "data": {"alarm": 4401',
    ],
    ids=lambda body: str(body)[:40],
)
async def test_what_names_nothing_known_is_counted_and_asks_nothing(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any], body: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    entry = await house.sign_in(cloud)
    requests = len(cloud.log)

    await call(house, door, entry, body)
    await house.pass_time(15)

    assert len(cloud.log) == requests
    assert (counts(entry)["calls"], counts(entry)["foreign"]) == (1, 1)
    assert told == []
    assert watchpost_lines(caplog, logging.WARNING) == []


@pytest.mark.parametrize("more", [{}, {"chunked": True}], ids=["whole", "chunked"])
async def test_an_oversize_call_is_counted_and_answered(
    house: House, door: TestClient, cloud: SensoristCloud, more: dict[str, Any]
) -> None:
    entry = await house.sign_in(cloud)
    body = json.dumps({"type": 2, "data": {"alarm": 1}, "more": "x" * 70_000}).encode()

    await call(house, door, entry, body, **more)

    assert (counts(entry)["oversize"], counts(entry)["hints"]) == (1, 0)


@pytest.mark.parametrize("form", ["form", "empty"])
async def test_a_call_that_names_nothing_brings_the_alarms_forward_within_the_cache_rule(
    house: House, door: TestClient, open_cloud: OpenCloud, told: list[Any], form: Any
) -> None:
    cloud = await open_cloud(gateways=1, sensors=1, variants=ApiVariants(callback_body=form))
    entry = await house.sign_in(cloud)
    alarm = await alarm_on(house, cloud)
    for _ in range(5):
        await call(house, door, entry, b"")
        await house.pass_time(11)
    alarm.source.override = 35.0
    cloud.report(alarm.source.id, 35.0)
    await arrive(house, cloud)
    await house.pass_time(400)

    assert [event["type"] for event in told] == ["alarm_raised"]
    assert cloud.early_requests() == []
    assert counts(entry)["foreign"] == 0


async def test_form_fields_that_name_an_alarm_are_read(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    alarm = await alarm_on(house, cloud)
    before = len(asked(cloud, "/alarms/history"))

    await call(house, door, entry, f"type=2&alarm_id={alarm.id}".encode())

    assert len(asked(cloud, "/alarms/history")) == before + 1


async def test_a_thousand_calls_cost_a_handful_of_requests(
    house: House, door: TestClient, cloud: SensoristCloud
) -> None:
    entry = await house.sign_in(cloud)
    alarm = await alarm_on(house, cloud)
    sensor = cloud.gateways[0].sensors[0]
    bodies = [
        {"type": 2, "data": {"alarm": alarm.id}},
        {"type": 1, "data": {"data_source": sensor.sources[0].id}},
        {"type": 4, "data": {"device": sensor.id, "code": "x"}},
    ]
    requests = len(cloud.log)

    for first in range(0, 1000, 50):
        await asyncio.gather(
            *(door.post(hook(entry), json=bodies[n % 3]) for n in range(first, first + 50))
        )
    await house.settle()
    await house.pass_time(25)

    assert counts(entry)["calls"] == 1000
    assert len(cloud.log) - requests <= 6
    assert cloud.early_requests() == []


async def test_a_call_that_comes_while_the_vendor_is_down_is_asked_about_afterwards(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    entry = await house.sign_in(cloud)
    await house.pass_time(60)
    cloud.faults.add(Fault(match="/measurements", kind="status", status=500))

    cloud.press_button(cloud.gateways[0].sensors[0])
    await arrive(house, cloud)
    await house.pass_time(100)
    assert told == []
    assert counts(entry)["failures"] >= 2
    cloud.faults.clear()
    await house.pass_time(1000)

    assert [event["type"] for event in told] == ["button_pressed"]


async def test_a_call_while_the_vendor_wants_to_be_left_alone_waits(
    house: House, door: TestClient, cloud: SensoristCloud, told: list[Any]
) -> None:
    await house.sign_in(cloud)
    await house.pass_time(60)
    cloud.faults.add(
        Fault(
            match="/measurements",
            kind="status",
            status=429,
            headers={"Retry-After": "600"},
            times=1,
        )
    )

    cloud.press_button(cloud.gateways[0].sensors[0])
    await arrive(house, cloud)
    await house.pass_time(1000)

    assert cloud.held_requests() == []
    assert [event["type"] for event in told] == ["button_pressed"]
