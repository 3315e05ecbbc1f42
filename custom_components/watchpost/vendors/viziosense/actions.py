"""Handlers of VizioSense's actions; their responses never contain secrets of webhooks."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.const import ATTR_NAME, CONF_URL
from msgspec import structs
from yarl import URL

from ...client.errors import NotSecureError, PictureMissingError, UnreachableError
from ...client.transport import checked_link
from ...contract.media import SnapshotCache
from ...contract.vendor import ActionCall, ActionHandler
from .action_schemas import (
    ACTIVE,
    CITY,
    COUNTRY,
    DEVICE_UUID,
    HEADERS,
    PARAMS,
    TRIGGERS,
    WEBHOOK_ID,
    WEBHOOK_TYPE,
)
from .client import VizioSenseClient
from .entities import CAMERA, camera_id
from .models import Device, Pair, Webhook

# Action fields and the vendor's names of them.
_VENDOR_KEYS = {ATTR_NAME: "name", CITY: "geo_city", COUNTRY: "geo_country"}


class VizioSenseActions:
    """Run the actions of one account; `devices` are its shown devices by uuid, `snapshots` returns their pictures."""

    def __init__(
        self,
        client: VizioSenseClient,
        devices: Mapping[str, Device],
        snapshots: Callable[[], SnapshotCache | None],
    ) -> None:
        self._client = client
        self._devices = devices
        self._snapshots = snapshots
        self.handlers: Mapping[str, ActionHandler] = {
            "request_snapshot": self._request_snapshot,
            "update_device": self._update_device,
            "list_webhooks": self._list_webhooks,
            "add_webhook": self._add_webhook,
            "update_webhook": self._update_webhook,
        }

    async def _request_snapshot(self, call: ActionCall) -> Mapping[str, Any]:
        """Request a snapshot and wait for its pictures, 20 s to two minutes."""
        snapshots = self._snapshots()
        if call.channel is None or call.channel.key != CAMERA or snapshots is None:
            raise ValueError("entity_id")
        snapshot = await (await snapshots.ask(call.channel.device)).result()
        if snapshot is None:
            return {"ready": False, "taken_at": None}
        failure = snapshot.failure
        if failure is not None and not isinstance(failure, PictureMissingError | UnreachableError):
            raise failure
        return {"ready": failure is None, "taken_at": snapshot.taken_at.isoformat()}

    async def _update_device(self, call: ActionCall) -> Mapping[str, Any]:
        for uuid in self._devices:
            if call.device == camera_id(uuid):
                changes = {
                    vendor_key: call.fields[field]
                    for field, vendor_key in _VENDOR_KEYS.items()
                    if field in call.fields
                }
                device = await self._client.update_device(uuid, changes)
                result = {ATTR_NAME: device.name, CITY: device.city, COUNTRY: device.country}
                return result | ({"renamed": device.name} if device.name else {})
        raise ValueError("device_id")

    # -- webhooks --

    async def _list_webhooks(self, call: ActionCall) -> Mapping[str, Any]:
        own_ids = call.fields["ours"]
        webhooks = await self._client.list_webhooks()
        return {"webhooks": [_describe(webhook, own_ids) for webhook in webhooks]}

    async def _add_webhook(self, call: ActionCall) -> Mapping[str, Any]:
        fields = call.fields
        webhook = Webhook(
            url=_valid_url(fields[CONF_URL]),
            type=fields[WEBHOOK_TYPE],
            is_active=fields[ACTIVE],
            actions=fields.get(TRIGGERS),
            headers=_to_pairs(fields[HEADERS]),
            params=_to_pairs(fields[PARAMS]),
        )
        added = await self._client.add_webhook(webhook, fields.get(DEVICE_UUID))
        return {"webhook_id": added.id if added else None}

    async def _update_webhook(self, call: ActionCall) -> Mapping[str, Any]:
        """Change the given fields of a webhook; the vendor requires the unchanged ones too."""
        fields = call.fields
        if fields[WEBHOOK_ID] in fields["ours"]:
            raise ValueError(WEBHOOK_ID)
        webhook = next(
            (
                listed
                for listed in await self._client.list_webhooks()
                if listed.id == fields[WEBHOOK_ID]
            ),
            None,
        )
        if webhook is None:
            raise ValueError(WEBHOOK_ID)
        for name, pairs in ((HEADERS, webhook.headers), (PARAMS, webhook.params)):
            # The vendor masks secrets: sending the mask back would overwrite the secret with asterisks.
            if name not in fields and any(pair.is_hidden and pair.value for pair in pairs):
                raise ValueError(name)
        changed = structs.replace(
            webhook,
            url=_valid_url(fields[CONF_URL]) if CONF_URL in fields else webhook.url,
            type=fields.get(WEBHOOK_TYPE, webhook.type),
            is_active=fields.get(ACTIVE, webhook.is_active),
            actions=fields.get(TRIGGERS, webhook.actions),
            headers=_to_pairs(fields[HEADERS]) if HEADERS in fields else webhook.headers,
            params=_to_pairs(fields[PARAMS]) if PARAMS in fields else webhook.params,
        )
        await self._client.update_webhook(changed)
        return _describe(changed, frozenset())


def _valid_url(url: str) -> str:
    """Return a valid webhook URL; raise ValueError if it is neither https nor loopback."""
    try:
        return str(checked_link(url))
    except NotSecureError:
        raise ValueError(CONF_URL) from None


def _to_pairs(fields: Mapping[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(name, value) for name, value in fields.items())


def _describe(webhook: Webhook, own_ids: frozenset[str]) -> dict[str, Any]:
    """Return a webhook without secrets: the host of its URL, and the names of its headers and parameters."""
    return {
        "id": webhook.id,
        "host": _host(webhook.url),
        "type": webhook.type,
        "active": webhook.is_active,
        "actions": webhook.actions,
        "headers": [pair.name for pair in webhook.headers],
        "params": [pair.name for pair in webhook.params],
        "is_ours": webhook.id in own_ids,
    }


def _host(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None
