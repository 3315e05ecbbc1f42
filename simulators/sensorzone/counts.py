"""Which requests came by which sign-in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from simulators.request_log import RequestRecord

_SIGN_INS = (("tester", "/api/v1/tester/"), ("v1", "/api/v1/"), ("v2", "/api/v2/"))
_LOGINS = {"/api/v1/session": "v1", "/api/v2/login": "v2"}


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests by sign-in, without the sign-ins themselves, which are `logins`.

    held: came while a Retry-After was running. limited: were answered with 429.
    """

    requests: dict[str, int]
    logins: dict[str, int]
    held: int
    limited: int

    @classmethod
    def of(cls, log: Iterable[RequestRecord]) -> Counts:
        """Count a log."""
        records = list(log)
        logins = Counter(_login(record) for record in records)
        by_sign_in = Counter(_sign_in(record) for record in records if _login(record) is None)
        return cls(
            {sign_in: by_sign_in[sign_in] for sign_in, _ in reversed(_SIGN_INS)},
            {sign_in: logins[sign_in] for sign_in in _LOGINS.values()},
            sum(record.held for record in records),
            sum(record.status == 429 for record in records),
        )

    def shown(self) -> dict[str, object]:
        """Return the counts as JSON."""
        return asdict(self)


def _login(record: RequestRecord) -> str | None:
    return _LOGINS.get(record.path) if record.method == "POST" else None


def _sign_in(record: RequestRecord) -> str | None:
    return next((sign_in for sign_in, prefix in _SIGN_INS if record.path.startswith(prefix)), None)
