"""How the platform is asked: addresses, keys, pages in every envelope, errors."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.watchpost.client.budget import RequestBudget
from custom_components.watchpost.client.errors import (
    InvalidFieldsError,
    NotSecureError,
    PermissionDeniedError,
    SignInRejectedError,
    UnexpectedResponseError,
    UnreachableError,
)
from custom_components.watchpost.client.transport import Transport
from custom_components.watchpost.vendors.manfred_kunze.client import alerts as alerts_module
from custom_components.watchpost.vendors.manfred_kunze.client.alerts import AlertingClient
from custom_components.watchpost.vendors.manfred_kunze.client.api import (
    KeySignIn,
    PlatformApi,
    api_address,
    is_missing,
)
from custom_components.watchpost.vendors.manfred_kunze.client.control import ControlClient
from custom_components.watchpost.vendors.manfred_kunze.client.pagination import (
    MAX_PAGES,
    read_page,
)
from custom_components.watchpost.vendors.manfred_kunze.client.variants import (
    RequestVariant,
    VariantSelector,
)
from custom_components.watchpost.vendors.manfred_kunze.models.alerts import read_alert

type Answering = Callable[[web.Request], Awaitable[web.StreamResponse] | web.StreamResponse]
type OpenApi = Callable[[Answering], Awaitable[PlatformApi]]

RIGHT = "read things"


@pytest.fixture
async def open_api(socket_enabled: None) -> AsyncIterator[OpenApi]:
    """Ask a server that answers as it is told."""
    runners: list[web.AppRunner] = []
    async with aiohttp.ClientSession() as session:

        async def open_api(answer: Answering) -> PlatformApi:
            async def handle(request: web.Request) -> web.StreamResponse:
                answered = answer(request)
                return answered if isinstance(answered, web.StreamResponse) else await answered

            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app)
            await runner.setup()
            runners.append(runner)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            budget = RequestBudget(per_minute=100_000)
            address = api_address(f"http://{host}:{port}")
            return PlatformApi(Transport(session, address, KeySignIn("sk_live_x"), budget))

        yield open_api
        for runner in runners:
            await runner.cleanup()


async def ids(api: PlatformApi, **more: Any) -> list[str]:
    answer = await api.pages("/things", "thing", lambda found, row: found, permission=RIGHT, **more)
    return answer.value


def things(start: int, count: int) -> list[dict[str, Any]]:
    return [{"id": str(number)} for number in range(start, start + count)]


TOTAL = 45
SIZE = 10


def page_of(request: web.Request, *, first: int = 0, name: str = "page") -> int:
    return max(int(request.query.get(name, first)) - first, 0)


def envelope(kind: str, number: int) -> Any:
    rows = things(number * SIZE, max(min(SIZE, TOTAL - number * SIZE), 0))
    last = -(-TOTAL // SIZE) - 1
    return {
        "array": rows,
        "spring": {"content": rows, "last": number >= last, "number": number},
        "pages": {"content": rows, "page": {"totalPages": last + 1, "number": number}},
        "total": {"data": rows, "meta": {"total": TOTAL}},
        "more": {"items": rows, "hasMore": number < last},
        "silent": {"results": rows},
        "named": {"things": rows},
        "deep": {"data": {"items": rows, "hasNext": number < last}},
        "hateoas": {"_embedded": {"thingList": rows}, "page": {"totalPages": last + 1}},
    }[kind]


KINDS = ("array", "spring", "pages", "total", "more", "silent", "named", "deep", "hateoas")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
async def test_all_pages_are_read_in_every_envelope_from_0_or_from_1(
    open_api: OpenApi, kind: str, first: int
) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.query_string)
        return web.json_response(envelope(kind, page_of(request, first=first)))

    api = await open_api(answer)
    assert await ids(api) == [str(number) for number in range(TOTAL)]
    assert len(asked) <= 5 + first
    asked.clear()
    assert len(await ids(api)) == TOTAL
    assert len(asked) <= 5 + first


@pytest.mark.parametrize("names", [("pageNumber", "pageSize"), ("offset", "limit")])
async def test_other_names_of_pages_are_tried_where_the_same_page_comes_again(
    open_api: OpenApi, names: tuple[str, str]
) -> None:
    asked = 0

    def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        at = int(request.query.get(names[0], 0))
        number = at // 500 if names[0] == "offset" else at
        rows = things(number * 500, 500 if number < 2 else 7)
        return web.json_response({"content": rows, "last": number >= 2})

    api = await open_api(answer)
    assert len(await ids(api)) == 1007
    asked = 0
    assert len(await ids(api)) == 1007
    assert asked == 3


async def test_a_list_that_knows_no_pages_is_found_out_once(open_api: OpenApi) -> None:
    asked = 0

    def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response(things(0, 50))

    api = await open_api(answer)
    assert len(await ids(api)) == 50
    assert asked <= 20
    asked = 0
    assert len(await ids(api)) == 50
    assert asked == 1


async def test_parameters_that_are_refused_are_left_out_from_then_on(open_api: OpenApi) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.query_string)
        if request.query:
            raise web.HTTPBadRequest
        return web.json_response(things(0, 20))

    api = await open_api(answer)
    assert len(await ids(api)) == 20
    assert len(asked) == 5
    await ids(api)
    assert len(asked) == 6

    async def nothing(request: web.Request) -> web.Response:
        raise web.HTTPBadRequest

    api = await open_api(nothing)
    with pytest.raises(UnexpectedResponseError):
        await ids(api)


async def test_a_page_beyond_the_last_may_be_an_error(open_api: OpenApi) -> None:
    def answer(request: web.Request) -> web.Response:
        if page_of(request) > 1:
            raise web.HTTPNotFound
        return web.json_response(things(page_of(request) * 500, 500))

    api = await open_api(answer)
    assert len(await ids(api)) == 1000


async def test_endless_lists_and_long_ones_are_cut_and_say_so(open_api: OpenApi) -> None:
    def answer(request: web.Request) -> web.Response:
        number = page_of(request)
        return web.json_response({"data": things(number * 3, 3), "hasMore": True})

    api = await open_api(answer)
    listed = await api.pages("/things", "thing", lambda found, row: found, permission=RIGHT)
    assert len(listed.value) == 3 * MAX_PAGES
    assert not listed.is_whole
    assert listed.rejected == {"thing: more than are read": 1}
    listed = await api.pages("/things", "thing", lambda found, row: found, permission=RIGHT, most=7)
    assert len(listed.value) == 7
    assert not listed.is_whole


async def test_pages_that_go_round_in_circles_are_left(open_api: OpenApi) -> None:
    asked = 0

    def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"data": things((page_of(request) % 2) * 3, 3), "hasMore": True})

    api = await open_api(answer)
    listed = await api.pages("/things", "thing", lambda found, row: found, permission=RIGHT)
    assert sorted(listed.value) == ["0", "1", "2", "3", "4", "5"]
    assert not listed.is_whole
    assert asked < 40


@pytest.mark.parametrize(
    "body", [b"", b"7", b'"x"', b"{}", b'{"message": "x"}', b"<html>", b"null"]
)
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        read_page(body, 0, 0)


def test_an_empty_hateoas_page_has_no_list_at_all() -> None:
    assert read_page(b'{"_links": {}, "page": {"totalPages": 0}}', 0, 0).rows == []


async def test_one_record_comes_bare_in_data_or_alone_in_a_list(open_api: OpenApi) -> None:
    bodies: list[Any] = [{"id": "1"}, {"data": {"id": "1"}}, [{"id": "1"}]]
    for body in bodies:
        api = await open_api(lambda request, body=body: web.json_response(body))
        assert (
            await api.one("/things/1", lambda row: row.get("id"), permission=RIGHT)
        ).value == "1"
    for bad in (7, [], [{"id": "1"}, {"id": "2"}], {"name": "x"}):
        api = await open_api(lambda request, body=bad: web.json_response(body))
        with pytest.raises(UnexpectedResponseError):
            await api.one("/things/1", lambda row: row.get("id"), permission=RIGHT)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"errors": [{"field": "name", "message": "x"}]}', {"name"}),
        ('{"errors": {"from": ["x"]}}', {"from"}),
        ('{"violations": [{"propertyPath": "x", "name": "to"}]}', {"to"}),
        ('{"invalid-params": [{"pointer": "#/scope/id"}]}', {"scope.id"}),
        ('{"errors": [{"field": "no name; drop"}]}', None),
        ('{"timestamp": "x", "status": 400, "error": "Bad Request"}', None),
        ('{"title": "x", "detail": "y"}', None),
        ("plain text", None),
        ("", None),
    ],
)
async def test_what_was_refused_is_named_where_the_error_names_it(
    open_api: OpenApi, body: str, named: set[str] | None
) -> None:
    api = await open_api(lambda request: web.Response(status=400, text=body))
    with pytest.raises(InvalidFieldsError if named else UnexpectedResponseError) as caught:
        await api.send("POST", "/things", {"name": "x"}, permission=RIGHT)
    assert getattr(caught.value, "problems", {}).keys() == (named or set())


async def test_statuses_alone_decide_what_an_error_is(open_api: OpenApi) -> None:
    expected = {
        401: SignInRejectedError,
        403: PermissionDeniedError,
        404: UnexpectedResponseError,
        500: UnreachableError,
    }
    for status, error in expected.items():
        api = await open_api(lambda request, status=status: web.Response(status=status, text="{"))
        with pytest.raises(error) as caught:
            await api.get("/things", permission=RIGHT)
        assert is_missing(caught.value) == (status == 404)
    api = await open_api(lambda request: web.Response(status=204))
    assert await api.send("DELETE", "/things/1", permission=RIGHT) is None
    api = await open_api(lambda request: web.Response(text="done"))
    assert await api.send("POST", "/things/1/do", permission=RIGHT) is None


async def test_the_key_goes_to_the_api_in_its_header(open_api: OpenApi) -> None:
    seen: list[str] = []

    def answer(request: web.Request) -> web.Response:
        seen.append(f"{request.path} {request.headers['Authorization']}")
        return web.json_response([])

    api = await open_api(answer)
    await api.get("/things", permission=RIGHT)
    await api.raw("/schemas/x", permission=RIGHT)
    assert seen == ["/api/v1/things Bearer sk_live_x", "/api/schemas/x Bearer sk_live_x"]


async def test_a_name_that_does_not_resolve_is_no_connection(socket_enabled: None) -> None:
    async with aiohttp.ClientSession() as session:
        url = api_address("no-such-host.invalid")
        api = PlatformApi(Transport(session, url, KeySignIn("sk_live_x"), RequestBudget()))
        with pytest.raises(UnreachableError):
            await api.get("/things", permission=RIGHT)


def test_addresses_are_made_of_the_host_alone() -> None:
    assert api_address("iot.example.com/") == "https://iot.example.com/api"
    assert api_address("https://iot.example.com:8443/api/v1/") == "https://iot.example.com:8443/api"
    for url in ("", "https://", "http://iot.example.com", "https://a b", "https://x?y=z"):
        with pytest.raises(NotSecureError):
            api_address(url)


# -- what is held --


async def test_what_was_written_to_is_asked_for_anew_and_so_is_what_is_put_back(
    open_api: OpenApi,
) -> None:
    asked: list[str] = []
    rule = {"id": "r1", "limit": 1, "note": "first"}

    def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path.removeprefix('/api/v1')}")
        held = [rule] if request.path.endswith("rules") else rule
        return web.json_response(held, headers={"Cache-Control": "max-age=600"})

    api = await open_api(answer)
    rules = AlertingClient(api)
    await rules.list_rules()
    await rules.list_rules()
    await rules.enable_rule("r1")
    await rules.list_rules()
    assert asked == ["GET /alert-rules", "POST /alert-rules/r1/enable"]

    asked.clear()
    assert (await rules.get_rule("r1")).value.row["note"] == "first"
    rule["note"] = "by somebody else"
    assert (await rules.get_rule("r1")).value.row["note"] == "by somebody else"
    await ControlClient(api).update("/alert-rules", "r1", {"limit": 2})
    await rules.list_rules()
    gets = ["GET /alert-rules/r1"] * 3
    assert asked == [*gets, "PUT /alert-rules/r1", "GET /alert-rules"]


async def test_a_change_does_not_undo_what_somebody_else_changed_a_moment_ago(
    open_api: OpenApi,
) -> None:
    rule: dict[str, Any] = {"id": "r1", "limit": 1, "note": "first"}

    async def answer(request: web.Request) -> web.Response:
        if request.method == "PUT":
            rule.update(await request.json())
        return web.json_response(rule, headers={"Cache-Control": "max-age=600"})

    api = await open_api(answer)
    control = ControlClient(api)
    await control.read("/alert-rules/r1")
    rule["note"] = "by somebody else"
    await control.update("/alert-rules", "r1", {"limit": 2})
    assert rule == {"id": "r1", "limit": 2, "note": "by somebody else"}


async def test_a_mask_is_not_put_in_the_place_of_what_it_hides(open_api: OpenApi) -> None:
    sent: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        if request.method == "PUT":
            sent.append(await request.json())
        config = {"url": "https://ops.example/****", "retries": 3}
        return web.json_response({"id": "n1", "name": "*** Ops ***", "config": config})

    control = ControlClient(await open_api(answer))
    with pytest.raises(InvalidFieldsError) as caught:
        await control.update("/notification-channels", "n1", {"enabled": False})
    assert list(caught.value.problems) == ["config"]
    assert sent == []
    config = {"url": "https://ops.example/hook", "retries": 3}
    await control.update("/notification-channels", "n1", {"config": config})
    assert sent == [{"id": "n1", "name": "*** Ops ***", "config": config}]


async def test_what_is_in_conflict_is_not_sent_in_another_form(open_api: OpenApi) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"errors": [{"field": "type"}]}, status=409)

    control = ControlClient(await open_api(answer))
    with pytest.raises(UnexpectedResponseError) as caught:
        await control.post_event({"type": "X", "title": "y"})
    assert caught.value.status == 409
    assert len(asked) == 1


async def test_slow_lists_are_not_asked_for_again_at_once_where_nothing_is_said(
    open_api: OpenApi,
) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response([])

    api = await open_api(answer)
    clock = 1000.0
    api.transport.budget.now = lambda: clock
    again = PlatformApi(api.transport)  # as after a reload

    async def look(who: PlatformApi) -> list[int]:
        """How often each of a slow and a quick list has been asked for by then."""
        for path in ("/sites", "/alerts"):
            await who.pages(path, "thing", lambda found, row: found, permission=RIGHT)
        return [asked.count(f"/api/v1{path}") for path in ("/sites", "/alerts")]

    assert await look(api) == [1, 1]
    assert await look(again) == [1, 2]
    clock += 10
    again.look_anew()
    clock += 1
    assert await look(again) == [2, 3]
    clock += 29
    assert await look(again) == [2, 4]
    clock += 2
    assert await look(again) == [3, 5]


async def test_a_broken_answer_is_not_held(open_api: OpenApi) -> None:
    bodies = ["<html>", "[]"]

    def answer(request: web.Request) -> web.Response:
        return web.Response(text=bodies.pop(0), content_type="application/json")

    api = await open_api(answer)

    async def look() -> list[str]:
        found = await api.pages("/sites", "site", lambda found, row: found, permission=RIGHT)
        return found.value

    with pytest.raises(UnexpectedResponseError):
        await look()
    assert await look() == []


async def test_what_json_cannot_hold_is_refused_before_it_is_sent(open_api: OpenApi) -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({})

    api = await open_api(answer)
    for what in ("\ud800", object()):
        with pytest.raises(InvalidFieldsError):
            await api.send("POST", "/things", {"name": what}, permission=RIGHT)
    assert asked == []


async def test_each_alert_of_a_long_list_is_read_a_few_times_at_most(
    open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, each = 30, 20
    count = 0

    def answer(request: web.Request) -> web.Response:
        number = int(request.query["page"])
        return web.json_response(
            {"content": things(number * each, each), "last": number == pages - 1}
        )

    def read(found: str, row: Any) -> Any:
        nonlocal count
        count += 1
        return read_alert(found, row)

    monkeypatch.setattr(alerts_module, "read_alert", read)
    seen: list[int] = []

    def enough(alerts: Any) -> bool:
        seen.append(len(alerts))
        return False

    api = await open_api(answer)
    answered = await AlertingClient(api).list_alerts(enough)
    assert len(answered.value) == pages * each
    assert seen == [each * (n + 1) for n in range(pages)][: len(seen)]
    assert count <= 2 * pages * each


# -- ways --


async def test_a_way_that_is_remembered_and_gone_gives_way_to_those_before_it() -> None:
    ways = VariantSelector([RequestVariant("/a"), RequestVariant("/b"), RequestVariant("/c")])
    ways.from_memory({"path": "/b", "params": {}})
    asked: list[str] = []

    async def ask(way: RequestVariant) -> str:
        asked.append(way.path)
        if way.path != "/a":
            raise UnexpectedResponseError("gone", 404)
        return way.path

    assert await ways.ask(ask, 0.0) == "/a"
    assert asked == ["/b", "/c", "/a"]
    assert await ways.ask(ask, 1.0) == "/a"
    assert asked[3:] == ["/a"]
