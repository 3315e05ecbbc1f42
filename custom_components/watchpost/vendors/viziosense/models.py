"""VizioSense's JSON as typed records, after its API reference ("Integrator HTTP(S) API", 1.0.0).

What the vendor left out or garbled is None, ids are text, dates are aware UTC. A record that lacks what it cannot do
without is set aside and counted. Where the reference is silent, every form that seems likely is read; what is not
known is said at the place.
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

# Application codes of the documentation and what they stand for. A bad token is 400, not 401.
_CODES: Final[Mapping[int, int]] = {
    4000: HTTPStatus.UNAUTHORIZED,
    4003: HTTPStatus.FORBIDDEN,
    4005: HTTPStatus.METHOD_NOT_ALLOWED,
    5000: HTTPStatus.INTERNAL_SERVER_ERROR,
}

# Fields that may hold an application code, and a message that begins with one.
_CODE_FIELD: Final = re.compile(r"code|error|status", re.IGNORECASE)
_LEADING_CODE: Final = re.compile(r"\s*\W?(\d{4})\b")
# What the documentation calls 400/4000, in its own words and in those of a message without a code.
_ABOUT_TOKEN: Final = re.compile(
    r"\baccess[ _-]?token\b"
    r"|\b(?:invalid|expired|missing|wrong|bad|revoked)\b.{0,20}\btoken\b"
    r"|\btoken\b.{0,20}\b(?:invalid|expired|missing|error|revoked)\b",
    re.IGNORECASE,
)

_ONLINE: Final = {"online": True, "offline": False, "true": True, "false": False}

_MAX_LINK: Final = 4096
# In the reference the entries are called "_raw_image" and "_annotated_image", in this order.
_RAW: Final = "raw"
_ANNOTATED: Final = "annotated"
_KINDS: Final = (_RAW, _ANNOTATED)


class WebhookType(StrEnum):
    """What a webhook reports."""

    PAYLOAD = "payload"
    KEEPALIVE = "keepalive"


class Device(msgspec.Struct, frozen=True):
    """A camera. `refreshed` is when the vendor last looked whether it is online."""

    uuid: str
    name: str | None = None
    client_identifier: str | None = None
    refreshed: datetime | None = None
    is_online: bool | None = None
    city: str | None = None
    country: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of the devices, and what it says of all: how many pages, devices on a page, and devices there are."""

    devices: tuple[Device, ...]
    last: int | None = None
    per_page: int | None = None
    total: int | None = None


class Login(msgspec.Struct, frozen=True):
    """What signing in brought. `lifetime` is in seconds. `user` is the address of who signed in, if told."""

    access_token: str
    refresh_token: str | None = None
    token_type: str = "Bearer"  # noqa: S105  the scheme, no token
    lifetime: int | None = None
    user: str | None = None


class Pair(msgspec.Struct, frozen=True):
    """A header or parameter that a webhook's calls carry."""

    name: str
    value: str

    @property
    def is_hidden(self) -> bool:
        """Whether the vendor does not show the value, or not all of it."""
        return not self.value or bool(set(self.value) & set("*•…"))


class Webhook(msgspec.Struct, frozen=True):
    """An address that the vendor calls. `id` is None in what has not been added yet."""

    url: str
    type: str
    is_active: bool = True
    actions: str | None = None
    headers: tuple[Pair, ...] = ()
    params: tuple[Pair, ...] = ()
    id: str | None = None


class Images(msgspec.Struct, frozen=True):
    """Where the pictures of one request will be; None where the response names one alone."""

    raw: str | None = None
    annotated: str | None = None


# -- errors --


