"""Requests to the platform's API: paths, pages, errors. Free of Home Assistant.

The API is served under `/api`, resources under `/api/v1` (REST API page, "Base path and versioning"). An organisation's
key goes into `Authorization: Bearer sk_…`; only the HTTP status of an error decides what follows.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
import hashlib
from http import HTTPStatus
import re
from typing import Final

from yarl import URL

from ....client.decode import RecordDecoder, Row
from ....client.errors import (
    InvalidFieldsError,
    NotSecureError,
    SignInRejectedError,
    UnexpectedResponseError,
    VendorError,
)
from ....client.parsing import parse
from ....client.transport import Response, Transport, checked_address, loose
from ....models import Freshness
from .openapi import VERSION, OpenApiDocument
from .pagination import DIALECTS, MAX_PAGES, PER_PAGE, Listed, PageStyle, Paginator, Params, others
from .problem_details import problems_in

__all__ = ["KeySignIn", "Params", "PlatformApi", "PlatformResponse", "api_address"]

MAX_LISTED: Final = 20_000
_REFUSED_PARAMS: Final = frozenset({400, 422})
# What a page beyond the last may be answered with, where nothing said that there is one.
_NO_SUCH_PAGE: Final = frozenset({400, 404, 416, 422})
_GONE: Final = frozenset({404, 405, 410, 501})
_EXPLAINED: Final = frozenset({400, 422})
_ID: Final = re.compile(r"[0-9]")
# Lists that change slowly are not asked for again so soon by a reload or after an action, where nothing that came says
# how long it is current.
USUAL_SECONDS: Final = 30.0
_SLOW: Final = frozenset(
    {
        *("/devices", "/components", "/sensors", "/sites", "/device-groups"),
        *("/sensor-profiles", "/device-profiles", "/config-artefacts", "/firmware"),
        *("/desired-state-bindings", "/admin/quarantine", "/exports"),
    }
)
# Asked for to see whether the key is good.
_PROOFS: Final = ("/devices", "/sensors")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,512}")


def api_address(url: str) -> str:
    """Return the address of a deployment's API, whatever of it was entered; raises NotSecureError.

    The vendor's addresses are all `https://<host>/api/…`: a path that came with the host is none of ours.
    """
    url = url.strip()
    if "://" not in url:
        url = f"https://{url}"
    address = checked_address(url)
    try:
        return str(address.origin() / "api")
    except ValueError:
        raise NotSecureError("the address is none") from None


class KeySignIn:
    """An organisation's API key; there is no other to be had."""

    sends_password = False
    can_renew = False

    def __init__(self, key: str) -> None:
        """Take the key as it was pasted, also with the word Bearer before it."""
        key = key.strip().removeprefix("Bearer ").strip()
        self._headers = {"Authorization": f"Bearer {key}"} if _KEY.fullmatch(key) else None
        self.fingerprint = hashlib.sha256(f"manfred_kunze\n{key}".encode()).hexdigest()

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header; raises SignInRejectedError for what can be no key."""
        if self._headers is None:
            raise SignInRejectedError("what was entered is no API key")
        return self._headers

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Raise: a key that is refused stays so."""
        raise SignInRejectedError("the vendor refused the API key")


