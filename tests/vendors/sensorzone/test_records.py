"""SensorZone's replies in every likely form, and what comes of forms that are none."""

from datetime import UTC, date, datetime, timedelta
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.client.decode import RecordDecoder, to_datetime
from custom_components.watchpost.client.errors import UnexpectedResponseError
from custom_components.watchpost.models import Position
from custom_components.watchpost.vendors.sensorzone import models
from custom_components.watchpost.vendors.sensorzone.charts import runtimes
from custom_components.watchpost.vendors.sensorzone.decode import (
    Page,
    flag,
    flat,
    position_of,
    read_one,
    read_page,
    reference,
    references,
    seconds_of,
    span_of,
    words,
)
from custom_components.watchpost.vendors.sensorzone.geometry import is_simple
from custom_components.watchpost.vendors.sensorzone.problem_details import problems_in

NOON = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


# -- lists --

ROW = {"id": 7, "name": "Seven"}
LISTS = [
    [ROW],
    {"data": [ROW]},
    {"machines": [ROW]},
    {"items": [ROW], "meta": {}},
    {"data": [{"id": "7", "type": "machine", "attributes": {"name": "Seven"}}]},
]


@pytest.mark.parametrize("reply", LISTS)
def test_a_list_is_found_wherever_it_may_be(reply: Any) -> None:
    (row,) = read_page(body(reply), "", "machines").rows
    found = flat(row)
    assert found is not None
    assert (str(found["id"]), found["name"]) == ("7", "Seven")


@pytest.mark.parametrize(
    "reply", [12, "text", None, {}, {"data": {}}, {"error": "no"}, {"other": []}]
)
def test_what_holds_no_list_is_never_an_empty_one(reply: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        read_page(body(reply), "", "machines")


NEXT = "https://platform.sensorzone.io/api/v1/incursions?page=2"
PAGES = [
    ({"data": [], "links": {"next": NEXT}}, Page((), NEXT)),
    ({"data": [], "links": {"next": {"href": NEXT}}}, Page((), NEXT)),
    ({"data": [], "links": {"next": None}}, Page((), is_last=True)),
    ({"data": [], "next": NEXT}, Page((), NEXT)),
    ({"data": [], "meta": {"next_page_url": NEXT}}, Page((), NEXT)),
    ({"data": [], "meta": {"next_page": 3}}, Page((), None, 3, is_last=False)),
    ({"data": [], "meta": {"next_page": None}}, Page((), None, None, is_last=True)),
    ({"data": [], "meta": {"currentPage": 1, "totalPages": 4}}, Page((), None, 2, is_last=False)),
    ({"data": [], "pagination": {"page": 4, "pages": 4}}, Page((), None, None, is_last=True)),
    ({"data": [], "has_more": True}, Page((), None, None, is_last=False)),
    ({"data": []}, Page(())),
]


@pytest.mark.parametrize(("reply", "page"), PAGES)
def test_the_next_page_is_told_in_many_ways(reply: Any, page: Page) -> None:
    assert read_page(body(reply)) == page


@pytest.mark.parametrize(
    "header",
    [
        '<https://x/a,b;rel=next>; rel="prev", <{}>; title="a, b; rel=prev"; rel="last next"',
        "<{}>;rel=next",
        '<https://x/>; rel="prev",<{}> ; foo; REL = "Next"',
    ],
)
def test_a_link_in_the_link_header_may_have_commas_and_semicolons(header: str) -> None:
    link = "https://x/a,b;c?d=e,f;g"
    assert read_page(b"[]", header.format(link)).link == link


def test_a_header_without_a_next_page_names_none() -> None:
    for header in (
        '<https://x/>; rel="nextish"',
        "next",
        '<https://x/>; title="rel=next"',
        "<" * 8000,
    ):
        assert read_page(b"[]", header).link is None


def test_the_next_page_may_stand_in_the_link_header() -> None:
    header = f'<https://x/last>; rel="last", <{NEXT}>; rel="next"'
    assert read_page(b"[]", header).link == NEXT
    assert read_page(b"[]", "nonsense").link is None


def test_relationships_are_joined_with_what_is_included() -> None:
    reply = {
        "data": [
            {
                "id": "1",
                "type": "incursions",
                "attributes": {"started-at": "2026-09-13T12:00:00Z"},
                "relationships": {
                    "baseStation": {"data": {"id": "9", "type": "base_stations"}},
                    "tags": {"data": [{"id": "3", "type": "tags"}]},
                    "worksite": {"data": None},
                    "odd": 3,
                },
            }
        ],
        "included": [
            {"id": "9", "type": "base_stations", "attributes": {"name": "Loader"}},
            "not an object",
        ],
    }
    row = flat(read_page(body(reply)).rows[0])
    assert row is not None
    assert reference(row, "base_station") == "9"
    assert words(row, "base_station") == "Loader"
    assert references(row, "tag") == ("3",)
    assert reference(row, "worksite") is None


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (b"", None),
        (b"[1]", None),
        (body({"data": {"id": 1}}), {"id": 1}),
        (body({"data": [{"id": 1}]}), {"id": 1}),
        (body({"report": {"id": 1}}), {"id": 1}),
        (body({"id": 1}), {"id": 1}),
    ],
)
def test_one_record_is_found_wherever_it_may_be(reply: bytes, found: Any) -> None:
    assert read_one(reply, "report") == found


