"""Client of VizioSense's Integrator API 1.0.0: one method per documented call, in the document's order.

Every method raises a `VendorError`. The published reference lacks its paths, so all paths are guesses, listed in
`ENDPOINTS` and nowhere else.
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

# Maximum pages of the list of devices; a longer list counts as endless.
MAX_PAGES: Final = 200


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Method and path of a call; `is_known` is False where they are a guess of ours."""

    method: str
    path: str
    is_documented: bool = False


LOGIN: Final = Endpoint("POST", "/login")
LIST_DEVICES: Final = Endpoint("GET", "/devices")
GET_DEVICE: Final = Endpoint("GET", "/devices/{device}")
UPDATE_DEVICE: Final = Endpoint("PUT", "/devices/{device}")
REQUEST_IMAGE: Final = Endpoint("POST", "/devices/{device}/image")
LIST_WEBHOOKS: Final = Endpoint("GET", "/webhooks")
ADD_WEBHOOK: Final = Endpoint("POST", "/webhooks")
# The id in the path is a guess too; the reference names only device_uuid.
UPDATE_WEBHOOK: Final = Endpoint("PUT", "/webhooks/{webhook}")

# Every call of the reference, in its order. All methods and paths are guesses.
ENDPOINTS: Final = (
    *(LOGIN, LIST_DEVICES, GET_DEVICE, UPDATE_DEVICE),
    *(REQUEST_IMAGE, LIST_WEBHOOKS, ADD_WEBHOOK, UPDATE_WEBHOOK),
)


def _by_number(page: int, size: int) -> dict[str, str]:
    return {"page": str(page)}


def _by_offset(page: int, size: int) -> dict[str, str]:
    return {"page[offset]": str((page - 1) * size), "page[limit]": str(size)}


# The parameters of further pages are undocumented: if the first style returns nothing new, the next one is tried.
PAGE_STYLES: Final = (_by_number, _by_offset)


@dataclass(frozen=True, slots=True)
class VizioSenseResponse[T]:
    """Parsed records, the count of rejected records, and the freshness of the responses."""

    value: T
    rejected: Counter[str]
    freshness: tuple[Freshness, ...]


@dataclass(slots=True)
class _FetchedDevices:
    """The devices of the pages fetched so far."""

    devices: dict[str, Device] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    freshness: list[Freshness] = field(default_factory=list)

    def add(self, page: VizioSenseResponse[Page]) -> bool:
        """Add a page; return whether it has any new device."""
        known = len(self.devices)
        self.freshness.extend(page.freshness)
        self.rejected += page.rejected
        self.devices |= {device.uuid: device for device in page.value.devices}
        return len(self.devices) > known

    def is_incomplete(self, first: Page) -> bool:
        """Return whether devices are missing, by the totals of the first page."""
        if first.total is not None:
            return len(self.devices) + self.rejected.total() < first.total
        return (first.last or 1) > MAX_PAGES


