"""Replies about the same sources, poll after poll: only what changed is told."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custom_components.watchpost.vendors.sensorist.records import (
    LatestReader,
    Measurement,
    parse_latest,
)

from .samples import body

# Two sensors with two sources each.
TOGETHER = {"31": ("31", "32"), "32": ("31", "32"), "41": ("41", "42"), "42": ("41", "42")}


def row(minute: int, value: float = 20.0, **more: Any) -> dict[str, Any]:
    return {
        "date": f"2026-09-13T12:{minute:02d}:00Z",
        "value": value,
        "type": 1,
        "seq": minute,
    } | more


def latest(**changed: dict[str, Any]) -> bytes:
    rows = {source: row(0) for source in TOGETHER}
    return body(measurements=rows | {key.removeprefix("s"): new for key, new in changed.items()})


def poll(reader: LatestReader, *replies: bytes, accept: bool = True) -> dict[str, Measurement]:
    reader.begin()
    found: dict[str, Measurement] = {}
    for reply in replies:
        found |= reader.read(reply).value
    if accept:
        reader.accept()
    return found


def test_the_first_poll_tells_all_and_the_same_again_nothing() -> None:
    reader = LatestReader(TOGETHER)

    assert set(poll(reader, latest())) == set(TOGETHER)
    assert poll(reader, latest()) == {}


def test_a_source_that_changed_brings_those_of_its_sensor_along() -> None:
    reader = LatestReader(TOGETHER)
    poll(reader, latest())

    found = poll(reader, latest(s31=row(15, 21.5)))

    assert set(found) == {"31", "32"}
    assert found["31"].value == 21.5


def test_what_was_not_accepted_is_told_again() -> None:
    reader = LatestReader(TOGETHER)
    poll(reader, latest())

    assert poll(reader, latest(s31=row(15)), accept=False)
    assert set(poll(reader, latest(s31=row(15)))) == {"31", "32"}
    assert poll(reader, latest(s31=row(15))) == {}


def test_one_of_several_replies_that_changed_is_told_alone() -> None:
    reader = LatestReader(TOGETHER)
    first = body(measurements={"31": row(0), "32": row(0)})
    second = body(measurements={"41": row(0), "42": row(0)})
    poll(reader, first, second)

    newer = body(measurements={"41": row(15), "42": row(0)})
    assert set(poll(reader, first, newer)) == {"41", "42"}
    assert poll(reader, first, newer) == {}


def test_a_reply_of_another_form_is_read_whole() -> None:
    reader = LatestReader(TOGETHER)
    poll(reader, latest())
    odd = body(measurements={"31": [row(15)], "41": None, "x": row(1)})

    assert poll(reader, odd) == parse_latest(odd).value
    assert reader.read(odd).set_aside == parse_latest(odd).set_aside


ROWS = st.builds(
    row,
    st.integers(0, 59),
    st.floats(-40, 60),
    type=st.sampled_from([1, 5, 20, None]),
)
REPLIES = st.dictionaries(st.sampled_from(sorted(TOGETHER)), ROWS)


@given(st.lists(REPLIES, min_size=1, max_size=6))
def test_all_that_was_told_amounts_to_the_newest_of_each(replies: list[dict[str, Any]]) -> None:
    reader = LatestReader(TOGETHER)
    told: dict[str, Measurement] = {}
    whole: dict[str, Measurement] = {}

    for reply in replies:
        sent = json.dumps({"code": 200, "measurements": reply}).encode()
        told |= poll(reader, sent)
        whole |= parse_latest(sent).value

    assert told == whole
