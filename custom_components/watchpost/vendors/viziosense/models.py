"""VizioSense's typed records, after its API reference ("Integrator HTTP(S) API", 1.0.0).

Missing and malformed fields are None, ids are text, times are aware UTC. A record without a required field is rejected
and counted. Where the reference is silent, every likely form is parsed; a comment there says what is unknown.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
import re
from typing import Final

import msgspec

from ...client.decode import (
    Decoded,
    RecordDecoder,
    Row,
    identifier,
    nested,
    to_datetime,
    to_int,
    to_text,
)
from ...client.errors import UnexpectedResponseError
from ...client.transport import loose

# The documented application codes and their HTTP statuses. A bad token has status 400, not 401.
_CODES: Final[Mapping[int, int]] = {
    4000: HTTPStatus.UNAUTHORIZED,
    4003: HTTPStatus.FORBIDDEN,
    4005: HTTPStatus.METHOD_NOT_ALLOWED,
    5000: HTTPStatus.INTERNAL_SERVER_ERROR,
}

# Fields that may contain an application code, and the code at the beginning of a message.
_CODE_FIELD: Final = re.compile(r"code|error|status", re.IGNORECASE)
_LEADING_CODE: Final = re.compile(r"\s*\W?(\d{4})\b")
# Messages about a bad token (400/4000): the documented one and likely ones without a code.
_ABOUT_TOKEN: Final = re.compile(
    r"\baccess[ _-]?token\b"
    r"|\b(?:invalid|expired|missing|wrong|bad|revoked)\b.{0,20}\btoken\b"
    r"|\btoken\b.{0,20}\b(?:invalid|expired|missing|error|revoked)\b",
    re.IGNORECASE,
)

_ONLINE: Final = {"online": True, "offline": False, "true": True, "false": False}

_MAX_LINK: Final = 4096
# The reference names the entries "_raw_image" and "_annotated_image", in this order.
_RAW: Final = "raw"
_ANNOTATED: Final = "annotated"
_KINDS: Final = (_RAW, _ANNOTATED)


class WebhookType(StrEnum):
    """The kind of messages of a webhook."""

    PAYLOAD = "payload"
    KEEPALIVE = "keepalive"


class Device(msgspec.Struct, frozen=True):
    """A camera; `refreshed` is the time of the vendor's last check whether it is online."""

    uuid: str
    name: str | None = None
    client_identifier: str | None = None
    refreshed: datetime | None = None
    is_online: bool | None = None
    city: str | None = None
    country: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of devices, with the number of pages, of devices on a page, and of all devices, if stated."""

    devices: tuple[Device, ...]
    last: int | None = None
    per_page: int | None = None
    total: int | None = None


class Login(msgspec.Struct, frozen=True):
    """The result of a sign-in; `lifetime` is in seconds, `user` the e-mail address, if stated."""

    access_token: str
    refresh_token: str | None = None
    token_type: str = "Bearer"  # noqa: S105  the scheme, no token
    lifetime: int | None = None
    user: str | None = None


class Pair(msgspec.Struct, frozen=True):
    """A header or parameter of a webhook's requests."""

    name: str
    value: str

    @property
    def is_hidden(self) -> bool:
        """Return whether the vendor masks the value, fully or in part."""
        return not self.value or bool(set(self.value) & set("*•…"))


class Webhook(msgspec.Struct, frozen=True):
    """A webhook at the vendor; `id` is None before it is added."""

    url: str
    type: str
    is_active: bool = True
    actions: str | None = None
    headers: tuple[Pair, ...] = ()
    params: tuple[Pair, ...] = ()
    id: str | None = None


class Images(msgspec.Struct, frozen=True):
    """Links of the pictures of one request; None for a picture without a link."""

    raw: str | None = None
    annotated: str | None = None


# -- errors --


def error_status(status: int, body: bytes) -> int:
    """Return the HTTP status that an error response means.

    A bad token is 400 with the code 4000 (STATED). The place of the code in the body is UNKNOWN, so each possible field
    and the beginning of messages are searched. A 400 with another code, or with a message about something else,
    does not concern the token.
    """
    fields = _fields(body)
    codes = [code for name, value in fields.items() if (code := _code_in(name, value)) is not None]
    if codes:
        return next((_CODES[code] for code in codes if code in _CODES), status)
    text = " ".join(value for value in fields.values() if isinstance(value, str))
    is_of_token = status == HTTPStatus.BAD_REQUEST and _ABOUT_TOKEN.search(text)
    return HTTPStatus.UNAUTHORIZED if is_of_token else status


