"""Offers to keep the entities of a replaced device for its replacement, and moves them.

A decision is stored before anything changes, and applied with the first list after a reload: before any entity of
either device is added. Each step reads the registries, so that all of it may be repeated after a crash.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
import logging
from typing import Any, Final, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import CONF_VENDOR, DOMAIN
from .engine.inventory_diff import InventoryTracker
from .engine.markdown import escape
from .engine.replacement import Pair, Seen, Trait, find_pairs, pair_entities
from .models import Channel, ChannelId, Device, Inventory
from .registries import RegistryHelper, platform_of
from .vendors import VENDORS

_LOGGER = logging.getLogger(__name__)

_VERSION: Final = 1
ISSUE: Final = "hardware_replaced"
# Home Assistant writes its registries within this time: then an applied decision need not be stored.
_WRITTEN_AFTER: Final = timedelta(minutes=5)
_UNKNOWN: Final = "?"


class Decision(NamedTuple):
    """A confirmed replacement: when it was confirmed, and the vendor's units of the old device's channels by key."""

    at: datetime
    units: Mapping[str, str]


class ReplacementStore:
    """Stores decisions on an account's replacements, and when devices that are no longer listed were listed last."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._store: Store[dict[str, Any]] = Store(
            hass, _VERSION, f"{DOMAIN}.{entry.entry_id}.replacements", private=True
        )
        self._entry = entry
        self.declined: set[Pair] = set()
        self.decided: dict[Pair, Decision] = {}
        self.last_listed: dict[str, datetime] = {}

    async def async_load(self) -> None:
        """Read the file; one that cannot be read is logged and starts empty."""
        try:
            stored = await self._store.async_load()
            self._restore(stored or {})
        except HomeAssistantError, OSError, ValueError, TypeError, KeyError, AttributeError:
            _LOGGER.warning("%s: what was decided of replaced devices is lost", self._entry.title)
            self.declined, self.decided, self.last_listed = set(), {}, {}

    def _restore(self, stored: Mapping[str, Any]) -> None:
        self.declined = {Pair(str(old), str(new)) for old, new in stored.get("declined", ())}
        self.decided = {
            Pair(str(old), str(new)): Decision(
                dt_util.utc_from_timestamp(float(at)), {str(k): str(v) for k, v in units.items()}
            )
            for old, new, at, units in stored.get("decided", ())
        }
        self.last_listed = {
            str(device): dt_util.utc_from_timestamp(float(at))
            for device, at in stored.get("last_listed", {}).items()
        }

    async def async_save(self) -> None:
        """Write the file."""
        await self._store.async_save(self._data())

    @callback
    def async_save_soon(self) -> None:
        """Schedule writing the file."""
        self._store.async_delay_save(self._data, 1.0)

    def _data(self) -> dict[str, Any]:
        return {
            "declined": sorted(map(list, self.declined)),
            "decided": [
                [*pair, decision.at.timestamp(), dict(decision.units)]
                for pair, decision in sorted(self.decided.items())
            ],
            "last_listed": {
                device: at.timestamp() for device, at in sorted(self.last_listed.items())
            },
        }

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()


async def async_follow_decisions(hass: HomeAssistant, entry: ConfigEntry) -> ReplacementStore:
    """Return the decisions after naming new devices in the account's options; called before it connects."""
    store = ReplacementStore(hass, entry)
    await store.async_load()
    for pair in store.decided:
        _follow_options(hass, entry, pair)
    return store


def _follow_options(hass: HomeAssistant, entry: ConfigEntry, pair: Pair) -> None:
    """Replace the old device's id with the new one's in options that name devices by the vendor's ids."""
    old, new = (device.partition("-")[2] for device in pair)
    options = dict(entry.options)
    for key in VENDORS[entry.data[CONF_VENDOR]].device_options:
        chosen = options.get(key)
        if isinstance(chosen, list) and old in chosen:
            options[key] = list(dict.fromkeys(new if each == old else each for each in chosen))
    if options != dict(entry.options):
        hass.config_entries.async_update_entry(entry, options=options)


