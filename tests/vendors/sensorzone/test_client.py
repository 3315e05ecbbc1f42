"""How SensorZone's API is asked: sign-ins, pages, parameters, what is not there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
import pytest
from yarl import URL

from custom_components.watchpost.client.budget import RequestBudget
from custom_components.watchpost.client.errors import (
    InvalidFieldsError,
    PermissionDeniedError,
    SignInRejectedError,
    UnexpectedResponseError,
    UnreachableError,
)
from custom_components.watchpost.client.transport import Transport
from custom_components.watchpost.vendors.sensorzone.client import SensorZoneClient
from custom_components.watchpost.vendors.sensorzone.downloads import fetched, is_safe
from custom_components.watchpost.vendors.sensorzone.endpoints import RESOURCES, ApiVersion, Evidence
from custom_components.watchpost.vendors.sensorzone.pagination import MAX_PAGES
from custom_components.watchpost.vendors.sensorzone.reports import (
    downloaded,
    followed,
    named_file,
    state_of,
)
from custom_components.watchpost.vendors.sensorzone.sign_in import (
    BearerSignIn,
    SessionSignIn,
    TokenSignIn,
)

START = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Bench:
    """A server that answers as a test says, and a client on it."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[web.Request] = []
        self.url = ""
        self.logins = 0
        self.token_headers: dict[str, str] = {"AccessToken": "jwt-1"}
        self.cookies = ["sid=one; Path=/; HttpOnly"]
        self.session: aiohttp.ClientSession
        self.now = 1000.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append(request)
        if request.path == "/api/v1/session" and "/api/v1/session" not in self.answers:
            self.logins += 1
            reply = web.Response()
            for cookie in self.cookies:
                reply.headers.add("Set-Cookie", cookie)
            return reply
        if request.path == "/api/v2/login" and "/api/v2/login" not in self.answers:
            self.logins += 1
            return web.Response(headers=self.token_headers)
        answer = self.answers.get(request.path)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, web.Response):
            return answer
        if isinstance(answer, int):
            return web.Response(status=answer)
        if answer is None:
            return web.Response(status=404)
        return web.json_response(answer)

    def client(self) -> SensorZoneClient:
        budget = RequestBudget(clock=lambda: self.now, now_utc=lambda: START)
        account = (self.session, self.url, budget, "anna@example.com", "secret")
        v1, v2 = SessionSignIn(*account), TokenSignIn(*account)
        return SensorZoneClient(
            {
                ApiVersion.V1: Transport(
                    self.session, self.url, v1, budget, on_headers=v1.on_headers
                ),
                ApiVersion.V2: Transport(
                    self.session, self.url, v2, budget, on_headers=v2.on_headers
                ),
                ApiVersion.TESTER: Transport(self.session, self.url, BearerSignIn("tst"), budget),
            }
        )

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@pytest.fixture(name="bench")
async def bench_fixture(socket_enabled: None) -> AsyncIterator[Bench]:
    bench = Bench()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", bench.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    bench.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as bench.session:
        yield bench
    await runner.cleanup()


# -- sign-ins --


async def test_the_cookie_goes_with_every_call_and_is_replaced_as_answers_say(bench: Bench) -> None:
    bench.cookies = ["sid=one; Path=/", "lang=en"]
    bench.answers["/api/v1/projects"] = lambda request: web.json_response(
        [], headers={"Set-Cookie": "sid=two; Path=/"}
    )
    client = bench.client()
    await client.projects()
    await client.projects()
    sent = [request.headers.get("Cookie") for request in bench.asked]
    assert sent == [None, "sid=one; lang=en", "sid=two; lang=en"]
    assert bench.logins == 1


async def test_a_cookie_that_is_taken_away_is_let_go(bench: Bench) -> None:
    bench.answers["/api/v1/projects"] = lambda request: web.json_response(
        [], headers={"Set-Cookie": "sid=; Max-Age=0"}
    )
    client = bench.client()
    await client.projects()
    await client.projects()
    assert bench.logins == 2


