"""Paginator: fetch all pages of a list, linked, numbered or without any statement of their number."""

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

# No vendor makes smaller pages: a shorter list without a statement of further pages is complete.
MIN_PAGE: Final = 10

_REFUSED_PARAMS: Final = frozenset({400, 422})
# Possible statuses of a page after the last one.
_NO_SUCH_PAGE: Final = frozenset({400, 404, 416, 422})


@dataclass(frozen=True, slots=True)
class Listing:
    """A list to fetch: name, path, the permission that it needs, and the groups that may replace it."""

    name: str
    path: str | URL
    permission: str
    groups: Groups | None = None


@dataclass(slots=True)
class _Read:
    """The pages fetched so far; `is_guess` means that nothing states the existence of the next page."""

    rows: list[object] = field(default_factory=list)
    freshness: list[Freshness] = field(default_factory=list)
    is_guess: bool = False
    _seen: set[object] = field(default_factory=set)

    def take(self, page: Page) -> bool:
        """Add a page; return whether it has any new record."""
        fresh = [row for row in page.rows if _key(row) not in self._seen]
        self._seen.update(map(_key, fresh))
        self.rows.extend(fresh)
        return bool(fresh)


class Reader:
    """Fetch lists with one sign-in; learn from responses which resources accept parameters and which have pages.

    `cut` maps each incomplete list to the error that ended its last read; None if a guessed page was refused, because
    then nothing states whether the list ends there.
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
        permission: str,
        accept: str | None = JSON,
    ) -> Response:
        """Fetch a resource; if its parameters are refused, omit them from then on."""
        if params and name not in self._plain:
            try:
                return await self._asked(path, params, permission, accept)
            except UnexpectedResponseError as err:
                if err.status not in _REFUSED_PARAMS:
                    raise
        reply = await self._asked(path, {}, permission, accept)
        if params:
            self._plain.add(name)
        return reply

    async def _asked(
        self, path: str | URL, params: Params, permission: str, accept: str | None
    ) -> Response:
        """Fetch a resource; drop a response without lifetime and validators from the cache.

        The periods in URLs change, so hardly any URL is requested twice.
        """
        reply = await self._transport.get(path, params, permission=permission, accept=accept)
        fresh = reply.freshness
        if fresh.lifetime is None and fresh.etag is None and fresh.last_modified is None:
            self._transport.forget(path, params)
        return reply

    async def _guessed(
        self, _name: str, path: str | URL, params: Params, permission: str
    ) -> Response | None:
        """Fetch a page that may not exist; return None if it does not."""
        try:
            return await self._asked(path, params, permission, JSON)
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
        """Return the records of all pages, each once; `since` ends a list that is sorted newest first.

        `in_part`: if a later page fails, return the pages before it and record the error in `cut`.
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
        """Fetch and parse one page; None for a guessed page that does not exist."""
        ask = self._guessed if read.is_guess else self.get
        reply = await ask(wanted.name, address, params, wanted.permission)
        if reply is None:
            return None
        page = await _page(reply, wanted)
        read.freshness.append(reply.freshness)
        return page

    def _learn(self, name: str, number: int, page: Page, count: int, *, is_news: bool) -> None:
        """Learn whether a list has pages, and the length of a list that fits into one page."""
        if number > 1 and not is_news and page.rows and page.link is None:
            self._unpaged.add(name)  # the same page again: the resource has no pages
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
        # A list of this length may be a full page.
        return is_paged and len(page.rows) >= self._whole.get(name, MIN_PAGE)

    def _followed(self, link: str) -> URL:
        """Return a link unchanged; raise UnexpectedResponseError if it leads to another origin."""
        base = self._transport.url
        try:
            target = parse_link(link, base)
        except NotSecureError:
            target = None
        if target is None or target.origin() != base.origin():
            raise UnexpectedResponseError("a link to the next page leads to another place")
        return target


async def _page(reply: Response, wanted: Listing) -> Page:
    """Parse a page of a list; a large one in the executor."""
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
    """Return whether a page is sorted newest first and ends before `since`."""
    times = [at for item in page.rows if (at := started_at(item)) is not None]
    if since is None or len(times) < 2 or len(times) < len(page.rows):
        return False
    return times == sorted(times, reverse=True) and times[-1] < since
