"""VizioSense's vendor contract: two sign-ins, one polled list, and pushed messages."""

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
from .camera_state import CameraState, from_stored, to_stored
from .client import VizioSenseClient
from .count_entities import live_places_lists, places_list, total_readings
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
from .models import Device, error_status
from .push import VizioSensePush
from .sign_in import LoginSignIn, TokenSignIn
from .snapshots import VizioSenseCameras

# Keys of the entry's data: tokens of the sign-in, and the secret header of the webhooks.
CONF_TOKENS: Final = "tokens"
CONF_SECRET: Final = "push_secret"  # noqa: S105  the name of a field

_DEFAULT_INTERVAL: Final = timedelta(minutes=5)
_MIN_INTERVAL: Final = timedelta(seconds=30)


class VizioSenseConnection(Connection):
    """Connection of one VizioSense account."""

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
        self._chosen_devices = frozenset[str](options.get(CONF_DEVICES, ()))
        self._are_totals = options.get(CONF_BARRIERS, SINCE_LAST) == SINCE_EVER
        self._devices: dict[str, Device] = {}
        self._left_out: dict[str, ModelDevice] = {}
        self._states: dict[str, CameraState] = {}
        self._downloader = SafeDownloader(session, transport.url, sign_in.headers)
        self.cameras: VizioSenseCameras = VizioSenseCameras(
            self._client, self._downloader, self._snapshots, self._now
        )
        self.library: VizioSenseLibrary = VizioSenseLibrary(
            self._devices, self._snapshots, dt_util.get_default_time_zone
        )
        self._push = VizioSensePush(
            self._client,
            secret or "",
            self._devices,
            self._states,
            now=self._now,
            are_totals=self._are_totals,
            relist=self._relist,
            inventory=lambda: self._inventory(is_complete=False),
            save_state=self._save_state,
        )
        if secret:
            self.push = self._push
        self._actions = VizioSenseActions(self._client, self._devices, self._snapshots)

    def _snapshots(self) -> SnapshotCache | None:
        return self.album

    def _now(self) -> datetime:
        return self._transport.budget.now_utc()

    @override
    async def identify(self) -> Identity:
        """Return the identity of the user, or for a token that of the host and its first device."""
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
        for uuid, state in from_stored(memory).items():
            state.are_totals = self._are_totals
            self._states[uuid] = state

    def _save_state(self) -> None:
        if self.remember is not None:
            self.remember(lambda: to_stored(self._states))

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return {"messages": dict(self._push.counts), "scenes": len(self._states)}

    # -- inventory --

    @property
    @override
    def inventory_feed(self) -> Feed:
        return Feed(
            INVENTORY, self._fetch_inventory, _DEFAULT_INTERVAL, _MIN_INTERVAL, is_whole=True
        )

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
        response = await self._client.list_devices()
        shown = [
            device
            for device in response.value
            if not self._chosen_devices or device.uuid in self._chosen_devices
        ]
        self._devices.clear()
        self._devices.update((device.uuid, device) for device in shown)
        self._left_out = {
            camera_id(device.uuid): camera_device(device)
            for device in response.value
            if device.uuid not in self._devices
        }
        self._push.left_out = frozenset(
            name
            for device in response.value
            if device.uuid not in self._devices
            for name in (device.uuid, device.client_identifier)
            if name
        )
        pending = self._push.apply_pending()
        readings: dict[ChannelId, Reading] = {}
        for device in shown:
            readings |= self._readings(device)
        return FeedUpdate(
            readings={**readings, **pending.readings},
            vendor_events=pending.vendor_events,
            freshness=response.freshness,
            inventory=replace(
                self._inventory(is_complete=not response.rejected),
                lists=self._lists(
                    min((reply.received for reply in response.freshness), default=None)
                ),
            ),
            rejected=response.rejected,
        )

    def _lists(self, received: float | None) -> Mapping[str, float | None]:
        """Return the lists shown in full: the devices, and the places that cameras have sent since start."""
        sent = {
            name: received
            for uuid in self._devices
            if (state := self._states.get(uuid)) is not None
            for name in live_places_lists(camera_id(uuid), state)
        }
        return {INVENTORY: received, **sent}

    def _readings(self, device: Device) -> dict[ChannelId, Reading]:
        """Return the readings of a camera from the list; pushed values stay as they are, except for totals."""
        device_id, state = camera_id(device.uuid), self._states.get(device.uuid)
        readings = camera_readings(device, state, self._now()) | self.cameras.readings(device_id)
        if state is not None:
            readings |= total_readings(device_id, state)
        return readings

    def _inventory(self, *, is_complete: bool) -> Inventory:
        """Return the account's devices and channels, including those from messages."""
        channels = [push_channel()] if self.push is not None else []
        for device in self._devices.values():
            channels += camera_channels(camera_id(device.uuid), self._press, self._picture)
            channels += self._push.channels_of(device.uuid)
        return Inventory(
            devices=[account_device(), *map(camera_device, self._devices.values())],
            channels=channels,
            left_out=frozenset(self._left_out),
            left_out_devices=list(self._left_out.values()),
            is_complete=is_complete,
        )

    # -- channels' actions --

    async def _press(self, device: str) -> Job | None:
        """Request a snapshot and return the job to follow."""
        if self.album is None:
            return None
        snapshot = await self.album.ask(device)
        return Job("snapshot", snapshot.state)

    async def _picture(self, device: str, kind: str) -> Picture | None:
        return await self.album.newest(device, kind) if self.album else None

    @override
    async def options_schema(self) -> vol.Schema:
        devices = (await self._client.list_devices()).value
        choices = {device.uuid: device.name or device.uuid for device in devices}
        choices |= {uuid: uuid for uuid in self._chosen_devices if uuid not in choices}
        return options_schema(choices)


class VizioSenseVendor(Vendor):
    """Vendor VizioSense; an account is one API token or one user."""

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
        account = data.get(CONF_USERNAME) or _digest(data.get(CONF_TOKEN, ""))
        return f"{self.key} {data[CONF_URL]} {account}"

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
            login_client = VizioSenseClient(
                Transport(session, url, NoAuth(), budget, error_status=error_status)
            )
            password = data[CONF_PASSWORD]
            sign_in = LoginSignIn(
                username,
                lambda: login_client.login(username, password),
                data.get(CONF_TOKENS) or {},
                lambda tokens: keep({CONF_TOKENS: dict(tokens)}),
            )
        else:
            sign_in = TokenSignIn(data[CONF_TOKEN])
            if data.get(CONF_TOKENS):
                keep({CONF_TOKENS: None})
        return VizioSenseConnection(
            session,
            Transport(session, url, sign_in, budget, error_status=error_status),
            sign_in,
            username=username,
            options=options,
            secret=_webhook_secret(data, keep),
        )


def _webhook_secret(data: Mapping[str, Any], keep: PersistData) -> str | None:
    """Return the secret of the webhooks, created once a webhook exists."""
    if CONF_WEBHOOK_ID not in data:
        return None
    secret: str | None = data.get(CONF_SECRET)
    if secret is None:
        secret = secrets.token_urlsafe(32)
        keep({CONF_SECRET: secret})
    return secret


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]
