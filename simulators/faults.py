"""Inject faults between a cloud and its client.

A test adds a `Fault` to a cloud's `FaultBoard`; each request that matches uses it up once. All
matching faults apply, in the order they were added.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal, get_args

from .mutations import named_mutation
from .response import Cut, Drip, Drop, Flood, Response

type Kind = Literal[
    "latency",
    "hold",
    "drop",
    "status",
    "cut",
    "cut_json",
    "not_json",
    "root",
    "envelope_code",
    "huge",
    "gzip_bomb",
    "redirect",
    "drip",
    "clock_skew",
    "headers",
    "mutate",
]

KINDS: tuple[str, ...] = get_args(Kind.__value__)

_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>"
)


@dataclass(slots=True)
class Fault:
    """One fault.

    Which requests:
    match          a part of the path; "" matches all
    method         e.g. "POST"; "" matches all
    query          parameters, of the address or the body, that must be there with these values
    user           only requests signed in with this name
    times          how often; None: until cleared

    What happens to them, by kind:
    latency        respond `seconds` (real) later
    hold           respond when `release()` is called
    drop           close the connection without a response
    status         respond with `status`, `headers` and `body` (default: the vendor's error body)
    cut            a correct Content-Length, but the connection ends after `size` bytes (0: half)
    cut_json       half the JSON, with a matching length
    not_json       a login page in HTML, with `status` if given, else the true one
    root           the JSON value `value` instead of the object
    envelope_code  HTTP 200 whose envelope says `code`
    huge           a JSON object of `size` bytes, streamed (gzip if the client accepts it)
    gzip_bomb      the same, always gzip
    redirect       `status` (302) to `location`
    drip           the body `size` (16) bytes at a time, `seconds` (real) apart
    clock_skew     the Date header is `seconds` off
    headers        `headers` replace those of the response; None removes one
    mutate         `mutate(payload)` is sent instead; or a `mutation` by name, see mutations.py

    takes_effect: a request that is dropped, redirected or refused with a status still does its
    work; one that is late or held does it on arrival, even if the client gives up meanwhile.

    A client may repeat a GET by itself when its connection is closed, as aiohttp's does once.
    """

    match: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    kind: Kind = "status"
    method: str = ""
    user: str | None = None
    seconds: float = 0.0
    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: str | bytes | None = None
    value: object = None
    code: int = 500
    size: int = 0
    location: str = ""
    mutate: Callable[[Any], Any] | None = None
    mutation: str = ""
    takes_effect: bool = False
    used: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown kind or mutation."""
        if self.kind not in KINDS:
            raise ValueError(f"No such fault: {self.kind}")
        if self.kind == "mutate" and self.mutate is None:
            self.mutate = named_mutation(self.mutation)

    def release(self) -> None:
        """Release the requests that a fault of kind "hold" delays."""
        self._released.set()

    def matches(self, method: str, path: str, query: Mapping[str, str], user: str | None) -> bool:
        """Return whether this fault applies to a request."""
        return (
            self.times != 0
            and self.match in path
            and self.method in ("", method)
            and self.user in (None, user)
            and all(query.get(name) == value for name, value in self.query.items())
        )

    @property
    def prevents(self) -> bool:
        """Return whether the request must not reach the cloud."""
        return self.kind in ("drop", "status", "redirect") and not self.takes_effect

    async def delay(self) -> None:
        """Delay the request as this fault says."""
        if self.kind == "latency":
            await asyncio.sleep(self.seconds)
        elif self.kind == "hold":
            await self._released.wait()

    def apply(self, response: Response, now: datetime) -> None:
        """Modify the response."""
        if spoil := _SPOILERS.get(self.kind):
            spoil(self, response, now)


class FaultBoard:
    """The faults of one cloud."""

    def __init__(self) -> None:
        """Start empty."""
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Add a fault and return it."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults and release the requests that they delay."""
        for fault in self._faults:
            fault.release()
        self._faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        """Iterate over the faults, used up or not."""
        return iter(self._faults)

    def take(
        self, method: str, path: str, query: Mapping[str, str], user: str | None
    ) -> list[Fault]:
        """Return the faults that apply to a request, and count their use."""
        taken = [fault for fault in self._faults if fault.matches(method, path, query, user)]
        for fault in taken:
            fault.used += 1
            if fault.times is not None:
                fault.times -= 1
        return taken


def _status(fault: Fault, response: Response, now: datetime) -> None:
    response.status = fault.status or 500
    _headers(fault, response, now)
    if fault.body is not None:
        response.body = _bytes(fault.body)


def _cut_json(fault: Fault, response: Response, now: datetime) -> None:
    body = response.encoded()
    response.body = body[: fault.size or len(body) // 2]


def _not_json(fault: Fault, response: Response, now: datetime) -> None:
    response.status = fault.status or response.status
    response.body = _LOGIN_PAGE if fault.body is None else _bytes(fault.body)
    response.headers["Content-Type"] = "text/html; charset=utf-8"


def _root(fault: Fault, response: Response, now: datetime) -> None:
    response.payload, response.body, response.exact = fault.value, None, True


def _envelope_code(fault: Fault, response: Response, now: datetime) -> None:
    if isinstance(response.payload, dict):
        response.payload = response.payload | {"code": fault.code}


def _huge(fault: Fault, response: Response, now: datetime) -> None:
    response.delivery = Flood(fault.size or 32 << 20)


def _gzip_bomb(fault: Fault, response: Response, now: datetime) -> None:
    response.delivery = Flood(fault.size or 64 << 20, packed=True)


def _redirect(fault: Fault, response: Response, now: datetime) -> None:
    response.status, response.body = fault.status or 302, b""
    response.headers["Location"] = fault.location


def _drip(fault: Fault, response: Response, now: datetime) -> None:
    response.delivery = Drip(fault.size or 16, fault.seconds)


def _clock_skew(fault: Fault, response: Response, now: datetime) -> None:
    response.headers["Date"] = http_date(now + timedelta(seconds=fault.seconds))


def _headers(fault: Fault, response: Response, now: datetime) -> None:
    for name, value in fault.headers.items():
        if value is None:
            response.headers.pop(name, None)
        else:
            response.headers[name] = value


def _mutate(fault: Fault, response: Response, now: datetime) -> None:
    if fault.mutate is not None and response.body is None:
        response.payload, response.exact = fault.mutate(deepcopy(response.payload)), True


def _drop(fault: Fault, response: Response, now: datetime) -> None:
    response.delivery = Drop()


def _cut(fault: Fault, response: Response, now: datetime) -> None:
    response.delivery = Cut(fault.size or None)


_SPOILERS: dict[str, Callable[[Fault, Response, datetime], None]] = {
    "drop": _drop,
    "status": _status,
    "cut": _cut,
    "cut_json": _cut_json,
    "not_json": _not_json,
    "root": _root,
    "envelope_code": _envelope_code,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
    "redirect": _redirect,
    "drip": _drip,
    "clock_skew": _clock_skew,
    "headers": _headers,
    "mutate": _mutate,
}


def http_date(moment: datetime) -> str:
    """Return an aware moment as an HTTP date."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