@dataclass(frozen=True, slots=True)
class PlatformResponse[T]:
    """The value of a read, its rejected records, its freshness, and whether the list is complete."""

    value: T
    rejected: Counter[str] = field(default_factory=Counter)
    freshness: tuple[Freshness, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request for a list."""

    path: str
    query: Params
    permission: str
    most: int
    size: int
    enough: Callable[[Sequence[object]], bool] | None


class PlatformApi:
    """Requests of one organisation; paths are those below `/api/v1`, ids in them already checked (`identifier`).

    Every method raises a `VendorError`: SignInRejectedError, PermissionDeniedError (403), RateLimitedError,
    UnreachableError, UnexpectedResponseError (its `status` tells 404 and 409 apart), Invalid where the vendor names
    fields of what was sent.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        transport.probe_requests = lambda: [(self._address(path), None) for path in _PROOFS]
        self.contract: OpenApiDocument | None = None
        self._dialects: dict[str, PageStyle] = {}
        # Lists for which other names of pages have been tried.
        self._settled: set[str] = set()
        # How many records a page may be asked to have; what one list refuses is not tried with the next.
        self._most = PER_PAGE
        self._skew = timedelta(0)
        self._anew_since = float("-inf")

    @property
    def url(self) -> URL:
        """The address of the API, with `/api`."""
        return self.transport.url

    def now(self) -> datetime:
        """Return the vendor's clock (UTC), by the newest reply."""
        return self.transport.budget.now_utc() + self._skew

    def dialect(self, path: str) -> PageStyle:
        """Return the page style of a list, which is learned from responses."""
        shape, _ = _parted(path)
        if shape not in self._dialects:
            said = self.contract.dialect(shape) if self.contract else None
            self._dialects[shape] = replace(said or PageStyle(), most=self._most)
        return self._dialects[shape]

    def follow(self, contract: OpenApiDocument) -> None:
        """Ask as a deployment's own document says, where it says something."""
        self.contract = contract
        self._dialects.clear()

    def _address(self, path: str) -> str:
        """Return the path with its version, also if the deployment's document has it elsewhere."""
        if self.contract is None:
            return f"/{VERSION}{path}"
        shape, ids = _parted(path)
        version, place = self.contract.place(shape)
        return f"/{version}{place.replace('{}', '%s') % tuple(ids)}"

    # -- reads --

    async def get(self, path: str, query: Params | None = None, *, permission: str) -> Response:
        """Ask for anything: text, bytes, JSON as it comes."""
        usual = None
        if path in _SLOW:
            usual = min(USUAL_SECONDS, self.transport.budget.now() - self._anew_since)
        return await self._get(self._address(path), query or {}, permission, usual)

    async def raw(self, path: str, query: Params | None = None, *, permission: str) -> Response:
        """Ask for what stands outside `/v1`: the schemas, the OpenAPI document."""
        return await self._get(path, query or {}, permission)

    async def get_redirect(self, path: str, *, permission: str) -> Response:
        """Ask where something is: a redirect is not followed, since the key must not go where it leads."""
        address = self._address(path)
        return await self.transport.get_redirect(address, permission=permission)

    async def one[T](
        self,
        path: str,
        read: Callable[[Row], T | None],
        query: Params | None = None,
        *,
        permission: str,
    ) -> PlatformResponse[T]:
        """Return one record; `read` returns None for what is none, which raises UnexpectedResponseError."""
        reply = await self.get(path, query, permission=permission)
        row = single(loose(reply.body))
        value = read(row) if row is not None else None
        if value is None:
            raise UnexpectedResponseError("the reply is not of the expected shape")
        return PlatformResponse(value, freshness=(reply.freshness,))

    async def pages[T](
        self,
        path: str,
        place: str,
        read: Callable[[str, Row], T | None],
        query: Params | None = None,
        *,
        permission: str,
        most: int = MAX_LISTED,
    ) -> PlatformResponse[list[T]]:
        """Return the records of all pages that have an id, each once, at most so many.

        `read` gets id and record, and returns None for a record to reject. `place` names the kind of record
        under which rejected records are counted. `is_whole` is False if the list has more.
        """
        listed = await self.rows(path, query, permission=permission, most=most)
        sieve = RecordDecoder()
        found = sieve.identified(place, listed.rows, read)
        values = [value for value in found if value is not None]
        for _ in range(len(found) - len(values)):
            sieve.drop(place, "shape")
        if not listed.is_whole:
            sieve.drop(place, "more than are read")
        return PlatformResponse(values, sieve.rejected, listed.freshness, listed.is_whole)

    async def rows(
        self,
        path: str,
        query: Params | None = None,
        *,
        permission: str,
        most: int = MAX_LISTED,
        size: int | None = None,
        enough: Callable[[Sequence[object]], bool] | None = None,
    ) -> Listed:
        """Return the records of all pages as they come, each id once; ends with the last, short, empty or same page.

        Or where what has come is said to be `enough`: the list then counts as not whole. `size` is how many records a
        page is asked to have, where that should be few.
        """
        ask = _Asked(path, query or {}, permission, most, size or PER_PAGE, enough)
        walk, is_ended = await self._walked(ask, self.dialect(path))
        shape, _ = _parted(path)
        if walk.is_stuck and shape not in self._settled:
            self._settled.add(shape)
            for other in DIALECTS[1:]:
                further, is_ended = await self._walked(ask, replace(other))
                if len(further.rows) > len(walk.rows):
                    self._dialects[shape] = further.dialect
                    return further.listed(is_ended=is_ended)
            is_ended = True
        return walk.listed(is_ended=is_ended)

    async def _walked(self, ask: _Asked, dialect: PageStyle) -> tuple[Paginator, bool]:
        """Fetch the pages of a list; False where more pages may follow."""
        walk = Paginator(ask.path.rsplit("/", 1)[-1], dialect, ask.most, ask.size)
        for number in range(MAX_PAGES):
            reply = await self._page(ask.path, ask.query, number, walk, ask.permission)
            if reply is None or not await self._taken(walk, reply, number, ask.path):
                break
            if ask.enough is not None and ask.enough(walk.rows):
                return walk, False
        else:
            return walk, False
        if walk.is_from_one:
            walk.dialect.first = 1
        return walk, True

    async def _taken(self, walk: Paginator, reply: Response, number: int, path: str) -> bool:
        """Pass a page to the paginator; delete a stored response that is no page."""
        try:
            return await parse(lambda body: walk.take(body, reply.freshness, number), reply.body)
        except UnexpectedResponseError:
            if reply.freshness.lifetime is None:
                self.forget(path)
            raise

    def forget(self, path: str) -> None:
        """Have something and what is below it asked for anew, whatever is held: what was written to, or is put back."""
        self.transport.invalidate_below(self._address(path))

    def look_anew(self) -> None:
        """Have the lists that change slowly asked for anew, unless what came of one says that it is current."""
        self._anew_since = self.transport.budget.now()

    # -- writes --

    async def send(
        self,
        method: str,
        path: str,
        body: object | None = None,
        query: Params | None = None,
        *,
        permission: str,
    ) -> object | None:
        """POST, PUT or DELETE; returns the JSON that came back, None where none came.

        What is held of what was written to, or of the list that it is in, is void then, however that went.
        """
        try:
            sending = self.transport.send(
                method, self._address(path), json=body, params=query, permission=permission
            )
            reply = await sending
        except UnexpectedResponseError as err:
            if err.status in _EXPLAINED and (problems := problems_in(err.body)):
                raise InvalidFieldsError(problems) from None
            raise
        finally:
            self.forget(_listing(path))
        try:
            return loose(reply.body) if reply.body else None
        except UnexpectedResponseError:
            return None  # it was done, only its result is unknown

    # -- how it is asked --

    async def _get(
        self, path: str, query: Params, permission: str, usual: float | None = None
    ) -> Response:
        """Ask; what says neither how long it is current nor how to revalidate it is not held without a `usual` time."""
        asking = self.transport.get(
            path, query, permission=permission, default_lifetime=usual or 0.0
        )
        reply = await asking
        fresh = reply.freshness
        is_silent = fresh.lifetime is None and fresh.etag is None and fresh.last_modified is None
        if is_silent and usual is None:
            self.transport.forget(path, query)
        if reply.date is not None and not reply.reused:
            self._skew = reply.date - self.transport.budget.now_utc()
        return reply

    async def _page(
        self, path: str, query: Params, number: int, walk: Paginator, permission: str
    ) -> Response | None:
        """Ask for a page; None where it was a guess and does not exist."""
        dialect = walk.dialect
        try:
            return await self.get(
                path, {**query, **dialect.params(number, walk.size)}, permission=permission
            )
        except UnexpectedResponseError as err:
            if walk.is_guess and err.status in _NO_SUCH_PAGE:
                return None
            if number or not dialect.is_paged or err.status not in _REFUSED_PARAMS:
                raise
        # Pages may be counted from 1, be smaller, or not be known at all; or something else was refused.
        tried = [dialect.params(number, walk.size)]
        for other in others(dialect):
            if (params := other.params(number, walk.size)) in tried:
                continue
            tried.append(params)
            with suppress(UnexpectedResponseError):
                reply = await self.get(path, {**query, **params}, permission=permission)
                self._dialects[_parted(path)[0]] = walk.dialect = other
                self._most = other.most
                return reply
        raise UnexpectedResponseError(
            "the vendor refused every way to ask for a list", HTTPStatus.BAD_REQUEST
        )


def is_missing(err: VendorError) -> bool:
    """Return whether an error says that there is no such thing: a path or a record that does not exist."""
    return isinstance(err, UnexpectedResponseError) and err.status in _GONE


def _parted(path: str) -> tuple[str, list[str]]:
    """Return the path template and the ids. Segments that contain a digit are ids."""
    parts = path.split("/")
    ids = [part for part in parts if _ID.search(part)]
    return "/".join("{}" if _ID.search(part) else part for part in parts), ids


def _listing(path: str) -> str:
    """Return the path of the list that holds a record, else the path itself."""
    above, _, last = path.rpartition("/")
    return above if _ID.search(last) else path


def single(held: object) -> Row | None:
    """Return the record of a reply: the object itself, or the one inside `data`, or the only one of a list."""
    if isinstance(held, list) and len(held) == 1:
        held = held[0]
    if not isinstance(held, dict):
        return None
    inside = held.get("data")
    return inside if isinstance(inside, dict) and "id" not in held else held
