"""What the actions of a VizioSense account do. Secrets of webhooks are never in a response."""

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

# Fields of actions and what the vendor calls them.
_CHANGES = {ATTR_NAME: "name", CITY: "geo_city", COUNTRY: "geo_country"}


class VizioSenseActions:
    """The actions of one account; `devices` are those that it shows, by uuid, `album` their pictures."""

    def __init__(
        self,
        client: VizioSenseClient,
        devices: Mapping[str, Device],
        album: Callable[[], SnapshotCache | None],
    ) -> None:
        self._client = client
        self._devices = devices
        self._album = album
        self.handlers: Mapping[str, ActionHandler] = {
            "request_snapshot": self._request_snapshot,
            "update_device": self._update_device,
            "list_webhooks": self._list_webhooks,
            "add_webhook": self._add_webhook,
            "update_webhook": self._update_webhook,
        }

    async def _request_snapshot(self, call: ActionCall) -> Mapping[str, Any]:
        """Wait until the pictures are there, at least 20 s and at most two minutes."""
        album = self._album()
        if call.channel is None or call.channel.key != CAMERA or album is None:
            raise ValueError("entity_id")
        snapshot = await (await album.ask(call.channel.device)).result()
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
                    theirs: call.fields[ours]
                    for ours, theirs in _CHANGES.items()
                    if ours in call.fields
                }
                device = await self._client.update_device(uuid, changes)
                told = {ATTR_NAME: device.name, CITY: device.city, COUNTRY: device.country}
                return told | ({"renamed": device.name} if device.name else {})
        raise ValueError("device_id")

    # -- webhooks --

    async def _list_webhooks(self, call: ActionCall) -> Mapping[str, Any]:
        ours = call.fields["ours"]
        webhooks = await self._client.list_webhooks()
        return {"webhooks": [_shown(webhook, ours) for webhook in webhooks]}

    async def _add_webhook(self, call: ActionCall) -> Mapping[str, Any]:
        fields = call.fields
        webhook = Webhook(
            url=_checked(fields[CONF_URL]),
            type=fields[WEBHOOK_TYPE],
            is_active=fields[ACTIVE],
            actions=fields.get(TRIGGERS),
            headers=_pairs(fields[HEADERS]),
            params=_pairs(fields[PARAMS]),
        )
        added = await self._client.add_webhook(webhook, fields.get(DEVICE_UUID))
        return {"webhook_id": added.id if added else None}

    async def _update_webhook(self, call: ActionCall) -> Mapping[str, Any]:
        """Change what is given and leave the rest, which the vendor wants told again."""
        fields = call.fields
        if fields[WEBHOOK_ID] in fields["ours"]:
            raise ValueError(WEBHOOK_ID)
        webhook = next(
            (each for each in await self._client.list_webhooks() if each.id == fields[WEBHOOK_ID]),
            None,
        )
        if webhook is None:
            raise ValueError(WEBHOOK_ID)
        for name, pairs in ((HEADERS, webhook.headers), (PARAMS, webhook.params)):
            # Telling stars again would put stars where the other system's secret is.
            if name not in fields and any(pair.is_hidden and pair.value for pair in pairs):
                raise ValueError(name)
        changed = structs.replace(
            webhook,
            url=_checked(fields[CONF_URL]) if CONF_URL in fields else webhook.url,
            type=fields.get(WEBHOOK_TYPE, webhook.type),
            is_active=fields.get(ACTIVE, webhook.is_active),
            actions=fields.get(TRIGGERS, webhook.actions),
            headers=_pairs(fields[HEADERS]) if HEADERS in fields else webhook.headers,
            params=_pairs(fields[PARAMS]) if PARAMS in fields else webhook.params,
        )
        await self._client.update_webhook(changed)
        return _shown(changed, frozenset())


def _checked(url: str) -> str:
    """An address that data may be sent to; ValueError for one that is neither https nor this machine."""
    try:
        return str(checked_link(url))
    except NotSecureError:
        raise ValueError(CONF_URL) from None


def _pairs(fields: Mapping[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(name, value) for name, value in fields.items())


def _shown(webhook: Webhook, ours: frozenset[str]) -> dict[str, Any]:
    """A webhook without what is secret: of its address the host alone, of headers and parameters their names."""
    return {
        "id": webhook.id,
        "host": _host(webhook.url),
        "type": webhook.type,
        "active": webhook.is_active,
        "actions": webhook.actions,
        "headers": [pair.name for pair in webhook.headers],
        "params": [pair.name for pair in webhook.params],
        "is_ours": webhook.id in ours,
    }


def _host(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None
