"""VizioSense's webhooks: how they are registered, and what their calls say.

What a camera sees comes by webhook alone, so it is believed, if the call carries the secret header that was registered.
A keep-alive says no more than that a camera lives; it counts without the header until one came with it, since nobody
has documented whether it comes with one. The address itself is a secret.
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
from .camera_state import KEEPALIVE, MISSED, CameraState, MessageVerdict, sent_at
from .client import VizioSenseClient
from .count_entities import scene_channels, scene_readings
from .entities import ACCOUNT, CONNECTIVITY, LAST_KEEPALIVE, PUSH, camera_id
from .messages import Message, parse_message, read_content, trimmed
from .models import Device, Pair, Webhook, WebhookType

HEADER: Final = "X-Watchpost-Secret"
SOURCE: Final = "VIZIOSENSE"

_UNKNOWN: Final = "unknown"
_MAX_UNKNOWN: Final = 64
# A larger message is not held until the list of devices is there: the camera's next one says it again.
_MAX_HELD: Final = 64 * 1024
# However many strangers call, the list is asked for no more often than it is polled; where it names none of them,
# ever more rarely: each of them would be asked about for ever.
_RELIST: Final = timedelta(minutes=5)
_MAX_RELIST: Final = timedelta(days=1)

type Relist = Callable[[], Awaitable[FeedUpdate]]


@dataclass(frozen=True, slots=True)
class _Held:
    """A message of a camera that is not known yet."""

    message: Message
    received: datetime


class VizioSensePush(PushProvider):
    """The webhooks of one account.

    `devices` and `scenes` are what the account knows, by uuid. `are_totals`: barriers tell what they counted since
    ever. `relist` asks for the list of devices; `inventory` is what there is by the last one and by all messages.
    `changed` is called whenever something was learned that must not be lost.
    """

    channel = ChannelId(ACCOUNT, PUSH)
    kinds = tuple(WebhookType)
    methods = (METH_GET, METH_POST)
    # A parking lot with ten thousand places, which no camera sees, is 1.5 MiB.
    max_bytes = 2 * 1024 * 1024
    silence = MISSED * KEEPALIVE
    carries_data = True

    def __init__(
        self,
        client: VizioSenseClient,
        secret: str,
        devices: Mapping[str, Device],
        scenes: dict[str, CameraState],
        *,
        now: Callable[[], datetime],
        are_totals: bool,
        relist: Relist,
        inventory: Callable[[], Inventory],
        changed: Callable[[], None],
    ) -> None:
        self._client = client
        self._secret = secret
        self._devices = devices
        self._scenes = scenes
        self._now = now
        self._are_totals = are_totals
        self._relist = relist
        self._inventory = inventory
        self._changed = changed
        self._shown: dict[str, frozenset[ChannelId]] = {}
        self._strangers: OrderedDict[str, _Held | None] = OrderedDict()
        self._relisted_at: datetime | None = None
        # One that came with the secret shows that the vendor sends it with them: from then on others are forged.
        self._are_keepalives_signed = False
        self._relist_pause = _RELIST
        # The ids of cameras that the vendor lists and the options leave out: what they say is passed over.
        self.left_out: frozenset[str] = frozenset()
        # What became of messages, and what of them was set aside, by place and reason.
        self.counts: Counter[str] = Counter()

    # -- registrations --

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
        """Whether a webhook's calls carry the secret, as far as the vendor shows it."""
        return any(
            pair.name.lower() == HEADER.lower() and (pair.value == self._secret or pair.is_hidden)
            for pair in webhook.headers
        )

    @override
    async def register(self, url: str, kind: str = "") -> Subscription:
        """Add a webhook. Where the echo does not tell its id, which is not documented, the list does."""
        added = await self._client.add_webhook(Webhook(url, kind, headers=(self._header,)))
        if added is None or added.id is None:
            listed = await self._client.list_webhooks()
            same = [each for each in listed if (each.url, each.type) == (url, kind)]
            added = same[-1] if same else None
        if added is None or added.id is None:
            raise UnexpectedResponseError("the webhook that was added is not listed")
        return Subscription(added.id, url, kind)

    @override
    async def amend(self, registration: Subscription, url: str) -> Subscription | None:
        """Switch one of ours on again, with the address and header of now: the vendor deletes none."""
        webhook = Webhook(url, registration.kind, headers=(self._header,), id=registration.id)
        await self._client.update_webhook(webhook)
        return Subscription(registration.id, url, registration.kind)

    @override
    async def remove(self, registration_id: str) -> None:
        """Switch a webhook off, leaving all else of it as it is: the vendor deletes none."""
        for webhook in await self._client.list_webhooks():
            if webhook.id == registration_id and webhook.is_active:
                off = structs.replace(webhook, is_active=False, headers=(self._header,))
                await self._client.update_webhook(off)

    # -- calls --

    @override
    def is_proven(self, method: str, headers: Mapping[str, str]) -> bool:
        given = headers.get(HEADER.lower())
        if given is None:
            return method == METH_GET and not self._are_keepalives_signed
        # Bytes that are no UTF-8 stand in a header as halves of surrogate pairs.
        is_ours = hmac.compare_digest(given.encode(errors="surrogateescape"), self._secret.encode())
        self._are_keepalives_signed |= is_ours and method == METH_GET
        return is_ours

    @override
    def receive(self, call: Call) -> PushMessage | None:
        received = call.received_at or self._now()
        if call.query.get("source") == SOURCE and not call.body.strip():
            return self._keepalive(call.query.get("id", ""), received)
        if HEADER.lower() not in call.headers:
            return None  # it was let in as a keep-alive, and is none
        message = parse_message(call.body)
        return None if message is None else self._message(message, len(call.body), received)

    def _keepalive(self, named: str, now: datetime) -> PushMessage | None:
        if (uuid := self._uuid_of(named)) is None:
            return self._stranger(named, None)
        scene = self._scene_of(uuid)
        scene.hear(now)
        scene.keepalive_at = now
        keepalive = {ChannelId(camera_id(uuid), LAST_KEEPALIVE): Reading(now)}
        readings = self._readings(camera_id(uuid), scene, now) | keepalive
        return PushMessage(update=FeedUpdate(readings=readings))

    def _readings(
        self, device: str, scene: CameraState, heard: datetime
    ) -> dict[ChannelId, Reading]:
        """Return what a camera shows that was heard then; a call that had to wait may be too old to say it is there."""
        now = self._now()
        scene.expire(now)
        readings = dict(scene_readings(device, scene))
        if now - heard <= self.silence:
            readings[ChannelId(device, CONNECTIVITY)] = Reading(True)
        return readings

    def _message(self, message: Message, size: int, now: datetime) -> PushMessage | None:
        if (uuid := self._uuid_of(message.stream)) is None:
            held = _Held(message, now) if size <= _MAX_HELD else None
            return self._stranger(message.stream, held)
        return PushMessage(update=self._taken(uuid, message, now))

    def _taken(self, uuid: str, message: Message, now: datetime) -> FeedUpdate:
        """Take a message of a camera that is known, unless it is no news; it came at `now`."""
        scene = self._scene_of(uuid)
        verdict = scene.judge(message, now)
        self.counts[verdict.name.lower()] += 1
        if verdict is not MessageVerdict.TAKEN:
            return FeedUpdate()
        content = read_content(message)
        scene.take(message, content, now)
        self.counts.update(content.rejected)
        self._changed()
        device = camera_id(uuid)
        told = [] if content.is_known else [_occurrence(device, message, now)]
        return FeedUpdate(
            readings=self._readings(device, scene, now),
            vendor_events=told,
            inventory=self._grown(device, scene),
        )

    def _grown(self, device: str, scene: CameraState) -> Inventory | None:
        """All that there is, if a message called for other channels than before."""
        known = frozenset(channel.id for channel in scene_channels(device, scene))
        before, self._shown[device] = self._shown.get(device), known
        return None if before == known else self._inventory()

    def channels_of(self, uuid: str) -> Sequence[Channel]:
        """The channels that a camera's messages have called for."""
        scene = self._scenes.get(uuid)
        return scene_channels(camera_id(uuid), scene) if scene else ()

    def _scene_of(self, uuid: str) -> CameraState:
        return self._scenes.setdefault(uuid, CameraState(are_totals=self._are_totals))

    def _uuid_of(self, named: str) -> str | None:
        """A message names its camera by "the ID of your device": by its uuid, or by what the integrator calls it."""
        if named in self._devices:
            return named
        return next(
            (
                uuid
                for uuid, each in self._devices.items()
                if named and each.client_identifier == named
            ),
            None,
        )

    # -- strangers --

    def _stranger(self, named: str, held: _Held | None) -> PushMessage | None:
        """Have the list of devices asked for, once for each id; its last message waits for that."""
        if not named or len(named) > 64:
            return None
        if named in self.left_out:
            self.counts["left_out"] += 1
            return PushMessage()
        self.counts["strangers"] += 1
        is_new = named not in self._strangers
        self._strangers[named] = held or self._strangers.get(named)
        if len(self._strangers) > _MAX_UNKNOWN:
            self._strangers.popitem(last=False)
        now = self._now()
        if not is_new or (self._relisted_at and now - self._relisted_at < self._relist_pause):
            return PushMessage()
        self._relisted_at = now
        self._relist_pause = min(2 * self._relist_pause, _MAX_RELIST)
        return PushMessage(hint=ChangeHint(_UNKNOWN, ""))

    @override
    async def confirm(self, hints: frozenset[ChangeHint]) -> FeedUpdate:
        """Ask for the list of devices; between polls, so what it lacks is not missed once more."""
        listed = await self._relist()
        inventory = listed.inventory and replace(listed.inventory, is_complete=False)
        return replace(listed, inventory=inventory)

    def welcome(self) -> FeedUpdate:
        """Take what waited for the list of devices; its channels are among those of the cameras from now on.

        What waited for longer than it would hold for a camera that is known says nothing of now.
        """
        readings: dict[ChannelId, Reading] = {}
        vendor_events: list[VendorEvent] = []
        for named, held in list(self._strangers.items()):
            if named in self.left_out:
                del self._strangers[named]
                continue
            if (uuid := self._uuid_of(named)) is None:
                continue
            del self._strangers[named]
            self._relist_pause = _RELIST
            if held is not None and self._now() - held.received <= self.silence:
                update = self._taken(uuid, held.message, held.received)
                readings |= update.readings
                vendor_events += update.vendor_events
        return FeedUpdate(readings=readings, vendor_events=vendor_events)


def _occurrence(device: str, message: Message, received: datetime) -> VendorEvent:
    """A message that is not understood, in short."""
    return VendorEvent(
        id=f"message {message.digest}",
        type=VendorEventType.MESSAGE_RECEIVED,
        at=sent_at(message, received),
        device=device,
        data={"message_type": message.type, "payload": trimmed(message.payload)},
    )
