"""How readings are asked for where a deployment knows less, or says less, than it could."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.watchpost.client.budget import RequestBudget
from custom_components.watchpost.client.errors import (
    PermissionDeniedError,
    UnexpectedResponseError,
    VendorError,
)
from custom_components.watchpost.client.transport import Transport
from custom_components.watchpost.vendors.manfred_kunze.client.api import KeySignIn, PlatformApi
from custom_components.watchpost.vendors.manfred_kunze.client.openapi import OpenApiDocument
from custom_components.watchpost.vendors.manfred_kunze.client.readings import ReadingsClient
from custom_components.watchpost.vendors.manfred_kunze.interval import SensorInterval
from custom_components.watchpost.vendors.manfred_kunze.reading_poller import (
    MAX_REQUESTS,
    ReadingPoll,
)

NOW = datetime(2026, 9, 13, 12, tzinfo=UTC)
RAW = "/api/v1/readings/sensor/"
BATCH = "/api/v1/readings/batch"


class Deployment:
    """A server with a reading a minute for each sensor it is asked for, answering in an odd way of its own."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[str, dict[str, str]], Any] = lambda path, query: None

    async def handle(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append((request.path, query))
        body = self.answer(request.path, query)
        if body is None:
            raise web.HTTPNotFound
        return body if isinstance(body, web.Response) else web.json_response(body)

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


def row(ago: timedelta, value: float = 1.0) -> dict[str, Any]:
    return {"timestamp": f"{NOW - ago:%Y-%m-%dT%H:%M:%SZ}", "value": value}


def minutes(count: int) -> list[dict[str, Any]]:
    """So many readings, a minute apart, oldest first; the newest is of now."""
    return [row(timedelta(minutes=number), number) for number in range(count - 1, -1, -1)]


def since(rows: list[dict[str, Any]], start: str | None) -> list[dict[str, Any]]:
    return [one for one in rows if start is None or one["timestamp"] >= start]


@pytest.fixture
async def deployment(socket_enabled: None) -> AsyncIterator[Deployment]:
    found = Deployment()
    app = web.Application()
    app.router.add_get("/{path:.*}", found.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    yield found
    await runner.cleanup()


@pytest.fixture
async def client(deployment: Deployment) -> AsyncIterator[ReadingsClient]:
    async with aiohttp.ClientSession() as session:
        budget = RequestBudget(per_minute=100_000, now_utc=lambda: NOW)
        url: str = deployment.url
        api = PlatformApi(Transport(session, url, KeySignIn("sk_live_x"), budget))
        api.now = lambda: NOW
        yield ReadingsClient(api)


async def newest(client: ReadingsClient, start: datetime | None = None) -> float | None:
    found = (await client.newest("s1", start)).value
    return float(found[-1].raw or 0) if found else None


async def test_where_the_oldest_come_first_the_newest_is_found_all_the_same(
    deployment: Deployment, client: ReadingsClient
) -> None:
    rows = minutes(1000)
    deployment.answer = lambda path, query: since(rows, query.get("from"))[: int(query["size"])]
    assert await newest(client) == 0
    assert client.diagnostics()["order"] == "oldest first"
    so_far = len(deployment.asked)
    assert so_far <= 6
    assert await newest(client, NOW - timedelta(minutes=3)) == 0
    assert len(deployment.asked) == so_far + 1


async def test_other_words_for_a_period_are_tried_where_the_first_are_not_understood(
    deployment: Deployment, client: ReadingsClient
) -> None:
    rows = minutes(300)

    def answer(path: str, query: dict[str, str]) -> Any:
        return list(reversed(since(rows, query.get("since"))))

    deployment.answer = answer
    found = (await client.raw("s1", NOW - timedelta(hours=2), NOW)).value
    assert len(found) == 120
    assert client.diagnostics()["period"] == "since/until"
    deployment.asked.clear()
    await client.raw("s1", NOW - timedelta(hours=1))
    assert all("since" in query for _, query in deployment.asked)


async def test_an_order_that_cannot_be_asked_for_is_not_asked_for_again(
    deployment: Deployment, client: ReadingsClient
) -> None:
    def answer(path: str, query: dict[str, str]) -> Any:
        if "sort" in query:
            return web.Response(status=400)
        return [row(timedelta(minutes=1), 7)]

    deployment.answer = answer
    assert await newest(client) == 7
    deployment.asked.clear()
    assert await newest(client) == 7
    assert len(deployment.asked) == 1


async def test_a_sensor_that_is_refused_teaches_nothing_of_the_order_of_others(
    deployment: Deployment, client: ReadingsClient
) -> None:
    deployment.answer = lambda path, query: web.Response(status=400)
    with pytest.raises(UnexpectedResponseError):
        await client.newest("s1", None)
    assert client.is_sorted


async def test_a_clock_that_was_far_ahead_for_a_while_hides_nothing_that_came_since(
    deployment: Deployment, client: ReadingsClient
) -> None:
    rows = [row(timedelta(days=-365 * 9, minutes=number), 99.0) for number in range(30)]
    rows += [row(timedelta(minutes=1), 5.0)]
    rows += [row(timedelta(hours=-2, seconds=each), 6.0) for each in range(3)]

    def answer(path: str, query: dict[str, str]) -> Any:
        found = [
            one for one in since(rows, query.get("from")) if one["timestamp"] < query.get("to", "3")
        ]
        found.sort(key=lambda one: str(one["timestamp"]), reverse=True)
        return dict.fromkeys(query["sensorIds"].split(","), found) if path == BATCH else found[:20]

    deployment.answer = answer
    assert await newest(client) == 6.0  # two hours ahead may be another zone
    intervals = {name: SensorInterval() for name in ("a1", "a2")}
    poll = asking(client, intervals)
    await poll.run(["a1", "a2"])
    assert [interval.newest and interval.newest.raw for interval in intervals.values()] == [
        6.0,
        6.0,
    ]
    assert poll.rejected == {"reading: from the future": 60}


async def test_a_sensor_without_readings_has_none_and_one_that_is_gone_says_so(
    deployment: Deployment, client: ReadingsClient
) -> None:
    deployment.answer = lambda path, query: []
    assert await newest(client) is None
    deployment.answer = lambda path, query: None
    with pytest.raises(UnexpectedResponseError):
        await newest(client)


async def test_windows_statistics_and_aggregations_are_found_or_known_not_to_be_there(
    deployment: Deployment, client: ReadingsClient
) -> None:
    def answer(path: str, query: dict[str, str]) -> Any:
        if path.endswith("/window"):
            return minutes(5) if "range" in query else web.Response(status=400)
        if path == "/api/v1/readings/stats":
            return {"avg": 3, "count": 5, "sensorId": "7", "text": "x"}
        if path.endswith("/aggregated") and query.get("bucket") == "1h":
            return [{"bucket": row(timedelta(hours=n))["timestamp"], "avg": n} for n in (2, 1)]
        if path.endswith("/aggregated"):  # days, whatever was asked for
            return [{"bucket": row(timedelta(days=n))["timestamp"], "avg": n} for n in (2, 1)]
        return None

    deployment.answer = answer
    assert len((await client.window("s1", timedelta(minutes=5))).value) == 5
    start = NOW - timedelta(hours=2)
    assert (await client.stats("s1", start, NOW)).value == {"avg": 3, "count": 5}
    assert [one.mean for one in (await client.aggregated("s1", start, NOW)).value] == [2, 1]
    deployment.asked.clear()
    await client.aggregated("s1", start, NOW)
    assert len(deployment.asked) == 1

    deployment.answer = lambda path, query: {"message": "x"}
    other = ReadingsClient(client._api)
    for ask in (other.aggregated, other.stats):
        deployment.asked.clear()
        if ask == other.stats:
            assert (await ask("s1", start, NOW)).value == {}
            continue
        with pytest.raises(UnexpectedResponseError):
            await ask("s1", start, NOW)
        tried = len(deployment.asked)
        assert tried <= 8
        with pytest.raises(UnexpectedResponseError):
            await ask("s1", start, NOW)
        assert len(deployment.asked) == tried  # not again for a day


async def test_a_description_names_the_ways_and_their_parameters(
    deployment: Deployment, client: ReadingsClient
) -> None:
    client.follow(
        OpenApiDocument.read(
            b"""{"paths": {
          "/v1/readings/sensor/{id}": {"get": {"parameters": [{"in": "query", "name": "startTime"}]}},
          "/v1/readings/latest-batch": {"get": {"parameters": [{"in": "query", "name": "sensors"}]}},
          "/v1/readings/aggregate": {"get": {"parameters": [{"in": "query", "name": "sensorId"},
            {"in": "query", "name": "resolution", "schema": {"enum": ["MONTH", "HOUR"]}}]}}}}"""
        )
    )

    def answer(path: str, query: dict[str, str]) -> Any:
        if path.endswith("latest-batch"):
            return {sensor: [row(timedelta(0))] for sensor in query["sensors"].split(",")}
        if path.endswith("/aggregate") and query["resolution"] == "HOUR":
            return [{"bucket": row(timedelta(hours=1))["timestamp"], "avg": query["sensorId"]}]
        return None

    deployment.answer = answer
    found = (await client.batch(["1", "2"], NOW)).value
    assert found.keys() == {"1", "2"}
    assert (await client.aggregated("7", NOW - timedelta(hours=2), NOW)).value[0].mean == 7
    assert all("startTime" in query for _, query in deployment.asked)
    with pytest.raises(UnexpectedResponseError):
        await client.stats("7", NOW - timedelta(hours=2), NOW)
    assert len(deployment.asked) == 2  # the description has no statistics


async def test_a_description_names_the_fields_of_a_reading(
    deployment: Deployment, client: ReadingsClient
) -> None:
    client.follow(
        OpenApiDocument.read(
            b"""{"paths": {"/v1/readings/sensor/{id}": {"get": {"responses": {"200": {"content": {"a/b": {
          "schema": {"items": {"properties": {"when": {"format": "date-time"}, "v": {}, "unit": {},
          "sensorId": {}}}}}}}}}}}}"""
        )
    )
    deployment.answer = lambda path, query: [{"when": row(timedelta(0))["timestamp"], "v": 21.5}]
    assert await newest(client) == 21.5


# -- one poll --


def asking(client: ReadingsClient, intervals: dict[str, SensorInterval]) -> ReadingPoll:
    return ReadingPoll(client, intervals, client._api.transport.budget.now(), NOW)


async def test_batches_that_leave_out_what_there_is_are_not_asked_for_again(
    deployment: Deployment, client: ReadingsClient
) -> None:
    def answer(path: str, query: dict[str, str]) -> Any:
        return {} if path == BATCH else [row(timedelta(minutes=5), 5)]

    deployment.answer = answer
    intervals = {name: SensorInterval() for name in ("a1", "a2")}
    poll = asking(client, intervals)
    await poll.run(["a1", "a2"])
    assert poll.changed == {"a1", "a2"}
    deployment.asked.clear()
    await asking(client, intervals).run(["a1", "a2"])
    assert BATCH not in deployment.paths()


async def test_a_silent_sensor_does_not_make_all_others_tell_everything_again(
    deployment: Deployment, client: ReadingsClient
) -> None:
    told = {"a1": minutes(120), "a2": [row(timedelta(minutes=50))]}

    def answer(path: str, query: dict[str, str]) -> Any:
        return {name: since(told[name], query["from"]) for name in query["sensorIds"].split(",")}

    deployment.answer = answer
    intervals = {name: SensorInterval() for name in told}
    ago = []
    for minute in range(7):
        poll = ReadingPoll(client, intervals, 1000.0 + 60 * minute, NOW)
        await poll.run(["a1", "a2"])
        start = datetime.fromisoformat(deployment.asked[-1][1]["from"])
        ago.append((NOW - start).total_seconds() / 60)
    assert ago[:2] == [60, 50]  # all there may be, once
    assert max(ago[2:6]) <= 6  # what is new, or a little late
    assert ago[6] == 50  # and now and again what is very late
    told["a2"].append(row(timedelta(0), 2.0))
    poll = ReadingPoll(client, intervals, 1500.0, NOW)
    await poll.run(["a1", "a2"])
    assert poll.changed == {"a2"}


async def test_a_batch_that_fails_for_now_is_no_reason_to_give_batches_up(
    deployment: Deployment, client: ReadingsClient
) -> None:
    deployment.answer = lambda path, query: (
        {sensor: [row(timedelta(0))] for sensor in query["sensorIds"].split(",")}
        if path == BATCH
        else None
    )
    intervals = {name: SensorInterval() for name in ("a1", "a2")}
    await asking(client, intervals).run(["a1", "a2"])
    deployment.answer = lambda path, query: web.Response(status=500)
    deployment.asked.clear()
    poll = asking(client, intervals)
    await poll.run(["a1", "a2"])
    assert deployment.paths() == [BATCH]
    assert not poll.has_success
    assert [type(err).__name__ for err in poll.failures] == ["UnreachableError"]
    assert client.batches.works


async def test_one_sensor_that_fails_costs_no_other_and_many_end_the_poll(
    deployment: Deployment, client: ReadingsClient
) -> None:
    client.batches.failed(client._api.transport.budget.now())

    def answer(path: str, query: dict[str, str]) -> Any:
        if path.endswith("a0"):
            return web.Response(text="{")
        return [row(timedelta(0))] if path[-1] in "123" else None

    deployment.answer = answer
    intervals = {f"a{number}": SensorInterval() for number in range(8)}
    poll = asking(client, intervals)
    await poll.run(list(intervals))
    assert poll.changed == {"a1", "a2", "a3"}
    assert len(poll.failures) == 1  # those that are gone are no failure
    assert poll.has_success

    deployment.answer = lambda path, query: web.Response(status=502)
    deployment.asked.clear()
    poll = asking(client, {f"b{number}": SensorInterval() for number in range(100)})
    await poll.run([f"b{number}" for number in range(100)])
    assert len(set(deployment.paths())) <= 8
    errors: list[VendorError] = poll.failures
    assert len(errors) >= 4

    deployment.answer = lambda path, query: web.Response(status=403)
    deployment.asked.clear()
    poll = asking(client, {f"b{number}": SensorInterval() for number in range(100)})
    await poll.run([f"b{number}" for number in range(100)])
    assert len(deployment.asked) <= 4
    assert isinstance(poll.failures[0], PermissionDeniedError)


async def test_a_poll_keeps_to_its_budget(deployment: Deployment, client: ReadingsClient) -> None:
    client.batches.failed(client._api.transport.budget.now())
    deployment.answer = lambda path, query: [row(timedelta(0))]
    intervals = {f"a{number}": SensorInterval() for number in range(100)}
    await asking(client, intervals).run(list(intervals))
    assert len(deployment.asked) == MAX_REQUESTS
    await asking(client, intervals).run(list(intervals))
    assert len(set(deployment.paths())) == 2 * MAX_REQUESTS  # the others had their turn
