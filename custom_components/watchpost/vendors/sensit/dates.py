"""How SENSIT Connect's dates are read and written: UTC, in the forms that the vendor shows."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from ...client.decode import is_plausible, to_datetime

# The vendor's JavaScript sample writes months and hours without zeros; its exports have the other two.
_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")
_LONGEST: Final = 64


def read_date(value: object) -> datetime | None:
    """Read a date as aware UTC; without a zone it is UTC, as everything at the vendor is."""
    if (read := to_datetime(value)) is not None:
        return read
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    for form in _FORMS:
        with suppress(ValueError):
            read = datetime.strptime(value.strip(), form).replace(tzinfo=UTC)
            return read if is_plausible(read) else None
    return None


def written(date: datetime) -> str:
    """Write a date as the vendor's examples do, such as "2024-02-05 22:00:00"."""
    return f"{date.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