# -- values --


@pytest.mark.parametrize(
    "told",
    [
        "2026-09-13T12:00:00Z",
        "2026-09-13T14:00:00+02:00",
        "2026-09-13 12:00:00",
        1789300800,
        1789300800000,
        "1789300800",
        1789300800.0,
    ],
)
def test_a_time_is_the_same_however_told(told: Any) -> None:
    assert to_datetime(told) == NOON


@pytest.mark.parametrize(
    "told", [None, "", "soon", -1, 0, True, [], {}, 1e300, "99999999999999", "NaN"]
)
def test_what_is_no_time_is_none(told: Any) -> None:
    assert to_datetime(told) is None


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        ({"duration": 12}, 12),
        ({"duration_ms": 12000}, 12),
        ({"duration_seconds": "12"}, 12),
        ({"duration_minutes": 2}, 120),
        ({"length": 12.5}, 12.5),
        ({"duration": -3}, None),
        ({"duration": None, "length": 4}, 4),
        ({}, None),
    ],
)
def test_a_length_of_time_is_read_by_the_unit_in_its_key(row: Any, seconds: float | None) -> None:
    assert seconds_of(row, "duration", "length") == seconds


def test_a_span_is_what_the_times_say_unless_they_contradict_each_other() -> None:
    later = NOON + timedelta(seconds=9)
    assert span_of(NOON, later, 70) == timedelta(seconds=9)
    assert span_of(later, NOON, 70) is None
    assert span_of(NOON, None, 70) == timedelta(seconds=70)
    assert span_of(NOON, None, None) is None
    assert span_of(NOON, None, 1e12) is None


@pytest.mark.parametrize(
    "row",
    [
        {"latitude": 54.5, "longitude": -3.25},
        {"lat": "54.5", "lng": "-3.25"},
        {"position": {"lat": 54.5, "lon": -3.25}},
        {"location": {"type": "Point", "coordinates": [-3.25, 54.5]}},
        {"geometry": {"type": "Point", "coordinates": [-3.25, 54.5, 12]}},
        {"coordinates": [-3.25, 54.5]},
    ],
)
def test_a_place_is_the_same_however_told(row: Any) -> None:
    assert position_of(row) == Position(54.5, -3.25)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"latitude": 0, "longitude": 0},
        {"latitude": 91, "longitude": 0.5},
        {"latitude": 1},
        {"latitude": "NaN", "longitude": 3},
        {"position": None},
        {"position": {"coordinates": "x"}},
        {"coordinates": [[1, 2], [3, 4], [5, 6], [7, 8]]},
    ],
)
def test_what_is_no_place_is_nowhere(row: Any) -> None:
    assert position_of(row) is None


