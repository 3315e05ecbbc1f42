"""Links that a vendor hands out: where they may lead, and what goes along."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
import socket
import ssl
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
import pytest
from yarl import URL

from custom_components.watchpost.client import downloads, resolver
from custom_components.watchpost.client.downloads import SafeDownloader
from custom_components.watchpost.client.errors import (
    PictureMissingError,
    PictureRejectedError,
    TimedOutError,
    UnreachableError,
)
from custom_components.watchpost.client.resolver import is_public

from .test_pictures import PICTURES

JPEG = PICTURES["JPEG"]
CREDENTIALS = {"Authorization": "Bearer canary"}


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.9.9", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.2.7", False),
        ("224.0.0.251", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::5db8:d822", True),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
        ("nonsense", False),
    ],
)
def test_only_public_addresses_are_for_strangers(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.fixture(autouse=True)
def _real_sockets(socket_enabled: None) -> None:
    """Everything here goes over real connections of this machine."""


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Any], context: ssl.SSLContext | None = None
) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    scheme = {"ssl": context} if context else {}
    server = TestServer(app, **({"scheme": "https"} if context else {}))
    await server.start_server(**scheme)
    try:
        yield server
    finally:
        await server.close()


class Place:
    """Where a picture is, and who came for it."""

    def __init__(self, answer: Callable[[web.Request], web.Response] | None = None) -> None:
        self.seen: list[Mapping[str, str]] = []
        self._answer = answer or (lambda _: web.Response(body=JPEG))

    async def __call__(self, request: web.Request) -> web.Response:
        self.seen.append(dict(request.headers))
        return self._answer(request)


def _resolving(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """Have every name lead to one address, or nowhere."""

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        found = host if _is_literal(host) else address
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def credentials() -> Mapping[str, str]:
    return CREDENTIALS


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        session.cookie_jar.update_cookies({"session": "canary"}, URL("http://127.0.0.1/"))
        yield session


async def test_credentials_go_to_the_accounts_own_origin_alone_and_cookies_nowhere(
    session: ClientSession,
) -> None:
    own, other = Place(), Place()
    async with serving(own) as home, serving(other) as storage:
        fetcher = SafeDownloader(session, home.make_url("/api"), credentials)

        assert await fetcher.picture(str(home.make_url("/a.jpg"))) == ("image/jpeg", JPEG)
        assert await fetcher.picture("/b.jpg") == ("image/jpeg", JPEG)
        assert await fetcher.picture(str(storage.make_url("/c.jpg"))) == ("image/jpeg", JPEG)

    assert [seen.get("Authorization") for seen in own.seen] == ["Bearer canary"] * 2
    assert [seen.get("Authorization") for seen in other.seen] == [None]
    assert all("Cookie" not in seen for seen in (*own.seen, *other.seen))


HOSTILE = [
    "https://127.0.0.1:{port}/a.jpg",
    "https://[::1]:{port}/a.jpg",
    "https://localhost:{port}/a.jpg",
    "https://2130706433:{port}/a.jpg",
    "https://0x7f.1:{port}/a.jpg",
    "https://0177.0.0.1:{port}/a.jpg",
    "https://pictures.example:{port}/a.jpg",
    "https://[::ffff:127.0.0.1]:{port}/a.jpg",
    "https://0.0.0.0:{port}/a.jpg",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.168.1.1/a.jpg",
    "http://127.0.0.1:{port}/a.jpg",
    "http://example.com/a.jpg",
    "ftp://example.com/a.jpg",
    "file:///etc/passwd",
    "https://user:word@example.com/a.jpg",
    "https://api.example.com@127.0.0.1:{port}/a.jpg",
    "//127.0.0.1:{port}/a.jpg",
    "https://",
    "https://exa\nmple.com/",
    "",
    "a picture",
]


@pytest.mark.parametrize("link", HOSTILE)
async def test_a_hostile_link_reaches_nothing(
    session: ClientSession, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a resolver reads the last notations of a number, and a name that somebody points at this machine.
    _resolving(monkeypatch, "127.0.0.1")
    reached: list[Any] = []

    async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(10))
        writer.close()

    server = await asyncio.start_server(heard, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fetcher = SafeDownloader(session, URL("https://api.example.com/api/v1"), credentials)

    with pytest.raises(PictureRejectedError) as caught:
        await fetcher.picture(link.format(port=port))

    server.close()
    await server.wait_closed()
    assert reached == []
    assert "127.0.0.1" not in str(caught.value)
    assert "example" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.2:1/a.jpg", "secure"),
        ("https://example.com/a.jpg", "protocol"),
        ("http://169.254.169.254/", "secure"),
        ("http://user:word@127.0.0.1/", "none"),
        ("/again", "circles"),
        ("", "circles"),
    ],
)
async def test_a_redirect_leads_nowhere_that_a_link_may_not(
    session: ClientSession, location: str, reason: str
) -> None:
    place = Place(lambda _: web.Response(status=302, headers={"Location": location}))
    async with serving(place) as home:
        fetcher = SafeDownloader(session, home.make_url("/"), credentials)

        with pytest.raises(PictureRejectedError, match=reason):
            await fetcher.picture(str(home.make_url("/a.jpg")))

    assert len(place.seen) <= downloads.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, PictureMissingError) for status in (202, 204, 400, 403, 404, 410, 425)),
        *((status, UnreachableError) for status in (500, 502, 503)),
        (200, PictureMissingError),
    ],
)
async def test_what_is_not_there_is_missing(
    session: ClientSession, status: int, error: type[Exception]
) -> None:
    async with serving(Place(lambda _: web.Response(status=status))) as home:
        fetcher = SafeDownloader(session, home.make_url("/"))

        with pytest.raises(error):
            await fetcher.picture("/a.jpg")


async def test_nobody_there_and_no_answer_are_unreachable(session: ClientSession) -> None:
    async def never(_request: web.Request) -> web.Response:
        await asyncio.sleep(3)
        return web.Response()

    async with serving(never) as home:
        with pytest.raises(UnreachableError):
            await SafeDownloader(session, home.make_url("/"), timeout=0.2).picture("/a.jpg")
    with pytest.raises(UnreachableError):
        await SafeDownloader(session, URL("http://127.0.0.1:9/")).picture("/a.jpg")


async def test_a_file_that_never_ends_is_given_up(
    session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(OSError):
            for _ in range(100):
                await response.write(b"x")
                await asyncio.sleep(0.02)
        return response

    async def take(chunk: bytes) -> None:
        pass

    monkeypatch.setattr(downloads, "_MAX_SECONDS", 0.2)
    async with serving(slowly) as home:
        with pytest.raises(TimedOutError):
            await SafeDownloader(session, home.make_url("/")).file("/a.zip", take, 1000)


async def test_a_name_that_does_not_resolve_is_unreachable(
    session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolving(monkeypatch, None)

    with pytest.raises(UnreachableError):
        await SafeDownloader(session, URL("https://a.example/")).picture("https://b.invalid/a.jpg")


# -- over TLS, where the address that was looked at is the one that is connected to --


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server for pictures.example and a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pictures.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("pictures.example")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context()
    client.load_verify_locations(pem)
    return server, client


def resolving(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Have every name lead to one address of this machine, which counts as public for once."""
    _resolving(monkeypatch, address)
    monkeypatch.setattr(resolver, "is_public", lambda each: ip_address(each).is_loopback)


