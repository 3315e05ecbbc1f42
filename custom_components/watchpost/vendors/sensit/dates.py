"""Parse and format SENSIT Connect's dates, which are in UTC and in several forms."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from ...client.decode import is_plausible, to_datetime

# The vendor's JavaScript sample writes months and hours without zeros; its exports use the other two.
_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")
_MAX_LENGTH: Final = 64


def parse_date(value: object) -> datetime | None:
    """Parse a date as aware UTC; one without a zone is UTC. Return None for anything else."""
    if (parsed := to_datetime(value)) is not None:
        return parsed
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return None
    for date_format in _FORMATS:
        with suppress(ValueError):
            parsed = datetime.strptime(value.strip(), date_format).replace(tzinfo=UTC)
            return parsed if is_plausible(parsed) else None
    return None


def format_date(date: datetime) -> str:
    """Format a date as the vendor's examples do, such as "2024-02-05 22:00:00"."""
    return f"{date.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
