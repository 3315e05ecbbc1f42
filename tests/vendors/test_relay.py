"""Live streams: what players on this machine get, what the vendor is asked for, and with whose credentials."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import re

from aiohttp import ClientError, ClientSession, web
from aiohttp.test_utils import TestServer
import pytest
from yarl import URL

from custom_components.watchpost.client import hls
from custom_components.watchpost.client import hls_proxy as relay_module
from custom_components.watchpost.client.errors import NotSecureError, UnreachableError
from custom_components.watchpost.client.hls import checked_target
from custom_components.watchpost.client.hls_proxy import HlsProxy
from custom_components.watchpost.client.resolver import Resolver
from custom_components.watchpost.models import StreamSource

CREDENTIALS = {"Authorization": "Bearer canary"}
SEGMENT = b"G" + bytes(range(1, 188))

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(autouse=True)
def _real_sockets(socket_enabled: None) -> None:
    """Everything here goes over real connections of this machine."""


@dataclass
class Vendor:
    """A vendor's place of streams: what is where, and what was asked with which headers."""

    files: dict[str, bytes | Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.headers)))
        found = self.files.get(request.path)
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found) if isinstance(found, bytes) else await found(request)

    def headers(self, path: str) -> dict[str, str]:
        return next(headers for asked, headers in reversed(self.asked) if asked == path)


@dataclass
class Scene:
    """A relay, the vendors behind it, and a player before it; also what the vendor's sessions went through."""

    vendor: Vendor
    other: Vendor
    player: ClientSession
    opened: list[bool] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    renewed: asyncio.Event = field(default_factory=asyncio.Event)
    watched: list[bool] = field(default_factory=list)
    paths: tuple[str, ...] = ("/a/live.m3u8",)
    until: datetime | None = None
    failure: Exception | None = None
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    relay: HlsProxy = field(init=False)

    async def open(self, *, anew: bool) -> StreamSource:
        self.opened.append(anew)
        if self.failure is not None:
            self.failed.set()
            raise self.failure
        if len(self.opened) > 1:
            self.until = None
            self.renewed.set()
        return StreamSource(
            [self.vendor.url + path for path in self.paths], CREDENTIALS, self.until
        )

    async def close(self) -> None:
        self.closed.set()

    async def get(self, name: str | None = None, **headers: str) -> tuple[int, str]:
        address = await self.relay.address()
        url = address if name is None else f"{address.rpartition('/')[0]}/{name}"
        async with self.player.get(url, headers=headers) as response:
            return response.status, (await response.read()).decode("latin-1")


@pytest.fixture(name="scene")
async def scene_fixture() -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        vendors = []
        for _ in range(2):
            vendor = Vendor()
            app = web.Application()
            app.router.add_get("/{path:.*}", vendor.answer)
            server = await stack.enter_async_context(TestServer(app))
            vendor.url = str(server.make_url("/")).rstrip("/")
            vendors.append(vendor)
        session = await stack.enter_async_context(ClientSession(cookies={"canary": "cookie"}))
        player = await stack.enter_async_context(ClientSession())
        scene = Scene(vendors[0], vendors[1], player)
        scene.relay = HlsProxy(session, scene, scene.watched.append, Resolver(URL(vendors[0].url)))
        stack.push_async_callback(scene.relay.stop)
        yield scene


def playlist(*lines: str) -> bytes:
    return "\n".join(("#EXTM3U", "#EXT-X-TARGETDURATION:2", *lines)).encode()


