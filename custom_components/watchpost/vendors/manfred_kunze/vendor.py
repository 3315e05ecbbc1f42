"""Offer the Manfred Kunze IoT platform: sign-in, feeds and options of an account."""

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
    """Connect to one organisation on one deployment of the platform."""

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
        budget = api.transport.budget
        self._resources = OptionalResources(now=budget.now)
        topology, operations = TopologyClient(api), OperationsClient(api)
        self._topology = TopologyFeature(
            topology,
            self._inventory_tree,
            budget.now,
            self._fetch_inventory_again,
            save_state=self._save_state,
            known_channels=lambda: self.remembered,
        )
        alerts = AlertsFeature(
            api,
            self._inventory_tree,
            options,
            webhook_id,
            delivered_until=lambda: self.delivered_until,
            show=self._show,
            known_channels=lambda: self.remembered,
        )
        self.push: AlertPush | None = alerts.push
        self._readings_client = readings = ReadingsClient(api)
        self._readings = ReadingsFeature(
            readings,
            self._inventory_tree,
            monotonic=budget.now,
            vendor_utc=api.now,
            utc=budget.now_utc,
            default_max_age=shown_for(options),
            save_state=self._save_state,
        )
        self._history = partial(channel_history, readings)
        media = MediaFeature(
            api,
            self._inventory_tree,
            links,
            refresh_inventory=self._fetch_inventory_again,
            show=self._show,
        )
        self.library = media.library
        self._openapi = OpenApiFeature(api, self._apply_document)
        # Their lists are fetched in this order: later features use what earlier ones found.
        self._features: tuple[Feature, ...] = (
            self._topology,
            self._openapi,
            self._readings,
            HealthFeature(topology, self._inventory_tree, budget.now, self._save_state),
            BindingsFeature(operations, self._inventory_tree, budget.now),
            QuarantineFeature(operations),
            FirmwareFeature(operations, self._inventory_tree),
            alerts,
            ControlFeature(api, self._inventory_tree, readings),
            media,
            ExportsFeature(api, self._inventory_tree, links, show=self._show),
        )

    def _apply_document(self, document: OpenApiDocument) -> None:
        self._api.follow(document)
        self._readings_client.follow(document)

    def _show(self, update: FeedUpdate) -> None:
        """Show an update between two polls, once the account is set up."""
        if self.show is not None:
            self.show(update)

    @override
    async def identify(self) -> Identity:
        """Identify the organisation by its id, or by host and oldest device where no response shows that id."""
        self._api.look_anew()  # the key may now belong to another organisation
        organisation, devices = await self._topology.identity()
        device_ids = frozenset(device_id(device.id) for device in devices)
        if organisation is not None:
            title = f"{ManfredKunzeVendor.name} {organisation[:6]}"
            # A device belongs to one organisation: an account that knows the device is the same account.
            return Identity(organisation, title, device_ids, is_nameless=True)
        oldest = min(devices, key=lambda each: (each.created_at is None, each.created_at, each.id))
        return Identity(
            f"{self._api.url.host}-{oldest.id}",
            f"{ManfredKunzeVendor.name} {oldest.id[:6]}",
            device_ids,
            is_nameless=True,
        )

    # -- inventory and feeds --

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
        await self._openapi.fetch()
        discovery = await self._topology.discover()
        for feature in self._features[1:]:
            await self._add_feature(discovery, feature)
        return FeedUpdate(
            readings=discovery.readings,
            freshness=tuple(discovery.freshness),
            inventory=Inventory(discovery.devices, discovery.channels, lists=discovery.lists),
            rejected=discovery.rejected,
            failures={**self._resources.failures, **discovery.failures},
        )

    async def _add_feature(self, discovery: Discovery, feature: Feature) -> None:
        """Add the discovery of a feature; its failure affects no other feature."""
        added = await self._resources.fetch(feature.title, feature.discover)
        if added is None:
            discovery.is_complete = False
            return
        discovery.devices += added.devices
        discovery.channels += added.channels
        discovery.readings |= added.readings
        discovery.rejected += added.rejected
        discovery.freshness += added.freshness
        discovery.lists |= added.lists
        discovery.is_complete &= added.is_complete
        discovery.failures |= added.failures

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
        return [feed for feature in self._features for feed in feature.feeds()]

    @override
    def scope_of_device(self, device_id: str) -> str:
        return list_of_device(device_id)

    @override
    def scope_of(self, channel: ChannelId) -> str:
        lists = (name for feature in self._features if (name := feature.source_list(channel)))
        return next(lists, list_of_device(channel.device))

    # -- actions, stored state, diagnostics, options --

    @property
    @override
    def actions(self) -> Mapping[str, ActionHandler]:
        return {
            name: handler for feature in self._features for name, handler in feature.actions.items()
        }

    @override
    def recall(self, memory: Mapping[str, Any]) -> None:
        for feature in self._features:
            feature.restore_state(memory)

    def _save_state(self) -> None:
        """Have the state of all features stored."""
        if self.remember is not None:
            self.remember(
                lambda: {
                    name: value
                    for feature in self._features
                    for name, value in feature.stored_state().items()
                }
            )

    @override
    def diagnostics(self) -> Mapping[str, Any]:
        features = {
            type(feature).__name__: dict(feature.diagnostics()) for feature in self._features
        }
        return features | {"optional_resources": self._resources.diagnostics()}

    @override
    async def options_schema(self) -> vol.Schema:
        fields: dict[vol.Marker, Any] = {}
        for feature in self._features:
            fields |= await feature.options()
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
    """Define the Manfred Kunze IoT platform; an account is an organisation's API key on one deployment."""

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
        with suppress(NotSecureError):  # the options form reports it
            allowed = storage_host(options)
        resolver = Resolver(api.url, allowed, can_allow=True)
        # The platform's links carry their own signature, and must not get the key.
        links = SafeDownloader(session, api.url, resolver=resolver)
        return ManfredKunzeConnection(api, links, resolver, options, data.get(CONF_WEBHOOK_ID))


def _host(url: str) -> str:
    """Return the normalized address of a deployment, however it was entered."""
    with suppress(NotSecureError):
        return api_address(url)
    return url
