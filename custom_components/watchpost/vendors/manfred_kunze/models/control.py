"""Commands, registration tokens and uploads as typed records.

A command's literals are the vendor's ("Configure remotely"), a token's fields too ("REST API"); other names are
inferred.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
import re
from typing import Any

import msgspec

from ....client.decode import Row, identifier, to_text
from .fields import first_of, member, time_of, words

_MASK = re.compile(r"\*{3,}|•{3,}")
_PLAIN = re.compile(r"[A-Za-z]\w{0,63}", re.ASCII)
_FREE_TEXTS = frozenset({"name", "title", "label", "description"})
_MAX_DEEP = 12
_MAX_TOKEN = 16_384
_MAX_LINK = 8_192


class CommandState(StrEnum):
    """The state of a command."""

    PENDING = "PENDING"
    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"


ENDED = frozenset({CommandState.SUCCESS, CommandState.FAILED, CommandState.TIMEOUT})


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command; `state` is None for a literal that is not known, `result` is what the device answered, as it came."""

    id: str
    method: str | None = None
    state: CommandState | None = None
    result: object = None

    @property
    def has_ended(self) -> bool:
        """Return whether nothing more will come of it."""
        return self.state in ENDED


class RegistrationToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token with which one device can register once; the vendor shows it only on creation."""

    token: str
    device: str | None = None
    name: str | None = None
    endpoint: str | None = None
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        """Tell no secret."""
        return "RegistrationToken(...)"


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """A label: `start` and `end` as the vendor writes times, without `end` it is about a moment."""

    label: str
    scope: str
    scope_id: str
    start: str
    end: str | None = None
    values: Mapping[str, Any] = {}


def annotation_forms(note: Annotation) -> Iterator[dict[str, Any]]:
    """Yield the likely records of a new annotation; scope and times first as exports have them."""
    scope = {"scopeType": note.scope, "scopeId": note.scope_id}
    direct = {f"{note.scope.lower()}Id": note.scope_id}
    for label, where, start, end in (
        ("annotationClassId", scope, "from", "to"),
        ("classId", scope, "from", "to"),
        ("annotationClassId", scope, "start", "end"),
        ("annotationClassId", direct, "from", "to"),
    ):
        row = {label: note.label, **where, "source": "MANUAL", start: note.start}
        if note.end is not None:
            row[end] = note.end
        yield {**row, "values": dict(note.values)}


def read_command(record_id: str, row: Row) -> Command:
    """Read a command."""
    return Command(
        id=record_id,
        method=words(row, "method", "commandType", "type", "command", "name"),
        state=member(CommandState, row, "status", "state"),
        result=first_of(row, ("result", "response", "resultPayload"), lambda held: held),
    )


def read_token(row: Row) -> RegistrationToken | None:
    """Read the reply that shows a token; None where it shows none."""
    token = to_text(row.get("token"), _MAX_TOKEN)
    if token is None:
        return None
    return RegistrationToken(
        token=token,
        device=identifier(row.get("deviceId")),
        name=to_text(row.get("deviceName")),
        endpoint=to_text(row.get("provisionEndpoint"), _MAX_LINK),
        expires_at=time_of(row, "expiresAt"),
    )


def read_upload(row: Row) -> str | None:
    """Read the address that an upload may be put to."""
    names = ("uploadUrl", "url", "presignedUrl", "upload_url", "href")
    return first_of(row, names, lambda held: to_text(held, _MAX_LINK))


def masked_fields(row: Row) -> list[str]:
    """Return the masked fields of a record, whose stars must not be sent back."""
    found = (key for key, held in row.items() if key not in _FREE_TEXTS and _is_masked(held))
    return [key if _PLAIN.fullmatch(key) else "a field" for key in found]


def _is_masked(held: object, depth: int = 0) -> bool:
    if isinstance(held, str):
        return _MASK.search(held) is not None
    inside = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return depth < _MAX_DEEP and any(_is_masked(each, depth + 1) for each in inside)
