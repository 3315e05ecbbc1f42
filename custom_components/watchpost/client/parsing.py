"""Keeps the event loop free while large responses are parsed: in a thread, and in slices that let others have turns.

A thread alone does not do: decoding a body in one call holds the interpreter for as long as it takes. So its lists are
split first, which costs a tenth of decoding them, and are decoded row by row.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import batched
from typing import Final

import msgspec

# Smaller bodies are parsed in less than about 2 ms on a small computer.
MAX_PARSED_IN_LOOP: Final = 128 * 1024

_ROWS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def parse[T](parser: Callable[[bytes], T], body: bytes) -> T:
    """Return what a parser makes of a body; a large one is parsed in a thread. Raises what the parser raises."""
    if len(body) <= MAX_PARSED_IN_LOOP:
        return parser(body)
    return await asyncio.to_thread(parser, body)


def decode_in_parts(body: bytes | msgspec.Raw) -> object:
    """Decode JSON in many short steps; raises msgspec.DecodeError for what needs another decoder."""
    if len(memoryview(body)) <= MAX_PARSED_IN_LOOP:
        return msgspec.json.decode(body)
    match bytes(memoryview(body)[:64]).lstrip()[:1]:
        case b"[":
            return [decode_in_parts(row) for row in _ROWS.decode(body)]
        case b"{":
            return {name: decode_in_parts(held) for name, held in _FIELDS.decode(body).items()}
    return msgspec.json.decode(body)


async def sliced[T](items: Iterable[T], size: int) -> AsyncIterator[T]:
    """Yield items, and let others have the event loop after each full slice."""
    for some in batched(items, size, strict=False):
        for item in some:
            yield item
        if len(some) == size:
            await asyncio.sleep(0)
