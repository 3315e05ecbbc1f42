"""Reads one page of a list, whichever of the plausible envelopes it comes in.

The vendor publishes no paging. Known forms: a bare array; `{content, last, totalPages, number}` as Spring makes it;
`{data | items | results, …}`; Spring HATEOAS's `_embedded`. Whether there is more is said by the envelope or, where
it says nothing, guessed by how full the page is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ....client.decode import Row, identifier, nested, to_int
from ....client.errors import UnexpectedResponseError
from ....client.transport import loose
from ....models import Freshness

PER_PAGE: Final = 500
MAX_PAGES: Final = 200

_LISTS: Final = ("content", "data", "items", "results", "rows", "records")
_ABOUT: Final = ("page", "meta", "pagination", "paging")
_LAST: Final = ("last", "isLast")
_MORE: Final = ("hasNext", "hasMore", "has_more")
_PAGES: Final = ("totalPages", "pages", "pageCount")
_TOTALS: Final = ("totalElements", "total", "totalCount", "totalItems")
# A server that caps pages caps them at a round number, also a power of two; a page of any other length was not full.
_ROUND: Final = 5


type Params = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one page, and whether the reply says that there is another; None where it says nothing."""

    rows: list[object]
    has_more: bool | None


def read_page(body: bytes, number: int, before: int, name: str = "") -> Page:
    """Read page `number` (from 0), `before` records having come; `name` is a further key the list may stand under.

    Raises UnexpectedResponseError for what is no list.
    """
    held = loose(body)
    if isinstance(held, list):
        return Page(held, None)
    if isinstance(held, dict):
        rows = _rows(held, name)
        if rows is not None:
            return Page(rows, _has_more(held, number, before + len(rows)))
    raise UnexpectedResponseError("the reply is not a list")


def is_full(count: int, size: int) -> bool:
    """Return whether a page of so many records may be followed by another, where nothing says so."""
    is_round = count % _ROUND == 0 or count.bit_count() == 1
    return count >= size or (count >= 2 * _ROUND and is_round)


def _rows(held: Row, name: str) -> list[object] | None:
    for key in (*_LISTS, name):
        found = held.get(key)
        if isinstance(found, list):
            return found
        if isinstance(found, dict) and (inside := _rows(found, name)) is not None:
            return inside
    embedded = nested(held, "_embedded")
    lists = [value for value in embedded.values() if isinstance(value, list)]
    if len(lists) == 1:
        return lists[0]
    # HATEOAS leaves `_embedded` out of an empty page.
    return [] if "_links" in held and "page" in held and not embedded else None


def _has_more(held: Row, number: int, count: int) -> bool | None:
    for about in (held, *(nested(held, key) for key in _ABOUT)):
        if (last := _flag(about, _LAST)) is not None:
            return not last
        if (more := _flag(about, _MORE)) is not None:
            return more
        if (pages := _count(about, _PAGES)) is not None:
            return number + 1 < pages
        if (total := _count(about, _TOTALS)) is not None:
            return count < total
    return None


def _flag(about: Row, names: tuple[str, ...]) -> bool | None:
    return next((found for name in names if isinstance(found := about.get(name), bool)), None)


def _count(about: Row, names: tuple[str, ...]) -> int | None:
    return next((found for name in names if (found := to_int(about.get(name))) is not None), None)


@dataclass(frozen=True, slots=True)
class Listed:
    """The records of a list; `is_whole` is False where it has more than were wanted or could be had."""

    rows: list[object]
    freshness: tuple[Freshness, ...]
    is_whole: bool = True


@dataclass(slots=True)
class PageStyle:
    """The paging parameters of one list, as far as they are known.

    `first` is the number of the first page. `is_offset`: records are counted, not pages. Without `is_paged` it is
    asked for without any parameters of pages. `is_endless`: a page that looks full may be followed by another,
    which is so until the same one came again and again. `most` is how many records a page may be asked to have.
    """

    page: str = "page"
    size: str = "size"
    first: int = 0
    is_offset: bool = False
    is_paged: bool = True
    is_endless: bool = True
    most: int = PER_PAGE

    def params(self, number: int, size: int) -> dict[str, str]:
        """Return the parameters of page `number`, counted from 0, with so many records."""
        if not self.is_paged:
            return {}
        size = min(size, self.most)
        at = number * size if self.is_offset else number + self.first
        return {self.page: str(at), self.size: str(size)}


