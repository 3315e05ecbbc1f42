"""The rule for the targets of links: downloads, streams and their redirects.

A name is resolved here, once for each request, and the address that was looked at is the one that is connected to. Only
public addresses are reached; the exceptions are the host that the account itself is signed in to, and one host of a
private network that a person allowed.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
import ipaddress
import socket
from typing import Final

from aiohttp import hdrs
from yarl import URL

from .errors import NotSecureError, PictureRejectedError, PrivateAddressError, UnreachableError
from .urls import parse_link

# Of a host with many addresses so many are tried.
MAX_ADDRESSES: Final = 4

_PUBLIC_ONLY: Final = "its link leads to an address that is not public"
_ELSEWHERE: Final = "its link leads from one place to another that it may not"

# IPv4 behind IPv6: what a translator (RFC 6052) would reach.
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
# What can be allowed: RFC 1918, RFC 6598 (Tailscale and carriers), RFC 4193.
_PRIVATE: Final = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    )
)
# Services of cloud providers that hand out a machine's credentials; those that are link-local are refused anyway.
_METADATA: Final = frozenset(
    map(
        ipaddress.ip_address,
        ("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192"),
    )
)

type _Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: str) -> bool:
    """Return whether an IP address may be reached for a stranger; an IPv4 address inside an IPv6 one counts itself."""
    try:
        read = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        each.is_global
        and not each.is_multicast
        and not each.is_reserved
        # Of IPv6, deprecated by RFC 3879 and routed inside a site to this day.
        and not getattr(each, "is_site_local", False)
        for each in _meant(read)
    )


def is_allowable(address: str) -> bool:
    """Return whether a person may allow a private address: of a local network, and of nothing that is special there."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return False
    is_private = any(read in network for network in _PRIVATE if network.version == read.version)
    return is_private and read not in _METADATA


def is_own(address: str) -> bool:
    """Return whether an address is this machine's: the system then sends from that very address. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            source: str = probe.getsockname()[0]
    except OSError:
        return False
    return ipaddress.ip_address(source.partition("%")[0]) == ipaddress.ip_address(address)


def _meant(address: _Address) -> list[_Address]:
    """Return the addresses that traffic to an address can reach in the end."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address in _TRANSLATED:
        return [ipaddress.IPv4Address(address.packed[-4:])]
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    found: list[_Address] = [each for each in inside if each is not None]
    return found or [address]


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One exact host and port of a private network, reached over https alone."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> AllowedHost:
        """Read `host`, `host:port` or the https address of a host; raises NotSecureError for anything else."""
        text = text.strip()
        url = parse_link(text if "://" in text else f"https://{text}")
        if url.scheme != "https" or url.raw_path_qs != "/" or "#" in text or url.port is None:
            raise NotSecureError("this is no host, and no https address of one")
        return cls((url.host or "").rstrip("."), url.port)

    def __str__(self) -> str:
        """Return host and port as they are stored."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def matches(self, url: URL) -> bool:
        """Return whether a link leads there."""
        host = (url.host or "").rstrip(".")
        return (url.scheme, host, url.port) == ("https", self.host, self.port)


@dataclass(frozen=True, slots=True)
class Target:
    """The connection for a link: `urls` with addresses or the account's own host, and headers."""

    urls: Sequence[URL]
    headers: Mapping[str, str]


class Resolver:
    """Says where the links of one account may lead.

    `home` is the address that the account is signed in to. `allowed` is the host of a private network that a person
    allowed; `can_allow` says whether the account has an option for that. `own_hosts` are Home Assistant's own names.
    """

    def __init__(
        self,
        home: URL | None,
        allowed: AllowedHost | None = None,
        *,
        can_allow: bool = False,
        own_hosts: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._home = home
        self._allowed = allowed
        self._can_allow = can_allow
        self.own_hosts = own_hosts

    def is_home(self, url: URL) -> bool:
        """Return whether a link leads to the host that the account is signed in to."""
        return self._home is not None and url.host == self._home.host

    def check_redirect(self, before: URL, url: URL) -> None:
        """Raise PictureRejectedError for a redirect from an allowed host to another origin, or to one but from home."""
        if self._allowed is None or before.origin() == url.origin():
            return
        is_out = self._allowed.matches(before)
        is_in = self._allowed.matches(url) and not self.is_home(before)
        if is_out or is_in:
            raise PictureRejectedError(_ELSEWHERE)

    async def resolve(self, url: URL) -> Target:
        """Return where to connect for a link.

        Raises PrivateAddressError for an address that a person could allow, PictureRejectedError for any other that
        is not public, UnreachableError for a name that does not resolve.
        """
        if self.is_home(url):
            return Target([url], {})
        try:
            addresses = await _addresses(url.host or "", url.port or 443)
        except OSError, UnicodeError:
            raise UnreachableError("the name of the link's host does not resolve") from None
        if not addresses:
            raise PictureRejectedError(_PUBLIC_ONLY)
        if not all(map(is_public, addresses)):
            await self._check_allowed(url, addresses)
        urls = [url.with_host(address) for address in addresses[:MAX_ADDRESSES]]
        return Target(urls, {hdrs.HOST: url.host_port_subcomponent or ""})

    async def check_allowed(self) -> None:
        """Raise PictureRejectedError where the allowed host has an address that must never be allowed."""
        if self._allowed is None:
            return
        try:
            addresses = await _addresses(self._allowed.host, self._allowed.port)
        except OSError, UnicodeError:
            return  # it may be switched off just now
        await self._check_allowable(addresses)

    async def _check_allowed(self, url: URL, addresses: Sequence[str]) -> None:
        if self._allowed is not None and self._allowed.matches(url):
            await self._check_allowable(addresses)
            return
        is_offered = self._can_allow and all(
            is_public(each) or is_allowable(each) for each in addresses
        )
        raise PrivateAddressError if is_offered else PictureRejectedError(_PUBLIC_ONLY)

    async def _check_allowable(self, addresses: Sequence[str]) -> None:
        if not all(is_public(each) or is_allowable(each) for each in addresses):
            raise PictureRejectedError(_PUBLIC_ONLY)
        if any(map(is_own, addresses)) or await self._are_home_assistants(addresses):
            raise PictureRejectedError("its link leads to Home Assistant itself")

    async def _are_home_assistants(self, addresses: Sequence[str]) -> bool:
        """Return whether any is an address at which people reach Home Assistant: in a container that is not its own."""
        for host in self.own_hosts():
            try:
                own = await _addresses(host, 443)
            except OSError, UnicodeError:
                continue
            if not set(own).isdisjoint(addresses):
                return True
        return False


async def _addresses(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host, as the system resolves it; a number in any notation is one too."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
