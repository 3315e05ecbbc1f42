"""The webhooks of an account, as they are registered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from simulators.response import JsonObject

from .config import ApiVariants
from .errors import ErrorListError

KINDS = ("payload", "keepalive")

type Pair = tuple[str, str]


@dataclass(slots=True)
class Webhook:
    """A registered webhook. `device_uuid`: None serves all devices."""

    id: int
    device_uuid: str | None
    url: str = ""
    webhook_type: str = ""
    active: bool = False
    actions: str = ""
    headers: list[Pair] = field(default_factory=list)
    params: list[Pair] = field(default_factory=list)

    def serves(self, kind: str, device_uuid: str | None) -> bool:
        """Return whether it is to be called with that about a device (None: an unknown one)."""
        mine = self.device_uuid is None or device_uuid in (None, self.device_uuid)
        return self.active and self.webhook_type == kind and mine


@dataclass(slots=True)
class Webhooks:
    """All webhooks, oldest first."""

    variants: ApiVariants
    all: list[Webhook] = field(default_factory=list)
    _created: int = 0

    def create(
        self,
        url: str,
        webhook_type: str = "payload",
        *,
        device_uuid: str | None = None,
        active: bool = True,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Webhook:
        """Register a webhook beside the API, as another system of the customer's would have."""
        webhook = self._new(device_uuid)
        webhook.url, webhook.webhook_type, webhook.active = url, webhook_type, active
        webhook.headers = list((headers or {}).items())
        webhook.params = list((params or {}).items())
        self.all.append(webhook)
        return webhook

    def add(self, body: Mapping[str, Any], device_uuid: str | None) -> JsonObject:
        """Register a webhook; raise ErrorListError for invalid fields."""
        if device_uuid is None and self.variants.webhook_scope == "device":
            raise self._refused("device_uuid is required")
        webhook = self._new(device_uuid)
        self._fill(webhook, body)
        self.all.append(webhook)
        return self._echo(webhook)

    def update(
        self, body: Mapping[str, Any], device_uuid: str | None, number: str | None
    ) -> JsonObject:
        """Change a webhook, found by its id or else by the body's url and type."""
        for webhook in self.all:
            same = (webhook.url, webhook.webhook_type) == (
                body.get("url"),
                body.get("webhook_type"),
            )
            found = same if number is None else number == str(webhook.id)
            if found and device_uuid in (None, webhook.device_uuid):
                self._fill(webhook, body, fresh=False)
                return self._echo(webhook)
        raise self._refused("There is no such webhook")

    def listed(self, device_uuid: str | None) -> JsonObject:
        """Return the webhooks of one device, or all."""
        return {
            "data": [
                {"id": webhook.id, **self._json(webhook)}
                for webhook in self.all
                if device_uuid in (None, webhook.device_uuid)
            ]
        }

    def _new(self, device_uuid: str | None) -> Webhook:
        self._created += 1
        return Webhook(300 + self._created, device_uuid)

    def _fill(self, webhook: Webhook, body: Mapping[str, Any], *, fresh: bool = True) -> None:
        kept = {} if fresh or self.variants.update == "replace" else self._json(webhook)
        merged = {**kept, **body}
        url, kind = merged.get("url"), merged.get("webhook_type")
        reasons = []
        if not isinstance(url, str) or not _is_address(url):
            reasons.append("url must be an address")
        if kind not in KINDS:
            reasons.append("webhook_type must be payload or keepalive")
        data = merged.get("data") or {}
        if not isinstance(data, dict) or not all(
            _is_pairs(data.get(key)) for key in ("headers", "params")
        ):
            reasons.append("data must hold headers and params")
        if reasons:
            raise self._refused(*reasons)
        webhook.url, webhook.webhook_type = str(url), str(kind)
        webhook.actions = str(merged.get("actions") or "")
        webhook.active = _truth(merged.get(self.variants.webhook_switch), webhook.active)
        if fresh or "data" in body or self.variants.update == "replace":
            webhook.headers = _pairs(data.get("headers"))
            webhook.params = _pairs(data.get("params"))

    def _echo(self, webhook: Webhook) -> JsonObject:
        shown = self._json(webhook)
        return {"id": webhook.id, **shown} if self.variants.webhook_echo == "stored" else shown

    def _json(self, webhook: Webhook) -> JsonObject:
        status = int(webhook.active) if self.variants.status == "number" else webhook.active
        return {
            "url": webhook.url,
            "webhook_type": webhook.webhook_type,
            "status": status,
            "actions": webhook.actions,
            "data": {
                "headers": self._shown(webhook.headers),
                "params": self._shown(webhook.params),
            },
        }

    def _shown(self, pairs: list[Pair]) -> list[JsonObject]:
        masked = self.variants.webhook_values == "masked"
        return [{"name": name, "value": "***" if masked else value} for name, value in pairs]

    def _refused(self, *reasons: str) -> ErrorListError:
        return ErrorListError(*reasons, status=self.variants.webhook_error)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_pairs(value: object) -> bool:
    return value is None or (
        isinstance(value, list)
        and all(
            isinstance(pair, dict) and isinstance(pair.get("name"), str) and "value" in pair
            for pair in value
        )
    )


def _pairs(value: list[dict[str, object]] | None) -> list[Pair]:
    return [(str(pair["name"]), str(pair["value"])) for pair in value or []]


def _truth(value: object, otherwise: bool) -> bool:
    if value is None:
        return otherwise
    return value in (True, 1, "1", "true")
