"""Registers webhooks at a vendor: one of each kind at the present callback URL, and none after removal.

Ours are those that lead to our webhook, and those that we registered; all others belong to somebody else.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import logging
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN
from ...models import Call
from . import callback_url

if TYPE_CHECKING:
    from ...contract.push import PushProvider, Subscription

_LOGGER = logging.getLogger(__name__)

CONF_REGISTRATIONS: Final = "push_registrations"
# Webhook ids that were replaced by a new one and are registered until that one is in use.
CONF_PREVIOUS_WEBHOOKS: Final = "previous_webhook_ids"

# A list made before a registration may be current for this long; later the registration counts as lost.
LISTED_WITHIN: Final = timedelta(days=1)
# Seconds until the vendor's list is fetched to see whether a new URL is in use.
CONFIRM_SECONDS: Final = 60.0
MAX_RECHECKS: Final = 3

RETRY_SECONDS: Final = 300.0
MAX_RETRY_SECONDS: Final = 86_400.0
REMOVAL_TIMEOUT: Final = 10.0

# A list of registrations, updated with our own changes, is fetched at most this often.
LIST_SECONDS: Final = 900.0

type OnOutcome = Callable[[Exception | None], None]


@dataclass(slots=True)
class SubscriptionState:
    """The state of an account's webhooks, which outlives reloads but not a restart."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    registered_at: datetime | None = None
    last_call: datetime | None = None
    listed: dict[str, Subscription] | None = field(default=None, repr=False)
    listed_at: float = 0.0
    terms: str = ""
    # Webhook ids that received a request.
    used_webhook_ids: set[str] = field(default_factory=set, repr=False)
    # Requests that were received before the account was set up, oldest first.
    held: deque[Call] = field(default_factory=deque, repr=False)

    def store(self, call: Call, max_calls: int, max_bytes: int) -> None:
        """Store a request; the oldest are dropped when there are too many or too large ones."""
        self.counts["held"] += 1
        self.held.append(call)
        while len(self.held) > max_calls or sum(len(each.body) for each in self.held) > max_bytes:
            self.held.popleft()
            self.counts["dropped"] += 1

    def take_stored(self) -> Sequence[Call]:
        """Remove and return the stored requests, oldest first."""
        held, self.held = self.held, deque()
        return held


_STATES: Final[HassKey[dict[str, SubscriptionState]]] = HassKey(f"{DOMAIN}_push")


@callback
def async_get_subscription_state(hass: HomeAssistant, entry: ConfigEntry) -> SubscriptionState:
    """Return the state of an account's webhooks."""
    return hass.data.setdefault(_STATES, {}).setdefault(entry.entry_id, SubscriptionState())


