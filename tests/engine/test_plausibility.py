"""Values that cannot be true are unknown in every unit; what can be true stays as it is."""

from homeassistant.components.sensor import (
    DEVICE_CLASS_UNITS,
    SensorDeviceClass,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.sensor.const import UNIT_CONVERTERS
from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.engine.plausibility import QUANTITIES, Plausibility
from custom_components.watchpost.models import Channel, Hardware, Hour, Position, Reading
from custom_components.watchpost.vendors.sensit.hardware import HARDWARE as SENSIT
from custom_components.watchpost.vendors.sensorist.hardware import HARDWARE as SENSORIST
from custom_components.watchpost.vendors.sensorzone.hardware import HARDWARE as SENSORZONE
from custom_components.watchpost.vendors.viziosense.hardware import HARDWARE as VIZIOSENSE

ANY = Hardware()
C = SensorDeviceClass
WITH_HARDWARE = {
    "sensorist": SENSORIST,
    "sensit": SENSIT,
    "sensorzone": SENSORZONE,
    "viziosense": VIZIOSENSE,
    "manfred_kunze": ANY,
}


def channel(
    device_class: SensorDeviceClass | None = None,
    unit: str | None = None,
    key: str | None = None,
    **more: object,
) -> Channel:
    state_class = more.pop("state_class", SensorStateClass.MEASUREMENT)
    described = SensorEntityDescription(
        key="value",
        device_class=device_class,
        native_unit_of_measurement=unit,
        translation_key=key,
        state_class=state_class,
    )
    return Channel("device", "value", described, "feed", **more)


def judged(value: object, of: Channel, hardware: Hardware = ANY) -> object:
    plausibility = Plausibility(hardware)
    return plausibility.judge(plausibility.bounds(of), Reading(value)).value


@pytest.mark.parametrize("hardware", [SENSORIST, SENSIT])
@pytest.mark.parametrize("value", [-999, 850, 6553.5, 3276.7, -3276.8, 1e30, float("nan")])
def test_error_codes_of_room_and_outdoor_instruments_are_unknown(
    hardware: Hardware, value: float
) -> None:
    assert judged(value, channel(C.TEMPERATURE, "°C"), hardware) is None
    assert judged(value * 1.8 + 32, channel(C.TEMPERATURE, "°F"), hardware) is None
    assert judged(value + 273.15, channel(C.TEMPERATURE, "K"), hardware) is None


@pytest.mark.parametrize(
    ("device_class", "unit", "value"),
    [
        (C.TEMPERATURE, "°C", -273.16),
        (C.TEMPERATURE, "°C", 1e30),
        (C.TEMPERATURE, "°F", -459.7),
        (C.TEMPERATURE, "K", -0.01),
        (C.HUMIDITY, "%", 6553.5),
        (C.HUMIDITY, "%", -999),
        (C.BATTERY, "%", 255),
        (C.BATTERY, "%", -1),
        (C.ATMOSPHERIC_PRESSURE, "hPa", 99_999),
        (C.ATMOSPHERIC_PRESSURE, "inHg", -1),
        (C.WIND_SPEED, "m/s", 375),
        (C.WIND_SPEED, "km/h", 600),
        (C.WIND_DIRECTION, "°", 361),
        (C.CO, "ppm", -999),
        (C.CO2, "ppm", -999),
        (C.PM25, "μg/m³", -999),
        (C.SIGNAL_STRENGTH, "dBm", -255),
        (C.DURATION, "s", -1),
        (C.DATA_SIZE, "B", -1),
        (C.VOLTAGE, "V", 1e30),
        (C.PH, None, 65_535),
        (None, None, float("inf")),
        (None, None, 3.4028234663852886e38),
    ],
)
def test_what_no_hardware_can_measure_is_unknown(
    device_class: SensorDeviceClass | None, unit: str | None, value: float
) -> None:
    assert judged(value, channel(device_class, unit)) is None


@pytest.mark.parametrize(
    ("device_class", "unit", "value"),
    [
        (C.TEMPERATURE, "°C", 1_200),
        (C.TEMPERATURE, "°C", -273.15),
        (C.TEMPERATURE, "°F", -459.67),
        (C.TEMPERATURE, "K", 0),
        (C.VOLTAGE, "V", -48),
        (C.HUMIDITY, "%", 104.2),
        (C.CO, "ppb", -999),
        (C.CO, "ppm", -2),
        (C.PM25, "μg/m³", -3.5),
        (C.WIND_DIRECTION, "°", 360),
        (C.PRESSURE, "mbar", -500),
        (C.WEIGHT, "kg", -12.5),
        (None, None, -999),
        (None, None, 2**62),
    ],
)
def test_what_some_hardware_measures_is_shown(
    device_class: SensorDeviceClass | None, unit: str | None, value: float
) -> None:
    assert judged(value, channel(device_class, unit)) == value


@pytest.mark.parametrize(
    ("value", "key", "device_class", "unit"),
    [
        (-999, None, C.VOLATILE_ORGANIC_COMPOUNDS_PARTS, "ppb"),
        (-999, None, C.CO, "ppb"),
        (65_535, None, C.PM25, "μg/m³"),
        (99_999, None, C.ATMOSPHERIC_PRESSURE, "mbar"),
        (-1, "battery_voltage", C.VOLTAGE, "V"),
        (375, None, C.WIND_SPEED, "m/s"),
        (-999, None, None, None),
        (65_535, None, None, None),
    ],
)
def test_what_sensits_hardware_cannot_measure_is_unknown(
    value: float, key: str | None, device_class: SensorDeviceClass | None, unit: str | None
) -> None:
    assert judged(value, channel(device_class, unit, key), SENSIT) is None


@pytest.mark.parametrize("value", [-12.5, -0.4, 0, 5_000])
def test_drift_of_a_gas_sensor_around_zero_stays(value: float) -> None:
    voc = channel(C.VOLATILE_ORGANIC_COMPOUNDS_PARTS, "ppb")
    assert judged(value, voc, SENSIT) == value


@pytest.mark.parametrize("value", [-1, 1e30, float("nan")])
@pytest.mark.parametrize("key", ["zone_count", "crowd_count", "crowd_density", "barrier_in"])
def test_counts_below_zero_are_unknown(key: str, value: float) -> None:
    unit = "people/m²" if key == "crowd_density" else None
    assert judged(value, channel(None, unit, key), VIZIOSENSE) is None
    total = channel(None, None, key, state_class=SensorStateClass.TOTAL_INCREASING)
    assert judged(value, total) is None


def test_a_declared_range_holds_in_the_channels_unit() -> None:
    declared = channel(C.TEMPERATURE, "°C", declared=(-40, float("inf")))
    assert judged(-41, declared) is None
    assert judged(1_200, declared) == 1_200


@pytest.mark.parametrize(
    "place", [(0, 0), (0.0004, -0.0004), (91, 8), (47, 181), (float("nan"), 8), (8, float("inf"))]
)
def test_a_position_outside_the_world_or_without_a_fix_is_unknown(
    place: tuple[float, float],
) -> None:
    assert judged(Position(*place), channel()) is None
    assert judged(Position(0, 8.5), channel()) == Position(0, 8.5)


@pytest.mark.parametrize("value", [True, False, "open", None])
def test_what_is_no_number_is_not_judged(value: object) -> None:
    assert judged(value, channel(C.TEMPERATURE, "°C"), SENSORIST) is value


def test_an_attribute_that_cannot_be_is_unknown_and_the_value_stays() -> None:
    plausibility = Plausibility(ANY)
    bounds = plausibility.bounds(channel())
    reading = Reading(7, attributes={"threshold": float("nan"), "direction": "above"})
    found = plausibility.judge(bounds, reading)
    assert found.value == 7
    assert found.attributes == {"threshold": None, "direction": "above"}


def test_hours_and_days_that_cannot_be_are_left_out_and_counted() -> None:
    plausibility = Plausibility(SENSORIST)
    start = None
    hours = [Hour(start, 20, -999, 21), Hour(start, 20, 19, 21), Hour(start, 200, 19, 6553.5)]
    room = channel(C.TEMPERATURE, "°C")
    assert list(plausibility.possible_hours(room, hours)) == [hours[1]]
    angle = channel(C.WIND_DIRECTION, "°", state_class=SensorStateClass.MEASUREMENT_ANGLE)
    assert len(list(plausibility.possible_hours(angle, [Hour(start, 90, -1, 999)]))) == 1
    days = [(start, -1.0), (start, 3.0), (start, float("nan"))]
    assert list(plausibility.possible_days(days)) == [(start, 3.0)]
    assert sum(plausibility.rejected_history.values()) == 4
    assert not plausibility.rejected


@given(
    value=st.one_of(st.floats(), st.integers()),
    row=st.sampled_from(sorted(QUANTITIES)),
    vendor=st.sampled_from(sorted(WITH_HARDWARE)),
    data=st.data(),
)
def test_a_value_is_as_possible_in_one_unit_as_in_another(
    value: float, row: str, vendor: str, data: st.DataObject
) -> None:
    """What is rejected in the table's unit is rejected in every unit, and the other way round."""
    device_class = SensorDeviceClass(row)
    unit = QUANTITIES[row].unit
    converter = UNIT_CONVERTERS.get(device_class)
    hardware = Hardware(limits=WITH_HARDWARE[vendor].limits)
    here = judged(value, channel(device_class, unit), hardware)
    assert here is None or here == value
    if converter is None:
        return
    units = sorted(DEVICE_CLASS_UNITS[device_class] - {"Beaufort"}, key=str)
    other = data.draw(st.sampled_from(units))
    elsewhere = converter.convert(value, unit, other) if abs(value) < 1e25 else value
    bounds = Plausibility(hardware).bounds(channel(device_class, unit))
    edges = [edge for low, high, _ in bounds.limits for edge in (low, high)]
    if any(abs(value - edge) <= 1e-6 * max(1, abs(edge)) for edge in edges) or abs(value) >= 1e19:
        return
    assert (judged(elsewhere, channel(device_class, other), hardware) is None) == (here is None)


def test_every_row_names_its_source_and_lies_within_the_quantity() -> None:
    for hardware in WITH_HARDWARE.values():
        assert all(row.source.startswith(("STATED", "INFERRED")) for row in hardware.limits)
        assert all(
            source.startswith(("STATED", "INFERRED")) for source in hardware.error_codes.values()
        )
        for row in hardware.limits:
            assert row.lowest < row.highest
            if row.quantity in QUANTITIES:
                assert judged(0, channel(SensorDeviceClass(row.quantity), row.unit)) == 0
