"""Where links may lead: public addresses, the account's own host, and one private host that a person allowed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
import socket
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer
import pytest
from yarl import URL

from custom_components.watchpost.client import downloads as links_module
from custom_components.watchpost.client import resolver as resolver_module
from custom_components.watchpost.client.downloads import SafeDownloader
from custom_components.watchpost.client.errors import (
    CertificateError,
    NotSecureError,
    PictureRejectedError,
    PrivateAddressError,
    UnreachableError,
)
from custom_components.watchpost.client.resolver import (
    AllowedHost,
    Resolver,
    is_allowable,
    is_own,
    is_public,
)

from ..certificates import Authority
from .test_pictures import PICTURES

HOME = URL("https://iot.example.com/api")
JPEG = PICTURES["JPEG"]

# Neither for strangers nor to be allowed by anybody.
SPECIAL = (
    # This machine, in every notation that a resolver may hand back.
    *("127.0.0.1", "127.0.0.53", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::127.0.0.1"),
    # Nobody, everybody, the next one.
    *("0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "224.0.0.1", "224.0.0.251", "239.255.255.250"),
    *("ff02::1", "ff02::fb", "ff05::2", "ff0e::1"),
    # Link-local, metadata services of cloud providers among them.
    *("169.254.0.1", "169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0", "febf::1"),
    *("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "::ffff:169.254.169.254"),
    # Site-local, documentation, benchmarks, reserved, discarded.
    *("fec0::1", "feff::1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.1"),
    *("192.0.0.1", "192.0.0.8", "192.0.0.170", "240.0.0.1", "250.1.2.3", "2001:db8::1", "100::1", "3fff::1"),
    # Private addresses inside others: translated, tunnelled, mapped.
    *("64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::"),
    *("2002:7f00:1::", "2002:c0a8:101::", "::ffff:10.0.0.1", "::ffff:192.168.1.1", "::10.0.0.1"),
    *("2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:2::1", "2001:10::1"),
    # No address.
    *("", "nonsense", "10.0.0", "0x7f.1", "2130706433", "10.0.0.1%eth0", "1.2.3.4.5"),
)  # fmt: skip
PRIVATE = (
    *("10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.255.254"),
    *("100.64.0.1", "100.127.255.254", "fc00::1", "fd12:3456:789a::1"),
)  # fmt: skip
PUBLIC = (
    *("93.184.216.34", "172.32.0.1", "100.128.0.1", "11.0.0.1"),
    *("2606:2800:220:1::1", "64:ff9b::5db8:d822"),
)


@pytest.fixture(autouse=True)
def _real_sockets(socket_enabled: None) -> None:
    """Pictures go over real connections of this machine."""


@pytest.mark.parametrize("address", SPECIAL)
def test_special_addresses_are_for_nobody(address: str) -> None:
    assert not is_public(address)
    assert not is_allowable(address)


def test_private_addresses_can_be_allowed_and_public_ones_need_not() -> None:
    assert len(SPECIAL) > 51
    assert [each for each in PRIVATE if is_public(each) or not is_allowable(each)] == []
    assert [each for each in PUBLIC if not is_public(each) or is_allowable(each)] == []


def test_an_own_address_is_known_without_sending_anything() -> None:
    assert is_own("127.0.0.1")


type Names = dict[str, list[str]]


@pytest.fixture(name="names")
def names_fixture(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What names resolve to; literals stand for themselves, and looking up is counted under `asked`."""
    names: Names = {"asked": []}

    async def look_up(host: str, port: int) -> list[str]:
        names["asked"].append(host)
        if host in names:
            return names[host]
        try:
            socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        except OSError:
            raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
        return [host]

    monkeypatch.setattr(resolver_module, "_addresses", look_up)
    monkeypatch.setattr(resolver_module, "is_own", lambda address: address == "10.0.0.99")
    return names


async def test_public_links_are_pinned_to_the_addresses_that_were_looked_at(names: Names) -> None:
    names["cdn.example"] = [*PUBLIC, "93.184.216.35"]

    target = await Resolver(HOME).resolve(URL("https://cdn.example:8443/a%2Fb?c=%7e", encoded=True))

    assert [str(url) for url in target.urls] == [
        f"https://{host}:8443/a%2Fb?c=%7e"
        for host in ("93.184.216.34", "172.32.0.1", "100.128.0.1", "11.0.0.1")
    ]
    assert target.headers == {"Host": "cdn.example:8443"}
    assert names["asked"] == ["cdn.example"]


