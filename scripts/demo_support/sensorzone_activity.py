"""Somebody comes too near to a machine every now and then, so that nobody has to wait for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import Final

import aiohttp

from .clouds import CloudAccess

_SECONDS_BETWEEN: Final = 45

# Seconds that each lasts, and after which the driver acknowledges it; None: never.
_LENGTHS_AND_ANSWERS: Final = ((8, 20), (14, 100), (5, 12), (21, None))


@asynccontextmanager
async def incursion_activity(cloud: CloudAccess) -> AsyncIterator[None]:
    """Meanwhile, let incursions happen at the machines that `door` leads to."""
    task = asyncio.create_task(_cause_incursions(cloud))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _cause_incursions(cloud: CloudAccess) -> None:
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for seconds, answer in cycle(_LENGTHS_AND_ANSWERS):
            await asyncio.sleep(_SECONDS_BETWEEN)
            body = {"seconds": seconds, "acknowledged_after": answer}
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.post(f"{cloud['control']}/incursions", json=body):
                    pass
