"""Readings, health and topology as records, and what is made of them: units, values, cycles."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import DEVICE_CLASS_STATE_CLASSES, DEVICE_CLASS_UNITS
from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.client.errors import UnexpectedResponseError
from custom_components.watchpost.models import Reading as Shown_
from custom_components.watchpost.vendors.manfred_kunze import reading_values
from custom_components.watchpost.vendors.manfred_kunze.client.variants import (
    AGAIN_AFTER,
    RequestVariant,
    VariantSelector,
)
from custom_components.watchpost.vendors.manfred_kunze.interval import (
    SensorInterval,
    max_age,
    select_due,
)
from custom_components.watchpost.vendors.manfred_kunze.inventory import OrganisationInventory
from custom_components.watchpost.vendors.manfred_kunze.models import (
    device_management,
    health,
    readings,
    topology,
)
from custom_components.watchpost.vendors.manfred_kunze.models.device_management import Rejection
from custom_components.watchpost.vendors.manfred_kunze.models.health import Vital
from custom_components.watchpost.vendors.manfred_kunze.models.readings import Bucket, Reading
from custom_components.watchpost.vendors.manfred_kunze.models.topology import ValueType
from custom_components.watchpost.vendors.manfred_kunze.units import (
    _BY_FIELD_NAME,
    _UNITS,
    UnitInfo,
    binary_device_class,
    unit_info,
)

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)
AT = "2026-09-13T12:00:00Z"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ("id", "name", "status", "valueType", "value", "timestamp", "fields", "unit", "deviceId", "device",
     "component", "sensorProfile", "version", "reported", "reason", "artefact", "data", "lastReading",
     "readings", "uptime", "model", "createdAt", "avg", "min", "bucket", "sensorId", "schema")
)  # fmt: skip
ROWS = st.dictionaries(NAMES, JSON, max_size=10)


@given(row=ROWS)
def test_no_record_breaks_its_reader(row: dict[str, Any]) -> None:
    for read in (
        topology.device,
        topology.component,
        topology.sensor,
        topology.place,
        topology.profile,
        device_management.binding,
        device_management.quarantined,
        device_management.firmware,
    ):
        assert read("7", row).id == "7"
    readings.reading(row)
    readings.latest(row)
    readings.bucket(row)
    readings.figures(row)
    readings.grouped(row, ["a", "b"])
    readings.grouped([row], ["a", "b"])
    try:
        body = json.dumps(row).encode()
        assert health.health(body) is not None
    except UnexpectedResponseError, UnicodeEncodeError:
        pass


@given(raw=JSON.filter(lambda value: not isinstance(value, list | dict)))
def test_a_value_is_of_its_type_or_unknown(raw: Any) -> None:
    kinds: dict[ValueType, type | tuple[type, ...]] = {
        ValueType.DOUBLE: float,
        ValueType.BIGINT: int,
        ValueType.BOOLEAN: bool,
        ValueType.TEXT: str,
    }
    for kind, expected in kinds.items():
        found = reading_values.reading(Reading(NOON, raw), kind, is_live=True).value
        assert found is None or isinstance(found, expected)
        assert not isinstance(found, str) or len(found) <= 255
    unknown = reading_values.reading(Reading(NOON, raw), None, is_live=True).value
    assert unknown is None or isinstance(unknown, str | float)


def test_values_are_read_as_they_may_be_sent() -> None:
    def value(raw: Any, kind: ValueType) -> Any:
        return reading_values.reading(Reading(NOON, raw), kind, is_live=True).value

    assert [value(raw, ValueType.BOOLEAN) for raw in (1, 0, "true", "FALSE", 7, "x", None)] == [
        True, False, True, False, None, None, None,
    ]  # fmt: skip
    assert value(2**60 + 1, ValueType.BIGINT) == 2**60 + 1
    assert value("12", ValueType.BIGINT) == 12
    assert value(12.5, ValueType.BIGINT) is None
    assert value("1e999", ValueType.DOUBLE) is None
    told = reading_values.reading(Reading(NOON, "x" * 999), ValueType.TEXT, is_live=False)
    assert told == Shown_("x" * 255, NOON, {"text": "x" * 999}, is_live=False)


@pytest.mark.parametrize(
    "held",
    [
        {"a": [{"timestamp": AT, "value": 1}], "b": []},
        {"a": {"timestamp": AT, "value": 1}},
        {"data": {"a": [{"time": AT, "doubleValue": 1}]}},
        [
            {"sensorId": "a", "readings": [{"timestamp": AT, "value": 1}]},
            {"sensorId": "b", "readings": []},
        ],
        [{"sensorId": "a", "timestamp": AT, "value": 1}],
        {"content": [{"sensor": {"id": "a"}, "timestamp": AT, "bigintValue": 1}]},
        [{"sensorId": "a", "reading": {"timestamp": AT, "value": 1}}],
    ],
)
def test_readings_of_several_sensors_are_found_in_every_form(held: Any) -> None:
    found = readings.grouped(held, ["a", "b"])
    assert found is not None
    assert found["a"] == [Reading(NOON, 1)]
    assert not found.get("b")


def test_what_holds_no_readings_by_sensor_is_told_from_an_empty_answer() -> None:
    assert readings.grouped({}, ["a"]) == {}
    assert readings.grouped([], ["a"]) == {}
    assert readings.grouped({"message": "x"}, ["a"]) is None
    assert readings.grouped([{"timestamp": AT, "value": 1}], ["a"]) is None
    assert readings.grouped("x", ["a"]) is None


def test_a_sensor_may_bring_its_newest_reading_along() -> None:
    reading = Reading(NOON, 7)
    assert readings.latest({"lastReading": {"timestamp": AT, "value": 7}}) == reading
    assert readings.latest({"lastReadingAt": AT, "lastValue": 7}) == reading
    assert readings.latest({"lastReadingAt": AT}) is None
    assert readings.latest({"lastReading": {"timestamp": AT}}) is None


def test_a_bucket_without_extremes_has_its_mean_for_them() -> None:
    assert readings.bucket({"bucket": AT, "avg": 3}) == Bucket(NOON, 3, 3, 3)
    assert readings.bucket({"bucket": AT, "avg": 3, "min": 4, "max": 2}) == Bucket(NOON, 3, 3, 3)
    assert readings.bucket({"bucket": AT, "min": 4}) is None


def test_a_field_is_found_in_profiles_of_any_form() -> None:
    forms: list[dict[str, Any]] = [
        {"fields": [{"name": "Temp", "unit": "°C"}]},
        {"fields": {"temp": {"unit": {"symbol": "°C"}}}},
        {"schema": {"fields": [7, {"key": "temp", "unit": "°C"}, {"unit": "x"}]}},
        {"channels": [{"fieldName": "temp", "unitOfMeasurement": "°C"}]},
    ]
    for form in forms:
        inventory_tree = OrganisationInventory()
        inventory_tree.components["c"] = topology.component("c", {"sensorProfileId": "1"})
        inventory_tree.sensor_profiles = [topology.profile("1", form)]
        field = inventory_tree.field_of(topology.sensor("s", {"componentId": "c", "name": "TEMP"}))
        assert field is not None
        assert field.unit == "°C"
        assert (
            inventory_tree.field_of(topology.sensor("s", {"componentId": "c", "name": "x"})) is None
        )
    assert topology.profile("1", {"version": 1.2}).version == "1.2"


def test_health_is_the_newest_of_a_list_and_its_units_are_those_that_names_tell() -> None:
    body = (
        b'{"content": [{"timestamp": "2026-09-13T11:00:00Z", "uptimeSeconds": 1},'
        b' {"timestamp": "2026-09-13T12:00:00Z", "uptimeSeconds": 2, "rssi": -70, "freeHeap": "x"}]}'
    )
    found = health.health(body)
    assert found.at == NOON
    assert found.vitals == {Vital.UPTIME: 2, Vital.SIGNAL_STRENGTH: -70, Vital.FREE_HEAP: None}
    assert found.units == {Vital.UPTIME: "s"}
    assert health.health(b"[]").vitals == {}
    with pytest.raises(UnexpectedResponseError):
        health.health(b"7")


def test_why_a_payload_was_rejected_is_one_of_a_few_reasons() -> None:
    reasons = {
        "Unknown sensor": Rejection.UNKNOWN_SENSOR,
        "MISSING_PROFILE": Rejection.MISSING_PROFILE,
        "value out of range: 375": Rejection.OUT_OF_RANGE,
        "else": Rejection.OTHER,
    }
    for said, reason in reasons.items():
        assert device_management.quarantined("1", {"reason": said}).reason is reason


# -- units --


def test_every_unit_fits_its_device_class_and_state_class() -> None:
    every = [*_UNITS.values(), *(meant for named in _BY_FIELD_NAME.values() for _, meant in named)]
    for meant in every:
        if meant.device_class is not None:
            assert meant.unit in DEVICE_CLASS_UNITS[meant.device_class], meant
            assert meant.state_class in DEVICE_CLASS_STATE_CLASSES[meant.device_class], meant


def test_a_device_class_is_only_given_where_unit_and_name_are_certain() -> None:
    assert unit_info("Cel", "x").device_class is SensorDeviceClass.TEMPERATURE
    assert unit_info("degreeCelsius", "x").unit == "°C"
    assert unit_info("%", "relativeHumidity").device_class is SensorDeviceClass.HUMIDITY
    assert unit_info("%", "valve_opening").device_class is None
    assert unit_info("µg/m³", "PM2.5").device_class is SensorDeviceClass.PM25
    assert unit_info("ug/m^3", "pm10").device_class is SensorDeviceClass.PM10
    assert unit_info("°", "wind_direction").state_class is SensorStateClass.MEASUREMENT_ANGLE
    assert unit_info("ppm", "methane") == UnitInfo("ppm")
    assert unit_info("furlong", "x") == UnitInfo("furlong")
    assert unit_info(None, "temperature") == UnitInfo(None)
    assert binary_device_class("motionDetected") is BinarySensorDeviceClass.MOTION
    assert binary_device_class("no_motion") is None
    assert binary_device_class("open") is None


# -- cycles --


def track(*ago: int, value: float = 1.0) -> SensorInterval:
    found = SensorInterval()
    found.store([Reading(NOON - timedelta(seconds=each), value) for each in ago], NOON)
    return found


def test_a_cycle_is_learned_of_gaps_that_are_alike() -> None:
    assert track(180, 120, 60, 0).interval == 60
    assert track(190, 120, 60, 0).interval == 60
    assert track(600, 120, 60, 0).interval is None
    assert track(60, 0).interval is None
    known = track(180, 120, 60, 0)
    known.store([Reading(NOON + timedelta(seconds=900), 1.0)], NOON + timedelta(seconds=900))
    assert known.interval == 60  # one that was missed makes no other cycle


def test_what_is_older_than_the_newest_changes_nothing() -> None:
    known = track(60, 0, value=2.0)
    assert not known.store([Reading(NOON - timedelta(seconds=30), 9.0)], NOON)
    assert known.newest == Reading(NOON, 2.0)
    assert not known.store([Reading(NOON, 2.0)], NOON)
    assert known.store([Reading(NOON, 3.0)], NOON)  # corrected at the vendor


def test_who_is_due() -> None:
    def due(known: SensorInterval, after: float, asked_ago: float = 60, **how: bool) -> bool:
        known.requested_at = 1000.0 - asked_ago
        return known.is_due(1000.0, NOON + timedelta(seconds=after), **how)

    regular = track(2700, 1800, 900, 0)
    assert not due(regular, 600)
    assert due(regular, 906)
    assert due(regular, -300)  # its clock is ahead
    assert not due(regular, 4000, asked_ago=200)
    assert due(regular, 4000, asked_ago=300)
    assert not due(regular, 906, is_inactive=True)
    assert due(regular, 906, is_inactive=True, asked_ago=3600)
    # A door that says each quarter of an hour that it is closed says at once that it opens.
    assert due(regular, 60, reports_events=True, is_batched=True)
    assert due(regular, 300, reports_events=True, asked_ago=300)
    assert not due(regular, 300, reports_events=True, asked_ago=200)
    assert not due(regular, 60, reports_events=True, is_batched=True, is_inactive=True)
    irregular = track(7000, 0)
    assert not due(irregular, 3600)
    assert due(irregular, 3600, asked_ago=300)
    assert due(irregular, 3600, is_batched=True)
    assert due(SensorInterval(), 0, asked_ago=300)
    assert not due(SensorInterval(), 0)


def test_those_who_waited_longest_come_first() -> None:
    intervals = {
        "a": SensorInterval(requested_at=5),
        "b": SensorInterval(requested_at=1),
        "c": SensorInterval(),
    }
    assert select_due(intervals, "abc", 2) == ["c", "b"]


def test_how_long_a_reading_is_shown_follows_cycle_and_poll() -> None:
    assert max_age(58, 60) == timedelta(minutes=3)
    assert max_age(870, 60) == timedelta(minutes=45)
    assert max_age(60, 600) == timedelta(minutes=30)
    assert max_age(10**6, 60) == timedelta(seconds=3 * 10**6)


# -- ways --


def test_a_way_that_works_is_remembered_and_those_that_do_not_are_tried_again_the_next_day() -> (
    None
):
    ways = VariantSelector([RequestVariant("/a"), RequestVariant("/b", {"x": "1"})])
    tried = []
    for way in ways.tries():
        tried.append(way.path)
        if way.path == "/b":
            ways.record_success()
            break
    assert tried == ["/a", "/b"]
    kept = json.loads(json.dumps(ways.to_memory()))
    again = VariantSelector([RequestVariant("/a"), RequestVariant("/b", {"x": "1"})])
    again.from_memory(kept)
    assert next(again.tries()).path == "/b"
    again.failed(100.0)
    assert again.is_off(100.0 + AGAIN_AFTER - 1)
    assert not again.is_off(100.0 + AGAIN_AFTER)
    assert again.to_memory() is None
    assert again.standing == "none works"
    again.from_memory({"path": 7})
    assert [way.path for way in again.tries()] == ["/a", "/b"]
    again.follow([RequestVariant("/c")])
    assert next(again.tries()).path == "/c"
    assert again.standing == "untried"