async def test_one_address_that_is_not_public_is_enough_to_refuse(names: Names) -> None:
    for address in (*SPECIAL[:40], *PRIVATE):
        names["cdn.example"] = ["93.184.216.34", address]
        with pytest.raises(PictureRejectedError):
            await Resolver(HOME).resolve(URL("https://cdn.example/"))
    names["cdn.example"] = []
    with pytest.raises(PictureRejectedError):
        await Resolver(HOME).resolve(URL("https://cdn.example/"))
    with pytest.raises(UnreachableError):
        await Resolver(HOME).resolve(URL("https://unknown.example/"))


async def test_the_accounts_own_host_is_reached_by_its_name(names: Names) -> None:
    target = await Resolver(HOME).resolve(URL("https://iot.example.com:9000/a"))
    assert list(target.urls) == [URL("https://iot.example.com:9000/a")]
    assert names["asked"] == []


async def test_a_private_host_is_refused_as_one_that_could_be_allowed(names: Names) -> None:
    names["minio.lan"] = ["192.168.1.5"]
    link = URL("https://minio.lan:9000/a")
    with pytest.raises(PrivateAddressError) as caught:
        await Resolver(HOME, can_allow=True).resolve(link)
    assert "minio" not in str(caught.value)
    assert "192" not in str(caught.value)
    # Where there is no option for it, nobody is told of one.
    with pytest.raises(PictureRejectedError) as refused:
        await Resolver(HOME).resolve(link)
    assert not isinstance(refused.value, PrivateAddressError)


async def test_what_is_allowed_is_one_host_at_one_port_over_https(names: Names) -> None:
    names |= {"minio.lan": ["192.168.1.5"], "other.lan": ["192.168.1.5"]}
    resolver = Resolver(HOME, AllowedHost.of("minio.lan:9000"), can_allow=True)

    target = await resolver.resolve(URL("https://minio.lan:9000/a?b"))
    assert [str(url) for url in target.urls] == ["https://192.168.1.5:9000/a?b"]
    assert target.headers == {"Host": "minio.lan:9000"}
    for link in (
        *("https://minio.lan/a", "https://minio.lan:9001/a", "http://minio.lan:9000/a"),
        *("https://other.lan:9000/a", "https://192.168.1.5:9000/a", "https://x.minio.lan:9000/a"),
    ):
        names["x.minio.lan"] = ["192.168.1.5"]
        with pytest.raises(PrivateAddressError):
            await resolver.resolve(URL(link))


@pytest.mark.parametrize("address", [*SPECIAL[:-7], "10.0.0.99", "192.168.1.7"])
async def test_an_allowed_host_never_leads_to_a_special_address(names: Names, address: str) -> None:
    names |= {"minio.lan": ["192.168.1.5", address], "ha.example": ["192.168.1.7"]}
    own: list[str] = ["ha.example", "gone.example"]
    resolver = Resolver(
        HOME, AllowedHost.of("minio.lan:9000"), can_allow=True, own_hosts=lambda: own
    )
    with pytest.raises(PictureRejectedError) as caught:
        await resolver.resolve(URL("https://minio.lan:9000/a"))
    assert not isinstance(caught.value, PrivateAddressError)
    with pytest.raises(PictureRejectedError):
        await resolver.check_allowed()


@pytest.mark.parametrize(
    ("before", "after", "may"),
    [
        ("https://minio.lan:9000/a", "https://minio.lan:9000/b", True),
        ("https://minio.lan:9000/a", "https://minio.lan/b", False),
        ("https://minio.lan:9000/a", "https://cdn.example/b", False),
        ("https://minio.lan:9000/a", "https://iot.example.com/b", False),
        ("https://iot.example.com/a", "https://minio.lan:9000/b", True),
        ("https://cdn.example/a", "https://minio.lan:9000/b", False),
        ("https://cdn.example/a", "https://cdn2.example/b", True),
    ],
)
def test_redirects_of_an_allowed_host_lead_nowhere_else(before: str, after: str, may: bool) -> None:
    resolver = Resolver(HOME, AllowedHost.of("minio.lan:9000"), can_allow=True)
    if may:
        resolver.check_redirect(URL(before), URL(after))
        return
    with pytest.raises(PictureRejectedError):
        resolver.check_redirect(URL(before), URL(after))


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("minio.lan", "minio.lan:443"),
        (" Minio.LAN:9000 ", "minio.lan:9000"),
        ("https://minio.lan:9000/", "minio.lan:9000"),
        ("minio.lan.:9000", "minio.lan:9000"),
        ("192.168.1.5:9000", "192.168.1.5:9000"),
        ("[fd12::5]:9000", "[fd12::5]:9000"),
    ],
)
def test_one_host_is_read(text: str, stored: str) -> None:
    assert str(AllowedHost.of(text)) == stored


