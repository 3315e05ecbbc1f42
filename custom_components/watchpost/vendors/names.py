"""Fit vendors' titles into entity ids."""

from typing import Final

from homeassistant.util import slugify

# Two slugs, a domain and a suffix fit into the 255 characters of an entity id.
_MAX_SLUG: Final = 110


def truncate_for_entity_id(title: str | None, max_slug: int = _MAX_SLUG) -> str | None:
    """Truncate a title to `max_slug` characters of an entity id.

    Home Assistant truncates entity ids at 255 characters and rejects one that then ends in an
    underscore; a letter beyond ASCII becomes several in an id.
    """
    if title and title.isascii() and len(title) <= max_slug:
        return title
    while title and len(slugify(title)) > max_slug:
        title = title[: len(title) * 3 // 4].rstrip()
    return title
