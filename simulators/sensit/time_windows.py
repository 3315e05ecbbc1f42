"""Dates in requests, and the windows and days that they ask for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulators.clock import to_micros

from .config import ApiVariants

GIVEN_HOUR = timedelta(hours=2)

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.\d+)?Z?")


class ApiError(Exception):
    """A call that is refused with a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.status = status
        self.message = message


def required(fields: Mapping[str, str], name: str) -> str:
    """Return a field; without it the call is refused with 400."""
    if value := fields.get(name, "").strip():
        return value
    raise ApiError(400, f"{name} is required")


def window(
    fields: Mapping[str, str], variants: ApiVariants, most: timedelta | None
) -> tuple[int, int]:
    """Return first and last microsecond of a record's date that StartDate and EndDate ask for."""
    start, end = (moment(required(fields, name)) for name in ("StartDate", "EndDate"))
    if end < start:
        raise ApiError(400, "EndDate is before StartDate")
    if most is not None and end - start > most:
        if variants.long_window == "refused":
            raise ApiError(400, "The period is too long")
        end = start + most
    last = to_micros(end)
    return to_micros(start), last if variants.window_end == "inclusive" else last - 1


def moment(text: str) -> datetime:
    """Return a date in UTC: padded or not, hour 24 too, or ISO with a Z."""
    if not (found := _DATE.fullmatch(text.strip())):
        raise ApiError(400, "A date is YYYY-MM-DD HH:MM:SS")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
        if hour == 24 and not minute and not second:
            return midnight + timedelta(days=1)
        return midnight.replace(hour=hour, minute=minute, second=second)
    except (ValueError, OverflowError) as err:
        raise ApiError(400, "There is no such date") from err


def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as err:
        raise ApiError(400, "There is no such time zone") from err
