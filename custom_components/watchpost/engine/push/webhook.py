"""Receives a vendor's webhook requests: each is a hint what to poll; missing ones are detected.

Requests that come before the account is set up, or while set-up is retried, are stored until it is.
The content of a request is not trusted, unless it exists nowhere else and a secret proves its sender. Polling goes on
in any case.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
import logging
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ...models import Call, FeedUpdate, Reading
from .subscription import (
    OnOutcome,
    WebhookSubscription,
    async_get_subscription_state,
    wait_of,
    webhook_ids,
)

if TYPE_CHECKING:
    from ...contract.push import ChangeHint, PushMessage, PushProvider

_LOGGER = logging.getLogger(__name__)

READ_TIMEOUT: Final = 10.0

# The same hint is confirmed at most this often; one that comes meanwhile waits.
SAME_HINT_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 30.0
MAX_RETRY_SECONDS: Final = 3_600.0

# At most so many hints that are not urgent are confirmed at once, so that an urgent one does not wait long.
MAX_HINTS_AT_ONCE: Final = 4

# Requests that are stored while an account is not set up; the oldest are dropped when there are more.
MAX_STORED_CALLS: Final = 512
MAX_STORED_BYTES: Final = 4 * 1024 * 1024

# In these states an account is being set up, or will be.
_STORING: Final = frozenset(
    {
        ConfigEntryState.SETUP_IN_PROGRESS,
        ConfigEntryState.SETUP_RETRY,
        ConfigEntryState.SETUP_ERROR,
        ConfigEntryState.LOADED,
    }
)

type Apply = Callable[[FeedUpdate], None]


class WebhookReceiver:
    """The webhook of one account.

    `apply` is called with the update of confirmed hints, `outcome` with the result of each attempt to register. The
    text of errors of the type `expected` may be logged; of any other only the type.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        push: PushProvider,
        *,
        apply: Apply,
        outcome: OnOutcome,
        expected: type[Exception],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._push = push
        self._apply = apply
        self._outcome = outcome
        self._state = async_get_subscription_state(hass, entry)
        self._subscription = WebhookSubscription(
            hass, entry, push, outcome=self._on_registration, expected=expected
        )
        self._pending: dict[ChangeHint, None] = {}
        self._asked_at: dict[ChangeHint, float] = {}
        self._failures_in_a_row = 0
        self._worker: asyncio.Task[None] | None = None
        self._timers: dict[str, CALLBACK_TYPE] = {}
        self._is_started = False

    @callback
    def async_listen(self) -> None:
        """Register the handler, and store requests until the account is set up, also over several attempts."""
        for webhook_id in webhook_ids(self._entry):
            # A failed attempt leaves its handler registered, so that no request is lost meanwhile.
            webhook.async_unregister(self._hass, webhook_id)
            webhook.async_register(
                self._hass,
                self._entry.domain,
                self._entry.title,
                webhook_id,
                self._on_call,
                # Home Assistant logs the URL of a request with another method.
                allowed_methods=webhook.SUPPORTED_METHODS,
            )

    @callback
    def async_start(self) -> None:
        """Process the stored requests, and register at the vendor in the background."""
        self._is_started = True
        self._entry.async_on_unload(self.async_stop)
        held = self._state.take_stored()
        for call in held:
            self._receive(call)
        if held:
            self._update_channel()
        self._subscription.async_start()

    @callback
    def async_stop(self) -> None:
        """Unregister the handler. The registration at the vendor stays: a reload must not lose it."""
        for webhook_id in webhook_ids(self._entry):
            webhook.async_unregister(self._hass, webhook_id)
        for cancel in self._timers.values():
            cancel()
        self._timers.clear()

    @callback
    def _on_registration(self, err: Exception | None) -> None:
        self._outcome(err)
        self._report(err)
        self._update_channel()

    @callback
    def _report(self, err: Exception | None) -> None:
        """Raise a repair while webhooks cannot be registered and carry data that cannot be polled."""
        issue_id = f"webhooks_refused_{self._entry.entry_id}"
        if err is None or not self._push.carries_data or self._subscription.serves:
            ir.async_delete_issue(self._hass, self._entry.domain, issue_id)
            return
        ir.async_create_issue(
            self._hass,
            self._entry.domain,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="webhooks_refused",
            translation_placeholders={"title": self._entry.title},
        )

    # Requests

    async def _on_call(
        self, _hass: HomeAssistant, webhook_id: str, request: web.Request
    ) -> web.Response:
        """Handle a request; the response is the same in any case."""
        try:
            await self._on_request(webhook_id, request)
        except Exception as err:  # noqa: BLE001  Home Assistant would log the URL with it
            _LOGGER.error(
                "%s: unexpected %s while a webhook call was taken",
                self._entry.title,
                type(err).__name__,
            )
        return web.Response()

    async def _on_request(self, webhook_id: str, request: web.Request) -> None:
        counts = self._state.counts
        counts["calls"] += 1
        if request.method not in self._push.methods:
            counts["other_methods"] += 1
            return
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not self._push.is_proven(request.method, headers):
            counts["unproven"] += 1
            return
        now = self._state.last_call = dt_util.utcnow()
        try:
            body = await _read(request, self._push.max_bytes)
        except Exception:  # noqa: BLE001  the connection broke
            counts["torn"] += 1
            return
        if self._is_started:
            self._subscription.async_received(webhook_id)
        if body is None:
            counts["oversize"] += 1
        elif self._is_started:
            self._receive(Call(request.query, headers, body, now))
        else:
            self._store(Call(request.query, headers, body, now))
        if self._is_started:
            self._update_channel()

    @callback
    def _store(self, call: Call) -> None:
        """Store a request while the account is being set up; unregister the handler of one that will not be."""
        if self._entry.state in _STORING:
            self._state.store(call, MAX_STORED_CALLS, MAX_STORED_BYTES)
            return
        self._state.take_stored()
        for webhook_id in webhook_ids(self._entry):
            webhook.async_unregister(self._hass, webhook_id)

    @callback
    def _receive(self, call: Call) -> None:
        try:
            message = self._push.receive(call)
        except Exception:  # noqa: BLE001  a request that breaks the parser is not from this vendor
            message = None
        if message:
            self._process(message)
        else:
            self._state.counts["foreign"] += 1

    @callback
    def _process(self, message: PushMessage) -> None:
        if message.update is not None:
            self._state.counts["messages"] += 1
            self._apply(message.update)
        if message.hint is not None:
            self._state.counts["hints"] += 1
            self._pending[message.hint] = None
            self._confirm()

    @callback
    def _confirm(self, _now: datetime | None = None) -> None:
        """Start confirming pending hints, unless that is running or waits for a retry."""
        if "retry" not in self._timers and (self._worker is None or self._worker.done()):
            self._worker = self._entry.async_create_background_task(
                self._hass, self._confirm_all(), f"{self._entry.domain} push"
            )

    @callback
    def _retry(self, _now: datetime) -> None:
        self._cancel("retry")
        self._confirm()

    async def _confirm_all(self) -> None:
        """Confirm pending hints, urgent ones first, then those that came meanwhile."""
        while hints := self._ready():
            self._drop(hints)
            self._state.counts["confirms"] += 1
            failure: Exception | None
            try:
                update = await self._push.ask(hints)
            except Exception as err:  # noqa: BLE001  reported by type
                failure = err
            else:
                failure = update.failure
                self._apply(update)
            if failure is not None:
                self._not_confirmed(hints, failure)
                return
            self._failures_in_a_row = 0
        if self._pending:
            now = self._hass.loop.time()
            first = min(self._asked_at.get(hint, now) for hint in self._pending)
            self._set_timer("again", max(first + SAME_HINT_SECONDS - now, 0.001), self._confirm)

    def _ready(self) -> frozenset[ChangeHint]:
        """Return the hints to confirm now, and record the time."""
        now = self._hass.loop.time()
        self._asked_at = {
            hint: at for hint, at in self._asked_at.items() if now - at < SAME_HINT_SECONDS
        }
        waiting = [hint for hint in self._pending if hint not in self._asked_at]
        urgent = [hint for hint in waiting if hint.kind in self._push.urgent_kinds]
        ready = frozenset(urgent or waiting[:MAX_HINTS_AT_ONCE])
        self._asked_at.update(dict.fromkeys(ready, now))
        return ready

    def _drop(self, hints: frozenset[ChangeHint]) -> None:
        for hint in hints:
            self._pending.pop(hint, None)

    @callback
    def _not_confirmed(self, hints: frozenset[ChangeHint], failure: Exception) -> None:
        """Retry the hints later; logged at debug level only, since outages are reported by the feeds."""
        self._pending |= dict.fromkeys(hints)
        self._state.counts["failures"] += 1
        _LOGGER.debug(
            "%s: could not ask about a call: %s", self._entry.title, type(failure).__name__
        )
        delay = min(RETRY_SECONDS * 2**self._failures_in_a_row, MAX_RETRY_SECONDS)
        self._failures_in_a_row = min(self._failures_in_a_row + 1, 16)
        self._set_timer("retry", max(delay, wait_of(failure)), self._retry)

    # Silence

    @property
    def is_registered(self) -> bool:
        """Return whether the vendor has a registration at the present callback URL."""
        return self._subscription.is_registered and self._subscription.via is not None

    @property
    def is_alive(self) -> bool | None:
        """Return whether requests are received; None where none can be expected."""
        due = self._silent_at
        return None if due is None else dt_util.utcnow() < due

    @property
    def _silent_at(self) -> datetime | None:
        state = self._state
        if not self.is_registered or state.registered_at is None:
            return None
        last = max(state.last_call or state.registered_at, state.registered_at)
        return last + self._push.silence

    @callback
    def _update_channel(self) -> None:
        is_alive = self.is_alive
        if is_alive and "silence" not in self._timers and self._silent_at is not None:
            left = (self._silent_at - dt_util.utcnow()).total_seconds()
            self._set_timer("silence", left, self._on_silence)
        if self._push.channel is not None:
            self._apply(FeedUpdate(readings={self._push.channel: Reading(is_alive)}))

    @callback
    def _on_silence(self, _now: datetime) -> None:
        """Update the channel, and check whether the vendor still has the registration."""
        self._cancel("silence")
        self._update_channel()
        if self.is_alive is False:
            self._subscription.async_check(anew=True)
            self._set_timer("silence", self._push.silence.total_seconds(), self._on_silence)

    # Timers

    @callback
    def _set_timer(self, name: str, seconds: float, job: Callable[[datetime], None]) -> None:
        self._cancel(name)
        self._timers[name] = async_call_later(self._hass, seconds, job)

    @callback
    def _cancel(self, name: str) -> None:
        if (cancel := self._timers.pop(name, None)) is not None:
            cancel()

    # For diagnostics

    @property
    def standing(self) -> str:
        """Return the state in a few words, for system health."""
        if self.is_registered:
            return f"by {self._subscription.via}"
        if not self._push.kinds:
            return "polling alone, nothing was chosen to be called about"
        if self._subscription.has_failed:
            return "polling alone, webhooks could not be registered at the vendor"
        return "polling alone, Home Assistant has no address that a vendor can call"

    def diagnostics(self) -> dict[str, Any]:
        """Return counts and times, never contents."""
        state = self._state
        names = (
            *("calls", "other_methods", "unproven", "torn", "foreign", "oversize"),
            *("held", "dropped"),
            *("messages", "hints", "confirms", "failures"),
        )
        return {
            **{name: state.counts[name] for name in names},
            "last_call": state.last_call,
            "registered": self.is_registered,
            "registration_errors": dict(state.errors),
            "via": self._subscription.via,
            "is_alive": self.is_alive,
            "pending": len(self._pending),
        }


async def _read(request: web.Request, max_bytes: int) -> bytes | None:
    """Read a body; None for one that is too large. Raises what a torn connection raises."""
    body = bytearray()
    async with asyncio.timeout(READ_TIMEOUT):
        while chunk := await request.content.read(max_bytes + 1 - len(body)):
            body += chunk
            if len(body) > max_bytes:
                return None
    return bytes(body)
