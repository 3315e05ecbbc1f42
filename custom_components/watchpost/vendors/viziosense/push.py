"""VizioSense's webhooks: their registration and their messages.

Messages exist only in webhooks, so they are accepted if they have the secret header of the registration. A keep-alive
shows only that a camera is connected; it is accepted without the header until one arrived with it, because the vendor
does not document whether it has one. The webhook URL itself is a secret.
"""

from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import hmac
from typing import Final, override

from aiohttp.hdrs import METH_GET, METH_POST
from msgspec import structs

from ...client.errors import UnexpectedResponseError
from ...contract.push import ChangeHint, PushMessage, PushProvider, Subscription
from ...models import (
    Call,
    Channel,
    ChannelId,
    FeedUpdate,
    Inventory,
    Reading,
    VendorEvent,
    VendorEventType,
)
from .camera_state import KEEPALIVE, MAX_MISSED, CameraState, MessageVerdict, sent_at
from .client import VizioSenseClient
from .count_entities import message_channels, message_readings
from .entities import ACCOUNT, CONNECTIVITY, LAST_KEEPALIVE, PUSH, camera_id
from .messages import Message, parse_content, parse_message, to_event_text
from .models import Device, Pair, Webhook, WebhookType

HEADER: Final = "X-Watchpost-Secret"
SOURCE: Final = "VIZIOSENSE"

_UNKNOWN: Final = "unknown"
_MAX_UNKNOWN: Final = 64
# A larger message of an unknown camera is not stored: the camera's next one repeats its content.
_MAX_PENDING_BYTES: Final = 64 * 1024
# Minimum pause between requests of the device list for unknown cameras: the poll interval, doubled while the list lacks
# them, so that cameras that never appear cause few requests.
_MIN_RELIST_PAUSE: Final = timedelta(minutes=5)
_MAX_RELIST_PAUSE: Final = timedelta(days=1)

type Relist = Callable[[], Awaitable[FeedUpdate]]


@dataclass(frozen=True, slots=True)
class _PendingMessage:
    """A stored message of an unknown camera."""

    message: Message
    received: datetime


