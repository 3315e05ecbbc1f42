"""Which fields an error names, be it problem+json (RFC 9457), Spring's own form, or neither."""

from collections.abc import Iterator
import re
from typing import Final

from ....client.decode import Row
from ....client.errors import UnexpectedResponseError
from ....client.transport import loose

_LISTS: Final = ("errors", "violations", "fieldErrors", "invalidParams", "invalid-params")
_NAMES: Final = ("field", "name", "path", "property", "pointer")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]]{0,63}")
_MOST: Final = 20


def problems_in(body: bytes) -> dict[str, str]:
    """Return the names of the fields that an error names; the vendor's words about them are not passed on."""
    try:
        held = loose(body)
    except UnexpectedResponseError:
        return {}
    found: dict[str, str] = {}
    if isinstance(held, dict):
        for name in list(_named(held))[:_MOST]:
            found[name] = "was not accepted"
    return found


def _named(held: Row) -> Iterator[str]:
    for key in _LISTS:
        listed = held.get(key)
        if isinstance(listed, dict):
            listed = [{"field": name} for name in listed]
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, dict):
                yield from _name_of(item)


def _name_of(item: Row) -> Iterator[str]:
    for key in _NAMES:
        value = item.get(key)
        if isinstance(value, str) and _NAME.fullmatch(name := value.lstrip("#/").replace("/", ".")):
            yield name
            return
