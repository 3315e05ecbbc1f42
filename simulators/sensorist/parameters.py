"""Reading request parameters as the vendor does."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
import re

_OFFSET = re.compile(r"[ +](\d{2}):?(\d{2})$")
_WEEK = timedelta(days=7)


class ApiError(Exception):
    """A request that the vendor refuses."""

    def __init__(self, status: int, reason: str) -> None:
        """Keep the HTTP status and a sentence for the error body."""
        super().__init__(reason)
        self.status = status
        self.reason = reason


def is_set(parameters: Mapping[str, str], name: str) -> bool:
    """Return whether a flag is there; its value may be empty."""
    return name in parameters and parameters[name].lower() not in ("0", "false")


def required(parameters: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """Return parameters that must be there and not empty, else 400."""
    if missing := [name for name in names if not parameters.get(name)]:
        raise ApiError(400, f"Missing parameter: {', '.join(missing)}")
    return tuple(parameters[name] for name in names)


def words(text: str) -> list[str]:
    """Return the parts of a comma separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def ids(text: str) -> list[int]:
    """Return a comma separated list of ids, else 400."""
    try:
        return [int(part) for part in words(text)]
    except ValueError:
        raise ApiError(400, "An id is a whole number") from None


def number(parameters: Mapping[str, str], name: str) -> int | None:
    """Return a whole number, None if it is not there, else 400."""
    text = parameters.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ApiError(400, f"{name} is a whole number") from None


def decimal(text: str) -> float:
    """Return a finite number, else 400."""
    try:
        value = float(text)
    except ValueError:
        raise ApiError(400, "A number is needed") from None
    if not isfinite(value):
        raise ApiError(400, "A finite number is needed")
    return value


def moment(text: str | None) -> datetime | None:
    """Return an ISO 8601 date or time; None if it is missing or none.

    A ``+`` that was not escaped arrives as a blank.
    """
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(_OFFSET.sub(r"+\1:\2", text.strip()))
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def period(parameters: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """Return `from` and `to`; what is missing or invalid makes the period the week before."""
    until = moment(parameters.get("to")) or now
    since = moment(parameters.get("from"))
    if since is None or since > until:
        since = until - _WEEK
    return since, until
