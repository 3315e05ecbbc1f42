"""Sensorist's users and devices become typed records, whatever the JSON looks like."""

from collections import Counter
from copy import deepcopy
from datetime import timedelta
import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.client.errors import UnexpectedResponseError
from custom_components.watchpost.vendors.sensorist.models import (
    EnvelopeError,
    Gateway,
    Source,
    UnitRef,
    parse_alarm,
    parse_alarm_logs,
    parse_alarms,
    parse_callbacks,
    parse_gateways,
    parse_latest,
    parse_min_max,
    parse_nothing,
    parse_rows,
    parse_sensor_update,
    parse_user,
    parse_users,
    parse_workflow,
)

from .samples import (
    ANY_JSON,
    ENVELOPE,
    NOON,
    NOON_TEXT,
    body,
    gateway_json,
    sensor_json,
    source_json,
)


def the_gateway(**changes: object) -> Gateway:
    (gateway,) = parse_gateways(body(gateways=[gateway_json(**changes)])).value
    return gateway


def the_source(**changes: object) -> Source:
    return (
        the_gateway(devices=[sensor_json(devices=[source_json(**changes)])]).sensors[0].sources[0]
    )


def test_gateway_sensor_and_source_keep_what_the_vendor_says():
    gateway = the_gateway()
    sensor = gateway.sensors[0]
    source = sensor.sources[0]
    assert (gateway.id, gateway.serial, gateway.title) == ("11", "20000001", "Cellar")
    assert (gateway.type, gateway.is_connected) == (UnitRef(id="10", name="B16"), True)
    assert (sensor.id, sensor.title, sensor.gateway_id) == ("21", "Kølerum", "11")
    assert (source.id, source.interval) == ("31", timedelta(minutes=15))
    assert (source.kind.id, source.kind.name, source.kind.precision) == ("5", "temp", 1)
    assert source.kind.unit == UnitRef(id="1", name="°C")


def test_ids_as_text_and_as_numbers_are_the_same_inventory():
    spelled = gateway_json("11", devices=[sensor_json("21", devices=[source_json("31")])])
    assert parse_gateways(body(gateways=[spelled])) == parse_gateways(
        body(gateways=[gateway_json()])
    )


@pytest.mark.parametrize(
    "bad", [None, True, 1.5, "", " ", "x" * 65, "1,2", "a/b", "..", -1, 10**64, [], {}]
)
def test_record_without_a_usable_id_is_set_aside_and_the_rest_stands(bad):
    sources = [source_json(bad), source_json(32)]
    sensors = [sensor_json(bad), sensor_json(22, devices=sources)]
    parsed = parse_gateways(body(gateways=[gateway_json(bad), gateway_json(12, devices=sensors)]))
    (gateway,) = parsed.value
    assert [sensor.id for sensor in gateway.sensors] == ["22"]
    assert [source.id for source in gateway.sensors[0].sources] == ["32"]
    assert parsed.rejected == {"gateway: id": 1, "sensor: id": 1, "source: id": 1}


def test_of_records_with_the_same_id_the_first_stands():
    first = gateway_json(title="First")
    parsed = parse_gateways(body(gateways=[first, gateway_json("11", title="Second")]))
    assert [gateway.title for gateway in parsed.value] == ["First"]
    assert parsed.rejected == {"gateway: duplicate id": 1}


def test_source_listed_under_two_sensors_stands_once():
    parsed = parse_gateways(body(gateways=[gateway_json(devices=[sensor_json(1), sensor_json(2)])]))
    assert [len(sensor.sources) for sensor in parsed.value[0].sensors] == [1, 0]
    assert parsed.rejected == {"source: duplicate id": 1}


@pytest.mark.parametrize(
    ("devices", "reasons"),
    [
        (None, {"sensor: missing list": 1}),
        ("none", {"sensor: not a list": 1}),
        (7, {"sensor: not a list": 1}),
        ([None, 1, "x", []], {"sensor: not an object": 4}),
    ],
)
def test_gateway_outlives_what_its_devices_are(devices, reasons):
    parsed = parse_gateways(body(gateways=[gateway_json(devices=devices)]))
    assert parsed.value[0].sensors == ()
    assert parsed.rejected == reasons


def test_gateway_without_a_list_of_devices_is_not_one_that_has_none():
    bare = gateway_json()
    del bare["devices"]
    parsed = parse_gateways(body(gateways=[bare]))
    assert (parsed.value[0].sensors, parsed.rejected) == (
        (),
        {"sensor: missing list": 1},
    )


def test_more_sources_than_there_can_be_are_left_out():
    rows = [{"id": number} for number in range(50_002)]
    parsed = parse_gateways(body(gateways=[gateway_json(devices=[sensor_json(devices=rows)])]))
    assert len(parsed.value[0].sensors[0].sources) == 50_000
    assert parsed.rejected == {"source: too many": 2}


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("Freezer", "Freezer"),
        ("  Freezer ", "Freezer"),
        ("Fryser æøå 冷凍庫", "Fryser æøå 冷凍庫"),
        ("x" * 300, "x" * 255),
        ("", None),
        ("  ", None),
        (None, None),
        (5, None),
        (["a"], None),
        ("x" * 254 + "  y", "x" * 254),
    ],
)
def test_titles_are_text_of_bounded_length_or_nothing(title, read):
    assert the_gateway(title=title).title == read