def test_no_text_of_a_position_tells_where_it_is() -> None:
    assert "54" not in repr(Position(54.5, -3.25, 54.0))


@pytest.mark.parametrize(
    ("told", "is_on"),
    [
        (True, True),
        ("ON", True),
        (1, True),
        ("off", False),
        (0, False),
        ("maybe", None),
        (None, None),
        ([], None),
    ],
)
def test_a_word_that_is_not_known_is_neither_on_nor_off(told: Any, is_on: bool | None) -> None:
    assert flag(told) is is_on


# -- records --

INCURSIONS = [
    {
        "id": 5,
        "started_at": "2026-09-13T12:00:00Z",
        "ended_at": "2026-09-13T12:00:09Z",
        "acknowledged": True,
        "base_station_id": 9,
        "tag_id": 3,
    },
    {
        "id": "5",
        "startedAt": 1789300800,
        "durationMs": 9000,
        "acknowledgedAt": "2026-09-13T12:01:00Z",
        "baseStation": {"id": "9"},
        "tag": {"id": 3, "serial": "T3"},
    },
    {
        "id": "5",
        "type": "incursion",
        "attributes": {"start-time": "2026-09-13T12:00:00Z", "length": 9, "status": "acknowledged"},
        "relationships": {
            "machine": {"data": {"id": "9", "type": "machine"}},
            "pedestrian": {"data": {"id": "3", "type": "tag"}},
        },
    },
]


@pytest.mark.parametrize("row", INCURSIONS)
def test_an_incursion_is_the_same_however_told(row: Any) -> None:
    held = flat(row)
    assert held is not None
    found = models.incursion("5", held)
    assert found is not None
    assert (found.id, found.started_at, found.machine, found.tag) == ("5", NOON, "9", "3")
    assert found.length == timedelta(seconds=9)
    assert found.is_acknowledged is True


@pytest.mark.parametrize(
    ("row", "acknowledged"),
    [
        ({"acknowledged": False}, False),
        ({"acknowledged": False, "acknowledged_at": "2026-09-13T12:01:00Z"}, True),
        ({"status": "Unacknowledged"}, False),
        ({"status": "not acknowledged"}, False),
        ({"status": "strange"}, None),
        ({"acknowledged_at": None}, False),
        ({"acknowledged_at": "soon"}, None),
        ({"ack_time": 4.2}, None),
        ({"ack_time": None}, False),
        ({}, None),
    ],
)
def test_whether_it_was_acknowledged_is_known_or_not(row: Any, acknowledged: bool | None) -> None:
    found = models.incursion("1", {"started_at": 1789300800, **row})
    assert found is not None
    assert found.is_acknowledged is acknowledged


def test_records_without_id_or_time_are_set_aside_and_counted() -> None:
    sieve = RecordDecoder()
    rows: list[object] = [None, 3, {}, {"id": True}, {"id": 1}, {"id": 2, "started_at": 1789300800}]
    rows.append(rows[-1])
    found = models.identified(sieve, "incursion", rows, models.incursion)
    assert [incursion.id for incursion in found] == ["2"]
    assert sieve.rejected == {
        "incursion: not an object": 2,
        "incursion: id": 2,
        "incursion: time": 1,
    }


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"kind": "Machine"}, "machine"),
        ({"type": "base_stations"}, "machine"),
        ({"entity_type": "person"}, "person"),
        ({"role": "pedestrian"}, "person"),
        ({"ignition": True}, "machine"),
        ({"employee_id": None}, "person"),
        ({"name": "?"}, None),
    ],
)
def test_people_and_machines_are_told_apart(row: Any, kind: str | None) -> None:
    assert models.kind_of(row) == kind


