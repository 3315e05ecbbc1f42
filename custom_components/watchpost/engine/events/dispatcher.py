"""Dispatches events in order and each once: to the event entity first, then to the bus."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
import logging
from typing import Any, Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ...const import DOMAIN, EVENT_WATCHPOST, LATE_AFTER
from ...models import ChannelId, VendorEvent
from .journal import EventJournal

_LOGGER = logging.getLogger(__name__)

# Turns of the event loop that a new entity gets to write its state before its event is dispatched.
_MAX_TURNS: Final = 200

# Seconds until a failed write of the journal is retried.
_RETRY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class DispatchedEvent:
    """An event as it is dispatched: `attributes` go into the event entity and, with more, onto the bus."""

    vendor_event: VendorEvent
    attributes: dict[str, Any]


class RegistryLookup(Protocol):
    """Looks up devices and entities in Home Assistant's registries."""

    def device_id(self, device: str) -> str | None:
        """Return the device registry's id of a device."""

    def entity_id(self, channel: ChannelId) -> str | None:
        """Return the entity id of a channel."""

    def is_awaited(self, channel: ChannelId) -> bool:
        """Return whether a channel was offered to its platform and its entity has not subscribed yet."""


class EventDispatcher:
    """Dispatches the events of one account in order, once there are entities and automations to receive them."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        vendor: str,
        journal: EventJournal,
        registries: RegistryLookup,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._vendor = vendor
        self._journal = journal
        self._registries = registries
        self._listeners: dict[str, tuple[str, Callable[[DispatchedEvent], None]]] = {}
        self._waiting = journal.queue
        self._is_open = False
        self._is_dispatching = False
        self._is_unwritten = False
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._started_at = journal.clock.now()

    @callback
    def async_listen(
        self, device: str, entity_id: str, listener: Callable[[DispatchedEvent], None]
    ) -> CALLBACK_TYPE:
        """Subscribe an event entity to the events of its device; return the unsubscribe function."""
        self._listeners[device] = (entity_id, listener)

        @callback
        def stop() -> None:
            self._listeners.pop(device, None)

        return stop

    @callback
    def async_start(self) -> None:
        """Flush the journal before the account is unloaded and when Home Assistant stops."""
        self._entry.async_on_unload(self._async_close)
        self._entry.async_on_unload(
            self._hass.bus.async_listen(EVENT_HOMEASSISTANT_FINAL_WRITE, self._async_close)
        )

    async def _async_close(self, _event: Event | None = None) -> None:
        if self._cancel_retry is not None:
            self._cancel_retry()
            self._cancel_retry = None
        await self._journal.async_flush()

    @callback
    def async_open(self) -> None:
        """Start dispatching. While Home Assistant starts no automation listens and would miss events."""
        self._is_open = True
        self._start()

    @callback
    def async_add(self, vendor_events: Sequence[VendorEvent]) -> None:
        """Queue the events that were not dispatched yet."""
        self._waiting.extend(
            self._journal.filter_new(each for each in vendor_events if each.is_proven)
        )
        baseline = self._journal.baseline
        self._waiting.extend(
            each for each in vendor_events if not each.is_proven and each.at > baseline
        )
        self._start()

    @callback
    def _start(self) -> None:
        if self._waiting and self._is_open and not self._is_dispatching:
            self._is_dispatching = True
            self._entry.async_create_background_task(
                self._hass, self._dispatch_all(), f"{DOMAIN} telling"
            )

    async def _dispatch_all(self) -> None:
        """Dispatch the queue; each event is on disk before the next one is dispatched."""
        try:
            while self._waiting:
                await self._dispatch_next()
        finally:
            self._is_dispatching = False

    async def _dispatch_next(self) -> None:
        """Dispatch the first event of the queue; a step that fails costs that step alone."""
        vendor_event = self._waiting[0]
        with self._reported("wait for the state of", vendor_event):
            await self._wait_for_state(vendor_event)
        # Only now, so that an unload while it waits leaves it to the account that comes next.
        self._waiting.popleft()
        with self._reported("tell of", vendor_event):
            self._fire_all(vendor_event)
        await self._write(vendor_event)

    @contextmanager
    def _reported(self, step: str, vendor_event: VendorEvent) -> Iterator[None]:
        """Log what fails inside, and go on."""
        try:
            yield
        except Exception:
            _LOGGER.exception("%s: could not %s %s", self._entry.title, step, vendor_event.type)

    async def _write(self, vendor_event: VendorEvent) -> None:
        """Record a dispatched event, also when the account is unloaded meanwhile."""
        writing = self._hass.async_create_task(self._record(vendor_event), eager_start=True)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    async def _record(self, vendor_event: VendorEvent) -> None:
        """Record a dispatched event; a full disk must not keep the next alarm from being dispatched."""
        if not vendor_event.is_proven:
            return
        try:
            await self._journal.async_mark_delivered(vendor_event)
        except Exception as err:  # noqa: BLE001  whatever it is, the next event must be dispatched
            if not self._is_unwritten:
                _LOGGER.warning(
                    "%s: the journal cannot be written (%s); after a restart events may be told again",
                    self._entry.title,
                    type(err).__name__,
                )
            self._is_unwritten = True
            self._schedule_retry()
        else:
            self._is_unwritten = False

    @callback
    def _schedule_retry(self) -> None:
        if self._cancel_retry is None:
            self._cancel_retry = async_call_later(self._hass, _RETRY_SECONDS, self._retry_write)

    async def _retry_write(self, _now: datetime) -> None:
        """Retry a failed write; a disk is rarely full for long."""
        self._cancel_retry = None
        if not await self._journal.async_flush():
            self._schedule_retry()

    async def _wait_for_state(self, vendor_event: VendorEvent) -> None:
        """Let the entity of an alarm that appeared with its first event write its state before the event."""
        channel = ChannelId(vendor_event.device, vendor_event.channel or "")
        for _ in range(_MAX_TURNS):
            if not self._registries.is_awaited(channel):
                return
            await asyncio.sleep(0)

    @callback
    def _fire_all(self, vendor_event: VendorEvent) -> None:
        """Update the event entity, then fire on the bus; the state was written before."""
        attributes: dict[str, Any] = {
            "at": vendor_event.at.isoformat(),
            "late": self._is_late(vendor_event.at),
            **{key: value for key, value in vendor_event.data.items() if value is not None},
        }
        if vendor_event.channel is not None:
            alarm = self._look_up(
                vendor_event,
                lambda: self._registries.entity_id(
                    ChannelId(vendor_event.device, vendor_event.channel or "")
                ),
            )
            attributes |= {"alarm_entity_id": alarm} if alarm else {}
        entity_id, listener = self._listeners.get(vendor_event.device, (None, None))
        if listener is not None:
            self._show(listener, DispatchedEvent(vendor_event, attributes))
        self._fire(
            vendor_event,
            {
                "vendor": self._vendor,
                "device_id": self._look_up(
                    vendor_event, lambda: self._registries.device_id(vendor_event.device)
                ),
                "entity_id": entity_id,
                "type": str(vendor_event.type),
                **attributes,
            },
        )

    def _look_up(self, vendor_event: VendorEvent, find: Callable[[], str | None]) -> str | None:
        """Look up a registry id; if that fails, the event is dispatched without it."""
        try:
            return find()
        except Exception:
            _LOGGER.exception("%s: could not name %s", self._entry.title, vendor_event.type)
            return None

    def _fire(self, vendor_event: VendorEvent, data: Mapping[str, Any]) -> None:
        """Fire the event; retry once, since one failing listener must not hide it from the others."""
        is_fired = False
        with self._reported("fire the event of", vendor_event):
            self._hass.bus.async_fire(EVENT_WATCHPOST, data)
            is_fired = True
        if not is_fired:
            self._hass.bus.async_fire(EVENT_WATCHPOST, data)

    def _show(self, listener: Callable[[DispatchedEvent], None], event: DispatchedEvent) -> None:
        """Update the event entity; if that fails, the event must still be fired on the bus."""
        with self._reported("show", event.vendor_event):
            listener(event)

    def _is_late(self, at: datetime) -> bool:
        """Return whether an event happened before the account was loaded or long ago, by a trusted clock."""
        clock = self._journal.clock
        now = clock.trusted_utc()
        started_at = now - timedelta(seconds=clock.now() - self._started_at)
        return at < started_at or now - at > LATE_AFTER
