"""Sign links over every byte, with characters that clients tend to normalise."""

import hashlib
import hmac
import re

# Hex of both cases, what may stand as it is or encoded, an empty value, the same name twice.
_ODD = "k=a%2Fb%7Ec+d%20e@f:g,h%c3%A4!(1)*'~/%2f%2B&k=&k=%7e"
_SEAL = "seal="


def odd(path: str) -> str:
    """Return a path in which letters that need no encoding are encoded."""
    return "".join(f"%{ord(each):02x}" if each in "aeiou-" else each for each in path)


def sealed(secret: str, link: str) -> str:
    """Return a link with odd characters and a signature of its path and query."""
    origin, path, query = _parts(link)
    target = f"{odd(path)}?{query}{'&' if query else ''}{_ODD}"
    return f"{origin}{target}&{_SEAL}{_seal(secret, target)}"


def is_sealed(secret: str, target: str) -> bool:
    """Return whether the signature of a request's target is valid."""
    head, _, rest = target.partition(f"&{_SEAL}")
    return rest.partition("&")[0] == _seal(secret, head)


def _parts(link: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"(https?://[^/]+)?([^?]*)\??(.*)", link)
    assert found is not None
    return found[1] or "", found[2], found[3]


def _seal(secret: str, target: str) -> str:
    return hmac.new(secret.encode(), target.encode(), hashlib.sha256).hexdigest()
