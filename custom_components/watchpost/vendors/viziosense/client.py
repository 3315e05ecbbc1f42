"""VizioSense's Integrator API 1.0.0: one method per documented call, in the document's order.

Every method raises a `VendorError`. The reference lost its paths; those that could not be found elsewhere stand in
`CALLS`, marked, and nowhere else.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from ...client.decode import Decoded
from ...client.errors import PermissionDeniedError, SignInRejectedError
from ...client.parsing import parse as parse_body
from ...client.transport import Response, Transport
from ...models import Freshness
from . import models
from .models import Device, Images, Login, Page, Webhook

# Pages of the list of devices; a list that goes on after so many never ends.
MAX_PAGES: Final = 200


@dataclass(frozen=True, slots=True)
class _Call:
    """Where a call goes; `is_known` is False where method and path are our choice, not the vendor's word."""

    method: str
    path: str
    is_known: bool = False


LOGIN: Final = _Call("POST", "/login")
LIST_DEVICES: Final = _Call("GET", "/devices")
GET_DEVICE: Final = _Call("GET", "/devices/{device}")
UPDATE_DEVICE: Final = _Call("PUT", "/devices/{device}")
REQUEST_IMAGE: Final = _Call("POST", "/devices/{device}/image")
LIST_WEBHOOKS: Final = _Call("GET", "/webhooks")
ADD_WEBHOOK: Final = _Call("POST", "/webhooks")
# That a webhook is addressed by its id is a choice too; the reference names device_uuid alone.
UPDATE_WEBHOOK: Final = _Call("PUT", "/webhooks/{webhook}")

# Every call of the reference, in its order. None of the methods and paths is documented where we could read it.
CALLS: Final = (
    *(LOGIN, LIST_DEVICES, GET_DEVICE, UPDATE_DEVICE),
    *(REQUEST_IMAGE, LIST_WEBHOOKS, ADD_WEBHOOK, UPDATE_WEBHOOK),
)


def _by_number(page: int, size: int) -> dict[str, str]:
    return {"page": str(page)}


def _by_offset(page: int, size: int) -> dict[str, str]:
    return {"page[offset]": str((page - 1) * size), "page[limit]": str(size)}


# How a further page is asked for is not documented. Where the first way brings nothing new, the next is tried.
PAGINGS: Final = (_by_number, _by_offset)


@dataclass(frozen=True, slots=True)
class VizioSenseResponse[T]:
    """What a read brought: typed records, what was set aside, and until when the replies are current."""

    value: T
    rejected: Counter[str]
    freshness: tuple[Freshness, ...]


@dataclass(slots=True)
class _Listed:
    """Devices as they come in, page by page."""

    devices: dict[str, Device] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    freshness: list[Freshness] = field(default_factory=list)

    def take(self, page: VizioSenseResponse[Page]) -> bool:
        """Take a page; whether it brought anything new."""
        known = len(self.devices)
        self.freshness.extend(page.freshness)
        self.rejected += page.rejected
        self.devices |= {device.uuid: device for device in page.value.devices}
        return len(self.devices) > known

    def is_cut(self, first: Page) -> bool:
        """Whether there should be more than came, by what the first page says."""
        if first.total is not None:
            return len(self.devices) + self.rejected.total() < first.total
        return (first.last or 1) > MAX_PAGES


