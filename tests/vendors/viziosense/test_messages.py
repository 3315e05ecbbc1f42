"""Messages of cameras: whatever they hold, they are read, judged and added up without a mishap."""

from datetime import UTC, datetime, timedelta
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.vendors.viziosense.camera_state import (
    CameraState,
    MessageVerdict,
    from_stored,
    to_stored,
)
from custom_components.watchpost.vendors.viziosense.count_entities import message_readings
from custom_components.watchpost.vendors.viziosense.messages import (
    MAX_COUNTERS,
    MAX_PLACES,
    Message,
    parse_content,
    parse_message,
    to_event_text,
)

NOW = datetime(2026, 9, 13, 12, tzinfo=UTC)
NOON_SECONDS = NOW.timestamp()
TYPES = ("VPM", "VYD", "VCZ", "VCB", "VCW", "VXX")

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "name", "is_active", "cls", "counts", "in", "out", "count", "car", "lat"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


def message(payload: Any, kind: str = "VPM", at: Any = NOON_SECONDS) -> Message | None:
    fields = {"stream_id": "camera-1", "type": kind, "timestamp": at, "payload": payload}
    return parse_message(json.dumps(fields).encode())


@given(ANY, st.sampled_from(TYPES), ANY)
def test_no_message_breaks_anything_and_all_of_it_survives_a_restart(
    payload: Any, kind: str, at: Any
) -> None:
    found = message(payload, kind, at)
    assert found is not None
    scene = CameraState()
    assert scene.classify(found, NOW) is MessageVerdict.NEW
    scene.apply(found, parse_content(found), NOW)
    assert scene.classify(found, NOW) is MessageVerdict.REPEATED
    json.dumps(to_event_text(payload))
    assert len(to_event_text(payload)) <= 1003

    kept = json.loads(json.dumps(to_stored({"camera-1": scene})))
    again = from_stored(kept)["camera-1"]
    assert again.classify(found, NOW) is MessageVerdict.REPEATED
    assert again.applications[kind].places.keys() == scene.applications[kind].places.keys()


@given(ANY)
def test_no_memory_breaks_anything(memory: Any) -> None:
    kept = memory if isinstance(memory, dict) else {"x": memory}
    assert from_stored(kept).keys() <= kept.keys()
    assert from_stored({"camera": {"VCB": kept}})


@given(st.binary(max_size=60))
def test_no_bytes_break_anything(noise: bytes) -> None:
    assert parse_message(noise) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=20), st.randoms())
def test_a_barrier_counts_each_message_once_in_whatever_order(
    passed: list[tuple[int, int]], chance: Any
) -> None:
    sent = [
        message([{"id": "gate", "in": {"car": cars}}], "VCB", NOW.timestamp() + n + late * 100)
        for n, (late, cars) in enumerate(passed)
    ]
    posted = [each for each in sent * 3 if each is not None]
    chance.shuffle(posted)
    scene = CameraState()
    for each in posted:
        if scene.classify(each, NOW + timedelta(hours=3)) is MessageVerdict.NEW:
            scene.apply(each, parse_content(each), NOW + timedelta(hours=3))

    counted = sum(cars for _, cars in passed)
    tallies = scene.applications["VCB"].tallies if passed else {}
    assert (tallies["gate"].numbers["in-car"] if tallies else 0) == counted


def test_more_places_than_are_shown_are_counted() -> None:
    rows = [{"id": f"p{n}", "is_active": n % 2 == 0} for n in range(MAX_PLACES + 500)]
    found = message([*rows, {"id": "off", "deactivated": True}, {"id": "p1"}, {}])
    assert found is not None
    content = parse_content(found)

    assert content.places is not None
    assert len(content.places) == MAX_PLACES
    assert (content.totals.total, content.totals.occupied) == (1500, 750)
    assert content.rejected == {"VPM place: duplicate id": 1, "VPM place: id": 1}


def test_negative_counts_are_none() -> None:
    found = message([{"id": "gate", "in": {"car": -5, "truck": 2, "bus": "x"}}], "VCB")
    assert found is not None
    (tally,) = parse_content(found).counters

    assert tally.numbers == {"in-truck": 2.0}


def taken(scene: CameraState, found: Message | None, received: datetime = NOW) -> MessageVerdict:
    """Let a camera say something."""
    assert found is not None
    verdict = scene.classify(found, received)
    if verdict is MessageVerdict.NEW:
        scene.apply(found, parse_content(found), received)
    return verdict


def passing(n: int) -> Message | None:
    return message([{"id": "gate", "in": {"car": 1}}], "VCB", NOW.timestamp() + 30 * n)


