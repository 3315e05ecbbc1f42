"""VizioSense as a vendor: two ways to sign in, one list to poll, and messages that say the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
import hashlib
import secrets
from types import MappingProxyType
from typing import Any, Final, override

import aiohttp
from homeassistant.const import (
    CONF_PASSWORD,
    CONF_TOKEN,
    CONF_URL,
    CONF_USERNAME,
    CONF_WEBHOOK_ID,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ...client.auth import NoAuth
from ...client.budget import RequestBudget
from ...client.downloads import SafeDownloader
from ...client.errors import NothingListedError
from ...client.transport import Transport
from ...contract.media import SnapshotCache
from ...contract.vendor import (
    ActionHandler,
    Connection,
    Feed,
    Identity,
    PersistData,
    SignInForm,
    Vendor,
)
from ...models import ChannelId, FeedUpdate, Inventory, Job, Picture, Reading
from ...models import Device as ModelDevice
from .action_schemas import ACTIONS
from .actions import VizioSenseActions
from .camera_state import CameraState, from_memory, to_memory
from .client import VizioSenseClient
from .count_entities import lasting_readings, live_places_lists, places_list
from .entities import (
    INVENTORY,
    MESSAGES,
    account_device,
    camera_channels,
    camera_device,
    camera_id,
    camera_readings,
    is_listed,
    push_channel,
)
from .forms import (
    CONF_BARRIERS,
    CONF_DEVICES,
    DEFAULT_URL,
    SINCE_EVER,
    SINCE_LAST,
    STAGING_URL,
    login_schema,
    options_schema,
    token_schema,
)
from .hardware import HARDWARE
from .media_library import VizioSenseLibrary
from .models import Device, meaning
from .push import VizioSensePush
from .sign_in import LoginSignIn, TokenSignIn
from .snapshots import VizioSenseCameras

# What a log-in brought, and the header by which a call proves that the vendor makes it.
CONF_TOKENS: Final = "tokens"
CONF_SECRET: Final = "push_secret"  # noqa: S105  the name of a field

_USUAL_INTERVAL: Final = timedelta(minutes=5)
_MIN_INTERVAL: Final = timedelta(seconds=30)


class VizioSenseConnection(Connection):
    """One VizioSense account."""

    hardware = HARDWARE

    def __init__(
        self,
        session: aiohttp.ClientSession,
        transport: Transport,
        sign_in: TokenSignIn | LoginSignIn,
        *,
        username: str | None,
        options: Mapping[str, Any],
        secret: str | None,
    ) -> None:
        self._transport = transport
        self._sign_in = sign_in
        self._username = username
        self.transport = transport
        self._client = VizioSenseClient(transport)
        self._chosen = frozenset[str](options.get(CONF_DEVICES, ()))
        self._are_totals = options.get(CONF_BARRIERS, SINCE_LAST) == SINCE_EVER
        self._devices: dict[str, Device] = {}
        self._left_out: dict[str, ModelDevice] = {}
        self._scenes: dict[str, CameraState] = {}
        self._links = SafeDownloader(session, transport.url, sign_in.headers)
        self.cameras: VizioSenseCameras = VizioSenseCameras(
            self._client, self._links, self._album, self._now
        )
        self.library: VizioSenseLibrary = VizioSenseLibrary(
            self._devices, self._album, dt_util.get_default_time_zone
        )
        self._messages = VizioSensePush(
            self._client,
            secret or "",
            self._devices,
            self._scenes,
            now=self._now,
            are_totals=self._are_totals,
            relist=self._relist,
            inventory=lambda: self._inventory(is_complete=False),
            changed=self._changed,
        )
        if secret:
            self.push = self._messages
        self._actions = VizioSenseActions(self._client, self._devices, self._album)

    def _album(self) -> SnapshotCache | None:
        return self.album

    def _now(self) -> datetime:
        return self._transport.budget.now_utc()

    @override
    async def identify(self) -> Identity:
        """By the user who logged in, else by the host and the first of the devices that a token shows."""
        devices = (await self._client.list_devices()).value
        shown = frozenset(camera_id(device.uuid) for device in devices)
        if isinstance(self._sign_in, LoginSignIn):
            user = (self._sign_in.user or self._username or "").strip().lower()
            digest = hashlib.sha256(user.encode()).hexdigest()[:16]
            return Identity(f"user-{digest}", f"{VizioSenseVendor.name} {digest[:6]}", shown)
        if not devices:
            raise NothingListedError("the token shows no device")
        first = min(device.uuid for device in devices)
        return Identity(
            f"{self._transport.url.host}-{first}",
            f"{VizioSenseVendor.name} {first[:6]}",
            shown,
            is_nameless=True,
        )

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return self._actions.handlers

    @override
    def recall(self, memory: Mapping[str, Any]) -> None:
        for uuid, scene in from_memory(memory).items():
            scene.are_totals = self._are_totals
            self._scenes[uuid] = scene

    def _changed(self) -> None:
        if self.remember is not None:
            self.remember(lambda: to_memory(self._scenes))

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return {"messages": dict(self._messages.counts), "scenes": len(self._scenes)}

    # -- the list of devices --

    @property
    @override
    def inventory_feed(self) -> Feed:
        return Feed(INVENTORY, self._fetch_inventory, _USUAL_INTERVAL, _MIN_INTERVAL, is_whole=True)

    @override
    def scope_of(self, channel: ChannelId) -> str:
        if is_listed(channel.key):
            return INVENTORY
        return places_list(channel) or MESSAGES

    @override
    def feeds(self, inventory: Inventory) -> Sequence[Feed]:
        return ()

    async def _relist(self) -> FeedUpdate:
        return await self._fetch_inventory(frozenset())

    async def _fetch_inventory(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        answer = await self._client.list_devices()
        shown = [
            device for device in answer.value if not self._chosen or device.uuid in self._chosen
        ]
        self._devices.clear()
        self._devices.update((device.uuid, device) for device in shown)
        self._left_out = {
            camera_id(device.uuid): camera_device(device)
            for device in answer.value
            if device.uuid not in self._devices
        }
        self._messages.left_out = frozenset(
            name
            for device in answer.value
            if device.uuid not in self._devices
            for name in (device.uuid, device.client_identifier)
            if name
        )
        welcomed = self._messages.welcome()
        readings: dict[ChannelId, Reading] = {}
        for device in shown:
            readings |= self._readings(device)
        return FeedUpdate(
            readings={**readings, **welcomed.readings},
            vendor_events=welcomed.vendor_events,
            freshness=answer.freshness,
            inventory=replace(
                self._inventory(is_complete=not answer.rejected),
                lists=self._lists(
                    min((reply.received for reply in answer.freshness), default=None)
                ),
            ),
            rejected=answer.rejected,
        )

    def _lists(self, received: float | None) -> Mapping[str, float | None]:
        """Return the lists shown in full: the devices, and the places that cameras have sent since start."""
        sent = {
            name: received
            for uuid in self._devices
            if (scene := self._scenes.get(uuid)) is not None
            for name in live_places_lists(camera_id(uuid), scene)
        }
        return {INVENTORY: received, **sent}

    def _readings(self, device: Device) -> dict[ChannelId, Reading]:
        """What is known of a camera; what messages said since the start stands without being repeated."""
        name, scene = camera_id(device.uuid), self._scenes.get(device.uuid)
        readings = camera_readings(device, scene, self._now()) | self.cameras.readings(name)
        if scene is not None:
            readings |= lasting_readings(name, scene)
        return readings

    def _inventory(self, *, is_complete: bool) -> Inventory:
        """The account's devices and channels, those included that messages have called for."""
        channels = [push_channel()] if self.push is not None else []
        for device in self._devices.values():
            channels += camera_channels(camera_id(device.uuid), self._press, self._picture)
            channels += self._messages.channels_of(device.uuid)
        return Inventory(
            devices=[account_device(), *map(camera_device, self._devices.values())],
            channels=channels,
            left_out=frozenset(self._left_out),
            left_out_devices=list(self._left_out.values()),
            is_complete=is_complete,
        )

    # -- what channels do --

    async def _press(self, device: str) -> Job | None:
        """Ask for a picture; whether it came is followed."""
        if self.album is None:
            return None
        development = await self.album.ask(device)
        return Job("snapshot", development.state)

    async def _picture(self, device: str, kind: str) -> Picture | None:
        return await self.album.newest(device, kind) if self.album else None

    @override
    async def options_schema(self) -> vol.Schema:
        devices = (await self._client.list_devices()).value
        choices = {device.uuid: device.name or device.uuid for device in devices}
        choices |= {gone: gone for gone in self._chosen if gone not in choices}
        return options_schema(choices)


