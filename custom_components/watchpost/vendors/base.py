"""What every vendor offers the rest of the house: forms to sign in, a connection, and its feeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.hdrs import METH_POST, METH_PUT
import voluptuous as vol

from ..engine.model import (
    Call,
    Channel,
    ChannelId,
    DailySeries,
    FeedUpdate,
    HistoryTerms,
    Hour,
    Inventory,
    Shot,
    WorkState,
)
from .action import Action
from .ledger import Ledger
from .links import Take

# The collapsed part of a sign-in form, with what few people need to change.
SECTION_ADVANCED: Final = "advanced"


@dataclass(frozen=True, slots=True)
class Feed:
    """One resource that is polled as one.

    `fetch` takes the channels that somebody looks at and raises a `VendorError` when nothing could be had.
    `default_interval` holds where the vendor's replies carry no freshness, `least_interval` always.
    `most_lanes`: fetching fewer channels is another request with a freshness of its own, so that devices that measure
    at other times may be asked for at other times, in so many groups.
    `is_whole`: every reply is about all there is, whichever channels are wanted.
    `ledger` is that of the sign-in by which it is polled, where an account has several; else it is the account's.
    """

    name: str
    fetch: Callable[[frozenset[ChannelId]], Awaitable[FeedUpdate]]
    default_interval: timedelta
    least_interval: timedelta
    most_lanes: int = 1
    is_whole: bool = False
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: the vendor's own stable account id, and a title without any person's name or address.

    Where credentials can be those of a known account under another id, `devices` are the model's ids of what they
    show: one that the account knows is proof enough. `is_nameless`: the vendor tells no id, so this is one of ours,
    and an account that knows one of the devices is the same one.
    """

    account_id: str
    title: str
    devices: frozenset[str] = frozenset()
    is_nameless: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """An address that the vendor posts to, as the vendor lists it.

    `kind` is one of `Push.kinds`. `is_active`: the vendor uses it. `is_sound`: apart from the address all is as it
    would be registered now.
    """

    id: str
    url: str
    kind: str = ""
    is_active: bool = True
    is_sound: bool = True


@dataclass(frozen=True, slots=True)
class Hint:
    """What a push claims, reduced to what must be asked for; equal hints are answered by one question."""

    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Received:
    """What a call brought: what to ask about, and what exists nowhere else and so is believed."""

    hint: Hint | None = None
    update: FeedUpdate | None = None


class Push(ABC):
    """A vendor's way of calling in. What it says is not believed; it says what to ask.

    The exception is a vendor whose calls carry what exists nowhere else: it overrides `receive`, and `is_proven` to
    look for the secret that it registered.

    `channel` is where it shows whether calls come, if anywhere. Each of `kinds` needs a registration. `terms` name what
    a registration has to be like beyond that: where they change, what was listed under others is void. `known` are
    ours, by id, as the account remembers them: it sets this before it asks for anything. `silence` is how long no call
    may come before that shows.
    """

    channel: ChannelId | None = None
    kinds: Sequence[str] = ("",)
    terms: str = ""
    known: Mapping[str, str] = MappingProxyType({})
    methods: Sequence[str] = (METH_POST, METH_PUT)
    most_bytes: int = 64 * 1024
    silence: timedelta = timedelta(days=1)

    @abstractmethod
    async def registrations(self) -> Sequence[Registration]:
        """List every address registered for the account, ours or not; raises a `VendorError`."""

    @abstractmethod
    async def register(self, url: str, kind: str = "") -> Registration:
        """Register an address for all events of a kind; raises a `VendorError`."""

    async def amend(self, registration: Registration, url: str) -> Registration | None:
        """Have one of ours lead to `url` and be as it should be; None where the vendor cannot change any."""
        return None

    @abstractmethod
    async def remove(self, registration_id: str) -> None:
        """Remove one registration by its id, or have it not be used any more; raises a `VendorError`."""

    def is_proven(self, method: str, headers: Mapping[str, str]) -> bool:
        """Whether a call may be read at all, by its method and headers (names in lower case)."""
        return True

    def receive(self, call: Call) -> Received | None:
        """Take a call; None for a foreign shape or a subject that is not known."""
        hint = self.read(call.body)
        return None if hint is None else Received(hint)

    def read(self, body: bytes) -> Hint | None:
        """Reduce a body to a hint; None for a foreign shape or a subject that is not known."""
        return None

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


# Fetches one picture; raises where there is none, for now or for good.
type Fetch = Callable[[], Awaitable[Shot]]


class Cameras(ABC):
    """An account's cameras, which take pictures when they are asked and deliver them a while later.

    `kinds` are the pictures that one asking brings; none of them is there before `least_wait` is over.
    """

    kinds: Sequence[str]
    least_wait: timedelta

    @abstractmethod
    async def ask(self, device: str, at: datetime) -> Mapping[str, Fetch]:
        """Wake a camera; returns how each kind of picture, as taken `at`, is fetched. Raises a `VendorError`."""

    @abstractmethod
    def may_pass(self, failure: Exception) -> bool:
        """Whether fetching anew may help after this failure."""

    @abstractmethod
    def taken(self, device: str, at: datetime) -> FeedUpdate:
        """Say what a picture that came changes."""