def test_a_machine_that_stands_for_hardware_has_its_id() -> None:
    assert models.entity_id("machine", "1", {"base_station_id": 9}) == "9"
    assert models.entity_id("person", "1", {"tag": {"id": "4"}}) == "4"
    assert models.entity_id("person", "1", {}) == "1"


TRACKS = [
    [{"at": "2026-09-13T12:00:00Z", "latitude": 1, "longitude": 2}],
    [{"timestamp": 1789300800, "position": {"lat": 1, "lng": 2}}],
    [{"points": [{"time": "2026-09-13T12:00:00Z", "lat": 1, "lon": 2}]}],
    [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [2, 1]},
            "properties": {"time": 1789300800},
        }
    ],
    [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": [[2, 1]]},
            "properties": {"coordTimes": ["2026-09-13T12:00:00Z"]},
        }
    ],
    [{"type": "LineString", "coordinates": [[2, 1]], "times": [1789300800]}],
]


@pytest.mark.parametrize("rows", TRACKS)
def test_a_track_is_the_same_however_told(rows: Any) -> None:
    (fix,) = models.fixes(rows)
    assert (fix.at, fix.position) == (NOON, Position(1, 2))


def test_places_without_a_time_are_no_track() -> None:
    rows = [
        3,
        {"lat": 1, "lng": 2},
        {"type": "LineString", "coordinates": [[2, 1], [3, 1]], "times": [1]},
    ]
    assert models.fixes(rows) == ()


def test_a_failed_test_of_a_tag_counts_for_nothing() -> None:
    assert models.tested_at({"at": 1, "started_at": 1789300800, "passed": False}) is None
    assert models.tested_at({"tested_at": 1789300800, "passed": True}) == NOON
    assert models.tested_at({"tested_at": 1789300800, "result": "Failed"}) is None
    assert models.tested_at({"tested_at": 1789300800, "result": "ok"}) == NOON


SQUARE = [[0, 0], [0, 2], [2, 2], [2, 0], [0, 0]]
BOW_TIE = [[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]


@pytest.mark.parametrize(
    ("boundary", "simple"),
    [
        ({"type": "Polygon", "coordinates": [SQUARE]}, True),
        ({"type": "Polygon", "coordinates": [BOW_TIE]}, False),
        ({"type": "Polygon", "coordinates": [[[0, 0], "x", [1, 1], [0, 0]]]}, None),
        ({"type": "Polygon", "coordinates": [[[0, None], [1, 2], [1, 1], [0, 0]]]}, None),
        ({"type": "Polygon", "coordinates": []}, None),
        ({"type": "Polygon"}, None),
        ({"type": "Point", "coordinates": [1, 2]}, None),
        (None, None),
    ],
)
def test_a_boundary_that_crosses_itself_is_seen(boundary: Any, simple: bool | None) -> None:
    assert is_simple(boundary) is simple


def test_a_worksite_is_in_one_project_or_several() -> None:
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}
    one = models.site("1", {"name": "Yard", "project_id": 4, "boundary": feature})
    assert one.projects == ("4",)
    assert is_simple(one.boundary) is True
    assert one.boundary is not None
    assert one.boundary["type"] == "Polygon"
    several = models.site("1", {"projects": [{"id": 4}, {"id": 5}, {}], "base_station_ids": [9]})
    assert several.projects == ("4", "5")
    assert several.machines == ("9",)
    assert several.boundary is None


# -- charts --

