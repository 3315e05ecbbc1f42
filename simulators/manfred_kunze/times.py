"""Times of the simulated platform: whole seconds since the epoch, shown in ISO 8601."""

from datetime import UTC, datetime

_SECONDS_AT_MOST = 100_000_000_000


def at(seconds: float | None) -> datetime | None:
    """Return seconds since the epoch as a time that a record shows."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def seconds_of(text: str) -> int | None:
    """Return what a client wrote in ISO 8601, seconds or milliseconds; None if it is neither."""
    try:
        if text.isdecimal():
            number = int(text)
            return number if number < _SECONDS_AT_MOST else number // 1000
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except ValueError, OverflowError:
        return None


def written(moment: datetime, form: str = "seconds") -> str:
    """Return a time as one of `Forms.times` writes it."""
    if form == "offset":
        return moment.isoformat(timespec="seconds")
    precision = "milliseconds" if form == "milliseconds" else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
