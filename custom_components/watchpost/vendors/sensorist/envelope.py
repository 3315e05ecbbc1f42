"""Parse the envelope of Sensorist's responses and the records in it.

Invalid values are None; a record without a required field is rejected and counted.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

from ...client.decode import (
    IDENTIFIER,
    MAX_RECORDS,
    MAX_TEXT,
    Decoded,
    RecordDecoder,
    Row,
    first,
    identifier,
    is_plausible,
    nested,
    reference,
    to_datetime,
    to_int,
    to_number,
    to_text,
)
from ...client.errors import UnexpectedResponseError
from ...client.transport import loose

__all__ = [
    "IDENTIFIER",
    "MAX_RECORDS",
    "MAX_TEXT",
    "Decoded",
    "EnvelopeError",
    "RecordDecoder",
    "Row",
    "check_code",
    "envelope",
    "first",
    "identifier",
    "is_plausible",
    "nested",
    "parse_many",
    "parse_nothing",
    "parse_one",
    "payload",
    "reference",
    "to_datetime",
    "to_int",
    "to_number",
    "to_text",
    "written",
]


class EnvelopeError(Exception):
    """The response's envelope has a `code` outside 200..299, whatever the HTTP status was."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the envelope says {code}")
        self.code = code


def envelope(body: bytes) -> object:
    """Decode a response to an object or a list.

    Raises EnvelopeError if the envelope has the code of a failure, UnexpectedResponseError if the body is
    neither an object nor a list in JSON.
    """
    root = loose(body)
    if isinstance(root, dict):
        check_code(to_int(root.get("code")))
        return root
    if isinstance(root, list):
        return root
    raise UnexpectedResponseError("the reply is neither an object nor a list")


def check_code(code: int | None) -> None:
    """Raise EnvelopeError unless `code` is missing or says success."""
    if code is not None and not 200 <= code < 300:
        raise EnvelopeError(code)


def payload(root: object, *keys: str) -> object:
    """Return the list or object under one of `keys` or "data", or a bare one.

    Raises UnexpectedResponseError if there is none, which must not count as an empty list.
    """
    if not isinstance(root, dict):
        return root
    held = next((root[key] for key in (*keys, "data") if key in root), None)
    if held is None and "id" in root:
        return root
    if not isinstance(held, list | dict):
        raise UnexpectedResponseError(f"the reply holds no {keys[0]}")
    return held


def parse_many[T](
    body: bytes, name: str, read: Callable[[RecordDecoder, str, Row], T]
) -> Decoded[tuple[T, ...]]:
    """Parse a list of records of one kind; `name` is the key, in the singular."""
    decoder = RecordDecoder()
    listed = payload(envelope(body), f"{name}s", name)
    return Decoded(decoder.identified(name, listed, partial(read, decoder)), decoder.rejected)


def parse_one[T](
    body: bytes, name: str, read: Callable[[RecordDecoder, str, Row], T]
) -> Decoded[T | None]:
    """Parse a response with one record, None if it has no usable one."""
    decoder = RecordDecoder()
    held = written(body, name, f"{name}s")
    return Decoded(first(decoder.identified(name, held, partial(read, decoder))), decoder.rejected)


def parse_nothing(body: bytes) -> Decoded[None]:
    """Parse a response for its envelope alone, which may be absent."""
    if body.strip():
        envelope(body)
    return Decoded(None, Counter())


def written(body: bytes, *keys: str) -> object:
    """Return the payload or None: a write has succeeded even if its response has no result."""
    if not body.strip():
        return None
    root = envelope(body)
    try:
        return payload(root, *keys)
    except UnexpectedResponseError:
        return None