def _code_in(name: str, value: object) -> int | None:
    """Return the application code (four digits) in a field of an error."""
    if isinstance(value, str) and (leading := _LEADING_CODE.match(value)):
        return int(leading[1])
    code = to_int(value) if _CODE_FIELD.search(name) else None
    return code if code is not None and 1000 <= code <= 9999 else None


def body_error_status(body: bytes) -> int | None:
    """Return the status of an error body in a successful response, such as `{"error": [...]}`; else None."""
    fields = _fields(body)
    if "httpError" in fields:
        stated = to_int(fields["httpError"]) or 0
        # An application code in place of the status has the same first digit.
        status = stated if 400 <= stated <= 599 else 400 if 4000 <= stated <= 4999 else 500
        return error_status(status, body)
    return HTTPStatus.UNPROCESSABLE_ENTITY if "error" in fields and "data" not in fields else None


def _fields(body: bytes) -> Row:
    try:
        root = loose(body)
    except UnexpectedResponseError:
        return {}
    if not isinstance(root, dict):
        return {}
    inner = root.get("error")
    return root | inner if isinstance(inner, dict) else root


# -- responses --


def parse_login(body: bytes) -> Login:
    """Parse the result of a sign-in; raise UnexpectedResponseError without a token."""
    data = nested(_parse_object(body), "data")
    token = _to_token(data.get("access_token"))
    if token is None:
        raise UnexpectedResponseError("the reply holds no access token")
    return Login(
        access_token=token,
        refresh_token=_to_token(data.get("refresh_token")),
        token_type=to_text(data.get("token_type"), 32) or "Bearer",
        lifetime=to_int(data.get("expires_in")),
        user=to_text(nested(data, "user").get("email")),
    )


def parse_page(body: bytes) -> Decoded[Page]:
    """Parse one page of devices; raise UnexpectedResponseError without a list."""
    root, decoder = _parse_object(body), RecordDecoder()
    if not isinstance(root.get("data"), list):
        raise UnexpectedResponseError("the reply holds no devices")
    devices: dict[str, Device] = {}
    for row in decoder.rows("device", root["data"]):
        device = _parse_device(row)
        if device is None:
            decoder.drop("device", "uuid")
        elif device.uuid in devices:
            decoder.drop("device", "duplicate uuid")
        else:
            devices[device.uuid] = device
    meta = nested(root, "meta")
    last = to_int(meta.get("last_page")) or to_int(meta.get("total_pages"))
    page = Page(
        tuple(devices.values()), last, to_int(meta.get("per_page")), to_int(meta.get("total"))
    )
    return Decoded(page, decoder.rejected)


def parse_device(body: bytes) -> Decoded[Device]:
    """Parse one device, bare or under `data`; raise UnexpectedResponseError without one."""
    root = _parse_object(body)
    device = _parse_device(root) or _parse_device(nested(root, "data"))
    if device is None:
        raise UnexpectedResponseError("the reply holds no device")
    return Decoded(device, Counter())


def parse_images(body: bytes) -> Images:
    """Parse the links of requested pictures; raise UnexpectedResponseError without any.

    The reference shows two entries, the raw picture first; that they are URLs is INFERRED from "links". The kind of a
    picture comes from the name or URL of its entry, otherwise from the order.
    """
    root = loose(body)
    data = root.get("data", root) if isinstance(root, dict) else root
    entries: list[tuple[str, object]] = []
    if isinstance(data, dict) and _to_link(data) is None:
        entries = [(str(name), entry) for name, entry in data.items()]
    elif isinstance(data, list):
        entries = [("", entry) for entry in data]
    elif isinstance(data, dict) or (isinstance(data, str) and "/" in data):
        entries = [("", data)]
    links: dict[str, str] = {}
    unnamed: list[tuple[int, str]] = []
    for index, (name, entry) in enumerate(entries):
        link = _to_link(entry)
        kind = _picture_kind(name, entry, link) if link else None
        if link and kind:
            links.setdefault(kind, link)
        elif link:
            unnamed.append((index, link))
    for index, link in unnamed:
        free = [kind for kind in _KINDS if kind not in links]
        first = _KINDS[index] if index < len(_KINDS) else ""
        links.setdefault(first if first in free else next(iter(free), first), link)
    if not links or len(entries) > len(_KINDS):
        raise UnexpectedResponseError("the reply does not say where the pictures will be")
    return Images(links.get(_RAW), links.get(_ANNOTATED))