def test_a_message_that_is_repeated_after_very_many_others_counts_once() -> None:
    scene = CameraState()
    later = NOW + timedelta(hours=12)
    for n in range(600):
        assert taken(scene, passing(n), later) is MessageVerdict.NEW
    assert taken(scene, passing(601), later) is MessageVerdict.NEW
    scene = from_stored(json.loads(json.dumps(to_stored({"camera-1": scene}))))["camera-1"]

    for n in range(600):
        assert taken(scene, passing(n), later) is not MessageVerdict.NEW
    assert taken(scene, passing(600), later) is MessageVerdict.NEW  # late, and never told before

    assert scene.applications["VCB"].tallies["gate"].numbers == {"in-car": 602.0}


def test_a_clock_that_was_wrong_once_keeps_no_message_out() -> None:
    scene = CameraState()
    no_time = message([{"id": "p", "is_active": True}], at=None)
    assert taken(scene, no_time, NOW + timedelta(days=400)) is MessageVerdict.NEW

    assert taken(scene, message([{"id": "p", "is_active": False}])) is MessageVerdict.NEW
    assert taken(scene, message([{"id": "p"}], at=NOON_SECONDS - 60)) is MessageVerdict.OUTDATED


@pytest.mark.parametrize("kind", ["VCB", "VCZ"])
def test_counters_with_ever_new_names_do_not_grow_without_end(kind: str) -> None:
    scene = CameraState()
    for n in range(30):
        counted = {f"c{n}x{m}": 1 for m in range(60)}
        rows = [{"id": f"line-{n}-{m}", "in": {"car": 1}, "counts": {"car": 1}} for m in range(100)]
        rows[0] = {"id": "line", "in": counted, "counts": counted}
        taken(scene, message(rows, kind, NOON_SECONDS + n), NOW + timedelta(hours=1))

    tallies = scene.applications[kind].tallies
    assert len(tallies) == MAX_COUNTERS
    assert "c0x0" in next(iter(tallies["line"].numbers))
    assert max(len(tally.numbers) for tally in tallies.values()) == 128


@pytest.mark.parametrize("kind", ["VXX", "VCB", "VCW"])
def test_no_number_is_too_long_to_be_shown(kind: str) -> None:
    scene = CameraState()
    for n in range(3):
        payload = [{"id": "gate", "in": 1.5e308, "count": 1e300, "density": 1e300, "x": 1e300}]
        taken(scene, message(payload, kind, NOON_SECONDS + n))

    for reading in message_readings("camera", scene).values():
        assert len(str(reading.value)) < 30


@pytest.mark.parametrize(
    "places",
    [[{"id": "p"}, {"id": "q", "is_active": "?"}], [{"id": "p", "deactivated": True}], []],
    ids=["untold", "deactivated", "none"],
)
def test_places_of_which_nothing_is_said_are_neither_free_nor_occupied(places: list[Any]) -> None:
    found = message(places)
    assert found is not None
    totals = parse_content(found).totals

    assert (totals.free, totals.occupied) == (None, None)


def test_an_event_holds_nothing_that_leads_to_somebody() -> None:
    payload = {"x@y.example": 1, "nested": [{"api_key": "canary", "access-token": "canary"}]}

    assert json.loads(to_event_text(payload)) == {"nested": [{}]}


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        ({"counts": {"truck": 1}}, 0.0),
        ({"counts": {}}, 0.0),
        ({"counts": {"car": None}}, None),
        ({"counts": {"car": "many"}}, None),
        ({"counts": None}, None),
        ({"counts": 7}, None),
        ({}, None),
    ],
    ids=str,
)
def test_a_class_counts_nothing_only_where_the_others_are_told(
    now: dict[str, Any], shown: float | None
) -> None:
    scene = CameraState()
    other = {"id": "other", "counts": {"car": 1}}
    taken(scene, message([{"id": "zone", "counts": {"car": 3}}, other], "VCZ"))
    taken(scene, message([{"id": "zone", **now}, other], "VCZ", NOON_SECONDS + 60))

    assert scene.applications["VCZ"].tallies["zone"].numbers["counts-car"] == shown


@pytest.mark.parametrize("told", [{"in": {"truck": 1}}, {"in": {"car": None, "truck": 1}}, None])
def test_what_was_counted_since_ever_does_not_fall_because_it_is_not_told(told: Any) -> None:
    scene = CameraState(are_totals=True)
    taken(scene, message([{"id": "gate", "in": {"car": 3}}], "VCB"))
    rows = [{"id": "gate", **told}] if told else [{"id": "other", "in": {"car": 1}}]
    taken(scene, message(rows, "VCB", NOON_SECONDS + 60))

    assert scene.applications["VCB"].tallies["gate"].numbers["in-car"] == 3.0
