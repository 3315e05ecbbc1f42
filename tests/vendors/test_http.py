"""Transport and ledger against real HTTP on loopback, with a clock that the tests turn."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import gzip
import logging
import traceback

import aiohttp
from aiohttp import web
import msgspec
import pytest

from custom_components.watchpost.client import budget as budgets
from custom_components.watchpost.client import transport as transport_module
from custom_components.watchpost.client.budget import RequestBudget
from custom_components.watchpost.client.errors import (
    NotSecureError,
    PermissionDeniedError,
    RateLimitedError,
    SignInRejectedError,
    TimedOutError,
    UnexpectedResponseError,
    UnreachableError,
    VendorError,
)
from custom_components.watchpost.client.transport import BasicSignIn, Response, SignIn, Transport
from custom_components.watchpost.models import Freshness

CANARY = "c4n4ry"
KEEP = {"Cache-Control": "max-age=900"}

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Clock:
    """Monotonic and wall time that only tests move."""

    def __init__(self) -> None:
        self.at = 5000.0

    def now(self) -> float:
        return self.at

    def now_utc(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.at)


@dataclass
class Cloud:
    """A server that answers as told, last instruction for ever, and remembers who asked."""

    url: str = ""
    answers: list[Handler] = field(default_factory=list)
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(await request.read())
        handler = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await handler(request)

    def says(self, *answers: Handler) -> None:
        self.answers = list(answers)

    def header(self, name: str) -> list[str | None]:
        return [request.headers.get(name) for request in self.asked]


def answer(
    status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return handler


def cut(status: int = 200, headers: Mapping[str, str] | None = None) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            status=status, headers={**(headers or {}), "Content-Length": "1000"}
        )
        await response.prepare(request)
        await response.write(b"[1, 2")
        assert request.transport is not None
        request.transport.close()
        return response

    return handler


async def drop(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def until(gate: asyncio.Event, then: Handler) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return await then(request)

    return handler


async def ran(*, unless: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(10):
        while not unless():  # noqa: ASYNC110  what is waited for is the server's and ours together
            await asyncio.sleep(0)


@pytest.fixture
async def start(socket_enabled: None) -> AsyncIterator[Callable[[], Awaitable[Cloud]]]:
    runners = []

    async def begin() -> Cloud:
        cloud = Cloud()
        cloud.says(answer(headers=KEEP))
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", cloud.serve)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        cloud.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return cloud

    yield begin
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def cloud(start: Callable[[], Awaitable[Cloud]]) -> Cloud:
    return await start()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> RequestBudget:
    return RequestBudget(clock=clock.now, now_utc=clock.now_utc, rand=lambda: 0.9)


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
def transport(cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget) -> Transport:
    return Transport(session, f"{cloud.url}/api/", BasicSignIn("user", "secret"), budget)


class Tokens:
    """A sign-in whose token changes when it is renewed."""

    fingerprint = "tokens"
    sends_password = False
    can_renew = True

    def __init__(self) -> None:
        self.renewed: list[Mapping[str, str]] = []

    async def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {len(self.renewed)}", "Cookie": f"own={CANARY}"}

    async def renew(self, refused: Mapping[str, str]) -> None:
        self.renewed.append(refused)


# -- the cache rule --


async def test_a_current_reply_is_answered_from_what_is_held(
    cloud: Cloud, transport: Transport, clock: Clock
) -> None:
    cloud.says(answer(body=b"1", headers=KEEP), answer(body=b"2", headers=KEEP))

    first = await transport.get("/things")
    clock.at += 899.9
    second = await transport.get("/things")
    clock.at += 0.2
    third = await transport.get("/things")

    assert [(r.body, r.reused) for r in (first, second, third)] == [
        (b"1", False),
        (b"1", True),
        (b"2", False),
    ]
    assert second.freshness == first.freshness
    assert len(cloud.asked) == 2


async def test_what_may_not_be_stored_is_asked_for_each_time(
    cloud: Cloud, transport: Transport
) -> None:
    cloud.says(answer(headers={"Cache-Control": "no-store, max-age=900"}))

    await transport.get("/things")
    await transport.get("/things")

    assert len(cloud.asked) == 2
    assert transport.budget.diagnostics()["stored_replies"] == 0


async def test_no_store_drops_what_was_held(
    cloud: Cloud, transport: Transport, clock: Clock
) -> None:
    cloud.says(
        answer(headers={**KEEP, "ETag": '"1"'}), answer(headers={"Cache-Control": "no-store"})
    )
    for _ in range(3):
        await transport.get("/things")
        clock.at += 1000

    assert cloud.header("If-None-Match") == [None, '"1"', None]


async def test_an_expired_reply_is_revalidated_and_its_body_kept(
    cloud: Cloud, transport: Transport, clock: Clock
) -> None:
    since = "Sun, 01 Mar 2026 12:00:00 GMT"
    cloud.says(
        answer(body=b"1", headers={**KEEP, "ETag": '"a"', "Last-Modified": since}),
        answer(304, b"", {"ETag": '"a"'}),
        answer(304, b"", {"Cache-Control": "max-age=60"}),
    )

    await transport.get("/things")
    clock.at += 1000
    second = await transport.get("/things")
    clock.at += 1000
    third = await transport.get("/things")

    assert cloud.header("If-None-Match") == [None, '"a"', '"a"']
    assert cloud.header("If-Modified-Since") == [None, since, since]
    assert (second.status, second.body, second.freshness.lifetime) == (200, b"1", 900.0)
    assert (third.body, third.freshness.expires) == (b"1", clock.at + 60)
    assert (third.reused, transport.budget.requests_total) == (False, 3)


async def test_unchanged_without_anything_held_is_no_answer(
    cloud: Cloud, transport: Transport
) -> None:
    cloud.says(answer(304, b""), answer(), answer(304, b""))

    with pytest.raises(UnexpectedResponseError):
        await transport.get("/things")
    await transport.get("/things")
    with pytest.raises(UnexpectedResponseError):
        await transport.get("/things")


async def test_another_query_or_another_password_reuses_nothing(
    cloud: Cloud, session: aiohttp.ClientSession, transport: Transport, budget: RequestBudget
) -> None:
    other = Transport(session, f"{cloud.url}/api", BasicSignIn("user", "other"), budget)

    await transport.get("/things", {"a": "1"})
    await transport.get("/things", {"a": "2"})
    await other.get("/things", {"a": "1"})

    assert len(cloud.asked) == 3


async def test_a_write_is_no_leave_to_ask_anew_before_expiry(
    cloud: Cloud, transport: Transport
) -> None:
    await transport.get("/things/1")
    await transport.send("PUT", "/things/1", json={}, permission="change this")
    await transport.get("/things/1")

    assert [request.method for request in cloud.asked] == ["GET", "PUT"]


async def test_concurrent_calls_share_one_request_and_outlive_a_cancelled_one(
    cloud: Cloud, transport: Transport
) -> None:
    gate = asyncio.Event()
    cloud.says(until(gate, answer(body=b"1", headers=KEEP)))
    calls = [asyncio.create_task(transport.get("/things")) for _ in range(3)]
    await ran(unless=lambda: bool(cloud.asked))

    calls[0].cancel()
    await asyncio.sleep(0)
    gate.set()
    replies = await asyncio.gather(*calls[1:])

    assert [reply.body for reply in replies] == [b"1", b"1"]
    assert calls[0].cancelled()
    assert len(cloud.asked) == 1


async def test_a_request_that_nobody_waits_for_any_longer_is_given_up(
    cloud: Cloud, session: aiohttp.ClientSession
) -> None:
    transport = Transport(session, cloud.url, BasicSignIn("a", "b"), RequestBudget(concurrent=1))
    cloud.says(until(asyncio.Event(), answer()), answer(body=b"2"))
    call = asyncio.create_task(transport.get("/things"))
    await ran(unless=lambda: bool(cloud.asked))

    call.cancel()
    await asyncio.wait([call])
    reply = await transport.get("/things")

    assert reply.body == b"2"
    assert transport.budget.diagnostics()["under_way"] == 0


# -- holds --


async def test_too_many_requests_hold_the_whole_account_for_as_long_as_asked(
    cloud: Cloud,
    session: aiohttp.ClientSession,
    transport: Transport,
    budget: RequestBudget,
    clock: Clock,
) -> None:
    other = Transport(session, cloud.url, BasicSignIn("user", "secret"), budget)
    await other.get("/held")
    cloud.says(answer(429, headers={"Retry-After": "120"}), answer())

    with pytest.raises(RateLimitedError) as caught:
        await transport.get("/things")
    assert caught.value.wait == 120.0
    assert caught.value.retry_at == clock.now_utc() + timedelta(seconds=120)

    clock.at += 119
    with pytest.raises(RateLimitedError):
        await other.get("/more")
    with pytest.raises(RateLimitedError):
        await other.send("POST", "/more", permission="do this")
    assert (await other.get("/held")).reused
    assert len(cloud.asked) == 2

    clock.at += 1.1
    assert (await other.get("/more")).status == 200


async def test_unavailable_until_a_date_holds_the_account(
    cloud: Cloud, transport: Transport, clock: Clock
) -> None:
    back = format_datetime(clock.now_utc() + timedelta(seconds=300), usegmt=True)
    cloud.says(answer(503, headers={"Retry-After": back}))

    with pytest.raises(RateLimitedError) as caught:
        await transport.get("/things")

    assert caught.value.wait == 300.0


async def test_rate_limits_without_a_time_back_off_until_a_success(
    cloud: Cloud, transport: Transport, budget: RequestBudget, clock: Clock
) -> None:
    refusal = answer(429)
    cloud.says(refusal, refusal, answer(), refusal)
    waits = []
    for _ in range(4):
        try:
            await transport.get("/things")
        except RateLimitedError as err:
            waits.append(err.wait)
        clock.at += 1000

    assert waits == [27.0, 54.0, 27.0]
    assert budget.refusals == 3


async def test_requests_refused_together_count_once_for_the_back_off(
    cloud: Cloud, transport: Transport, budget: RequestBudget, clock: Clock
) -> None:
    cloud.says(answer(429))

    results = await asyncio.gather(
        *(transport.get(f"/{n}") for n in range(4)), return_exceptions=True
    )

    assert all(isinstance(result, RateLimitedError) for result in results)
    assert budget.paused_until == clock.at + 27.0


async def test_a_refusal_with_half_a_body_still_holds(cloud: Cloud, transport: Transport) -> None:
    cloud.says(cut(429, {"Retry-After": "60"}))

    with pytest.raises(RateLimitedError):
        await transport.get("/things")


async def test_a_refusal_inside_a_body_holds_like_one_on_the_wire(
    transport: Transport, budget: RequestBudget, clock: Clock
) -> None:
    waits = []
    for _ in range(2):
        await transport.get("/things")
        refusal = transport.error_for(429, "read this")
        assert isinstance(refusal, RateLimitedError)
        waits.append(refusal.wait)
        clock.at += 1000

    assert waits == [27.0, 54.0]
    assert isinstance(transport.error_for(401, "read this"), SignInRejectedError)
    assert isinstance(transport.error_for(503, "", {"Retry-After": "7"}), RateLimitedError)
    assert budget.paused_until == clock.at + 7.0


def test_a_hold_is_never_shortened_and_never_longer_than_a_day(
    budget: RequestBudget, clock: Clock
) -> None:
    budget.pause(100)
    budget.pause(10)
    assert budget.paused_until == clock.at + 100
    budget.pause(float("nan"))
    budget.pause(-5)
    assert budget.paused_until == clock.at + 100
    budget.pause(float("inf"))
    assert budget.paused_until == clock.at + 86400


# -- statuses --


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UnexpectedResponseError),
        (404, UnexpectedResponseError),
        (408, TimedOutError),
        (410, UnexpectedResponseError),
        (422, UnexpectedResponseError),
        (500, UnreachableError),
        (502, UnreachableError),
        (504, UnreachableError),
    ],
)
async def test_a_status_becomes_an_error_that_says_what_to_do(
    cloud: Cloud, transport: Transport, budget: RequestBudget, status: int, kind: type[VendorError]
) -> None:
    cloud.says(answer(status, CANARY.encode()))

    with pytest.raises(kind) as caught:
        await transport.get("/things")

    assert type(caught.value) is kind
    assert getattr(caught.value, "status", status) == status
    assert CANARY not in str(caught.value)
    assert budget.paused_until == 0.0


async def test_a_missing_right_is_named(cloud: Cloud, transport: Transport) -> None:
    cloud.says(answer(403))

    with pytest.raises(PermissionDeniedError) as caught:
        await transport.get("/things", permission="read things")

    assert caught.value.permission == "read things"


async def test_refused_credentials_are_renewed_once(
    cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget
) -> None:
    tokens = Tokens()
    sign_in: SignIn = tokens
    transport = Transport(session, cloud.url, sign_in, budget)
    cloud.says(answer(401), answer(), answer(401))

    await transport.get("/things")
    assert cloud.header("Authorization") == ["Bearer 0", "Bearer 1"]
    assert [refused["Authorization"] for refused in tokens.renewed] == ["Bearer 0"]

    # The new sign-in was accepted, so this is about one resource.
    with pytest.raises(PermissionDeniedError):
        await transport.get("/more")
    assert len(cloud.asked) == 4


class Key(Tokens):
    """Credentials that there is no other of."""

    fingerprint = "key"
    can_renew = False


async def test_a_refusal_of_one_resource_is_told_from_refused_credentials_by_asking_elsewhere(
    cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget, clock: Clock
) -> None:
    transport = Transport(session, cloud.url, Key(), budget)
    transport.probe_requests = lambda: [("/proof", None), ("/other", None)]
    cloud.says(answer(401), answer(), answer(401), answer(401), answer(401))

    with pytest.raises(PermissionDeniedError):
        await transport.get("/things")
    assert not transport.sign_in_state.is_refused
    clock.at += 1

    with pytest.raises(SignInRejectedError):
        await transport.get("/things")
    assert transport.sign_in_state.is_refused
    assert len(cloud.asked) == 5


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
async def test_a_write_with_a_password_is_sent_once_however_it_is_refused(
    cloud: Cloud, transport: Transport, status: int
) -> None:
    cloud.says(answer(status))

    with pytest.raises(VendorError):
        await transport.send("POST", "/things", json={}, permission="make things")
    assert len(cloud.asked) == 1


async def test_a_refused_password_is_not_sent_by_others_before_it_is_tried_again(
    cloud: Cloud, transport: Transport, clock: Clock
) -> None:
    cloud.says(answer(401))
    for _ in range(5):
        with pytest.raises(SignInRejectedError):
            await transport.get("/things")
    assert len(cloud.asked) == 1

    clock.at += 10
    cloud.says(answer())
    await transport.get("/things")
    assert not transport.sign_in_state.is_refused


async def test_an_outage_without_a_time_holds_nothing_but_its_own_resource(
    cloud: Cloud, transport: Transport, budget: RequestBudget
) -> None:
    cloud.says(answer(503), answer())
    with pytest.raises(UnreachableError):
        await transport.get("/things")

    assert not budget.is_paused
    await transport.get("/alarms")


async def test_a_write_refused_for_its_token_is_sent_once_more(
    cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget
) -> None:
    transport = Transport(session, cloud.url, Tokens(), budget)
    cloud.says(answer(401), answer(201))

    assert (await transport.send("POST", "/things", form={"a": "ä&"}, permission="x")).status == 201
    assert cloud.bodies == [b"a=%C3%A4%26"] * 2


async def test_basic_credentials_are_utf8_and_may_hold_colons(
    cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget
) -> None:
    transport = Transport(session, cloud.url, BasicSignIn("üser", "pä:s✓"), budget)

    await transport.get("/things")

    (sent,) = cloud.header("Authorization")
    assert sent is not None
    assert base64.b64decode(sent.removeprefix("Basic ")) == "üser:pä:s✓".encode()


# -- what can go wrong on the way --


@pytest.mark.parametrize(
    "broken",
    [
        cut(),
        drop,
        answer(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
        answer(body=b"no deflate", headers={"Content-Encoding": "deflate"}),
    ],
)
async def test_half_or_garbled_answers_are_unreachable(
    cloud: Cloud, transport: Transport, broken: Handler
) -> None:
    cloud.says(broken)

    with pytest.raises(UnreachableError) as caught:
        await transport.get("/things")

    assert type(caught.value) is UnreachableError


async def test_nobody_listening_and_a_closed_session_are_unreachable(
    session: aiohttp.ClientSession, budget: RequestBudget, unused_tcp_port: int
) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}"
    transport = Transport(session, address, BasicSignIn("a", "b"), budget)

    with pytest.raises(UnreachableError):
        await transport.get("/things")
    await session.close()
    with pytest.raises(UnreachableError):
        await transport.get("/things")


async def test_an_answer_that_never_ends_times_out(
    cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget
) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[")
        await asyncio.Event().wait()
        return response

    cloud.says(slow)
    transport = Transport(session, cloud.url, BasicSignIn("a", "b"), budget, timeout=0.05)

    with pytest.raises(TimedOutError):
        await transport.get("/things")


@pytest.mark.parametrize("packed", [True, False])
async def test_a_body_too_large_after_unpacking_is_refused(
    cloud: Cloud, transport: Transport, packed: bool
) -> None:
    huge = bytes(transport_module.MAX_BODY + 1)
    cloud.says(
        answer(body=gzip.compress(huge), headers={"Content-Encoding": "gzip"})
        if packed
        else answer(body=huge)
    )

    with pytest.raises(UnexpectedResponseError):
        await transport.get("/things")


async def test_a_body_of_just_the_bound_is_taken(cloud: Cloud, transport: Transport) -> None:
    cloud.says(
        answer(
            body=gzip.compress(bytes(transport_module.MAX_BODY)),
            headers={"Content-Encoding": "gzip"} | KEEP,
        )
    )

    assert len((await transport.get("/things")).body) == transport_module.MAX_BODY


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_is_never_repeated_when_nobody_knows_what_became_of_it(
    cloud: Cloud, transport: Transport, method: str
) -> None:
    await transport.get("/warm-up")
    cloud.says(drop)

    with pytest.raises(UnreachableError):
        await transport.send(method, "/things", json={"a": 1}, permission="change this")

    assert len(cloud.asked) == 2
    assert cloud.bodies[-1] == b'{"a":1}'


async def test_a_read_that_is_repeated_is_counted(
    cloud: Cloud, transport: Transport, budget: RequestBudget
) -> None:
    await transport.get("/warm-up")
    cloud.says(drop, answer(body=b"2"))

    assert (await transport.get("/things")).body == b"2"
    assert budget.requests_total == len(cloud.asked) == 3


async def test_answers_to_writes_are_never_held(cloud: Cloud, transport: Transport) -> None:
    await transport.send("POST", "/things", permission="x")
    await transport.send("POST", "/things", permission="x")
    await transport.get("/things")

    assert len(cloud.asked) == 3


# -- redirects --


async def test_a_redirect_within_the_origin_is_followed(cloud: Cloud, transport: Transport) -> None:
    cloud.says(
        answer(302, headers={"Location": "/elsewhere?a=1"}),
        answer(307, headers={"Location": f"{cloud.url}/third"}),
        answer(body=b"3"),
    )

    assert (await transport.get("/things")).body == b"3"
    assert [request.path_qs for request in cloud.asked] == [
        "/api/things",
        "/elsewhere?a=1",
        "/third",
    ]
    assert None not in cloud.header("Authorization")


async def test_a_redirect_to_another_place_is_not_followed(
    cloud: Cloud, transport: Transport, start: Callable[[], Awaitable[Cloud]]
) -> None:
    other = await start()
    for location in (
        f"{other.url}/{CANARY}",
        cloud.url.replace("http:", "https:"),
        cloud.url.replace("//", "//user:secret@"),
        "//[",
        "",
    ):
        cloud.says(answer(302, headers={"Location": location}))
        with pytest.raises(UnexpectedResponseError) as caught:
            await transport.get("/things")
        assert CANARY not in str(caught.value)

    assert not other.asked


async def test_redirects_in_a_circle_and_of_writes_are_not_followed(
    cloud: Cloud, transport: Transport
) -> None:
    cloud.says(answer(301, headers={"Location": "/api/things"}))

    with pytest.raises(UnexpectedResponseError):
        await transport.get("/things")
    assert len(cloud.asked) == 1 + transport_module.MAX_REDIRECTS
    with pytest.raises(UnexpectedResponseError):
        await transport.send("POST", "/things", permission="x")
    assert len(cloud.asked) == 2 + transport_module.MAX_REDIRECTS


# -- what is sent, logged and told --


async def test_commas_in_a_query_stay_commas_and_ids_stay_in_their_place(
    cloud: Cloud, transport: Transport
) -> None:
    await transport.get("/things/a%2Fb", {"ids": "1,2", "q": "a+b&c ä"})

    assert cloud.asked[0].raw_path == "/api/things/a%2Fb?ids=1,2&q=a%2Bb%26c+%C3%A4"
    for path in ("/a/../b", "/a/%2E%2e", "/./a", "/a?b=1", "/a#b", "/a\\b"):
        with pytest.raises(UnexpectedResponseError):
            await transport.get(path)
    assert len(cloud.asked) == 1


async def test_cookies_of_other_accounts_stay_at_home(
    cloud: Cloud, session: aiohttp.ClientSession, transport: Transport, budget: RequestBudget
) -> None:
    cloud.says(answer(headers={"Set-Cookie": "session=theirs; Path=/"}))

    await transport.get("/things")
    await transport.get("/things")
    await Transport(session, cloud.url, Tokens(), budget).get("/things")

    assert cloud.header("Cookie") == [None, None, f"own={CANARY}"]


async def test_one_log_line_per_request_tells_no_secret(
    cloud: Cloud,
    session: aiohttp.ClientSession,
    budget: RequestBudget,
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport = Transport(
        session, f"{cloud.url}/{CANARY}", BasicSignIn(CANARY, f"{CANARY}!"), budget
    )
    cloud.says(answer(body=b"1" * 12, headers=KEEP), answer(500, CANARY.encode()))

    with caplog.at_level(logging.DEBUG, logger="custom_components.watchpost"):
        await transport.get("/things", {"q": CANARY})
        with pytest.raises(UnreachableError):
            await transport.get("/more")

    lines = [r.getMessage() for r in caplog.records if r.name.startswith("custom_components")]
    assert [line.rsplit(",", 1)[0] for line in lines] == [
        "GET /things: 200, 12 bytes, fresh for 900.0 s",
        "GET /more: 500, 0 bytes, fresh for None s",
    ]
    secrets = (CANARY, base64.b64encode(CANARY.encode()).decode()[:6])
    assert not any(secret in line for line in lines for secret in secrets)


@pytest.mark.parametrize(
    "broken", [answer(404), answer(401), answer(403), answer(429), cut(), drop, answer(304)]
)
async def test_no_error_tells_an_address_or_a_credential(
    cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget, broken: Handler
) -> None:
    transport = Transport(session, f"{cloud.url}/{CANARY}", BasicSignIn("u", CANARY), budget)
    cloud.says(broken)

    with pytest.raises(VendorError) as caught:
        await transport.get(f"/{CANARY}", {"q": CANARY})

    told = f"{caught.value!s} {caught.value!r} {caught.value.args}"
    told += "".join(traceback.format_exception_only(caught.value))
    assert CANARY not in told
    assert cloud.url.split("//")[1] not in told
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


async def test_neither_transport_nor_reply_shows_what_it_carries(
    cloud: Cloud, session: aiohttp.ClientSession, budget: RequestBudget
) -> None:
    sign_in = BasicSignIn("u", CANARY)
    transport = Transport(session, f"{cloud.url}/{CANARY}", sign_in, budget)
    cloud.says(answer(body=CANARY.encode()))

    reply = await transport.get("/things")

    assert CANARY not in f"{transport!r} {sign_in!r} {reply!r} {budget!r} {budget.diagnostics()}"
    assert CANARY not in sign_in.fingerprint


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.example.com", "https://api.example.com/"),
        (" https://api.example.com/v1/ ", "https://api.example.com/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("http://127.8.9.1", "http://127.8.9.1/"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://LOCALHOST/x", "http://localhost/x"),
    ],
)
def test_secure_addresses_are_taken_without_a_trailing_slash(url: str, base: str) -> None:
    assert str(transport_module.checked_address(url)) in {base, base.rstrip("/")}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "//api.example.com",
        "https://",
        "https:///path",
        "ftp://api.example.com",
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://192.168.1.1",
        "http://0.0.0.0",
        "https://user@api.example.com",
        "https://user:secret@api.example.com",
        "https://@api.example.com",
        "https://api.example.com/?a=1",
        "https://api.example.com/?",
        "https://api.example.com/#a",
        "https://api.example.com:99999",
        "https://api example.com",
        "https://api.example.com\\@127.0.0.1",
        "https://api.example.com/\nx",
        "https://[::1",
    ],
)
def test_other_addresses_are_refused_without_being_told(url: str) -> None:
    with pytest.raises(NotSecureError) as caught:
        transport_module.checked_address(url)

    assert "example" not in str(caught.value)
    assert caught.value.__context__ is None


# -- the request budget --


async def test_no_more_requests_are_under_way_than_allowed(
    cloud: Cloud, session: aiohttp.ClientSession
) -> None:
    gate = asyncio.Event()
    cloud.says(until(gate, answer()))
    budget = RequestBudget(concurrent=2)
    transport = Transport(session, cloud.url, BasicSignIn("a", "b"), budget)
    calls = [asyncio.create_task(transport.get(f"/{n}")) for n in range(5)]
    await ran(unless=lambda: len(cloud.asked) == 2)
    for _ in range(50):
        await asyncio.sleep(0)
    assert budget.requests_total == 2

    gate.set()
    await asyncio.gather(*calls)
    assert len(cloud.asked) == 5


async def test_no_more_requests_start_in_any_minute_than_allowed(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(seconds: float) -> None:
        clock.at += seconds

    monkeypatch.setattr(f"{budgets.__name__}.asyncio.sleep", sleep)
    budget = RequestBudget(clock=clock.now, now_utc=clock.now_utc, per_minute=3)
    starts = []
    for _ in range(10):
        async with budget.slot():
            starts.append(clock.at)
        clock.at += 1

    assert all(later - start >= 60 for start, later in zip(starts, starts[3:], strict=False))
    assert starts[9] - starts[0] == 180


async def test_a_hold_that_begins_while_waiting_for_a_turn_is_kept(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = RequestBudget(clock=clock.now, now_utc=clock.now_utc, per_minute=1)

    async def sleep(seconds: float) -> None:
        clock.at += seconds
        budget.pause(100)

    monkeypatch.setattr(f"{budgets.__name__}.asyncio.sleep", sleep)
    async with budget.slot():
        pass

    with pytest.raises(RateLimitedError):
        async with budget.slot():
            pytest.fail("asked during a hold")
    assert budget.requests_total == 1


async def test_requests_today_begin_anew_at_midnight_utc(
    budget: RequestBudget, clock: Clock
) -> None:
    async with budget.slot():
        pass
    assert budget.requests_today == 1

    clock.at += 86400

    assert (budget.requests_today, budget.requests_total) == (0, 1)


def test_the_clock_of_the_vendor_runs_on_from_its_newest_date_header(clock: Clock) -> None:
    budget = RequestBudget(clock=clock.now, now_utc=clock.now_utc)
    part = budget.sub_budget("v2")
    assert budget.vendor_utc() is None

    told = datetime(2026, 11, 30, 12, tzinfo=UTC)
    budget.record_date(told)
    clock.at += 60
    assert budget.vendor_utc() == told + timedelta(seconds=60)
    part.record_date(told + timedelta(hours=1))
    assert budget.vendor_utc() == told + timedelta(hours=1)


@pytest.mark.parametrize("year", [1970, 2020, 9999])
def test_a_date_header_of_a_clock_that_was_never_set_tells_no_time(year: int) -> None:
    budget = RequestBudget()
    budget.record_date(None)
    budget.record_date(datetime(year, 1, 1, tzinfo=UTC))
    assert budget.vendor_utc() is None


def test_the_least_recently_used_replies_go_when_there_are_too_many_bytes() -> None:
    budget = RequestBudget(max_stored_bytes=5000)
    fresh = Freshness(received=0.0, expires=9.0, lifetime=9.0)
    replies = {key: Response(200, bytes(1500), "", fresh, None) for key in "abcd"}
    for key in "ab":
        budget.store(key, replies[key])
    assert budget.stored("a") is replies["a"]

    budget.store("c", replies["c"])
    budget.store("d", Response(200, bytes(9999), "", fresh, None))

    assert [key for key in "abcd" if budget.stored(key)] == ["a", "c"]
    budget.forget()
    assert budget.diagnostics()["stored_bytes"] == 0


# -- decoding --


class Thing(msgspec.Struct):
    id: int


def test_json_is_decoded_into_its_type() -> None:
    assert transport_module.decode(b'[{"id": 1, "more": 2}]', list[Thing]) == [Thing(1)]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"id": "c4n4ry"}', b"\xff", b"[" * 100_000, b'{"id": NaN}']
)
def test_another_shape_is_unexpected_and_tells_nothing(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        transport_module.decode(body, Thing)

    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_loose_decoding_takes_numbers_that_json_has_not() -> None:
    decoded = transport_module.loose(b'\xef\xbb\xbf{"a": [NaN, Infinity, -Infinity, 1e999, 1]}')

    assert repr(decoded) == "{'a': [nan, inf, -inf, inf, 1]}"
    assert transport_module.loose(b'["\\ud800 NaN", NaN]') != []
    assert transport_module.loose(b'{"a": [1.5, null]}') == {"a": [1.5, None]}


@pytest.mark.parametrize("body", [b"", b"<c4n4ry>", b"\xff", b"[" * 100_000, b"9" * 5000, b"[1,]"])
def test_loose_decoding_is_not_without_bounds(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        transport_module.loose(body)

    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None
