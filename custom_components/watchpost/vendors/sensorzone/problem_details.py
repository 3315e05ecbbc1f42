"""Parser of the vendor's validation errors; its own texts are not shown, they may quote a person's data."""

from collections.abc import Iterator
from typing import Final

from ...client.decode import Row
from ...client.errors import UnexpectedResponseError
from ...client.transport import loose
from .decode import flat

# The fields that requests have; other names are not shown.
_FIELDS: Final = frozenset({
    "name", "kind", "employee_id", "company", "email", "tag", "tag_id", "tag_serial", "serial_number", "person_id",
    "people_asset_id", "people_asset", "title", "text", "body", "note", "metric", "threshold", "recipients", "start",
    "end", "from", "to", "type", "report_type", "worksite_id", "base_station_id", "project_id", "notes", "comparison",
})  # fmt: skip

_REASONS: Final = (
    (("taken", "already", "exists", "unique", "duplicate"), "is taken already"),
    (("blank", "required", "missing", "empty", "can't be"), "is missing"),
    (("too long", "maximum", "at most"), "is too long"),
    (("not found", "must exist", "unknown"), "names something that does not exist"),
)
_WRONG: Final = "is not accepted"


def problems_in(body: bytes) -> dict[str, str]:
    """Return the problem of each field; empty if the body states none."""
    try:
        row = flat(loose(body))
    except UnexpectedResponseError:
        return {}
    found: dict[str, str] = {}
    for field, said in _said(row or {}):
        name = field.rsplit("/", 1)[-1].rsplit(".", 1)[-1].lower()
        if name in _FIELDS:
            found.setdefault(name, _reason(said))
    return found


def _said(row: Row) -> Iterator[tuple[str, str]]:
    for key in ("errors", "error", "details", "fields"):
        held = row.get(key)
        if isinstance(held, dict):
            for name, said in held.items():
                yield str(name), str(said)
        for item in held if isinstance(held, list) else [held]:
            yield from _in_item(item)


def _in_item(item: object) -> Iterator[tuple[str, str]]:
    """Yield field and text of a JSON:API error, an object with the field's name, or a sentence beginning with it."""
    if isinstance(item, str):
        start = item.strip().lower()
        longest = sorted(_FIELDS, key=len, reverse=True)
        name = next((n for n in longest if start.startswith((n, n.replace("_", " ")))), None)
        if name is not None:
            yield name, item
    elif (row := flat(item)) is not None:
        source = flat(row.get("source")) or {}
        said = f"{row.get('detail')} {row.get('title')} {row.get('message')} {row.get('code')}"
        yield str(source.get("pointer") or row.get("field") or row.get("attribute") or ""), said


def _reason(said: str) -> str:
    low = said.lower()
    return next((reason for marks, reason in _REASONS if any(m in low for m in marks)), _WRONG)
