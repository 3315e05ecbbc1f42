"""What every vendor offers the rest of the house: forms to sign in, a connection, and its feeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import aiohttp
import voluptuous as vol

from ..engine.model import ChannelId, FeedUpdate, Inventory
from .ledger import Ledger

# The collapsed part of a sign-in form, with what few people need to change.
SECTION_ADVANCED: Final = "advanced"


@dataclass(frozen=True, slots=True)
class Feed:
    """One resource that is polled as one.

    `fetch` takes the channels that somebody looks at and raises a `VendorError` when nothing could be had.
    `default_interval` holds where the vendor's replies carry no freshness, `least_interval` always.
    """

    name: str
    fetch: Callable[[frozenset[ChannelId]], Awaitable[FeedUpdate]]
    default_interval: timedelta
    least_interval: timedelta


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: the vendor's own stable account id, and a title without any person's name or address."""

    account_id: str
    title: str


class Connection(ABC):
    """One account of one vendor, on a session and a ledger that the caller owns."""

    @abstractmethod
    async def identify(self) -> Identity:
        """Ask the vendor who the credentials belong to; raises a `VendorError`."""

    @property
    @abstractmethod
    def inventory_feed(self) -> Feed:
        """The feed whose updates carry the `Inventory`."""

    @abstractmethod
    def feeds(self, inventory: Inventory) -> Sequence[Feed]:
        """The other feeds that this inventory calls for; the same name means the same feed."""

    @abstractmethod
    async def options_schema(self) -> vol.Schema:
        """The form of the account's options, with choices asked from the vendor; raises a `VendorError`."""


class Vendor(ABC):
    """A vendor's entry in the house; stateless."""

    key: str
    name: str
    default_url: str

    @abstractmethod
    def sign_in_schema(self, *, only_secrets: bool = False) -> vol.Schema:
        """The sign-in form; `only_secrets` for signing in anew to a known account."""

    @abstractmethod
    def ledger_key(self, data: Mapping[str, Any]) -> str:
        """Names the account that requests are counted for, before it is known who signed in."""

    @abstractmethod
    def connect(
        self,
        session: aiohttp.ClientSession,
        ledger: Ledger,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Connection:
        """Make a connection, without asking anything yet; raises `NotSecure`."""
