"""Decode responses of type latest at a cost that follows the changes in their text.

Each response has the same sources in the same order, so text that equals the previous response has equal rows.
Only changed rows are decoded; if they are many, decoding all costs less than comparing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from .envelope import Decoded
from .measurements import Measurement, is_known_row, known_latest, parse_latest

_ROWS: Final = msgspec.json.Decoder(dict[str, Measurement])

# Between two rows, and before the first: what follows is a source's id.
_BETWEEN: Final = b'},"'
_FIRST: Final = b'":{"'

# Text is compared in pieces of so many bytes. More changed rows than one in so many bytes, and a few, are many.
_PIECE: Final = 512
_SPARSE: Final = 1024
_FEW: Final = 4


@dataclass(slots=True, eq=False)
class _Page:
    """The newest accepted response about a list of sources."""

    body: bytes
    rows: dict[str, Measurement]


class LatestDecoder:
    """A decoder that returns only the changes since the last accepted poll.

    `together` maps a source to all sources of its sensor: if one of them changed, all of them are returned.
    Changes are returned again until their poll is accepted.
    """

    def __init__(self, together: Mapping[str, Sequence[str]]) -> None:
        self._together = together
        self._pages: dict[Sequence[str], _Page] = {}
        self._read: list[tuple[Sequence[str], bytes, _Page | None, dict[str, Measurement]]] = []
        self._is_known_form = True

    def begin(self) -> None:
        """Begin a poll."""
        self._read = []
        self._is_known_form = True

    def accept(self) -> None:
        """Accept the responses of this poll, so that their rows are not returned again."""
        pages: dict[Sequence[str], _Page] = {}
        for asked, body, page, rows in self._read:
            if page is None:
                pages[asked] = _Page(body, rows)
            else:
                page.body = body
                page.rows.update(rows)
                pages[asked] = page
        # A response of another form replaced rows that are stored.
        self._pages = pages if self._is_known_form else {}
        self.begin()

    def read(self, asked: Sequence[str], body: bytes) -> Decoded[dict[str, Measurement]]:
        """Return the newest row of each source whose sensor changed."""
        page = self._pages.get(asked)
        if page is not None and page.body == body:
            self._read.append((asked, body, page, {}))
            return Decoded({}, Counter())
        if page is not None and (rows := _other_rows(page, body)) is not None:
            self._read.append((asked, body, page, rows))
            return Decoded(self._beside(rows, page.rows), Counter())
        if (found := known_latest(body)) is None:
            self._is_known_form = False
            return parse_latest(body)
        self._read.append((asked, body, None, found))
        if page is None:
            return Decoded(found, Counter())
        known = page.rows
        changed = {key: row for key, row in found.items() if known.get(key) != row}
        return Decoded(self._beside(changed, found), Counter())

    def _beside(
        self, changed: Mapping[str, Measurement], rows: Mapping[str, Measurement]
    ) -> dict[str, Measurement]:
        """Return the changed rows and the other rows of their sensors in the response."""
        if len(changed) == len(rows):
            return dict(changed)
        returned = dict(changed)
        for source in changed:
            for other in self._together.get(source, ()):
                if other not in returned and other in rows:
                    returned[other] = rows[other]
        return returned


def _other_rows(page: _Page, body: bytes) -> dict[str, Measurement] | None:
    """Return the rows whose text differs from the page, or None if they are many or the form differs."""
    texts = other_texts(page.body, body)
    if texts is None:
        return None
    try:
        rows = _ROWS.decode(b'{"' + _BETWEEN.join(texts) + b"}}") if texts else {}
    except msgspec.DecodeError, UnicodeDecodeError, RecursionError:
        return None
    is_known = len(rows) == len(texts) and all(
        source in page.rows and is_known_row(row) for source, row in rows.items()
    )
    return rows if is_known else None


def other_texts(old: bytes, new: bytes) -> list[bytes] | None:
    """Return the rows of `new` whose text differs from `old`, each from its source's id to before its closing brace.

    Returns None if they are many, or if the two do not have the same sources in the same order.
    """
    first = at_old = at_new = new.find(_FIRST) + len(_FIRST)
    if first < len(_FIRST) or old[:first] != new[:first]:
        return None
    texts: list[bytes] = []
    while True:
        same = _common(old, at_old, new, at_new)
        other = at_new + same
        if other == len(new) and at_old + same == len(old):
            return texts
        start = new.rfind(_BETWEEN, at_new, other)
        if start < 0 and texts:
            return None
        start = at_new if start < 0 else start + len(_BETWEEN)
        start_old = at_old + start - at_new
        key = new[start : new.find(b'"', start) + 1]
        at_new, at_old = new.find(b"}", start), old.find(b"}", start_old)
        is_row = other <= at_new and at_old >= 0 and old.startswith(key, start_old)
        if not is_row or len(texts) > _FEW + (start - first) // _SPARSE:
            return None
        texts.append(new[start:at_new])


def _common(old: bytes, at_old: int, new: bytes, at_new: int) -> int:
    """Return the number of equal bytes from these positions on."""
    most = min(len(old) - at_old, len(new) - at_new)
    same = 0
    while (
        same < most
        and old[at_old + same : at_old + same + _PIECE]
        == new[at_new + same : at_new + same + _PIECE]
    ):
        same += _PIECE
    if same >= most:
        return most
    least, limit = same, min(same + _PIECE, most)
    while limit - least > 1:
        middle = (least + limit) // 2
        if old[at_old + least : at_old + middle] == new[at_new + least : at_new + middle]:
            least = middle
        else:
            limit = middle
    is_same = old[at_old + least : at_old + limit] == new[at_new + least : at_new + limit]
    return limit if is_same else least