async def test_many_refused_at_once_sign_in_once(bench: Bench) -> None:
    client = bench.client()
    lost = {"sid=one"}

    def answer(request: web.Request) -> web.Response:
        is_lost = request.headers.get("Cookie") in lost
        return web.Response(status=401) if is_lost else web.json_response([])

    for name in ("projects", "worksites", "entities"):
        bench.answers[f"/api/v1/{name}"] = answer
    await client.check_session()
    bench.cookies = ["sid=two"]
    await asyncio.gather(client.projects(), client.worksites(), client.entities())
    assert bench.logins == 2


async def test_a_sign_in_that_hands_nothing_out_is_an_outage(bench: Bench) -> None:
    bench.cookies = []
    bench.token_headers = {}
    with pytest.raises(UnreachableError):
        await bench.client().check_session()
    with pytest.raises(UnreachableError):
        await bench.client().check_token()


async def test_refused_credentials_are_not_offered_again_for_half_an_hour(bench: Bench) -> None:
    bench.answers["/api/v2/login"] = 401
    client = bench.client()
    for _ in range(5):
        with pytest.raises(PermissionDeniedError, match="version 2"):
            await client.machine_runtime(START)
    assert bench.paths().count("/api/v2/login") == 1
    bench.now += 1801
    with pytest.raises(PermissionDeniedError):
        await client.machine_runtime(START)
    assert bench.paths().count("/api/v2/login") == 2


async def test_credentials_refused_in_both_encodings_are_refused(bench: Bench) -> None:
    bench.answers["/api/v1/session"] = 422
    with pytest.raises(SignInRejectedError):
        await bench.client().check_session()
    types = [request.content_type for request in bench.asked]
    assert types == ["application/json", "application/x-www-form-urlencoded"]


async def test_a_sign_in_that_is_not_there_is_an_outage_and_tried_again_after_a_pause(
    bench: Bench,
) -> None:
    bench.answers["/api/v1/session"] = 404
    client = bench.client()
    for _ in range(3):
        with pytest.raises(UnreachableError):
            await client.check_session()
    assert bench.paths().count("/api/v1/session") == 1
    bench.now += 16
    with pytest.raises(UnreachableError):
        await client.check_session()
    assert bench.paths().count("/api/v1/session") == 2


@pytest.mark.parametrize(
    ("expiry", "after", "logins"),
    [
        (None, 100_000, 1),
        ("0", 100_000, 1),
        ("nonsense", 100_000, 1),
        (str(int((START - timedelta(hours=1)).timestamp())), 100_000, 1),
        (str(int((START + timedelta(seconds=900)).timestamp())), 830, 1),
        (str(int((START + timedelta(seconds=900)).timestamp())), 850, 2),
        (str(int((START + timedelta(seconds=900)).timestamp() * 1000)), 850, 2),
        (str(int((START + timedelta(seconds=30)).timestamp())), 20, 1),
    ],
)
async def test_a_token_is_renewed_a_minute_before_it_runs_out(
    bench: Bench, expiry: str | None, after: float, logins: int
) -> None:
    bench.token_headers |= {"AccessTokenExpiry": expiry} if expiry else {}
    bench.answers["/api/v2/preferences"] = {"locale": "en"}
    client = bench.client()
    await client.preferences()
    bench.now += after
    await client.preferences()
    assert bench.logins == logins


async def test_a_token_in_a_later_answer_is_used_from_then_on(bench: Bench) -> None:
    bench.answers["/api/v2/preferences"] = lambda request: web.json_response(
        {}, headers={"accesstoken": "jwt-2"}
    )
    client = bench.client()
    await client.preferences()
    await client.preferences()
    assert bench.asked[-1].headers["Authorization"] == "Bearer jwt-2"
    bench.answers["/api/v2/preferences"] = lambda request: web.json_response(
        {}, headers={"AccessToken": "not a token"}
    )
    await client.preferences()
    await client.preferences()
    assert bench.asked[-1].headers["Authorization"] == "Bearer jwt-2"


