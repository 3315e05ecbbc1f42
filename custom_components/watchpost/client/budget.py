"""The request budget of one account: pauses, rate limit, shared requests and stored responses; outlives reloads."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
import random
from typing import Any, Final

from ..models import EARLIEST, Freshness
from .cache_control import DAY, backoff
from .clock import AccountClock
from .errors import RateLimitedError, UnreachableError
from .sign_in_state import SignInState

WINDOW: Final = 60.0
_STOPPED: Final = "Home Assistant stops"

# A local clock that is further from the vendor's is not believed.
_MAX_CLOCK_ERROR: Final = timedelta(days=1)

_LATEST_DATE: Final = datetime(2200, 1, 1, tzinfo=UTC)

# The size of a stored response beside its body and key, so that empty bodies are not free.
_ENTRY_BYTES: Final = 512

_MAX_SIGN_INS: Final = 8

# Anybody who knows a webhook's address can cause confirmations, so they get one part in so many of a budget.
CONFIRMATION_SHARE: Final = 4


@dataclass(slots=True)
class _Priority:
    """The priority of requests: confirmations of a push wait, until another caller needs the same response."""

    is_confirmation: bool = False


_priority: ContextVar[_Priority | None] = ContextVar("priority", default=None)


@contextmanager
def confirmation_requests() -> Iterator[None]:
    """Mark the requests made inside as confirmations of a push, which every other request precedes."""
    token = _priority.set(_Priority(is_confirmation=True))
    try:
        yield
    finally:
        _priority.reset(token)


@dataclass(frozen=True, slots=True)
class Response:
    """A vendor's answer with a 2xx status.

    `date` is the vendor's clock when it answered. `reused`: answered from the cache,
    without a request. `caching` are the headers that decided the freshness, names in lower case. `link` is
    the Link header (RFC 8288), by which some vendors lead to the next page. `location` is where it leads instead of
    an answer, for who asked for that.
    """

    status: int
    body: bytes = field(repr=False)
    content_type: str
    freshness: Freshness
    date: datetime | None
    reused: bool = False
    caching: Mapping[str, str] = field(default_factory=dict, repr=False)
    link: str = field(default="", repr=False)
    location: str = field(default="", repr=False)


@dataclass(slots=True)
class _SharedRequest:
    """A running request and the number of callers that wait for it."""

    task: asyncio.Task[Response]
    priority: _Priority
    waiting: int = 0


class RequestBudget:
    """The request budget of one account: pauses, rate limit and stored responses.

    Shared by all feeds, forms and reloads of the account. `clock` gives monotonic seconds, `now_utc` the wall clock.
    """

    def __init__(
        self,
        *,
        clock: AccountClock | Callable[[], float] | None = None,
        now_utc: Callable[[], datetime] | None = None,
        rand: Callable[[], float] = random.random,
        concurrent: int = 4,
        per_minute: int = 120,
        max_stored_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self.clock = clock if isinstance(clock, AccountClock) else AccountClock(clock, now_utc)
        self.now: Callable[[], float] = self.clock.now
        self.now_utc: Callable[[], datetime] = self.clock.utc
        # Asks the vendor for nothing but its time, which goes to the clock; set by the transport.
        self.request_date: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.rand = rand
        self.paused_until = 0.0
        self.requests_total = 0
        self.refusals = 0
        # How feeds were divided into poll groups, by feed name, so that the groups survive a reload.
        self.divisions: dict[str, list[frozenset[str]]] = {}
        # Timeouts that end when Home Assistant stops.
        self._until_stop: set[asyncio.Timeout] = set()
        self._is_stopped = False
        self._requests_today = 0
        self._today: date | None = None
        self._refusals_in_a_row = 0
        self._refusals_before = 0
        self._semaphore = asyncio.Semaphore(concurrent)
        self._start_lock = asyncio.Lock()
        self._starts: deque[float] = deque(maxlen=per_minute)
        self._queued = 0
        self._max_confirmations = max(concurrent // CONFIRMATION_SHARE, 1)
        self._confirmations = 0
        self._confirmation_starts: deque[float] = deque(
            maxlen=max(per_minute // CONFIRMATION_SHARE, 1)
        )
        self._confirmation_wakeup = asyncio.Event()
        self._stored: OrderedDict[str, Response] = OrderedDict()
        self._stored_bytes = 0
        self._max_stored_bytes = max_stored_bytes
        self._shared_requests: dict[str, _SharedRequest] = {}
        self._sub_budgets: dict[str, RequestBudget] = {}
        self._sign_ins: dict[str, SignInState] = {}
        # The vendor's clock by its newest Date header, and when that came on ours (monotonic seconds).
        self.vendor_date: tuple[datetime, float] | None = None

    def sub_budget(self, name: str) -> RequestBudget:
        """Return the budget of one of several sign-ins of the account, each of which the vendor limits by itself."""
        if name not in self._sub_budgets:
            sub_budget = self._sub_budgets[name] = RequestBudget(clock=self.clock, rand=self.rand)
            if self._is_stopped:
                sub_budget.stop()
        return self._sub_budgets[name]

    # -- the vendor's clock --

    def record_date(self, date: datetime | None) -> None:
        """Note the Date header of a response that has just come."""
        if date is not None and EARLIEST <= date < _LATEST_DATE:
            self.clock.hear(date)
            self.vendor_date = date, self.now()

    def vendor_utc(self) -> datetime | None:
        """Return the time by the vendor's clock; None before the first response with a Date header."""
        dates = [
            found for each in (self, *self._sub_budgets.values()) if (found := each.vendor_date)
        ]
        if not dates:
            return None
        date, at = max(dates, key=lambda each: each[1])
        return date + timedelta(seconds=self.now() - at)

    @property
    def is_clock_plausible(self) -> bool:
        """Return whether the local clock is within a day of the vendor's."""
        vendor = self.vendor_utc()
        return vendor is None or abs(self.now_utc() - vendor) <= _MAX_CLOCK_ERROR

    def trusted_utc(self) -> datetime:
        """Return the time by the local clock, by the vendor's where the local one cannot be believed."""
        vendor = self.vendor_utc()
        return self.now_utc() if vendor is None or self.is_clock_plausible else vendor

    # -- sign-in --

    def sign_in_state(self, fingerprint: str) -> SignInState:
        """Return the standing of one set of credentials; of those of old forms only the newest are kept."""
        state = self._sign_ins.get(fingerprint)
        if state is None:
            state = self._sign_ins[fingerprint] = SignInState(self.now)
            while len(self._sign_ins) > _MAX_SIGN_INS:
                del self._sign_ins[next(iter(self._sign_ins))]
        return state

    # -- pauses --

    @property
    def is_paused(self) -> bool:
        """Return whether the account must not send requests for now."""
        return self.now() < self.paused_until

    @property
    def is_any_paused(self) -> bool:
        """Return whether the account or any of its sign-ins is paused."""
        return self.is_paused or any(
            sub_budget.is_any_paused for sub_budget in self._sub_budgets.values()
        )

    def pause(self, seconds: float) -> None:
        """Send no request for `seconds`, at most a day; never shorten a running pause."""
        if seconds > 0:
            self.paused_until = max(self.paused_until, self.now() + min(seconds, DAY))

    def check(self) -> None:
        """Raise RateLimitedError while the account is paused."""
        if self.is_paused:
            raise self._rate_limited()

    def record_refusal(self, seconds: float | None) -> RateLimitedError:
        """Count a refusal (429, 503) and hold for `seconds`, or by back-off where that is None.

        Refusals of requests that were under way together count as one for the back-off.
        """
        self.refusals += 1
        if not self.is_paused:
            self._refusals_in_a_row += 1
        if seconds is None:
            seconds = backoff(max(self._refusals_in_a_row, 1), self.rand())
        self.pause(seconds)
        return self._rate_limited()

    def record_success(self) -> None:
        """Begin the back-off anew: the vendor answered."""
        if not self.is_paused:
            self._refusals_before, self._refusals_in_a_row = self._refusals_in_a_row, 0

    def undo_success(self) -> None:
        """Undo the last `record_success`, because the body of the response was a refusal."""
        self._refusals_in_a_row = max(self._refusals_in_a_row, self._refusals_before)

    def _rate_limited(self) -> RateLimitedError:
        wait = self.paused_until - self.now()
        return RateLimitedError(wait, self.now_utc() + timedelta(seconds=wait))

    # -- the request budget --

    @asynccontextmanager
    async def until_stop(self) -> AsyncIterator[None]:
        """Cancel the block when Home Assistant stops; raises UnreachableError then."""
        if self._is_stopped:
            raise UnreachableError(_STOPPED)
        limit = asyncio.timeout(None)
        self._until_stop.add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if limit.expired():
                raise UnreachableError(_STOPPED) from None
            raise
        finally:
            self._until_stop.discard(limit)

    def stop(self) -> None:
        """Cancel every request, for good."""
        self._is_stopped = True
        for limit in self._until_stop:
            limit.reschedule(0)
        for sub_budget in self._sub_budgets.values():
            sub_budget.stop()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for one of the account's concurrent requests and reserve it for the block.

        A confirmation of a push waits until no other request does, and takes at most its share of the budget.
        Raises RateLimitedError when a pause began meanwhile, UnreachableError when Home Assistant stops.
        """
        async with self.until_stop(), self._slot():
            yield

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        priority = _priority.get() or _Priority()
        if priority.is_confirmation:
            await self._wait_for_others(priority)
        # Another request may have come to wait for the same answer meanwhile.
        is_confirmation = priority.is_confirmation
        self._confirmations += is_confirmation
        self._queued += 1
        is_queued = True
        try:
            async with self._semaphore:
                await self._start()
                self._queued -= 1
                is_queued = False
                if is_confirmation:
                    self._confirmation_starts.append(self.now())
                yield
        finally:
            self._queued -= is_queued
            self._confirmations -= is_confirmation
            self._confirmation_wakeup.set()

    async def _wait_for_others(self, priority: _Priority) -> None:
        """Wait until a confirmation of a push can start without delaying another request."""
        while priority.is_confirmation:
            self.check()
            if (
                self._queued
                or self._semaphore.locked()
                or self._confirmations >= self._max_confirmations
            ):
                self._confirmation_wakeup.clear()
                await self._confirmation_wakeup.wait()
            elif (due := self._confirmation_due()) > (now := self.now()):
                self._confirmation_wakeup.clear()
                await self._sleep_until_wakeup(due - now)
            else:
                return

    async def _sleep_until_wakeup(self, seconds: float) -> None:
        """Sleep until `seconds` have passed or a waiting confirmation is woken."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._confirmation_wakeup.wait()

    def _confirmation_due(self) -> float:
        """Return when the budget of all requests and that of confirmations allow another one."""
        full = [
            starts[0] + WINDOW
            for starts in (self._starts, self._confirmation_starts)
            if len(starts) == starts.maxlen
        ]
        return max(full, default=0.0)

    async def _start(self) -> None:
        async with self._start_lock:
            self.check()
            now = self.now()
            if len(self._starts) == self._starts.maxlen:
                due = self._starts[0] + WINDOW
                if due > now:
                    await asyncio.sleep(due - now)
                    now = max(self.now(), due)
                    self.check()
            self._starts.append(now)
            self.count_request()

    def count_request(self) -> None:
        """Count one request that goes out."""
        self._roll_day()
        self._requests_today += 1
        self.requests_total += 1

    def requests_made(self) -> int:
        """Return the requests since the start, those of all sign-ins included."""
        return self.requests_total + sum(
            sub_budget.requests_made() for sub_budget in self._sub_budgets.values()
        )

    @property
    def requests_today(self) -> int:
        """Return the requests since midnight UTC, those of all sign-ins included."""
        self._roll_day()
        return self._requests_today + sum(
            sub_budget.requests_today for sub_budget in self._sub_budgets.values()
        )

    def _roll_day(self) -> None:
        today = self.now_utc().astimezone(UTC).date()
        if today != self._today:
            self._today, self._requests_today = today, 0

    # -- stored responses --

    def stored(self, key: str) -> Response | None:
        """Return the response stored under `key`, current or not."""
        if (reply := self._stored.get(key)) is not None:
            self._stored.move_to_end(key)
        return reply

    def store(self, key: str, reply: Response) -> None:
        """Store a response in place of the one before, unless its headers forbid that.

        The least recently used go when there are too many bytes.
        """
        self.forget(key)
        weight = _weight(key, reply)
        if not reply.freshness.storable or weight > self._max_stored_bytes:
            return
        self._stored[key] = reply
        self._stored_bytes += weight
        while self._stored_bytes > self._max_stored_bytes:
            self.forget(next(iter(self._stored)))

    def forget(self, key: str | None = None) -> None:
        """Delete the response stored under `key`, or all of them."""
        if key is None:
            self._stored.clear()
            self._stored_bytes = 0
        elif (reply := self._stored.pop(key, None)) is not None:
            self._stored_bytes -= _weight(key, reply)

    def invalidate_below(self, key: str) -> None:
        """Delete the responses stored under `key` and the paths below it, with and without a query."""
        for known in [each for each in self._stored if _is_below(each, key)]:
            self.forget(known)

    # -- concurrent calls for the same resource share one request --

    async def share(self, key: str, fetch: Callable[[], Coroutine[Any, Any, Response]]) -> Response:
        """Await the running request for `key`, or start one.

        A caller that is cancelled leaves it to the others; with the last one it is cancelled.
        """
        shared = self._shared_requests.get(key)
        priority = _priority.get() or _Priority()
        if shared is None:
            shared = self._start_shared(key, fetch, priority)
        elif shared.priority.is_confirmation and not priority.is_confirmation:
            shared.priority.is_confirmation = False
            self._confirmation_wakeup.set()
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.task.done():
                self._release(key, shared)
                shared.task.cancel()

    def _start_shared(
        self, key: str, fetch: Callable[[], Coroutine[Any, Any, Response]], priority: _Priority
    ) -> _SharedRequest:
        """Start a request in a task of its own, whose priority those who join it can raise."""
        own = _Priority(priority.is_confirmation)
        token = _priority.set(own)
        try:
            shared = self._shared_requests[key] = _SharedRequest(asyncio.create_task(fetch()), own)
        finally:
            _priority.reset(token)
        shared.task.add_done_callback(lambda _: self._release(key, shared))
        return shared

    def _release(self, key: str, shared: _SharedRequest) -> None:
        if self._shared_requests.get(key) is shared:
            del self._shared_requests[key]

    # -- diagnostics --

    def diagnostics(self) -> dict[str, Any]:
        """Return counts and times, never contents."""
        return {
            "requests_today": self.requests_today,
            "requests_total": self.requests_total,
            "refusals": self.refusals,
            "held_for_seconds": round(max(self.paused_until - self.now(), 0.0), 1),
            "under_way": len(self._shared_requests),
            "stored_replies": len(self._stored),
            "stored_bytes": self._stored_bytes,
        } | (
            {
                "parts": {
                    name: sub_budget.diagnostics() for name, sub_budget in self._sub_budgets.items()
                }
            }
            if self._sub_budgets
            else {}
        )


def _is_below(key: str, above: str) -> bool:
    return key == above or key.startswith((f"{above}/", f"{above}?"))


def _weight(key: str, reply: Response) -> int:
    return len(reply.body) + len(key) + _ENTRY_BYTES
