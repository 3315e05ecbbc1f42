"""The push of a vendor: webhook registrations, and the meaning of received calls."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from aiohttp.hdrs import METH_POST, METH_PUT

from ..client.budget import confirmation_requests
from ..models import Call, ChannelId, FeedUpdate


@dataclass(frozen=True, slots=True)
class Subscription:
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
class ChangeHint:
    """The subject of a push, to be fetched; equal hints share one request."""

    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class PushMessage:
    """The content of a received call: a hint to confirm, or an update that exists nowhere else."""

    hint: ChangeHint | None = None
    update: FeedUpdate | None = None


class PushProvider(ABC):
    """A vendor's way of calling in. What it says is not believed; it says what to ask.

    The exception is a vendor whose calls carry what exists nowhere else: it overrides `receive`, and `is_proven` to
    look for the secret that it registered.

    `channel` is where it shows whether calls come, if anywhere. Each of `kinds` needs a registration. `terms` name what
    a registration has to be like beyond that: where they change, what was listed under others is void. `known` are
    ours, by id, as the account remembers them: it sets this before it asks for anything. `silence` is how long no call
    may come before that shows. Hints of `urgent_kinds` are asked about before all others.
    `recheck_seconds` after a change the list is asked for again, where others may undo it at the same moment.
    `carries_data`: calls say what polling cannot bring, so that a refused registration is an issue for a person.
    """

    channel: ChannelId | None = None
    kinds: Sequence[str] = ("",)
    terms: str = ""
    known: Mapping[str, str] = MappingProxyType({})
    methods: Sequence[str] = (METH_POST, METH_PUT)
    max_bytes: int = 64 * 1024
    silence: timedelta = timedelta(days=1)
    urgent_kinds: frozenset[str] = frozenset()
    recheck_seconds: float | None = None
    carries_data: bool = False

    @abstractmethod
    async def registrations(self) -> Sequence[Subscription]:
        """List every address registered for the account, ours or not; raises a `VendorError`."""

    @abstractmethod
    async def register(self, url: str, kind: str = "") -> Subscription:
        """Register an address for all events of a kind; raises a `VendorError`."""

    async def amend(self, registration: Subscription, url: str) -> Subscription | None:
        """Have one of ours lead to `url` and be as it should be; None where the vendor cannot change any."""
        return None

    @abstractmethod
    async def remove(self, registration_id: str) -> None:
        """Remove one registration by its id, or have it not be used any more; raises a `VendorError`."""

    async def ask(self, hints: frozenset[ChangeHint]) -> FeedUpdate:
        """Confirm hints behind every other request of the account; raises a `VendorError`."""
        with confirmation_requests():
            return await self.confirm(hints)

    def is_proven(self, method: str, headers: Mapping[str, str]) -> bool:
        """Return whether a call may be read at all, by its method and headers (names in lower case)."""
        return True

    def receive(self, call: Call) -> PushMessage | None:
        """Parse a received call; None for a foreign shape or a subject that is not known."""
        hint = self.read(call.body)
        return None if hint is None else PushMessage(hint)

    def read(self, body: bytes) -> ChangeHint | None:
        """Reduce a body to a hint; None for a foreign shape or a subject that is not known."""
        return None

    @abstractmethod
    async def confirm(self, hints: frozenset[ChangeHint]) -> FeedUpdate:
        """Ask the vendor about these, by endpoints that serve just them; raises a `VendorError`."""
