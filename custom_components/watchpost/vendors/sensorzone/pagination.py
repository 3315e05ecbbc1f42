"""Reads lists to their end, whether pages are told by link, by number or not at all, or there are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yarl import URL

from ...client.decode import MAX_RECORDS
from ...client.errors import NotSecureError, UnexpectedResponseError, VendorError
from ...client.parsing import parse
from ...client.transport import Response, Transport
from ...client.urls import parse_link
from ...models import Freshness
from .decode import Groups, Page, flat, read_page
from .endpoints import JSON
from .models import started_at

type Params = Mapping[str, str]

PER_PAGE: Final = 100
MAX_PAGES: Final = 200

# No vendor makes smaller pages: a shorter list of which nothing says that there is more is the whole.
MIN_PAGE: Final = 10

_REFUSED_PARAMS: Final = frozenset({400, 422})
# What a page beyond the last may be answered with, where nothing said that there is one.
_NO_SUCH_PAGE: Final = frozenset({400, 404, 416, 422})


@dataclass(frozen=True, slots=True)
class Listing:
    """A list to read: name, address, the permission that it needs, and the lists that may stand in its place."""

    name: str
    path: str | URL
    right: str
    groups: Groups | None = None


@dataclass(slots=True)
class _Read:
    """What came of a list so far, and whether nothing says that there is the page that is asked for next."""

    rows: list[object] = field(default_factory=list)
    freshness: list[Freshness] = field(default_factory=list)
    is_guess: bool = False
    _seen: set[object] = field(default_factory=set)

    def take(self, page: Page) -> bool:
        """Take a page; return whether it brought anything new."""
        fresh = [row for row in page.rows if _key(row) not in self._seen]
        self._seen.update(map(_key, fresh))
        self.rows.extend(fresh)
        return bool(fresh)


class Reader:
    """Lists of one sign-in. Which resources take parameters, and which have pages, is learned as they answer.

    `cut` has, by resource, what kept the last read of a list from coming to its end; a list whose end is a guessed page
    that was refused has None there: nothing says whether that was the end.
    """

    def __init__(self, transport: Transport, *, is_json_api: bool = False) -> None:
        self._transport = transport
        self._page, self._size = (
            ("page[number]", "page[size]") if is_json_api else ("page", "per_page")
        )
        self._plain: set[str] = set()
        self._unpaged: set[str] = set()
        self._whole: dict[str, int] = {}
        self.cut: dict[str, VendorError | None] = {}

    async def get(
        self,
        name: str,
        path: str | URL,
        params: Params,
        right: str,
        accept: str | None = JSON,
    ) -> Response:
        """Ask once; where the parameters are refused, without them from then on."""
        if params and name not in self._plain:
            try:
                return await self._asked(path, params, right, accept)
            except UnexpectedResponseError as err:
                if err.status not in _REFUSED_PARAMS:
                    raise
        reply = await self._asked(path, {}, right, accept)
        if params:
            self._plain.add(name)
        return reply

    async def _asked(
        self, path: str | URL, params: Params, right: str, accept: str | None
    ) -> Response:
        """Ask; what says neither how long it is current nor how to revalidate it is not held.

        Periods move on, so that hardly any address is asked twice.
        """
        reply = await self._transport.get(path, params, right=right, accept=accept)
        fresh = reply.freshness
        if fresh.lifetime is None and fresh.etag is None and fresh.last_modified is None:
            self._transport.forget(path, params)
        return reply

    async def _guessed(
        self, _name: str, path: str | URL, params: Params, right: str
    ) -> Response | None:
        """Ask for a page of which nothing says that it exists; None where it does not."""
        try:
            return await self._asked(path, params, right, JSON)
        except UnexpectedResponseError as err:
            if err.status not in _NO_SUCH_PAGE:
                raise
        return None

    async def rows(
        self,
        wanted: Listing,
        params: Params,
        since: datetime | None = None,
        *,
        in_part: bool = False,
    ) -> tuple[list[object], tuple[Freshness, ...]]:
        """Return the records of all pages, each record once; `since` ends a list whose newest come first early.

        `in_part`: where a later page cannot be had, return those before it, and note that in `cut`.
        Raises a `VendorError`; UnexpectedResponseError for a list without end.
        """
        name = wanted.name
        self.cut.pop(name, None)
        read = _Read()
        number = 1
        address: str | URL = wanted.path
        asked = dict(params) if name in self._unpaged else self._numbered(params, number)
        for _ in range(MAX_PAGES):
            try:
                page = await self._read_page(wanted, address, asked, read)
            except VendorError as err:
                if number == 1 or not in_part:
                    raise
                self.cut[name] = err
                return read.rows, tuple(read.freshness)
            if page is None:
                self.cut[name] = None
                return read.rows, tuple(read.freshness)
            is_news = read.take(page)
            self._learn(name, number, page, len(read.rows), is_news=is_news)
            if not is_news or _is_past(page, since):
                return read.rows, tuple(read.freshness)
            if len(read.rows) > MAX_RECORDS:
                break
            number += 1
            read.is_guess = page.link is None and page.number is None and page.is_last is None
            if page.link is not None:
                address, asked = self._followed(page.link), {}
            elif self._has_more(name, page):
                asked = self._numbered(params, page.number or number)
            else:
                return read.rows, tuple(read.freshness)
        raise UnexpectedResponseError("the list has no end")

    async def _read_page(
        self, wanted: Listing, address: str | URL, params: Params, read: _Read
    ) -> Page | None:
        """Read one page; None for a guessed one that does not exist."""
        ask = self._guessed if read.is_guess else self.get
        reply = await ask(wanted.name, address, params, wanted.right)
        if reply is None:
            return None
        page = await _page(reply, wanted)
        read.freshness.append(reply.freshness)
        return page

    def _learn(self, name: str, number: int, page: Page, count: int, *, is_news: bool) -> None:
        """Learn whether a list has pages, and how long one may be that fits into a page."""
        if number > 1 and not is_news and page.rows and page.link is None:
            self._unpaged.add(name)  # the same once more: pages are not known there
        if number == 2 and not page.rows:
            self._whole[name] = count

    def _numbered(self, params: Params, number: int) -> dict[str, str]:
        return {**params, self._page: str(number), self._size: str(PER_PAGE)}

    def _has_more(self, name: str, page: Page) -> bool:
        if page.is_last is not None:
            return not page.is_last
        if page.number is not None:
            return True
        is_paged = name not in self._unpaged and name not in self._plain
        # One of the same length may be a page that is full.
        return is_paged and len(page.rows) >= self._whole.get(name, MIN_PAGE)

    def _followed(self, link: str) -> URL:
        """Return a link to the same origin as it stands; raises UnexpectedResponseError for any other."""
        base = self._transport.url
        try:
            target = parse_link(link, base)
        except NotSecureError:
            target = None
        if target is None or target.origin() != base.origin():
            raise UnexpectedResponseError("a link to the next page leads to another place")
        return target


async def _page(reply: Response, wanted: Listing) -> Page:
    """Return the page of a list; a large one is parsed aside."""
    keys = (wanted.name, f"{wanted.name.rstrip('s')}_list")
    return await parse(
        lambda body: read_page(body, reply.link, *keys, groups=wanted.groups), reply.body
    )


def _key(row: object) -> object:
    found = flat(row)
    if found is None or "id" not in found:
        return id(row)
    return (str(found.get("type") or found.get("kind")), str(found["id"]))


def _is_past(page: Page, since: datetime | None) -> bool:
    """Whether a page is sorted, the newest first, and has come to what began before `since`."""
    times = [at for item in page.rows if (at := started_at(item)) is not None]
    if since is None or len(times) < 2 or len(times) < len(page.rows):
        return False
    return times == sorted(times, reverse=True) and times[-1] < since