def names(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


async def test_the_vendor_is_asked_when_somebody_watches_and_not_for_an_address(
    scene: Scene,
) -> None:
    address = await scene.relay.address()
    assert address == await scene.relay.address()
    assert address.startswith("http://127.0.0.1:")
    assert scene.opened == []
    assert scene.watched == []

    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    await asyncio.gather(*(scene.get() for _ in range(3)))
    assert scene.opened == [False]
    assert scene.watched == [True]
    assert (await scene.get("nothing.ts"))[0] == 404
    async with scene.player.get(f"{address.rsplit('/', 2)[0]}/wrong/live.m3u8") as response:
        assert response.status == 404


async def test_players_see_names_and_get_what_is_behind_them(scene: Scene) -> None:
    cdn = f"{scene.other.url}/2.ts?signature=canary"
    scene.vendor.files |= {
        "/a/live.m3u8": playlist("#EXT-X-STREAM-INF:BANDWIDTH=1", "low/index.m3u8?sig=canary"),
        "/a/low/index.m3u8": b"\xef\xbb\xbf"
        + playlist('#EXT-X-KEY:METHOD=AES-128,URI="/key"', "#EXTINF:2,", "1.ts", "#EXTINF:2,", cdn),
        "/a/low/1.ts": SEGMENT,
        "/key": b"0123456789abcdef",
    }
    scene.other.files["/2.ts"] = SEGMENT

    _, lead = await scene.get()
    (variant,) = names(lead)
    _, index = await scene.get(variant)
    key = re.search(r'URI="([^"]*)"', index)
    assert key is not None
    first, second = names(index)
    assert "canary" not in lead + index
    assert scene.vendor.url not in lead + index
    assert (variant.endswith(".m3u8"), first.endswith(".ts")) == (True, True)
    assert (await scene.get(first))[1] == SEGMENT.decode("latin-1")
    assert (await scene.get(second, Range="bytes=0-9"))[0] == 200
    assert (await scene.get(key[1]))[1] == "0123456789abcdef"
    assert names((await scene.get(variant))[1]) == [first, second]

    assert all(headers["Authorization"] == "Bearer canary" for _, headers in scene.vendor.asked)
    strange = scene.other.headers("/2.ts")
    assert "Authorization" not in strange
    assert strange["Range"] == "bytes=0-9"
    assert all("Cookie" not in headers for _, headers in scene.vendor.asked + scene.other.asked)


async def test_what_a_playlist_must_not_name_is_not_fetched(scene: Scene) -> None:
    scene.vendor.files["/a/live.m3u8"] = playlist(
        *("file:///etc/passwd", "http://10.0.0.1/1.ts", "https://[", "data:video/mp4;base64,AA"),
        "https://user:password@example.org/1.ts",
    )
    _, text = await scene.get()
    assert set(names(text)) == {"refused"}
    # What players read that is not quite as it should be, and what RFC 8216 says of the rest.
    scene.vendor.files["/a/live.m3u8"] = playlist(
        *(
            "#EXT-X-MAP:URI=http://10.0.0.1/map",
            '#EXT-X-KEY:METHOD=AES-128,URI="http://10.0.0.1/key',
        ),
        "#EXT-X-NOTE\0http://10.0.0.1/hidden.ts",
    )
    _, text = await scene.get()
    assert "10.0.0.1" not in text
    assert names(text) == ["refused"]
    assert (await scene.get("refused"))[0] == 404


@pytest.mark.parametrize(
    "link", ["https://127.0.0.1:8123/", "https://localhost/", "https://[::1]/"]
)
def test_a_stream_from_elsewhere_leads_to_nothing_on_this_machine(link: str) -> None:
    with pytest.raises(NotSecureError):
        checked_target(URL("https://stream.example.org/live.m3u8"), link)


async def test_a_playlist_that_comes_in_pieces_is_one_and_an_endless_one_is_not(
    scene: Scene,
) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b"#EX", b"TM", b"3U\n#EXTINF:2,\n", b"http://10.0.0.1/1.ts"):
            await response.write(piece)
            await asyncio.sleep(0.02)
        return response

    scene.vendor.files["/a/live.m3u8"] = slowly
    assert names((await scene.get())[1]) == ["refused"]
    scene.vendor.files["/a/live.m3u8"] = b"#EXTM3U\n#EXTINF:2,\n" + b"a\n" * 11_000
    assert (await scene.get())[0] == 502