@callback
def async_prepare_push(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Create an account's permanent webhook id, as soon as a vendor could reach it."""
    if CONF_WEBHOOK_ID not in entry.data and callback_url.is_callable_url(hass):
        hass.config_entries.async_update_entry(
            entry, data={**entry.data, CONF_WEBHOOK_ID: webhook.async_generate_id()}
        )


def webhook_id(entry: ConfigEntry) -> str | None:
    """Return the account's webhook id, a secret; None while no vendor could reach it."""
    value: str | None = entry.data.get(CONF_WEBHOOK_ID)
    return value


def webhook_ids(entry: ConfigEntry) -> list[str]:
    """Return every webhook id of the account, the present one first."""
    present = webhook_id(entry)
    return [] if present is None else [present, *_previous(entry)]


def _previous(entry: ConfigEntry) -> list[str]:
    return list(entry.data.get(CONF_PREVIOUS_WEBHOOKS, ()))


def new_webhook(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's data with a new webhook id; the previous one stays registered until the new one is in use.

    Both are stored in one step, so an interrupted change leaves a URL that works.
    """
    previous = [data[CONF_WEBHOOK_ID], *data.get(CONF_PREVIOUS_WEBHOOKS, ())]
    return {
        **data,
        CONF_WEBHOOK_ID: webhook.async_generate_id(),
        CONF_PREVIOUS_WEBHOOKS: previous,
    }


async def async_remove_push(
    hass: HomeAssistant, entry: ConfigEntry, push: PushProvider | None
) -> None:
    """Remove the webhooks at the vendor, because the account is removed."""
    try:
        async with asyncio.timeout(REMOVAL_TIMEOUT):
            if push is not None:
                push.known = _known_registrations(entry)
                for number in push.known:
                    await push.remove(number)
    except Exception as err:  # noqa: BLE001  the account is removed in any case
        _LOGGER.warning(
            "%s: the vendor was not told to stop calling in, its callback is left behind: %s",
            entry.title,
            type(err).__name__,
        )
    for each in webhook_ids(entry):
        # An account whose set-up failed still has its handler registered.
        webhook.async_unregister(hass, each)
        await callback_url.async_forget_cloudhook(hass, each)
    hass.data.get(_STATES, {}).pop(entry.entry_id, None)


def _known_registrations(entry: ConfigEntry) -> dict[str, str]:
    """Return our registrations at the vendor: URL by id."""
    stored: object = entry.data.get(CONF_REGISTRATIONS)
    known = stored if isinstance(stored, Mapping) else {}
    return {number: url for number, url in known.items() if isinstance(url, str)}


class WebhookSubscription:
    """The webhook registrations of one account at its vendor.

    `outcome` is called with the result of each attempt. The text of errors of the type `expected` may be logged; of
    any other only the type.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        push: PushProvider,
        *,
        outcome: OnOutcome,
        expected: type[Exception],
    ) -> None:
        self.via: callback_url.Via | None = None
        self.is_registered = False
        self.has_failed = False
        self._is_confirming = False
        self._is_changed = False
        self._rechecks = 0
        self._hass = hass
        self._entry = entry
        self._push = push
        self._outcome = outcome
        self._expected = expected
        self._state = async_get_subscription_state(hass, entry)
        if self._state.terms != push.terms:
            self._state.terms, self._state.listed = push.terms, None
        self._attempts = 0
        self._url: str | None = None
        self._lock = asyncio.Lock()
        self._cancel_retry: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Register in the background, and again when the callback URL changes."""
        on_unload = self._entry.async_on_unload
        on_unload(self._cancel)
        on_unload(self._hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._on_core_config))
        on_unload(
            callback_url.async_listen_cloud(self._hass, webhook_id(self._entry), self._follow)
        )
        self.async_check()

    @callback
    def _on_core_config(self, event: Event[Any]) -> None:
        if "external_url" in event.data:
            self._follow()

    @callback
    def _follow(self) -> None:
        """Register at the new callback URL; reload if the account has no webhook yet."""
        if webhook_id(self._entry) is None and callback_url.is_callable_url(self._hass):
            self._hass.config_entries.async_schedule_reload(self._entry.entry_id)
            return
        self._attempts = 0
        self.async_check()

    @callback
    def async_check(self, *, anew: bool = False) -> None:
        """Check the registrations in the background; `anew` fetches the vendor's list."""
        if anew:
            self._state.listed = None
        self._cancel()
        if webhook_id(self._entry) is not None:
            self._entry.async_create_background_task(
                self._hass, self._register(), f"{self._entry.domain} push registration"
            )

    async def _register(self) -> None:
        """Register each kind exactly once at the present callback URL; retry later if that fails."""
        async with self._lock:
            self._is_confirming = self._is_changed = False
            try:
                target = await callback_url.async_callback_url(
                    self._hass, webhook_id(self._entry) or ""
                )
                self.via = target.via if target else None
                self._url = target.url if target else None
                if (target is not None and self._push.kinds) or _known_registrations(self._entry):
                    await self._reconcile(target.url if target else None)
                if _previous(self._entry) and not self._is_confirming:
                    await self._forget_previous()
            except callback_url.CloudNotConnectedError:
                return
            except Exception as err:  # noqa: BLE001  reported by type; polling goes on in any case
                self._on_failure(err)
            else:
                self._on_success()

    async def _reconcile(self, url: str | None) -> None:
        """Reconcile the registrations: exactly one of each kind leads to `url`.

        After a change of the URL the previous registrations stay until the new ones are in use.
        """
        state = self._state
        self._push.known = _known_registrations(self._entry)
        listed = await self._list()
        if self._is_unlisted(url, listed):
            self.is_registered = self._is_confirming = True
            self._confirm_later()
            return
        ours = {
            number: registration
            for number, registration in listed.items()
            if self._is_ours(registration)
        }
        kept = _in_order(ours.values(), url)
        lacking = [kind for kind in self._push.kinds if url is not None and kind not in kept]
        self.is_registered = url is not None and not lacking
        self._is_changed = bool(lacking)
        for kind in lacking:
            state.listed = None  # after a failure it is unknown what the vendor did
            registration = await self._establish(url or "", kind, ours.values())
            kept[kind] = listed[registration.id] = ours[registration.id] = registration
            state.registered_at = dt_util.utcnow()
            self._store_registrations(ours)
        self.is_registered = url is not None and bool(self._push.kinds)
        state.registered_at = state.registered_at or dt_util.utcnow()
        self._store_registrations(ours)
        if _previous(self._entry) and (lacking or not self._is_in_use):
            self._is_confirming = True
            if lacking:
                self._confirm_later()
            return
        wanted = {registration.id for registration in kept.values()}
        for number in [number for number in ours if number not in wanted]:
            registration = ours.pop(number)
            if registration.is_active:
                state.listed = None
                await self._push.remove(number)
                del listed[number]
            self._store_registrations(ours)
        state.listed = listed

    def _is_unlisted(self, url: str | None, listed: Mapping[str, Subscription]) -> bool:
        """Return whether the list may be older than a registration of the new URL."""
        made_at = self._state.registered_at
        is_recent = made_at is not None and dt_util.utcnow() - made_at < LISTED_WITHIN
        return (
            is_recent
            and bool(_previous(self._entry))
            and any(
                number not in listed and callback_url.is_same_url(known, url)
                for number, known in _known_registrations(self._entry).items()
            )
        )

    @property
    def _is_in_use(self) -> bool:
        """Return whether the new URL is in use: where webhooks carry data, once a request was received there."""
        return (
            not self._push.carries_data or webhook_id(self._entry) in self._state.used_webhook_ids
        )

    @callback
    def _confirm_later(self) -> None:
        """Schedule fetching the vendor's list to see whether it shows the new URL."""
        self._state.listed = None
        self._cancel()
        self._cancel_retry = async_call_later(self._hass, CONFIRM_SECONDS, self._retry)

    @callback
    def async_received(self, used_id: str) -> None:
        """Record a received request; the first one at a new URL ends the use of the previous one."""
        if not _previous(self._entry) or used_id in self._state.used_webhook_ids:
            return
        self._state.used_webhook_ids.add(used_id)
        if used_id == webhook_id(self._entry):
            self.async_check(anew=True)

    async def _forget_previous(self) -> None:
        """Unregister previous webhook ids: no registration at the vendor leads to them any more."""
        for each in _previous(self._entry):
            await callback_url.async_forget_cloudhook(self._hass, each)
            webhook.async_unregister(self._hass, each)
        data = {
            key: value for key, value in self._entry.data.items() if key != CONF_PREVIOUS_WEBHOOKS
        }
        self._hass.config_entries.async_update_entry(self._entry, data=data)

    def _leads_to_previous(self, registration: Subscription) -> bool:
        return any(
            callback_url.ends_with(registration.url, each) for each in _previous(self._entry)
        )

    async def _establish(self, url: str, kind: str, ours: Iterable[Subscription]) -> Subscription:
        """Register a kind, by amending an outdated registration of ours, else by a new one.

        A registration that leads to a previous URL of ours is kept until the new one is in use.
        """
        former = next(
            (
                registration
                for registration in ours
                if registration.kind == kind and not self._leads_to_previous(registration)
            ),
            None,
        )
        amended = await self._push.amend(former, url) if former else None
        return amended or await self._push.register(url, kind)

    async def _list(self) -> dict[str, Subscription]:
        now = self._hass.loop.time()
        held = self._state.listed
        if held is None or now - self._state.listed_at >= LIST_SECONDS:
            held = {
                registration.id: registration for registration in await self._push.registrations()
            }
            self._state.listed, self._state.listed_at = held, now
        return dict(held)

    def _is_ours(self, registration: Subscription) -> bool:
        known = _known_registrations(self._entry).get(registration.id)
        is_at_ours = any(
            callback_url.ends_with(registration.url, each) for each in webhook_ids(self._entry)
        )
        return is_at_ours or callback_url.is_same_url(registration.url, known)

    @callback
    def _store_registrations(self, ours: Mapping[str, Subscription]) -> None:
        active = {
            number: registration.url
            for number, registration in ours.items()
            if registration.is_active
        }
        if active != _known_registrations(self._entry):
            self._hass.config_entries.async_update_entry(
                self._entry, data={**self._entry.data, CONF_REGISTRATIONS: active}
            )

    @callback
    def _on_failure(self, err: Exception) -> None:
        self._state.errors[type(err).__name__] += 1
        if not self.has_failed:
            self.has_failed = True
            _LOGGER.warning(
                "%s: webhooks could not be registered at the vendor, %s: %s",
                self._entry.title,
                "its messages do not come" if self._push.carries_data else "polling goes on",
                err if isinstance(err, self._expected) else type(err).__name__,
            )
        delay = min(RETRY_SECONDS * 2**self._attempts, MAX_RETRY_SECONDS)
        self._attempts = min(self._attempts + 1, 16)
        self._cancel()
        self._cancel_retry = async_call_later(self._hass, max(delay, wait_of(err)), self._retry)
        self._outcome(err)

    @callback
    def _on_success(self) -> None:
        self._attempts = 0
        if self.has_failed:
            self.has_failed = False
            _LOGGER.info("%s: webhooks are registered at the vendor", self._entry.title)
        self._recheck()
        self._outcome(None)

    @callback
    def _recheck(self) -> None:
        """Schedule another check, a few times at most, that a change has persisted at the vendor."""
        seconds = self._push.recheck_seconds
        if not self._is_changed:
            self._rechecks = 0
        elif seconds is not None and self._rechecks < MAX_RECHECKS:
            self._rechecks += 1
            self._state.listed = None
            self._cancel()
            self._cancel_retry = async_call_later(self._hass, seconds, self._retry)

    @property
    def serves(self) -> bool:
        """Return whether a webhook that was registered before leads to the present URL."""
        known = _known_registrations(self._entry).values()
        return any(callback_url.is_same_url(url, self._url) for url in known)

    @callback
    def _retry(self, _now: datetime) -> None:
        self.async_check()

    @callback
    def _cancel(self) -> None:
        if self._cancel_retry is not None:
            self._cancel_retry()
            self._cancel_retry = None


def _in_order(ours: Iterable[Subscription], url: str | None) -> dict[str, Subscription]:
    """Return the first registration of each kind that needs no change."""
    registration: dict[str, Subscription] = {}
    for each in ours:
        if each.is_active and each.is_sound and callback_url.is_same_url(each.url, url):
            registration.setdefault(each.kind, each)
    return registration


def wait_of(err: Exception) -> float:
    """Return the seconds of the vendor's Retry-After, 0 without one."""
    return float(getattr(err, "wait", 0.0))
