"""Escapes names from a vendor for where Home Assistant renders Markdown: repairs, notifications, forms."""

import re
from typing import Final

_LONGEST: Final = 120

# Marks of emphasis, code, links, images, tables and HTML, wherever they stand.
_MARKS: Final = re.compile(r"([\\`*\[\]<>|~])")
# Between letters an underscore is no mark, so that names like freezer_1 stay readable.
_UNDERSCORE: Final = re.compile(r"(?<!\w)_|_(?!\w)")
# Addresses become links by themselves.
_ADDRESS: Final = re.compile(r"(?i)(https?|ftp|mailto)(?=:)|(www)(?=\.)")
# Line breaks, other control characters, and those that turn the direction of what follows.
_CONTROL: Final = re.compile(
    r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+"
)


def escape(text: str) -> str:
    """Return a name so that Markdown shows it as it is, on one line and not for ever."""
    text = _CONTROL.sub(" ", text).strip()
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1].rstrip()}…"
    text = _MARKS.sub(r"\\\1", text)
    text = _UNDERSCORE.sub(r"\\_", text)
    text = _ADDRESS.sub(lambda found: f"{found[0]}\\", text).replace("@", r"\@")
    return f"\\{text}" if text.startswith("#") else text