@pytest.mark.parametrize(
    "text",
    [
        *("http://minio.lan", "minio.lan/bucket", "minio.lan?x", "minio.lan#x", "a.lan, b.lan"),
        *("*.lan", "192.168.1.0/24", "user@minio.lan", "https://", "minio lan", "minio.lan:0"),
        *("fd12::5", "minio.lan:99999", "ftp://minio.lan", "//minio.lan"),
    ],
)  # fmt: skip
def test_what_is_not_one_host_is_not(text: str) -> None:
    with pytest.raises(NotSecureError):
        AllowedHost.of(text)


# -- over TLS, with a storage that is at home in the local network --


@pytest.fixture(name="storage")
def storage_fixture(names: Names, monkeypatch: pytest.MonkeyPatch) -> Names:
    """A host of the local network, which this machine plays."""
    names["minio.lan"] = ["127.0.0.1"]
    monkeypatch.setattr(resolver_module, "is_allowable", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(resolver_module, "is_own", lambda address: False)
    return names


type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


type Use = Callable[[SafeDownloader, str], Awaitable[Any]]


async def picture(fetcher: SafeDownloader, link: str) -> Any:
    return await fetcher.picture(link)


async def fetched(
    answer: Answer, link: str, *, certified: str = "minio.lan", use: Use = picture
) -> Any:
    authority = Authority()
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=authority.issue(certified))
    trust = authority.trusting()
    try:
        async with ClientSession(connector=TCPConnector(ssl=trust)) as session:
            host = AllowedHost.of(f"minio.lan:{server.port}")
            resolver = Resolver(HOME, host, can_allow=True)

            async def credentials() -> dict[str, str]:
                return {"Authorization": "Bearer canary"}

            fetcher = SafeDownloader(session, HOME, credentials, resolver=resolver)
            return await use(fetcher, link.format(port=server.port))
    finally:
        await server.close()


async def test_a_picture_comes_from_the_allowed_host_without_credentials(storage: Names) -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(body=JPEG)

    found = await fetched(answer, "https://minio.lan:{port}/a%2Fb@c?sig=%7e+%2B")

    assert found == ("image/jpeg", JPEG)
    (request,) = seen
    assert request.raw_path == "/a%2Fb@c?sig=%7e+%2B"
    assert "Authorization" not in request.headers
    assert request.headers["Host"].startswith("minio.lan:")
    assert storage["asked"] == ["minio.lan"]


async def test_a_name_is_resolved_once_and_the_connection_goes_there(storage: Names) -> None:
    async def answer(request: web.Request) -> web.Response:
        storage["minio.lan"] = ["127.0.0.2"]  # rebound as soon as it was asked
        if request.path == "/a":
            return web.Response(status=302, headers={"Location": "/b"})
        return web.Response(body=JPEG)

    with pytest.raises(PictureRejectedError):
        await fetched(answer, "https://minio.lan:{port}/a")
    assert storage["asked"] == ["minio.lan"] * 2


@pytest.mark.parametrize(
    "location", ["https://cdn.example/b", "https://minio.lan:1/b", "http://minio.lan/"]
)
async def test_the_allowed_host_redirects_nowhere_else(storage: Names, location: str) -> None:
    storage["cdn.example"] = ["93.184.216.34"]

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    with pytest.raises(PictureRejectedError):
        await fetched(answer, "https://minio.lan:{port}/a")
    assert storage["asked"] == ["minio.lan"]


async def test_the_allowed_host_needs_a_certificate_for_its_name(storage: Names) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=JPEG)

    with pytest.raises(CertificateError) as caught:
        await fetched(answer, "https://minio.lan:{port}/a", certified="other.lan")
    assert caught.value.problem == "other_host"


async def test_a_download_that_stalls_is_not_begun_again_at_another_address(
    storage: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage["minio.lan"] = ["127.0.0.1", "127.0.0.1"]
    monkeypatch.setattr(links_module, "_MAX_STALL", 0.2)
    asked: list[str] = []
    taken: list[bytes] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3)
        return response

    async def take(chunk: bytes) -> None:
        taken.append(chunk)

    async def use(fetcher: SafeDownloader, link: str) -> Any:
        return await fetcher.file(link, take, 1000)

    with pytest.raises(UnreachableError):
        await fetched(answer, "https://minio.lan:{port}/a.zip", use=use)
    assert (asked, taken) == (["/a.zip"], [b"half"])
