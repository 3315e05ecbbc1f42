"""SENSIT Connect's devices and logs become typed records, whatever the JSON looks like."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.client.errors import SignInRejectedError, UnexpectedResponseError
from custom_components.watchpost.vendors.sensit.dates import format_date, parse_date
from custom_components.watchpost.vendors.sensit.models import (
    MAX_FIELDS,
    MAX_PATH,
    TRIGGER,
    Kind,
    Record,
    parse_days,
    parse_monitors,
    parse_records,
    parse_user_session,
)

from ..sensorist.samples import ANY_JSON
from .samples import NOON, body, monitor_json, ramp_json, spod_json, token

AT_NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)


def the_record(**changes: Any) -> Record:
    (record,) = parse_records(body([spod_json(**changes)])).value
    return record


def test_a_monitor_keeps_what_the_vendor_says() -> None:
    (monitor,) = parse_monitors(body([monitor_json()])).value
    assert (monitor.uuid, monitor.name, monitor.location) == ("1041", "Fence", "North field")
    assert (monitor.status, monitor.type, monitor.kind) == ("Active", "SPOD", Kind.SPOD)
    assert (monitor.is_charging, monitor.needs_firmware, monitor.battery) == (True, False, 81.0)
    assert monitor.record is not None
    assert monitor.record.date == AT_NOON
    assert monitor.record.values["pid1_PPB_Calc"] == 61.5


@pytest.mark.parametrize("wrapped", [False, True])
def test_lists_come_bare_or_under_data(wrapped: bool) -> None:
    def form(items: list[Any]) -> bytes:
        return body({"data": items} if wrapped else items)

    assert [found.uuid for found in parse_monitors(form([monitor_json()])).value] == ["1041"]
    assert len(parse_records(form([spod_json()])).value) == 1
    day = {"_id": {"month": 9, "day": 29, "year": 2023}, "count": 1440, "date": NOON}
    (found,) = parse_days(form([day])).value
    assert (found.day, found.count, found.last) == (date(2023, 9, 29), 1440, AT_NOON)
    assert parse_monitors(form([])).value == ()


def test_null_in_place_of_a_list_is_no_monitor_and_proves_nothing() -> None:
    for response in (b"null", b'{"data": null}'):
        assert parse_monitors(response).rejected == Counter({"monitor: no list": 1})
        assert parse_records(response).value == ()


@pytest.mark.parametrize("response", [b"<html>", b'{"message": "no"}', b"7", b'"x"', b"{}", b""])
def test_a_reply_without_its_list_is_never_an_empty_list(response: bytes) -> None:
    for parse in (parse_monitors, parse_records, parse_days):
        with pytest.raises(UnexpectedResponseError):
            parse(response)


def test_nested_values_are_flattened_by_path_and_lists_by_channel() -> None:
    (record,) = parse_records(body([ramp_json(more={"a": {"b": {"c": 1, "d": {"e": 2}}}})])).value
    assert record.values["OPCData.OPC_2_5"] == 8.1
    assert record.values["raw.1.act_avg"] == 310.2
    assert record.values["raw.4.aux_avg"] == 300.5
    assert record.values["more.a.b.c"] == 1
    assert not any(path.startswith("more.a.b.d") for path in record.values)
    assert not {"id", "_id", "date", "raw.1.channel"} & record.values.keys()
    (record,) = parse_records(body([ramp_json(list=[3, {"x": 4}])])).value
    assert (record.values["list.0"], record.values["list.1.x"]) == (3, 4)


def test_a_path_with_a_dot_is_the_same_as_a_nested_one() -> None:
    flat = spod_json(**{"trig.trig_activeFlag": 2})
    del flat["trig"]
    (record,) = parse_records(body([flat])).value
    assert record.values[TRIGGER] == 2


@pytest.mark.parametrize(
    ("trig", "present"),
    [({"trig_activeFlag": None}, True), ({"trig_activeFlag": ""}, True), ({}, True), (None, True),
     ([], True), ("odd", False), (2, False), (True, False), ([{"trig_activeFlag": 1}], False),
     ({"trig_activeFlag": float("nan")}, False), ({"trig_activeFlag": 1e308}, False),
     ({"trig_activeFlag": {"port": 1}}, False), ({"trig_activeFlag": [2]}, False)],
)  # fmt: skip
def test_a_trigger_without_a_flag_is_idle_and_one_that_cannot_be_read_is_not(
    trig: Any, present: bool
) -> None:
    record = the_record(trig=trig)
    assert (TRIGGER in record.values) is present
    assert record.values.get(TRIGGER) is None


@pytest.mark.parametrize(
    ("sent", "read"),
    [(1e308, None), (float("nan"), None), (float("inf"), None), (-12.5, -12.5), (True, True),
     ("12.5", "12.5"), ("", None), (10**400, None), (0, 0.0)],
)  # fmt: skip
def test_what_measures_nothing_is_none_and_what_is_below_zero_stays(sent: Any, read: Any) -> None:
    record = the_record(temp=sent)
    assert record.values["temp"] == read
    assert "temp" in record.values


@pytest.mark.parametrize(
    ("last", "rejected"),
    [(None, {}), ({}, {}), ([], {}), ("soon", {"record: not an object": 1}),
     (7, {"record: not an object": 1}), ({"temp": 3}, {"record: date": 1}),
     ({"date": "soon"}, {"record: date": 1}), ([1, 2], {"record: not an object": 1})],
)  # fmt: skip
def test_a_last_record_that_is_none_costs_the_monitor_nothing(
    last: Any, rejected: dict[str, int]
) -> None:
    parsed = parse_monitors(body([monitor_json(lastReceivedRecord=last)]))
    assert [(found.uuid, found.record) for found in parsed.value] == [("1041", None)]
    assert parsed.rejected == Counter(rejected)


def test_a_last_record_in_a_list_of_one_is_that_record() -> None:
    (found,) = parse_monitors(body([monitor_json(lastReceivedRecord=[spod_json()])])).value
    assert found.record is not None


def test_monitors_without_a_uuid_and_a_second_one_with_the_same_are_counted() -> None:
    parsed = parse_monitors(
        body(
            [
                monitor_json(),
                monitor_json(name="Twin"),
                monitor_json(uuid=None),
                monitor_json(uuid="a b"),
                monitor_json(uuid=7),
                "monitor",
            ]
        )
    )
    assert [(found.uuid, found.name) for found in parsed.value] == [
        ("1041", "Fence"),
        ("7", "Fence"),
    ]
    assert parsed.rejected == Counter(
        {"monitor: uuid": 2, "monitor: duplicate uuid": 1, "monitor: not an object": 1}
    )


@pytest.mark.parametrize(
    ("sent", "kind"),
    [("SPOD", Kind.SPOD), ("fmd", Kind.FMD), ("XYZ", None), (None, None), (3, None)],
)
def test_a_type_that_is_not_known_has_no_logs(sent: Any, kind: Kind | None) -> None:
    (found,) = parse_monitors(body([monitor_json(type=sent)])).value
    assert found.kind is kind


@pytest.mark.parametrize(
    ("sent", "read"), [(0, 0.0), (100, 100.0), ("55", 55.0), (101, None), (-1, None), (None, None)]
)
def test_a_battery_is_a_percentage_or_unknown(sent: Any, read: float | None) -> None:
    (found,) = parse_monitors(body([monitor_json(battery=sent)])).value
    assert found.battery == read


def test_fields_beyond_what_can_be_shown_are_counted() -> None:
    parsed = parse_records(body([{"date": NOON, **{f"f{n}": n for n in range(MAX_FIELDS + 3)}}]))
    assert len(parsed.value[0].values) == MAX_FIELDS
    assert parsed.rejected == Counter({"field: too many": 3})
    parsed = parse_records(body([{"date": NOON, "x" * (MAX_PATH + 1): 1, "a\nb": 2}]))
    assert parsed.value[0].values == {}
    assert parsed.rejected == Counter({"field: name": 2})


@pytest.mark.parametrize(
    "sent",
    ["2026-09-13T12:00:00.000Z", "2026-09-13T14:00:00+02:00", "2026-09-13T12:00:00",
     "2026-09-13 12:00:00", "2026-9-13 12:00:00", "13-Sep-2026 12:00:00", "09/13/2026 12:00:00 PM",
     AT_NOON.timestamp(), AT_NOON.timestamp() * 1000],
)  # fmt: skip
def test_dates_are_read_in_every_form_that_was_seen(sent: Any) -> None:
    assert parse_date(sent) == AT_NOON


@pytest.mark.parametrize(
    "sent",
    [None, True, "", "soon", "0001-01-01", "9999-12-31T00:00:00Z", 1e308, -1, 5, "1" * 99, {}],
)
def test_what_is_no_date_is_none(sent: Any) -> None:
    assert parse_date(sent) is None


def test_dates_are_written_as_the_vendor_shows() -> None:
    assert format_date(AT_NOON) == "2026-09-13 12:00:00"


def test_a_sign_in_brings_token_user_and_role() -> None:
    made = token(exp=1)
    response = {"accessToken": made, "user": {"id": "u1", "role": "ClientUser"}, "message": "ok"}
    for form in (response, {"data": response}):
        signed = parse_user_session(body(form))
        assert (signed.token, signed.user, signed.role) == (made, "u1", "ClientUser")
        assert made not in repr(signed)


@pytest.mark.parametrize(
    ("response", "error"),
    [({"message": "Invalid login"}, SignInRejectedError), ({}, UnexpectedResponseError), ([], UnexpectedResponseError),
     ({"accessToken": "x"}, UnexpectedResponseError),
     ({"accessToken": "a b", "user": {"id": "u"}}, UnexpectedResponseError),
     ({"accessToken": "a\nb", "user": {"id": "u"}}, UnexpectedResponseError),
     ({"accessToken": "", "user": {"id": "u"}}, UnexpectedResponseError),
     ({"accessToken": 7, "user": {"id": "u"}}, UnexpectedResponseError)],
)  # fmt: skip
def test_a_sign_in_without_a_usable_token_is_none(response: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_user_session(body(response))


def test_days_that_are_none_are_counted() -> None:
    good = {"_id": {"month": "2", "day": 29, "year": 2024}, "count": "many", "date": "late"}
    rows = [good, {"_id": {"month": 2, "day": 30, "year": 2024}}, {"_id": 7}, {}, 3]
    parsed = parse_days(body(rows))
    assert [(day.day, day.count, day.last) for day in parsed.value] == [
        (date(2024, 2, 29), None, None)
    ]
    assert sum(parsed.rejected.values()) == 4


@given(ANY_JSON, st.sampled_from(["bare", "list", "record", "wrapped"]))
def test_no_reply_raises_anything_but_an_unexpected_one(anything: Any, place: str) -> None:
    response = {
        "bare": anything,
        "list": [anything],
        "record": [monitor_json(lastReceivedRecord=anything), spod_json(more=anything)],
        "wrapped": {"data": anything},
    }[place]
    for parse in (parse_monitors, parse_records, parse_days, parse_user_session):
        try:
            parse(body(response))
        except UnexpectedResponseError, SignInRejectedError:
            continue
