"""The request budget of an account: what goes first, and how much of it confirmations of pushes may take."""

import asyncio
from datetime import UTC, datetime

from custom_components.watchpost.client.budget import RequestBudget, Response, confirmation_requests
from custom_components.watchpost.client.errors import RateLimitedError
from custom_components.watchpost.models import Freshness

REPLY = Response(
    200, b"{}", "application/json", Freshness(0.0, 0.0), datetime(2026, 9, 13, tzinfo=UTC)
)


class Requests:
    """Requests that stay under way until they are answered, by name, in the order in which they began."""

    def __init__(self, budget: RequestBudget) -> None:
        self._budget = budget
        self._answers: dict[str, asyncio.Event] = {}
        self.began: list[str] = []

    async def ask(self, name: str) -> Response:
        answer = self._answers.setdefault(name, asyncio.Event())
        async with self._budget.slot():
            self.began.append(name)
            await answer.wait()
        return REPLY

    async def confirm(self, name: str) -> None:
        with confirmation_requests():
            await self.ask(name)

    async def answer(self, *names: str) -> None:
        for name in names:
            self._answers[name].set()
        await turn()


async def turn() -> None:
    """Let everything run that need not wait."""
    for _ in range(20):
        await asyncio.sleep(0)


async def cancel(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_quarter_of_the_requests_under_way_may_be_confirmations() -> None:
    requests = Requests(RequestBudget(concurrent=8))
    tasks = [asyncio.create_task(requests.confirm(f"confirmation {n}")) for n in range(5)]
    await turn()
    assert requests.began == ["confirmation 0", "confirmation 1"]

    tasks.append(asyncio.create_task(requests.ask("poll")))
    await turn()
    assert requests.began[2:] == ["poll"]

    await requests.answer("confirmation 0")
    assert requests.began[3:] == ["confirmation 2"]
    await cancel(*tasks)


async def test_a_confirmation_begins_after_every_request_that_waits() -> None:
    requests = Requests(RequestBudget(concurrent=2))
    tasks = [asyncio.create_task(requests.ask(f"poll {n}")) for n in range(2)]
    await turn()
    tasks.append(asyncio.create_task(requests.confirm("confirmation")))
    await turn()
    tasks.append(asyncio.create_task(requests.ask("action")))
    await turn()

    await requests.answer("poll 0")
    assert requests.began == ["poll 0", "poll 1", "action"]
    await requests.answer("poll 1")
    assert requests.began[3:] == ["confirmation"]
    await cancel(*tasks)


async def test_a_quarter_of_the_requests_of_a_minute_may_be_confirmations() -> None:
    now = 100.0
    budget = RequestBudget(clock=lambda: now, per_minute=12)
    began: list[str] = []

    async def confirm() -> None:
        with confirmation_requests():
            async with budget.slot():
                began.append("confirmation")

    tasks = [asyncio.create_task(confirm()) for _ in range(5)]
    await turn()
    assert began == ["confirmation"] * 3

    async with asyncio.timeout(30), budget.slot():
        began.append("action")
    assert began[3:] == ["action"]

    now += 61
    async with budget.slot():  # whoever ends a request lets the waiting look again
        pass
    await turn()
    assert began[4:] == ["confirmation"] * 2
    await asyncio.gather(*tasks)


async def test_a_poll_that_joins_a_waiting_confirmation_takes_it_along() -> None:
    budget = RequestBudget(concurrent=4)
    requests = Requests(budget)

    async def confirm(name: str) -> None:
        with confirmation_requests():
            await budget.share(name, lambda: requests.ask(name))

    tasks = [asyncio.create_task(confirm(name)) for name in ("buttons", "alarms")]
    await turn()
    assert requests.began == ["buttons"]

    poll = asyncio.create_task(budget.share("alarms", lambda: requests.ask("never")))
    await turn()
    assert requests.began == ["buttons", "alarms"]
    await requests.answer("alarms")
    assert await poll is REPLY
    await cancel(*tasks)


async def test_a_hold_ends_the_waiting_of_confirmations() -> None:
    budget = RequestBudget(concurrent=4)
    requests = Requests(budget)
    tasks = [asyncio.create_task(requests.confirm(name)) for name in ("first", "second")]
    await turn()

    budget.pause(60)
    await requests.answer("first")

    assert isinstance(tasks[1].exception(), RateLimitedError)
    assert requests.began == ["first"]