# A page of more may be refused; then so many are asked for.
_FEWER: Final = 50


def others(dialect: PageStyle) -> Iterator[PageStyle]:
    """Yield other page styles for a list whose first page was refused: from 1, smaller pages, none."""
    yield replace(dialect, first=1)
    yield replace(dialect, most=_FEWER)
    yield replace(dialect, first=1, most=_FEWER)
    yield replace(dialect, is_paged=False)


# The names of the parameters of pages that are usual, the likeliest first.
DIALECTS: Final = (
    PageStyle(),
    PageStyle("pageNumber", "pageSize"),
    PageStyle("page", "limit"),
    PageStyle("page", "pageSize"),
    PageStyle("page", "perPage"),
    PageStyle("offset", "limit", is_offset=True),
)


class Paginator:
    """Collects the pages of one list and decides whether to go on.

    `is_stuck`: the same page came again and again, though there may be more. `is_from_one`: page 0 is page 1 there.
    """

    def __init__(self, name: str, dialect: PageStyle, most: int, size: int) -> None:
        self.rows: list[object] = []
        self.freshness: list[Freshness] = []
        self.is_guess = False
        self.is_from_one = False
        self.is_stuck = False
        self._name = name
        self.dialect = dialect
        self.size = size
        self._most = most
        self._seen: set[str | int] = set()
        self._repeats = 0
        self._is_cut = False

    def take(self, body: bytes, fresh: Freshness, number: int) -> bool:
        """Parse page `number`; return whether there may be another.

        Raises UnexpectedResponseError for a body that is no list.
        """
        self.freshness.append(fresh)
        # Where pages are counted from 1, page 0 is often taken for the first as well: it then comes twice.
        page = read_page(body, number - self._repeats, len(self.rows), self._name)
        rows = self._unseen(page.rows)
        self.rows.extend(rows)
        if len(self.rows) > self._most:
            del self.rows[self._most :]
            self._is_cut = True
            return False
        if not rows and (not page.rows or self._repeats or not self.dialect.is_paged):
            # Pages are not known there, or go round in circles.
            if page.rows and page.has_more is None:
                self.dialect.is_endless = False
            self.is_stuck = bool(page.rows)
            self._is_cut = bool(page.has_more and page.rows)
            return False
        if not rows:
            self._repeats = 1
        elif self._repeats and not self.dialect.is_offset:
            self.is_from_one = True
        self.is_guess = page.has_more is None
        return self._goes_on(page)

    def _goes_on(self, page: Page) -> bool:
        if not self.dialect.is_paged:
            self._is_cut = page.has_more is True
            return False
        if page.has_more is not None:
            return page.has_more
        size = min(self.size, self.dialect.most)
        return self.dialect.is_endless and is_full(len(page.rows), size)

    def listed(self, *, is_ended: bool = True) -> Listed:
        """Return the records so far; `is_ended` is False if more pages may follow."""
        return Listed(self.rows, tuple(self.freshness), is_ended and not self._is_cut)

    def _unseen(self, rows: list[object]) -> list[object]:
        """Return the records of a page that no earlier page had; duplicates within it are left to the decoder."""
        names = [_name(row) for row in rows]
        fresh = [row for row, name in zip(rows, names, strict=True) if name not in self._seen]
        self._seen.update(names)
        return fresh


def _name(row: object) -> str | int:
    """Return the key of a record: its id and version, or a hash of a record without an id."""
    found = identifier(row.get("id")) if isinstance(row, dict) else None
    if found is None or not isinstance(row, dict):
        return hash(repr(row))
    version = row.get("version")
    return f"{found} {version}" if isinstance(version, str | float) else found
