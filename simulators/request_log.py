"""Log the requests to a cloud, and mark those that came before the last response expired."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
import re

type Resource = tuple[str | None, str, tuple[tuple[str, str], ...]]

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class RequestRecord:
    """One request. `status` is 0 while, or because, no complete response was sent.

    early: the last response to the same GET by the same user was still fresh. held: a Retry-After
    given to the user was still running. user: the name given at sign-in, right or wrong. form: the
    body's fields without a password.
    """

    at: datetime
    method: str
    path: str
    query: dict[str, str]
    user: str | None = None
    status: int = 0
    early: bool = False
    held: bool = False
    conditional: bool = False
    form: dict[str, str] = field(default_factory=dict)


class RequestLog:
    """All requests in the order of their arrival, compared with the caching headers of earlier responses."""

    def __init__(self) -> None:
        """Start empty."""
        self.records: list[RequestRecord] = []
        self._fresh_until: dict[Resource, datetime] = {}
        self._fresh_before: dict[Resource, datetime | None] = {}
        self._held_until: dict[str | None, datetime] = {}

    def arrived(self, record: RequestRecord) -> None:
        """Log a request, and mark it if it is early or sent during a wait."""
        fresh_until = self._fresh_until.get(_resource(record))
        record.early = record.method == "GET" and _before(record.at, fresh_until)
        record.held = _before(record.at, self._held_until.get(record.user))
        self.records.append(record)

    def replied(
        self, record: RequestRecord, at: datetime, status: int, headers: dict[str, str]
    ) -> None:
        """Record a response sent at `at`.

        Freshness counts from the whole second of the Date header, less Age. A response without
        max-age does not bind.
        """
        record.status = status
        if record.method == "GET" and status in (200, 304):
            resource = _resource(record)
            fresh = _max_age(headers.get("Cache-Control", "")) - _seconds(headers.get("Age", ""))
            self._fresh_before[resource] = self._fresh_until.get(resource)
            self._fresh_until[resource] = at.replace(microsecond=0) + timedelta(seconds=fresh)
        elif record.method != "GET" and 200 <= status < 400:
            # A write invalidates the stored responses of its resource (RFC 9111, 4.4).
            for resource in [each for each in self._fresh_until if _is_of(each, record)]:
                del self._fresh_until[resource]
        if (wait := headers.get("Retry-After")) and (until := _retry_at(wait, at)):
            self._held_until[record.user] = max(until, self._held_until.get(record.user, until))

    def lost(self, record: RequestRecord) -> None:
        """Record that the response did not arrive completely: only the one before it binds."""
        record.status = 0
        resource = _resource(record)
        if (until := self._fresh_before.pop(resource, None)) is not None:
            self._fresh_until[resource] = until
        else:
            self._fresh_until.pop(resource, None)

    def clear(self) -> None:
        """Clear the records, not the freshness of earlier responses."""
        self.records.clear()


def _is_of(resource: Resource, record: RequestRecord) -> bool:
    """Return whether a resource is at the path that the same user's request wrote to."""
    own = _resource(record)
    return resource[:2] == own[:2]


def _resource(record: RequestRecord) -> Resource:
    return record.user, record.path, tuple(sorted(record.query.items()))


def _before(at: datetime, until: datetime | None) -> bool:
    return until is not None and at < until


def _max_age(cache_control: str) -> int:
    found = _MAX_AGE.search(cache_control)
    if found is None or "no-store" in cache_control or "no-cache" in cache_control:
        return 0
    return int(found[1])


def _seconds(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _retry_at(wait: str, at: datetime) -> datetime | None:
    if wait.isdecimal():
        return at + timedelta(seconds=int(wait))
    try:
        return parsedate_to_datetime(wait).astimezone(UTC)
    except ValueError:
        return None
