"""Limit the requests of a user or a token."""

from dataclasses import dataclass
from datetime import UTC, datetime

from simulators.faults import http_date

from .config import Limits


@dataclass(slots=True)
class _Window:
    ends: float
    count: int = 0


class Limiter:
    """Counts requests in windows that start with the first request in them."""

    def __init__(self) -> None:
        """Start with no request."""
        self._windows: dict[str, _Window] = {}
        self.refusals = 0

    def refuse(self, who: str, now: float, limits: Limits) -> dict[str, str] | None:
        """Count a request; returns the headers of a 429 if it is one too many."""
        if not limits.requests:
            return None
        window = self._windows.get(who)
        if window is None or now >= window.ends:
            window = self._windows[who] = _Window(now + limits.seconds)
        window.count += 1
        if window.count <= limits.requests:
            return None
        self.refusals += 1
        return _headers(limits, window.ends, now)


def _headers(limits: Limits, ends: float, now: float) -> dict[str, str]:
    if limits.retry_after == "none":
        return {}
    if limits.retry_after == "date":
        return {"Retry-After": http_date(datetime.fromtimestamp(int(ends) + 1, UTC))}
    return {"Retry-After": str(max(1, int(ends - now) + 1))}
