"""The optional resources of an account: which can be had, and when to ask for the others again.

A resource is *off* when this account cannot have it: three polls in a row brought 403, 404, 405, 501, a 401 that is
not about the credentials, or a shape that cannot be read. Everything else that fails is an outage, which never turns a
resource off. Nothing is stored: after a restart every resource is asked for again.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .errors import PermissionDeniedError, UnexpectedResponseError, VendorError

FAILURES_UNTIL_OFF: Final = 3

# When a resource that is off is asked for again, in seconds.
RETRY_ALARMS: Final = 3600.0
RETRY_OTHERS: Final = 86400.0

# Seconds before a resource with an outage is asked for again: nothing after the first failures, for which the feed's
# own interval is pause enough, then doubling. One that only times out must not make each poll of its feed slow.
_PAUSE: Final = 60.0
_FAILURES_UNTIL_PAUSE: Final = 3
_MAX_PAUSE: Final = 900.0

_ABSENT: Final = frozenset({None, 404, 405, 501})


def is_unavailable(err: Exception) -> bool:
    """Return whether an error says that this account cannot have the resource, rather than not now."""
    if isinstance(err, UnexpectedResponseError):
        return err.status in _ABSENT
    return isinstance(err, PermissionDeniedError)


@dataclass(slots=True)
class _Failure:
    """The newest failure of a resource, and what decides when it is asked for again."""

    error: VendorError
    in_a_row: int = 0
    refusals_in_a_row: int = 0
    retry_at: float = float("-inf")

    @property
    def is_off(self) -> bool:
        return self.refusals_in_a_row >= FAILURES_UNTIL_OFF


class OptionalResources:
    """Track which optional resources of an account can be had.

    `carrying_alarms` names the resources that carry alarms, incursions or a safety state. `now` gives monotonic
    seconds.
    """

    def __init__(self, *, carrying_alarms: Collection[str] = (), now: Callable[[], float]) -> None:
        self.carrying_alarms = frozenset(carrying_alarms)
        self._now = now
        self._failed: dict[str, _Failure] = {}

    def may_ask(self, name: str) -> bool:
        """Return whether a resource may be asked for; False while it is off, or pauses, and not yet due again."""
        failed = self._failed.get(name)
        return failed is None or self._now() >= failed.retry_at

    def is_off(self, name: str) -> bool:
        """Return whether this account cannot have a resource."""
        failed = self._failed.get(name)
        return failed is not None and failed.is_off

    def record_success(self, name: str) -> None:
        """Forget the failures of a resource."""
        self._failed.pop(name, None)

    def record_failure(self, name: str, err: VendorError) -> None:
        """Count a failed request for a resource."""
        failed = self._failed.setdefault(name, _Failure(err))
        failed.error = err
        failed.in_a_row += 1
        if is_unavailable(err):
            failed.refusals_in_a_row += 1
        elif not failed.is_off:
            failed.refusals_in_a_row = 0
        failed.retry_at = self._now() + self._pause(name, failed)

    def _pause(self, name: str, failed: _Failure) -> float:
        if failed.is_off:
            return RETRY_ALARMS if name in self.carrying_alarms else RETRY_OTHERS
        doublings = failed.in_a_row - failed.refusals_in_a_row - _FAILURES_UNTIL_PAUSE
        if doublings < 0 or name in self.carrying_alarms:
            return 0.0
        return float(min(_PAUSE * 2.0 ** min(doublings, 16), _MAX_PAUSE))

    def retry_alarms(self) -> None:
        """Let what carries alarms be asked for again; call this with every new list of devices."""
        for name in self.carrying_alarms & self._failed.keys():
            self._failed[name].retry_at = float("-inf")

    async def fetch[T](self, name: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask for a resource and count the outcome; None where it failed or may not be asked for.

        No `VendorError` is raised: one failing resource must not cost what else a poll brings. Refused credentials
        and rate limits reach the account by the required resources and the ledger.
        """
        if not self.may_ask(name):
            return None
        try:
            answer = await ask()
        except VendorError as err:
            self.record_failure(name, err)
            return None
        self.record_success(name)
        return answer

    @property
    def failures(self) -> Mapping[str, VendorError]:
        """Return the newest error of each resource that fails or is off; for `FeedUpdate.failures`."""
        return {name: failed.error for name, failed in self._failed.items()}

    def diagnostics(self) -> Mapping[str, Any]:
        """Return names, kinds of errors and counts, never contents."""
        now = self._now()
        return {
            name: {
                "error": type(failed.error).__name__,
                "failures_in_a_row": failed.in_a_row,
                "is_off": failed.is_off,
                "asked_again_in_seconds": round(max(failed.retry_at - now, 0.0)),
            }
            for name, failed in self._failed.items()
        }
