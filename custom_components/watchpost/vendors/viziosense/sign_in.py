"""VizioSense's two sign-ins: a long-lived token, or an e-mail address and a password."""

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

# A token is renewed this long before it expires: one that expires during a request costs a further sign-in.
_MAX_RENEWAL_MARGIN: Final = timedelta(seconds=30)

_MAX_LIFETIME: Final = 10 * 365 * 24 * 3600

type LogIn = Callable[[], Awaitable[Login]]


class TokenSignIn:
    """Sign-in with a long-lived token, which the vendor recommends between machines."""

    sends_password = False
    can_renew = False

    def __init__(self, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}
        self.fingerprint = hashlib.sha256(token.encode()).hexdigest()

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header."""
        return self._headers

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Do nothing, because the token cannot be renewed."""


class LoginSignIn:
    """Sign-in with an e-mail address and a password; `log_in` fetches a token, `persist` stores it in the same step.

    The use of the refresh token is undocumented, so the password signs in again instead.
    """

    sends_password = True
    can_renew = True

    def __init__(
        self,
        username: str,
        log_in: LogIn,
        tokens: Mapping[str, Any],
        persist: Callable[[Mapping[str, Any]], None],
    ) -> None:
        # Without the token, so that cached responses outlive its renewal.
        self.fingerprint = hashlib.sha256(username.strip().lower().encode()).hexdigest()
        self._log_in = log_in
        self._persist = persist
        self._sign_in_task: asyncio.Task[None] | None = None
        self._headers: Mapping[str, str] | None = None
        self._expires: datetime | None = None
        self.user: str | None = None
        self._use_tokens(tokens)

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header, after a sign-in if the token is missing or about to expire."""
        is_expired = self._expires is not None and datetime.now(UTC) >= self._expires
        if self._headers is None or is_expired:
            await self._sign_in()
        return self._headers or {}

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Sign in again, unless another request has done so since `refused` was sent."""
        if self._headers == refused:
            await self._sign_in()

    async def _sign_in(self) -> None:
        """Sign in once for all waiting requests, also if it fails: each would send a wrong password again."""
        if self._sign_in_task is None:
            self._sign_in_task = asyncio.create_task(self._fetch_token())
            self._sign_in_task.add_done_callback(self._release)
        await asyncio.shield(self._sign_in_task)

    def _release(self, task: asyncio.Task[None]) -> None:
        self._sign_in_task = None
        if not task.cancelled():
            task.exception()  # mark it as retrieved, because every waiting request may be cancelled

    async def _fetch_token(self) -> None:
        login = await self._log_in()
        expires = None
        if login.lifetime:
            lifetime = timedelta(seconds=min(max(login.lifetime, 1), _MAX_LIFETIME))
            expires = datetime.now(UTC) + lifetime - min(lifetime / 10, _MAX_RENEWAL_MARGIN)
        tokens = {
            ACCESS_TOKEN: login.access_token,
            TOKEN_TYPE: login.token_type,
            EXPIRES: expires.isoformat() if expires else None,
            USER: login.user,
        }
        self._use_tokens(tokens)
        self._persist(tokens)

    def _use_tokens(self, tokens: Mapping[str, Any]) -> None:
        """Use new or stored tokens."""
        if not isinstance(token := tokens.get(ACCESS_TOKEN), str):
            return
        # The documentation names the scheme "Bearer"; the vendor may write it in another case.
        token_type = tokens.get(TOKEN_TYPE)
        scheme = (
            token_type
            if isinstance(token_type, str) and token_type.lower() != "bearer"
            else "Bearer"
        )
        self._headers = {"Authorization": f"{scheme} {token}"}
        self._expires = to_datetime(tokens.get(EXPIRES))
        self.user = tokens.get(USER)
