"""Implement the vendor contract for SENSIT Connect: sign-in, feeds, history and options."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, override

import aiohttp
from homeassistant.components.sensor import SensorStateClass
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
import voluptuous as vol

from ...client.budget import RequestBudget
from ...client.transport import Transport
from ...contract.vendor import ActionHandler, Connection, Feed, Identity, PersistData, Vendor
from ...models import Channel, ChannelId, FeedUpdate, HistoryTerms, Hour, Inventory
from .. import forms
from .actions import ACTIONS, SensitActions
from .client import SensitClient
from .entities import MONITORS, path_of, uuid_of
from .feed import MonitorFeed
from .hardware import HARDWARE
from .history import LogReader, hours
from .interval import MIN_INTERVAL
from .sign_in import STORED_SESSION, SensitSignIn

URL: Final = "https://api.sensitconnect.net"

CONF_MONITORS: Final = "monitors"

# One request returns two hours of one monitor. A run uses half of the requests that the account may send in a minute.
HISTORY: Final = HistoryTerms(
    span=24,
    per_request=2,
    max_requests=60,
    pause=120.0,
    by_device=True,
    newest_first=True,
    is_exact=True,
)


class SensitConnection(Connection):
    """A connection of one user of SENSIT Connect."""

    history_terms = HISTORY
    hardware = HARDWARE

    def __init__(
        self, transport: Transport, sign_in: SensitSignIn, options: Mapping[str, Any]
    ) -> None:
        self.transport = transport
        self._client = SensitClient(transport, sign_in)
        self._logs = LogReader(self._client)
        self._chosen = frozenset[str](options.get(CONF_MONITORS, ()))
        clock = (transport.budget.now, transport.budget.now_utc)
        self._now = transport.budget.now_utc
        self._feed = MonitorFeed(self._client, self._logs, self._chosen, clock)
        self._actions = SensitActions(self._client, self._logs, lambda: self._feed.monitors)

    @override
    async def identify(self) -> Identity:
        user = (await self._client.sign_in()).user
        return Identity(account_id=user, title=f"{SensitVendor.name} {user[-6:]}")

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return self._actions.handlers

    @property
    @override
    def inventory_feed(self) -> Feed:
        return Feed(MONITORS, self._fetch, MIN_INTERVAL, MIN_INTERVAL)

    async def _fetch(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        self._feed.known_channels = self.remembered
        self._feed.find_delivered_until = lambda: self.delivered_until
        return await self._feed.fetch(wanted)

    @override
    def feeds(self, inventory: Inventory) -> Sequence[Feed]:
        return []

    @override
    async def history(
        self, channels: Sequence[Channel], start: datetime, end: datetime
    ) -> Mapping[ChannelId, Sequence[Hour]]:
        history: dict[ChannelId, Sequence[Hour]] = {}
        for device, members in _by_device(channels).items():
            uuid = uuid_of(device)
            monitor = self._feed.monitors.get(uuid)
            if monitor is None or monitor.kind is None:
                continue
            kind, now = monitor.kind, self._now()
            records = (await self._logs.read_days_with_data(kind, uuid, start, end, now)).value
            self._feed.add_log(uuid, records)
            for path, channel in members.items():
                is_angle = _state_class(channel) == SensorStateClass.MEASUREMENT_ANGLE
                test = self.is_possible(channel)
                if rows := hours(path, records, test, is_angle=is_angle):
                    history[channel.id] = rows
        return history

    @override
    async def options_schema(self) -> vol.Schema:
        listed = await self._client.list_monitors()
        choices = {monitor.uuid: monitor.name or monitor.uuid for monitor in listed.monitors}
        choices |= {gone: gone for gone in self._chosen if gone not in choices}
        selector = forms.choice(choices, multiple=True)
        return vol.Schema({vol.Optional(CONF_MONITORS, default=[]): selector})


def _by_device(channels: Iterable[Channel]) -> dict[str, dict[str, Channel]]:
    """Return the channels that show fields of records, by device and path."""
    by_device: dict[str, dict[str, Channel]] = {}
    for channel in channels:
        if (path := path_of(channel.key)) is not None:
            by_device.setdefault(channel.device, {})[path] = channel
    return by_device


def _state_class(channel: Channel) -> str | None:
    # No isinstance: Home Assistant creates instances of its description classes with another class.
    return getattr(channel.description, "state_class", None)


class SensitVendor(Vendor):
    """SENSIT Technologies; one account is one user with an e-mail address and a password."""

    key = "sensit"
    name = "SENSIT Connect"
    default_url = URL
    actions = ACTIONS
    device_options = (CONF_MONITORS,)

    @override
    def sign_in_schema(self, *, only_secrets: bool = False) -> vol.Schema:
        return forms.login_schema(URL, only_secrets=only_secrets)

    @override
    def budget_key(self, data: Mapping[str, Any]) -> str:
        return f"{self.key} {data[CONF_URL]} {data[CONF_USERNAME]}"

    @override
    def connect(
        self,
        session: aiohttp.ClientSession,
        budget: RequestBudget,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        keep: PersistData,
    ) -> SensitConnection:
        sign_in = SensitSignIn(
            session,
            data[CONF_URL],
            budget,
            (data[CONF_USERNAME], data[CONF_PASSWORD]),
            stored=data.get(STORED_SESSION),
            persist=keep,
        )
        return SensitConnection(
            Transport(session, data[CONF_URL], sign_in, budget), sign_in, options
        )