CHARTS = [
    {
        "labels": ["2026-09-13"],
        "datasets": [{"base_station_id": 9, "label": "Loader", "data": [7.5]}],
    },
    {"data": {"labels": ["2026-09-13"], "series": [{"id": 9, "values": [7.5]}]}},
    {
        "labels": ["2026-09-13"],
        "unit": "seconds",
        "datasets": [{"machine_id": "9", "data": [27000]}],
    },
    {"labels": ["2026-09-13"], "datasets": [{"machine_id": "9", "runtime_seconds": [27000]}]},
    [{"base_station_id": 9, "date": "2026-09-13", "runtime_hours": 7.5}],
    [{"machine": {"id": 9}, "day": "2026-09-13", "seconds": 27000}],
    [{"id": 9, "name": "Loader", "data": [{"date": "2026-09-13", "hours": 7.5}]}],
    {
        "data": [
            {
                "type": "runtimes",
                "id": "1",
                "attributes": {"date": "2026-09-13", "runtime-seconds": 27000},
                "relationships": {"machine": {"data": {"type": "machine", "id": "9"}}},
            }
        ]
    },
]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_the_same_however_told(chart: Any) -> None:
    (row,) = runtimes(body(chart))
    assert (row.machine, row.day, row.hours) == ("9", date(2026, 9, 13), 7.5)


def test_a_chart_without_ids_goes_by_names() -> None:
    chart = {"labels": ["2026-09-13"], "datasets": [{"label": "Loader", "data": [1]}]}
    assert runtimes(body(chart))[0].machine == "Loader"


def test_hours_that_no_day_has_are_left_out() -> None:
    chart = {
        "labels": ["2026-09-12", "2026-09-13", "soon", "2026-09-14", "2026-09-15"],
        "datasets": [{"id": 9, "data": [25.9, -1, 3, None, 4]}, 7, {"data": [1]}, {"id": 8}],
    }
    assert [(row.day.day, row.hours) for row in runtimes(body(chart))] == [(15, 4.0)]


@pytest.mark.parametrize("chart", [3, {}, {"labels": [1]}, {"labels": [], "datasets": {}}])
def test_what_is_no_chart_is_said(chart: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        runtimes(body(chart))


# -- what is wrong with what was sent --

TAKEN = {"employee_id": "is taken already"}
PROBLEMS = [
    ({"errors": {"employee_id": ["has already been taken"]}}, TAKEN),
    ({"errors": {"employeeId": "is not unique"}}, {}),
    ({"errors": ["Employee id has already been taken"]}, TAKEN),
    ({"error": "employee_id must be unique"}, TAKEN),
    (
        {"errors": [{"source": {"pointer": "/data/attributes/employee_id"}, "detail": "taken"}]},
        TAKEN,
    ),
    ({"errors": [{"field": "name", "message": "can't be blank"}]}, {"name": "is missing"}),
    ({"errors": {"email": ["ada@example.org is odd"]}}, {"email": "is not accepted"}),
    (
        {"errors": {"tag_serial": "not found"}},
        {"tag_serial": "names something that does not exist"},
    ),
    ({"errors": {"canary": ["ada@example.org"]}}, {}),
    ({"error": "Something else"}, {}),
    ([1], {}),
]


@pytest.mark.parametrize(("reply", "problems"), PROBLEMS)
def test_problems_are_told_by_field_in_our_words(reply: Any, problems: dict[str, str]) -> None:
    assert problems_in(body(reply)) == problems
    assert problems_in(b"<html>") == {}


# -- anything --

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "data",
                    "attributes",
                    "relationships",
                    "links",
                    "next",
                    "meta",
                    "started_at",
                    "status",
                    "position",
                    "coordinates",
                    "geometry",
                    "labels",
                    "datasets",
                    "errors",
                    "included",
                    "boundary",
                    "tag",
                    "name",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(ANYTHING)
def test_no_reply_raises_anything_but_unexpected(reply: Any) -> None:
    raw = json.dumps(reply).encode()
    for read in (read_page, read_one, runtimes, problems_in):
        try:
            read(raw)
        except UnexpectedResponseError:
            continue
    row = flat(reply)
    if row is not None:
        for kind in (
            models.machine,
            models.person,
            models.incursion,
            models.site,
            models.clip,
            models.project,
        ):
            kind("1", row)
        models.status(row)
        models.kind_of(row)
    models.fixes([reply])
