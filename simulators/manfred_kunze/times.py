"""Convert times of the simulated platform: whole seconds since the epoch, written in ISO 8601."""

from datetime import UTC, datetime

_SECONDS_AT_MOST = 100_000_000_000


def at(seconds: float | None) -> datetime | None:
    """Return seconds since the epoch as a datetime."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def seconds_of(text: str) -> int | None:
    """Parse ISO 8601, seconds or milliseconds; return None if it is neither."""
    try:
        if text.isdecimal():
            number = int(text)
            return number if number < _SECONDS_AT_MOST else number // 1000
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except ValueError, OverflowError:
        return None


def written(moment: datetime, form: str = "seconds") -> str:
    """Return a time in one of the formats of `ApiVariants.times`."""
    if form == "offset":
        return moment.isoformat(timespec="seconds")
    precision = "milliseconds" if form == "milliseconds" else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
