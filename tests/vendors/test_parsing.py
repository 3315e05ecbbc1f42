"""Large responses are parsed without holding the event loop."""

import asyncio
from datetime import UTC, datetime
import json
import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import msgspec
import pytest

from custom_components.watchpost.client import parsing
from custom_components.watchpost.client.parsing import MAX_PARSED_IN_LOOP, parse, sliced
from custom_components.watchpost.client.transport import loose
from custom_components.watchpost.models import Freshness
from custom_components.watchpost.vendors.sensit.client import MonitorList
from custom_components.watchpost.vendors.sensit.feed import MonitorFeed
from custom_components.watchpost.vendors.sensit.models import parse_monitors

NOW = datetime(2026, 9, 13, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)


def monitors(count: int) -> bytes:
    record = {"date": "2026-09-13T12:00:00Z", "temp": 20.5, "pid1_PPB_Calc": 12.5}
    rows = [{"uuid": f"m{i}", "type": "SPOD", "lastReceivedRecord": record} for i in range(count)]
    return json.dumps(rows).encode()


async def test_a_large_body_is_parsed_in_a_thread_and_a_small_one_at_once() -> None:
    ran_in: list[threading.Thread] = []

    def parser(body: bytes) -> int:
        ran_in.append(threading.current_thread())
        return len(body)

    assert await parse(parser, b"[]") == 2
    assert await parse(parser, b" " * (MAX_PARSED_IN_LOOP + 1)) == MAX_PARSED_IN_LOOP + 1
    here = threading.current_thread()
    assert [thread is here for thread in ran_in] == [True, False]


async def test_others_have_turns_while_a_large_body_is_parsed() -> None:
    """The parser goes on only once the loop has done something else."""
    was_here = threading.Event()
    asyncio.get_running_loop().call_soon(was_here.set)
    body = b" " * (MAX_PARSED_IN_LOOP + 1)
    assert await parse(lambda _: was_here.wait(30), body)


async def test_what_a_parser_raises_is_raised() -> None:
    with pytest.raises(msgspec.DecodeError):
        await parse(msgspec.json.decode, b"{" * (MAX_PARSED_IN_LOOP + 1))


@given(value=JSON)
def test_what_is_decoded_in_parts_is_what_is_decoded_at_once(value: Any) -> None:
    body = json.dumps(value).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "MAX_PARSED_IN_LOOP", 4)
        assert parsing.decode_in_parts(body) == value
        assert parsing.decode_in_parts(b" \n" + body) == value


@pytest.mark.parametrize("form", ["[%s]", '{"data": [%s]}', '{"a": {"b": [%s]}}'])
def test_a_large_body_with_a_nan_is_read_all_the_same(form: str) -> None:
    rows = ",".join(['{"value": 1}'] * 20_000)
    assert loose((form % f'{rows},{{"value": NaN}}').encode()) is not None
    assert loose((form % rows).encode()) == json.loads(form % rows)


async def test_slices_let_others_have_turns() -> None:
    turns = 0
    done = asyncio.Event()

    async def count() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.sleep(0)
    before = turns
    assert [item async for item in sliced(range(100), 10)] == list(range(100))
    assert turns - before == 10
    done.set()
    await counting


async def test_thousands_of_monitors_are_taken_in_slices() -> None:
    """Each of three walks over 1,000 monitors lets others have the loop 40 times."""
    body = monitors(1_000)
    turns = 0

    class Client:
        async def list_monitors(self) -> MonitorList:
            parsed = await parse(parse_monitors, body)
            return MonitorList(parsed.value, parsed.rejected, Freshness(0, 60, 60))

    feed = MonitorFeed(Client(), None, frozenset(), (lambda: 0.0, lambda: NOW))
    polling = asyncio.create_task(feed.fetch(frozenset()))
    while not polling.done():
        turns += 1
        await asyncio.sleep(0)
    update = await polling
    assert turns >= 120
    assert len(update.inventory.devices) == 1_000
    assert len(update.readings) >= 3_000