async def test_a_refused_tester_token_is_a_missing_right_beside_a_user_and_a_refusal_alone(
    bench: Bench,
) -> None:
    bench.answers["/api/v1/tester/people_assets"] = 401
    with pytest.raises(PermissionDeniedError, match="Tester"):
        await bench.client().people()
    budget = RequestBudget()
    door = Transport(bench.session, bench.url, BearerSignIn("tst"), budget)
    with pytest.raises(SignInRejectedError):
        await SensorZoneClient({ApiVersion.TESTER: door}).people()


# -- pages --


def rows(first: int, count: int) -> list[dict[str, int]]:
    return [{"id": number} for number in range(first, first + count)]


async def test_pages_are_read_until_one_brings_nothing_new(bench: Bench) -> None:
    def answer(request: web.Request) -> web.Response:
        page = int(request.query.get("page", 1))
        return web.json_response(rows(page * 100, 100 if page < 3 else 4))

    bench.answers["/api/v1/projects"] = answer
    found = await bench.client().projects()
    assert len(found.value) == 204
    assert bench.paths().count("/api/v1/projects") == 3


async def test_a_list_without_pages_is_learned_to_have_none(bench: Bench) -> None:
    bench.answers["/api/v1/projects"] = rows(1, 20)
    client = bench.client()
    for _ in range(3):
        assert len((await client.projects()).value) == 20
    assert [dict(request.query) for request in bench.asked[1:]] == [
        {"page": "1", "per_page": "100"},
        {"page": "2", "per_page": "100"},
        {},
        {},
    ]


async def test_a_list_that_fits_is_learned_to_fit(bench: Bench) -> None:
    count = 20
    bench.answers["/api/v1/projects"] = lambda request: web.json_response(
        rows(1, count) if request.query["page"] == "1" else []
    )
    client = bench.client()
    for count in (20, 19, 12):
        assert len((await client.projects()).value) == count
    assert len(bench.asked) == 1 + 2 + 1 + 1


async def test_a_list_that_once_filled_its_page_is_read_on_when_it_grows(bench: Bench) -> None:
    count = 25

    def answer(request: web.Request) -> web.Response:
        page = int(request.query["page"])
        return web.json_response(rows(1, count)[25 * (page - 1) : 25 * page])

    bench.answers["/api/v1/projects"] = answer
    client = bench.client()
    for count in (25, 26, 60):
        assert len((await client.projects()).value) == count


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_page_beyond_the_last_may_be_refused(bench: Bench, status: int) -> None:
    count = 12

    def answer(request: web.Request) -> web.Response:
        page = int(request.query["page"])
        found = rows(1, count)[25 * (page - 1) : 25 * page]
        return web.json_response(found) if found else web.Response(status=status)

    bench.answers["/api/v1/projects"] = answer
    client = bench.client()
    for count in (12, 50, 60):
        assert len((await client.projects()).value) == count


@pytest.mark.parametrize("said", [{"next": None}, {"links": {"self": "/x", "next": None}}])
async def test_a_list_that_says_that_nothing_follows_is_the_whole(bench: Bench, said: Any) -> None:
    bench.answers["/api/v1/projects"] = {"results": rows(1, 40), **said}
    assert len((await bench.client().projects()).value) == 40
    assert bench.paths().count("/api/v1/projects") == 1


async def test_a_forbidden_sign_in_stays_a_missing_right(bench: Bench) -> None:
    bench.answers["/api/v1/session"] = 403
    client = bench.client()
    for _ in range(2):
        with pytest.raises(PermissionDeniedError):
            await client.check_session()
    assert bench.paths().count("/api/v1/session") == 1


async def test_links_are_followed_and_none_to_another_place(bench: Bench) -> None:
    bench.answers["/api/v1/projects"] = lambda request: web.json_response(
        {"data": rows(1, 2), "links": {"next": "/api/v1/more?cursor=x%26y"}}
    )
    bench.answers["/api/v1/more"] = lambda request: web.json_response(
        {"data": rows(3, 2)} if request.query == {"cursor": "x&y"} else {"data": []}
    )
    assert len((await bench.client().projects()).value) == 4

    for link in ("https://evil.example/api", "http://[", "http://user@127.0.0.1/"):
        bench.answers["/api/v1/more"] = {"data": rows(3, 2), "links": {"next": link}}
        with pytest.raises(UnexpectedResponseError):
            await bench.client().projects()