class Snapshot(Protocol):
    """What asking a camera brought: when it was asked, and what kept a picture from coming, if anything did."""

    @property
    def taken_at(self) -> datetime:
        """When (UTC) the camera was asked."""

    @property
    def failure(self) -> Exception | None:
        """What kept a picture from coming."""


class Development(Protocol):
    """A snapshot that is being made."""

    async def result(self) -> Snapshot | None:
        """Wait for it; None where the account was unloaded meanwhile."""

    async def state(self) -> WorkState:
        """How far it is."""


class Album(Protocol):
    """The pictures of an account's cameras. Looking wakes no camera; whoever asks while one is at work joins that."""

    async def ask(self, device: str) -> Development:
        """Have a device's camera take a picture; raises a `VendorError`."""

    async def newest(self, device: str, kind: str) -> Shot | None:
        """The newest picture of a kind."""

    def newest_at(self, device: str, kind: str) -> datetime | None:
        """When the newest picture of a kind was taken."""

    def kept(self, device: str) -> Sequence[tuple[datetime, str]]:
        """Time and kind of each picture that is still kept, newest first."""

    async def shot(self, device: str, kind: str, at: datetime) -> Shot | None:
        """A picture of a certain time, None where it is not kept."""


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file for Home Assistant's media folder, under `file` in an action's outcome; `name` is a plain file name."""

    name: str
    content: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.content)

    async def fetch(self, take: Take) -> None:
        """Hand its bytes over."""
        await take(self.content)

    def is_sound(self, path: Path) -> bool:
        """Whether what was written is the file."""
        return path.stat().st_size == self.size


@dataclass(frozen=True, slots=True)
class MediaDownload:
    """A file for Home Assistant's media folder that is too large for memory, under `file` as a `MediaFile`.

    `fetch` hands its bytes over in order, in its own time, and raises a `VendorError`. `size` is what the vendor says.
    `is_sound` looks at the whole file on disk, in an executor, before it gets its name.
    """

    name: str
    fetch: Callable[[Take], Awaitable[None]]
    size: int | None = None
    is_sound: Callable[[Path], bool] = lambda path: True


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One call of an action: the channel or device that it is for, where it has one, and its validated fields."""

    channel: Channel | None
    device: str | None
    fields: Mapping[str, Any]


# Stores values with the account's data, so that they outlive a restart: tokens that the vendor replaced, say.
type Keep = Callable[[Mapping[str, Any]], None]

# Has what it is given (JSON) kept for the next start, before long; the function is called when it is written.
type Remember = Callable[[Callable[[], Mapping[str, Any]]], None]

type ActionHandler = Callable[[ActionCall], Awaitable[Mapping[str, Any]]]


class Connection(ABC):
    """One account of one vendor, on a session and a ledger that the caller owns."""

    push: Push | None = None
    library: Library | None = None
    cameras: Cameras | None = None
    history_terms: HistoryTerms = HistoryTerms()
    # The account sets these before the first poll: up to when occurrences have been told, the channels that have
    # entities from before, the pictures of the cameras, how to have something kept for the next start, and how to have
    # something shown between two polls.
    told_until: datetime | None = None
    remembered: frozenset[ChannelId] = frozenset()
    album: Album | None = None
    remember: Remember | None = None
    show: Callable[[FeedUpdate], None] | None = None

    @property
    def actions(self) -> Mapping[str, ActionHandler]:
        """The actions that this account takes, by name; handlers raise a `VendorError` or ValueError for bad fields."""
        return {}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take back what was kept before this start: any JSON, since files break. Called before the first poll."""
        return

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


class SignInSchema(Protocol):
    """Makes a sign-in form."""

    def __call__(self, *, only_secrets: bool = False) -> vol.Schema:
        """The whole form, or only what is asked for to sign in anew to a known account."""


@dataclass(frozen=True, slots=True)
class SignInForm:
    """One way to sign in: the step of the config flow that shows it, and its fields."""

    step: str
    schema: SignInSchema


class Vendor(ABC):
    """A vendor's entry in the house; stateless."""

    key: str
    name: str
    default_url: str
    # What stands in the descriptions of its forms beside `default_url`: links, since those are no part of texts.
    placeholders: Mapping[str, str] = MappingProxyType({})
    # What its accounts take; `Connection.actions` has the handlers.
    actions: Sequence[Action] = ()
    # Home Assistant's names of platforms beyond those that every vendor has.
    more_platforms: Sequence[str] = ()

    @abstractmethod
    def sign_in_schema(self, *, only_secrets: bool = False) -> vol.Schema:
        """The sign-in form; `only_secrets` for signing in anew to a known account."""

    @property
    def forms(self) -> Sequence[SignInForm]:
        """The ways to sign in, the recommended one first; where there are several, a menu offers them."""
        return (SignInForm(self.key, self.sign_in_schema),)

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