def meaning(status: int, body: bytes) -> int:
    """Return the HTTP status that an error stands for.

    A bad token is 400 with the code 4000 (STATED); where the code stands in the body is UNKNOWN, so it is looked for in
    each field that may hold one, and at the beginning of a message. A 400 with another code, or whose message is not
    about a token, is not about the token.
    """
    fields = _fields(body)
    codes = [code for name, value in fields.items() if (code := _code_in(name, value)) is not None]
    if codes:
        return next((_CODES[code] for code in codes if code in _CODES), status)
    words = " ".join(value for value in fields.values() if isinstance(value, str))
    is_of_token = status == HTTPStatus.BAD_REQUEST and _ABOUT_TOKEN.search(words)
    return HTTPStatus.UNAUTHORIZED if is_of_token else status


def _code_in(name: str, value: object) -> int | None:
    """Return the application code (four digits) that a field of an error holds."""
    if isinstance(value, str) and (leading := _LEADING_CODE.match(value)):
        return int(leading[1])
    code = to_int(value) if _CODE_FIELD.search(name) else None
    return code if code is not None and 1000 <= code <= 9999 else None


def refusal(body: bytes) -> int | None:
    """Return the status of a refusal that came as a success: `{"error": [...]}` or an error's body; else None."""
    fields = _fields(body)
    if "httpError" in fields:
        told = to_int(fields["httpError"]) or 0
        # A code in place of the status says as much in its first digit.
        status = told if 400 <= told <= 599 else 400 if 4000 <= told <= 4999 else 500
        return meaning(status, body)
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


# -- replies --


def parse_login(body: bytes) -> Login:
    """Read what signing in brought; raises UnexpectedResponseError where there is no token."""
    data = nested(_object(body), "data")
    token = _token(data.get("access_token"))
    if token is None:
        raise UnexpectedResponseError("the reply holds no access token")
    return Login(
        access_token=token,
        refresh_token=_token(data.get("refresh_token")),
        token_type=to_text(data.get("token_type"), 32) or "Bearer",
        lifetime=to_int(data.get("expires_in")),
        user=to_text(nested(data, "user").get("email")),
    )


def parse_page(body: bytes) -> Decoded[Page]:
    """Read one page of devices; raises UnexpectedResponseError where there is no list."""
    root, sieve = _object(body), RecordDecoder()
    if not isinstance(root.get("data"), list):
        raise UnexpectedResponseError("the reply holds no devices")
    devices: dict[str, Device] = {}
    for row in sieve.rows("device", root["data"]):
        device = _device(row)
        if device is None:
            sieve.drop("device", "uuid")
        elif device.uuid in devices:
            sieve.drop("device", "duplicate uuid")
        else:
            devices[device.uuid] = device
    meta = nested(root, "meta")
    last = to_int(meta.get("last_page")) or to_int(meta.get("total_pages"))
    page = Page(
        tuple(devices.values()), last, to_int(meta.get("per_page")), to_int(meta.get("total"))
    )
    return Decoded(page, sieve.rejected)


def parse_device(body: bytes) -> Decoded[Device]:
    """Read one device, wrapped in `data` or not; raises UnexpectedResponseError where there is none."""
    root = _object(body)
    device = _device(root) or _device(nested(root, "data"))
    if device is None:
        raise UnexpectedResponseError("the reply holds no device")
    return Decoded(device, Counter())


def parse_images(body: bytes) -> Images:
    """Read where the pictures will be; raises UnexpectedResponseError where that is not said.

    The reference shows two entries, the raw picture first. That they are addresses is INFERRED from "links". Which is
    which is told by the name of an entry or by its address, and by the order where neither tells.
    """
    root = loose(body)
    data = root.get("data", root) if isinstance(root, dict) else root
    entries: list[tuple[str, object]] = []
    if isinstance(data, dict) and _link(data) is None:
        entries = [(str(name), entry) for name, entry in data.items()]
    elif isinstance(data, list):
        entries = [("", entry) for entry in data]
    elif isinstance(data, dict) or (isinstance(data, str) and "/" in data):
        entries = [("", data)]
    found: dict[str, str] = {}
    unnamed: list[tuple[int, str]] = []
    for place, (name, entry) in enumerate(entries):
        link = _link(entry)
        kind = _picture_kind(name, entry, link) if link else None
        if link and kind:
            found.setdefault(kind, link)
        elif link:
            unnamed.append((place, link))
    for place, link in unnamed:
        free = [kind for kind in _KINDS if kind not in found]
        first = _KINDS[place] if place < len(_KINDS) else ""
        found.setdefault(first if first in free else next(iter(free), first), link)
    if not found or len(entries) > len(_KINDS):
        raise UnexpectedResponseError("the reply does not say where the pictures will be")
    return Images(found.get(_RAW), found.get(_ANNOTATED))