def _picture_kind(name: str, entry: object, link: str) -> str | None:
    """Return the kind of picture of an entry by its name or link; None if unknown."""
    labels = ""
    if isinstance(entry, dict):
        labels = " ".join(str(entry.get(key) or "") for key in ("type", "kind", "name", "view"))
    path = link.partition("?")[0].partition("#")[0]
    for text in (name, labels, path.rsplit("/", 1)[-1], path):
        kinds = [kind for kind in _KINDS if re.search(rf"(?<![a-z]){kind}(?![a-z])", text.lower())]
        if len(kinds) == 1:
            return kinds[0]
    return None


def parse_webhooks(body: bytes) -> Decoded[tuple[Webhook, ...]]:
    """Parse the webhooks; raise UnexpectedResponseError without a list."""
    root, decoder = _parse_object(body), RecordDecoder()
    if not isinstance(root.get("data"), list):
        raise UnexpectedResponseError("the reply holds no webhooks")
    webhooks: dict[str, Webhook] = {}
    for row in decoder.rows("webhook", root["data"]):
        webhook = _parse_webhook(row)
        if webhook is None or webhook.id is None:
            decoder.drop("webhook", "id or url")
        else:
            webhooks[webhook.id] = webhook
    return Decoded(tuple(webhooks.values()), decoder.rejected)


def parse_webhook(body: bytes) -> Webhook | None:
    """Parse the webhook in the response to a write; None without one."""
    root = _parse_object(body)
    return _parse_webhook(root) or _parse_webhook(nested(root, "data"))


def _parse_object(body: bytes) -> Row:
    root = loose(body)
    if not isinstance(root, dict):
        raise UnexpectedResponseError("the reply is no object")
    return root


def _parse_device(row: Row) -> Device | None:
    uuid = identifier(row.get("uuid"))
    if uuid is None:
        return None
    return Device(
        uuid=uuid,
        name=to_text(row.get("name")),
        client_identifier=to_text(row.get("client_identifier")),
        refreshed=to_datetime(row.get("refreshed")),
        is_online=_to_online(row.get("is_online")),
        city=to_text(row.get("geo_city")),
        country=to_text(row.get("geo_country")),
    )


def _to_online(value: object) -> bool | None:
    """Parse an online state: an integer in responses, a word in the list's filter."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (known := _ONLINE.get(value.strip().lower())) is not None:
        return known
    number = to_int(value)
    return None if number is None else number != 0


def _parse_webhook(row: Row) -> Webhook | None:
    url = row.get("url")
    if not isinstance(url, str) or not url.strip():
        return None
    data = nested(row, "data")
    return Webhook(
        url=url.strip(),
        type=to_text(row.get("webhook_type"), 32) or "",
        is_active=_to_online(row.get("status")) is not False,
        actions=to_text(row.get("actions")),
        headers=_parse_pairs(data.get("headers")),
        params=_parse_pairs(data.get("params")),
        id=identifier(row.get("id")),
    )


def _parse_pairs(value: object) -> tuple[Pair, ...]:
    """Parse names and values; a hidden value is empty."""
    rows = value if isinstance(value, list) else []
    return tuple(
        Pair(row["name"], "" if (held := row.get("value")) is None else str(held))
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("name"), str)
    )


def _to_link(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("url") or value.get("link")
    if not isinstance(value, str) or not 0 < len(value.strip()) <= _MAX_LINK:
        return None
    return value.strip()


def _to_token(value: object) -> str | None:
    is_token = isinstance(value, str) and value.isascii() and value.isprintable() and value.strip()
    return str(value).strip() if is_token else None
