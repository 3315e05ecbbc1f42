"""Calls to webhooks: as axios 1.3.5 makes them, to loopback addresses alone."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
import json
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from simulators.random_source import fraction
from simulators.response import JsonObject

from .config import CloudConfig
from .webhooks import Pair, Webhook, Webhooks

_LOSS, _DISORDER = 41, 42
_TIMEOUT = ClientTimeout(total=10)
_HEADERS = {
    "User-Agent": "axios/1.3.5",
    "Content-Type": "application/json",
    "Accept": "application/json, text/plain, */*",
}

type Body = JsonObject | bytes
type Proof = Literal["right", "wrong", "missing"]


@dataclass(slots=True)
class Delivery:
    """One call. `body`: bytes go as they are; None is a keep-alive, a GET whose `query` says it all.

    proof: whether the registered headers and params go along as they are, with other values, or
    not at all. outcome: "waiting" until `due`, then an HTTP status, "lost", "refused" (not a
    loopback URL) or "unreachable". at: when the outcome was known.
    """

    webhook: Webhook
    due: datetime
    query: list[Pair] = field(default_factory=list)
    body: Body | None = None
    proof: Proof = "right"
    outcome: str | int = "waiting"
    attempt: int = 1
    at: datetime | None = None

    def pairs(self, registered: list[Pair]) -> list[Pair]:
        """Return registered headers or params as they are sent."""
        if self.proof == "missing":
            return []
        return [(name, "wrong") for name, _ in registered] if self.proof == "wrong" else registered


@dataclass(slots=True)
class WebhookSender:
    """The calls to webhooks, sent or waiting."""

    config: CloudConfig
    webhooks: Webhooks
    sent: list[Delivery] = field(default_factory=list)
    _session: ClientSession | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _turns: dict[int, asyncio.Lock] = field(default_factory=dict)

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

    def payload(
        self, body: Body, device: str | None, now: datetime, proof: Proof = "right"
    ) -> None:
        """Queue a message about a device (None: an unknown one) to all webhooks for payloads."""
        for webhook in self.webhooks.all:
            if webhook.serves("payload", device):
                self._queue(Delivery(webhook, now, body=body, proof=proof))

    def keepalive(
        self, name: str, device: str | None, now: datetime, proof: Proof = "right"
    ) -> None:
        """Queue a keep-alive with a device's id to all webhooks for keep-alives."""
        for webhook in self.webhooks.all:
            if webhook.serves("keepalive", device):
                query = [("source", "VIZIOSENSE"), ("id", name)]
                self._queue(Delivery(webhook, now, query, proof=proof))

    def replay(self, delivery: Delivery, now: datetime) -> Delivery:
        """Queue a delivery again, unchanged."""
        again = replace(delivery, due=now, outcome="waiting", at=None)
        self.sent.append(again)
        return again

    def settle(self, now: datetime) -> None:
        """Send the deliveries that are due, in order of their due time; before `start` none is sent."""
        if self._session is None:
            return
        due = [one for one in self.sent if one.outcome == "waiting" and one.due <= now]
        for delivery in sorted(due, key=lambda one: one.due):
            if not _is_loopback(delivery.webhook.url):
                delivery.outcome, delivery.at = "refused", now
                continue
            delivery.outcome = "posting"
            task = asyncio.create_task(self._call(self._session, delivery, now))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until every delivery in progress has an outcome."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _queue(self, delivery: Delivery) -> None:
        settings = self.config.delivery
        for _ in range(settings.copies):
            late = settings.disorder * fraction(self.config.seed, len(self.sent), _DISORDER)
            copy = replace(delivery, due=delivery.due + timedelta(seconds=settings.delay + late))
            if fraction(self.config.seed, len(self.sent), _LOSS) < settings.loss:
                copy.outcome = "lost"
            self.sent.append(copy)

    async def _call(self, session: ClientSession, delivery: Delivery, now: datetime) -> None:
        webhook = delivery.webhook
        query = [*delivery.query, *delivery.pairs(webhook.params)]
        async with self._turns.setdefault(webhook.id, asyncio.Lock()):
            try:
                async with session.request(
                    "GET" if delivery.body is None else "POST",
                    URL(webhook.url).extend_query(query),
                    headers=_HEADERS | dict(delivery.pairs(webhook.headers)),
                    data=None if delivery.body is None else _encoded(delivery.body),
                    allow_redirects=False,
                ) as response:
                    delivery.outcome = response.status
            except ClientError, TimeoutError, ValueError:  # a header may hold what none may
                delivery.outcome = "unreachable"
        delivery.at = now
        self._try_again(delivery, now)

    def _try_again(self, delivery: Delivery, now: datetime) -> None:
        settings = self.config.delivery
        arrived = isinstance(delivery.outcome, int) and delivery.outcome < 300
        if arrived or delivery.attempt > settings.retries:
            return
        due = now + timedelta(seconds=settings.retry_seconds)
        self.sent.append(
            replace(delivery, due=due, outcome="waiting", at=None, attempt=delivery.attempt + 1)
        )


def _encoded(body: Body) -> bytes:
    if isinstance(body, bytes):
        return body
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