async def test_a_list_without_end_is_given_up(bench: Bench) -> None:
    def answer(request: web.Request) -> web.Response:
        page = int(request.query["page"])
        return web.json_response({"data": rows(page, 1), "has_more": True})

    bench.answers["/api/v1/projects"] = answer
    client = bench.client()
    budget = RequestBudget(per_minute=10_000)
    door = SessionSignIn(bench.session, bench.url, budget, "a@example.com", "b")
    client = SensorZoneClient(
        {
            ApiVersion.V1: Transport(
                bench.session, bench.url, door, budget, on_headers=door.on_headers
            )
        }
    )
    with pytest.raises(UnexpectedResponseError, match="no end"):
        await client.projects()
    assert len(bench.asked) == 1 + MAX_PAGES


async def test_a_list_with_the_newest_first_is_read_as_far_as_asked(bench: Bench) -> None:
    def answer(request: web.Request) -> web.Response:
        page = int(request.query["page"])
        start = START - timedelta(hours=2 * page)
        found = [
            {"id": page * 10 + n, "started_at": (start - timedelta(minutes=n)).isoformat()}
            for n in range(3)
        ]
        return web.json_response({"data": found, "meta": {"next_page": page + 1}})

    bench.answers["/api/v1/incursions"] = answer
    found = await bench.client().incursions(START - timedelta(hours=5))
    assert len(found.value) == 9


async def test_refused_parameters_are_left_out_from_then_on(bench: Bench) -> None:
    bench.answers["/api/v1/incursions"] = lambda request: (
        web.Response(status=422) if request.query else web.json_response([])
    )
    client = bench.client()
    for _ in range(2):
        assert (await client.incursions(START)).value == []
    assert [bool(request.query) for request in bench.asked[1:]] == [True, False, False]


# -- what is not there --


async def test_a_later_page_that_fails_leaves_those_before_it(bench: Bench) -> None:
    def answer(request: web.Request) -> web.Response:
        page = int(request.query["page"])
        if page == 3:
            return web.Response(status=500)
        start = [{"started_at": "2026-09-13T11:00:00Z", **row} for row in rows(10 * page, 10)]
        return web.json_response({"data": start, "meta": {"page": page, "total_pages": 4}})

    bench.answers["/api/v1/incursions"] = bench.answers["/api/v1/projects"] = answer
    client = bench.client()
    found = await client.incursions(datetime(2026, 9, 13, tzinfo=UTC))
    assert len(found.value) == 20
    assert not found.is_complete
    assert isinstance(found.failure, UnreachableError)
    with pytest.raises(UnreachableError):
        await client.projects()


async def test_a_guessed_page_that_is_refused_proves_no_end(bench: Bench) -> None:
    def answer(request: web.Request) -> web.Response:
        if request.query["page"] != "1":
            return web.Response(status=404)
        found = [{"started_at": "2026-09-13T11:00:00Z", **row} for row in rows(1, 100)]
        return web.json_response(found)

    bench.answers["/api/v1/incursions"] = answer
    found = await bench.client().incursions(datetime(2026, 9, 13, tzinfo=UTC))
    assert (len(found.value), found.is_complete, found.failure) == (100, False, None)


# -- what is not there --


async def test_an_id_cannot_lead_elsewhere(bench: Bench) -> None:
    client = bench.client()
    for found in ("../session", "1/2", "", "a?b"):
        with pytest.raises(UnexpectedResponseError):
            await client.tag(found)
    assert bench.asked == []


# -- every call of the table --


