"""Who stands in whose place, and which entity carries on which."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.watchpost.engine.replacement import (
    Pair,
    Seen,
    Trait,
    find_pairs,
    pair_entities,
)

THEN = datetime(2026, 9, 1, tzinfo=UTC)
NOW = THEN + timedelta(days=9)


def old(device: str = "sensor-1", **other: Any) -> Seen:
    known = {"name": "Freezer", "serial": "aa01", "model": "S2", "parent": "p", "since": THEN}
    return Seen(device, **{**known, **other})


def new(device: str = "sensor-9", **other: Any) -> Seen:
    return old(device, **{"since": NOW, **other})


def test_the_same_serial_number_is_proof_whatever_else_is_new() -> None:
    found = find_pairs([old()], [new(name="Other", model="S3", parent="q", serial=" AA01 ")])
    assert found == [Pair("sensor-1", "sensor-9")]


@pytest.mark.parametrize("serial", [None, ""])
def test_without_a_serial_number_name_model_and_parent_are(serial: str | None) -> None:
    assert find_pairs([old(serial=serial)], [new(serial=serial)])
    for other in ({"name": "x"}, {"model": "x"}, {"parent": "x"}, {"name": None}):
        assert not find_pairs([old(serial=serial)], [new(serial=serial, **other)])


def test_a_serial_number_that_is_the_id_is_none() -> None:
    gone, came = old("monitor-1041", serial="1041"), new("monitor-1042", serial="1042")
    assert find_pairs([gone], [came]) == [Pair("monitor-1041", "monitor-1042")]


def test_another_serial_number_is_another_device() -> None:
    assert not find_pairs([old()], [new(serial="bb02")])


def test_a_gateway_takes_no_sensors_place() -> None:
    assert not find_pairs([old()], [new("gateway-9")])


def test_nobody_knows_which_where_several_fit() -> None:
    assert not find_pairs([old(), old("sensor-2")], [new()])
    assert not find_pairs([old()], [new(), new("sensor-8")])


def test_what_was_there_all_the_time_took_nobodys_place() -> None:
    assert not find_pairs([old(serial=None)], [new(serial=None, since=THEN)])
    assert find_pairs([old(serial=None)], [new(serial=None, since=None)])


def test_what_was_declined_is_not_found_again() -> None:
    assert not find_pairs([old()], [new()], {Pair("sensor-1", "sensor-9")})


def temperature(key: str, **other: Any) -> Trait:
    return Trait(key, "sensor", "temperature", **{"unit": "°C", "native": "°C", **other})


def test_entities_are_paired_by_key_then_by_class_and_name() -> None:
    events = Trait("events", "event", None, "events")
    pairs = pair_entities(
        [temperature("source-1", name="A"), temperature("source-2", name="B"), events],
        [events, temperature("source-8", name="B"), temperature("source-9", name="A")],
    )
    assert {(one.key, other.key) for one, other in pairs} == {
        ("events", "events"),
        ("source-1", "source-9"),
        ("source-2", "source-8"),
    }


def test_entities_of_one_class_that_nothing_tells_apart_are_not_paired() -> None:
    assert not pair_entities(
        [temperature("source-1", name="A"), temperature("source-2", name="B")],
        [temperature("source-8", name="C"), temperature("source-9", name="D")],
    )


def test_only_the_same_unit_and_class_carries_on() -> None:
    before = temperature("source-1")
    assert before.carries_on(temperature("source-9"))
    assert not before.carries_on(temperature("source-9", native="°F"))
    assert not before.carries_on(Trait("source-9", "sensor", "humidity", unit="%", native="%"))
    unknown = temperature("source-1", native=None, unit="°F")
    assert not unknown.carries_on(temperature("source-9"))
    # A person chose to see it in another unit: Home Assistant converts.
    chosen = temperature("source-1", native=None, unit="°F", is_unit_chosen=True)
    assert chosen.carries_on(temperature("source-9"))