class VizioSenseClient:
    """Client of the API over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        transport.probe_requests = lambda: [(LIST_DEVICES.path, None), (LIST_WEBHOOKS.path, None)]
        transport.check_body = self._check_body
        self._page_style = PAGE_STYLES[0]

    async def login(self, username: str, password: str) -> Login:
        """Sign in, over a transport without credentials."""
        body = {"email": username, "password": password}
        try:
            return models.parse_login(await self._send(LOGIN, body, "sign in"))
        except PermissionDeniedError:
            raise SignInRejectedError("the vendor refused the credentials") from None

    async def list_devices(
        self,
        *,
        sort: str | None = None,
        group: str | None = None,
        is_online: bool | None = None,
    ) -> VizioSenseResponse[tuple[Device, ...]]:
        """Return the user's devices from all pages.

        An incomplete list is counted among the rejected records.
        """
        params = {"sort": sort, "group": group}
        if is_online is not None:
            params["is_online"] = "Online" if is_online else "Offline"
        given = {name: value for name, value in params.items() if value is not None}
        fetched = _FetchedDevices()
        page = await self._fetch_page(given)
        fetched.add(page)
        last = page.value.last or 1
        size = page.value.per_page or len(page.value.devices)
        for number in range(2, min(last, MAX_PAGES) + 1):
            if not await self._add_page(fetched, given, number, size):
                break
        if fetched.is_incomplete(page.value):
            fetched.rejected["page: no end"] += 1
        return VizioSenseResponse(
            tuple(fetched.devices.values()), fetched.rejected, tuple(fetched.freshness)
        )

    async def _add_page(
        self, fetched: _FetchedDevices, params: Mapping[str, str], number: int, size: int
    ) -> bool:
        """Add a further page by the first style that works; return False if none returns new devices."""
        for style in (
            self._page_style,
            *(style for style in PAGE_STYLES if style is not self._page_style),
        ):
            if fetched.add(await self._fetch_page({**params, **style(number, size)})):
                self._page_style = style
                return True
        return False

    async def _fetch_page(self, params: Mapping[str, str]) -> VizioSenseResponse[Page]:
        return await self._get(LIST_DEVICES, models.parse_page, params)

    async def get_device(self, uuid: str) -> VizioSenseResponse[Device]:
        """Return one device."""
        return await self._get(GET_DEVICE, models.parse_device, device=uuid)

    async def update_device(self, uuid: str, changes: Mapping[str, str]) -> Device:
        """Change `name`, `geo_city` or `geo_country` of a device."""
        body = await self._send(UPDATE_DEVICE, dict(changes), "change devices", device=uuid)
        return models.parse_device(body).value

    async def request_image(self, uuid: str) -> Images:
        """Request pictures of a device; they are available after at least 20 s, their links for 30 min."""
        body = await self._send(REQUEST_IMAGE, None, "request pictures", device=uuid)
        return models.parse_images(body)

    async def list_webhooks(self, device_uuid: str | None = None) -> Sequence[Webhook]:
        """Return the webhooks of all devices, or of one."""
        params = {"device_uuid": device_uuid} if device_uuid else {}
        return (await self._get(LIST_WEBHOOKS, models.parse_webhooks, params)).value

    async def add_webhook(self, webhook: Webhook, device_uuid: str | None = None) -> Webhook | None:
        """Add a webhook; return it as confirmed by the vendor, None if the response has none."""
        params = {"device_uuid": device_uuid} if device_uuid else {}
        try:
            body = await self._send(ADD_WEBHOOK, _to_webhook_input(webhook), "add webhooks", params)
        finally:
            self._forget_webhooks()
        return models.parse_webhook(body) if body.strip() else None

    async def update_webhook(self, webhook: Webhook) -> None:
        """Replace a webhook by its id; the vendor cannot delete webhooks, only disable them."""
        body = _to_webhook_input(webhook)
        try:
            await self._send(UPDATE_WEBHOOK, body, "change webhooks", webhook=webhook.id or "")
        finally:
            self._forget_webhooks()

    def _forget_webhooks(self) -> None:
        """Invalidate the cached list of webhooks after a write (RFC 9111, 4.4)."""
        self._transport.forget(LIST_WEBHOOKS.path)

    # -- one call --

    async def _get[T](
        self,
        endpoint: Endpoint,
        parse: Callable[[bytes], Decoded[T]],
        params: Mapping[str, str] | None = None,
        **ids: str,
    ) -> VizioSenseResponse[T]:
        path = _path(endpoint, ids)
        response = await self._transport.get(path, params or None)
        if (status := models.body_error_status(response.body)) is not None:
            self._transport.forget(path, params or None)
            raise self._transport.error_for(status, "read this")
        if not response.reused:
            self._transport.record_accepted("read this")
        parsed = await parse_body(parse, response.body)
        return VizioSenseResponse(parsed.value, parsed.rejected, (response.freshness,))

    async def _send(
        self,
        endpoint: Endpoint,
        body: object,
        permission: str,
        params: Mapping[str, str] | None = None,
        **ids: str,
    ) -> bytes:
        response: Response = await self._transport.send(
            endpoint.method,
            _path(endpoint, ids),
            json=body,
            params=params or None,
            permission=permission,
        )
        if (status := models.body_error_status(response.body)) is not None:
            raise self._transport.error_for(status, permission)
        self._transport.record_accepted(permission)
        return response.body

    def _check_body(self, body: bytes) -> None:
        if (status := models.body_error_status(body)) is not None:
            raise self._transport.error_for(status, "read this")


def _path(endpoint: Endpoint, ids: Mapping[str, str]) -> str:
    return endpoint.path.format(**{name: quote(value, safe="") for name, value in ids.items()})


def _to_webhook_input(webhook: Webhook) -> dict[str, object]:
    """Return a webhook as WebhookInput of the reference."""
    result: dict[str, object] = {
        "url": webhook.url,
        "webhook_type": webhook.type,
        # The table of fields names `status`, the text of the update `active`.
        "status": int(webhook.is_active),
        "active": webhook.is_active,
        "data": {
            "headers": [{"name": pair.name, "value": pair.value} for pair in webhook.headers],
            "params": [{"name": pair.name, "value": pair.value} for pair in webhook.params],
        },
    }
    if webhook.actions is not None:
        result["actions"] = webhook.actions
    return result