@pytest.mark.parametrize("page", [None, b"<html>Sign in</html>"], ids=["nothing", "a page"])
async def test_the_next_place_is_tried_where_the_first_has_no_playlist(
    scene: Scene, page: bytes | None
) -> None:
    scene.paths = ("/local.m3u8", "/remote.m3u8")
    if page is not None:
        scene.vendor.files["/local.m3u8"] = page
    scene.vendor.files["/remote.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    assert (await scene.get())[0] == 200
    assert [path for path, _ in scene.vendor.asked] == ["/local.m3u8", "/remote.m3u8"]


async def _redirected(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(request.path)


async def _led(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("../b/live.m3u8")


async def _led_away(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://10.0.0.1/live.m3u8")


async def test_redirects_are_followed_as_far_as_they_may_be(scene: Scene) -> None:
    scene.vendor.files["/a/live.m3u8"] = _led
    scene.vendor.files["/b/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    scene.vendor.files["/b/1.ts"] = SEGMENT
    _, text = await scene.get()
    assert (await scene.get(names(text)[0]))[0] == 200


ENDED = playlist("#EXTINF:2,", "1.ts", "#EXT-X-ENDLIST")
HUGE = playlist(*["#" + "x" * 1000] * 1100)


@pytest.mark.parametrize(
    "dead",
    [None, _redirected, _led_away, HUGE],
    ids=["gone", "in circles", "led away", "too large"],
)
async def test_a_stream_that_has_died_is_opened_anew(
    scene: Scene, dead: bytes | Answer | None
) -> None:
    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    assert (await scene.get())[0] == 200
    if dead is None:
        del scene.vendor.files["/a/live.m3u8"]
    else:
        scene.vendor.files["/a/live.m3u8"] = dead
    assert (await scene.get())[0] == 502
    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "2.ts")
    assert (await scene.get())[0] == 200
    assert scene.opened == [False, True]


@pytest.mark.parametrize("tag", ["#EXT-X-MEDIA-SEQUENCE:3", "#EXT-X-VERSION:3"])
async def test_the_numbers_of_another_stream_go_on_where_those_of_the_first_ended(
    scene: Scene, tag: str
) -> None:
    async def first_number() -> int:
        found = re.search(r"MEDIA-SEQUENCE:(\d+)", (await scene.get())[1])
        return int(found[1]) if found else 0

    def stream(line: str) -> bytes:
        return playlist(line, "#EXTINF:2,", "1.ts", "#EXTINF:2,", "2.ts")

    scene.vendor.files["/a/live.m3u8"] = stream("#EXT-X-MEDIA-SEQUENCE:40")
    assert await first_number() == 40
    scene.vendor.files["/a/live.m3u8"] = stream("#EXT-X-MEDIA-SEQUENCE:41")
    assert await first_number() == 41
    del scene.vendor.files["/a/live.m3u8"]
    assert (await scene.get())[0] == 502
    scene.vendor.files["/a/live.m3u8"] = stream(tag)
    assert await first_number() == 43
    assert await first_number() == 43


async def test_what_has_ended_or_stands_still_is_followed_by_another_stream(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.vendor.files["/a/live.m3u8"] = ENDED
    assert (await scene.get())[0] == 200
    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "2.ts")
    assert [(await scene.get())[0] for _ in range(3)] == [200, 200, 200]
    assert scene.opened == [False, True]

    monkeypatch.setattr(relay_module, "STILL_SECONDS", -1.0)
    assert (await scene.get())[0] == 502
    assert (await scene.get())[0] == 200
    assert scene.opened == [False, True, True]


async def test_pictures_stand_still_also_where_sound_has_a_playlist_of_its_own(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.vendor.files |= {
        "/a/live.m3u8": playlist("#EXT-X-STREAM-INF:BANDWIDTH=1", "v.m3u8", "a.m3u8"),
        "/a/v.m3u8": playlist("#EXTINF:2,", "1.ts"),
        "/a/a.m3u8": playlist("#EXTINF:2,", "1.aac"),
    }
    video, audio = names((await scene.get())[1])
    assert [(await scene.get(name))[0] for name in (video, audio)] == [200, 200]
    monkeypatch.setattr(relay_module, "STILL_SECONDS", -1.0)
    assert [(await scene.get(name))[0] for name in (video, audio)] == [502, 502]


async def test_stopping_waits_for_nothing_and_is_for_good(scene: Scene) -> None:
    has_begun, is_given_up = asyncio.Event(), asyncio.Event()

    async def never(*, anew: bool) -> StreamSource:
        scene.opened.append(anew)
        has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            is_given_up.set()
        raise AssertionError

    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    scene.open = never
    address = await scene.relay.address()
    opening = asyncio.ensure_future(scene.relay.open())
    getting = asyncio.ensure_future(scene.get())
    await asyncio.wait_for(has_begun.wait(), 5)
    await asyncio.wait_for(scene.relay.stop(), 5)
    assert is_given_up.is_set()
    with pytest.raises(UnreachableError):
        await opening
    assert (await getting)[0] == 502
    for again in (scene.relay.address, scene.relay.open):
        with pytest.raises(UnreachableError):
            await again()
    with pytest.raises(ClientError):
        await scene.player.get(address)
    assert (scene.opened, scene.watched) == ([False], [True, False])
    assert not scene.relay.is_watched


async def test_a_stream_that_cannot_be_opened_is_tried_again(scene: Scene) -> None:
    scene.failure = UnreachableError("offline")
    assert (await scene.get())[0] == 502
    with pytest.raises(UnreachableError):
        await scene.relay.open()
    scene.failure = None
    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    assert (await scene.get())[0] == 200


async def test_half_a_part_does_not_look_like_a_whole_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "400000"})
        await response.prepare(request)
        await response.write(SEGMENT * 100)
        assert request.transport is not None
        request.transport.abort()
        return response

    scene.vendor.files |= {
        "/a/live.m3u8": playlist("#EXTINF:2,", "1.ts", "#EXTINF:2,", "2.ts"),
        "/a/1.ts": half,
        "/a/2.ts": SEGMENT * 1000,
    }
    first, second = names((await scene.get())[1])
    monkeypatch.setattr(relay_module, "MAX_SEGMENT_BYTES", 1000)
    for name in (first, second):
        with pytest.raises(ClientError):
            await scene.get(name)


async def test_nobody_watching_for_a_while_closes_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_SECONDS", 0.05)
    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    await scene.get()
    assert scene.relay.is_watched
    await asyncio.wait_for(scene.closed.wait(), 10)
    assert scene.watched == [True, False]
    assert not scene.relay.is_watched
    await scene.get()
    assert scene.opened == [False, False]


@pytest.mark.parametrize("is_same", [True, False])
async def test_a_stream_is_renewed_before_its_end_while_somebody_watches(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, is_same: bool
) -> None:
    monkeypatch.setattr(relay_module, "MIN_LIFE", 0.05)
    scene.until = datetime.now(UTC) + timedelta(seconds=15)
    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    scene.vendor.files["/b/live.m3u8"] = playlist("#EXTINF:2,", "2.ts")
    scene.vendor.files["/b/2.ts"] = SEGMENT
    await scene.get()
    scene.paths = ("/a/live.m3u8",) if is_same else ("/b/live.m3u8",)
    await asyncio.wait_for(scene.renewed.wait(), 10)
    # Players go on with what they have to its end.
    asked = len(scene.vendor.asked)
    await scene.get()
    assert [path for path, _ in scene.vendor.asked[asked:]] == ["/a/live.m3u8"]
    assert scene.opened == [False, True]
    if not is_same:
        del scene.vendor.files["/a/live.m3u8"]
        assert (await scene.get())[0] == 502
        (name,) = names((await scene.get())[1])
        assert (await scene.get(name))[0] == 200
        assert scene.opened == [False, True]
    await scene.relay.stop()
    assert scene.closed.is_set()
    assert scene.watched == [True, False]


async def test_one_that_cannot_be_replaced_lasts_as_long_as_it_does(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "MIN_LIFE", 0.05)
    scene.until = datetime.now(UTC)
    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", "1.ts")
    await scene.get()
    scene.failure = UnreachableError("busy")
    await asyncio.wait_for(scene.failed.wait(), 10)
    assert (await scene.get())[0] == 200
    assert not scene.renewed.is_set()


async def test_a_playlist_cannot_have_anything_asked_of_the_local_network(scene: Scene) -> None:
    reached: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))
        writer.close()

    # Not the account's own host, though it is this machine as well.
    server = await asyncio.start_server(hear, "127.0.0.2", 0)
    port = server.sockets[0].getsockname()[1]
    place = f"https://127.0.0.2:{port}"
    scene.vendor.files["/a/live.m3u8"] = playlist(
        f'#EXT-X-KEY:METHOD=AES-128,URI="{place}/key"',
        f'#EXT-X-MAP:URI="{place}/map.mp4"',
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="{place}/audio.m3u8"',
        f'#EXT-X-PART:DURATION=1,URI="{place}/part.mp4"',
        f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{place}/hint.mp4"',
        f'#EXT-X-DATERANGE:ID="x",X-ASSET-LIST="{place}/list"',
        "#EXTINF:2,",
        f"{place}/1.ts",
        "#EXTINF:2,",
        "//10.0.0.1/2.ts",
        "#EXTINF:2,",
        "https://[::1]/3.ts",
        "#EXTINF:2,",
        "/moved.ts",
    )

    async def moved(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": f"{place}/4.ts"})

    scene.vendor.files["/moved.ts"] = moved

    _, text = await scene.get()

    asked = [*names(text), *re.findall(r'URI="([^"]*)"', text)]
    assert len(asked) == 9
    for name in asked:
        assert (await scene.get(name))[0] in (404, 502)
    assert "127.0.0.2" not in text
    assert reached == []
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("kind", ["segments", "keys", "one line"])
async def test_a_playlist_of_a_thousand_addresses_is_served_and_no_longer_one(
    scene: Scene, kind: str
) -> None:
    def lines(count: int) -> list[str]:
        if kind == "segments":
            return [f"{number}.ts?s={'x' * 20}" for number in range(count)]
        keys = [f'URI="{number}.key"' for number in range(count)]
        return (
            [f"#EXT-X-KEY:{each}" for each in keys] if kind == "keys" else ["#X:" + ",".join(keys)]
        )

    scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", *lines(1000))
    status, text = await scene.get()
    assert status == 200
    asked = names(text) or re.findall(r'URI="([^"]*)"', text)
    assert len(set(asked)) == 1000
    # Every name still leads somewhere.
    assert all(scene.relay._names.address(name) is not None for name in asked)

    for count in (1001, 4900):
        scene.vendor.files["/a/live.m3u8"] = playlist("#EXTINF:2,", *lines(count))
        assert (await scene.get())[0] == 502


async def test_others_get_their_turn_while_a_long_playlist_is_looked_at() -> None:
    turns = 0
    is_done = False

    async def count() -> None:
        nonlocal turns
        while not is_done:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    text = "\n".join(["#EXTM3U", *(f"{number}.ts" for number in range(1000))])
    await hls.UrlAliases().renamed(URL("https://cdn.example/live.m3u8"), text)
    is_done = True
    await counting
    assert turns >= 15