def _picture_kind(name: str, entry: object, link: str) -> str | None:
    """Return whether an entry is the raw or the annotated picture; None where nothing tells."""
    told = ""
    if isinstance(entry, dict):
        told = " ".join(str(entry.get(key) or "") for key in ("type", "kind", "name", "view"))
    path = link.partition("?")[0].partition("#")[0]
    for words in (name, told, path.rsplit("/", 1)[-1], path):
        kinds = [kind for kind in _KINDS if re.search(rf"(?<![a-z]){kind}(?![a-z])", words.lower())]
        if len(kinds) == 1:
            return kinds[0]
    return None


def parse_webhooks(body: bytes) -> Decoded[tuple[Webhook, ...]]:
    """Read the webhooks; raises UnexpectedResponseError where there is no list."""
    root, sieve = _object(body), RecordDecoder()
    if not isinstance(root.get("data"), list):
        raise UnexpectedResponseError("the reply holds no webhooks")
    found: dict[str, Webhook] = {}
    for row in sieve.rows("webhook", root["data"]):
        webhook = _webhook(row)
        if webhook is None or webhook.id is None:
            sieve.drop("webhook", "id or url")
        else:
            found[webhook.id] = webhook
    return Decoded(tuple(found.values()), sieve.rejected)


def parse_webhook(body: bytes) -> Webhook | None:
    """Read the echo of a webhook that was added or changed; None where it shows none."""
    root = _object(body)
    return _webhook(root) or _webhook(nested(root, "data"))


def _object(body: bytes) -> Row:
    root = loose(body)
    if not isinstance(root, dict):
        raise UnexpectedResponseError("the reply is no object")
    return root


def _device(row: Row) -> Device | None:
    uuid = identifier(row.get("uuid"))
    if uuid is None:
        return None
    return Device(
        uuid=uuid,
        name=to_text(row.get("name")),
        client_identifier=to_text(row.get("client_identifier")),
        refreshed=to_datetime(row.get("refreshed")),
        is_online=_is_online(row.get("is_online")),
        city=to_text(row.get("geo_city")),
        country=to_text(row.get("geo_country")),
    )


def _is_online(value: object) -> bool | None:
    """An integer in replies, a word in the filter of the list."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (word := _ONLINE.get(value.strip().lower())) is not None:
        return word
    number_of = to_int(value)
    return None if number_of is None else number_of != 0


def _webhook(row: Row) -> Webhook | None:
    url = row.get("url")
    if not isinstance(url, str) or not url.strip():
        return None
    data = nested(row, "data")
    return Webhook(
        url=url.strip(),
        type=to_text(row.get("webhook_type"), 32) or "",
        is_active=_is_online(row.get("status")) is not False,
        actions=to_text(row.get("actions")),
        headers=_pairs(data.get("headers")),
        params=_pairs(data.get("params")),
        id=identifier(row.get("id")),
    )


def _pairs(value: object) -> tuple[Pair, ...]:
    """Read names and values; a value that is not shown is empty."""
    rows = value if isinstance(value, list) else []
    return tuple(
        Pair(row["name"], "" if (held := row.get("value")) is None else str(held))
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("name"), str)
    )


def _link(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("url") or value.get("link")
    if not isinstance(value, str) or not 0 < len(value.strip()) <= _MAX_LINK:
        return None
    return value.strip()


def _token(value: object) -> str | None:
    is_token = isinstance(value, str) and value.isascii() and value.isprintable() and value.strip()
    return str(value).strip() if is_token else None
