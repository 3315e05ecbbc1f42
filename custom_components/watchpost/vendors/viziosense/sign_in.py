"""How an account proves who asks: by a token that lasts, or by one that an e-mail address and a password bring."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
import hashlib
from typing import Any, Final

from ...client.decode import to_datetime
from .models import Login

ACCESS_TOKEN: Final = "access_token"  # noqa: S105  names of fields
TOKEN_TYPE: Final = "token_type"  # noqa: S105
EXPIRES: Final = "expires"
USER: Final = "user"

# A token that dies while a request is on its way costs a further sign-in.
_MAX_MARGIN: Final = timedelta(seconds=30)

_MAX_LIFETIME: Final = 10 * 365 * 24 * 3600

type LogIn = Callable[[], Awaitable[Login]]


class TokenSignIn:
    """A long-lived token, as the vendor recommends between machines."""

    sends_password = False
    can_renew = False

    def __init__(self, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self.fingerprint = hashlib.sha256(token.encode()).hexdigest()

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header."""
        return self._headers

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Do nothing: there is no other token."""


class LoginSignIn:
    """An e-mail address and a password. `log_in` brings a token, `keep` stores it in the same step.

    How a refresh token is used is not documented, so another log-in takes its place.
    """

    sends_password = True
    can_renew = True

    def __init__(
        self,
        username: str,
        log_in: LogIn,
        tokens: Mapping[str, Any],
        keep: Callable[[Mapping[str, Any]], None],
    ) -> None:
        # By the account alone, so that replies are held on when its token changes.
        self.fingerprint = hashlib.sha256(username.strip().lower().encode()).hexdigest()
        self._log_in = log_in
        self._keep = keep
        self._flight: asyncio.Task[None] | None = None
        self._headers: Mapping[str, str] | None = None
        self._expires: datetime | None = None
        self.user: str | None = None
        self._take(tokens)

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header, after signing in where there is no token or it is about to die."""
        is_dying = self._expires is not None and datetime.now(UTC) >= self._expires
        if self._headers is None or is_dying:
            await self._sign_in()
        return self._headers or {}

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Sign in anew, unless somebody has done so since."""
        if self._headers == refused:
            await self._sign_in()

    async def _sign_in(self) -> None:
        """Sign in once for all who wait, also where that fails: a wrong password is not to be tried by each."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._renewed())
            self._flight.add_done_callback(self._release)
        await asyncio.shield(self._flight)

    def _release(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # whoever still waits gets it; nobody may be left

    async def _renewed(self) -> None:
        login = await self._log_in()
        expires = None
        if login.lifetime:
            lifetime = timedelta(seconds=min(max(login.lifetime, 1), _MAX_LIFETIME))
            expires = datetime.now(UTC) + lifetime - min(lifetime / 10, _MAX_MARGIN)
        tokens = {
            ACCESS_TOKEN: login.access_token,
            TOKEN_TYPE: login.token_type,
            EXPIRES: expires.isoformat() if expires else None,
            USER: login.user,
        }
        self._take(tokens)
        self._keep(tokens)

    def _take(self, tokens: Mapping[str, Any]) -> None:
        """Use tokens that were kept."""
        if not isinstance(token := tokens.get(ACCESS_TOKEN), str):
            return
        # "bearer", in whatever case the vendor writes it, is the scheme that the documentation names.
        kind = tokens.get(TOKEN_TYPE)
        scheme = kind if isinstance(kind, str) and kind.lower() != "bearer" else "Bearer"
        self._headers = {"Authorization": f"{scheme} {token}"}
        self._expires = to_datetime(tokens.get(EXPIRES))
        self.user = tokens.get(USER)