async def test_calls_that_only_the_client_has(bench: Bench) -> None:
    bench.answers |= {
        "/api/v1/worksites/4": {"data": {"id": 4}},
        "/api/v1/tester/visitor_sessions": [{"id": 1}],
        "/api/v2/logout": {},
        "/api/v2/validate": {"valid": True},
        "/api/v2/reports": {"data": [{"id": "1", "type": "reports", "attributes": {"title": "T"}}]},
        "/api/v2/base_stations/9/events/3": {"id": 3, "kind": "alarm"},
        "/api/v1/base_stations/9": [],
    }
    client = bench.client()
    assert await client.worksite("4") == {"id": 4}
    assert await client.visitor_sessions() == [{"id": 1}]
    await client.logout()
    assert await client.validate() == {"valid": True}
    assert (await client.listed("v2_reports"))[0]["title"] == "T"
    assert await client.event("9", "3") == {"id": 3, "kind": "alarm"}
    with pytest.raises(UnexpectedResponseError):
        await client.base_station("9")


async def test_a_write_that_worked_may_say_nothing_or_nonsense(bench: Bench) -> None:
    client = bench.client()
    bench.answers["/api/v1/notes"] = web.Response(text="<html>fine</html>")
    assert await client.add_note({"text": "x"}) is None
    bench.answers["/api/v1/notes"] = web.Response(status=204)
    assert await client.add_note({"text": "x"}) is None


async def test_refused_fields_are_told_and_an_unexplained_refusal_is_not(bench: Bench) -> None:
    client = bench.client()
    bench.answers["/api/v1/notes"] = lambda request: web.json_response(
        {"errors": {"text": ["can't be blank"]}}, status=422
    )
    with pytest.raises(InvalidFieldsError) as refused:
        await client.add_note({"text": ""})
    assert refused.value.problems == {"text": "is missing"}
    bench.answers["/api/v1/notes"] = 422
    with pytest.raises(UnexpectedResponseError):
        await client.add_note({"text": ""})


def test_every_resource_stands_in_the_table_of_the_docs_with_its_mark() -> None:
    table = Path(__file__).parents[3].joinpath("docs", "api-coverage-sensorzone.md").read_text()
    for resource in RESOURCES.values():
        line = f"{resource.path.replace('{}', ':id')}` | {resource.mark} |"
        assert line in table, line
    stated = {resource.path for resource in RESOURCES.values() if resource.mark is Evidence.STATED}
    text = Path(__file__).parents[3].joinpath("docs", "api-coverage-sensorzone.md").read_text()
    assert text.count("| stated |") >= len(stated)


# -- reports and links --


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({"status": "completed"}, "done"),
        ({"state": "Failed"}, "failed"),
        ({"status": "processing"}, "running"),
        ({"download_url": "x"}, "done"),
        ({}, "running"),
    ],
)
def test_how_far_a_report_is(row: dict[str, str], state: str) -> None:
    assert state_of(row) == state


async def test_a_report_without_an_id_is_not_followed() -> None:
    async def ask(_: str) -> None:
        raise AssertionError

    assert await followed({"status": "pending"}, ask) == (None, "running")


async def test_a_report_may_be_a_file_or_a_link_to_one(bench: Bench) -> None:
    client = bench.client()
    path = "/api/v1/reports/5/download"
    bench.answers[path] = web.Response(body=b"%PDF", content_type="application/pdf")
    file = named_file("report", await downloaded(client, "5"))
    assert (file.name, file.content) == ("report.pdf", b"%PDF")

    bench.answers[path] = {"url": f"{bench.url}/files/5.csv?sig=1"}
    bench.answers["/files/5.csv"] = lambda request: web.Response(
        body=b"a,b", content_type="text/csv"
    )
    file = named_file("report", await downloaded(client, "5"))
    assert (file.name, file.content) == ("report.csv", b"a,b")

    bench.answers[path] = {"rows": [1]}
    assert named_file("report", await downloaded(client, "5")).name == "report.json"
    bench.answers[path] = {"url": "https://elsewhere.example/5"}
    with pytest.raises(UnexpectedResponseError):
        await downloaded(client, "5")


async def test_links_to_other_hosts_are_not_followed(bench: Bench) -> None:
    client = bench.client()
    for link in ("https://elsewhere.example/", "http://[", "https://u:p@127.0.0.1/"):
        assert await fetched(client, link) is None
    assert str(client.url) == str(URL(bench.url))
    assert is_safe("https://elsewhere.example/x")
    assert not is_safe("http://elsewhere.example/x")
    assert not is_safe("https://[")
