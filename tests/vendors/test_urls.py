"""Links are opaque: what is sent of one is what came, byte for byte."""

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
import pytest
from yarl import URL

from custom_components.watchpost.client.errors import NotSecureError
from custom_components.watchpost.client.transport import checked_link
from custom_components.watchpost.client.urls import MAX_LINK_LENGTH, parse_link

# What RFC 3986 allows and what servers accept beyond it; `#` begins what is never sent.
SENT = "".join(chr(each) for each in range(0x21, 0x7F) if chr(each) not in "#?")
BASE = parse_link("https://store.example:8443/x/y%2F/list.m3u8?token=%7e")


@given(path=st.text(SENT, max_size=60), query=st.none() | st.text(SENT + "?", max_size=60))
def test_a_links_target_is_what_came(path: str, query: str | None) -> None:
    target = f"/{path}" + ("" if query is None else f"?{query}")

    parsed = parse_link(f"https://store.example{target}")

    assert parsed.raw_path_qs == target
    assert parsed.with_host("192.0.2.1").raw_path_qs == target
    assert parse_link(str(parsed)) == parsed
    if not target.startswith("//"):  # which begins a host
        assert parse_link(target, BASE).raw_path_qs == target


@given(st.text(max_size=60))
def test_any_text_is_a_link_that_can_be_sent_or_refused(text: str) -> None:
    for base in (None, BASE):
        try:
            parsed = parse_link(text, base)
        except NotSecureError:
            continue
        target = parsed.raw_path_qs
        assert target.isascii()
        assert target.isprintable()
        assert " " not in target
        assert parsed.scheme in {"http", "https"}
        assert parsed.host
        assert parsed.user is None


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("https://h/a%2Fb%7E+c%20d@e;v=1?sig=%2B+%2f&t=%7e&t=&e", "/a%2Fb%7E+c%20d@e;v=1?sig=%2B+%2f&t=%7e&t=&e"),
        ("https://h/me@example.com/x?to=a@b", "/me@example.com/x?to=a@b"),
        ("https://h/a/../b/./c//d", "/a/../b/./c//d"),
        ("https://h/%2e%2E/%zz%", "/%2e%2E/%zz%"),
        ("https://h/a?", "/a?"),
        ("https://h", "/"),
        ("https://h?x=1", "/?x=1"),
        ("https://h/a#part", "/a"),
        (" https://h/a b?c d ", "/a%20b?c%20d"),
        ("https://h/größe?é=€", "/gr%C3%B6%C3%9Fe?%C3%A9=%E2%82%AC"),
        ("HTTPS://h:443/A", "/A"),
    ],
)  # fmt: skip
def test_what_is_sent_of_a_link(link: str, target: str) -> None:
    assert parse_link(link).raw_path_qs == target


@pytest.mark.parametrize(
    "link",
    [
        *("", "a picture", "/a", "//h/a", "https://", "https:/h/a", "https:h/a", "javascript:alert(1)"),
        *("ftp://h/a", "data:image/png;base64,AA", "file:///etc/passwd", "httpsx://h/a"),
        *("https://user@h/", "https://user:word@h/", "https://h\\@e/", "https://@h/", "https://h@/"),
        *("https://h:0/", "https://h:65536/", "https://h:a/", "https://h:1:2/", "https://[::1/", "https://::1/"),
        *("https://[fe80::1%25eth0]/", "https://h%2eexample/", "https://h example/", "https://.h/", "https://h<>/"),
        *(f"https://h/a{each}b" for each in "\r\n\t\0\x1b\x7f\x85\x9b"),
        *("https://h/\ud800", "https://h/\r\nHost: e", f"https://h/{'a' * MAX_LINK_LENGTH}"),
    ],
)  # fmt: skip
def test_what_is_no_link_is_refused_without_being_repeated(link: str) -> None:
    with pytest.raises(NotSecureError) as caught:
        parse_link(link)
    assert str(caught.value) == "the link is none"


@pytest.mark.parametrize(
    ("link", "whole"),
    [
        ("1%7e.ts?a=%2f", "https://store.example:8443/x/y%2F/1%7e.ts?a=%2f"),
        ("../../../1.ts", "https://store.example:8443/1.ts"),
        ("./a/../b%2e%2e/c@1", "https://store.example:8443/x/y%2F/b%2e%2e/c@1"),
        ("..", "https://store.example:8443/x/"),
        ("/top%2F", "https://store.example:8443/top%2F"),
        ("?n=2%7e", "https://store.example:8443/x/y%2F/list.m3u8?n=2%7e"),
        ("", "https://store.example:8443/x/y%2F/list.m3u8?token=%7e"),
        ("//other.example/a", "https://other.example/a"),
        ("http://other.example/a", "http://other.example/a"),
        ("a?u=https://x/", "https://store.example:8443/x/y%2F/a?u=https://x/"),
    ],
)
def test_a_relative_link_is_joined_without_being_rewritten(link: str, whole: str) -> None:
    assert str(parse_link(link, BASE)) == whole


@pytest.mark.parametrize("link", ["seg:1.ts", "javascript:1", "https:/a", "/a\nb"])
def test_what_is_no_relative_link_is_refused(link: str) -> None:
    with pytest.raises(NotSecureError):
        parse_link(link, BASE)


def test_a_link_may_be_https_or_lead_to_this_machine() -> None:
    assert str(checked_link("https://h/a@b%7e")) == "https://h/a@b%7e"
    assert str(checked_link("http://127.0.0.1:8/a%7e")) == "http://127.0.0.1:8/a%7e"
    for link in ("http://h/a", "http://192.0.2.1/", "http://localhost.example/"):
        with pytest.raises(NotSecureError):
            checked_link(link)


async def test_what_goes_over_the_wire_is_what_came(socket_enabled: None) -> None:
    seen: list[str] = []

    async def see(request: web.Request) -> web.Response:
        seen.append(request.raw_path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/{path:.*}", see)
    targets = [f"/{SENT}?{SENT}?", "/a%2Fb%7E/@x?k=&k=%7e&k", "/a?", "//a//b/../c", "/%c3%A4?+%2b"]
    async with TestServer(app) as server, ClientSession() as session:
        origin = str(server.make_url("")).rstrip("/")
        for target in targets:
            async with session.get(parse_link(origin + target)) as response:
                assert response.status == 200

    assert seen == targets
    assert URL(f"http://h{targets[1]}").raw_path_qs != targets[1]  # which is why it is not used