class VizioSenseClient:
    """The vendor's calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        transport.probe_requests = lambda: [(LIST_DEVICES.path, None), (LIST_WEBHOOKS.path, None)]
        transport.check_body = self._check
        self._paging = PAGINGS[0]

    async def login(self, username: str, password: str) -> Login:
        """Sign in; for a transport without credentials."""
        body = {"email": username, "password": password}
        try:
            return models.parse_login(await self._write(LOGIN, body, "sign in"))
        except PermissionDeniedError:
            raise SignInRejectedError("the vendor refused the credentials") from None

    async def list_devices(
        self,
        *,
        sort: str | None = None,
        group: str | None = None,
        is_online: bool | None = None,
    ) -> VizioSenseResponse[tuple[Device, ...]]:
        """Return the devices that the user has access to, all pages of them.

        A list that does not come to an end is cut off and counted among what was set aside.
        """
        params = {"sort": sort, "group": group}
        if is_online is not None:
            params["is_online"] = "Online" if is_online else "Offline"
        given = {name: value for name, value in params.items() if value is not None}
        listed = _Listed()
        page = await self._page(given)
        listed.take(page)
        last = page.value.last or 1
        size = page.value.per_page or len(page.value.devices)
        for number in range(2, min(last, MAX_PAGES) + 1):
            if not await self._further(listed, given, number, size):
                break
        if listed.is_cut(page.value):
            listed.rejected["page: no end"] += 1
        return VizioSenseResponse(
            tuple(listed.devices.values()), listed.rejected, tuple(listed.freshness)
        )

    async def _further(
        self, listed: _Listed, params: Mapping[str, str], number: int, size: int
    ) -> bool:
        """Take a further page by the way that works; False where none brings anything new."""
        for paging in (self._paging, *(each for each in PAGINGS if each is not self._paging)):
            if listed.take(await self._page({**params, **paging(number, size)})):
                self._paging = paging
                return True
        return False

    async def _page(self, params: Mapping[str, str]) -> VizioSenseResponse[Page]:
        return await self._read(LIST_DEVICES, models.parse_page, params)

    async def get_device(self, uuid: str) -> VizioSenseResponse[Device]:
        """Return one device."""
        return await self._read(GET_DEVICE, models.parse_device, device=uuid)

    async def update_device(self, uuid: str, changes: Mapping[str, str]) -> Device:
        """Change `name`, `geo_city` or `geo_country` of a device."""
        body = await self._write(UPDATE_DEVICE, dict(changes), "change devices", device=uuid)
        return models.parse_device(body).value

    async def request_image(self, uuid: str) -> Images:
        """Have a device take a picture; it is there after at least 20 s, and its links die after 30 min."""
        body = await self._write(REQUEST_IMAGE, None, "request pictures", device=uuid)
        return models.parse_images(body)

    async def list_webhooks(self, device_uuid: str | None = None) -> Sequence[Webhook]:
        """Return the webhooks of all devices, or of one."""
        params = {"device_uuid": device_uuid} if device_uuid else {}
        return (await self._read(LIST_WEBHOOKS, models.parse_webhooks, params)).value

    async def add_webhook(self, webhook: Webhook, device_uuid: str | None = None) -> Webhook | None:
        """Add a webhook; returns the echo, None where there is none that can be read."""
        params = {"device_uuid": device_uuid} if device_uuid else {}
        try:
            body = await self._write(ADD_WEBHOOK, _input(webhook), "add webhooks", params)
        finally:
            self._forget_webhooks()
        return models.parse_webhook(body) if body.strip() else None

    async def update_webhook(self, webhook: Webhook) -> None:
        """Replace a webhook by its id; to switch it off is the only way to get rid of one."""
        given = _input(webhook)
        try:
            await self._write(UPDATE_WEBHOOK, given, "change webhooks", webhook=webhook.id or "")
        finally:
            self._forget_webhooks()

    def _forget_webhooks(self) -> None:
        """Drop the list that is held: it is not what there is any more (RFC 9111, 4.4)."""
        self._transport.forget(LIST_WEBHOOKS.path)

    # -- one call --

    async def _read[T](
        self,
        call: _Call,
        parse: Callable[[bytes], Decoded[T]],
        params: Mapping[str, str] | None = None,
        **ids: str,
    ) -> VizioSenseResponse[T]:
        path = _path(call, ids)
        reply = await self._transport.get(path, params or None)
        if (status := models.refusal(reply.body)) is not None:
            self._transport.forget(path, params or None)
            raise self._transport.error_for(status, "read this")
        if not reply.reused:
            self._transport.record_accepted("read this")
        parsed = await parse_body(parse, reply.body)
        return VizioSenseResponse(parsed.value, parsed.rejected, (reply.freshness,))

    async def _write(
        self,
        call: _Call,
        body: object,
        permission: str,
        params: Mapping[str, str] | None = None,
        **ids: str,
    ) -> bytes:
        reply: Response = await self._transport.send(
            call.method, _path(call, ids), json=body, params=params or None, permission=permission
        )
        if (status := models.refusal(reply.body)) is not None:
            raise self._transport.error_for(status, permission)
        self._transport.record_accepted(permission)
        return reply.body

    def _check(self, body: bytes) -> None:
        if (status := models.refusal(body)) is not None:
            raise self._transport.error_for(status, "read this")


def _path(call: _Call, ids: Mapping[str, str]) -> str:
    return call.path.format(**{name: quote(found, safe="") for name, found in ids.items()})


def _input(webhook: Webhook) -> dict[str, object]:
    """What the reference calls WebhookInput."""
    given: dict[str, object] = {
        "url": webhook.url,
        "webhook_type": webhook.type,
        # The table of fields says status, the prose of the update active.
        "status": int(webhook.is_active),
        "active": webhook.is_active,
        "data": {
            "headers": [{"name": pair.name, "value": pair.value} for pair in webhook.headers],
            "params": [{"name": pair.name, "value": pair.value} for pair in webhook.params],
        },
    }
    if webhook.actions is not None:
        given["actions"] = webhook.actions
    return given
