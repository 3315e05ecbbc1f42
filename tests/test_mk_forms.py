"""The Manfred Kunze platform's open forms: whichever of them a deployment has, the same is shown."""

from datetime import UTC, datetime
from typing import Any

import pytest

from simulators.manfred_kunze import ManfredKunzeCloud, Sensor

from .mk_house import MkHouse, OpenMk

# Each form of each question at least once, as few houses as possible.
FORMS: dict[str, dict[str, Any]] = {
    "arrays of other names": {
        "paging": "array",
        "errors": "spring",
        "names": "other",
        "references": "nested",
        "organization": "orgId",
        "nulls": "omitted",
        "times": "milliseconds",
        "reading": "typed",
        "booleans": "number",
        "order": "oldest",
        "batch": "absent",
        "health": "list",
        "reported": "nested",
    },
    "data from page 1, in groups": {
        "paging": "data",
        "first_page": 1,
        "errors": "text",
        "times": "offset",
        "literals": "lower",
        "sensor_unit": "sensor",
        "batch": "get",
        "batch_answer": "groups",
    },
    "items by other parameters, in one list": {
        "paging": "items",
        "page_names": "pageNumber pageSize",
        "batch_answer": "flat",
        "order": "oldest",
    },
    "an array of one page after the other, one sensor at a time": {
        "paging": "array",
        "first_page": 1,
        "page_names": "page limit",
        "batch": "post",
        "errors": "text",
    },
}


def hold_still(cloud: ManfredKunzeCloud) -> dict[str, str]:
    """Have every sensor measure what it measures now; returns what its state must be."""
    states = {}
    for sensor in cloud.sensors:
        newest = sensor.newest(cloud.world.now)
        assert newest is not None
        cloud.hold(sensor, newest.value)
        on_off = {True: "on", False: "off"} if sensor.type == "BOOLEAN" else {}
        states[sensor.id] = on_off.get(newest.value, str(newest.value)[:255])
    return states


def domain_of(sensor: Sensor) -> str:
    return "binary_sensor" if sensor.type == "BOOLEAN" else "sensor"


@pytest.mark.parametrize("variants", FORMS.values(), ids=FORMS)
async def test_every_sensor_shows_its_newest_value(
    mk_house: MkHouse, open_mk: OpenMk, variants: dict[str, Any]
) -> None:
    mk = await open_mk(variants, devices=5, page_size=10, page_most=10)
    expected = hold_still(mk)
    await mk_house.sign_in(mk)
    await mk_house.pass_time(125)

    assert len(mk.sensors) > 20
    states = {sensor.id: mk_house.sensor(sensor, domain_of(sensor)) for sensor in mk.sensors}
    assert {found: state.state for found, state in states.items()} == expected
    shown = {sensor.name: states[sensor.id] for sensor in mk.sensors}
    assert shown["temperature"].attributes["unit_of_measurement"] == "°C"
    assert shown["temperature"].attributes["device_class"] == "temperature"
    assert len(shown["remark"].attributes["text"]) > 255
    device = mk.devices[0]
    assert mk_house.shown(f"device-{device.id}", "device_status").state == "active"
    assert float(mk_house.shown(f"device-{device.id}", "signal_strength").state) < 0
    for component in mk.components:
        last = mk_house.shown(f"component-{component.id}", "last_measurement").state
        assert (datetime.now(UTC) - datetime.fromisoformat(last)).total_seconds() < 130
