"""Vendors' titles, as far as Home Assistant can make entity ids of them."""

from typing import Final

from homeassistant.util import slugify

# Two of them, a domain and a suffix fit into the 255 characters of an entity id.
_MAX_SLUG: Final = 110


def truncate_for_entity_id(title: str | None) -> str | None:
    """Cut a title to what an entity id can be made of.

    Home Assistant cuts an id of device and entity name at 255 characters and refuses one that then
    ends in an underscore; letters beyond ASCII become several there.
    """
    if title and title.isascii() and len(title) <= _MAX_SLUG:
        return title
    while title and len(slugify(title)) > _MAX_SLUG:
        title = title[: len(title) * 3 // 4].rstrip()
    return title
