"""Tells what happened: the event entity first, then the bus, one after the other and each once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
import logging
from typing import Any, Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .const import DOMAIN, EVENT_OCCURRENCE, LATE_AFTER
from .engine.journal import Journal
from .engine.model import ChannelId, Occurrence

_LOGGER = logging.getLogger(__name__)

# Turns of the event loop that a new entity gets to show its state before its event is told.
_TURNS_TO_WAIT: Final = 200


@dataclass(frozen=True, slots=True)
class Told:
    """An occurrence as it is told: `attributes` go into the event entity and, with more, onto the bus."""

    occurrence: Occurrence
    attributes: dict[str, Any]


class Names(Protocol):
    """Who things are in Home Assistant's registries."""

    def device_id(self, device: str) -> str | None:
        """The device registry's id."""

    def entity_id(self, channel: ChannelId) -> str | None:
        """The entity of a channel."""

    def is_awaited(self, channel: ChannelId) -> bool:
        """Whether a channel was offered to its platform and has not shown itself yet."""


class Teller:
    """What is to be told for one account, in order; opened when there are entities and automations to hear it."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, vendor: str, journal: Journal, names: Names
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._vendor = vendor
        self._journal = journal
        self._names = names
        self._listeners: dict[str, tuple[str, Callable[[Told], None]]] = {}
        self._waiting: deque[Occurrence] = deque()
        self._is_open = False
        self._is_telling = False
        self._is_unwritten = False
        self._started_at = dt_util.utcnow()

    @callback
    def async_listen(
        self, device: str, entity_id: str, listener: Callable[[Told], None]
    ) -> CALLBACK_TYPE:
        """Have an event entity hear of what happens at its device."""
        self._listeners[device] = (entity_id, listener)

        @callback
        def stop() -> None:
            self._listeners.pop(device, None)

        return stop

    @callback
    def async_open(self) -> None:
        """Begin to tell. While Home Assistant starts no automation listens: what is told then is lost on them."""
        self._is_open = True
        self._start()

    @callback
    def async_add(self, occurrences: Sequence[Occurrence]) -> None:
        """Tell those that have not been told."""
        self._waiting.extend(self._journal.admit(each for each in occurrences if each.is_proven))
        baseline = self._journal.baseline
        self._waiting.extend(
            each for each in occurrences if not each.is_proven and each.at > baseline
        )
        self._start()

    @callback
    def _start(self) -> None:
        if self._waiting and self._is_open and not self._is_telling:
            self._is_telling = True
            self._entry.async_create_background_task(
                self._hass, self._tell_all(), f"{DOMAIN} telling"
            )

    async def _tell_all(self) -> None:
        """Tell one after the other; each is on disk before the next is told."""
        while self._waiting:
            occurrence = self._waiting.popleft()
            await self._wait_for_state(occurrence)
            self._tell(occurrence)
            await self._write(occurrence)
        self._is_telling = False

    async def _write(self, occurrence: Occurrence) -> None:
        """Write down what was told; a full disk must not keep the next alarm from being told."""
        if not occurrence.is_proven:
            return
        try:
            await self._journal.async_told(occurrence)
        except OSError as err:
            if not self._is_unwritten:
                _LOGGER.warning(
                    "%s: the journal cannot be written (%s); after a restart events may be told again",
                    self._entry.title,
                    type(err).__name__,
                )
            self._is_unwritten = True
        else:
            self._is_unwritten = False

    async def _wait_for_state(self, occurrence: Occurrence) -> None:
        """Let an alarm that appeared with its first log show its state before its event."""
        channel = ChannelId(occurrence.device, occurrence.channel or "")
        for _ in range(_TURNS_TO_WAIT):
            if not self._names.is_awaited(channel):
                return
            await asyncio.sleep(0)

    @callback
    def _tell(self, occurrence: Occurrence) -> None:
        """State is written; now the event entity, then the bus."""
        attributes: dict[str, Any] = {
            "at": occurrence.at.isoformat(),
            "late": self._is_late(occurrence.at),
            **{key: value for key, value in occurrence.data.items() if value is not None},
        }
        if occurrence.channel is not None:
            alarm = self._names.entity_id(ChannelId(occurrence.device, occurrence.channel))
            attributes |= {"alarm_entity_id": alarm} if alarm else {}
        entity_id, listener = self._listeners.get(occurrence.device, (None, None))
        if listener is not None:
            self._show(listener, Told(occurrence, attributes))
        self._hass.bus.async_fire(
            EVENT_OCCURRENCE,
            {
                "vendor": self._vendor,
                "device_id": self._names.device_id(occurrence.device),
                "entity_id": entity_id,
                "type": str(occurrence.type),
                **attributes,
            },
        )

    def _show(self, listener: Callable[[Told], None], told: Told) -> None:
        """Show it on the event entity; if that fails, the bus must still tell of it."""
        try:
            listener(told)
        except Exception:
            _LOGGER.exception("%s: could not show %s", self._entry.title, told.occurrence.type)

    def _is_late(self, at: datetime) -> bool:
        return at < self._started_at or dt_util.utcnow() - at > LATE_AFTER
