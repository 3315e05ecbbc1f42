"""Sign in to SENSIT Connect and use the token (a JWT, valid for 8 hours) until shortly before it expires."""

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
import hashlib
from typing import Any, Final

import aiohttp

from ...client.auth import NoAuth
from ...client.budget import RequestBudget, Response
from ...client.decode import identifier, nested, to_datetime, to_number
from ...client.errors import PermissionDeniedError, SignInRejectedError, UnexpectedResponseError
from ...client.transport import Transport, loose
from .models import UserSession, is_valid_token, parse_user_session

STORED_SESSION: Final = "signed"

# A token is renewed this long before it expires, or after nine tenths of its lifetime if that is short.
MARGIN: Final = timedelta(minutes=5)
_MAX_LIFETIME: Final = timedelta(days=7)

# Statuses of a wrong password beside 401 and 403; not documented (UNKNOWN). A 404 is an outage, not a wrong password.
_REFUSALS: Final = frozenset({400, 422})


class SensitSignIn:
    """A sign-in with an e-mail address and a password, which returns a token.

    `persist` stores the token; `stored` is a stored one, used if it belongs to the same credentials.
    """

    sends_password = True
    can_renew = True

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        budget: RequestBudget,
        credentials: tuple[str, str],
        *,
        stored: object,
        persist: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._transport = Transport(session, url, NoAuth(), budget)
        self._budget = budget
        self._email, self._password = credentials
        self._persist = persist
        secret = "\0".join((str(self._transport.url), *credentials)).encode()
        self.fingerprint = hashlib.sha256(secret).hexdigest()
        self._user_session, self._renew_at = _restored(stored, self.fingerprint)

    async def headers(self) -> Mapping[str, str]:
        """Return the Authorization header; signs in first if there is no current token."""
        return _headers(await self.current_session())

    @property
    def user_session(self) -> UserSession | None:
        """Return the session of the stored token, if there is one."""
        return self._user_session

    async def current_session(self) -> UserSession:
        """Return the current session; signs in if there is none. Raises a `VendorError`."""
        current = self._user_session
        if current is None or self._has_expired():
            return await self._replace(current)
        return current

    async def renew(self, refused: Mapping[str, str]) -> None:
        """Sign in again after the token in `refused` got a 401, unless it was replaced since."""
        current = self._user_session
        if current is not None and _headers(current) == refused:
            await self._replace(current)

    async def sign_in(self) -> UserSession:
        """Sign in with the credentials, even if a token is stored; raises a `VendorError`."""
        return await self._replace(self._user_session)

    async def _replace(self, replaced: UserSession | None) -> UserSession:
        """Replace a token; concurrent calls share one request and its result."""
        response = await self._budget.share(f"{self.fingerprint} sign-in", self._post)
        user_session = parse_user_session(response.body)
        if self._user_session is replaced:
            self._store(user_session)
        return user_session

    async def _post(self) -> Response:
        body = {"email": self._email, "password": self._password}
        try:
            return await self._transport.send(
                "POST", "/users/signin", json=body, permission="sign in"
            )
        except PermissionDeniedError:
            raise SignInRejectedError("the vendor refused the credentials") from None
        except UnexpectedResponseError as err:
            if err.status in _REFUSALS:
                raise SignInRejectedError("the vendor refused the credentials") from None
            raise

    def _store(self, user_session: UserSession) -> None:
        now = self._budget.now_utc()
        lifetime = token_lifetime(user_session.token, now)
        renew_at = now + lifetime - min(MARGIN, lifetime / 10) if lifetime else None
        self._user_session, self._renew_at = user_session, renew_at
        self._persist(
            {
                STORED_SESSION: {
                    "token": user_session.token,
                    "user": user_session.user,
                    "role": user_session.role,
                    "until": renew_at.isoformat() if renew_at else None,
                    "for": self.fingerprint,
                }
            }
        )

    def _has_expired(self) -> bool:
        return self._renew_at is not None and self._budget.now_utc() >= self._renew_at


def token_lifetime(token: str, now: datetime) -> timedelta | None:
    """Return the lifetime of a JWT, or None if it has no valid expiry.

    If it says when it was issued, the lifetime is counted from now: the vendor's clock may differ
    from ours. No other claim is read.
    """
    claims: object = None
    with suppress(ValueError, UnexpectedResponseError):
        part = token.split(".")[1] if token.count(".") == 2 else ""
        claims = loose(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(claims, dict):
        return None
    expires, issued = to_number(claims.get("exp")), to_number(claims.get("iat"))
    if expires is None:
        return None
    seconds = expires - (now.timestamp() if issued is None else issued)
    return timedelta(seconds=min(seconds, _MAX_LIFETIME.total_seconds())) if seconds > 0 else None


def _headers(user_session: UserSession) -> dict[str, str]:
    return {"Authorization": f"Bearer {user_session.token}"}


def _restored(stored: object, fingerprint: str) -> tuple[UserSession | None, datetime | None]:
    """Return the session stored for the same credentials, and when to renew its token.

    A damaged value counts as absent: signing in costs one request, a bad token or date an outage.
    """
    if not isinstance(stored, dict) or stored.get("for") != fingerprint:
        return None, None
    row = nested({STORED_SESSION: stored}, STORED_SESSION)
    token, user, role = (row.get(name) for name in ("token", "user", "role"))
    if not isinstance(token, str) or not is_valid_token(token):
        return None, None
    if not isinstance(role, str) or identifier(user) is None:
        return None, None
    until = row.get("until")
    renew_at = to_datetime(until)
    if until is not None and renew_at is None:
        return None, None
    return UserSession(token, str(user), role), renew_at
