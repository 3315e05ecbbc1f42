"""The calls of the API, in the order of the vendor's text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
import json
from math import ceil
import re
from typing import Any

from simulators.clock import Clock
from simulators.random_source import mix
from simulators.response import JsonObject, Response
from simulators.server import Call

from .config import PATHS, ApiVariants, CloudConfig
from .errors import METHOD, SERVER, UNKNOWN, ApiError, ErrorListError
from .snapshots import VIEWS, Snapshot, Snapshots
from .state import Device, World, identifier
from .tokens import BY_LOGIN, BY_TOKEN, Tokens
from .webhooks import Webhooks

PREFIX = "/api/v1"
_OPEN = ("login", "refresh")
_MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call and what its path names: device_uuid, id."""

    call: Call
    named: Mapping[str, str]

    @property
    def body(self) -> Mapping[str, Any]:
        """The JSON object in the body; empty if there is none, or if it is not called JSON."""
        if not self.call.headers.get("Content-Type", "").startswith("application/json"):
            return {}
        try:
            body = json.loads(self.call.body or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


type Method = Callable[[Api, ApiRequest], object]


@dataclass(slots=True)
class Api:
    """The calls of the API and the state they work on. `hosts`: origins of picture links by name."""

    world: World
    clock: Clock
    tokens: Tokens
    snapshots: Snapshots
    webhooks: Webhooks
    hosts: Mapping[str, str]

    @property
    def config(self) -> CloudConfig:
        """Return the configuration."""
        return self.world.config

    def answer(self, call: Call) -> Response:
        """Answer a call of the API."""
        operation, named = self._route(call)
        if operation not in _OPEN:
            self.tokens.check(call.headers, operation, self.clock.now())
        return Response(200, _METHODS[operation](self, ApiRequest(call, named)))

    def login(self, request: ApiRequest) -> object:
        """Sign in."""
        return self.tokens.login(request.body, self.clock.now())

    def refresh(self, request: ApiRequest) -> object:
        """Trade a refresh token."""
        return self.tokens.refresh(request.body, self.clock.now())

    def list_devices(self, request: ApiRequest) -> object:
        """List the devices, sorted and filtered, a page at a time."""
        query = request.call.query
        found = self._visible(request)
        wanted = query.get("is_online", "").lower()
        if wanted in ("online", "1", "offline", "0"):
            found = [device for device in found if device.online == (wanted in ("online", "1"))]
        if group := query.get("group"):
            found = [device for device in found if group in (device.geo_city, device.geo_country)]
        sort = query.get("sort", "")
        if (key := sort.removeprefix("-")) in ("name", "client_identifier", "is_online"):
            order: dict[str, Callable[[Device], Any]] = {
                "name": lambda device: device.name,
                "client_identifier": lambda device: device.client_identifier,
                "is_online": lambda device: device.online,
            }
            found = sorted(found, key=order[key], reverse=sort.startswith("-"))
        return self._page(found, query)

    def get_device(self, request: ApiRequest) -> object:
        """One device, without an envelope."""
        return self._single(self._device(request))

    def update_device(self, request: ApiRequest) -> object:
        """Change name, city and country; all else in the body is passed over."""
        device = self._device(request)
        for key in ("name", "geo_city", "geo_country"):
            if key in request.body:
                setattr(device, key, str(request.body[key] or ""))
            elif self.config.variants.update == "replace":
                setattr(device, key, "")
        return self._single(device)

    def request_image(self, request: ApiRequest) -> object:
        """Ask for a new image; the links come at once, the pictures later."""
        device = self._device(request)
        if not device.online:
            match self.config.variants.offline_image:
                case "server_error":
                    raise ApiError(SERVER)
                case "error_list":
                    raise ErrorListError("The device is offline")
        return self._links(self.snapshots.request(device, self.clock.now()))

    def list_webhooks(self, request: ApiRequest) -> object:
        """List the webhooks, of all devices or of one."""
        return self.webhooks.listed(request.call.query.get("device_uuid"))

    def add_webhook(self, request: ApiRequest) -> object:
        """Register a webhook."""
        return self.webhooks.add(request.body, self._asked_device(request))

    def update_webhook(self, request: ApiRequest) -> object:
        """Change a webhook."""
        return self.webhooks.update(
            request.body, self._asked_device(request), request.named.get("id")
        )

    def _asked_device(self, request: ApiRequest) -> str | None:
        """Return the device that the query names, if it names one."""
        uuid = request.call.query.get("device_uuid")
        if uuid is not None and all(device.uuid != uuid for device in self._visible(request)):
            raise ErrorListError(
                "There is no such device", status=self.config.variants.webhook_error
            )
        return uuid

    def _links(self, snapshot: Snapshot) -> object:
        variants = self.config.variants
        host = "" if variants.link == "path" else self.hosts[variants.picture_host]
        image_faults = {view: self.snapshots.faults_of(snapshot.device, view) for view in VIEWS}
        if any(image_fault.is_without_links() for image_fault in image_faults["raw"]):
            return {"data": []}
        links: list[object] = []
        for view in VIEWS:
            link: object = host + self.snapshots.path(snapshot, view)
            for image_fault in image_faults[view]:
                link = image_fault.link(link, self.hosts["elsewhere"])
            links.append(link)
        raw, annotated = links
        return _image_answer(variants.image_answer, raw, annotated)

    def _visible(self, request: ApiRequest) -> list[Device]:
        """Return the devices that the caller may see; a token has its owner's role."""
        known = self.tokens.holder(request.call.headers) in (BY_LOGIN, BY_TOKEN)
        return self.world.visible(self.config.role) if known else []

    def _device(self, request: ApiRequest) -> Device:
        uuid = request.named["device_uuid"]
        for device in self._visible(request):
            if device.uuid == uuid:
                return device
        raise ApiError(UNKNOWN, self.config.variants.unknown_device)

    def _single(self, device: Device) -> JsonObject:
        shown = device_json(device, self.config.variants, self.clock.now())
        return {"data": shown} if self.config.variants.device_wrapped else shown

    def _page(self, found: list[Device], query: Mapping[str, str]) -> JsonObject:
        size, page = _asked_page(query, self.config)
        first, total = (page - 1) * size, len(found)
        devices = found[first : first + size]
        if self.config.endless:
            devices, total = self._more(found[:size], page), (page + 1) * size
        now, variants = self.clock.now(), self.config.variants
        last = max(1, ceil(total / size))
        meta: JsonObject = {
            "current_page": page,
            "from": first + 1 if devices else 0,
            "last_page": last,
            "per_page": size,
            "total": total,
            "to": first + len(devices) if devices else 0,
            "total_pages": last,
        }
        return {"data": [device_json(device, variants, now) for device in devices], "meta": meta}

    def _more(self, devices: list[Device], page: int) -> list[Device]:
        """Return a page of a list that never ends."""
        if self.config.endless == "same" or page == 1:
            return devices
        return [
            replace(device, uuid=identifier(mix(device.seed, page)), name=f"{device.name}.{page}")
            for device in devices
        ]

    def _route(self, call: Call) -> tuple[str, dict[str, str]]:
        """Return the operation that a call is and what its path names."""
        under, is_known = call.path.startswith(f"{PREFIX}/"), False
        path = call.path.removeprefix(PREFIX) if under else ""
        for operation in PATHS:
            method, _, pattern = self.config.variants.path(operation).partition(" ")
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), path)
            if found is None:
                continue
            if method == call.method:
                return operation, found.groupdict()
            is_known = True
        raise ApiError(METHOD if is_known else UNKNOWN)


