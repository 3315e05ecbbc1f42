"""Callbacks (sections 4.6, 5.7, 6.2): notifications posted to registered loopback URLs."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
import json
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from simulators.random_source import fraction
from simulators.response import JsonObject

from .config import CloudConfig
from .serializers import time_text

BUTTON, ALARM, SYSTEM = 1, 2, 4
_LOSS, _DISORDER = 31, 32
_TIMEOUT = ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Callback:
    """A registered URL. `type`: a sum of 1 (button), 2 (alarm), 4 (system)."""

    id: int
    owner: int
    url: str
    type: int

    def json(self) -> JsonObject:
        """Return the callback as the API shows it."""
        return {"id": self.id, "url": self.url, "type": self.type}


@dataclass(slots=True)
class Delivery:
    """One notification to one URL.

    outcome: "waiting" until `due`, then an HTTP status, "lost", "refused" (not a loopback URL) or
    "unreachable".
    """

    callback: Callback
    due: datetime
    body: JsonObject
    outcome: str | int = "waiting"


@dataclass(slots=True)
class Callbacks:
    """All callbacks of a cloud and what was sent to them."""

    config: CloudConfig
    sent: list[Delivery] = field(default_factory=list)
    _callbacks: dict[int, Callback] = field(default_factory=dict)
    _created: int = 0
    _session: ClientSession | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Open the HTTP session."""
        self._session = ClientSession(timeout=_TIMEOUT)

    async def stop(self) -> None:
        """Cancel the deliveries in progress and close the HTTP session."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def create(self, owner: int, url: str, kind: int) -> Callback:
        """Register a URL."""
        self._created += 1
        callback = Callback(600 + self._created, owner, url, kind)
        self._callbacks[callback.id] = callback
        return callback

    def of(self, owner: int) -> list[Callback]:
        """Return a user's callbacks, oldest first."""
        return [callback for callback in self._callbacks.values() if callback.owner == owner]

    def delete(self, owner: int, number: int | None) -> bool:
        """Delete one callback of a user, or with None all of them; tell whether there was one."""
        doomed = [callback.id for callback in self.of(owner) if number in (None, callback.id)]
        for callback_id in doomed:
            del self._callbacks[callback_id]
        return bool(doomed)

    def notify(self, owner: int, kind: int, data: JsonObject, now: datetime) -> None:
        """Queue a notification to all of a user's callbacks that asked for its type."""
        delivery_config = self.config.callbacks
        body: JsonObject = {"type": kind, "date": time_text(now), "data": data}
        for callback in self.of(owner):
            if not callback.type & kind:
                continue
            for _ in range(delivery_config.copies):
                late = delivery_config.disorder * fraction(
                    self.config.seed, len(self.sent), _DISORDER
                )
                due = now + timedelta(seconds=delivery_config.delay + late)
                delivery = Delivery(callback, due, body)
                if fraction(self.config.seed, len(self.sent), _LOSS) < delivery_config.loss:
                    delivery.outcome = "lost"
                self.sent.append(delivery)

    def forge(self, body: JsonObject, now: datetime) -> None:
        """Queue a call that no event stands behind, to every registered URL."""
        self.sent.extend(Delivery(callback, now, body) for callback in self._callbacks.values())

    def settle(self, now: datetime) -> None:
        """Post what is due. Before `start` it waits."""
        if self._session is None:
            return
        for delivery in self.sent:
            if delivery.outcome != "waiting" or delivery.due > now:
                continue
            if not _is_loopback(delivery.callback.url):
                delivery.outcome = "refused"
                continue
            delivery.outcome = "posting"
            task = asyncio.create_task(self._post(self._session, delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until everything that is being posted has its outcome."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _post(self, session: ClientSession, delivery: Delivery) -> None:
        body, content_type = _encoded(delivery.body, self.config)
        headers = {"Content-Type": content_type}
        try:
            async with session.post(delivery.callback.url, data=body, headers=headers) as response:
                delivery.outcome = response.status
        except ClientError, TimeoutError:
            delivery.outcome = "unreachable"


def _encoded(body: JsonObject, config: CloudConfig) -> tuple[bytes, str]:
    match config.variants.callback_body:
        case "form":
            fields = "&".join(f"{name}={body[name]}" for name in ("type", "date"))
            return fields.replace("+", "%2B").encode(), "application/x-www-form-urlencoded"
        case "empty":
            return b"", "application/octet-stream"
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
