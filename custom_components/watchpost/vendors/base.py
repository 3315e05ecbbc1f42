"""What every vendor offers the rest of the house: forms to sign in, a connection, and its feeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
import voluptuous as vol

from ..engine.model import Channel, ChannelId, DailySeries, FeedUpdate, Hour, Inventory
from .action import Action
from .ledger import Ledger

# The collapsed part of a sign-in form, with what few people need to change.
SECTION_ADVANCED: Final = "advanced"


@dataclass(frozen=True, slots=True)
class Feed:
    """One resource that is polled as one.

    `fetch` takes the channels that somebody looks at and raises a `VendorError` when nothing could be had.
    `default_interval` holds where the vendor's replies carry no freshness, `least_interval` always. `ledger` is
    that of the sign-in by which it is polled, where an account has several; else it is the account's.
    """

    name: str
    fetch: Callable[[frozenset[ChannelId]], Awaitable[FeedUpdate]]
    default_interval: timedelta
    least_interval: timedelta
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: the vendor's own stable account id, and a title without any person's name or address."""

    account_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Registration:
    """An address that the vendor posts to, as the vendor lists it."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Hint:
    """What a push claims, reduced to what must be asked for; equal hints are answered by one question."""

    kind: str
    subject: str


class Push(ABC):
    """A vendor's way of calling in. What it says is never believed; it says what to ask.

    `channel` is where it shows whether calls come, if anywhere.
    """

    channel: ChannelId | None = None

    @abstractmethod
    async def registrations(self) -> Sequence[Registration]:
        """List every address registered for the account, ours or not; raises a `VendorError`."""

    @abstractmethod
    async def register(self, url: str) -> Registration:
        """Register an address for all events; raises a `VendorError`."""

    @abstractmethod
    async def remove(self, registration_id: str) -> None:
        """Remove one registration by its id; raises a `VendorError`."""

    @abstractmethod
    def read(self, body: bytes) -> Hint | None:
        """Reduce a body (at most 64 KiB) to a hint; None for a foreign shape or a subject that is not known."""

    @abstractmethod
    async def confirm(self, hints: frozenset[Hint]) -> FeedUpdate:
        """Ask the vendor about these, by endpoints that serve just them; raises a `VendorError`."""


@dataclass(frozen=True, slots=True)
class MediaItem:
    """A line of a library: a folder, or something to play; `part` names it in a path, for ever, without a slash."""

    part: str
    title: str
    is_folder: bool
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Media:
    """What is played: either its bytes, or an address (https, or http to loopback) that is good for a while."""

    content_type: str
    content: bytes | None = None
    url: str | None = None


class Library(ABC):
    """An account's pictures and clips, as folders; a path is the parts from the account down."""

    @abstractmethod
    async def browse(self, path: Sequence[str]) -> Sequence[MediaItem]:
        """List a folder, newest first; raises a `VendorError`, or LookupError for a path that is none."""

    @abstractmethod
    async def open(self, path: Sequence[str]) -> Media:
        """Return what is at the path, with a fresh link; raises as `browse`."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file for Home Assistant's media folder, under `file` in an action's outcome; `name` is a plain file name."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One call of an action: the channel or device that it is for, where it has one, and its validated fields."""

    channel: Channel | None
    device: str | None
    fields: Mapping[str, Any]


# Stores values with the account's data, so that they outlive a restart: tokens that the vendor replaced, say.
type Keep = Callable[[Mapping[str, Any]], None]

type ActionHandler = Callable[[ActionCall], Awaitable[Mapping[str, Any]]]


class Connection(ABC):
    """One account of one vendor, on a session and a ledger that the caller owns."""

    push: Push | None = None
    library: Library | None = None
    # Up to when occurrences have been told; the account sets it before the first poll.
    told_until: datetime | None = None

    @property
    def actions(self) -> Mapping[str, ActionHandler]:
        """The actions that this account takes, by name; handlers raise a `VendorError` or ValueError for bad fields."""
        return {}

    def scope_of(self, key: str) -> str:
        """The list that names channels with this key."""
        return self.inventory_feed.name

    async def history(
        self, channels: Sequence[Channel], start: datetime, end: datetime
    ) -> Mapping[ChannelId, Sequence[Hour]]:
        """Return the full hours in [start, end) that the vendor has, for numeric channels of one feed.

        A channel that has no history at the vendor is absent. Raises a `VendorError`.
        """
        return {}

    def diagnostics(self) -> Mapping[str, Any]:
        """What of the vendor's API works for this account: names and counts, never contents."""
        return {}

    async def daily(self, start: datetime, end: datetime) -> Sequence[DailySeries]:
        """Return the daily totals that the vendor has of the full local days in [start, end).

        A day of which nothing is known has no total. Raises a `VendorError`.
        """
        return ()

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
    # What its accounts take; `Connection.actions` has the handlers.
    actions: Sequence[Action] = ()

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
        keep: Keep,
    ) -> Connection:
        """Make a connection, without asking anything yet; raises `NotSecure`."""
