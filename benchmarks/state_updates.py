"""A whole refresh of 9,900 channels, from bytes to written states, against the stock way.

Run: .venv/bin/python -m benchmarks.state_updates
Then two such accounts at once: the longest time for which either way keeps the event loop to itself.
"""

import asyncio
from collections.abc import Sequence

from ._harness import Stopwatch
from .refresh import CHANNELS, Site, Stock, max_hold, sites, stock

ROUNDS = 15
# One source in 160 with the last measurement of its sensor is 1 % of all channels.
SHARES = ((160, "1 % changed"), (0, "nothing changed"), (1, "all changed"))


async def timed(sides: Sequence[Site | Stock], site: Site, share: int) -> list[Stopwatch]:
    """Time both sides' refreshes of the same replies in turns, so that both have the same machine."""
    watches = [Stopwatch() for _ in sides]
    for turn in range(ROUNDS):
        changed = site.replies.turn(share, turn)
        assert bool(changed) == bool(share)
        for side, watch in zip(sides, watches, strict=True):
            with watch.running():
                await side.refresh()
            await side.hass.async_block_till_done()
    return watches


async def fan_out() -> None:
    async with sites() as (_, (site,)), stock([site.replies], [site.channels]) as (plain,):
        for share, name in SHARES:
            mine, theirs = await timed((site, plain), site, share)
            site.check()
            print(
                f"{name:16} stock {theirs.best * 1000:7.2f} ms  "
                f"watchpost {mine.best * 1000:7.2f} ms  ratio {theirs.best / mine.best:6.1f}; "
                f"medians {theirs.median * 1000:7.2f} and {mine.median * 1000:7.2f} ms, "
                f"ratio {theirs.median / mine.median:6.1f}"
            )


async def holds(both: list[Site], sides: Sequence[Site | Stock]) -> list[float]:
    """Refresh both accounts at once, everything changed; returns each round's longest hold."""
    found = []
    for turn in range(ROUNDS):
        for site in both:
            site.replies.turn(1, turn)
        await asyncio.sleep(0)
        with max_hold() as longest:
            await asyncio.gather(*(side.refresh() for side in sides))
        found.append(longest[0])
    return sorted(found)


async def hold() -> None:
    async with sites(2) as (_, both):
        ours = await holds(both, both)
        async with stock([s.replies for s in both], [s.channels for s in both]) as plain:
            theirs = await holds(both, plain)
    print(
        f"longest hold, {2 * CHANNELS} channels of two accounts, all changed; of {ROUNDS} rounds "
        f"the least and the median: stock {theirs[0] * 1000:.0f} and {theirs[ROUNDS // 2] * 1000:.0f} ms, "
        f"watchpost {ours[0] * 1000:.1f} and {ours[ROUNDS // 2] * 1000:.1f} ms"
    )


async def main() -> None:
    await fan_out()
    await hold()


if __name__ == "__main__":
    asyncio.run(main())
