"""SensorZone's vendor contract: sign-in, feeds and options."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
import hashlib
from typing import Any, Final, override

import aiohttp
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
import voluptuous as vol

from ...client.budget import RequestBudget
from ...client.errors import SignInIncompleteError
from ...client.transport import Transport
from ...contract.vendor import ActionHandler, Connection, Feed, Identity, PersistData, Vendor
from ...models import ChannelId, DailySeries, Inventory
from .. import forms
from . import entities
from .action_schemas import ACTIONS
from .actions import SensorZoneActions
from .client import SensorZoneClient
from .endpoints import ApiVersion
from .hardware import HARDWARE
from .history import daily_totals
from .inventory import SiteInventory
from .media_library import ClipLibrary
from .options import OPTIONS_SCHEMA, Options
from .polling import SensorZonePoller
from .sign_in import BearerSignIn, SessionSignIn, TokenSignIn
from .sign_in_page import SignInPages

URL: Final = "https://platform.sensorzone.io"

CONF_TESTER_TOKEN: Final = "tester_token"  # noqa: S105  the field's name
CONF_ACCOUNT_ID: Final = "account_id"

# The vendor publishes neither rate limits nor the freshness of its responses.
LISTS_EVERY: Final = timedelta(minutes=15)
INCURSIONS_EVERY: Final = timedelta(minutes=1)
MACHINES_EVERY: Final = timedelta(minutes=2)
TAGS_EVERY: Final = timedelta(hours=6)
MIN_INTERVAL: Final = timedelta(seconds=15)


class SensorZoneConnection(Connection):
    """Connection of one user, one Tester token, or both."""

    hardware = HARDWARE

    def __init__(
        self,
        transports: Mapping[ApiVersion, Transport],
        budgets: Mapping[ApiVersion, RequestBudget],
        account_id: str,
        options: Options,
    ) -> None:
        self.transport = transports.get(ApiVersion.V1) or transports[ApiVersion.TESTER]
        self._client = SensorZoneClient(transports)
        self._budgets = budgets
        self._account_id = account_id
        self._site_inventory = SiteInventory(options)
        self._poller = SensorZonePoller(
            self._client, self._site_inventory, next(iter(budgets.values())).now
        )
        self._actions = SensorZoneActions(self._client, self._site_inventory)
        self.library = (
            ClipLibrary(self._client, self._site_inventory)
            if self._client.has(ApiVersion.V1)
            else None
        )

    @override
    async def identify(self) -> Identity:
        """Check the credentials of V1 and the Tester API; V2 is checked later, because it is optional."""
        if self._client.has(ApiVersion.V1):
            await self._client.check_session()
        if self._client.has(ApiVersion.TESTER):
            await self._client.people()
        return Identity(self._account_id, f"{SensorZoneVendor.name} {self._account_id[:6]}")

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        return dict(self._client.diagnostics()) | {
            "turned_off": self._poller.turned_off,
            "resources": self._poller.resources.diagnostics(),
        }

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return self._actions.handlers

    @property
    @override
    def inventory_feed(self) -> Feed:
        return Feed(entities.INVENTORY, self._poller.inventory, LISTS_EVERY, MIN_INTERVAL)

    @override
    def scope_of_device(self, device_id: str) -> str:
        return entities.list_of_device(device_id)

    @override
    def scope_of(self, channel: ChannelId) -> str:
        return entities.list_of(channel)

    @override
    def feeds(self, inventory: Inventory) -> Sequence[Feed]:
        if not self._client.has(ApiVersion.V1):
            return []
        self._poller.delivered_until = self._poller.delivered_until or self.delivered_until
        machines = list(self._site_inventory.machines)
        people = list(self._site_inventory.people) if self._site_inventory.options.people else []
        v2 = self._budgets[ApiVersion.V2]
        feeds = [
            Feed(
                entities.INCURSIONS,
                self._poller.incursions,
                INCURSIONS_EVERY,
                MIN_INTERVAL,
                carrying_alarms=(entities.INCURSIONS,),
            )
        ]
        feeds += [
            self._feed(
                entities.machine_feed(machine),
                partial(self._poller.machine, machine),
                MACHINES_EVERY,
            )
            for machine in machines
        ]
        feeds += [
            self._feed(
                entities.track_feed(machine),
                partial(self._poller.track, machine),
                MACHINES_EVERY,
                v2,
            )
            for machine in (machines if self._poller.is_tracked else [])
        ]
        feeds.append(self._feed(entities.RUNTIME, self._poller.runtime, LISTS_EVERY, v2))
        feeds += [
            self._feed(entities.person_feed(tag), partial(self._poller.person, tag), TAGS_EVERY)
            for tag in people
        ]
        if self._client.has(ApiVersion.TESTER):
            tester = self._budgets[ApiVersion.TESTER]
            feeds.append(self._feed(entities.PEOPLE, self._poller.people, LISTS_EVERY, tester))
        return feeds

    @staticmethod
    def _feed(
        name: str, fetch: Any, interval: timedelta, budget: RequestBudget | None = None
    ) -> Feed:
        return Feed(name, fetch, interval, MIN_INTERVAL, budget=budget)

    @override
    async def daily(self, start: datetime, end: datetime) -> Sequence[DailySeries]:
        return await daily_totals(self._client, self._site_inventory, start, end)

    @override
    async def options_schema(self) -> vol.Schema:
        return OPTIONS_SCHEMA


class SensorZoneVendor(Vendor):
    """Vendor SensorZone; an account is a user with a password, a Tester token, or both."""

    key = "sensorzone"
    name = "SensorZone"
    default_url = URL
    actions = ACTIONS
    more_platforms = ("device_tracker",)

    @override
    def sign_in_schema(self, *, only_secrets: bool = False) -> vol.Schema:
        secrets = {
            vol.Optional(CONF_PASSWORD): forms.PASSWORD,
            vol.Optional(CONF_TESTER_TOKEN): forms.TOKEN,
        }
        if only_secrets:
            return vol.Schema(secrets)
        username = {vol.Optional(CONF_USERNAME): forms.EMAIL}
        return vol.Schema(username | secrets | forms.advanced(URL))

    @override
    def budget_key(self, data: Mapping[str, Any]) -> str:
        return f"{self.key} {data[CONF_URL]} {_account_id(data)}"

    @override
    def connect(
        self,
        session: aiohttp.ClientSession,
        budget: RequestBudget,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        keep: PersistData,
    ) -> SensorZoneConnection:
        url = data[CONF_URL]
        email, password = data.get(CONF_USERNAME), data.get(CONF_PASSWORD)
        token = data.get(CONF_TESTER_TOKEN)
        if bool(email) != bool(password) or not (password or token):
            raise SignInIncompleteError("neither a user with a password nor a token was entered")
        transports: dict[ApiVersion, Transport] = {}
        budgets = {
            ApiVersion.V1: budget,
            ApiVersion.V2: budget.sub_budget(ApiVersion.V2),
            ApiVersion.TESTER: budget,
        }
        if email and password:
            # A rate limit concerns the user, in both versions of the API; the Tester token has its own.
            own = budgets[ApiVersion.V2]
            budgets[ApiVersion.TESTER] = budget.sub_budget(ApiVersion.TESTER)
            v1 = SessionSignIn(session, url, budget, email, password, linked_budgets=[own])
            v2 = TokenSignIn(session, url, own, email, password, linked_budgets=[budget])
            pages = SignInPages(budget.now)
            transports[ApiVersion.V1] = Transport(
                session,
                url,
                v1,
                budget,
                on_headers=v1.on_headers,
                linked_budgets=[own],
                session_ended=pages.has_ended,
            )
            transports[ApiVersion.V2] = Transport(
                session, url, v2, own, on_headers=v2.on_headers, linked_budgets=[budget]
            )
        if token:
            transports[ApiVersion.TESTER] = Transport(
                session, url, BearerSignIn(token), budgets[ApiVersion.TESTER]
            )
        account_id = _account_id(data)
        if not email and data.get(CONF_ACCOUNT_ID) != account_id:
            keep({CONF_ACCOUNT_ID: account_id})
        return SensorZoneConnection(transports, budgets, account_id, Options.of(options))


def _account_id(data: Mapping[str, Any]) -> str:
    """Return a digest of the user's e-mail address or first token, because no request returns an account id."""
    if email := data.get(CONF_USERNAME):
        return _digest(email.strip().lower())
    return data.get(CONF_ACCOUNT_ID) or _digest(data.get(CONF_TESTER_TOKEN) or "")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
