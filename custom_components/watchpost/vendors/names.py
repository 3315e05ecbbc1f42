"""Fit vendors' titles into entity ids."""

from typing import Final

from homeassistant.util import slugify

# Two slugs, a domain and a suffix fit into the 255 characters of an entity id.
_MAX_SLUG: Final = 110


def truncate_for_entity_id(title: str | None) -> str | None:
    """Truncate a title so that it fits into an entity id.

    Home Assistant truncates entity ids at 255 characters and rejects one that then ends in an
    underscore; a letter beyond ASCII becomes several in an id.
    """
    if title and title.isascii() and len(title) <= _MAX_SLUG:
        return title
    while title and len(slugify(title)) > _MAX_SLUG:
        title = title[: len(title) * 3 // 4].rstrip()
    return title
