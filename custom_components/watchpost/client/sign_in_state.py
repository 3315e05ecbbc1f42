"""The state of one set of credentials: accepted or refused, and when to probe them again. No I/O.

A vendor may be wrong for a moment, so refused credentials are tried again after about 10 s, 30 s and 2 min before a
person is asked for others, and ever more rarely after that. Where each try carries a password, the one after 30 s is
left out: vendors lock accounts after a few wrong passwords.
"""

from collections.abc import Callable
from typing import Any, Final

PROBES: Final = (10.0, 30.0, 120.0)
PROBES_WITH_PASSWORD: Final = (10.0, 120.0)

# After these, in seconds: the first pause, which doubles up to the last.
_FIRST_PAUSE: Final = 3600.0
_MAX_PAUSE: Final = 86400.0

# While a person is asked for other credentials, a password is sent by what is not polled at most this often.
_PASSWORD_PAUSE: Final = 120.0

# Timers fire a little early or late.
_TOLERANCE: Final = 1.0


class SignInState:
    """The standing of one set of credentials; `now` gives monotonic seconds.

    `refused_at` is when they were refused first, None while they are accepted. `next_probe` is when they are to be
    tried again. `is_given_up`: the last of the early probes was refused as well, so a person should be asked.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.refused_at: float | None = None
        self.next_probe = float("-inf")
        self.is_given_up = False
        self.accepted_at = float("-inf")
        self._pause = _FIRST_PAUSE
        self._quiet_until = float("-inf")
        self._listeners: list[Callable[[], None]] = []
        # The permissions whose requests alone were refused, while the credentials were accepted elsewhere.
        self._suspected_permissions: set[str] = set()
        self._refused_permissions: set[str] = set()

    @property
    def is_refused(self) -> bool:
        """Return whether the credentials were refused and have not been accepted since."""
        return self.refused_at is not None

    @property
    def is_quiet(self) -> bool:
        """Return whether a password must not be sent now, because it was refused a moment ago."""
        return self._now() < self._quiet_until - _TOLERANCE

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when refused credentials are accepted again; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def try_at_once(self) -> None:
        """Let credentials be sent that a person has just entered."""
        self._quiet_until = float("-inf")

    def record_refusal(self, permission: str, *, sends_password: bool) -> None:
        """Note that the credentials were refused where `right` is needed, and plan when they are tried again.

        Requests that were under way together count once.
        """
        now = self._now()
        self._suspected_permissions.add(permission)
        probes = PROBES_WITH_PASSWORD if sends_password else PROBES
        if self.refused_at is None:
            self.refused_at = now
            self.next_probe = now + probes[0]
        elif now >= self.next_probe - _TOLERANCE:
            self._plan_further(now, probes)
        if sends_password:
            pause = _PASSWORD_PAUSE if self.is_given_up else self.next_probe - now
            self._quiet_until = now + min(pause, max(self.next_probe - now, 0.0))

    def _plan_further(self, now: float, probes: tuple[float, ...]) -> None:
        elapsed = now - (self.refused_at or now)
        coming = [each for each in probes if each > elapsed + _TOLERANCE]
        if coming and not self.is_given_up:
            self.next_probe = now + coming[0] - elapsed
            return
        self.is_given_up = True
        self.next_probe = now + self._pause
        self._pause = min(2 * self._pause, _MAX_PAUSE)

    def postpone(self) -> None:
        """Plan the next probe soon, because the vendor could not be asked: that says nothing of the credentials."""
        self.next_probe = max(self.next_probe, self._now() + PROBES[-1])

    def record_success(self, permission: str) -> None:
        """Note that the credentials were accepted."""
        self.accepted_at = self._now()
        if self._refused_permissions:
            self._refused_permissions.discard(permission)
        if self.refused_at is None:
            return
        self._refused_permissions = self._suspected_permissions - {permission}
        self._suspected_permissions = set()
        self.refused_at, self.is_given_up = None, False
        self._pause, self._quiet_until = _FIRST_PAUSE, float("-inf")
        for listener in list(self._listeners):
            listener()

    def record_permission_refusal(self, permission: str) -> None:
        """Note that the credentials are good, though this request was refused."""
        self._refused_permissions.add(permission)

    def is_permission_refused(self, permission: str) -> bool:
        """Return whether this was refused before while the credentials were accepted elsewhere."""
        return self.refused_at is None and permission in self._refused_permissions

    def diagnostics(self) -> dict[str, Any]:
        """Return counts and times, never contents."""
        now = self._now()
        return {
            "is_refused": self.is_refused,
            "is_given_up": self.is_given_up,
            "tried_again_in_seconds": round(self.next_probe - now, 1) if self.is_refused else None,
            "refused_alone": sorted(self._refused_permissions),
        }
