"""Sensorist's alarms, callbacks and workflows become typed records."""

import json

import pytest

from custom_components.watchpost.vendors.sensorist.models import (
    Alarm,
    CallbackTypes,
    Direction,
    parse_alarm,
    parse_alarm_logs,
    parse_alarms,
    parse_callbacks,
    parse_gateway,
    parse_nothing,
    parse_sensor_update,
    parse_workflow,
)

from .samples import ENVELOPE, alarm_json, body, log_json, sensor_json


def the_alarm(**changes: object) -> Alarm:
    (alarm,) = parse_alarms(body(alarms=[alarm_json(**changes)])).value
    return alarm


def test_alarm_keeps_threshold_direction_and_delay():
    alarm = the_alarm()
    assert (alarm.id, alarm.source, alarm.value) == ("5", "31", -18.0)
    assert (alarm.direction, alarm.delay) == (Direction.ABOVE, 30.0)
    assert the_alarm(data_source={"id": "31"}) == alarm


@pytest.mark.parametrize(
    ("state", "is_triggered"),
    [
        ("normal", False),
        ("Triggered", True),
        (True, True),
        (False, False),
        (1, True),
        ("0", False),
        ({"id": 2, "name": "triggered"}, True),
        (2, None),
        ("resting", None),
        (None, None),
        ([], None),
    ],
)
def test_alarm_of_an_unknown_state_is_neither_triggered_nor_normal(state, is_triggered):
    assert the_alarm(state=state).is_triggered is is_triggered


@pytest.mark.parametrize("direction", [None, "sideways", 1])
def test_unknown_direction_leaves_the_alarm_usable(direction):
    assert the_alarm(direction=direction).direction is None


def test_logs_stand_within_the_alarm_or_beside_it_and_are_told_once_by_date():
    late = log_json(2, date="2026-09-13T13:00:00Z", state="normal")
    within = parse_alarms(body(alarms=[alarm_json(logs=[late, log_json()])]))
    beside = parse_alarms(body(alarms=[alarm_json()], logs=[late, log_json()]))
    both = parse_alarms(body(alarms=[alarm_json(logs=[late])], logs=[log_json(), late]))
    assert within.value == beside.value == both.value
    assert [log.is_triggered for log in within.value[0].logs] == [True, False]


def test_log_of_no_alarm_and_log_without_a_date_are_set_aside():
    logs = [log_json(alarm=6), log_json(date=None), log_json()]
    parsed = parse_alarms(body(alarms=[alarm_json()], logs=logs))
    assert [log.id for log in parsed.value[0].logs] == ["1"]
    assert parsed.rejected == {"alarm log: alarm": 1, "alarm log: date": 1}


def test_alarm_history_is_in_order_of_time():
    late = log_json(2, date="2026-09-13T13:00:00Z")
    assert [log.id for log in parse_alarm_logs(body(logs=[late, log_json()])).value] == ["1", "2"]


@pytest.mark.parametrize(
    ("types", "read"), [(3, 3), ("7", 7), (12, 12), (None, 0), (-1, 0), ("all", 0), (True, 0)]
)
def test_callback_keeps_its_address_and_types(types, read):
    row = {"id": 9, "url": "https://example.org/hook", "type": types}
    (callback,) = parse_callbacks(body(callbacks=[row])).value
    assert (callback.url, int(callback.types)) == ("https://example.org/hook", read)
    assert (CallbackTypes.ALARM in callback.types) is bool(read & 2)


@pytest.mark.parametrize(
    ("state", "has_completed", "has_failed"),
    [
        ("completed", True, False),
        ("FAILED", False, True),
        ("running", False, False),
        (None, False, False),
    ],
)
def test_workflow_has_ended_only_in_a_known_way(state, has_completed, has_failed):
    flow = parse_workflow(body(workflow={"id": 4, "state": state})).value
    assert flow is not None
    assert (flow.has_completed, flow.has_failed) == (has_completed, has_failed)


@pytest.mark.parametrize(
    ("reply", "sensor", "workflow"),
    [
        ({"sensor": sensor_json(), "workflow": {"id": 4}}, "21", "4"),
        ({"data": {"sensor": sensor_json(), "workflow": None}}, "21", None),
        (sensor_json(), "21", None),
        ({"workflow": {"id": 4}}, None, "4"),
        ({}, None, None),
    ],
)
def test_updated_sensor_and_workflow_are_found_in_any_packing(reply, sensor, workflow):
    found = parse_sensor_update(body(**reply)).value
    assert tuple(record and record.id for record in found) == (sensor, workflow)


@pytest.mark.parametrize("text", [b"", b" \n", b"{}", json.dumps(ENVELOPE).encode()])
def test_write_succeeds_without_showing_its_result(text):
    assert parse_gateway(text).value is None
    assert parse_alarm(text).value is None
    assert parse_sensor_update(text).value == (None, None)
    parse_nothing(text)
