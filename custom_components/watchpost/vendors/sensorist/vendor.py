"""Implement the vendor contract for Sensorist: sign-in, feeds, push, history and options."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, override

import aiohttp
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME, CONF_WEBHOOK_ID
from homeassistant.helpers.selector import BooleanSelector
import voluptuous as vol

from ...client.budget import RequestBudget
from ...client.errors import PermissionDeniedError, UnexpectedResponseError
from ...client.transport import BasicSignIn, Transport
from ...contract.vendor import ActionHandler, Connection, Feed, Identity, PersistData, Vendor
from ...models import Channel, ChannelId, FeedUpdate, Hour, Inventory
from .. import forms
from .actions import ACTIONS, SensoristActions
from .alarm_feed import ALARM_HISTORY, AlarmPoller
from .client import SensoristClient
from .controls import SensoristControls, interval_readings
from .entities import (
    ACCOUNT,
    GATEWAYS,
    INVENTORY,
    SENSORS,
    connectivity_readings,
    feed_name,
    inventory,
    list_of_device,
    sensor_id,
)
from .events import ALARMS, Place, is_alarm
from .hardware import HARDWARE
from .history import channel_history
from .measurement_feed import MeasurementFeed
from .models import Alarm, Gateway
from .notices import MEMORY, NoticeLog
from .push import SensoristPush

URL: Final = "https://api.sensorist.com/v1"

CONF_IMPERSONATE: Final = "impersonate"
CONF_WITH_SLAVES: Final = "with_slaves"
CONF_GATEWAYS: Final = "gateways"

# The max-age of captured responses, used for a response without one (dossier, section 5).
USUAL_INTERVAL: Final = timedelta(seconds=900)
MIN_INTERVAL: Final = timedelta(seconds=5)

# The sources of a gateway may be requested in several poll groups, each with its own max-age.
MAX_POLL_GROUPS: Final = 4


class SensoristConnection(Connection):
    """A connection of one Sensorist user, or of the user that it impersonates."""

    hardware = HARDWARE

    def __init__(
        self, transport: Transport, options: Mapping[str, Any], *, has_push: bool = False
    ) -> None:
        self.transport = transport
        impersonate = options.get(CONF_IMPERSONATE) or None
        self._own = SensoristClient(transport)
        transport.probe_requests = lambda: [("/users", None)]
        transport.check_body = self._own.check_body
        self._client = SensoristClient(transport, impersonate=impersonate)
        self._with_slaves: bool = options.get(CONF_WITH_SLAVES, True)
        self._chosen = frozenset[str](options.get(CONF_GATEWAYS, ()))
        self._gateways: dict[str, Gateway] = {}
        self._places: dict[str, Place] = {}
        self._left_out: frozenset[str] = frozenset()
        self.alarms = AlarmPoller(self._client, self._place_of)
        self._has_push = has_push
        self._notices = NoticeLog(self._changed)
        self.push: SensoristPush = SensoristPush(
            self._client,
            self.alarms,
            lambda: list(self._gateways.values()),
            self._fetch_alarms,
            transport.budget.now,
            notices=self._notices,
        )
        self._controls = SensoristControls(self._client)
        self._actions = SensoristActions(
            self._client,
            lambda: self._gateways,
            created=self.alarm_created,
            deleted=self.alarm_deleted,
        )

    @override
    def recall(self, memory: Mapping[str, Any]) -> None:
        self._notices.recall(memory.get(MEMORY))

    def _changed(self) -> None:
        if self.remember is not None:
            self.remember(lambda: {MEMORY: self._notices.to_memory()})

    @override
    async def identify(self) -> Identity:
        user = (await self._own.get_user()).value
        if user is None:
            raise UnexpectedResponseError("the reply names no user")
        return Identity(account_id=user.id, title=f"{SensoristVendor.name} {user.id}")

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return self._actions.handlers

    @property
    @override
    def inventory_feed(self) -> Feed:
        return Feed(INVENTORY, self._fetch_inventory, USUAL_INTERVAL, MIN_INTERVAL, is_whole=True)

    @override
    def feeds(self, inventory: Inventory) -> Sequence[Feed]:
        return [
            Feed(
                feed_name(gateway.id),
                self._measurement_feed(gateway.id).fetch,
                USUAL_INTERVAL,
                MIN_INTERVAL,
                MAX_POLL_GROUPS,
            )
            for gateway in self._gateways.values()
        ] + [
            Feed(
                ALARMS,
                self._fetch_alarms,
                USUAL_INTERVAL,
                MIN_INTERVAL,
                is_whole=True,
                carrying_alarms=(ALARMS, ALARM_HISTORY),
            )
        ]

    def _measurement_feed(self, gateway_id: str) -> MeasurementFeed:
        return MeasurementFeed(
            self._client, lambda: self._gateways.get(gateway_id), self.push.confirm_press
        )

    async def _fetch_alarms(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        if self.delivered_until is not None:
            self.alarms.resume(self.delivered_until)
        return await self.alarms.fetch(wanted)

    def _place_of(self, alarm: Alarm) -> Place | None:
        """Return the place of an alarm: its source's sensor, or the account if that is unknown."""
        if alarm.source in self._left_out:
            return None
        return self._places.get(alarm.source or "") or Place(ACCOUNT)

    def alarm_created(self, alarm: Alarm) -> FeedUpdate:
        """Store an alarm that an action created, and return an update that shows it."""
        self.alarms.update([alarm])
        return self.alarms.known_update()

    def alarm_deleted(self, alarm_id: str) -> ChannelId | None:
        """Remove an alarm that an action deleted, and return its channel."""
        return self.alarms.remove(alarm_id)

    async def _fetch_inventory(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        response = await self._client.list_gateways(with_slaves=self._with_slaves)
        listed = inventory(
            response.value,
            self._chosen,
            is_complete=not response.rejected,
            has_push=self._has_push,
        )
        shown = [
            gateway for gateway in response.value if not self._chosen or gateway.id in self._chosen
        ]
        self._gateways = {gateway.id: gateway for gateway in shown}
        self._places = {
            source.id: Place(sensor_id(sensor.id), source)
            for gateway in shown
            for sensor in gateway.sensors
            for source in sensor.sources
        }
        self._left_out = frozenset(
            source.id
            for gateway in response.value
            for sensor in gateway.sensors
            for source in sensor.sources
            if source.id not in self._places
        )
        return FeedUpdate(
            readings=connectivity_readings(shown) | interval_readings(shown),
            freshness=(response.freshness,),
            inventory=replace(
                listed,
                channels=[*listed.channels, *self._controls.channels(shown)],
                lists=dict.fromkeys((INVENTORY, GATEWAYS, SENSORS), response.freshness.received),
            ),
            rejected=response.rejected,
        )

    @override
    def scope_of_device(self, device_id: str) -> str:
        return list_of_device(device_id)

    @override
    def scope_of(self, channel: ChannelId) -> str:
        return ALARMS if is_alarm(channel.key) else list_of_device(channel.device)

    @override
    async def history(
        self, channels: Sequence[Channel], start: datetime, end: datetime
    ) -> Mapping[ChannelId, Sequence[Hour]]:
        return await channel_history(self._client, channels, start, end, self.is_possible)

    @override
    async def options_schema(self) -> vol.Schema:
        fields: dict[vol.Marker, Any] = {}
        if users := await self._list_users():
            fields[vol.Optional(CONF_IMPERSONATE)] = forms.choice(users)
        fields[vol.Required(CONF_WITH_SLAVES, default=True)] = BooleanSelector()
        gateways = (await self._client.list_gateways(with_slaves=self._with_slaves)).value
        choices = {gateway.id: gateway.title or gateway.id for gateway in gateways}
        choices |= {gone: gone for gone in self._chosen if gone not in choices}
        fields[vol.Optional(CONF_GATEWAYS, default=[])] = forms.choice(choices, multiple=True)
        return vol.Schema(fields)

    async def _list_users(self) -> dict[str, str]:
        """Return the users below this one, by id; empty without the permission to list them."""
        try:
            own = (await self._own.get_user()).value
            users = (await self._own.list_users()).value
        except PermissionDeniedError, UnexpectedResponseError:
            return {}
        return {
            user.id: " ".join(filter(None, (user.first_name, user.last_name))) or user.id
            for user in users
            if own is None or user.id != own.id
        }


class SensoristVendor(Vendor):
    """Sensorist ApS; one account is one user with an e-mail address and a password."""

    key = "sensorist"
    name = "Sensorist"
    default_url = URL
    has_push = True
    actions = ACTIONS
    device_options = (CONF_GATEWAYS,)

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
    ) -> SensoristConnection:
        sign_in = BasicSignIn(data[CONF_USERNAME], data[CONF_PASSWORD])
        transport = Transport(session, data[CONF_URL], sign_in, budget)
        return SensoristConnection(transport, options, has_push=CONF_WEBHOOK_ID in data)