async def test_a_strangers_picture_is_fetched_by_its_name_from_the_address_looked_at(
    certified: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = certified
    place = Place()
    async with (
        serving(place, server) as stranger,
        ClientSession(connector=TCPConnector(ssl=client)) as session,
    ):
        resolving(monkeypatch, "127.0.0.1")
        fetcher = SafeDownloader(session, URL("https://api.example/api"), credentials)
        port = stranger.port
        link = f"https://pictures.example:{port}/a.jpg?signature=1"

        assert await fetcher.picture(link) == ("image/jpeg", JPEG)

    (seen,) = place.seen
    assert seen["Host"] == f"pictures.example:{port}"
    assert "Authorization" not in seen


async def test_a_certificate_for_another_name_is_not_accepted(
    certified: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = certified
    place = Place()
    async with (
        serving(place, server) as stranger,
        ClientSession(connector=TCPConnector(ssl=client)) as session,
    ):
        resolving(monkeypatch, "127.0.0.1")
        fetcher = SafeDownloader(session, URL("https://api.example/api"))

        with pytest.raises(UnreachableError):
            await fetcher.picture(f"https://other.example:{stranger.port}/a.jpg")

    assert place.seen == []


async def test_a_redirect_from_https_to_http_or_to_a_private_host_is_refused(
    certified: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = certified
    to = ["http://pictures.example/a.jpg", "https://10.0.0.1/a.jpg"]
    place = Place(lambda _: web.Response(status=302, headers={"Location": to.pop(0)}))
    async with (
        serving(place, server) as stranger,
        ClientSession(connector=TCPConnector(ssl=client)) as session,
    ):
        resolving(monkeypatch, "127.0.0.1")
        fetcher = SafeDownloader(session, URL("https://api.example/api"))
        link = f"https://pictures.example:{stranger.port}/a.jpg"

        with pytest.raises(PictureRejectedError, match="protocol"):
            await fetcher.picture(link)
        with pytest.raises(PictureRejectedError, match="not public"):
            await fetcher.picture(link)


async def test_a_chain_of_slow_replies_takes_no_longer_than_one_picture_may() -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response(status=302, headers={"Location": f"{request.path}x"})

    async with serving(slow) as home, ClientSession() as session:
        fetcher = SafeDownloader(session, URL(str(home.make_url("/"))), timeout=0.5)
        with pytest.raises(TimedOutError):
            await fetcher.picture("/a")
