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
from simulators.response import JsonObject, Reply
from simulators.server import Call

from .config import PATHS, Forms, Plan
from .errors import METHOD, SERVER, UNKNOWN, ApiError, ErrorList
from .snapshots import VIEWS, Shot, Shots
from .state import Device, World, identifier
from .tokens import BY_LOGIN, BY_TOKEN, Tokens
from .webhooks import Webhooks

PREFIX = "/api/v1"
_OPEN = ("login", "refresh")
_MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Visit:
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


type Method = Callable[[Api, Visit], object]


@dataclass(slots=True)
class Api:
    """What the calls work on. `hosts`: where links of pictures begin, by the form's name."""

    world: World
    clock: Clock
    tokens: Tokens
    shots: Shots
    webhooks: Webhooks
    hosts: Mapping[str, str]

    @property
    def plan(self) -> Plan:
        """What is simulated."""
        return self.world.plan

    def answer(self, call: Call) -> Reply:
        """Answer a call of the API."""
        operation, named = self._route(call)
        if operation not in _OPEN:
            self.tokens.check(call.headers, operation, self.clock.now())
        return Reply(200, _METHODS[operation](self, Visit(call, named)))

    def login(self, visit: Visit) -> object:
        """Sign in."""
        return self.tokens.login(visit.body, self.clock.now())

    def refresh(self, visit: Visit) -> object:
        """Trade a refresh token."""
        return self.tokens.refresh(visit.body, self.clock.now())

    def list_devices(self, visit: Visit) -> object:
        """List the devices, sorted and filtered, a page at a time."""
        query = visit.call.query
        found = self._visible(visit)
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

    def get_device(self, visit: Visit) -> object:
        """One device, without an envelope."""
        return self._single(self._device(visit))

    def update_device(self, visit: Visit) -> object:
        """Change name, city and country; all else in the body is passed over."""
        device = self._device(visit)
        for key in ("name", "geo_city", "geo_country"):
            if key in visit.body:
                setattr(device, key, str(visit.body[key] or ""))
            elif self.plan.forms.update == "replace":
                setattr(device, key, "")
        return self._single(device)

    def request_image(self, visit: Visit) -> object:
        """Ask for a new image; the links come at once, the pictures later."""
        device = self._device(visit)
        if not device.online:
            match self.plan.forms.offline_image:
                case "server_error":
                    raise ApiError(SERVER)
                case "error_list":
                    raise ErrorList("The device is offline")
        return self._links(self.shots.request(device, self.clock.now()))

    def list_webhooks(self, visit: Visit) -> object:
        """List the webhooks, of all devices or of one."""
        return self.webhooks.listed(visit.call.query.get("device_uuid"))

    def add_webhook(self, visit: Visit) -> object:
        """Register a webhook."""
        return self.webhooks.add(visit.body, self._asked_device(visit))

    def update_webhook(self, visit: Visit) -> object:
        """Change a webhook."""
        return self.webhooks.update(visit.body, self._asked_device(visit), visit.named.get("id"))

    def _asked_device(self, visit: Visit) -> str | None:
        """Return the device that the query names, if it names one."""
        uuid = visit.call.query.get("device_uuid")
        if uuid is not None and all(device.uuid != uuid for device in self._visible(visit)):
            raise ErrorList("There is no such device", status=self.plan.forms.webhook_error)
        return uuid

    def _links(self, shot: Shot) -> object:
        forms = self.plan.forms
        host = "" if forms.link == "path" else self.hosts[forms.picture_host]
        troubles = {view: self.shots.troubles_of(shot.device, view) for view in VIEWS}
        if any(trouble.is_without_links() for trouble in troubles["raw"]):
            return {"data": []}
        links: list[object] = []
        for view in VIEWS:
            link: object = host + self.shots.path(shot, view)
            for trouble in troubles[view]:
                link = trouble.link(link, self.hosts["elsewhere"])
            links.append(link)
        raw, annotated = links
        return _image_answer(forms.image_answer, raw, annotated)

    def _visible(self, visit: Visit) -> list[Device]:
        """Return the devices that the caller may see; a token has its owner's role."""
        known = self.tokens.holder(visit.call.headers) in (BY_LOGIN, BY_TOKEN)
        return self.world.visible(self.plan.role) if known else []

    def _device(self, visit: Visit) -> Device:
        uuid = visit.named["device_uuid"]
        for device in self._visible(visit):
            if device.uuid == uuid:
                return device
        raise ApiError(UNKNOWN, self.plan.forms.unknown_device)

    def _single(self, device: Device) -> JsonObject:
        shown = device_json(device, self.plan.forms, self.clock.now())
        return {"data": shown} if self.plan.forms.device_wrapped else shown

    def _page(self, found: list[Device], query: Mapping[str, str]) -> JsonObject:
        size, page = _asked_page(query, self.plan)
        first, total = (page - 1) * size, len(found)
        devices = found[first : first + size]
        if self.plan.endless:
            devices, total = self._more(found[:size], page), (page + 1) * size
        now, forms = self.clock.now(), self.plan.forms
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
        return {"data": [device_json(device, forms, now) for device in devices], "meta": meta}

    def _more(self, devices: list[Device], page: int) -> list[Device]:
        """Return a page of a list that never ends."""
        if self.plan.endless == "same" or page == 1:
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
            method, _, pattern = self.plan.forms.path(operation).partition(" ")
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


def device_json(device: Device, forms: Forms, now: datetime) -> JsonObject:
    """Return a device as the API shows it."""
    online: object = int(device.online)
    if forms.is_online == "bool":
        online = device.online
    elif forms.is_online == "word":
        online = "Online" if device.online else "Offline"
    refreshed = device.refreshed(now)
    written: object = refreshed.strftime("%Y-%m-%dT%H:%M:%SZ")
    if forms.refreshed == "plain":
        written = refreshed.strftime("%Y-%m-%d %H:%M:%S")
    elif forms.refreshed == "seconds":
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


def _asked_page(query: Mapping[str, str], plan: Plan) -> tuple[int, int]:
    """Return the size and number of the page that is asked for."""
    if plan.forms.paging == "offset":
        size = _number(query.get("page[limit]"), plan.page_size)
        return size, 1 + _number(query.get("page[offset]"), 0, least=0) // size
    return _number(query.get("per_page"), plan.page_size), _number(query.get("page"), 1, most=10**9)


def _number(text: str | None, otherwise: int, *, least: int = 1, most: int = _MOST_PER_PAGE) -> int:
    if text is None or not text.isdecimal():
        return otherwise
    return min(most, max(least, int(text)))
