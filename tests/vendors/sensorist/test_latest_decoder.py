"""Replies about the same sources, poll after poll: only what changed is told."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.vendors.sensorist.latest_decoder import other_texts
from custom_components.watchpost.vendors.sensorist.models import (
    LatestDecoder,
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


def compact(rows: dict[str, dict[str, Any]]) -> bytes:
    return json.dumps({"code": 200, "measurements": rows}, separators=(",", ":")).encode()


def latest(**changed: dict[str, Any]) -> bytes:
    rows = {source: row(0) for source in TOGETHER}
    return compact(rows | {key.removeprefix("s"): new for key, new in changed.items()})


def poll(reader: LatestDecoder, *replies: bytes, accept: bool = True) -> dict[str, Measurement]:
    reader.begin()
    found: dict[str, Measurement] = {}
    for number, reply in enumerate(replies):
        found |= reader.read((str(number),), reply).value
    if accept:
        reader.accept()
    return found


def test_the_first_poll_tells_all_and_the_same_again_nothing() -> None:
    reader = LatestDecoder(TOGETHER)

    assert set(poll(reader, latest())) == set(TOGETHER)
    assert poll(reader, latest()) == {}


def test_a_source_that_changed_brings_those_of_its_sensor_along() -> None:
    reader = LatestDecoder(TOGETHER)
    poll(reader, latest())

    found = poll(reader, latest(s31=row(15, 21.5)))

    assert set(found) == {"31", "32"}
    assert found["31"].value == 21.5


def test_what_was_not_accepted_is_told_again() -> None:
    reader = LatestDecoder(TOGETHER)
    poll(reader, latest())

    assert poll(reader, latest(s31=row(15)), accept=False)
    assert set(poll(reader, latest(s31=row(15)))) == {"31", "32"}
    assert poll(reader, latest(s31=row(15))) == {}


def test_one_of_several_replies_that_changed_is_told_alone() -> None:
    reader = LatestDecoder(TOGETHER)
    first = compact({"31": row(0), "32": row(0)})
    second = compact({"41": row(0), "42": row(0)})
    poll(reader, first, second)

    newer = compact({"41": row(15), "42": row(0)})
    assert set(poll(reader, first, newer)) == {"41", "42"}
    assert poll(reader, first, newer) == {}


def test_a_reply_of_another_form_is_read_whole() -> None:
    reader = LatestDecoder(TOGETHER)
    poll(reader, latest())
    odd = body(measurements={"31": [row(15)], "41": None, "x": row(1)})

    assert poll(reader, odd) == parse_latest(odd).value
    assert reader.read(("0",), odd).rejected == parse_latest(odd).rejected


ROWS = st.builds(
    row,
    st.integers(0, 59),
    st.floats(-40, 60),
    type=st.sampled_from([1, 5, 20, None]),
)
REPLIES = st.dictionaries(st.sampled_from(sorted(TOGETHER)), ROWS)


FORMS = st.sampled_from([(",", ":"), (", ", ": ")])


@given(st.lists(REPLIES, min_size=1, max_size=6), FORMS)
def test_all_that_was_told_amounts_to_the_newest_of_each(
    replies: list[dict[str, Any]], form: tuple[str, str]
) -> None:
    reader = LatestDecoder(TOGETHER)
    told: dict[str, Measurement] = {}
    whole: dict[str, Measurement] = {}

    for reply in replies:
        sent = json.dumps({"code": 200, "measurements": reply}, separators=form).encode()
        told |= poll(reader, sent)
        whole |= parse_latest(sent).value

    assert told == whole


SOURCES = [str(number) for number in range(1001, 1121)]
MEASURED = st.builds(row, st.integers(0, 59), st.floats(-40, 60))
CHANGES = st.lists(
    st.dictionaries(st.sampled_from(SOURCES), MEASURED | st.none(), max_size=5), max_size=5
)


@given(CHANGES)
def test_few_changes_among_many_rows_are_told_as_they_are(
    changes: list[dict[str, dict[str, Any] | None]],
) -> None:
    reader = LatestDecoder({})
    now = {source: row(0) for source in SOURCES}
    told = poll(reader, compact(now))
    whole = parse_latest(compact(now)).value

    for changed in changes:
        for source, new in changed.items():
            now.pop(source, None)
            if new is not None:
                now[source] = new
        now = dict(sorted(now.items()))
        news = poll(reader, compact(now))
        told |= news
        whole |= parse_latest(compact(now)).value
        assert len(news) <= len(changed)

    assert told == whole


def test_the_text_of_rows_that_are_other_is_found() -> None:
    old = {source: row(0) for source in SOURCES}
    new = old | {"1001": row(1, 20.25), "1050": row(2), "1051": row(0, 7.0), "1120": row(3)}

    texts = other_texts(compact(old), compact(new))

    assert texts is not None
    assert json.loads('{"' + '},"'.join(text.decode() for text in texts) + "}}") == {
        source: new[source] for source in ("1001", "1050", "1051", "1120")
    }


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda old: old | {source: row(5) for source in SOURCES}, id="all"),
        pytest.param(lambda old: old | {"1121": row(0)}, id="one more"),
        pytest.param(lambda old: {key: old[key] for key in SOURCES[:-1]}, id="one less"),
        pytest.param(lambda old: {key: old[key] for key in SOURCES[1:]}, id="the first less"),
        pytest.param(lambda old: {f"9{key}": new for key, new in old.items()}, id="others"),
        pytest.param(lambda old: dict(reversed(old.items())), id="another order"),
        pytest.param(lambda old: {}, id="none"),
    ],
)
def test_where_more_than_a_few_rows_are_other_nothing_is_told_apart(changed: Any) -> None:
    old = {source: row(0) for source in SOURCES}

    assert other_texts(compact(old), compact(changed(old))) is None
    assert other_texts(compact(changed(old)), compact(old)) is None


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_text_can_be_compared(old: bytes, new: bytes) -> None:
    start = b'{"measurements":{"'

    texts = other_texts(start + old, start + new)

    assert texts != [] or old == new
