"""The contract of every vendor: sign-in forms, a connection and its feeds."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
import math
from types import MappingProxyType
from typing import Any, Final, Protocol

import aiohttp
import voluptuous as vol

from ..client.budget import RequestBudget
from ..client.resolver import Resolver
from ..client.transport import Transport
from ..models import (
    Channel,
    ChannelId,
    DailySeries,
    FeedUpdate,
    Hardware,
    HistoryTerms,
    Hour,
    Inventory,
)
from .actions import ServiceAction
from .media import MediaLibrary, SnapshotCache, SnapshotSource
from .push import PushProvider

# The collapsed part of a sign-in form, with what few people need to change.
SECTION_ADVANCED: Final = "advanced"


@dataclass(frozen=True, slots=True)
class Feed:
    """One resource that is polled as one.

    `fetch` takes the channels that somebody looks at and raises a `VendorError` when nothing could be had.
    `default_interval` holds where the vendor's replies carry no freshness, `min_interval` always.
    `max_groups`: fetching fewer channels is another request with a freshness of its own, so that devices that measure
    at other times may be asked for at other times, in so many groups.
    `is_whole`: every reply is about all there is, whichever channels are wanted.
    `budget` is that of the sign-in by which it is polled, where an account has several; else it is the account's.
    `carrying_alarms` names what carries alarms, incursions or a safety state: the feed itself by its own name, or
    resources that its updates name in `failures`. A repair says when one of them cannot be had.
    """

    name: str
    fetch: Callable[[frozenset[ChannelId]], Awaitable[FeedUpdate]]
    default_interval: timedelta
    min_interval: timedelta
    max_groups: int = 1
    is_whole: bool = False
    budget: RequestBudget | None = None
    carrying_alarms: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in account: the vendor's own stable account id, and a title without any person's name or address.

    Where credentials can be those of a known account under another id, `devices` are the model's ids of what they
    show: one that the account knows is proof enough. `is_nameless`: the vendor tells no id, so this is one of ours,
    and an account that knows one of the devices is the same one.
    """

    account_id: str
    title: str
    devices: frozenset[str] = frozenset()
    is_nameless: bool = False


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One call of an action: the channel or device that it is for, where it has one, and its validated fields."""

    channel: Channel | None
    device: str | None
    fields: Mapping[str, Any]


# Stores values with the account's data, so that they outlive a restart: tokens that the vendor replaced, say.
type PersistData = Callable[[Mapping[str, Any]], None]

# Has what it is given (JSON) kept for the next start, before long; the function is called when it is written.
type SaveState = Callable[[Callable[[], Mapping[str, Any]]], None]

type ActionHandler = Callable[[ActionCall], Awaitable[Mapping[str, Any]]]


def _all_possible(_channel: Channel) -> Callable[[float], bool]:
    """Take every value, for connections that no account judges."""
    return math.isfinite


class Connection(ABC):
    """One account of one vendor, on a session and a budget that the caller owns."""

    # Requests by the sign-in that the list of devices needs; its standing is the account's.
    transport: Transport
    push: PushProvider | None = None
    library: MediaLibrary | None = None
    cameras: SnapshotSource | None = None
    history_terms: HistoryTerms = HistoryTerms()
    # Where links of this account may lead; None stands for public addresses alone.
    resolver: Resolver | None = None
    # What the vendor's sensors can measure, beyond what holds for every quantity.
    hardware: Hardware = Hardware()
    # The account sets these before the first poll: how to find `delivered_until`, the channels that have
    # entities from before, the pictures of the cameras, how to have something kept for the next start, and how to have
    # something shown between two polls.
    find_told_until: Callable[[], datetime | None] | None = None
    remembered: frozenset[ChannelId] = frozenset()
    album: SnapshotCache | None = None
    remember: SaveState | None = None
    show: Callable[[FeedUpdate], None] | None = None
    # Gives a test of which single values of a channel's history can be true; counts those that cannot.
    is_possible: Callable[[Channel], Callable[[float], bool]] = staticmethod(_all_possible)

    @property
    def delivered_until(self) -> datetime | None:
        """Return up to when events have been dispatched, corrected by the vendor's clock if need be."""
        return self.find_told_until() if self.find_told_until is not None else None

    @property
    def actions(self) -> Mapping[str, ActionHandler]:
        """The actions that this account takes, by name; handlers raise a `VendorError` or ValueError for bad fields."""
        return {}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what was kept before this start: any JSON, since files break. Called before the first poll."""
        return

    def scope_of_device(self, device_id: str) -> str:
        """Return the name of the list that names a device, by its id."""
        return self.inventory_feed.name

    def scope_of(self, channel: ChannelId) -> str:
        """Return the name of the list that names a channel, which is its device's where nothing else is said."""
        return self.scope_of_device(channel.device)

    async def history(
        self, channels: Sequence[Channel], start: datetime, end: datetime
    ) -> Mapping[ChannelId, Sequence[Hour]]:
        """Return the full hours in [start, end) that the vendor has, for numeric channels of one feed.

        A channel that has no history at the vendor is absent. Raises a `VendorError`.
        """
        return {}

    def diagnostics(self) -> Mapping[str, Any]:
        """Return which parts of the vendor's API work for this account: names and counts, never contents."""
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
        """Return the other feeds that this inventory calls for; the same name means the same feed."""

    async def check_options(self) -> Mapping[str, str]:
        """Return what is wrong with the account's options: the key of a text by field. Asks the vendor nothing."""
        return {}

    @abstractmethod
    async def options_schema(self) -> vol.Schema:
        """Return the form of the account's options, with choices asked from the vendor; raises a `VendorError`."""


class SignInSchema(Protocol):
    """Makes a sign-in form."""

    def __call__(self, *, only_secrets: bool = False) -> vol.Schema:
        """Return the whole form, or only what is asked for to sign in anew to a known account."""


@dataclass(frozen=True, slots=True)
class SignInForm:
    """One way to sign in: the step of the config flow that shows it, and its fields."""

    step: str
    schema: SignInSchema


class Vendor(ABC):
    """A vendor; stateless."""

    key: str
    name: str
    default_url: str
    # What stands in the descriptions of its forms beside `default_url`: links, since those are no part of texts.
    placeholders: Mapping[str, str] = MappingProxyType({})
    # What its accounts take; `Connection.actions` has the handlers.
    actions: Sequence[ServiceAction] = ()
    # The options that choose devices, by the vendor's ids: what follows the kind in the model's ("gateway-<id>").
    device_options: Sequence[str] = ()
    # Home Assistant's names of platforms beyond those that every vendor has.
    more_platforms: Sequence[str] = ()
    # Whether it can call a webhook.
    has_push: bool = False

    @abstractmethod
    def sign_in_schema(self, *, only_secrets: bool = False) -> vol.Schema:
        """Return the sign-in form; `only_secrets` for signing in anew to a known account."""

    @property
    def forms(self) -> Sequence[SignInForm]:
        """Return the ways to sign in, the recommended one first; where there are several, a menu offers them."""
        return (SignInForm(self.key, self.sign_in_schema),)

    @abstractmethod
    def budget_key(self, data: Mapping[str, Any]) -> str:
        """Return the key of the account that requests are counted for, before it is known who signed in."""

    @abstractmethod
    def connect(
        self,
        session: aiohttp.ClientSession,
        budget: RequestBudget,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        keep: PersistData,
    ) -> Connection:
        """Make a connection, without asking anything yet; raises `NotSecureError`."""