class Replacements:
    """The replacements of one account."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        store: ReplacementStore,
        registries: RegistryHelper,
        tracker: InventoryTracker,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._store = store
        self._registries = registries
        self._tracker = tracker
        self._offers: dict[Pair, Device] = {}
        self._pending = set(store.decided)
        self._named_at: datetime | None = None
        tracker.held = {pair.old for pair in self._pending}

    # Offers

    @callback
    def async_review(self, inventory: Inventory) -> None:
        """Offer the replacements that this list shows, before it is applied; offered devices do not count as absent."""
        if not inventory.devices or not inventory.is_complete:
            return
        named = {device.id for device in inventory.devices} | inventory.left_out
        registered = self._registries.registered()
        absent = [
            device_id
            for device_id in registered
            if device_id not in named and self._tracker.is_absent_from(device_id, inventory)
        ]
        self._note_absent(absent)
        offers: list[Pair] = []
        news: dict[str, Device] = {}
        if absent:
            news = {device.id: device for device in self._candidates(inventory)}
            olds = (
                self._seen_of(device_id, registered[device_id])
                for device_id in absent
                if registered[device_id].entry_type is not dr.DeviceEntryType.SERVICE
            )
            offers = find_pairs(
                olds,
                (self._seen(device, registered) for device in news.values()),
                self._store.declined | self._store.decided.keys(),
            )
        self._show({pair: news[pair.new] for pair in offers})
        self._tracker.held = {pair.old for pair in (*self._offers, *self._pending)}

    def _candidates(self, inventory: Inventory) -> Iterable[Device]:
        """Yield the devices that may be replacements: all that are listed, also those that the options leave out."""
        yield from inventory.left_out_devices
        known = self._tracker.devices.values()
        yield from (device for device in known if self._tracker.is_listed_beside(device, inventory))
        yield from (device for device in inventory.devices if not device.is_service)

    def _note_absent(self, absent: Sequence[str]) -> None:
        """Store when a device was listed last, from the first list that lacks it."""
        known, before = self._store.last_listed, self._named_at
        self._named_at = dt_util.utcnow()
        stored = {device_id: at for device_id, at in known.items() if device_id in absent}
        if before is not None:
            stored |= {device_id: before for device_id in absent if device_id not in stored}
        if stored != known:
            self._store.last_listed = stored
            self._store.async_save_soon()

    def _seen_of(self, device_id: str, entry: dr.DeviceEntry) -> Seen:
        return Seen(
            device_id,
            entry.name,
            entry.serial_number,
            entry.model,
            entry.via_device_id,
            entry.created_at,
        )

    def _seen(self, device: Device, registered: Mapping[str, dr.DeviceEntry]) -> Seen:
        known = registered.get(device.id)
        above = registered.get(device.via) if device.via else None
        return Seen(
            device.id,
            device.name,
            device.serial,
            device.model,
            above.id if above else None,
            known.created_at if known else None,
        )

    def _show(self, offers: dict[Pair, Device]) -> None:
        """Raise and delete the repairs."""
        for pair in self._offers.keys() - offers.keys():
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(pair))
        new = offers.keys() - self._offers.keys()
        self._offers = offers
        for pair in new:
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                self._issue_id(pair),
                data={"entry_id": self._entry.entry_id, **pair._asdict()},
                is_fixable=True,
                severity=ir.IssueSeverity.WARNING,
                translation_key=ISSUE,
            )

    def _issue_id(self, pair: Pair) -> str:
        return f"{ISSUE}_{self._entry.entry_id}_{pair.old}_{pair.new}"

    def is_offered(self, pair: Pair) -> bool:
        """Return whether the repair is still open."""
        return pair in self._offers

    def described(self, pair: Pair) -> dict[str, str]:
        """Describe both devices side by side, in Markdown."""
        old, device = self._registries.device(pair.old), self._offers[pair]
        seen = self._store.last_listed.get(pair.old)
        return {
            "title": escape(self._entry.title),
            "old_name": _text((old.name_by_user or old.name) if old else None),
            "old_serial": _text(old.serial_number if old else None),
            "old_model": _text(old.model if old else None),
            "old_seen": f"{dt_util.as_local(seen):%Y-%m-%d %H:%M}" if seen else _UNKNOWN,
            "old_entities": str(len(self._entities(pair.old))),
            "new_name": _text(device.name),
            "new_serial": _text(device.serial),
            "new_model": _text(device.model),
            "new_seen": f"{dt_util.now():%Y-%m-%d %H:%M}",
            "new_entities": str(len(self._entities(pair.new))),
        }

    # Decisions

    async def async_decline(self, pair: Pair) -> None:
        """Never offer this pair again; the old device is removed as any other that is not listed."""
        self._store.declined.add(pair)
        self._drop_offer(pair)
        await self._store.async_save()

    async def async_accept(self, pair: Pair) -> None:
        """Store the decision that the new device replaces the old one; applied when the account is reloaded."""
        units = {
            channel.key: _native(channel) or ""
            for channel in self._tracker.channels.values()
            if channel.device == pair.old
        }
        self._store.decided[pair] = Decision(dt_util.utcnow(), units)
        try:
            await self._store.async_save()
        except HomeAssistantError, OSError:
            # On a full disk there is no decision, and the repair stays open.
            del self._store.decided[pair]
            raise
        self._pending.add(pair)
        self._drop_offer(pair)
        _follow_options(self._hass, self._entry, pair)

    @callback
    def async_forget(self, device_id: str) -> None:
        """Drop offers and decisions of a device that was deleted by hand."""
        for pair in [pair for pair in self._offers if pair.old == device_id]:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(pair))
            self._drop_offer(pair)
        for pair in [pair for pair in self._store.decided if pair.old == device_id]:
            self._pending.discard(pair)
            del self._store.decided[pair]
            self._store.async_save_soon()

    def _drop_offer(self, pair: Pair) -> None:
        self._offers.pop(pair, None)
        self._tracker.held = {each.old for each in (*self._offers, *self._pending)}

    # Application

    @callback
    def async_carry_out(self, inventory: Inventory) -> dict[ChannelId, ChannelId]:
        """Apply the decisions on devices that this list names; return the new id of each moved channel."""
        named = {device.id for device in inventory.devices}
        moved: dict[ChannelId, ChannelId] = {}
        for pair in [pair for pair in self._pending if {pair.old, pair.new} & named]:
            self._pending.discard(pair)
            is_written = dt_util.utcnow() - self._store.decided[pair].at > _WRITTEN_AFTER
            if pair.old in named:
                # The old device is listed again: nothing is moved.
                del self._store.decided[pair]
                self._store.async_save_soon()
                continue
            if self._is_open(pair):
                channels = [each for each in inventory.channels if each.device == pair.new]
                moved |= self._move_entities(pair, channels)
                self._move_device(pair)
                self._tracker.forget_device(pair.old)
            elif is_written:
                del self._store.decided[pair]
                self._store.async_save_soon()
        return moved

    def _is_open(self, pair: Pair) -> bool:
        """Return whether the old device or entities of it are registered; a crash may have left either."""
        return self._registries.device(pair.old) is not None or bool(self._entities(pair.old))

    def _entities(self, device_id: str) -> dict[str, er.RegistryEntry]:
        """Return the entities of a device by their channels' keys."""
        prefix = self._registries.unique_id(ChannelId(device_id, ""))
        entities = er.async_entries_for_config_entry(er.async_get(self._hass), self._entry.entry_id)
        return {
            entity.unique_id.removeprefix(prefix): entity
            for entity in entities
            if entity.unique_id.startswith(prefix)
        }

    def _move_entities(self, pair: Pair, channels: Iterable[Channel]) -> dict[ChannelId, ChannelId]:
        """Give the old entities the unique ids of their new counterparts, and remove the latter."""
        registry = er.async_get(self._hass)
        olds, news = self._entities(pair.old), self._entities(pair.new)
        new_traits = {channel.key: _trait_of(channel) for channel in channels}
        for key, entity in news.items():
            known = new_traits.get(key)
            new_traits[key] = _trait(key, entity, known.native if known else None)
        units = self._store.decided[pair].units
        old_traits = [_trait(key, entity, units.get(key)) for key, entity in olds.items()]
        pairs = pair_entities(old_traits, list(new_traits.values()))
        moved: dict[ChannelId, ChannelId] = {}
        is_paired = {old.key for old, _ in pairs}
        for old, new in pairs:
            if not old.carries_on(new):
                continue
            if (twin := news.pop(new.key, None)) is not None:
                registry.async_remove(twin.entity_id)
            target = ChannelId(pair.new, new.key)
            registry.async_update_entity(
                olds[old.key].entity_id, new_unique_id=self._registries.unique_id(target)
            )
            moved[ChannelId(pair.old, old.key)] = target
        for key, entity in olds.items():
            # A counterpart may appear later: a monitor's fields come with its first records.
            target = ChannelId(pair.new, key)
            if key in is_paired or key in news or target in moved.values():
                continue
            registry.async_update_entity(
                entity.entity_id, new_unique_id=self._registries.unique_id(target)
            )
            moved[ChannelId(pair.old, key)] = target
        return moved

    def _move_device(self, pair: Pair) -> None:
        """Give the old device the new one's identifier and entities, and remove the latter."""
        devices, entities = dr.async_get(self._hass), er.async_get(self._hass)
        old, new = self._registries.device(pair.old), self._registries.device(pair.new)
        if old is None:
            return
        if new is not None:
            for entity in er.async_entries_for_device(
                entities, new.id, include_disabled_entities=True
            ):
                entities.async_update_entity(entity.entity_id, device_id=old.id)
            devices.async_remove_device(new.id)
        identifiers = old.identifiers - {self._registries.identifier(pair.old)}
        devices.async_update_device(
            old.id, new_identifiers=identifiers | {self._registries.identifier(pair.new)}
        )


def _text(value: str | None) -> str:
    return escape(value) if value else _UNKNOWN


def _native(channel: Channel) -> str | None:
    return getattr(channel.description, "native_unit_of_measurement", None)


def _trait(key: str, entity: er.RegistryEntry, native: str | None) -> Trait:
    """Return the traits of a registered entity."""
    options: Mapping[str, Any] = entity.options.get("sensor") or {}
    return Trait(
        key,
        entity.domain,
        entity.original_device_class,
        entity.translation_key,
        entity.original_name,
        entity.unit_of_measurement,
        native,
        is_unit_chosen="unit_of_measurement" in options or "sensor.private" in entity.options,
    )


def _trait_of(channel: Channel) -> Trait:
    """Return the traits of a channel without an entity."""
    description = channel.description
    return Trait(
        channel.key,
        platform_of(channel).value,
        description.device_class,
        description.translation_key,
        channel.name,
        _native(channel),
        _native(channel) or "",
    )