class VizioSenseVendor(Vendor):
    """VizioSense; one account is what one API token, or one user, has access to."""

    key = "viziosense"
    name = "VizioSense"
    default_url = DEFAULT_URL
    placeholders = MappingProxyType({"staging": STAGING_URL})
    has_push = True
    actions = ACTIONS
    device_options = (CONF_DEVICES,)
    more_platforms = ("camera", "image")

    @property
    @override
    def forms(self) -> Sequence[SignInForm]:
        return (
            SignInForm("viziosense_token", self.sign_in_schema),
            SignInForm("viziosense_login", login_schema),
        )

    @override
    def sign_in_schema(self, *, only_secrets: bool = False) -> vol.Schema:
        return token_schema(only_secrets=only_secrets)

    @override
    def budget_key(self, data: Mapping[str, Any]) -> str:
        who = data.get(CONF_USERNAME) or _digest(data.get(CONF_TOKEN, ""))
        return f"{self.key} {data[CONF_URL]} {who}"

    @override
    def connect(
        self,
        session: aiohttp.ClientSession,
        budget: RequestBudget,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        keep: PersistData,
    ) -> VizioSenseConnection:
        url, username = data[CONF_URL], data.get(CONF_USERNAME)
        sign_in: TokenSignIn | LoginSignIn
        if username is not None:
            door = VizioSenseClient(Transport(session, url, NoAuth(), budget, error_status=meaning))
            password = data[CONF_PASSWORD]
            sign_in = LoginSignIn(
                username,
                lambda: door.login(username, password),
                data.get(CONF_TOKENS) or {},
                lambda tokens: keep({CONF_TOKENS: dict(tokens)}),
            )
        else:
            sign_in = TokenSignIn(data[CONF_TOKEN])
            if data.get(CONF_TOKENS):
                keep({CONF_TOKENS: None})
        return VizioSenseConnection(
            session,
            Transport(session, url, sign_in, budget, error_status=meaning),
            sign_in,
            username=username,
            options=options,
            secret=_secret(data, keep),
        )


def _secret(data: Mapping[str, Any], keep: PersistData) -> str | None:
    """What the vendor's calls prove themselves by, made as soon as it could call in."""
    if CONF_WEBHOOK_ID not in data:
        return None
    secret: str | None = data.get(CONF_SECRET)
    if secret is None:
        secret = secrets.token_urlsafe(32)
        keep({CONF_SECRET: secret})
    return secret


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]
