"""Configure a simulated VizioSense account and its undocumented API variants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

APPLICATIONS = ("VPM", "VCZ", "VCB", "VCW", "VYD")

# The vendor's text lost its methods and paths: these are ours, relative to /api/v1.
PATHS: dict[str, str] = {
    "login": "POST /login",
    "refresh": "POST /refresh",
    "list_devices": "GET /devices",
    "get_device": "GET /devices/{device_uuid}",
    "update_device": "PUT /devices/{device_uuid}",
    "request_image": "POST /devices/{device_uuid}/image",
    "list_webhooks": "GET /webhooks",
    "add_webhook": "POST /webhooks",
    "update_webhook": "PUT /webhooks/{id}",
}

# What a token of restricted scope may be allowed; login and refresh need no token.
OPERATIONS = frozenset(PATHS) - {"login", "refresh"}


@dataclass(slots=True)
class ApiVariants:
    """API variants that the vendor's text leaves open. The first of each is the default.

    Any of them may be changed while the cloud runs.

    paths: method and path of an operation, e.g. {"request_image": "GET /devices/{device_uuid}/image"};
        update_webhook may go without {id}: then the body's url and webhook_type say which.
    error_code: the four digits in a field `code` | as `httpError` | in the message | nowhere.
    token_error: the status of a refused access token (the vendor's text: 400).
    login_refused: the status of a wrong e-mail address or password.
    unknown_device: the status for a uuid that there is not, or not for this user.
    device_wrapped: a single device stands in {"data": device}.
    update: PUT keeps what the body leaves out | empties it.
    is_online: 0/1 | false/true | "Offline"/"Online".
    refreshed: ISO 8601 in UTC | "2026-09-13 12:00:00" | UNIX seconds.
    paging: ?page=2&per_page=20 | ?page[offset]=20&page[limit]=20.
    image_answer: {"data": [raw, annotated]} | the other way round | {"data": {"raw_image", "annotated_image"}}
        | the list without envelope | {"data": [raw]} | objects with `type` and `url`, the annotated one first.
    link: absolute and signed | absolute, needs the token | only a path, signed.
    signing: a link's signature covers what it names | every byte of it, and it has characters that clients rewrite.
    picture_host: links point to the API's own port | to another port of the same address.
    picture_type: the Content-Type of a picture; "right" says what it is.
    picture_format: what is served.
    offline_image: an image asked from an offline device: links that never come true | 500/5000 | 400 as
        {"error": [...]}.
    unready: a picture that is asked for too early: 404 | 403 with XML | 202 empty | 200 empty | the one before.
    expired: a link after its time: 403 with XML | 404 | 410.
    last_modified: pictures say in Last-Modified when they were taken.
    webhook_scope: a webhook without device_uuid serves all devices | is refused.
    webhook_switch: the field of the input that turns a webhook on and off.
    webhook_echo: the reply to add and update: the input | with the id.
    webhook_error: the status of {"error": [...]}. error_list: reasons in it | nothing.
    webhook_values: the list shows values of headers and params | hides them.
    status: of a listed webhook: 0/1 | false/true.
    stream_id: what stands for a device in calls to webhooks.
    timestamp: of a message: UNIX seconds | the same as text | milliseconds | ISO 8601.
    event_ts: of what is in a payload, likewise.
    counting: the payloads of VCZ, VCB, VCW and VYD: a list of zones, lines or places | one flat object of numbers
        | objects in objects.
    barrier: counts of a VCB message: since the one before | since ever.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    error_code: Literal["code", "httpError", "message", "absent"] = "code"
    token_error: Literal[400, 401] = 400
    login_refused: Literal[400, 401, 403] = 400
    unknown_device: Literal[404, 500] = 404
    device_wrapped: bool = False
    update: Literal["merge", "replace"] = "merge"
    is_online: Literal["number", "bool", "word"] = "number"
    refreshed: Literal["iso", "plain", "seconds"] = "iso"
    paging: Literal["page", "offset"] = "page"
    image_answer: Literal["pair", "swapped", "named", "bare", "one", "typed"] = "pair"
    link: Literal["signed", "bearer", "path"] = "signed"
    signing: Literal["name", "exact"] = "name"
    picture_host: Literal["api", "storage"] = "api"
    picture_type: Literal["right", "octet-stream"] = "right"
    picture_format: Literal["JPEG", "PNG", "WEBP"] = "JPEG"
    offline_image: Literal["links", "server_error", "error_list"] = "links"
    unready: Literal["404", "403", "202", "empty", "previous"] = "404"
    expired: Literal["403", "404", "410"] = "403"
    last_modified: bool = False
    webhook_scope: Literal["account", "device"] = "account"
    webhook_switch: Literal["status", "active"] = "status"
    webhook_echo: Literal["input", "stored"] = "input"
    webhook_error: Literal[400, 422, 200] = 400
    error_list: Literal["reasons", "empty"] = "reasons"
    webhook_values: Literal["shown", "masked"] = "shown"
    status: Literal["number", "bool"] = "number"
    stream_id: Literal["uuid", "client_identifier"] = "uuid"
    timestamp: Literal["seconds", "string", "milliseconds", "iso"] = "seconds"
    event_ts: Literal["seconds", "string", "milliseconds", "iso"] = "seconds"
    counting: Literal["listed", "flat", "nested"] = "listed"
    barrier: Literal["since", "total"] = "since"

    def path(self, operation: str) -> str:
        """Return the method and path of an operation."""
        return self.paths.get(operation, PATHS[operation])


@dataclass(slots=True)
class DeliveryConfig:
    """Settings for the delivery of webhooks.

    loss: the share that never leaves. delay: seconds on the clock until one does. copies: of each.
    disorder: up to so many seconds more for each copy, so that they overtake each other.
    retries: how often a call that was not answered with 2xx is made again, `retry_seconds` later.
    """

    loss: float = 0.0
    delay: float = 0.0
    copies: int = 1
    disorder: float = 0.0
    retries: int = 0
    retry_seconds: float = 30.0


@dataclass(slots=True, kw_only=True)
class CloudConfig:
    """Settings of the cloud. Those that a request reads (variants, scope, picture_seconds) may change meanwhile.

    devices: of the account; each runs an application, taken from `applications` in turn; several on one device are
        joined, e.g. "VPM+VCB".
    places: parking places of a VPM or VYD device.
    token: the long-lived one. scope: the operations it may do.
    username, password: of the login. role: "user" or "admin"; an admin sees the devices of others too.
    other_devices: devices of other customers.
    expires_in: seconds that an access token of the login lasts.
    page_size: devices on a page; a client's per_page goes first, up to 100.
    endless: the device list's paging never ends: each page is the first one again | brings new devices.
    picture_seconds: from a request until its pictures are there, on the clock.
    annotated_late: so much later the annotated one is there.
    taken_after: from a request until the camera takes the picture.
    link_seconds: from a request until its links are dead.
    pace: a factor on how long cars stay and how rarely somebody passes; 0: nothing moves by itself.
    message_seconds: the least time between two messages of a device.
    """

    devices: int = 2
    applications: tuple[str, ...] = APPLICATIONS
    places: int = 12
    seed: int = 1
    token: str = "vzs-5f0c-long-lived-91ab"  # noqa: S105  it opens nothing but a simulator
    scope: frozenset[str] = OPERATIONS
    username: str = "bruno@example.com"
    password: str = "blue-Kiosk:17"  # noqa: S105  it opens nothing but a simulator
    role: str = "user"
    other_devices: int = 0
    expires_in: int = 3600
    page_size: int = 20
    endless: Literal["", "same", "new"] = ""
    picture_seconds: float = 20.0
    annotated_late: float = 0.0
    taken_after: float = 12.0
    link_seconds: float = 1800.0
    pace: float = 1.0
    message_seconds: float = 30.0
    delivery: DeliveryConfig = field(default_factory=DeliveryConfig)
    variants: ApiVariants = field(default_factory=ApiVariants)