@pytest.mark.parametrize(
    ("interval", "read"),
    [
        (900, timedelta(minutes=15)),
        ("900", timedelta(minutes=15)),
        (0, None),
        (-5, None),
        (1e300, None),
        (True, None),
        ("often", None),
        (None, None),
    ],
)
def test_interval_is_a_positive_time_or_unknown(interval, read):
    assert the_source(interval=interval).interval == read


@pytest.mark.parametrize(
    ("date", "is_connected", "since"),
    [
        (None, True, None),
        (NOON_TEXT, False, NOON),
        ("whenever", None, None),
        ("", None, None),
        (False, None, None),
    ],
)
def test_connection_is_known_only_where_the_vendor_says_it(date, is_connected, since):
    gateway = the_gateway(disconnected_date=date)
    assert (gateway.is_connected, gateway.disconnected_at) == (is_connected, since)


def test_connection_is_unknown_without_the_field():
    bare = gateway_json()
    del bare["disconnected_date"]
    assert parse_gateways(body(gateways=[bare])).value[0].is_connected is None


@pytest.mark.parametrize("kind", [None, "temp", [], {"unit": "C", "precision": "many", "id": None}])
def test_source_of_an_unreadable_kind_stays(kind):
    source = the_source(type=kind)
    assert (source.id, source.kind.name, source.kind.unit.name) == ("31", None, None)


def test_addresses_of_a_gateway_are_not_kept():
    assert "192.0.2" not in repr(the_gateway())


# -- envelopes --


@pytest.mark.parametrize(
    "reply",
    [
        {"gateways": [gateway_json()]},
        {"gateway": gateway_json()},
        {"gateways": gateway_json()},
        {"data": [gateway_json()]},
        [gateway_json()],
        gateway_json(),
    ],
)
def test_gateways_are_found_in_any_wrapper(reply):
    assert parse_gateways(json.dumps(reply).encode()) == parse_gateways(
        body(gateways=[gateway_json()])
    )


@pytest.mark.parametrize("text", [b"null", b"7", b'"x"', b"true", b"", b"<html>", b"[1"])
@pytest.mark.parametrize(
    "parse", [parse_gateways, parse_latest, parse_rows, parse_min_max, parse_alarms, parse_users]
)
def test_reply_that_is_no_object_is_unexpected(parse, text):
    with pytest.raises(UnexpectedResponseError):
        parse(text)


@pytest.mark.parametrize("reply", [ENVELOPE, {}, {"message": "closed"}, ENVELOPE | {"alarms": "x"}])
@pytest.mark.parametrize("parse", [parse_gateways, parse_alarms, parse_callbacks, parse_users])
def test_reply_without_its_list_is_never_an_empty_list(parse, reply):
    with pytest.raises(UnexpectedResponseError):
        parse(json.dumps(reply).encode())


@pytest.mark.parametrize("code", [401, "403", 500, 429, 0])
@pytest.mark.parametrize(
    "parse", [parse_gateways, parse_latest, parse_rows, parse_alarm, parse_nothing]
)
def test_code_in_the_envelope_is_a_refusal(parse, code):
    with pytest.raises(EnvelopeError) as refusal:
        parse(body(code=code, gateways=[], measurements={}, alarm={"id": 1}))
    assert refusal.value.code == int(code)


@pytest.mark.parametrize("code", [200, "200", 201, 204, None, "fine", True])
def test_other_codes_are_no_refusal(code):
    assert parse_latest(body(code=code, measurements={})).value == {}


# -- users --


def test_user_is_read_and_other_fields_do_not_matter():
    user = parse_user(
        body(user={"id": 7, "fname": "Ida", "tz": {"tz": "Europe/Copenhagen"}, "country": "DK"})
    ).value
    assert user is not None
    assert (user.id, user.first_name, user.time_zone, user.country) == (
        "7",
        "Ida",
        "Europe/Copenhagen",
        None,
    )


@pytest.mark.parametrize("key", ["users", "user", "data"])
def test_users_are_found_under_any_key(key):
    assert [user.id for user in parse_users(body(**{key: [{"id": 7}, {"id": 8}]})).value] == [
        "7",
        "8",
    ]


# -- properties --


@given(
    ANY_JSON, st.sampled_from(["gateways", "measurements", "alarms", "callbacks", "users", "data"])
)
def test_no_reply_raises_anything_but_a_refusal_or_unexpected(payload, key):
    reply = json.dumps({"code": 200, key: payload}).encode()
    for parse in (
        parse_gateways,
        parse_latest,
        parse_rows,
        parse_min_max,
        parse_alarms,
        parse_alarm_logs,
        parse_callbacks,
        parse_users,
        parse_sensor_update,
        parse_workflow,
    ):
        try:
            parsed = parse(reply)
        except UnexpectedResponseError:
            continue
        assert isinstance(parsed.rejected, Counter)
        assert all(count > 0 for count in parsed.rejected.values())


@given(ANY_JSON)
def test_reasons_never_show_contents(payload):
    canary = {"id": "canary!", "title": "canary!", "date": "canary!", "devices": payload}
    parsed = parse_gateways(body(gateways=[canary, gateway_json(devices=[canary])]))
    assert "canary" not in str(parsed.rejected)


@given(ANY_JSON)
def test_extra_fields_change_nothing(extra):
    grown = deepcopy(gateway_json())
    grown["added_later"] = extra
    assert parse_gateways(body(gateways=[grown], added_later=extra)) == parse_gateways(
        body(gateways=[gateway_json()])
    )