class VizioSensePush(PushProvider):
    """Register the webhooks of one account and apply their messages.

    `devices` and `states` are the account's own, by uuid. `are_totals`: barriers send totals, not increments.
    `relist` fetches the list of devices; `inventory` returns all devices and channels, of the list and of messages.
    `save_state` is called after each applied message.
    """

    channel = ChannelId(ACCOUNT, PUSH)
    kinds = tuple(WebhookType)
    methods = (METH_GET, METH_POST)
    # A message with ten thousand places, far more than a camera sees, has 1.5 MiB.
    max_bytes = 2 * 1024 * 1024
    silence = MAX_MISSED * KEEPALIVE
    carries_data = True

    def __init__(
        self,
        client: VizioSenseClient,
        secret: str,
        devices: Mapping[str, Device],
        states: dict[str, CameraState],
        *,
        now: Callable[[], datetime],
        are_totals: bool,
        relist: Relist,
        inventory: Callable[[], Inventory],
        save_state: Callable[[], None],
    ) -> None:
        self._client = client
        self._secret = secret
        self._devices = devices
        self._states = states
        self._now = now
        self._are_totals = are_totals
        self._relist = relist
        self._inventory = inventory
        self._save_state = save_state
        self._known_channels: dict[str, frozenset[ChannelId]] = {}
        self._unknown: OrderedDict[str, _PendingMessage | None] = OrderedDict()
        self._relisted_at: datetime | None = None
        # After one keep-alive with the secret, keep-alives without it are forged.
        self._are_keepalives_signed = False
        self._relist_pause = _MIN_RELIST_PAUSE
        # Ids of listed cameras that the options exclude; their messages are ignored.
        self.left_out: frozenset[str] = frozenset()
        # Messages by verdict, and rejected records by place and reason, for diagnostics.
        self.counts: Counter[str] = Counter()

    # -- subscriptions --

    @override
    async def registrations(self) -> Sequence[Subscription]:
        return [
            Subscription(
                id=webhook.id or "",
                url=webhook.url,
                kind=webhook.type,
                is_active=webhook.is_active,
                is_sound=self._is_ours(webhook),
            )
            for webhook in await self._client.list_webhooks()
        ]

    @property
    def _header(self) -> Pair:
        return Pair(HEADER, self._secret)

    def _is_ours(self, webhook: Webhook) -> bool:
        """Return whether a webhook has the secret header, as far as the vendor shows its value."""
        return any(
            pair.name.lower() == HEADER.lower() and (pair.value == self._secret or pair.is_hidden)
            for pair in webhook.headers
        )

    @override
    async def register(self, url: str, kind: str = "") -> Subscription:
        """Add a webhook; its id comes from the response (undocumented) or from the list."""
        added = await self._client.add_webhook(Webhook(url, kind, headers=(self._header,)))
        if added is None or added.id is None:
            listed = await self._client.list_webhooks()
            matches = [webhook for webhook in listed if (webhook.url, webhook.type) == (url, kind)]
            added = matches[-1] if matches else None
        if added is None or added.id is None:
            raise UnexpectedResponseError("the webhook that was added is not listed")
        return Subscription(added.id, url, kind)

    @override
    async def amend(self, registration: Subscription, url: str) -> Subscription | None:
        """Enable an own webhook with the current URL and header, because the vendor cannot delete it."""
        webhook = Webhook(url, registration.kind, headers=(self._header,), id=registration.id)
        await self._client.update_webhook(webhook)
        return Subscription(registration.id, url, registration.kind)

    @override
    async def remove(self, registration_id: str) -> None:
        """Disable a webhook without other changes, because the vendor cannot delete it."""
        for webhook in await self._client.list_webhooks():
            if webhook.id == registration_id and webhook.is_active:
                disabled = structs.replace(webhook, is_active=False, headers=(self._header,))
                await self._client.update_webhook(disabled)

    # -- messages --

    @override
    def is_proven(self, method: str, headers: Mapping[str, str]) -> bool:
        header = headers.get(HEADER.lower())
        if header is None:
            return method == METH_GET and not self._are_keepalives_signed
        # aiohttp decodes header bytes that are not UTF-8 as surrogate escapes.
        is_ours = hmac.compare_digest(
            header.encode(errors="surrogateescape"), self._secret.encode()
        )
        self._are_keepalives_signed |= is_ours and method == METH_GET
        return is_ours

    @override
    def receive(self, call: Call) -> PushMessage | None:
        received = call.received_at or self._now()
        if call.query.get("source") == SOURCE and not call.body.strip():
            return self._receive_keepalive(call.query.get("id", ""), received)
        if HEADER.lower() not in call.headers:
            return None  # `is_proven` accepted it as a keep-alive, but it is none
        message = parse_message(call.body)
        return None if message is None else self._receive_message(message, len(call.body), received)

    def _receive_keepalive(self, stated_id: str, now: datetime) -> PushMessage | None:
        if (uuid := self._uuid_of(stated_id)) is None:
            return self._register_unknown(stated_id, None)
        state = self._state_of(uuid)
        state.record_contact(now)
        state.keepalive_at = now
        keepalive = {ChannelId(camera_id(uuid), LAST_KEEPALIVE): Reading(now)}
        readings = self._readings(camera_id(uuid), state, now) | keepalive
        return PushMessage(update=FeedUpdate(readings=readings))

    def _readings(
        self, device: str, state: CameraState, received: datetime
    ) -> dict[ChannelId, Reading]:
        """Return a camera's readings; a message received too long ago does not show that it is connected."""
        now = self._now()
        state.expire(now)
        readings = dict(message_readings(device, state))
        if now - received <= self.silence:
            readings[ChannelId(device, CONNECTIVITY)] = Reading(True)
        return readings

    def _receive_message(self, message: Message, size: int, now: datetime) -> PushMessage | None:
        if (uuid := self._uuid_of(message.stream)) is None:
            pending = _PendingMessage(message, now) if size <= _MAX_PENDING_BYTES else None
            return self._register_unknown(message.stream, pending)
        return PushMessage(update=self._apply(uuid, message, now))

    def _apply(self, uuid: str, message: Message, now: datetime) -> FeedUpdate:
        """Apply a message of a known camera, received at `now`, unless it is repeated or outdated."""
        state = self._state_of(uuid)
        verdict = state.classify(message, now)
        self.counts[verdict.value] += 1
        if verdict is not MessageVerdict.NEW:
            return FeedUpdate()
        content = parse_content(message)
        state.apply(message, content, now)
        self.counts.update(content.rejected)
        self._save_state()
        device = camera_id(uuid)
        vendor_events = [] if content.is_known else [_message_event(device, message, now)]
        return FeedUpdate(
            readings=self._readings(device, state, now),
            vendor_events=vendor_events,
            inventory=self._changed_inventory(device, state),
        )

    def _changed_inventory(self, device: str, state: CameraState) -> Inventory | None:
        """Return the inventory if the channels of a camera have changed."""
        known = frozenset(channel.id for channel in message_channels(device, state))
        previous, self._known_channels[device] = self._known_channels.get(device), known
        return None if previous == known else self._inventory()

    def channels_of(self, uuid: str) -> Sequence[Channel]:
        """Return the channels of all that a camera has reported so far."""
        state = self._states.get(uuid)
        return message_channels(camera_id(uuid), state) if state else ()

    def _state_of(self, uuid: str) -> CameraState:
        return self._states.setdefault(uuid, CameraState(are_totals=self._are_totals))

    def _uuid_of(self, stated_id: str) -> str | None:
        """Return the uuid for "the ID of your device" in a message, which is the uuid or the client identifier."""
        if stated_id in self._devices:
            return stated_id
        return next(
            (
                uuid
                for uuid, device in self._devices.items()
                if stated_id and device.client_identifier == stated_id
            ),
            None,
        )

    # -- unknown cameras --

    def _register_unknown(
        self, stated_id: str, pending: _PendingMessage | None
    ) -> PushMessage | None:
        """Request the list of devices, once for each unknown id, and store its last message until then."""
        if not stated_id or len(stated_id) > 64:
            return None
        if stated_id in self.left_out:
            self.counts["left_out"] += 1
            return PushMessage()
        self.counts["strangers"] += 1
        is_new = stated_id not in self._unknown
        self._unknown[stated_id] = pending or self._unknown.get(stated_id)
        if len(self._unknown) > _MAX_UNKNOWN:
            self._unknown.popitem(last=False)
        now = self._now()
        if not is_new or (self._relisted_at and now - self._relisted_at < self._relist_pause):
            return PushMessage()
        self._relisted_at = now
        self._relist_pause = min(2 * self._relist_pause, _MAX_RELIST_PAUSE)
        return PushMessage(hint=ChangeHint(_UNKNOWN, ""))

    @override
    async def confirm(self, hints: frozenset[ChangeHint]) -> FeedUpdate:
        """Fetch the list of devices; it counts as incomplete, so that it removes no devices between polls."""
        listed = await self._relist()
        inventory = listed.inventory and replace(listed.inventory, is_complete=False)
        return replace(listed, inventory=inventory)

    def apply_pending(self) -> FeedUpdate:
        """Apply the stored messages of cameras that the list of devices names now.

        A message older than the maximum silence is dropped: it says nothing of the present.
        """
        readings: dict[ChannelId, Reading] = {}
        vendor_events: list[VendorEvent] = []
        for stated_id, pending in list(self._unknown.items()):
            if stated_id in self.left_out:
                del self._unknown[stated_id]
                continue
            if (uuid := self._uuid_of(stated_id)) is None:
                continue
            del self._unknown[stated_id]
            self._relist_pause = _MIN_RELIST_PAUSE
            if pending is not None and self._now() - pending.received <= self.silence:
                update = self._apply(uuid, pending.message, pending.received)
                readings |= update.readings
                vendor_events += update.vendor_events
        return FeedUpdate(readings=readings, vendor_events=vendor_events)


def _message_event(device: str, message: Message, received: datetime) -> VendorEvent:
    """Return the event of a message of an unknown type."""
    return VendorEvent(
        id=f"message {message.digest}",
        type=VendorEventType.MESSAGE_RECEIVED,
        at=sent_at(message, received),
        device=device,
        data={"message_type": message.type, "payload": to_event_text(message.payload)},
    )