_METHODS: dict[str, Method] = {
    "login": Api.login,
    "refresh": Api.refresh,
    "list_devices": Api.list_devices,
    "get_device": Api.get_device,
    "update_device": Api.update_device,
    "request_image": Api.request_image,
    "list_webhooks": Api.list_webhooks,
    "add_webhook": Api.add_webhook,
    "update_webhook": Api.update_webhook,
}


def device_json(device: Device, variants: ApiVariants, now: datetime) -> JsonObject:
    """Return a device as the API shows it."""
    online: object = int(device.online)
    if variants.is_online == "bool":
        online = device.online
    elif variants.is_online == "word":
        online = "Online" if device.online else "Offline"
    refreshed = device.refreshed(now)
    written: object = refreshed.strftime("%Y-%m-%dT%H:%M:%SZ")
    if variants.refreshed == "plain":
        written = refreshed.strftime("%Y-%m-%d %H:%M:%S")
    elif variants.refreshed == "seconds":
        written = int(refreshed.timestamp())
    return {
        "uuid": device.uuid,
        "name": device.name,
        "client_identifier": device.client_identifier,
        "refreshed": written,
        "is_online": online,
        "geo_city": device.geo_city,
        "geo_country": device.geo_country,
    }


def _image_answer(form: str, raw: object, annotated: object) -> object:
    match form:
        case "swapped":
            return {"data": [annotated, raw]}
        case "named":
            return {"data": {"raw_image": raw, "annotated_image": annotated}}
        case "bare":
            return [raw, annotated]
        case "one":
            return {"data": [raw]}
        case "typed":
            typed = {"annotated": annotated, "raw": raw}
            return {"data": [{"type": name, "url": each} for name, each in typed.items()]}
    return {"data": [raw, annotated]}


def _asked_page(query: Mapping[str, str], config: CloudConfig) -> tuple[int, int]:
    """Return the size and number of the page that is asked for."""
    if config.variants.paging == "offset":
        size = _number(query.get("page[limit]"), config.page_size)
        return size, 1 + _number(query.get("page[offset]"), 0, least=0) // size
    return _number(query.get("per_page"), config.page_size), _number(
        query.get("page"), 1, most=10**9
    )


def _number(text: str | None, otherwise: int, *, least: int = 1, most: int = _MOST_PER_PAGE) -> int:
    if text is None or not text.isdecimal():
        return otherwise
    return min(most, max(least, int(text)))
