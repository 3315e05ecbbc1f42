"""The Manfred Kunze IoT platform as a vendor: how to sign in, what to poll, which options an account has."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
import hashlib
from typing import Any, Final, override

import aiohttp
from homeassistant.const import CONF_API_KEY, CONF_URL, CONF_WEBHOOK_ID
import voluptuous as vol

from ...client.budget import RequestBudget
from ...client.downloads import SafeDownloader
from ...client.errors import NotSecureError, PictureRejectedError
from ...client.optional_resources import OptionalResources
from ...client.resolver import AllowedHost, Resolver
from ...client.transport import Transport
from ...contract.vendor import ActionHandler, Connection, Feed, Identity, PersistData, Vendor
from ...models import Channel, ChannelId, FeedUpdate, Hour, Inventory
from .. import forms
from .alerts import AlertsFeature
from .client.api import KeySignIn, PlatformApi, api_address
from .client.device_management import OperationsClient
from .client.openapi import OpenApiDocument
from .client.readings import ReadingsClient
from .client.topology import TopologyClient
from .control import ControlFeature
from .control_schemas import ACTIONS
from .device_management import BindingsFeature, FirmwareFeature, QuarantineFeature
from .exports import ExportsFeature
from .feature import Discovery, Feature
from .health import HealthFeature
from .history import HISTORY, channel_history
from .inventory import INVENTORY, OrganisationInventory, device_id, list_of_device
from .media import MediaFeature
from .media_schemas import ACTIONS as MEDIA_ACTIONS
from .openapi import OpenApiFeature
from .options import CONF_STORAGE_HOST, shown_for, storage_fields, storage_host
from .push import AlertPush
from .readings import ReadingsFeature
from .topology import TopologyFeature

LISTS_EVERY: Final = timedelta(minutes=15)
MIN_INTERVAL: Final = timedelta(seconds=60)


class ManfredKunzeConnection(Connection):
    """One organisation on one deployment of the platform."""

    history_terms = HISTORY

    def __init__(
        self,
        api: PlatformApi,
        links: SafeDownloader,
        resolver: Resolver,
        options: Mapping[str, Any],
        webhook_id: str | None,
    ) -> None:
        self._api = api
        self.transport = api.transport
        self.resolver: Resolver = resolver
        self._options = options
        self._inventory_tree = OrganisationInventory()
        clock = api.transport.budget
        self._resources = OptionalResources(now=clock.now)
        topology, operations = TopologyClient(api), OperationsClient(api)
        self._topology = TopologyFeature(
            topology,
            self._inventory_tree,
            clock.now,
            self._fetch_inventory_again,
            changed=self._changed,
            remembered=lambda: self.remembered,
        )
        alerting = AlertsFeature(
            api,
            self._inventory_tree,
            options,
            webhook_id,
            delivered_until=lambda: self.delivered_until,
            show=self._show,
            remembered=lambda: self.remembered,
        )
        self.push: AlertPush | None = alerting.push
        self._readings_client = readings = ReadingsClient(api)
        self._readings = ReadingsFeature(
            readings,
            self._inventory_tree,
            now=clock.now,
            clock=api.now,
            here=clock.now_utc,
            at_least=shown_for(options),
            changed=self._changed,
        )
        self._history = partial(channel_history, readings)
        media = MediaFeature(
            api, self._inventory_tree, links, resurvey=self._fetch_inventory_again, show=self._show
        )
        self.library = media.library
        self._discovery = OpenApiFeature(api, self._follow)
        # In this order their lists are read: those behind know what those before found.
        self._parts: tuple[Feature, ...] = (
            self._topology,
            self._discovery,
            self._readings,
            HealthFeature(topology, self._inventory_tree, clock.now, self._changed),
            BindingsFeature(operations, self._inventory_tree, clock.now),
            QuarantineFeature(operations),
            FirmwareFeature(operations, self._inventory_tree),
            alerting,
            ControlFeature(api, self._inventory_tree, readings),
            media,
            ExportsFeature(api, self._inventory_tree, links, show=self._show),
        )

    def _follow(self, contract: OpenApiDocument) -> None:
        self._api.follow(contract)
        self._readings_client.follow(contract)

    def _show(self, update: FeedUpdate) -> None:
        """Have something shown between two polls, once the account is set up."""
        if self.show is not None:
            self.show(update)

    @override
    async def identify(self) -> Identity:
        """By the organisation, where any answer shows its id; else by the host and the oldest device."""
        self._api.look_anew()  # a key may have come to show another organisation
        organisation, devices = await self._topology.identity()
        shown = frozenset(device_id(device.id) for device in devices)
        if organisation is not None:
            title = f"{ManfredKunzeVendor.name} {organisation[:6]}"
            # A device is one organisation's: an account that knows it is the same, whatever named that one.
            return Identity(organisation, title, shown, is_nameless=True)
        oldest = min(devices, key=lambda each: (each.created_at is None, each.created_at, each.id))
        return Identity(
            f"{self._api.url.host}-{oldest.id}",
            f"{ManfredKunzeVendor.name} {oldest.id[:6]}",
            shown,
            is_nameless=True,
        )

    # -- what there is --

    @property
    @override
    def inventory_feed(self) -> Feed:
        return Feed(
            INVENTORY,
            self._fetch_inventory,
            LISTS_EVERY,
            MIN_INTERVAL,
            is_whole=True,
        )

    async def _fetch_inventory(self, wanted: frozenset[ChannelId]) -> FeedUpdate:
        await self._discovery.look()
        found = await self._topology.survey()
        for part in self._parts[1:]:
            await self._add(found, part)
        return FeedUpdate(
            readings=found.readings,
            freshness=tuple(found.freshness),
            inventory=Inventory(found.devices, found.channels, lists=found.lists),
            rejected=found.rejected,
            failures={**self._resources.failures, **found.failures},
        )

    async def _add(self, found: Discovery, part: Feature) -> None:
        """Add what a part found; its failure costs no other part, and does not delay the list of devices."""
        more = await self._resources.fetch(part.title, part.survey)
        if more is None:
            found.is_complete = False
            return
        found.devices += more.devices
        found.channels += more.channels
        found.readings |= more.readings
        found.rejected += more.rejected
        found.freshness += more.freshness
        found.lists |= more.lists
        found.is_complete &= more.is_complete
        found.failures |= more.failures

    async def _fetch_inventory_again(self) -> FeedUpdate:
        self._api.look_anew()
        return await self._fetch_inventory(frozenset())

    @override
    async def history(
        self, channels: Sequence[Channel], start: datetime, end: datetime
    ) -> Mapping[ChannelId, Sequence[Hour]]:
        return await self._history(channels, is_possible=self.is_possible, start=start, end=end)

    @override
    def feeds(self, inventory: Inventory) -> Sequence[Feed]:
        return [feed for part in self._parts for feed in part.feeds()]

    @override
    def scope_of_device(self, device_id: str) -> str:
        return list_of_device(device_id)

    @override
    def scope_of(self, channel: ChannelId) -> str:
        found = (scope for part in self._parts if (scope := part.scope_of(channel.key)) is not None)
        return next(found, list_of_device(channel.device))

    # -- what it can do, what it keeps, what it says --

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return {name: handler for part in self._parts for name, handler in part.actions.items()}

    @override
    def recall(self, memory: Mapping[str, Any]) -> None:
        for part in self._parts:
            part.recall(memory)

    def _changed(self) -> None:
        """Have what the parts want kept be kept."""
        if self.remember is not None:
            self.remember(
                lambda: {name: kept for part in self._parts for name, kept in part.memory().items()}
            )

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        parts = {type(part).__name__: dict(part.diagnostics()) for part in self._parts}
        return parts | {"optional_resources": self._resources.diagnostics()}

    @override
    async def options_schema(self) -> vol.Schema:
        fields: dict[vol.Marker, Any] = {}
        for part in self._parts:
            fields |= await part.options()
        return vol.Schema(fields | storage_fields())

    @override
    async def check_options(self) -> Mapping[str, str]:
        try:
            storage_host(self._options)
            await self.resolver.check_allowed()
        except NotSecureError:
            return {CONF_STORAGE_HOST: "invalid_host"}
        except PictureRejectedError:
            return {CONF_STORAGE_HOST: "host_not_allowed"}
        return {}


class ManfredKunzeVendor(Vendor):
    """The Manfred Kunze IoT platform; an account is an organisation's API key on one deployment."""

    key = "manfred_kunze"
    name = "Manfred Kunze IoT platform"
    default_url = "https://"
    has_push = True
    actions = (*ACTIONS, *MEDIA_ACTIONS)
    more_platforms = ("camera", "switch", "update")

    @override
    def sign_in_schema(self, *, only_secrets: bool = False) -> vol.Schema:
        secrets = {vol.Required(CONF_API_KEY): forms.TOKEN}
        if only_secrets:
            return vol.Schema(secrets)
        return vol.Schema({vol.Required(CONF_URL): forms.ADDRESS, **secrets})

    @override
    def budget_key(self, data: Mapping[str, Any]) -> str:
        digest = hashlib.sha256(data[CONF_API_KEY].strip().encode()).hexdigest()[:16]
        return f"{self.key} {_host(data[CONF_URL])} {digest}"

    @override
    def connect(
        self,
        session: aiohttp.ClientSession,
        budget: RequestBudget,
        data: Mapping[str, Any],
        options: Mapping[str, Any],
        keep: PersistData,
    ) -> ManfredKunzeConnection:
        url = api_address(data[CONF_URL])
        if url != data[CONF_URL]:
            keep({CONF_URL: url})
        api = PlatformApi(Transport(session, url, KeySignIn(data[CONF_API_KEY]), budget))
        allowed: AllowedHost | None = None
        with suppress(NotSecureError):  # the form of the options says so
            allowed = storage_host(options)
        resolver = Resolver(api.url, allowed, can_allow=True)
        # What the platform links to is signed by itself, and must not get the key.
        links = SafeDownloader(session, api.url, resolver=resolver)
        return ManfredKunzeConnection(api, links, resolver, options, data.get(CONF_WEBHOOK_ID))


def _host(url: str) -> str:
    """What names a deployment, however its address was entered."""
    with suppress(NotSecureError):
        return api_address(url)
    return url
