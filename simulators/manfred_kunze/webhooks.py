"""Deliver notifications: call webhooks at loopback addresses only, and record e-mails."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
import hashlib
import hmac
from ipaddress import ip_address
import json
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from simulators.random_source import fraction

from .alerts import Channel
from .config import CloudConfig

_LOSS = 41
_TIMEOUT = ClientTimeout(total=10)

type Body = Mapping[str, object] | bytes


@dataclass(slots=True)
class Delivery:
    """One message to a channel. alert: the id of its alert, None for a test.

    outcome: "waiting" until `due`, then an HTTP status, "written" (an e-mail), "lost", "refused" (not a loopback
    address) or "unreachable". at: when the outcome was known.
    """

    channel: Channel
    due: int
    body: Body
    alert: str | None = None
    outcome: str | int = "waiting"
    attempt: int = 1
    at: int | None = None

    @property
    def state(self) -> str:
        """Return the platform's term for the outcome."""
        if self.outcome in ("waiting", "posting"):
            return "PENDING"
        arrived = self.outcome == "written"
        if isinstance(self.outcome, int):
            arrived = 200 <= self.outcome < 300
        return "DELIVERED" if arrived else "FAILED"


@dataclass(slots=True)
class WebhookSender:
    """The messages to channels, sent or waiting."""

    config: CloudConfig
    sent: list[Delivery] = field(default_factory=list)
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

    def queue(self, channel: Channel, body: Body, now: int, alert: str | None) -> None:
        """Queue a message with the configured delivery."""
        settings = self.config.delivery
        if channel.type != "WEBHOOK":
            self.sent.append(Delivery(channel, now, body, alert, "written", at=now))
            return
        for _ in range(settings.copies):
            delivery = Delivery(channel, now + round(settings.delay), body, alert)
            if fraction(self.config.seed, len(self.sent), _LOSS) < settings.loss:
                delivery.outcome = "lost"
            self.sent.append(delivery)

    def replay(self, delivery: Delivery, now: int) -> None:
        """Queue a message again, unchanged."""
        self.sent.append(replace(delivery, due=now, outcome="waiting", at=None))

    def settle(self, now: int) -> None:
        """Send the deliveries that are due, in order of their due time; before `start` none is sent."""
        if self._session is None:
            return
        due = [one for one in self.sent if one.outcome == "waiting" and one.due <= now]
        for delivery in sorted(due, key=lambda one: one.due):
            if not _is_loopback(delivery.channel.target):
                delivery.outcome, delivery.at = "refused", now
                continue
            delivery.outcome = "posting"
            task = asyncio.create_task(self._call(self._session, delivery, now))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until every delivery in progress has an outcome."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _call(self, session: ClientSession, delivery: Delivery, now: int) -> None:
        body, kind = _encoded(delivery.body)
        headers = {"User-Agent": "Java-http-client/21", "Content-Type": kind}
        if self.config.variants.signature == "hmac" and (secret := delivery.channel.secret):
            signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Signature"] = f"sha256={signed}"
        try:
            async with session.post(
                delivery.channel.target, headers=headers, data=body, allow_redirects=False
            ) as response:
                delivery.outcome = response.status
        except ClientError, TimeoutError, ValueError:
            delivery.outcome = "unreachable"
        delivery.at = now
        settings = self.config.delivery
        if delivery.state == "FAILED" and delivery.attempt <= settings.retries:
            due = now + round(settings.retry_seconds)
            again = replace(delivery, due=due, outcome="waiting", at=None)
            again.attempt += 1
            self.sent.append(again)


def _encoded(body: Body) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "text/plain"
    return json.dumps(body, ensure_ascii=False).encode(), "application/json"


def _is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
